// Resampling with a window of weights for each position, first down the columns, then across the rows. What the windows are (Lanczos,
// tent) the caller says; they lie within the picture, so edges need no care here.
#include "record.h"
#include "math.h"

struct ScaleView {
    const void* in;           // down: bytes or floats, `stride` a row; across: floats
    void* out;                // down: floats; across: three parts a pixel
    const float* weights;     // `taps` for each position
    const uint32_t* first;    // where each window starts
    uint32_t width;           // down: parts a row; across: pixels of a row of the output
    uint32_t in_stride, out_stride, taps;
    uint32_t from_row;        // the output row that the floats between the passes start with; y counts from there
};
K_RECORDS(scale, sizeof(ScaleView), (uint32_t)offsetof(ScaleView, from_row))

K_HOT float part(const uint8_t* p) { return (float)*p; }
K_HOT float part(const float* p) { return *p; }

// A row of weighted sums of rows, four vectors at a time.
template <typename Part> K_HOT void down(const ScaleView& v, uint32_t y, uint32_t x0, uint32_t x1) {
    const Part* in = (const Part*)v.in + (size_t)v.first[v.from_row + y] * v.in_stride;
    const float* weights = v.weights + (size_t)(v.from_row + y) * v.taps;
    float* out = (float*)v.out + (size_t)y * v.out_stride;
    uint32_t x = x0;
    for (; x + 4 * K_LANES <= x1; x += 4 * K_LANES) {
        lanes sum[4] = {lanes_of(0.0f), lanes_of(0.0f), lanes_of(0.0f), lanes_of(0.0f)};
        const Part* p = in + x;
        for (uint32_t t = 0; t < v.taps; t++, p += v.in_stride)
            for (int i = 0; i < 4; i++) sum[i] += lanes_load(p + i * K_LANES) * weights[t];
        for (int i = 0; i < 4; i++) lanes_store(out + x + i * K_LANES, sum[i]);
    }
    for (; x < x1; x++) {
        float sum = 0.0f;
        const Part* p = in + x;
        for (uint32_t t = 0; t < v.taps; t++, p += v.in_stride) sum += part(p) * weights[t];
        out[x] = sum;
    }
}
K_DEVICE void scale_down_bytes_pixels(const ScaleView& v, uint32_t y, uint32_t x0, uint32_t x1) { down<uint8_t>(v, y, x0, x1); }
K_PIXELS(scale_down_bytes, ScaleView)
K_DEVICE void scale_down_floats_pixels(const ScaleView& v, uint32_t y, uint32_t x0, uint32_t x1) { down<float>(v, y, x0, x1); }
K_PIXELS(scale_down_floats, ScaleView)

K_HOT void store(uint8_t* p, float x) { *p = (uint8_t)(k_clamp(x, 0.0f, 255.0f) + 0.5f); }
K_HOT void store(float* p, float x) { *p = x; }

template <typename Part> K_HOT void across(const ScaleView& v, uint32_t y, uint32_t x0, uint32_t x1) {
    const float* in = (const float*)v.in + (size_t)y * v.in_stride;
    Part* out = (Part*)v.out + (size_t)(v.from_row + y) * v.out_stride;
    for (uint32_t x = x0; x < x1; x++) {
        float sum[3];
        k_weigh(in + 3u * (size_t)v.first[x], v.weights + (size_t)x * v.taps, v.taps, sum);
        for (int c = 0; c < 3; c++) store(out + 3u * (size_t)x + c, sum[c]);
    }
}
K_DEVICE void scale_across_bytes_pixels(const ScaleView& v, uint32_t y, uint32_t x0, uint32_t x1) { across<uint8_t>(v, y, x0, x1); }
K_PIXELS(scale_across_bytes, ScaleView)
K_DEVICE void scale_across_floats_pixels(const ScaleView& v, uint32_t y, uint32_t x0, uint32_t x1) { across<float>(v, y, x0, x1); }
K_PIXELS(scale_across_floats, ScaleView)

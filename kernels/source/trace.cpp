// The tracing kernel: the layers of a rectangle of pixels.
#include "trace.h"

K_DEVICE void trace_one(const View& view, const LayersView& out, uint32_t x, uint32_t y) {
    V3 noisy = v3(0.0f), clear = v3(0.0f), albedo = v3(0.0f), normal = v3(0.0f);
    float inverse_depth = 0.0f, sum = 0.0f, sum2 = 0.0f;
    for (uint32_t i = 0; i < view.samples; i++) {
        Seen s = sample_pixel(view, x, y, i);
        noisy = noisy + s.noisy;
        clear = clear + s.clear;
        albedo = albedo + s.albedo;
        normal = normal + s.normal;
        inverse_depth += s.depth > 0.0f && k_finite(s.depth) ? 1.0f / s.depth : 0.0f;
        float l = luminance(s.noisy) / k_max(luminance(s.albedo), 0.01f);
        sum += l;
        sum2 += l * l;
    }
    float n = (float)view.samples, share = 1.0f / n;
    size_t at = (size_t)y * view.width + x;
    noisy = noisy * share;
    clear = clear * share;
    albedo = albedo * share;
    V3 color = noisy + clear;
    float mean = sum * share, spread = k_max(sum2 * share - mean * mean, 0.0f);
    float* planes[4] = {out.color + at * 3, out.clear + at * 3, out.albedo + at * 3, out.normal + at * 3};
    V3 values[4] = {color, clear, albedo, normal * share};
    for (int p = 0; p < 4; p++) {
        planes[p][0] = values[p].x;
        planes[p][1] = values[p].y;
        planes[p][2] = values[p].z;
    }
    out.depth[at] = inverse_depth > 0.0f ? n / inverse_depth : K_INF;
    out.variance[at] = spread / k_max(n - 1.0f, 1.0f);
}

#if defined(__CUDACC__) || defined(__CUDACC_RTC__)
K_LAUNCH(trace)(View view, LayersView out) {
    uint32_t x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x < view.width && y < view.height) trace_one(view, out, x, y);
}
#else
K_LAUNCH(trace)(const View* view, const LayersView* out, uint32_t x0, uint32_t y0, uint32_t x1, uint32_t y1) {
    for (uint32_t y = y0; y < y1; y++)
        for (uint32_t x = x0; x < x1; x++) trace_one(*view, *out, x, y);
}
#endif

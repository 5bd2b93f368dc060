// RGB to what encoders read: NV12, P010 and planar 4:2:2 of 10 bits. BT.709's matrix (ITU-R BT.709-6, 3.2–3.5), limited range.
//
// Everything is worked out in 16 bits: a component of full range is 0–65280 (a byte in the upper half), a code of any format is
// the rounded upper part of a 16-bit code. Chroma is sited left, as MPEG-2 and H.264 expect it: across, at the even pixels, each the
// 1-2-1 mean of three; down, in 4:2:0, midway between two rows. Pixels past an edge repeat it.
#include "record.h"
#include "transfer.h"

struct ConvertView {
    const void* rgb;              // three bytes or three floats a pixel
    uint8_t *luma, *blue, *red;   // planes; NV12 and P010 have both chromas in `blue`
    uint32_t luma_stride, chroma_stride; // in bytes
    uint32_t width;               // columns of chroma
    uint32_t rgb_width, rgb_height;
    uint32_t transfer;            // of floats
};
K_RECORDS(convert, sizeof(ConvertView), (uint32_t)offsetof(ConvertView, transfer))

// Factors of components, by 65536: 16-bit luma is 219·256/65280 of them, chroma 224·256/65280.
#define KR 0.2126
#define KG 0.7152
#define KB 0.0722
#define FACTOR(share, range) ((uint32_t)((share) * (range) * 256.0 / 65280.0 * 65536.0 + 0.5))
#define HALF_BLUE (0.5 / (1.0 - KB))
#define HALF_RED (0.5 / (1.0 - KR))

K_HOT uint16_t upper(uint16_t a, uint32_t factor) { return (uint16_t)((uint32_t)a * factor >> 16); }
// Each `upper` rounds down, by half a unit on average: the constants make up for it.
K_HOT uint16_t luma_of(uint16_t r, uint16_t g, uint16_t b) {
    return (uint16_t)(upper(r, FACTOR(KR, 219.0)) + upper(g, FACTOR(KG, 219.0)) + upper(b, FACTOR(KB, 219.0)) + (16 * 256 + 1));
}
K_HOT uint16_t blue_of(uint16_t r, uint16_t g, uint16_t b) {
    return (uint16_t)(32768 + upper(b, FACTOR(0.5, 224.0)) - upper(r, FACTOR(KR * HALF_BLUE, 224.0)) - upper(g, FACTOR(KG * HALF_BLUE, 224.0)));
}
K_HOT uint16_t red_of(uint16_t r, uint16_t g, uint16_t b) {
    return (uint16_t)(32768 + upper(r, FACTOR(0.5, 224.0)) - upper(g, FACTOR(KG * HALF_RED, 224.0)) - upper(b, FACTOR(KB * HALF_RED, 224.0)));
}

// A run of pixels of a row, with the one before it first.
struct Run {
    uint16_t r[K_RUN + 2], g[K_RUN + 2], b[K_RUN + 2];
};
K_HOT uint16_t component(uint8_t x, uint32_t) { return (uint16_t)(x << 8); }
K_HOT uint16_t component(float x, uint32_t transfer) {
    x = k_unit(x);
    x = transfer == TRANSFER_SRGB ? srgb_of(x) : transfer == TRANSFER_BT709 ? bt709_of(x) : x;
    return (uint16_t)(k_unit(x) * 65280.0f + 0.5f);
}
K_HOT void spread(const uint8_t* p, uint32_t, Run* run) { k_spread(p, run->r + 1, run->g + 1, run->b + 1); }
K_HOT void spread(const float* p, uint32_t transfer, Run* run) {
    for (int i = 0; i < K_RUN; i++) run->r[i + 1] = component(p[3 * i], transfer);
    for (int i = 0; i < K_RUN; i++) run->g[i + 1] = component(p[3 * i + 1], transfer);
    for (int i = 0; i < K_RUN; i++) run->b[i + 1] = component(p[3 * i + 2], transfer);
}
template <typename Part> K_HOT void put(const Part* p, uint32_t transfer, uint32_t i, Run* run) {
    run->r[i] = component(p[0], transfer);
    run->g[i] = component(p[1], transfer);
    run->b[i] = component(p[2], transfer);
}
template <typename Part> K_HOT void load(const ConvertView& v, uint32_t y, uint32_t x, Run* run) {
    y = y < v.rgb_height ? y : v.rgb_height - 1u;
    const Part* row = (const Part*)v.rgb + (size_t)y * v.rgb_width * 3u;
    put(row + 3u * (size_t)(x ? x - 1u : 0u), v.transfer, 0, run);
    if (x + K_RUN <= v.rgb_width) {
        spread(row + 3u * (size_t)x, v.transfer, run);
        return;
    }
    for (uint32_t i = 0; i < K_RUN; i++) put(row + 3u * (size_t)(x + i < v.rgb_width ? x + i : v.rgb_width - 1u), v.transfer, i + 1u, run);
}

// The formats: how a 16-bit code is rounded and stored, and where chroma goes.
struct Nv12 {
    typedef uint8_t Code;
    static const uint32_t rows = 2, pair = 1;
    K_HOT Code code(uint16_t c) { return (uint8_t)((c + 128u) >> 8); }
};
struct P010 {
    typedef uint16_t Code;
    static const uint32_t rows = 2, pair = 1;
    K_HOT Code code(uint16_t c) { return (uint16_t)((c + 32u) & 0xffc0u); }
};
struct Yuv422p10 {
    typedef uint16_t Code;
    static const uint32_t rows = 1, pair = 0;
    K_HOT Code code(uint16_t c) { return (uint16_t)((c + 32u) >> 6); }
};

template <typename Format> K_HOT void store_luma(const ConvertView& v, uint32_t y, uint32_t x, const Run& run) {
    typename Format::Code* out = (typename Format::Code*)(v.luma + (size_t)y * v.luma_stride) + x;
    uint32_t count = v.rgb_width - x;
    if (count >= K_RUN) {
        for (int i = 0; i < K_RUN; i++) out[i] = Format::code(luma_of(run.r[i + 1], run.g[i + 1], run.b[i + 1]));
    } else {
        for (uint32_t i = 0; i < count; i++) out[i] = Format::code(luma_of(run.r[i + 1], run.g[i + 1], run.b[i + 1]));
    }
}

// The 1-2-1 mean at even pixels of the mean of two rows; bytes lose nothing to the shifts.
K_HOT void halve(const uint16_t* a, const uint16_t* b, uint16_t* out) {
    uint16_t mean[K_RUN + 2];
    for (int i = 0; i < K_RUN + 1; i++) mean[i] = (uint16_t)((a[i] >> 1) + (b[i] >> 1));
    for (int i = 0; i < K_RUN / 2; i++) out[i] = (uint16_t)((mean[2 * i] >> 2) + (mean[2 * i + 1] >> 1) + (mean[2 * i + 2] >> 2));
}
template <typename Format> K_HOT void store_chroma(const ConvertView& v, uint32_t y, uint32_t c, const Run& a, const Run& b) {
    uint16_t r[K_RUN / 2], g[K_RUN / 2], bl[K_RUN / 2];
    halve(a.r, b.r, r);
    halve(a.g, b.g, g);
    halve(a.b, b.b, bl);
    typedef typename Format::Code Code;
    Code* blue = (Code*)(v.blue + (size_t)y * v.chroma_stride) + c * (1u + Format::pair);
    Code* red = Format::pair ? blue + 1 : (Code*)(v.red + (size_t)y * v.chroma_stride) + c;
    const uint32_t step = 1u + Format::pair;
    uint32_t count = v.width - c;
    if (count >= K_RUN / 2) {
        for (uint32_t i = 0; i < K_RUN / 2; i++) blue[i * step] = Format::code(blue_of(r[i], g[i], bl[i])), red[i * step] = Format::code(red_of(r[i], g[i], bl[i]));
    } else {
        for (uint32_t i = 0; i < count; i++) blue[i * step] = Format::code(blue_of(r[i], g[i], bl[i])), red[i * step] = Format::code(red_of(r[i], g[i], bl[i]));
    }
}

// Row y of chroma with its rows of luma, columns c0–c1.
template <typename Part, typename Format> K_HOT void convert_row(const ConvertView& v, uint32_t y, uint32_t c0, uint32_t c1) {
    for (uint32_t c = c0; c < c1; c += K_RUN / 2) {
        Run a, b;
        load<Part>(v, y * Format::rows, c * 2u, &a);
        store_luma<Format>(v, y * Format::rows, c * 2u, a);
        if (Format::rows == 1) {
            store_chroma<Format>(v, y, c, a, a);
            continue;
        }
        load<Part>(v, y * 2u + 1u, c * 2u, &b);
        if (y * 2u + 1u < v.rgb_height) store_luma<Format>(v, y * 2u + 1u, c * 2u, b);
        store_chroma<Format>(v, y, c, a, b);
    }
}
#define CONVERT(name, Part, Format) \
    K_DEVICE void name##_pixels(const ConvertView& v, uint32_t y, uint32_t x0, uint32_t x1) { convert_row<Part, Format>(v, y, x0, x1); }
CONVERT(convert_nv12_bytes, uint8_t, Nv12)
K_PIXELS(convert_nv12_bytes, ConvertView)
CONVERT(convert_nv12_floats, float, Nv12)
K_PIXELS(convert_nv12_floats, ConvertView)
CONVERT(convert_p010_bytes, uint8_t, P010)
K_PIXELS(convert_p010_bytes, ConvertView)
CONVERT(convert_p010_floats, float, P010)
K_PIXELS(convert_p010_floats, ConvertView)
CONVERT(convert_422p10_bytes, uint8_t, Yuv422p10)
K_PIXELS(convert_422p10_bytes, ConvertView)
CONVERT(convert_422p10_floats, float, Yuv422p10)
K_PIXELS(convert_422p10_floats, ConvertView)

// Developing: bloom, exposure, decision list, tone curve, vignette, sRGB, look-up table, grain.
#include "grade.h"
#include "sample.h"
#include "transfer.h"

struct FilmView {
    const float* color;   // linear, three floats a pixel
    const float* bloom;   // a quarter of the size each way, or null
    uint8_t* rgb;
    uint32_t width, height, bloom_width, bloom_height;
    Grade grade;          // the list for linear light, the table for sRGB
    float exposure;       // factor
    float bloom_share, grain, vignette;
    uint32_t seed;
};

// Khronos PBR Neutral (github.com/KhronosGroup/ToneMapping, PBR_Neutral): hues kept, highlights compressed past 0.76.
K_HOT V3 tone_curve(V3 c) {
    const float start = 0.8f - 0.04f, desaturation = 0.15f;
    float x = k_min(c.x, k_min(c.y, c.z));
    float offset = x < 0.08f ? x - 6.25f * x * x : 0.04f;
    c = c - v3(offset);
    float peak = largest(c);
    if (peak < start) return c;
    float d = 1.0f - start;
    float new_peak = 1.0f - d * d / (peak + d - start);
    c = c * (new_peak / peak);
    float g = 1.0f - 1.0f / (desaturation * (peak - new_peak) + 1.0f);
    return mix(c, v3(new_peak), g);
}

// For tests: the tone curve of each of some colours.
struct Tones {
    const float* in;
    float* out;
};
K_DEVICE void tone_item(const Tones& t, uint32_t i) {
    V3 c = tone_curve(v3(t.in + 3 * (size_t)i));
    float* out = t.out + 3 * (size_t)i;
    out[0] = c.x;
    out[1] = c.y;
    out[2] = c.z;
}
K_ITEMS(tone, Tones)

// A step between two sizes of an image, three floats a pixel; width and height are the output's.
struct Resize {
    const float* in;
    float* out;
    uint32_t width, height, in_width, in_height;
    float most; // halving: brighter counts as this
    float keep; // doubling: what stays of the output
};
// Halves an image, with the 4 × 4 tent that doesn't flicker as a small light crosses pixels.
K_DEVICE void film_halve_pixels(const Resize& r, uint32_t y, uint32_t x0, uint32_t x1) {
    const float tap[4] = {0.125f, 0.375f, 0.375f, 0.125f};
    for (uint32_t x = x0; x < x1; x++) {
        V3 sum = v3(0.0f);
        for (int j = 0; j < 4; j++)
            for (int i = 0; i < 4; i++) {
                int32_t px = (int32_t)(x * 2) + i - 1, py = (int32_t)(y * 2) + j - 1;
                px = px < 0 ? 0 : (px >= (int32_t)r.in_width ? (int32_t)r.in_width - 1 : px);
                py = py < 0 ? 0 : (py >= (int32_t)r.in_height ? (int32_t)r.in_height - 1 : py);
                V3 c = v3(r.in + ((size_t)py * r.in_width + (uint32_t)px) * 3);
                sum = sum + vclamp(c, 0.0f, r.most) * (tap[i] * tap[j]);
            }
        float* o = r.out + ((size_t)y * r.width + x) * 3;
        o[0] = sum.x;
        o[1] = sum.y;
        o[2] = sum.z;
    }
}
K_PIXELS(film_halve, Resize)

K_HOT V3 bilinear(const float* in, uint32_t width, uint32_t height, float x, float y) {
    x = k_clamp(x - 0.5f, 0.0f, (float)(width - 1));
    y = k_clamp(y - 0.5f, 0.0f, (float)(height - 1));
    uint32_t x0 = (uint32_t)x, y0 = (uint32_t)y;
    uint32_t x1 = x0 + 1 < width ? x0 + 1 : x0, y1 = y0 + 1 < height ? y0 + 1 : y0;
    float tx = x - (float)x0, ty = y - (float)y0;
    V3 a = mix(v3(in + ((size_t)y0 * width + x0) * 3), v3(in + ((size_t)y0 * width + x1) * 3), tx);
    V3 b = mix(v3(in + ((size_t)y1 * width + x0) * 3), v3(in + ((size_t)y1 * width + x1) * 3), tx);
    return mix(a, b, ty);
}
// Adds a coarser level to a finer one: out = out · keep + doubled(in) · (1 − keep).
K_DEVICE void film_double_pixels(const Resize& r, uint32_t y, uint32_t x0, uint32_t x1) {
    float sx = (float)r.in_width / (float)r.width, sy = (float)r.in_height / (float)r.height;
    for (uint32_t x = x0; x < x1; x++) {
        V3 c = bilinear(r.in, r.in_width, r.in_height, ((float)x + 0.5f) * sx, ((float)y + 0.5f) * sy);
        float* o = r.out + ((size_t)y * r.width + x) * 3;
        o[0] = o[0] * r.keep + c.x * (1.0f - r.keep);
        o[1] = o[1] * r.keep + c.y * (1.0f - r.keep);
        o[2] = o[2] * r.keep + c.z * (1.0f - r.keep);
    }
}
K_PIXELS(film_double, Resize)

K_DEVICE void film_finish_pixels(const FilmView& v, uint32_t y, uint32_t x0, uint32_t x1) {
    float w = (float)v.width, h = (float)v.height;
    for (uint32_t x = x0; x < x1; x++) {
        size_t at = ((size_t)y * v.width + x) * 3;
        V3 c = v3(v.color + at);
        float px = (float)x + 0.5f, py = (float)y + 0.5f;
        if (v.bloom) {
            V3 b = bilinear(v.bloom, v.bloom_width, v.bloom_height, px * (float)v.bloom_width / w, py * (float)v.bloom_height / h);
            c = mix(c, b, v.bloom_share);
        }
        float rx = (2.0f * px - w) / w, ry = (2.0f * py - h) / w;
        float r2 = (rx * rx + ry * ry) * 0.76f;
        float fall = 1.0f / (1.0f + 0.55f * r2);
        c = c * (v.exposure * k_mix(1.0f, fall * fall, v.vignette * 1.4f));
        c = tone_curve(cdl(v.grade, c));
        uint32_t seed = hash_mix(v.seed ^ (x * 0x8da6b343u + y * 0xd8163841u));
        uint32_t more = hash_mix(seed);
        // Four bytes make a bell of deviation 147.8; grain is strongest in the middle tones.
        float bell = ((float)((seed & 255u) + (seed >> 8 & 255u) + (seed >> 16 & 255u) + (seed >> 24)) - 510.0f) * (1.0f / 147.8f);
        float tri = ((float)(more & 0xffffu) + (float)(more >> 16)) * (1.0f / 65536.0f) - 1.0f;
        float tone = k_unit(luminance(c));
        float noise = v.grain * bell * (0.45f + 2.2f * tone * (1.0f - tone)) + tri * 0.5f;
        c = v3(srgb_of(k_unit(c.x)), srgb_of(k_unit(c.y)), srgb_of(k_unit(c.z)));
        if (v.grade.lut) c = looked_up(v.grade, c);
        float coded[3] = {c.x, c.y, c.z};
        for (int i = 0; i < 3; i++) {
            float e = coded[i] * 255.0f + noise;
            v.rgb[at + (size_t)i] = (uint8_t)(k_clamp(e, 0.0f, 255.0f) + 0.5f);
        }
    }
}
K_PIXELS(film_finish, FilmView)

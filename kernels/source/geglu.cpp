// GEGLU (Shazeer 2020): half of each row times the GELU of the other half, with the exact error function (Hendrycks and Gimpel 2016).
#include "element.h"
#include "record.h"

struct GegluView {
    const void* in;   // rows × 2 width, as stored: values, then gates
    void* out;        // rows × width
    uint32_t width;
};
K_RECORDS(geglu, sizeof(GegluView), (uint32_t)offsetof(GegluView, width))

// Half of erfc(z / √2) for z ≥ 0, relative error below 2e-6 (Press et al., Numerical Recipes, 6.2: erfcc).
K_HOT float tail(float z) {
    float x = k_min(z, 13.0f) * 0.70710678f;
    float t = 1.0f / (1.0f + 0.5f * x);
    float p = 0.17087277f;
    p = p * t - 0.82215223f;
    p = p * t + 1.48851587f;
    p = p * t - 1.13520398f;
    p = p * t + 0.27886807f;
    p = p * t - 0.18628806f;
    p = p * t + 0.09678418f;
    p = p * t + 0.37409196f;
    p = p * t + 1.00002368f;
    p = p * t - 1.26551223f;
    return 0.5f * t * k_exp(p - x * x);
}
K_HOT float gelu(float x) {
    float below = tail(k_abs(x));
    return x * (x < 0.0f ? below : 1.0f - below);
}

template <typename Stored> K_HOT void gated(const GegluView& v, uint32_t y, uint32_t x0, uint32_t x1) {
    const Stored *values = (const Stored*)v.in + (size_t)y * v.width * 2, *gates = values + v.width;
    Stored* out = (Stored*)v.out + (size_t)y * v.width;
    for (uint32_t x = x0; x < x1; x++) put(out + x, value(values[x]) * gelu(value(gates[x])));
}
K_DEVICE void geglu_pixels(const GegluView& v, uint32_t y, uint32_t x0, uint32_t x1) { gated<float>(v, y, x0, x1); }
K_PIXELS(geglu, GegluView)
K_DEVICE void geglu_half_pixels(const GegluView& v, uint32_t y, uint32_t x0, uint32_t x1) { gated<Half>(v, y, x0, x1); }
K_PIXELS(geglu_half, GegluView)
K_DEVICE void geglu_brain_pixels(const GegluView& v, uint32_t y, uint32_t x0, uint32_t x1) { gated<Brain>(v, y, x0, x1); }
K_PIXELS(geglu_brain, GegluView)

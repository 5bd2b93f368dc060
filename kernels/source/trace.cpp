// The tracing kernel: the layers of a rectangle of pixels.
#include "trace.h"

K_DEVICE void trace_one(const View& view, const LayersView& out, uint32_t x, uint32_t y) {
    V3 noisy = v3(0.0f), clear = v3(0.0f), albedo = v3(0.0f), normal = v3(0.0f);
    float inverse_depth = 0.0f, sum = 0.0f, sum2 = 0.0f;
    Shared shared;
    shared.haze_t = -1.0f;
    shared.worn.solid = K_NOTHING;
    shared.middle = camera_ray(view, (float)x + 0.5f, (float)y + 0.5f, v2(0.0f, 0.0f));
    for (uint32_t i = 0; i < view.samples; i++) {
        Seen s = sample_pixel(view, x, y, i, &shared);
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

// Nearest hits of free rays: origin, direction, and the stretch of each that counts. Eight floats a ray, in the order of RayIn.
struct RayIn {
    float origin[3], near_t, direction[3], far_t;
};
struct HitOut {
    float t, u, v;
    uint32_t solid, triangle;
};
K_DEVICE void nearest_one(const View& view, const RayIn& in, HitOut* out) {
    Ray ray = {v3(in.origin), v3(in.direction), in.near_t, in.far_t};
    Hit hit = closest(view, ray);
    out->t = hit.t;
    out->u = hit.u;
    out->v = hit.v;
    out->solid = hit.solid;
    out->triangle = hit.triangle;
}
// What share of light passes along free rays.
K_DEVICE void passed_one(const View& view, const RayIn& in, float* out) {
    Ray ray = {v3(in.origin), v3(in.direction), in.near_t, in.far_t};
    V3 through = transmitted(view, ray);
    out[0] = through.x;
    out[1] = through.y;
    out[2] = through.z;
}
#if defined(__CUDACC__) || defined(__CUDACC_RTC__)
K_LAUNCH(nearest)(View view, const RayIn* rays, HitOut* hits, uint32_t count) {
    uint32_t i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) nearest_one(view, rays[i], hits + i);
}
K_LAUNCH(passed)(View view, const RayIn* rays, float* shares, uint32_t count) {
    uint32_t i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) passed_one(view, rays[i], shares + 3 * (size_t)i);
}
#else
K_LAUNCH(nearest)(const View* view, const RayIn* rays, HitOut* hits, uint32_t from, uint32_t to) {
    for (uint32_t i = from; i < to; i++) nearest_one(*view, rays[i], hits + i);
}
K_LAUNCH(passed)(const View* view, const RayIn* rays, float* shares, uint32_t from, uint32_t to) {
    for (uint32_t i = from; i < to; i++) passed_one(*view, rays[i], shares + 3 * (size_t)i);
}
#endif

#if !defined(__CUDACC__) && !defined(__CUDACC_RTC__)
// For tests: `count` points of a pair of dimensions at one pixel, and the sizes of the records that Rust mirrors.
K_LAUNCH(points)(uint32_t x, uint32_t y, uint32_t count, uint32_t log2_samples, uint32_t dimension, uint32_t seed, float* out) {
    for (uint32_t i = 0; i < count; i++) {
        V2 r = sample2(sampler_of(x, y, i, log2_samples, seed), dimension);
        out[2 * i] = r.x;
        out[2 * i + 1] = r.y;
    }
}
K_LAUNCH(sizes)(uint32_t* out) {
    const uint32_t sizes[] = {sizeof(Node), sizeof(Block), sizeof(Vertex), sizeof(Triangle), sizeof(Surfacing), sizeof(Image), sizeof(SolidView), sizeof(Lamp),
        sizeof(LampTable), sizeof(SkyView), sizeof(FogView), sizeof(CameraView), sizeof(View), sizeof(LayersView), sizeof(RayIn), sizeof(HitOut),
        (uint32_t)offsetof(View, clamp), (uint32_t)offsetof(Surfacing, texture), (uint32_t)offsetof(Block, id), (uint32_t)offsetof(Lamp, luminance)};
    for (uint32_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) out[i] = sizes[i];
}
// For tests of the elementary functions: exp2, log2, sine and cosine of a turn, arc tangent.
K_LAUNCH(elementary)(float x, float* out) {
    out[0] = k_exp2(x);
    out[1] = k_log2(k_max(x, 1e-30f));
    k_turn(x, out + 2, out + 3);
    out[4] = k_atan(x);
}
#endif

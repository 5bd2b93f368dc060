// The tracing kernel: the layers of a rectangle of pixels.
#include "trace.h"

K_DEVICE void trace_one(const View& view, const LayersView& out, uint32_t x, uint32_t y) {
    V3 noisy = v3(0.0f), clear = v3(0.0f), albedo = v3(0.0f), normal = v3(0.0f);
    float inverse_depth = 0.0f, sum = 0.0f, sum2 = 0.0f;
    Shared shared;
    shared.haze_t = -1.0f;
    shared.worn.solid = K_NOTHING;
    shared.middle = camera_ray(view, (float)x + 0.5f, (float)y + 0.5f, v2(0.0f, 0.0f));
    Start starts[K_BUNDLE];
    Ray rays[K_BUNDLE];
    Hit hits[K_BUNDLE];
    for (uint32_t i = 0; i < view.samples; i++) {
        uint32_t at = i % K_BUNDLE;
        if (at == 0) {
            uint32_t count = view.samples - i < K_BUNDLE ? view.samples - i : K_BUNDLE;
            for (uint32_t k = 0; k < count; k++) rays[k] = start_of(view, x, y, i + k, &starts[k]);
            closest_of_each(view, rays, count, hits);
        }
        Seen s = sample_pixel(view, starts[at], rays[at], hits[at], &shared);
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

// Pixels are counted tile by tile, so that neighbours in number are neighbours on the screen: K_TILE × K_TILE to a tile.
#define K_TILE 16u
struct Tracing {
    View view;
    LayersView out;
};
K_DEVICE void trace_item(const Tracing& t, uint32_t i) {
    uint32_t across = (t.view.width + K_TILE - 1u) / K_TILE, tile = i / (K_TILE * K_TILE), within = i % (K_TILE * K_TILE);
    uint32_t x = tile % across * K_TILE + within % K_TILE, y = tile / across * K_TILE + within / K_TILE;
    if (x < t.view.width && y < t.view.height) trace_one(t.view, t.out, x, y);
}
K_ITEMS(trace, Tracing)

// Nearest hits of free rays: origin, direction, and the stretch of each that counts. Eight floats a ray, in the order of RayIn.
struct RayIn {
    float origin[3], near_t, direction[3], far_t;
};
struct HitOut {
    float t, u, v;
    uint32_t solid, triangle;
};
struct Probing {
    View view;
    const RayIn* rays;
    HitOut* hits;
    float* shares; // three a ray
};
K_DEVICE void nearest_item(const Probing& p, uint32_t i) {
    const RayIn& in = p.rays[i];
    Ray ray = {v3(in.origin), v3(in.direction), in.near_t, in.far_t};
    Hit hit = closest(p.view, ray);
    HitOut* out = p.hits + i;
    out->t = hit.t;
    out->u = hit.u;
    out->v = hit.v;
    out->solid = hit.solid;
    out->triangle = hit.triangle;
}
K_ITEMS(nearest, Probing)

// What share of light passes along free rays.
K_DEVICE void passed_item(const Probing& p, uint32_t i) {
    const RayIn& in = p.rays[i];
    Ray ray = {v3(in.origin), v3(in.direction), in.near_t, in.far_t};
    V3 through = transmitted(p.view, ray, nullptr);
    float* out = p.shares + 3 * (size_t)i;
    out[0] = through.x;
    out[1] = through.y;
    out[2] = through.z;
}
K_ITEMS(passed, Probing)

// For tests: points of a pair of dimensions at one pixel, and the elementary functions: exp2, log2, sine and cosine of a turn,
// arc tangent, at each of some numbers.
struct Points {
    uint32_t x, y, log2_samples, dimension, seed;
    float* out; // two a point
};
K_DEVICE void points_item(const Points& p, uint32_t i) {
    V2 r = sample2(sampler_of(p.x, p.y, i, p.log2_samples, p.seed), p.dimension);
    p.out[2 * i] = r.x;
    p.out[2 * i + 1] = r.y;
}
K_ITEMS(points, Points)
struct Elementary {
    const float* in;
    float* out; // five a number
};
K_DEVICE void elementary_item(const Elementary& e, uint32_t i) {
    float x = e.in[i], *out = e.out + 5 * (size_t)i;
    out[0] = k_exp2(x);
    out[1] = k_log2(k_max(x, 1e-30f));
    k_turn(x, out + 2, out + 3);
    out[4] = k_atan(x);
}
K_ITEMS(elementary, Elementary)

// For tests: the sizes and offsets of the records that Rust mirrors.
struct Sizes {
    uint32_t* out;
};
K_DEVICE void sizes_item(const Sizes& s, uint32_t i) {
    const uint32_t sizes[] = {sizeof(Node), sizeof(Block), sizeof(Vertex), sizeof(Triangle), sizeof(Surfacing), sizeof(Image), sizeof(SolidView), sizeof(Lamp),
        sizeof(LampTable), sizeof(SkyView), sizeof(FogView), sizeof(CameraView), sizeof(View), sizeof(LayersView), sizeof(Tracing), sizeof(Probing), sizeof(RayIn), sizeof(HitOut),
        (uint32_t)offsetof(View, clamp), (uint32_t)offsetof(Surfacing, texture), (uint32_t)offsetof(Block, id), (uint32_t)offsetof(Lamp, luminance), sizeof(Packed)};
    s.out[i] = sizes[i];
}
K_ITEMS(sizes, Sizes)

// Rays against the eight-wide tree. Box tests may only prune what can't be hit, and equal distances go to the lower triangle, so
// the answer doesn't depend on the order of the walk.
#pragma once
#include "scene.h"

struct Ray {
    V3 o, d;
    float near_t, far_t;
};

struct Hit {
    float t, u, v;
    uint32_t solid, triangle; // triangle is K_NOTHING when nothing is hit
};

// What a walk needs of a ray: reciprocals, and which bound of a box is entered first on each axis.
struct Slabs {
    V3 o, inv;
    int near_x, near_y, near_z; // offsets in floats into Node::low
};
K_HOT float reciprocal(float d) {
    float safe = k_abs(d) < 1e-18f ? (k_bits(d) >> 31 ? -1e-18f : 1e-18f) : d;
    return 1.0f / safe;
}
K_HOT Slabs slabs_of(const Ray& r) {
    Slabs s;
    s.o = r.o;
    s.inv = v3(reciprocal(r.d.x), reciprocal(r.d.y), reciprocal(r.d.z));
    s.near_x = s.inv.x >= 0.0f ? 0 : 24;
    s.near_y = s.inv.y >= 0.0f ? 8 : 32;
    s.near_z = s.inv.z >= 0.0f ? 16 : 40;
    return s;
}
// Rounding of the slab arithmetic, outwards (Ize 2013, "Robust BVH ray traversal").
#define K_OUTWARDS 1.0000005f
// How far beyond a hit boxes are still entered: a triangle's distance rounds otherwise than that of its box, and of two
// surfaces in one place the nearer must win, whichever is met first.
#define K_BEYOND 1.00002f

// Four triangles at once (Möller & Trumbore 1997). Gives the lanes hit within (near_t, far_t] and their t, u, v.
#if defined(K_SSE2)
K_HOT uint32_t test_block(const Block& b, const Ray& r, float far_t, float* t4, float* u4, float* v4) {
    __m128 e1x = _mm_load_ps(b.edge1[0]), e1y = _mm_load_ps(b.edge1[1]), e1z = _mm_load_ps(b.edge1[2]);
    __m128 e2x = _mm_load_ps(b.edge2[0]), e2y = _mm_load_ps(b.edge2[1]), e2z = _mm_load_ps(b.edge2[2]);
    __m128 dx = _mm_set1_ps(r.d.x), dy = _mm_set1_ps(r.d.y), dz = _mm_set1_ps(r.d.z);
    __m128 px = _mm_sub_ps(_mm_mul_ps(dy, e2z), _mm_mul_ps(dz, e2y));
    __m128 py = _mm_sub_ps(_mm_mul_ps(dz, e2x), _mm_mul_ps(dx, e2z));
    __m128 pz = _mm_sub_ps(_mm_mul_ps(dx, e2y), _mm_mul_ps(dy, e2x));
    __m128 det = _mm_add_ps(_mm_add_ps(_mm_mul_ps(e1x, px), _mm_mul_ps(e1y, py)), _mm_mul_ps(e1z, pz));
    __m128 sign = _mm_and_ps(det, _mm_castsi128_ps(_mm_set1_epi32((int)0x80000000)));
    __m128 size = _mm_xor_ps(det, sign);
    __m128 sx = _mm_sub_ps(_mm_set1_ps(r.o.x), _mm_load_ps(b.corner[0]));
    __m128 sy = _mm_sub_ps(_mm_set1_ps(r.o.y), _mm_load_ps(b.corner[1]));
    __m128 sz = _mm_sub_ps(_mm_set1_ps(r.o.z), _mm_load_ps(b.corner[2]));
    __m128 u = _mm_xor_ps(_mm_add_ps(_mm_add_ps(_mm_mul_ps(sx, px), _mm_mul_ps(sy, py)), _mm_mul_ps(sz, pz)), sign);
    __m128 qx = _mm_sub_ps(_mm_mul_ps(sy, e1z), _mm_mul_ps(sz, e1y));
    __m128 qy = _mm_sub_ps(_mm_mul_ps(sz, e1x), _mm_mul_ps(sx, e1z));
    __m128 qz = _mm_sub_ps(_mm_mul_ps(sx, e1y), _mm_mul_ps(sy, e1x));
    __m128 v = _mm_xor_ps(_mm_add_ps(_mm_add_ps(_mm_mul_ps(dx, qx), _mm_mul_ps(dy, qy)), _mm_mul_ps(dz, qz)), sign);
    __m128 t = _mm_xor_ps(_mm_add_ps(_mm_add_ps(_mm_mul_ps(e2x, qx), _mm_mul_ps(e2y, qy)), _mm_mul_ps(e2z, qz)), sign);
    __m128 zero = _mm_setzero_ps();
    __m128 ok = _mm_and_ps(_mm_and_ps(_mm_cmpge_ps(u, zero), _mm_cmpge_ps(v, zero)), _mm_cmple_ps(_mm_add_ps(u, v), size));
    ok = _mm_and_ps(ok, _mm_and_ps(_mm_cmpgt_ps(size, zero), _mm_cmpgt_ps(t, _mm_mul_ps(size, _mm_set1_ps(r.near_t)))));
    if (K_LIKELY(!_mm_movemask_ps(ok))) return 0;
    __m128 scale = _mm_div_ps(_mm_set1_ps(1.0f), size);
    t = _mm_mul_ps(t, scale);
    ok = _mm_and_ps(ok, _mm_cmple_ps(t, _mm_set1_ps(far_t)));
    _mm_store_ps(t4, t);
    _mm_store_ps(u4, _mm_mul_ps(u, scale));
    _mm_store_ps(v4, _mm_mul_ps(v, scale));
    return (uint32_t)_mm_movemask_ps(ok);
}
#else
K_HOT uint32_t test_block(const Block& b, const Ray& r, float far_t, float* t4, float* u4, float* v4) {
    uint32_t mask = 0;
    for (int i = 0; i < 4; i++) {
        V3 e1 = v3(b.edge1[0][i], b.edge1[1][i], b.edge1[2][i]), e2 = v3(b.edge2[0][i], b.edge2[1][i], b.edge2[2][i]);
        V3 p = cross(r.d, e2);
        float det = dot(e1, p);
        uint32_t sign = k_bits(det) & 0x80000000u;
        float size = k_float(k_bits(det) ^ sign);
        V3 s = r.o - v3(b.corner[0][i], b.corner[1][i], b.corner[2][i]);
        float u = k_float(k_bits(dot(s, p)) ^ sign);
        V3 q = cross(s, e1);
        float v = k_float(k_bits(dot(r.d, q)) ^ sign);
        float t = k_float(k_bits(dot(e2, q)) ^ sign);
        if (!(u >= 0.0f && v >= 0.0f && u + v <= size && size > 0.0f && t > size * r.near_t)) continue;
        float scale = 1.0f / size;
        t4[i] = t * scale;
        u4[i] = u * scale;
        v4[i] = v * scale;
        mask |= (uint32_t)(t4[i] <= far_t) << i;
    }
    return mask;
}
#endif

// Whether the texture of a cut-out triangle is there at (u, v).
K_COLD bool is_cut_out(const SolidView& s, uint32_t triangle, float u, float v) {
    const Triangle& t = s.triangles[triangle];
    const Image& image = s.images[s.materials[t.material].texture];
    const float* a = s.vertices[t.vertex[0]].coords;
    const float* b = s.vertices[t.vertex[1]].coords;
    const float* c = s.vertices[t.vertex[2]].coords;
    float w = 1.0f - u - v;
    float x = k_unit(a[0] * w + b[0] * u + c[0] * v), y = k_unit(a[1] * w + b[1] * u + c[1] * v);
    uint32_t px = (uint32_t)k_min(x * (float)image.width, (float)(image.width - 1));
    uint32_t py = (uint32_t)k_min((1.0f - y) * (float)image.height, (float)(image.height - 1));
    return image.rgba[((size_t)py * image.width + px) * 4 + 3] < 128;
}

// Takes the nearest triangle of a block, if nearer than what `hit` holds.
K_HOT void meet_block(const SolidView& solid, uint32_t index, uint32_t at, const Ray& ray, Hit* hit) {
    const Block& block = solid.blocks[at];
    K_ALIGN(16) float t4[4], u4[4], v4[4];
    uint32_t mask = test_block(block, ray, hit->t, t4, u4, v4);
    while (K_UNLIKELY(mask)) {
        int i = k_first_bit(mask);
        mask &= mask - 1;
        uint32_t id = block.id[i] & K_ID;
        bool nearer = t4[i] < hit->t || (t4[i] == hit->t && hit->solid == index && id < hit->triangle);
        if (!nearer) continue;
        if ((block.id[i] & K_CUTOUT) && is_cut_out(solid, id, u4[i], v4[i])) continue;
        hit->t = t4[i];
        hit->u = u4[i];
        hit->v = v4[i];
        hit->solid = index;
        hit->triangle = id;
    }
}

// The share of light that has come through panes. In double precision, and rounded once at the end: panes are met in the order
// of the walk, which is not the same on every device.
struct Through {
    double r, g, b;
};

// What a glass pane lets through of a shadow ray.
K_COLD V3 glass_shadow(const SolidView& s, uint32_t triangle) {
    const Surfacing& m = s.materials[s.triangles[triangle].material];
    return v3(m.base) * (0.9f * m.glass);
}

// Takes from the light what a block's triangles stop; whether that is all of it.
K_HOT bool dim_by_block(const SolidView& solid, uint32_t at, const Ray& ray, Through* through) {
    const Block& block = solid.blocks[at];
    K_ALIGN(16) float t4[4], u4[4], v4[4];
    uint32_t mask = test_block(block, ray, ray.far_t, t4, u4, v4);
    while (K_UNLIKELY(mask)) {
        int i = k_first_bit(mask);
        mask &= mask - 1;
        uint32_t id = block.id[i];
        if (id & K_GLOW) continue;
        if ((id & K_CUTOUT) && is_cut_out(solid, id & K_ID, u4[i], v4[i])) continue;
        if (!(id & K_GLASS)) return true;
        V3 pane = glass_shadow(solid, id & K_ID);
        *through = {through->r * (double)pane.x, through->g * (double)pane.y, through->b * (double)pane.z};
    }
    return false;
}

// The walk through the tree: `closest_in` and `blocked_by`.
#if defined(K_PACKED)
#include "packed.h"
#else
#include "wide.h"
#endif

K_HOT Hit closest(const View& view, const Ray& ray) {
    Hit hit = {ray.far_t, 0.0f, 0.0f, K_NOTHING, K_NOTHING};
    Slabs slabs = slabs_of(ray);
    for (uint32_t i = 0; i < view.solid_count; i++) closest_in(view.solids[i], i, ray, slabs, &hit);
    return hit;
}

// The block of triangles that last stopped the light of a lamp. Neighbours are often stopped by the same one; asking it first
// changes the way to an answer, never the answer.
struct Blocker {
    uint32_t solid, block;
};

K_HOT bool stops(const SolidView& solid, uint32_t block, const Ray& ray) {
    K_ALIGN(16) float t4[4], u4[4], v4[4];
    const Block& b = solid.blocks[block];
    uint32_t mask = test_block(b, ray, ray.far_t, t4, u4, v4);
    for (; mask; mask &= mask - 1)
        if (!(b.id[k_first_bit(mask)] & (K_GLOW | K_CUTOUT | K_GLASS))) return true;
    return false;
}

// The share of light that reaches from one end of the ray to the other. `last` is null, or what stopped such light before.
K_HOT V3 transmitted(const View& view, const Ray& ray, Blocker* last) {
    if (last && last->solid < view.solid_count && last->block < view.solids[last->solid].block_count && stops(view.solids[last->solid], last->block, ray))
        return v3(0.0f);
    Through through = {1.0, 1.0, 1.0};
    Slabs slabs = slabs_of(ray);
    uint32_t block = 0;
    for (uint32_t i = 0; i < view.solid_count; i++)
        if (blocked_by(view.solids[i], ray, slabs, &through, &block)) {
            if (last) *last = {i, block};
            return v3(0.0f);
        }
    return v3((float)through.r, (float)through.g, (float)through.b);
}

// Rays against the tree as the CPU holds it: a node is one vector test of eight boxes.
#pragma once
#include "scene.h"

// Distances to the eight children; the bits of those that the ray enters before far_t.
#if defined(K_AVX2)
K_HOT uint32_t test_node(const Node& n, const Slabs& s, float near_t, float far_t, float* entry) {
    const float* b = &n.low[0][0];
    __m256 ox = _mm256_set1_ps(s.o.x), oy = _mm256_set1_ps(s.o.y), oz = _mm256_set1_ps(s.o.z);
    __m256 ix = _mm256_set1_ps(s.inv.x), iy = _mm256_set1_ps(s.inv.y), iz = _mm256_set1_ps(s.inv.z);
    __m256 nx = _mm256_mul_ps(_mm256_sub_ps(_mm256_load_ps(b + s.near_x), ox), ix);
    __m256 ny = _mm256_mul_ps(_mm256_sub_ps(_mm256_load_ps(b + s.near_y), oy), iy);
    __m256 nz = _mm256_mul_ps(_mm256_sub_ps(_mm256_load_ps(b + s.near_z), oz), iz);
    __m256 fx = _mm256_mul_ps(_mm256_sub_ps(_mm256_load_ps(b + 24 - s.near_x), ox), ix);
    __m256 fy = _mm256_mul_ps(_mm256_sub_ps(_mm256_load_ps(b + 40 - s.near_y), oy), iy);
    __m256 fz = _mm256_mul_ps(_mm256_sub_ps(_mm256_load_ps(b + 56 - s.near_z), oz), iz);
    __m256 in = _mm256_max_ps(_mm256_max_ps(nx, ny), _mm256_max_ps(nz, _mm256_set1_ps(near_t)));
    __m256 out = _mm256_min_ps(_mm256_min_ps(fx, fy), _mm256_min_ps(fz, _mm256_set1_ps(far_t)));
    _mm256_store_ps(entry, in);
    return (uint32_t)_mm256_movemask_ps(_mm256_cmp_ps(in, _mm256_mul_ps(out, _mm256_set1_ps(K_OUTWARDS)), _CMP_LE_OQ));
}
#elif defined(K_SSE2)
K_HOT uint32_t test_half(const float* b, const Slabs& s, float near_t, float far_t, float* entry) {
    __m128 ox = _mm_set1_ps(s.o.x), oy = _mm_set1_ps(s.o.y), oz = _mm_set1_ps(s.o.z);
    __m128 ix = _mm_set1_ps(s.inv.x), iy = _mm_set1_ps(s.inv.y), iz = _mm_set1_ps(s.inv.z);
    __m128 nx = _mm_mul_ps(_mm_sub_ps(_mm_load_ps(b + s.near_x), ox), ix);
    __m128 ny = _mm_mul_ps(_mm_sub_ps(_mm_load_ps(b + s.near_y), oy), iy);
    __m128 nz = _mm_mul_ps(_mm_sub_ps(_mm_load_ps(b + s.near_z), oz), iz);
    __m128 fx = _mm_mul_ps(_mm_sub_ps(_mm_load_ps(b + 24 - s.near_x), ox), ix);
    __m128 fy = _mm_mul_ps(_mm_sub_ps(_mm_load_ps(b + 40 - s.near_y), oy), iy);
    __m128 fz = _mm_mul_ps(_mm_sub_ps(_mm_load_ps(b + 56 - s.near_z), oz), iz);
    __m128 in = _mm_max_ps(_mm_max_ps(nx, ny), _mm_max_ps(nz, _mm_set1_ps(near_t)));
    __m128 out = _mm_min_ps(_mm_min_ps(fx, fy), _mm_min_ps(fz, _mm_set1_ps(far_t)));
    _mm_store_ps(entry, in);
    return (uint32_t)_mm_movemask_ps(_mm_cmple_ps(in, _mm_mul_ps(out, _mm_set1_ps(K_OUTWARDS))));
}
K_HOT uint32_t test_node(const Node& n, const Slabs& s, float near_t, float far_t, float* entry) {
    const float* b = &n.low[0][0];
    return test_half(b, s, near_t, far_t, entry) | test_half(b + 4, s, near_t, far_t, entry + 4) << 4;
}
#else
K_HOT uint32_t test_node(const Node& n, const Slabs& s, float near_t, float far_t, float* entry) {
    const float* b = &n.low[0][0];
    uint32_t mask = 0;
    for (int i = 0; i < 8; i++) {
        float nx = (b[s.near_x + i] - s.o.x) * s.inv.x, fx = (b[24 - s.near_x + i] - s.o.x) * s.inv.x;
        float ny = (b[s.near_y + i] - s.o.y) * s.inv.y, fy = (b[40 - s.near_y + i] - s.o.y) * s.inv.y;
        float nz = (b[s.near_z + i] - s.o.z) * s.inv.z, fz = (b[56 - s.near_z + i] - s.o.z) * s.inv.z;
        float in = k_max(k_max(nx, ny), k_max(nz, near_t));
        float out = k_min(k_min(fx, fy), k_min(fz, far_t));
        entry[i] = in;
        mask |= (uint32_t)(in <= out * K_OUTWARDS) << i;
    }
    return mask;
}
#endif

#define K_STACK 192

// Asks for what a child is before the walk gets there.
K_HOT void prefetch_child(const SolidView& s, uint32_t child) {
    const char* p = child & K_LEAF ? (const char*)(s.blocks + (child & ~K_LEAF)) : (const char*)(s.nodes + child);
    k_prefetch(p);
    k_prefetch(p + 64);
    k_prefetch(p + 128);
}

// The nearest hit of one solid, if nearer than `hit` holds.
K_COLD void closest_in(const SolidView& solid, uint32_t index, const Ray& ray, const Slabs& slabs, Hit* hit) {
    struct Entry { uint32_t child; float t; } stack[K_STACK];
    int top = 0;
    if (solid.node_count == 0) return;
    uint32_t at = 0;
    float far_t = hit->t * K_BEYOND;
    for (;;) {
        while (!(at & K_LEAF)) {
            K_ALIGN(32) float entry[8];
            const Node& node = solid.nodes[at];
            uint32_t mask = test_node(node, slabs, ray.near_t, far_t, entry);
            if (!mask) goto next;
            int i = k_first_bit(mask);
            mask &= mask - 1;
            at = node.child[i];
            prefetch_child(solid, at);
            if (K_LIKELY(!mask)) continue;
            float t = entry[i];
            int j = k_first_bit(mask);
            mask &= mask - 1;
            Entry other = {node.child[j], entry[j]};
            prefetch_child(solid, other.child);
            if (other.t < t) {
                Entry nearest = other;
                other.child = at;
                other.t = t;
                at = nearest.child;
                t = nearest.t;
            }
            if (K_LIKELY(!mask)) {
                stack[top++] = other;
                continue;
            }
            // Three or more: sort what is pushed, farthest first.
            int first = top;
            stack[top++] = other;
            do {
                int k = k_first_bit(mask);
                mask &= mask - 1;
                Entry e = {node.child[k], entry[k]};
                if (e.t < t) {
                    Entry nearest = e;
                    e.child = at;
                    e.t = t;
                    at = nearest.child;
                    t = nearest.t;
                }
                int p = top++;
                while (p > first && stack[p - 1].t < e.t) {
                    stack[p] = stack[p - 1];
                    p--;
                }
                stack[p] = e;
            } while (mask);
        }
        meet_block(solid, index, at & ~K_LEAF, ray, hit);
        far_t = hit->t * K_BEYOND;
    next:
        for (;;) {
            if (top == 0) return;
            top--;
            if (stack[top].t <= far_t) break;
        }
        at = stack[top].child;
    }
}

// How much of the light passes through one solid: zero behind anything opaque, and then `stopped_at` says at which block.
K_COLD bool blocked_by(const SolidView& solid, const Ray& ray, const Slabs& slabs, Through* through, uint32_t* stopped_at) {
    uint32_t stack[K_STACK];
    int top = 0;
    if (solid.node_count == 0) return false;
    uint32_t at = 0;
    for (;;) {
        while (!(at & K_LEAF)) {
            K_ALIGN(32) float entry[8];
            const Node& node = solid.nodes[at];
            uint32_t mask = test_node(node, slabs, ray.near_t, ray.far_t, entry);
            if (!mask) goto next;
            at = node.child[k_first_bit(mask)];
            mask &= mask - 1;
            while (mask) {
                stack[top++] = node.child[k_first_bit(mask)];
                mask &= mask - 1;
            }
        }
        *stopped_at = at & ~K_LEAF;
        if (dim_by_block(solid, *stopped_at, ray, through)) return true;
    next:
        if (top == 0) return false;
        at = stack[--top];
    }
}

// Rays against the tree as GPUs hold it (src/tree/packed.rs): 80 bytes a node, and a stack of one entry of eight bytes a level, what is
// still to visit of a node's children (Ylitie, Karras & Laine 2017). Bounds are computed as the packer did, so nothing is missed.
#pragma once
#include "scene.h"

#define K_LEVELS 28 // the builder keeps trees to 26

// Children still to visit: where a node's begin; by order of visit, which; and, by slot, which there are.
struct Group {
    uint32_t first, hits, inner;
};
// A slot's place in the order of visit, and back.
K_HOT uint32_t octant_of(const Ray& r) { return (r.d.x < 0.0f ? 0u : 1u) | (r.d.y < 0.0f ? 0u : 2u) | (r.d.z < 0.0f ? 0u : 4u); }

K_HOT float bound(uint32_t bytes, int at, float step, float origin) { return origin + (float)(bytes >> 8 * at & 255u) * step; }

// The slots whose boxes the ray enters before far_t.
K_HOT uint32_t test_packed(const Packed& n, const Slabs& s, float near_t, float far_t) {
    float step_x = k_float((n.inner_and_grid >> 8 & 255u) << 23), step_y = k_float((n.inner_and_grid >> 16 & 255u) << 23);
    float step_z = k_float((n.inner_and_grid >> 24) << 23);
    uint32_t mask = 0;
    for (int half = 0; half < 2; half++) {
        uint32_t lx = n.low[0][half], ly = n.low[1][half], lz = n.low[2][half];
        uint32_t hx = n.high[0][half], hy = n.high[1][half], hz = n.high[2][half];
        uint32_t nx = s.near_x ? hx : lx, fx = s.near_x ? lx : hx;
        uint32_t ny = s.near_y != 8 ? hy : ly, fy = s.near_y != 8 ? ly : hy;
        uint32_t nz = s.near_z != 16 ? hz : lz, fz = s.near_z != 16 ? lz : hz;
        for (int i = 0; i < 4; i++) {
            float in_x = (bound(nx, i, step_x, n.origin[0]) - s.o.x) * s.inv.x, out_x = (bound(fx, i, step_x, n.origin[0]) - s.o.x) * s.inv.x;
            float in_y = (bound(ny, i, step_y, n.origin[1]) - s.o.y) * s.inv.y, out_y = (bound(fy, i, step_y, n.origin[1]) - s.o.y) * s.inv.y;
            float in_z = (bound(nz, i, step_z, n.origin[2]) - s.o.z) * s.inv.z, out_z = (bound(fz, i, step_z, n.origin[2]) - s.o.z) * s.inv.z;
            float in = k_max(k_max(in_x, in_y), k_max(in_z, near_t)), out = k_min(k_min(out_x, out_y), k_min(out_z, far_t));
            mask |= (uint32_t)(in <= out * K_OUTWARDS) << (4 * half + i);
        }
    }
    return mask & (n.inner_and_grid | n.leaves);
}
K_HOT uint32_t block_at(const Packed& n, int slot) { return n.first_block + (n.ranks >> 4 * slot & 15u); }

// The walk: `next` takes the node to visit from the group, which goes onto the stack if more are left; `enter` makes a node's
// children the group; `resume` takes back the last group. No ray ever waits for more than one group a level.
struct Walk {
    Group group;
    uint64_t stack[K_LEVELS];
    uint32_t top, octant;
};
K_HOT void walk_from_root(Walk* w, const Ray& ray) {
    w->top = 0;
    w->octant = octant_of(ray);
    w->group = {0, 1u << w->octant, 1};
}
K_HOT uint32_t walk_next(Walk* w) {
    uint32_t place = (uint32_t)k_last_bit(w->group.hits), slot = place ^ w->octant;
    uint32_t node = w->group.first + (uint32_t)k_count_bits(w->group.inner & ((1u << slot) - 1u));
    w->group.hits ^= 1u << place;
    if (w->group.hits) w->stack[w->top++] = (uint64_t)w->group.first << 32 | w->group.hits << 8 | w->group.inner;
    return node;
}
// Whether there is anything left to visit.
K_HOT bool walk_on(Walk* w, const Packed& n, uint32_t entered) {
    uint32_t hits = entered & n.inner_and_grid & 255u;
    if (w->octant & 1u) hits = (hits & 0x55u) << 1 | (hits & 0xaau) >> 1;
    if (w->octant & 2u) hits = (hits & 0x33u) << 2 | (hits & 0xccu) >> 2;
    if (w->octant & 4u) hits = (hits & 0x0fu) << 4 | (hits & 0xf0u) >> 4;
    w->group = {n.first_node, hits, n.inner_and_grid & 255u};
    if (hits) return true;
    if (w->top == 0) return false;
    uint64_t last = w->stack[--w->top];
    w->group = {(uint32_t)(last >> 32), (uint32_t)last >> 8 & 255u, (uint32_t)last & 255u};
    return true;
}

// The nearest hit of one solid, if nearer than `hit` holds.
K_COLD void closest_in(const SolidView& solid, uint32_t index, const Ray& ray, const Slabs& slabs, Hit* hit) {
    if (solid.node_count == 0) return;
    Walk walk;
    walk_from_root(&walk, ray);
    for (;;) {
        const Packed& node = solid.nodes[walk_next(&walk)];
        uint32_t entered = test_packed(node, slabs, ray.near_t, hit->t * K_BEYOND);
        for (uint32_t leaves = entered & node.leaves; leaves; leaves &= leaves - 1)
            meet_block(solid, index, block_at(node, k_first_bit(leaves)), ray, hit);
        if (!walk_on(&walk, node, entered)) return;
    }
}

// How much of the light passes through one solid: zero behind anything opaque, and then `stopped_at` says at which block.
K_COLD bool blocked_by(const SolidView& solid, const Ray& ray, const Slabs& slabs, Through* through, uint32_t* stopped_at) {
    if (solid.node_count == 0) return false;
    Walk walk;
    walk_from_root(&walk, ray);
    for (;;) {
        const Packed& node = solid.nodes[walk_next(&walk)];
        uint32_t entered = test_packed(node, slabs, ray.near_t, ray.far_t);
        for (uint32_t leaves = entered & node.leaves; leaves; leaves &= leaves - 1) {
            *stopped_at = block_at(node, k_first_bit(leaves));
            if (dim_by_block(solid, *stopped_at, ray, through)) return true;
        }
        if (!walk_on(&walk, node, entered)) return false;
    }
}

// Rays from one pixel through the tree together: each node is fetched once and tested for one ray after another without a
// branch between them, and only one decision follows. Each ray gets the hit that it would have got alone.
#pragma once
#include "bvh.h"

#if K_BUNDLE > 1
// The children that each of the rays enters before its hit, and the least distance at which any does.
K_HOT void test_bundle(const Node& n, const Ray* rays, const Slabs* slabs, const Hit* hits, uint32_t* masks, float* entry) {
    const float* b = &n.low[0][0];
    lanes nearest = lanes_of(K_INF);
    for (int i = 0; i < K_BUNDLE; i++) {
        const Slabs& s = slabs[i];
        lanes in = lanes_max(lanes_max((lanes_load(b + s.near_x) - s.o.x) * s.inv.x, (lanes_load(b + s.near_y) - s.o.y) * s.inv.y),
            lanes_max((lanes_load(b + s.near_z) - s.o.z) * s.inv.z, lanes_of(rays[i].near_t)));
        lanes out = lanes_min(lanes_min((lanes_load(b + 24 - s.near_x) - s.o.x) * s.inv.x, (lanes_load(b + 40 - s.near_y) - s.o.y) * s.inv.y),
            lanes_min((lanes_load(b + 56 - s.near_z) - s.o.z) * s.inv.z, lanes_of(hits[i].t * K_BEYOND)));
        out = out * K_OUTWARDS;
        masks[i] = lanes_at_most(in, out);
        nearest = lanes_min(nearest, in <= out ? in : lanes_of(K_INF));
    }
    lanes_store(entry, nearest);
}

K_COLD void bundle_in(const SolidView& solid, uint32_t index, const Ray* rays, const Slabs* slabs, Hit* hits) {
    struct Entry { uint32_t child, rays; float t; } stack[K_STACK];
    if (solid.node_count == 0) return;
    int top = 1;
    stack[0] = {0, 0, 0.0f};
    while (top) {
        Entry at = stack[--top];
        if (at.child & K_LEAF) {
            for (; at.rays; at.rays &= at.rays - 1) {
                int i = k_first_bit(at.rays);
                if (at.t <= hits[i].t * K_BEYOND) meet_block(solid, index, at.child & ~K_LEAF, rays[i], &hits[i]);
            }
            continue;
        }
        float far_t = hits[0].t;
        for (int i = 1; i < K_BUNDLE; i++) far_t = k_max(far_t, hits[i].t);
        if (at.t > far_t * K_BEYOND) continue;
        K_ALIGN(32) float entry[8];
        uint32_t masks[K_BUNDLE], any = 0;
        const Node& node = solid.nodes[at.child];
        test_bundle(node, rays, slabs, hits, masks, entry);
        for (int i = 0; i < K_BUNDLE; i++) any |= masks[i];
        int first = top;
        for (; any; any &= any - 1) {
            int i = k_first_bit(any), p = top++;
            uint32_t who = 0;
            for (int r = 0; r < K_BUNDLE; r++) who |= (masks[r] >> i & 1u) << r;
            prefetch_child(solid, node.child[i]);
            for (; p > first && stack[p - 1].t < entry[i]; p--) stack[p] = stack[p - 1];
            stack[p] = {node.child[i], who, entry[i]};
        }
    }
}
#endif

// The nearest hit of each of up to K_BUNDLE rays that go about the same way.
K_HOT void closest_of_each(const View& view, const Ray* rays, uint32_t count, Hit* hits) {
#if K_BUNDLE > 1
    if (count == K_BUNDLE) {
        Slabs slabs[K_BUNDLE];
        for (int i = 0; i < K_BUNDLE; i++) {
            hits[i] = {rays[i].far_t, 0.0f, 0.0f, K_NOTHING, K_NOTHING};
            slabs[i] = slabs_of(rays[i]);
        }
        for (uint32_t i = 0; i < view.solid_count; i++) bundle_in(view.solids[i], i, rays, slabs, hits);
        return;
    }
#endif
    for (uint32_t i = 0; i < count; i++) hits[i] = closest(view, rays[i]);
}

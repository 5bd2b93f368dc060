// Grading: the American Society of Cinematographers' Color Decision List (ASC CDL 1.2: slope, offset, power, saturation; clamped
// after each), and a 3D look-up table with tetrahedral interpolation.
#pragma once
#include "math.h"

struct Grade {
    const float* lut;       // size³ colours, red fastest; or null
    uint32_t size;          // entries of each side of the table
    float slope[3], offset[3], power[3], saturation;
    float most;             // what the list clamps to, from 0: 1, or nothing short of the largest float for the light of a scene
    float low[3], scale[3]; // of the table: what its first entry stands for, and entries by unit
};

K_HOT float decided(const Grade& g, int c, float x) {
    x = k_clamp(x * g.slope[c] + g.offset[c], 0.0f, g.most);
    return g.power[c] == 1.0f ? x : k_clamp(k_pow(x, g.power[c]), 0.0f, g.most);
}
K_HOT V3 cdl(const Grade& g, V3 c) {
    c = v3(decided(g, 0, c.x), decided(g, 1, c.y), decided(g, 2, c.z));
    V3 gray = v3(luminance(c));
    return vclamp(gray + (c - gray) * g.saturation, 0.0f, g.most);
}

// Between the corners of the tetrahedron that a point lies in: from the low corner along the axis with the largest fraction first.
K_HOT V3 looked_up(const Grade& g, V3 c) {
    float at[3] = {(c.x - g.low[0]) * g.scale[0], (c.y - g.low[1]) * g.scale[1], (c.z - g.low[2]) * g.scale[2]};
    uint32_t stride[3] = {3, 3 * g.size, 3 * g.size * g.size}, from = 0;
    float most = (float)(g.size - 1);
    for (int i = 0; i < 3; i++) {
        float x = k_clamp(at[i], 0.0f, most);
        uint32_t cell = (uint32_t)x;
        cell = cell < g.size - 1 ? cell : g.size - 2;
        at[i] = x - (float)cell;
        from += cell * stride[i];
    }
    int a = at[0] >= at[1] ? (at[0] >= at[2] ? 0 : 2) : (at[1] >= at[2] ? 1 : 2);
    int z = at[0] < at[1] ? (at[0] < at[2] ? 0 : 2) : (at[1] < at[2] ? 1 : 2);
    int m = 3 - a - z;
    const float* p = g.lut + from;
    uint32_t one = stride[a], two = one + stride[m], three = two + stride[z];
    return v3(p) * (1.0f - at[a]) + v3(p + one) * (at[a] - at[m]) + v3(p + two) * (at[m] - at[z]) + v3(p + three) * at[z];
}

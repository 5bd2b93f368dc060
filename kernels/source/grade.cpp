// Grading: the American Society of Cinematographers' Color Decision List (ASC CDL 1.2: slope, offset, power, saturation; clamped to
// 0–1 after each), then a 3D look-up table with tetrahedral interpolation.
#include "math.h"
#include "record.h"

struct GradeView {
    const float* in;
    float* out;             // three floats a pixel, both; they may be the same
    const float* lut;       // size³ colours, red fastest; or null
    uint32_t width, size;   // pixels a row; entries of each side of the table
    float slope[3], offset[3], power[3], saturation;
    float low[3], scale[3]; // of the table: what its first entry stands for, and entries by unit
};
K_RECORDS(grade, sizeof(GradeView), (uint32_t)offsetof(GradeView, scale))

K_HOT float decided(const GradeView& v, int c, float x) {
    x = k_unit(x * v.slope[c] + v.offset[c]);
    return v.power[c] == 1.0f ? x : k_unit(k_pow(x, v.power[c]));
}
K_HOT V3 cdl(const GradeView& v, V3 c) {
    c = v3(decided(v, 0, c.x), decided(v, 1, c.y), decided(v, 2, c.z));
    V3 gray = v3(luminance(c));
    return vclamp(gray + (c - gray) * v.saturation, 0.0f, 1.0f);
}

// Between the corners of the tetrahedron that a point lies in: from the low corner along the axis with the largest fraction first.
K_HOT V3 looked_up(const GradeView& v, V3 c) {
    float at[3] = {(c.x - v.low[0]) * v.scale[0], (c.y - v.low[1]) * v.scale[1], (c.z - v.low[2]) * v.scale[2]};
    uint32_t stride[3] = {3, 3 * v.size, 3 * v.size * v.size}, from = 0;
    float most = (float)(v.size - 1);
    for (int i = 0; i < 3; i++) {
        float x = k_clamp(at[i], 0.0f, most);
        uint32_t cell = (uint32_t)x;
        cell = cell < v.size - 1 ? cell : v.size - 2;
        at[i] = x - (float)cell;
        from += cell * stride[i];
    }
    int a = at[0] >= at[1] ? (at[0] >= at[2] ? 0 : 2) : (at[1] >= at[2] ? 1 : 2);
    int z = at[0] < at[1] ? (at[0] < at[2] ? 0 : 2) : (at[1] < at[2] ? 1 : 2);
    int m = 3 - a - z;
    const float* p = v.lut + from;
    uint32_t one = stride[a], two = one + stride[m], three = two + stride[z];
    return v3(p) * (1.0f - at[a]) + v3(p + one) * (at[a] - at[m]) + v3(p + two) * (at[m] - at[z]) + v3(p + three) * at[z];
}

K_DEVICE void grade_pixels(const GradeView& v, uint32_t y, uint32_t x0, uint32_t x1) {
    for (uint32_t x = x0; x < x1; x++) {
        size_t i = ((size_t)y * v.width + x) * 3;
        V3 c = cdl(v, v3(v.in + i));
        if (v.lut) c = looked_up(v, c);
        v.out[i] = c.x;
        v.out[i + 1] = c.y;
        v.out[i + 2] = c.z;
    }
}
K_PIXELS(grade, GradeView)

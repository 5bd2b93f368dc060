// Procedural surface patterns. Each is a function of pattern coordinates and of the width of a pixel in them; whatever a pixel
// can't resolve fades into its mean, so nothing shimmers.
#pragma once
#include "noise.h"
#include "scene.h"

enum {
    PATTERN_PLAIN, PATTERN_FELT, PATTERN_CLAY, PATTERN_WEAVE, PATTERN_SILK_BUTI, PATTERN_ZARI, PATTERN_WOOD, PATTERN_MARBLE,
    PATTERN_BRICK, PATTERN_PLASTER, PATTERN_STONE, PATTERN_FLAGSTONE, PATTERN_CHECKER, PATTERN_KOLAM, PATTERN_ASPHALT,
    PATTERN_TATAMI, PATTERN_THATCH, PATTERN_ROOF_TILE, PATTERN_GRASS, PATTERN_SOIL, PATTERN_SAND, PATTERN_WATER,
    PATTERN_STRIPES, PATTERN_WAX_PRINT, PATTERN_FLORAL, PATTERN_PANELS, PATTERN_BARK, PATTERN_LEAF, PATTERN_STRANDS,
    PATTERN_WET_GROUND, PATTERN_IRIS, PATTERN_WINDOWS, PATTERN_PAPER, PATTERN_IMAGE
};

struct Pattern {
    float second;   // share of the second colour
    float shade;    // factor on the colour
    float rough;    // added to the roughness
    float height;   // in pattern units, for the bump
    float wet;      // share of standing water
    float lit;      // share of the second colour as emission
    float dark;     // share of black (pupil)
};

// A line of the given half-width around 0, in a pixel of width w; averages to its coverage.
K_HOT float line(float x, float half_width, float w) { return 1.0f - k_smooth(half_width - 0.5f * w, half_width + 0.5f * w + 1e-5f, k_abs(x)); }
K_HOT float disc(V2 p, float radius, float w) {
    return 1.0f - k_smooth(radius - 0.5f * w, radius + 0.5f * w + 1e-5f, k_sqrt(p.x * p.x + p.y * p.y));
}
K_HOT float centred(float x) { return k_fract(x) - 0.5f; }

// Blends a detail with its mean by how well it is resolved.
K_HOT float faded(float value, float mean, float r) { return mean + (value - mean) * r; }

// Soft folds of worn cloth: ridges that wander downwards, 0–1; their spacing is about one unit.
K_DEVICE float folds(V3 c, float w) {
    float r = resolved(1.0f, w);
    if (r <= 0.0f) return 0.0f;
    float n = 2.0f * noise3(v3(c.x + 0.45f * c.y, 0.35f * c.y, c.z - 0.3f * c.y), 13) - 1.0f;
    return (1.0f - n * n) * r;
}
K_DEVICE void pattern_felt(V3 c, float w, Pattern* p) {
    float r = resolved(0.1f, w);
    if (r <= 0.0f) return;
    float n = noise3(c * 10.0f, 11) + 0.5f * noise3(v3(c.x * 26.0f, c.y * 7.0f, c.z * 26.0f), 12) - 0.75f;
    p->shade *= 1.0f + 0.22f * n * r;
    p->height = 0.05f * n * r + 0.7f * folds(c * 0.3f, w * 0.3f);
}
K_DEVICE void pattern_clay(V3 c, float w, Pattern* p) {
    float r = resolved(1.0f, w), fine = resolved(0.06f, w);
    float dents = noise3(c * 1.1f, 21);
    float rings = 0.0f;
    if (fine > 0.0f) rings = 0.5f * k_sin(6.2831853f * (noise3(c * 1.6f, 22) * 9.0f)) * fine * k_smooth(0.5f, 0.8f, noise3(c * 0.7f, 23));
    p->height = (0.10f * dents + 0.01f * rings) * r;
    p->shade *= 1.0f + (0.06f * (dents - 0.5f) + 0.03f * rings) * r;
    p->rough += 0.08f * (dents - 0.5f) * r;
}
K_DEVICE void pattern_weave(V3 c, V2 q, float w, Pattern* p) {
    p->height = 1.4f * folds(c * 0.2f, w * 0.2f);
    float r = resolved(0.5f, w);
    if (r <= 0.0f) return;
    int32_t ix = (int32_t)k_floor(q.x * 2.0f), iy = (int32_t)k_floor(q.y * 2.0f);
    bool over = ((ix ^ iy) & 1) != 0;
    float across = 2.0f * centred(over ? q.y * 2.0f : q.x * 2.0f), along = 2.0f * centred(over ? q.x * 2.0f : q.y * 2.0f);
    float round = (1.0f - across * across) * (1.0f - 0.45f * along * along);
    p->height += 0.03f * round * r;
    p->shade *= 1.0f + (0.30f * (round - 0.55f) + 0.06f * (cell_random(ix, iy, 31) - 0.5f)) * r;
    p->second = (over ? 0.35f : 0.0f) * r + 0.175f * (1.0f - r);
}
K_DEVICE void pattern_silk_buti(V3 c3, V2 q, float w, Pattern* p) {
    float row = k_floor(q.y);
    V2 m = v2(centred(q.x + 0.5f * k_fract(row * 0.5f) * 1.0f), centred(q.y));
    float d = k_sqrt(m.x * m.x + m.y * m.y);
    float a = k_angle(m.y, m.x);
    float s, c;
    k_turn(a * 5.0f, &s, &c);
    float petal = 1.0f - k_smooth(-0.5f * w, 0.5f * w + 1e-4f, d - (0.15f + 0.055f * c));
    float eye = disc(m, 0.05f, w);
    float motif = petal * (1.0f - 0.8f * eye);
    float r = resolved(0.4f, w);
    p->second = faded(motif, 0.075f, r);
    p->rough -= 0.12f * p->second;
    float threads = resolved(0.04f, w);
    if (threads > 0.0f) p->shade *= 1.0f + 0.10f * centred(q.y * 24.0f) * threads;
    p->height = 0.02f * motif * r + 0.4f * folds(c3 * 1.6f, w * 1.6f);
}
K_DEVICE void pattern_zari(V2 q, float w, Pattern* p) {
    float y = k_fract(q.y);
    float x = centred(q.x);
    float temple = 1.0f - k_smooth(-0.5f * w, 0.5f * w + 1e-4f, (y - 0.62f) - (0.36f - 0.72f * k_abs(x)) * 1.0f);
    temple *= y > 0.62f ? 1.0f : 0.0f;
    float bands = k_max(line(y - 0.08f, 0.045f, w), line(y - 0.56f, 0.035f, w));
    float lozenge = 1.0f - k_smooth(-0.5f * w, 0.5f * w + 1e-4f, k_abs(x) * 0.9f + k_abs(y - 0.32f) - 0.17f);
    float heart = 1.0f - k_smooth(-0.5f * w, 0.5f * w + 1e-4f, k_abs(x) * 0.9f + k_abs(y - 0.32f) - 0.07f);
    float gold = k_max(k_max(temple, bands), lozenge * (1.0f - heart));
    float r = resolved(0.3f, w);
    p->second = faded(gold, 0.38f, r);
    float threads = resolved(0.03f, w);
    if (threads > 0.0f) p->shade *= 1.0f + 0.16f * p->second * centred(q.x * 36.0f) * threads;
    p->rough -= 0.3f * p->second;
    p->height = 0.03f * gold * r;
}
K_DEVICE void pattern_wood(V2 q, float w, Pattern* p) {
    float plank = k_floor(q.x);
    float tone = cell_random((int32_t)plank, 0, 61);
    float shift = cell_random((int32_t)plank, 1, 62) * 17.0f;
    float x = k_fract(q.x);
    float r = resolved(0.25f, w), fine = resolved(0.05f, w);
    float bend = noise2(v2(q.x * 1.3f + shift, q.y * 0.35f + shift), 63);
    float grain = noise2(v2(q.x * 9.0f + bend * 6.0f + shift, q.y * 0.6f + shift), 64);
    float pores = fine > 0.0f ? noise2(v2(q.x * 55.0f, q.y * 2.5f + shift), 65) : 0.5f;
    float gap = line(k_min(x, 1.0f - x), 0.012f, w) * resolved(0.25f, w * 0.5f);
    float knots = k_smooth(0.78f, 0.9f, noise2(v2(q.x * 1.7f + shift, q.y * 0.8f), 66)) * r;
    p->second = k_unit(0.5f * faded(grain * grain * 1.3f, 0.4f, r) + 0.35f * knots);
    p->shade *= (0.86f + 0.28f * tone) * (1.0f + 0.16f * (pores - 0.5f) * fine) * (1.0f - 0.65f * gap);
    p->height = (0.02f * grain + 0.01f * pores * fine) * r - 0.05f * gap;
    p->rough += 0.10f * (grain - 0.5f) * r;
}
K_DEVICE void pattern_marble(V3 c, float w, Pattern* p) {
    float n = noise3(c * 1.3f, 71) + 0.5f * noise3(c * 2.9f, 72) + 0.25f * noise3(c * 6.1f, 73);
    float vein = 1.0f - k_abs(2.0f * k_fract(c.x * 0.5f + n * 1.1f) - 1.0f);
    float thin = k_smooth(0.82f, 1.0f, vein);
    float r = resolved(0.25f, w);
    p->second = faded(0.75f * thin + 0.22f * (n - 0.6f), 0.1f, r);
    p->second = k_unit(p->second);
}
K_DEVICE void pattern_brick(V2 q, float w, Pattern* p) {
    float row = k_floor(q.y / 0.33f);
    float x = q.x + 0.5f * (float)((int32_t)row & 1);
    float bx = centred(x), by = (k_fract(q.y / 0.33f) - 0.5f) * 0.33f;
    float mortar = k_max(line(0.5f - k_abs(bx), 0.022f, w), line(0.165f - k_abs(by), 0.022f, w));
    float r = resolved(0.2f, w);
    float tone = cell_random((int32_t)k_floor(x), (int32_t)row, 81);
    float grit = noise2(v2(q.x * 14.0f, q.y * 14.0f), 82);
    p->second = faded(mortar, 0.17f, r);
    p->shade *= 1.0f + ((0.34f * (tone - 0.5f)) * r + 0.16f * (grit - 0.5f) * resolved(0.07f, w)) * (1.0f - mortar);
    p->height = (-0.05f * mortar + 0.012f * grit) * r;
    p->rough += 0.1f * mortar;
}
K_DEVICE void pattern_plaster(V3 c, float w, Pattern* p) {
    float broad = noise3(c * 0.9f, 91), trowel = noise3(v3(c.x * 5.0f, c.y * 3.0f, c.z * 5.0f), 92);
    float r = resolved(0.2f, w), grit = resolved(0.03f, w) > 0.0f ? noise3(c * 34.0f, 93) - 0.5f : 0.0f;
    p->shade *= 1.0f + 0.10f * (broad - 0.5f) + 0.08f * (trowel - 0.5f) * r + 0.05f * grit;
    p->second = 0.25f * k_smooth(0.62f, 0.85f, broad);
    p->height = 0.03f * trowel * r + 0.004f * grit;
}
K_DEVICE void pattern_stone(V3 c, float w, Pattern* p) {
    float r = resolved(0.06f, w), mid = resolved(0.3f, w);
    float speckle = r > 0.0f ? noise3(c * 22.0f, 101) : 0.5f;
    float grain = noise3(c * 4.0f, 102), stain = noise3(v3(c.x * 0.8f, c.y * 0.35f, c.z * 0.8f), 103);
    p->shade *= 1.0f + 0.28f * (speckle - 0.5f) * r + 0.18f * (grain - 0.5f) * mid + 0.2f * (stain - 0.5f);
    p->second = 0.45f * k_smooth(0.55f, 0.8f, stain) + 0.2f * k_smooth(0.7f, 0.9f, speckle) * r;
    p->height = 0.03f * grain * mid + 0.006f * speckle * r;
}
K_DEVICE void pattern_flagstone(V2 q, float w, Pattern* p) {
    float row = k_floor(q.y);
    float x = q.x + 0.37f * cell_random((int32_t)row, 7, 111);
    float tone = cell_random((int32_t)k_floor(x), (int32_t)row, 112);
    float wobble = 0.02f * (noise2(v2(q.x * 3.0f, q.y * 3.0f), 113) - 0.5f);
    float joint = k_max(line(0.5f - k_abs(centred(x + wobble)), 0.018f, w), line(0.5f - k_abs(centred(q.y + wobble)), 0.018f, w));
    float r = resolved(0.4f, w), fine = resolved(0.08f, w);
    float grit = fine > 0.0f ? noise2(v2(q.x * 13.0f, q.y * 13.0f), 114) - 0.5f : 0.0f;
    float worn = noise2(v2(q.x * 1.7f, q.y * 1.7f), 115);
    p->second = faded(joint, 0.07f, r);
    p->shade *= 1.0f + (0.26f * (tone - 0.5f) * r + 0.16f * (worn - 0.5f) + 0.12f * grit * fine) * (1.0f - joint);
    p->rough += 0.15f * (worn - 0.6f) + 0.2f * joint;
    p->height = -0.04f * joint * r + 0.01f * worn + 0.006f * grit;
}
K_DEVICE void pattern_checker(V2 q, float w, Pattern* p) {
    float x = k_abs(2.0f * k_fract(q.x * 0.5f) - 1.0f) - 0.5f, y = k_abs(2.0f * k_fract(q.y * 0.5f) - 1.0f) - 0.5f;
    float sx = k_clamp(x / (w + 1e-4f), -0.5f, 0.5f), sy = k_clamp(y / (w + 1e-4f), -0.5f, 0.5f);
    p->second = faded(0.5f - 2.0f * sx * sy, 0.5f, resolved(1.0f, w));
    float joint = k_max(line(0.5f - k_abs(centred(q.x)), 0.008f, w), line(0.5f - k_abs(centred(q.y)), 0.008f, w)) * resolved(0.3f, w);
    p->shade *= (1.0f - 0.35f * joint) * (1.0f + 0.08f * (cell_random((int32_t)k_floor(q.x), (int32_t)k_floor(q.y), 121) - 0.5f));
}
K_DEVICE void pattern_kolam(V2 q, float w, Pattern* p) {
    V2 m = v2(centred(q.x), centred(q.y));
    V2 corner = v2(0.5f - k_abs(m.x), 0.5f - k_abs(m.y));
    float d = k_sqrt(m.x * m.x + m.y * m.y), dc = k_sqrt(corner.x * corner.x + corner.y * corner.y);
    float drawn = k_max(disc(m, 0.05f, w), disc(corner, 0.05f, w));
    drawn = k_max(drawn, line(d - 0.27f, 0.022f, w));
    drawn = k_max(drawn, line(dc - 0.27f, 0.022f, w));
    drawn = k_max(drawn, line(k_max(k_abs(m.x), k_abs(m.y)) - 0.40f + 0.13f * k_sin(12.566371f * k_angle(m.y, m.x)), 0.016f, w));
    float powder = 0.75f + 0.5f * (noise2(v2(q.x * 21.0f, q.y * 21.0f), 131) - 0.5f);
    p->second = faded(drawn * k_unit(powder + 0.2f), 0.3f, resolved(0.5f, w));
}
K_DEVICE void pattern_asphalt(V3 c, float w, Pattern* p) {
    float r = resolved(0.03f, w);
    float grit = r > 0.0f ? noise3(c * 40.0f, 141) - 0.5f : 0.0f, patch = noise3(c * 0.6f, 142), crack = noise3(c * 1.4f, 143);
    float line_of_crack = line(crack - 0.5f, 0.008f, w * 1.4f) * k_smooth(0.5f, 0.7f, patch) * resolved(0.4f, w);
    p->shade *= 1.0f + 0.5f * grit * r + 0.3f * (patch - 0.5f) - 0.5f * line_of_crack;
    p->rough += 0.2f * (patch - 0.5f);
    p->height = 0.012f * grit * r - 0.02f * line_of_crack;
}
K_DEVICE void pattern_tatami(V2 q, float w, Pattern* p) {
    float r = resolved(0.03f, w);
    float x = k_fract(q.x), y = k_fract(q.y * 0.5f);
    float edge = line(k_min(x, 1.0f - x), 0.03f, w);
    float straw = r > 0.0f ? centred(q.x * 40.0f) * (0.6f + 0.8f * cell_random((int32_t)k_floor(q.x * 40.0f), (int32_t)k_floor(q.y * 3.0f), 151)) : 0.0f;
    float knot = r > 0.0f ? centred(q.y * 28.0f) : 0.0f;
    float seam = line(k_min(y, 1.0f - y), 0.006f, w * 0.5f);
    p->second = faded(edge, 0.06f, resolved(0.3f, w));
    p->shade *= (1.0f + (0.22f * straw + 0.08f * knot) * r * (1.0f - edge) + 0.1f * (noise2(v2(q.x * 2.0f, q.y * 2.0f), 152) - 0.5f)) * (1.0f - 0.4f * seam);
    p->height = 0.008f * straw * r;
}
K_DEVICE void pattern_thatch(V2 q, float w, Pattern* p) {
    float course = k_fract(q.y + 0.08f * noise2(v2(q.x * 3.0f, k_floor(q.y)), 161));
    float fine = resolved(0.05f, w), r = resolved(0.5f, w);
    float straw = noise2(v2(q.x * 26.0f, q.y * 1.6f), 162) - 0.5f;
    p->shade *= 1.0f + 0.5f * straw * fine - 0.35f * (k_smooth(0.75f, 1.0f, course) - 0.15f) * r + 0.2f * (noise2(v2(q.x * 1.2f, q.y * 2.0f), 163) - 0.5f);
    p->second = 0.4f * k_unit(straw * 2.0f) * fine;
    p->height = (0.05f * straw * fine + 0.1f * course) * r;
}
K_DEVICE void pattern_roof_tile(V2 q, float w, Pattern* p) {
    float row = k_floor(q.y * 1.4f);
    float x = q.x + 0.5f * (float)((int32_t)row & 1), y = k_fract(q.y * 1.4f);
    float cx = 2.0f * centred(x);
    float r = resolved(0.35f, w);
    float hollow = 1.0f - cx * cx;
    float lip = k_smooth(0.78f, 1.0f, 1.0f - y);
    float tone = cell_random((int32_t)k_floor(x), (int32_t)row, 171);
    p->shade *= 1.0f + (0.3f * (tone - 0.5f) + 0.45f * (hollow - 0.66f) - 0.55f * (lip - 0.1f)) * r;
    p->second = 0.3f * k_smooth(0.6f, 0.9f, noise2(v2(q.x * 1.9f, q.y * 1.9f), 172));
    p->height = (0.16f * hollow + 0.1f * (1.0f - y)) * r;
}
K_DEVICE void pattern_grass(V3 c, float w, Pattern* p) {
    float fine = resolved(0.05f, w), mid = resolved(0.4f, w);
    float blade = fine > 0.0f ? noise3(c * 24.0f, 181) - 0.5f : 0.0f;
    float tuft = noise3(c * 3.1f, 182), field = noise3(c * 0.5f, 183);
    p->shade *= 1.0f + 0.7f * blade * fine + 0.4f * (tuft - 0.5f) * mid + 0.2f * (field - 0.5f);
    p->second = k_unit(0.7f * (field - 0.35f) + 0.5f * blade * fine + 0.3f * (tuft - 0.5f) * mid);
    p->height = 0.10f * tuft * mid + 0.03f * blade * fine;
}
K_DEVICE void pattern_soil(V3 c, float w, Pattern* p) {
    float fine = resolved(0.05f, w);
    float grit = fine > 0.0f ? noise3(c * 23.0f, 191) - 0.5f : 0.0f, lump = noise3(c * 2.3f, 192), broad = noise3(c * 0.45f, 193);
    p->shade *= 1.0f + 0.4f * grit * fine + 0.3f * (lump - 0.5f) * resolved(0.4f, w) + 0.25f * (broad - 0.5f);
    p->second = k_unit(0.8f * (broad - 0.4f) + 0.5f * grit * fine);
    p->height = 0.08f * lump * resolved(0.4f, w) + 0.015f * grit * fine;
}
K_DEVICE void pattern_sand(V3 c, V2 q, float w, Pattern* p) {
    float bend = noise2(v2(q.x * 0.7f, q.y * 0.7f), 201);
    float ripple = k_sin(6.2831853f * (q.y * 3.0f + bend * 3.0f + 0.3f * q.x));
    float r = resolved(0.33f, w), fine = resolved(0.03f, w);
    float grit = fine > 0.0f ? noise3(c * 45.0f, 202) - 0.5f : 0.0f;
    p->shade *= 1.0f + 0.07f * ripple * r + 0.2f * grit * fine + 0.14f * (bend - 0.5f);
    p->height = 0.02f * ripple * r + 0.004f * grit * fine;
    p->second = 0.3f * k_unit(bend - 0.4f);
}
K_DEVICE void pattern_water(V3 c, float w, Pattern* p) {
    float a = noise3(v3(c.x * 1.4f, c.y * 1.4f, c.z * 1.4f), 211), b = noise3(v3(c.x * 3.7f + 5.0f, c.y * 3.7f, c.z * 3.7f), 212);
    p->height = 0.16f * a * resolved(0.7f, w) + 0.05f * b * resolved(0.27f, w);
    p->second = 0.3f * k_unit(a - 0.3f);
    p->wet = 1.0f;
}
K_DEVICE void pattern_stripes(V2 q, float w, Pattern* p) {
    float x = k_abs(2.0f * k_fract(q.x) - 1.0f) - 0.5f;
    p->second = faded(k_unit(0.5f + 0.5f * x / (w + 1e-4f)), 0.5f, resolved(0.5f, w));
    float threads = resolved(0.03f, w);
    if (threads > 0.0f) p->shade *= 1.0f + 0.08f * centred(q.y * 30.0f) * threads;
}
K_DEVICE void pattern_wax_print(V2 q, float w, Pattern* p) {
    V2 m = v2(centred(q.x + 0.5f * (float)((int32_t)k_floor(q.y) & 1)), centred(q.y));
    float d = k_sqrt(m.x * m.x + m.y * m.y);
    float rays, c;
    k_turn(k_angle(m.y, m.x) * 14.0f, &rays, &c);
    float rings = k_max(line(d - 0.10f, 0.03f, w), line(d - 0.22f, 0.025f, w));
    float sun = rays > 0.0f && d > 0.26f && d < 0.42f ? 1.0f : 0.0f;
    float v = k_max(rings, sun);
    V2 corner = v2(0.5f - k_abs(m.x), 0.5f - k_abs(m.y));
    v = k_max(v, disc(corner, 0.09f, w));
    float crackle = noise2(v2(q.x * 5.0f, q.y * 5.0f), 231);
    v = k_max(v, 0.6f * line(crackle - 0.5f, 0.015f, w * 5.0f));
    p->second = faded(v, 0.34f, resolved(0.3f, w));
}
K_DEVICE void pattern_floral(V3 c3, V2 q, float w, Pattern* p) {
    p->height = 0.15f * folds(c3 * 3.2f, w * 3.2f);
    float best = 0.0f, leaf = 0.0f;
    int32_t ix = (int32_t)k_floor(q.x), iy = (int32_t)k_floor(q.y);
    V2 m = v2(k_fract(q.x) - 0.3f - 0.4f * cell_random(ix, iy, 241), k_fract(q.y) - 0.3f - 0.4f * cell_random(ix, iy, 242));
    float d = k_sqrt(m.x * m.x + m.y * m.y), s, c;
    k_turn(k_angle(m.y, m.x) * 5.0f + cell_random(ix, iy, 243), &s, &c);
    best = 1.0f - k_smooth(-0.5f * w, 0.5f * w + 1e-4f, d - (0.17f + 0.07f * c));
    float heart = disc(m, 0.055f, w);
    leaf = 1.0f - k_smooth(-0.5f * w, 0.5f * w + 1e-4f, k_abs(m.x - 0.25f) * 1.0f + k_abs(m.y + 0.1f) * 2.6f - 0.12f);
    float r = resolved(0.4f, w);
    p->second = faded(k_max(best * (1.0f - 0.85f * heart), 0.45f * leaf), 0.11f, r);
    p->shade *= 1.0f - 0.25f * heart * r;
}
K_DEVICE void pattern_panels(V2 q, float w, Pattern* p) {
    V2 m = v2(centred(q.x), centred(q.y));
    V2 e = v2(0.5f - k_abs(m.x), 0.5f - k_abs(m.y));
    float r = resolved(0.2f, w);
    float seam = k_max(line(e.x, 0.012f, w), line(e.y, 0.012f, w));
    float rivet = disc(v2(e.x - 0.07f, e.y - 0.07f), 0.02f, w) + disc(v2(e.x - 0.07f, centred(q.y * 4.0f) * 0.25f), 0.014f, w);
    float tone = cell_random((int32_t)k_floor(q.x), (int32_t)k_floor(q.y), 251);
    p->second = faded(seam, 0.05f, r);
    p->shade *= 1.0f + 0.18f * (tone - 0.5f) + 0.2f * k_unit(rivet) * r;
    p->height = (-0.04f * seam + 0.02f * k_unit(rivet)) * r;
    p->rough += 0.15f * (noise2(v2(q.x * 3.0f, q.y * 3.0f), 252) - 0.5f);
}
K_DEVICE void pattern_bark(V2 q, float w, Pattern* p) {
    float bend = noise2(v2(q.x * 2.0f, q.y * 0.7f), 261);
    float ridge = k_abs(2.0f * k_fract(q.x * 3.0f + 1.6f * bend) - 1.0f);
    float plates = noise2(v2(q.x * 4.0f, q.y * 2.2f), 262), r = resolved(0.3f, w);
    p->shade *= 1.0f + (0.6f * (ridge - 0.5f) + 0.3f * (plates - 0.5f)) * r;
    p->second = 0.35f * k_smooth(0.6f, 0.9f, plates);
    p->height = 0.12f * ridge * r + 0.05f * plates * r;
}
K_DEVICE void pattern_leaf(V2 q, float w, Pattern* p) {
    float x = q.x - 0.5f;
    float rib = line(x, 0.02f, w);
    float vein = line(centred((q.y + k_abs(x) * 0.8f) * 7.0f), 0.09f, w * 7.0f) * resolved(0.14f, w);
    p->second = k_max(rib, 0.35f * vein);
    p->shade *= 1.0f + 0.18f * (q.y - 0.5f) - 0.1f * k_abs(x);
    p->height = -0.03f * vein - 0.03f * rib;
}
K_DEVICE void pattern_strands(V2 q, V3 c, float w, Pattern* p) {
    float fine = resolved(0.06f, w), mid = resolved(0.4f, w);
    float wisps = resolved(0.16f, w);
    float strand = fine > 0.0f ? fine * (noise3(v3(c.x * 22.0f, q.y * 0.3f, c.z * 22.0f), 281) - 0.5f) : 0.0f;
    float wisp = wisps > 0.0f ? wisps * (noise3(v3(c.x * 9.0f, q.y * 0.22f, c.z * 9.0f), 283) - 0.5f) : 0.0f;
    float lock = mid * (noise3(v3(c.x * 3.0f, q.y * 0.15f, c.z * 3.0f), 282) - 0.5f);
    p->shade *= 1.0f + 0.6f * strand + 0.5f * wisp + 0.25f * lock;
    p->second = k_unit(0.6f * strand + 0.5f * wisp + 0.3f * lock);
    p->rough += 0.22f * strand + 0.2f * wisp + 0.25f * lock;
    p->height = 0.05f * strand + 0.09f * wisp + 0.12f * lock;
}
K_DEVICE void pattern_wet_ground(V3 c, float w, Pattern* p) {
    float low = 0.65f * noise3(c * 0.45f, 291) + 0.35f * noise3(c * 1.3f, 292);
    float fine = resolved(0.03f, w), grit = fine > 0.0f ? noise3(c * 38.0f, 293) - 0.5f : 0.0f;
    float puddle = 1.0f - k_smooth(0.43f, 0.53f, low);
    p->wet = puddle;
    p->shade *= (1.0f + 0.4f * grit * fine * (1.0f - puddle)) * (0.62f + 0.38f * k_smooth(0.4f, 0.75f, low));
    p->rough -= 0.35f * (1.0f - k_smooth(0.5f, 0.8f, low));
    p->height = (0.012f * grit * fine + 0.02f * low) * (1.0f - puddle);
}
K_DEVICE void pattern_iris(V3 c, float w, Pattern* p) {
    float r = c.x;
    float s, co;
    k_turn(c.y * (0.5f / K_PI) * 23.0f + 2.0f * noise2(v2(r * 5.0f, c.y * 3.0f), 301), &s, &co);
    float fibres = 0.18f * s * resolved(0.08f, w);
    p->second = k_unit(k_smooth(0.45f, 0.95f, r) * 0.85f + fibres);
    p->shade *= 1.0f + fibres;
    float pupil = 1.0f - k_smooth(0.42f - w, 0.46f + w, r);
    float limbus = k_smooth(0.88f - w, 1.0f, r);
    p->dark = k_max(pupil, 0.75f * limbus);
}
K_DEVICE void pattern_windows(V2 q, float w, Pattern* p) {
    V2 m = v2(centred(q.x), centred(q.y));
    int32_t ix = (int32_t)k_floor(q.x), iy = (int32_t)k_floor(q.y);
    float pane = line(m.x, 0.26f, w) * line(m.y, 0.32f, w);
    float frame = pane * k_max(line(m.x, 0.015f, w), line(m.y - 0.05f, 0.015f, w)) * resolved(0.1f, w);
    float on = cell_random(ix, iy, 311) > 0.55f ? 0.35f + 0.65f * cell_random(ix, iy, 312) : 0.0f;
    float r = resolved(0.8f, w);
    float glass = (pane - frame);
    p->lit = faded(glass * on, 0.33f * 0.3f, r);
    p->shade *= 1.0f - 0.6f * faded(pane * (on > 0.0f ? 0.0f : 1.0f), 0.18f, r);
    p->rough -= 0.4f * glass * r;
}
K_DEVICE void pattern_paper(V3 c, float w, Pattern* p) {
    float fine = resolved(0.04f, w);
    float fibre = fine > 0.0f ? noise3(v3(c.x * 30.0f, c.y * 9.0f, c.z * 30.0f), 321) - 0.5f : 0.0f;
    p->shade *= 1.0f + 0.14f * fibre * fine + 0.08f * (noise3(c * 2.0f, 322) - 0.5f);
}

// One pattern at c (q is c on its dominant plane), for a pixel w wide, all in pattern units.
K_COLD Pattern pattern_at(uint32_t kind, V3 c, V2 q, float w) {
    Pattern p = {0.0f, 1.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f};
    switch (kind) {
    case PATTERN_FELT: pattern_felt(c, w, &p); break;
    case PATTERN_CLAY: pattern_clay(c, w, &p); break;
    case PATTERN_WEAVE: pattern_weave(c, q, w, &p); break;
    case PATTERN_SILK_BUTI: pattern_silk_buti(c, q, w, &p); break;
    case PATTERN_ZARI: pattern_zari(q, w, &p); break;
    case PATTERN_WOOD: pattern_wood(q, w, &p); break;
    case PATTERN_MARBLE: pattern_marble(c, w, &p); break;
    case PATTERN_BRICK: pattern_brick(q, w, &p); break;
    case PATTERN_PLASTER: pattern_plaster(c, w, &p); break;
    case PATTERN_STONE: pattern_stone(c, w, &p); break;
    case PATTERN_FLAGSTONE: pattern_flagstone(q, w, &p); break;
    case PATTERN_CHECKER: pattern_checker(q, w, &p); break;
    case PATTERN_KOLAM: pattern_kolam(q, w, &p); break;
    case PATTERN_ASPHALT: pattern_asphalt(c, w, &p); break;
    case PATTERN_TATAMI: pattern_tatami(q, w, &p); break;
    case PATTERN_THATCH: pattern_thatch(q, w, &p); break;
    case PATTERN_ROOF_TILE: pattern_roof_tile(q, w, &p); break;
    case PATTERN_GRASS: pattern_grass(c, w, &p); break;
    case PATTERN_SOIL: pattern_soil(c, w, &p); break;
    case PATTERN_SAND: pattern_sand(c, q, w, &p); break;
    case PATTERN_WATER: pattern_water(c, w, &p); break;
    case PATTERN_STRIPES: pattern_stripes(q, w, &p); break;
    case PATTERN_WAX_PRINT: pattern_wax_print(q, w, &p); break;
    case PATTERN_FLORAL: pattern_floral(c, q, w, &p); break;
    case PATTERN_PANELS: pattern_panels(q, w, &p); break;
    case PATTERN_BARK: pattern_bark(q, w, &p); break;
    case PATTERN_LEAF: pattern_leaf(q, w, &p); break;
    case PATTERN_STRANDS: pattern_strands(q, c, w, &p); break;
    case PATTERN_WET_GROUND: pattern_wet_ground(c, w, &p); break;
    case PATTERN_IRIS: pattern_iris(c, w, &p); break;
    case PATTERN_WINDOWS: pattern_windows(q, w, &p); break;
    case PATTERN_PAPER: pattern_paper(c, w, &p); break;
    default: break;
    }
    return p;
}

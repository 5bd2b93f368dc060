// Vectors, and elementary functions that give the same bits on every target (libm's differ between machines).
#pragma once
#include "compat.h"

#define K_PI 3.14159265358979f
#define K_INF k_float(0x7f800000u)

struct V2 { float x, y; };
struct V3 { float x, y, z; };

K_HOT float k_min(float a, float b) { return a < b ? a : b; }
K_HOT float k_max(float a, float b) { return a > b ? a : b; }
K_HOT float k_clamp(float x, float lo, float hi) { return k_min(k_max(x, lo), hi); }
K_HOT float k_unit(float x) { return k_clamp(x, 0.0f, 1.0f); }
K_HOT float k_mix(float a, float b, float t) { return a + (b - a) * t; }
K_HOT float k_smooth(float lo, float hi, float x) {
    float t = k_unit((x - lo) / (hi - lo));
    return t * t * (3.0f - 2.0f * t);
}
K_HOT float k_fract(float x) { return x - k_floor(x); }
K_HOT bool k_finite(float x) { return (k_bits(x) & 0x7f800000u) != 0x7f800000u; }

// 2^x, relative error below 3e-7.
K_HOT float k_exp2(float x) {
    x = k_clamp(x, -126.0f, 126.0f);
    float whole = k_floor(x);
    float f = x - whole;
    float p = 1.8775767e-3f;
    p = p * f + 8.9893397e-3f;
    p = p * f + 5.5826318e-2f;
    p = p * f + 2.4015361e-1f;
    p = p * f + 6.9315308e-1f;
    p = p * f + 9.9999994e-1f;
    return k_float((uint32_t)((int32_t)whole + 127) << 23) * p;
}
K_HOT float k_exp(float x) { return k_exp2(x * 1.44269504f); }

// log2 x for positive normal x; absolute error below 2e-7 near 1.
K_HOT float k_log2(float x) {
    uint32_t u = k_bits(x);
    int32_t e = (int32_t)((u - 0x3f3504f3u) & 0xff800000u);
    float m = k_float(u - (uint32_t)e);
    float s = (m - 1.0f) / (m + 1.0f);
    float q = s * s;
    float p = 0.320598981f;
    p = p * q + 0.412198583f;
    p = p * q + 0.577078016f;
    p = p * q + 0.961796694f;
    p = p * q + 2.88539008f;
    return (float)(e >> 23) + s * p;
}
K_HOT float k_pow(float x, float y) { return x <= 1e-30f ? 0.0f : k_exp2(y * k_log2(x)); }

// Sine and cosine of a turn (x = 1 is 2π).
K_HOT void k_turn(float x, float* s, float* c) {
    float q = k_floor(x * 4.0f + 0.5f);
    float r = (x - q * 0.25f) * (2.0f * K_PI);
    float r2 = r * r;
    float sn = r * (1.0f + r2 * (-0.166666667f + r2 * (8.33333e-3f + r2 * -1.98413e-4f)));
    float cs = 1.0f + r2 * (-0.5f + r2 * (4.16666667e-2f + r2 * (-1.3888889e-3f + r2 * 2.4801587e-5f)));
    int32_t k = (int32_t)q & 3;
    float a = (k & 1) ? cs : sn;
    float b = (k & 1) ? sn : cs;
    *s = (k & 2) ? -a : a;
    *c = (k == 1 || k == 2) ? -b : b;
}
K_HOT float k_sin(float radians) { float s, c; k_turn(radians * (0.5f / K_PI), &s, &c); return s; }

// Arc tangent, absolute error below 2e-6.
K_HOT float k_atan(float x) {
    float a = k_abs(x);
    bool over = a > 1.0f;
    float z = over ? 1.0f / a : a;
    float q = z * z;
    float p = -0.0117212f;
    p = p * q + 0.05265332f;
    p = p * q - 0.11643287f;
    p = p * q + 0.19354346f;
    p = p * q - 0.33262347f;
    p = p * q + 0.99997726f;
    float r = z * p;
    r = over ? 0.5f * K_PI - r : r;
    return x < 0.0f ? -r : r;
}
// The angle of (x, y) in turns, 0–1.
K_HOT float k_angle(float y, float x) {
    float ax = k_max(k_abs(x), 1e-20f);
    float a = k_atan(k_abs(y) / ax) * (0.5f / K_PI);
    a = x < 0.0f ? 0.5f - a : a;
    return y < 0.0f ? 1.0f - a : a;
}

K_HOT V3 v3(float x, float y, float z) { V3 v = {x, y, z}; return v; }
K_HOT V3 v3(float s) { return v3(s, s, s); }
K_HOT V3 v3(const float* p) { return v3(p[0], p[1], p[2]); }
K_HOT V2 v2(float x, float y) { V2 v = {x, y}; return v; }
K_HOT V3 operator+(V3 a, V3 b) { return v3(a.x + b.x, a.y + b.y, a.z + b.z); }
K_HOT V3 operator-(V3 a, V3 b) { return v3(a.x - b.x, a.y - b.y, a.z - b.z); }
K_HOT V3 operator*(V3 a, V3 b) { return v3(a.x * b.x, a.y * b.y, a.z * b.z); }
K_HOT V3 operator/(V3 a, V3 b) { return v3(a.x / b.x, a.y / b.y, a.z / b.z); }
K_HOT V3 operator*(V3 a, float s) { return v3(a.x * s, a.y * s, a.z * s); }
K_HOT V3 operator*(float s, V3 a) { return a * s; }
K_HOT V3 operator-(V3 a) { return v3(-a.x, -a.y, -a.z); }
K_HOT float dot(V3 a, V3 b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
K_HOT V3 cross(V3 a, V3 b) { return v3(a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x); }
K_HOT float length(V3 a) { return k_sqrt(dot(a, a)); }
K_HOT V3 normalize(V3 a) { float d = dot(a, a); return d > 1e-30f ? a * (1.0f / k_sqrt(d)) : v3(0.0f, 1.0f, 0.0f); }
K_HOT V3 mix(V3 a, V3 b, float t) { return a + (b - a) * t; }
K_HOT float luminance(V3 c) { return 0.2126f * c.x + 0.7152f * c.y + 0.0722f * c.z; }
K_HOT float largest(V3 c) { return k_max(c.x, k_max(c.y, c.z)); }
K_HOT V3 vmax(V3 a, V3 b) { return v3(k_max(a.x, b.x), k_max(a.y, b.y), k_max(a.z, b.z)); }
K_HOT V3 vclamp(V3 a, float lo, float hi) { return v3(k_clamp(a.x, lo, hi), k_clamp(a.y, lo, hi), k_clamp(a.z, lo, hi)); }
K_HOT V3 reflect(V3 d, V3 n) { return d - n * (2.0f * dot(d, n)); }

// An orthonormal frame around a unit vector (Duff et al. 2017, "Building an orthonormal basis, revisited").
struct Frame { V3 x, y, z; };
K_HOT Frame frame_of(V3 n) {
    float sign = n.z < 0.0f ? -1.0f : 1.0f;
    float a = -1.0f / (sign + n.z);
    float b = n.x * n.y * a;
    Frame f = {v3(1.0f + sign * n.x * n.x * a, sign * b, -sign * n.x), v3(b, sign + n.y * n.y * a, -n.y), n};
    return f;
}
K_HOT V3 to_world(Frame f, V3 v) { return f.x * v.x + f.y * v.y + f.z * v.z; }

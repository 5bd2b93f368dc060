// How surfaces answer to light.
#pragma once
#include "surface.h"

#define COAT_ALPHA 0.0025f

K_HOT float fifth(float x) {
    float q = x * x;
    return q * q * x;
}
K_HOT V3 schlick(V3 f0, float c) { return f0 + (v3(1.0f) - f0) * fifth(k_unit(1.0f - c)); }
K_HOT float schlick(float f0, float c) { return f0 + (1.0f - f0) * fifth(k_unit(1.0f - c)); }

// GGX with height-correlated Smith shadowing, without Fresnel, times the cosine of the light: D V cos.
K_HOT float ggx(float alpha, float nh, float nv, float nl) {
    float a2 = alpha * alpha;
    float t = nh * nh * (a2 - 1.0f) + 1.0f;
    float d = a2 / (K_PI * t * t);
    float v = 0.5f / (nl * k_sqrt(nv * nv * (1.0f - a2) + a2) + nv * k_sqrt(nl * nl * (1.0f - a2) + a2) + 1e-6f);
    return d * v * nl;
}
// The share of light that a rough dielectric or metal mirrors, over all directions (fit by Karis 2014, mobile).
K_HOT V3 mirrored(V3 f0, float roughness, float nv) {
    float rx = 1.0f - roughness, ry = 0.0425f - 0.0275f * roughness, rz = 1.04f - 0.572f * roughness, rw = 0.022f * roughness - 0.04f;
    float a = k_min(rx * rx, k_exp2(-9.28f * nv)) * rx + ry;
    float k = -1.04f * a + rz, b = 1.04f * a + rw;
    return f0 * k + v3(k_max(b, 0.0f));
}

// Diffuse answer times cosine, per unit irradiance across the beam. Rough surfaces flatten (Fujii's improved
// Oren–Nayar, divided by its mean albedo so that white stays white: Portsmouth et al. 2024, EON);
// skin lets light creep past the terminator, red farther than blue; thin stuff glows from behind.
K_HOT V3 diffuse(const Surface& s, V3 l) {
    float nl = dot(s.normal, l), nv = k_max(dot(s.normal, s.view), 0.0f);
    V3 out = v3(0.0f);
    if (s.wrap > 0.0f) {
        V3 w = v3(0.55f, 0.22f, 0.12f) * s.wrap;
        V3 c = vmax((v3(nl) + w) / (v3(1.0f) + w), v3(0.0f));
        out = c / (v3(1.0f) + w);
    } else if (nl > 0.0f) {
        float sigma = s.roughness, st = dot(l, s.view) - nl * nv;
        float tilt = st > 0.0f ? st / (k_max(nl, nv) + 1e-4f) : st;
        out = v3(nl * k_max(1.0f + sigma * tilt, 0.0f) / (1.0f + 0.072488f * sigma));
    }
    out = out * (1.0f - s.translucency);
    if (s.translucency > 0.0f && nl < 0.0f) out = out + v3(-nl * s.translucency);
    return out * s.albedo * (1.0f / K_PI);
}

// What hairs throw back, times cosine: a white streak off their scales, tilted to the root, and a broader one in their colour,
// tilted to the tip, which has been through them: cones about the strand (Kajiya and Kay 1989; the tilts and normal
// distributions of Marschner et al. 2003, "Light scattering from human hair fibers").
K_HOT V3 strand_gloss(const Surface& s, V3 h, float wide, float lh, float nl) {
    float t = dot(s.strand, h), narrow = k_max(0.8f * wide, 0.05f), broad = 2.0f * narrow;
    float a = (t + 0.07f) / narrow, b = (t - 0.1f) / broad;
    float white = schlick(0.046f, lh) * 0.09f / narrow * k_exp2(-0.7213475f * a * a);
    float inner = 0.06f / broad * k_exp2(-0.7213475f * b * b);
    return (v3(white) + s.albedo * inner) * nl;
}

// Highlights, sheen and coat, times cosine. `spread` widens lobes by the light's angular radius, so that the light's centre
// alone answers for all of it (Karis 2013, "Real shading in Unreal Engine 4").
K_HOT V3 gloss(const Surface& s, V3 l, float spread) {
    float nl = dot(s.normal, l);
    if (nl <= 0.0f) return v3(0.0f);
    float nv = k_max(dot(s.normal, s.view), 0.01f);
    V3 h = normalize(l + s.view);
    float nh = k_unit(dot(s.normal, h)), lh = k_unit(dot(l, h));
    float wide = k_min(s.alpha + 0.5f * spread, 1.0f);
    float keep = s.alpha / wide;
    V3 out;
    if (dot(s.strand, s.strand) > 0.5f) {
        out = strand_gloss(s, h, wide, lh, nl) * s.specular;
    } else {
        out = schlick(s.f0, lh) * (ggx(wide, nh, nv, nl) * (s.alpha < 0.01f ? keep * keep : 1.0f) * s.specular);
    }
    if (s.coat > 0.0f) {
        float a = k_min(COAT_ALPHA + 0.5f * spread, 1.0f);
        float f = schlick(0.04f, lh) * s.coat;
        out = out * (1.0f - f) + v3(f * k_min(ggx(k_max(a, 0.02f), nh, nv, nl), 40.0f));
    }
    if (largest(s.sheen) > 0.0f) {
        // Charlie-like: bright where the fibres are seen against the light.
        float sn = k_sqrt(k_max(1.0f - nh * nh, 0.0f));
        float d = (2.0f + 2.5f) * sn * sn * sn * (0.5f / K_PI);
        out = out + s.sheen * (d * nl / (4.0f * (nl + nv - nl * nv) + 1e-4f));
    }
    return out;
}

// The colour that a pixel of this surface has under white light from everywhere: what the denoiser divides by.
K_HOT V3 guide_albedo(const Surface& s) {
    float nv = k_max(dot(s.normal, s.view), 0.0f);
    return s.albedo + mirrored(s.f0, s.roughness, nv) * s.specular + s.sheen * 0.15f;
}

// A microfacet normal that the viewer can see (Heitz 2018, "Sampling the GGX distribution of visible normals").
K_DEVICE V3 visible_normal(V3 n, V3 view, float alpha, V2 r) {
    Frame f = frame_of(n);
    V3 v = normalize(v3(alpha * dot(view, f.x), alpha * dot(view, f.y), dot(view, f.z)));
    float len = v.x * v.x + v.y * v.y;
    V3 t1 = len > 1e-12f ? v3(-v.y, v.x, 0.0f) * (1.0f / k_sqrt(len)) : v3(1.0f, 0.0f, 0.0f);
    V3 t2 = cross(v, t1);
    float rad = k_sqrt(r.x), sn, cs;
    k_turn(r.y, &sn, &cs);
    float p1 = rad * cs, p2 = rad * sn, k = 0.5f * (1.0f + v.z);
    p2 = (1.0f - k) * k_sqrt(k_max(1.0f - p1 * p1, 0.0f)) + k * p2;
    V3 h = t1 * p1 + t2 * p2 + v * k_sqrt(k_max(1.0f - p1 * p1 - p2 * p2, 0.0f));
    return to_world(f, normalize(v3(alpha * h.x, alpha * h.y, k_max(h.z, 1e-6f))));
}
K_HOT V3 cosine_direction(V3 n, V2 r) {
    float rad = k_sqrt(r.x), s, c;
    k_turn(r.y, &s, &c);
    return to_world(frame_of(n), v3(rad * c, rad * s, k_sqrt(k_max(1.0f - r.x, 0.0f))));
}

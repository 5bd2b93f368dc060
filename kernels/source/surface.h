// From a hit to a surface: position, normals, and the material with its pattern, tints and variation applied.
#pragma once
#include "bvh.h"
#include "pattern.h"

struct Surface {
    V3 position, facing;  // facing: geometric normal on the viewer's side
    V3 normal, view;      // shading normal (bumped), direction to the viewer
    V3 lifted;            // where shadow rays start
    V3 strand;            // along the hairs, from root to tip, unit; 0 for what has none
    V3 albedo, f0, emission, sheen;
    float roughness, alpha, specular, metallic, wrap, translucency, coat, glass;
};

K_HOT V3 srgb_to_linear(V3 c) { return c * (c * (c * 0.305306011f + v3(0.682171111f)) + v3(0.012522878f)); }
K_HOT V3 texel(const Image& image, int32_t x, int32_t y) {
    x = x < 0 ? 0 : (x >= (int32_t)image.width ? (int32_t)image.width - 1 : x);
    y = y < 0 ? 0 : (y >= (int32_t)image.height ? (int32_t)image.height - 1 : y);
    const uint8_t* p = image.rgba + ((size_t)y * image.width + x) * 4;
    return srgb_to_linear(v3((float)p[0], (float)p[1], (float)p[2]) * (1.0f / 255.0f));
}
// Bilinear; the first row of the image is at y = 1.
K_COLD V3 image_at(const Image& image, float x, float y) {
    float fx = k_unit(x) * (float)image.width - 0.5f, fy = (1.0f - k_unit(y)) * (float)image.height - 0.5f;
    int32_t ix = (int32_t)k_floor(fx), iy = (int32_t)k_floor(fy);
    float tx = fx - (float)ix, ty = fy - (float)iy;
    return mix(mix(texel(image, ix, iy), texel(image, ix + 1, iy), tx), mix(texel(image, ix, iy + 1), texel(image, ix + 1, iy + 1), tx), ty);
}

// The plane of the coordinates that a triangle lies along: both of its coordinates.
K_HOT V2 on_plane(V3 c, V3 n) {
    float x = k_abs(n.x), y = k_abs(n.y), z = k_abs(n.z);
    if (z >= x && z >= y) return v2(c.x, c.y);
    return y >= x ? v2(c.x, c.z) : v2(c.z, c.y);
}

// Three scales of faint noise, a share of the colour: broad stains, hand-sized mottling, grain.
K_DEVICE float variation_at(V3 c, float w) {
    float v = noise3(c * 1.3f, 1) - 0.5f;
    if (w < 0.2f) v += 0.6f * (noise3(c * 6.7f, 2) - 0.5f) * resolved(0.15f, w);
    if (w < 0.035f) v += 0.4f * (noise3(c * 37.0f, 3) - 0.5f) * resolved(0.027f, w);
    return v;
}

// Starts shadow rays on the smooth surface that the triangle stands for, so that shadows don't show its facets (Hanika 2021,
// "Hacking the shadow terminator").
K_HOT V3 lift(V3 p, const Vertex& a, const Vertex& b, const Vertex& c, float u, float v, float side) {
    V3 da = p - v3(a.position), db = p - v3(b.position), dc = p - v3(c.position);
    V3 na = v3(a.normal) * side, nb = v3(b.normal) * side, nc = v3(c.normal) * side;
    V3 l = na * (k_min(0.0f, dot(da, na)) * -(1.0f - u - v)) + nb * (k_min(0.0f, dot(db, nb)) * -u) + nc * (k_min(0.0f, dot(dc, nc)) * -v);
    float most = 0.05f, d = dot(l, l);
    return d > most * most ? p : p + l;
}

K_HOT float surface_epsilon(V3 p) { return 3e-5f * (1.0f + k_max(k_abs(p.x), k_max(k_abs(p.y), k_abs(p.z)))); }

// A material with its pattern and variation, at one point: what neighbouring samples of a pixel may share.
struct Worn {
    uint32_t solid, material; // whose it is; K_NOTHING: nobody's
    V3 base, emission, bend;  // bend is added to the normal
    float roughness, wet;
};

// Height differences along two tangents, as a change of the normal.
K_COLD V3 bend_of(const Surfacing& m, const Pattern& p, V3 at, V3 axis, V3 e1, V3 e2, V3 k1, V3 k2, V3 g, float stretch, float pw) {
    V3 t1 = normalize(e1), t2 = normalize(cross(g, t1));
    float y2 = dot(e2, t2), x2 = dot(e2, t1), d1 = k_max(dot(e1, e1), 1e-12f);
    V3 c1 = k1 * (1.0f / k_sqrt(d1));
    V3 c2 = (k2 - c1 * x2) * (1.0f / (k_abs(y2) < 1e-9f ? 1e-9f : y2));
    float units = k_max(stretch * m.scale, 1e-6f), step = k_max(pw, 0.015f) / units;
    V3 p1 = (at + c1 * step) * m.scale, p2 = (at + c2 * step) * m.scale;
    float h1 = pattern_at(m.pattern, p1, on_plane(p1, axis), pw).height - p.height;
    float h2 = pattern_at(m.pattern, p2, on_plane(p2, axis), pw).height - p.height;
    return (t1 * h1 + t2 * h2) * (-m.bump / (step * units));
}

// Where the middle of a pixel meets the plane of a triangle, as barycentric coordinates; the hit's own when that is far off.
// Patterns are evaluated there, once for all samples: they are filtered to the pixel, and jitter would only bring noise back.
K_HOT V2 middle_of_pixel(V3 corner, V3 e1, V3 e2, const Hit& hit, const Ray& middle, float reach) {
    V2 own = v2(hit.u, hit.v);
    V3 n = cross(e1, e2);
    float along = dot(middle.d, n), size = dot(n, n);
    if (k_abs(along) < 1e-3f * k_sqrt(size)) return own;
    V3 p = middle.o + middle.d * (dot(corner - middle.o, n) / along) - corner;
    float inv = 1.0f / k_max(size, 1e-30f);
    V2 at = v2(dot(cross(p, e2), n) * inv, dot(cross(e1, p), n) * inv);
    V3 off = e1 * (at.x - own.x) + e2 * (at.y - own.y);
    return dot(off, off) < reach * reach ? at : own;
}

// The material of a triangle at barycentric coordinates, for a pixel that is `width` metres wide there.
K_DEVICE Worn worn_at(const SolidView& solid, const Surfacing& m, const float* ca, const float* cb, const float* cc, V3 e1, V3 e2, V3 g, V2 where, float width, float slant) {
    Worn out = {K_NOTHING, 0, v3(m.base), v3(m.emission), v3(0.0f), m.roughness, 0.0f};
    V3 c0 = v3(ca), k1 = v3(cb) - c0, k2 = v3(cc) - c0;
    V3 at = c0 + k1 * where.x + k2 * where.y;
    if (m.pattern == PATTERN_IMAGE) {
        out.base = image_at(solid.images[m.texture], at.x, at.y);
        return out;
    }
    // Coordinates a metre, from the longer edge, and the pixel's width in them.
    float d1 = dot(e1, e1), d2 = dot(e2, e2);
    float stretch = k_sqrt(d1 > d2 ? dot(k1, k1) / k_max(d1, 1e-12f) : dot(k2, k2) / k_max(d2, 1e-12f));
    float pixel = width * stretch / k_sqrt(slant);
    if (m.variation > 0.0f) out.base = out.base * (1.0f + 1.1f * m.variation * variation_at(at, pixel));
    if (m.pattern == PATTERN_PLAIN) return out;
    V3 axis = cross(k1, k2), pc = at * m.scale, second = v3(m.second);
    float pw = pixel * m.scale;
    Pattern p = pattern_at(m.pattern, pc, on_plane(pc, axis), pw);
    out.base = mix(out.base, second, k_unit(p.second)) * (k_max(p.shade, 0.05f) * (1.0f - p.dark));
    out.roughness += p.rough;
    out.emission = out.emission + second * p.lit;
    out.wet = p.wet;
    if (m.bump > 0.0f && pw < 0.5f) out.bend = bend_of(m, p, at, axis, e1, e2, k1, k2, g, stretch, pw);
    return out;
}

// Which way the hairs of a triangle lie: along the second coordinate, on the smooth sheet that it stands for, raised by `tilt`.
K_HOT V3 strand_of(V3 e1, V3 e2, const float* ca, const float* cb, const float* cc, V3 normal, float tilt) {
    float x1 = cb[0] - ca[0], y1 = cb[1] - ca[1], x2 = cc[0] - ca[0], y2 = cc[1] - ca[1];
    V3 t = (e2 * x1 - e1 * x2) * (x1 * y2 - x2 * y1 < 0.0f ? -1.0f : 1.0f);
    t = t - normal * dot(t, normal);
    float d = dot(t, t);
    return d > 1e-16f ? normalize(t * (1.0f / k_sqrt(d)) + normal * tilt) : v3(0.0f);
}

// `width` is the pixel's width in metres at the hit; a negative one means that the pattern's mean is enough (bounced light).
// `share` and `middle` are null or go together: the material that an earlier sample of the same pixel found, and the ray
// through the pixel's middle.
K_COLD Surface surface_at(const View& view, const Ray& ray, const Hit& hit, float width, Worn* share, const Ray* middle) {
    const SolidView& solid = view.solids[hit.solid];
    const Triangle& tri = solid.triangles[hit.triangle];
    const Surfacing& m = solid.materials[tri.material];
    const Vertex &a = solid.vertices[tri.vertex[0]], &b = solid.vertices[tri.vertex[1]], &c = solid.vertices[tri.vertex[2]];
    float u = hit.u, v = hit.v, w = 1.0f - u - v;
    Surface s;
    s.view = -ray.d;
    V3 e1 = v3(b.position) - v3(a.position), e2 = v3(c.position) - v3(a.position);
    s.position = v3(a.position) + e1 * u + e2 * v;
    V3 g = normalize(cross(e1, e2));
    s.normal = normalize(v3(a.normal) * w + v3(b.normal) * u + v3(c.normal) * v);
    s.facing = dot(g, s.view) < 0.0f ? -g : g;
    float side = dot(s.normal, s.facing) < 0.0f ? -1.0f : 1.0f;
    s.normal = s.normal * side;
    s.lifted = lift(s.position, a, b, c, u, v, side) + s.facing * surface_epsilon(s.position);

    V3 tint = v3(a.tint) * w + v3(b.tint) * u + v3(c.tint) * v, base = v3(m.base);
    s.roughness = m.roughness;
    s.emission = v3(m.emission);
    s.strand = v3(0.0f);
    float wet = 0.0f;
    if (width >= 0.0f) {
        Worn worn;
        if (share && share->solid == hit.solid && share->material == tri.material && m.pattern != PATTERN_IMAGE) {
            worn = *share;
        } else {
            float slant = k_max(dot(s.facing, s.view), 0.08f);
            V2 where = v2(u, v);
            if (middle && m.pattern != PATTERN_IMAGE) where = middle_of_pixel(v3(a.position), e1, e2, hit, *middle, 2.5f * width / slant);
            worn = worn_at(solid, m, a.coords, b.coords, c.coords, e1, e2, g, where, width, slant);
            worn.solid = hit.solid;
            worn.material = tri.material;
            if (share) *share = worn;
        }
        base = worn.base;
        s.roughness = worn.roughness;
        s.emission = worn.emission;
        wet = worn.wet;
        if (m.pattern == PATTERN_STRANDS) s.strand = strand_of(e1, e2, a.coords, b.coords, c.coords, s.normal, worn.roughness - m.roughness);
        if (m.bump > 0.0f) s.normal = normalize(s.normal + worn.bend);
    } else if (m.pattern == PATTERN_IMAGE) {
        V3 at = v3(a.coords) * w + v3(b.coords) * u + v3(c.coords) * v;
        base = image_at(solid.images[m.texture], at.x, at.y);
    } else if (m.pattern == PATTERN_WINDOWS) {
        s.emission = s.emission + v3(m.second) * 0.1f;
    }
    // A shading normal that looks away from the viewer would darken the rim: bend it back.
    float facing = dot(s.normal, s.view);
    if (facing < 0.04f) s.normal = normalize(s.normal + s.view * (0.04f - facing));

    base = vclamp(base * tint, 0.0f, 0.95f);
    s.coat = m.coat;
    s.glass = m.glass;
    s.wrap = m.wrap;
    s.translucency = m.translucency;
    s.metallic = m.metallic;
    s.specular = k_mix(m.specular, 1.0f, m.metallic);
    if (wet > 0.0f) {
        s.coat = k_max(s.coat, wet);
        base = base * (1.0f - 0.35f * wet);
    }
    s.roughness = k_clamp(s.roughness, 0.05f, 1.0f);
    s.alpha = s.roughness * s.roughness;
    s.albedo = base * (1.0f - s.metallic);
    s.f0 = mix(v3(0.04f), base, s.metallic);
    s.sheen = v3(m.sheen_color) * m.sheen;
    return s;
}

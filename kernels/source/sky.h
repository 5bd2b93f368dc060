// The sky, and the light that it gives.
#pragma once
#include "noise.h"
#include "scene.h"

K_HOT V3 sky_gradient(const SkyView& s, V3 d) {
    if (d.y < 0.0f) return mix(v3(s.horizon), v3(s.ground), k_smooth(0.0f, 0.25f, -d.y));
    float h = 1.0f - d.y, h2 = h * h;
    return mix(v3(s.zenith), v3(s.horizon), h2 * h2 * (0.4f + 0.6f * h));
}
// What a surface sees: smooth, without disc, clouds or stars, so that one ray finds all there is.
K_HOT V3 sky_light(const SkyView& s, V3 d) {
    V3 c = sky_gradient(s, d);
    float towards = k_max(dot(d, v3(s.sun_direction)), 0.0f);
    c = c + v3(s.sun_color) * (s.sun_glow * 0.10f * towards * towards * towards * towards);
    return c * s.fill;
}
// What the camera and mirrors see. `pixel` is the angle of a pixel.
K_DEVICE V3 sky_seen(const SkyView& s, V3 d, float pixel) {
    V3 c = sky_gradient(s, d);
    float towards = dot(d, v3(s.sun_direction));
    if (s.sun_glow > 0.0f && towards > 0.0f) {
        float t2 = towards * towards, t8 = t2 * t2 * t2 * t2;
        float t64 = t8 * t8;
        t64 = t64 * t64;
        t64 = t64 * t64;
        float halo = 0.10f * t2 * t2 + 0.25f * t8 * t8 + 0.9f * t64 * t64;
        c = c + v3(s.sun_color) * (s.sun_glow * halo * (d.y < 0.0f ? 0.3f : 1.0f));
        c = c + v3(s.sun_color) * (s.sun_glow * 12.0f * k_smooth(0.99988f, 0.99996f, towards));
    }
    if (s.stars > 0.0f && d.y > 0.0f) {
        V3 p = d * 160.0f;
        V3 cell = v3(k_floor(p.x), k_floor(p.y), k_floor(p.z));
        uint32_t h = hash_mix((uint32_t)(int32_t)cell.x * 0x8da6b343u ^ (uint32_t)(int32_t)cell.y * 0xd8163841u ^ (uint32_t)(int32_t)cell.z * 0xcb1ab31fu);
        if ((h & 255u) < 6u) {
            V3 at = cell + v3(0.25f + 0.5f * unit_of(hash_mix(h + 1)), 0.25f + 0.5f * unit_of(hash_mix(h + 2)), 0.25f + 0.5f * unit_of(hash_mix(h + 3)));
            float size = k_max(0.09f, pixel * 160.0f * 0.6f), r = length(p - at) / size;
            float bright = unit_of(hash_mix(h + 4));
            float fade = k_smooth(0.0f, 0.25f, d.y) * 0.0081f / (size * size);
            c = c + mix(v3(1.0f, 0.85f, 0.7f), v3(0.75f, 0.85f, 1.0f), unit_of(hash_mix(h + 5))) * (s.stars * 3.0f * bright * bright * fade * k_max(1.0f - r * r, 0.0f));
        }
    }
    if (s.clouds > 0.0f && d.y > 0.02f) {
        // A flat layer, seen in perspective; thinner towards the horizon, lit from the sun's side.
        float k = 1.0f / (d.y + 0.12f);
        V3 p = v3(d.x * k * 1.1f, 3.7f, d.z * k * 1.1f);
        float n = 0.52f * noise3(p, 401) + 0.26f * noise3(p * 2.13f, 402) + 0.14f * noise3(p * 4.4f, 403) + 0.08f * noise3(p * 9.1f, 404);
        float cover = k_smooth(0.62f - 0.34f * s.clouds, 0.86f - 0.22f * s.clouds, n) * k_smooth(0.02f, 0.22f, d.y);
        float lit = 0.65f + 0.35f * k_max(towards, 0.0f) - 0.3f * k_smooth(0.6f, 1.0f, n);
        V3 white = (v3(s.horizon) * 0.75f + v3(s.zenith) * 0.25f) * 1.15f + v3(s.sun_color) * (0.10f * lit);
        c = mix(c, white * (0.85f + 0.3f * lit), 0.85f * cover);
    }
    return c;
}

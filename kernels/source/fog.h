// Haze between the camera and what it sees.
#pragma once
#include "light.h"

// Optical depth over a stretch of a ray, for a density that falls by e each `height` metres.
K_HOT float optical_depth(const FogView& f, V3 o, V3 d, float t) {
    float h = k_max(f.height, 1e-3f);
    float start = f.density * k_exp(k_clamp(-o.y / h, -20.0f, 4.0f));
    float fall = d.y / h * t;
    if (k_abs(fall) < 1e-3f) return start * t;
    return start * t * (1.0f - k_exp(k_clamp(-fall, -80.0f, 20.0f))) / fall;
}

// The glow of a small lamp along a stretch of a ray: the inverse square law has a closed integral (arc tangents).
K_HOT V3 lamp_glow(const FogView& f, const Lamp& lamp, V3 o, V3 d, float t) {
    V3 to = v3(lamp.position) - o;
    float along = dot(to, d);
    V3 nearest = o + d * k_clamp(along, 0.0f, t);
    V3 off = to - d * along;
    float dist = k_sqrt(k_max(dot(off, off), 1e-4f) + lamp.radius * lamp.radius);
    float angle = k_atan((t - along) / dist) - k_atan(-along / dist);
    float local = f.density * k_exp(k_clamp(-nearest.y / k_max(f.height, 1e-3f), -20.0f, 4.0f));
    float cone = 1.0f;
    if (lamp.kind == LIGHT_SPOT) {
        // The cone, at three points equally spaced in angle.
        float first = k_atan(-along / dist);
        cone = 0.0f;
        for (int i = 0; i < 3; i++) {
            float a = first + angle * (0.1667f + 0.3333f * (float)i), s, c;
            k_turn(a * (0.5f / K_PI), &s, &c);
            V3 p = o + d * k_clamp(along + dist * s / k_max(c, 1e-3f), 0.0f, t);
            cone += spot_cone(lamp, normalize(p - v3(lamp.position))) * (1.0f / 3.0f);
        }
    }
    return v3(lamp.intensity) * (local * cone * angle / (4.0f * K_PI * dist));
}

struct Haze {
    V3 glow;
    float through;
};
K_COLD Haze haze(const View& view, V3 o, V3 d, float t) {
    Haze h = {v3(0.0f), 1.0f};
    const FogView& f = view.fog;
    if (f.density <= 0.0f) return h;
    float end = k_min(t, 600.0f);
    h.through = k_exp(-k_max(optical_depth(f, o, d, end), 0.0f));
    h.glow = v3(f.color) * (1.0f - h.through);
    float near_t = k_min(end, 60.0f);
    for (uint32_t i = 0; i < view.lamp_count; i++) {
        const Lamp& lamp = view.lamps[i];
        if (lamp.kind == LIGHT_BALL || lamp.kind == LIGHT_SPOT) h.glow = h.glow + lamp_glow(f, lamp, o, d, near_t) * (0.5f + 0.5f * h.through);
    }
    return h;
}

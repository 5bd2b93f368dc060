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

// The glow of small lamps along a stretch of a ray: the inverse square law has a closed integral (arc tangents). Without
// branches, eight lamps at a time; a spot counts by its cone where the ray passes it closest.
K_HOT void lamp_glows(const LampTable& lamps, uint32_t count, const FogView& f, V3 o, V3 d, float t, float* K_RESTRICT parts) {
    float per_height = 1.0f / k_max(f.height, 1e-3f), strength = f.density * (0.25f / K_PI);
    for (uint32_t i = 0; i < count; i++) {
        float tx = lamps.x[i] - o.x, ty = lamps.y[i] - o.y, tz = lamps.z[i] - o.z;
        float along = tx * d.x + ty * d.y + tz * d.z;
        float off2 = tx * tx + ty * ty + tz * tz - along * along;
        float dist = k_sqrt(k_max(off2, 1e-4f) + lamps.radius2[i]);
        float angle = k_atan((t - along) / dist) + k_atan(along / dist);
        float at = k_clamp(along, 0.0f, t);
        float px = o.x + d.x * at - lamps.x[i], py = o.y + d.y * at - lamps.y[i], pz = o.z + d.z * at - lamps.z[i];
        float aim = (px * lamps.ax[i] + py * lamps.ay[i] + pz * lamps.az[i]) / k_sqrt(k_max(px * px + py * py + pz * pz, 1e-8f));
        float cone = k_unit((aim - lamps.cone_from[i]) * lamps.cone_scale[i]);
        float local = k_exp(k_clamp(-(o.y + d.y * at) * per_height, -20.0f, 4.0f));
        parts[i] = lamps.glow[i] * strength * local * cone * angle / dist;
    }
}

// Sunlight that haze throws on, with the halo that the sky has there: far planes fade into the sky behind them.
K_HOT V3 haze_color(const View& view, V3 d) {
    const SkyView& s = view.sky;
    float towards = k_max(dot(d, v3(s.sun_direction)), 0.0f);
    float t2 = towards * towards, t8 = t2 * t2 * t2 * t2;
    return v3(view.fog.color) + v3(s.sun_color) * (s.sun_glow * (0.10f * t2 * t2 + 0.25f * t8 * t8));
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
    h.glow = haze_color(view, d) * (1.0f - h.through);
    float near_t = k_min(end, 60.0f);
    if (view.lamp_count == 0) return h;
    K_ALIGN(32) float parts[K_LAMPS_MAX];
    lamp_glows(*view.table, (view.lamp_count + 7u) & ~7u, f, o, d, near_t, parts);
    V3 glow = v3(0.0f);
    for (uint32_t i = 0; i < view.lamp_count; i++) glow = glow + v3(view.lamps[i].intensity) * parts[i];
    h.glow = h.glow + glow * (0.5f + 0.5f * h.through);
    return h;
}

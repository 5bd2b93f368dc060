// One lamp, chosen by what it would bring unshadowed, and one point on it.
#pragma once
#include "shade.h"

// What reaches a surface from a lamp along one direction.
struct Beam {
    V3 l, centre;       // to the sampled point; to the lamp's centre
    V3 irradiance;      // across the beam, from the whole lamp
    float spread;       // tangent of the lamp's angular radius
    float far_t;        // how far the shadow ray goes
};

K_HOT float spot_cone(const Lamp& lamp, V3 from_lamp) {
    return k_smooth(lamp.cos_outer, k_max(lamp.cos_inner, lamp.cos_outer + 1e-4f), dot(v3(lamp.direction), from_lamp));
}

// About what each lamp gives to a surface: its irradiance times a generous cosine. Without branches, eight lamps at a time.
K_HOT void importances(const LampTable& t, uint32_t count, const Surface& s, float* K_RESTRICT parts) {
    float px = s.position.x, py = s.position.y, pz = s.position.z, nx = s.normal.x, ny = s.normal.y, nz = s.normal.z;
    float wrap = 0.45f * s.wrap, through = s.translucency;
    for (uint32_t i = 0; i < count; i++) {
        float here = t.here[i]; // 0 for the sun, whose position is a direction
        float dx = t.x[i] - px * here, dy = t.y[i] - py * here, dz = t.z[i] - pz * here;
        float d2 = k_max(dx * dx + dy * dy + dz * dz, 1e-6f);
        float inv = 1.0f / k_sqrt(d2);
        float aim = -(t.ax[i] * dx + t.ay[i] * dy + t.az[i] * dz) * inv;
        float angular = t.radius[i] * inv, soft = wrap + angular;
        float cone = k_unit((aim + t.soft[i] * angular - t.cone_from[i]) * t.cone_scale[i]);
        float e = t.luminance[i] * cone / k_max(d2, t.radius2[i]);
        float c = (nx * dx + ny * dy + nz * dz) * inv;
        float front = k_max(c + soft, 0.0f) / (1.0f + soft);
        parts[i] = e * k_max(front, -c * through);
    }
}

K_DEVICE Beam beam_of(const Lamp& lamp, V3 from, V2 r) {
    Beam b;
    V3 at = v3(lamp.position), power = v3(lamp.intensity);
    float sn, cs;
    k_turn(r.y, &sn, &cs);
    if (lamp.kind == LIGHT_SUN) {
        Frame f = frame_of(at);
        float rad = k_sqrt(r.x) * lamp.radius;
        b.centre = at;
        b.l = normalize(at + f.x * (rad * cs) + f.y * (rad * sn));
        b.irradiance = power;
        b.spread = lamp.radius;
        b.far_t = 1e6f;
        return b;
    }
    if (lamp.kind == LIGHT_PANEL) {
        V3 p = at + v3(lamp.u) * (2.0f * r.x - 1.0f) + v3(lamp.v) * (2.0f * r.y - 1.0f);
        V3 d = p - from, c = at - from;
        float d2 = k_max(dot(d, d), 1e-4f), dist = k_sqrt(d2);
        b.l = d * (1.0f / dist);
        b.centre = normalize(c);
        b.irradiance = power * (k_max(-dot(v3(lamp.direction), b.l), 0.0f) / d2);
        b.spread = 0.6f * lamp.radius / dist;
        b.far_t = dist * 0.999f;
        return b;
    }
    V3 d = at - from;
    float d2 = k_max(dot(d, d), 1e-8f), dist = k_sqrt(d2);
    b.centre = d * (1.0f / dist);
    // Uniform over the ball's cone of directions; the cone's solid angle against the small-ball limit corrects the estimate.
    float sin2 = k_min(lamp.radius * lamp.radius / d2, 0.9999f);
    float cos_most = k_sqrt(1.0f - sin2);
    float one_minus = sin2 / (1.0f + cos_most);
    float ct = 1.0f - r.x * one_minus, st = k_sqrt(k_max(1.0f - ct * ct, 0.0f));
    b.l = to_world(frame_of(b.centre), v3(st * cs, st * sn, ct));
    float whole = sin2 > 1e-7f ? 2.0f * one_minus / sin2 : 1.0f;
    b.irradiance = power * (whole * (sin2 < 0.9999f ? 1.0f / d2 : 1.0f / (lamp.radius * lamp.radius)));
    if (lamp.kind == LIGHT_SPOT) b.irradiance = b.irradiance * spot_cone(lamp, -b.centre);
    b.spread = lamp.radius / dist;
    b.far_t = k_max(dist - lamp.radius, dist * 0.02f) * 0.9995f;
    return b;
}

struct Choice {
    uint32_t lamp;
    float weight; // 1 / probability; 0 when no lamp reaches the surface
};
// Sums go by groups of eight, so that one lamp is found in a step to its group and a step within it.
K_COLD Choice choose_lamp(const View& view, const Surface& s, float r) {
    K_ALIGN(32) float parts[K_LAMPS_MAX];
    float groups[K_LAMPS_MAX / 8];
    uint32_t count = (view.lamp_count + 7u) / 8u;
    importances(*view.table, count * 8u, s, parts);
    float sum = 0.0f;
    for (uint32_t g = 0; g < count; g++) {
        const float* p = parts + g * 8u;
        groups[g] = ((p[0] + p[1]) + (p[2] + p[3])) + ((p[4] + p[5]) + (p[6] + p[7]));
        sum += groups[g];
    }
    Choice c = {0, 0.0f};
    if (!(sum > 1e-9f)) return c;
    float at = r * sum;
    uint32_t g = 0;
    for (; g + 1u < count && at >= groups[g]; g++) at -= groups[g];
    // Rounding may carry past the end of a group: then its last lamp with a part is taken.
    for (uint32_t i = g * 8u; i < g * 8u + 8u; i++) {
        if (parts[i] <= 0.0f) continue;
        c.lamp = i;
        c.weight = sum / parts[i];
        if (at < parts[i]) break;
        at -= parts[i];
    }
    return c;
}

// What this thread remembers of each lamp; nothing where threads are many and short.
#if defined(K_THREADS_REMEMBER)
K_HOT Blocker* k_blockers() {
    static thread_local Blocker blockers[K_LAMPS_MAX];
    return blockers;
}
#else
K_HOT Blocker* k_blockers() { return nullptr; }
#endif

// Light straight from one lamp to the viewer by way of the surface.
K_COLD V3 direct(const View& view, const Surface& s, float choice, V2 r, bool with_gloss) {
    if (view.lamp_count == 0) return v3(0.0f);
    Choice c = choose_lamp(view, s, choice);
    if (c.weight == 0.0f) return v3(0.0f);
    Beam b = beam_of(view.lamps[c.lamp], s.position, r);
    V3 out = diffuse(s, b.l);
    if (with_gloss) out = out + gloss(s, b.centre, b.spread);
    out = out * b.irradiance * c.weight;
    if (largest(out) <= 1e-6f) return v3(0.0f);
    bool behind = dot(s.facing, b.l) < 0.0f;
    if (behind && s.wrap <= 0.0f && s.translucency <= 0.0f) return v3(0.0f);
    V3 from = behind && s.translucency > 0.0f ? s.position - s.facing * surface_epsilon(s.position) : s.lifted;
    // Light that creeps around skin leaves it a little further on.
    float skin = s.wrap > 0.0f ? 0.02f * s.wrap * k_unit(1.0f - 2.5f * dot(s.facing, b.l)) : 0.0f;
    Ray shadow = {from, b.l, skin, b.far_t};
    return out * transmitted(view, shadow, k_blockers() ? k_blockers() + c.lamp : nullptr);
}

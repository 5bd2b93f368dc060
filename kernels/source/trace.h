// Light paths from the camera.
#pragma once
#include "bundle.h"
#include "fog.h"
#include "sky.h"

// What one sample of a pixel brings.
struct Seen {
    V3 noisy;  // light that the denoiser may smooth
    V3 clear;  // light that it mustn't: sky, emission, haze
    V3 albedo, normal;
    float depth;
};

// What each pair of a sample's numbers is for. Later bounces draw further sets of pairs.
enum { PAIR_PIXEL, PAIR_LENS, PAIR_LAMP_POINT, PAIR_CHOICES, PAIR_DIRECTION, PAIR_NEXT, PAIR_NEXT_CHOICES, PAIR_NEXT_DIRECTION };
K_HOT V2 pair(const Draws& d, uint32_t at) { return v2(d.x[at], d.y[at]); }
#define K_PASSES 6 // panes and mirrors on the way to the first plain surface

K_HOT float tent(float r) { return r < 0.5f ? k_sqrt(2.0f * r) - 1.0f : 1.0f - k_sqrt(2.0f - 2.0f * r); }

K_HOT Ray camera_ray(const View& view, float px, float py, V2 lens) {
    const CameraView& c = view.camera;
    float x = (2.0f * px / (float)view.width - 1.0f) * c.half_width;
    float y = (1.0f - 2.0f * py / (float)view.height) * c.half_height;
    V3 pin = v3(c.forward) + v3(c.right) * x + v3(c.up) * y;
    float r = k_sqrt(lens.x) * c.lens_radius, s, co;
    k_turn(lens.y, &s, &co);
    V3 shift = v3(c.right) * (r * co) + v3(c.up) * (r * s);
    V3 d = pin * c.focus - shift;
    float len = length(d);
    d = d * (1.0f / len);
    Ray ray = {v3(c.position) + shift, d, c.near_m * len / k_max(c.focus, 1e-6f), K_INF};
    return ray;
}

// What the last surface of a path would still get from all later bounces: the same again, dimmed by its own colour, and a
// little of the whole sky, so that rooms don't go black after one bounce.
K_HOT V3 later_bounces(const View& view, const Surface& s, V3 lit) {
    return lit * (0.45f * k_unit(luminance(s.albedo) * 1.5f)) + s.albedo * v3(view.sky.mean) * 0.05f;
}
// What a pane of glass leaves of the light that passes it.
K_HOT V3 pane_color(const Surface& s) { return mix(v3(1.0f), s.f0 + s.albedo, 0.8f) * s.glass; }
K_HOT V3 clamped(V3 c, float most) {
    float l = luminance(c);
    return l > most ? c * (most / l) : c;
}

// Light arriving along a ray that left a surface: the next surface lit by one lamp, or the sky.
K_PART V3 arriving(const View& view, Ray ray, Sampler sampler, const Draws& first, uint32_t left, bool mirror) {
    V3 sum = v3(0.0f), through = v3(1.0f);
    Draws draws = first;
    for (uint32_t pass = 0, bounce = 1;; pass++) {
        Hit hit = closest(view, ray);
        if (hit.triangle == K_NOTHING) return sum + through * (mirror ? sky_seen(view.sky, ray.d, 0.01f) : sky_light(view.sky, ray.d));
        Surface s = surface_at(view, ray, hit, mirror ? 0.02f * hit.t : -1.0f, nullptr, nullptr);
        if (s.glass > 0.5f && pass < K_PASSES) {
            sum = sum + through * s.emission;
            through = through * pane_color(s);
            ray.o = s.position - s.facing * surface_epsilon(s.position);
            ray.near_t = 0.0f;
            continue;
        }
        V2 picks = pair(draws, PAIR_NEXT_CHOICES);
        V3 lit = direct(view, s, picks.x, pair(draws, PAIR_NEXT), mirror);
        if (s.metallic > 0.5f) lit = lit + s.f0 * v3(view.sky.mean) * 0.25f;
        sum = sum + through * ((mirror ? s.emission : clamped(s.emission, 1.5f)) + lit);
        if (left <= 1) return sum + through * later_bounces(view, s, lit);
        left--;
        through = through * s.albedo;
        if (luminance(through) < 0.01f) return sum;
        ray.d = cosine_direction(s.normal, pair(draws, PAIR_NEXT_DIRECTION));
        if (dot(ray.d, s.facing) <= 0.0f) return sum;
        ray.o = s.position + s.facing * surface_epsilon(s.position);
        ray.near_t = 0.0f;
        ray.far_t = K_INF;
        draw(sampler, K_DRAWS * bounce, &draws);
        bounce++;
        mirror = false;
    }
}

// One way on from a surface: diffuse, through, or mirrored.
K_COLD V3 bounced(const View& view, const Surface& s, Sampler sampler, const Draws& draws, float pick) {
    V3 from = s.position + s.facing * surface_epsilon(s.position);
    float nv = k_max(dot(s.normal, s.view), 0.0f);
    V3 spec = mirrored(s.f0, s.roughness, nv) * s.specular;
    float ls = luminance(spec), ld = luminance(s.albedo) * (1.0f - 0.5f * ls);
    // A rough dielectric mirrors so faintly that its share goes the diffuse way.
    if (s.metallic < 0.5f && s.roughness > 0.35f) ls = 0.0f;
    float ps = ls / k_max(ls + ld, 1e-6f);
    V2 r = pair(draws, PAIR_DIRECTION);
    Ray ray = {from, s.normal, 0.0f, K_INF};
    if (pick < ps) {
        V3 h = visible_normal(s.normal, s.view, s.alpha, r);
        ray.d = reflect(-s.view, h);
        if (dot(ray.d, s.facing) <= 0.0f) return v3(0.0f);
        float c = k_unit(dot(h, s.view));
        // Towards mirrors lamps are seen as the surfaces around them; a sharp lobe asks for the sky as it is seen.
        V3 in = arriving(view, ray, sampler, draws, 1, s.roughness < 0.3f);
        V3 f = schlick(s.f0, c) * (luminance(spec) / k_max(luminance(schlick(s.f0, nv)), 1e-4f));
        return clamped(in * f * (1.0f / ps), view.clamp);
    }
    bool behind = false;
    if (s.translucency > 0.0f) {
        float q = k_unit((pick - ps) / k_max(1.0f - ps, 1e-6f));
        behind = q < s.translucency;
    }
    ray.d = cosine_direction(behind ? -s.normal : s.normal, r);
    if ((dot(ray.d, s.facing) < 0.0f) != behind) return v3(0.0f);
    if (behind) ray.o = s.position - s.facing * surface_epsilon(s.position);
    V3 in = arriving(view, ray, sampler, draws, view.bounces, false);
    return clamped(in * (s.albedo + s.sheen * 0.1f) * (1.0f / (1.0f - ps)), view.clamp);
}

K_HOT Ray mirror_ray(const Surface& s, V3 d) {
    V3 away = reflect(d, s.normal);
    if (dot(away, s.facing) <= 0.0f) away = reflect(d, s.facing);
    Ray ray = {s.position + s.facing * surface_epsilon(s.position), away, 0.0f, K_INF};
    return ray;
}

// What the samples of a pixel share: the ray through its middle, its haze (as long as they end equally far away), its material.
struct Shared {
    Haze haze;
    float haze_t;
    Worn worn;
    Ray middle;
};

// Where a sample starts: its numbers, and its ray from the camera.
struct Start {
    Sampler sampler;
    Draws draws;
};
K_HOT Ray start_of(const View& view, uint32_t x, uint32_t y, uint32_t index, Start* start) {
    start->sampler = sampler_of(x, y, index, view.log2_samples, view.seed);
    draw(start->sampler, 0, &start->draws);
    V2 j = pair(start->draws, PAIR_PIXEL);
    return camera_ray(view, (float)x + 0.5f + 0.8f * tent(j.x), (float)y + 0.5f + 0.8f * tent(j.y), pair(start->draws, PAIR_LENS));
}

// What a sample sees along its ray, which first meets `hit`.
K_PART Seen sample_pixel(const View& view, const Start& start, Ray ray, Hit hit, Shared* shared) {
    const Sampler& sampler = start.sampler;
    const Draws& draws = start.draws;
    V2 picks = pair(draws, PAIR_CHOICES);
    float pixel = 2.0f * view.camera.half_width / (float)view.width;

    Seen seen = {v3(0.0f), v3(0.0f), v3(1.0f), v3(0.0f), K_INF};
    V3 through = v3(1.0f);
    float travelled = 0.0f;
    for (uint32_t pass = 0;; pass++) {
        if (pass) hit = closest(view, ray);
        bool missed = hit.triangle == K_NOTHING;
        if (pass == 0) {
            float end = missed ? 1e4f : hit.t;
            if (k_abs(end - shared->haze_t) > 0.02f * end) {
                shared->haze = haze(view, ray.o, ray.d, end);
                shared->haze_t = end;
            }
            seen.clear = seen.clear + shared->haze.glow;
            through = through * shared->haze.through;
            if (!missed) seen.depth = hit.t * dot(ray.d, v3(view.camera.forward));
        }
        if (missed) {
            seen.clear = seen.clear + through * sky_seen(view.sky, ray.d, pixel);
            if (pass == 0) seen.normal = v3(0.0f);
            return seen;
        }
        travelled += hit.t;
        float blur = 1.4f * view.camera.lens_radius * k_abs(travelled / view.camera.focus - 1.0f), sharp = pixel * travelled;
        Surface s = surface_at(view, ray, hit, k_sqrt(sharp * sharp + blur * blur), pass ? nullptr : &shared->worn, pass ? nullptr : &shared->middle);
        seen.clear = seen.clear + through * s.emission;
        float nv = k_unit(dot(s.normal, s.view));
        bool may_pass = pass < K_PASSES;
        // Panes and coats: what they mirror is traced beside what stands behind, not instead of it, so that it brings no noise.
        float mirrored_here = s.glass > 0.5f ? k_min(2.0f * schlick(0.04f, nv), 1.0f) : schlick(0.04f, nv) * s.coat;
        bool pane = s.glass > 0.5f && may_pass, polished = s.metallic > 0.5f && s.roughness < 0.12f && may_pass;
        mirrored_here = k_max(mirrored_here - 0.015f, 0.0f); // the faintest sheen isn't worth a ray
        if (mirrored_here > 0.0f && !polished && pass < 2) {
            Ray away = mirror_ray(s, ray.d);
            seen.noisy = seen.noisy + through * clamped(arriving(view, away, sampler, draws, 1, true), view.clamp) * mirrored_here;
            through = through * (1.0f - mirrored_here);
        }
        if (pane) {
            through = through * pane_color(s);
            ray.o = s.position - s.facing * surface_epsilon(s.position);
            ray.near_t = 0.0f;
            continue;
        }
        // Polished metal hands the pixel on to what it shows.
        if (polished) {
            through = through * schlick(s.f0, nv);
            if (pass == 0) seen.normal = s.normal;
            ray = mirror_ray(s, ray.d);
            continue;
        }
        seen.albedo = through * guide_albedo(s);
        if (pass == 0 || dot(seen.normal, seen.normal) < 0.5f) seen.normal = s.normal;
        V3 lit = direct(view, s, picks.x, pair(draws, PAIR_LAMP_POINT), true);
        // The darker a surface, the fewer paths go on from it; the denoiser makes up for them.
        float go_on = k_clamp(1.1f * luminance(seen.albedo) + 0.08f, 0.32f, 0.65f);
        if (view.bounces == 0) lit = lit + later_bounces(view, s, lit);
        else if (picks.y < go_on) lit = lit + bounced(view, s, sampler, draws, picks.y / go_on) * (1.0f / go_on);
        seen.noisy = seen.noisy + through * clamped(lit, 4.0f * view.clamp);
        return seen;
    }
}

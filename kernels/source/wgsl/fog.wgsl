// Haze between the camera and what it sees, as in ../fog.h.

// Optical depth over a stretch of a ray, for a density that falls by e each `height` metres.
fn optical_depth(o: vec3f, d: vec3f, t: f32) -> f32 {
    let h = k_max(scene.fog_height, 1e-3);
    let start = scene.fog_density * k_exp(k_clamp(-o.y / h, -20.0, 4.0));
    let fall = d.y / h * t;
    if (abs(fall) < 1e-3) { return start * t; }
    return start * t * (1.0 - k_exp(k_clamp(-fall, -80.0, 20.0))) / fall;
}

// The glow of one small lamp along a stretch of a ray: the inverse square law has a closed integral (arc tangents); a spot counts
// by its cone where the ray passes it closest.
fn lamp_glow(i: u32, o: vec3f, d: vec3f, t: f32) -> f32 {
    let at = three(lamps[i].position);
    let to = at - o;
    let along = dot3(to, d);
    let dist = sqrt(k_max(dot3(to, to) - along * along, 1e-4) + lamps[i].radius2);
    let angle = k_atan((t - along) / dist) + k_atan(along / dist);
    let met = k_clamp(along, 0.0, t);
    let p = o + d * met - at;
    let aim = dot3(p, three(lamps[i].direction)) / sqrt(k_max(dot3(p, p), 1e-8));
    let cone = k_unit((aim - lamps[i].cone_from) * lamps[i].cone_scale);
    let local = k_exp(k_clamp(-(o.y + d.y * met) * (1.0 / k_max(scene.fog_height, 1e-3)), -20.0, 4.0));
    return lamps[i].glow * (scene.fog_density * (0.25 / PI)) * local * cone * angle / dist;
}

// Sunlight that haze throws on, with the halo that the sky has there.
fn haze_color(d: vec3f) -> vec3f {
    let towards = k_max(dot3(d, scene.sun_direction), 0.0);
    let t2 = towards * towards;
    let t8 = t2 * t2 * t2 * t2;
    return scene.fog_color + scene.sun_color * (scene.sun_glow * (0.10 * t2 * t2 + 0.25 * t8 * t8));
}

// The glow of the haze along a stretch of a ray, and the share of light that passes.
fn haze(o: vec3f, d: vec3f, t: f32) -> vec4f {
    if (scene.fog_density <= 0.0) { return vec4f(0.0, 0.0, 0.0, 1.0); }
    let end = k_min(t, 600.0);
    let through = k_exp(-k_max(optical_depth(o, d, end), 0.0));
    var glow = vec3f(0.0);
    for (var i = 0u; i < scene.lamp_count; i++) { glow += three(lamps[i].intensity) * lamp_glow(i, o, d, k_min(end, 60.0)); }
    return vec4f(haze_color(d) * (1.0 - through) + glow * (0.5 + 0.5 * through), through);
}

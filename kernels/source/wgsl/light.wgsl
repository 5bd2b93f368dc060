// One lamp, chosen by what it would bring unshadowed, and one point on it; as in ../light.h.

// What reaches a surface from a lamp along one direction.
struct Beam {
    l: vec3f,          // to the sampled point
    centre: vec3f,     // to the lamp's centre
    irradiance: vec3f, // across the beam, from the whole lamp
    spread: f32,       // tangent of the lamp's angular radius
    far_t: f32,        // how far the shadow ray goes
}

fn spot_cone(lamp: Lamp, from_lamp: vec3f) -> f32 {
    return k_smooth(lamp.cos_outer, k_max(lamp.cos_inner, lamp.cos_outer + 1e-4), dot3(three(lamp.direction), from_lamp));
}

// About what a lamp gives to a surface: its irradiance times a generous cosine.
fn importance(i: u32, s: Surface) -> f32 {
    let d = three(lamps[i].position) - s.position * lamps[i].here;
    let d2 = k_max(dot3(d, d), 1e-6);
    let inv = 1.0 / sqrt(d2);
    let aim = -dot3(three(lamps[i].direction), d) * inv;
    let angular = lamps[i].radius * inv;
    let soft = 0.45 * s.wrap + angular;
    let cone = k_unit((aim + lamps[i].soft * angular - lamps[i].cone_from) * lamps[i].cone_scale);
    let e = lamps[i].luminance * cone / k_max(d2, lamps[i].radius2);
    let c = dot3(s.normal, d) * inv;
    let front = k_max(c + soft, 0.0) / (1.0 + soft);
    return e * k_max(front, -c * s.translucency);
}

fn sun_beam(lamp: Lamp, r: vec2f) -> Beam {
    let at = three(lamp.position);
    let f = frame_of(at);
    let turn = k_turn(r.y);
    let rad = sqrt(r.x) * lamp.radius;
    return Beam(unit3(at + f.x * (rad * turn.y) + f.y * (rad * turn.x)), at, three(lamp.intensity), lamp.radius, 1e6);
}
fn panel_beam(lamp: Lamp, to: vec3f, r: vec2f) -> Beam {
    let at = three(lamp.position);
    let d = at + three(lamp.u) * (2.0 * r.x - 1.0) + three(lamp.v) * (2.0 * r.y - 1.0) - to;
    let d2 = k_max(dot3(d, d), 1e-4);
    let dist = sqrt(d2);
    let l = d * (1.0 / dist);
    let irradiance = three(lamp.intensity) * (k_max(-dot3(three(lamp.direction), l), 0.0) / d2);
    return Beam(l, unit3(at - to), irradiance, 0.6 * lamp.radius / dist, dist * 0.999);
}
// Uniform over the ball's cone of directions; the cone's solid angle against the small-ball limit corrects the estimate.
fn ball_beam(lamp: Lamp, to: vec3f, r: vec2f) -> Beam {
    let d = three(lamp.position) - to;
    let d2 = k_max(dot3(d, d), 1e-8);
    let dist = sqrt(d2);
    let centre = d * (1.0 / dist);
    let sin2 = k_min(lamp.radius * lamp.radius / d2, 0.9999);
    let one_minus = sin2 / (1.0 + sqrt(1.0 - sin2));
    let ct = 1.0 - r.x * one_minus;
    let st = sqrt(k_max(1.0 - ct * ct, 0.0));
    let turn = k_turn(r.y);
    let l = to_world(frame_of(centre), vec3f(st * turn.y, st * turn.x, ct));
    let whole = select(1.0, 2.0 * one_minus / sin2, sin2 > 1e-7);
    var irradiance = three(lamp.intensity) * (whole * select(1.0 / (lamp.radius * lamp.radius), 1.0 / d2, sin2 < 0.9999));
    if (lamp.kind == LIGHT_SPOT) { irradiance *= spot_cone(lamp, -centre); }
    return Beam(l, centre, irradiance, lamp.radius / dist, k_max(dist - lamp.radius, dist * 0.02) * 0.9995);
}
fn beam_of(lamp: Lamp, to: vec3f, r: vec2f) -> Beam {
    if (lamp.kind == LIGHT_SUN) { return sun_beam(lamp, r); }
    if (lamp.kind == LIGHT_PANEL) { return panel_beam(lamp, to, r); }
    return ball_beam(lamp, to, r);
}

struct Choice {
    lamp: u32,
    weight: f32, // 1 / probability; 0 when no lamp reaches the surface
}
fn choose_lamp(s: Surface, r: f32) -> Choice {
    let count = (scene.lamp_count + 7u) / 8u;
    var sum = 0.0;
    for (var g = 0u; g < count; g++) { sum += group_sum(g, s); }
    var c = Choice(0u, 0.0);
    if (!(sum > 1e-9)) { return c; }
    var at = r * sum;
    var g = 0u;
    for (; g + 1u < count; g++) {
        let part = group_sum(g, s);
        if (at < part) { break; }
        at -= part;
    }
    for (var i = g * 8u; i < g * 8u + 8u; i++) {
        let part = part_of(i, s);
        if (part <= 0.0) { continue; }
        c = Choice(i, sum / part);
        if (at < part) { break; }
        at -= part;
    }
    return c;
}
fn part_of(i: u32, s: Surface) -> f32 {
    if (i >= scene.lamp_count) { return 0.0; }
    return importance(i, s);
}
// Sums go by groups of eight, added in the order that the vectors of the CPU have them.
fn group_sum(g: u32, s: Surface) -> f32 {
    let i = g * 8u;
    return ((part_of(i, s) + part_of(i + 1u, s)) + (part_of(i + 2u, s) + part_of(i + 3u, s)))
        + ((part_of(i + 4u, s) + part_of(i + 5u, s)) + (part_of(i + 6u, s) + part_of(i + 7u, s)));
}

// Light straight from one lamp to the viewer by way of the surface.
fn direct(s: Surface, choice: f32, r: vec2f, with_gloss: bool) -> vec3f {
    let c = choose_lamp(s, choice);
    if (c.weight == 0.0) { return vec3f(0.0); }
    let b = beam_of(lamps[c.lamp], s.position, r);
    var out = diffuse(s, b.l);
    if (with_gloss) { out += gloss(s, b.centre, b.spread); }
    out = out * b.irradiance * c.weight;
    if (largest(out) <= 1e-6) { return vec3f(0.0); }
    let behind = dot3(s.facing, b.l) < 0.0;
    if (behind && s.wrap <= 0.0 && s.translucency <= 0.0) { return vec3f(0.0); }
    let start = select(s.lifted, s.position - s.facing * surface_epsilon(s.position), behind && s.translucency > 0.0);
    // Light that creeps around skin leaves it a little further on.
    let skin = select(0.0, 0.02 * s.wrap * k_unit(1.0 - 2.5 * dot3(s.facing, b.l)), s.wrap > 0.0);
    return out * transmitted(Ray(start, skin, b.l, b.far_t));
}

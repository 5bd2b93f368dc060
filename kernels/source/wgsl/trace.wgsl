// Light paths from the camera, as in ../trace.h. There a surface calls upon further rays; here it leaves errands for them, so that
// one loop with one place to trace, one to shade and one to light does all: less code for a driver to inline, and neighbouring
// threads stay together.

// Planes of pixels one after another: colour, clear, albedo, normal (three floats a pixel), depth, variance.
@group(0) @binding(9) var<storage, read_write> layers: array<f32>;

// What one sample of a pixel brings.
struct Seen {
    noisy: vec3f, // light that the denoiser may smooth
    clear: vec3f, // light that it mustn't: sky, emission, haze
    albedo: vec3f,
    normal: vec3f,
    depth: f32,
}

// What each pair of a sample's numbers is for. Later bounces draw further sets of pairs.
const PAIR_PIXEL = 0u;
const PAIR_LENS = 1u;
const PAIR_LAMP_POINT = 2u;
const PAIR_CHOICES = 3u;
const PAIR_DIRECTION = 4u;
const PAIR_NEXT = 5u;
const PAIR_NEXT_CHOICES = 6u;
const PAIR_NEXT_DIRECTION = 7u;
const DRAWS = 8u;
const PASSES = 6u; // panes and mirrors on the way to the first plain surface

// Light to fetch along a ray that left a surface: of what comes back, `sum`, the pixel gets
// weight · clamped(lit + scale · clamped(sum · factor)).
struct Errand {
    ray: Ray,
    weight: vec3f,
    lit: vec3f,
    factor: vec3f,
    scale: f32,
    left: u32, // surfaces that it may light
    mirror: bool,
}

// A sample on its way: first along the pixel's own ray, then on its errands.
struct Walk {
    ray: Ray,
    through: vec3f,
    sum: vec3f, // of the present errand
    hops: u32,
    bounce: u32,
    left: u32,
    mirror: bool,
    first: bool, // on the pixel's own ray, or where panes and polished metal hand it on
    ended: bool,
    travelled: f32,
    waiting: u32, // errands there are
    errands: array<Errand, 3>,
}

fn tent(r: f32) -> f32 { return select(1.0 - sqrt(2.0 - 2.0 * r), sqrt(2.0 * r) - 1.0, r < 0.5); }

fn camera_ray(px: f32, py: f32, lens: vec2f) -> Ray {
    let x = (2.0 * px / f32(scene.width) - 1.0) * scene.half_width;
    let y = (1.0 - 2.0 * py / f32(scene.height)) * scene.half_height;
    let pin = scene.forward + scene.right * x + scene.up * y;
    let r = sqrt(lens.x) * scene.lens_radius;
    let turn = k_turn(lens.y);
    let shift = scene.right * (r * turn.y) + scene.up * (r * turn.x);
    let d = pin * scene.focus - shift;
    let len = length3(d);
    return Ray(scene.position + shift, scene.near_m * len / k_max(scene.focus, 1e-6), d * (1.0 / len), FAR);
}

// What the last surface of a path would still get from all later bounces: the same again, dimmed by its own colour, and a
// little of the whole sky, so that rooms don't go black after one bounce.
fn later_bounces(s: Surface, lit: vec3f) -> vec3f {
    return lit * (0.45 * k_unit(luminance(s.albedo) * 1.5)) + s.albedo * scene.mean * 0.05;
}
// What a pane of glass leaves of the light that passes it.
fn pane_color(s: Surface) -> vec3f { return mix3(vec3f(1.0), s.f0 + s.albedo, 0.8) * s.glass; }
fn clamped(c: vec3f, most: f32) -> vec3f {
    let l = luminance(c);
    return select(c, c * (most / l), l > most);
}

fn mirror_ray(s: Surface, d: vec3f) -> Ray {
    var away = mirror3(d, s.normal);
    if (dot3(away, s.facing) <= 0.0) { away = mirror3(d, s.facing); }
    return Ray(s.position + s.facing * surface_epsilon(s.position), 0.0, away, FAR);
}

// One way on from a surface: diffuse, through, or mirrored. The errand's factor is zero where no light can come from.
fn bounce_of(s: Surface, r: vec2f, pick: f32) -> Errand {
    let past = s.facing * surface_epsilon(s.position);
    let nv = k_max(dot3(s.normal, s.view), 0.0);
    let spec = mirrored(s.f0, s.roughness, nv) * s.specular;
    var ls = luminance(spec);
    let ld = luminance(s.albedo) * (1.0 - 0.5 * ls);
    // A rough dielectric mirrors so faintly that its share goes the diffuse way.
    if (s.metallic < 0.5 && s.roughness > 0.35) { ls = 0.0; }
    let ps = ls / k_max(ls + ld, 1e-6);
    var e: Errand;
    if (pick < ps) {
        let h = visible_normal(s.normal, s.view, s.alpha, r);
        e.ray = Ray(s.position + past, 0.0, mirror3(-s.view, h), FAR);
        if (dot3(e.ray.d, s.facing) <= 0.0) { return e; }
        e.factor = schlick3(s.f0, k_unit(dot3(h, s.view))) * (luminance(spec) / k_max(luminance(schlick3(s.f0, nv)), 1e-4)) * (1.0 / ps);
        // Towards mirrors lamps are seen as the surfaces around them; a sharp lobe asks for the sky as it is seen.
        e.left = 1u;
        e.mirror = s.roughness < 0.3;
        return e;
    }
    let behind = s.translucency > 0.0 && k_unit((pick - ps) / k_max(1.0 - ps, 1e-6)) < s.translucency;
    let d = cosine_direction(select(s.normal, -s.normal, behind), r);
    e.ray = Ray(s.position + select(past, -past, behind), 0.0, d, FAR);
    if ((dot3(d, s.facing) < 0.0) != behind) { return e; }
    e.factor = (s.albedo + s.sheen * 0.1) * (1.0 / (1.0 - ps));
    e.left = scene.bounces;
    e.mirror = false;
    return e;
}

// The haze as far as the pixel's ray goes, shared by samples that end about equally far away.
fn enter_haze(w: ptr<function, Walk>, end: f32, seen: ptr<function, Seen>, held: ptr<function, Common>) {
    if (abs(end - held.haze_t) > 0.02 * end) {
        held.haze = haze(w.ray.o, w.ray.d, end);
        held.haze_t = end;
    }
    seen.clear += held.haze.xyz;
    w.through *= held.haze.w;
}

// Light that comes along a ray which met nothing.
fn meet_sky(w: ptr<function, Walk>, pixel: f32, seen: ptr<function, Seen>) {
    var light: vec3f;
    if (w.first || w.mirror) {
        light = sky_seen(w.ray.d, select(0.01, pixel, w.first));
    } else {
        light = sky_light(w.ray.d);
    }
    if (w.first) { seen.clear += w.through * light; } else { w.sum += w.through * light; }
    w.ended = true;
}

fn pass_pane(w: ptr<function, Walk>, s: Surface) {
    w.through *= pane_color(s);
    w.ray.o = s.position - s.facing * surface_epsilon(s.position);
    w.ray.near_t = 0.0;
}

// The pixel's own ray at a surface that hands it on: true, and the walk goes on.
fn handed_on(w: ptr<function, Walk>, s: Surface, seen: ptr<function, Seen>) -> bool {
    seen.clear += w.through * s.emission;
    let nv = k_unit(dot3(s.normal, s.view));
    let may = w.hops < PASSES;
    // Panes and coats: what they mirror is traced beside what stands behind, not instead of it, so that it brings no noise.
    var share = select(schlick(0.04, nv) * s.coat, k_min(2.0 * schlick(0.04, nv), 1.0), s.glass > 0.5);
    share = k_max(share - 0.015, 0.0); // the faintest sheen isn't worth a ray
    let polished = s.metallic > 0.5 && s.roughness < 0.12 && may;
    if (share > 0.0 && !polished && w.hops < 2u) {
        w.errands[w.waiting] = Errand(mirror_ray(s, w.ray.d), w.through * share, vec3f(0.0), vec3f(1.0), 1.0, 1u, true);
        w.waiting += 1u;
        w.through *= 1.0 - share;
    }
    if (s.glass > 0.5 && may) {
        pass_pane(w, s);
        return true;
    }
    // Polished metal hands the pixel on to what it shows.
    if (polished) {
        w.through *= schlick3(s.f0, nv);
        if (w.hops == 0u) { seen.normal = s.normal; }
        w.ray = mirror_ray(s, w.ray.d);
        return true;
    }
    return false;
}

// The first plain surface: its own light, and perhaps one errand for what bounces.
fn end_first(w: ptr<function, Walk>, s: Surface, lit: vec3f, pick: f32, r: vec2f, seen: ptr<function, Seen>) {
    seen.albedo = w.through * guide_albedo(s);
    if (w.hops == 0u || dot3(seen.normal, seen.normal) < 0.5) { seen.normal = s.normal; }
    w.ended = true;
    // The darker a surface, the fewer paths go on from it; the denoiser makes up for them.
    let go_on = k_clamp(1.1 * luminance(seen.albedo) + 0.08, 0.32, 0.65);
    var all = lit;
    if (scene.bounces == 0u) {
        all = lit + later_bounces(s, lit);
    } else if (pick < go_on) {
        var e = bounce_of(s, r, pick / go_on);
        if (any(e.factor > vec3f(0.0))) {
            e.weight = w.through;
            e.lit = lit;
            e.scale = 1.0 / go_on;
            w.errands[w.waiting] = e;
            w.waiting += 1u;
            return;
        }
    }
    seen.noisy += w.through * clamped(all, 4.0 * scene.most);
}

// An errand at a surface, which is lit; sets out for the next.
fn go_further(w: ptr<function, Walk>, s: Surface, direct_light: vec3f, r: vec2f) {
    var lit = direct_light;
    if (s.metallic > 0.5) { lit += s.f0 * scene.mean * 0.25; }
    w.sum += w.through * (select(clamped(s.emission, 1.5), s.emission, w.mirror) + lit);
    w.ended = true;
    if (w.left <= 1u) {
        w.sum += w.through * later_bounces(s, lit);
        return;
    }
    w.left -= 1u;
    w.through *= s.albedo;
    if (luminance(w.through) < 0.01) { return; }
    let d = cosine_direction(s.normal, r);
    if (dot3(d, s.facing) <= 0.0) { return; }
    w.ray = Ray(s.position + s.facing * surface_epsilon(s.position), 0.0, d, FAR);
    w.bounce += 1u;
    w.mirror = false;
    w.ended = false;
}

// How wide a pixel is at a hit, in metres: for patterns. Negative: their mean will do.
fn width_at(w: ptr<function, Walk>, t: f32, pixel: f32) -> f32 {
    if (!w.first) { return select(-1.0, 0.02 * t, w.mirror); }
    w.travelled += t;
    let blur = 1.4 * scene.lens_radius * abs(w.travelled / scene.focus - 1.0);
    let sharp = pixel * w.travelled;
    return sqrt(sharp * sharp + blur * blur);
}

// One step of a walk: to the next surface or the sky.
fn step_on(w: ptr<function, Walk>, q: Sequence, pixel: f32, seen: ptr<function, Seen>, held: ptr<function, Common>) {
    let hit = closest(w.ray);
    let missed = hit.triangle == NOTHING;
    let start = w.first && w.hops == 0u;
    if (start) {
        enter_haze(w, select(hit.t, 1e4, missed), seen, held);
        if (!missed) { seen.depth = hit.t * dot3(w.ray.d, scene.forward); }
    }
    if (missed) {
        meet_sky(w, pixel, seen);
        return;
    }
    let s = surface_at(w.ray, hit, width_at(w, hit.t, pixel), start, held);
    if (w.first) {
        if (handed_on(w, s, seen)) { return; }
    } else if (s.glass > 0.5 && w.hops < PASSES) {
        w.sum += w.through * s.emission;
        pass_pane(w, s);
        return;
    }
    let set_of = DRAWS * w.bounce;
    let picks = sample2(q, set_of + select(PAIR_NEXT_CHOICES, PAIR_CHOICES, w.first));
    let point = sample2(q, set_of + select(PAIR_NEXT, PAIR_LAMP_POINT, w.first));
    let turn = sample2(q, set_of + select(PAIR_NEXT_DIRECTION, PAIR_DIRECTION, w.first));
    let lit = direct(s, picks.x, point, w.first || w.mirror);
    if (w.first) { end_first(w, s, lit, picks.y, turn, seen); } else { go_further(w, s, lit, turn); }
}

fn set_out(w: ptr<function, Walk>, e: Errand) {
    w.first = false;
    w.ended = false;
    w.ray = e.ray;
    w.through = vec3f(1.0);
    w.sum = vec3f(0.0);
    w.hops = 0u;
    w.bounce = 0u;
    w.left = e.left;
    w.mirror = e.mirror;
}

fn sample_pixel(x: u32, y: u32, index: u32, held: ptr<function, Common>) -> Seen {
    let q = sequence_of(x, y, index, scene.log2_samples, scene.seed);
    let j = sample2(q, PAIR_PIXEL);
    let pixel = 2.0 * scene.half_width / f32(scene.width);
    var seen = Seen(vec3f(0.0), vec3f(0.0), vec3f(1.0), vec3f(0.0), FAR);
    var w: Walk;
    w.ray = camera_ray(f32(x) + 0.5 + 0.8 * tent(j.x), f32(y) + 0.5 + 0.8 * tent(j.y), sample2(q, PAIR_LENS));
    w.through = vec3f(1.0);
    w.first = true;
    var done = 0u;
    loop {
        step_on(&w, q, pixel, &seen, held);
        w.hops += 1u;
        if (!w.ended) { continue; }
        if (!w.first) {
            let e = w.errands[done];
            seen.noisy += e.weight * clamped(e.lit + clamped(w.sum * e.factor, scene.most) * e.scale, 4.0 * scene.most);
            done += 1u;
        }
        if (done == w.waiting) { break; }
        set_out(&w, w.errands[done]);
    }
    return seen;
}

fn put_three(at: u32, v: vec3f) {
    layers[at] = v.x;
    layers[at + 1u] = v.y;
    layers[at + 2u] = v.z;
}

fn trace_one(x: u32, y: u32) {
    var sum = Seen(vec3f(0.0), vec3f(0.0), vec3f(0.0), vec3f(0.0), 0.0);
    var light = 0.0;
    var light2 = 0.0;
    var held: Common;
    held.haze_t = -1.0;
    held.worn.solid = NOTHING;
    held.middle = camera_ray(f32(x) + 0.5, f32(y) + 0.5, vec2f(0.0));
    for (var i = 0u; i < scene.samples; i++) {
        let s = sample_pixel(x, y, i, &held);
        sum.noisy += s.noisy;
        sum.clear += s.clear;
        sum.albedo += s.albedo;
        sum.normal += s.normal;
        if (s.depth > 0.0 && s.depth < FAR) { sum.depth += 1.0 / s.depth; }
        let l = luminance(s.noisy) / k_max(luminance(s.albedo), 0.01);
        light += l;
        light2 += l * l;
    }
    let n = f32(scene.samples);
    let share = 1.0 / n;
    let pixels = scene.width * scene.height;
    let at = y * scene.width + x;
    let clear = sum.clear * share;
    put_three(3u * at, sum.noisy * share + clear);
    put_three(3u * (pixels + at), clear);
    put_three(3u * (2u * pixels + at), sum.albedo * share);
    put_three(3u * (3u * pixels + at), sum.normal * share);
    let mean = light * share;
    layers[12u * pixels + at] = select(FAR, n / sum.depth, sum.depth > 0.0);
    layers[13u * pixels + at] = k_max(light2 * share - mean * mean, 0.0) / k_max(n - 1.0, 1.0);
}

// Pixels are counted tile by tile, so that neighbours in number are neighbours on the screen: TILE × TILE to a tile.
const TILE = 16u;
@compute @workgroup_size(64)
fn trace(@builtin(global_invocation_id) id: vec3u) {
    let i = stretch.x + id.x;
    if (i >= stretch.y) { return; }
    let across = (scene.width + TILE - 1u) / TILE;
    let tile = i / (TILE * TILE);
    let within = i % (TILE * TILE);
    let x = tile % across * TILE + within % TILE;
    let y = tile / across * TILE + within / TILE;
    if (x < scene.width && y < scene.height) { trace_one(x, y); }
}

// How surfaces answer to light, as in ../shade.h.
const COAT_ALPHA = 0.0025f;

fn fifth(x: f32) -> f32 {
    let q = x * x;
    return q * q * x;
}
fn schlick3(f0: vec3f, c: f32) -> vec3f { return f0 + (vec3f(1.0) - f0) * fifth(k_unit(1.0 - c)); }
fn schlick(f0: f32, c: f32) -> f32 { return f0 + (1.0 - f0) * fifth(k_unit(1.0 - c)); }

// GGX with height-correlated Smith shadowing, without Fresnel, times the cosine of the light: D V cos.
fn ggx(alpha: f32, nh: f32, nv: f32, nl: f32) -> f32 {
    let a2 = alpha * alpha;
    let t = nh * nh * (a2 - 1.0) + 1.0;
    let d = a2 / (PI * t * t);
    let v = 0.5 / (nl * sqrt(nv * nv * (1.0 - a2) + a2) + nv * sqrt(nl * nl * (1.0 - a2) + a2) + 1e-6);
    return d * v * nl;
}
// The share of light that a rough dielectric or metal mirrors, over all directions (fit by Karis 2014, mobile).
fn mirrored(f0: vec3f, roughness: f32, nv: f32) -> vec3f {
    let rx = 1.0 - roughness;
    let ry = 0.0425 - 0.0275 * roughness;
    let rz = 1.04 - 0.572 * roughness;
    let rw = 0.022 * roughness - 0.04;
    let a = k_min(rx * rx, k_exp2(-9.28 * nv)) * rx + ry;
    return f0 * (-1.04 * a + rz) + vec3f(k_max(1.04 * a + rw, 0.0));
}

// Diffuse answer times cosine, per unit irradiance across the beam. Rough surfaces flatten (Fujii's improved
// Oren–Nayar, divided by its mean albedo so that white stays white: Portsmouth et al. 2024, EON);
// skin lets light creep past the terminator, red farther than blue; thin stuff glows from behind.
fn diffuse(s: Surface, l: vec3f) -> vec3f {
    let nl = dot3(s.normal, l);
    let nv = k_max(dot3(s.normal, s.view), 0.0);
    var out = vec3f(0.0);
    if (s.wrap > 0.0) {
        let w = vec3f(0.55, 0.22, 0.12) * s.wrap;
        let c = max3((vec3f(nl) + w) / (vec3f(1.0) + w), vec3f(0.0));
        out = c / (vec3f(1.0) + w);
    } else if (nl > 0.0) {
        let st = dot3(l, s.view) - nl * nv;
        let tilt = select(st, st / (k_max(nl, nv) + 1e-4), st > 0.0);
        out = vec3f(nl * k_max(1.0 + s.roughness * tilt, 0.0) / (1.0 + 0.072488 * s.roughness));
    }
    out *= 1.0 - s.translucency;
    if (s.translucency > 0.0 && nl < 0.0) { out += vec3f(-nl * s.translucency); }
    return out * s.albedo * (1.0 / PI);
}

// What hairs throw back, times cosine: a white streak off their scales, tilted to the root, and a broader one in their colour,
// tilted to the tip, which has been through them: cones about the strand (Kajiya and Kay 1989; the tilts and normal
// distributions of Marschner et al. 2003, "Light scattering from human hair fibers").
fn strand_gloss(s: Surface, h: vec3f, wide: f32, lh: f32, nl: f32) -> vec3f {
    let t = dot3(s.strand, h);
    let narrow = k_max(0.8 * wide, 0.05);
    let broad = 2.0 * narrow;
    let a = (t + 0.07) / narrow;
    let b = (t - 0.1) / broad;
    let white = schlick(0.046, lh) * 0.09 / narrow * k_exp2(-0.7213475 * a * a);
    let inner = 0.06 / broad * k_exp2(-0.7213475 * b * b);
    return (vec3f(white) + s.albedo * inner) * nl;
}

// Highlights, sheen and coat, times cosine. `spread` widens lobes by the light's angular radius, so that the light's centre
// alone answers for all of it (Karis 2013, "Real shading in Unreal Engine 4").
fn gloss(s: Surface, l: vec3f, spread: f32) -> vec3f {
    let nl = dot3(s.normal, l);
    if (nl <= 0.0) { return vec3f(0.0); }
    let nv = k_max(dot3(s.normal, s.view), 0.01);
    let h = unit3(l + s.view);
    let nh = k_unit(dot3(s.normal, h));
    let lh = k_unit(dot3(l, h));
    let wide = k_min(s.alpha + 0.5 * spread, 1.0);
    let keep = s.alpha / wide;
    var out = schlick3(s.f0, lh) * (ggx(wide, nh, nv, nl) * select(1.0, keep * keep, s.alpha < 0.01) * s.specular);
    if (dot3(s.strand, s.strand) > 0.5) { out = strand_gloss(s, h, wide, lh, nl) * s.specular; }
    if (s.coat > 0.0) {
        let a = k_min(COAT_ALPHA + 0.5 * spread, 1.0);
        let f = schlick(0.04, lh) * s.coat;
        out = out * (1.0 - f) + vec3f(f * k_min(ggx(k_max(a, 0.02), nh, nv, nl), 40.0));
    }
    if (largest(s.sheen) > 0.0) {
        // Charlie-like: bright where the fibres are seen against the light.
        let sn = sqrt(k_max(1.0 - nh * nh, 0.0));
        let d = (2.0 + 2.5) * sn * sn * sn * (0.5 / PI);
        out += s.sheen * (d * nl / (4.0 * (nl + nv - nl * nv) + 1e-4));
    }
    return out;
}

// The colour that a pixel of this surface has under white light from everywhere: what the denoiser divides by.
fn guide_albedo(s: Surface) -> vec3f {
    let nv = k_max(dot3(s.normal, s.view), 0.0);
    return s.albedo + mirrored(s.f0, s.roughness, nv) * s.specular + s.sheen * 0.15;
}

// A microfacet normal that the viewer can see (Heitz 2018, "Sampling the GGX distribution of visible normals").
fn visible_normal(n: vec3f, view: vec3f, alpha: f32, r: vec2f) -> vec3f {
    let f = frame_of(n);
    let v = unit3(vec3f(alpha * dot3(view, f.x), alpha * dot3(view, f.y), dot3(view, f.z)));
    let len = v.x * v.x + v.y * v.y;
    var t1 = vec3f(1.0, 0.0, 0.0);
    if (len > 1e-12) { t1 = vec3f(-v.y, v.x, 0.0) * (1.0 / sqrt(len)); }
    let t2 = cross3(v, t1);
    let rad = sqrt(r.x);
    let turn = k_turn(r.y);
    let p1 = rad * turn.y;
    let k = 0.5 * (1.0 + v.z);
    let p2 = (1.0 - k) * sqrt(k_max(1.0 - p1 * p1, 0.0)) + k * (rad * turn.x);
    let h = t1 * p1 + t2 * p2 + v * sqrt(k_max(1.0 - p1 * p1 - p2 * p2, 0.0));
    return to_world(f, unit3(vec3f(alpha * h.x, alpha * h.y, k_max(h.z, 1e-6))));
}
fn cosine_direction(n: vec3f, r: vec2f) -> vec3f {
    let rad = sqrt(r.x);
    let turn = k_turn(r.y);
    return to_world(frame_of(n), vec3f(rad * turn.y, rad * turn.x, sqrt(k_max(1.0 - r.x, 0.0))));
}

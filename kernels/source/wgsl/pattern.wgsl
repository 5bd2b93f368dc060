// Procedural surface patterns, as in ../pattern.h. Each is a function of pattern coordinates and of the width of a pixel in them;
// whatever a pixel can't resolve fades into its mean, so nothing shimmers.
const PATTERN_PLAIN = 0u;
const PATTERN_STRANDS = 28u;
const PATTERN_WINDOWS = 31u;
const PATTERN_IMAGE = 33u;

struct Pattern {
    second: f32, // share of the second colour
    shade: f32,  // factor on the colour
    rough: f32,  // added to the roughness
    height: f32, // in pattern units, for the bump
    wet: f32,    // share of standing water
    lit: f32,    // share of the second colour as emission
    dark: f32,   // share of black (pupil)
}

// A line of the given half-width around 0, in a pixel of width w; averages to its coverage.
fn stroke(x: f32, half_width: f32, w: f32) -> f32 { return 1.0 - k_smooth(half_width - 0.5 * w, half_width + 0.5 * w + 1e-5, abs(x)); }
fn disc(p: vec2f, radius: f32, w: f32) -> f32 {
    return 1.0 - k_smooth(radius - 0.5 * w, radius + 0.5 * w + 1e-5, sqrt(p.x * p.x + p.y * p.y));
}
fn centred(x: f32) -> f32 { return k_fract(x) - 0.5; }

// Blends a detail with its mean by how well it is resolved.
fn faded(value: f32, mean: f32, r: f32) -> f32 { return mean + (value - mean) * r; }

// Soft folds of worn cloth: ridges that wander downwards, 0–1; their spacing is about one unit.
fn folds(c: vec3f, w: f32) -> f32 {
    let r = resolved(1.0, w);
    if (r <= 0.0) { return 0.0; }
    let n = 2.0 * noise3(vec3f(c.x + 0.45 * c.y, 0.35 * c.y, c.z - 0.3 * c.y), 13u) - 1.0;
    return (1.0 - n * n) * r;
}
fn pattern_felt(c: vec3f, w: f32, p: ptr<function, Pattern>) {
    let r = resolved(0.1, w);
    if (r <= 0.0) { return; }
    let n = noise3(c * 10.0, 11u) + 0.5 * noise3(vec3f(c.x * 26.0, c.y * 7.0, c.z * 26.0), 12u) - 0.75;
    p.shade *= 1.0 + 0.22 * n * r;
    p.height = 0.05 * n * r + 0.7 * folds(c * 0.3, w * 0.3);
}
fn pattern_clay(c: vec3f, w: f32, p: ptr<function, Pattern>) {
    let r = resolved(1.0, w);
    let fine = resolved(0.06, w);
    let dents = noise3(c * 1.1, 21u);
    var rings = 0.0;
    if (fine > 0.0) { rings = 0.5 * k_sin(6.2831853 * (noise3(c * 1.6, 22u) * 9.0)) * fine * k_smooth(0.5, 0.8, noise3(c * 0.7, 23u)); }
    p.height = (0.10 * dents + 0.01 * rings) * r;
    p.shade *= 1.0 + (0.06 * (dents - 0.5) + 0.03 * rings) * r;
    p.rough += 0.08 * (dents - 0.5) * r;
}
fn pattern_weave(c: vec3f, q: vec2f, w: f32, p: ptr<function, Pattern>) {
    p.height = 1.4 * folds(c * 0.2, w * 0.2);
    let r = resolved(0.5, w);
    if (r <= 0.0) { return; }
    let ix = i32(floor(q.x * 2.0));
    let iy = i32(floor(q.y * 2.0));
    let over = ((ix ^ iy) & 1) != 0;
    let across = 2.0 * centred(select(q.x, q.y, over) * 2.0);
    let along = 2.0 * centred(select(q.y, q.x, over) * 2.0);
    let bulge = (1.0 - across * across) * (1.0 - 0.45 * along * along);
    p.height += 0.03 * bulge * r;
    p.shade *= 1.0 + (0.30 * (bulge - 0.55) + 0.06 * (cell_random(ix, iy, 31u) - 0.5)) * r;
    p.second = select(0.0, 0.35, over) * r + 0.175 * (1.0 - r);
}
fn pattern_silk_buti(c3: vec3f, q: vec2f, w: f32, p: ptr<function, Pattern>) {
    let row = floor(q.y);
    let m = vec2f(centred(q.x + 0.5 * k_fract(row * 0.5) * 1.0), centred(q.y));
    let d = sqrt(m.x * m.x + m.y * m.y);
    let a = k_angle(m.y, m.x);
    let c = k_turn(a * 5.0).y;
    let petal = 1.0 - k_smooth(-0.5 * w, 0.5 * w + 1e-4, d - (0.15 + 0.055 * c));
    let eye = disc(m, 0.05, w);
    let motif = petal * (1.0 - 0.8 * eye);
    let r = resolved(0.4, w);
    p.second = faded(motif, 0.075, r);
    p.rough -= 0.12 * p.second;
    let threads = resolved(0.04, w);
    if (threads > 0.0) { p.shade *= 1.0 + 0.10 * centred(q.y * 24.0) * threads; }
    p.height = 0.02 * motif * r + 0.4 * folds(c3 * 1.6, w * 1.6);
}
fn pattern_zari(q: vec2f, w: f32, p: ptr<function, Pattern>) {
    let y = k_fract(q.y);
    let x = centred(q.x);
    var temple = 1.0 - k_smooth(-0.5 * w, 0.5 * w + 1e-4, (y - 0.62) - (0.36 - 0.72 * abs(x)) * 1.0);
    temple *= select(0.0, 1.0, y > 0.62);
    let bands = k_max(stroke(y - 0.08, 0.045, w), stroke(y - 0.56, 0.035, w));
    let lozenge = 1.0 - k_smooth(-0.5 * w, 0.5 * w + 1e-4, abs(x) * 0.9 + abs(y - 0.32) - 0.17);
    let heart = 1.0 - k_smooth(-0.5 * w, 0.5 * w + 1e-4, abs(x) * 0.9 + abs(y - 0.32) - 0.07);
    let gold = k_max(k_max(temple, bands), lozenge * (1.0 - heart));
    let r = resolved(0.3, w);
    p.second = faded(gold, 0.38, r);
    let threads = resolved(0.03, w);
    if (threads > 0.0) { p.shade *= 1.0 + 0.16 * p.second * centred(q.x * 36.0) * threads; }
    p.rough -= 0.3 * p.second;
    p.height = 0.03 * gold * r;
}
fn pattern_wood(q: vec2f, w: f32, p: ptr<function, Pattern>) {
    let plank = floor(q.x);
    let tone = cell_random(i32(plank), 0, 61u);
    let shift = cell_random(i32(plank), 1, 62u) * 17.0;
    let x = k_fract(q.x);
    let r = resolved(0.25, w);
    let fine = resolved(0.05, w);
    let bend = noise2(vec2f(q.x * 1.3 + shift, q.y * 0.35 + shift), 63u);
    let grain = noise2(vec2f(q.x * 9.0 + bend * 6.0 + shift, q.y * 0.6 + shift), 64u);
    let pores = fine2(fine, vec2f(q.x * 55.0, q.y * 2.5 + shift), 65u) + 0.5;
    let gap = stroke(k_min(x, 1.0 - x), 0.012, w) * resolved(0.25, w * 0.5);
    let knots = k_smooth(0.78, 0.9, noise2(vec2f(q.x * 1.7 + shift, q.y * 0.8), 66u)) * r;
    p.second = k_unit(0.5 * faded(grain * grain * 1.3, 0.4, r) + 0.35 * knots);
    p.shade *= (0.86 + 0.28 * tone) * (1.0 + 0.16 * (pores - 0.5) * fine) * (1.0 - 0.65 * gap);
    p.height = (0.02 * grain + 0.01 * pores * fine) * r - 0.05 * gap;
    p.rough += 0.10 * (grain - 0.5) * r;
}
fn pattern_marble(c: vec3f, w: f32, p: ptr<function, Pattern>) {
    let n = noise3(c * 1.3, 71u) + 0.5 * noise3(c * 2.9, 72u) + 0.25 * noise3(c * 6.1, 73u);
    let vein = 1.0 - abs(2.0 * k_fract(c.x * 0.5 + n * 1.1) - 1.0);
    let thin = k_smooth(0.82, 1.0, vein);
    let r = resolved(0.25, w);
    p.second = faded(0.75 * thin + 0.22 * (n - 0.6), 0.1, r);
    p.second = k_unit(p.second);
}
fn pattern_brick(q: vec2f, w: f32, p: ptr<function, Pattern>) {
    let row = floor(q.y / 0.33);
    let x = q.x + 0.5 * f32(i32(row) & 1);
    let bx = centred(x);
    let by = (k_fract(q.y / 0.33) - 0.5) * 0.33;
    let mortar = k_max(stroke(0.5 - abs(bx), 0.022, w), stroke(0.165 - abs(by), 0.022, w));
    let r = resolved(0.2, w);
    let tone = cell_random(i32(floor(x)), i32(row), 81u);
    let grit = noise2(vec2f(q.x * 14.0, q.y * 14.0), 82u);
    p.second = faded(mortar, 0.17, r);
    p.shade *= 1.0 + ((0.34 * (tone - 0.5)) * r + 0.16 * (grit - 0.5) * resolved(0.07, w)) * (1.0 - mortar);
    p.height = (-0.05 * mortar + 0.012 * grit) * r;
    p.rough += 0.1 * mortar;
}
fn pattern_plaster(c: vec3f, w: f32, p: ptr<function, Pattern>) {
    let broad = noise3(c * 0.9, 91u);
    let trowel = noise3(vec3f(c.x * 5.0, c.y * 3.0, c.z * 5.0), 92u);
    let r = resolved(0.2, w);
    let grit = fine3(resolved(0.03, w), c * 34.0, 93u);
    p.shade *= 1.0 + 0.10 * (broad - 0.5) + 0.08 * (trowel - 0.5) * r + 0.05 * grit;
    p.second = 0.25 * k_smooth(0.62, 0.85, broad);
    p.height = 0.03 * trowel * r + 0.004 * grit;
}
fn pattern_stone(c: vec3f, w: f32, p: ptr<function, Pattern>) {
    let r = resolved(0.06, w);
    let mid = resolved(0.3, w);
    let speckle = fine3(r, c * 22.0, 101u) + 0.5;
    let grain = noise3(c * 4.0, 102u);
    let stain = noise3(vec3f(c.x * 0.8, c.y * 0.35, c.z * 0.8), 103u);
    p.shade *= 1.0 + 0.28 * (speckle - 0.5) * r + 0.18 * (grain - 0.5) * mid + 0.2 * (stain - 0.5);
    p.second = 0.45 * k_smooth(0.55, 0.8, stain) + 0.2 * k_smooth(0.7, 0.9, speckle) * r;
    p.height = 0.03 * grain * mid + 0.006 * speckle * r;
}
fn pattern_flagstone(q: vec2f, w: f32, p: ptr<function, Pattern>) {
    let row = floor(q.y);
    let x = q.x + 0.37 * cell_random(i32(row), 7, 111u);
    let tone = cell_random(i32(floor(x)), i32(row), 112u);
    let wobble = 0.02 * (noise2(vec2f(q.x * 3.0, q.y * 3.0), 113u) - 0.5);
    let joint = k_max(stroke(0.5 - abs(centred(x + wobble)), 0.018, w), stroke(0.5 - abs(centred(q.y + wobble)), 0.018, w));
    let r = resolved(0.4, w);
    let fine = resolved(0.08, w);
    let grit = fine2(fine, vec2f(q.x * 13.0, q.y * 13.0), 114u);
    let worn = noise2(vec2f(q.x * 1.7, q.y * 1.7), 115u);
    p.second = faded(joint, 0.07, r);
    p.shade *= 1.0 + (0.26 * (tone - 0.5) * r + 0.16 * (worn - 0.5) + 0.12 * grit * fine) * (1.0 - joint);
    p.rough += 0.15 * (worn - 0.6) + 0.2 * joint;
    p.height = -0.04 * joint * r + 0.01 * worn + 0.006 * grit;
}
fn pattern_checker(q: vec2f, w: f32, p: ptr<function, Pattern>) {
    let x = abs(2.0 * k_fract(q.x * 0.5) - 1.0) - 0.5;
    let y = abs(2.0 * k_fract(q.y * 0.5) - 1.0) - 0.5;
    let sx = k_clamp(x / (w + 1e-4), -0.5, 0.5);
    let sy = k_clamp(y / (w + 1e-4), -0.5, 0.5);
    p.second = faded(0.5 - 2.0 * sx * sy, 0.5, resolved(1.0, w));
    let joint = k_max(stroke(0.5 - abs(centred(q.x)), 0.008, w), stroke(0.5 - abs(centred(q.y)), 0.008, w)) * resolved(0.3, w);
    p.shade *= (1.0 - 0.35 * joint) * (1.0 + 0.08 * (cell_random(i32(floor(q.x)), i32(floor(q.y)), 121u) - 0.5));
}
fn pattern_kolam(q: vec2f, w: f32, p: ptr<function, Pattern>) {
    let m = vec2f(centred(q.x), centred(q.y));
    let corner = vec2f(0.5 - abs(m.x), 0.5 - abs(m.y));
    let d = sqrt(m.x * m.x + m.y * m.y);
    let dc = sqrt(corner.x * corner.x + corner.y * corner.y);
    var drawn = k_max(disc(m, 0.05, w), disc(corner, 0.05, w));
    drawn = k_max(drawn, stroke(d - 0.27, 0.022, w));
    drawn = k_max(drawn, stroke(dc - 0.27, 0.022, w));
    drawn = k_max(drawn, stroke(k_max(abs(m.x), abs(m.y)) - 0.40 + 0.13 * k_sin(12.566371 * k_angle(m.y, m.x)), 0.016, w));
    let powder = 0.75 + 0.5 * (noise2(vec2f(q.x * 21.0, q.y * 21.0), 131u) - 0.5);
    p.second = faded(drawn * k_unit(powder + 0.2), 0.3, resolved(0.5, w));
}
fn pattern_asphalt(c: vec3f, w: f32, p: ptr<function, Pattern>) {
    let r = resolved(0.03, w);
    let grit = fine3(r, c * 40.0, 141u);
    let spot = noise3(c * 0.6, 142u);
    let crack = noise3(c * 1.4, 143u);
    let split = stroke(crack - 0.5, 0.008, w * 1.4) * k_smooth(0.5, 0.7, spot) * resolved(0.4, w);
    p.shade *= 1.0 + 0.5 * grit * r + 0.3 * (spot - 0.5) - 0.5 * split;
    p.rough += 0.2 * (spot - 0.5);
    p.height = 0.012 * grit * r - 0.02 * split;
}
fn pattern_tatami(q: vec2f, w: f32, p: ptr<function, Pattern>) {
    let r = resolved(0.03, w);
    let x = k_fract(q.x);
    let y = k_fract(q.y * 0.5);
    let edge = stroke(k_min(x, 1.0 - x), 0.03, w);
    let straw = select(0.0, centred(q.x * 40.0) * (0.6 + 0.8 * cell_random(i32(floor(q.x * 40.0)), i32(floor(q.y * 3.0)), 151u)), r > 0.0);
    let knot = select(0.0, centred(q.y * 28.0), r > 0.0);
    let seam = stroke(k_min(y, 1.0 - y), 0.006, w * 0.5);
    p.second = faded(edge, 0.06, resolved(0.3, w));
    p.shade *= (1.0 + (0.22 * straw + 0.08 * knot) * r * (1.0 - edge) + 0.1 * (noise2(vec2f(q.x * 2.0, q.y * 2.0), 152u) - 0.5)) * (1.0 - 0.4 * seam);
    p.height = 0.008 * straw * r;
}
fn pattern_thatch(q: vec2f, w: f32, p: ptr<function, Pattern>) {
    let course = k_fract(q.y + 0.08 * noise2(vec2f(q.x * 3.0, floor(q.y)), 161u));
    let fine = resolved(0.05, w);
    let r = resolved(0.5, w);
    let straw = noise2(vec2f(q.x * 26.0, q.y * 1.6), 162u) - 0.5;
    p.shade *= 1.0 + 0.5 * straw * fine - 0.35 * (k_smooth(0.75, 1.0, course) - 0.15) * r + 0.2 * (noise2(vec2f(q.x * 1.2, q.y * 2.0), 163u) - 0.5);
    p.second = 0.4 * k_unit(straw * 2.0) * fine;
    p.height = (0.05 * straw * fine + 0.1 * course) * r;
}
fn pattern_roof_tile(q: vec2f, w: f32, p: ptr<function, Pattern>) {
    let row = floor(q.y * 1.4);
    let x = q.x + 0.5 * f32(i32(row) & 1);
    let y = k_fract(q.y * 1.4);
    let cx = 2.0 * centred(x);
    let r = resolved(0.35, w);
    let hollow = 1.0 - cx * cx;
    let lip = k_smooth(0.78, 1.0, 1.0 - y);
    let tone = cell_random(i32(floor(x)), i32(row), 171u);
    p.shade *= 1.0 + (0.3 * (tone - 0.5) + 0.45 * (hollow - 0.66) - 0.55 * (lip - 0.1)) * r;
    p.second = 0.3 * k_smooth(0.6, 0.9, noise2(vec2f(q.x * 1.9, q.y * 1.9), 172u));
    p.height = (0.16 * hollow + 0.1 * (1.0 - y)) * r;
}
fn pattern_grass(c: vec3f, w: f32, p: ptr<function, Pattern>) {
    let fine = resolved(0.05, w);
    let mid = resolved(0.4, w);
    let blade = fine3(fine, c * 24.0, 181u);
    let tuft = noise3(c * 3.1, 182u);
    let field = noise3(c * 0.5, 183u);
    p.shade *= 1.0 + 0.7 * blade * fine + 0.4 * (tuft - 0.5) * mid + 0.2 * (field - 0.5);
    p.second = k_unit(0.7 * (field - 0.35) + 0.5 * blade * fine + 0.3 * (tuft - 0.5) * mid);
    p.height = 0.10 * tuft * mid + 0.03 * blade * fine;
}
fn pattern_soil(c: vec3f, w: f32, p: ptr<function, Pattern>) {
    let fine = resolved(0.05, w);
    let grit = fine3(fine, c * 23.0, 191u);
    let lump = noise3(c * 2.3, 192u);
    let broad = noise3(c * 0.45, 193u);
    p.shade *= 1.0 + 0.4 * grit * fine + 0.3 * (lump - 0.5) * resolved(0.4, w) + 0.25 * (broad - 0.5);
    p.second = k_unit(0.8 * (broad - 0.4) + 0.5 * grit * fine);
    p.height = 0.08 * lump * resolved(0.4, w) + 0.015 * grit * fine;
}
fn pattern_sand(c: vec3f, q: vec2f, w: f32, p: ptr<function, Pattern>) {
    let bend = noise2(vec2f(q.x * 0.7, q.y * 0.7), 201u);
    let ripple = k_sin(6.2831853 * (q.y * 3.0 + bend * 3.0 + 0.3 * q.x));
    let r = resolved(0.33, w);
    let fine = resolved(0.03, w);
    let grit = fine3(fine, c * 45.0, 202u);
    p.shade *= 1.0 + 0.07 * ripple * r + 0.2 * grit * fine + 0.14 * (bend - 0.5);
    p.height = 0.02 * ripple * r + 0.004 * grit * fine;
    p.second = 0.3 * k_unit(bend - 0.4);
}
fn pattern_water(c: vec3f, w: f32, p: ptr<function, Pattern>) {
    let a = noise3(vec3f(c.x * 1.4, c.y * 1.4, c.z * 1.4), 211u);
    let b = noise3(vec3f(c.x * 3.7 + 5.0, c.y * 3.7, c.z * 3.7), 212u);
    p.height = 0.16 * a * resolved(0.7, w) + 0.05 * b * resolved(0.27, w);
    p.second = 0.3 * k_unit(a - 0.3);
    p.wet = 1.0;
}
fn pattern_stripes(q: vec2f, w: f32, p: ptr<function, Pattern>) {
    let x = abs(2.0 * k_fract(q.x) - 1.0) - 0.5;
    p.second = faded(k_unit(0.5 + 0.5 * x / (w + 1e-4)), 0.5, resolved(0.5, w));
    let threads = resolved(0.03, w);
    if (threads > 0.0) { p.shade *= 1.0 + 0.08 * centred(q.y * 30.0) * threads; }
}
fn pattern_wax_print(q: vec2f, w: f32, p: ptr<function, Pattern>) {
    let m = vec2f(centred(q.x + 0.5 * f32(i32(floor(q.y)) & 1)), centred(q.y));
    let d = sqrt(m.x * m.x + m.y * m.y);
    let rays = k_turn(k_angle(m.y, m.x) * 14.0).x;
    let rings = k_max(stroke(d - 0.10, 0.03, w), stroke(d - 0.22, 0.025, w));
    let sun = select(0.0, 1.0, rays > 0.0 && d > 0.26 && d < 0.42);
    var v = k_max(rings, sun);
    let corner = vec2f(0.5 - abs(m.x), 0.5 - abs(m.y));
    v = k_max(v, disc(corner, 0.09, w));
    let crackle = noise2(vec2f(q.x * 5.0, q.y * 5.0), 231u);
    v = k_max(v, 0.6 * stroke(crackle - 0.5, 0.015, w * 5.0));
    p.second = faded(v, 0.34, resolved(0.3, w));
}
fn pattern_floral(c3: vec3f, q: vec2f, w: f32, p: ptr<function, Pattern>) {
    p.height = 0.15 * folds(c3 * 3.2, w * 3.2);
    let ix = i32(floor(q.x));
    let iy = i32(floor(q.y));
    let m = vec2f(k_fract(q.x) - 0.3 - 0.4 * cell_random(ix, iy, 241u), k_fract(q.y) - 0.3 - 0.4 * cell_random(ix, iy, 242u));
    let d = sqrt(m.x * m.x + m.y * m.y);
    let c = k_turn(k_angle(m.y, m.x) * 5.0 + cell_random(ix, iy, 243u)).y;
    let best = 1.0 - k_smooth(-0.5 * w, 0.5 * w + 1e-4, d - (0.17 + 0.07 * c));
    let heart = disc(m, 0.055, w);
    let leaf = 1.0 - k_smooth(-0.5 * w, 0.5 * w + 1e-4, abs(m.x - 0.25) * 1.0 + abs(m.y + 0.1) * 2.6 - 0.12);
    let r = resolved(0.4, w);
    p.second = faded(k_max(best * (1.0 - 0.85 * heart), 0.45 * leaf), 0.11, r);
    p.shade *= 1.0 - 0.25 * heart * r;
}
fn pattern_panels(q: vec2f, w: f32, p: ptr<function, Pattern>) {
    let m = vec2f(centred(q.x), centred(q.y));
    let e = vec2f(0.5 - abs(m.x), 0.5 - abs(m.y));
    let r = resolved(0.2, w);
    let seam = k_max(stroke(e.x, 0.012, w), stroke(e.y, 0.012, w));
    let rivet = disc(vec2f(e.x - 0.07, e.y - 0.07), 0.02, w) + disc(vec2f(e.x - 0.07, centred(q.y * 4.0) * 0.25), 0.014, w);
    let tone = cell_random(i32(floor(q.x)), i32(floor(q.y)), 251u);
    p.second = faded(seam, 0.05, r);
    p.shade *= 1.0 + 0.18 * (tone - 0.5) + 0.2 * k_unit(rivet) * r;
    p.height = (-0.04 * seam + 0.02 * k_unit(rivet)) * r;
    p.rough += 0.15 * (noise2(vec2f(q.x * 3.0, q.y * 3.0), 252u) - 0.5);
}
fn pattern_bark(q: vec2f, w: f32, p: ptr<function, Pattern>) {
    let bend = noise2(vec2f(q.x * 2.0, q.y * 0.7), 261u);
    let ridge = abs(2.0 * k_fract(q.x * 3.0 + 1.6 * bend) - 1.0);
    let plates = noise2(vec2f(q.x * 4.0, q.y * 2.2), 262u);
    let r = resolved(0.3, w);
    p.shade *= 1.0 + (0.6 * (ridge - 0.5) + 0.3 * (plates - 0.5)) * r;
    p.second = 0.35 * k_smooth(0.6, 0.9, plates);
    p.height = 0.12 * ridge * r + 0.05 * plates * r;
}
fn pattern_leaf(q: vec2f, w: f32, p: ptr<function, Pattern>) {
    let x = q.x - 0.5;
    let rib = stroke(x, 0.02, w);
    let vein = stroke(centred((q.y + abs(x) * 0.8) * 7.0), 0.09, w * 7.0) * resolved(0.14, w);
    p.second = k_max(rib, 0.35 * vein);
    p.shade *= 1.0 + 0.18 * (q.y - 0.5) - 0.1 * abs(x);
    p.height = -0.03 * vein - 0.03 * rib;
}
fn pattern_strands(q: vec2f, c: vec3f, w: f32, p: ptr<function, Pattern>) {
    let fine = resolved(0.06, w);
    let mid = resolved(0.4, w);
    let wisps = resolved(0.16, w);
    let strand = fine * fine3(fine, vec3f(c.x * 22.0, q.y * 0.3, c.z * 22.0), 281u);
    let wisp = wisps * fine3(wisps, vec3f(c.x * 9.0, q.y * 0.22, c.z * 9.0), 283u);
    let lock = mid * (noise3(vec3f(c.x * 3.0, q.y * 0.15, c.z * 3.0), 282u) - 0.5);
    p.shade *= 1.0 + 0.6 * strand + 0.5 * wisp + 0.25 * lock;
    p.second = k_unit(0.6 * strand + 0.5 * wisp + 0.3 * lock);
    p.rough += 0.22 * strand + 0.2 * wisp + 0.25 * lock;
    p.height = 0.05 * strand + 0.09 * wisp + 0.12 * lock;
}
fn pattern_wet_ground(c: vec3f, w: f32, p: ptr<function, Pattern>) {
    let low = 0.65 * noise3(c * 0.45, 291u) + 0.35 * noise3(c * 1.3, 292u);
    let fine = resolved(0.03, w);
    let grit = fine3(fine, c * 38.0, 293u);
    let puddle = 1.0 - k_smooth(0.43, 0.53, low);
    p.wet = puddle;
    p.shade *= (1.0 + 0.4 * grit * fine * (1.0 - puddle)) * (0.62 + 0.38 * k_smooth(0.4, 0.75, low));
    p.rough -= 0.35 * (1.0 - k_smooth(0.5, 0.8, low));
    p.height = (0.012 * grit * fine + 0.02 * low) * (1.0 - puddle);
}
fn pattern_iris(c: vec3f, w: f32, p: ptr<function, Pattern>) {
    let r = c.x;
    let s = k_turn(c.y * (0.5 / PI) * 23.0 + 2.0 * noise2(vec2f(r * 5.0, c.y * 3.0), 301u)).x;
    let fibres = 0.18 * s * resolved(0.08, w);
    p.second = k_unit(k_smooth(0.45, 0.95, r) * 0.85 + fibres);
    p.shade *= 1.0 + fibres;
    let pupil = 1.0 - k_smooth(0.42 - w, 0.46 + w, r);
    let limbus = k_smooth(0.88 - w, 1.0, r);
    p.dark = k_max(pupil, 0.75 * limbus);
}
fn pattern_windows(q: vec2f, w: f32, p: ptr<function, Pattern>) {
    let m = vec2f(centred(q.x), centred(q.y));
    let ix = i32(floor(q.x));
    let iy = i32(floor(q.y));
    let pane = stroke(m.x, 0.26, w) * stroke(m.y, 0.32, w);
    let frame = pane * k_max(stroke(m.x, 0.015, w), stroke(m.y - 0.05, 0.015, w)) * resolved(0.1, w);
    let on = select(0.0, 0.35 + 0.65 * cell_random(ix, iy, 312u), cell_random(ix, iy, 311u) > 0.55);
    let r = resolved(0.8, w);
    let glass = pane - frame;
    p.lit = faded(glass * on, 0.33 * 0.3, r);
    p.shade *= 1.0 - 0.6 * faded(pane * select(1.0, 0.0, on > 0.0), 0.18, r);
    p.rough -= 0.4 * glass * r;
}
fn pattern_paper(c: vec3f, w: f32, p: ptr<function, Pattern>) {
    let fine = resolved(0.04, w);
    let fibre = fine3(fine, vec3f(c.x * 30.0, c.y * 9.0, c.z * 30.0), 321u);
    p.shade *= 1.0 + 0.14 * fibre * fine + 0.08 * (noise3(c * 2.0, 322u) - 0.5);
}

// One pattern at c (q is c on its dominant plane), for a pixel w wide, all in pattern units. The numbers are scene::Pattern's.
fn pattern_at(kind: u32, c: vec3f, q: vec2f, w: f32) -> Pattern {
    var p = Pattern(0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0);
    switch (kind) {
        case 1u: { pattern_felt(c, w, &p); }
        case 2u: { pattern_clay(c, w, &p); }
        case 3u: { pattern_weave(c, q, w, &p); }
        case 4u: { pattern_silk_buti(c, q, w, &p); }
        case 5u: { pattern_zari(q, w, &p); }
        case 6u: { pattern_wood(q, w, &p); }
        case 7u: { pattern_marble(c, w, &p); }
        case 8u: { pattern_brick(q, w, &p); }
        case 9u: { pattern_plaster(c, w, &p); }
        case 10u: { pattern_stone(c, w, &p); }
        case 11u: { pattern_flagstone(q, w, &p); }
        case 12u: { pattern_checker(q, w, &p); }
        case 13u: { pattern_kolam(q, w, &p); }
        case 14u: { pattern_asphalt(c, w, &p); }
        case 15u: { pattern_tatami(q, w, &p); }
        case 16u: { pattern_thatch(q, w, &p); }
        case 17u: { pattern_roof_tile(q, w, &p); }
        case 18u: { pattern_grass(c, w, &p); }
        case 19u: { pattern_soil(c, w, &p); }
        case 20u: { pattern_sand(c, q, w, &p); }
        case 21u: { pattern_water(c, w, &p); }
        case 22u: { pattern_stripes(q, w, &p); }
        case 23u: { pattern_wax_print(q, w, &p); }
        case 24u: { pattern_floral(c, q, w, &p); }
        case 25u: { pattern_panels(q, w, &p); }
        case 26u: { pattern_bark(q, w, &p); }
        case 27u: { pattern_leaf(q, w, &p); }
        case 28u: { pattern_strands(q, c, w, &p); }
        case 29u: { pattern_wet_ground(c, w, &p); }
        case 30u: { pattern_iris(c, w, &p); }
        case 31u: { pattern_windows(q, w, &p); }
        case 32u: { pattern_paper(c, w, &p); }
        default: {}
    }
    return p;
}

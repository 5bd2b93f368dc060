// Developing, as in ../film.cpp: bloom, exposure, decision list, tone curve, vignette, sRGB, look-up table, grain.
struct Film {
    grade: Grade,  // the list for linear light, the table for sRGB
    exposure: f32, // factor
    bloom_share: f32, // 0 without bloom
    width: u32,    // of the output
    height: u32,
    in_width: u32, // of the bloom, or of what is resized
    in_height: u32,
    grain: f32,
    vignette: f32,
    seed: u32,
    most: f32, // halving: brighter counts as this
    keep: f32, // doubling: what stays of the output
    spare: u32,
}
@group(0) @binding(0) var<storage, read> v: Film;
// Three floats a pixel: what is read. Finishing reads colour here and bloom beside it.
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read> bloom: array<f32>;
@group(0) @binding(3) var<storage, read_write> output: array<f32>;
// A word a pixel: red in the lowest byte, then green, blue.
@group(0) @binding(4) var<storage, read_write> finished: array<u32>;

// Khronos PBR Neutral (github.com/KhronosGroup/ToneMapping, PBR_Neutral): hues kept, highlights compressed past 0.76.
fn tone_curve(light: vec3f) -> vec3f {
    let start = 0.8f - 0.04f;
    let x = k_min(light.x, k_min(light.y, light.z));
    let offset = select(0.04, x - 6.25 * x * x, x < 0.08);
    var c = light - vec3f(offset);
    let peak = largest(c);
    if (peak < start) { return c; }
    let d = 1.0 - start;
    let new_peak = 1.0 - d * d / (peak + d - start);
    c = c * (new_peak / peak);
    return mix3(c, vec3f(new_peak), 1.0 - 1.0 / (0.15 * (peak - new_peak) + 1.0));
}
fn srgb_of(x: f32) -> f32 { return select(1.055 * k_pow(x, 1.0 / 2.4) - 0.055, 12.92 * x, x <= 0.0031308); }

fn read_pixel(width: u32, x: u32, y: u32) -> vec3f {
    let o = 3u * (y * width + x);
    return vec3f(input[o], input[o + 1u], input[o + 2u]);
}
fn bloom_pixel(width: u32, x: u32, y: u32) -> vec3f {
    let o = 3u * (y * width + x);
    return vec3f(bloom[o], bloom[o + 1u], bloom[o + 2u]);
}
fn write_pixel(x: u32, y: u32, c: vec3f) {
    let o = 3u * (y * v.width + x);
    output[o] = c.x;
    output[o + 1u] = c.y;
    output[o + 2u] = c.z;
}

// Halves an image, with the 4 × 4 tent that doesn't flicker as a small light crosses pixels.
@compute @workgroup_size(8, 8)
fn film_halve(@builtin(global_invocation_id) id: vec3u) {
    if (id.x >= v.width || id.y >= v.height) { return; }
    var sum = vec3f(0.0);
    for (var j = 0; j < 4; j++) {
        for (var i = 0; i < 4; i++) {
            let x = clamp(i32(id.x * 2u) + i - 1, 0, i32(v.in_width) - 1);
            let y = clamp(i32(id.y * 2u) + j - 1, 0, i32(v.in_height) - 1);
            let tap = select(0.125, 0.375, i == 1 || i == 2) * select(0.125, 0.375, j == 1 || j == 2);
            sum += clamp3(read_pixel(v.in_width, u32(x), u32(y)), 0.0, v.most) * tap;
        }
    }
    write_pixel(id.x, id.y, sum);
}

// The bloom, or a coarser level of it, between its pixels.
fn bilinear(x_at: f32, y_at: f32) -> vec3f {
    let x = k_clamp(x_at - 0.5, 0.0, f32(v.in_width - 1u));
    let y = k_clamp(y_at - 0.5, 0.0, f32(v.in_height - 1u));
    let x0 = u32(x);
    let y0 = u32(y);
    let x1 = min(x0 + 1u, v.in_width - 1u);
    let y1 = min(y0 + 1u, v.in_height - 1u);
    let a = mix3(bloom_pixel(v.in_width, x0, y0), bloom_pixel(v.in_width, x1, y0), x - f32(x0));
    let b = mix3(bloom_pixel(v.in_width, x0, y1), bloom_pixel(v.in_width, x1, y1), x - f32(x0));
    return mix3(a, b, y - f32(y0));
}
// Adds a coarser level (in `bloom`) to a finer one: out = out · keep + doubled · (1 − keep).
@compute @workgroup_size(8, 8)
fn film_double(@builtin(global_invocation_id) id: vec3u) {
    if (id.x >= v.width || id.y >= v.height) { return; }
    let sx = f32(v.in_width) / f32(v.width);
    let sy = f32(v.in_height) / f32(v.height);
    let c = bilinear((f32(id.x) + 0.5) * sx, (f32(id.y) + 0.5) * sy);
    let o = 3u * (id.y * v.width + id.x);
    let old = vec3f(output[o], output[o + 1u], output[o + 2u]);
    write_pixel(id.x, id.y, old * v.keep + c * (1.0 - v.keep));
}

// How many steps of 8 bits grain and dither add at a pixel of that tone.
fn grain_at(x: u32, y: u32, tone: f32) -> f32 {
    let seed = hash_mix(v.seed ^ (x * 0x8da6b343u + y * 0xd8163841u));
    let more = hash_mix(seed);
    // Four bytes make a bell of deviation 147.8; grain is strongest in the middle tones.
    let bytes = (seed & 255u) + ((seed >> 8u) & 255u) + ((seed >> 16u) & 255u) + (seed >> 24u);
    let bell = (f32(bytes) - 510.0) * (1.0 / 147.8);
    let tri = (f32(more & 0xffffu) + f32(more >> 16u)) * (1.0 / 65536.0) - 1.0;
    return v.grain * bell * (0.45 + 2.2 * tone * (1.0 - tone)) + tri * 0.5;
}

@compute @workgroup_size(8, 8)
fn film_finish(@builtin(global_invocation_id) id: vec3u) {
    if (id.x >= v.width || id.y >= v.height) { return; }
    let w = f32(v.width);
    let h = f32(v.height);
    var c = read_pixel(v.width, id.x, id.y);
    let px = f32(id.x) + 0.5;
    let py = f32(id.y) + 0.5;
    if (v.bloom_share > 0.0) { c = mix3(c, bilinear(px * f32(v.in_width) / w, py * f32(v.in_height) / h), v.bloom_share); }
    let rx = (2.0 * px - w) / w;
    let ry = (2.0 * py - h) / w;
    let fall = 1.0 / (1.0 + 0.55 * ((rx * rx + ry * ry) * 0.76));
    c = tone_curve(cdl(v.grade, c * (v.exposure * k_mix(1.0, fall * fall, v.vignette * 1.4))));
    let noise = grain_at(id.x, id.y, k_unit(luminance(c)));
    c = vec3f(srgb_of(k_unit(c.x)), srgb_of(k_unit(c.y)), srgb_of(k_unit(c.z)));
    if (v.grade.size > 0u) { c = looked_up(v.grade, c); }
    var word = 0u;
    for (var i = 0u; i < 3u; i++) {
        let e = c[i] * 255.0 + noise;
        word |= u32(k_clamp(e, 0.0, 255.0) + 0.5) << (8u * i);
    }
    finished[id.y * v.width + id.x] = word;
}

// The grade alone.
@compute @workgroup_size(8, 8)
fn grade(@builtin(global_invocation_id) id: vec3u) {
    if (id.x >= v.width || id.y >= v.height) { return; }
    var c = cdl(v.grade, read_pixel(v.width, id.x, id.y));
    if (v.grade.size > 0u) { c = looked_up(v.grade, c); }
    write_pixel(id.x, id.y, c);
}

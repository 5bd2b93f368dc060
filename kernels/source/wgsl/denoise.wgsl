// The denoiser: an edge-avoiding à-trous wavelet over illumination, as in ../denoise.cpp; there the sources are named. Where that one
// pads its planes, this one clamps coordinates.
struct Pass {
    width: u32,
    height: u32,
    step: u32,  // how many pixels its taps are apart
    stop: f32,  // how many deviations of luminance it crosses
}
@group(0) @binding(0) var<storage, read> p: Pass;
@group(0) @binding(1) var<storage, read_write> layers: array<f32>;                // as trace.wgsl leaves them
@group(0) @binding(2) var<storage, read_write> light: array<vec4f>;               // illumination and variance: what a pass reads
@group(0) @binding(3) var<storage, read_write> next: array<vec4f>;                // and what it writes
@group(0) @binding(4) var<storage, read_write> normal_and_depth: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> albedo: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> slope: array<vec2f>;               // of depth, a pixel
@group(0) @binding(7) var<storage, read_write> company: array<f32>; // how much of its surroundings a pixel was filtered with
const FAR_AWAY = 1e7f;

fn index_of(x: i32, y: i32) -> u32 { return u32(clamp(y, 0, i32(p.height) - 1)) * p.width + u32(clamp(x, 0, i32(p.width) - 1)); }
fn plane(which: u32, at: u32) -> vec3f {
    let o = 3u * (which * p.width * p.height + at);
    return vec3f(layers[o], layers[o + 1u], layers[o + 2u]);
}
fn variance_at(at: u32) -> f32 { return layers[13u * p.width * p.height + at]; }

// Splits colour into illumination and albedo.
@compute @workgroup_size(8, 8)
fn denoise_split(@builtin(global_invocation_id) id: vec3u) {
    if (id.x >= p.width || id.y >= p.height) { return; }
    let at = id.y * p.width + id.x;
    let a = max3(plane(2u, at), vec3f(0.01));
    let z = layers[12u * p.width * p.height + at];
    light[at] = vec4f(max3(plane(0u, at) - plane(1u, at), vec3f(0.0)) / a, 0.0);
    albedo[at] = vec4f(a, 0.0);
    normal_and_depth[at] = vec4f(plane(3u, at), select(FAR_AWAY, z, z < FAR_AWAY));
}

// Depth gradients, lone bright pixels, and a smoothed variance.
const BRIGHTER = 4.0f;
@compute @workgroup_size(8, 8)
fn denoise_prepare(@builtin(global_invocation_id) id: vec3u) {
    if (id.x >= p.width || id.y >= p.height) { return; }
    let x = i32(id.x);
    let y = i32(id.y);
    let at = index_of(x, y);
    let here = normal_and_depth[at].w;
    let l = here - normal_and_depth[index_of(x - 1, y)].w;
    let r = normal_and_depth[index_of(x + 1, y)].w - here;
    let u = here - normal_and_depth[index_of(x, y - 1)].w;
    let d = normal_and_depth[index_of(x, y + 1)].w - here;
    slope[at] = vec2f(select(r, l, abs(l) < abs(r)), select(d, u, abs(u) < abs(d)));
    var most = 0.0;
    var variance = 0.0;
    for (var j = -1; j <= 1; j++) {
        for (var i = -1; i <= 1; i++) {
            let o = index_of(x + i, y + j);
            if (i != 0 || j != 0) { most = k_max(most, BRIGHTER * luminance(light[o].xyz)); }
            variance += f32((2 - abs(i)) * (2 - abs(j))) * variance_at(o);
        }
    }
    let lum = luminance(light[at].xyz);
    // A lone bright pixel is noise only where its own samples disagree.
    let doubtful = variance_at(at) > 0.02 * lum * lum;
    let keep = select(1.0, most / k_max(lum, 1e-6), lum > most && doubtful);
    next[at] = vec4f(light[at].xyz * keep, variance / 16.0);
}

fn spline(d: i32) -> f32 { return select(select(0.0625f, 0.25f, abs(d) == 1), 0.375f, d == 0); }

// One pass of the wavelet. The weight (1 − s/8)⁸ stands for e⁻ˢ and ends at s = 8.
@compute @workgroup_size(8, 8)
fn denoise_pass(@builtin(global_invocation_id) id: vec3u) {
    if (id.x >= p.width || id.y >= p.height) { return; }
    let x = i32(id.x);
    let y = i32(id.y);
    let at = index_of(x, y);
    let c = light[at];
    let n = normal_and_depth[at];
    let a = albedo[at];
    let lum = luminance(c.xyz);
    let stop = 1.0 / (sqrt(k_max(c.w, 0.0)) * p.stop + lum * 0.02 + 1e-3);
    let near_z = 1.0 / (n.w * 0.012 + 1e-4);
    let own = spline(0) * spline(0);
    var sum = vec4f(c.xyz * own, c.w * (own * own));
    var weight = own;
    for (var j = -2; j <= 2; j++) {
        for (var i = -2; i <= 2; i++) {
            if (i == 0 && j == 0) { continue; }
            let sx = i * i32(p.step);
            let sy = j * i32(p.step);
            let o = index_of(x + sx, y + sy);
            let q = light[o];
            let e = n - normal_and_depth[o];
            let f = a.xyz - albedo[o].xyz;
            var s = abs(luminance(q.xyz) - lum) * stop;
            s += (dot3(e.xyz, e.xyz) + dot3(f, f)) * 4.0;
            s += abs(-e.w - (slope[at].x * f32(sx) + slope[at].y * f32(sy))) * near_z;
            var w = k_max(1.0 - s * 0.125, 0.0);
            w = w * w;
            w = w * w;
            w = w * w * (spline(i) * spline(j));
            sum += vec4f(w * q.xyz, w * w * q.w);
            weight += w;
        }
    }
    if (p.step == 1u) { company[at] = weight - own; }
    let share = 1.0 / weight;
    next[at] = vec4f(sum.xyz * share, sum.w * share * share);
}

// A pixel on an edge, which resembles no neighbour, was hardly filtered. Its light is between that of the surfaces that meet
// there, so it takes the mean of those neighbours that found company, the more the noisier it is itself.
const LONELY = 0.10f;
// The deviation of a pixel's mean, a share of its light.
fn noise_at(at: u32) -> f32 { return sqrt(k_max(variance_at(at), 0.0)) / k_max(luminance(light[at].xyz), 1e-4); }
@compute @workgroup_size(8, 8)
fn denoise_mend(@builtin(global_invocation_id) id: vec3u) {
    if (id.x >= p.width || id.y >= p.height) { return; }
    let x = i32(id.x);
    let y = i32(id.y);
    let at = index_of(x, y);
    let c = light[at];
    next[at] = c;
    if (company[at] >= LONELY || normal_and_depth[at].w >= FAR_AWAY) { return; }
    var sum = vec3f(0.0);
    var weight = 1e-6;
    for (var j = -1; j <= 1; j++) {
        for (var i = -1; i <= 1; i++) {
            let o = index_of(x + i, y + j);
            let w = select(k_min(company[o], 0.3), 0.0, normal_and_depth[o].w >= FAR_AWAY);
            sum += light[o].xyz * w;
            weight += w;
        }
    }
    let trust = k_smooth(0.0, LONELY, company[at]) + 1.0 - k_smooth(0.04, 0.2, noise_at(at)) + select(0.0, 1.0, weight < 0.1);
    next[at] = vec4f(mix3(sum / weight, c.xyz, k_min(trust, 1.0)), c.w);
}

// Puts illumination, albedo and what is clear together again, in place of the colour; lonely pixels take part of the mean around.
const LONELY_JOIN = 0.25f;
const JOIN_SHARE = 0.9f;
fn joined(at: u32) -> vec3f { return light[at].xyz * albedo[at].xyz + plane(1u, at); }
@compute @workgroup_size(8, 8)
fn denoise_join(@builtin(global_invocation_id) id: vec3u) {
    if (id.x >= p.width || id.y >= p.height) { return; }
    let at = id.y * p.width + id.x;
    var c = joined(at);
    let lonely = (1.0 - k_smooth(0.0, LONELY_JOIN, company[at])) * k_smooth(0.04, 0.2, noise_at(at));
    if (lonely > 0.0) {
        var sum = vec3f(0.0);
        for (var j = -1; j <= 1; j++) {
            for (var i = -1; i <= 1; i++) {
                sum += joined(index_of(i32(id.x) + i, i32(id.y) + j)) * (f32((2 - abs(i)) * (2 - abs(j))) * 0.0625);
            }
        }
        c = mix3(c, sum, JOIN_SHARE * lonely);
    }
    layers[3u * at] = c.x;
    layers[3u * at + 1u] = c.y;
    layers[3u * at + 2u] = c.z;
}

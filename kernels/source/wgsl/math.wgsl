// Vectors and elementary functions, term by term as in ../math.h: builtins may round otherwise from driver to driver.
const PI = 3.14159265358979f;
// Stands for infinity, which WGSL can't write down.
const FAR = 3.4e38f;
const NOTHING = 0xffffffffu;

fn k_min(a: f32, b: f32) -> f32 { return select(b, a, a < b); }
fn k_max(a: f32, b: f32) -> f32 { return select(b, a, a > b); }
fn k_clamp(x: f32, lo: f32, hi: f32) -> f32 { return k_min(k_max(x, lo), hi); }
fn k_unit(x: f32) -> f32 { return k_clamp(x, 0.0, 1.0); }
fn k_mix(a: f32, b: f32, t: f32) -> f32 { return a + (b - a) * t; }
fn k_smooth(lo: f32, hi: f32, x: f32) -> f32 {
    let t = k_unit((x - lo) / (hi - lo));
    return t * t * (3.0 - 2.0 * t);
}
fn k_fract(x: f32) -> f32 { return x - floor(x); }

// 2^x, relative error below 3e-7.
fn k_exp2(exponent: f32) -> f32 {
    let x = k_clamp(exponent, -126.0, 126.0);
    let whole = floor(x);
    let f = x - whole;
    var p = 1.8775767e-3f;
    p = p * f + 8.9893397e-3;
    p = p * f + 5.5826318e-2;
    p = p * f + 2.4015361e-1;
    p = p * f + 6.9315308e-1;
    p = p * f + 9.9999994e-1;
    return bitcast<f32>(u32(i32(whole) + 127) << 23u) * p;
}
fn k_exp(x: f32) -> f32 { return k_exp2(x * 1.44269504); }

// log2 x for positive normal x; absolute error below 2e-7 near 1.
fn k_log2(x: f32) -> f32 {
    let u = bitcast<u32>(x);
    let e = (u - 0x3f3504f3u) & 0xff800000u;
    let m = bitcast<f32>(u - e);
    let s = (m - 1.0) / (m + 1.0);
    let q = s * s;
    var p = 0.320598981f;
    p = p * q + 0.412198583;
    p = p * q + 0.577078016;
    p = p * q + 0.961796694;
    p = p * q + 2.88539008;
    return f32(bitcast<i32>(e) >> 23u) + s * p;
}
fn k_pow(x: f32, y: f32) -> f32 {
    if (x <= 1e-30) { return 0.0; }
    return k_exp2(y * k_log2(x));
}

// Sine and cosine of a turn (x = 1 is 2π).
fn k_turn(x: f32) -> vec2f {
    let q = floor(x * 4.0 + 0.5);
    let r = (x - q * 0.25) * (2.0 * PI);
    let r2 = r * r;
    let sn = r * (1.0 + r2 * (-0.166666667 + r2 * (8.33333e-3 + r2 * -1.98413e-4)));
    let cs = 1.0 + r2 * (-0.5 + r2 * (4.16666667e-2 + r2 * (-1.3888889e-3 + r2 * 2.4801587e-5)));
    let k = i32(q) & 3;
    let odd = (k & 1) != 0;
    let a = select(sn, cs, odd);
    let b = select(cs, sn, odd);
    return vec2f(select(a, -a, (k & 2) != 0), select(b, -b, k == 1 || k == 2));
}
fn k_sin(radians: f32) -> f32 { return k_turn(radians * (0.5 / PI)).x; }

// Arc tangent, absolute error below 2e-6.
fn k_atan(x: f32) -> f32 {
    let a = abs(x);
    let over = a > 1.0;
    let z = select(a, 1.0 / a, over);
    let q = z * z;
    var p = -0.0117212f;
    p = p * q + 0.05265332;
    p = p * q - 0.11643287;
    p = p * q + 0.19354346;
    p = p * q - 0.33262347;
    p = p * q + 0.99997726;
    let r = select(z * p, 0.5 * PI - z * p, over);
    return select(r, -r, x < 0.0);
}
// The angle of (x, y) in turns, 0–1.
fn k_angle(y: f32, x: f32) -> f32 {
    let ax = k_max(abs(x), 1e-20);
    var a = k_atan(abs(y) / ax) * (0.5 / PI);
    a = select(a, 0.5 - a, x < 0.0);
    return select(a, 1.0 - a, y < 0.0);
}

fn dot3(a: vec3f, b: vec3f) -> f32 { return a.x * b.x + a.y * b.y + a.z * b.z; }
fn cross3(a: vec3f, b: vec3f) -> vec3f { return vec3f(a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x); }
fn length3(a: vec3f) -> f32 { return sqrt(dot3(a, a)); }
fn unit3(a: vec3f) -> vec3f {
    let d = dot3(a, a);
    if (d > 1e-30) { return a * (1.0 / sqrt(d)); }
    return vec3f(0.0, 1.0, 0.0);
}
fn mix3(a: vec3f, b: vec3f, t: f32) -> vec3f { return a + (b - a) * t; }
fn luminance(c: vec3f) -> f32 { return 0.2126 * c.x + 0.7152 * c.y + 0.0722 * c.z; }
fn largest(c: vec3f) -> f32 { return k_max(c.x, k_max(c.y, c.z)); }
fn max3(a: vec3f, b: vec3f) -> vec3f { return select(b, a, a > b); }
fn clamp3(a: vec3f, lo: f32, hi: f32) -> vec3f { return vec3f(k_clamp(a.x, lo, hi), k_clamp(a.y, lo, hi), k_clamp(a.z, lo, hi)); }
fn mirror3(d: vec3f, n: vec3f) -> vec3f { return d - n * (2.0 * dot3(d, n)); }
fn three(v: array<f32, 3>) -> vec3f { return vec3f(v[0], v[1], v[2]); }

// An orthonormal frame around a unit vector (Duff et al. 2017, "Building an orthonormal basis, revisited").
struct Frame {
    x: vec3f,
    y: vec3f,
    z: vec3f,
}
fn frame_of(n: vec3f) -> Frame {
    let side = select(1.0, -1.0, n.z < 0.0);
    let a = -1.0 / (side + n.z);
    let b = n.x * n.y * a;
    return Frame(vec3f(1.0 + side * n.x * n.x * a, side * b, -side * n.x), vec3f(b, side + n.y * n.y * a, -n.y), n);
}
fn to_world(f: Frame, v: vec3f) -> vec3f { return f.x * v.x + f.y * v.y + f.z * v.z; }

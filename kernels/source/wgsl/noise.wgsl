// Value noise on an integer lattice, as in ../noise.h.
fn cell_random(x: i32, y: i32, salt: u32) -> f32 {
    return unit_of(hash_mix((u32(x) * 0x8da6b343u) ^ (u32(y) * 0xd8163841u) ^ (salt * 0xcb1ab31fu)));
}
fn lattice(key: u32) -> f32 {
    var h = key;
    h ^= h >> 15u;
    h *= 0x2c1b3c6du;
    h ^= h >> 13u;
    h *= 0x297a2d39u;
    return f32(h >> 8u) * (1.0 / 16777216.0);
}
fn cell_of(f: f32) -> u32 { return u32(i32(f)); }
fn eased(t: f32) -> f32 { return t * t * (3.0 - 2.0 * t); }

// 0–1, mean 0.5, features of size 1.
fn noise3(p: vec3f, salt: u32) -> f32 {
    let f = floor(p);
    let x = cell_of(f.x) * 0x8da6b343u;
    let y = cell_of(f.y) * 0xd8163841u;
    let z = cell_of(f.z) * 0xcb1ab31fu + salt * 0x9e3779b9u;
    let t = p - f;
    let tx = eased(t.x);
    let ty = eased(t.y);
    let tz = eased(t.z);
    let x1 = x + 0x8da6b343u;
    let y1 = y + 0xd8163841u;
    let z1 = z + 0xcb1ab31fu;
    let a = k_mix(k_mix(lattice(x ^ y ^ z), lattice(x1 ^ y ^ z), tx), k_mix(lattice(x ^ y1 ^ z), lattice(x1 ^ y1 ^ z), tx), ty);
    let b = k_mix(k_mix(lattice(x ^ y ^ z1), lattice(x1 ^ y ^ z1), tx), k_mix(lattice(x ^ y1 ^ z1), lattice(x1 ^ y1 ^ z1), tx), ty);
    return k_mix(a, b, tz);
}
fn noise2(p: vec2f, salt: u32) -> f32 {
    let f = floor(p);
    let x = cell_of(f.x) * 0x8da6b343u;
    let y = cell_of(f.y) * 0xd8163841u + salt * 0x9e3779b9u;
    let t = p - f;
    let tx = eased(t.x);
    let ty = eased(t.y);
    let x1 = x + 0x8da6b343u;
    let y1 = y + 0xd8163841u;
    return k_mix(k_mix(lattice(x ^ y), lattice(x1 ^ y), tx), k_mix(lattice(x ^ y1), lattice(x1 ^ y1), tx), ty);
}
// Noise about 0 where it is resolved at all, else 0.
fn fine3(r: f32, p: vec3f, salt: u32) -> f32 {
    if (r > 0.0) { return noise3(p, salt) - 0.5; }
    return 0.0;
}
fn fine2(r: f32, p: vec2f, salt: u32) -> f32 {
    if (r > 0.0) { return noise2(p, salt) - 0.5; }
    return 0.0;
}
// How much of a feature of the given size survives a pixel of the given width: 1 when it is resolved, 0 when it is averaged out.
fn resolved(feature: f32, pixel: f32) -> f32 { return 1.0 - k_smooth(0.35, 1.1, pixel / feature); }

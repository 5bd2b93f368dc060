// The grade, as in ../grade.h: decision list and table.
struct Grade {
    slope: vec3f,
    most: f32,
    offset: vec3f,
    saturation: f32,
    power: vec3f,
    size: u32, // of the table; 0 without
    low: vec3f,
    spare: u32,
    scale: vec3f,
    spare_a: u32,
}
// Size³ colours, red fastest.
@group(0) @binding(5) var<storage, read> lut: array<f32>;

fn decided(g: Grade, i: u32, light: f32) -> f32 {
    let x = k_clamp(light * g.slope[i] + g.offset[i], 0.0, g.most);
    if (g.power[i] == 1.0) { return x; }
    return k_clamp(k_pow(x, g.power[i]), 0.0, g.most);
}
fn cdl(g: Grade, light: vec3f) -> vec3f {
    let c = vec3f(decided(g, 0u, light.x), decided(g, 1u, light.y), decided(g, 2u, light.z));
    let gray = vec3f(luminance(c));
    return clamp3(gray + (c - gray) * g.saturation, 0.0, g.most);
}

fn entry(i: u32) -> vec3f { return vec3f(lut[i], lut[i + 1u], lut[i + 2u]); }
// Between the corners of the tetrahedron that a point lies in: from the low corner along the axis with the largest fraction first.
fn looked_up(g: Grade, c: vec3f) -> vec3f {
    var at = (c - g.low) * g.scale;
    let stride = vec3u(3u, 3u * g.size, 3u * g.size * g.size);
    let most = f32(g.size - 1u);
    var start = 0u;
    for (var i = 0u; i < 3u; i++) {
        let x = k_clamp(at[i], 0.0, most);
        let cell = min(u32(x), g.size - 2u);
        at[i] = x - f32(cell);
        start += cell * stride[i];
    }
    let a = select(select(2u, 1u, at.y >= at.z), select(2u, 0u, at.x >= at.z), at.x >= at.y);
    let z = select(select(2u, 1u, at.y < at.z), select(2u, 0u, at.x < at.z), at.x < at.y);
    let m = 3u - a - z;
    let one = start + stride[a];
    let two = one + stride[m];
    let three_on = two + stride[z];
    return entry(start) * (1.0 - at[a]) + entry(one) * (at[a] - at[m]) + entry(two) * (at[m] - at[z]) + entry(three_on) * at[z];
}

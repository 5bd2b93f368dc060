// RGB to what encoders read, as in ../convert.cpp, which says what the numbers mean: in 16 bits, so that codes are equal to the bit.
struct Convert {
    width: u32,
    height: u32,
    words: u32,    // of the output
    format: u32,   // NV12, P010, yuv422p10
    floats: u32,   // whether pixels are three floats; else a word with red in its lowest byte
    transfer: u32, // of floats: none, sRGB's, BT.709's
    spare: u32,
    spare_a: u32,
}
@group(0) @binding(0) var<storage, read> v: Convert;
@group(0) @binding(1) var<storage, read> rgb: array<u32>;
// The planes one behind the other, without gaps.
@group(0) @binding(2) var<storage, read_write> planes: array<u32>;

fn upper(a: u32, factor: u32) -> u32 { return (a * factor) >> 16u; }
fn luma_of(c: vec3u) -> u32 { return (upper(c.x, 11966u) + upper(c.y, 40254u) + upper(c.z, 4064u) + 4097u) & 0xffffu; }
fn blue_of(c: vec3u) -> u32 { return (32768u + upper(c.z, 28784u) - upper(c.x, 6596u) - upper(c.y, 22189u)) & 0xffffu; }
fn red_of(c: vec3u) -> u32 { return (32768u + upper(c.x, 28784u) - upper(c.y, 26145u) - upper(c.z, 2639u)) & 0xffffu; }

fn coded(x: f32) -> f32 {
    if (v.transfer == 1u) { return select(1.055 * k_pow(x, 1.0 / 2.4) - 0.055, 12.92 * x, x <= 0.0031308); }
    if (v.transfer == 2u) { return select(1.099 * k_pow(x, 0.45) - 0.099, 4.5 * x, x < 0.018); }
    return x;
}
fn component(word: u32) -> u32 { return u32(k_unit(coded(k_unit(bitcast<f32>(word)))) * 65280.0 + 0.5); }

fn rgb_at(x: i32, y: i32) -> vec3u {
    let i = u32(min(y, i32(v.height) - 1)) * v.width + u32(clamp(x, 0, i32(v.width) - 1));
    if (v.floats != 0u) { return vec3u(component(rgb[3u * i]), component(rgb[3u * i + 1u]), component(rgb[3u * i + 2u])); }
    return vec3u(rgb[i] & 255u, (rgb[i] >> 8u) & 255u, (rgb[i] >> 16u) & 255u) << vec3u(8u);
}
fn mean_of(x: i32, y: i32, below: i32) -> vec3u { return (rgb_at(x, y) >> vec3u(1u)) + (rgb_at(x, below) >> vec3u(1u)); }
fn chroma_at(x: u32, y: u32, red: bool) -> u32 {
    let rows = select(2u, 1u, v.format == 2u);
    let column = i32(x * 2u);
    let row = i32(y * rows);
    let below = row + i32(rows) - 1;
    let a = mean_of(column - 1, row, below) >> vec3u(2u);
    let b = mean_of(column, row, below) >> vec3u(1u);
    let c = a + b + (mean_of(column + 1, row, below) >> vec3u(2u));
    if (red) { return red_of(c); }
    return blue_of(c);
}

// The i-th code, of 16 bits, of all planes; past the last, anything.
fn sixteen_at(i: u32) -> u32 {
    let pixels = v.width * v.height;
    if (i < pixels) { return luma_of(rgb_at(i32(i % v.width), i32(i / v.width))); }
    let across = (v.width + 1u) / 2u;
    let rest = i - pixels;
    if (v.format == 2u) {
        let plane = across * v.height;
        return chroma_at(rest % plane % across, rest % plane / across, rest >= plane);
    }
    return chroma_at(rest / 2u % across, rest / 2u / across, rest % 2u == 1u);
}
fn code_at(i: u32) -> u32 {
    let c = sixteen_at(i);
    if (v.format == 0u) { return ((c + 128u) & 0xffffu) >> 8u; }
    if (v.format == 1u) { return (c + 32u) & 0xffc0u; }
    return (c + 32u) >> 6u;
}

@compute @workgroup_size(64)
fn convert(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
    let word = id.y * groups.x * 64u + id.x;
    if (word >= v.words) { return; }
    var bits = 0u;
    let each = select(16u, 8u, v.format == 0u);
    let count = 32u / each;
    for (var i = 0u; i < count; i++) { bits |= code_at(count * word + i) << (each * i); }
    planes[word] = bits;
}

// RGB to NV12: BT.709, limited range; chroma sited left (co-sited with even columns by [1 2 1]/4, midway between two rows).
// Edges repeat, so odd sizes have a chroma sample for their last column and row.
struct Size {
    width: u32,
    height: u32,
    words: u32, // of the output
    spare: u32,
}
@group(0) @binding(0) var<storage, read> size: Size;
@group(0) @binding(1) var<storage, read> finished: array<u32>; // as film_finish leaves them
// The luma plane, then pairs of Cb and Cr, byte after byte without gaps.
@group(0) @binding(2) var<storage, read_write> planes: array<u32>;

fn rgb_at(x: i32, y: i32) -> vec3f {
    let word = finished[u32(min(y, i32(size.height) - 1)) * size.width + u32(clamp(x, 0, i32(size.width) - 1))];
    return vec3f(f32(word & 255u), f32((word >> 8u) & 255u), f32((word >> 16u) & 255u)) / 255.0;
}
fn luma_of(c: vec3f) -> f32 { return 0.2126 * c.x + 0.7152 * c.y + 0.0722 * c.z; }

fn byte_at(i: u32) -> u32 {
    let pixels = size.width * size.height;
    if (i < pixels) {
        return u32(16.0 + 219.0 * luma_of(rgb_at(i32(i % size.width), i32(i / size.width))) + 0.5);
    }
    let across = (size.width + 1u) / 2u;
    let pair = (i - pixels) / 2u;
    if (pair >= across * ((size.height + 1u) / 2u)) { return 0u; }
    let x = i32(pair % across * 2u);
    let y = i32(pair / across * 2u);
    var c = vec3f(0.0);
    for (var j = 0; j < 2; j++) { c += rgb_at(x - 1, y + j) + 2.0 * rgb_at(x, y + j) + rgb_at(x + 1, y + j); }
    c = c / 8.0;
    let blue = (i - pixels) % 2u == 0u;
    let difference = select((c.x - luma_of(c)) / 1.5748, (c.z - luma_of(c)) / 1.8556, blue);
    return u32(clamp(128.0 + 224.0 * difference + 0.5, 0.0, 255.0));
}

@compute @workgroup_size(64)
fn nv12(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
    let word = id.y * groups.x * 64u + id.x;
    if (word >= size.words) { return; }
    var bytes = 0u;
    for (var i = 0u; i < 4u; i++) { bytes |= byte_at(4u * word + i) << (8u * i); }
    planes[word] = bytes;
}

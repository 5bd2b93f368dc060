// Free rays, as in ../trace.cpp.
@group(0) @binding(10) var<storage, read> rays: array<Ray>;
// Nearest: t, u, v, solid, triangle as bits; passed: red, green, blue.
@group(0) @binding(11) var<storage, read_write> answers: array<u32>;

@compute @workgroup_size(64)
fn nearest(@builtin(global_invocation_id) id: vec3u) {
    let i = stretch.x + id.x;
    if (i >= stretch.y) { return; }
    let hit = closest(rays[i]);
    answers[5u * i] = bitcast<u32>(hit.t);
    answers[5u * i + 1u] = bitcast<u32>(hit.u);
    answers[5u * i + 2u] = bitcast<u32>(hit.v);
    answers[5u * i + 3u] = hit.solid;
    answers[5u * i + 4u] = hit.triangle;
}

@compute @workgroup_size(64)
fn passed(@builtin(global_invocation_id) id: vec3u) {
    let i = stretch.x + id.x;
    if (i >= stretch.y) { return; }
    let through = transmitted(rays[i]);
    answers[3u * i] = bitcast<u32>(through.x);
    answers[3u * i + 1u] = bitcast<u32>(through.y);
    answers[3u * i + 2u] = bitcast<u32>(through.z);
}

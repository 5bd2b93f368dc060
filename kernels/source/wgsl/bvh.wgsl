// Rays against the eight-wide tree, as in ../bvh.h: equal distances go to the lower triangle, so that the answer doesn't depend on
// the order of the walk.
struct Ray {
    o: vec3f,
    near_t: f32,
    d: vec3f,
    far_t: f32,
}
struct Hit {
    t: f32,
    u: f32,
    v: f32,
    solid: u32,
    triangle: u32, // NOTHING when nothing is hit
}

fn reciprocal(d: f32) -> f32 {
    let tiny = select(1e-18f, -1e-18f, (bitcast<u32>(d) >> 31u) != 0u);
    return 1.0 / select(d, tiny, abs(d) < 1e-18);
}
fn reciprocals(d: vec3f) -> vec3f { return vec3f(reciprocal(d.x), reciprocal(d.y), reciprocal(d.z)); }

// Rounding of the slab arithmetic, outwards (Ize 2013, "Robust BVH ray traversal").
const OUTWARDS = 1.0000005f;
// How far beyond a hit boxes are still entered: a triangle's distance rounds otherwise than that of its box.
const BEYOND = 1.00002f;

// Distances at which a ray enters four children, `half` 0 or 1 of a node; FAR for those that it misses.
fn entries_of(at: u32, half: u32, o: vec3f, inv: vec3f, near_t: f32, far_t: f32) -> vec4f {
    let lx = (nodes[at].low[half] - o.x) * inv.x;
    let hx = (nodes[at].high[half] - o.x) * inv.x;
    let ly = (nodes[at].low[2u + half] - o.y) * inv.y;
    let hy = (nodes[at].high[2u + half] - o.y) * inv.y;
    let lz = (nodes[at].low[4u + half] - o.z) * inv.z;
    let hz = (nodes[at].high[4u + half] - o.z) * inv.z;
    let entry = max(max(min(lx, hx), min(ly, hy)), max(min(lz, hz), vec4f(near_t)));
    let leave = min(min(max(lx, hx), max(ly, hy)), min(max(lz, hz), vec4f(far_t)));
    return select(vec4f(FAR), entry, entry <= leave * OUTWARDS);
}

// Four triangles at once (Möller & Trumbore 1997).
struct Crossing {
    ok: vec4<bool>,
    t: vec4f,
    u: vec4f,
    v: vec4f,
}
fn cross_block(at: u32, ray: Ray, far_t: f32) -> Crossing {
    let b = blocks[at];
    let px = ray.d.y * b.edge2[2] - ray.d.z * b.edge2[1];
    let py = ray.d.z * b.edge2[0] - ray.d.x * b.edge2[2];
    let pz = ray.d.x * b.edge2[1] - ray.d.y * b.edge2[0];
    let det = b.edge1[0] * px + b.edge1[1] * py + b.edge1[2] * pz;
    let size = abs(det);
    let turn = select(vec4f(1.0), vec4f(-1.0), det < vec4f(0.0));
    let sx = ray.o.x - b.corner[0];
    let sy = ray.o.y - b.corner[1];
    let sz = ray.o.z - b.corner[2];
    let u = (sx * px + sy * py + sz * pz) * turn;
    let qx = sy * b.edge1[2] - sz * b.edge1[1];
    let qy = sz * b.edge1[0] - sx * b.edge1[2];
    let qz = sx * b.edge1[1] - sy * b.edge1[0];
    let v = (ray.d.x * qx + ray.d.y * qy + ray.d.z * qz) * turn;
    let t = (b.edge2[0] * qx + b.edge2[1] * qy + b.edge2[2] * qz) * turn;
    let zero = vec4f(0.0);
    let inside = (u >= zero) & (v >= zero) & (u + v <= size) & (size > zero) & (t > size * ray.near_t);
    let scale = 1.0 / select(vec4f(1.0), size, inside);
    return Crossing(inside & (t * scale <= vec4f(far_t)), t * scale, u * scale, v * scale);
}

// What waits to be visited: a child and, as bits, how far it is. The tree's builder keeps to what fits.
var<private> stack: array<vec2u, 192>;

// Whether the texture of a cut-out triangle isn't there at (u, v).
fn is_cut_out(solid: u32, triangle: u32, u: f32, v: f32) -> bool {
    let place = scene.solids[solid];
    let tri = triangles[place.triangle + triangle];
    let image = image_of(place, materials[place.material + tri.w].texture);
    let at = coords_at(place, tri, u, v);
    let x = u32(k_min(k_unit(at.x) * f32(image.width), f32(image.width - 1u)));
    let y = u32(k_min((1.0 - k_unit(at.y)) * f32(image.height), f32(image.height - 1u)));
    return (images[image.first + y * image.width + x] >> 24u) < 128u;
}
// Pattern coordinates at barycentric coordinates of a triangle.
fn coords_at(place: Place, tri: vec4u, u: f32, v: f32) -> vec3f {
    let a = three(vertices[place.vertex + tri.x].coords);
    let b = three(vertices[place.vertex + tri.y].coords);
    let c = three(vertices[place.vertex + tri.z].coords);
    return a * (1.0 - u - v) + b * u + c * v;
}
// A texture: RGBA bytes, a word each, rows from the top.
struct Picture {
    first: u32,
    width: u32,
    height: u32,
}
fn image_of(place: Place, texture: u32) -> Picture {
    let at = place.image + 3u * texture;
    return Picture(place.image + images[at], images[at + 1u], images[at + 2u]);
}

// Visits the inner node `at` from the nearest child on: puts the others onto the stack, the farthest first, and returns the
// nearest, or NOTHING.
fn nearest_child(at: u32, ray: Ray, inv: vec3f, far_t: f32, top: ptr<function, u32>) -> u32 {
    let first = *top;
    let count = nodes[at].count;
    var child = NOTHING;
    var t = FAR;
    for (var half = 0u; half * 4u < count; half++) {
        let entry = entries_of(at, half, ray.o, inv, ray.near_t, far_t);
        let four = nodes[at].child[half];
        for (var lane = 0u; lane < min(count - half * 4u, 4u); lane++) {
            if (entry[lane] == FAR) { continue; }
            var other = four[lane];
            var other_t = entry[lane];
            if (other_t < t || child == NOTHING) {
                let farther = child;
                let farther_t = t;
                child = other;
                t = other_t;
                other = farther;
                other_t = farther_t;
            }
            if (other == NOTHING) { continue; }
            var p = *top;
            *top = p + 1u;
            while (p > first && bitcast<f32>(stack[p - 1u].y) < other_t) {
                stack[p] = stack[p - 1u];
                p--;
            }
            stack[p] = vec2u(other, bitcast<u32>(other_t));
        }
    }
    return child;
}

// Takes the nearest of a block's triangles, if nearer than what `hit` holds.
fn meet_block(at: u32, solid: u32, ray: Ray, hit: ptr<function, Hit>) {
    let cross = cross_block(at, ray, hit.t);
    if (!any(cross.ok)) { return; }
    let ids = blocks[at].id;
    for (var lane = 0u; lane < 4u; lane++) {
        if (!cross.ok[lane]) { continue; }
        let t = cross.t[lane];
        let id = ids[lane] & ID;
        let nearer = t < hit.t || (t == hit.t && hit.solid == solid && id < hit.triangle);
        if (!nearer) { continue; }
        if ((ids[lane] & CUTOUT) != 0u && is_cut_out(solid, id, cross.u[lane], cross.v[lane])) { continue; }
        *hit = Hit(t, cross.u[lane], cross.v[lane], solid, id);
    }
}

fn closest(ray: Ray) -> Hit {
    var hit = Hit(ray.far_t, 0.0, 0.0, NOTHING, NOTHING);
    let inv = reciprocals(ray.d);
    for (var solid = 0u; solid < scene.solid_count; solid++) {
        let place = scene.solids[solid];
        if (place.node_count == 0u) { continue; }
        var top = 0u;
        var at = 0u;
        loop {
            if (at == NOTHING) {
                if (top == 0u) { break; }
                top--;
                if (bitcast<f32>(stack[top].y) <= hit.t * BEYOND) { at = stack[top].x; }
            } else if ((at & LEAF) != 0u) {
                meet_block(place.block + (at & ~LEAF), solid, ray, &hit);
                at = NOTHING;
            } else {
                at = nearest_child(place.node + at, ray, inv, hit.t * BEYOND, &top);
            }
        }
    }
    return hit;
}

// What a block leaves of the light; (−1, 0, 0) when it is opaque.
fn through_block(at: u32, solid: u32, ray: Ray) -> vec3f {
    var through = vec3f(1.0);
    let cross = cross_block(at, ray, ray.far_t);
    if (!any(cross.ok)) { return through; }
    let ids = blocks[at].id;
    for (var lane = 0u; lane < 4u; lane++) {
        let id = ids[lane];
        if (!cross.ok[lane] || (id & GLOW) != 0u) { continue; }
        if ((id & CUTOUT) != 0u && is_cut_out(solid, id & ID, cross.u[lane], cross.v[lane])) { continue; }
        if ((id & GLASS) == 0u) { return vec3f(-1.0, 0.0, 0.0); }
        let place = scene.solids[solid];
        let m = place.material + triangles[place.triangle + (id & ID)].w;
        through *= three(materials[m].base) * (0.9 * materials[m].glass);
    }
    return through;
}

// Puts all children that the ray enters onto the stack.
fn push_children(at: u32, ray: Ray, inv: vec3f, top: ptr<function, u32>) {
    let count = nodes[at].count;
    for (var half = 0u; half * 4u < count; half++) {
        let entry = entries_of(at, half, ray.o, inv, ray.near_t, ray.far_t);
        let four = nodes[at].child[half];
        for (var lane = 0u; lane < min(count - half * 4u, 4u); lane++) {
            if (entry[lane] == FAR) { continue; }
            stack[*top].x = four[lane];
            *top += 1u;
        }
    }
}

// The share of light that reaches from one end of the ray to the other: zero behind anything opaque.
fn transmitted(ray: Ray) -> vec3f {
    var through = vec3f(1.0);
    let inv = reciprocals(ray.d);
    for (var solid = 0u; solid < scene.solid_count; solid++) {
        let place = scene.solids[solid];
        if (place.node_count == 0u) { continue; }
        var top = 1u;
        stack[0].x = 0u;
        while (top > 0u) {
            top--;
            let at = stack[top].x;
            if ((at & LEAF) != 0u) {
                let share = through_block(place.block + (at & ~LEAF), solid, ray);
                if (share.x < 0.0) { return vec3f(0.0); }
                through *= share;
            } else {
                push_children(place.node + at, ray, inv, &top);
            }
        }
    }
    return through;
}

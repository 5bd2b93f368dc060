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

// The bounds of four children on one axis, as the packer computed them.
fn bounds_of(bytes: u32, step: f32, origin: f32) -> vec4f {
    return origin + vec4f((vec4u(bytes) >> vec4u(0u, 8u, 16u, 24u)) & vec4u(255u)) * step;
}
// The slots of a node, by bits, that a ray enters before far_t.
fn entered_by(at: u32, o: vec3f, inv: vec3f, near_t: f32, far_t: f32) -> u32 {
    let grid = nodes[at].inner_and_grid;
    let step = bitcast<vec3f>((vec3u(grid >> 8u, grid >> 16u, grid >> 24u) & vec3u(255u)) << vec3u(23u));
    let origin = three(nodes[at].origin);
    var entered = 0u;
    for (var half = 0u; half < 2u; half++) {
        let lx = (bounds_of(nodes[at].low[half], step.x, origin.x) - o.x) * inv.x;
        let hx = (bounds_of(nodes[at].high[half], step.x, origin.x) - o.x) * inv.x;
        let ly = (bounds_of(nodes[at].low[2u + half], step.y, origin.y) - o.y) * inv.y;
        let hy = (bounds_of(nodes[at].high[2u + half], step.y, origin.y) - o.y) * inv.y;
        let lz = (bounds_of(nodes[at].low[4u + half], step.z, origin.z) - o.z) * inv.z;
        let hz = (bounds_of(nodes[at].high[4u + half], step.z, origin.z) - o.z) * inv.z;
        let entry = max(max(min(lx, hx), min(ly, hy)), max(min(lz, hz), vec4f(near_t)));
        let leave = min(min(max(lx, hx), max(ly, hy)), min(max(lz, hz), vec4f(far_t)));
        let hits = select(vec4u(0u), vec4u(1u, 2u, 4u, 8u), entry <= leave * OUTWARDS);
        entered |= (hits.x | hits.y | hits.z | hits.w) << (4u * half);
    }
    return entered & (grid | nodes[at].leaves);
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

// What is still to visit of the children of one node a level: where they begin; by order of visit, which, and, by slot, which there
// are. The tree's builder keeps to what fits.
struct Group {
    first: u32,
    hits: u32,
    inner: u32,
}
var<private> stack: array<vec2u, 28>;
var<private> top: u32;

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

// Slots are visited by their number exclusive-or this, the highest first.
fn octant_of(d: vec3f) -> u32 { return select(1u, 0u, d.x < 0.0) | select(2u, 0u, d.y < 0.0) | select(4u, 0u, d.z < 0.0); }
fn root_of(octant: u32) -> Group { return Group(0u, 1u << octant, 1u); }

// Takes the node to visit from the group, which goes onto the stack if more are left.
fn next_of(group: Group, octant: u32) -> u32 {
    let place = firstLeadingBit(group.hits);
    let left = group.hits ^ (1u << place);
    if (left != 0u) {
        stack[top] = vec2u(group.first, (left << 8u) | group.inner);
        top++;
    }
    return group.first + countOneBits(group.inner & ((1u << (place ^ octant)) - 1u));
}
// The children that were entered, or else the last group on the stack; without hits when there is none.
fn group_after(at: u32, entered: u32, octant: u32) -> Group {
    let inner = nodes[at].inner_and_grid & 255u;
    var hits = entered & inner;
    if ((octant & 1u) != 0u) { hits = ((hits & 0x55u) << 1u) | ((hits & 0xaau) >> 1u); }
    if ((octant & 2u) != 0u) { hits = ((hits & 0x33u) << 2u) | ((hits & 0xccu) >> 2u); }
    if ((octant & 4u) != 0u) { hits = ((hits & 0x0fu) << 4u) | ((hits & 0xf0u) >> 4u); }
    if (hits != 0u) { return Group(nodes[at].first_node, hits, inner); }
    if (top == 0u) { return Group(0u, 0u, 0u); }
    top--;
    return Group(stack[top].x, stack[top].y >> 8u, stack[top].y & 255u);
}
fn block_at(at: u32, slot: u32) -> u32 { return nodes[at].first_block + ((nodes[at].ranks >> (4u * slot)) & 15u); }

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
    let octant = octant_of(ray.d);
    for (var solid = 0u; solid < scene.solid_count; solid++) {
        let place = scene.solids[solid];
        if (place.node_count == 0u) { continue; }
        top = 0u;
        var group = root_of(octant);
        while (group.hits != 0u) {
            let at = place.node + next_of(group, octant);
            let entered = entered_by(at, ray.o, inv, ray.near_t, min(hit.t, 1e37) * BEYOND);
            for (var leaves = entered & nodes[at].leaves; leaves != 0u; leaves &= leaves - 1u) {
                meet_block(place.block + block_at(at, firstTrailingBit(leaves)), solid, ray, &hit);
            }
            group = group_after(at, entered, octant);
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

// The share of light that reaches from one end of the ray to the other: zero behind anything opaque.
fn transmitted(ray: Ray) -> vec3f {
    var through = vec3f(1.0);
    let inv = reciprocals(ray.d);
    let octant = octant_of(ray.d);
    for (var solid = 0u; solid < scene.solid_count; solid++) {
        let place = scene.solids[solid];
        if (place.node_count == 0u) { continue; }
        top = 0u;
        var group = root_of(octant);
        while (group.hits != 0u) {
            let at = place.node + next_of(group, octant);
            let entered = entered_by(at, ray.o, inv, ray.near_t, ray.far_t);
            for (var leaves = entered & nodes[at].leaves; leaves != 0u; leaves &= leaves - 1u) {
                let share = through_block(place.block + block_at(at, firstTrailingBit(leaves)), solid, ray);
                if (share.x < 0.0) { return vec3f(0.0); }
                through *= share;
            }
            group = group_after(at, entered, octant);
        }
    }
    return through;
}

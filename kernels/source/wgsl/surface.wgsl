// From a hit to a surface: position, normals, and the material with its pattern, tints and variation applied; as in ../surface.h.
struct Surface {
    position: vec3f,
    facing: vec3f, // geometric normal on the viewer's side
    normal: vec3f, // shading normal (bumped)
    view: vec3f,   // direction to the viewer
    lifted: vec3f, // where shadow rays start
    strand: vec3f, // along the hairs, from root to tip, unit; 0 for what has none
    albedo: vec3f,
    f0: vec3f,
    emission: vec3f,
    sheen: vec3f,
    roughness: f32,
    alpha: f32,
    specular: f32,
    metallic: f32,
    wrap: f32,
    translucency: f32,
    coat: f32,
    glass: f32,
}

fn srgb_to_linear(c: vec3f) -> vec3f { return c * (c * (c * 0.305306011 + vec3f(0.682171111)) + vec3f(0.012522878)); }
fn texel(image: Picture, x: i32, y: i32) -> vec3f {
    let px = u32(clamp(x, 0, i32(image.width) - 1));
    let py = u32(clamp(y, 0, i32(image.height) - 1));
    let p = images[image.first + py * image.width + px];
    return srgb_to_linear(vec3f(f32(p & 255u), f32((p >> 8u) & 255u), f32((p >> 16u) & 255u)) * (1.0 / 255.0));
}
// Bilinear; the first row of the image is at y = 1.
fn image_at(image: Picture, x: f32, y: f32) -> vec3f {
    let fx = k_unit(x) * f32(image.width) - 0.5;
    let fy = (1.0 - k_unit(y)) * f32(image.height) - 0.5;
    let ix = i32(floor(fx));
    let iy = i32(floor(fy));
    let tx = fx - f32(ix);
    let above = mix3(texel(image, ix, iy), texel(image, ix + 1, iy), tx);
    let below = mix3(texel(image, ix, iy + 1), texel(image, ix + 1, iy + 1), tx);
    return mix3(above, below, fy - f32(iy));
}

// The plane of the coordinates that a triangle lies along: both of its coordinates.
fn on_plane(c: vec3f, n: vec3f) -> vec2f {
    let a = abs(n);
    if (a.z >= a.x && a.z >= a.y) { return c.xy; }
    return select(c.zy, c.xz, a.y >= a.x);
}

// Three scales of faint noise, a share of the colour: broad stains, hand-sized mottling, grain.
fn variation_at(c: vec3f, w: f32) -> f32 {
    var v = noise3(c * 1.3, 1u) - 0.5;
    if (w < 0.2) { v += 0.6 * (noise3(c * 6.7, 2u) - 0.5) * resolved(0.15, w); }
    if (w < 0.035) { v += 0.4 * (noise3(c * 37.0, 3u) - 0.5) * resolved(0.027, w); }
    return v;
}

// Starts shadow rays on the smooth surface that the triangle stands for, so that shadows don't show its facets (Hanika 2021,
// "Hacking the shadow terminator").
fn lift(p: vec3f, a: Vertex, b: Vertex, c: Vertex, u: f32, v: f32, side: f32) -> vec3f {
    let na = three(a.normal) * side;
    let nb = three(b.normal) * side;
    let nc = three(c.normal) * side;
    let la = na * (k_min(0.0, dot3(p - three(a.position), na)) * -(1.0 - u - v));
    let lb = nb * (k_min(0.0, dot3(p - three(b.position), nb)) * -u);
    let lc = nc * (k_min(0.0, dot3(p - three(c.position), nc)) * -v);
    let l = la + lb + lc;
    let most = 0.05;
    return select(p + l, p, dot3(l, l) > most * most);
}

fn surface_epsilon(p: vec3f) -> f32 { return 3e-5 * (1.0 + k_max(abs(p.x), k_max(abs(p.y), abs(p.z)))); }

// A material with its pattern and variation, at one point: what neighbouring samples of a pixel share.
struct Worn {
    solid: u32, // whose it is; NOTHING: nobody's
    material: u32,
    base: vec3f,
    emission: vec3f,
    bend: vec3f, // added to the normal
    roughness: f32,
    wet: f32,
}

// A triangle as its pattern sees it: edges in space and in coordinates.
struct Patch {
    e1: vec3f,
    e2: vec3f,
    g: vec3f, // geometric normal
    c0: vec3f,
    k1: vec3f,
    k2: vec3f,
}

// Two tangents, and how the coordinates change along them.
struct Tangents {
    t1: vec3f,
    t2: vec3f,
    c1: vec3f,
    c2: vec3f,
}
fn tangents_of(p: Patch) -> Tangents {
    let t1 = unit3(p.e1);
    let t2 = unit3(cross3(p.g, t1));
    let y2 = dot3(p.e2, t2);
    let c1 = p.k1 * (1.0 / sqrt(k_max(dot3(p.e1, p.e1), 1e-12)));
    let c2 = (p.k2 - c1 * dot3(p.e2, t1)) * (1.0 / select(y2, 1e-9, abs(y2) < 1e-9));
    return Tangents(t1, t2, c1, c2);
}

// Where the middle of a pixel meets the plane of a triangle, as barycentric coordinates; the hit's own when that is far off.
// Patterns are evaluated there, once for all samples: they are filtered to the pixel, and jitter would only bring noise back.
fn middle_of_pixel(corner: vec3f, e1: vec3f, e2: vec3f, own: vec2f, middle: Ray, reach: f32) -> vec2f {
    let n = cross3(e1, e2);
    let along = dot3(middle.d, n);
    let size = dot3(n, n);
    if (abs(along) < 1e-3 * sqrt(size)) { return own; }
    let p = middle.o + middle.d * (dot3(corner - middle.o, n) / along) - corner;
    let inv = 1.0 / k_max(size, 1e-30);
    let at = vec2f(dot3(cross3(p, e2), n) * inv, dot3(cross3(e1, p), n) * inv);
    let off = e1 * (at.x - own.x) + e2 * (at.y - own.y);
    return select(own, at, dot3(off, off) < reach * reach);
}

// The pattern at a point and, where it has relief, how its height bends the normal: one walk over up to three points.
fn wear(m: Surfacing, p: Patch, at: vec3f, stretch_of: f32, pw: f32, out: ptr<function, Worn>) {
    let axis = cross3(p.k1, p.k2);
    let bumpy = m.bump > 0.0 && pw < 0.5;
    let units = k_max(stretch_of * m.scale, 1e-6);
    let step = k_max(pw, 0.015) / units;
    let tangents = tangents_of(p);
    var heights = vec3f(0.0);
    for (var i = 0u; i < select(1u, 3u, bumpy); i++) {
        let moved = select(select(vec3f(0.0), tangents.c1 * step, i == 1u), tangents.c2 * step, i == 2u);
        let c = (at + moved) * m.scale;
        let pattern = pattern_at(m.pattern, c, on_plane(c, axis), pw);
        heights[i] = pattern.height;
        if (i > 0u) { continue; }
        let second = three(m.second);
        out.base = mix3(out.base, second, k_unit(pattern.second)) * (k_max(pattern.shade, 0.05) * (1.0 - pattern.dark));
        out.roughness += pattern.rough;
        out.emission += second * pattern.lit;
        out.wet = pattern.wet;
    }
    if (!bumpy) { return; }
    out.bend = (tangents.t1 * (heights.y - heights.x) + tangents.t2 * (heights.z - heights.x)) * (-m.bump / (step * units));
}

// The material of a triangle at barycentric coordinates, for a pixel that is `width` metres wide there.
fn worn_at(place: Place, m: Surfacing, p: Patch, at: vec2f, width: f32, slant: f32) -> Worn {
    var out = Worn(NOTHING, 0u, three(m.base), three(m.emission), vec3f(0.0), m.roughness, 0.0);
    let c = p.c0 + p.k1 * at.x + p.k2 * at.y;
    if (m.pattern == PATTERN_IMAGE) {
        out.base = image_at(image_of(place, m.texture), c.x, c.y);
        return out;
    }
    // Coordinates a metre, from the longer edge, and the pixel's width in them.
    let d1 = dot3(p.e1, p.e1);
    let d2 = dot3(p.e2, p.e2);
    let per_metre = sqrt(select(dot3(p.k2, p.k2) / k_max(d2, 1e-12), dot3(p.k1, p.k1) / k_max(d1, 1e-12), d1 > d2));
    let pixel = width * per_metre / sqrt(slant);
    if (m.variation > 0.0) { out.base *= 1.0 + 1.1 * m.variation * variation_at(c, pixel); }
    if (m.pattern != PATTERN_PLAIN) { wear(m, p, c, per_metre, pixel * m.scale, &out); }
    return out;
}

// What the samples of a pixel share: the ray through its middle, its haze (as long as they end equally far away), its material.
struct Common {
    middle: Ray,
    haze: vec4f, // glow, and what passes
    haze_t: f32,
    worn: Worn,
}

// The material at a hit that a pixel `width` metres wide sees. `first`: on the pixel's own way, where samples share it.
fn worn_here(hit: Hit, place: Place, tri: vec4u, m: Surfacing, p: Patch, corner: vec3f, width: f32, slant: f32, first: bool, held: ptr<function, Common>) -> Worn {
    if (first && held.worn.solid == hit.solid && held.worn.material == tri.w && m.pattern != PATTERN_IMAGE) {
        return held.worn;
    }
    var at = vec2f(hit.u, hit.v);
    if (first && m.pattern != PATTERN_IMAGE) { at = middle_of_pixel(corner, p.e1, p.e2, at, held.middle, 2.5 * width / slant); }
    var worn = worn_at(place, m, p, at, width, slant);
    worn.solid = hit.solid;
    worn.material = tri.w;
    if (first) { held.worn = worn; }
    return worn;
}

// Which way the hairs of a triangle lie: along the second coordinate, on the smooth sheet that it stands for, raised by `tilt`.
fn strand_of(p: Patch, normal: vec3f, tilt: f32) -> vec3f {
    let turned = p.k1.x * p.k2.y - p.k2.x * p.k1.y;
    let along = (p.e2 * p.k1.x - p.e1 * p.k2.x) * select(1.0, -1.0, turned < 0.0);
    let t = along - normal * dot3(along, normal);
    let d = dot3(t, t);
    if (d <= 1e-16) { return vec3f(0.0); }
    return unit3(t * (1.0 / sqrt(d)) + normal * tilt);
}

// `width` is the pixel's width in metres at the hit; a negative one means that the pattern's mean is enough (bounced light).
fn surface_at(ray: Ray, hit: Hit, width: f32, first: bool, held: ptr<function, Common>) -> Surface {
    let place = scene.solids[hit.solid];
    let tri = triangles[place.triangle + hit.triangle];
    let m = materials[place.material + tri.w];
    let a = vertices[place.vertex + tri.x];
    let b = vertices[place.vertex + tri.y];
    let c = vertices[place.vertex + tri.z];
    let u = hit.u;
    let v = hit.v;
    let w = 1.0 - u - v;
    let corner = three(a.position);
    var s: Surface;
    s.view = -ray.d;
    let e1 = three(b.position) - corner;
    let e2 = three(c.position) - corner;
    s.position = corner + e1 * u + e2 * v;
    let g = unit3(cross3(e1, e2));
    s.facing = select(g, -g, dot3(g, s.view) < 0.0);
    s.normal = unit3(three(a.normal) * w + three(b.normal) * u + three(c.normal) * v);
    let side = select(1.0, -1.0, dot3(s.normal, s.facing) < 0.0);
    s.normal *= side;
    s.lifted = lift(s.position, a, b, c, u, v, side) + s.facing * surface_epsilon(s.position);

    var base = three(m.base);
    s.roughness = m.roughness;
    s.emission = three(m.emission);
    s.strand = vec3f(0.0);
    var wet = 0.0;
    if (width >= 0.0) {
        let c0 = three(a.coords);
        let p = Patch(e1, e2, g, c0, three(b.coords) - c0, three(c.coords) - c0);
        let worn = worn_here(hit, place, tri, m, p, corner, width, k_max(dot3(s.facing, s.view), 0.08), first, held);
        base = worn.base;
        s.roughness = worn.roughness;
        s.emission = worn.emission;
        wet = worn.wet;
        if (m.pattern == PATTERN_STRANDS) { s.strand = strand_of(p, s.normal, worn.roughness - m.roughness); }
        if (m.bump > 0.0) { s.normal = unit3(s.normal + worn.bend); }
    } else if (m.pattern == PATTERN_IMAGE) {
        let at = coords_at(place, tri, u, v);
        base = image_at(image_of(place, m.texture), at.x, at.y);
    } else if (m.pattern == PATTERN_WINDOWS) {
        s.emission += three(m.second) * 0.1;
    }
    finish_surface(m, base * (three(a.tint) * w + three(b.tint) * u + three(c.tint) * v), wet, &s);
    return s;
}

// Tints, water and limits: the rest of a surface, from its colour on.
fn finish_surface(m: Surfacing, tinted: vec3f, wet: f32, s: ptr<function, Surface>) {
    // A shading normal that looks away from the viewer would darken the rim: bend it back.
    let facing = dot3(s.normal, s.view);
    if (facing < 0.04) { s.normal = unit3(s.normal + s.view * (0.04 - facing)); }
    var base = clamp3(tinted, 0.0, 0.95);
    s.coat = m.coat;
    s.glass = m.glass;
    s.wrap = m.wrap;
    s.translucency = m.translucency;
    s.metallic = m.metallic;
    s.specular = k_mix(m.specular, 1.0, m.metallic);
    if (wet > 0.0) {
        s.coat = k_max(m.coat, wet);
        base *= 1.0 - 0.35 * wet;
    }
    s.roughness = k_clamp(s.roughness, 0.05, 1.0);
    s.alpha = s.roughness * s.roughness;
    s.albedo = base * (1.0 - m.metallic);
    s.f0 = mix3(vec3f(0.04), base, m.metallic);
    s.sheen = three(m.sheen_color) * m.sheen;
}

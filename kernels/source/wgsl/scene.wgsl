// The stage as the host packs it. Records are those of ../scene.h, byte for byte; four floats are one vector where they lie together.

// Eight children in 80 bytes, boxes in steps of a grid: a bound is origin + step * its byte.
struct Node {
    origin: array<f32, 3>,
    inner_and_grid: u32, // by bits, the slots that hold nodes; then the exponent of the step on each axis, a byte each
    leaves: u32,         // by bits, the slots that hold blocks
    ranks: u32,          // of blocks among those of the node, four bits a slot
    first_node: u32,     // nodes follow in the order of their slots
    first_block: u32,
    low: array<u32, 6>,  // bytes, a slot each; two words an axis
    high: array<u32, 6>,
}

// Four triangles: a corner and two edges each, by axis.
struct Block {
    corner: array<vec4f, 3>,
    edge1: array<vec4f, 3>,
    edge2: array<vec4f, 3>,
    id: vec4u, // triangle, with flags in the upper bits
}
const ID = 0x1fffffffu;
const CUTOUT = 0x20000000u; // ask the texture
const GLASS = 0x40000000u;  // shadows pass, tinted
const GLOW = 0x80000000u;   // shadows pass: the surface is a light itself

struct Vertex {
    position: array<f32, 3>,
    normal: array<f32, 3>,
    coords: array<f32, 3>,
    tint: array<f32, 3>,
}

struct Surfacing {
    base: array<f32, 3>,
    second: array<f32, 3>,
    sheen_color: array<f32, 3>,
    emission: array<f32, 3>,
    scale: f32,
    bump: f32,
    variation: f32,
    roughness: f32,
    specular: f32,
    metallic: f32,
    sheen: f32,
    wrap: f32,
    translucency: f32,
    coat: f32,
    glass: f32,
    pattern: u32,
    texture: u32,
}

const LIGHT_SUN = 0u;
const LIGHT_BALL = 1u;
const LIGHT_PANEL = 2u;
const LIGHT_SPOT = 3u;
// A lamp, and what choosing among them asks: its column of LampTable.
struct Lamp {
    kind: u32,
    position: array<f32, 3>,  // of the sun: direction to it
    direction: array<f32, 3>, // where a spot or a panel shines, unit
    u: array<f32, 3>,         // half-edges of a panel
    v: array<f32, 3>,
    intensity: array<f32, 3>, // of the sun: irradiance
    radius: f32,              // metres; of the sun: tangent of its angular radius
    cos_inner: f32,
    cos_outer: f32,
    luminance: f32,
    here: f32, // 0 for the sun
    radius2: f32,
    soft: f32,
    cone_from: f32,
    cone_scale: f32,
    glow: f32, // 1 for what glows in fog
}

// Where the parts of one solid begin in their buffers. Images begin with a table of (first texel, width, height).
struct Place {
    node: u32,
    block: u32,
    vertex: u32,
    triangle: u32,
    material: u32,
    image: u32,
    node_count: u32,
    spare: u32,
}

struct Scene {
    zenith: vec3f,
    sun_glow: f32,
    horizon: vec3f,
    clouds: f32,
    ground: vec3f,
    stars: f32,
    sun_direction: vec3f,
    fill: f32,
    sun_color: vec3f,
    fog_density: f32,
    mean: vec3f, // of the sky in all directions, times fill
    fog_height: f32,
    fog_color: vec3f,
    most: f32, // that one indirect sample may bring
    position: vec3f,
    half_width: f32, // of the image plane at distance 1
    right: vec3f,
    half_height: f32,
    up: vec3f,
    focus: f32,
    forward: vec3f,
    lens_radius: f32,
    near_m: f32,
    solid_count: u32,
    lamp_count: u32,
    width: u32,
    height: u32,
    samples: u32,
    log2_samples: u32,
    bounces: u32,
    seed: u32,
    spare: u32,
    spare_a: u32,
    spare_b: u32,
    solids: array<Place, 8>,
}

// Arguments are storage, not uniforms: lavapipe compiles a kernel anew for each new value of a uniform that a branch asks.

// What part of its items a launch does: from, to.
@group(0) @binding(0) var<storage, read> stretch: vec4u;
@group(0) @binding(1) var<storage, read> scene: Scene;
@group(0) @binding(2) var<storage, read> nodes: array<Node>;
@group(0) @binding(3) var<storage, read> blocks: array<Block>;
@group(0) @binding(4) var<storage, read> vertices: array<Vertex>;
@group(0) @binding(5) var<storage, read> triangles: array<vec4u>; // three vertices, a material
@group(0) @binding(6) var<storage, read> materials: array<Surfacing>;
@group(0) @binding(7) var<storage, read> images: array<u32>;

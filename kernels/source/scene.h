// What a launch sees of the stage: plain records, mirrored field by field in src/abi.rs (a test compares sizes and offsets).
#pragma once
#include "math.h"

// Eight children of a node, one bound of all of them after another: a node is tested in six loads.
struct K_ALIGN(64) Node {
    float low[3][8];
    float high[3][8];
    uint32_t child[8]; // a node, or LEAF | block, or NOTHING
    uint32_t count, spare[7];
};
// The same for GPUs, in 80 bytes: boxes in steps of a grid, rounded outwards. A bound is origin + step * its byte.
struct K_ALIGN(16) Packed {
    float origin[3];
    uint32_t inner_and_grid;   // by bits, the slots that hold nodes; then the exponent of the grid's step on each axis, a byte each
    uint32_t leaves;           // by bits, the slots that hold blocks
    uint32_t ranks;            // of blocks among those of the node, four bits a slot
    uint32_t first_node, first_block; // nodes follow in the order of their slots
    uint32_t low[3][2], high[3][2];   // bytes, a slot each
};
#if defined(K_PACKED)
typedef Packed TreeNode;
#else
typedef Node TreeNode;
#endif
#define K_LEAF 0x80000000u
#define K_NOTHING 0xffffffffu

// Four triangles: a corner and two edges each. Vacant lanes have edges of zero, which no ray hits.
struct K_ALIGN(32) Block {
    float corner[3][4];
    float edge1[3][4];
    float edge2[3][4];
    uint32_t id[4]; // triangle, with flags in the upper bits
};
#define K_ID 0x1fffffffu
#define K_CUTOUT 0x20000000u // ask the texture
#define K_GLASS 0x40000000u  // shadows pass, tinted
#define K_GLOW 0x80000000u   // shadows pass: the surface is a light itself

struct Vertex {
    float position[3], normal[3], coords[3], tint[3];
};
struct Triangle {
    uint32_t vertex[3];
    uint32_t material;
};

struct Surfacing {
    float base[3], second[3], sheen_color[3], emission[3];
    float scale, bump, variation, roughness, specular, metallic, sheen, wrap, translucency, coat, glass;
    uint32_t pattern, texture;
};

struct Image {
    const uint8_t* rgba;
    uint32_t width, height;
};

struct SolidView {
    const TreeNode* nodes;
    const Block* blocks;
    const Vertex* vertices;
    const Triangle* triangles;
    const Surfacing* materials;
    const Image* images;
    uint32_t node_count, block_count;
};

enum { LIGHT_SUN = 0, LIGHT_BALL = 1, LIGHT_PANEL = 2, LIGHT_SPOT = 3 };
struct Lamp {
    uint32_t kind;
    float position[3];  // of the sun: direction to it
    float direction[3]; // where a spot or a panel shines, unit
    float u[3], v[3];   // half-edges of a panel
    float intensity[3]; // of the sun: irradiance
    float radius;       // metres; of the sun: tangent of its angular radius
    float cos_inner, cos_outer;
    float luminance;
};

struct SkyView {
    float zenith[3], horizon[3], ground[3];
    float sun_direction[3], sun_color[3]; // colour 0 without a sun
    float sun_glow, clouds, stars, fill;
    float mean[3]; // of all directions, times fill
};

struct FogView {
    float density, color[3], height;
};

struct CameraView {
    float position[3], right[3], up[3], forward[3];
    float half_width, half_height; // of the image plane at distance 1
    float focus, lens_radius, near_m;
};

#define K_SOLIDS_MAX 8
#define K_LAMPS_MAX 64
// The same lamps, field by field, for choosing among them. Vacant entries have no luminance.
struct LampTable {
    float x[K_LAMPS_MAX], y[K_LAMPS_MAX], z[K_LAMPS_MAX], here[K_LAMPS_MAX];
    float ax[K_LAMPS_MAX], ay[K_LAMPS_MAX], az[K_LAMPS_MAX];
    float radius[K_LAMPS_MAX], radius2[K_LAMPS_MAX], soft[K_LAMPS_MAX];
    float cone_from[K_LAMPS_MAX], cone_scale[K_LAMPS_MAX], luminance[K_LAMPS_MAX];
    float glow[K_LAMPS_MAX]; // 1 for what glows in fog: balls and spots
};
struct View {
    const SolidView* solids;
    const Lamp* lamps;
    const LampTable* table;
    SkyView sky;
    FogView fog;
    CameraView camera;
    uint32_t solid_count, lamp_count;
    uint32_t width, height, samples, log2_samples, bounces, seed;
    float clamp; // the most that one indirect sample may bring
};

// The layers of a picture; each a plane of pixels, three floats a pixel where it is a colour or a direction.
struct LayersView {
    float *color, *clear, *albedo, *normal, *depth, *variance;
};

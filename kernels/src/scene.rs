//! What is rendered: geometry with materials, lights, sky, fog, a camera. Metres, right-handed, +Y up, linear Rec. 709 colour.

use serde::{Deserialize, Serialize};

/// Linear Rec. 709.
pub type Rgb = [f32; 3];

/// sRGB hex ("#C8342B" or "C8342B") to linear. Panics on anything else: for tables in code.
pub fn srgb(hex: &str) -> Rgb {
    let v = u32::from_str_radix(hex.trim_start_matches('#'), 16).expect("six hex digits");
    [v >> 16, v >> 8, v].map(|c| {
        let c = (c & 255) as f32 / 255.0;
        if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
    })
}

/// Procedural surface patterns, evaluated in the kernel from a vertex's `coords` times [`Material::scale`]. They vary base colour
/// towards [`Material::second`], roughness, and the shading normal by [`Material::bump`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[repr(u32)]
pub enum Pattern {
    /// No pattern; three scales of faint value noise still vary colour by [`Material::variation`].
    #[default]
    Plain = 0,
    /// Short fibres in normal and edge.
    Felt = 1,
    /// Faint fingerprints and thumb dents.
    Clay = 2,
    /// Plain weave, threads across x and y of the coordinates (one thread pair a unit).
    Weave = 3,
    /// Silk with small repeated motifs (buti) in the second colour.
    SilkButi = 4,
    /// Gold-thread border work: rows of temples and lozenges in the second colour, along x.
    Zari = 5,
    /// Planks with grain; one plank a unit in x, grain along y.
    Wood = 6,
    Marble = 7,
    /// Running bond; a brick is 1 × 0.33 units; second colour is mortar.
    Brick = 8,
    Plaster = 9,
    /// Granite or sandstone: speckle, stains.
    Stone = 10,
    /// Rectangular slabs with joints in the second colour; one slab a unit.
    Flagstone = 11,
    /// Checker of both colours; one square a unit.
    Checker = 12,
    /// White line drawing around dots on the ground (x, z of coords), one motif a unit.
    Kolam = 13,
    Asphalt = 14,
    /// Woven rush mat with a cloth edge each unit.
    Tatami = 15,
    Thatch = 16,
    /// Overlapping roof tiles, one a unit.
    RoofTile = 17,
    Grass = 18,
    Soil = 19,
    Sand = 20,
    /// Animated ripples come from the coordinates; smooth dielectric over the base colour.
    Water = 21,
    /// Broad stripes of both colours along x, one pair a unit.
    Stripes = 22,
    /// Wax-print: concentric discs and rays in the second colour, one motif a unit.
    WaxPrint = 23,
    /// Small flowers in the second colour on the base, one motif a unit.
    Floral = 24,
    /// Metal panels with seams and rivets, one panel a unit.
    Panels = 25,
    Bark = 26,
    /// Leaf with a midrib; coords 0–1 across the leaf.
    Leaf = 27,
    /// Hair or fur strands along y of the coords.
    Strands = 28,
    /// Wet ground: the base with puddles of mirror water where low noise says so.
    WetGround = 29,
    /// Iris: second colour outwards, dark limbus, pupil; coords are (radius 0–1, angle, 0).
    Iris = 30,
    /// Rows of small windows, some lit (seeded by cell) with the second colour as emission; one window a unit.
    Windows = 31,
    /// Paper (shoji): fibres; lets light through by [`Material::translucency`].
    Paper = 32,
    /// The geometry's texture image ([`Material::texture`]), coords x, y in 0–1.
    Image = 33,
}

/// A surface. All factors 0–1 unless said.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Material {
    /// Albedo; keep within 0.04–0.8.
    pub base: Rgb,
    /// The pattern's other colour.
    pub second: Rgb,
    pub pattern: Pattern,
    /// Pattern units a unit of coords.
    pub scale: f32,
    /// How much the pattern bends the normal.
    pub bump: f32,
    /// Strength of the three-scale colour variation.
    pub variation: f32,
    pub roughness: f32,
    /// Strength of what a surface that is no metal mirrors, coat aside: 1 is plastic or stone, 0 chalk.
    pub specular: f32,
    pub metallic: f32,
    /// Cloth sheen at grazing angles.
    pub sheen: f32,
    pub sheen_color: Rgb,
    /// Subsurface-like warm wrap of diffuse light (skin, wax).
    pub wrap: f32,
    /// Diffuse light let through (paper, leaves, thin cloth).
    pub translucency: f32,
    /// Clear smooth layer on top (wet, lacquer, eyes).
    pub coat: f32,
    /// Thin glass: passes straight through, reflects by Fresnel; 1 is clear.
    pub glass: f32,
    /// Seen by the camera, mirrors and (clamped) bounced light; the light that it gives the set comes from a [`Light`]. Brighter
    /// than 0.5 it casts no shadow, so that a lamp shines out of its bulb.
    pub emission: Rgb,
    /// Index into [`Geometry::textures`] for [`Pattern::Image`].
    pub texture: u32,
}

impl Default for Material {
    fn default() -> Self {
        Self {
            base: [0.5; 3],
            second: [0.5; 3],
            pattern: Pattern::Plain,
            scale: 1.0,
            bump: 0.0,
            variation: 0.1,
            roughness: 0.8,
            specular: 1.0,
            metallic: 0.0,
            sheen: 0.0,
            sheen_color: [1.0; 3],
            wrap: 0.0,
            translucency: 0.0,
            coat: 0.0,
            glass: 0.0,
            emission: [0.0; 3],
            texture: 0,
        }
    }
}

/// An sRGB image, rows from the top: the first row is at y = 1 of the coords, so that +y is up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Texture {
    pub width: u32,
    pub height: u32,
    /// width × height × RGBA; alpha below 0.5 is cut out.
    pub rgba: Vec<u8>,
}

/// Triangles with smooth normals, pattern coordinates and their own materials.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Geometry {
    pub positions: Vec<[f32; 3]>,
    /// Unit length, one a vertex.
    pub normals: Vec<[f32; 3]>,
    /// Pattern coordinates, one a vertex: rest-pose metres, or u, v. They don't move when a puppet does.
    pub coords: Vec<[f32; 3]>,
    /// Multiplies the base colour, one a vertex (blush, wear, dye).
    pub tints: Vec<[f32; 3]>,
    pub triangles: Vec<[u32; 3]>,
    /// Index into `materials`, one a triangle.
    pub material_of: Vec<u16>,
    pub materials: Vec<Material>,
    pub textures: Vec<Texture>,
}

impl Geometry {
    /// Adds a material and returns its index; equal materials share one.
    pub fn material(&mut self, m: Material) -> u16 {
        let at = self.materials.iter().position(|known| *known == m).unwrap_or_else(|| {
            self.materials.push(m);
            self.materials.len() - 1
        });
        at as u16
    }

    /// Adds a vertex and returns its index.
    pub fn vertex(&mut self, position: [f32; 3], normal: [f32; 3], coords: [f32; 3], tint: [f32; 3]) -> u32 {
        self.positions.push(position);
        self.normals.push(normal);
        self.coords.push(coords);
        self.tints.push(tint);
        self.positions.len() as u32 - 1
    }

    /// Adds a triangle of existing vertices (either winding; surfaces are two-sided).
    pub fn triangle(&mut self, a: u32, b: u32, c: u32, material: u16) {
        self.triangles.push([a, b, c]);
        self.material_of.push(material);
    }

    /// Appends another geometry, its vertices moved by `place` (rigid or scaled; normals by its inverse transpose).
    pub fn append(&mut self, other: &Geometry, place: glam::Affine3A) {
        let first = self.positions.len() as u32;
        let textures = self.textures.len() as u32;
        let normal = glam::Mat3::from(place.matrix3).inverse().transpose();
        self.positions.extend(other.positions.iter().map(|p| place.transform_point3((*p).into()).to_array()));
        self.normals.extend(other.normals.iter().map(|n| (normal * glam::Vec3::from(*n)).normalize_or(glam::Vec3::Y).to_array()));
        self.coords.extend_from_slice(&other.coords);
        self.tints.extend_from_slice(&other.tints);
        self.textures.extend(other.textures.iter().cloned());
        let map: Vec<u16> = other
            .materials
            .iter()
            .map(|m| self.material(Material { texture: if m.pattern == Pattern::Image { m.texture + textures } else { 0 }, ..*m }))
            .collect();
        self.triangles.extend(other.triangles.iter().map(|t| t.map(|i| i + first)));
        self.material_of.extend(other.material_of.iter().map(|m| map[*m as usize]));
    }
}

/// Lights, as gaffers know them. `intensity` carries colour.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Light {
    /// Direction points to the sun; irradiance on a surface facing it (W/m² in scene units); diameter in degrees softens shadows.
    Sun { direction: [f32; 3], irradiance: Rgb, diameter_degrees: f32 },
    /// A ball: radiant intensity (irradiance at 1 m), radius in metres.
    Ball { position: [f32; 3], radius: f32, intensity: Rgb },
    /// A rectangle with half-edges `u`, `v`, shining along u × v: irradiance at 1 m on the axis.
    Panel { position: [f32; 3], u: [f32; 3], v: [f32; 3], intensity: Rgb },
    /// A cone from a small ball: full inside `inner_degrees` off axis, nothing past `outer_degrees`.
    Spot { position: [f32; 3], direction: [f32; 3], radius: f32, inner_degrees: f32, outer_degrees: f32, intensity: Rgb },
}

/// What is seen where nothing is hit, and lights from all around.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sky {
    pub zenith: Rgb,
    pub horizon: Rgb,
    pub ground: Rgb,
    /// Glow around the first [`Light::Sun`], 0–1.
    pub sun_glow: f32,
    /// Cover of procedural clouds, 0–1.
    pub clouds: f32,
    /// Stars, 0–1.
    pub stars: f32,
    /// Multiplies what the sky gives to surfaces (not what the camera sees).
    pub fill: f32,
}

impl Default for Sky {
    fn default() -> Self {
        Self {
            zenith: [0.25, 0.42, 0.75],
            horizon: [0.75, 0.8, 0.85],
            ground: [0.2, 0.18, 0.15],
            sun_glow: 0.3,
            clouds: 0.2,
            stars: 0.0,
            fill: 1.0,
        }
    }
}

/// Homogeneous haze with height falloff; lights nearby glow in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Fog {
    /// Extinction a metre at y = 0; 0 is clear air.
    pub density: f32,
    pub color: Rgb,
    /// Metres over which the density falls to 1/e.
    pub height: f32,
}

/// A thin-lens camera on a 36 mm wide gate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Camera {
    pub position: [f32; 3],
    pub look_at: [f32; 3],
    pub roll_degrees: f32,
    pub lens_mm: f32,
    pub focus_m: f32,
    pub aperture_m: f32,
    /// Primary rays ignore what is nearer than this (a wild wall is taken away).
    pub near_m: f32,
}

/// How the picture is finished: exposure, grade (ASC CDL), bloom, grain.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Look {
    pub exposure_ev: f32,
    /// Applied to linear colour before the tone curve.
    pub slope: Rgb,
    pub offset: Rgb,
    pub power: Rgb,
    pub saturation: f32,
    /// 0–1.
    pub bloom: f32,
    /// Standard deviation of the grain in 8-bit steps.
    pub grain: f32,
    /// 0–1 darkening of the corners.
    pub vignette: f32,
}

impl Default for Look {
    fn default() -> Self {
        Self {
            exposure_ev: 0.0,
            slope: [1.0; 3],
            offset: [0.0; 3],
            power: [1.0; 3],
            saturation: 1.0,
            bloom: 0.06,
            grain: 1.2,
            vignette: 0.15,
        }
    }
}

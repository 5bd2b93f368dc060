//! The records of `source/wgsl/`, field by field. Three floats and one more are a vector and what fills its place.

use bytemuck::NoUninit;

use crate::abi;
use crate::rays::Ray;

/// A lamp with its column of [`abi::LampTable`].
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Lamp {
    pub lamp: abi::Lamp,
    pub here: f32,
    pub radius2: f32,
    pub soft: f32,
    pub cone_from: f32,
    pub cone_scale: f32,
    pub glow: f32,
}

impl Lamp {
    pub fn of(lamp: &abi::Lamp, table: &abi::LampTable, i: usize) -> Self {
        Self {
            lamp: *lamp,
            here: table.here[i],
            radius2: table.radius2[i],
            soft: table.soft[i],
            cone_from: table.cone_from[i],
            cone_scale: table.cone_scale[i],
            glow: table.glow[i],
        }
    }
}

/// Where the parts of a solid begin in their buffers.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct Place {
    pub node: u32,
    pub block: u32,
    pub vertex: u32,
    pub triangle: u32,
    pub material: u32,
    pub image: u32,
    pub node_count: u32,
    pub spare: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Scene {
    pub zenith: [f32; 3],
    pub sun_glow: f32,
    pub horizon: [f32; 3],
    pub clouds: f32,
    pub ground: [f32; 3],
    pub stars: f32,
    pub sun_direction: [f32; 3],
    pub fill: f32,
    pub sun_color: [f32; 3],
    pub fog_density: f32,
    pub mean: [f32; 3],
    pub fog_height: f32,
    pub fog_color: [f32; 3],
    pub most: f32,
    pub position: [f32; 3],
    pub half_width: f32,
    pub right: [f32; 3],
    pub half_height: f32,
    pub up: [f32; 3],
    pub focus: f32,
    pub forward: [f32; 3],
    pub lens_radius: f32,
    pub near_m: f32,
    pub solid_count: u32,
    pub lamp_count: u32,
    pub width: u32,
    pub height: u32,
    pub samples: u32,
    pub log2_samples: u32,
    pub bounces: u32,
    pub seed: u32,
    pub spare: [u32; 3],
    pub solids: [Place; abi::SOLIDS_MAX],
}

impl Scene {
    pub fn new(view: &abi::View, places: &[Place]) -> Self {
        let (sky, fog, camera) = (&view.sky, &view.fog, &view.camera);
        let mut solids = [Place::default(); abi::SOLIDS_MAX];
        for (into, place) in solids.iter_mut().zip(places) {
            *into = *place;
        }
        Self {
            zenith: sky.zenith,
            sun_glow: sky.sun_glow,
            horizon: sky.horizon,
            clouds: sky.clouds,
            ground: sky.ground,
            stars: sky.stars,
            sun_direction: sky.sun_direction,
            fill: sky.fill,
            sun_color: sky.sun_color,
            fog_density: fog.density,
            mean: sky.mean,
            fog_height: fog.height,
            fog_color: fog.color,
            most: view.clamp,
            position: camera.position,
            half_width: camera.half_width,
            right: camera.right,
            half_height: camera.half_height,
            up: camera.up,
            focus: camera.focus,
            forward: camera.forward,
            lens_radius: camera.lens_radius,
            near_m: camera.near_m,
            solid_count: view.solid_count,
            lamp_count: view.lamp_count,
            width: view.width,
            height: view.height,
            samples: view.samples,
            log2_samples: view.log2_samples,
            bounces: view.bounces,
            seed: view.seed,
            spare: [0; 3],
            solids,
        }
    }
}

/// One launch of the denoiser.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Pass {
    pub width: u32,
    pub height: u32,
    pub step: u32,
    pub stop: f32,
}

/// A grade, but for the table's colours.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct Grade {
    pub slope: [f32; 3],
    pub most: f32,
    pub offset: [f32; 3],
    pub saturation: f32,
    pub power: [f32; 3],
    /// 0 without a table.
    pub size: u32,
    pub low: [f32; 3],
    pub spare: u32,
    pub scale: [f32; 3],
    pub spare_a: u32,
}

impl Grade {
    pub fn of(grade: &crate::grade::Grade) -> Self {
        let crate::grade::Grade { slope, offset, power, saturation, most, size, low, scale, .. } = *grade;
        Self { slope, most, offset, saturation, power, size, low, spare: 0, scale, spare_a: 0 }
    }
}

/// One launch of the film chain.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct Film {
    pub grade: Grade,
    pub exposure: f32,
    pub bloom_share: f32,
    pub width: u32,
    pub height: u32,
    pub in_width: u32,
    pub in_height: u32,
    pub grain: f32,
    pub vignette: f32,
    pub seed: u32,
    pub most: f32,
    pub keep: f32,
    pub spare: u32,
}

/// One conversion.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Convert {
    pub width: u32,
    pub height: u32,
    /// Of the output.
    pub words: u32,
    /// 0 NV12, 1 P010, 2 yuv422p10.
    pub format: u32,
    /// A word a pixel, or three floats with their transfer.
    pub floats: u32,
    pub transfer: u32,
    pub spare: [u32; 2],
}

macro_rules! without_gaps {
    ($($record:ty = $size:literal;)*) => {
        $(
            // SAFETY: fields of four bytes each, laid out as in C, that fill the record: its size is the sum of theirs.
            unsafe impl NoUninit for $record {}
            const _: () = assert!(size_of::<$record>() == $size);
        )*
    };
}
without_gaps! {
    abi::Packed = 80;
    abi::Block = 160;
    abi::Vertex = 48;
    abi::Triangle = 16;
    abi::Surfacing = 100;
    Ray = 32;
    Lamp = 104;
    Place = 32;
    Scene = 480;
    Pass = 16;
    Grade = 80;
    Film = 128;
    Convert = 32;
}

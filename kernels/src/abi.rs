//! The records of `source/scene.h`, `denoise.cpp` and `film.cpp`, field by field.

/// Eight children of a tree node: bounds by axis, then what each child is.
#[repr(C, align(64))]
#[derive(Clone, Copy)]
pub struct Node {
    pub low: [[f32; 8]; 3],
    pub high: [[f32; 8]; 3],
    pub child: [u32; 8],
    pub count: u32,
    pub spare: [u32; 7],
}

/// The same for GPUs, boxes in steps of a grid: a bound is `origin + step * byte`.
#[repr(C, align(16))]
#[derive(Clone, Copy, Default)]
pub struct Packed {
    pub origin: [f32; 3],
    /// By bits, the slots that hold nodes; then the exponent of the grid's step on each axis, a byte each.
    pub inner_and_grid: u32,
    /// By bits, the slots that hold blocks.
    pub leaves: u32,
    /// Of blocks among those of the node, four bits a slot.
    pub ranks: u32,
    /// Nodes follow in the order of their slots.
    pub first_node: u32,
    pub first_block: u32,
    pub low: [[u8; 8]; 3],
    pub high: [[u8; 8]; 3],
}

pub const LEAF: u32 = 0x8000_0000;
pub const NOTHING: u32 = 0xffff_ffff;

/// Four triangles.
#[repr(C, align(32))]
#[derive(Clone, Copy)]
pub struct Block {
    pub corner: [[f32; 4]; 3],
    pub edge1: [[f32; 4]; 3],
    pub edge2: [[f32; 4]; 3],
    pub id: [u32; 4],
}

/// The triangle in a block's id; vacant lanes have `NOTHING`.
pub const ID: u32 = 0x1fff_ffff;
pub const CUTOUT: u32 = 0x2000_0000;
pub const GLASS: u32 = 0x4000_0000;
pub const GLOW: u32 = 0x8000_0000;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Vertex {
    pub position: [f32; 3],
    pub normal: [f32; 3],
    pub coords: [f32; 3],
    pub tint: [f32; 3],
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Triangle {
    pub vertex: [u32; 3],
    pub material: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Surfacing {
    pub base: [f32; 3],
    pub second: [f32; 3],
    pub sheen_color: [f32; 3],
    pub emission: [f32; 3],
    pub scale: f32,
    pub bump: f32,
    pub variation: f32,
    pub roughness: f32,
    pub specular: f32,
    pub metallic: f32,
    pub sheen: f32,
    pub wrap: f32,
    pub translucency: f32,
    pub coat: f32,
    pub glass: f32,
    pub pattern: u32,
    pub texture: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Image {
    pub rgba: *const u8,
    pub width: u32,
    pub height: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct SolidView {
    /// On a GPU, [`Packed`] ones.
    pub nodes: *const Node,
    pub blocks: *const Block,
    pub vertices: *const Vertex,
    pub triangles: *const Triangle,
    pub materials: *const Surfacing,
    pub images: *const Image,
    pub node_count: u32,
    pub block_count: u32,
}

pub const LAMP_SUN: u32 = 0;
pub const LAMP_BALL: u32 = 1;
pub const LAMP_PANEL: u32 = 2;
pub const LAMP_SPOT: u32 = 3;

#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct Lamp {
    pub kind: u32,
    pub position: [f32; 3],
    pub direction: [f32; 3],
    pub u: [f32; 3],
    pub v: [f32; 3],
    pub intensity: [f32; 3],
    pub radius: f32,
    pub cos_inner: f32,
    pub cos_outer: f32,
    pub luminance: f32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct SkyView {
    pub zenith: [f32; 3],
    pub horizon: [f32; 3],
    pub ground: [f32; 3],
    pub sun_direction: [f32; 3],
    pub sun_color: [f32; 3],
    pub sun_glow: f32,
    pub clouds: f32,
    pub stars: f32,
    pub fill: f32,
    pub mean: [f32; 3],
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct FogView {
    pub density: f32,
    pub color: [f32; 3],
    pub height: f32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct CameraView {
    pub position: [f32; 3],
    pub right: [f32; 3],
    pub up: [f32; 3],
    pub forward: [f32; 3],
    pub half_width: f32,
    pub half_height: f32,
    pub focus: f32,
    pub lens_radius: f32,
    pub near_m: f32,
}

pub const SOLIDS_MAX: usize = 8;
pub const LAMPS_MAX: usize = 64;

/// The lamps field by field.
#[repr(C, align(32))]
#[derive(Clone, Copy)]
pub struct LampTable {
    pub x: [f32; LAMPS_MAX],
    pub y: [f32; LAMPS_MAX],
    pub z: [f32; LAMPS_MAX],
    pub here: [f32; LAMPS_MAX],
    pub ax: [f32; LAMPS_MAX],
    pub ay: [f32; LAMPS_MAX],
    pub az: [f32; LAMPS_MAX],
    pub radius: [f32; LAMPS_MAX],
    pub radius2: [f32; LAMPS_MAX],
    pub soft: [f32; LAMPS_MAX],
    pub cone_from: [f32; LAMPS_MAX],
    pub cone_scale: [f32; LAMPS_MAX],
    pub luminance: [f32; LAMPS_MAX],
    pub glow: [f32; LAMPS_MAX],
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct View {
    pub solids: *const SolidView,
    pub lamps: *const Lamp,
    pub table: *const LampTable,
    pub sky: SkyView,
    pub fog: FogView,
    pub camera: CameraView,
    pub solid_count: u32,
    pub lamp_count: u32,
    pub width: u32,
    pub height: u32,
    pub samples: u32,
    pub log2_samples: u32,
    pub bounces: u32,
    pub seed: u32,
    pub clamp: f32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct LayersView {
    pub color: *mut f32,
    pub clear: *mut f32,
    pub albedo: *mut f32,
    pub normal: *mut f32,
    pub depth: *mut f32,
    pub variance: *mut f32,
}

/// Pixels of a tile's side; pixels are counted tile by tile.
pub const TILE: u32 = 16;

#[repr(C)]
pub struct Tracing {
    pub view: View,
    pub out: LayersView,
}

#[repr(C)]
pub struct Probing {
    pub view: View,
    pub rays: *const crate::rays::Ray,
    pub hits: *mut crate::rays::RawHit,
    pub shares: *mut [f32; 3],
}

#[repr(C)]
pub struct Points {
    pub x: u32,
    pub y: u32,
    pub log2_samples: u32,
    pub dimension: u32,
    pub seed: u32,
    pub out: *mut [f32; 2],
}

#[repr(C)]
pub struct Elementary {
    pub numbers: *const f32,
    pub out: *mut [f32; 5],
}

#[repr(C)]
pub struct Sizes {
    pub out: *mut u32,
}

pub const PLANES: usize = 14;
/// Padding of a denoiser's plane on each side, and what a row is rounded up to.
pub const PAD: u32 = 32;
pub const CHUNK: u32 = 64;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct DenoiseView {
    pub color: *const f32,
    pub clear: *const f32,
    pub albedo: *const f32,
    pub normal: *const f32,
    pub depth: *const f32,
    pub variance: *const f32,
    pub result: *mut f32,
    pub planes: [*mut f32; PLANES],
    pub other: [*mut f32; 4],
    pub width: u32,
    pub height: u32,
    pub stride: u32,
    pub step: u32,
    pub from_other: u32,
    pub stop: f32,
}

#[repr(C)]
pub struct Tones {
    pub colors: *const [f32; 3],
    pub out: *mut [f32; 3],
}

#[repr(C)]
pub struct Resize {
    pub input: *const f32,
    pub output: *mut f32,
    pub width: u32,
    pub height: u32,
    pub in_width: u32,
    pub in_height: u32,
    pub most: f32,
    pub keep: f32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct FilmView {
    pub color: *const f32,
    pub bloom: *const f32,
    pub rgb: *mut u8,
    pub width: u32,
    pub height: u32,
    pub bloom_width: u32,
    pub bloom_height: u32,
    pub grade: crate::grade::Grade,
    pub exposure: f32,
    pub bloom_share: f32,
    pub grain: f32,
    pub vignette: f32,
    pub seed: u32,
}

/// A view that threads may share: each writes its own rows or tiles only.
pub struct Shared<T>(T);
// SAFETY: the pointers in a view are either read only or written at rows that no other thread is given.
unsafe impl<T> Sync for Shared<T> {}
unsafe impl<T> Send for Shared<T> {}

impl<T: Copy> Shared<T> {
    pub fn new(view: T) -> Self {
        Self(view)
    }

    /// What it holds; a method, so that closures borrow the whole of it.
    pub fn get(&self) -> T {
        self.0
    }
}

/// A launch function: the view of its arguments, and the stretch of its items or rows.
pub type Launch<V> = unsafe extern "C" fn(view: *const V, from: u32, to: u32);

macro_rules! kernels {
    ($($name:ident: $view:ty;)*) => {
        /// The launch functions of one instruction set.
        #[derive(Clone, Copy)]
        pub struct Kernels {
            $(pub $name: Launch<$view>,)*
        }
        /// All of their names.
        #[cfg(test)]
        pub const NAMES: &[&str] = &[$(stringify!($name)),*];
        set!(plain, "_plain", $($name: $view;)*);
        #[cfg(klieg_wide)]
        set!(avx2, "_avx2", $($name: $view;)*);
        #[cfg(klieg_wide)]
        set!(avx512, "_avx512", $($name: $view;)*);
    };
}
macro_rules! set {
    ($set:ident, $suffix:literal, $($name:ident: $view:ty;)*) => {
        mod $set {
            use super::*;
            unsafe extern "C" {
                $(#[link_name = concat!("klieg_", stringify!($name), $suffix)] fn $name(view: *const $view, from: u32, to: u32);)*
            }
            pub const KERNELS: Kernels = Kernels { $($name,)* };
        }
    };
}

kernels! {
    trace: Tracing;
    nearest: Probing;
    passed: Probing;
    points: Points;
    elementary: Elementary;
    sizes: Sizes;
    denoise_split: DenoiseView;
    denoise_prepare: DenoiseView;
    denoise_pass: DenoiseView;
    denoise_mend: DenoiseView;
    denoise_join: DenoiseView;
    tone: Tones;
    film_halve: Resize;
    film_double: Resize;
    film_finish: FilmView;
    convert_records: Sizes;
    convert_nv12_bytes: crate::convert::ConvertView;
    convert_nv12_floats: crate::convert::ConvertView;
    convert_p010_bytes: crate::convert::ConvertView;
    convert_p010_floats: crate::convert::ConvertView;
    convert_422p10_bytes: crate::convert::ConvertView;
    convert_422p10_floats: crate::convert::ConvertView;
    scale_records: Sizes;
    scale_down_bytes: crate::scale::ScaleView;
    scale_down_floats: crate::scale::ScaleView;
    scale_across_bytes: crate::scale::ScaleView;
    scale_across_floats: crate::scale::ScaleView;
    hash_records: Sizes;
    hash_luma: crate::hash::HashView;
    hash_half: crate::hash::HashView;
    hash_low: crate::hash::HashView;
    hash_bits: crate::hash::HashView;
    hash_gradient: crate::hash::HashView;
    grade_records: Sizes;
    grade: crate::grade::GradeView;
    composite_records: Sizes;
    over_rgb_bytes: crate::composite::OverView;
    over_rgba_bytes: crate::composite::OverView;
    over_rgb_floats: crate::composite::OverView;
    over_rgba_floats: crate::composite::OverView;
    attention_records: Sizes;
    attention: crate::attention::AttentionView;
    attention_half: crate::attention::AttentionView;
    attention_brain: crate::attention::AttentionView;
    norm_records: Sizes;
    group_stretch: crate::norm::GroupView;
    group_stretch_half: crate::norm::GroupView;
    group_stretch_brain: crate::norm::GroupView;
    group_moments: crate::norm::GroupView;
    group_norm_silu: crate::norm::GroupView;
    group_norm_silu_half: crate::norm::GroupView;
    group_norm_silu_brain: crate::norm::GroupView;
    layer_norm: crate::norm::LayerView;
    layer_norm_half: crate::norm::LayerView;
    layer_norm_brain: crate::norm::LayerView;
    geglu_records: Sizes;
    geglu: crate::geglu::GegluView;
    geglu_half: crate::geglu::GegluView;
    geglu_brain: crate::geglu::GegluView;
    mel_records: Sizes;
    mel_fold: crate::mel::MelView;
    mel_power: crate::mel::MelView;
    mel_log: crate::mel::MelView;
    mel_peak: crate::mel::MelView;
    mel_level: crate::mel::MelView;
    top_records: Sizes;
    top_scores: crate::top::TopView;
    top_stretch: crate::top::TopView;
    top_merge: crate::top::TopView;
}

impl Kernels {
    /// What every machine runs.
    pub const fn plain() -> Self {
        plain::KERNELS
    }

    /// Every set that this machine can run, the widest last. All give the same bytes.
    pub fn sets() -> Vec<(&'static str, Self)> {
        let mut sets = vec![("plain", plain::KERNELS)];
        #[cfg(klieg_wide)]
        {
            macro_rules! has {
                ($($feature:tt)*) => { $(is_x86_feature_detected!($feature))&&* };
            }
            if has!("avx2" "bmi1" "bmi2" "lzcnt") {
                sets.push(("avx2", avx2::KERNELS));
                if has!("avx512f" "avx512vl" "avx512dq" "avx512bw") {
                    sets.push(("avx512", avx512::KERNELS));
                }
            }
        }
        sets
    }

    /// The widest set that this machine has.
    pub fn best() -> Self {
        Self::sets().pop().map_or(Self::plain(), |(_, kernels)| kernels)
    }
}

/// What a file of kernels says about its records: the numbers that its `K_RECORDS` lists.
#[cfg(test)]
pub fn records<const N: usize>(of: impl Fn(&Kernels) -> Launch<Sizes>) -> [usize; N] {
    let mut numbers = [0u32; N];
    // SAFETY: the launch function writes as many numbers as it is asked for.
    unsafe { of(&Kernels::best())(&Sizes { out: numbers.as_mut_ptr() }, 0, N as u32) };
    numbers.map(|n| n as usize)
}

#[cfg(test)]
mod tests {
    use std::mem::{offset_of, size_of};

    use super::*;

    #[test]
    fn records_are_laid_out_as_the_kernels_think() {
        let mut theirs = [0u32; 23];
        // SAFETY: the launch function writes as many numbers as it is asked for.
        unsafe { (Kernels::best().sizes)(&Sizes { out: theirs.as_mut_ptr() }, 0, theirs.len() as u32) };
        let ours = [
            size_of::<Node>(),
            size_of::<Block>(),
            size_of::<Vertex>(),
            size_of::<Triangle>(),
            size_of::<Surfacing>(),
            size_of::<Image>(),
            size_of::<SolidView>(),
            size_of::<Lamp>(),
            size_of::<LampTable>(),
            size_of::<SkyView>(),
            size_of::<FogView>(),
            size_of::<CameraView>(),
            size_of::<View>(),
            size_of::<LayersView>(),
            size_of::<Tracing>(),
            size_of::<Probing>(),
            size_of::<crate::rays::Ray>(),
            size_of::<crate::rays::RawHit>(),
            offset_of!(View, clamp),
            offset_of!(Surfacing, texture),
            offset_of!(Block, id),
            offset_of!(Lamp, luminance),
            size_of::<Packed>(),
        ];
        assert_eq!(theirs.map(|n| n as usize), ours);
    }

    #[test]
    fn elementary_functions_are_accurate_and_the_same_in_every_set() {
        let numbers: Vec<f32> = (-4000..4000).map(|i| i as f32 * 0.0073).collect();
        let of = |kernels: Kernels| {
            let mut out = vec![[0.0f32; 5]; numbers.len()];
            let view = Elementary { numbers: numbers.as_ptr(), out: out.as_mut_ptr() };
            // SAFETY: as many numbers are read and fives written as there are.
            unsafe { (kernels.elementary)(&view, 0, numbers.len() as u32) };
            out
        };
        let best = of(Kernels::best());
        for (set, kernels) in Kernels::sets() {
            assert!(of(kernels).as_flattened().iter().zip(best.as_flattened()).all(|(a, b)| a.to_bits() == b.to_bits()), "{set}");
        }
        for (x, best) in numbers.iter().zip(best) {
            let wide = f64::from(*x);
            assert!((f64::from(best[0]) / wide.exp2() - 1.0).abs() < 5e-7, "exp2 {x}");
            if *x > 0.0 {
                assert!((f64::from(best[1]) - wide.log2()).abs() < 1e-6, "log2 {x}");
            }
            let turn = wide * std::f64::consts::TAU;
            assert!((f64::from(best[2]) - turn.sin()).abs() < 4e-6 && (f64::from(best[3]) - turn.cos()).abs() < 4e-6, "turn {x}");
            assert!((f64::from(best[4]) - wide.atan()).abs() < 1e-5, "atan {x}");
        }
    }

    /// Points of one pair at a pixel.
    fn points(pixel: (u32, u32), count: u32, dimension: u32, seed: u32) -> Vec<[f32; 2]> {
        let mut out = vec![[0.0f32; 2]; count as usize];
        let log2_samples = count.trailing_zeros();
        let view = Points { x: pixel.0, y: pixel.1, log2_samples, dimension, seed, out: out.as_mut_ptr() };
        // SAFETY: the launch function writes `count` pairs.
        unsafe { (Kernels::best().points)(&view, 0, count) };
        out
    }

    /// A (0, m, 2)-net: every elementary box of volume 1/n holds exactly one point.
    #[test]
    fn samples_of_a_pixel_are_stratified_in_every_elementary_box() {
        for (dimension, pixel) in [(0, (0, 0)), (3, (17, 5)), (6, (639, 359)), (9, (8191, 2))] {
            let samples = points(pixel, 16, dimension, 99);
            for columns in [1u32, 2, 4, 8, 16] {
                let rows = 16 / columns;
                let mut filled = [0; 16];
                for [x, y] in &samples {
                    assert!((0.0..1.0).contains(x) && (0.0..1.0).contains(y));
                    filled[((x * columns as f32) as u32 + columns * (y * rows as f32) as u32) as usize] += 1;
                }
                assert_eq!(filled, [1; 16], "{columns} columns, dimension {dimension}, pixel {pixel:?}");
            }
        }
    }

    #[test]
    fn samples_of_other_seeds_pixels_and_dimensions_differ() {
        let base = points((3, 4), 8, 2, 1);
        for other in [points((4, 4), 8, 2, 1), points((3, 4), 8, 3, 1), points((3, 4), 8, 2, 2)] {
            assert!(base.iter().zip(&other).filter(|(a, b)| a == b).count() <= 1);
        }
    }
}

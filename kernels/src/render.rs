//! What every device renders from and into: a stage, settings, layers, a picture; and the limits that all of them keep.

use crate::abi;
use crate::cube::Lut;
use crate::error::KernelError;
use crate::scene::{Camera, Fog, Light, Look, Sky};
use crate::solid::Solid;
pub use crate::tree::Build;

/// Everything that a picture shows.
#[derive(Clone, Copy)]
pub struct Stage<'a> {
    pub solids: &'a [&'a Solid],
    pub lights: &'a [Light],
    pub sky: &'a Sky,
    pub fog: &'a Fog,
    pub camera: &'a Camera,
}

/// How a picture is traced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    pub width: u32,
    pub height: u32,
    /// Paths a pixel.
    pub samples: u32,
    /// Indirect bounces; what later ones would bring is estimated.
    pub bounces: u32,
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { width: 640, height: 360, samples: 4, bounces: 1, seed: 0 }
    }
}

/// A traced picture in layers, each `width × height` from the top left.
#[derive(Clone, Debug, PartialEq)]
pub struct Layers {
    pub width: u32,
    pub height: u32,
    /// Linear radiance, all of it.
    pub color: Vec<[f32; 3]>,
    /// The part of `color` that has no noise and isn't filtered: sky seen directly, emission, haze.
    pub clear: Vec<[f32; 3]>,
    /// Reflectance with its pattern, as seen through haze and panes.
    pub albedo: Vec<[f32; 3]>,
    /// Mean shading normal, world space; shorter than 1 where several meet, zero at the sky.
    pub normal: Vec<[f32; 3]>,
    /// Along the camera's axis, in metres; infinite at the sky.
    pub depth: Vec<f32>,
    /// Variance of the mean luminance over albedo.
    pub variance: Vec<f32>,
}

/// Bytes of a pixel in all layers.
pub(crate) const LAYERS_BYTES: u64 = 4 * 3 * 4 + 2 * 4;

impl Layers {
    pub(crate) fn new(width: u32, height: u32) -> Self {
        let pixels = width as usize * height as usize;
        Self {
            width,
            height,
            color: vec![[0.0; 3]; pixels],
            clear: vec![[0.0; 3]; pixels],
            albedo: vec![[0.0; 3]; pixels],
            normal: vec![[0.0; 3]; pixels],
            depth: vec![0.0; pixels],
            variance: vec![0.0; pixels],
        }
    }

    pub(crate) fn check(&self) -> Result<(), KernelError> {
        check_size(self.width, self.height)?;
        let wanted = self.width as usize * self.height as usize;
        let lists = [
            ("color", self.color.len()),
            ("clear", self.clear.len()),
            ("albedo", self.albedo.len()),
            ("normal", self.normal.len()),
            ("depth", self.depth.len()),
            ("variance", self.variance.len()),
        ];
        match lists.into_iter().find(|(_, found)| *found != wanted) {
            Some((list, found)) => Err(KernelError::Length { list, found, wanted }),
            None => Ok(()),
        }
    }
}

/// A finished picture, sRGB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    pub width: u32,
    pub height: u32,
    /// width × height × RGB.
    pub rgb: Vec<u8>,
}

/// How a picture is finished. A [`Look`] alone is one, too.
#[derive(Clone, Copy, Debug)]
pub struct Finish<'a> {
    pub look: &'a Look,
    /// Takes and gives sRGB; grain comes after it.
    pub lut: Option<&'a Lut>,
}

impl<'a> From<&'a Look> for Finish<'a> {
    fn from(look: &'a Look) -> Self {
        Self { look, lut: None }
    }
}

pub(crate) const SIDE_MAX: u32 = 8192;
const SAMPLES_MAX: u32 = 4096;
const BOUNCES_MAX: u32 = 8;
/// The most that one indirect sample may bring, in radiance: brighter ones would leave lone bright pixels.
pub(crate) const INDIRECT_MOST: f32 = 8.0;

pub(crate) fn check_size(width: u32, height: u32) -> Result<(), KernelError> {
    let fits = |side| (1..=SIDE_MAX).contains(&side);
    if fits(width) && fits(height) { Ok(()) } else { Err(KernelError::Size { width, height, most: SIDE_MAX }) }
}

/// Refuses what no device can trace.
pub(crate) fn check_stage(stage: &Stage<'_>, settings: &Settings) -> Result<(), KernelError> {
    check_size(settings.width, settings.height)?;
    if !(1..=SAMPLES_MAX).contains(&settings.samples) {
        return Err(KernelError::Samples { samples: settings.samples, most: SAMPLES_MAX });
    }
    if settings.bounces > BOUNCES_MAX {
        return Err(KernelError::Bounces { bounces: settings.bounces, most: BOUNCES_MAX });
    }
    if stage.solids.len() > abi::SOLIDS_MAX {
        return Err(KernelError::TooMany { what: "solids", found: stage.solids.len(), most: abi::SOLIDS_MAX });
    }
    if stage.lights.len() > abi::LAMPS_MAX {
        return Err(KernelError::TooMany { what: "lights", found: stage.lights.len(), most: abi::LAMPS_MAX });
    }
    Ok(())
}

pub(crate) fn check_look(look: &Look) -> Result<(), KernelError> {
    let factors = [look.exposure_ev, look.saturation, look.bloom, look.grain, look.vignette];
    let colors = [look.slope, look.offset, look.power];
    if factors.iter().chain(colors.as_flattened()).all(|x| x.is_finite()) {
        Ok(())
    } else {
        Err(KernelError::Parameter { what: "the look" })
    }
}

/// A seed as the kernels take it.
pub(crate) fn seed_of(seed: u64) -> u32 {
    (seed ^ (seed >> 32)) as u32
}

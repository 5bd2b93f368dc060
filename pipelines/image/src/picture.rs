//! One picture: a shot on a device, in the samples and the size that are wanted.

use crate::params::Container;
use crate::scene::Shot;
use klieg_film_animate::{Frame, Performance};
use klieg_film_words::mix;
use klieg_kernels::{Build, Device, Finish, KernelError, Layers, Picture, Settings, Solid, Stage};
use std::collections::BTreeMap;

/// A shot that is built on a device: set, puppets, light.
pub struct Built {
    set: Solid,
    moving: Solid,
    frame: Frame,
    seed: u64,
}

/// What comes out: as it is seen, and in layers where the format keeps them.
pub struct Made {
    pub picture: Picture,
    pub layers: Option<Layers>,
    /// Stops by which the light was raised for the picture; the layers have it as it was traced.
    pub exposure_ev: f32,
}

/// Indirect bounces: a still has time for one more than a film's frame.
const BOUNCES: u32 = 2;

impl Built {
    pub fn new(shot: &Shot, device: &Device) -> Result<Self, KernelError> {
        let performance = Performance::new(&shot.brief, &BTreeMap::new());
        let frame = performance.frame(shot.frame);
        let set = device.solid(performance.set(), Build::Best)?;
        let moving = device.solid(&frame.moving, Build::Fast)?;
        Ok(Self { set, moving, frame, seed: shot.brief.shot.seed })
    }

    /// Traces, denoises and develops.
    pub fn photograph(
        &self,
        device: &Device,
        (width, height): (u32, u32),
        samples: u32,
        format: Container,
    ) -> Result<Made, KernelError> {
        let Frame { lights, camera, sky, fog, look, .. } = &self.frame;
        let stage = Stage { solids: &[&self.set, &self.moving], lights, sky, fog, camera };
        let seed = mix(self.seed);
        let settings = Settings { width, height, samples, bounces: BOUNCES, seed };
        let (finish, exposure_ev) = (Finish { look, lut: None }, look.exposure_ev);
        if format != Container::Exr {
            return Ok(Made { picture: device.picture(&stage, &settings, finish, seed)?, layers: None, exposure_ev });
        }
        let mut layers = device.trace(&stage, &settings)?;
        device.denoise(&mut layers)?;
        Ok(Made { picture: device.develop(&layers, finish, seed)?, layers: Some(layers), exposure_ev })
    }
}

/// A small picture, PNG: of the longest side `side` at most.
pub fn thumb(picture: &Picture, side: u32) -> Result<Vec<u8>, String> {
    let image = image::RgbImage::from_raw(picture.width, picture.height, picture.rgb.clone());
    let image = image.ok_or("a picture of another size than it says")?;
    let longest = picture.width.max(picture.height);
    let scaled = |edge: u32| (edge * side.min(longest) / longest).max(1);
    let small =
        image::imageops::resize(&image, scaled(picture.width), scaled(picture.height), image::imageops::FilterType::Lanczos3);
    let mut bytes = std::io::Cursor::new(Vec::new());
    small.write_to(&mut bytes, image::ImageFormat::Png).map_err(|e| format!("write a small picture: {e}"))?;
    Ok(bytes.into_inner())
}

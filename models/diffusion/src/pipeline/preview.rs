//! What a picture will be, before it is decoded: latents to colours by one matrix, a pixel a latent.

use super::{Family, Model, Running};
use crate::error::Result;
use candle_core::{DType, Tensor};

/// Found by regression on decoded pictures: of SD 1.x by Keturn ("Decoding latents to RGB without upscaling", Hugging Face forum,
/// 2022), of SDXL by InvokeAI's authors (`step_callback.py`).
const SD: [[f32; 3]; 4] = [[0.298, 0.207, 0.208], [0.187, 0.286, 0.173], [-0.158, 0.189, 0.264], [-0.184, -0.271, -0.473]];
const SDXL: [[f32; 3]; 4] =
    [[0.3816, 0.4930, 0.5320], [-0.3753, 0.1631, 0.1739], [0.1770, 0.3588, -0.2048], [-0.4350, -0.2644, -0.4289]];

impl Model {
    /// (height, width, RGB): an eighth of the picture, about as it stands. None of models with other latents than these.
    pub fn preview(&self, running: &Running) -> Result<Option<(usize, usize, Vec<u8>)>> {
        let (_, channels, height, width) = running.latents.dims4()?;
        if channels != 4 {
            return Ok(None);
        }
        let factors = match self.family {
            Family::StableDiffusion => SD,
            Family::StableDiffusionXl => SDXL,
        };
        let divisor = if running.done() { 1.0 } else { running.walk.schedule().input_divisor(running.walk.at()) };
        let latents: Vec<f32> = (&running.latents / f64::from(divisor))?.flatten_all()?.to_vec1()?;
        let area = height * width;
        let colour = |i: usize| -> [u8; 3] {
            let channel = |c: usize| (0..4).map(|k| latents[k * area + i] * factors[k][c]).sum::<f32>();
            [0, 1, 2].map(|c| (((channel(c) + 1.0) / 2.0).clamp(0.0, 1.0) * 255.0).round() as u8)
        };
        Ok(Some((height, width, (0..area).flat_map(colour).collect())))
    }
}

/// Pixels [1, 3, height, width] of −1…1 as rows of RGB.
pub fn rgb8(pixels: &Tensor) -> Result<Vec<u8>> {
    let unit = ((pixels.to_dtype(DType::F32)? / 2.0)? + 0.5)?.clamp(0f32, 1f32)?;
    let bytes = (unit * 255.0)?.round()?.to_dtype(DType::U8)?;
    Ok(bytes.squeeze(0)?.permute((1, 2, 0))?.flatten_all()?.to_vec1()?)
}

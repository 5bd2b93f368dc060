//! What an image job may be asked for.

use klieg_kind::BadInput;
use klieg_protocol::Class;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Pictures of one job.
pub const COUNT: std::ops::RangeInclusive<u64> = 1..=100_000;
/// Pixels of a side.
pub const SIDE_PIXELS: std::ops::RangeInclusive<u32> = 64..=4096;
/// Sides are multiples of this: the renderer's, as encoders want it; and a model's, whose latent pixels are eight wide.
pub const SIDE_STEP: u32 = 2;
pub const MODEL_SIDE_STEP: u32 = 8;
/// Samples a pixel.
pub const SAMPLES: std::ops::RangeInclusive<u32> = 1..=4096;
/// Longest prompt, and negative prompt, in characters.
pub const PROMPT_CHARS_MAX: usize = 2_000;

/// How a picture is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Container {
    /// 8 bits, lossless.
    #[default]
    Png,
    /// 8 bits, lossless.
    Webp,
    /// AV1, 8 bits, 4:4:4 where the encoder has it.
    Avif,
    /// Linear light in 16-bit floats, with depth, normals and albedo as further layers.
    Exr,
}

impl Container {
    /// The file's extension.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Webp => "webp",
            Self::Avif => "avif",
            Self::Exr => "exr",
        }
    }

    pub fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Webp => "image/webp",
            Self::Avif => "image/avif",
            Self::Exr => "image/x-exr",
        }
    }
}

/// What makes the pictures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Renderer {
    /// A diffusion model where one is named, else the previz renderer.
    #[default]
    Auto,
    /// The film's renderer: puppets on miniature sets.
    Previz,
    Diffusion,
}

/// The parameters of an `image` job. It takes no file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageParams {
    pub prompt: String,
    /// What is not to be seen.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub negative: String,
    /// Width and height in pixels.
    #[serde(default = "default_size")]
    pub size: (u32, u32),
    #[serde(default = "one")]
    pub count: u64,
    /// The first picture's seed; the n-th after it has the n-th number after it.
    #[serde(default = "one")]
    pub seed: u64,
    /// Samples a pixel (previz).
    #[serde(default = "default_samples")]
    pub samples: u32,
    #[serde(default)]
    pub format: Container,
    #[serde(default)]
    pub renderer: Renderer,
    /// Renders a prompt, too, of which nothing was understood.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub anything: bool,
    /// What makes the pictures: pixels differ a little from class to class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<Class>,
    /// The diffusion model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Denoising steps (diffusion).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<u32>,
    /// How they are taken (diffusion).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduler: Option<String>,
    /// Guidance scale (diffusion).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guidance: Option<f64>,
    /// LoRAs and their weights (diffusion).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adapters: Option<Value>,
    /// Of an initial picture, which needs a model (diffusion).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strength: Option<f64>,
}

fn default_size() -> (u32, u32) {
    (768, 432)
}

fn one() -> u64 {
    1
}

fn default_samples() -> u32 {
    16
}

pub fn bad(message: impl Into<String>) -> BadInput {
    BadInput { file: String::new(), line: 0, column: 0, message: message.into() }
}

impl ImageParams {
    /// Reads and checks what was asked for. The first thing that is wrong is named with its bounds.
    pub fn of(params: &Value) -> Result<Self, BadInput> {
        let params: Self = serde_json::from_value(params.clone()).map_err(|e| bad(format!("parameters of the image: {e}")))?;
        params.check()?;
        Ok(params)
    }

    fn check(&self) -> Result<(), BadInput> {
        let (width, height) = self.size;
        let step = if self.by_model() { MODEL_SIDE_STEP } else { SIDE_STEP };
        let fits = |side: u32| SIDE_PIXELS.contains(&side) && side.is_multiple_of(step);
        if !fits(width) || !fits(height) {
            let (least, most) = (SIDE_PIXELS.start(), SIDE_PIXELS.end());
            return Err(bad(format!(
                "size {width}×{height}: both sides must be multiples of {step} from {least} to {most} pixels, such as {}×{}",
                nearest(width, step),
                nearest(height, step)
            )));
        }
        if !COUNT.contains(&self.count) {
            return Err(bad(format!("count {}: ask for {} to {} pictures a job", self.count, COUNT.start(), COUNT.end())));
        }
        if self.seed.checked_add(self.count).is_none() {
            return Err(bad(format!("seed {}: the last of {} pictures would have none", self.seed, self.count)));
        }
        if !SAMPLES.contains(&self.samples) {
            return Err(bad(format!("samples {}: ask for {} to {} a pixel", self.samples, SAMPLES.start(), SAMPLES.end())));
        }
        for (field, text) in [("prompt", &self.prompt), ("negative", &self.negative)] {
            let chars = text.chars().count();
            if chars > PROMPT_CHARS_MAX {
                return Err(bad(format!("{field}: has {chars} characters; {PROMPT_CHARS_MAX} are read")));
            }
        }
        if self.prompt.trim().is_empty() {
            return Err(bad("prompt: is empty; say what is to be seen, such as \"a temple at dusk\""));
        }
        self.check_renderer()
    }

    /// Whether a diffusion model is asked for.
    fn by_model(&self) -> bool {
        self.renderer == Renderer::Diffusion || self.model.is_some()
    }

    /// What only a model can do is not silently left out.
    fn check_renderer(&self) -> Result<(), BadInput> {
        if self.renderer == Renderer::Previz && self.model.is_some() {
            return Err(bad("model: the previz renderer has none; leave out one of `model` and `renderer`"));
        }
        if self.by_model() {
            let model = self.model.as_deref().unwrap_or("diffusion");
            let what = format!("model {model}: this build of klieg does not make images by diffusion yet");
            return Err(bad(format!("{what}; leave out `model` and `renderer` to have it rendered as previz")));
        }
        let wanted = [
            ("steps", self.steps.is_some()),
            ("scheduler", self.scheduler.is_some()),
            ("guidance", self.guidance.is_some()),
            ("adapters", self.adapters.is_some()),
            ("strength", self.strength.is_some()),
        ];
        match wanted.into_iter().find(|(_, given)| *given) {
            Some((field, _)) => Err(bad(format!("{field}: is for a diffusion model; the previz renderer takes `samples`"))),
            None => Ok(()),
        }
    }
}

/// A side that is allowed.
fn nearest(side: u32, step: u32) -> u32 {
    (side.clamp(*SIDE_PIXELS.start(), *SIDE_PIXELS.end()) + step / 2) / step * step
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refused(params: Value) -> String {
        ImageParams::of(&params).unwrap_err().message
    }

    #[test]
    fn what_is_out_of_bounds_is_named_with_its_bounds() {
        let of = |field: &str, value: Value| {
            let mut params = json!({"prompt": "a temple"});
            params[field] = value;
            refused(params)
        };
        assert!(of("size", json!([321, 180])).contains("multiples of 2 from 64 to 4096 pixels, such as 322×180"));
        let model = refused(json!({"prompt": "a temple", "model": "sd15", "size": [320, 180]}));
        assert!(model.contains("multiples of 8") && model.contains("320×184"), "{model}");
        assert!(of("size", json!([8, 100_000])).contains("64 to 4096"));
        assert!(of("count", json!(0)).contains("1 to 100000") && of("count", json!(1_000_000)).contains("1 to 100000"));
        assert!(of("samples", json!(0)).contains("1 to 4096"));
        assert!(of("prompt", json!(" \n")).contains("is empty"));
        assert!(of("prompt", json!("a".repeat(100_000))).contains("100000 characters; 2000 are read"));
        assert!(of("negative", json!("a".repeat(2_001))).contains("negative"));
        assert!(of("seed", json!(u64::MAX)).contains("seed"));
        assert!(of("steps", json!(30)).contains("steps: is for a diffusion model"));
        assert!(of("model", json!("sdxl")).contains("does not make images by diffusion"));
        assert!(of("colour", json!("red")).contains("colour"));
        assert!(refused(json!({})).contains("prompt"));
    }

    #[test]
    fn what_is_left_out_has_its_usual_value() {
        let params = ImageParams::of(&json!({"prompt": "a temple"})).unwrap();
        assert_eq!((params.size, params.count, params.seed, params.format), ((768, 432), 1, 1, Container::Png));
    }
}

//! What is laid over a model: low-rank weights, control networks, image prompts.

mod controlnet;
mod ip_adapter;
mod lora;

pub use controlnet::{Control, ControlNet};
pub use ip_adapter::IpAdapter;
pub use lora::{Lora, Part};

pub(crate) use lora::Low;

use crate::{
    error::{Error, Result},
    weights::Weights,
};
use candle_core::Tensor;
use std::collections::HashMap;

/// LoRAs laid over one model at once.
pub const LORAS_MAX: usize = 16;

/// What the layers of one part find beside their own weights.
#[derive(Clone, Default)]
pub struct Adapters {
    /// By the layer's path.
    low: HashMap<String, Vec<Low>>,
    merge: bool,
    image: HashMap<String, (Tensor, Tensor)>,
}

impl Adapters {
    /// A stack of LoRAs with their weights over a part. `merge`: into the weights, which costs their memory once and no time later;
    /// else beside them, which leaves the base to others. Each tensor must find its layer, of its size.
    pub fn new(base: &Weights, part: Part, stack: &[(&Lora, f64)], merge: bool) -> Result<Self> {
        if stack.len() > LORAS_MAX {
            return Err(Error::wish("loras", stack.len(), format!("at most {LORAS_MAX}")));
        }
        let mut low: HashMap<String, Vec<Low>> = HashMap::new();
        for (lora, weight) in stack {
            if !weight.is_finite() || weight.abs() > 10.0 {
                return Err(Error::wish("lora weight", weight, "from -10 to 10"));
            }
            for (path, one) in lora.over(base, part, *weight)? {
                low.entry(path).or_default().push(one);
            }
        }
        Ok(Self { low, merge, image: HashMap::new() })
    }

    /// With an image prompt's keys and values.
    pub fn with_image(mut self, adapter: &IpAdapter, base: &Weights) -> Result<Self> {
        self.image = adapter.over(base)?;
        Ok(self)
    }

    pub(crate) fn image(&self, path: &str) -> Option<(Tensor, Tensor)> {
        self.image.get(path).cloned()
    }

    /// A layer's weight, and what stays beside it.
    pub(crate) fn apply(&self, path: &str, weight: Tensor) -> Result<(Tensor, Vec<Low>)> {
        match self.low.get(path) {
            None => Ok((weight, Vec::new())),
            Some(low) if self.merge => Ok((lora::merged(weight, low)?, Vec::new())),
            Some(low) => Ok((weight, low.clone())),
        }
    }
}

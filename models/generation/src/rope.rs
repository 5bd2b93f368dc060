//! Rotary positions (Su et al., "RoFormer", 2021) with transformers' scalings `linear`, `dynamic` and `llama3`.

use crate::{Config, Error};
use candle_core::{Device, Tensor};
use std::f64::consts::TAU;

/// How frequencies follow from a configuration.
#[derive(Clone, Debug)]
enum Scaling {
    Fixed,
    /// NTK-aware: the base grows with the length, past the trained length.
    Dynamic {
        factor: f64,
        trained: usize,
    },
}

/// The angles' frequencies of a model.
#[derive(Clone, Debug)]
pub struct Rope {
    head: usize,
    base: f64,
    frequencies: Vec<f32>,
    scaling: Scaling,
}

/// base^(−2i/head), in single precision as the reference computes it.
fn frequencies(base: f64, head: usize) -> Vec<f32> {
    (0..head / 2).map(|i| 1.0 / (base as f32).powf((2 * i) as f32 / head as f32)).collect()
}

impl Rope {
    pub fn new(config: &Config) -> Result<Self, Error> {
        let (head, base) = (config.head_dim(), config.theta());
        let mut rope = Self { head, base, frequencies: frequencies(base, head), scaling: Scaling::Fixed };
        let Some(scaling) = config.scaling() else { return Ok(rope) };
        let kind = scaling.kind();
        let need = |name: &str, value: Option<f64>| match value {
            Some(value) if value.is_finite() && value > 0.0 => Ok(value),
            _ => Err(Error::Config(format!("the `{kind}` positions need a positive `{name}`"))),
        };
        let factor = need("factor", scaling.factor)?;
        match kind {
            "linear" => rope.frequencies.iter_mut().for_each(|frequency| *frequency /= factor as f32),
            "dynamic" => {
                let trained = scaling.original_max_position_embeddings.unwrap_or(config.max_position_embeddings);
                rope.scaling = Scaling::Dynamic { factor, trained };
            }
            "llama3" => {
                let low = need("low_freq_factor", scaling.low_freq_factor)?;
                let high = need("high_freq_factor", scaling.high_freq_factor)?;
                let trained = need("original_max_position_embeddings", scaling.original_max_position_embeddings.map(|n| n as f64))?;
                rope.frequencies.iter_mut().for_each(|frequency| *frequency = llama3(*frequency, factor, low, high, trained));
            }
            other => return Err(Error::Config(format!("positions of type `{other}` are unknown; known: linear, dynamic, llama3"))),
        }
        Ok(rope)
    }

    /// Whether a token's angle depends on the length of what it is part of: then prefixes cannot be shared.
    pub fn follows_length(&self) -> bool {
        matches!(self.scaling, Scaling::Dynamic { .. })
    }

    /// Cosines and sines, each (tokens, head / 2). A token is (its position, the length of its sequence).
    pub fn angles(&self, tokens: &[(usize, usize)], device: &Device) -> Result<(Tensor, Tensor), Error> {
        let half = self.head / 2;
        let mut angles = Vec::with_capacity(tokens.len() * half);
        let mut stretched: Option<(usize, Vec<f32>)> = None;
        for &(position, length) in tokens {
            let frequencies = match self.scaling {
                Scaling::Dynamic { factor, trained } if length > trained => {
                    if stretched.as_ref().is_none_or(|(known, _)| *known != length) {
                        let power = self.head as f64 / (self.head as f64 - 2.0);
                        let grown = self.base * ((factor * length as f64 / trained as f64) - (factor - 1.0)).powf(power);
                        stretched = Some((length, frequencies(grown, self.head)));
                    }
                    stretched.as_ref().map_or(&self.frequencies, |(_, frequencies)| frequencies)
                }
                _ => &self.frequencies,
            };
            angles.extend(frequencies.iter().map(|frequency| position as f32 * frequency));
        }
        let of = |f: fn(f32) -> f32| Tensor::from_vec(angles.iter().copied().map(f).collect(), (tokens.len(), half), device);
        Ok((of(f32::cos)?, of(f32::sin)?))
    }
}

/// Long waves are stretched by the factor, short ones are left, those between are mixed (Llama 3.1's `apply_scaling`).
fn llama3(frequency: f32, factor: f64, low: f64, high: f64, trained: f64) -> f32 {
    let wave = TAU / f64::from(frequency);
    let stretched = f64::from(frequency) / factor;
    if wave < trained / high {
        return frequency;
    }
    if wave > trained / low {
        return stretched as f32;
    }
    let smooth = (trained / wave - low) / (high - low);
    ((1.0 - smooth) * stretched + smooth * f64::from(frequency)) as f32
}

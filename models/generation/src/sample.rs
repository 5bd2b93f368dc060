//! From logits to a token. Filters follow transformers' `generation/logits_process.py`, in its order; the draw is counter-based, so a
//! request's tokens never depend on who is computed beside it.

use crate::{Error, philox::unit};
use serde::{Deserialize, Serialize};

/// What makes a token likely or not. The defaults change nothing and draw from the whole distribution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sampling {
    /// Divides logits; 0: always the likeliest.
    pub temperature: f32,
    /// Only so many of the likeliest; 0: all.
    pub top_k: usize,
    /// Only the likeliest whose probabilities together reach this.
    pub top_p: f32,
    /// Only those at least this share of the likeliest's probability.
    pub min_p: f32,
    /// Logits of tokens that are there (prompt included) are divided by it when positive, multiplied when negative (CTRL, 2019).
    pub repetition_penalty: f32,
    /// Taken off the logits of tokens that have been written.
    pub presence_penalty: f32,
    /// Taken off for every time that a token has been written.
    pub frequency_penalty: f32,
}

impl Default for Sampling {
    fn default() -> Self {
        let (repetition_penalty, presence_penalty, frequency_penalty) = (1.0, 0.0, 0.0);
        Self { temperature: 1.0, top_k: 0, top_p: 1.0, min_p: 0.0, repetition_penalty, presence_penalty, frequency_penalty }
    }
}

impl Sampling {
    /// Whether every number is within its limits.
    pub fn check(&self) -> Result<(), Error> {
        let within = |field: &'static str, value: f32, range: std::ops::RangeInclusive<f32>| match range.contains(&value) {
            true => Ok(()),
            false => Err(Error::Request { field, message: format!("{value} is not within {} and {}", range.start(), range.end()) }),
        };
        within("temperature", self.temperature, 0.0..=10.0)?;
        within("top_p", self.top_p, f32::MIN_POSITIVE..=1.0)?;
        within("min_p", self.min_p, 0.0..=1.0)?;
        within("repetition_penalty", self.repetition_penalty, 0.1..=10.0)?;
        within("presence_penalty", self.presence_penalty, -2.0..=2.0)?;
        within("frequency_penalty", self.frequency_penalty, -2.0..=2.0)
    }

    /// Changes logits by what is there already: `prompt` and what was `written` since.
    pub fn penalise(&self, logits: &mut [f32], prompt: &[u32], written: &[u32]) {
        if self.repetition_penalty != 1.0 {
            let mut seen: Vec<u32> = prompt.iter().chain(written).copied().collect();
            seen.sort_unstable();
            seen.dedup();
            for token in seen {
                if let Some(logit) = logits.get_mut(token as usize) {
                    *logit = if *logit < 0.0 { *logit * self.repetition_penalty } else { *logit / self.repetition_penalty };
                }
            }
        }
        if self.presence_penalty != 0.0 || self.frequency_penalty != 0.0 {
            let mut counts = std::collections::BTreeMap::new();
            written.iter().for_each(|token| *counts.entry(*token).or_insert(0u32) += 1);
            for (token, count) in counts {
                if let Some(logit) = logits.get_mut(token as usize) {
                    *logit -= self.presence_penalty + self.frequency_penalty * count as f32;
                }
            }
        }
    }

    /// Divides by the temperature (if it is not 0) and makes −∞ of what top-k, top-p and min-p leave out.
    pub fn filter(&self, logits: &mut [f32]) {
        if self.temperature > 0.0 {
            logits.iter_mut().for_each(|logit| *logit /= self.temperature);
        }
        if self.top_k > 0 && self.top_k < logits.len() {
            let mut sorted = logits.to_vec();
            let (_, least, _) = sorted.select_nth_unstable_by(self.top_k - 1, |a, b| b.total_cmp(a));
            let least = *least;
            logits.iter_mut().filter(|logit| **logit < least).for_each(|logit| *logit = f32::NEG_INFINITY);
        }
        if self.top_p < 1.0 {
            self.nucleus(logits);
        }
        if self.min_p > 0.0 {
            let probabilities = softmax(logits);
            let least = probabilities.iter().copied().fold(0.0, f32::max) * self.min_p;
            let unlikely = logits.iter_mut().zip(&probabilities).filter(|(_, probability)| **probability < least);
            unlikely.for_each(|(logit, _)| *logit = f32::NEG_INFINITY);
        }
    }

    /// Leaves out the unlikeliest whose probabilities add up to no more than 1 − top_p, never the likeliest (Holtzman et al., 2019).
    fn nucleus(&self, logits: &mut [f32]) {
        let probabilities = softmax(logits);
        let mut order: Vec<usize> = (0..logits.len()).collect();
        order.sort_by(|a, b| logits[*a].total_cmp(&logits[*b]));
        let mut sum = 0.0;
        for &at in &order[..order.len().saturating_sub(1)] {
            sum += probabilities[at];
            if sum > 1.0 - self.top_p {
                break;
            }
            logits[at] = f32::NEG_INFINITY;
        }
    }

    /// Draws from filtered logits: the number `draw` of the seed's stream. At temperature 0 the first of the likeliest.
    pub fn draw(&self, logits: &[f32], seed: u64, stream: u64, draw: u64) -> u32 {
        if self.temperature == 0.0 {
            return argmax(logits);
        }
        let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let weight = |logit: &f32| f64::from(logit - top).exp();
        let total: f64 = logits.iter().map(weight).sum();
        let mut left = unit(seed, stream, draw) * total;
        for (token, logit) in logits.iter().enumerate() {
            left -= weight(logit);
            if left < 0.0 {
                return token as u32;
            }
        }
        argmax(logits)
    }
}

/// The first of the largest.
pub fn argmax(logits: &[f32]) -> u32 {
    let mut best = 0;
    for (at, logit) in logits.iter().enumerate() {
        if *logit > logits[best] || logits[best].is_nan() {
            best = at;
        }
    }
    best as u32
}

/// Probabilities of logits.
pub fn softmax(logits: &[f32]) -> Vec<f32> {
    let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut weights: Vec<f32> = logits.iter().map(|logit| (logit - top).exp()).collect();
    let total: f32 = weights.iter().sum();
    weights.iter_mut().for_each(|weight| *weight /= total);
    weights
}

/// ln of softmax's divisor: what makes logits logarithms of probabilities.
pub fn log_total(logits: &[f32]) -> f32 {
    let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    top + (logits.iter().map(|logit| f64::from(logit - top).exp()).sum::<f64>().ln() as f32)
}

/// The likeliest tokens and the logarithms of their probabilities, the likeliest first.
pub fn likeliest(logits: &[f32], count: usize) -> Vec<(u32, f32)> {
    let total = log_total(logits);
    let mut order: Vec<u32> = (0..logits.len() as u32).collect();
    order.sort_by(|a, b| logits[*b as usize].total_cmp(&logits[*a as usize]).then(a.cmp(b)));
    order.into_iter().take(count).map(|token| (token, logits[token as usize] - total)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_follow_the_distribution_and_nothing_else() {
        let sampling = Sampling::default();
        let logits = [0.1f32, 0.5, 0.25, 0.15].map(f32::ln);
        let mut counts = [0u32; 4];
        (0..20_000).for_each(|draw| counts[sampling.draw(&logits, 5, 1, draw) as usize] += 1);
        // Four standard deviations of a binomial share.
        for (count, share) in counts.iter().zip([0.1, 0.5, 0.25, 0.15f64]) {
            let spread = 4.0 * (20_000.0 * share * (1.0 - share)).sqrt();
            assert!((f64::from(*count) - 20_000.0 * share).abs() < spread, "{counts:?}");
        }
        assert_eq!(sampling.draw(&logits, 5, 1, 3), sampling.draw(&logits, 5, 1, 3));
    }

    #[test]
    fn what_is_left_out_is_never_drawn() {
        let sampling = Sampling { top_k: 2, ..Sampling::default() };
        let mut logits = [3.0, 1.0, 2.0, 0.0];
        sampling.filter(&mut logits);
        assert!((0..1000).all(|draw| matches!(sampling.draw(&logits, 1, 0, draw), 0 | 2)));
    }

    #[test]
    fn numbers_out_of_range_are_named() {
        let error = Sampling { top_p: 0.0, ..Sampling::default() }.check().unwrap_err().to_string();
        assert!(error.contains("top_p"), "{error}");
        assert!(Sampling { temperature: f32::NAN, ..Sampling::default() }.check().is_err());
    }
}

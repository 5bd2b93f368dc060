//! UniPC with B₂(h) = eʰ − 1 (Zhao et al. 2023), predicting the clean picture; `bh1` has B₁(h) = h.

use super::solver::{Field, Walk, alpha_sigma, log_snr};
use crate::error::Result;

pub(super) const ORDER_MAX: usize = 3;

pub(super) fn step<F: Field>(walk: &mut Walk<F>, sample: &F, output: &F) -> Result<F> {
    let at = walk.at();
    let (alpha, sigma) = alpha_sigma(walk.schedule.sigmas[at]);
    let (of_sample, of_output) = walk.clean_of_alpha(alpha, sigma);
    let clean = F::mix(&[(of_sample, sample), (of_output, output)])?;
    let corrected = match walk.last.take() {
        Some((last, order)) => correct(walk, &last, &clean, order)?,
        None => sample.clone(),
    };
    let order = walk.schedule.config.solver_order.unwrap_or(2);
    walk.past.push(clean);
    if walk.past.len() > order {
        walk.past.remove(0);
    }
    let left = match walk.schedule.config.lower_order_final.unwrap_or(true) {
        true => order.min(walk.schedule.len() - at),
        false => order,
    };
    let order = left.min(walk.taken() + 1);
    let next = predict(walk, &corrected, order)?;
    walk.last = Some((corrected, order));
    Ok(next)
}

/// The integrals of a step from one level to the next.
struct Stride {
    /// Of the latents that it begins with, and of the clean picture's first-order share.
    keep: f64,
    gain: f64,
    /// α · B(h).
    bend: f64,
    /// Where the earlier outputs lie, in strides; 1 is the step's end.
    ratios: Vec<f64>,
    /// The right-hand side of the order conditions.
    wanted: Vec<f64>,
}

impl Stride {
    /// From the level `from` to the one after it, with `order - 1` earlier ones.
    fn new<F: Field>(walk: &Walk<F>, from: usize, order: usize) -> Self {
        let sigmas = &walk.schedule.sigmas;
        let ((_, sigma_from), (alpha_to, sigma_to)) = (alpha_sigma(sigmas[from]), alpha_sigma(sigmas[from + 1]));
        let h = log_snr(sigmas[from + 1]) - log_snr(sigmas[from]);
        let earlier = |i: usize| (log_snr(sigmas[from - i]) - log_snr(sigmas[from])) / h;
        let ratios: Vec<f64> = (1..order).map(earlier).chain([1.0]).collect();
        let phi = (-h).exp_m1();
        let b1 = walk.schedule.config.solver_type.as_deref() == Some("bh1");
        let bend = if b1 { -h } else { phi };
        let (mut phi_k, mut factorial) = (phi / -h - 1.0, 1.0);
        let mut wanted = Vec::new();
        for i in 1..=order {
            wanted.push(phi_k * factorial / bend);
            factorial *= (i + 1) as f64;
            phi_k = phi_k / -h - 1.0 / factorial;
        }
        Self { keep: sigma_to / sigma_from, gain: -alpha_to * phi, bend: alpha_to * bend, ratios, wanted }
    }

    /// Solves the first `size` order conditions (a Vandermonde system).
    fn weights(&self, size: usize) -> Vec<f64> {
        let mut rows: Vec<Vec<f64>> = (0..size)
            .map(|power| self.ratios[..size].iter().map(|r| r.powi(power as i32)).chain([self.wanted[power]]).collect())
            .collect();
        for column in 0..size {
            let pivot = (column..size).max_by(|&a, &b| rows[a][column].abs().total_cmp(&rows[b][column].abs())).unwrap_or(column);
            rows.swap(column, pivot);
            let lead = rows[column].clone();
            for row in rows.iter_mut().skip(column + 1) {
                let factor = row[column] / lead[column];
                row.iter_mut().zip(&lead).for_each(|(x, l)| *x -= factor * l);
            }
        }
        let mut weights = vec![0.0; size];
        for i in (0..size).rev() {
            let known: f64 = (i + 1..size).map(|j| rows[i][j] * weights[j]).sum();
            weights[i] = (rows[i][size] - known) / rows[i][i];
        }
        weights
    }
}

/// UniP: `past` ends with the output at this step.
fn predict<F: Field>(walk: &Walk<F>, sample: &F, order: usize) -> Result<F> {
    let stride = Stride::new(walk, walk.at(), order);
    let weights = match order {
        1 => Vec::new(),
        // At the second order diffusers takes the limit for small strides.
        2 => vec![0.5],
        _ => stride.weights(order - 1),
    };
    mixture(walk, &stride, sample, &weights, None)
}

/// UniC: `past` ends with the output at the step before; `clean` is this step's.
fn correct<F: Field>(walk: &Walk<F>, last: &F, clean: &F, order: usize) -> Result<F> {
    let stride = Stride::new(walk, walk.at() - 1, order);
    let mut weights = if order == 1 { vec![0.5] } else { stride.weights(order) };
    let end = weights.pop().map(|weight| (weight, clean));
    mixture(walk, &stride, last, &weights, end)
}

fn mixture<F: Field>(walk: &Walk<F>, stride: &Stride, sample: &F, weights: &[f64], end: Option<(f64, &F)>) -> Result<F> {
    let newest = walk.past.len() - 1;
    let mut of_newest = stride.gain;
    let mut terms = vec![(stride.keep, sample)];
    for (i, weight) in weights.iter().enumerate() {
        let lean = stride.bend * weight / stride.ratios[i];
        terms.push((-lean, &walk.past[newest - 1 - i]));
        of_newest += lean;
    }
    if let Some((weight, clean)) = end {
        terms.push((-stride.bend * weight, clean));
        of_newest += stride.bend * weight;
    }
    terms.push((of_newest, &walk.past[newest]));
    F::mix(&terms)
}

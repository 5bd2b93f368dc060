use super::{Config, FinalSigma, Method, Prediction, Schedule, Spacing, solver, tables::Tables};
use crate::error::{Error, Result};

/// ρ of Karras et al. 2022.
const RHO: f64 = 7.0;

pub(super) fn schedule(method: Method, config: &Config, tables: &Tables, steps: usize) -> Result<Schedule> {
    let init = |sigmas: &[f32]| match (method, spacing(method, config)) {
        (Method::Euler | Method::EulerAncestral, Spacing::Leading) => (sigmas[0] * sigmas[0] + 1.0).sqrt(),
        (Method::Euler | Method::EulerAncestral, _) => sigmas[0],
        _ => 1.0,
    };
    let prediction = config.prediction();
    let ready = |timesteps: Vec<f32>, sigmas: Vec<f32>, alphas| {
        let init_sigma = init(&sigmas);
        Schedule { method, config: config.clone(), prediction, timesteps, sigmas, alphas, init_sigma }
    };
    let schedule = match method {
        Method::Ddim => {
            let timesteps = whole_timesteps(method, config, tables, steps);
            let stride = (tables.alphas.len() / steps) as i64;
            let last = if config.set_alpha_to_one.unwrap_or(true) { 1.0 } else { tables.alphas[0] };
            let alpha = |t: i64| if t >= 0 { tables.alphas[(t as usize).min(tables.alphas.len() - 1)] } else { last };
            let alphas: Vec<_> = timesteps.iter().map(|&t| (alpha(t), alpha(t - stride))).collect();
            ready(floats(&timesteps), alpha_sigmas(&alphas), alphas)
        }
        Method::Lcm => {
            let timesteps = consistency_timesteps(config, tables, steps)?;
            let alpha = |t: i64| tables.alphas[t as usize];
            let next = |i: usize| timesteps[(i + 1).min(timesteps.len() - 1)];
            let alphas: Vec<_> = timesteps.iter().enumerate().map(|(i, &t)| (alpha(t), alpha(next(i)))).collect();
            ready(floats(&timesteps), alpha_sigmas(&alphas), alphas)
        }
        _ => {
            let (timesteps, sigmas) = levels(method, config, tables, steps);
            solver::check(method, config, &sigmas)?;
            ready(timesteps, sigmas, Vec::new())
        }
    };
    if prediction == Prediction::Epsilon && schedule.alphas.iter().any(|(before, _)| *before == 0.0) {
        let what = "a level without any signal, and a model that predicts the noise; set rescale_betas_zero_snr off";
        return Err(Error::config("the scheduler", what));
    }
    Ok(schedule)
}

fn floats(timesteps: &[i64]) -> Vec<f32> {
    timesteps.iter().map(|&t| t as f32).collect()
}

fn alpha_sigmas(alphas: &[(f64, f64)]) -> Vec<f32> {
    let sigma = |alpha: f64| ((1.0 - alpha) / alpha).sqrt() as f32;
    let last = alphas.last().map(|&(_, after)| sigma(after));
    alphas.iter().map(|&(before, _)| sigma(before)).chain(last).collect()
}

fn spacing(method: Method, config: &Config) -> Spacing {
    config.timestep_spacing.unwrap_or(match method {
        Method::Ddim | Method::Lcm => Spacing::Leading,
        _ => Spacing::Linspace,
    })
}

/// Timesteps and levels of the samplers that count in σ.
fn levels(method: Method, config: &Config, tables: &Tables, steps: usize) -> (Vec<f32>, Vec<f32>) {
    let euler = matches!(method, Method::Euler | Method::EulerAncestral);
    let asked = config.use_karras_sigmas == Some(true) && matches!(method, Method::Euler | Method::UniPc);
    let karras = asked || method == Method::DpmPlusPlus2MKarras;
    let mut timesteps: Vec<f64> = match euler {
        true => float_timesteps(method, config, tables, steps),
        false => whole_timesteps(method, config, tables, steps).into_iter().map(|t| t as f64).collect(),
    };
    let mut sigmas: Vec<f64> = timesteps.iter().map(|&t| interpolate(&tables.sigmas, t)).collect();
    if karras {
        // Euler spans the levels that were chosen; the others span all of the training's.
        let all = (tables.sigmas[tables.sigmas.len() - 1], tables.sigmas[0]);
        let (largest, least) = if euler { (sigmas[0], sigmas[sigmas.len() - 1]) } else { all };
        sigmas = karras_levels(largest, least, steps);
        timesteps = sigmas.iter().map(|&sigma| timestep_of(sigma, &tables.sigmas)).collect();
        if !euler {
            timesteps.iter_mut().for_each(|t| *t = t.round_ties_even());
        }
    }
    let last = match config.final_sigmas_type.filter(|_| method != Method::EulerAncestral) {
        Some(FinalSigma::SigmaMin) if karras && method == Method::UniPc => sigmas[sigmas.len() - 1],
        Some(FinalSigma::SigmaMin) => tables.sigmas[0],
        _ => 0.0,
    };
    sigmas.push(last);
    (timesteps.into_iter().map(|t| t as f32).collect(), sigmas.into_iter().map(|s| s as f32).collect())
}

/// Timesteps as Euler has them: they need not be whole.
fn float_timesteps(method: Method, config: &Config, tables: &Tables, steps: usize) -> Vec<f64> {
    let all = tables.alphas.len();
    match spacing(method, config) {
        Spacing::Linspace => linspace_down((all - 1) as f64, steps).into_iter().map(|t| f64::from(t as f32)).collect(),
        Spacing::Leading => leading(all / steps, steps, config),
        Spacing::Trailing => trailing(all, all as f64 / steps as f64),
    }
}

/// Timesteps of the others: whole, and the multistep solvers divide the training into one more piece.
fn whole_timesteps(method: Method, config: &Config, tables: &Tables, steps: usize) -> Vec<i64> {
    let all = tables.alphas.len();
    let multistep = method != Method::Ddim;
    let times = match spacing(method, config) {
        Spacing::Linspace if multistep => linspace_down((all - 1) as f64, steps + 1)[..steps].to_vec(),
        Spacing::Linspace => linspace_down((all - 1) as f64, steps),
        Spacing::Leading if multistep => leading(all / (steps + 1), steps + 1, config)[..steps].to_vec(),
        Spacing::Leading => leading(all / steps, steps, config),
        Spacing::Trailing => trailing(all, all as f64 / steps as f64),
    };
    times.into_iter().map(|t| t.round_ties_even() as i64).map(|t| t.clamp(0, all as i64 - 1)).collect()
}

fn linspace_down(top: f64, count: usize) -> Vec<f64> {
    match count {
        1 => vec![0.0],
        _ => (0..count).rev().map(|i| if i == count - 1 { top } else { i as f64 * (top / (count - 1) as f64) }).collect(),
    }
}

fn leading(stride: usize, count: usize, config: &Config) -> Vec<f64> {
    let offset = config.steps_offset.unwrap_or(0);
    (0..count).rev().map(|i| (i * stride + offset) as f64).collect()
}

/// As `numpy.arange` counts: rounding may give one more than asked for, and the reference then takes it.
fn trailing(all: usize, stride: f64) -> Vec<f64> {
    let count = (all as f64 / stride).ceil() as usize;
    (0..count).map(|i| (all as f64 - i as f64 * stride).round_ties_even() - 1.0).collect()
}

fn consistency_timesteps(config: &Config, tables: &Tables, steps: usize) -> Result<Vec<i64>> {
    let all = tables.alphas.len();
    let original = config.original_inference_steps.unwrap_or(50);
    if !(1..=all).contains(&original) {
        return Err(Error::config("the scheduler", format!("original_inference_steps = {original}; from 1 to {all}")));
    }
    if steps > original {
        return Err(Error::wish("steps", steps, format!("at most {original} of this model with lcm")));
    }
    let stride = all / original;
    let taught: Vec<i64> = (1..=original).rev().map(|i| (i * stride) as i64 - 1).collect();
    Ok((0..steps).map(|i| taught[(i as f64 * (original as f64 / steps as f64)).floor() as usize]).collect())
}

fn karras_levels(largest: f64, least: f64, steps: usize) -> Vec<f64> {
    let (top, bottom) = (largest.powf(1.0 / RHO), least.powf(1.0 / RHO));
    let ramp = |i: usize| if steps == 1 { 0.0 } else { i as f64 / (steps - 1) as f64 };
    (0..steps).map(|i| (top + ramp(i) * (bottom - top)).powf(RHO)).collect()
}

fn interpolate(table: &[f64], at: f64) -> f64 {
    let low = (at.max(0.0) as usize).min(table.len() - 1);
    let high = (low + 1).min(table.len() - 1);
    table[low] + (table[high] - table[low]) * (at - low as f64).clamp(0.0, 1.0)
}

/// The timestep whose level it would be, by interpolation of the levels' logarithms.
fn timestep_of(sigma: f64, table: &[f64]) -> f64 {
    let log = |x: f64| f64::from((x as f32).ln());
    let wanted = sigma.max(1e-10).ln();
    let low = table.partition_point(|&s| log(s) <= wanted).saturating_sub(1).min(table.len() - 2);
    let (below, above) = (log(table[low]), log(table[low + 1]));
    let weight = ((below - wanted) / (below - above)).clamp(0.0, 1.0);
    (1.0 - weight) * low as f64 + weight * (low + 1) as f64
}

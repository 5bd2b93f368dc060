use super::{BetaSchedule, Config, Method};
use crate::error::{Error, Result};

const TRAIN_STEPS_MAX: usize = 100_000;
/// ᾱ of the last level where it would be zero: its √ is not representable in f16 below this.
const LEAST_ALPHA: f64 = 1.0 / 16_777_216.0;

/// A training's noise levels, as f32 like the reference's and carried as f64.
pub(super) struct Tables {
    /// ᾱ by training step.
    pub alphas: Vec<f64>,
    /// √((1−ᾱ)/ᾱ), rounded to f32.
    pub sigmas: Vec<f64>,
}

impl Tables {
    pub fn new(method: Method, config: &Config) -> Result<Self> {
        let mut betas = betas(method, config)?;
        let rescale = config.rescale_betas_zero_snr == Some(true);
        if rescale {
            rescale_zero_terminal_snr(&mut betas);
        }
        let mut product = 1.0;
        let cumulated = |beta: &f32| {
            product *= f64::from(1.0 - beta);
            f64::from(product as f32)
        };
        let mut alphas: Vec<f64> = betas.iter().map(cumulated).collect();
        let counts_in_alpha = matches!(method, Method::Ddim | Method::Lcm);
        if let (true, false, Some(last)) = (rescale, counts_in_alpha, alphas.last_mut()) {
            *last = LEAST_ALPHA;
        }
        let sigma = |&alpha: &f64| f64::from(((1.0 - alpha as f32) / alpha as f32).sqrt());
        let sigmas = alphas.iter().map(sigma).collect();
        Ok(Self { alphas, sigmas })
    }
}

fn betas(method: Method, config: &Config) -> Result<Vec<f32>> {
    if let Some(betas) = &config.trained_betas {
        return match betas.len() {
            2..=TRAIN_STEPS_MAX => Ok(betas.clone()),
            count => Err(Error::config("the scheduler", format!("{count} trained_betas; from 2 to {TRAIN_STEPS_MAX}"))),
        };
    }
    let count = config.num_train_timesteps.unwrap_or(1000);
    if !(2..=TRAIN_STEPS_MAX).contains(&count) {
        return Err(Error::config("the scheduler", format!("num_train_timesteps = {count}; from 2 to {TRAIN_STEPS_MAX}")));
    }
    // Only the consistency model's defaults are Stable Diffusion's; other samplers' are those of the first diffusion models.
    let (start, end, kind) = match method {
        Method::Lcm => (0.000_85, 0.012, BetaSchedule::ScaledLinear),
        _ => (0.0001, 0.02, BetaSchedule::Linear),
    };
    let (start, end) = (config.beta_start.unwrap_or(start), config.beta_end.unwrap_or(end));
    if !(start > 0.0 && start <= end && end < 1.0) {
        return Err(Error::config("the scheduler", format!("beta_start = {start}, beta_end = {end}; 0 < start ≤ end < 1")));
    }
    Ok(match config.beta_schedule.unwrap_or(kind) {
        BetaSchedule::Linear => linspace(start, end, count),
        BetaSchedule::ScaledLinear => {
            let root = |x: f32| f64::from(x).sqrt() as f32;
            // The configuration's numbers are decimal: their roots are taken before they are rounded to f32.
            let exact = |x: f32| (x.to_string().parse::<f64>()).map_or_else(|_| root(x), |x| x.sqrt() as f32);
            linspace(exact(start), exact(end), count).into_iter().map(|x| x * x).collect()
        }
        BetaSchedule::Cosine => cosine(count),
    })
}

/// `torch.linspace` in f32: from both ends to the middle.
fn linspace(start: f32, end: f32, count: usize) -> Vec<f32> {
    let step = (end - start) / (count - 1) as f32;
    let at = |i: usize| if i < count / 2 { start + step * i as f32 } else { end - step * (count - i - 1) as f32 };
    (0..count).map(at).collect()
}

/// Nichol and Dhariwal 2021, betas at most 0.999.
fn cosine(count: usize) -> Vec<f32> {
    let bar = |t: f64| ((t + 0.008) / 1.008 * std::f64::consts::FRAC_PI_2).cos().powi(2);
    let beta = |i: usize| (1.0 - bar((i + 1) as f64 / count as f64) / bar(i as f64 / count as f64)).min(0.999);
    (0..count).map(|i| beta(i) as f32).collect()
}

/// Lin et al. 2023, algorithm 1.
fn rescale_zero_terminal_snr(betas: &mut [f32]) {
    let mut product = 1.0;
    let mut roots: Vec<f32> = betas
        .iter()
        .map(|beta| {
            product *= f64::from(1.0 - beta);
            (product as f32).sqrt()
        })
        .collect();
    let (first, last) = (roots[0], roots[roots.len() - 1]);
    for root in &mut roots {
        *root -= last;
        *root *= first / (first - last);
    }
    let mut before = 1.0;
    for (beta, root) in betas.iter_mut().zip(roots) {
        let bar = root * root;
        *beta = 1.0 - bar / before;
        before = bar;
    }
}

//! One step: every sampler's is a mixture of the latents, the model's output, what it said before, and noise.

use super::{Config, FinalSigma, Method, Prediction, Schedule, unipc};
use crate::error::{Error, Result};

/// What can be mixed: a picture's latents, wherever they are.
pub trait Field: Clone {
    /// Σ weight · field.
    fn mix(terms: &[(f64, &Self)]) -> Result<Self>;
    /// Every number held within ±limit.
    fn clamp(&self, limit: f32) -> Result<Self>;
}

impl Field for Vec<f32> {
    fn mix(terms: &[(f64, &Self)]) -> Result<Self> {
        let count = terms.first().map_or(0, |(_, field)| field.len());
        if terms.iter().any(|(_, field)| field.len() != count) {
            return Err(Error::config("the scheduler", "latents, output and noise differ in their size"));
        }
        Ok((0..count).map(|i| terms.iter().map(|(weight, field)| weight * f64::from(field[i])).sum::<f64>() as f32).collect())
    }

    fn clamp(&self, limit: f32) -> Result<Self> {
        Ok(self.iter().map(|x| x.clamp(-limit, limit)).collect())
    }
}

impl Field for candle_core::Tensor {
    fn mix(terms: &[(f64, &Self)]) -> Result<Self> {
        let mut sum: Option<Self> = None;
        for (weight, field) in terms {
            let term = (*field * *weight)?;
            sum = Some(match sum {
                Some(sum) => (sum + term)?,
                None => term,
            });
        }
        sum.ok_or_else(|| Error::config("the scheduler", "nothing to mix"))
    }

    fn clamp(&self, limit: f32) -> Result<Self> {
        Ok(candle_core::Tensor::clamp(self, -limit, limit)?)
    }
}

/// (α, σ) of the variance-preserving form of a level.
pub(super) fn alpha_sigma(sigma: f32) -> (f64, f64) {
    let sigma = f64::from(sigma);
    let alpha = 1.0 / (sigma * sigma + 1.0).sqrt();
    (alpha, sigma * alpha)
}

/// ln(α/σ): infinite at the clean picture.
pub(super) fn log_snr(sigma: f32) -> f64 {
    -f64::from(sigma).ln()
}

/// What the solvers cannot do, found before the first step.
pub(super) fn check(method: Method, config: &Config, sigmas: &[f32]) -> Result<()> {
    let refuse = |what: String| Err(Error::config("the scheduler", what));
    let clean = sigmas.last() == Some(&0.0);
    match (method, config.solver_order.unwrap_or(2), config.lower_order_final.unwrap_or(true)) {
        (Method::EulerAncestral, _, _) if config.prediction() == Prediction::Sample => {
            refuse("euler_a has no form for models that predict the sample".into())
        }
        (Method::DpmPlusPlus2M | Method::DpmPlusPlus2MKarras, order, _) if order > 2 => {
            refuse(format!("solver_order = {order}; DPM++ 2M is of order 1 or 2"))
        }
        (Method::UniPc, order, _) if !(1..=unipc::ORDER_MAX).contains(&order) => {
            refuse(format!("solver_order = {order}; from 1 to {}", unipc::ORDER_MAX))
        }
        (Method::UniPc, 2.., false) if clean => refuse("without lower_order_final the last step of unipc divides by zero".into()),
        _ if !sigmas.iter().all(|s| s.is_finite()) => refuse("a level without any signal; set rescale_betas_zero_snr off".into()),
        _ => Ok(()),
    }
}

/// One picture on its way through a schedule.
#[derive(Clone, Debug)]
pub struct Walk<F> {
    pub(super) schedule: std::sync::Arc<Schedule>,
    at: usize,
    begin: usize,
    /// What the model's outputs said of the clean picture, the newest last.
    pub(super) past: Vec<F>,
    /// UniPC: the corrected latents that the last prediction began with, and its order.
    pub(super) last: Option<(F, usize)>,
}

impl<F: Field> Walk<F> {
    pub fn new(schedule: std::sync::Arc<Schedule>, begin: usize) -> Self {
        Self { schedule, at: begin, begin, past: Vec::new(), last: None }
    }

    /// The step that comes next: an index into the schedule.
    pub fn at(&self) -> usize {
        self.at
    }

    pub fn done(&self) -> bool {
        self.at >= self.schedule.len()
    }

    pub fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// Whether the next step adds noise: its turn is `at()`.
    pub fn wants_noise(&self) -> bool {
        match self.schedule.method {
            Method::EulerAncestral => true,
            Method::Lcm => self.at + 1 != self.schedule.len(),
            _ => false,
        }
    }

    /// From the latents and what the model said of them to the next latents. `noise` is there if `wants_noise` says so.
    pub fn step(&mut self, sample: &F, output: &F, noise: Option<&F>) -> Result<F> {
        if self.done() {
            return Err(Error::wish("step", self.at, "a schedule has no step after its last"));
        }
        if self.wants_noise() && noise.is_none() {
            return Err(Error::wish("noise", "none", "this step adds some"));
        }
        let next = match self.schedule.method {
            Method::Euler => self.euler(sample, output),
            Method::EulerAncestral => self.ancestral(sample, output, noise.unwrap_or(sample)),
            Method::DpmPlusPlus2M | Method::DpmPlusPlus2MKarras => self.dpm(sample, output),
            Method::Ddim => self.ddim(sample, output),
            Method::Lcm => self.consistency(sample, output, noise),
            Method::UniPc => unipc::step(self, sample, output),
        }?;
        self.at += 1;
        Ok(next)
    }

    /// Steps taken.
    pub fn taken(&self) -> usize {
        self.at - self.begin
    }

    /// (of the sample, of the output): the clean picture in latents that carry `sigma` of noise beside a whole signal.
    fn clean_of_sigma(&self, sigma: f64) -> (f64, f64) {
        match self.schedule.prediction {
            Prediction::Epsilon => (1.0, -sigma),
            Prediction::VPrediction => (1.0 / (sigma * sigma + 1.0), -sigma / (sigma * sigma + 1.0).sqrt()),
            Prediction::Sample => (0.0, 1.0),
        }
    }

    /// The same where signal and noise are α and σ.
    pub(super) fn clean_of_alpha(&self, alpha: f64, sigma: f64) -> (f64, f64) {
        match self.schedule.prediction {
            Prediction::Epsilon => (1.0 / alpha, -sigma / alpha),
            Prediction::VPrediction => (alpha, -sigma),
            Prediction::Sample => (0.0, 1.0),
        }
    }

    fn euler(&self, sample: &F, output: &F) -> Result<F> {
        let (sigma, next) = (f64::from(self.schedule.sigmas[self.at]), f64::from(self.schedule.sigmas[self.at + 1]));
        let (of_sample, of_output) = self.clean_of_sigma(sigma);
        let slope = (next - sigma) / sigma;
        F::mix(&[(1.0 + slope * (1.0 - of_sample), sample), (-slope * of_output, output)])
    }

    fn ancestral(&self, sample: &F, output: &F, noise: &F) -> Result<F> {
        let (sigma, next) = (f64::from(self.schedule.sigmas[self.at]), f64::from(self.schedule.sigmas[self.at + 1]));
        let up = (next * next * (sigma * sigma - next * next) / (sigma * sigma)).sqrt();
        let down = (next * next - up * up).max(0.0).sqrt();
        let (of_sample, of_output) = self.clean_of_sigma(sigma);
        let slope = (down - sigma) / sigma;
        F::mix(&[(1.0 + slope * (1.0 - of_sample), sample), (-slope * of_output, output), (up, noise)])
    }

    fn dpm(&mut self, sample: &F, output: &F) -> Result<F> {
        let (at, sigmas) = (self.at, &self.schedule.sigmas);
        let (alpha_now, sigma_now) = alpha_sigma(sigmas[at]);
        let (of_sample, of_output) = self.clean_of_alpha(alpha_now, sigma_now);
        let clean = F::mix(&[(of_sample, sample), (of_output, output)])?;
        let (alpha_next, sigma_next) = alpha_sigma(sigmas[at + 1]);
        let h = log_snr(sigmas[at + 1]) - log_snr(sigmas[at]);
        let (keep, gain) = (sigma_next / sigma_now, -alpha_next * (-h).exp_m1());
        let next = match self.past.last().filter(|_| !self.first_order()) {
            None => F::mix(&[(keep, sample), (gain, &clean)])?,
            Some(before) => {
                let ratio = (log_snr(sigmas[at]) - log_snr(sigmas[at - 1])) / h;
                let lean = 0.5 * gain / ratio;
                F::mix(&[(keep, sample), (gain + lean, &clean), (-lean, before)])?
            }
        };
        self.past = vec![clean];
        Ok(next)
    }

    fn first_order(&self) -> bool {
        let (config, steps) = (&self.schedule.config, self.schedule.len());
        let few = config.lower_order_final.unwrap_or(true) && steps < 15;
        let clean = config.final_sigmas_type.unwrap_or(FinalSigma::Zero) == FinalSigma::Zero;
        let last = self.at == steps - 1 && (config.euler_at_final == Some(true) || few || clean);
        config.solver_order == Some(1) || self.taken() < 1 || last
    }

    /// The clean picture, clipped where the configuration says so.
    fn clipped(&self, clean: F, by_default: bool) -> Result<F> {
        match self.schedule.config.clip_sample.unwrap_or(by_default) {
            true => clean.clamp(self.schedule.config.clip_sample_range.unwrap_or(1.0)),
            false => Ok(clean),
        }
    }

    fn ddim(&self, sample: &F, output: &F) -> Result<F> {
        let (before, after) = self.schedule.alphas[self.at];
        let (alpha, sigma) = (before.sqrt(), (1.0 - before).sqrt());
        let (of_sample, of_output) = self.clean_of_alpha(alpha, sigma);
        let clean = self.clipped(F::mix(&[(of_sample, sample), (of_output, output)])?, true)?;
        let (next_alpha, next_sigma) = (after.sqrt(), (1.0 - after).sqrt());
        match self.schedule.prediction {
            Prediction::Epsilon => F::mix(&[(next_alpha, &clean), (next_sigma, output)]),
            Prediction::VPrediction => F::mix(&[(next_alpha, &clean), (next_sigma * alpha, output), (next_sigma * sigma, sample)]),
            Prediction::Sample => {
                F::mix(&[(next_alpha, &clean), (next_sigma / sigma, sample), (-next_sigma * alpha / sigma, output)])
            }
        }
    }

    fn consistency(&self, sample: &F, output: &F, noise: Option<&F>) -> Result<F> {
        let (before, after) = self.schedule.alphas[self.at];
        let (of_sample, of_output) = self.clean_of_alpha(before.sqrt(), (1.0 - before).sqrt());
        let clean = self.clipped(F::mix(&[(of_sample, sample), (of_output, output)])?, false)?;
        // The boundary conditions of Luo et al. 2023 with σ_data = 0.5.
        let scaling = f64::from(self.schedule.config.timestep_scaling.unwrap_or(10.0));
        let time = f64::from(self.schedule.timesteps[self.at]) * scaling;
        let skip = 0.25 / (time * time + 0.25);
        let out = time / (time * time + 0.25).sqrt();
        match noise.filter(|_| self.wants_noise()) {
            Some(noise) => {
                let alpha = after.sqrt();
                F::mix(&[(alpha * out, &clean), (alpha * skip, sample), ((1.0 - after).sqrt(), noise)])
            }
            None => F::mix(&[(out, &clean), (skip, sample)]),
        }
    }
}

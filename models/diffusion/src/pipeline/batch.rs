use super::{Model, Running};
use crate::{
    error::{Error, Result},
    schedule::Field,
    text::Encoded,
    unet::{Context, Residuals},
};
use candle_core::Tensor;

/// What goes through the network at once: of each request its negative row, if it is guided, and its positive one.
struct Rows {
    sample: Tensor,
    context: Context,
    /// Of each row the request that it belongs to.
    owner: Vec<usize>,
}

impl Model {
    /// One step of requests of one shape, each at its own timestep.
    pub fn denoise_step(&self, batch: &mut [&mut Running]) -> Result<()> {
        let Some(shape) = batch.first().map(|first| first.shape) else { return Ok(()) };
        if let Some(other) = batch.iter().find(|one| one.shape != shape || one.done()) {
            return Err(Error::wish("batch", format!("{:?}", other.shape), format!("unfinished requests of {shape:?} only")));
        }
        let rows = self.rows(batch)?;
        let residuals = self.residuals(batch, &rows)?;
        let input = self.filled(batch, &rows)?;
        let said = self.unet.forward(&input, &rows.context, residuals.as_ref())?.to_dtype(candle_core::DType::F32)?;
        let mut row = 0;
        for running in batch.iter_mut() {
            let count = 1 + usize::from(running.negative.is_some());
            let output = guided(running, &said.narrow(0, row, count)?.contiguous()?)?;
            row += count;
            running.advance(&output)?;
        }
        Ok(())
    }

    fn rows(&self, batch: &[&mut Running]) -> Result<Rows> {
        let (mut samples, mut texts, mut pooled, mut sizes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (mut timesteps, mut tokens, mut scales, mut owner) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (i, running) in batch.iter().enumerate() {
            let (at, schedule) = (running.walk.at(), running.walk.schedule());
            let sample = (&running.latents / f64::from(schedule.input_divisor(at)))?;
            let prompts: [Option<&Encoded>; 2] = [running.negative.as_ref(), Some(&running.positive)];
            for (positive, prompt) in prompts.into_iter().enumerate().filter_map(|(i, prompt)| Some((i == 1, prompt?))) {
                samples.push(sample.clone());
                texts.push(prompt.states.unsqueeze(0)?);
                timesteps.push(schedule.timesteps[at]);
                owner.push(i);
                if let (Some(own), Some(size)) = (&prompt.pooled, running.sizes) {
                    pooled.push(own.unsqueeze(0)?);
                    sizes.push(size);
                }
                if let Some((seen, nothing, scale)) = &running.image {
                    tokens.push(if positive { seen.clone() } else { nothing.clone() });
                    scales.push(*scale);
                }
            }
        }
        let added = if pooled.is_empty() { None } else { Some((Tensor::cat(&pooled, 0)?, sizes)) };
        let image = if tokens.is_empty() { None } else { Some((Tensor::cat(&tokens, 0)?, scales)) };
        let context = Context { timesteps, text: Tensor::cat(&texts, 0)?, added, image };
        Ok(Rows { sample: Tensor::cat(&samples, 0)?, context, owner })
    }

    /// The latents, and beside them mask and masked picture for networks that fill.
    fn filled(&self, batch: &[&mut Running], rows: &Rows) -> Result<Tensor> {
        let fills: Vec<Tensor> = rows.owner.iter().filter_map(|&i| batch[i].fill.clone()).collect();
        if fills.is_empty() {
            return Ok(rows.sample.clone());
        }
        Ok(Tensor::cat(&[&rows.sample, &Tensor::cat(&fills, 0)?], 1)?)
    }

    fn residuals(&self, batch: &[&mut Running], rows: &Rows) -> Result<Option<Residuals>> {
        let mut sum: Option<Residuals> = None;
        for (i, net) in self.controls.iter().enumerate() {
            let of = |&owner: &usize| &batch[owner].controls[i];
            let pictures: Vec<&Tensor> = rows.owner.iter().map(|owner| &of(owner).picture).collect();
            let scale = |owner: &usize| {
                let walk = &batch[*owner].walk;
                of(owner).scale_at(walk.taken(), walk.taken() + walk.schedule().len() - walk.at())
            };
            let scales: Vec<f32> = rows.owner.iter().map(scale).collect();
            let said = net.forward(&rows.sample, &Tensor::cat(&pictures, 0)?, &rows.context, &scales)?;
            sum = Some(match sum {
                Some(sum) => sum.and(said)?,
                None => said,
            });
        }
        Ok(sum)
    }
}

/// What a request's rows come to.
fn guided(running: &Running, rows: &Tensor) -> Result<Tensor> {
    if running.negative.is_none() {
        return Ok(rows.clone());
    }
    let (negative, positive) = (rows.narrow(0, 0, 1)?.contiguous()?, rows.narrow(0, 1, 1)?.contiguous()?);
    let mixed = (&negative + ((&positive - &negative)? * running.guidance)?)?;
    if running.guidance_rescale == 0.0 {
        return Ok(mixed);
    }
    let ratio = deviation(&positive)? / deviation(&mixed)?;
    let share = running.guidance_rescale;
    Ok((&mixed * (share * ratio + (1.0 - share)))?)
}

/// The sample's standard deviation.
fn deviation(x: &Tensor) -> Result<f64> {
    let all: Vec<f32> = x.flatten_all()?.to_vec1()?;
    let mean = all.iter().map(|&x| f64::from(x)).sum::<f64>() / all.len() as f64;
    let squares: f64 = all.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum();
    Ok((squares / (all.len().max(2) - 1) as f64).sqrt())
}

impl Running {
    fn advance(&mut self, output: &Tensor) -> Result<()> {
        let noise = if self.walk.wants_noise() { Some(self.noise(self.walk.at())?) } else { None };
        self.latents = self.walk.step(&self.latents, output, noise.as_ref())?;
        let Some(kept) = &self.kept else { return Ok(()) };
        let mut picture = kept.latents.clone();
        if !self.walk.done() {
            let (of_picture, of_noise) = self.walk.schedule().mixture(self.walk.at());
            picture = Field::mix(&[(f64::from(of_picture), &picture), (f64::from(of_noise), &kept.noise)])?;
        }
        let old = picture.broadcast_mul(&(1.0 - &kept.mask)?)?;
        self.latents = (old + self.latents.broadcast_mul(&kept.mask)?)?;
        Ok(())
    }
}

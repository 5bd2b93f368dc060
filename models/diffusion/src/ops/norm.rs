use super::floats;
use crate::error::Result;
use candle_core::{CpuStorage, CustomOp3, DType, Layout, Shape, Tensor, bail};
use rayon::prelude::*;

/// Group normalisation over [batch, …, channels] (Wu and He 2018): mean and variance of each picture's groups, in two passes.
pub(crate) fn group_norm(x: &Tensor, weight: &Tensor, bias: &Tensor, groups: usize, eps: f64) -> Result<Tensor> {
    if x.device().is_cpu() && x.dtype() == DType::F32 {
        return Ok(x.contiguous()?.apply_op3_no_bwd(&weight.contiguous()?, &bias.contiguous()?, &GroupNorm { groups, eps })?);
    }
    plain(x, weight, bias, groups, eps)
}

fn plain(x: &Tensor, weight: &Tensor, bias: &Tensor, groups: usize, eps: f64) -> Result<Tensor> {
    let (batch, channels) = (x.dim(0)?, x.dim(x.rank() - 1)?);
    let wide = x.reshape((batch, (), groups, channels / groups))?.to_dtype(DType::F32)?;
    let count = wide.elem_count() / (batch * groups).max(1);
    let mean = |x: &Tensor| -> candle_core::Result<Tensor> { x.sum_keepdim(3)?.sum_keepdim(1)? / count as f64 };
    let middle = wide.broadcast_sub(&mean(&wide)?)?;
    let scale = (mean(&middle.sqr()?)? + eps)?.sqrt()?;
    let normed = middle.broadcast_div(&scale)?.to_dtype(x.dtype())?.reshape(x.shape())?;
    Ok(normed.broadcast_mul(weight)?.broadcast_add(bias)?)
}

struct GroupNorm {
    groups: usize,
    eps: f64,
}

/// Pixels summed in f32 before they join a sum in f64, and of one job.
const PIXELS: usize = 32;
const JOB_PIXELS: usize = 1024;

impl GroupNorm {
    /// Of each group Σ f(x, its centre) / count; `f` is summed by channels, so that neighbours are added side by side.
    fn means(&self, picture: &[f32], channels: usize, centres: &[f32], f: impl Fn(f32, f32) -> f32 + Sync) -> Vec<f64> {
        let jobs: Vec<Vec<f64>> = picture
            .par_chunks(JOB_PIXELS * channels)
            .map(|part| {
                let mut sums = vec![0.0f64; channels];
                let mut some = vec![0.0f32; channels];
                for pixels in part.chunks(PIXELS * channels) {
                    some.fill(0.0);
                    for pixel in pixels.chunks_exact(channels) {
                        some.iter_mut().zip(pixel).zip(centres).for_each(|((sum, &x), &centre)| *sum += f(x, centre));
                    }
                    sums.iter_mut().zip(&some).for_each(|(sum, &some)| *sum += f64::from(some));
                }
                sums
            })
            .collect();
        let width = channels / self.groups;
        let count = (picture.len() / self.groups) as f64;
        let group = |g: usize| jobs.iter().map(|sums| sums[g * width..(g + 1) * width].iter().sum::<f64>()).sum::<f64>() / count;
        (0..self.groups).map(group).collect()
    }

    fn run(&self, picture: &[f32], weight: &[f32], bias: &[f32], out: &mut [f32]) {
        let channels = weight.len();
        let width = channels / self.groups;
        let means = self.means(picture, channels, &vec![0.0; channels], |x, _| x);
        let centres: Vec<f32> = (0..channels).map(|c| means[c / width] as f32).collect();
        let variances = self.means(picture, channels, &centres, |x, centre| (x - centre) * (x - centre));
        let scales: Vec<f32> = (0..channels).map(|c| weight[c] / ((variances[c / width] + self.eps).sqrt() as f32)).collect();
        let parts = out.par_chunks_mut(JOB_PIXELS * channels).zip(picture.par_chunks(JOB_PIXELS * channels));
        parts.for_each(|(out, picture)| {
            for (out, pixel) in out.chunks_exact_mut(channels).zip(picture.chunks_exact(channels)) {
                for c in 0..channels {
                    out[c] = (pixel[c] - centres[c]) * scales[c] + bias[c];
                }
            }
        });
    }
}

impl CustomOp3 for GroupNorm {
    fn name(&self) -> &'static str {
        "group-norm"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let (x, weight, bias) = (floats(x, layout)?, floats(weight, weight_layout)?, floats(bias, bias_layout)?);
        let channels = weight.len();
        let fits = layout.dims().last() == Some(&channels) && bias.len() == channels && layout.dims().len() > 1;
        if !fits || channels == 0 || self.groups == 0 || channels % self.groups != 0 || x.is_empty() {
            bail!("a group norm of {channels} channels in {} groups was given {:?}", self.groups, layout.dims());
        }
        let mut out = vec![0.0; x.len()];
        let picture = x.len() / layout.dims()[0];
        out.chunks_exact_mut(picture).zip(x.chunks_exact(picture)).for_each(|(out, x)| self.run(x, weight, bias, out));
        Ok((CpuStorage::F32(out), layout.shape().clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn fused_equals_plain() {
        let draw = |mean: f32, shape: &[usize]| Tensor::randn(mean, 1.5, shape, &Device::Cpu).unwrap();
        for (shape, groups) in [(vec![2, 5, 7, 12], 4), (vec![1, 40, 60, 64], 32), (vec![3, 9, 8], 8), (vec![1, 1, 1, 4], 2)] {
            let channels = shape[shape.len() - 1];
            let (x, weight, bias) = (draw(3.0, &shape), draw(1.0, &[channels]), draw(0.0, &[channels]));
            let ours = group_norm(&x, &weight, &bias, groups, 1e-5).unwrap();
            let theirs = plain(&x, &weight, &bias, groups, 1e-5).unwrap();
            let far = (ours - theirs).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
            assert!(far < 2e-5, "{shape:?} in {groups}: {far}");
        }
        let (x, short) = (draw(0.0, &[1, 2, 2, 6]), draw(0.0, &[4]));
        assert!(group_norm(&x, &short, &short, 2, 1e-5).is_err());
    }
}

use super::floats;
use crate::error::Result;
use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Shape, Tensor, bail};
use klieg_nn::{After, Packed};
use rayon::prelude::*;

/// Output pixels that are gathered at once: two of the packed product's bands.
const PIXELS: usize = 96;

/// A convolution as a product of gathered pixels and packed weights: [batch, height, width, in] → [batch, height, width, out].
pub(crate) struct PackedConv {
    packed: Packed,
    inside: usize,
    size: usize,
    stride: usize,
    padding: usize,
}

impl PackedConv {
    /// `weight`: [out, in, k, k] in f32; `bias`: [out].
    pub fn new(weight: &Tensor, bias: &Tensor, stride: usize, padding: usize) -> Result<Self> {
        let (out, inside, size, _) = weight.dims4()?;
        let weight: Vec<f32> = weight.permute((0, 2, 3, 1))?.flatten_all()?.to_vec1()?;
        let packed = Packed::new(&weight, out, size * size * inside, &bias.to_vec1::<f32>()?);
        Ok(Self { packed, inside, size, stride, padding })
    }

    pub fn forward(&self, x: &Tensor, onto: Option<&Tensor>) -> Result<Tensor> {
        let x = x.contiguous()?;
        Ok(match onto {
            Some(onto) => x.apply_op2_no_bwd(&onto.contiguous()?, &Apply(self))?,
            None => x.apply_op1_no_bwd(&Apply(self))?,
        })
    }

    fn run(&self, x: &[f32], layout: &Layout, onto: Option<&[f32]>) -> candle_core::Result<(CpuStorage, Shape)> {
        let (batch, height, width, inside) = layout.shape().dims4()?;
        let (tall, wide) = (height + 2 * self.padding, width + 2 * self.padding);
        if inside != self.inside || tall < self.size || wide < self.size {
            bail!("a convolution of {} channels and size {} was given {:?}", self.inside, self.size, layout.dims());
        }
        let (tall, wide) = ((tall - self.size) / self.stride + 1, (wide - self.size) / self.stride + 1);
        let shape = Shape::from((batch, tall, wide, self.packed.width()));
        let count = shape.elem_count();
        if onto.is_some_and(|onto| onto.len() != count) {
            bail!("a convolution's residual is not of its {shape:?}");
        }
        if self.size == 1 && self.stride == 1 && self.padding == 0 {
            let out = self.packed.product(x, batch * tall * wide, After { plus: onto, ..After::default() });
            return Ok((CpuStorage::F32(out), shape));
        }
        let view = View { x, height, width, tall, wide };
        let row = self.packed.width();
        let mut out = vec![0.0; count];
        out.par_chunks_mut(PIXELS * row).enumerate().for_each_init(Vec::new, |gathered: &mut Vec<f32>, (chunk, out)| {
            let first = chunk * PIXELS;
            gathered.clear();
            let count = out.len() / row;
            (first..first + count).for_each(|pixel| self.gather(&view, pixel, gathered));
            let plus = onto.map(|onto| &onto[first * row..][..out.len()]);
            out.copy_from_slice(&self.packed.product(gathered, count, After { plus, ..After::default() }));
        });
        Ok((CpuStorage::F32(out), shape))
    }

    /// Appends what one output pixel sees: rows of the kernel, columns, channels; zeros beyond the edge.
    fn gather(&self, view: &View, pixel: usize, into: &mut Vec<f32>) {
        let (column, row) = (pixel % view.wide, pixel / view.wide % view.tall);
        let picture = pixel / (view.wide * view.tall) * view.height * view.width;
        for dy in 0..self.size {
            let y = (row * self.stride + dy).checked_sub(self.padding).filter(|&y| y < view.height);
            let Some(y) = y else {
                into.resize(into.len() + self.size * self.inside, 0.0);
                continue;
            };
            let begin = column * self.stride;
            let inner = begin >= self.padding && begin + self.size <= view.width + self.padding;
            if inner {
                let from = (picture + y * view.width + begin - self.padding) * self.inside;
                into.extend_from_slice(&view.x[from..from + self.size * self.inside]);
                continue;
            }
            for dx in 0..self.size {
                match (begin + dx).checked_sub(self.padding).filter(|&x| x < view.width) {
                    Some(x) => into.extend_from_slice(&view.x[(picture + y * view.width + x) * self.inside..][..self.inside]),
                    None => into.resize(into.len() + self.inside, 0.0),
                }
            }
        }
    }
}

struct View<'a> {
    x: &'a [f32],
    height: usize,
    width: usize,
    /// The output's height and width.
    tall: usize,
    wide: usize,
}

struct Apply<'a>(&'a PackedConv);

impl CustomOp1 for Apply<'_> {
    fn name(&self) -> &'static str {
        "packed-conv"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        self.0.run(floats(x, layout)?, layout, None)
    }
}

impl CustomOp2 for Apply<'_> {
    fn name(&self) -> &'static str {
        "packed-conv-onto"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        layout: &Layout,
        onto: &CpuStorage,
        onto_layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        self.0.run(floats(x, layout)?, layout, Some(floats(onto, onto_layout)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::plain_conv;
    use candle_core::Device;

    #[test]
    fn packed_equals_candles() {
        let draw = |shape: &[usize]| Tensor::randn(0f32, 1.0, shape, &Device::Cpu).unwrap();
        for (height, width, inside, out, size, stride, padding) in [
            (7, 9, 5, 6, 3, 1, 1),
            (12, 17, 33, 70, 3, 1, 1),
            (8, 8, 4, 3, 3, 2, 1),
            (9, 9, 4, 3, 3, 2, 0),
            (5, 4, 8, 40, 1, 1, 0),
            (2, 1, 3, 2, 3, 1, 1),
        ] {
            let (x, weight, bias) = (draw(&[2, height, width, inside]), draw(&[out, inside, size, size]), draw(&[out]));
            let theirs = plain_conv(&x, &weight, Some(&bias), padding, stride).unwrap();
            let conv = PackedConv::new(&weight, &bias, stride, padding).unwrap();
            let far = |a: &Tensor, b: &Tensor| (a - b).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
            let ours = conv.forward(&x, None).unwrap();
            assert!(far(&ours, &theirs) < 1e-4, "{height}×{width}, {inside} to {out}");
            let twice = conv.forward(&x, Some(&theirs)).unwrap();
            assert!(far(&twice, &(&theirs + &theirs).unwrap()) < 1e-4);
            assert!(conv.forward(&x, Some(&x)).is_err() || x.elem_count() == ours.elem_count());
            assert!(conv.forward(&draw(&[1, 8, 8, inside + 1]), None).is_err());
            // A picture is the same in any company, bit by bit.
            let alone = conv.forward(&x.narrow(0, 1, 1).unwrap(), None).unwrap();
            assert_eq!(far(&alone, &ours.narrow(0, 1, 1).unwrap()), 0.0);
        }
    }
}

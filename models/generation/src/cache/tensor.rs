use super::{BLOCK_TOKENS, Look, Pages, Reach, Shape};
use candle_core::{D, DType, Device, Result, Tensor};

/// Pages as tensors of any device and type, by candle's own operations: what a sequence reaches is gathered, then multiplied.
pub struct TensorPages {
    shape: Shape,
    /// Per layer: keys and values, (blocks · tokens, heads · head).
    layers: Vec<[Tensor; 2]>,
}

impl TensorPages {
    pub fn new(shape: Shape, dtype: DType, device: &Device) -> Result<Self> {
        let page = || Tensor::zeros((shape.blocks * BLOCK_TOKENS, shape.row()), dtype, device);
        let layers = (0..shape.layers).map(|_| Ok([page()?, page()?])).collect::<Result<_>>()?;
        Ok(Self { shape, layers })
    }

    /// Attention of one sequence's queries (rows, heads, head): (rows, heads · head).
    fn one(&self, look: Look, reach: &Reach<'_>, queries: &Tensor) -> Result<Tensor> {
        let (rows, heads, head) = queries.dims3()?;
        let (first, end) = (look.first(reach.start), reach.start + reach.rows);
        let slots: Vec<u32> = (first..end).map(|position| reach.slot(position) as u32).collect();
        let slots = Tensor::new(slots, queries.device())?;
        let shared = heads / self.shape.heads;
        let gathered = |page: &Tensor| -> Result<Tensor> {
            let page = page.index_select(&slots, 0)?.reshape((end - first, self.shape.heads, 1, head))?;
            let page = page.expand((end - first, self.shape.heads, shared, head))?.reshape((end - first, heads, head))?;
            page.transpose(0, 1)?.contiguous()
        };
        let [keys, values] = &self.layers[look.layer];
        let queries = queries.transpose(0, 1)?.contiguous()?;
        let scores = (queries.matmul(&gathered(keys)?.t()?)? * f64::from(look.scale))?.to_dtype(DType::F32)?;
        let hidden = |row: usize, other: usize| other > reach.start + row || other < look.first(reach.start + row);
        let mask: Vec<f32> = (0..rows)
            .flat_map(|row| (first..end).map(move |other| if hidden(row, other) { f32::NEG_INFINITY } else { 0.0 }))
            .collect();
        let mask = Tensor::from_vec(mask, (1, rows, end - first), scores.device())?;
        let weights = candle_nn::ops::softmax(&scores.broadcast_add(&mask)?, D::Minus1)?.to_dtype(values.dtype())?;
        weights.matmul(&gathered(values)?)?.transpose(0, 1)?.reshape((rows, heads * head))
    }
}

impl Pages for TensorPages {
    fn write(&mut self, layer: usize, reaches: &[Reach<'_>], keys: &Tensor, values: &Tensor) -> Result<()> {
        for (page, tensor) in self.layers[layer].iter().zip([keys, values]) {
            let tensor = tensor.flatten_from(1)?.to_dtype(page.dtype())?.contiguous()?;
            let mut from = 0;
            for reach in reaches {
                let (mut position, end) = (reach.start, reach.start + reach.rows);
                while position < end {
                    let run = (BLOCK_TOKENS - position % BLOCK_TOKENS).min(end - position);
                    page.slice_set(&tensor.narrow(0, from, run)?.contiguous()?, 0, reach.slot(position))?;
                    (position, from) = (position + run, from + run);
                }
            }
        }
        Ok(())
    }

    fn attend(&self, look: Look, reaches: &[Reach<'_>], queries: &Tensor) -> Result<Tensor> {
        let mut from = 0;
        let mut parts = Vec::with_capacity(reaches.len());
        for reach in reaches {
            parts.push(self.one(look, reach, &queries.narrow(0, from, reach.rows)?)?);
            from += reach.rows;
        }
        Tensor::cat(&parts, 0)
    }
}

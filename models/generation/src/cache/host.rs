use super::{BLOCK_TOKENS, Look, Pages, Reach, Shape};
use crate::product::dot;
use candle_core::{Device, Result, Tensor};
use rayon::prelude::*;

/// Pages in host memory. A query's row is computed on its own, in the order of positions: batches and steps don't change it.
pub struct HostPages {
    shape: Shape,
    /// Per layer: keys and values, (blocks · tokens, heads, head).
    layers: Vec<[Vec<f32>; 2]>,
}

impl HostPages {
    pub fn new(shape: Shape) -> Self {
        let floats = shape.blocks * BLOCK_TOKENS * shape.row();
        Self { shape, layers: (0..shape.layers).map(|_| [vec![0.0; floats], vec![0.0; floats]]).collect() }
    }

    /// Attention of one query head to the keys of one head of keys.
    fn head(&self, look: Look, reach: &Reach<'_>, position: usize, group: usize, query: &[f32], out: &mut [f32]) {
        let [keys, values] = &self.layers[look.layer];
        let (first, head) = (look.first(position), self.shape.head);
        let at = |position| reach.slot(position) * self.shape.row() + group * head;
        let mut scores: Vec<f32> =
            (first..=position).map(|other| dot(query, &keys[at(other)..at(other) + head]) * look.scale).collect();
        let top = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        scores.iter_mut().for_each(|score| *score = (*score - top).exp());
        let total: f32 = scores.iter().sum();
        out.fill(0.0);
        for (other, score) in (first..=position).zip(&scores) {
            let value = &values[at(other)..at(other) + head];
            out.iter_mut().zip(value).for_each(|(out, value)| *out += score * value);
        }
        out.iter_mut().for_each(|out| *out /= total);
    }
}

impl Pages for HostPages {
    fn write(&mut self, layer: usize, reaches: &[Reach<'_>], keys: &Tensor, values: &Tensor) -> Result<()> {
        let row = self.shape.row();
        for (page, tensor) in self.layers[layer].iter_mut().zip([keys, values]) {
            let rows = tensor.flatten_all()?.to_vec1::<f32>()?;
            let positions = reaches.iter().flat_map(|reach| (reach.start..reach.start + reach.rows).map(|at| reach.slot(at)));
            for (slot, source) in positions.zip(rows.chunks_exact(row)) {
                page[slot * row..(slot + 1) * row].copy_from_slice(source);
            }
        }
        Ok(())
    }

    fn attend(&self, look: Look, reaches: &[Reach<'_>], queries: &Tensor) -> Result<Tensor> {
        let (rows, heads, head) = queries.dims3()?;
        let queries = queries.flatten_all()?.to_vec1::<f32>()?;
        let shared = heads / self.shape.heads;
        let places: Vec<(usize, usize)> =
            reaches.iter().enumerate().flat_map(|(at, reach)| (0..reach.rows).map(move |row| (at, reach.start + row))).collect();
        let mut out = vec![0.0f32; rows * heads * head];
        out.par_chunks_mut(head).zip(queries.par_chunks(head)).enumerate().for_each(|(at, (out, query))| {
            let (reach, position) = places[at / heads];
            self.head(look, &reaches[reach], position, (at % heads) / shared, query, out);
        });
        Tensor::from_vec(out, (rows, heads * head), &Device::Cpu)
    }
}

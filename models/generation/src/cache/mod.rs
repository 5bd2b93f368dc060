//! Keys and values of sequences, in blocks of 16 tokens (Kwon et al., "PagedAttention", 2023).
//!
//! [`Blocks`] keeps the books: which block belongs to which sequence, and which full ones begin alike. [`Pages`] keeps the numbers:
//! [`HostPages`] in host memory, whose results are bit-equal in any batch; [`TensorPages`] as tensors of any device.

mod blocks;
mod host;
mod tensor;

pub use blocks::{Blocks, Table};
pub use host::HostPages;
pub use tensor::TensorPages;

use candle_core::{Result, Tensor};

/// Tokens of a block.
pub const BLOCK_TOKENS: usize = 16;

/// Rows of a step that belong to one sequence: the queries of positions `start..start + rows`.
#[derive(Clone, Copy, Debug)]
pub struct Reach<'a> {
    /// The sequence's blocks, in order.
    pub blocks: &'a [u32],
    pub start: usize,
    pub rows: usize,
}

impl Reach<'_> {
    /// Where a position's key and value are, in tokens from the pages' begin.
    pub fn slot(&self, position: usize) -> usize {
        self.blocks[position / BLOCK_TOKENS] as usize * BLOCK_TOKENS + position % BLOCK_TOKENS
    }
}

/// What attention looks like in one layer.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    pub layer: usize,
    /// What scores are multiplied by.
    pub scale: f32,
    /// Positions that a token sees, its own included; `None`: all before it.
    pub window: Option<usize>,
}

impl Look {
    /// The first position that `position` sees.
    pub fn first(&self, position: usize) -> usize {
        self.window.map_or(0, |window| (position + 1).saturating_sub(window))
    }
}

/// Where keys and values are kept.
pub trait Pages: Send {
    /// Puts keys and values, each (rows, heads of keys, head), where the reaches say; rows are those of all reaches, in order.
    fn write(&mut self, layer: usize, reaches: &[Reach<'_>], keys: &Tensor, values: &Tensor) -> Result<()>;
    /// Attention of queries (rows, heads, head): (rows, heads · head).
    fn attend(&self, look: Look, reaches: &[Reach<'_>], queries: &Tensor) -> Result<Tensor>;
}

/// The size of pages.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub layers: usize,
    pub blocks: usize,
    pub heads: usize,
    /// Width of a head.
    pub head: usize,
}

impl Shape {
    /// Floats of the keys (or values) of one token in one layer.
    pub fn row(&self) -> usize {
        self.heads * self.head
    }

    /// Bytes of all keys and values as 32-bit floats.
    pub fn bytes(&self) -> u64 {
        2 * 4 * (self.layers * self.blocks * BLOCK_TOKENS * self.row()) as u64
    }
}

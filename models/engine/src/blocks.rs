//! Keys and values of sequences in blocks of tokens, as vLLM's PagedAttention has them (Kwon et al., 2023): a sequence's blocks lie
//! anywhere, sequences that begin alike share blocks, and who writes to a shared block gets a copy.

use crate::words::{PoolSpec, RequestId, Sequence};
use std::collections::BTreeMap;

/// A block of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockId(pub u32);

/// A block to be copied before it is written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copy {
    pub from: BlockId,
    pub to: BlockId,
}

/// There are too few free blocks: somebody has to give some back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("find {wanted} free blocks for keys and values: there are {free}")]
pub struct Exhausted {
    pub wanted: usize,
    pub free: usize,
}

/// The blocks of a sequence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Held {
    blocks: Vec<BlockId>,
    tokens: u32,
}

/// A pool and who has its blocks.
#[derive(Clone, Debug)]
pub struct Pool {
    spec: PoolSpec,
    /// How many sequences have each block.
    counts: Vec<u32>,
    /// Taken from the end.
    free: Vec<BlockId>,
    held: BTreeMap<RequestId, Held>,
    /// Whole blocks of prompts that are there, by the digest of everything up to their end.
    known: BTreeMap<u64, BlockId>,
    names: BTreeMap<BlockId, u64>,
}

impl Pool {
    pub fn new(spec: PoolSpec) -> Self {
        let free = (0..spec.blocks).rev().map(BlockId).collect();
        let counts = vec![0; spec.blocks as usize];
        Self { spec, counts, free, held: BTreeMap::new(), known: BTreeMap::new(), names: BTreeMap::new() }
    }

    pub fn spec(&self) -> PoolSpec {
        self.spec
    }

    pub fn free(&self) -> usize {
        self.free.len()
    }

    /// Whether any sequence has blocks.
    pub fn is_used(&self) -> bool {
        !self.held.is_empty()
    }

    /// Blocks that so many tokens take.
    pub fn blocks_of(&self, tokens: u64) -> u64 {
        tokens.div_ceil(u64::from(self.spec.block_tokens))
    }

    /// The blocks of a sequence, in its order.
    pub fn table(&self, id: RequestId) -> &[BlockId] {
        self.held.get(&id).map_or(&[], |held| &held.blocks)
    }

    /// Blocks that a prompt would take besides those that others have already.
    pub fn wanted(&self, sequence: &Sequence) -> usize {
        self.blocks_of(sequence.prompt_tokens.into()) as usize - self.shared(sequence).count()
    }

    /// Blocks of the prompt's beginning that others have already.
    fn shared(&self, sequence: &Sequence) -> impl Iterator<Item = BlockId> {
        let whole = (sequence.prompt_tokens / self.spec.block_tokens) as usize;
        sequence.prefix.iter().take(whole).map_while(|name| self.known.get(name).copied())
    }

    /// Room for a prompt. Nothing is taken if there is too little.
    pub fn begin(&mut self, id: RequestId, sequence: &Sequence) -> Result<(), Exhausted> {
        let mut blocks: Vec<BlockId> = self.shared(sequence).collect();
        let wanted = self.blocks_of(sequence.prompt_tokens.into()) as usize - blocks.len();
        self.room(wanted)?;
        blocks.iter().for_each(|block| self.counts[block.0 as usize] += 1);
        let shared = blocks.len();
        blocks.extend((0..wanted).filter_map(|_| self.take()));
        let whole = (sequence.prompt_tokens / self.spec.block_tokens) as usize;
        for (block, name) in blocks.iter().zip(&sequence.prefix).take(whole).skip(shared) {
            self.known.insert(*name, *block);
            self.names.insert(*block, *name);
        }
        self.held.insert(id, Held { blocks, tokens: sequence.prompt_tokens });
        Ok(())
    }

    /// Room for one more token; what has to be copied first because it is shared.
    pub fn append(&mut self, id: RequestId) -> Result<Option<Copy>, Exhausted> {
        let held = self.held.entry(id).or_default();
        let filled = held.tokens.is_multiple_of(self.spec.block_tokens);
        let last = held.blocks.last().copied().filter(|_| !filled);
        match last {
            Some(last) if self.counts[last.0 as usize] == 1 => {
                held.tokens += 1;
                Ok(None)
            }
            last => {
                self.room(1)?;
                let Some(fresh) = self.take() else { return Err(Exhausted { wanted: 1, free: 0 }) };
                let held = self.held.entry(id).or_default();
                held.tokens += 1;
                let Some(from) = last else {
                    held.blocks.push(fresh);
                    return Ok(None);
                };
                held.blocks.pop();
                held.blocks.push(fresh);
                self.give(from);
                Ok(Some(Copy { from, to: fresh }))
            }
        }
    }

    /// Another sequence that goes on where this one is: it shares all of its blocks.
    pub fn fork(&mut self, from: RequestId, to: RequestId) {
        if let Some(held) = self.held.get(&from).cloned() {
            held.blocks.iter().for_each(|block| self.counts[block.0 as usize] += 1);
            self.held.insert(to, held);
        }
    }

    /// Gives a sequence's blocks back.
    pub fn end(&mut self, id: RequestId) {
        for block in self.held.remove(&id).unwrap_or_default().blocks {
            self.give(block);
        }
    }

    fn room(&self, wanted: usize) -> Result<(), Exhausted> {
        if wanted > self.free.len() { Err(Exhausted { wanted, free: self.free.len() }) } else { Ok(()) }
    }

    fn take(&mut self) -> Option<BlockId> {
        let block = self.free.pop()?;
        self.counts[block.0 as usize] = 1;
        Some(block)
    }

    fn give(&mut self, block: BlockId) {
        let count = &mut self.counts[block.0 as usize];
        *count -= 1;
        if *count == 0 {
            self.forget(block);
            self.free.push(block);
        }
    }

    fn forget(&mut self, block: BlockId) {
        if let Some(name) = self.names.remove(&block) {
            self.known.remove(&name);
        }
    }

    /// What is wrong with the counts, if anything: every block is free or had by as many sequences as it says.
    pub fn broken(&self) -> Option<String> {
        let mut counts = vec![0_u32; self.counts.len()];
        self.held.values().flat_map(|held| &held.blocks).for_each(|block| counts[block.0 as usize] += 1);
        if counts != self.counts {
            return Some(format!("blocks are counted {:?} and held {counts:?}", self.counts));
        }
        let free = counts.iter().filter(|count| **count == 0).count();
        if free != self.free.len() || self.free.iter().any(|block| counts[block.0 as usize] != 0) {
            return Some(format!("{free} blocks are free, and {} are listed", self.free.len()));
        }
        let fits = |held: &Held| self.blocks_of(held.tokens.into()) == held.blocks.len() as u64;
        let unfit = self.held.iter().find(|(_, held)| !fits(held));
        unfit.map(|(id, held)| format!("{id:?} has {} tokens in {} blocks", held.tokens, held.blocks.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: PoolSpec = PoolSpec { blocks: 8, block_bytes: 1, block_tokens: 4 };

    fn prompt(tokens: u32, prefix: &[u64]) -> Sequence {
        Sequence { prompt_tokens: tokens, new_tokens_max: 9, prefix: prefix.to_vec() }
    }

    #[test]
    fn beginnings_are_shared_and_copied_when_written_to() {
        let mut pool = Pool::new(SPEC);
        let [a, b, c] = [1, 2, 3].map(RequestId);
        pool.begin(a, &prompt(9, &[10, 11])).expect("room");
        pool.begin(b, &prompt(10, &[10, 11])).expect("room");
        assert_eq!(pool.table(a)[..2], pool.table(b)[..2]);
        assert_ne!(pool.table(a)[2], pool.table(b)[2]);
        assert_eq!(pool.free(), 4);
        pool.fork(b, c);
        let from = pool.table(b)[2];
        let copy = pool.append(c).expect("room").expect("a copy");
        assert_eq!((copy.from, pool.table(c)[2], pool.table(b)[2]), (from, copy.to, from));
        assert_eq!(pool.append(b), Ok(None), "nobody else has it any more");
        assert_eq!(pool.broken(), None);
        for id in [a, b, c] {
            pool.end(id);
            assert_eq!(pool.broken(), None);
        }
        assert_eq!(pool.free(), 8);
        pool.begin(a, &prompt(8, &[10, 11])).expect("room");
        assert_eq!(pool.free(), 6, "what nobody has is not known any more");
    }

    #[test]
    fn exhaustion_takes_nothing() {
        let mut pool = Pool::new(SPEC);
        pool.begin(RequestId(1), &prompt(28, &[])).expect("room");
        assert_eq!(pool.begin(RequestId(2), &prompt(5, &[])), Err(Exhausted { wanted: 2, free: 1 }));
        assert_eq!((pool.free(), pool.table(RequestId(2))), (1, &[][..]));
        assert_eq!(pool.append(RequestId(1)), Ok(None), "the last block");
        (0..3).for_each(|_| assert_eq!(pool.append(RequestId(1)), Ok(None)));
        assert_eq!(pool.append(RequestId(1)), Err(Exhausted { wanted: 1, free: 0 }));
        assert_eq!(pool.broken(), None);
    }

    #[test]
    fn any_use_keeps_the_counts() {
        for seed in 0..200 {
            let mut dice = fastrand::Rng::with_seed(seed);
            let mut pool = Pool::new(PoolSpec { blocks: 1 + dice.u32(..20), block_bytes: 1, block_tokens: 1 + dice.u32(..5) });
            for _ in 0..200 {
                let id = RequestId(dice.u64(..6));
                match dice.u8(..4) {
                    0 if pool.table(id).is_empty() => {
                        let prefix: Vec<u64> = (0..dice.u64(..4)).map(|i| i * 2 + u64::from(dice.u8(..8) == 0)).collect();
                        let before = pool.free();
                        let sequence = prompt(1 + dice.u32(..20), &prefix);
                        let wanted = pool.wanted(&sequence);
                        match pool.begin(id, &sequence) {
                            Ok(()) => assert_eq!(pool.free(), before - wanted),
                            Err(_) => assert_eq!(pool.free(), before),
                        }
                    }
                    1 => pool.end(id),
                    2 if pool.table(RequestId(9)).is_empty() => pool.fork(id, RequestId(9)),
                    2 => pool.end(RequestId(9)),
                    _ if !pool.table(id).is_empty() => {
                        let _ = pool.append(id);
                    }
                    _ => {}
                }
                assert_eq!(pool.broken(), None, "seed {seed}");
            }
        }
    }
}

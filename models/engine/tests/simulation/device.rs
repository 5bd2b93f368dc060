//! A device that keeps its own books, and fake models whose results depend on everything that they should not depend on.

use klieg_engine::{
    Batch, Effect, Entry, ModelId, ModelSpec, RequestId,
    blocks::BlockId,
    residency::{Move, PartId},
};
use std::collections::{BTreeMap, BTreeSet};

/// A step further from a state: what a model computes.
pub fn advance(state: u64, phase: usize, step: u32) -> u64 {
    let mut bits = state ^ (phase as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ u64::from(step).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits ^ (bits >> 27)
}

/// What a request brings: its seed and the tokens of its prompt.
#[derive(Clone, Debug)]
pub struct Input {
    pub seed: u64,
    pub prompt: Vec<u64>,
    /// Generation says that it is done after so many tokens.
    pub tokens: u32,
}

#[derive(Clone, Debug)]
struct State {
    value: u64,
    /// Tokens written so far, the prompt's included.
    tokens: Vec<u64>,
    done: Vec<(usize, u32)>,
}

#[derive(Default)]
pub struct Device {
    pub specs: BTreeMap<ModelId, ModelSpec>,
    pub here: BTreeSet<PartId>,
    pub parked: BTreeSet<PartId>,
    pub pools: BTreeMap<ModelId, BTreeMap<BlockId, Vec<u64>>>,
    pub inputs: BTreeMap<RequestId, Input>,
    states: BTreeMap<RequestId, State>,
    pub state_bytes: BTreeMap<RequestId, u64>,
    pub shared_batches: u64,
    pub resets: u64,
    pub moves: u64,
}

impl Device {
    fn bytes(&self, part: &PartId) -> u64 {
        self.specs[&part.model].parts[part.part]
    }

    /// Bytes on the device, by the device's own books.
    pub fn used(&self) -> u64 {
        let parts: u64 = self.here.iter().map(|part| self.bytes(part)).sum();
        let states: u64 = self.states.keys().map(|id| self.state_bytes[id]).sum();
        let pool = |id: &ModelId| self.specs[id].pool.map_or(0, |pool| u64::from(pool.blocks) * pool.block_bytes);
        parts + states + self.pools.keys().map(pool).sum::<u64>()
    }

    pub fn parked_bytes(&self) -> u64 {
        self.parked.iter().map(|part| self.bytes(part)).sum()
    }

    pub fn has_state(&self, id: RequestId) -> bool {
        self.states.contains_key(&id)
    }

    /// What a request has computed.
    pub fn value(&self, id: RequestId) -> Option<u64> {
        self.states.get(&id).map(|state| state.value)
    }

    pub fn free(&mut self, id: RequestId) {
        self.states.remove(&id);
        self.inputs.remove(&id);
    }

    pub fn perform(&mut self, effect: &Effect) {
        match effect {
            Effect::Move(one) => {
                self.moves += 1;
                let before = match *one {
                    Move::Load(part) => {
                        self.parked.remove(&part);
                        self.here.insert(part)
                    }
                    Move::Park(part) => self.here.remove(&part) && self.parked.insert(part),
                    Move::Unload(part) => self.here.remove(&part),
                    Move::Forget(part) => self.parked.remove(&part),
                };
                assert!(before, "{one:?} of a part that is elsewhere");
            }
            Effect::OpenPool(id) => assert!(self.pools.insert(*id, BTreeMap::new()).is_none(), "{id:?} has a pool"),
            Effect::ClosePool(id) => assert!(self.pools.remove(id).is_some(), "{id:?} has no pool"),
            Effect::Reset(id) => {
                self.resets += 1;
                self.states.remove(id);
            }
            Effect::Run(_) | Effect::Progress { .. } | Effect::Ended { .. } => {}
        }
    }

    /// Parts of a part that did not come.
    pub fn lose(&mut self, part: PartId) {
        self.here.remove(&part);
        self.parked.remove(&part);
    }

    /// Runs a step of each; how each ended: whether its stage is over.
    pub fn run(&mut self, batch: &Batch) -> Vec<bool> {
        let phase = self.specs[&batch.model].phases[batch.phase].clone();
        for part in phase.parts.iter().chain(batch.like.adapters.iter().map(|(part, _)| part)) {
            assert!(
                self.here.contains(&PartId { model: batch.model, part: *part }),
                "part {part} of {:?} is not here",
                batch.model
            );
        }
        let ids: BTreeSet<RequestId> = batch.entries.iter().map(|entry| entry.request).collect();
        assert_eq!(ids.len(), batch.entries.len(), "somebody runs twice at a time");
        assert!(!batch.entries.is_empty() && batch.entries.len() <= phase.batch_max);
        self.shared_batches += u64::from(batch.entries.len() > 1);
        batch.entries.iter().map(|entry| self.one(batch, entry)).collect()
    }

    fn one(&mut self, batch: &Batch, entry: &Entry) -> bool {
        let input = self.inputs[&entry.request].clone();
        let fresh = State { value: input.seed, tokens: Vec::new(), done: Vec::new() };
        let state = self.states.entry(entry.request).or_insert(fresh);
        let expected = state.done.iter().filter(|(phase, _)| *phase == batch.phase).count() as u32;
        assert_eq!(entry.step, expected, "steps come one after the other");
        state.done.push((batch.phase, entry.step));
        state.value = advance(state.value, batch.phase, entry.step);
        if input.prompt.is_empty() {
            return false;
        }
        let spec = self.specs[&batch.model].pool.expect("a pool");
        let blocks = self.pools.get_mut(&batch.model).expect("an open pool");
        for copy in &entry.copies {
            let from = blocks[&copy.from].clone();
            blocks.insert(copy.to, from);
        }
        let before = state.tokens.len();
        if before == 0 {
            state.tokens.clone_from(&input.prompt)
        } else {
            state.tokens.push(state.value)
        }
        for (i, token) in state.tokens.iter().enumerate().skip(before) {
            let (block, at) = (entry.blocks[i / spec.block_tokens as usize], i % spec.block_tokens as usize);
            let held = blocks.entry(block).or_default();
            // Two that share a block write the same into it.
            if at < held.len() && held[at] == *token {
                continue;
            }
            held.truncate(at);
            assert_eq!(held.len(), at, "a token is written behind a gap");
            held.push(*token);
        }
        // All that was written is still there.
        let read =
            (0..state.tokens.len()).map(|i| blocks[&entry.blocks[i / spec.block_tokens as usize]][i % spec.block_tokens as usize]);
        assert!(read.eq(state.tokens.iter().copied()), "somebody wrote into another's block");
        state.tokens.len() >= input.prompt.len() + input.tokens as usize
    }
}

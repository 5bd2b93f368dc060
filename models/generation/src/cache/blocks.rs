use super::BLOCK_TOKENS;
use crate::Error;
use std::collections::{HashMap, VecDeque};

/// What a full block holds, and after what: blocks of one key hold the same keys and values.
type Key = (u64, [u32; BLOCK_TOKENS]);

/// A sequence's blocks.
#[derive(Debug, Default)]
pub struct Table {
    pub blocks: Vec<u32>,
    /// Tokens that are computed.
    pub filled: usize,
    /// The identity of the last full block.
    chain: u64,
    /// Full blocks that are known by their content.
    known: usize,
}

#[derive(Debug, Default)]
struct Block {
    uses: u32,
    /// Its key and identity, once it is full.
    content: Option<(Key, u64)>,
    /// Whether it stands among the idle ones.
    listed: bool,
}

/// Who has which block. Full blocks are found again by what they hold until their room is needed.
#[derive(Debug)]
pub struct Blocks {
    blocks: Vec<Block>,
    free: Vec<u32>,
    /// Full blocks without a user, the longest unused first; some may be in use again.
    idle: VecDeque<u32>,
    by_content: HashMap<Key, u32>,
    next: u64,
    share: bool,
}

impl Blocks {
    /// `share`: whether sequences that begin alike use the same blocks.
    pub fn new(count: usize, share: bool) -> Self {
        let blocks = (0..count).map(|_| Block::default()).collect();
        Self { blocks, free: (0..count as u32).rev().collect(), idle: VecDeque::new(), by_content: HashMap::new(), next: 1, share }
    }

    pub fn count(&self) -> usize {
        self.blocks.len()
    }

    /// Blocks that no sequence uses.
    pub fn available(&self) -> usize {
        self.blocks.iter().filter(|block| block.uses == 0).count()
    }

    /// A table for a sequence that begins with `tokens`: with the blocks that others have computed already. The last token is never
    /// among them, as its logits are wanted.
    pub fn begin(&mut self, tokens: &[u32]) -> Table {
        let mut table = Table::default();
        if !self.share {
            return table;
        }
        for content in tokens[..tokens.len().saturating_sub(1)].chunks_exact(BLOCK_TOKENS) {
            let Ok(content) = <[u32; BLOCK_TOKENS]>::try_from(content) else { break };
            let Some(&found) = self.by_content.get(&(table.chain, content)) else { break };
            let block = &mut self.blocks[found as usize];
            let Some((_, identity)) = block.content else { break };
            block.uses += 1;
            table.chain = identity;
            table.blocks.push(found);
            table.filled += BLOCK_TOKENS;
            table.known += 1;
        }
        table
    }

    /// Makes room for `tokens` in all. False, and nothing is taken, when there is none.
    pub fn reserve(&mut self, table: &mut Table, tokens: usize) -> bool {
        let wanted = tokens.div_ceil(BLOCK_TOKENS).saturating_sub(table.blocks.len());
        let mut taken = Vec::with_capacity(wanted);
        while taken.len() < wanted {
            match self.take() {
                Some(block) => taken.push(block),
                None => {
                    taken.into_iter().for_each(|block| self.put_back(block));
                    return false;
                }
            }
        }
        table.blocks.extend(taken);
        true
    }

    /// Notes that the sequence's first `filled` tokens, `tokens` of them, are computed.
    pub fn filled(&mut self, table: &mut Table, tokens: &[u32], filled: usize) {
        table.filled = filled;
        while self.share && (table.known + 1) * BLOCK_TOKENS <= filled {
            let from = table.known * BLOCK_TOKENS;
            let Ok(content) = <[u32; BLOCK_TOKENS]>::try_from(&tokens[from..from + BLOCK_TOKENS]) else { break };
            let (key, at) = ((table.chain, content), table.blocks[table.known]);
            // Two that computed the same at the same time keep a block each; the first one is found by others.
            let first = *self.by_content.entry(key).or_insert(at);
            if first == at {
                self.blocks[at as usize].content = Some((key, self.next));
                self.next += 1;
            }
            table.chain = self.blocks[first as usize].content.map_or(0, |(_, identity)| identity);
            table.known += 1;
        }
    }

    /// Gives a sequence's blocks back; what full ones hold stays until their room is needed.
    pub fn release(&mut self, table: Table) {
        table.blocks.into_iter().rev().for_each(|block| self.put_back(block));
    }

    fn put_back(&mut self, at: u32) {
        let block = &mut self.blocks[at as usize];
        block.uses = block.uses.saturating_sub(1);
        if block.uses == 0 {
            match block.content {
                Some(_) if block.listed => {}
                Some(_) => {
                    block.listed = true;
                    self.idle.push_back(at);
                }
                None => self.free.push(at),
            }
        }
    }

    fn take(&mut self) -> Option<u32> {
        let at = match self.free.pop() {
            Some(at) => at,
            None => loop {
                let at = self.idle.pop_front()?;
                let block = &mut self.blocks[at as usize];
                block.listed = false;
                // It may be in use again; then it is listed when it is given back.
                if block.uses == 0 {
                    break at;
                }
            },
        };
        let block = &mut self.blocks[at as usize];
        block.uses = 1;
        if let Some((key, _)) = block.content.take() {
            self.by_content.remove(&key);
        }
        Some(at)
    }

    /// What must always hold: a block is free, idle or used, and every use is one table's.
    pub fn check(&self, tables: &[&Table]) -> Result<(), Error> {
        let mut uses = vec![0u32; self.blocks.len()];
        for &at in tables.iter().flat_map(|table| &table.blocks) {
            uses[at as usize] += 1;
        }
        let counted = self.blocks.iter().zip(&uses).all(|(block, uses)| block.uses == *uses);
        let free = self.free.iter().all(|&at| uses[at as usize] == 0);
        let known = self.by_content.iter().all(|(key, at)| self.blocks[*at as usize].content.is_some_and(|(k, _)| k == *key));
        match counted && free && known {
            true => Ok(()),
            false => Err(Error::Cache("a block's uses are miscounted".into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_that_begin_alike_share_blocks() {
        let mut blocks = Blocks::new(8, true);
        let tokens: Vec<u32> = (0..40).collect();
        let mut first = blocks.begin(&tokens);
        assert!(blocks.reserve(&mut first, 40));
        blocks.filled(&mut first, &tokens, 40);
        let second = blocks.begin(&tokens[..33]);
        assert_eq!((second.filled, &second.blocks[..]), (32, &first.blocks[..2]));
        // The whole of it is never shared: the last token's logits are wanted.
        assert_eq!(blocks.begin(&tokens[..32]).filled, 16);
        let mut other = tokens.clone();
        other[3] = 99;
        assert_eq!(blocks.begin(&other).filled, 0);
    }

    #[test]
    fn books_hold_through_any_order_of_events() {
        let mut random = fastrand::Rng::with_seed(7);
        let mut blocks = Blocks::new(12, true);
        let mut live: Vec<(Table, Vec<u32>)> = Vec::new();
        let mut reused = 0;
        for _ in 0..5000 {
            if random.bool() && live.len() < 5 {
                let tokens: Vec<u32> =
                    (0..random.usize(1..70)).map(|at| if at < 32 { at as u32 } else { random.u32(0..2) }).collect();
                let mut table = blocks.begin(&tokens);
                reused += table.filled;
                match blocks.reserve(&mut table, tokens.len()) {
                    true => {
                        blocks.filled(&mut table, &tokens, tokens.len());
                        live.push((table, tokens));
                    }
                    false => blocks.release(table),
                }
            } else if !live.is_empty() {
                let (table, _) = live.swap_remove(random.usize(0..live.len()));
                blocks.release(table);
            }
            blocks.check(&live.iter().map(|(table, _)| table).collect::<Vec<_>>()).unwrap();
        }
        assert!(reused > 1000, "{reused}");
        live.drain(..).for_each(|(table, _)| blocks.release(table));
        assert_eq!(blocks.available(), 12);
        let mut all = Table::default();
        assert!(blocks.reserve(&mut all, 12 * BLOCK_TOKENS), "every block can be had again");
        assert!(!blocks.reserve(&mut all, 13 * BLOCK_TOKENS));
    }
}

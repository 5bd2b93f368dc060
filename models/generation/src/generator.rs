//! Continuous batching: sequences join and leave between steps. What one writes depends on its request alone.

use crate::{
    Decoder, Error, Grammars, Run, Vocabulary,
    cache::{BLOCK_TOKENS, Blocks, Pages, Table},
    grammar::Grammar,
    sample::{Sampling, likeliest, log_total},
    stop::{STOP_BYTES_MAX, STOPS_MAX, Stops},
    vocabulary::Stream,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::VecDeque;

/// Likeliest tokens that a piece may tell of.
pub const LOGPROBS_MAX: usize = 20;

/// Names a request of one generator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// What is asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    pub prompt: Vec<u32>,
    pub sampling: Sampling,
    pub tokens_max: usize,
    pub stop: Vec<String>,
    pub seed: u64,
    /// Which of several answers with one seed.
    pub stream: u64,
    /// A JSON schema that the answer must fit.
    pub schema: Option<Value>,
    /// Likeliest tokens that are told with each token.
    pub logprobs: usize,
    /// Whether tokens that end a text are written on past.
    pub ignore_eos: bool,
}

/// How a text ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// By the model's own token, a stop string, or because the schema's value was whole.
    Stop,
    /// By the limit of tokens.
    Length,
}

/// What a step adds to a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    pub id: RequestId,
    pub token: u32,
    /// Whole characters; may be empty.
    pub text: String,
    /// The logarithm of the token's probability before anything was filtered.
    pub logprob: f32,
    pub likeliest: Vec<(u32, f32)>,
    pub finish: Option<Finish>,
}

/// A whole text.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub tokens: Vec<u32>,
    pub text: String,
    pub logprobs: Vec<f32>,
    pub finish: Finish,
}

impl Answer {
    /// The text of all its pieces.
    pub fn of(pieces: &[Piece]) -> Self {
        let tokens = pieces.iter().map(|piece| piece.token).collect();
        let text = pieces.iter().map(|piece| piece.text.as_str()).collect();
        let logprobs = pieces.iter().map(|piece| piece.logprob).collect();
        let finish = pieces.last().and_then(|piece| piece.finish).unwrap_or(Finish::Length);
        Self { tokens, text, logprobs, finish }
    }
}

/// How much is computed at once.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Sequences in a step.
    pub sequences_max: usize,
    /// Tokens in a step: longer prompts take several.
    pub step_tokens_max: usize,
    /// Requests that wait.
    pub waiting_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { sequences_max: 64, step_tokens_max: 512, waiting_max: 100_000 }
    }
}

struct Live {
    id: RequestId,
    request: Request,
    /// The prompt and what was written.
    tokens: Vec<u32>,
    logprobs: Vec<f32>,
    table: Table,
    grammar: Option<Grammar>,
    stops: Stops,
    stream: Stream,
}

impl Live {
    fn written(&self) -> &[u32] {
        &self.tokens[self.request.prompt.len()..]
    }
}

/// A model at work on many requests.
pub struct Generator<'a> {
    model: &'a Decoder,
    vocabulary: &'a Vocabulary,
    grammars: Option<&'a Grammars>,
    pages: Box<dyn Pages + 'a>,
    blocks: Blocks,
    limits: Limits,
    /// Those that have no blocks: new ones, and those that gave theirs up.
    waiting: VecDeque<Live>,
    running: Vec<Live>,
    next: u64,
    eos: Vec<u32>,
}

impl<'a> Generator<'a> {
    /// `pages` must have `blocks` blocks of the model's shape.
    pub fn new(model: &'a Decoder, vocabulary: &'a Vocabulary, pages: Box<dyn Pages + 'a>, blocks: usize, limits: Limits) -> Self {
        let (blocks, eos) = (Blocks::new(blocks, model.shares_prefixes()), model.config().eos());
        let (waiting, running) = (VecDeque::new(), Vec::new());
        Self { model, vocabulary, grammars: None, pages, blocks, limits, waiting, running, next: 0, eos }
    }

    /// With schemas.
    pub fn with_grammars(mut self, grammars: &'a Grammars) -> Self {
        self.grammars = Some(grammars);
        self
    }

    /// Whether nothing is left to do.
    pub fn idle(&self) -> bool {
        self.waiting.is_empty() && self.running.is_empty()
    }

    /// Takes a request, or says what is wrong with it.
    pub fn submit(&mut self, request: Request) -> Result<RequestId, Error> {
        self.check(&request)?;
        let grammar = match (&request.schema, self.grammars) {
            (None, _) => None,
            (Some(schema), Some(grammars)) => Some(grammars.schema(schema, request.tokens_max)?),
            (Some(_), None) => return Err(Error::Schema("the tokenizer's bytes are not known".into())),
        };
        let id = RequestId(self.next);
        self.next += 1;
        let (tokens, stops) = (request.prompt.clone(), Stops::new(request.stop.clone()));
        let (table, stream, logprobs) = (Table::default(), Stream::default(), Vec::new());
        self.waiting.push_back(Live { id, request, tokens, logprobs, table, grammar, stops, stream });
        Ok(id)
    }

    fn check(&self, request: &Request) -> Result<(), Error> {
        let fail = |field, message| Err(Error::Request { field, message });
        request.sampling.check()?;
        let longest = self.model.config().max_position_embeddings.min(self.blocks.count() * BLOCK_TOKENS);
        if request.prompt.is_empty() {
            return fail("prompt", "it has no tokens".into());
        }
        if request.tokens_max == 0 {
            return fail("max_tokens", "it must be at least 1".into());
        }
        if request.prompt.len().saturating_add(request.tokens_max) > longest {
            let message =
                format!("{} tokens of prompt and {} to write are more than {longest}", request.prompt.len(), request.tokens_max);
            return fail("max_tokens", message);
        }
        if request.stop.len() > STOPS_MAX || request.stop.iter().any(|stop| stop.is_empty() || stop.len() > STOP_BYTES_MAX) {
            return fail("stop", format!("at most {STOPS_MAX} strings of 1 to {STOP_BYTES_MAX} bytes"));
        }
        if request.logprobs > LOGPROBS_MAX {
            return fail("logprobs", format!("at most {LOGPROBS_MAX}"));
        }
        if self.waiting.len() >= self.limits.waiting_max {
            return fail("count", format!("{} requests wait already", self.waiting.len()));
        }
        Ok(())
    }

    /// Lets go of a request.
    pub fn cancel(&mut self, id: RequestId) {
        self.waiting.retain(|live| live.id != id);
        while let Some(at) = self.running.iter().position(|live| live.id == id) {
            let live = self.running.remove(at);
            self.blocks.release(live.table);
        }
    }

    /// One step of the model for as many sequences as have room; gives what it added to each.
    pub fn step(&mut self) -> Result<Vec<Piece>, Error> {
        let counts = self.schedule();
        if counts.is_empty() {
            return match self.idle() {
                true => Ok(Vec::new()),
                false => Err(Error::Cache("no sequence fits the cache".into())),
            };
        }
        let runs: Vec<Run<'_>> = self
            .running
            .iter()
            .zip(&counts)
            .filter(|(_, count)| **count > 0)
            .map(|(live, &count)| {
                let (filled, length) = (live.table.filled, live.tokens.len());
                Run {
                    table: &live.table,
                    tokens: &live.tokens[filled..filled + count],
                    length,
                    wanted: usize::from(filled + count == length),
                }
            })
            .collect();
        let logits = self.model.step(&runs, self.pages.as_mut(), None)?;
        let mut rows = logits.to_vec2::<f32>()?.into_iter();
        let mut pieces = Vec::new();
        for at in (0..self.running.len()).filter(|at| counts[*at] > 0) {
            let live = &mut self.running[at];
            let filled = live.table.filled + counts[at];
            self.blocks.filled(&mut live.table, &live.tokens, filled);
            if filled == live.tokens.len() {
                let row = rows.next().ok_or_else(|| Error::Cache("a row of logits is missing".into()))?;
                pieces.push(written(live, row, &self.eos, self.vocabulary)?);
            }
        }
        self.leave(&pieces);
        Ok(pieces)
    }

    /// Writes everything that was submitted; answers in the order of submission. `each` sees every piece and may end it all.
    pub fn finish(&mut self, mut each: impl FnMut(&Piece) -> bool) -> Result<Option<Vec<Answer>>, Error> {
        let mut answers: std::collections::BTreeMap<RequestId, Vec<Piece>> = std::collections::BTreeMap::new();
        while !self.idle() {
            for piece in self.step()? {
                if !each(&piece) {
                    return Ok(None);
                }
                answers.entry(piece.id).or_default().push(piece);
            }
        }
        Ok(Some(answers.into_values().map(|pieces| Answer::of(&pieces)).collect()))
    }

    fn leave(&mut self, pieces: &[Piece]) {
        for piece in pieces.iter().filter(|piece| piece.finish.is_some()) {
            self.cancel(piece.id);
        }
    }

    /// Which sequences go on with how many tokens. The youngest give up their blocks when there are too few.
    fn schedule(&mut self) -> Vec<usize> {
        let mut budget = self.limits.step_tokens_max;
        let mut at = 0;
        let mut counts = Vec::new();
        while at < self.running.len() {
            let live = &mut self.running[at];
            let count = (live.tokens.len() - live.table.filled).min(budget);
            let wanted = live.table.filled + count;
            if count == 0 || self.blocks.reserve(&mut live.table, wanted) {
                budget -= count;
                counts.push(count);
                at += 1;
            } else if let Some(mut youngest) = self.running.pop() {
                self.blocks.release(std::mem::take(&mut youngest.table));
                self.waiting.push_front(youngest);
            }
        }
        while self.running.len() < self.limits.sequences_max && budget > 0 {
            let Some(mut live) = self.waiting.pop_front() else { break };
            let mut table = self.blocks.begin(&live.tokens);
            let count = (live.tokens.len() - table.filled).min(budget);
            // One block is left for each that runs, or those would be the next to give theirs up.
            let spare = self.running.len();
            let fits = self.blocks.available() >= (table.filled + count).div_ceil(BLOCK_TOKENS) - table.blocks.len() + spare;
            let wanted = table.filled + count;
            if !fits || !self.blocks.reserve(&mut table, wanted) {
                self.blocks.release(table);
                self.waiting.push_front(live);
                break;
            }
            budget -= count;
            counts.push(count);
            live.table = table;
            self.running.push(live);
        }
        counts
    }
}

/// Draws the next token of a sequence from its logits.
fn written(live: &mut Live, raw: Vec<f32>, eos: &[u32], vocabulary: &Vocabulary) -> Result<Piece, Error> {
    if raw.iter().any(|logit| logit.is_nan()) {
        return Err(Error::Weights("the model's logits are not numbers: its weights are damaged".into()));
    }
    let draw = live.written().len() as u64;
    let mut logits = raw.clone();
    live.request.sampling.penalise(&mut logits, &live.request.prompt, live.written());
    if let Some(grammar) = &mut live.grammar {
        grammar.mask(&mut logits)?;
    }
    live.request.sampling.filter(&mut logits);
    let mut token = live.request.sampling.draw(&logits, live.request.seed, live.request.stream, draw);
    let mut whole = false;
    if let Some(grammar) = &mut live.grammar {
        token = grammar.take(token)?;
        whole = grammar.ended();
    }
    let logprob = raw.get(token as usize).map_or(f32::NEG_INFINITY, |logit| logit - log_total(&raw));
    live.tokens.push(token);
    live.logprobs.push(logprob);
    let ends = (eos.contains(&token) && !live.request.ignore_eos) || whole;
    let (mut text, mut stopped) = match eos.contains(&token) && ends {
        true => (String::new(), false),
        false => {
            let text = live.stream.push(token, vocabulary)?;
            live.stops.push(&text)
        }
    };
    stopped |= ends;
    let full = live.written().len() >= live.request.tokens_max;
    let finish = if stopped { Some(Finish::Stop) } else { full.then_some(Finish::Length) };
    if finish.is_some() && (ends || !stopped) {
        let rest = live.stream.finish(vocabulary)?;
        let (certain, _) = live.stops.push(&rest);
        text.push_str(&certain);
        text.push_str(&live.stops.finish());
    }
    let likeliest = likeliest_of(&raw, live.request.logprobs);
    Ok(Piece { id: live.id, token, text, logprob, likeliest, finish })
}

fn likeliest_of(logits: &[f32], count: usize) -> Vec<(u32, f32)> {
    match count {
        0 => Vec::new(),
        count => likeliest(logits, count),
    }
}

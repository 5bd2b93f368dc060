//! Requests on a desk: written in as many threads as it has, with progress, and ended when nobody wants them.

use crate::model::CACHE_BYTES_MAX;
use klieg_generation::{
    Answer, Error, Generator, Limits, Loaded, Request,
    cache::{BLOCK_TOKENS, HostPages},
};
use klieg_kind::Desk;
use klieg_protocol::{Fault, Progress, TaskFailure};

/// Tokens between two words of progress, and characters that a word shows of a text.
const PROGRESS_TOKENS: u64 = 8;
const NOTE_CHARACTERS: usize = 120;

/// Whose fault it is that nothing was written.
pub fn failure(error: Error) -> TaskFailure {
    let fault = match error {
        Error::Request { .. }
        | Error::Schema(_)
        | Error::Template(_)
        | Error::Config(_)
        | Error::Weights(_)
        | Error::Tokenizer(_) => Fault::Input,
        Error::Read { .. } => Fault::Node,
        Error::Cache(_) => Fault::Memory,
        Error::Candle(_) => Fault::Task,
    };
    TaskFailure { fault, message: format!("failed to {error}") }
}

/// A task's parameters as what they are.
pub fn params<T: serde::de::DeserializeOwned>(value: &serde_json::Value) -> Result<T, TaskFailure> {
    serde_json::from_value(value.clone())
        .map_err(|error| TaskFailure { fault: Fault::Input, message: format!("failed to read the task's parameters: {error}") })
}

/// Answers to all requests, in their order.
pub fn write(loaded: &Loaded, requests: Vec<Request>, desk: &mut dyn Desk) -> Result<Vec<Answer>, TaskFailure> {
    let failed = |error: rayon::ThreadPoolBuildError| TaskFailure {
        fault: Fault::Node,
        message: format!("failed to start threads: {error}"),
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(desk.threads().max(1)).build().map_err(failed)?;
    let tokens: usize = requests.iter().map(|request| (request.prompt.len() + request.tokens_max).div_ceil(BLOCK_TOKENS) + 1).sum();
    let block = loaded.model.pages(1).bytes();
    let longest = loaded.model.config().max_position_embeddings.div_ceil(BLOCK_TOKENS);
    let blocks = tokens.min(((CACHE_BYTES_MAX / block) as usize).max(longest));
    let pages = Box::new(HostPages::new(loaded.model.pages(blocks)));
    let mut generator = Generator::new(&loaded.model, &loaded.vocabulary, pages, blocks, Limits::default());
    if requests.iter().any(|request| request.schema.is_some()) {
        generator = generator.with_grammars(loaded.grammars().map_err(failure)?);
    }
    let whole: usize = requests.iter().map(|request| request.tokens_max).sum();
    for request in requests {
        generator.submit(request).map_err(failure)?;
    }
    let mut answers = std::collections::BTreeMap::new();
    let (mut done, mut tail) = (0u64, String::new());
    while !generator.idle() {
        for piece in pool.install(|| generator.step()).map_err(failure)? {
            done += 1;
            tail.push_str(&piece.text);
            answers.entry(piece.id).or_insert_with(Vec::new).push(piece);
            if done.is_multiple_of(PROGRESS_TOKENS) {
                tail = shortened(&tail);
                desk.progress(Progress { fraction: done as f32 / whole.max(1) as f32, done, note: tail.clone() })?;
            }
        }
        if desk.stopped() {
            desk.progress(Progress { fraction: done as f32 / whole.max(1) as f32, done, note: tail.clone() })?;
        }
    }
    Ok(answers.into_values().map(|pieces| Answer::of(&pieces)).collect())
}

/// The last characters of a text.
fn shortened(text: &str) -> String {
    let skipped = text.chars().count().saturating_sub(NOTE_CHARACTERS);
    text.chars().skip(skipped).collect()
}

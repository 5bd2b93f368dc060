//! Output that fits a JSON schema: `llguidance` says which tokens may follow; this says which of them end in time.

use crate::{Error, Vocabulary};
use llguidance::{
    Matcher, ParserFactory,
    api::TopLevelGrammar,
    token_bytes_from_tokenizer_json,
    toktrie::{ApproximateTokEnv, SimpleVob, TokEnv, TokRxInfo, TokTrie},
};
use serde_json::{Value, json};
use std::sync::Arc;

/// A schema's bytes as JSON, and how deep it may nest.
pub const SCHEMA_BYTES_MAX: usize = 64 << 10;
pub const SCHEMA_DEPTH_MAX: usize = 32;
/// Symbols that a schema may become, and states of its lexer.
const GRAMMAR_SYMBOLS_MAX: usize = 50_000;
const LEXER_STATES_MAX: usize = 50_000;
/// Tokens that the shortest answer of a schema may have.
const CLOSING_TOKENS_MAX: usize = 4096;

/// Makes grammars for one vocabulary.
pub struct Grammars {
    factory: ParserFactory,
    closers: Arc<Closers>,
    eos: u32,
}

/// Digits that a number may have before and after its point together, and in its exponent: more would be JSON, but no number that
/// any reader has room for (10^308 is the largest of 64 bits).
const NUMBER_DIGITS_MAX: u8 = 30;
const EXPONENT_DIGITS_MAX: u8 = 2;

/// Where in JSON a text is: within a string a bracket closes nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Place {
    inside: bool,
    escaped: bool,
    /// Of the number that the text ends in.
    digits: u8,
    exponent: Option<u8>,
    /// A number was beyond its bounds.
    vast: bool,
}

impl Place {
    fn after(mut self, bytes: &[u8]) -> Self {
        for byte in bytes {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.inside => self.escaped = true,
                b'"' => (self.inside, self.digits, self.exponent) = (!self.inside, 0, None),
                _ if self.inside => {}
                _ => self.number(*byte),
            }
        }
        self
    }

    fn number(&mut self, byte: u8) {
        match (byte, &mut self.exponent) {
            (b'0'..=b'9', Some(digits)) => *digits = digits.saturating_add(1),
            (b'0'..=b'9', None) => self.digits = self.digits.saturating_add(1),
            (b'e' | b'E', None) if self.digits > 0 => self.exponent = Some(0),
            (b'.' | b'-' | b'+', _) => {}
            _ => (self.digits, self.exponent) = (0, None),
        }
        self.vast |= self.digits > NUMBER_DIGITS_MAX || self.exponent.is_some_and(|digits| digits > EXPONENT_DIGITS_MAX);
    }
}

/// Tokens by how soon they bring a value to its end, and all tokens' bytes.
struct Closers {
    bytes: Vec<Vec<u8>>,
    inside: Vec<u32>,
    outside: Vec<u32>,
}

impl Closers {
    fn new(bytes: Vec<Vec<u8>>) -> Self {
        let ranked = |inside: bool| {
            let mut all: Vec<(u32, u32)> =
                (0..bytes.len() as u32).filter_map(|at| Some((haste(&bytes[at as usize], inside)?, at))).collect();
            all.sort_unstable();
            all.into_iter().map(|(_, token)| token).collect()
        };
        Self { inside: ranked(true), outside: ranked(false), bytes }
    }

    fn of(&self, place: Place) -> &[u32] {
        if place.inside { &self.inside } else { &self.outside }
    }

    fn bytes(&self, token: u32) -> &[u8] {
        self.bytes.get(token as usize).map_or(&[], Vec::as_slice)
    }
}

/// The lower, the sooner a token brings JSON to its end: first what closes, then whole values, then what opens.
fn haste(bytes: &[u8], inside: bool) -> Option<u32> {
    let text = std::str::from_utf8(bytes).ok()?;
    let first = text.chars().next().filter(|first| !first.is_control())?;
    let rank = match (inside, first) {
        (true, '"') => 0,
        (true, 'a'..='z' | 'A'..='Z' | '0'..='9') => 1,
        (true, '\\') => 3,
        (true, _) => 2,
        (_, '}') => 0,
        (_, ']') => 1,
        (_, '"') => 2,
        // Rather the next thing that must come than a longer number.
        (_, ':' | ',') => 3,
        (_, 'n' | 't' | 'f') => 4,
        (_, '0'..='9') => 5,
        (_, '[') => 8,
        (_, '{') => 9,
        _ => 6,
    };
    // Of those of one rank the longest is soonest through a fixed word; within a string that may go on, the shortest ends it.
    let length = bytes.len().min(63) as u32;
    Some(rank * 64 + if inside && rank == 0 { length } else { 63 - length })
}

impl Grammars {
    /// `size`: logits of the model, at least the vocabulary's; `eos`: the token that ends a text.
    pub fn new(vocabulary: &Vocabulary, size: usize, eos: u32) -> Result<Self, Error> {
        let fail = |error: &dyn std::fmt::Display| Error::Tokenizer(format!("its tokens' bytes are not known: {error}"));
        let mut bytes = token_bytes_from_tokenizer_json(vocabulary.json()).map_err(|error| fail(&error))?;
        if bytes.len() > size {
            return Err(Error::Tokenizer(format!("it has {} tokens, and the model {size}", bytes.len())));
        }
        bytes.resize(size, Vec::new());
        let trie = TokTrie::from(&TokRxInfo::new(size as u32, eos), &bytes);
        let env: TokEnv = Arc::new(ApproximateTokEnv::new(trie));
        let mut factory = ParserFactory::new_simple(&env).map_err(|error| fail(&error))?;
        factory.quiet();
        let limits = factory.limits_mut();
        (limits.max_grammar_size, limits.max_lexer_states) = (GRAMMAR_SYMBOLS_MAX, LEXER_STATES_MAX);
        limits.verbose_errors = false;
        Ok(Self { factory, closers: Arc::new(Closers::new(bytes)), eos })
    }

    /// A grammar of a schema for an answer of at most `tokens` tokens (the one that ends it not counted).
    pub fn schema(&self, schema: &Value, tokens: usize) -> Result<Grammar, Error> {
        check(schema)?;
        // Only the whitespace that nobody needs is left out, so that a text cannot run on in blanks.
        let mut schema = schema.clone();
        if let Value::Object(map) = &mut schema {
            map.insert("x-guidance".into(), json!({ "whitespace_flexible": false }));
        }
        let parser = self.factory.create_parser(TopLevelGrammar::from_json_schema(schema));
        let mut matcher = Matcher::new(parser);
        if let Some(error) = matcher.get_error() {
            return Err(Error::Schema(error));
        }
        matcher.compute_mask_or_eos().map_err(|error| Error::Schema(error.to_string()))?;
        let mut grammar = Grammar {
            matcher,
            closers: self.closers.clone(),
            eos: self.eos,
            place: Place::default(),
            left: tokens,
            guard: usize::MAX,
            ended: false,
        };
        let shortest = grammar.closing(None)?.len();
        if shortest > tokens {
            let message = format!("its shortest answer has {shortest} tokens; `max_tokens` allows {tokens}");
            return Err(Error::Schema(message));
        }
        grammar.guard = (4 * shortest).max(128);
        Ok(grammar)
    }
}

/// Whether a schema is one, and within its limits.
pub fn check(schema: &Value) -> Result<(), Error> {
    fn depth(value: &Value) -> usize {
        let inner = match value {
            Value::Array(items) => items.iter().map(depth).max(),
            Value::Object(map) => map.values().map(depth).max(),
            _ => return 0,
        };
        1 + inner.unwrap_or(0)
    }
    if !matches!(schema, Value::Object(_) | Value::Bool(true)) {
        return Err(Error::Schema("a schema is a JSON object".into()));
    }
    let bytes = schema.to_string().len();
    if bytes > SCHEMA_BYTES_MAX {
        return Err(Error::Schema(format!("it has {bytes} bytes; the limit is {SCHEMA_BYTES_MAX}")));
    }
    let depth = depth(schema);
    if depth > SCHEMA_DEPTH_MAX {
        return Err(Error::Schema(format!("it nests {depth} deep; the limit is {SCHEMA_DEPTH_MAX}")));
    }
    Ok(())
}

/// What may follow in one answer.
pub struct Grammar {
    matcher: Matcher,
    closers: Arc<Closers>,
    eos: u32,
    place: Place,
    /// Tokens that may still be written.
    left: usize,
    /// From so many tokens before the limit on, a token is only taken if the answer can still end.
    guard: usize,
    ended: bool,
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::Schema(error.to_string())
}

impl Grammar {
    /// Whether the answer is whole.
    pub fn ended(&self) -> bool {
        self.ended
    }

    /// Makes −∞ of the logits of tokens that may not follow.
    pub fn mask(&mut self, logits: &mut [f32]) -> Result<(), Error> {
        let mask = self.allowed()?;
        for (token, logit) in logits.iter_mut().enumerate() {
            if token >= mask.len() || !mask.is_allowed(token as u32) {
                *logit = f32::NEG_INFINITY;
            } else if logit.is_nan() || *logit == f32::NEG_INFINITY {
                *logit = f32::MIN;
            }
        }
        Ok(())
    }

    fn allowed(&mut self) -> Result<SimpleVob, Error> {
        let mut mask = self.matcher.compute_mask_or_eos().map_err(failed)?;
        if self.place.inside {
            return Ok(mask);
        }
        let vast = |token: &u32| *token != self.eos && self.place.after(self.closers.bytes(*token)).vast;
        let refused: Vec<u32> = (0..mask.len() as u32).filter(|token| mask.is_allowed(*token)).filter(vast).collect();
        // A schema that wants such a number gets it.
        if refused.len() < mask.num_set() {
            refused.into_iter().for_each(|token| mask.disallow_token(token));
        }
        Ok(mask)
    }

    /// Takes a token that was drawn from masked logits, or the one that it must be so that the answer still ends in time.
    pub fn take(&mut self, token: u32) -> Result<u32, Error> {
        let mut token = token;
        if token != self.eos && self.left <= self.guard && self.closing(Some(token))?.len() + 1 > self.left {
            token = self.closing(None)?.first().copied().unwrap_or(self.eos);
        }
        if token == self.eos {
            self.ended = true;
            return Ok(token);
        }
        self.matcher.consume_token(token).map_err(failed)?;
        self.place = self.place.after(self.closers.bytes(token));
        self.left = self.left.saturating_sub(1);
        self.ended = self.matcher.is_stopped() || self.left == 0 && self.matcher.is_accepting().map_err(failed)?;
        Ok(token)
    }

    /// A short way to the end from here, after `first` if there is one: the tokens of it.
    fn closing(&self, first: Option<u32>) -> Result<Vec<u32>, Error> {
        let (mut matcher, mut place) = (self.matcher.deep_clone(), self.place);
        if let Some(first) = first {
            matcher.consume_token(first).map_err(failed)?;
            place = place.after(self.closers.bytes(first));
        }
        let mut way = Vec::new();
        while !matcher.is_stopped() && !matcher.is_accepting().map_err(failed)? {
            let mask = matcher.compute_mask().map_err(failed)?;
            let next = self.closers.of(place).iter().copied().find(|token| mask.is_allowed(*token));
            let next = next.or_else(|| mask.first_bit_set().map(|token| token as u32));
            let next = next.ok_or_else(|| Error::Schema("nothing fits it".into()))?;
            matcher.consume_token(next).map_err(failed)?;
            place = place.after(self.closers.bytes(next));
            way.push(next);
            if way.len() > CLOSING_TOKENS_MAX {
                return Err(Error::Schema(format!("its answers do not end within {CLOSING_TOKENS_MAX} tokens")));
            }
        }
        Ok(way)
    }
}

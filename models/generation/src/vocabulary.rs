//! Text to tokens and back, by the `tokenizers` crate.

use crate::Error;
use serde_json::Value;
use tokenizers::Tokenizer;

/// Bytes of a `tokenizer.json`, and of a prompt.
const TOKENIZER_BYTES_MAX: usize = 64 << 20;
pub const PROMPT_BYTES_MAX: usize = 4 << 20;

/// A tokenizer and what grammars want to know of it.
pub struct Vocabulary {
    tokenizer: Tokenizer,
    json: Value,
}

impl Vocabulary {
    /// Reads `tokenizer.json`.
    pub fn parse(json: &[u8]) -> Result<Self, Error> {
        if json.len() > TOKENIZER_BYTES_MAX {
            return Err(Error::Tokenizer(format!("tokenizer.json has {} bytes; the limit is {TOKENIZER_BYTES_MAX}", json.len())));
        }
        let tokenizer = Tokenizer::from_bytes(json).map_err(|error| Error::Tokenizer(error.to_string()))?;
        let json = serde_json::from_slice(json).map_err(|error| Error::Tokenizer(error.to_string()))?;
        Ok(Self { tokenizer, json })
    }

    /// Tokens of a text. `specials`: whether the tokenizer adds what it puts around a text (a template has put it there already).
    pub fn encode(&self, text: &str, specials: bool) -> Result<Vec<u32>, Error> {
        if text.len() > PROMPT_BYTES_MAX {
            let message = format!("{} bytes are more than the limit of {PROMPT_BYTES_MAX}", text.len());
            return Err(Error::Request { field: "prompt", message });
        }
        let encoding = self.tokenizer.encode_fast(text, specials).map_err(|error| Error::Tokenizer(error.to_string()))?;
        Ok(encoding.get_ids().to_vec())
    }

    /// Text of tokens, without the special ones.
    pub fn decode(&self, tokens: &[u32]) -> Result<String, Error> {
        self.tokenizer.decode(tokens, true).map_err(|error| Error::Tokenizer(error.to_string()))
    }

    pub fn id(&self, token: &str) -> Option<u32> {
        self.tokenizer.token_to_id(token)
    }

    /// Tokens, those that were added included.
    pub fn len(&self) -> usize {
        self.tokenizer.get_vocab_size(true)
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn json(&self) -> &Value {
        &self.json
    }
}

/// Text of tokens that come one by one: only whole characters, and with the spaces that neighbours decide.
#[derive(Debug, Default)]
pub struct Stream {
    tokens: Vec<u32>,
    /// Tokens before this have been shown; those from `from` to it are decoded again for what they do to their neighbours.
    shown: usize,
    from: usize,
}

impl Stream {
    /// Takes a token; gives the text that is certain now.
    pub fn push(&mut self, token: u32, vocabulary: &Vocabulary) -> Result<String, Error> {
        self.tokens.push(token);
        let before = vocabulary.decode(&self.tokens[self.from..self.shown])?;
        let now = vocabulary.decode(&self.tokens[self.from..])?;
        // An unfinished character decodes to U+FFFD; a longer wait than four tokens means that it never will be whole.
        let waits = now.ends_with('\u{FFFD}') && self.tokens.len() - self.shown < 4;
        if waits || now.len() <= before.len() || !now.is_char_boundary(before.len()) {
            return Ok(String::new());
        }
        (self.from, self.shown) = (self.shown, self.tokens.len());
        Ok(now[before.len()..].into())
    }

    /// What is left when no token follows.
    pub fn finish(&mut self, vocabulary: &Vocabulary) -> Result<String, Error> {
        let before = vocabulary.decode(&self.tokens[self.from..self.shown])?;
        let now = vocabulary.decode(&self.tokens[self.from..])?;
        self.shown = self.tokens.len();
        Ok(now.get(before.len()..).unwrap_or_default().into())
    }
}

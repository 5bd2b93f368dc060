//! Texts to tokens by the model's own tokenizer.

use crate::{Error, Folder};
use serde::Deserialize;
use tokenizers::models::wordpiece::WordPiece;
use tokenizers::normalizers::BertNormalizer;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::processors::bert::BertProcessing;
use tokenizers::{Tokenizer, TruncationParams};

/// Fewest tokens that a model's sequence must have room for: the special ones and some words.
const TOKENS_MIN: usize = 8;

/// A tokenizer and how long a sequence may be.
pub struct Tokens {
    tokenizer: Tokenizer,
    most: usize,
    /// Every sequence is filled up with this token.
    fill: Option<u32>,
}

/// A text as tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    pub ids: Vec<u32>,
    pub types: Vec<u32>,
    /// Tokens of the text that there was no room for.
    pub left_out: usize,
}

#[derive(Deserialize)]
struct Settings {
    #[serde(default = "yes")]
    do_lower_case: bool,
    #[serde(default)]
    strip_accents: Option<bool>,
    #[serde(default = "yes")]
    tokenize_chinese_chars: bool,
}

fn yes() -> bool {
    true
}

impl Tokens {
    /// `tokenizer.json`, or `vocab.txt` of a BERT. Sequences have at most `most` tokens, special ones included.
    pub fn open(folder: &Folder, most: usize) -> Result<Self, Error> {
        let tokenizer = if folder.has("tokenizer.json") || !folder.has("vocab.txt") {
            Tokenizer::from_bytes(folder.bytes("tokenizer.json")?).map_err(|error| Error::config("tokenizer.json", error))?
        } else {
            from_vocabulary(folder)?
        };
        Self::new(tokenizer, most)
    }

    pub fn new(mut tokenizer: Tokenizer, most: usize) -> Result<Self, Error> {
        if most < TOKENS_MIN {
            return Err(Error::config("config.json", format!("sequences of {most} tokens: there must be room for {TOKENS_MIN}")));
        }
        tokenizer.with_padding(None);
        let cut = TruncationParams { max_length: most, ..TruncationParams::default() };
        tokenizer.with_truncation(Some(cut)).map_err(|error| Error::config("tokenizer.json", error))?;
        Ok(Self { tokenizer, most, fill: None })
    }

    /// Fills every sequence up to its full length.
    pub fn filled(mut self, with: u32) -> Self {
        self.fill = Some(with);
        self
    }

    /// Tokens that a sequence may have.
    pub fn most(&self) -> usize {
        self.most
    }

    /// The token of that word.
    pub fn id(&self, word: &str) -> Option<u32> {
        self.tokenizer.token_to_id(word)
    }

    pub fn encode(&self, text: &str) -> Result<Words, Error> {
        let encoding = self.tokenizer.encode(text, true).map_err(|error| Error::Tokenizer(error.to_string()))?;
        let own = |mask: &[u32]| mask.iter().filter(|special| **special == 0).count();
        let left_out = encoding.get_overflowing().iter().map(|rest| own(rest.get_special_tokens_mask())).sum();
        let (mut ids, mut types) = (encoding.get_ids().to_vec(), encoding.get_type_ids().to_vec());
        if let Some(with) = self.fill {
            ids.resize(self.most, with);
            types.resize(self.most, 0);
        }
        Ok(Words { ids, types, left_out })
    }
}

/// A BERT's tokenizer from its list of words, one a line.
fn from_vocabulary(folder: &Folder) -> Result<Tokenizer, Error> {
    let bad = |error: String| Error::config("vocab.txt", error);
    let settings = if folder.has("tokenizer_config.json") { folder.bytes("tokenizer_config.json")? } else { b"{}".to_vec() };
    let settings: Settings = serde_json::from_slice(&settings).map_err(|error| Error::config("tokenizer_config.json", error))?;
    let path = folder.path("vocab.txt");
    let model = WordPiece::from_file(&path.to_string_lossy()).unk_token("[UNK]".into()).build();
    let model = model.map_err(|error| bad(error.to_string()))?;
    let mut tokenizer = Tokenizer::new(model);
    let special =
        |word: &str| tokenizer.token_to_id(word).map(|id| (word.to_owned(), id)).ok_or_else(|| bad(format!("it has no {word}")));
    let frame = BertProcessing::new(special("[SEP]")?, special("[CLS]")?);
    let lower = settings.do_lower_case;
    tokenizer.with_normalizer(Some(BertNormalizer::new(true, settings.tokenize_chinese_chars, settings.strip_accents, lower)));
    tokenizer.with_pre_tokenizer(Some(BertPreTokenizer));
    tokenizer.with_post_processor(Some(frame));
    Ok(tokenizer)
}

use crate::{
    error::{Error, Result},
    prompt::Piece,
};
use std::{collections::HashMap, path::Path};
use tokenizers::{
    AddedToken, SplitDelimiterBehavior,
    models::bpe::BPE,
    normalizers::{self, NormalizerWrapper},
    pre_tokenizers::{PreTokenizerWrapper, byte_level::ByteLevel, sequence::Sequence, split::Split},
};

/// Tokens that an encoder reads at once, with the two that frame them.
pub(crate) const WINDOW: usize = 77;
const CHUNK: usize = WINDOW - 2;
/// Tokens of a prompt: 16 chunks.
pub const TOKENS_MAX: usize = 16 * CHUNK;
/// Bytes of a tokenizer's file.
const FILE_MAX: u64 = 64 << 20;

/// One window of tokens, and how much each counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Chunk {
    pub ids: Vec<u32>,
    pub weights: Vec<f32>,
}

/// CLIP's byte-pair encoding.
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    begin: u32,
    end: u32,
    pad: u32,
}

const BEGIN: &str = "<|startoftext|>";
const END: &str = "<|endoftext|>";

impl Tokenizer {
    /// From a folder with `tokenizer.json`, or with `vocab.json` and `merges.txt`.
    pub fn open(folder: &Path) -> Result<Self> {
        let whole = folder.join("tokenizer.json");
        let inner = match whole.exists() {
            true => tokenizers::Tokenizer::from_bytes(read(&whole)?).map_err(|e| Error::Tokenizer(e.to_string()))?,
            false => assemble(&read(&folder.join("vocab.json"))?, &read(&folder.join("merges.txt"))?)?,
        };
        let pad = padding(folder)?;
        Self::new(inner, pad.as_deref())
    }

    /// From the contents of `vocab.json` and `merges.txt`; `pad` is END where none is named.
    pub fn from_vocabulary(vocab: &[u8], merges: &[u8], pad: Option<&str>) -> Result<Self> {
        Self::new(assemble(vocab, merges)?, pad)
    }

    fn new(mut inner: tokenizers::Tokenizer, pad: Option<&str>) -> Result<Self> {
        // As in transformers: what pads is special, and so SDXL's second encoder reads "!" as padding wherever it stands.
        if let Some(pad) = pad.filter(|pad| *pad != END) {
            inner.add_special_tokens(&[AddedToken::from(pad, true)]);
        }
        let id = |token: &str| inner.token_to_id(token).ok_or_else(|| Error::Tokenizer(format!("it has no token {token}")));
        let (begin, end, pad) = (id(BEGIN)?, id(END)?, id(pad.unwrap_or(END))?);
        Ok(Self { inner, begin, end, pad })
    }

    /// Ids without their frame.
    pub fn ids(&self, text: &str) -> Result<Vec<u32>> {
        let encoding = self.inner.encode_fast(text, false).map_err(|e| Error::Tokenizer(e.to_string()))?;
        Ok(encoding.get_ids().to_vec())
    }

    /// The window of an empty prompt.
    pub fn empty(&self) -> Chunk {
        self.framed(&[])
    }

    /// A prompt's windows, at least one. Pieces are encoded one by one.
    pub fn chunks(&self, pieces: &[Piece]) -> Result<Vec<Chunk>> {
        let mut tokens: Vec<(u32, f32)> = Vec::new();
        for piece in pieces {
            tokens.extend(self.ids(&piece.text)?.into_iter().map(|id| (id, piece.weight)));
        }
        match tokens.len() {
            0 => Ok(vec![self.empty()]),
            1..=TOKENS_MAX => Ok(tokens.chunks(CHUNK).map(|tokens| self.framed(tokens)).collect()),
            count => Err(Error::wish("prompt", format!("{count} tokens"), format!("at most {TOKENS_MAX}"))),
        }
    }

    fn framed(&self, tokens: &[(u32, f32)]) -> Chunk {
        let mut ids = vec![self.begin];
        let mut weights = vec![1.0];
        for &(id, weight) in tokens {
            ids.push(id);
            weights.push(weight);
        }
        ids.push(self.end);
        ids.resize(WINDOW, self.pad);
        weights.resize(WINDOW, 1.0);
        Chunk { ids, weights }
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let failed = |source| Error::Read { path: path.to_owned(), source };
    let bytes = std::fs::metadata(path).map_err(failed)?.len();
    if bytes > FILE_MAX {
        return Err(Error::Tokenizer(format!("{} has {bytes} bytes; at most {FILE_MAX}", path.display())));
    }
    std::fs::read(path).map_err(failed)
}

/// What a tokenizer's settings say of padding.
fn padding(folder: &Path) -> Result<Option<String>> {
    for name in ["special_tokens_map.json", "tokenizer_config.json"] {
        let path = folder.join(name);
        if !path.exists() {
            continue;
        }
        let map: serde_json::Value = serde_json::from_slice(&read(&path)?).map_err(|e| Error::Tokenizer(format!("{name}: {e}")))?;
        let token = &map["pad_token"];
        if let Some(token) = token.as_str().or(token["content"].as_str()) {
            return Ok(Some(token.to_owned()));
        }
    }
    Ok(None)
}

/// The parts as transformers puts CLIP's together.
fn assemble(vocab: &[u8], merges: &[u8]) -> Result<tokenizers::Tokenizer> {
    let wrong = |what: String| Error::Tokenizer(what);
    let vocab: HashMap<String, u32> = serde_json::from_slice(vocab).map_err(|e| wrong(format!("vocab.json: {e}")))?;
    let merges = std::str::from_utf8(merges).map_err(|e| wrong(format!("merges.txt: {e}")))?;
    let pair = |line: &str| line.split_once(' ').map(|(a, b)| (a.to_owned(), b.to_owned()));
    let lines = merges.lines().filter(|line| !line.starts_with("#version") && !line.trim().is_empty());
    let merges = lines.map(|line| pair(line).ok_or_else(|| wrong(format!("merges.txt: {line:?} is no pair"))));
    let model = BPE::builder()
        .vocab_and_merges(vocab.into_iter().collect::<tokenizers::models::bpe::Vocab>(), merges.collect::<Result<Vec<_>>>()?)
        .unk_token(END.into())
        .end_of_word_suffix("</w>".into())
        .build()
        .map_err(|e| wrong(e.to_string()))?;
    let mut tokenizer = tokenizers::Tokenizer::new(model);
    let regex = |pattern: &str| tokenizers::pre_tokenizers::split::SplitPattern::Regex(pattern.into());
    let spaces = normalizers::replace::Replace::new(normalizers::replace::ReplacePattern::Regex(r"\s+".into()), " ");
    let normal: Vec<NormalizerWrapper> = vec![
        normalizers::unicode::NFC.into(),
        spaces.map_err(|e| wrong(e.to_string()))?.into(),
        normalizers::utils::Lowercase.into(),
    ];
    tokenizer.with_normalizer(Some(normalizers::utils::Sequence::new(normal)));
    let words = regex(r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+");
    let split = Split::new(words, SplitDelimiterBehavior::Removed, true).map_err(|e| wrong(e.to_string()))?;
    let bytes = ByteLevel::new(false, true, true);
    let parts: Vec<PreTokenizerWrapper> = vec![split.into(), bytes.into()];
    tokenizer.with_pre_tokenizer(Some(Sequence::new(parts)));
    tokenizer.add_special_tokens(&[AddedToken::from(BEGIN, true), AddedToken::from(END, true)]);
    Ok(tokenizer)
}

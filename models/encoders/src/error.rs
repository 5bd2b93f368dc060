use std::path::PathBuf;

/// Why a model cannot be used, or a text or picture cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("read {path}: {source}")]
    File { path: PathBuf, source: std::io::Error },
    #[error("understand {file}: {message}")]
    Config { file: String, message: String },
    /// A tensor is missing, has another shape, or an op failed.
    #[error("run the model: {0}")]
    Candle(#[from] candle_core::Error),
    #[error("tokenize: {0}")]
    Tokenizer(String),
    #[error("use {tokens} tokens: the model takes at most {most}")]
    TooLong { tokens: usize, most: usize },
    #[error("use token {token}: the model knows {vocabulary}")]
    UnknownToken { token: u32, vocabulary: usize },
    #[error("read a picture: {0}")]
    Picture(String),
    /// The model is there but cannot do what was asked of it.
    #[error("{0}")]
    Unable(String),
}

impl Error {
    pub(crate) fn config(file: &str, message: impl std::fmt::Display) -> Self {
        Self::Config { file: file.into(), message: message.to_string() }
    }
}

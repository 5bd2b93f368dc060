/// Why text was not generated. Fits "failed to {…}".
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("compute: {0}")]
    Candle(#[from] candle_core::Error),
    #[error("read {path}: {source}")]
    Read { path: String, source: std::io::Error },
    #[error("read the model's configuration: {0}")]
    Config(String),
    #[error("read the weights: {0}")]
    Weights(String),
    #[error("read the tokenizer: {0}")]
    Tokenizer(String),
    #[error("render the chat template: {0}")]
    Template(String),
    #[error("use the schema: {0}")]
    Schema(String),
    #[error("take `{field}`: {message}")]
    Request { field: &'static str, message: String },
    #[error("hold the sequence: {0}")]
    Cache(String),
}

/// Why nothing was heard. Fits "failed to {…}".
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("compute: {0}")]
    Candle(#[from] candle_core::Error),
    #[error("compute the spectrogram: {0}")]
    Kernel(#[from] klieg_kernels::KernelError),
    #[error("read the model's configuration: {0}")]
    Config(String),
    #[error("read the weights: {0}")]
    Weights(String),
    #[error("read the tokenizer: {0}")]
    Tokenizer(String),
    #[error("read the sound: {0}")]
    Sound(String),
    #[error("take `{field}`: {message}")]
    Request { field: &'static str, message: String },
    #[error("start threads: {0}")]
    Threads(String),
    /// Whoever asked wants it no more.
    #[error("go on: it was stopped")]
    Stopped,
}

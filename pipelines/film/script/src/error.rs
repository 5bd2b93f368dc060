//! Why a file is not a screenplay that klieg can use.

/// A script that cannot be read, with the place and the remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", place(.file, *.line, *.column))]
pub struct ScriptError {
    pub file: String,
    /// 1-based; 0 when the whole file is meant.
    pub line: u32,
    /// 1-based, in characters; 0 when the whole line is meant.
    pub column: u32,
    /// What is wrong and what would be right.
    pub message: String,
    pub kind: Fault,
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing in it, or only white space.
    Empty,
    /// Not text.
    Binary,
    /// Text, but not UTF-8.
    NotUtf8,
    /// As large as [`crate::MAX_BYTES`] or larger.
    TooLarge,
    /// Final Draft XML that is not well formed, or no screenplay.
    MalformedXml,
    /// No scene heading.
    NoScenes,
}

impl ScriptError {
    /// An error about the whole file.
    pub(crate) fn whole(file: &str, kind: Fault, message: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line: 0, column: 0, message: message.into(), kind }
    }
}

fn place(file: &str, line: u32, column: u32) -> String {
    match (file, line, column) {
        ("", 0, _) => String::new(),
        (_, 0, _) => format!("{file}: "),
        (_, _, 0) => format!("{file}:{line}: "),
        _ => format!("{file}:{line}:{column}: "),
    }
}

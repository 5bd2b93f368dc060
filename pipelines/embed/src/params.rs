//! What a job says, and what its tasks are told.

use klieg_protocol::Digest;
use serde::{Deserialize, Serialize};

/// Rows of one task, at most.
pub const ROWS_A_TASK_MAX: usize = 16_384;
const ROWS_A_TASK: usize = 512;

/// What users may set.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmbedParams {
    /// The input's name: it stands in errors, and its extension tells what it is.
    #[serde(default)]
    pub file: String,
    /// A model of this machine's shelf that makes vectors.
    #[serde(default)]
    pub model: Option<String>,
    #[serde(default)]
    pub format: Format,
    /// What a text file holds; by its extension if this is not given: `.jsonl` and `.ndjson`, `.fountain` and `.fdx`, or lines.
    #[serde(default)]
    pub texts: Option<Texts>,
    /// Of JSON lines: the field with the text.
    #[serde(default = "text")]
    pub field: String,
    /// Vectors of unit length; as the model has it if this is not given.
    #[serde(default)]
    pub normalize: Option<bool>,
    #[serde(default)]
    pub dtype: Number,
    /// What happens to a text that is longer than the model takes.
    #[serde(default)]
    pub long: Long,
    /// Rows of one task.
    #[serde(default = "rows_a_task")]
    pub rows_a_task: usize,
}

fn text() -> String {
    "text".into()
}

fn rows_a_task() -> usize {
    ROWS_A_TASK
}

/// The format of the vectors' file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Arrow IPC file (Feather V2).
    #[default]
    Arrow,
    Parquet,
    /// A JSON object a line.
    Jsonl,
}

impl Format {
    pub fn file(self) -> &'static str {
        match self {
            Self::Arrow => "vectors.arrow",
            Self::Parquet => "vectors.parquet",
            Self::Jsonl => "vectors.jsonl",
        }
    }

    pub fn media_type(self) -> &'static str {
        match self {
            Self::Arrow => "application/vnd.apache.arrow.file",
            Self::Parquet => "application/vnd.apache.parquet",
            Self::Jsonl => "application/jsonl",
        }
    }
}

/// What a text file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Texts {
    /// A text a line.
    Lines,
    /// A JSON object a line, with the text in a field.
    Jsonl,
    /// A screenplay, whose scenes are the texts.
    Scenes,
}

/// How a vector's numbers are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Number {
    #[default]
    F32,
    F16,
}

/// What happens to a text that is longer than the model takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Long {
    /// Its beginning is taken, and the row and the manifest say what was left out.
    #[default]
    Cut,
    /// The job is refused.
    Refuse,
}

/// Of the task that makes the vectors of some rows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RowsParams {
    /// The model by name, and by digest: other weights are another task.
    pub model: String,
    pub digest: Digest,
    pub file: String,
    pub texts: Option<Texts>,
    pub field: String,
    pub normalize: Option<bool>,
    pub dtype: Number,
    pub first: usize,
    pub count: usize,
}

/// Of the task that joins them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct JoinParams {
    pub model: String,
    pub digest: Digest,
    pub family: String,
    pub file: String,
    pub format: Format,
    pub dtype: Number,
    pub unit: bool,
    pub width: usize,
    pub tokens_max: usize,
    pub rows: usize,
    /// The program's, so that a manifest of another version is never taken from the cache.
    pub version: String,
}

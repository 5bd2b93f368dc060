//! What a job says of what it made.

use crate::params::{Format, JoinParams, Number};
use crate::table::{COLUMNS, Row};
use serde::{Deserialize, Serialize};

/// Texts named as cut, at most; all are counted.
const CUT_NAMED_MAX: usize = 1000;

/// `manifest.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    pub tool: String,
    pub model: Model,
    pub input: String,
    pub file: String,
    pub format: Format,
    pub columns: Vec<String>,
    pub rows: u64,
    /// Floats of a vector.
    pub width: usize,
    pub dtype: Number,
    /// Whether vectors have unit length.
    pub normalized: bool,
    /// Texts longer than the model takes, of which only the beginning was seen.
    pub cut: u64,
    pub cut_rows: Vec<Cut>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    pub name: String,
    pub digest: String,
    pub family: String,
    pub tokens_max: usize,
}

/// A text that was cut.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cut {
    pub index: u64,
    pub line: u32,
    /// Tokens there was no room for.
    pub left_out: u32,
}

impl Manifest {
    pub(crate) fn new(params: &JoinParams) -> Self {
        let JoinParams { model, digest, family, file, format, dtype, unit, width, tokens_max, rows, version } = params.clone();
        Self {
            tool: format!("klieg {version}"),
            model: Model { name: model, digest: digest.hex(), family, tokens_max },
            input: file,
            file: format.file().into(),
            format,
            columns: COLUMNS.map(str::to_owned).to_vec(),
            rows: rows as u64,
            width,
            dtype,
            normalized: unit,
            cut: 0,
            cut_rows: Vec::new(),
        }
    }

    pub(crate) fn note(&mut self, row: &Row) {
        if row.left_out > 0 {
            self.cut += 1;
            if self.cut_rows.len() < CUT_NAMED_MAX {
                self.cut_rows.push(Cut { index: row.index, line: row.line, left_out: row.left_out });
            }
        }
    }
}

//! What a file of weights says it holds.

use super::dtype::Dtype;
use serde::Serialize;
use std::collections::BTreeMap;

/// Tensors of a file.
pub const TENSORS_MAX: u64 = 1_000_000;
/// Dimensions of a tensor.
pub const DIMENSIONS_MAX: usize = 8;
/// Bytes of a tensor's name.
pub const NAME_BYTES_MAX: usize = 1024;

/// A tensor in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tensor {
    pub name: String,
    pub dtype: Dtype,
    /// As PyTorch has it: the last dimension is the one that lies side by side.
    pub shape: Vec<u64>,
    /// Where its bytes begin in the file.
    pub start: u64,
    pub bytes: u64,
}

/// All tensors of a file, in the order in which their bytes lie there; no two overlap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    pub tensors: Vec<Tensor>,
    /// What else the header says, as far as it is a short text or a number; of a list its length, under `KEY.len`.
    pub about: BTreeMap<String, String>,
}

/// Why a file of weights, or a model made of such files, is not taken. Says what is wrong and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error(
        "it is a pickle, which can run any program when it is opened; get the model's *.safetensors, or convert it where that may \
         happen: safetensors.torch.save_file(torch.load(FILE, weights_only=True), NEW)"
    )]
    Pickle,
    #[error("it ends after {found} bytes and needs {wanted}; it was cut off: fetch it again")]
    Truncated { wanted: u64, found: u64 },
    #[error("its header is no good: {0}")]
    Header(String),
    #[error("the tensor {tensor:?} is no good: {what}")]
    Tensor { tensor: String, what: String },
    #[error("the tensor {tensor:?} has the value {value} at element {index}: such weights give no pictures or words")]
    NotFinite { tensor: String, index: u64, value: String },
    #[error("the tensor {tensor:?} of shape {wanted:?} is missing, which {config} asks for")]
    Missing { tensor: String, wanted: Vec<u64>, config: String },
    #[error("the tensor {tensor:?} has shape {found:?}, and {config} asks for {wanted:?}")]
    Shape { tensor: String, wanted: Vec<u64>, found: Vec<u64>, config: String },
    #[error("the tensor {tensor:?} has elements of {found}, and models of this family have floating point weights")]
    Elements { tensor: String, found: &'static str },
    #[error("the tensor {tensor:?} is none that {config} asks for: the two belong to different models")]
    Surplus { tensor: String, config: String },
    #[error("{field} in {config} is no good: {what}")]
    Config { config: String, field: String, what: String },
    #[error("{0} is missing; fetch the whole repository")]
    NoFile(String),
    #[error("the family is not known: {what}; klieg knows {}", crate::Family::ALL.map(crate::Family::word).join(", "))]
    Family { what: String },
    #[error("{0}")]
    Other(String),
}

/// Sorts tensors by where they lie, and sees that they lie inside the file and not on one another.
pub(super) fn laid(mut tensors: Vec<Tensor>, from: u64, file_bytes: u64) -> Result<Vec<Tensor>, Refusal> {
    tensors.sort_by_key(|tensor| (tensor.start, tensor.bytes));
    let mut at = from;
    for tensor in &tensors {
        let bad = |what: String| Refusal::Tensor { tensor: tensor.name.clone(), what };
        if tensor.start < at {
            return Err(bad(format!("its bytes begin at {}, where others' lie until {at}", tensor.start)));
        }
        at = tensor.start.checked_add(tensor.bytes).ok_or_else(|| bad("its end cannot be counted".into()))?;
        if at > file_bytes {
            return Err(Refusal::Truncated { wanted: at, found: file_bytes });
        }
    }
    Ok(tensors)
}

/// Sees that no two tensors have one name.
pub(super) fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Result<(), Refusal> {
    let mut seen = std::collections::HashSet::new();
    match names.into_iter().find(|name| !seen.insert(*name)) {
        Some(twice) => Err(Refusal::Tensor { tensor: twice.into(), what: "it is there twice".into() }),
        None => Ok(()),
    }
}

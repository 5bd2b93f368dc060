//! Which of a folder's files are its weights. Repositories often have the same weights in several forms; one of them is taken.

use super::folder::{Folder, is_weights};
use crate::formats::{pickle, table::Refusal};

/// What libraries call the weights of a model, the usual one first.
const STEMS: [&str; 4] = ["model", "diffusion_pytorch_model", "pytorch_lora_weights", "adapter_model"];
/// Lower precisions that are published beside them; taken if there is nothing else.
const VARIANTS: [&str; 2] = ["fp16", "bf16"];

/// The weights of a component.
pub struct Weights {
    /// Of several files, what says which tensor is in which.
    pub index: Option<String>,
    pub files: Vec<String>,
}

/// The weights in a folder ("" is the root).
pub fn choose(all: &Folder, folder: &str) -> Result<Weights, Refusal> {
    let path = |name: &str| if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
    let variants = std::iter::once(String::new()).chain(VARIANTS.map(|variant| format!(".{variant}")));
    for variant in variants {
        for stem in STEMS {
            let whole = path(&format!("{stem}{variant}.safetensors"));
            if all.has(&whole) {
                return Ok(Weights { index: None, files: vec![whole] });
            }
            let index = path(&format!("{stem}.safetensors.index{variant}.json"));
            if all.has(&index) {
                let prefix = format!("{stem}{variant}-");
                let files = all.names(folder).filter(|name| is_shard(name, &prefix)).map(path).collect();
                return Ok(Weights { index: Some(index), files });
            }
        }
    }
    let mut others = all.names(folder).filter(|name| name.ends_with(".safetensors"));
    match (others.next(), others.next()) {
        (Some(one), None) => Ok(Weights { index: None, files: vec![path(one)] }),
        (Some(_), Some(_)) => Err(Refusal::Other(format!(
            "it has several *.safetensors and none is called model.safetensors or diffusion_pytorch_model.safetensors: remove those \
             that do not belong to {}",
            if folder.is_empty() { "the model" } else { folder }
        ))),
        _ if all.names(folder).any(pickle::is_called) => Err(Refusal::Pickle),
        _ => Err(Refusal::NoFile(path("model.safetensors"))),
    }
}

/// `model-00001-of-00003.safetensors`, or with the variant at its end.
fn is_shard(name: &str, prefix: &str) -> bool {
    let numbers = name.strip_prefix(prefix).and_then(|rest| rest.strip_suffix(".safetensors"));
    numbers.is_some_and(|rest| rest.contains("-of-") && rest.bytes().all(|b| b.is_ascii_digit() || b"-of".contains(&b)))
}

/// The one file of weights of a folder without a configuration.
pub fn only(all: &Folder) -> Result<String, Refusal> {
    let candidates: Vec<&str> = all.names("").filter(|name| is_weights(name)).collect();
    match candidates.as_slice() {
        [one] => Ok((*one).to_owned()),
        [] if all.names("").any(pickle::is_called) => Err(Refusal::Pickle),
        [] => Err(Refusal::Other(
            "it has no weights: want a folder with config.json or model_index.json and *.safetensors, or one *.safetensors or *.gguf file"
                .into(),
        )),
        several => {
            let names = several.join(", ");
            Err(Refusal::Other(format!("it has no config.json and several files of weights ({names}): name one of them")))
        }
    }
}

/// Whether weights belong to an index: `model-00001-of-00003.safetensors` to `model.safetensors.index.json`.
pub fn is_of_index(weights: &str, index: &str) -> bool {
    let Some(stem) = index.strip_suffix(".json").and_then(|rest| rest.split(".safetensors.index").next()) else { return false };
    weights.strip_prefix(stem).is_some_and(|rest| rest.starts_with(['-', '.']) && rest.contains("-of-"))
}

/// Why a file did not become part of a model.
pub fn why_not(path: &str) -> &'static str {
    match path {
        path if pickle::is_called(path) => "a pickle, which can run any program; its weights are there as safetensors",
        path if path.starts_with("safety_checker/") => "klieg's own moderation is used instead",
        path if is_weights(path) => "the same weights in another form, or of no component",
        _ => "nothing that klieg reads",
    }
}

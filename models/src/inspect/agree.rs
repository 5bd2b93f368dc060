//! Whether the parts of a model belong together.

use super::folder::Folder;
use crate::{
    Error, Family,
    families::Config,
    formats::table::{Refusal, Table},
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Every tensor of an index is in the file that it names, and the files have no others.
pub fn index(folder: &Folder, path: &str, tables: BTreeMap<&str, &Table>) -> Result<(), Error> {
    let refused = |refusal: Refusal| Error::refused(folder.at(path), refusal);
    let index = folder.json(path)?;
    let map = index.get("weight_map").and_then(Value::as_object);
    let map = map.ok_or_else(|| refused(index.bad("weight_map", "it is no object")))?;
    let under = path.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
    let mut places: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (file, table) in &tables {
        for tensor in &table.tensors {
            places.entry(tensor.name.as_str()).or_default().insert(file);
        }
    }
    for (tensor, file) in map {
        let file = format!("{under}{}", file.as_str().unwrap_or_default());
        if !tables.contains_key(file.as_str()) {
            return Err(refused(Refusal::NoFile(format!("{file}, where the index has {tensor},"))));
        }
        if !places.get(tensor.as_str()).is_some_and(|files| files.contains(file.as_str())) {
            let what = format!("the index has it in {file}, and it is not there");
            return Err(refused(Refusal::Tensor { tensor: tensor.clone(), what }));
        }
    }
    for (tensor, files) in places {
        if files.len() > 1 || !map.contains_key(tensor) {
            let what = format!("it is in {} files, and the index says otherwise", files.len());
            return Err(refused(Refusal::Tensor { tensor: tensor.into(), what }));
        }
    }
    Ok(())
}

/// The text encoders give what the UNet attends to, and the VAE takes what it gives.
pub fn pipeline(family: Family, configs: &BTreeMap<&str, Config>) -> Result<(), Refusal> {
    let (Some(unet), Some(vae)) = (configs.get("unet"), configs.get("vae")) else { return Ok(()) };
    let mut text = 0;
    for encoder in ["text_encoder", "text_encoder_2"] {
        if let Some(config) = configs.get(encoder) {
            text += config.size("hidden_size", 512)?;
        }
    }
    let wanted = unet.size("cross_attention_dim", 1280)?;
    if text != wanted {
        let what =
            format!("it is {wanted}, and the text encoders of this {family} give {text}: its parts belong to different models");
        return Err(unet.bad("cross_attention_dim", what));
    }
    let (latent, out) = (vae.size("latent_channels", 4)?, unet.size("out_channels", 4)?);
    if latent != out {
        return Err(unet.bad("out_channels", format!("it is {out}, and the VAE takes {latent}")));
    }
    Ok(())
}

/// No word of the tokenizer lies behind the last row of the embedding.
pub fn tokenizer(folder: &Folder, under: &str, config: &Config) -> Result<(), Error> {
    let path = if under.is_empty() { "tokenizer.json".to_owned() } else { format!("{under}/tokenizer.json") };
    let rows = config.count("vocab_size").map_err(|refusal| Error::refused(folder.at(config.path()), refusal))?;
    let (Some(rows), true) = (rows, folder.has(&path)) else { return Ok(()) };
    let tokenizer = folder.json(&path)?;
    match last_word(&tokenizer) {
        Some((word, id)) if id >= rows => {
            let what = format!("the word {word:?} has the number {id}, and vocab_size in {} is {rows}", config.path());
            Err(Error::refused(folder.at(&path), tokenizer.bad("vocab", what)))
        }
        _ => Ok(()),
    }
}

/// The word with the highest number (<https://huggingface.co/docs/tokenizers>).
fn last_word(tokenizer: &Config) -> Option<(String, u64)> {
    let vocabulary = tokenizer.get("model").and_then(|model| model.get("vocab"));
    let listed: Vec<(String, u64)> = match vocabulary {
        Some(Value::Object(words)) => words.iter().filter_map(|(word, id)| Some((word.clone(), id.as_u64()?))).collect(),
        Some(Value::Array(words)) => {
            words.len().checked_sub(1).map(|last| (words[last][0].to_string(), last as u64)).into_iter().collect()
        }
        _ => Vec::new(),
    };
    let added = tokenizer.get("added_tokens").and_then(Value::as_array).into_iter().flatten();
    let added = added.filter_map(|word| Some((word.get("content")?.as_str()?.to_owned(), word.get("id")?.as_u64()?)));
    listed.into_iter().chain(added).max_by_key(|(_, id)| *id)
}

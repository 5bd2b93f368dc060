//! A step of SD 1.5's UNet at 512², f32, random weights of the true size, on the processor; beside PyTorch's.
//!
//! `cargo bench -p klieg-diffusion --bench unet`. `KLIEG_PYTHON` names the Python that has torch and diffusers (that of
//! `models/golden/requirements.txt`); without it the peer is skipped and that is said.
//! Both use as many threads as there are cores; the fastest of three steps after one to warm up.
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use candle_core::{DType, Device, Tensor};
use klieg_diffusion::{
    Weights,
    adapters::Adapters,
    unet::{Config, Context, Unet},
};
use std::{error::Error, process::Command, time::Instant};

const RUNS: usize = 3;

fn main() -> Result<(), Box<dyn Error>> {
    let config = Config::sd15();
    let weights = Weights::made_up("the UNet", DType::F32, &Device::Cpu);
    let unet = Unet::new(&weights, &config, &Adapters::default())?;
    let sample = Tensor::randn(0f32, 1.0, (1, 4, 64, 64), &Device::Cpu)?;
    let text = Tensor::randn(0f32, 1.0, (1, 77, 768), &Device::Cpu)?;
    let context = Context { timesteps: vec![500.0], text, added: None, image: None };
    let mut ours = f64::INFINITY;
    for run in 0..=RUNS {
        let begun = Instant::now();
        let out = unet.forward(&sample, &context, None)?.flatten_all()?.to_vec1::<f32>()?;
        let took = begun.elapsed().as_secs_f64();
        assert!(out.iter().all(|x| x.is_finite()));
        println!("klieg, run {run}: {took:.2} s");
        ours = if run == 0 { ours } else { ours.min(took) };
    }
    match peer() {
        Ok(theirs) => println!("SD 1.5 UNet, 512², f32, CPU: klieg {ours:.2} s, PyTorch {theirs:.2} s, ratio {:.2}", theirs / ours),
        Err(why) => println!("SD 1.5 UNet, 512², f32, CPU: klieg {ours:.2} s; no PyTorch beside it: {why}"),
    }
    Ok(())
}

/// Seconds of diffusers' step.
fn peer() -> Result<f64, Box<dyn Error>> {
    let python = std::env::var("KLIEG_PYTHON").map_err(|_| "KLIEG_PYTHON is not set")?;
    let threads = std::thread::available_parallelism()?.to_string();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/unet.py");
    let output = Command::new(python).args([script, &threads, &RUNS.to_string()]).env("OMP_NUM_THREADS", &threads).output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    print!("{said}");
    let last = said.lines().filter_map(|line| line.strip_prefix("best ")).next_back();
    last.ok_or_else(|| String::from_utf8_lossy(&output.stderr).into_owned())?.parse().map_err(Into::into)
}

//! How far pictures of few samples are from converged ones, after the denoiser and the film chain:
//! `cargo run --release -p klieg-kernels --example quality -- REFERENCES SAMPLES[,SAMPLES…] FRAME… [--png FOLDER]`.
//! FRAME is a folder that `pipelines/examples/frame.rs` wrote; REFERENCES a folder where pictures of many samples are kept.

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use klieg_kernels::scene::Look;
use klieg_kernels::{Build, Cpu, Picture, Settings, Solid, Stage};

#[expect(dead_code, reason = "it only reads")]
#[path = "../../benches/frame/mod.rs"]
mod frame;

const REFERENCE_SAMPLES: u32 = 128;
/// Small, so that references don't take hours.
const SIZE: (u32, u32) = (426, 240);

#[expect(clippy::disallowed_methods, reason = "an example that measures reads the clock")]
fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let png = args.iter().position(|a| a == "--png").and_then(|at| args.get(at + 1));
    let [references, samples, frames @ ..] = args.as_slice() else {
        return Err("REFERENCES SAMPLES FRAME… [--png FOLDER]".into());
    };
    let samples: Vec<u32> = samples.split(',').map(str::parse).collect::<Result<_, _>>()?;
    let cpu = Cpu::new(1);
    let mut sums = vec![[0.0; 4]; samples.len()];
    let frames: Vec<&Path> = frames.iter().take_while(|a| !a.starts_with("--")).map(Path::new).collect();
    for folder in &frames {
        let name = folder.file_name().and_then(|n| n.to_str()).ok_or("a frame has no name")?;
        let still = frame::Still::read(folder)?;
        let solids = [cpu.solid(&still.solids[0], Build::Best)?, cpu.solid(&still.solids[1], Build::Fast)?];
        let picture = |samples: u32, seed: u64, denoise: bool| picture(&cpu, &still, &solids, samples, seed, denoise);
        let reference = Path::new(references).join(format!("{name}.png"));
        if !reference.exists() {
            save(&picture(REFERENCE_SAMPLES, 77, false)?, &reference)?;
        }
        let wanted = image::open(&reference)?.to_rgb8().into_raw();
        for (at, &count) in samples.iter().enumerate() {
            let start = Instant::now();
            let found = picture(count, 1, true)?;
            let (rmse, coarse, worst) = errors(&found, &wanted);
            let figures = [rmse, coarse, worst, start.elapsed().as_secs_f64()];
            sums[at] = std::array::from_fn(|i| sums[at][i] + figures[i]);
            println!(
                "{name:>4} {count:>3} samples: RMSE {rmse:.2}, of 4 × 4 means {coarse:.2}, pixels off by 24 steps {worst:.2} %"
            );
            if let Some(to) = png {
                save(&found, &Path::new(to).join(format!("{name}-{count}.png")))?;
            }
        }
    }
    for (count, sum) in samples.iter().zip(&sums) {
        let [rmse, coarse, worst, took] = sum.map(|s| s / frames.len() as f64);
        println!(
            " all {count:>3} samples: RMSE {rmse:.3}, of 4 × 4 means {coarse:.3}, pixels off by 24 steps {worst:.3} %; {:.0} ms",
            took * 1e3
        );
    }
    Ok(())
}

fn picture(
    cpu: &Cpu,
    still: &frame::Still,
    solids: &[Solid; 2],
    samples: u32,
    seed: u64,
    denoise: bool,
) -> Result<Picture, Box<dyn Error>> {
    let stage =
        Stage { solids: &[&solids[0], &solids[1]], lights: &still.lights, sky: &still.sky, fog: &still.fog, camera: &still.camera };
    let mut layers = cpu.trace(&stage, &Settings { width: SIZE.0, height: SIZE.1, samples, bounces: 1, seed })?;
    if denoise {
        cpu.denoise(&mut layers)?;
    }
    Ok(cpu.develop(&layers, &Look { grain: 0.0, ..still.look }, 1)?)
}

fn save(p: &Picture, to: &Path) -> Result<(), Box<dyn Error>> {
    Ok(image::save_buffer(to, &p.rgb, p.width, p.height, image::ColorType::Rgb8)?)
}

/// In steps of 8 bits: root of the mean square difference, the same of the means of 4 × 4 pixels, and the share of pixels far off.
fn errors(found: &Picture, wanted: &[u8]) -> (f64, f64, f64) {
    let (width, height) = (found.width as usize, found.height as usize);
    let off = |x: usize, y: usize, c: usize| {
        let at = (y * width + x) * 3 + c;
        f64::from(found.rgb[at]) - f64::from(wanted[at])
    };
    let (mut square, mut coarse, mut far) = (0.0, 0.0, 0);
    for y in 0..height {
        for x in 0..width {
            let all = [0, 1, 2].map(|c| off(x, y, c));
            square += all.iter().map(|d| d * d).sum::<f64>();
            far += u32::from(all.iter().any(|d| d.abs() > 24.0));
        }
    }
    for y in (0..height - 3).step_by(4) {
        for x in (0..width - 3).step_by(4) {
            for c in 0..3 {
                let sum: f64 = (0..16).map(|i| off(x + i % 4, y + i / 4, c)).sum();
                coarse += (sum / 16.0).powi(2);
            }
        }
    }
    let pixels = (width * height) as f64;
    ((square / pixels / 3.0).sqrt(), (coarse * 16.0 / pixels / 3.0).sqrt(), 100.0 * f64::from(far) / pixels)
}

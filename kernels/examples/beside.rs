//! The demo's stage on the CPU and on a Vulkan device, beside each other: both pictures, how far they are apart, how long each took.
//! `cargo run --release -p klieg-kernels --example beside -- [folder] [width] [samples] [device]`.
#![expect(clippy::disallowed_methods, reason = "an example that measures reads the clock")]

use std::error::Error;
use std::time::Instant;

use klieg_kernels::scene::Look;
use klieg_kernels::{Build, Cpu, KernelError, Picture, Settings, Wgpu};

#[path = "demo/stage.rs"]
mod stage;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().collect();
    let number = |at: usize, or: u32| args.get(at).and_then(|a| a.parse().ok()).unwrap_or(or);
    let folder = args.get(1).map_or(".", String::as_str);
    let (width, samples) = (number(2, 320), number(3, 4));
    let (cpu, gpu) = (Cpu::new(std::thread::available_parallelism()?.get()), Wgpu::open(number(4, 0))?);
    println!("{} ({})", gpu.adapter().name, gpu.adapter().driver);
    let (set, cast) = (cpu.solid(&stage::set(90), Build::Best)?, cpu.solid(&stage::cast(24), Build::Fast)?);
    let world = stage::World::new();
    let solids = [&set, &cast];
    let stage = world.stage(&solids);
    let settings = Settings { width, height: width * 9 / 16, samples, bounces: 1, seed: 1 };
    let look = Look::default();

    let ours = timed("CPU", || {
        let mut layers = cpu.trace(&stage, &settings)?;
        cpu.denoise(&mut layers)?;
        cpu.develop(&layers, &look, 1)
    })?;
    let theirs = timed("Vulkan, with uploads and compiling", || gpu.picture(&stage, &settings, &look, 1))?;
    let again = timed("Vulkan", || gpu.picture(&stage, &settings, &look, 1))?;
    println!("the same bytes again: {}", theirs == again);
    let equal = ours.rgb.iter().zip(&theirs.rgb).filter(|(a, b)| a == b).count();
    println!("{equal} of {} bytes are equal; PSNR {:.1} dB", ours.rgb.len(), psnr(&ours, &theirs));
    for (name, picture) in [("cpu.png", &ours), ("vulkan.png", &theirs)] {
        let path = std::path::Path::new(folder).join(name);
        image::save_buffer(path, &picture.rgb, picture.width, picture.height, image::ColorType::Rgb8)?;
    }
    Ok(())
}

fn timed(what: &str, run: impl Fn() -> Result<Picture, KernelError>) -> Result<Picture, KernelError> {
    let start = Instant::now();
    let picture = run()?;
    println!("{what}: {:.0} ms", start.elapsed().as_secs_f64() * 1e3);
    Ok(picture)
}

/// Infinite for equal pictures.
fn psnr(a: &Picture, b: &Picture) -> f64 {
    let square = a.rgb.iter().zip(&b.rgb).map(|(x, y)| f64::from(x.abs_diff(*y)).powi(2)).sum::<f64>() / a.rgb.len() as f64;
    10.0 * (255.0f64.powi(2) / square).log10()
}

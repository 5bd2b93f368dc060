//! The speed of pictures on GPUs: every row that needs one, by the device's own clock.
//!
//! `cargo bench -p klieg-kernels --bench devices`. Where there is no NVIDIA GPU its rows say so with the driver's own error; a Vulkan
//! device, Mesa's lavapipe too, is measured beside the CPU.
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::time::Instant;

use klieg_kernels::scene::Look;
use klieg_kernels::{Build, Choice, Cuda, Device, KernelError, Settings};

use row::row;

mod cuda;
#[path = "../table/row.rs"]
mod row;
#[path = "../../examples/demo/stage.rs"]
mod stage;

fn main() -> Result<(), KernelError> {
    match Cuda::open(0) {
        Ok(device) => {
            println!("{} ({})", device.info().name, device.info().driver);
            for r in cuda::rows(&device, &cuda::Extent::FULL)? {
                row(&r.what, &device.info().name, &r.figure, r.goal);
            }
        }
        Err(error) if error.is_absence() => {
            for (what, goal) in cuda::WHAT {
                row(what, "CUDA", &format!("no NVIDIA GPU here: {error}"), goal);
            }
        }
        Err(error) => return Err(error),
    }
    match beside_the_cpu() {
        Ok((name, figure)) => row("a picture by WGSL", &format!("the CPU build ({name})"), &figure, "works"),
        Err(error) if error.is_absence() => {
            row("a picture by WGSL", "the CPU build", &format!("no Vulkan driver here: {error}"), "works")
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

/// A Vulkan device's name, and how it compares with all cores of the CPU: 640 × 360, 4 samples, uploads and compiling left out.
fn beside_the_cpu() -> Result<(String, String), KernelError> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let vulkan = Device::open(Choice::Vulkan(0), threads)?;
    let cpu = Device::open(Choice::Cpu, threads)?;
    let (set, cast) = (cpu.solid(&stage::set(90), Build::Best)?, cpu.solid(&stage::cast(24), Build::Fast)?);
    let (solids, world) = ([&set, &cast], stage::World::new());
    let picture = |device: &Device| device.picture(&world.stage(&solids), &Settings::default(), &Look::default(), 1);
    let [mut ours, mut theirs] = [f64::INFINITY; 2];
    picture(&vulkan)?;
    for _ in 0..3 {
        for (device, best) in [(&cpu, &mut ours), (&vulkan, &mut theirs)] {
            let start = Instant::now();
            picture(device)?;
            *best = best.min(start.elapsed().as_secs_f64());
        }
    }
    Ok((vulkan.info().name, format!("{:.2} × ({:.0} ms, the CPU {:.0} ms)", ours / theirs, theirs * 1e3, ours * 1e3)))
}

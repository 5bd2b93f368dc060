//! How long a picture of the product's size takes on one core, and rays a second beside Embree on the same triangles.
//!
//! `cargo bench -p klieg-kernels --bench tracer`. Embree is measured by a small program of its own (`embree.cpp`), built here with
//! the system's compiler; without libembree-dev that part is skipped and says so.
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::time::Instant;

use klieg_kernels::scene::Look;
use klieg_kernels::{Build, Cpu, Settings};

#[path = "../examples/demo/stage.rs"]
mod stage;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cpu = Cpu::new(1);
    let (set, cast) = (stage::set(70), stage::cast(19));
    let set = timed("build, best", || cpu.solid(&set, Build::Best))?;
    let cast = timed("build, fast", || cpu.solid(&cast, Build::Fast))?;
    println!("{} + {} triangles", set.triangle_count(), cast.triangle_count());
    let world = stage::World::new();
    let settings = Settings::default();
    for _ in 0..3 {
        let solids = [&set, &cast];
        let mut layers = timed("trace", || cpu.trace(&world.stage(&solids), &settings))?;
        timed("denoise", || cpu.denoise(&mut layers))?;
        timed("develop", || cpu.develop(&layers, &Look::default(), 1))?;
    }
    Ok(())
}

fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let (wall, cpu) = (Instant::now(), cpu_seconds());
    let out = work();
    println!("{what:>12}: {:7.1} ms of CPU, {:7.1} ms", (cpu_seconds() - cpu) * 1e3, wall.elapsed().as_secs_f64() * 1e3);
    out
}

/// What this thread has used; 0 where the system doesn't say.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    stat.split(' ').next().and_then(|ns| ns.parse::<f64>().ok()).unwrap_or(0.0) * 1e-9
}

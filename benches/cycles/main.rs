//! A whole frame beside Blender's Cycles at equal error: `benches/cycles/run`, or
//! `cargo bench -p klieg-kernels --bench cycles -- FRAME [--quick] [--keep FOLDER]` where FRAME is a folder that
//! `pipelines/examples/frame.rs` wrote.
//!
//! Both render the same triangles, lamps, sky and camera with the same bounces, on two threads, without a denoiser. What only one
//! of them has is left out on both sides: materials become Lambertian with their base colour, normals those of the triangles; panes,
//! bulbs and cut-outs go; lamps are a quarter as large; the sky is one colour; there is no fog. Light is dimmed by [`DIM`], so that klieg's clamps on bright
//! samples never act. Error is against each one's own reference of many samples; how far these are apart is printed too.
//! Times are seconds of all threads, so that other work on the machine counts little.
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::error::Error;
use std::path::{Path, PathBuf};

use klieg_kernels::{Build, Cpu, Settings, Stage};
use serde_json::json;

mod cycles;
mod error;
#[expect(dead_code, reason = "it only reads")]
#[path = "../frame/mod.rs"]
mod frame;
mod plain;
#[path = "../../kernels/benches/table/row.rs"]
mod row;

const DIM: f32 = 1.0 / 16.0;
const THREADS: usize = 2;
/// Samples of the passes that are timed.
const SWEEP: [u32; 7] = [1, 2, 4, 8, 16, 32, 64];
/// What a film's frame has.
const BOUNCES: u32 = 1;
/// With so many, what klieg estimates of later ones is next to nothing.
const MANY_BOUNCES: u32 = 8;

/// One timed pass.
struct Pass {
    samples: u32,
    cpu_s: f64,
    rmse: f64,
    relative: f64,
}

/// A renderer's passes, its reference, and its picture with many bounces.
struct Series {
    passes: Vec<Pass>,
    setup_s: f64,
    reference: Vec<[f32; 3]>,
    deep: Vec<[f32; 3]>,
}

/// What is asked of both.
struct Plan {
    width: u32,
    height: u32,
    reference: u32,
    deep: u32,
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let Some(from) = args.first().filter(|a| !a.starts_with('-')) else {
        return Err("usage: cycles FRAME [--quick] [--keep FOLDER] [--json FILE]; benches/cycles/run makes the frame".into());
    };
    let option = |name: &str| args.iter().position(|a| a == name).and_then(|at| args.get(at + 1)).map(PathBuf::from);
    let plan = if args.iter().any(|a| a == "--quick") {
        Plan { width: 160, height: 90, reference: 1024, deep: 256 }
    } else {
        Plan { width: 256, height: 144, reference: 4096, deep: 512 }
    };
    let still = plain::plain(frame::Still::read(Path::new(from))?, DIM);
    let folder = option("--keep").unwrap_or_else(|| std::env::temp_dir().join(format!("klieg-cycles-{}", std::process::id())));
    let ours = klieg(&still, &plan)?;
    let theirs = cycles::render(&still, &plan, &folder);
    if option("--keep").is_none() && folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    println!("{} triangles, {} lamps, {} × {}", still.solids[0].triangles.len(), still.lights.len(), plan.width, plan.height);
    print_series("klieg", &ours);
    let (version, theirs) = theirs?;
    print_series(&version, &theirs);
    let summary = compare(&ours, &theirs, &plan);
    if let Some(file) = option("--json") {
        std::fs::write(file, serde_json::to_vec_pretty(&summary)?)?;
    }
    Ok(())
}

fn klieg(still: &frame::Still, plan: &Plan) -> Result<Series, Box<dyn Error>> {
    let cpu = Cpu::new(THREADS);
    let (setup_s, solid) = seconds(|| cpu.solid(&still.solids[0], Build::Best));
    let solid = solid?;
    let frame::Still { lights, sky, fog, camera, .. } = still;
    let stage = Stage { solids: &[&solid], lights, sky, fog, camera };
    let trace = |samples, bounces, seed| {
        let settings = Settings { width: plan.width, height: plan.height, samples, bounces, seed };
        let (took, layers) = seconds(|| cpu.trace(&stage, &settings));
        layers.map(|l| (took, l.color))
    };
    let reference = trace(plan.reference, BOUNCES, 2)?.1;
    let deep = trace(plan.deep, MANY_BOUNCES, 3)?.1;
    let pass = |&samples: &u32| -> Result<Pass, Box<dyn Error>> {
        let (cpu_s, color) = trace(samples, BOUNCES, 1)?;
        Ok(Pass { samples, cpu_s, rmse: error::rmse(&color, &reference), relative: error::relative(&color, &reference) })
    };
    let passes = SWEEP.iter().map(pass).collect::<Result<_, _>>()?;
    Ok(Series { passes, setup_s, reference, deep })
}

/// CPU seconds a sample of every pixel, without what a render call does once: the slope between the two longest stretches.
fn rate(passes: &[Pass]) -> f64 {
    let (first, last) = (&passes[passes.len() / 2], &passes[passes.len() - 1]);
    (last.cpu_s - first.cpu_s) / f64::from(last.samples - first.samples)
}

/// Samples at which a renderer reaches an error, between those measured by the power law of the two nearest.
fn samples_at(passes: &[Pass], target: f64, of: fn(&Pass) -> f64) -> f64 {
    let at = passes.windows(2).position(|w| of(&w[1]) <= target).unwrap_or(passes.len() - 2);
    let (a, b) = (&passes[at], &passes[at + 1]);
    let slope = f64::from(b.samples / a.samples).ln() / (of(b) / of(a)).ln();
    f64::from(a.samples) * (slope * (target / of(a)).ln()).exp()
}

fn print_series(name: &str, series: &Series) {
    println!("{name}: set-up {:.2} s, then {:.1} ms a sample of every pixel", series.setup_s, rate(&series.passes) * 1e3);
    for p in &series.passes {
        println!("{:>8} samples: RMSE {:.6}, relative MSE {:.5}, {:8.3} s", p.samples, p.rmse, p.relative, p.cpu_s);
    }
}

fn compare(ours: &Series, theirs: &Series, plan: &Plan) -> serde_json::Value {
    let apart = |a: &[[f32; 3]], b: &[[f32; 3]]| error::blocks(a, b, plan.width, 8);
    let (shallow, deep) = (apart(&ours.reference, &theirs.reference), apart(&ours.deep, &theirs.deep));
    println!(
        "means of 8 × 8 pixels apart, a share of the picture's mean: {BOUNCES} bounce {:.2} % (klieg adds an estimate of later bounces), {MANY_BOUNCES} bounces {:.2} %",
        100.0 * shallow.0,
        100.0 * deep.0
    );
    println!("mean light, klieg ÷ Cycles: {BOUNCES} bounce {:.4}, {MANY_BOUNCES} bounces {:.4}", shallow.1, deep.1);
    let speed = rate(&theirs.passes) / rate(&ours.passes);
    println!("time a sample, Cycles ÷ klieg: {speed:.2}");
    let mut rows = Vec::new();
    for p in ours.passes.iter().filter(|p| (4..=16).contains(&p.samples)) {
        let ratio = |of: fn(&Pass) -> f64| speed * samples_at(&theirs.passes, of(p), of) / f64::from(p.samples);
        let (rmse, relative) = (ratio(|p| p.rmse), ratio(|p| p.relative));
        let whole = |of: fn(&Pass) -> f64| {
            let rendering = rate(&theirs.passes) * samples_at(&theirs.passes, of(p), of);
            (theirs.setup_s + rendering) / (ours.setup_s + rate(&ours.passes) * f64::from(p.samples))
        };
        println!(
            "time at the error of klieg's {:>2} samples, Cycles ÷ klieg: {rmse:.2} by RMSE, {relative:.2} by relative MSE ({:.2} with set-up)",
            p.samples,
            whole(|p| p.rmse)
        );
        row::row(
            &format!("a frame at the error of klieg's {} samples", p.samples),
            "Blender's Cycles",
            &format!("{rmse:.1} × ({relative:.1} × by relative MSE)"),
            "2",
        );
        rows.push(json!({ "samples": p.samples, "by_rmse": rmse, "by_relative_mse": relative }));
    }
    json!({ "width": plan.width, "height": plan.height, "reference_samples": plan.reference, "time_a_sample": speed, "at_equal_error": rows,
        "references_apart": shallow.0, "deep_references_apart": deep.0 })
}

/// Seconds of CPU that all threads of this program took.
fn seconds<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let (wall, cpu) = (std::time::Instant::now(), cpu_seconds());
    let out = work();
    (cpu.and_then(|from| Some(cpu_seconds()? - from)).unwrap_or_else(|| wall.elapsed().as_secs_f64()), out)
}

fn cpu_seconds() -> Option<f64> {
    let tasks = std::fs::read_dir("/proc/self/task").ok()?;
    let of = |task: std::fs::DirEntry| {
        let stat = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        stat.split(' ').next()?.parse::<f64>().ok()
    };
    Some(tasks.flatten().filter_map(of).sum::<f64>() * 1e-9)
}

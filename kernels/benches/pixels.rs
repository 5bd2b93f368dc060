//! The pixel kernels beside libswscale and `pdqhash`, on one core and the same 1080p frame.
//!
//! `cargo bench -p klieg-kernels --bench pixels`. Times are of the thread's CPU, the fastest of several stretches. libswscale is measured by
//! a program of its own (`swscale.cpp`), built here with the system's compiler; where libswscale-dev is missing that part is skipped
//! and says so. "exact" has the flags that keep colours right (bicubic chroma, full chroma input, accurate rounding), "fast" the
//! fewest.
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::error::Error;

use klieg_kernels::convert::{Format, PlaneMut, Transfer};
use klieg_kernels::pixels::Pixels;
use klieg_kernels::scene::Look;
use klieg_kernels::{Build, Cpu, Settings};

mod peer;
#[path = "table/row.rs"]
mod row;
#[path = "../examples/demo/stage.rs"]
mod stage;

const WIDTH: u32 = 1920;
const HEIGHT: u32 = 1080;
const SMALL: (u32, u32) = (1280, 720);
const STRETCHES: u32 = 5;
const RUNS: u32 = 20;

fn main() -> Result<(), Box<dyn Error>> {
    println!("machine: {}", peer::machine());
    let cpu = Cpu::new(1);
    let rgb = frame(&cpu)?;
    let peers = swscale(&rgb);
    if let Err(why) = &peers {
        println!("no libswscale to compare with: {why}");
    }
    let peers = peers.unwrap_or_default();
    let beside = |name: &str, took: f64| {
        println!("{name:>12}: {:6.2} ms", took * 1e3);
        for (peer, theirs) in peers.iter().filter(|(peer, _)| peer.split(' ').next() == Some(name)) {
            println!("{:>12}  {:6.2} ms libswscale, {peer}: ratio {:.2}", "", theirs * 1e3, theirs / took);
            row::row(
                name,
                &format!("swscale, {}", peer.trim_start_matches(name).trim()),
                &format!("{:.1} ×", theirs / took),
                "1.0",
            );
        }
    };
    for (name, format) in [("nv12", Format::Nv12), ("p010le", Format::P010), ("yuv422p10le", Format::Yuv422p10)] {
        beside(name, convert(&cpu, &rgb, format)?);
    }
    beside("lanczos", fastest(|| cpu.scale_bytes(&rgb, (WIDTH, HEIGHT), SMALL).map(drop))?);
    beside("lanczos-up", fastest(|| cpu.scale_bytes(&rgb, (WIDTH, HEIGHT), (WIDTH * 2, HEIGHT * 2)).map(drop))?);
    hashes(&cpu, &rgb)
}

/// PDQ beside the crate: from the full size, and as the crate advises, from a picture that it first shrinks to 512 × 512.
fn hashes(cpu: &Cpu, rgb: &[u8]) -> Result<(), Box<dyn Error>> {
    let took = fastest(|| cpu.hash(&Pixels::bytes(WIDTH, HEIGHT, rgb)).map(drop))?;
    println!("{:>12}: {:6.2} ms", "pdq", took * 1e3);
    let theirs = pdqhash::image::ImageBuffer::from_raw(WIDTH, HEIGHT, rgb.to_vec()).ok_or("a frame has another size")?;
    let theirs = pdqhash::image::DynamicImage::ImageRgb8(theirs);
    let whole = fastest(|| match std::hint::black_box(pdqhash::generate_pdq_full_size(&theirs)) {
        (_, quality) if quality.is_finite() => Ok(()),
        _ => Err("no hash"),
    })?;
    let shrunk = fastest(|| pdqhash::generate_pdq(&theirs).map(drop).ok_or("no hash"))?;
    for (name, peer) in [("full size", whole), ("shrunk first", shrunk)] {
        println!("{:>12}  {:6.2} ms pdqhash, {name}: ratio {:.2}", "", peer * 1e3, peer / took);
        row::row("PDQ of a 1080p frame", &format!("pdqhash, {name}"), &format!("{:.0} ×", peer / took), "2");
    }
    Ok(())
}

/// The demo's picture, 1080p.
fn frame(cpu: &Cpu) -> Result<Vec<u8>, Box<dyn Error>> {
    let (set, cast) = (cpu.solid(&stage::set(24), Build::Fast)?, cpu.solid(&stage::cast(10), Build::Fast)?);
    let settings = Settings { width: WIDTH, height: HEIGHT, samples: 1, bounces: 0, seed: 1 };
    let layers = cpu.trace(&stage::World::new().stage(&[&set, &cast]), &settings)?;
    Ok(cpu.develop(&layers, &Look::default(), 1)?.rgb)
}

fn convert(cpu: &Cpu, rgb: &[u8], format: Format) -> Result<f64, klieg_kernels::KernelError> {
    let pixels = Pixels::bytes(WIDTH, HEIGHT, rgb);
    let sizes = format.planes(WIDTH, HEIGHT);
    let mut planes: Vec<_> = sizes.iter().map(|(stride, rows)| vec![0u8; stride * rows]).collect();
    let mut lent: Vec<_> = planes.iter_mut().zip(&sizes).map(|(bytes, (stride, _))| PlaneMut { bytes, stride: *stride }).collect();
    fastest(|| cpu.convert_into(&pixels, Transfer::Coded, format, &mut lent))
}

/// Each case of libswscale and its seconds, or why there are none.
fn swscale(rgb: &[u8]) -> Result<Vec<(String, f64)>, String> {
    let size = [WIDTH, HEIGHT, SMALL.0, SMALL.1].map(u32::to_ne_bytes);
    let input = [size.as_flattened(), rgb].concat();
    let text = peer::run("swscale", &["-O2", "-lswscale", "-lavutil"], "libswscale-dev", &input)?;
    let line = |l: &str| l.rsplit_once(' ').and_then(|(name, s)| Some((name.to_owned(), s.parse().ok()?)));
    let lines: Option<Vec<_>> = text.lines().map(line).collect();
    lines.filter(|l| !l.is_empty()).ok_or_else(|| "the libswscale program prints something else".into())
}

/// Seconds of one run: the least of several means, as the system counts a thread's time in steps.
fn fastest<E>(mut work: impl FnMut() -> Result<(), E>) -> Result<f64, E> {
    let mut best = f64::INFINITY;
    for _ in 0..STRETCHES {
        let (took, done) = peer::seconds(|| (0..RUNS).try_for_each(|_| work()));
        done?;
        best = best.min(took / f64::from(RUNS));
    }
    Ok(best)
}

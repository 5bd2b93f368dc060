//! How long a picture of the product's size takes on one core, and rays a second beside Embree on the same triangles.
//!
//! `cargo bench -p klieg-kernels --bench tracer`. Times are of the thread's CPU, so that other work on the machine counts little.
//! Embree is measured by a program of its own (`embree.cpp`), built here with the system's compiler; where libembree-dev is
//! missing that part is skipped and says so.
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::error::Error;

use klieg_kernels::scene::{Geometry, Look};
use klieg_kernels::{Build, Cpu, Hit, Ray, Settings, Solid};

mod peer;
#[path = "table/row.rs"]
mod row;
#[path = "../examples/demo/stage.rs"]
mod stage;

fn main() -> Result<(), Box<dyn Error>> {
    println!("machine: {}", peer::machine());
    let cpu = Cpu::new(1);
    let (set_geometry, cast_geometry) = (stage::set(70), stage::cast(19));
    let set = timed("build, best", || cpu.solid(&set_geometry, Build::Best)).1?;
    let cast = timed("build, fast", || cpu.solid(&cast_geometry, Build::Fast)).1?;
    println!("{} + {} triangles", set.triangle_count(), cast.triangle_count());
    pictures(&cpu, &set, &cast)?;
    let mut all = set_geometry;
    all.append(&cast_geometry, glam::Affine3A::IDENTITY);
    beside_embree(&cpu, &all)
}

fn pictures(cpu: &Cpu, set: &Solid, cast: &Solid) -> Result<(), Box<dyn Error>> {
    let world = stage::World::new();
    let settings = Settings::default();
    println!("{} × {}, {} samples, {} bounce:", settings.width, settings.height, settings.samples, settings.bounces);
    for _ in 0..3 {
        let (a, layers) = timed("trace", || cpu.trace(&world.stage(&[set, cast]), &settings));
        let mut layers = layers?;
        let (b, done) = timed("denoise", || cpu.denoise(&mut layers));
        done?;
        let (c, picture) = timed("develop", || cpu.develop(&layers, &Look::default(), 1));
        picture?;
        println!("{:>12}: {:7.1} ms", "picture", (a + b + c) * 1e3);
    }
    Ok(())
}

/// Primary rays, and rays into all directions from where those end.
fn beside_embree(cpu: &Cpu, all: &Geometry) -> Result<(), Box<dyn Error>> {
    let solid = cpu.solid(all, Build::Best)?;
    let primary = primary_rays();
    let hits = cpu.nearest(&[&solid], &primary)?;
    let scattered = scattered_rays(&primary, &hits);
    let batches = [("primary", primary), ("incoherent", scattered)];
    let peer = embree(all, &batches);
    for (at, (name, rays)) in batches.iter().enumerate() {
        let took = (0..3).map(|_| peer::seconds(|| cpu.nearest(&[&solid], rays)).0).fold(f64::INFINITY, f64::min);
        let hits = cpu.nearest(&[&solid], rays)?.iter().flatten().count();
        let rate = rays.len() as f64 / took / 1e6;
        match &peer {
            Ok(lines) => {
                let theirs = rays.len() as f64 / lines[at].0 / 1e6;
                row::row(&format!("rays/s, {name}, one core"), "Embree 3.13", &format!("{:.2} ×", rate / theirs), "1.0");
                println!(
                    "{name:>12}: {rate:6.2} M rays/s, Embree {theirs:6.2}: ratio {:.2} ({hits} hits, Embree {})",
                    rate / theirs,
                    lines[at].1
                );
            }
            Err(why) => {
                row::row(&format!("rays/s, {name}, one core"), "Embree 3.13", &format!("no comparison: {why}"), "1.0");
                println!("{name:>12}: {rate:6.2} M rays/s; no comparison: {why}");
            }
        }
    }
    Ok(())
}

const WIDTH: u32 = 960;
const HEIGHT: u32 = 540;

fn primary_rays() -> Vec<Ray> {
    let camera = stage::World::new().camera;
    let origin = glam::Vec3::from(camera.position);
    let forward = (glam::Vec3::from(camera.look_at) - origin).normalize();
    let right = forward.cross(glam::Vec3::Y).normalize();
    let up = right.cross(forward);
    let half = 18.0 / camera.lens_mm;
    let ray = |at: u32| {
        // In tiles of 8 × 8, as a renderer would.
        let (tile, inner) = (at / 64, at % 64);
        let x = tile % (WIDTH / 8) * 8 + inner % 8;
        let y = tile / (WIDTH / 8) * 8 + inner / 8;
        let u = (2.0 * (x as f32 + 0.5) / WIDTH as f32 - 1.0) * half;
        let v = (HEIGHT as f32 - 2.0 * (y as f32 + 0.5)) / WIDTH as f32 * half;
        Ray { origin: origin.to_array(), near: 0.0, direction: (forward + right * u + up * v).normalize().to_array(), far: 1e30 }
    };
    (0..WIDTH / 8 * (HEIGHT / 8) * 64).map(ray).collect()
}

fn scattered_rays(from: &[Ray], hits: &[Option<Hit>]) -> Vec<Ray> {
    let mut state = 1u32;
    let mut random = || {
        state = state.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
        (state >> 8) as f32 / 8_388_608.0 - 1.0
    };
    let hit = from.iter().zip(hits).filter_map(|(r, h)| h.map(|h| (r, h)));
    hit.map(|(r, h)| {
        let at = glam::Vec3::from(r.origin) + glam::Vec3::from(r.direction) * (h.t * 0.999);
        let direction = glam::vec3(random(), random(), random()).normalize_or(glam::Vec3::Y);
        Ray { origin: at.to_array(), near: 0.0, direction: direction.to_array(), far: 1e30 }
    })
    .collect()
}

/// Seconds and hits of each batch, or why there are none.
fn embree(all: &Geometry, batches: &[(&str, Vec<Ray>)]) -> Result<Vec<(f64, usize)>, String> {
    let mut bytes = Vec::new();
    bytes.extend((all.triangles.len() as u32).to_ne_bytes());
    let corners = all.triangles.iter().flatten().flat_map(|&v| all.positions[v as usize]);
    bytes.extend(corners.flat_map(f32::to_ne_bytes));
    for (_, rays) in batches {
        bytes.extend((rays.len() as u32).to_ne_bytes());
        let floats = rays
            .iter()
            .flat_map(|r| [r.origin[0], r.origin[1], r.origin[2], r.near, r.direction[0], r.direction[1], r.direction[2], r.far]);
        bytes.extend(floats.flat_map(f32::to_ne_bytes));
    }
    bytes.extend(0u32.to_ne_bytes());
    let text = peer::run("embree", &["-O3", "-lembree3"], "libembree-dev (3.13)", &bytes)?;
    let line = |l: &str| l.split_once(' ').and_then(|(s, h)| Some((s.parse().ok()?, h.parse().ok()?)));
    let lines: Option<Vec<_>> = text.lines().map(line).collect();
    lines.filter(|l| l.len() == batches.len()).ok_or_else(|| "the Embree program prints something else".into())
}

fn timed<T>(what: &str, work: impl FnOnce() -> T) -> (f64, T) {
    let (took, out) = peer::seconds(work);
    println!("{what:>12}: {:7.1} ms", took * 1e3);
    (took, out)
}

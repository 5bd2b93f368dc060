//! Cycles' side: the stage as files, Blender as a process, its pictures read back.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde::Deserialize;
use serde_json::{Value, json};

use super::frame::Still;
use super::{BOUNCES, DIM, MANY_BOUNCES, Pass, Plan, SWEEP, Series, THREADS, error};

#[derive(Deserialize)]
struct Times {
    blender: String,
    setup_cpu_s: f64,
    passes: Vec<Took>,
}

#[derive(Deserialize)]
struct Took {
    name: String,
    cpu_s: f64,
}

/// Cycles' default, as the light is dimmed: lamps below it are sampled by chance.
const LIGHT_THRESHOLD: f32 = 0.01 * DIM;

/// Blender's version and what Cycles made of the stage.
pub fn render(still: &Still, plan: &Plan, folder: &Path) -> Result<(String, Series), Box<dyn Error>> {
    fs::create_dir_all(folder)?;
    export(still, plan, folder)?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../benches/cycles/render.py");
    let mut blender = Command::new("blender");
    blender.args(["-b", "--factory-startup", "--python-exit-code", "1", "-P"]).arg(script).arg("--").arg(folder);
    let run =
        blender.output().map_err(|e| format!("no comparison: blender doesn't start ({e}); install Debian's `blender` (3.4)"))?;
    if !run.status.success() {
        return Err(format!("no comparison: blender failed:\n{}", String::from_utf8_lossy(&run.stderr)).into());
    }
    let times: Times = serde_json::from_slice(&fs::read(folder.join("times.json"))?)?;
    let picture = |name: &str| picture(&folder.join(format!("{name}.f32")), plan);
    let reference = picture("reference")?;
    let pass = |&samples: &u32| -> Result<Pass, Box<dyn Error>> {
        let name = format!("s{samples}");
        let took = times.passes.iter().find(|t| t.name == name).ok_or("times.json lacks a pass")?;
        let color = picture(&name)?;
        Ok(Pass {
            samples,
            cpu_s: took.cpu_s,
            rmse: error::rmse(&color, &reference),
            relative: error::relative(&color, &reference),
        })
    };
    let passes = SWEEP.iter().map(pass).collect::<Result<_, _>>()?;
    Ok((
        format!("Cycles of Blender {}", times.blender),
        Series { passes, setup_s: times.setup_cpu_s, reference, deep: picture("deep")? },
    ))
}

fn export(still: &Still, plan: &Plan, folder: &Path) -> Result<(), Box<dyn Error>> {
    let g = &still.solids[0];
    let mut mesh = Vec::with_capacity(g.triangles.len() * 40);
    let corners = g.triangles.iter().flatten().flat_map(|&v| g.positions[v as usize]);
    mesh.extend(corners.flat_map(f32::to_le_bytes));
    mesh.extend(g.material_of.iter().flat_map(|&m| i32::from(m).to_le_bytes()));
    fs::write(folder.join("mesh.bin"), mesh)?;
    let pass = |name: String, samples: u32, bounces: u32, seed: u32| json!({ "name": name, "samples": samples, "bounces": bounces, "seed": seed });
    let mut passes: Vec<Value> = SWEEP.iter().map(|&s| pass(format!("s{s}"), s, BOUNCES, 1)).collect();
    passes.push(pass("reference".into(), plan.reference, BOUNCES, 2));
    passes.push(pass("deep".into(), plan.deep, MANY_BOUNCES, 3));
    let albedo: Vec<_> = g.materials.iter().map(|m| m.base).collect();
    let stage = json!({
        "width": plan.width, "height": plan.height, "threads": THREADS, "light_threshold": LIGHT_THRESHOLD,
        "triangles": g.triangles.len(), "albedo": albedo, "lights": still.lights, "sky": still.sky.zenith, "camera": still.camera,
        "passes": passes,
    });
    Ok(fs::write(folder.join("stage.json"), serde_json::to_vec(&stage)?)?)
}

/// Four floats a pixel, rows from the bottom.
fn picture(path: &Path, plan: &Plan) -> Result<Vec<[f32; 3]>, Box<dyn Error>> {
    let bytes = fs::read(path)?;
    let float = |b: &[u8]| f32::from_le_bytes([b[0], b[1], b[2], b[3]]);
    let pixels: Vec<[f32; 3]> = bytes.chunks_exact(16).map(|p| [float(p), float(&p[4..]), float(&p[8..])]).collect();
    if pixels.len() != plan.width as usize * plan.height as usize {
        return Err(format!("{} holds {} pixels", path.display(), pixels.len()).into());
    }
    Ok(pixels.chunks_exact(plan.width as usize).rev().flatten().copied().collect())
}

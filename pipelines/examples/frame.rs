//! Writes one frame of a film as files, for benchmarks: `frame SCRIPT OUT [SHOT [FRAME]]`; without a shot it lists them.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

use klieg_film_animate::{Frame, On, Performance, ShotBrief};
use klieg_film_words::shot::Shot;
use klieg_kernels::scene::Light;
use klieg_pipelines::film::{FilmParams, Preparation};

#[expect(dead_code, reason = "it only writes")]
#[path = "../../benches/frame/mod.rs"]
mod frame;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [script, out, wanted @ ..] = args.as_slice() else { return Err("usage: frame SCRIPT OUT [SHOT [FRAME]]".into()) };
    let params: FilmParams = serde_json::from_value(serde_json::json!({ "file": script }))?;
    let preparation =
        Preparation::of(&std::fs::read(script)?, &params).map_err(|e| format!("{}:{}: {}", e.file, e.line, e.message))?;
    let cut = preparation.direct(&preparation.estimates());
    let Some(name) = wanted.first() else {
        for shot in &cut.shots {
            println!("{} {} frames, {} {}", shot.name, shot.frames, shot.purpose.name(), shot.size.name());
        }
        return Ok(());
    };
    let shot = cut.shots.iter().find(|s| s.name == *name).ok_or_else(|| format!("{script} has no shot {name}"))?;
    let number = wanted.get(1).map_or(Ok(shot.frames / 2), |n| n.parse())?;
    let still = photographed(&preparation, shot, number);
    let lights = |of: fn(&Light) -> bool| still.lights.iter().filter(|l| of(l)).count();
    println!(
        "{} + {} triangles; {} balls, {} panels, {} spots, {} suns",
        still.solids[0].triangles.len(),
        still.solids[1].triangles.len(),
        lights(|l| matches!(l, Light::Ball { .. })),
        lights(|l| matches!(l, Light::Panel { .. })),
        lights(|l| matches!(l, Light::Spot { .. })),
        lights(|l| matches!(l, Light::Sun { .. })),
    );
    still.write(Path::new(out))
}

/// The frame with mouths at rest: lines have their estimated length and no sound.
fn photographed(preparation: &Preparation, shot: &Shot, number: u32) -> frame::Still {
    let cast: BTreeMap<_, _> = shot.marks.iter().map(|m| (m.who, preparation.designs[m.who].clone())).collect();
    let brief = ShotBrief { shot: shot.clone(), set: preparation.sets[shot.scene].clone(), cast, on: On::Twos };
    let performance = Performance::new(&brief, &BTreeMap::new());
    let Frame { moving, lights, camera, sky, fog, look } = performance.frame(number);
    frame::Still { solids: [performance.set().clone(), moving], lights, sky, fog, camera, look }
}

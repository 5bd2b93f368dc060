//! Renders places to look at them: `places OUT PLACE CULTURE TIME WEATHER [MOOD] [OCCASION] [PERIOD] [int|ext] [WxH] [SAMPLES] [VIEWS]`.
//!
//! Views: e establishing, m medium with a grey stand-in of 1.65 m, l and r the two reverse angles, b straight back.

use klieg_film_set::{Set, SetBrief, build, floor_plan};
use klieg_film_words::seed_of;
use klieg_film_words::story::{Culture, Mood, Occasion, Period, Place, TimeOfDay, Weather};
use klieg_kernels::scene::{Camera, Geometry, Light, Material};
use klieg_kernels::{Build, Cpu, Settings, Stage};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let word = |i: usize, or: &str| args.get(i).cloned().unwrap_or_else(|| or.to_owned());
    let brief = brief(&word)?;
    let set = build(&brief);
    let size = word(9, "480x270");
    let (w, h) = size.split_once('x').ok_or("the size is WxH")?;
    let settings = Settings { width: w.parse()?, height: h.parse()?, samples: word(10, "4").parse()?, ..Settings::default() };
    let name = format!("{}-{}-{}", brief.place.name(), brief.culture.name(), brief.time.name());
    println!(
        "{name}: {} triangles, {} alive, {} lights",
        set.solid.triangles.len(),
        set.life(1.0, glam::Vec3::new(0.0, 1.6, 6.0)).triangles.len(),
        set.lights(1.0).len()
    );
    for view in word(11, "emlr").chars() {
        shoot(&set, &brief, view, &settings, &format!("{}/{name}-{view}.png", word(0, "/tmp")))?;
    }
    Ok(())
}

fn brief(word: &dyn Fn(usize, &str) -> String) -> Result<SetBrief, String> {
    let place = Place::from_name(&word(1, "temple")).ok_or("no such place")?;
    let culture = Culture::from_name(&word(2, "tamil")).ok_or("no such culture")?;
    Ok(SetBrief {
        place,
        place_name: place.name().to_uppercase(),
        interior: word(8, "ext") == "int",
        time: TimeOfDay::from_name(&word(3, "day")).ok_or("no such time")?,
        weather: Weather::from_name(&word(4, "clear")).ok_or("no such weather")?,
        culture,
        period: Period::from_name(&word(7, "modern")).ok_or("no such period")?,
        mood: Mood::from_name(&word(5, "neutral")).ok_or("no such mood")?,
        occasion: Occasion::from_name(&word(6, "everyday")).ok_or("no such occasion")?,
        extras: 6,
        props: Vec::new(),
        seed: seed_of(&["set", place.name(), culture.name()]),
    })
}

/// Two stand-ins: rounded grey-brown bodies with heads.
fn stand_ins() -> Geometry {
    let mut g = Geometry::default();
    let skin = g.material(Material { base: [0.36, 0.20, 0.12], roughness: 0.55, wrap: 0.4, ..Material::default() });
    let felt = g.material(Material { base: [0.22, 0.20, 0.20], roughness: 0.9, sheen: 0.4, ..Material::default() });
    for x in [-0.6f32, 0.6] {
        ball(&mut g, [x, 1.46, 0.0], [0.15, 0.19, 0.16], skin);
        ball(&mut g, [x, 1.02, 0.0], [0.22, 0.33, 0.15], felt);
        ball(&mut g, [x, 0.42, 0.0], [0.19, 0.46, 0.15], felt);
    }
    g
}

fn ball(g: &mut Geometry, at: [f32; 3], r: [f32; 3], material: u16) {
    let first = g.positions.len() as u32;
    for i in 0..=24u32 {
        for j in 0..=12u32 {
            let (a, e) = (i as f32 / 24.0 * std::f32::consts::TAU, j as f32 / 12.0 * std::f32::consts::PI);
            let n = [e.sin() * a.sin(), e.cos(), e.sin() * a.cos()];
            g.vertex(std::array::from_fn(|k| at[k] + n[k] * r[k]), n, n, [1.0; 3]);
        }
    }
    for i in 0..24 {
        for j in 0..12 {
            let a = first + i * 13 + j;
            g.triangle(a, a + 13, a + 14, material);
            g.triangle(a, a + 14, a + 1, material);
        }
    }
}

fn camera(set: &SetBrief, view: char) -> Camera {
    let plan = floor_plan(set);
    let (position, look_at, lens_mm) = match view {
        'e' => (
            [plan.camera_x * 0.35, 1.7f32.min(plan.camera_y), plan.camera_z * 0.97],
            [plan.hero[0] * 0.6, (plan.hero[1] * 0.6).max(1.2), plan.hero[2].min(-2.0)],
            26.0,
        ),
        'm' => ([0.9, 1.5, 3.4], [-0.1, 1.25, 0.0], 50.0),
        'l' => ([1.45, 1.55, 0.95], [-0.6, 1.42, 0.0], 50.0),
        'r' => ([-1.45, 1.55, 0.95], [0.6, 1.42, 0.0], 50.0),
        _ => ([0.0, 1.6, plan.back_z + 0.2], [0.0, 1.5, plan.camera_z], 28.0),
    };
    let d: f32 = (0..3).map(|i| (position[i] - look_at[i]).powi(2)).sum::<f32>().sqrt();
    let aperture_m = if view == 'e' || view == 'b' { 0.004 } else { 0.012 };
    Camera { position, look_at, roll_degrees: 0.0, lens_mm, focus_m: if view == 'e' { 9.0 } else { d }, aperture_m, near_m: 0.05 }
}

fn shoot(set: &Set, brief: &SetBrief, view: char, settings: &Settings, path: &str) -> Result<(), Box<dyn std::error::Error>> {
    let cpu = Cpu::new(1);
    let solid = cpu.solid(&set.solid, Build::Best)?;
    let mut alive = set.life(1.3, glam::Vec3::new(0.0, 1.6, 6.0));
    if view != 'b' {
        alive.append(&stand_ins(), glam::Affine3A::IDENTITY);
    }
    let alive = cpu.solid(&alive, Build::Fast)?;
    let mut lights = set.lights(1.3);
    lights.truncate(13);
    lights.extend(rig(set));
    let cam = camera(brief, view);
    let stage = Stage { solids: &[&solid, &alive], lights: &lights, sky: &set.sky, fog: &set.fog, camera: &cam };
    let mut layers = cpu.trace(&stage, settings)?;
    cpu.denoise(&mut layers)?;
    let picture = cpu.develop(&layers, &set.look, 1)?;
    image::save_buffer(path, &picture.rgb, picture.width, picture.height, image::ColorType::Rgb8)?;
    Ok(())
}

/// The face lights as an animator would place them: key from where the set wants it, fill across, rim behind.
fn rig(set: &Set) -> Vec<Light> {
    let ball = |from: [f32; 3], e: [f32; 3], far: f32| Light::Ball {
        position: std::array::from_fn(|i| [0.0, 1.45, 0.0][i] + from[i] * far),
        radius: 0.3,
        intensity: e.map(|c| c * far * far),
    };
    let k = set.rig.key_from;
    vec![
        ball(k, set.rig.key, 2.6),
        ball([-k[0] * 0.8, 0.15, 0.6], set.rig.fill, 3.0),
        ball([-k[0] * 0.6, 0.6, -0.6], set.rig.rim, 2.6),
    ]
}

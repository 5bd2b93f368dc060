//! Renders puppets to look at: `cargo run --release -p klieg-film-cast --example lineup -- WHAT [OUT]`, WHAT one of `films`,
//! `faces`, `busts`, `mouths`, `moods`, `cultures`, `poses`, `coats`, `hands`, `extras`, `all`; pictures go to OUT (default /tmp).

use glam::{Quat, Vec3};
use klieg_film_cast::{Design, Detail, Face, Hand, Joint, Pose, Puppet, casting};
use klieg_film_words::sound::MouthShape;
use klieg_film_words::story::{Age, Build, Character, Culture, Garment, Gender, Occasion, Period};
use klieg_kernels::scene::{Camera, Fog, Geometry, Light, Look, Material, Sky, srgb};
use klieg_kernels::{Build as Tree, Cpu, Settings, Stage};
use std::path::Path;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let mut args = std::env::args().skip(1);
    let what = args.next().unwrap_or_else(|| "all".to_owned());
    let folder = args.next().unwrap_or_else(|| "/tmp".to_owned());
    let out = |name: &str| Path::new(&folder).join(format!("cast-{name}.png"));
    let wants = |name: &str| what == name || what == "all";
    if wants("films") {
        films(&out)?;
    }
    if wants("faces") {
        faces(&out)?;
    }
    if wants("busts") {
        busts(&out)?;
    }
    if wants("mouths") {
        mouths(&out("mouths"))?;
    }
    if wants("moods") {
        moods(&out("moods"))?;
    }
    if wants("cultures") {
        cultures(&out)?;
    }
    if wants("poses") {
        poses(&out("poses"))?;
    }
    if wants("coats") {
        coats(&out("coats"))?;
    }
    if wants("hands") {
        hands(&out("hands"))?;
    }
    if wants("extras") {
        extras(&out("extras"))?;
    }
    Ok(())
}

type Who = (Gender, Age, Build);
type When = (Culture, Period, Occasion);

fn someone(name: &str, (gender, age, build): Who, (culture, period, occasion): When, dress: &[(&str, &str, &str)]) -> Character {
    let word = |w: &str| (!w.is_empty()).then(|| w.to_owned());
    Character {
        name: name.to_owned(),
        age,
        gender,
        build,
        culture,
        period,
        occasion,
        language: "en".to_owned(),
        dress: dress
            .iter()
            .map(|(n, c, m)| Garment { name: (*n).to_owned(), colour: word(c), material: word(m), line: 1 })
            .collect(),
        line: 1,
        seed: 7,
    }
}

/// The people of the three example films.
fn people() -> [Vec<Design>; 3] {
    use Gender::{Female, Male};
    let tamil =
        |n, g, a, b, d: &[(&str, &str, &str)]| someone(n, (g, a, b), (Culture::Tamil, Period::Modern, Occasion::Wedding), d);
    let noir =
        |n, g, a, b, d: &[(&str, &str, &str)]| someone(n, (g, a, b), (Culture::American, Period::Noir, Occasion::Everyday), d);
    let japan =
        |n, g, a, b, d: &[(&str, &str, &str)]| someone(n, (g, a, b), (Culture::Japanese, Period::Modern, Occasion::Everyday), d);
    [
        casting(&[
            tamil(
                "LAKSHMI",
                Female,
                Age::Young,
                Build::Medium,
                &[("saree", "red", "silk"), ("jasmine", "", ""), ("bride", "", "")],
            ),
            tamil("KUMARAN", Male, Age::Young, Build::Thin, &[("veshti", "white", ""), ("groom", "", "")]),
            tamil("PAATI", Female, Age::Old, Build::Round, &[("saree", "green", "cotton")]),
            tamil("APPA", Male, Age::Middle, Build::Broad, &[("moustache", "", "")]),
            tamil("PRIEST", Male, Age::Old, Build::Thin, &[("white beard", "white", "")]),
        ]),
        casting(&[
            noir("FRANK DELANEY", Male, Age::Middle, Build::Broad, &[("trench coat", "", ""), ("fedora", "", "")]),
            noir("VERA LANE", Female, Age::Young, Build::Medium, &[("dress", "red", ""), ("gloves", "black", "")]),
            noir("BARTENDER", Male, Age::Old, Build::Round, &[("waistcoat", "", ""), ("moustache", "", "")]),
            noir("SINGER", Female, Age::Young, Build::Thin, &[("coat", "", "")]),
        ]),
        casting(&[
            japan("KENJI", Male, Age::Old, Build::Thin, &[("kimono", "indigo", "")]),
            japan("HARU", Female, Age::Child, Build::Medium, &[("kimono", "yellow", "")]),
            japan("MICHIKO", Female, Age::Old, Build::Medium, &[("kimono", "rose", "silk"), ("bun", "grey", "")]),
            japan("AKIKO", Female, Age::Young, Build::Thin, &[("kimono", "blue", "silk")]),
        ]),
    ]
}

fn films(out: &dyn Fn(&str) -> std::path::PathBuf) -> Result<(), Failure> {
    for (designs, name) in people().iter().zip(["wedding", "noir", "garden"]) {
        let mut figures = Vec::new();
        let n = designs.len() as f32;
        for (i, d) in designs.iter().enumerate() {
            let puppet = Puppet::build(d, Detail::Lead);
            let mut pose = Pose::rest();
            pose.position.x = (i as f32 - (n - 1.0) * 0.5) * 0.72;
            pose.heading = -0.12 * (i as f32 - (n - 1.0) * 0.5);
            pose.hands = [Hand::Relaxed; 2];
            let g = puppet.pose(&pose);
            println!("{}: {} triangles", d.name, g.triangles.len());
            figures.push(g);
            if i == 0 || (i == 2 && name == "garden") {
                let mut back = pose.clone();
                back.heading += 2.6;
                back.position += Vec3::new(0.0, 0.0, -1.1);
                back.position.x = -0.5 * (n + 0.2) * 0.72 + if i == 0 { 0.0 } else { n * 0.72 };
                figures.push(puppet.pose(&back));
            }
        }
        picture(&figures, Vec3::new(0.0, 1.05, 4.6), Vec3::new(0.0, 0.82, 0.0), 33.0 + 8.0 * (5.0 - n), (960, 540), &out(name))?;
    }
    Ok(())
}

fn row(designs: &[Design], detail: Detail, face: impl Fn(usize) -> Face, gap: f32) -> Vec<Geometry> {
    let n = designs.len() as f32;
    designs
        .iter()
        .enumerate()
        .map(|(i, d)| {
            let puppet = Puppet::build(d, detail);
            let mut pose = Pose::rest();
            pose.position = Vec3::new((i as f32 - (n - 1.0) * 0.5) * gap, 1.3 - puppet.body().rest[Joint::Head as usize].y, 0.0);
            pose.face = face(i);
            puppet.pose(&pose)
        })
        .collect()
}

fn faces(out: &dyn Fn(&str) -> std::path::PathBuf) -> Result<(), Failure> {
    let all: Vec<Design> = people().concat();
    let pick = |i: &[usize]| i.iter().map(|k| all[*k].clone()).collect::<Vec<_>>();
    for (k, list) in [[0, 1, 2, 3, 4], [5, 6, 9, 10, 11]].iter().enumerate() {
        let figures = row(&pick(list), Detail::Lead, |_| Face::neutral(), 0.52);
        picture(
            &figures,
            Vec3::new(0.5, 1.3, 4.6),
            Vec3::new(0.0, 1.28, 0.0),
            66.0,
            (1200, 480),
            &out(&format!("faces{}", k + 1)),
        )?;
    }
    Ok(())
}

/// Close-ups, three to a picture.
fn busts(out: &dyn Fn(&str) -> std::path::PathBuf) -> Result<(), Failure> {
    let all: Vec<Design> = people().concat();
    for (k, list) in all.chunks(3).enumerate() {
        let look = |i: usize| Face { gaze: [[0.0, 0.3, -0.3][i], 0.0], ..Face::neutral() };
        let mut figures = row(list, Detail::Lead, look, 0.44);
        // The one on the right shows the side of the head.
        if let (Some(last), Some(design)) = (figures.last_mut(), list.last()) {
            let puppet = Puppet::build(design, Detail::Lead);
            let mut pose = Pose::rest();
            pose.position = Vec3::new(0.44, 1.3 - puppet.body().rest[Joint::Head as usize].y, 0.0);
            pose.heading = 1.9;
            *last = puppet.pose(&pose);
        }
        picture(
            &figures,
            Vec3::new(0.3, 1.42, 4.6),
            Vec3::new(0.0, 1.37, 0.0),
            116.0,
            (1280, 720),
            &out(&format!("busts{}", k + 1)),
        )?;
    }
    Ok(())
}

/// Without what is below `y`.
fn clipped(g: &Geometry, y: f32) -> Geometry {
    let mut out = g.clone();
    let keep: Vec<bool> = g.triangles.iter().map(|t| t.iter().all(|i| g.positions[*i as usize][1] > y)).collect();
    let mut k = keep.iter();
    out.triangles.retain(|_| *k.next().unwrap_or(&true));
    let mut k = keep.iter();
    out.material_of.retain(|_| *k.next().unwrap_or(&true));
    out
}

fn mouths(out: &Path) -> Result<(), Failure> {
    let d = people()[0][0].clone();
    let mut figures = row(&vec![d.clone(); 5], Detail::Lead, |i| shape(MouthShape::ALL[i]), 0.4);
    for g in row(&vec![d; 4], Detail::Lead, |i| shape(MouthShape::ALL[5 + i]), 0.4) {
        let mut lower = Geometry::default();
        lower.append(&clipped(&g, 1.2), glam::Affine3A::from_translation(Vec3::new(0.0, -0.46, 0.0)));
        figures.push(lower);
    }
    let figures: Vec<Geometry> = figures.iter().enumerate().map(|(i, g)| if i < 5 { clipped(g, 1.2) } else { g.clone() }).collect();
    picture(&figures, Vec3::new(0.3, 1.2, 4.6), Vec3::new(0.0, 1.17, 0.0), 84.0, (1200, 675), out)
}

fn shape(mouth: MouthShape) -> Face {
    let mut face = Face::neutral();
    face.set_mouth(mouth);
    face
}

fn moods(out: &Path) -> Result<(), Failure> {
    let d = people()[1][0].clone();
    let n = Face::neutral();
    let happy = Face { smile: 1.0, cheeks: 0.8, lower_lids: 0.4, brow_raise: [0.3; 2], ..n };
    let sad = Face { smile: -0.8, brow_tilt: [1.0; 2], brow_raise: [0.3; 2], lids: [0.35; 2], gaze: [0.0, -0.2], ..n };
    let angry =
        Face { smile: -0.5, brow_tilt: [-1.0; 2], brow_raise: [-0.5; 2], lids: [0.25; 2], lower_lids: 0.5, ..shape(MouthShape::B) };
    let surprised = Face { brow_raise: [1.0; 2], lids: [-0.2; 2], jaw: 0.3, ..shape(MouthShape::E) };
    let shut = Face { lids: [1.0; 2], smile: 0.4, ..n };
    let wry = Face { brow_raise: [1.0, -0.4], gaze: [0.4, 0.0], smile: 0.4, lids: [0.1, 0.4], ..n };
    let list = [happy, sad, angry, surprised, shut];
    let mut figures: Vec<Geometry> = row(&vec![d; 5], Detail::Lead, |i| list[i], 0.5).iter().map(|g| clipped(g, 1.2)).collect();
    let list = [wry, happy, sad, angry, shut];
    for g in row(&vec![people()[0][2].clone(); 5], Detail::Lead, |i| list[i], 0.5) {
        let mut lower = Geometry::default();
        lower.append(&clipped(&g, 1.2), glam::Affine3A::from_translation(Vec3::new(0.0, -0.5, 0.0)));
        figures.push(lower);
    }
    picture(&figures, Vec3::new(0.3, 1.2, 4.6), Vec3::new(0.0, 1.19, 0.0), 70.0, (1200, 675), out)
}

fn cultures(out: &dyn Fn(&str) -> std::path::PathBuf) -> Result<(), Failure> {
    let cast = |name: &str, culture, period, occasion, age| {
        [Gender::Female, Gender::Male]
            .map(|g| someone(&format!("{name} {}", g.name()), (g, age, Build::Medium), (culture, period, occasion), &[]))
    };
    let sheets = [
        (
            "cultures1",
            vec![
                cast("A", Culture::Punjabi, Period::Modern, Occasion::Everyday, Age::Young),
                cast("B", Culture::Hindi, Period::Modern, Occasion::Wedding, Age::Young),
                cast("C", Culture::Chinese, Period::Medieval, Occasion::Everyday, Age::Young),
                cast("D", Culture::Korean, Period::Victorian, Occasion::Wedding, Age::Young),
            ],
        ),
        (
            "cultures2",
            vec![
                cast("E", Culture::African, Period::Modern, Occasion::Wedding, Age::Middle),
                cast("F", Culture::MiddleEastern, Period::Modern, Occasion::Everyday, Age::Middle),
                cast("G", Culture::European, Period::Victorian, Occasion::Everyday, Age::Young),
                cast("H", Culture::American, Period::Modern, Occasion::Everyday, Age::Teen),
            ],
        ),
        (
            "cultures3",
            vec![
                cast("I", Culture::Fantasy, Period::Medieval, Occasion::Everyday, Age::Young),
                cast("J", Culture::ScienceFiction, Period::Future, Occasion::Work, Age::Young),
                cast("DR. K", Culture::American, Period::Modern, Occasion::Work, Age::Middle),
                cast("NURSE L", Culture::American, Period::Modern, Occasion::Work, Age::Young),
            ],
        ),
    ];
    for (name, list) in sheets {
        let designs = casting(&list.concat());
        let figures: Vec<Geometry> = designs
            .iter()
            .enumerate()
            .map(|(i, d)| {
                let mut pose = Pose::rest();
                pose.position.x = (i as f32 - 3.5) * 0.66;
                Puppet::build(d, Detail::Lead).pose(&pose)
            })
            .collect();
        picture(&figures, Vec3::new(0.0, 1.1, 5.4), Vec3::new(0.0, 0.84, 0.0), 36.0, (1100, 480), &out(name))?;
    }
    Ok(())
}

/// Rotations for a few acting poses, as an animator would set them.
fn acting(kind: usize, puppet: &Puppet) -> Pose {
    use Joint::*;
    let mut p = Pose::rest();
    let mut set = |j: Joint, x: f32, y: f32, z: f32| p.rotations[j as usize] = Quat::from_euler(glam::EulerRot::YXZ, y, x, z);
    match kind {
        0 => {
            for (thigh, shin, arm, fore, s) in
                [(LThigh, LShin, LUpperArm, LForearm, 1.0f32), (RThigh, RShin, RUpperArm, RForearm, -1.0)]
            {
                set(thigh, -0.5 * s, 0.0, 0.0);
                set(shin, if s > 0.0 { 0.15 } else { 0.7 }, 0.0, 0.0);
                set(arm, 0.5 * s, 0.0, -0.3 * s);
                set(fore, -0.4, 0.0, 0.0);
            }
        }
        1 => {
            for (thigh, shin) in [(LThigh, LShin), (RThigh, RShin)] {
                set(thigh, -1.5, 0.0, 0.0);
                set(shin, 1.45, 0.0, 0.0);
            }
            for (arm, fore, s) in [(LUpperArm, LForearm, 1.0f32), (RUpperArm, RForearm, -1.0)] {
                set(arm, -0.4, 0.0, -0.25 * s);
                set(fore, -0.9, 0.0, 0.0);
            }
        }
        5 | 6 => {
            for (arm, fore, s) in [(LUpperArm, LForearm, 1.0f32), (RUpperArm, RForearm, -1.0)] {
                let [a, b] = if kind == 5 { [(0.6, -0.12), (-0.75, -0.5)] } else { [(-0.35, 0.25), (-2.0, 0.7)] };
                set(arm, a.0, 0.0, -a.1 * s);
                set(fore, b.0, b.1 * s, 0.0);
            }
        }
        7 => {
            set(LUpperArm, -2.4, 0.0, 0.3);
            set(LForearm, -1.3, 0.0, 0.0);
            set(RUpperArm, 0.0, 0.0, -1.3);
        }
        4 => {
            for (thigh, shin, s) in [(LThigh, LShin, 1.0f32), (RThigh, RShin, -1.0)] {
                set(thigh, -1.45, 0.75 * s, 0.0);
                set(shin, 2.2, 0.0, -0.5 * s);
            }
        }
        2 => {
            for (arm, fore, s) in [(LUpperArm, LForearm, 1.0f32), (RUpperArm, RForearm, -1.0)] {
                set(arm, -0.5, 0.0, -0.2 * s);
                set(fore, -1.75, 0.75 * s, 0.0);
            }
            set(Head, 0.15, 0.0, 0.0);
        }
        _ => {
            set(RUpperArm, -1.4, 0.0, 0.3);
            set(RForearm, -0.2, 0.0, 0.0);
            set(LForearm, -1.2, 0.0, 0.0);
            set(Chest, 0.0, -0.3, 0.0);
            set(Head, 0.0, -0.3, 0.1);
        }
    }
    match kind {
        4 => {
            p.seat_height = Some(0.0);
            p.hips_height_offset = puppet.body().seat - puppet.body().offsets[0].y;
        }
        1 => {
            p.seat_height = Some(0.42);
            p.hips_height_offset = 0.42 + puppet.body().seat - puppet.body().offsets[0].y;
        }
        2 => p.hands = [Hand::Prayer; 2],
        3 => p.hands = [Hand::Grip, Hand::Point],
        _ => {}
    }
    p
}

fn poses(out: &Path) -> Result<(), Failure> {
    let all = people();
    let cast = [&all[0][0], &all[0][1], &all[2][3], &all[1][0]];
    let mut figures = Vec::new();
    for (r, d) in cast.iter().enumerate() {
        let puppet = Puppet::build(d, Detail::Lead);
        for kind in 0..4 {
            let mut pose = acting(if kind == 2 { 4 } else { kind }, &puppet);
            let i = r * 4 + kind;
            pose.heading = if kind == 0 { 0.9 } else { 0.45 };
            pose.position = Vec3::new((i % 8) as f32 * 0.66 - 2.3, if i < 8 { 1.95 } else { 0.0 }, 0.0);
            figures.push(puppet.pose(&pose));
        }
    }
    picture(&figures, Vec3::new(0.0, 1.9, 7.0), Vec3::new(0.0, 1.78, 0.0), 45.0, (1200, 760), out)
}

/// Hands: each shape, seen from outside (above) and from the palm.
fn hands(out: &Path) -> Result<(), Failure> {
    let design = people()[2][0].clone();
    let puppet = Puppet::build(&design, Detail::Lead);
    let mut figures = Vec::new();
    for (i, shape) in Hand::ALL.into_iter().enumerate() {
        for (row, heading) in [(0, 1.3f32), (1, -2.0)] {
            let mut pose = Pose { hands: [shape; 2], heading, ..Pose::rest() };
            pose.rotations[Joint::LForearm as usize] = Quat::from_rotation_x(-1.2);
            let at = puppet.grip(&pose, true).translation;
            let to = Vec3::new((i as f32 - 2.5) * 0.34, 1.3 - 0.36 * row as f32, 0.0);
            pose.position += to - Vec3::from(at);
            let mut g = puppet.pose(&pose);
            let near: Vec<bool> =
                g.triangles.iter().map(|t| t.iter().all(|v| Vec3::from(g.positions[*v as usize]).distance(to) < 0.16)).collect();
            let mut k = near.iter();
            g.triangles.retain(|_| *k.next().unwrap_or(&true));
            let mut k = near.iter();
            g.material_of.retain(|_| *k.next().unwrap_or(&true));
            figures.push(g);
        }
    }
    picture(&figures, Vec3::new(0.0, 1.2, 4.6), Vec3::new(0.0, 1.12, 0.0), 80.0, (1280, 560), out)
}

/// Coats at their hardest: arms behind the back, elbows folded, a long stride.
fn coats(out: &Path) -> Result<(), Failure> {
    let all = people();
    let mut figures = Vec::new();
    for (i, (d, kind, heading)) in [
        (&all[1][0], 5, 0.6),
        (&all[1][0], 6, -0.5),
        (&all[1][1], 7, 0.4),
        (&all[1][3], 6, 0.5),
        (&all[1][0], 0, 1.2),
        (&all[0][1], 0, 1.2),
    ]
    .into_iter()
    .enumerate()
    {
        let puppet = Puppet::build(d, Detail::Lead);
        let mut pose = acting(kind, &puppet);
        pose.heading = heading;
        pose.position.x = (i as f32 - 2.5) * 0.7;
        figures.push(puppet.pose(&pose));
    }
    picture(&figures, Vec3::new(0.0, 1.0, 5.4), Vec3::new(0.0, 0.75, 0.0), 45.0, (1280, 560), out)
}

fn extras(out: &Path) -> Result<(), Failure> {
    let mut figures = Vec::new();
    for i in 0..24u64 {
        let (culture, period, occasion) = [
            (Culture::Tamil, Period::Modern, Occasion::Wedding),
            (Culture::American, Period::Noir, Occasion::Everyday),
            (Culture::Japanese, Period::Modern, Occasion::Festival),
        ][i as usize / 8];
        let d = Design::extra(culture, period, occasion, i);
        let puppet = Puppet::build(&d, Detail::Extra);
        let mut pose = Pose::rest();
        pose.position = Vec3::new((i % 8) as f32 * 0.62 - 2.2, 0.0, -((i / 8) as f32) * 1.3);
        pose.position.y = (i / 8) as f32 * 0.6;
        let g = puppet.pose(&pose);
        println!("extra {i}: {} triangles", g.triangles.len());
        figures.push(g);
    }
    picture(&figures, Vec3::new(0.0, 1.6, 5.6), Vec3::new(0.0, 1.2, -1.0), 38.0, (1100, 620), out)
}

fn picture(figures: &[Geometry], from: Vec3, at: Vec3, lens: f32, (width, height): (u32, u32), out: &Path) -> Result<(), Failure> {
    let cpu = Cpu::new(2);
    let mut all = Geometry::default();
    for g in figures {
        all.append(g, glam::Affine3A::IDENTITY);
    }
    let m = all.material(Material { base: srgb("#6E6A64"), roughness: 0.9, ..Default::default() });
    let (w, d) = (9.0, 4.0);
    let quads =
        [[[-w, 0.0, d], [w, 0.0, d], [w, 0.0, -d], [-w, 0.0, -d]], [[-w, 0.0, -d], [w, 0.0, -d], [w, 6.0, -d], [-w, 6.0, -d]]];
    for (q, n) in quads.iter().zip([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]) {
        let [a, b, c, e] = q.map(|p| all.vertex(p, n, p, [1.0; 3]));
        all.triangle(a, b, c, m);
        all.triangle(a, c, e, m);
    }
    let solid = cpu.solid(&all, Tree::Fast)?;
    let lights = [
        Light::Ball { position: [2.6, 3.6, 4.2], radius: 0.5, intensity: [95.0, 86.0, 74.0] },
        Light::Ball { position: [-3.5, 2.0, 3.2], radius: 0.5, intensity: [16.0, 17.5, 20.0] },
        Light::Ball { position: [-1.8, 3.4, -3.0], radius: 0.3, intensity: [30.0, 32.0, 36.0] },
    ];
    let sky = Sky { fill: 0.35, clouds: 0.0, ..Default::default() };
    let camera = Camera {
        position: from.into(),
        look_at: at.into(),
        roll_degrees: 0.0,
        lens_mm: lens,
        focus_m: from.distance(at),
        aperture_m: 0.002,
        near_m: 0.01,
    };
    let stage = Stage { solids: &[&solid], lights: &lights, sky: &sky, fog: &Fog::default(), camera: &camera };
    let mut layers = cpu.trace(&stage, &Settings { width, height, samples: 6, bounces: 1, seed: 1 })?;
    cpu.denoise(&mut layers)?;
    let picture = cpu.develop(&layers, &Look::default(), 1)?;
    image::save_buffer(out, &picture.rgb, width, height, image::ColorType::Rgb8)?;
    println!("{}", out.display());
    Ok(())
}

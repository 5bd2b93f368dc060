//! Streets between house fronts, the office with the blinds, the bar.

use crate::dressing::*;
use crate::kit::{Dice, Model, at, at_turned, p, pitch, roll};
use crate::life::{Air3, Mover, car_lights};
use crate::light::{kelvin, times};
use crate::set::{Builder, Flicker};
use crate::stuff::*;
use crate::{SetBrief, signs};
use glam::Vec3;
use klieg_film_words::shot::Posture;
use klieg_film_words::story::{Region, Verb};
use klieg_kernels::scene::{Material, Rgb};

const KERB: f32 = 4.5;
const FRONTS: f32 = 6.3;

/// How a street's houses look.
struct Fronts {
    walls: Vec<Material>,
    trim: Material,
    floors: (u32, u32),
    sign_paints: &'static [&'static str],
    neon: bool,
    awnings: &'static [(&'static str, &'static str)],
    escapes: bool,
    balconies: bool,
    eaves: bool,
}

fn fronts(b: &Builder<'_>) -> Fronts {
    let st = style(b.brief);
    let plain = |walls: Vec<Material>, signs, awnings| Fronts {
        walls,
        trim: st.trim,
        floors: (1, 2),
        sign_paints: signs,
        neon: b.brief.lamps_lit() && !b.brief.old_days(),
        awnings,
        escapes: false,
        balconies: true,
        eaves: false,
    };
    const BOLD: &[&str] = &["#C8342B", "#E3A72F", "#2F6F8C", "#3F7A46", "#B83A6B", "#E8892B"];
    const SOBER: &[&str] = &["#2E3B43", "#5E1F2B", "#3F5A40", "#8A6A3A"];
    match b.brief.region() {
        Region::SouthIndian | Region::NorthIndian => plain(
            vec![plaster("#D9A35F"), plaster("#7FA8A0"), plaster("#D8C29A"), plaster("#C77F6A"), plaster("#8FA6C0")],
            BOLD,
            &[("#C8342B", "#E9DFC8"), ("#2F6F8C", "#E9DFC8"), ("#3F7A46", "#E3C25A")],
        ),
        Region::Chinese | Region::Japanese | Region::Korean => Fronts {
            eaves: true,
            ..plain(
                vec![plaster("#CFC4AE"), planks("#6E4E38", 0.22), plaster("#A9A79C"), plaster("#B7A184")],
                BOLD,
                &[("#2E4068", "#E6E0D2"), ("#9E2B25", "#E6D9B8")],
            )
        },
        Region::MiddleEastern | Region::African => plain(
            vec![plaster("#D8B88A"), plaster("#C79A68"), plaster("#B97442"), plaster("#DCCBA8")],
            BOLD,
            &[("#2B7A78", "#E6D2A8"), ("#C6862C", "#7E2530")],
        ),
        Region::ScienceFiction => Fronts {
            floors: (5, 8),
            balconies: false,
            ..plain(vec![panels("#4A5562", 1.1), panels("#39424E", 0.9)], &["#F26B2B", "#2BB8C8"], &[("#2B3440", "#F26B2B")])
        },
        Region::Fantasy => Fronts {
            neon: false,
            eaves: true,
            ..plain(vec![plaster("#CDBF9E"), stone("#8E8A7B")], SOBER, &[("#5A3F7C", "#B98B4A")])
        },
        Region::Western => Fronts {
            walls: vec![brick("#7A4334"), brick("#5E3A30"), brick("#8A5A44"), stone("#8C857A"), brick("#6B4A3C")],
            floors: if b.brief.old_days() { (2, 3) } else { (4, 6) },
            escapes: !b.brief.old_days(),
            balconies: false,
            ..plain(Vec::new(), SOBER, &[("#5E1F2B", "#C9B98F"), ("#2F4A4A", "#C9C2AC"), ("#6B5A2E", "#D8CDB0")])
        },
    }
}

pub fn street(b: &mut Builder<'_>) {
    let look = fronts(b);
    paving(b);
    let mut dice = b.dice.fork(3);
    for side in [-1.0f32, 1.0] {
        let mut z = -38.0;
        let mut k = 0;
        while z < 30.0 {
            let wide = dice.range(6.0, 8.5);
            let mut own = dice.fork(100 + k);
            one_front(b, &look, side, z + wide * 0.5, wide, &mut own);
            z += wide + if dice.chance(0.16) { 1.6 } else { 0.06 };
            k += 1;
        }
    }
    for side in [-1.0, 1.0] {
        // What is seen through the gaps between the houses.
        b.m.block(&brick("#5A443A"), p(side * (FRONTS + 5.2), 4.5, -4.0), p(0.3, 9.0, 74.0), 0.0);
    }
    ends(b, &look, &mut dice);
    kerb_things(b, &mut dice);
    street_light(b, &look);
    if wet_street(b.brief) {
        gutters(b);
    }
    if b.brief.dark() {
        b.air.fog.density = 0.0075;
        b.air.fog.color = [0.020, 0.026, 0.036];
    }
    open_air(b);
    for (i, (x, z, turn)) in [
        (5.3, -7.0, 10.0),
        (-5.4, -10.5, 170.0),
        (5.5, -13.0, -165.0),
        (-5.2, -4.4, 20.0),
        (-5.5, 9.6, 185.0),
        (5.2, 3.6, -70.0),
        (-2.2, -15.0, 5.0),
        (5.5, 11.5, 190.0),
    ]
    .into_iter()
    .enumerate()
    {
        let verb = [Verb::Walk, Verb::Stand, Verb::Walk, Verb::Smoke, Verb::Walk, Verb::Listen][i % 6];
        b.figure(x, z, turn, Posture::Standing, verb);
    }
}

/// It rains, has rained, or is that town where it always has.
fn wet_street(brief: &SetBrief) -> bool {
    brief.wet() || brief.noir()
}

/// Water along both kerbs, puddles that hold the signs' light, drains; and in the rain what drips from awnings and ledges.
fn gutters(b: &mut Builder<'_>) {
    let mut dice = b.dice.fork(66);
    let pool = Material { base: [0.045, 0.05, 0.058], variation: 0.0, scale: 2.6, bump: 0.06, ..water("#262A30") };
    for side in [-1.0f32, 1.0] {
        b.m.sheet(&pool, 60, 1, |u, v| {
            let z = 24.0 - 60.0 * u;
            let wide = 0.34 + 0.16 * (z * 1.3).sin() + 0.1 * (z * 3.7 + side).sin();
            p(side * (KERB - 0.1 - wide * v), -0.006, z)
        });
        for z in [-9.4, -1.2, 6.8] {
            b.m.within(at(side * (KERB - 0.32), -0.004, z), |m| {
                m.block(&iron(), Vec3::ZERO, p(0.36, 0.012, 0.5), 0.0);
                for k in 0..5 {
                    m.block(&paint("#0E0F11"), p(0.0, 0.007, -0.18 + 0.09 * k as f32), p(0.28, 0.004, 0.035), 0.0);
                }
            });
        }
    }
    for (x, z, r) in [
        (-2.1, 2.4, 1.05),
        (2.3, 1.1, 1.15),
        (-2.6, -2.9, 0.9),
        (2.5, -4.9, 0.8),
        (0.5, 4.9, 0.7),
        (-0.8, -7.0, 1.1),
        (3.2, 4.1, 0.55),
    ] {
        puddle(&mut b.m, &pool, p(x, -0.0065, z), r, &mut dice);
    }
    if b.brief.wet() {
        for side in [-1.0f32, 1.0] {
            let air = Air3 { low: p(side * 5.2 - 0.06, 0.12, -12.0), high: p(side * 5.2 + 0.06, 2.36, 8.0) };
            rain_from(b, air, 90, 4.2);
        }
    }
}

/// A flat pool with an uneven shore.
fn puddle(m: &mut Model, pool: &Material, centre: Vec3, radius: f32, dice: &mut Dice) {
    let (a, c) = (dice.range(0.0, 6.0), dice.range(0.0, 6.0));
    m.sheet(pool, 28, 3, |u, v| {
        let turn = u.rem_euclid(1.0) * std::f32::consts::TAU;
        let shore = radius * (1.0 + 0.22 * (turn * 2.0 + a).sin() + 0.13 * (turn * 3.0 + c).sin() + 0.06 * (turn * 7.0).sin());
        centre + p(turn.cos() * shore * v * 1.35, 0.0, turn.sin() * shore * v)
    });
}

fn paving(b: &mut Builder<'_>) {
    let wet_now = wet_street(b.brief);
    let st = style(b.brief);
    let road = match (b.brief.old_days() || matches!(b.brief.region(), Region::African | Region::Fantasy), wet_now) {
        (_, true) => wet_asphalt(),
        (true, _) => st.soil,
        (false, _) => asphalt(),
    };
    let walk = flagstone("#87827A", "#57534D", 0.8);
    let walk = if wet_now { wet(walk) } else { walk };
    b.m.quad(&road, [p(-80.0, -0.01, 80.0), p(80.0, -0.01, 80.0), p(80.0, -0.01, -80.0), p(-80.0, -0.01, -80.0)]);
    for side in [-1.0, 1.0] {
        b.m.block(&walk, p(side * (KERB + 1.1), 0.05, -4.0), p(2.2, 0.14, 70.0), 0.02);
        b.m.block(&stone("#9A958A"), p(side * KERB, 0.055, -4.0), p(0.2, 0.15, 70.0), 0.03);
    }
    if b.brief.region() == Region::Western || b.brief.region() == Region::ScienceFiction {
        for i in 0..14 {
            b.m.block(&paint("#B9B29C"), p(0.0, -0.009, 26.0 - 4.4 * i as f32), p(0.13, 0.004, 2.0), 0.0);
        }
        for (x, z) in [(-1.9, -3.6), (1.6, -9.0), (1.2, 7.8)] {
            b.m.within(at(x, -0.012, z), |m| m.lathe(&iron(), &[(0.42, 0.0), (0.42, 0.008), (0.36, 0.012), (0.0, 0.012)], 20));
        }
    }
}

/// One house front along the street, its face in the plane of the building line.
fn one_front(b: &mut Builder<'_>, look: &Fronts, side: f32, z: f32, wide: f32, dice: &mut Dice) {
    let floors = look.floors.0 + dice.below((look.floors.1 - look.floors.0 + 1) as usize) as u32;
    let tall = 3.6 + 2.9 * floors as f32;
    let body = look.walls[dice.below(look.walls.len())];
    let trims = [look.trim, paint("#8A4A34"), paint("#4F6B52"), paint("#D8C7A0"), paint("#5B4A6B")];
    let own = Fronts { trim: if look.escapes { look.trim } else { trims[dice.below(5)] }, walls: look.walls.clone(), ..*look };
    let look = &own;
    let body = if b.brief.wet() { wet(body) } else { body };
    let dark = b.brief.dark();
    let place = at_turned(side * FRONTS, 0.0, z, -side * 90.0);
    let near = (z + 3.0).abs() < 11.0;
    let tint = dice.shade(0.12);
    b.m.within(place, |m| {
        m.tinted(tint, |m| m.block(&body, p(0.0, tall * 0.5 + 1.7, -3.0), p(wide, tall - 3.4, 6.0), 0.0));
        m.block(&look.trim, p(0.0, 3.45, 0.05), p(wide, 0.22, 0.3), 0.04);
        m.block(&look.trim, p(0.0, tall, 0.1), p(wide + 0.1, 0.45, 0.5), 0.08);
        m.block(&body, p(0.0, tall + 0.4, -2.9), p(wide, 0.8, 5.8), 0.0);
        shop_front(m, look, wide, dark, dice);
        windows(m, look, wide, floors, dark, near, dice);
        if look.escapes && dice.chance(0.6) {
            fire_escape(m, dice.off(wide * 0.15), floors);
        }
        if look.eaves {
            m.within(at(0.0, 3.6, 0.6), |m| {
                m.sheet(&roof_tile("#454B54"), 8, 2, |u, v| p((u - 0.5) * wide, -0.35 * v, -0.6 + 1.2 * v))
            });
        }
    });
    if look.neon && near {
        sign(b, look, place, wide, dice);
    } else if dice.chance(0.7) {
        let paint_hex = dice.pick(look.sign_paints);
        let word = signs::word(b.brief, None, dice);
        b.m.within(place, |m| {
            m.block(&lacquer(paint_hex), p(0.0, 3.05, 0.16), p(wide * 0.5, 0.5, 0.08), 0.02);
            if let Some(word) = &word {
                signs::board(m, word, p(0.0, 3.05, 0.203), (wide * 0.49, 0.47), "#EDE3C8", paint_hex);
            }
        });
    }
}

fn shop_front(m: &mut Model, look: &Fronts, wide: f32, dark: bool, dice: &mut Dice) {
    let open = dice.chance(0.7);
    let warm = [0.3, 0.15, 0.05];
    let door_x = wide * dice.range(-0.3, 0.3);
    let frame = look.trim;
    m.stand(&frame, p(0.0, 0.12, -0.06), p(wide, 0.5, 0.2), 0.02);
    show_window(m, open && dark, wide, dice);
    m.block(&frame, p(0.0, 3.05, -0.05), p(wide, 0.7, 0.24), 0.02);
    for i in 0..=5 {
        let x = -wide * 0.5 + wide * i as f32 / 5.0;
        m.stand(&frame, p(x, 0.12, 0.0), p(0.14, 2.7, 0.2), 0.02);
    }
    m.block(&look.walls[0], p(door_x, 1.35, 0.02), p(1.25, 2.5, 0.2), 0.02);
    m.block(&planks("#4B3426", 0.3), p(door_x, 1.25, 0.1), p(0.95, 2.2, 0.1), 0.02);
    m.block(&if open && dark { glow(warm) } else { paint("#2B3138") }, p(door_x, 1.7, 0.14), p(0.6, 0.9, 0.06), 0.01);
    m.ball(&brass(), p(door_x + 0.36, 1.15, 0.18), Vec3::splat(0.045), 8);
    m.stand(&stone("#8A857B"), p(door_x, 0.1, 0.3), p(1.3, 0.12, 0.5), 0.02);
    if dice.chance(0.55) {
        let (a, c) = dice.pick(look.awnings);
        m.sheet(&striped(a, c, 0.4), 14, 4, |u, v| p((u - 0.5) * wide * 0.86, 2.9 - 0.55 * v, 0.05 + 1.05 * v));
        m.sheet(&striped(a, c, 0.4), 28, 1, |u, v| p((u - 0.5) * wide * 0.86, 2.35 - (0.16 + 0.04 * (u * 60.0).sin()) * v, 1.1));
    }
}

/// What a shop shows: a lit back wall in bays of different stuff, shelves and goods before it, and the pane.
fn show_window(m: &mut Model, open: bool, wide: f32, dice: &mut Dice) {
    const WARES: [&str; 6] = ["#6B4A32", "#8A3A2E", "#3F5A55", "#B08B4A", "#4A3A52", "#C9B48A"];
    let bay = wide / 5.0;
    for i in 0..5 {
        let x = -wide * 0.5 + bay * (i as f32 + 0.5);
        let level = if open { dice.range(0.03, 0.26) } else { 0.008 };
        let tone = times([1.0, dice.range(0.44, 0.6), dice.range(0.12, 0.26)], level);
        let back = Material { emission: tone, ..paint(dice.pick(&["#8A6A4A", "#6B5A42", "#7A4A3A", "#5A5A4A"])) };
        m.block(&back, p(x, 1.7, -0.62), p(bay, 2.4, 0.06), 0.0);
        for row in 0..3 {
            let y = 0.62 + 0.62 * row as f32;
            let hex = dice.pick(&WARES);
            let shine = |hex: &str| Material { emission: klieg_kernels::scene::srgb(hex).map(|c| c * level * 1.1), ..paint(hex) };
            m.block(&shine("#4A3626"), p(x, y, -0.45), p(bay * 0.94, 0.04, 0.3), 0.0);
            for k in 0..3 {
                let (w, h) = (dice.range(0.12, 0.3), dice.range(0.14, 0.46));
                let at = p(x + bay * (0.28 * (k as f32 - 1.0)) + dice.off(0.05), y + 0.02, -0.42 + dice.off(0.06));
                let hex = if k == 1 { hex } else { dice.pick(&WARES) };
                if dice.chance(0.5) {
                    m.stand(&shine(hex), at, p(w, h, 0.16), 0.015);
                } else {
                    m.ball(&shine(hex), at + p(0.0, h * 0.5, 0.0), p(w * 0.5, h * 0.5, 0.1), 8);
                }
            }
        }
    }
    m.quad(&glass(), [p(-wide * 0.5, 0.6, -0.1), p(wide * 0.5, 0.6, -0.1), p(wide * 0.5, 2.75, -0.1), p(-wide * 0.5, 2.75, -0.1)]);
}

fn windows(m: &mut Model, look: &Fronts, wide: f32, floors: u32, dark: bool, near: bool, dice: &mut Dice) {
    let n = (wide / 1.9) as u32;
    for floor in 0..floors {
        for i in 0..n {
            let x = (i as f32 + 0.5) / n as f32 * wide - wide * 0.5;
            let y = 4.3 + 2.9 * floor as f32;
            let lit = dice.chance(if dark { 0.3 } else { 0.0 });
            let warm = [1.0, dice.range(0.5, 0.75), dice.range(0.2, 0.45)];
            let pane = if lit {
                glow(times(warm, dice.range(0.25, 0.7)))
            } else {
                Material { coat: 1.0, roughness: 0.1, ..paint("#2A3038") }
            };
            m.block(&pane, p(x, y + 0.75, 0.0), p(0.92, 1.5, 0.05), 0.0);
            m.block(&look.trim, p(x, y - 0.06, 0.08), p(1.2, 0.12, 0.24), if near { 0.02 } else { 0.0 });
            m.block(&look.trim, p(x, y + 1.6, 0.06), p(1.16, 0.2, 0.16), if near { 0.02 } else { 0.0 });
            m.block(&look.trim, p(x, y + 0.78, 0.03), p(0.92, 0.06, 0.06), 0.0);
            for s in [-1.0, 1.0] {
                m.block(&look.trim, p(x + s * 0.48, y + 0.75, 0.03), p(0.08, 1.5, 0.08), 0.0);
            }
            if lit && dice.chance(0.6) {
                let drop = dice.range(0.3, 0.9);
                m.block(&paper("#C9B68C"), p(x, y + 1.5 - drop * 0.5, 0.032), p(0.86, drop, 0.01), 0.0);
            }
            if look.balconies && floor == 0 && i % 2 == 0 {
                balcony(m, x, y - 0.35, &look.trim);
            }
        }
    }
}

fn balcony(m: &mut Model, x: f32, y: f32, trim: &Material) {
    m.block(trim, p(x, y, 0.45), p(1.6, 0.1, 0.9), 0.02);
    m.block(trim, p(x, y + 0.85, 0.86), p(1.6, 0.06, 0.06), 0.01);
    for k in 0..7 {
        m.block(trim, p(x - 0.75 + 0.25 * k as f32, y + 0.42, 0.86), p(0.04, 0.8, 0.04), 0.0);
    }
}

fn fire_escape(m: &mut Model, x: f32, floors: u32) {
    let rail = iron();
    for floor in 0..floors {
        let y = 4.05 + 2.9 * floor as f32;
        m.block(&rail, p(x, y, 0.55), p(2.9, 0.06, 0.95), 0.0);
        for (py, pz) in [(0.5, 1.0), (0.95, 1.0)] {
            m.block(&rail, p(x, y + py, pz), p(2.9, 0.04, 0.04), 0.0);
        }
        for k in 0..8 {
            m.block(&rail, p(x - 1.45 + 0.414 * k as f32, y + 0.48, 1.0), p(0.03, 0.95, 0.03), 0.0);
        }
        let lean = if floor % 2 == 0 { 1.0 } else { -1.0 };
        if floor + 1 < floors {
            for s in [0.35, 0.75] {
                m.bar(&rail, p(x - lean * 1.0, y, s), p(x + lean * 1.0, y + 2.9, s), 0.03);
            }
            for k in 0..9 {
                let t = (k as f32 + 0.5) / 9.0;
                m.block(&rail, p(x - lean + 2.0 * lean * t, y + 2.9 * t, 0.55), p(0.22, 0.03, 0.42), 0.0);
            }
        }
    }
    for s in [-0.2, 0.2] {
        m.bar(&rail, p(x + 1.1 + s, 4.0, 0.95), p(x + 1.1 + s, 2.4, 0.95), 0.025);
    }
}

fn sign(b: &mut Builder<'_>, look: &Fronts, place: glam::Affine3A, wide: f32, dice: &mut Dice) {
    const TUBES: [Rgb; 4] = [[5.0, 0.35, 0.45], [0.5, 3.2, 4.2], [4.6, 1.5, 0.25], [3.4, 0.5, 3.6]];
    let words: &[&str] = match b.brief.region() {
        Region::Western => &["BAR", "HOTEL", "CAFE", "DINER", "LOAN", "CLUB"],
        _ => &["", "SILK", "HOTEL", "RADIO", "CAFE"],
    };
    let word = dice.pick(words);
    let color = TUBES[b.movers.len() % 4];
    let tall = 0.62;
    let flicker = if dice.chance(0.4) { Flicker::Neon } else { Flicker::Steady };
    if word.is_empty() || dice.chance(0.6) {
        // An upright box sign standing off the wall, seen along the street.
        let hex = dice.pick(look.sign_paints);
        let x = dice.off(wide * 0.3);
        b.m.within(place * at(x, 4.4, 0.75), |m| m.block(&lacquer(hex), Vec3::Y * 0.9, p(0.16, 2.2, 0.9), 0.03));
        let ring: [&[(f32, f32)]; 3] = [
            &[(-0.3, 0.1), (0.3, 0.1), (0.3, 1.7), (-0.3, 1.7), (-0.3, 0.1)],
            &[(-0.15, 0.5), (0.15, 0.9), (-0.15, 1.3)],
            &[(-0.2, 1.5), (0.2, 1.5)],
        ];
        neon(b, place * at_turned(x + 0.06, 4.4, 0.75, 90.0), &ring, color, 4.0, flicker);
        neon(b, place * at_turned(x - 0.06, 4.4, 0.75, -90.0), &ring, color, 0.0, flicker);
        return;
    }
    let strokes = lettering(word, tall);
    let refs: Vec<&[(f32, f32)]> = strokes.iter().map(Vec::as_slice).collect();
    let long = word.len() as f32 * tall * 0.76;
    b.m.within(place * at(0.0, 3.9, 0.14), |m| {
        m.block(&lacquer("#1E2024"), p(0.0, tall * 0.5, 0.0), p(long + 0.4, tall + 0.36, 0.1), 0.03)
    });
    neon(b, place * at(-long * 0.5 + 0.08, 3.9, 0.16), &refs, color, 4.0, flicker);
}

/// What closes the street at both ends.
fn ends(b: &mut Builder<'_>, look: &Fronts, dice: &mut Dice) {
    let light = if b.brief.dark() { [0.42, 0.25, 0.1] } else { [0.05, 0.05, 0.06] };
    let tall = if look.escapes { 8.0 } else { 2.5 } + look.floors.1 as f32 * 3.2;
    for z in [-52.0, 44.0] {
        skyline(&mut b.m, "#5A504A", light, z, 22.0, (tall * 0.7, tall * 1.25), dice);
        skyline(&mut b.m, "#4A4A52", light, z * 1.35, 40.0, (tall, tall * 1.9), dice);
    }
    let what = car_lights(if b.brief.dark() { [9.0, 7.6, 5.0] } else { [0.9, 0.9, 0.8] });
    b.mover(Mover::Passing { from: p(-24.0, 0.0, -44.0), to: p(24.0, 0.0, -44.0), period: 7.0, first: 2.0, what: what.clone() });
    b.mover(Mover::Passing { from: p(24.0, 0.0, 37.0), to: p(-24.0, 0.0, 37.0), period: 9.0, first: 5.0, what });
}

fn kerb_things(b: &mut Builder<'_>, dice: &mut Dice) {
    let lamps = if b.brief.dark() { [3.0, 2.4, 1.4] } else { [0.4, 0.4, 0.36] };
    let (old, indian) = (b.brief.noir() || b.brief.old_days(), b.brief.indian());
    for (x, z, turn, hex) in
        [(-3.3, -7.4, 0.0, "#2B3038"), (3.4, -13.5, 180.0, "#5A2A26"), (3.4, 13.0, 180.0, "#38443C"), (-3.4, 16.5, 0.0, "#6A6552")]
    {
        let place = at_turned(x, 0.0, z, turn);
        b.m.within(place, |m| match (b.brief.old_days() && !b.brief.noir(), old, indian && x < 0.0) {
            (true, ..) => bullock_cart(m, &cloth("#A98F63")),
            (_, true, _) => old_car(m, hex, lamps),
            (_, _, true) => rickshaw(m),
            _ => car(m, hex, lamps),
        });
    }
    for i in 0..16 {
        let side = if i % 2 == 0 { -1.0 } else { 1.0 };
        let (x, z) = (side * dice.range(5.2, 6.0), dice.range(-20.0, 15.0));
        let turn = dice.range(0.0, 360.0);
        b.m.within(at_turned(x, 0.12, z, turn), |m| match i % 6 {
            0 => {
                m.lathe(&metal("#7A7F84", 0.45), &[(0.24, 0.0), (0.28, 0.75), (0.3, 0.76), (0.3, 0.8), (0.05, 0.9), (0.0, 0.9)], 14)
            }
            1 => crate_box(m, 0.45),
            2 => {
                m.lathe(&lacquer("#A8322A"), &[(0.16, 0.0), (0.12, 0.1), (0.12, 0.55), (0.17, 0.6), (0.14, 0.72), (0.0, 0.82)], 12)
            }
            3 => m.within(roll(4.0), |m| m.stand(&paint("#3E5A66"), Vec3::ZERO, p(0.5, 1.1, 0.4), 0.05)),
            4 => m.ball(&cloth("#3A3A38"), p(0.0, 0.22, 0.0), p(0.3, 0.26, 0.28), 10),
            _ => m.within(pitch(0.0), |m| pot_plant(m, &paint("#9C5A34"), "#55733A", 0.8, &mut Dice::new(i))),
        });
    }
    for i in 0..5 {
        // Cables over the street.
        let z = -4.0 - 6.0 * i as f32;
        b.m.cable(&iron(), p(-FRONTS, 7.0 + dice.unit(), z), p(FRONTS, 6.6 + dice.unit(), z + dice.off(3.0)), 0.7, 0.018);
    }
    if matches!(b.brief.region(), Region::Japanese | Region::Chinese | Region::Korean) {
        for i in 0..8 {
            let x = if i % 2 == 0 { -5.9 } else { 5.9 };
            let strength = if b.brief.dark() && (2..6).contains(&i) { 2.0 } else { 0.0 };
            lantern(b, p(x, 3.3, 3.0 - 2.4 * i as f32), 0.24, [1.7, 0.55, 0.25], strength);
        }
    }
    if indian {
        for i in 0..4 {
            let z = -3.0 - 3.4 * i as f32;
            b.m.garland(&petal("#EE9A24"), p(-FRONTS, 4.6, z), p(FRONTS, 4.6, z), 0.8, 0.08, &[[1.0; 3], [1.05, 0.6, 0.35]]);
        }
    }
}

/// The amber lamp that blinks over a crossing at night, on its cable.
fn crossing_light(b: &mut Builder<'_>, at_place: Vec3) {
    let amber = [6.0, 2.4, 0.25];
    b.m.cable(&iron(), p(-FRONTS, 6.6, at_place.z), p(FRONTS, 6.6, at_place.z), 0.5, 0.018);
    b.m.bar(&iron(), at_place, at_place + p(0.0, 0.75, 0.0), 0.02);
    b.m.block(&lacquer("#2E3A34"), at_place - p(0.0, 0.3, 0.0), p(0.3, 0.62, 0.3), 0.04);
    let what = Model::of(|m| {
        for side in [-1.0, 1.0] {
            m.ball(&glow(amber), at_place + p(0.0, -0.3, side * 0.16), p(0.12, 0.12, 0.05), 10);
        }
    });
    let seed = b.dice.seed();
    b.mover(Mover::Glow { what, light: amber, flicker: Flicker::Blink(1.5), seed });
}

fn street_light(b: &mut Builder<'_>, look: &Fronts) {
    let on = b.brief.lamps_lit();
    if !b.brief.dark() {
        // A street is a canyon: what the fronts throw back and forth.
        b.air.sky.fill *= 1.5;
    }
    let steam = b.dice.seed();
    if on && look.escapes {
        crossing_light(b, p(-0.6, 5.4, -15.0));
    }
    for (x, z, strength) in [(-4.75, -3.4, 48.0), (4.75, -11.5, 56.0), (4.75, 4.6, 40.0), (-4.75, -20.0, 56.0), (-4.75, 12.5, 40.0)]
    {
        street_lamp(b, p(x, 0.12, z), if x < 0.0 { 90.0 } else { -90.0 }, 5.0, on, strength);
    }
    if look.escapes {
        b.mover(Mover::Smoke {
            foot: p(1.6, 0.02, -9.0),
            rise: 2.6,
            puff: 0.3,
            wind: p(0.12, 0.0, 0.05),
            color: [0.5, 0.5, 0.52],
            seed: steam,
        });
    }
    if b.brief.dark() {
        for (x, z) in [(-6.1, -1.5), (6.1, -6.5), (6.1, 1.5)] {
            b.panel(p(x, 1.7, z), p(-x, 0.1, 0.0), (1.8, 1.0), times(kelvin(2500.0), 4.0));
        }
        let side = if b.brief.noir() { kelvin(3000.0) } else { kelvin(2800.0) };
        b.air.rig.key = times(side, 1.45);
        b.key_from(p(-3.6, 4.2, 2.4));
    }
}

pub fn office(b: &mut Builder<'_>) {
    let st = style(b.brief);
    let noir = b.brief.noir();
    let room = Room::of(b, 2.5, 3.0);
    let back = hole(0.75, 1.7, 0.95, 2.35);
    let side = hole(room.along(2, 0.2), 1.9, 0.9, 2.4);
    let door = hole(room.along(1, 2.6), 0.95, 0.0, 2.1);
    let door2 = hole(-1.4, 0.95, 0.0, 2.1);
    let (wall_paint, floor) = if noir { (plaster("#6F725C"), planks("#523A28", 0.16)) } else { (st.wall, st.floor) };
    let holes: [&[Hole]; 4] = [&[back], &[door], &[side], &[door2]];
    room.shell(&mut b.m, &floor, &plaster("#9A9584"), &wall_paint, holes);
    room.bands(&mut b.m, &planks("#452F21", 0.3), 0.0, 0.95, 0.05, holes);
    room.bands(&mut b.m, &wood("#3C281B"), 0.95, 1.02, 0.08, holes);
    room.bands(&mut b.m, &wood("#3C281B"), 2.82, 3.0, 0.07, holes);
    for (i, h) in [(0, back), (2, side)] {
        b.m.within(room.side(i), |m| {
            window_frame(m, &wood("#3C281B"), h, 1, 1, None);
            blinds(m, h);
        });
    }
    for (i, h) in [(1, door), (3, door2)] {
        b.m.within(room.side(i), |m| {
            door_leaf(m, &st.wood, &brass(), h, -8.0);
            m.block(&glow([0.16, 0.14, 0.1]), p((h.x0 + h.x1) * 0.5, 1.55, 0.0), p(0.6, 0.75, 0.06), 0.0);
        });
    }
    office_desk(b, &st);
    office_walls(b, &room, &st);
    office_light(b, &room, side);
}

fn blinds(m: &mut Model, h: Hole) {
    let slat = paint("#CFC7AE");
    let n = ((h.y1 - h.y0) / 0.095) as u32;
    for i in 0..n {
        let y = h.y0 + 0.03 + (h.y1 - h.y0) * i as f32 / n as f32;
        m.within(at((h.x0 + h.x1) * 0.5, y, 0.07) * pitch(-18.0), |m| {
            m.block(&slat, Vec3::ZERO, p(h.x1 - h.x0 + 0.06, 0.004, 0.08), 0.0)
        });
    }
    for x in [h.x0 + 0.25, h.x1 - 0.25] {
        m.block(&paint("#9A927A"), p(x, (h.y0 + h.y1) * 0.5, 0.1), p(0.02, h.y1 - h.y0, 0.004), 0.0);
    }
    m.block(&slat, p((h.x0 + h.x1) * 0.5, h.y1 + 0.04, 0.08), p(h.x1 - h.x0 + 0.1, 0.07, 0.07), 0.01);
}

/// The desk that the hero sits behind, and what lies on it.
fn office_desk(b: &mut Builder<'_>, st: &Style) {
    let mut dice = b.dice.fork(5);
    let modern = !b.brief.noir() && !b.brief.old_days();
    let m = &mut b.m;
    m.within(at(0.0, 0.0, -1.05), |m| {
        m.block(&st.wood, p(0.0, 0.75, 0.0), p(1.7, 0.06, 0.72), 0.015);
        for s in [-1.0, 1.0] {
            m.stand(&st.wood, p(s * 0.6, 0.0, 0.0), p(0.44, 0.73, 0.66), 0.015);
            for k in 0..3 {
                m.block(&st.wood, p(s * 0.6, 0.15 + 0.22 * k as f32, -0.34), p(0.38, 0.18, 0.02), 0.008);
            }
        }
        m.block(&st.wood, p(0.0, 0.4, 0.28), p(0.8, 0.6, 0.04), 0.01);
        m.block(&paint("#33463C"), p(0.0, 0.784, -0.02), p(0.7, 0.008, 0.45), 0.0);
        for i in 0..4 {
            m.within(at_turned(dice.range(-0.2, 0.2), 0.79 + 0.003 * i as f32, dice.range(-0.15, 0.1), dice.off(30.0)), |m| {
                m.block(&paper("#DDD3B8"), Vec3::ZERO, p(0.2, 0.002, 0.28), 0.0);
            });
        }
        m.within(at(-0.62, 0.78, 0.05), telephone);
        m.within(at(0.3, 0.78, 0.2), |m| m.lathe(&glass(), &[(0.05, 0.0), (0.055, 0.02), (0.05, 0.025), (0.03, 0.01)], 12));
        if modern {
            m.block(&paint("#26292D"), p(0.5, 1.05, 0.1), p(0.62, 0.38, 0.03), 0.01);
            m.stand(&iron(), p(0.5, 0.78, 0.12), p(0.2, 0.12, 0.14), 0.01);
        } else {
            bottle_at(m, "#8A5A22", p(0.66, 0.78, 0.12), 0.28);
            cup(m, &glass(), p(0.52, 0.78, 0.2), 0.035, 0.08);
        }
        m.within(at(-0.35, 0.78, 0.2), |m| books(m, 0.24, 0.24, &mut dice));
    });
    m.within(at_turned(0.0, 0.0, -1.75, 180.0), |m| {
        m.block(&cloth("#4A3A2E"), p(0.0, 0.44, 0.0), p(0.5, 0.08, 0.48), 0.03);
    });
    m.within(at(0.0, 0.0, -1.75), |m| {
        m.lathe(&iron(), &[(0.3, 0.0), (0.28, 0.05), (0.04, 0.08), (0.035, 0.4)], 10);
        m.block(&cloth("#4A3A2E"), p(0.0, 0.8, -0.27), p(0.46, 0.5, 0.08), 0.03);
    });
    m.within(at_turned(1.5, 0.0, 0.2, -120.0), |m| chair(m, &st.wood, &st.cloth));
    m.within(at(0.0, 0.0, 0.6), |m| rug(m, &st.rug, &st.cloth, 2.8, 1.9));
    let foot = p(-0.3, 0.78, -0.88);
    desk_lamp(b, foot);
}

/// The green-shaded banker's lamp.
fn desk_lamp(b: &mut Builder<'_>, foot: Vec3) {
    b.m.within(at(foot.x, foot.y, foot.z), |m| {
        m.lathe(&brass(), &[(0.1, 0.0), (0.09, 0.02), (0.015, 0.03), (0.012, 0.34)], 12);
        m.sheet(&lacquer("#2E6B4A"), 10, 8, |u, v| {
            let a = (v - 0.5) * 2.7;
            p((u - 0.5) * 0.34, 0.34 + 0.06 * a.cos(), a.sin() * 0.08)
        });
        m.block(&glow([4.5, 3.0, 1.4]), p(0.0, 0.335, 0.0), p(0.26, 0.02, 0.05), 0.0);
    });
    b.bulb(foot + p(0.0, 0.28, 0.0), 0.05, times(kelvin(2700.0), 1.7), Flicker::Steady);
}

fn telephone(m: &mut Model) {
    let bakelite = lacquer("#242322");
    m.block(&bakelite, p(0.0, 0.04, 0.0), p(0.18, 0.08, 0.18), 0.03);
    m.lathe(&paint("#B9B29C"), &[(0.06, 0.085), (0.055, 0.09), (0.0, 0.09)], 12);
    m.tube(
        &bakelite,
        &[p(-0.12, 0.1, 0.0), p(-0.1, 0.14, 0.0), p(0.1, 0.14, 0.0), p(0.12, 0.1, 0.0)],
        |t| if !(0.2..=0.8).contains(&t) { 0.032 } else { 0.018 },
        8,
    );
}

fn office_walls(b: &mut Builder<'_>, room: &Room, st: &Style) {
    let mut dice = b.dice.fork(6);
    let back = room.back;
    for i in 0..2 {
        b.m.within(at(-2.6 + 0.56 * i as f32, 0.0, back + 0.34), |m| {
            filing_cabinet(m, &metal("#5E6A5C", 0.5), 4);
            m.within(at(0.0, 1.36, 0.0), |m| books(m, 0.4, 0.24, &mut dice));
        });
    }
    b.m.within(room.side(0) * at(-0.95, 1.75, 0.0), |m| picture(m, &st.wood, 0.7, 0.55, &mut dice));
    b.m.within(room.side(0) * at(2.55, 0.0, 0.22), |m| {
        shelf(m, &st.wood, 1.2, 2.1, 0.3, 5, |m, row, tall| {
            if row < 4 {
                books(m, 1.1, tall, &mut dice)
            }
        })
    });
    b.m.within(room.side(1) * at(room.along(1, 0.4), 1.8, 0.0), |m| picture(m, &st.wood, 1.0, 0.7, &mut dice));
    b.m.within(room.side(1) * at(room.along(1, -1.4), 0.0, 0.3), |m| {
        m.lathe(&wood("#4E3423"), &[(0.22, 0.0), (0.2, 0.04), (0.03, 0.08), (0.025, 1.75), (0.05, 1.8), (0.0, 1.86)], 10);
        for k in 0..4 {
            let a = k as f32 * std::f32::consts::FRAC_PI_2;
            m.bar(&wood("#4E3423"), p(0.0, 1.6, 0.0), p(a.sin() * 0.18, 1.76, a.cos() * 0.18), 0.016);
        }
        m.within(at(0.12, 1.64, 0.1), |m| m.lathe(&felt("#4A4238"), &[(0.17, 0.0), (0.1, 0.02), (0.09, 0.1), (0.0, 0.12)], 14));
        m.within(at(-0.1, 0.75, 0.14), |m| m.drape(&cloth("#8A7A58"), 0.4, 0.95, 3.0, 0.05));
    });
    for (which, z) in [(1, 4.6), (2, 3.4), (2, 5.2)] {
        b.m.within(room.side(which) * at(room.along(which, z), 1.7, 0.0), |m| picture(m, &st.wood, 0.8, 0.6, &mut dice));
    }
    b.m.within(room.side(2) * at(room.along(2, -1.9), 0.0, 0.3), |m| pot_plant(m, &brass(), st.leaf, 1.2, &mut dice));
    b.m.within(room.side(3) * at(1.2, 0.0, 0.35), |m| sofa(m, &cloth("#4E2E2A"), &st.wood, 1.7));
    b.m.within(room.side(3) * at(1.2, 1.7, 0.0), |m| picture(m, &st.wood, 0.9, 0.6, &mut dice));
}

fn office_light(b: &mut Builder<'_>, room: &Room, side: Hole) {
    let night = b.brief.dark() || b.brief.noir();
    let dice = &mut b.dice.fork(8);
    // Across the street: house fronts and a sign that blinks.
    let lit = if night { [1.4, 0.9, 0.4] } else { [0.1, 0.1, 0.12] };
    skyline(&mut b.m, "#5A463C", lit, room.back - 9.0, 16.0, (8.0, 15.0), dice);
    b.m.within(at_turned(room.half + 8.0, 0.0, 0.0, -90.0), |m| skyline(m, "#5A463C", lit, 0.0, 16.0, (7.0, 13.0), dice));
    let strokes = lettering("HOTEL", 0.6);
    let refs: Vec<&[(f32, f32)]> = strokes.iter().map(Vec::as_slice).collect();
    if night {
        neon(b, at(-0.4, 2.0, room.back - 5.5), &refs, [5.0, 0.5, 0.35], 3.0, Flicker::Blink(1.6));
        // The street lamp outside throws the slats across the room.
        let window = room.side(2).transform_point3(p((side.x0 + side.x1) * 0.5, 1.65, 0.0));
        b.hard_spot(window + p(5.2, 2.0, 2.6), window + p(-3.0, -1.0, -1.5), 30.0, 44.0, times(kelvin(3000.0), 330.0));
        b.air.rig.slats = b.brief.noir();
        b.air.rig.key_from = p(0.78, 0.36, 0.52).normalize().to_array();
        pendant(b, p(1.2, room.tall, 4.4), 0.7, "#3C4A40", kelvin(2700.0), 2.2);
        b.panel(p(0.75, 1.65, room.back + 0.05), Vec3::Z, (0.8, 0.65), times(kelvin(6500.0), 0.5));
        room.bounce(b, 0.6);
    } else {
        room.daylight(b, 2, side, 2.2);
        b.panel(p(0.75, 1.65, room.back + 0.05), Vec3::Z, (0.8, 0.65), times(b.air.daylight, 1.5));
        b.key_from(p(2.8, 2.0, 1.2));
        room.bounce(b, 1.3);
    }
    b.air.fog.density = 0.005;
    b.air.fog.color = [0.02, 0.02, 0.02];
    motes(b, p(-2.0, 0.6, -2.0), p(2.4, 2.6, 2.0), 36, 0.5);
    let hub = p(0.0, room.tall - 0.42, 0.4);
    let what = Model::of(|m| {
        for k in 0..4 {
            m.within(at_turned(0.0, 0.0, 0.0, 90.0 * k as f32), |m| {
                m.block(&wood("#5A3E2A"), p(0.45, 0.0, 0.0), p(0.7, 0.015, 0.14), 0.004)
            });
        }
        m.bar(&brass(), Vec3::ZERO, p(0.0, 0.42, 0.0), 0.025);
        m.ball(&brass(), Vec3::ZERO, p(0.1, 0.07, 0.1), 12);
    });
    b.mover(Mover::Spin { what, hub, turns_a_second: 0.35 });
}

pub fn bar(b: &mut Builder<'_>) {
    let st = style(b.brief);
    let room = Room::of(b, 2.6, 3.1);
    let window = hole(room.along(1, 1.8), 2.0, 1.0, 2.3);
    let door = hole(room.along(2, 3.2), 1.0, 0.0, 2.2);
    let holes: [&[Hole]; 4] = [&[], &[window], &[door], &[hole(0.9, 1.8, 1.0, 2.3)]];
    room.shell(&mut b.m, &checker("#54443A", "#8C7A62", 0.3), &planks("#3C2A20", 0.3), &brick("#6B3F33"), holes);
    room.bands(&mut b.m, &planks("#4A2F20", 0.26), 0.0, 1.15, 0.06, holes);
    room.bands(&mut b.m, &wood("#3A2418"), 1.15, 1.22, 0.1, holes);
    b.m.within(room.side(1), |m| {
        window_frame(m, &st.wood, window, 2, 0, Some(&glow(if b.brief.dark() { [0.05, 0.07, 0.12] } else { [0.7, 0.75, 0.8] })))
    });
    b.m.within(room.side(2), |m| door_leaf(m, &st.wood, &brass(), door, -6.0));
    counter(b, &st);
    back_bar(b, &st, room.back);
    bar_room(b, &room, &st);
    for (x, on) in [(-1.5, 2.3), (0.0, 2.6), (1.5, 2.3)] {
        pendant(b, p(x, room.tall, -1.5), 0.95, "#2E4A3C", kelvin(2600.0), on);
    }
    pendant(b, p(-2.4, room.tall, 3.4), 0.7, "#6B2A22", kelvin(2400.0), 1.6);
    pendant(b, p(2.4, room.tall, 1.6), 0.7, "#6B2A22", kelvin(2400.0), 1.6);
    room.bounce(b, 0.95);
    b.air.fog.density = 0.03;
    b.air.fog.color = [0.03, 0.022, 0.016];
    b.air.rig.key = times(kelvin(2700.0), 1.45);
    b.key_from(p(-2.0, 2.6, 1.4));
    motes(b, p(-2.4, 0.8, -2.0), p(2.4, 2.6, 2.6), 30, 0.5);
    let seed = b.dice.seed();
    b.mover(Mover::Smoke {
        foot: p(1.55, 1.16, -1.55),
        rise: 1.5,
        puff: 0.07,
        wind: p(0.04, 0.0, 0.0),
        color: [0.45, 0.44, 0.44],
        seed,
    });
    b.figure(0.3, -2.35, 5.0, Posture::Standing, Verb::Listen);
    // One at the end of the counter, two who talk behind the camera.
    b.figure(3.0, -0.75, 220.0, Posture::Standing, Verb::Drink);
    b.figure(-3.0, 3.1, 140.0, Posture::Standing, Verb::Drink);
    b.figure(3.0, 4.2, -130.0, Posture::Standing, Verb::Listen);
}

fn counter(b: &mut Builder<'_>, st: &Style) {
    let mut dice = b.dice.fork(9);
    let m = &mut b.m;
    m.stand(&planks("#4E2F1E", 0.3), p(0.0, 0.0, -1.72), p(5.4, 1.06, 0.5), 0.01);
    m.block(&lacquer("#5A3320"), p(0.0, 1.09, -1.66), p(5.6, 0.06, 0.74), 0.02);
    for i in 0..8 {
        m.block(&wood("#3E2517"), p(-2.45 + 0.7 * i as f32, 0.55, -1.455), p(0.56, 0.8, 0.03), 0.012);
    }
    m.bar(&brass(), p(-2.7, 0.2, -1.32), p(2.7, 0.2, -1.32), 0.028);
    for x in [-1.3, -0.1, 1.1, 2.2, -2.3] {
        m.within(at(x, 0.0, -1.1), |m| stool(m, &st.wood, &lacquer("#7A2A26"), 0.66));
    }
    for i in 0..12 {
        let (x, z) = (dice.off(2.6), -1.62 + dice.off(0.22));
        match i % 4 {
            0 => bottle_at(m, dice.pick(&["#3F5A2E", "#8A5A22", "#5E2A22", "#2F4A55"]), p(x, 1.12, z), dice.range(0.26, 0.34)),
            1 => cup(m, &glass(), p(x, 1.12, z), 0.035, 0.09),
            2 => m.within(at(x, 1.12, z), |m| {
                m.lathe(&lacquer("#C9C2AE"), &[(0.08, 0.0), (0.09, 0.02), (0.06, 0.012), (0.0, 0.012)], 14)
            }),
            _ => m.within(at(x, 1.12, z), |m| {
                m.lathe(&glass(), &[(0.035, 0.0), (0.005, 0.01), (0.005, 0.08), (0.04, 0.12), (0.042, 0.17)], 12)
            }),
        }
    }
    m.within(at(2.2, 1.12, -1.72), |m| {
        for k in 0..3 {
            m.bar(&brass(), p(k as f32 * 0.1, 0.0, 0.0), p(k as f32 * 0.1, 0.32, 0.0), 0.02);
            m.ball(
                &lacquer(["#7A2A26", "#2F5A46", "#C9A24A"][k as usize]),
                p(k as f32 * 0.1, 0.36, 0.02),
                p(0.025, 0.07, 0.025),
                8,
            );
        }
    });
}

fn back_bar(b: &mut Builder<'_>, st: &Style, back: f32) {
    const GLASS: [&str; 8] = ["#3F5A2E", "#8A5A22", "#6A2A22", "#2F4A55", "#B98A3A", "#56702E", "#3A3350", "#A9A48E"];
    let mut dice = b.dice.fork(10);
    let m = &mut b.m;
    m.block(&Material { metallic: 1.0, roughness: 0.13, ..paint("#8E9296") }, p(0.0, 1.95, back + 0.05), p(3.9, 1.5, 0.03), 0.0);
    m.stand(&st.wood, p(0.0, 0.0, back + 0.25), p(5.2, 0.95, 0.46), 0.02);
    m.block(&st.wood, p(0.0, 2.85, back + 0.18), p(5.2, 0.28, 0.34), 0.05);
    for x in [-2.55, -0.85, 0.85, 2.55] {
        m.stand(&st.wood, p(x, 0.9, back + 0.14), p(0.14, 1.9, 0.2), 0.03);
    }
    for row in 0..3 {
        let y = 0.97 + 0.52 * row as f32;
        m.block(&st.wood, p(0.0, y, back + 0.2), p(5.0, 0.035, 0.28), 0.008);
        m.block(&glow([0.9, 0.5, 0.18]), p(0.0, y + 0.03, back + 0.07), p(4.9, 0.02, 0.01), 0.0);
        let mut x = -2.4;
        while x < 2.4 {
            if dice.chance(0.86) {
                let hex = dice.pick(&GLASS);
                bottle_at(m, hex, p(x, y + 0.02, back + 0.2 + dice.off(0.05)), dice.range(0.25, 0.4));
            }
            x += dice.range(0.1, 0.17);
        }
    }
    for x in [-1.7, 0.0, 1.7] {
        b.bulb(p(x, 2.62, back + 0.5), 0.08, times(kelvin(2300.0), 1.1), Flicker::Steady);
    }
    let strokes = lettering("BAR", 0.34);
    let refs: Vec<&[(f32, f32)]> = strokes.iter().map(Vec::as_slice).collect();
    neon(b, at(-3.46, 2.3, back + 0.04), &refs, [5.0, 0.4, 0.5], 1.3, Flicker::Neon);
}

fn bar_room(b: &mut Builder<'_>, room: &Room, st: &Style) {
    let mut dice = b.dice.fork(12);
    for (which, z) in [(1, -1.0), (2, -0.6), (2, 1.2), (1, 4.4), (2, 5.2)] {
        b.m.within(room.side(which) * at(room.along(which, z), 1.8, 0.0), |m| picture(m, &st.wood, 0.7, 0.5, &mut dice));
    }
    for (x, z) in [(-3.05, 3.9), (3.05, 5.4), (-3.05, 5.8)] {
        b.m.within(at(x, 0.0, z), |m| {
            round_table(m, &st.wood, &iron(), 0.38, 0.72);
            cup(m, &glass(), p(0.1, 0.72, 0.05), 0.034, 0.1);
        });
        let foot = p(x, 0.72, z - 0.12);
        b.m.within(at(foot.x, foot.y, foot.z), |m| m.lathe(&wax("#E0CFA0"), &[(0.03, 0.0), (0.028, 0.1), (0.0, 0.1)], 8));
        let seed = b.dice.seed();
        b.mover(Mover::Flame { foot: foot + p(0.0, 0.1, 0.0), tall: 0.05, light: oil_glow(), seed });
        oil_light(b, foot + p(0.0, 0.2, 0.0), 0.4);
    }
    b.m.within(room.side(2) * at(room.along(2, -1.7), 0.0, 0.32), |m| {
        // The juke box, or a cabinet wireless in older days.
        m.stand(&lacquer("#5A2E1E"), Vec3::ZERO, p(0.8, 1.1, 0.5), 0.06);
        m.within(at(0.0, 1.1, 0.22), |m| m.arch(&glow([1.6, 0.6, 0.15]), 0.32, 0.06, 0.06, 0.0));
        m.block(&glow([0.9, 0.55, 0.2]), p(0.0, 0.78, 0.255), p(0.5, 0.3, 0.01), 0.0);
        for k in 0..5 {
            m.block(&brass(), p(-0.2 + 0.1 * k as f32, 0.35, 0.26), p(0.03, 0.4, 0.02), 0.006);
        }
    });
    b.bulb(p(room.half - 0.9, 1.0, -1.7), 0.1, [0.9, 0.4, 0.12], Flicker::Steady);
}

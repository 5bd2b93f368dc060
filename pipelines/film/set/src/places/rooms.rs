//! Rooms that people live and are cared for in: kitchen, bedroom, living room, ward, classroom.

use crate::dressing::*;
use crate::kit::{Dice, Model, at, at_turned, p};
use crate::life::Mover;
use crate::light::{kelvin, times};
use crate::set::{Builder, Flicker};
use crate::stuff::*;
use glam::Vec3;
use klieg_film_words::shot::Posture;
use klieg_film_words::story::{Region, Verb};
use klieg_kernels::scene::Material;

/// The common shell of a home: windows left and back, a door right; dado, skirting, beams; daylight or dusk through the panes.
fn home(b: &mut Builder<'_>, st: &Style, back_x: f32, tall: f32) -> Room {
    let room = Room::of(b, 2.2, tall);
    let back = hole(back_x, 1.5, 0.95, 2.1);
    let left = hole(room.along(1, 0.6), 1.7, 0.9, 2.15);
    let door = hole(room.along(2, 1.4), 1.0, 0.0, 2.1);
    let front = hole(1.4, 1.0, 0.0, 2.1);
    let holes: [&[Hole]; 4] = [&[back], &[left], &[door], &[front]];
    let ceiling = if b.brief.region() == Region::ScienceFiction { st.dado } else { planks("#8A6A4A", 0.4) };
    room.shell(&mut b.m, &st.floor, &ceiling, &st.wall, holes);
    room.bands(&mut b.m, &st.dado, 0.0, 0.8, 0.03, holes);
    room.bands(&mut b.m, &st.wood, 0.8, 0.86, 0.05, holes);
    room.bands(&mut b.m, &st.wood, 0.0, 0.1, 0.05, holes);
    for i in 0..6 {
        let z = room.back + room.deep() * (i as f32 + 0.5) / 6.0;
        b.m.block(&st.wood, p(0.0, tall - 0.08, z), p(room.wide(), 0.16, 0.14), 0.02);
    }
    let dark = b.brief.dark();
    for (which, h) in [(0, back), (1, left)] {
        b.m.within(room.side(which), |m| {
            window_frame(m, &st.trim, h, 1, 1, None);
            for (x, s) in [(h.x0 - 0.1, -1.0), (h.x1 + 0.1, 1.0)] {
                m.within(at(x - s * 0.1, h.y0 - 0.2, 0.12), |m| m.drape(&st.cloth, 0.5, h.y1 - h.y0 + 0.4, 4.0, 0.05));
            }
            m.bar(&brass(), p(h.x0 - 0.4, h.y1 + 0.2, 0.12), p(h.x1 + 0.4, h.y1 + 0.2, 0.12), 0.016);
        });
        room.daylight(b, which, h, if dark { 1.5 } else { 2.4 });
        room.outlook(b, which, false);
    }
    for (which, h) in [(2, door), (3, front)] {
        b.m.within(room.side(which), |m| {
            door_leaf(m, &st.wood, &brass(), h, 0.0);
            for s in [h.x0 - 0.05, h.x1 + 0.05] {
                m.stand(&st.trim, p(s, 0.0, 0.0), p(0.1, 2.18, 0.2), 0.015);
            }
            m.block(&st.trim, p((h.x0 + h.x1) * 0.5, 2.15, 0.0), p(1.3, 0.12, 0.2), 0.015);
        });
    }
    room.bounce(b, if dark { 0.75 } else { 1.2 });
    b.key_from(if dark { p(1.6, 2.3, 1.8) } else { p(-3.0, 2.1, 1.4) });
    motes(b, p(-2.2, 0.5, -1.8), p(2.0, 2.3, 2.0), 26, if dark { 0.3 } else { 0.9 });
    room
}

/// Pictures around the walls, seeded, so that none is bare.
fn hang_pictures(b: &mut Builder<'_>, room: &Room, st: &Style, spots: &[(usize, f32)]) {
    let mut dice = b.dice.fork(77);
    for &(which, u) in spots {
        let x = if which == 1 || which == 2 { room.along(which, u) } else { u };
        let (w, h) = (dice.range(0.4, 0.8), dice.range(0.35, 0.6));
        let y = dice.range(1.5, 1.75);
        b.m.within(room.side(which) * at(x, y, 0.0), |m| picture(m, &st.wood, w, h, &mut dice));
    }
}

/// The lamp that the culture hangs in its rooms.
fn room_lamp(b: &mut Builder<'_>, hook: Vec3, strength: f32) {
    match b.brief.region() {
        Region::Japanese | Region::Chinese | Region::Korean => {
            lantern(b, hook + p(0.0, 0.06, 0.0), 0.15, [1.7, 1.0, 0.5], strength)
        }
        Region::ScienceFiction => b.panel(hook, Vec3::NEG_Y, (0.5, 0.3), times(kelvin(5200.0), strength)),
        _ => pendant(b, hook, 0.36, "#6B4A2E", kelvin(2700.0), strength),
    }
}

pub fn kitchen(b: &mut Builder<'_>) {
    let st = style(b.brief);
    let room = home(b, &st, 1.3, 2.7);
    let mut dice = b.dice.fork(2);
    let (z, traditional) = (
        room.back + 0.34,
        b.brief.indian() || b.brief.old_days() || matches!(b.brief.region(), Region::African | Region::MiddleEastern),
    );
    let top = if traditional { stone("#5B5750") } else { marble("#C9C2B4", "#9A9284") };
    for (i, x) in [-2.6, -1.6, -0.6, 0.4, 1.4, 2.4].into_iter().enumerate() {
        let tint = dice.shade(0.05);
        b.m.tinted(tint, |m| {
            m.within(at(x, 0.0, z), |m| cupboard(m, if i % 2 == 0 { &st.trim } else { &st.wood }, &brass(), p(0.98, 0.84, 0.56)))
        });
    }
    b.m.block(&top, p(-0.1, 0.87, z + 0.03), p(6.1, 0.06, 0.66), 0.012);
    b.m.block(&checker("#D9D0B8", st.accent, 0.13), p(-0.1, 1.15, room.back + 0.02), p(6.1, 0.5, 0.03), 0.0);
    shelves(b, &room, &st, &mut dice);
    stove(b, p(-0.6, 0.9, z));
    for i in 0..16 {
        let x = dice.range(-2.7, 2.6);
        if (x + 0.6).abs() < 0.5 {
            continue;
        }
        let r = dice.range(0.05, 0.11);
        let vessel = if i % 3 == 0 { lacquer(st.accent) } else { st.pot };
        pot(&mut b.m, &vessel, p(x, 0.9, z + dice.off(0.14)), r, r * 0.55, r * dice.range(1.6, 2.4));
    }
    b.m.within(at(2.9, 0.9, z), |m| basket(m, 0.2, &paint("#C8552F"), &[[1.0; 3], [1.0, 1.3, 0.6]], &mut dice));
    b.m.within(at(-3.1, 0.0, 1.6), |m| {
        table(m, &st.wood, 0.7, 1.2, 0.74);
        m.within(at(0.0, 0.74, -0.3), |m| basket(m, 0.2, &paint("#D9A22F"), &[[1.0; 3], [0.7, 1.2, 0.5]], &mut dice));
        pot(m, &st.pot, p(0.05, 0.74, 0.25), 0.11, 0.06, 0.24);
    });
    for (x, zz) in [(3.0, 0.2), (3.05, 0.8)] {
        b.m.within(at(x, 0.0, zz), |m| sack(m, 0.62, "#D9C08A"));
    }
    b.m.within(at(-3.05, 0.0, -1.6), |m| {
        m.lathe(&stone("#9A5A38"), &[(0.2, 0.0), (0.34, 0.3), (0.34, 0.5), (0.2, 0.72), (0.24, 0.8)], 16)
    });
    hang_pictures(b, &room, &st, &[(1, -1.4), (1, 3.2), (2, 3.6), (2, -1.0), (3, -1.0)]);
    room_lamp(b, p(0.3, room.tall, -1.2), if b.brief.dark() { 3.2 } else { 1.0 });
    room_lamp(b, p(-0.6, room.tall, 3.0), if b.brief.dark() { 2.4 } else { 0.6 });
    b.figure(2.6, -2.0, 170.0, Posture::Standing, Verb::Work);
}

fn shelves(b: &mut Builder<'_>, room: &Room, st: &Style, dice: &mut Dice) {
    const JARS: [&str; 6] = ["#A8552F", "#C9A24A", "#6B7F45", "#7A3B2E", "#D8C7A0", "#4F6A70"];
    for (k, y) in [1.55, 1.95].into_iter().enumerate() {
        b.m.block(&st.wood, p(-1.3, y, room.back + 0.16), p(3.3, 0.04, 0.26), 0.01);
        let mut x = -2.85;
        while x < 0.25 {
            let r = dice.range(0.05, 0.09);
            if dice.chance(0.5) {
                pot(&mut b.m, &st.pot, p(x, y + 0.02, room.back + 0.15), r, r * 0.6, r * 2.2);
            } else {
                let hex = dice.pick(&JARS);
                b.m.within(at(x, y + 0.02, room.back + 0.15), |m| {
                    m.lathe(&bottle(hex), &[(0.0, 0.0), (r, 0.0), (r, r * 2.0), (r * 0.7, r * 2.3)], 10);
                    m.lathe(&wood("#6B4A2E"), &[(r * 0.8, r * 2.2), (r * 0.8, r * 2.7), (0.0, r * 2.7)], 10);
                });
            }
            x += r * 2.0 + dice.range(0.05, 0.14);
        }
        if k == 0 {
            for i in 0..7 {
                let x = -2.8 + 0.42 * i as f32;
                b.m.bar(&iron(), p(x, y - 0.02, room.back + 0.24), p(x, y - 0.24, room.back + 0.24), 0.008);
                b.m.within(at(x, y - 0.3, room.back + 0.24), |m| m.ball(&st.pot, Vec3::ZERO, p(0.05, 0.06, 0.02), 8));
            }
        }
    }
}

fn stove(b: &mut Builder<'_>, foot: Vec3) {
    b.m.within(at(foot.x, foot.y, foot.z), |m| {
        m.stand(&lacquer("#2C2E31"), Vec3::ZERO, p(0.78, 0.1, 0.5), 0.015);
        for x in [-0.2, 0.2] {
            m.lathe(&iron(), &[(0.13, 0.1), (0.14, 0.12), (0.1, 0.12)], 14);
            pot(m, &metal("#B9BCC0", 0.3), p(x, 0.13, 0.0), 0.14, 0.12, 0.2);
        }
    });
    for x in [-0.2, 0.2] {
        let seed = b.dice.seed();
        b.mover(Mover::Flame { foot: foot + p(x, 0.06, 0.24), tall: 0.06, light: [0.9, 1.6, 4.0], seed });
        b.mover(Mover::Smoke {
            foot: foot + p(x, 0.36, 0.0),
            rise: 0.9,
            puff: 0.06,
            wind: p(0.03, 0.0, 0.02),
            color: [0.62, 0.62, 0.62],
            seed,
        });
    }
    b.bulb(foot + p(0.0, 0.2, 0.4), 0.08, [0.25, 0.3, 0.5], Flicker::Oil);
}

pub fn bedroom(b: &mut Builder<'_>) {
    let st = style(b.brief);
    let room = home(b, &st, 1.5, 2.7);
    let mut dice = b.dice.fork(2);
    b.m.within(at_turned(-1.15, 0.0, room.back + 1.15, 0.0), |m| bed(m, &st.wood, &cloth("#E6DECB"), &st.cloth));
    for x in [-2.35, 0.1] {
        b.m.within(at(x, 0.0, room.back + 0.35), |m| cupboard(m, &st.wood, &brass(), p(0.5, 0.56, 0.42)));
    }
    let strength = if b.brief.dark() { 1.7 } else { 0.5 };
    table_lamp(b, p(-2.35, 0.56, room.back + 0.35), 0.42, strength);
    table_lamp(b, p(0.1, 0.56, room.back + 0.35), 0.42, strength);
    b.m.within(at_turned(room.half - 0.35, 0.0, -1.2, -90.0), |m| cupboard(m, &st.wood, &brass(), p(1.3, 2.0, 0.56)));
    b.m.within(at_turned(1.7, 0.0, -0.75, -40.0), |m| chair(m, &st.wood, &st.cloth2));
    b.m.within(at(0.0, 0.0, 0.5), |m| rug(m, &st.rug, &st.cloth, 2.6, 1.8));
    b.m.within(at_turned(-room.half + 0.35, 0.0, 2.6, 90.0), |m| {
        cupboard(m, &st.wood, &brass(), p(1.2, 0.82, 0.46));
        m.block(&Material { metallic: 1.0, roughness: 0.1, ..paint("#B9BDC0") }, p(0.0, 1.45, -0.15), p(0.7, 0.95, 0.03), 0.0);
        m.block(&st.wood, p(0.0, 1.45, -0.18), p(0.82, 1.07, 0.04), 0.02);
        for i in 0..6 {
            bottle_at(m, ["#B98A8A", "#8A9AB0", "#C9B27A"][i % 3], p(-0.45 + 0.17 * i as f32, 0.82, 0.05), dice.range(0.1, 0.18));
        }
    });
    b.m.within(at(2.6, 0.0, room.back + 0.4), |m| pot_plant(m, &st.pot, st.leaf, 1.1, &mut dice));
    b.m.within(at(room.half - 0.4, 0.0, 3.8), |m| {
        shelf(m, &st.wood, 0.5, 1.8, 0.5, 4, |m, _, tall| books(m, 0.44, tall, &mut dice))
    });
    hang_pictures(b, &room, &st, &[(0, -1.15), (1, -1.3), (1, 4.2), (2, 3.0), (2, 0.2), (3, -0.9)]);
    room_lamp(b, p(0.6, room.tall, 1.2), if b.brief.dark() { 1.6 } else { 0.6 });
}

pub fn living(b: &mut Builder<'_>) {
    let st = style(b.brief);
    let room = home(b, &st, 1.2, 2.8);
    let mut dice = b.dice.fork(2);
    let floor_seats = b.brief.region() == Region::Japanese;
    b.m.within(at(0.0, 0.0, 0.2), |m| rug(m, &st.rug, &st.cloth, 3.0, 2.2));
    if floor_seats {
        b.m.within(at(0.0, 0.0, -0.4), |m| table(m, &lacquer("#4A2E22"), 1.0, 0.7, 0.32));
        for x in [-0.9, 0.9] {
            b.m.within(at(x, 0.0, -0.4), |m| m.block(&st.cloth, p(0.0, 0.02, 0.0), p(0.6, 0.04, 0.6), 0.015));
        }
    } else if b.brief.indian() {
        // The swing of southern halls (oonjal), or a diwan: a low broad bench with bolsters.
        b.m.within(at(-0.2, 0.0, -0.95), |m| {
            m.block(&st.wood, p(0.0, 0.38, 0.0), p(2.0, 0.08, 0.7), 0.02);
            m.block(&st.cloth, p(0.0, 0.43, 0.0), p(1.9, 0.05, 0.64), 0.02);
            for x in [-0.94, 0.94] {
                for z in [-0.3, 0.3] {
                    m.stand(&st.wood, p(x, 0.0, z), p(0.08, 0.36, 0.08), 0.01);
                }
                m.within(at(x * 0.86, 0.45, 0.0), |m| m.cushion(&st.cloth2, p(0.26, 0.22, 0.6)));
            }
        });
        b.m.within(at_turned(2.0, 0.0, -0.2, -60.0), |m| chair(m, &st.wood, &st.cloth2));
    } else {
        b.m.within(at(-0.2, 0.0, -0.95), |m| sofa(m, &st.cloth, &st.wood, 2.0));
        b.m.within(at_turned(2.0, 0.0, -0.2, -60.0), |m| sofa(m, &st.cloth2, &st.wood, 0.75));
    }
    b.m.within(at(-2.6, 0.0, room.back + 0.25), |m| {
        shelf(m, &st.wood, 1.3, 2.0, 0.34, 5, |m, row, tall| {
            if row == 2 { pot(m, &lacquer("#5B7F86"), Vec3::ZERO, 0.1, 0.05, tall * 0.8) } else { books(m, 1.2, tall, &mut dice) }
        })
    });
    b.m.within(at(2.55, 0.0, room.back + 0.35), |m| cupboard(m, &st.wood, &brass(), p(0.9, 0.8, 0.44)));
    table_lamp(b, p(2.55, 0.8, room.back + 0.35), 0.5, if b.brief.dark() { 2.2 } else { 0.5 });
    b.m.within(at(-3.1, 0.0, -1.0), |m| pot_plant(m, &st.pot, st.leaf, 0.95, &mut Dice::new(5)));
    b.m.within(at(3.0, 0.0, 3.4), |m| pot_plant(m, &st.pot, st.leaf, 1.1, &mut Dice::new(6)));
    b.m.within(at_turned(room.half - 0.3, 0.0, -1.0, -90.0), |m| cupboard(m, &st.wood, &brass(), p(1.3, 1.0, 0.42)));
    b.m.within(at(room.half - 0.3, 1.0, -1.2), |m| pot(m, &st.pot, Vec3::ZERO, 0.13, 0.06, 0.32));
    if b.brief.indian() {
        kuthuvilakku(b, p(0.2, 0.0, room.back + 0.45), 0.9);
        let (a, c) = (p(-0.5, 2.15, room.back + 0.1), p(0.35, 2.15, room.back + 0.1));
        b.m.garland(&petal("#EE9A24"), a, c, 0.25, 0.05, &[[1.0; 3], [1.05, 0.6, 0.35]]);
    }
    hang_pictures(b, &room, &st, &[(0, -0.6), (0, -1.3), (1, -1.2), (1, 3.2), (2, 3.2), (2, 0.2), (3, -1.0)]);
    room_lamp(b, p(0.0, room.tall, 0.6), if b.brief.dark() { 2.8 } else { 0.7 });
}

pub fn ward(b: &mut Builder<'_>) {
    let room = Room::of(b, 2.4, 2.9);
    let mut dice = b.dice.fork(2);
    let dark = b.brief.dark();
    let (white, steel) = (paint("#DCE2DC"), metal("#AEB4B8", 0.35));
    let window = hole(room.along(1, 0.4), 1.8, 1.0, 2.2);
    let door = hole(room.along(2, 2.0), 1.2, 0.0, 2.15);
    let back = hole(2.2, 1.3, 1.0, 2.2);
    let front = hole(-0.6, 1.6, 0.0, 2.15);
    let holes: [&[Hole]; 4] = [&[back], &[window], &[door], &[front]];
    room.shell(&mut b.m, &checker("#C2CBC0", "#9FB3A8", 0.4), &panels("#D5D9D2", 0.6), &plaster("#CFDBD0"), holes);
    room.bands(&mut b.m, &Material { coat: 0.5, ..checker("#9CC2B0", "#8DB5A3", 0.15) }, 0.0, 1.05, 0.03, holes);
    room.bands(&mut b.m, &wood("#9A7A58"), 1.05, 1.15, 0.06, holes);
    for (which, h) in [(1, window), (0, back)] {
        b.m.within(room.side(which), |m| window_frame(m, &white, h, 1, 0, None));
        room.daylight(b, which, h, if dark { 1.3 } else { 2.0 });
        room.outlook(b, which, true);
    }
    b.m.within(room.side(2), |m| {
        door_leaf(m, &paint("#7FA698"), &steel, door, -3.0);
        m.block(&glow([0.5, 0.55, 0.48]), p((door.x0 + door.x1) * 0.5, 1.6, 0.02), p(0.4, 0.5, 0.05), 0.0);
    });
    b.m.within(room.side(3), |m| {
        door_leaf(m, &paint("#7FA698"), &steel, front, 0.0);
        m.within(at(-2.4, 1.7, 0.0), |m| picture(m, &steel, 1.2, 0.8, &mut Dice::new(11)));
        m.within(at(1.5, 1.75, 0.0), |m| picture(m, &wood("#9A7A58"), 0.7, 0.5, &mut Dice::new(12)));
        m.within(at(2.6, 0.0, 0.3), |m| cupboard(m, &paint("#B9C7BC"), &steel, p(1.0, 1.5, 0.4)));
    });
    let mut one_bed = |b: &mut Builder<'_>, x: f32, z: f32, turn: f32, patient: bool| {
        b.m.within(at_turned(x, 0.0, z, turn), |m| hospital_bed(m, &white, &steel, patient, &mut dice));
    };
    one_bed(b, -0.9, room.back + 1.25, 0.0, false);
    one_bed(b, -2.9, 3.2, 90.0, true);
    one_bed(b, 2.9, 4.6, -90.0, true);
    bedside(b, &room, &steel);
    let tube = kelvin(4300.0);
    let green = [tube[0] * 0.96, tube[1] * 1.03, tube[2] * 0.97];
    for (x, z, k) in [(-1.2, -0.6, 2.0), (1.2, 1.4, 2.0), (-1.2, 3.8, 1.3)] {
        let k = if dark { k * 0.62 } else { k };
        b.m.block(&glow(times(green, 2.6)), p(x, room.tall - 0.03, z), p(1.2, 0.05, 0.3), 0.0);
        b.m.block(&white, p(x, room.tall - 0.01, z), p(1.3, 0.05, 0.4), 0.01);
        b.panel(p(x, room.tall - 0.07, z), Vec3::NEG_Y, (0.6, 0.15), times(green, k * 1.5));
    }
    if dark {
        table_lamp(b, p(0.28, 0.78, room.back + 0.4), 0.34, 1.1);
    }
    b.air.rig.key = times(if dark { kelvin(3600.0) } else { green }, 1.4);
    b.key_from(p(1.6, 2.6, 2.0));
    b.air.look.slope = [0.97, 1.02, 0.99];
    b.figure(2.5, -2.2, 200.0, Posture::Standing, Verb::Write);
    b.figure(-2.2, 4.4, 140.0, Posture::Standing, Verb::Work);
}

fn hospital_bed(m: &mut Model, white: &Material, steel: &Material, patient: bool, dice: &mut Dice) {
    m.block(&cloth("#E4E8E2"), p(0.0, 0.56, 0.0), p(0.92, 0.16, 1.95), 0.05);
    m.block(white, p(0.0, 0.44, 0.0), p(0.94, 0.06, 2.0), 0.02);
    for (z, tall) in [(-1.02, 1.05), (1.02, 0.85)] {
        m.block(white, p(0.0, tall - 0.18, z), p(0.92, 0.3, 0.04), 0.02);
        for x in [-0.45, 0.45] {
            m.bar(steel, p(x, 0.0, z), p(x, tall, z), 0.022);
            m.ball(&paint("#3A3D40"), p(x, 0.05, z), Vec3::splat(0.05), 8);
        }
    }
    for s in [-0.48, 0.48] {
        for y in [0.75, 0.88] {
            m.bar(steel, p(s, y, -0.6), p(s, y, 0.35), 0.014);
        }
    }
    m.within(at(0.0, 0.63, -0.7), |m| m.cushion(&cloth("#EDF0EA"), p(0.62, 0.16, 0.42)));
    let lump = if patient { 0.17 } else { 0.02 };
    m.sheet(&cloth("#8FB3B0"), 14, 14, |u, v| {
        let (x, z) = ((u - 0.5) * 1.04, -0.35 + v * 1.34);
        let edge = ((u - 0.5).abs() * 2.0).powi(10);
        let body = (1.0 - ((u - 0.5) * 3.4).powi(2)).max(0.0) * lump * (1.0 - 0.4 * v);
        p(x, 0.655 + body + 0.008 * (u * 17.0).sin() * (v * 11.0).sin() - 0.22 * edge, z)
    });
    if patient {
        m.ball(&felt(dice.pick(&["#8A5A42", "#B98464", "#5E3C2C"])), p(0.0, 0.79, -0.68), p(0.11, 0.1, 0.13), 12);
    }
}

/// Drip stand, monitor, curtain rail, cabinet with flowers, chair, trolley.
fn bedside(b: &mut Builder<'_>, room: &Room, steel: &Material) {
    let z = room.back + 0.4;
    let m = &mut b.m;
    m.within(at(-1.75, 0.0, z + 0.4), |m| {
        for k in 0..5 {
            let a = k as f32 * 1.257;
            m.bar(steel, p(0.0, 0.08, 0.0), p(a.sin() * 0.26, 0.04, a.cos() * 0.26), 0.014);
        }
        m.bar(steel, p(0.0, 0.06, 0.0), p(0.0, 1.95, 0.0), 0.014);
        m.bar(steel, p(-0.14, 1.95, 0.0), p(0.14, 1.95, 0.0), 0.01);
        m.within(at(0.12, 1.58, 0.0), |m| {
            m.lathe(&bottle("#C9DCE0"), &[(0.0, 0.0), (0.05, 0.03), (0.06, 0.2), (0.03, 0.3), (0.0, 0.32)], 10)
        });
        m.tube(&paint("#D9E4E4"), &[p(0.12, 1.58, 0.0), p(0.1, 1.2, 0.1), p(0.5, 0.8, 0.1)], |_| 0.006, 5);
    });
    m.within(at(0.28, 0.0, z), |m| {
        cupboard(m, &paint("#B9C7BC"), steel, p(0.5, 0.78, 0.42));
        pot(m, &glass(), p(-0.14, 0.78, 0.08), 0.05, 0.035, 0.16);
        m.leaf_cloud(&petal("#E8A0A8"), p(-0.14, 1.04, 0.08), p(0.1, 0.09, 0.1), 40, 0.06, &mut Dice::new(3));
        m.leaf_cloud(&leaf("#5E8A4A"), p(-0.14, 0.97, 0.08), p(0.09, 0.08, 0.09), 20, 0.07, &mut Dice::new(4));
    });
    m.within(at_turned(0.95, 0.0, z + 0.2, -12.0), |m| {
        m.bar(steel, p(0.0, 0.05, 0.0), p(0.0, 1.1, 0.0), 0.03);
        m.stand(&paint("#4A5258"), Vec3::ZERO, p(0.5, 0.08, 0.4), 0.02);
        m.block(&paint("#D3D8D4"), p(0.0, 1.3, 0.0), p(0.56, 0.44, 0.22), 0.03);
        m.block(&paint("#12201C"), p(-0.02, 1.31, 0.112), p(0.46, 0.34, 0.01), 0.0);
    });
    b.mover(Mover::Trace { at: p(0.945, 1.36, z + 0.325), turn: -12.0, half: (0.2, 0.07), light: [0.3, 3.0, 0.8] });
    b.mover(Mover::Trace { at: p(0.945, 1.22, z + 0.325), turn: -12.0, half: (0.2, 0.04), light: [2.6, 1.6, 0.3] });
    b.bulb(p(0.9, 1.35, z + 0.6), 0.1, [0.08, 0.3, 0.14], Flicker::Steady);
    let m = &mut b.m;
    for (x, zz, turn, wide) in
        [(-2.35, z + 0.9, 90.0, 1.9), (1.55, z + 0.35, 90.0, 1.0), (-3.1, 1.9, 0.0, 0.9), (3.1, 3.2, 0.0, 0.9)]
    {
        m.within(at_turned(x, 0.3, zz, turn), |m| m.drape(&cloth("#9CC7BE"), wide, 1.95, wide * 5.0, 0.06));
        m.within(at_turned(x, 2.28, zz, turn), |m| m.bar(steel, p(-wide * 0.55, 0.0, 0.0), p(wide * 0.55, 0.0, 0.0), 0.014));
    }
    m.within(at_turned(1.35, 0.0, -0.75, -60.0), |m| chair(m, steel, &cloth("#5E8A84")));
    m.within(at_turned(room.half - 0.45, 0.0, -1.2, -90.0), |m| {
        for y in [0.35, 0.8] {
            m.block(steel, p(0.0, y, 0.0), p(0.8, 0.03, 0.46), 0.008);
        }
        for (x, zz) in [(-0.38, -0.2), (0.38, -0.2), (-0.38, 0.2), (0.38, 0.2)] {
            m.bar(steel, p(x, 0.0, zz), p(x, 0.9, zz), 0.014);
        }
        for i in 0..7 {
            bottle_at(
                m,
                ["#8A5A2A", "#C9D6D6", "#5A7F9A"][i % 3],
                p(-0.3 + 0.1 * i as f32, 0.815, -0.06),
                0.12 + 0.02 * (i % 3) as f32,
            );
        }
    });
    m.within(room.side(0) * at(-2.6, 1.75, 0.0), |m| picture(m, &wood("#9A7A58"), 0.6, 0.45, &mut Dice::new(8)));
    m.within(room.side(0) * at(-0.6, 2.25, 0.0), |m| m.ball(&paint("#E8E8E0"), Vec3::ZERO, p(0.17, 0.17, 0.03), 18));
    m.within(room.side(2) * at(room.along(2, -0.1), 1.6, 0.0), |m| picture(m, &steel.clone(), 0.5, 0.7, &mut Dice::new(9)));
    m.within(room.side(1) * at(room.along(1, -1.8), 1.7, 0.0), |m| picture(m, &wood("#9A7A58"), 0.6, 0.5, &mut Dice::new(10)));
}

pub fn classroom(b: &mut Builder<'_>) {
    let st = style(b.brief);
    let room = Room::of(b, 2.4, 3.1);
    let mut dice = b.dice.fork(2);
    let wins = [
        hole(room.along(1, 4.6), 1.4, 1.0, 2.5),
        hole(room.along(1, 1.8), 1.4, 1.0, 2.5),
        hole(room.along(1, -1.0), 1.4, 1.0, 2.5),
    ];
    let door = hole(room.along(2, 0.2), 1.0, 0.0, 2.15);
    let holes: [&[Hole]; 4] = [&[], &wins, &[door], &[]];
    room.shell(&mut b.m, &planks("#8A6A48", 0.14), &plaster("#D5CDB8"), &plaster("#C9CDA8"), holes);
    room.bands(&mut b.m, &paint("#7F9A80"), 0.0, 1.0, 0.03, holes);
    room.bands(&mut b.m, &st.wood, 1.0, 1.06, 0.05, holes);
    for h in wins {
        b.m.within(room.side(1), |m| window_frame(m, &paint("#E6DECF"), h, 1, 2, None));
        room.daylight(b, 1, h, 1.6);
    }
    room.outlook(b, 1, false);
    b.m.within(room.side(2), |m| door_leaf(m, &st.wood, &brass(), door, 0.0));
    b.m.within(room.side(0), |m| {
        m.block(&st.wood, p(0.0, 1.55, 0.02), p(4.4, 1.5, 0.06), 0.02);
        m.block(&Material { variation: 0.3, ..paint("#2F4A40") }, p(0.0, 1.55, 0.05), p(4.2, 1.3, 0.02), 0.0);
        for i in 0..26 {
            let (x, y) = (-1.9 + 0.3 * (i % 13) as f32, 1.85 - 0.4 * (i / 13) as f32);
            m.block(&paint("#E6E4D8"), p(x, y + dice.off(0.05), 0.062), p(dice.range(0.08, 0.24), 0.022, 0.004), 0.0);
        }
        m.block(&paint("#C9B27A"), p(2.9, 1.7, 0.03), p(0.9, 1.1, 0.02), 0.0);
        m.ball(&paint("#6E9A8A"), p(2.8, 1.75, 0.04), p(0.26, 0.3, 0.01), 12);
        m.ball(&paint("#B9784A"), p(3.05, 1.6, 0.045), p(0.14, 0.2, 0.01), 10);
    });
    b.m.within(at(-2.4, 0.0, room.back + 0.9), |m| {
        table(m, &st.wood, 1.4, 0.7, 0.76);
        m.within(at(0.2, 0.76, 0.0), |m| books(m, 0.5, 0.26, &mut dice));
        m.within(at(-0.45, 0.76, 0.0), |m| {
            m.lathe(&brass(), &[(0.1, 0.0), (0.02, 0.03), (0.015, 0.14)], 10);
            m.ball(&lacquer("#3C7A9A"), p(0.0, 0.28, 0.0), Vec3::splat(0.14), 14);
        });
    });
    for (x, z, turn) in [
        (-1.6, 1.25, 160.0),
        (1.6, 1.25, -160.0),
        (-3.4, 2.8, 180.0),
        (3.4, 2.8, 180.0),
        (-3.4, 4.6, 180.0),
        (3.4, 4.6, 180.0),
        (-3.4, 6.4, 180.0),
        (3.4, 6.4, 180.0),
    ] {
        let outside = !(-3.0..=3.0).contains(&x);
        b.m.within(at_turned(x, 0.0, z - if outside { 0.0 } else { 0.35 }, turn), |m| chair(m, &st.wood, &st.wood));
        if outside {
            b.m.within(at(x, 0.0, z - 0.55), |m| table(m, &st.wood, 0.7, 0.5, 0.7));
        }
    }
    b.m.within(at_turned(room.half - 0.3, 0.0, 4.2, -90.0), |m| {
        shelf(m, &st.wood, 1.6, 1.9, 0.34, 5, |m, _, tall| books(m, 1.5, tall, &mut dice))
    });
    hang_pictures(b, &room, &st, &[(2, 2.4), (2, -1.6), (3, -1.6), (3, 0.0), (3, 1.6)]);
    for (x, z) in [(-1.4, -0.4), (1.4, 2.4)] {
        pendant(b, p(x, room.tall, z), 0.7, "#3F5A4A", kelvin(3200.0), if b.brief.dark() { 3.4 } else { 1.0 });
    }
    room.bounce(b, 1.2);
    b.key_from(p(-3.0, 2.2, 1.6));
    motes(b, p(-2.6, 0.6, -1.6), p(2.4, 2.6, 3.0), 30, 0.9);
    for (x, z) in [(-3.4, 3.0), (3.4, 4.8), (3.4, 3.0)] {
        b.figure(x, z, 180.0, Posture::Sitting, Verb::Write);
    }
}

//! Public rooms: café, shop, palace hall, waiting hall.

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

pub fn cafe(b: &mut Builder<'_>) {
    let st = style(b.brief);
    let room = Room::of(b, 2.4, 2.9);
    let mut dice = b.dice.fork(2);
    let left = [hole(room.along(1, 3.6), 2.0, 0.6, 2.3), hole(room.along(1, 0.4), 2.6, 0.6, 2.3)];
    let door = hole(room.along(2, 3.0), 1.0, 0.0, 2.15);
    let holes: [&[Hole]; 4] = [&[], &left, &[door], &[hole(0.0, 2.4, 0.6, 2.3)]];
    room.shell(&mut b.m, &st.floor, &planks("#7A5A40", 0.3), &st.wall, holes);
    room.bands(&mut b.m, &st.dado, 0.0, 0.9, 0.04, holes);
    room.bands(&mut b.m, &st.wood, 0.9, 0.97, 0.07, holes);
    for h in left {
        b.m.within(room.side(1), |m| window_frame(m, &st.wood, h, 2, 0, None));
        room.daylight(b, 1, h, if b.brief.dark() { 1.2 } else { 1.7 });
    }
    room.outlook(b, 1, true);
    b.m.within(room.side(2), |m| door_leaf(m, &st.wood, &brass(), door, 0.0));
    b.m.stand(&st.wood, p(0.6, 0.0, room.back + 0.95), p(4.6, 1.02, 0.6), 0.02);
    b.m.block(&marble("#D5CBB8", "#9A8A74"), p(0.6, 1.05, room.back + 0.95), p(4.8, 0.05, 0.72), 0.012);
    shelf_wall(b, &st, room.back, &mut dice);
    for i in 0..6 {
        b.m.within(at(-1.2 + 0.6 * i as f32, 1.07, room.back + 0.95), |m| match i % 3 {
            0 => {
                m.lathe(&glass(), &[(0.16, 0.0), (0.16, 0.18), (0.06, 0.26), (0.0, 0.27)], 16);
                m.heap(&paint("#B9783A"), p(0.0, 0.0, 0.0), 0.12, 0.035, &[[1.0; 3], [0.8, 0.7, 0.6]], &mut dice);
            }
            1 => m.within(at(0.0, 0.0, 0.0), |m| m.stand(&chrome(), Vec3::ZERO, p(0.4, 0.36, 0.36), 0.04)),
            _ => (0..4)
                .for_each(|k| cup(m, &lacquer("#E6DECF"), p(-0.12 + 0.08 * k as f32, 0.0, 0.05 * (k % 2) as f32), 0.036, 0.06)),
        });
    }
    b.m.within(at(0.0, 0.0, -0.4), |m| cafe_table(m, &st));
    for (x, turn) in [(-0.85, 80.0), (0.85, -80.0)] {
        b.m.within(at_turned(x, 0.0, -0.4, turn), |m| chair(m, &st.wood, &st.cloth));
    }
    for (x, z) in [(-3.0, 2.4), (3.0, 1.2), (-3.05, 4.6), (3.05, 4.9), (-2.95, -1.7)] {
        b.m.within(at(x, 0.0, z), |m| {
            cafe_table(m, &st);
            m.within(at_turned(0.0, 0.0, 0.62, 180.0 + dice.off(20.0)), |m| chair(m, &st.wood, &st.cloth2));
        });
    }
    for (x, z) in [(-1.4, -0.6), (1.3, -0.4), (0.0, 2.8)] {
        pendant(b, p(x, room.tall, z), 0.75, "#8A4A2A", kelvin(2700.0), if b.brief.dark() { 2.6 } else { 1.2 });
    }
    b.m.within(at(3.05, 0.0, -1.7), |m| pot_plant(m, &st.pot, st.leaf, 1.5, &mut dice));
    for (which, z) in [(2, 0.6), (2, -1.0), (2, 4.8), (1, -1.8)] {
        b.m.within(room.side(which) * at(room.along(which, z), 1.7, 0.0), |m| picture(m, &st.wood, 0.6, 0.5, &mut dice));
    }
    room.bounce(b, 1.0);
    b.key_from(p(-3.0, 2.1, 1.2));
    let seed = b.dice.seed();
    b.mover(Mover::Smoke {
        foot: p(0.16, 0.84, -0.36),
        rise: 0.4,
        puff: 0.022,
        wind: p(0.01, 0.0, 0.0),
        color: [0.6, 0.6, 0.6],
        seed,
    });
    b.figure(1.2, room.back + 0.5, 0.0, Posture::Standing, Verb::Work);
    b.figure(-3.0, 3.1, 180.0, Posture::Sitting, Verb::Read);
    b.figure(3.0, 1.85, 180.0, Posture::Sitting, Verb::Drink);
}

fn cafe_table(m: &mut Model, st: &Style) {
    round_table(m, &st.wood, &iron(), 0.36, 0.73);
    cup(m, &lacquer("#E6DECF"), p(-0.14, 0.735, 0.04), 0.04, 0.065);
    cup(m, &lacquer("#E6DECF"), p(0.16, 0.735, 0.04), 0.04, 0.065);
    pot(m, &glass(), p(0.02, 0.73, -0.14), 0.035, 0.025, 0.1);
    m.leaf_cloud(&petal("#D9654A"), p(0.02, 0.87, -0.14), p(0.05, 0.04, 0.05), 18, 0.05, &mut Dice::new(2));
}

fn shelf_wall(b: &mut Builder<'_>, st: &Style, back: f32, dice: &mut Dice) {
    const TINS: [&str; 7] = ["#A8322A", "#D9A83A", "#3F6A58", "#2F4F6A", "#E0D6BE", "#7A4A2E", "#C77A3A"];
    for row in 0..4 {
        let y = 1.1 + 0.42 * row as f32;
        b.m.block(&st.wood, p(0.6, y, back + 0.16), p(4.4, 0.04, 0.28), 0.01);
        let mut x = -1.5;
        while x < 2.7 {
            let (w, h) = (dice.range(0.07, 0.17), dice.range(0.12, 0.3));
            let hex = dice.pick(&TINS);
            match dice.below(4) {
                0 => bottle_at(&mut b.m, hex, p(x, y + 0.02, back + 0.16), h + 0.05),
                1 => pot(&mut b.m, &st.pot, p(x, y + 0.02, back + 0.16), w * 0.5, w * 0.3, h),
                _ => {
                    b.m.stand(&lacquer(hex), p(x, y + 0.02, back + 0.16), p(w, h, 0.13), 0.008);
                    b.m.block(&paint("#E6DCC2"), p(x, y + 0.02 + h * 0.55, back + 0.228), p(w * 0.7, h * 0.3, 0.004), 0.0);
                }
            }
            x += w + dice.range(0.02, 0.08);
        }
    }
}

pub fn shop(b: &mut Builder<'_>) {
    let st = style(b.brief);
    let room = Room::of(b, 2.3, 2.9);
    let mut dice = b.dice.fork(2);
    let window = hole(room.along(1, 2.6), 2.4, 0.7, 2.3);
    let door = hole(room.along(2, 2.6), 1.0, 0.0, 2.15);
    let holes: [&[Hole]; 4] = [&[], &[window], &[door], &[hole(0.0, 2.6, 0.6, 2.3)]];
    room.shell(&mut b.m, &st.floor, &planks("#7A5A40", 0.3), &st.wall, holes);
    room.bands(&mut b.m, &st.dado, 0.0, 0.8, 0.04, holes);
    b.m.within(room.side(1), |m| window_frame(m, &st.trim, window, 2, 0, None));
    room.daylight(b, 1, window, 2.0);
    room.outlook(b, 1, true);
    b.m.within(room.side(2), |m| door_leaf(m, &st.wood, &brass(), door, 0.0));
    shelf_wall(b, &st, room.back, &mut dice);
    b.m.within(at_turned(-2.4, 0.0, room.back + 0.2, 0.0), |m| bolts(m, &mut dice));
    b.m.stand(&st.wood, p(0.4, 0.0, room.back + 1.0), p(4.0, 0.96, 0.6), 0.02);
    b.m.block(&st.wood, p(0.4, 0.98, room.back + 1.0), p(4.2, 0.05, 0.7), 0.012);
    b.m.within(at(1.6, 1.0, room.back + 1.0), |m| {
        m.stand(&brass(), Vec3::ZERO, p(0.36, 0.26, 0.3), 0.03);
        m.block(&brass(), p(0.0, 0.34, -0.08), p(0.34, 0.18, 0.1), 0.02);
    });
    for i in 0..4 {
        b.m.within(at(-1.2 + 0.55 * i as f32, 1.0, room.back + 1.0), |m| {
            basket(m, 0.2, &paint(["#C8552F", "#D9A22F", "#7A9A3A", "#8A3A4A"][i]), &[[1.0; 3], [0.85, 0.9, 0.7]], &mut dice)
        });
    }
    for (x, z) in [(-3.0, -0.6), (3.0, 0.2), (3.0, 0.9), (-3.05, 4.4), (3.05, 4.6)] {
        b.m.within(at(x, 0.0, z), |m| if x > 0.0 { sack(m, 0.66, "#C9A86A") } else { crate_box(m, 0.5) });
    }
    for i in 0..9 {
        let x = -2.2 + 0.55 * i as f32;
        let what = dice.below(2);
        b.m.bar(&iron(), p(x, room.tall, -1.9), p(x, 2.5, -1.9), 0.006);
        b.m.within(at(x, 2.3, -1.9), |m| {
            if what == 0 {
                m.lathe(&thatch("#A8814C"), &[(0.1, 0.0), (0.14, 0.14), (0.12, 0.2)], 10)
            } else {
                m.ball(&st.pot, Vec3::ZERO, p(0.1, 0.12, 0.1), 10)
            }
        });
    }
    for (x, z) in [(-1.2, -0.8), (1.4, 0.6), (0.0, 3.4)] {
        pendant(b, p(x, room.tall, z), 0.6, "#4A5A3A", kelvin(2800.0), if b.brief.dark() { 2.8 } else { 1.2 });
    }
    for (which, z) in [(2, 0.4), (2, 4.6), (1, -0.6)] {
        b.m.within(room.side(which) * at(room.along(which, z), 1.75, 0.0), |m| picture(m, &st.wood, 0.7, 0.5, &mut dice));
    }
    room.bounce(b, 1.0);
    b.key_from(p(-3.0, 2.1, 1.6));
    motes(b, p(-2.2, 0.5, -1.8), p(2.0, 2.3, 2.0), 20, 0.7);
    b.figure(0.6, room.back + 0.55, 0.0, Posture::Standing, Verb::Work);
}

/// Rolled cloth on a stepped rack.
fn bolts(m: &mut Model, dice: &mut Dice) {
    const CLOTHS: [&str; 8] = ["#C8342B", "#E3A72F", "#4F7A3A", "#B83A6B", "#2E4068", "#5E2A5A", "#D9822B", "#2B7A78"];
    for row in 0..4 {
        m.stand(&wood("#6B4A2E"), p(0.0, 0.36 * row as f32, 0.3 - 0.1 * row as f32), p(1.5, 0.05, 0.5), 0.01);
        for i in 0..6 {
            let hex = dice.pick(&CLOTHS);
            m.bar(
                &silk(hex, "#E6C46A"),
                p(-0.62 + 0.25 * i as f32, 0.16 + 0.36 * row as f32, 0.05),
                p(-0.62 + 0.25 * i as f32, 0.16 + 0.36 * row as f32, 0.5),
                0.1,
            );
        }
    }
}

pub fn palace(b: &mut Builder<'_>) {
    let st = style(b.brief);
    let (front, back, half, tall) = (8.8, -11.0, 7.4, 5.4);
    let middle = (front + back) * 0.5;
    let (column, floor, accent) = match b.brief.region() {
        Region::SouthIndian => (lacquer("#6B3A24"), checker("#2F2D2B", "#B9AE98", 0.6), "#C8342B"),
        Region::NorthIndian => (marble("#E3D9C6", "#B9A88A"), checker("#E0D6C2", "#A8886A", 0.6), "#B83A6B"),
        Region::MiddleEastern => (marble("#E3D9C6", "#A89A7E"), checker("#2B7A78", "#E3D8BE", 0.5), "#2B7A78"),
        Region::Chinese | Region::Korean | Region::Japanese => (lacquer("#9E2B25"), planks("#5E3E2C", 0.24), "#9E2B25"),
        Region::African => (plaster("#A8653A"), checker("#8A4A2A", "#C99A5A", 0.6), "#234E9A"),
        Region::ScienceFiction => (panels("#8792A0", 0.8), panels("#323A45", 0.8), "#F26B2B"),
        _ => (marble("#CFC7B6", "#8E846F"), checker("#D5CBB8", "#6E5E4E", 0.6), "#5E1F2B"),
    };
    b.m.block(&floor, p(0.0, -0.05, middle), p(half * 2.0, 0.1, front - back), 0.0);
    b.m.block(&planks("#5A4030", 0.5), p(0.0, tall + 0.1, middle), p(half * 2.0, 0.2, front - back), 0.0);
    for (x, z, turn, long) in [
        (-half, middle, 90.0, front - back),
        (half, middle, -90.0, front - back),
        (0.0, front, 180.0, half * 2.0),
        (0.0, back, 0.0, half * 2.0),
    ] {
        let holes: Vec<Hole> = if turn == 0.0 {
            Vec::new()
        } else {
            (0..(long / 3.2) as i32).map(|i| hole(i as f32 * 3.2 - long * 0.5 + 2.0, 1.3, 1.0, 3.8)).collect()
        };
        b.m.within(at_turned(x, 0.0, z, turn), |m| {
            wall(m, &st.wall, long, tall, 0.3, &holes);
            band(m, &st.dado, long, 0.0, 0.9, 0.06, &holes);
            for h in &holes {
                m.within(at((h.x0 + h.x1) * 0.5, 3.15, 0.05), |m| m.arch(&gold(), 0.65, 0.1, 0.2, 0.5));
                for (x, s) in [(h.x0, -1.0), (h.x1, 1.0)] {
                    m.within(at(x - s * 0.12, 0.3, 0.2), |m| m.drape(&st.cloth, 0.6, 3.6, 5.0, 0.07));
                }
            }
        });
    }
    let shaft = Model::of(|m| {
        m.lathe(
            &column,
            &[
                (0.5, 0.0),
                (0.5, 0.2),
                (0.34, 0.4),
                (0.32, tall * 0.5),
                (0.27, tall - 0.9),
                (0.42, tall - 0.7),
                (0.5, tall - 0.3),
                (0.5, tall),
            ],
            18,
        )
    });
    for side in [-1.0f32, 1.0] {
        for i in 0..6 {
            let (x, z) = (side * 4.5, 7.0 - 3.1 * i as f32);
            b.m.stamp(&shaft, at(x, 0.0, z), [1.0; 3]);
            for y in [0.42, tall - 0.72] {
                b.m.within(at(x, y, z), |m| m.lathe(&gold(), &[(0.36, -0.05), (0.4, 0.0), (0.36, 0.05)], 18));
            }
        }
        for i in 0..4 {
            let z = 5.0 - 4.0 * i as f32;
            b.m.within(at_turned(side * (half - 0.1), 0.0, z - 1.4, -side * 90.0), |m| {
                m.quad(&zari(accent), [p(-0.5, 4.9, 0.1), p(0.5, 4.9, 0.1), p(0.5, 2.6, 0.12), p(-0.5, 2.6, 0.12)])
            });
        }
        b.panel(
            p(side * (half - 0.3), 2.6, 0.5),
            p(-side, -0.2, 0.0),
            (5.0, 1.3),
            times(b.air.daylight, if b.brief.dark() { 2.0 } else { 6.0 }),
        );
    }
    throne(b, &st, accent, back);
    for (x, z) in [(0.0, 1.2), (0.0, -5.5)] {
        chandelier(b, p(x, tall, z));
    }
    b.m.block(&zari("#7E2226"), p(0.0, 0.006, -2.0), p(1.9, 0.012, 15.0), 0.0);
    b.m.block(&floral("#8E2A2E", "#D9B05A", 0.5), p(0.0, 0.008, -2.0), p(1.5, 0.014, 15.0), 0.0);
    b.panel(p(0.0, tall - 0.2, 1.0), Vec3::NEG_Y, (3.0, 4.0), times(kelvin(3200.0), 3.0));
    b.key_from(p(-3.0, 2.8, 2.0));
    b.air.fog.density = 0.003;
    b.air.fog.color = [0.06, 0.05, 0.045];
    motes(b, p(-4.0, 0.5, -6.0), p(4.0, 4.0, 3.0), 40, 0.8);
    for (x, z, turn) in
        [(-4.0, -6.2, 60.0), (4.0, -6.2, -60.0), (-3.9, 1.6, 90.0), (3.9, 4.4, -90.0), (-5.6, -3.0, 30.0), (5.6, -2.0, -30.0)]
    {
        b.figure(x, z, turn, Posture::Standing, Verb::Stand);
    }
}

fn throne(b: &mut Builder<'_>, st: &Style, accent: &str, back: f32) {
    let z = back + 2.2;
    b.m.within(at(0.0, 0.0, z), |m| {
        for i in 0..4 {
            m.stand(
                &marble("#D9CFBC", "#9A8A74"),
                p(0.0, 0.17 * i as f32, -0.25 * i as f32),
                p(5.4 - 0.7 * i as f32, 0.18, 3.4 - 0.5 * i as f32),
                0.02,
            );
        }
        m.within(at(0.0, 0.7, -0.7), |m| {
            m.block(&gold(), p(0.0, 0.28, 0.0), p(1.1, 0.5, 0.8), 0.06);
            m.block(&st.cloth, p(0.0, 0.56, 0.02), p(0.9, 0.12, 0.7), 0.04);
            m.slab(
                &gold(),
                &[(-0.55, 0.5), (0.55, 0.5), (0.62, 1.7), (0.3, 2.1), (0.0, 2.35), (-0.3, 2.1), (-0.62, 1.7)],
                -0.42,
                -0.3,
            );
            m.block(&silk(accent, "#E6C46A"), p(0.0, 1.2, -0.28), p(0.8, 1.2, 0.04), 0.02);
            for s in [-1.0, 1.0] {
                m.block(&gold(), p(s * 0.55, 0.75, 0.0), p(0.14, 0.14, 0.8), 0.04);
                m.ball(&gold(), p(s * 0.55, 0.84, 0.42), Vec3::splat(0.11), 10);
            }
        });
        m.within(at(0.0, 1.2, -1.62), |m| m.drape(&silk(accent, "#E6C46A"), 4.0, 3.8, 12.0, 0.12));
        m.within(at(0.0, 4.4, -0.9), |m| m.canopy(&silk(accent, "#E6C46A"), 3.4, 2.4, -0.5));
    });
    oil_light(b, p(-2.4, 1.9, z + 0.8), 3.0);
    oil_light(b, p(2.4, 1.9, z + 0.8), 3.0);
    for x in [-2.4, 2.4] {
        b.m.within(at(x, 0.0, z + 0.8), |m| {
            m.lathe(&brass(), &[(0.25, 0.0), (0.06, 0.1), (0.05, 1.4), (0.25, 1.5), (0.28, 1.6)], 12)
        });
        let seed = b.dice.seed();
        b.mover(Mover::Flame { foot: p(x, 1.55, z + 0.8), tall: 0.3, light: [7.0, 2.6, 0.4], seed });
    }
}

fn chandelier(b: &mut Builder<'_>, hook: Vec3) {
    let drop = 1.5;
    b.m.within(at(hook.x, hook.y - drop, hook.z), |m| {
        m.bar(&brass(), Vec3::ZERO, p(0.0, drop, 0.0), 0.02);
        for (r, y) in [(0.75, 0.0), (0.45, 0.35)] {
            let ring: Vec<Vec3> =
                (0..=20).map(|k| k as f32 / 20.0 * std::f32::consts::TAU).map(|a| p(a.cos() * r, y, a.sin() * r)).collect();
            m.tube(&brass(), &ring, |_| 0.025, 6);
            for k in 0..10 {
                let a = k as f32 * 0.628;
                m.bar(&wax("#EADFC2"), p(a.cos() * r, y, a.sin() * r), p(a.cos() * r, y + 0.12, a.sin() * r), 0.018);
                m.ball(&glow([7.0, 4.6, 2.0]), p(a.cos() * r, y + 0.17, a.sin() * r), p(0.02, 0.04, 0.02), 6);
            }
        }
    });
    b.bulb(hook - p(0.0, drop - 0.1, 0.0), 0.4, times(kelvin(2300.0), if b.brief.dark() { 9.0 } else { 5.0 }), Flicker::Oil);
}

pub fn waiting_hall(b: &mut Builder<'_>) {
    let st = style(b.brief);
    let room = Room::of(b, 2.6, 4.2);
    let mut dice = b.dice.fork(2);
    let wins = [hole(room.along(1, 5.0), 1.8, 1.2, 3.3), hole(room.along(1, 1.6), 1.8, 1.2, 3.3)];
    let gates = [hole(-1.8, 1.8, 0.0, 2.6), hole(1.8, 1.8, 0.0, 2.6)];
    let holes: [&[Hole]; 4] = [&gates, &wins, &[hole(room.along(2, 2.0), 2.0, 0.9, 2.2)], &[]];
    room.shell(&mut b.m, &checker("#B9AE98", "#7E7262", 0.5), &planks("#5E4A38", 0.5), &plaster("#C2B490"), holes);
    room.bands(&mut b.m, &Material { coat: 0.5, ..checker("#4F6A58", "#47604F", 0.2) }, 0.0, 1.1, 0.04, holes);
    room.bands(&mut b.m, &st.wood, 1.1, 1.2, 0.08, holes);
    for h in wins {
        b.m.within(room.side(1), |m| window_frame(m, &st.wood, h, 2, 3, None));
        room.daylight(b, 1, h, 1.8);
    }
    for h in gates {
        b.m.within(room.side(0) * at((h.x0 + h.x1) * 0.5, 2.6, 0.0), |m| m.arch(&stone("#A59A84"), 0.9, 0.2, 0.3, 0.0));
    }
    // The platform and a train beyond the gates.
    let z = room.back - 3.6;
    b.m.block(&flagstone("#8E877B", "#5E5850", 0.6), p(0.0, -0.06, room.back - 1.4), p(24.0, 0.12, 2.8), 0.0);
    b.m.within(at_turned(0.0, -0.6, z - 0.6, 90.0), |m| super::town::railway_coach(m, st.accent, b.brief.dark()));
    b.m.within(room.side(0), |m| {
        m.block(&lacquer("#22262A"), p(0.0, 3.4, 0.06), p(3.2, 0.9, 0.12), 0.03);
        for i in 0..24 {
            let (x, y) = (-1.35 + 0.34 * (i % 8) as f32 + dice.off(0.03), 3.65 - 0.25 * (i / 8) as f32);
            m.block(&glow([1.6, 1.0, 0.25]), p(x, y, 0.13), p(dice.range(0.1, 0.26), 0.07, 0.01), 0.0);
        }
        m.ball(&paint("#E8E2D0"), p(0.0, 2.35, 0.08), p(0.4, 0.4, 0.05), 22);
        m.block(&paint("#22262A"), p(0.0, 2.46, 0.14), p(0.03, 0.24, 0.02), 0.0);
        m.block(&paint("#22262A"), p(0.09, 2.35, 0.14), p(0.2, 0.03, 0.02), 0.0);
    });
    for (x, zz, turn) in [(-2.1, -0.95, 30.0), (3.6, 2.6, -90.0), (-3.6, 4.2, 90.0), (3.6, 5.6, -90.0)] {
        b.m.within(at_turned(x, 0.0, zz, turn), |m| bench(m, &st.wood, 1.6, true));
    }
    for (x, zz) in [(3.6, 0.6), (-3.7, 1.8), (3.7, 4.0)] {
        b.m.within(at(x, 0.0, zz), |m| {
            m.stand(&wood("#7A4A2A"), Vec3::ZERO, p(0.5, 0.4, 0.22), 0.03);
            m.stand(&cloth("#5A4638"), p(0.04, 0.4, 0.0), p(0.4, 0.24, 0.2), 0.05);
        });
    }
    for (x, zz) in [(-1.6, -0.4), (1.6, 1.4), (-0.6, 4.4)] {
        pendant(b, p(x, room.tall, zz), 1.1, "#3F5A4A", kelvin(3000.0), if b.brief.dark() { 5.0 } else { 2.0 });
    }
    room.bounce(b, 1.0);
    b.key_from(p(-3.0, 2.6, 2.0));
    motes(b, p(-3.0, 0.6, -1.8), p(3.0, 3.4, 3.0), 30, 0.8);
    for (x, zz, turn) in [(-1.8, room.back - 1.2, 90.0), (1.9, room.back - 1.0, 180.0), (-3.4, 4.2, 90.0), (3.4, 2.6, -90.0)] {
        b.figure(
            x,
            zz,
            turn,
            if zz > 1.0 { Posture::Sitting } else { Posture::Standing },
            if zz > 1.0 { Verb::Read } else { Verb::Walk },
        );
    }
}

//! Inside things that travel: the ship's corridor, the car; and the road where a car has stopped.

use crate::dressing::*;
use crate::kit::{Model, at, at_turned, p, roll};
use crate::life::{Air3, Mover, car_lights};
use crate::light::{kelvin, times};
use crate::set::{Builder, Flicker};
use crate::stuff::*;
use glam::Vec3;
use klieg_film_words::shot::Posture;
use klieg_film_words::story::Verb;
use klieg_kernels::scene::{Material, Rgb, Sky};

const CYAN: Rgb = [0.35, 1.6, 2.2];
const SIGNAL: Rgb = [3.2, 0.85, 0.16];
const HALF: f32 = 2.25;

/// A corridor of ribs, panels and pipes, with wide windows to the stars and a bulkhead door at its end.
pub fn corridor(b: &mut Builder<'_>) {
    let mut dice = b.dice.fork(2);
    b.air.sky = Sky {
        zenith: [0.002, 0.004, 0.010],
        horizon: [0.004, 0.006, 0.014],
        ground: [0.002, 0.003, 0.006],
        sun_glow: 0.0,
        clouds: 0.0,
        stars: 1.0,
        fill: 1.0,
    };
    b.air.sun = None;
    b.air.fog.density = 0.012;
    b.air.fog.color = [0.01, 0.016, 0.022];
    let (front, back) = (9.0, -15.0);
    let middle = (front + back) * 0.5;
    let (deck, hull, dark) = (panels("#566070", 0.6), panels("#A3ACB6", 0.8), panels("#434D5A", 0.5));
    b.m.block(&deck, p(0.0, -0.05, middle), p(HALF * 2.0, 0.1, front - back), 0.0);
    b.m.block(&dark, p(0.0, 2.75, middle), p(2.4, 0.1, front - back), 0.0);
    for s in [-1.0f32, 1.0] {
        let mut z = front;
        while z > back {
            bay(b, s, z - 1.2, &hull, &dark, &mut dice);
            z -= 2.4;
        }
        b.m.block(&glow(times(CYAN, 0.8)), p(s * 1.9, 0.05, middle), p(0.05, 0.03, front - back), 0.0);
        b.m.block(&glow([1.6, 1.5, 1.35]), p(s * 1.0, 2.69, middle), p(0.16, 0.03, front - back), 0.0);
        for (y, r, hex) in [(2.62, 0.06, "#A9744A"), (2.5, 0.04, "#7A848E"), (2.42, 0.03, "#F26B2B")] {
            b.m.bar(&metal(hex, 0.4), p(s * 1.75, y, front), p(s * 1.75, y, back), r);
        }
    }
    let mut z = front;
    while z > back {
        rib(&mut b.m, z, &paint("#B9C0C6"));
        z -= 2.4;
    }
    bulkhead(b, back, &hull);
    b.m.within(at_turned(0.0, 0.0, front, 180.0), |m| bulkhead_shape(m, &hull));
    deck_things(b, &mut dice);
    ship_light(b);
    for (x, z, turn) in [(-1.3, -7.0, 170.0), (1.2, -9.6, 10.0), (-0.9, -12.4, 20.0), (1.2, 7.6, 190.0)] {
        b.figure(x, z, turn, Posture::Standing, Verb::Walk);
    }
}

fn rib(m: &mut Model, z: f32, body: &Material) {
    let outline = [
        p(-HALF - 0.05, 0.0, z),
        p(-HALF + 0.02, 1.2, z),
        p(-HALF + 0.15, 2.0, z),
        p(-1.25, 2.66, z),
        p(1.25, 2.66, z),
        p(HALF - 0.15, 2.0, z),
        p(HALF - 0.02, 1.2, z),
        p(HALF + 0.05, 0.0, z),
    ];
    m.tube(body, &outline, |_| 0.13, 6);
    for s in [-1.0, 1.0] {
        m.block(&lacquer("#F26B2B"), p(s * (HALF - 0.12), 1.2, z), p(0.16, 0.3, 0.3), 0.03);
    }
}

/// One wall bay between two ribs: a window, a console, lockers or plain panels.
fn bay(b: &mut Builder<'_>, s: f32, z: f32, hull: &Material, dark: &Material, dice: &mut crate::kit::Dice) {
    let kind = dice.below(4);
    let window = kind == 0 || (z - 0.6).abs() < 1.3 || (z + 4.2).abs() < 1.3;
    let place = at_turned(s * HALF, 0.0, z, -s * 90.0);
    b.m.within(place, |m| {
        let holes: &[Hole] = if window { &[Hole { x0: -0.95, x1: 0.95, y0: 0.95, y1: 2.0 }] } else { &[] };
        wall(m, hull, 2.4, 2.15, 0.2, holes);
        m.quad(hull, [p(-1.2, 2.1, 0.0), p(1.2, 2.1, 0.0), p(1.2, 2.72, 1.1), p(-1.2, 2.72, 1.1)]);
        m.block(dark, p(0.0, 0.42, 0.04), p(2.1, 0.7, 0.1), 0.03);
        if window {
            window_frame(m, dark, holes[0], 0, 0, None);
            return;
        }
        match kind {
            1 => console(m, dice),
            2 => lockers(m, dice),
            _ => (0..6).for_each(|i| {
                let (x, y) = (-0.8 + 0.8 * (i % 3) as f32, 1.1 + 0.6 * (i / 3) as f32);
                m.block(hull, p(x, y, 0.04), p(0.7, 0.5, 0.1), 0.04);
                m.block(&paint("#5A636D"), p(x, y - 0.05, 0.1), p(0.4, 0.06, 0.02), 0.01);
            }),
        }
    });
}

fn console(m: &mut Model, dice: &mut crate::kit::Dice) {
    m.block(&paint("#39424D"), p(0.0, 1.5, 0.05), p(2.0, 1.0, 0.12), 0.04);
    m.quad(&paint("#4A5560"), [p(-1.0, 0.95, 0.08), p(1.0, 0.95, 0.08), p(1.0, 0.82, 0.34), p(-1.0, 0.82, 0.34)]);
    for i in 0..3 {
        let x = -0.62 + 0.62 * i as f32;
        let color = [times(CYAN, 0.45), [0.25, 1.1, 0.5], times(CYAN, 0.3)][i];
        m.block(&glow(times(color, 0.5)), p(x, 1.62, 0.115), p(0.52, 0.4, 0.01), 0.0);
        for k in 0..5 {
            m.block(
                &glow(times(color, 2.0)),
                p(x - 0.16 + dice.off(0.06), 1.5 + 0.06 * k as f32, 0.122),
                p(dice.range(0.06, 0.26), 0.016, 0.004),
                0.0,
            );
        }
    }
    for i in 0..22 {
        let lit = dice.chance(0.5);
        let hex = dice.pick(&["#F26B2B", "#2BB8C8", "#D9DEE2", "#E3B93A"]);
        let shine = if lit { glow(times(klieg_kernels::scene::srgb(hex), 2.2)) } else { paint(hex) };
        m.block(
            &shine,
            p(-0.9 + 0.165 * (i % 11) as f32, 0.9 - 0.05 * (i / 11) as f32, 0.2 + 0.08 * (i / 11) as f32),
            p(0.07, 0.03, 0.05),
            0.008,
        );
    }
}

fn lockers(m: &mut Model, dice: &mut crate::kit::Dice) {
    for i in 0..3 {
        let x = -0.7 + 0.7 * i as f32;
        m.block(&paint("#A9B2BA"), p(x, 1.35, 0.08), p(0.64, 1.4, 0.18), 0.04);
        m.block(&lacquer("#F26B2B"), p(x, 1.95, 0.175), p(0.5, 0.06, 0.01), 0.0);
        m.block(&paint("#39424D"), p(x + 0.2, 1.3, 0.18), p(0.05, 0.2, 0.03), 0.01);
        for k in 0..3 {
            m.block(&paint("#5A636D"), p(x, 1.6 + 0.07 * k as f32, 0.175), p(0.36, 0.025, 0.01), 0.0);
        }
        if dice.chance(0.5) {
            m.block(&glow(times(CYAN, 1.2)), p(x - 0.22, 1.5, 0.178), p(0.03, 0.03, 0.01), 0.0);
        }
    }
}

fn bulkhead_shape(m: &mut Model, hull: &Material) {
    wall(m, hull, HALF * 2.0 + 0.4, 2.9, 0.3, &[hole(0.0, 1.8, 0.0, 2.2)]);
    for s in [-1.0, 1.0] {
        m.block(&panels("#5A636D", 0.5), p(s * 0.45, 1.1, -0.1), p(0.9, 2.2, 0.14), 0.03);
        m.block(&lacquer("#F26B2B"), p(s * 0.98, 1.1, 0.04), p(0.14, 2.3, 0.14), 0.03);
        m.block(&paint("#E3B93A"), p(s * 0.45, 0.5, -0.02), p(0.8, 0.12, 0.02), 0.0);
    }
    m.block(&lacquer("#F26B2B"), p(0.0, 2.28, 0.04), p(2.1, 0.14, 0.14), 0.03);
    m.block(&glow(times(CYAN, 1.2)), p(0.0, 2.5, 0.03), p(0.8, 0.12, 0.03), 0.01);
    m.ball(&Material { coat: 1.0, ..paint("#12202A") }, p(0.45, 1.55, -0.02), p(0.2, 0.2, 0.04), 16);
    m.ball(&Material { coat: 1.0, ..paint("#12202A") }, p(-0.45, 1.55, -0.02), p(0.2, 0.2, 0.04), 16);
}

fn bulkhead(b: &mut Builder<'_>, back: f32, hull: &Material) {
    b.m.within(at(0.0, 0.0, back), |m| bulkhead_shape(m, hull));
    let what = Model::of(|m| m.ball(&glow(SIGNAL), p(0.0, 2.62, back + 0.12), p(0.12, 0.08, 0.1), 10));
    let seed = b.dice.seed();
    b.mover(Mover::Glow { what, light: times(SIGNAL, 2.0), flicker: Flicker::Blink(1.2), seed });
    b.bulb(p(0.0, 2.4, back + 0.6), 0.12, times(SIGNAL, 0.9), Flicker::Blink(1.2));
}

fn deck_things(b: &mut Builder<'_>, dice: &mut crate::kit::Dice) {
    for (x, z) in [(-1.95, -3.2), (1.95, -5.4), (-1.95, 4.6), (1.95, 3.0), (-1.95, -9.0), (1.95, 7.6)] {
        let hex = dice.pick(&["#C9CED4", "#F26B2B", "#5A6470"]);
        b.m.within(at(x, 0.0, z), |m| {
            m.stand(&panels(hex, 0.5), Vec3::ZERO, p(0.34, 0.46, 0.62), 0.04);
            m.block(&paint("#2A313B"), p(0.0, 0.47, 0.0), p(0.3, 0.04, 0.5), 0.015);
        });
    }
    b.m.within(at_turned(1.5, 0.0, -1.75, -50.0), |m| {
        m.lathe(&paint("#5A6470"), &[(0.2, 0.0), (0.06, 0.05), (0.05, 0.4)], 10);
        m.block(&cloth("#33404E"), p(0.0, 0.46, 0.0), p(0.44, 0.1, 0.42), 0.04);
        m.block(&cloth("#33404E"), p(0.0, 0.82, -0.2), p(0.4, 0.56, 0.09), 0.04);
    });
    for i in 0..9 {
        b.m.block(&paint("#E3B93A"), p(0.0, 0.003, 7.6 - 2.4 * i as f32), p(1.1, 0.006, 0.07), 0.0);
    }
    // A planet with a lit limb beyond the windows.
    b.m.ball(
        &Material { emission: [0.09, 0.20, 0.30], variation: 0.4, roughness: 1.0, ..paint("#4F86A8") },
        p(80.0, -2.0, -14.0),
        Vec3::splat(27.0),
        48,
    );
    stars(b);
    b.m.ball(
        &Material { emission: [0.09, 0.05, 0.03], variation: 0.4, roughness: 1.0, ..paint("#B9825A") },
        p(-120.0, 26.0, -60.0),
        Vec3::splat(24.0),
        36,
    );
}

/// Stars as far specks on both sides: a level view through the windows finds some, too.
fn stars(b: &mut Builder<'_>) {
    let mut dice = b.dice.fork(9);
    for i in 0..420 {
        let side = if i % 2 == 0 { -1.0 } else { 1.0 };
        let at = p(side * 60.0, dice.off(26.0), dice.off(60.0));
        let size = dice.range(0.05, 0.16);
        let shine = glow(times([1.0, 0.95, 0.9], if i % 9 == 0 { 4.0 } else { 1.2 }));
        let (y, z) = (p(0.0, size, 0.0), p(0.0, 0.0, size));
        b.m.quad(&shine, [at - y, at - z, at + y, at + z]);
    }
}

fn ship_light(b: &mut Builder<'_>) {
    let cool = kelvin(7000.0);
    for (z, k) in [(1.4, 5.5), (-3.4, 6.0), (5.4, 4.0), (-9.4, 7.0)] {
        for s in [-1.0, 1.0] {
            b.panel(p(s * 1.0, 2.66, z), p(-s * 0.15, -1.0, 0.0), (0.08, 1.1), times(cool, k));
        }
    }
    for (x, z) in [(-1.7, -2.2), (1.7, 2.4)] {
        b.bulb(p(x, 0.35, z), 0.1, times(CYAN, 0.3), Flicker::Steady);
    }
    b.bulb(p(-1.7, 1.6, -5.6), 0.1, times(CYAN, 0.35), Flicker::Tv);
    b.bulb(p(1.8, 1.5, -7.6), 0.1, times(SIGNAL, 0.3), Flicker::Steady);
    b.air.rig.key = times(kelvin(3300.0), 1.9);
    b.air.rig.fill = times(kelvin(9000.0), 0.6);
    b.air.rig.rim = [0.5, 1.3, 1.6];
    b.key_from(p(-1.6, 2.4, 2.2));
    motes(b, p(-1.6, 0.4, -6.0), p(1.6, 2.4, 3.0), 20, 0.4);
    let seed = b.dice.seed();
    b.mover(Mover::Smoke {
        foot: p(-1.8, 0.1, -6.2),
        rise: 0.9,
        puff: 0.16,
        wind: p(0.1, 0.0, 0.06),
        color: [0.6, 0.62, 0.64],
        seed,
    });
}

/// Two front seats in an open-sided car body, the road passing behind.
pub fn car_inside(b: &mut Builder<'_>) {
    let old = b.brief.noir() || b.brief.old_days();
    let trim = paint(if old { "#4A3A2E" } else { "#2E3136" });
    let hide = cloth(if old { "#6B3F2E" } else { "#4A4E54" });
    let body = lacquer(if old { "#2F3A40" } else { "#7A2E2A" });
    let m = &mut b.m;
    for x in [-0.42, 0.42] {
        m.within(at(x, 0.0, -0.12), |m| {
            m.block(&hide, p(0.0, 0.38, 0.0), p(0.6, 0.2, 0.56), 0.07);
            m.within(at(0.0, 0.5, -0.3) * crate::kit::pitch(-12.0), |m| {
                m.block(&hide, p(0.0, 0.32, 0.0), p(0.56, 0.66, 0.14), 0.06);
                m.block(&hide, p(0.0, 0.76, 0.0), p(0.3, 0.16, 0.1), 0.05);
            });
        });
    }
    // The sills, doors and rear of the car frame the seats; its nose is left off for the camera.
    for s in [-1.0f32, 1.0] {
        m.block(&body, p(s * 0.92, 0.45, -0.3), p(0.1, 0.6, 2.4), 0.04);
        m.block(&trim, p(s * 0.86, 0.62, -0.1), p(0.06, 0.12, 1.0), 0.03);
        m.tube(&body, &[p(s * 0.9, 0.75, -1.0), p(s * 0.8, 1.35, -0.75), p(s * 0.72, 1.5, -0.4)], |_| 0.05, 8);
        m.tube(&body, &[p(s * 0.9, 0.75, 0.95), p(s * 0.76, 1.5, 0.35)], |_| 0.025, 8);
        wheel(m, p(s * 0.95, 0.33, -1.5), 0.33, 0.2);
    }
    m.block(&body, p(0.0, 1.53, -0.45), p(1.5, 0.06, 0.9), 0.03);
    m.block(&body, p(0.0, 0.6, -1.35), p(1.86, 0.7, 0.9), 0.12);
    m.block(&hide, p(0.0, 0.5, -0.85), p(1.5, 0.5, 0.2), 0.06);
    m.block(&trim, p(0.0, 0.06, -0.2), p(1.8, 0.1, 2.3), 0.0);
    m.block(&trim, p(0.0, 0.62, 0.78), p(1.7, 0.2, 0.16), 0.06);
    for x in [-0.42, -0.2] {
        m.ball(&glow([0.5, 0.8, 0.6]), p(x, 0.7, 0.7), p(0.06, 0.06, 0.02), 10);
    }
    let ring: Vec<Vec3> = (0..=18)
        .map(|k| k as f32 / 18.0 * std::f32::consts::TAU)
        .map(|a| p(-0.42 + a.cos() * 0.18, 0.76 + a.sin() * 0.16, 0.52 + a.sin() * 0.07))
        .collect();
    m.tube(&paint("#232323"), &ring, |_| 0.016, 6);
    m.bar(&iron(), p(-0.42, 0.76, 0.52), p(-0.42, 0.62, 0.76), 0.02);
    m.block(&trim, p(0.0, 1.42, 0.2), p(0.22, 0.07, 0.03), 0.015);
    road(b);
    let on = b.brief.dark();
    if on {
        b.bulb(p(0.0, 1.42, 0.1), 0.06, times(kelvin(3000.0), 0.25), Flicker::Steady);
        for (x, z, k) in [(-4.6, -5.0, 20.0), (4.6, 0.5, 20.0), (-4.6, 4.0, 14.0), (4.8, -9.0, 20.0)] {
            street_lamp(b, p(x, 0.0, z), if x < 0.0 { 90.0 } else { -90.0 }, 4.6, true, k);
        }
        b.air.rig.key = times(kelvin(3000.0), 1.3);
    } else {
        b.panel(p(-4.0, 3.0, 3.0), p(1.0, -0.4, -0.8), (2.0, 1.2), times(b.air.daylight, 5.0));
    }
    b.key_from(p(-1.6, 2.2, 2.4));
    open_air(b);
}

/// Road, verge, poles and far land on both sides, and traffic.
fn road(b: &mut Builder<'_>) {
    let town = b.brief.noir() || b.brief.time == klieg_film_words::story::TimeOfDay::Night;
    let mut dice = b.dice.fork(4);
    let surface = if b.brief.wet() || b.brief.noir() { wet_asphalt() } else { asphalt() };
    let st = style(b.brief);
    let seed = dice.seed();
    b.m.ground(&st.soil, 95.0, 0.8, 16.0, seed);
    b.m.block(&surface, p(0.0, -0.04, 0.0), p(7.6, 0.09, 150.0), 0.0);
    for i in 0..30 {
        b.m.block(&paint("#C9C2AC"), p(1.9, 0.006, -64.0 + 4.4 * i as f32), p(0.13, 0.004, 2.0), 0.0);
    }
    for i in 0..12 {
        let z = -44.0 + 8.0 * i as f32;
        for x in [-5.6, 6.4] {
            b.m.bar(&wood("#5E4632"), p(x, 0.0, z), p(x, 5.4, z), 0.09);
            b.m.block(&wood("#5E4632"), p(x, 5.0, z), p(1.4, 0.1, 0.1), 0.0);
            b.m.cable(&iron(), p(x, 5.1, z), p(x, 5.1, z + 8.0), 0.5, 0.012);
        }
    }
    if town {
        for turn in [0.0, 90.0, 180.0, 270.0] {
            let light = [0.42, 0.25, 0.1];
            b.m.within(at_turned(0.0, 0.0, 0.0, turn), |m| skyline(m, "#5A504A", light, -26.0, 24.0, (6.0, 15.0), &mut dice));
        }
    } else {
        let kinds = super::town::land_trees(b);
        surround(b, &kinds, 60, 4.5, 40.0, (0.7, 1.3), 0.14);
        b.m.hills(&leaf("#7F9A68"), 80.0, 8.0, 4.0, seed);
    }
    let what = car_lights(if b.brief.dark() { [9.0, 7.6, 5.0] } else { [0.6, 0.6, 0.55] });
    b.mover(Mover::Passing { from: p(2.9, 0.0, -60.0), to: p(2.9, 0.0, 60.0), period: 6.5, first: 1.0, what });
}

/// A stopped car at the side of the road.
pub fn roadside(b: &mut Builder<'_>) {
    road(b);
    let lamps = if b.brief.dark() { [6.0, 4.8, 3.0] } else { [0.5, 0.5, 0.45] };
    let old = b.brief.noir() || b.brief.old_days();
    b.m.within(at_turned(0.2, 0.0, -3.4, 78.0), |m| if old { old_car(m, "#2F3A40", lamps) } else { car(m, "#8A2E2A", lamps) });
    let on = b.brief.dark();
    for (x, z) in [(-5.4, -3.0), (5.6, 3.4), (-5.4, 8.0)] {
        street_lamp(b, p(x, 0.0, z), if x < 0.0 { 90.0 } else { -90.0 }, 4.6, on, 24.0);
    }
    if !on {
        b.panel(p(-8.0, 4.0, 5.0), p(1.0, -0.4, -0.6), (3.0, 2.0), times(b.air.daylight, 8.0));
    } else {
        b.bulb(p(2.6, 0.8, -2.9), 0.2, [5.0, 4.0, 2.6], Flicker::Steady);
        b.air.rig.key = times(kelvin(3000.0), 1.4);
    }
    let rock = Model::of(|m| m.within(roll(0.0), |m| m.rock(&stone("#86857E"), p(0.6, 0.5, 0.5), &mut crate::kit::Dice::new(3))));
    let tuft = Model::of(|m| m.tuft(&leaf("#7C8F4A"), 0.4, 16, 0.2, &mut crate::kit::Dice::new(4)));
    surround(b, &[rock, tuft], 60, 0.5, 14.0, (0.5, 1.3), 0.16);
    if b.brief.wet() {
        rain(b, Air3 { low: p(-8.0, 0.0, -12.0), high: p(8.0, 6.0, 6.0) }, 200);
    }
    open_air(b);
    b.figure(-5.0, -5.6, 100.0, Posture::Standing, Verb::Walk);
}

//! The Japanese garden and the tea house, and the shrine court of East Asia.

use crate::dressing::*;
use crate::kit::{Dice, Field, Model, at, at_turned, noise2, p, scatter};
use crate::life::{Air3, Mover};
use crate::light::{kelvin, times};
use crate::set::{Builder, Flicker, scaled_light};
use crate::signs;
use crate::stuff::*;
use glam::Vec3;
use klieg_film_words::shot::Posture;
use klieg_film_words::story::{Region, TimeOfDay, Verb, Weather};
use klieg_kernels::scene::{Geometry, Material, Rgb};

/// Cherry trees in blossom (or their like under snow): prototypes.
fn cherries(dice: &mut Dice, snow: bool) -> Vec<Geometry> {
    let blossom = if snow { petal("#E8ECF0") } else { petal("#EFB9C6") };
    (0..3)
        .map(|i| {
            let mut d = dice.fork(70 + i);
            Model::of(|m| {
                let tips = m.trunk(&bark("#4E3B34"), 4.0, 0.16, 6, 1.9, &mut d);
                for tip in tips {
                    let r = d.range(0.6, 1.0);
                    m.leaf_cloud(&blossom, tip + p(0.0, 0.15, 0.0), p(r * 1.3, r * 0.72, r * 1.3), 300, 0.19, &mut d);
                }
            })
        })
        .collect()
}

/// A stone lantern (tōrō), its fire chamber lit when asked.
fn stone_lantern(b: &mut Builder<'_>, foot: Vec3, tall: f32, strength: f32) {
    let s = tall / 1.8;
    let rock = stone("#8C8D84");
    let lit = if strength > 0.0 { glow([2.4, 1.2, 0.35]) } else { paint("#4A4640") };
    b.m.within(at_turned(foot.x, foot.y, foot.z, 20.0 * foot.x) * crate::kit::scaled(s), |m| {
        m.lathe(
            &rock,
            &[
                (0.42, 0.0),
                (0.42, 0.1),
                (0.3, 0.2),
                (0.16, 0.26),
                (0.15, 0.8),
                (0.2, 0.86),
                (0.36, 0.96),
                (0.38, 1.06),
                (0.3, 1.08),
            ],
            6,
        );
        m.stand(&lit, p(0.0, 1.08, 0.0), p(0.3, 0.28, 0.3), 0.0);
        for k in 0..4 {
            let a = k as f32 * std::f32::consts::FRAC_PI_2 + std::f32::consts::FRAC_PI_4;
            m.stand(&rock, p(a.sin() * 0.25, 1.06, a.cos() * 0.25), p(0.12, 0.32, 0.12), 0.02);
        }
        m.lathe(
            &rock,
            &[(0.5, 1.42), (0.56, 1.36), (0.54, 1.44), (0.3, 1.56), (0.1, 1.66), (0.12, 1.72), (0.08, 1.8), (0.0, 1.88)],
            6,
        );
    });
    if strength > 0.0 {
        b.bulb(foot + p(0.0, 1.22 * s, 0.0), 0.12, times(kelvin(2000.0), strength), Flicker::Oil);
    }
}

/// The arched bridge, along x.
fn bridge(m: &mut Model, long: f32, rise: f32, wide: f32) {
    let red = lacquer("#B03A2C");
    let dark = wood("#5A3A2C");
    let arc = |t: f32| p((t - 0.5) * long, rise * (1.0 - (t * 2.0 - 1.0).powi(2)), 0.0);
    let n = 22;
    for i in 0..n {
        let (a, b) = (arc(i as f32 / n as f32), arc((i + 1) as f32 / n as f32));
        let tilt = (b.y - a.y).atan2(b.x - a.x).to_degrees();
        let mid = (a + b) * 0.5;
        m.within(at(mid.x, mid.y, 0.0) * crate::kit::roll(tilt), |m| {
            m.block(&dark, Vec3::ZERO, p(a.distance(b) * 0.92, 0.06, wide), 0.012)
        });
    }
    for s in [-1.0, 1.0] {
        let z = s * wide * 0.5;
        for (lift, r) in [(0.85, 0.05), (0.48, 0.032), (-0.1, 0.07)] {
            let path: Vec<Vec3> = (0..=20).map(|i| arc(i as f32 / 20.0) + p(0.0, lift, z)).collect();
            m.tube(&red, &path, |_| r, 7);
        }
        for i in 0..7 {
            let q = arc(i as f32 / 6.0) + p(0.0, 0.0, z);
            m.stand(&red, q, p(0.12, 1.0, 0.12), 0.02);
            m.ball(&brass(), q + p(0.0, 1.06, 0.0), p(0.06, 0.09, 0.06), 8);
        }
    }
}

pub fn garden(b: &mut Builder<'_>) {
    let snow = b.brief.weather == Weather::Snow;
    let mut dice = b.dice.fork(2);
    let green = if snow { "#D5DADC" } else { "#75824E" };
    let seed = dice.seed();
    let pond = |x: f32, z: f32| ((x - 0.6) / 6.4).powi(2) + ((z + 6.3) / 2.9).powi(2);
    b.m.sheet(&grass(green), 90, 90, |u, v| {
        let grow = |t: f32| (t * 2.0 - 1.0) * (0.3 + 0.7 * (t * 2.0 - 1.0).abs().powf(1.7));
        let (x, z) = (grow(u) * 70.0, grow(v) * 70.0 - 3.0);
        let far = ((x.hypot(z + 2.0) - 9.5) / 16.0).clamp(0.0, 1.0);
        let bank = (1.18 - pond(x, z)).clamp(0.0, 0.5) * 1.3;
        p(x, far * (1.1 + 1.5 * noise2(seed, x * 0.12, z * 0.12)) - bank - 0.004, z)
    });
    let tone = b.air.sky.horizon;
    let depth = Material { base: [0.05 + tone[0] * 0.03, 0.09 + tone[1] * 0.03, 0.09 + tone[2] * 0.03], ..water("#33514C") };
    b.mover(Mover::Water { centre: p(0.6, -0.16, -6.3), half: (6.9, 3.3), wave: 0.012, material: depth });
    pond_edge(b, &mut dice);
    b.m.within(at(1.9, -0.05, -6.2), |m| bridge(m, 5.6, 0.95, 1.3));
    planting(b, &mut dice, snow);
    path_and_lanterns(b, &mut dice);
    lawn(b, snow);
    b.m.within(at_turned(-6.4, 0.0, -9.4, 32.0), pavilion);
    if let Some(tea) = signs::word(b.brief, Some("tea"), &mut dice) {
        b.m.within(at_turned(-6.4, 0.0, -9.4, 32.0), |m| {
            for x in [-0.86, 0.0, 0.86] {
                signs::board(m, &tea, p(x, 2.06, 1.5), (0.8, 0.72), "#F1ECDF", "#2E4068");
            }
        });
    }
    garden_far(b, snow);
    let chill = if snow { petal("#F2F4F6") } else { petal("#F1BFCB") };
    falling(
        b,
        Air3 { low: p(-7.0, 0.0, -9.0), high: p(7.0, 4.6, 5.0) },
        if snow { 420 } else { 130 },
        0.05,
        0.42,
        p(0.22, 0.0, 0.08),
        chill,
    );
    if !snow {
        strewn(b, (-9.0, 9.0), (-3.0, 8.0), 900, 0.05, &petal("#F3CBD4"));
    }
    open_air(b);
    b.air.fog.density = b.air.fog.density.max(0.007);
    if b.brief.region() == Region::Japanese {
        b.air.look.slope = [b.air.look.slope[0] * 1.0, b.air.look.slope[1] * 1.01, b.air.look.slope[2] * 1.01];
    }
    for (i, (x, z, turn)) in [(1.9, -6.1, 15.0), (-5.2, -4.6, 60.0), (6.6, -4.4, -50.0), (-6.0, 3.0, 100.0)].into_iter().enumerate()
    {
        if i > 0 {
            b.figure(x, z, turn, Posture::Standing, [Verb::Look, Verb::Walk, Verb::Stand, Verb::Walk][i]);
        }
    }
}

fn pond_edge(b: &mut Builder<'_>, dice: &mut Dice) {
    let rock = stone("#87877C");
    for i in 0..44 {
        let a = i as f32 / 44.0 * std::f32::consts::TAU;
        let (x, z) = (0.6 + a.cos() * 6.75, -6.3 + a.sin() * 3.15);
        let size = dice.range(0.35, 0.9);
        let tint = dice.shade(0.16);
        let turn = dice.range(0.0, 360.0);
        let low = if z > -3.6 { 0.5 } else { 0.8 };
        b.m.within(at_turned(x, -0.1, z, turn), |m| m.tinted(tint, |m| m.rock(&rock, p(size, size * low, size * 0.8), dice)));
    }
    for i in 0..24 {
        let (x, z) = (0.6 + dice.off(5.2), -6.3 + dice.off(2.0));
        let r = dice.range(0.1, 0.24);
        b.m.within(at_turned(x, -0.145, z, dice.range(0.0, 360.0)), |m| {
            m.lathe(&leaf("#6A8F4A"), &[(0.0, 0.006), (r, 0.012), (r * 0.98, 0.0)], 12);
            if i % 5 == 0 {
                m.leaf_cloud(&petal("#F0C4D0"), p(0.0, 0.05, 0.0), p(0.07, 0.05, 0.07), 16, 0.08, dice);
            }
        });
    }
    for i in 0..9 {
        let a = 0.4 + i as f32 * 0.72;
        b.m.within(at(0.6 + a.cos() * 6.4, -0.15, -6.3 + a.sin() * 2.9), |m| m.tuft(&leaf("#7A8F4A"), 0.7, 26, 0.16, dice));
    }
}

fn planting(b: &mut Builder<'_>, dice: &mut Dice, snow: bool) {
    let cherry = cherries(dice, snow);
    for (i, (x, z, s)) in [
        (-6.1, -3.0, 1.1),
        (7.6, -1.2, 1.2),
        (-2.6, -10.6, 1.15),
        (3.2, -11.4, 1.25),
        (7.2, -9.6, 1.2),
        (-9.5, -7.2, 1.3),
        (-7.6, 4.6, 1.1),
        (8.2, 5.4, 1.2),
        (-4.6, 12.4, 1.2),
        (4.2, 12.8, 1.15),
    ]
    .into_iter()
    .enumerate()
    {
        let turn = dice.range(0.0, 360.0);
        let tint = [1.0, dice.range(0.9, 1.06), dice.range(0.94, 1.08)];
        b.m.stamp(&cherry[i % 3], at_turned(x, 0.0, z, turn) * crate::kit::scaled(s), tint);
    }
    let maple = trees(dice, "#5A4638", if snow { "#C9CFD2" } else { "#A8432E" }, 2.8, 1.3, 420);
    for (i, (x, z)) in [(-9.0, -1.0), (11.6, -2.6), (-0.6, -12.6), (10.5, 2.6)].into_iter().enumerate() {
        b.m.stamp(&maple[i % 3], at_turned(x, 0.0, z, i as f32 * 77.0), [1.0; 3]);
    }
    let azalea: Vec<Geometry> = (0..3)
        .map(|i| {
            let mut d = dice.fork(40 + i);
            Model::of(|m| {
                m.leaf_cloud(
                    &leaf(if snow { "#DDE2E4" } else { "#5C7A42" }),
                    p(0.0, 0.28, 0.0),
                    p(0.55, 0.36, 0.5),
                    190,
                    0.1,
                    &mut d,
                );
                if i != 1 && !snow {
                    m.leaf_cloud(&petal("#D77E9A"), p(0.0, 0.36, 0.0), p(0.54, 0.32, 0.5), 50, 0.07, &mut d);
                }
            })
        })
        .collect();
    let free = needed(b.brief, 0.7);
    let keep = |x: f32, z: f32| free(x, z) || ((x - 0.6) / 7.2).powi(2) + ((z + 6.3) / 3.7).powi(2) < 1.0;
    let field = Field { x: (-13.0, 13.0), z: (-14.0, 14.0), keep_out: &keep };
    scatter(&mut b.m, &azalea, 70, &field, (0.6, 1.35), 0.12, dice);
    let tuft = Model::of(|m| m.tuft(&leaf("#7C9450"), 0.22, 14, 0.14, &mut Dice::new(4)));
    scatter(&mut b.m, &[tuft], 130, &field, (0.7, 1.4), 0.15, dice);
    for (i, (x, z)) in
        [(-2.6, 10.4), (-0.4, 11.2), (1.8, 10.6), (4.6, 10.2), (-5.2, 10.8), (-1.6, 12.4), (3.2, 12.2)].into_iter().enumerate()
    {
        b.m.stamp(&azalea[i % 3], at_turned(x, 0.0, z, i as f32 * 50.0) * crate::kit::scaled(1.2), [1.0; 3]);
    }
    b.m.within(at_turned(0.0, 0.0, 15.0, 180.0), |m| garden_wall(m, &plaster("#D9CFB8"), &roof_tile("#454B54"), 30.0, 1.9));
    let pine: Vec<Geometry> = (0..2)
        .map(|i| Model::of(|m| conifer(m, "#5A4334", if snow { "#9FB0A8" } else { "#3F5E42" }, 6.5, &mut Dice::new(80 + i))))
        .collect();
    let ring = Field { x: (-26.0, 26.0), z: (-28.0, 24.0), keep_out: &|x, z| x.hypot(z + 2.0) < 17.0 };
    scatter(&mut b.m, &pine, 46, &ring, (0.8, 1.5), 0.16, dice);
}

/// A hand's breadth of short grass, blades broad enough to be seen.
fn turf(m: &mut Model, blade: &Material, dice: &mut Dice) {
    let id = m.material(blade);
    for _ in 0..14 {
        let a = dice.range(0.0, std::f32::consts::TAU);
        let (out, foot) = (p(a.cos(), 0.0, a.sin()), p(dice.off(0.1), -0.004, dice.off(0.1)));
        let (side, tall) = (p(-a.sin(), 0.0, a.cos()) * 0.0065, dice.range(0.03, 0.054));
        let normal = (out * 0.3 + Vec3::Y).normalize();
        let tip = foot + out * tall * dice.range(0.2, 0.9) + p(0.0, tall, 0.0);
        let v = [(foot - side, 0.0), (foot + side, 0.2), (tip, 1.0)].map(|(q, u)| m.vertex(q, normal, [0.5, u, 0.0]));
        m.geometry.triangle(v[0], v[1], v[2], id);
    }
}

/// Where the path runs: z over x.
fn path_z(x: f32) -> f32 {
    1.0 - 1.2 * ((x + 5.6) / 11.4 * 3.0).sin()
}

/// What lies and grows no higher than a foot: blades of grass, clover, stones along the path, pebbles on it.
fn lawn(b: &mut Builder<'_>, snow: bool) {
    let mut dice = b.dice.fork(88);
    let sods: Vec<Geometry> = (0..3)
        .map(|i| {
            let mut d = dice.fork(i);
            let blade = leaf(if snow { "#C9D1C6" } else { ["#9DBB5E", "#86A552", "#B2C26C"][i as usize] });
            Model::of(|m| turf(m, &blade, &mut d))
        })
        .collect();
    let clover = Model::of(|m| {
        for i in 0..5 {
            let a = i as f32 * 1.26;
            m.ball(&leaf("#A3C46A"), p(a.sin() * 0.035, 0.016, a.cos() * 0.035), p(0.024, 0.008, 0.024), 5);
        }
        m.ball(&petal("#F4EEDF"), p(0.01, 0.036, 0.0), Vec3::splat(0.013), 5);
    });
    let taken = |x: f32, z: f32| (z - path_z(x)).abs() < 0.62 || ((x - 0.6) / 6.8).powi(2) + ((z + 6.3) / 3.3).powi(2) < 1.0;
    let near = Field { x: (-6.5, 6.5), z: (-3.4, 7.6), keep_out: &taken };
    scatter(&mut b.m, &sods, 900, &near, (0.7, 1.0), 0.18, &mut dice);
    scatter(&mut b.m, &[clover], 140, &near, (0.7, 1.2), 0.15, &mut dice);
    let rock = stone("#8F8D82");
    for i in 0..150 {
        let x = -5.6 + 11.4 * (i / 2) as f32 / 75.0 + dice.off(0.08);
        let side = if i % 2 == 0 { 1.0 } else { -1.0 };
        let r = dice.range(0.035, 0.085);
        let (z, tint) = (path_z(x) + side * (0.52 + dice.off(0.04)), dice.shade(0.25));
        b.m.tinted(tint, |m| m.ball(&rock, p(x, r * 0.1, z), p(r * 1.25, r * 0.52, r), 6));
    }
    for _ in 0..170 {
        let x = dice.range(-5.5, 5.7);
        let (z, r, tint) = (path_z(x) + dice.off(0.46), dice.range(0.008, 0.02), dice.shade(0.3));
        b.m.tinted(tint, |m| m.ball(&rock, p(x, 0.012, z), p(r * 1.3, r * 0.7, r), 4));
    }
}

fn path_and_lanterns(b: &mut Builder<'_>, dice: &mut Dice) {
    let slab = stone("#9A988C");
    let gravel = sand("#C9C2AE");
    b.m.sheet(&gravel, 40, 2, |u, v| {
        let (x, z) = (-5.6 + 11.4 * u, 1.0 - 2.4 * (u * 3.0).sin() * 0.5);
        p(x, 0.006, z + (v - 0.5) * 1.1 * (0.8 + 0.2 * (u * 40.0).sin()))
    });
    for i in 0..26 {
        let t = i as f32 / 25.0;
        let (x, z) = (-4.4 + 9.0 * t + dice.off(0.15), 1.0 - 2.4 * (t * 3.0).sin() * 0.5 + dice.off(0.1));
        let r = dice.range(0.24, 0.36);
        let tint = dice.shade(0.1);
        b.m.within(at_turned(x, 0.0, z, dice.range(0.0, 180.0)), |m| {
            m.tinted(tint, |m| m.lathe(&slab, &[(0.0, 0.028), (r, 0.022), (r * 1.04, -0.02)], 9));
        });
    }
    let strength = match b.brief.time {
        _ if b.brief.dark() => 5.0,
        TimeOfDay::Dusk | TimeOfDay::Dawn => 4.2,
        _ => 1.0,
    };
    for (x, z, tall) in [(-3.9, -2.9, 1.7), (5.6, -3.4, 1.5), (-1.9, -9.6, 1.9), (6.4, 6.0, 1.7), (0.8, 10.4, 1.8)] {
        stone_lantern(b, p(x, 0.0, z), tall, strength);
    }
    if b.brief.dark() {
        for i in 0..6 {
            lantern(b, p(-5.0 + 2.0 * i as f32, 3.5, -3.0 - 0.5 * ((i % 2) as f32)), 0.2, [1.8, 0.7, 0.35], 2.0);
        }
        b.air.rig.key = times(kelvin(2600.0), 1.35);
    }
    // A basin with its bamboo spout, and the bench of the plan.
    b.m.within(at(4.7, 0.0, -2.5), |m| {
        m.lathe(&stone("#7E7F76"), &[(0.4, 0.0), (0.46, 0.3), (0.42, 0.5), (0.3, 0.46), (0.0, 0.4)], 12);
        m.bar(&wood("#9A9A52"), p(0.3, 0.9, -0.5), p(0.0, 0.66, -0.05), 0.035);
        m.bar(&wood("#9A9A52"), p(0.3, 0.0, -0.5), p(0.3, 0.95, -0.5), 0.045);
    });
    b.m.within(at_turned(-2.1, 0.0, -0.95, 30.0), |m| bench(m, &wood("#7A5A44"), 1.5, false));
}

/// An open pavilion with a curved roof.
fn pavilion(m: &mut Model) {
    let timber = wood("#6A4634");
    m.stand(&planks("#7A5A44", 0.2), p(0.0, 0.0, 0.0), p(3.6, 0.45, 3.2), 0.03);
    for (x, z) in [(-1.6, -1.4), (1.6, -1.4), (-1.6, 1.4), (1.6, 1.4)] {
        m.stand(&timber, p(x, 0.4, z), p(0.16, 2.2, 0.16), 0.02);
    }
    for z in [-1.4, 1.4] {
        m.block(&timber, p(0.0, 2.5, z), p(3.5, 0.16, 0.14), 0.02);
        m.block(&timber, p(0.0, 0.85, z - 0.0), p(3.2, 0.06, 0.06), 0.0);
    }
    m.block(&paper("#E4DCC6"), p(0.0, 1.5, -1.42), p(3.1, 1.7, 0.04), 0.0);
    for i in 0..7 {
        m.block(&timber, p(-1.5 + 0.5 * i as f32, 1.5, -1.38), p(0.04, 1.7, 0.04), 0.0);
    }
    m.within(at(0.0, 2.6, 0.0), |m| curved_roof(m, &roof_tile("#4A5058"), &timber, 3.9, 3.5, 1.25));
}

fn garden_far(b: &mut Builder<'_>, snow: bool) {
    let far = if snow { "#B9C4CC" } else { "#7C9488" };
    b.m.hills(&leaf(if snow { "#C7D0D2" } else { "#6F8A62" }), 46.0, 6.5, 3.6, 17);
    b.m.hills(&leaf(far), 90.0, 22.0, 2.4, 23);
    let mut dice = b.dice.fork(89);
    let grove: Vec<Geometry> = (0..3)
        .map(|i| {
            let green = leaf(if snow { "#B4C0BE" } else { ["#54734C", "#64805A", "#D9A3B0"][i as usize] });
            Model::of(|m| m.leaf_cloud(&green, p(0.0, 1.0, 0.0), p(1.2, 1.1, 1.2), 42, 0.8, &mut dice.fork(i)))
        })
        .collect();
    b.m.groves(&grove, 120, (0.8, 1.9), (46.0, 6.5, 3.6, 17), &mut dice);
    b.m.groves(&grove[..2], 90, (1.6, 3.4), (90.0, 22.0, 2.4, 23), &mut dice);
    // The mountain, with snow on its shoulders.
    b.m.within(at(-16.0, -2.0, -120.0), |m| {
        m.lathe(&paint("#7F93B8"), &[(62.0, 0.0), (38.0, 14.0), (20.0, 27.0), (14.0, 33.0)], 40);
        m.lathe(&paint("#EEF1F6"), &[(14.0, 33.0), (8.0, 40.0), (4.5, 43.0), (0.0, 42.4)], 40);
    });
}

/// The tea room: mats, paper screens, an alcove with a scroll, a low table, the garden through an open side.
pub fn tea_house(b: &mut Builder<'_>) {
    let room = Room::of(b, 1.9, 2.65);
    let open = hole(1.05, 3.2, 0.12, 2.05);
    let side = hole(room.along(1, 0.8), 4.6, 0.1, 2.05);
    let right = hole(room.along(2, 0.8), 4.6, 0.1, 2.05);
    let holes: [&[Hole]; 4] = [&[open], &[side], &[right], &[]];
    let clay = plaster("#CDBE99");
    room.shell(&mut b.m, &tatami(), &planks("#8A6A4C", 0.35), &clay, holes);
    let timber = wood("#6A4A34");
    room.bands(&mut b.m, &timber, 2.05, 2.16, 0.07, [&[], &[], &[], &[]]);
    room.bands(&mut b.m, &timber, 0.0, 0.08, 0.05, holes);
    for i in 0..7 {
        b.m.block(&timber, p(0.0, room.tall - 0.06, room.back + 0.6 + i as f32 * 1.35), p(room.wide(), 0.1, 0.12), 0.015);
    }
    for (x, z) in [
        (-room.half, room.back),
        (room.half, room.back),
        (-0.62, room.back),
        (2.72, room.back),
        (-room.half, room.front),
        (room.half, room.front),
    ] {
        b.m.stand(&timber, p(x, 0.0, z), p(0.16, room.tall, 0.16), 0.015);
    }
    screens(b, &room, side, right);
    alcove(b, &room, &timber);
    tea_things(b);
    tea_view(b, &room);
    tea_light(b, &room);
}

fn shoji(m: &mut Model, daylight: Rgb, wide: f32, tall: f32) {
    // Light behind the paper shows on it.
    let shine = Material { emission: times(daylight, 0.17), ..paper("#EDE6D2") };
    let frame = wood("#5E4230");
    m.block(&shine, p(0.0, tall * 0.5, 0.0), p(wide, tall, 0.008), 0.0);
    m.block(&planks("#7A5A42", 0.2), p(0.0, 0.16, 0.012), p(wide, 0.32, 0.02), 0.0);
    for i in 0..=4 {
        let x = (i as f32 / 4.0 - 0.5) * (wide - 0.03);
        let w = if i == 0 || i == 4 { 0.045 } else { 0.016 };
        m.block(&frame, p(x, tall * 0.5, 0.016), p(w, tall, 0.03), 0.0);
    }
    for i in 0..=6 {
        let y = 0.33 + (tall - 0.35) * i as f32 / 6.0;
        let h = if i == 0 || i == 6 { 0.04 } else { 0.016 };
        m.block(&frame, p(0.0, y, 0.016), p(wide, h, 0.03), 0.0);
    }
    m.block(&frame, p(0.0, 0.02, 0.016), p(wide, 0.04, 0.03), 0.0);
}

fn screens(b: &mut Builder<'_>, room: &Room, side: Hole, right: Hole) {
    let (day, sunny) = (b.air.daylight, sunny_side(b));
    for (which, h, s) in [(1, side, -1.0), (2, right, 1.0)] {
        // The sun is on the paper of one side; on that side screens are pushed apart.
        let open = s == sunny;
        let share = match (b.brief.dark(), open) {
            (true, _) => 1.0,
            (_, true) => 1.25,
            _ => 0.45,
        };
        let day = times(day, share);
        b.m.within(room.side(which), |m| {
            let n = 5;
            let w = (h.x1 - h.x0) / n as f32;
            for i in 0..n {
                let slide = match (open, i) {
                    (true, 2) => -w * 0.9,
                    (true, 3) => w * 0.9,
                    _ => 0.0,
                };
                m.within(at(h.x0 + w * (i as f32 + 0.5) + slide, h.y0, -0.02 - 0.05 * (i % 2) as f32), |m| {
                    shoji(m, day, w * 1.02, h.y1 - h.y0)
                });
            }
        });
    }
    // Sliding doors pushed to both sides of the open view, and painted ones behind the camera.
    b.m.within(room.side(0), |m| {
        m.within(at(-0.32, 0.12, 0.04), |m| shoji(m, day, 0.72, 1.93));
        m.within(at(2.75, 0.12, 0.04), |m| shoji(m, day, 0.66, 1.93));
    });
    b.m.within(room.side(3), |m| {
        for i in 0..6 {
            let x = (i as f32 - 2.5) * 1.1;
            m.block(&paint("#D9C89A"), p(x, 1.05, 0.02), p(1.06, 2.0, 0.03), 0.008);
            m.block(&wood("#3E2A20"), p(x + 0.53, 1.05, 0.03), p(0.04, 2.0, 0.05), 0.0);
            for k in 0..3 {
                let y = 0.5 + 0.34 * ((k * 7 + i * 3) % 4) as f32;
                m.ball(
                    &paint(["#6E8A6A", "#8FA6A0", "#B98B6A"][k % 3]),
                    p(x - 0.3 + 0.28 * k as f32, y, 0.036),
                    p(0.24, 0.14 + 0.04 * (i % 3) as f32, 0.006),
                    12,
                );
            }
        }
    });
}

fn alcove(b: &mut Builder<'_>, room: &Room, timber: &Material) {
    let mut dice = b.dice.fork(4);
    let z = room.back;
    let m = &mut b.m;
    m.within(at(-2.15, 0.0, z), |m| {
        m.stand(&lacquer("#3A2A22"), p(0.0, 0.0, 0.42), p(2.3, 0.14, 0.84), 0.015);
        m.block(&plaster("#A58F62"), p(0.0, 1.3, 0.012), p(2.3, 2.4, 0.02), 0.0);
        m.block(timber, p(0.0, 2.18, 0.8), p(2.4, 0.14, 0.1), 0.015);
        m.tube(&bark("#7A5236"), &[p(1.16, 0.0, 0.8), p(1.14, 1.2, 0.82), p(1.18, 2.6, 0.8)], |_| 0.075, 9);
        scroll(m);
        pot(m, &lacquer("#3F5A62"), p(0.62, 0.14, 0.45), 0.12, 0.05, 0.3);
        m.tube(&bark("#4E3B34"), &[p(0.62, 0.4, 0.45), p(0.5, 0.7, 0.5), p(0.3, 0.95, 0.52)], |t| 0.012 * (1.2 - t), 5);
        m.leaf_cloud(&petal("#F0BCC8"), p(0.36, 0.86, 0.52), p(0.22, 0.14, 0.12), 44, 0.05, &mut dice);
        m.leaf_cloud(&petal("#F0BCC8"), p(0.56, 0.62, 0.5), p(0.12, 0.1, 0.1), 24, 0.05, &mut dice);
    });
}

/// A hanging scroll with ink hills and a red sun, in the alcove.
fn scroll(m: &mut Model) {
    m.block(&cloth("#8C8A6A"), p(-0.25, 1.4, 0.03), p(0.66, 1.5, 0.012), 0.0);
    m.block(&paper("#ECE4CE"), p(-0.25, 1.4, 0.038), p(0.5, 1.12, 0.008), 0.0);
    m.ball(&paint("#B03A2C"), p(-0.14, 1.72, 0.044), p(0.07, 0.07, 0.003), 14);
    for (x, y, w, h, hex) in
        [(-0.32, 1.15, 0.15, 0.2, "#4A4F55"), (-0.14, 1.05, 0.11, 0.13, "#6E747A"), (-0.38, 1.0, 0.09, 0.1, "#2F343A")]
    {
        m.slab(
            &paint(hex),
            &[(x - w, y - h * 0.5), (x + w, y - h * 0.5), (x + w * 0.2, y + h), (x - w * 0.3, y + h * 0.7)],
            0.043,
            0.046,
        );
    }
    for y in [0.65, 2.15] {
        m.bar(&lacquer("#2B2320"), p(-0.62, y, 0.04), p(0.12, y, 0.04), 0.022);
    }
}

fn tea_things(b: &mut Builder<'_>) {
    let m = &mut b.m;
    m.within(at(0.0, 0.0, -0.5), |m| {
        // The low table between the two seats, and the tea on it.
        m.block(&lacquer("#4A2E22"), p(0.0, 0.3, 0.0), p(0.9, 0.045, 0.62), 0.015);
        for (x, z) in [(-0.4, -0.26), (0.4, -0.26), (-0.4, 0.26), (0.4, 0.26)] {
            m.stand(&lacquer("#4A2E22"), p(x, 0.0, z), p(0.06, 0.29, 0.06), 0.01);
        }
        cup(m, &lacquer("#8A5A3E"), p(-0.26, 0.32, 0.06), 0.055, 0.065);
        cup(m, &lacquer("#5A6E62"), p(0.26, 0.32, -0.02), 0.055, 0.065);
        pot(m, &iron(), p(0.02, 0.32, -0.1), 0.09, 0.05, 0.13);
        m.tube(&iron(), &[p(0.1, 0.37, -0.1), p(0.16, 0.4, -0.1), p(0.18, 0.44, -0.1)], |_| 0.014, 6);
        m.tube(&wood("#8A7A4A"), &[p(-0.05, 0.43, -0.1), p(0.02, 0.52, -0.1), p(0.09, 0.43, -0.1)], |_| 0.008, 5);
        m.lathe(&lacquer("#2B2320"), &[(0.1, 0.325), (0.11, 0.335), (0.0, 0.33)], 14);
    });
    for (x, hex) in [(-0.95, "#4A5A86"), (0.95, "#A8524A")] {
        m.within(at(x, 0.0, -0.5), |m| m.block(&cloth(hex), p(0.0, 0.022, 0.0), p(0.6, 0.04, 0.6), 0.016));
    }
    // The hearth with its kettle, near the alcove.
    m.within(at(-2.75, 0.0, 0.9), |m| {
        m.block(&lacquer("#2B2320"), p(0.0, 0.02, 0.0), p(0.56, 0.05, 0.56), 0.01);
        pot(m, &iron(), p(0.0, 0.1, 0.0), 0.15, 0.07, 0.2);
    });
    for (x, z, h) in [(2.9, -1.5, 0.5), (2.9, 3.4, 0.62), (-2.95, 3.9, 0.8)] {
        m.within(at(x, 0.0, z), |m| cupboard(m, &wood("#5E3E2A"), &iron(), p(0.9, h, 0.42)));
        m.within(at(x, h, z), |m| pot(m, &lacquer("#5B7F86"), Vec3::ZERO, 0.1, 0.05, 0.22));
    }
    let seed = b.dice.seed();
    b.mover(Mover::Smoke {
        foot: p(0.18, 0.46, -0.6),
        rise: 0.5,
        puff: 0.025,
        wind: p(0.01, 0.0, 0.0),
        color: [0.6, 0.6, 0.6],
        seed,
    });
}

/// The garden seen through the open side, and beyond the screens.
fn tea_view(b: &mut Builder<'_>, room: &Room) {
    let mut dice = b.dice.fork(5);
    let snow = b.brief.weather == Weather::Snow;
    let z = room.back;
    b.m.quad(
        &grass(if snow { "#D5DADC" } else { "#6C8A44" }),
        [p(-40.0, -0.14, 40.0), p(40.0, -0.14, 40.0), p(40.0, -0.14, -40.0), p(-40.0, -0.14, -40.0)],
    );
    b.m.block(&planks("#7A5A42", 0.16), p(0.0, -0.03, z - 0.7), p(room.wide() + 2.0, 0.1, 1.1), 0.01);
    let cherry = cherries(&mut dice, snow);
    for (i, (x, dz, s)) in [(-0.4, -4.4, 0.85), (3.8, -5.2, 1.0), (-4.0, -6.4, 1.1), (1.6, -8.4, 1.1)].into_iter().enumerate() {
        b.m.stamp(&cherry[i % 3], at_turned(x, -0.14, z + dz, i as f32 * 63.0) * crate::kit::scaled(s), [1.0; 3]);
    }
    for _ in 0..18 {
        let (x, dz, r) = (dice.range(-5.0, 6.0), -2.4 - dice.range(0.0, 6.0), dice.range(0.25, 0.6));
        b.m.leaf_cloud(&leaf("#5C7A42"), p(x, r * 0.5 - 0.14, z + dz), p(r, r * 0.7, r), 90, 0.1, &mut dice);
    }
    // Through the pushed-apart screens: a tree, clear of the sun's way in, and shrubs.
    let sunny = sunny_side(b);
    b.m.stamp(&cherry[1], at_turned(sunny * 8.2, -0.14, -4.9, 40.0), [1.0; 3]);
    for _ in 0..12 {
        let (x, z, r) = (sunny * dice.range(5.6, 9.5), dice.range(-8.0, -1.6), dice.range(0.25, 0.55));
        b.m.leaf_cloud(&leaf("#5C7A42"), p(x, r * 0.5 - 0.14, z), p(r, r * 0.7, r), 80, 0.1, &mut dice);
    }
    b.m.within(at(0.8, -0.14, z - 11.0), |m| garden_wall(m, &plaster("#D9CFB8"), &roof_tile("#454B54"), 26.0, 1.7));
    stone_lantern(b, p(1.9, -0.14, z - 3.0), 1.5, if b.brief.dark() { 4.0 } else { 0.8 });
    b.m.hills(&leaf("#6F8A62"), 50.0, 7.0, 3.0, 17);
    falling(
        b,
        Air3 { low: p(-3.0, -0.1, z - 6.0), high: p(5.0, 3.2, z - 1.6) },
        46,
        0.045,
        0.4,
        p(0.2, 0.0, 0.05),
        petal("#F1BFCB"),
    );
}

/// Which side the sun is on: −1 for −X.
fn sunny_side(b: &Builder<'_>) -> f32 {
    if b.air.sun_from.x < 0.0 { -1.0 } else { 1.0 }
}

fn tea_light(b: &mut Builder<'_>, room: &Room) {
    let dark = b.brief.dark();
    let day = b.air.daylight;
    let k = if dark { 0.8 } else { 2.6 };
    // By day the light comes from the sun's side; the other screens only answer it.
    let sunny = sunny_side(b);
    for s in [-1.0, 1.0] {
        let share = match (dark, s == sunny) {
            (true, _) => 1.0,
            (_, true) => 1.7,
            _ => 0.35,
        };
        b.panel(p(s * (room.half - 0.15), 1.1, 0.8), p(-s, 0.1, 0.0), (2.2, 0.95), times(day, k * share));
    }
    b.panel(p(1.05, 1.15, room.back + 0.1), Vec3::Z, (1.5, 0.9), times(day, k * if dark { 0.7 } else { 0.4 }));
    room.bounce(b, 0.6);
    if let (false, Some(sun)) = (dark, b.air.sun) {
        // Through the gap where screens are pushed aside it lies on the mats.
        b.air.sun = Some(scaled_light(sun, 1.8));
    }
    let warm = times(kelvin(2300.0), if dark { 2.6 } else { 0.7 });
    for (x, z) in [(-2.9, -1.0), (2.75, 1.0)] {
        b.m.within(at(x, 0.0, z), |m| {
            m.stand(&glow(times(warm, if dark { 0.6 } else { 0.9 })), p(0.0, 0.1, 0.0), p(0.26, 0.6, 0.26), 0.0);
            for (px, pz) in [(-0.14, -0.14), (0.14, -0.14), (-0.14, 0.14), (0.14, 0.14)] {
                m.stand(&wood("#3E2A20"), p(px, 0.0, pz), p(0.03, 0.76, 0.03), 0.0);
            }
            m.block(&wood("#3E2A20"), p(0.0, 0.76, 0.0), p(0.34, 0.03, 0.34), 0.0);
        });
        b.bulb(p(x, 0.55, z), 0.2, warm, Flicker::Oil);
    }
    b.key_from(if dark { p(-2.6, 1.9, 1.6) } else { p(2.9 * sunny, 2.1, 1.8) });
    motes(b, p(-2.0, 0.4, -1.6), p(2.6, 2.2, 2.0), 24, if dark { 0.4 } else { 1.0 });
}

/// The court of a shrine: a gate across the path, a hall with a curved roof, lanterns, cedars.
pub fn shrine(b: &mut Builder<'_>) {
    let mut dice = b.dice.fork(6);
    let red = lacquer("#B03A2C");
    if b.brief.region() == Region::Japanese {
        b.m.within(at(0.0, 0.0, -5.6), |m| {
            for s in [-1.0, 1.0] {
                m.within(at(s * 2.7, 0.0, 0.0) * crate::kit::roll(s * 2.0), |m| {
                    m.lathe(&red, &[(0.3, 0.0), (0.26, 0.3), (0.22, 4.6)], 14)
                });
            }
            m.block(&red, p(0.0, 3.7, 0.0), p(6.4, 0.3, 0.24), 0.04);
            m.sheet(&paint("#2E2B2B"), 16, 1, |u, v| p((u - 0.5) * 8.2, 4.62 + 0.3 * (u * 2.0 - 1.0).powi(2) + 0.34 * v, 0.2));
            m.sheet(&red, 16, 4, |u, v| {
                p((u - 0.5) * 8.0, 4.4 + 0.3 * (u * 2.0 - 1.0).powi(2) + 0.3 * (v * std::f32::consts::PI).sin(), 0.24 - 0.48 * v)
            });
            m.block(&paint("#2E2B2B"), p(0.0, 4.1, 0.05), p(0.6, 0.7, 0.12), 0.02);
        });
    }
    b.m.within(at(0.0, 0.0, -14.5), |m| {
        let timber = if b.brief.region() == Region::Japanese { wood("#6A4634") } else { red };
        m.stand(&stone("#8F8C82"), Vec3::ZERO, p(13.0, 0.9, 8.0), 0.05);
        m.within(at(0.0, 0.0, 5.6), |m| m.stairs(&stone("#8F8C82"), 4.0, 5, 0.18, 0.32));
        m.stand(&plaster("#D8CBAC"), p(0.0, 0.9, -0.6), p(10.0, 3.2, 5.0), 0.0);
        for i in 0..6 {
            m.within(at(-5.0 + 2.0 * i as f32, 0.9, 3.0), |m| m.lathe(&timber, &[(0.26, 0.0), (0.2, 0.15), (0.19, 3.1)], 12));
            m.block(
                &glow(if b.brief.dark() { [1.2, 0.6, 0.2] } else { [0.16, 0.1, 0.05] }),
                p(-4.0 + 2.0 * (i.min(4)) as f32, 2.2, 1.93),
                p(1.5, 2.2, 0.04),
                0.0,
            );
        }
        m.block(&timber, p(0.0, 4.05, 3.0), p(11.0, 0.3, 0.3), 0.04);
        m.within(at(0.0, 4.2, 0.0), |m| curved_roof(m, &roof_tile("#454B54"), &timber, 13.0, 8.6, 3.4));
    });
    for i in 0..6 {
        let s = if i % 2 == 0 { -1.0 } else { 1.0 };
        stone_lantern(b, p(s * 3.9, 0.0, -2.6 - 3.0 * (i / 2) as f32), 1.9, if b.brief.dark() { 3.5 } else { 0.8 });
    }
    for (i, x) in [-3.0, -1.0, 1.0, 3.0].into_iter().enumerate() {
        lantern(b, p(x, 4.2, -9.9), 0.3, [1.6, 0.5, 0.22], if i == 1 || i == 2 { 3.0 } else { 0.0 });
    }
    let cedar: Vec<Geometry> =
        (0..2).map(|i| Model::of(|m| conifer(m, "#5A4334", "#3F5E42", 11.0, &mut Dice::new(60 + i)))).collect();
    surround(b, &cedar, 70, 5.0, 26.0, (0.7, 1.3), 0.14);
    let cherry = cherries(&mut dice, b.brief.weather == Weather::Snow);
    for (x, z) in [(-6.6, -3.4), (6.8, -4.2), (-7.4, 6.0)] {
        b.m.stamp(&cherry[0], at_turned(x, 0.0, z, x * 30.0), [1.0; 3]);
    }
    b.m.hills(&leaf("#6F8A72"), 70.0, 16.0, 3.0, 29);
    falling(b, Air3 { low: p(-6.0, 0.0, -8.0), high: p(6.0, 4.6, 4.0) }, 60, 0.045, 0.4, p(0.2, 0.0, 0.05), petal("#F1BFCB"));
}

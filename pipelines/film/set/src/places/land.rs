//! Open land: field, forest, beach, mountain, desert, and the gardens of the west and south.

use super::town::land_trees;
use crate::dressing::*;
use crate::kit::{Field, Model, at, at_turned, noise2, p, scaled, scatter};
use crate::life::{Air3, Mover, boat};
use crate::light::{kelvin, times};
use crate::set::{Builder, Flicker};
use crate::stuff::*;
use glam::Vec3;
use klieg_film_words::shot::Posture;
use klieg_film_words::story::{Region, TimeOfDay, Verb, Weather};
use klieg_kernels::scene::Geometry;

/// A camp fire off to one side: the practical of open country. At day only its embers.
fn camp_fire(b: &mut Builder<'_>, x: f32, z: f32) {
    let rock = stone("#7E786C");
    let mut dice = b.dice.fork(401);
    for k in 0..9 {
        let a = k as f32 * 0.7;
        b.m.within(at(x + a.cos() * 0.5, 0.0, z + a.sin() * 0.5), |m| m.rock(&rock, p(0.24, 0.2, 0.22), &mut dice));
    }
    if b.brief.dark() || b.brief.time == TimeOfDay::Dusk {
        fire(b, p(x, 0.02, z), 0.3, 9.0);
        b.air.rig.key = times(kelvin(2000.0), 1.4);
        b.key_from(p(x * 0.6, 1.9, 2.0));
    } else {
        b.m.ball(&glow([0.5, 0.12, 0.02]), p(x, 0.05, z), p(0.3, 0.06, 0.3), 10);
        b.bulb(p(x, 0.3, z), 0.15, times(kelvin(1800.0), 0.5), Flicker::Fire);
        let seed = b.dice.seed();
        b.mover(Mover::Smoke {
            foot: p(x, 0.1, z),
            rise: 2.4,
            puff: 0.16,
            wind: p(0.14, 0.0, 0.02),
            color: [0.56, 0.55, 0.54],
            seed,
        });
    }
}

fn far_hills(b: &mut Builder<'_>, near: &str, far: &str, height: f32) {
    let seed = b.dice.seed();
    b.m.hills(&leaf(near), 60.0, height, 4.5, seed);
    b.m.hills(&paint(far), 110.0, height * 2.4, 3.0, seed ^ 3);
}

pub fn field(b: &mut Builder<'_>) {
    let st = style(b.brief);
    let mut dice = b.dice.fork(2);
    let seed = dice.seed();
    let rice = matches!(b.brief.region(), Region::SouthIndian | Region::Japanese | Region::Chinese | Region::Korean);
    let stalk = if rice { "#9AA845" } else { "#D8AE4E" };
    b.m.ground(&soil(if rice { "#7A7A48" } else { "#B08D55" }), 95.0, 0.8, 20.0, seed);
    let path = |x: f32, z: f32| (x - 0.6 * (z * 0.3).sin()).abs() < 1.0;
    let wheat: Vec<Geometry> = (0..3)
        .map(|i| {
            let mut d = dice.fork(i);
            Model::of(|m| sheaf_patch(m, stalk, rice, &mut d))
        })
        .collect();
    let free = needed(b.brief, 1.0);
    let parked = |x: f32, z: f32| (x - 3.4).abs() < 2.4 && (z + 4.6).abs() < 2.6;
    let keep = |x: f32, z: f32| free(x, z) || (path(x, z) && z < 0.0) || parked(x, z);
    let near = Field { x: (-14.0, 14.0), z: (-17.0, 15.0), keep_out: &keep };
    scatter(&mut b.m, &wheat, 620, &near, (0.8, 1.15), 0.12, &mut dice);
    // Far crops as rows of low ridges.
    let far = Model::of(|m| {
        m.sheet(&thatch(if rice { "#8A9A45" } else { "#CDA24A" }), 10, 4, |u, v| {
            p(
                (u - 0.5) * 9.0,
                0.75 * (v * std::f32::consts::PI).sin().max(0.0).powf(0.5) + 0.05 * (u * 31.0).sin(),
                (v - 0.5) * 1.8,
            )
        })
    });
    for i in 0..64 {
        let (x, z) = (
            -34.0 + 9.0 * (i % 8) as f32 + dice.off(0.6),
            if i < 40 { -19.0 - 2.3 * (i / 8) as f32 } else { 17.0 + 2.3 * ((i - 40) / 8) as f32 },
        );
        let tint = dice.shade(0.1);
        b.m.stamp(&far, at(x, 0.0, z), tint);
    }
    for (x, z) in [(-5.9, -2.6), (-4.4, -4.2), (6.4, -3.0), (6.8, -6.2), (-6.4, 3.2), (1.9, -8.6), (6.0, 5.0)] {
        b.m.within(at(x, 0.0, z), |m| haystack(m, stalk, &mut dice));
    }
    if b.brief.old_days() || matches!(b.brief.region(), Region::African | Region::SouthIndian) {
        b.m.within(at_turned(3.6, 0.0, -5.4, -55.0), |m| bullock_cart(m, &thatch("#CDA24A")));
    } else {
        b.m.within(at_turned(3.5, 0.0, -4.6, -42.0), |m| tractor(m, "#B5382A"));
    }
    let kinds = land_trees(b);
    surround(b, &kinds, 26, 16.0, 44.0, (0.9, 1.5), 0.14);
    let lit = b.brief.dark().then_some([1.5, 0.9, 0.36]);
    for (x, z, turn) in [(-13.0, -22.0, 20.0), (-7.5, -24.0, 5.0), (15.0, -25.0, -20.0)] {
        b.m.within(at_turned(x, 0.0, z, turn), |m| house(m, &st, p(5.0, 2.7, 4.0), lit, &mut dice));
    }
    for i in 0..9 {
        let x = -5.4 + 0.3 * (i % 2) as f32;
        b.m.within(at(x - 0.2 * i as f32, 0.0, -1.2 + 1.4 * i as f32), |m| m.tuft(&leaf("#7C8F4A"), 0.5, 18, 0.2, &mut dice));
    }
    far_hills(b, "#8A9A68", "#93A5A8", 5.0);
    camp_fire(b, -4.9, -3.4);
    open_air(b);
    falling(b, Air3 { low: p(-6.0, 0.2, -8.0), high: p(6.0, 3.0, 4.0) }, 40, 0.02, 0.25, p(0.5, 0.0, 0.0), petal("#E3C36A"));
    for (i, (x, z, turn)) in
        [(-4.0, -6.0, 40.0), (4.0, -5.4, -60.0), (-6.4, -8.0, 100.0), (1.4, -9.8, 170.0), (-7.0, 4.6, 60.0), (7.0, -3.4, -90.0)]
            .into_iter()
            .enumerate()
    {
        b.figure(x, z, turn, Posture::Standing, if i % 2 == 0 { Verb::Work } else { Verb::Walk });
    }
}

/// A square of standing crop, 1 m across.
fn sheaf_patch(m: &mut Model, hex: &str, rice: bool, dice: &mut crate::kit::Dice) {
    let (stem, ear) = (leaf(hex), leaf(if rice { "#C9B24A" } else { "#E3BC62" }));
    m.tuft(&stem, 0.95, 46, 0.5, dice);
    for _ in 0..22 {
        let q = p(dice.off(0.5), dice.range(0.78, 1.02), dice.off(0.5));
        let tip = q + p(dice.off(0.08), 0.16, dice.off(0.08));
        m.tube(&ear, &[q, q.lerp(tip, 0.5), tip], |t| 0.018 * (1.0 - (t - 0.5).abs() * 1.4), 3);
    }
}

fn haystack(m: &mut Model, hex: &str, dice: &mut crate::kit::Dice) {
    let s = dice.range(0.8, 1.25);
    m.within(scaled(s), |m| {
        m.lathe(&thatch(hex), &[(0.8, 0.0), (0.95, 0.4), (0.85, 0.9), (0.5, 1.4), (0.2, 1.75), (0.0, 1.85)], 16);
        m.leaf_cloud(&leaf(hex), p(0.0, 0.7, 0.0), p(0.9, 0.8, 0.9), 120, 0.26, dice);
    });
}

pub fn forest(b: &mut Builder<'_>) {
    let mut dice = b.dice.fork(2);
    let seed = dice.seed();
    let st = style(b.brief);
    let snow = b.brief.weather == Weather::Snow;
    b.m.ground(&if snow { paint("#DDE3E8") } else { grass("#5E6B3C") }, 70.0, 1.6, 11.0, seed);
    let fantasy = matches!(b.brief.region(), Region::Fantasy);
    let green = if snow { "#C9D3D6" } else { st.leaf };
    let big: Vec<Geometry> = (0..3)
        .map(|i| {
            let mut d = dice.fork(10 + i);
            Model::of(|m| {
                let tips = m.trunk(&bark("#5A4632"), 9.0, 0.34, 5, 3.0, &mut d);
                for k in 0..6 {
                    let a = k as f32 * 1.05;
                    m.tube(
                        &bark("#5A4632"),
                        &[p(0.0, 0.5, 0.0), p(a.cos() * 0.6, 0.12, a.sin() * 0.6), p(a.cos() * 1.2, -0.1, a.sin() * 1.2)],
                        |t| 0.16 * (1.1 - t),
                        6,
                    );
                }
                for tip in tips {
                    m.leaf_cloud(&leaf(green), tip, p(1.9, 1.0, 1.9), 120, 0.3, &mut d);
                }
            })
        })
        .collect();
    let keep_big = needed(b.brief, 2.2);
    let ring = Field { x: (-15.0, 15.0), z: (-20.0, 19.0), keep_out: &keep_big };
    scatter(&mut b.m, &big, 62, &ring, (0.8, 1.35), 0.14, &mut dice);
    let pine: Vec<Geometry> = (0..2)
        .map(|i| {
            Model::of(|m| conifer(m, "#5A4334", if snow { "#A9B9B6" } else { "#3F5E42" }, 9.0, &mut crate::kit::Dice::new(90 + i)))
        })
        .collect();
    surround(b, &pine, 70, 6.0, 34.0, (0.7, 1.4), 0.16);
    let fern = Model::of(|m| {
        (0..9).for_each(|i| m.frond(&leaf(if snow { "#9FAE9A" } else { "#6C8F3E" }), p(0.0, 0.05, 0.0), i as f32 * 0.7, 0.75, 0.9))
    });
    let bush =
        Model::of(|m| m.leaf_cloud(&leaf(green), p(0.0, 0.3, 0.0), p(0.6, 0.4, 0.6), 150, 0.14, &mut crate::kit::Dice::new(6)));
    let rock = Model::of(|m| m.rock(&stone("#7E8074"), p(0.9, 0.7, 0.8), &mut crate::kit::Dice::new(7)));
    surround(b, &[fern, bush, rock], 170, 1.1, 13.0, (0.6, 1.3), 0.16);
    // A fallen trunk with mushrooms, the foreground of wide shots.
    b.m.within(at_turned(-5.9, 0.25, -0.6, 68.0), |m| {
        m.tube(&bark("#6B543C"), &[p(0.0, 0.0, -2.2), p(0.1, 0.1, 0.0), p(0.0, 0.0, 2.2)], |_| 0.3, 12);
        for i in 0..9 {
            let z = -1.8 + 0.42 * i as f32;
            m.within(at(0.12 * (i % 2) as f32, 0.3, z), |m| {
                m.lathe(&wax("#E3D6B8"), &[(0.03, 0.0), (0.025, 0.1)], 8);
                m.lathe(&wax(if fantasy { "#7FB9D9" } else { "#B5543A" }), &[(0.1, 0.08), (0.08, 0.13), (0.0, 0.16)], 10);
            });
        }
    });
    b.air.look.exposure_ev += 0.45;
    b.air.fog.density = b.air.fog.density.clamp(0.014, 0.024);
    let haze = times(b.air.sky.horizon, 0.55);
    b.air.fog.color = [haze[0] * 0.72, haze[1] * 0.95, haze[2] * 0.86];
    b.air.sky.fill *= 2.2;
    let beam = times(b.air.daylight, if b.brief.dark() { 8.0 } else { 30.0 });
    for (x, z) in [(-2.5, -6.0), (3.2, -4.2), (0.4, -10.0)] {
        b.spotlight(p(x + 3.0, 9.0, z - 2.0), p(x, 0.0, z), 6.0, 12.0, times(beam, 2.5));
    }
    if b.brief.dark() {
        camp_fire(b, 4.6, -2.9);
    } else {
        oil_light(b, p(-5.5, 0.6, -3.0), 0.3);
    }
    motes(b, p(-6.0, 0.3, -8.0), p(6.0, 3.4, 4.0), 60, if fantasy || b.brief.dark() { 2.4 } else { 1.0 });
    falling(
        b,
        Air3 { low: p(-6.0, 0.0, -8.0), high: p(6.0, 5.0, 4.0) },
        46,
        0.07,
        0.5,
        p(0.2, 0.0, 0.05),
        leaf(if snow { "#E6EAEE" } else { "#B98A3A" }),
    );
    open_air(b);
    for (x, z, turn) in [(-5.4, -7.0, 40.0), (5.0, -9.0, -30.0), (0.6, -12.0, 0.0)] {
        b.figure(x, z, turn, Posture::Standing, Verb::Walk);
    }
}

pub fn beach(b: &mut Builder<'_>) {
    let mut dice = b.dice.fork(2);
    let seed = dice.seed();
    b.m.sheet(&sand("#D9BE8E"), 70, 70, |u, v| {
        let (x, z) = ((u - 0.5) * 140.0, (v - 0.5) * 140.0);
        let dune = ((z - 10.0) / 12.0).clamp(0.0, 1.0) * 1.6 * (1.0 + noise2(seed, x * 0.15, z * 0.15));
        let shore = ((-z - 3.5) / 8.0).clamp(0.0, 1.0);
        p(x, dune - shore * 0.9 + 0.04 * noise2(seed, x, z) * ((x.abs() - 5.0) / 4.0).clamp(0.0, 1.0) - 0.01, z)
    });
    let tone = b.air.sky.horizon;
    let sea = klieg_kernels::scene::Material {
        base: [0.04 + tone[0] * 0.03, 0.10 + tone[1] * 0.08, 0.13 + tone[2] * 0.09],
        ..water("#2F6F7C")
    };
    b.mover(Mover::Water { centre: p(0.0, -0.3, -40.0), half: (70.0, 33.5), wave: 0.14, material: sea });
    for i in 0..3 {
        let seed = dice.seed();
        let z = -7.0 - 2.6 * i as f32;
        b.mover(Mover::Flutter {
            a: p(-30.0, -0.14 - 0.05 * i as f32, z),
            b: p(30.0, -0.14 - 0.05 * i as f32, z + 0.6),
            tall: 0.09,
            reach: 0.9,
            material: paint("#E6ECEC"),
            seed,
        });
    }
    b.m.quad(
        &water("#2F6F7C"),
        [p(-300.0, -0.75, -70.0), p(300.0, -0.75, -70.0), p(300.0, -0.75, -600.0), p(-300.0, -0.75, -600.0)],
    );
    let palms: Vec<Geometry> = (0..3)
        .map(|i| {
            let mut d = dice.fork(i);
            Model::of(|m| m.palm(&bark("#8A7358"), &leaf("#6C8A40"), 6.0, &mut d))
        })
        .collect();
    for (i, (x, z)) in
        [(-6.6, -1.6), (-7.8, 2.0), (6.9, 1.0), (8.6, 5.0), (-9.8, 6.0), (5.0, 13.0), (-3.0, 14.0), (10.5, 11.0), (-12.0, 12.0)]
            .into_iter()
            .enumerate()
    {
        b.m.stamp(&palms[i % 3], at_turned(x, 0.0, z, i as f32 * 70.0), [1.0; 3]);
    }
    let rock = Model::of(|m| m.rock(&stone("#8C8272"), p(1.0, 0.7, 0.9), &mut crate::kit::Dice::new(7)));
    let shell = Model::of(|m| m.ball(&lacquer("#EADAC8"), p(0.0, 0.03, 0.0), p(0.06, 0.04, 0.05), 8));
    let grass_tuft = Model::of(|m| m.tuft(&leaf("#A9A860"), 0.5, 20, 0.2, &mut crate::kit::Dice::new(8)));
    surround(b, &[rock, shell, grass_tuft], 90, 0.6, 15.0, (0.5, 1.3), 0.14);
    b.m.within(at_turned(5.9, 0.1, -3.4, 35.0), |m| m.stamp(&boat("#3F7A8A", "#E6DCC2"), crate::kit::roll(8.0), [1.0; 3]));
    b.m.within(at_turned(-11.0, -0.4, -26.0, 80.0), |m| m.stamp(&boat("#A8432E", "#EFE6D0"), at(0.0, 0.0, 0.0), [1.0; 3]));
    b.m.within(at_turned(14.0, -0.4, -42.0, 100.0), |m| m.stamp(&boat("#5E4632", "#D9A24A"), scaled(1.4), [1.0; 3]));
    b.m.within(at(-40.0, -1.0, -95.0), |m| m.lathe(&paint("#7F93A0"), &[(34.0, 0.0), (18.0, 7.0), (6.0, 12.0), (0.0, 13.0)], 24));
    camp_fire(b, -4.9, -2.6);
    open_air(b);
    for (x, z, turn) in [(-5.0, -5.4, 160.0), (4.2, -6.0, 200.0), (-8.0, -3.8, 90.0)] {
        b.figure(x, z, turn, Posture::Standing, Verb::Walk);
    }
}

pub fn mountain(b: &mut Builder<'_>) {
    let mut dice = b.dice.fork(2);
    let seed = dice.seed();
    let snow = b.brief.weather == Weather::Snow;
    b.m.ground(&if snow { paint("#DDE3E8") } else { grass("#7A8354") }, 60.0, 1.6, 10.0, seed);
    b.m.hills(&stone("#8A8A86"), 48.0, 7.0, 5.0, seed);
    for (x, z, r, h) in [
        (-22.0, -62.0, 40.0, 34.0),
        (24.0, -74.0, 46.0, 42.0),
        (2.0, -100.0, 52.0, 52.0),
        (-70.0, -40.0, 44.0, 34.0),
        (70.0, -30.0, 44.0, 32.0),
        (-40.0, 70.0, 50.0, 34.0),
        (46.0, 76.0, 50.0, 40.0),
    ] {
        let key = dice.seed();
        b.m.within(at(x, -3.0, z), |m| {
            let face = |u: f32, v: f32, lift: f32| {
                let a = u.rem_euclid(1.0) * std::f32::consts::TAU;
                let (s, c) = a.sin_cos();
                let ridge =
                    1.0 + 0.28 * noise2(key, s * 3.0, c * 3.0 + v * 2.0) + 0.12 * noise2(key ^ 5, s * 9.0, c * 9.0 + v * 5.0);
                let radius = r * (1.0 - v).powf(0.85) * ridge;
                p(s * radius, h * v + lift, c * radius)
            };
            m.sheet(&stone("#7F8490"), 40, 10, |u, v| face(u, v, 0.0));
            m.sheet(&paint("#E8ECF0"), 40, 5, |u, v| face(u, 0.55 + 0.45 * v, 0.35));
        });
    }
    let rocks: Vec<Geometry> =
        (0..3).map(|i| Model::of(|m| m.rock(&stone("#86857E"), p(1.4, 1.2, 1.2), &mut crate::kit::Dice::new(20 + i)))).collect();
    surround(b, &rocks, 90, 0.9, 20.0, (0.3, 1.7), 0.14);
    let pine: Vec<Geometry> = (0..2)
        .map(|i| {
            Model::of(|m| conifer(m, "#5A4334", if snow { "#9FB0AE" } else { "#42603F" }, 6.0, &mut crate::kit::Dice::new(90 + i)))
        })
        .collect();
    surround(b, &pine, 80, 3.0, 32.0, (0.7, 1.5), 0.16);
    let flowers = Model::of(|m| {
        m.tuft(&leaf("#7C9450"), 0.24, 14, 0.16, &mut crate::kit::Dice::new(4));
        m.leaf_cloud(&petal("#C9A0D9"), p(0.0, 0.2, 0.0), p(0.2, 0.05, 0.2), 12, 0.05, &mut crate::kit::Dice::new(5));
    });
    surround(b, &[flowers], 150, 0.3, 12.0, (0.7, 1.4), 0.2);
    // A cairn with prayer flags: where people pass.
    b.m.within(at(-5.6, 0.0, -2.4), |m| {
        (0..5).for_each(|i| {
            m.within(at(0.0, 0.36 * i as f32, 0.0), |m| {
                m.rock(&stone("#8C8A82"), Vec3::splat(0.9 - 0.14 * i as f32), &mut crate::kit::Dice::new(30 + i))
            })
        })
    });
    for i in 0..8 {
        let hex = ["#C8342B", "#E3A72F", "#2F6F8C", "#4F8A4A", "#E9DFC8"][i % 5];
        let (a, c) = (
            p(-5.6 + 1.4 * i as f32, 2.0 + 0.2 * i as f32, -2.4 - 0.5 * i as f32),
            p(-4.5 + 1.4 * i as f32, 2.1 + 0.2 * i as f32, -2.8 - 0.5 * i as f32),
        );
        let seed = b.dice.seed();
        b.mover(Mover::Flutter { a, b: c, tall: 0.34, reach: 0.14, material: cloth(hex), seed });
    }
    camp_fire(b, 4.8, -2.9);
    b.air.fog.density = b.air.fog.density.max(0.006);
    open_air(b);
    for (x, z, turn) in [(-5.0, -6.0, 160.0), (5.4, -7.0, 200.0)] {
        b.figure(x, z, turn, Posture::Standing, Verb::Walk);
    }
}

pub fn desert(b: &mut Builder<'_>) {
    let mut dice = b.dice.fork(2);
    let seed = dice.seed();
    b.m.sheet(&sand("#D8AD72"), 90, 90, |u, v| {
        let grow = |t: f32| (t * 2.0 - 1.0) * (0.25 + 0.75 * (t * 2.0 - 1.0).abs().powf(1.6));
        let (x, z) = (grow(u) * 110.0, grow(v) * 110.0);
        let far = ((x.hypot(z) - 10.0) / 30.0).clamp(0.0, 1.0);
        let ridge = 1.0 - (noise2(seed, x * 0.035 + 3.0, z * 0.055)).abs();
        p(x, far * (ridge * ridge * 8.0 - 2.0 + 1.4 * noise2(seed, x * 0.09, z * 0.09)), z)
    });
    b.m.hills(&paint("#B98A62"), 120.0, 14.0, 6.0, seed);
    let rocks: Vec<Geometry> =
        (0..3).map(|i| Model::of(|m| m.rock(&stone("#B5835A"), p(1.3, 0.9, 1.1), &mut crate::kit::Dice::new(40 + i)))).collect();
    surround(b, &rocks, 46, 0.8, 20.0, (0.25, 1.5), 0.14);
    let scrub = Model::of(|m| m.tuft(&leaf("#A39A58"), 0.5, 30, 0.24, &mut crate::kit::Dice::new(9)));
    surround(b, &[scrub], 90, 0.5, 18.0, (0.6, 1.3), 0.2);
    let st = style(b.brief);
    tent(b, at_turned(-6.2, 0.0, -5.6, 38.0), &st);
    tent(b, at_turned(7.4, 0.0, -8.0, -30.0), &st);
    let palms: Vec<Geometry> = (0..3)
        .map(|i| {
            let mut d = dice.fork(i);
            Model::of(|m| m.palm(&bark("#8A6E4C"), &leaf("#7A8C4A"), 5.5, &mut d))
        })
        .collect();
    for (i, (x, z)) in [(6.2, -2.6), (7.2, -3.4), (-8.4, 2.4), (-2.0, -13.0), (9.0, 8.0), (-7.0, 12.0)].into_iter().enumerate() {
        b.m.stamp(&palms[i % 3], at_turned(x, -0.1, z, i as f32 * 80.0), [1.0; 3]);
    }
    for (x, z) in [(-4.8, -2.6), (-4.3, -3.0), (5.0, -2.4)] {
        b.m.within(at(x, 0.0, z), |m| pot(m, &stone("#A8653E"), Vec3::ZERO, 0.26, 0.12, 0.5));
    }
    b.m.within(at_turned(-5.6, 0.0, -3.2, 20.0), |m| rug(m, &st.rug, &st.cloth, 2.0, 1.3));
    camp_fire(b, 4.9, -3.4);
    b.air.fog.density = b.air.fog.density.max(0.006);
    falling(b, Air3 { low: p(-8.0, 0.0, -10.0), high: p(8.0, 1.6, 5.0) }, 80, 0.012, 0.12, p(1.6, 0.0, 0.2), petal("#E0BC86"));
    open_air(b);
    for (x, z, turn) in [(-5.0, -4.6, 30.0), (5.6, -6.4, -30.0), (0.0, -16.0, 60.0)] {
        b.figure(x, z, turn, Posture::Standing, Verb::Walk);
    }
}

fn tent(b: &mut Builder<'_>, place: glam::Affine3A, st: &Style) {
    let canvas = striped("#E3D2AE", "#8E2A2E", 0.8);
    b.m.within(place, |m| {
        for s in [-1.0f32, 1.0] {
            m.sheet(&canvas, 12, 8, |u, v| {
                p(
                    s * 2.6 * v,
                    2.7 - 2.5 * v + 0.25 * (v * std::f32::consts::PI).sin() * (u * std::f32::consts::PI).sin()
                        - 0.3 * (v * std::f32::consts::PI).sin(),
                    (u - 0.5) * 4.4,
                )
            });
        }
        m.quad(&st.cloth, [p(-1.5, 0.0, -1.9), p(1.5, 0.0, -1.9), p(0.0, 2.6, -1.9), p(0.0, 2.6, -1.9)]);
        for z in [-2.2, 2.2] {
            m.bar(&wood("#6B4A2E"), p(0.0, 0.0, z), p(0.0, 2.9, z), 0.05);
            m.bar(&cloth("#B9A27A"), p(0.0, 2.8, z), p(0.0, 0.0, z * 1.8), 0.014);
        }
        m.within(at(0.0, 0.0, 0.0), |m| rug(m, &st.rug, &st.cloth2, 3.0, 3.2));
        for x in [-0.8, 0.8] {
            m.within(at(x, 0.02, -1.0), |m| m.cushion(&st.cloth, p(0.7, 0.26, 0.5)));
        }
    });
    let lamp = place.transform_point3(p(0.0, 2.1, 1.2));
    lantern(b, lamp + p(0.0, 0.2, 0.0), 0.13, [2.0, 1.0, 0.4], if b.brief.dark() { 4.0 } else { 0.4 });
}

/// A flower garden with a gravel walk, hedges, beds, an arbour, a fountain.
pub fn garden(b: &mut Builder<'_>) {
    let st = style(b.brief);
    let mut dice = b.dice.fork(2);
    let seed = dice.seed();
    b.m.ground(&grass("#6E8A48"), 80.0, 1.0, 16.0, seed);
    b.m.block(&sand("#CDBB95"), p(0.0, -0.05, -4.0), p(2.6, 0.11, 30.0), 0.0);
    let hedge = Model::of(|m| {
        for i in 0..5 {
            m.leaf_cloud(
                &leaf("#4F7238"),
                p(-1.2 + 0.6 * i as f32, 0.55, 0.0),
                p(0.5, 0.55, 0.4),
                120,
                0.12,
                &mut crate::kit::Dice::new(50 + i),
            );
        }
    });
    for (x, z, turn) in [
        (-6.2, -2.0, 90.0),
        (-6.2, 1.2, 90.0),
        (-6.2, 4.4, 90.0),
        (6.2, -2.0, 90.0),
        (6.2, 1.2, 90.0),
        (6.2, 4.4, 90.0),
        (-4.6, -7.4, 0.0),
        (4.6, -7.4, 0.0),
        (-8.0, -7.4, 0.0),
        (8.0, -7.4, 0.0),
        (-4.0, 11.6, 0.0),
        (0.0, 11.8, 0.0),
        (4.0, 11.6, 0.0),
    ] {
        let tint = dice.shade(0.1);
        b.m.stamp(&hedge, at_turned(x, 0.0, z, turn), tint);
    }
    for (i, hex) in ["#D9546A", "#F0C24A", "#E8E2D6", "#9A6AC0", "#E8823A", "#E0708E"].into_iter().enumerate() {
        let bed = Model::of(|m| {
            m.leaf_cloud(
                &leaf("#5E8A3E"),
                p(0.0, 0.16, 0.0),
                p(1.1, 0.2, 0.5),
                130,
                0.12,
                &mut crate::kit::Dice::new(60 + i as u64),
            );
            m.leaf_cloud(&petal(hex), p(0.0, 0.3, 0.0), p(1.1, 0.16, 0.5), 150, 0.075, &mut crate::kit::Dice::new(70 + i as u64));
        });
        for k in 0..4 {
            let side = if k % 2 == 0 { -1.0 } else { 1.0 };
            let (x, z) = (
                side * (2.6 + 1.3 * (i % 3) as f32),
                if k < 2 { -2.4 - 1.5 * (i / 2) as f32 - 0.8 } else { 10.0 + i as f32 * 0.3 },
            );
            b.m.stamp(&bed, at_turned(x, 0.0, z, dice.range(-30.0, 30.0)), [1.0; 3]);
        }
    }
    for (i, hex) in ["#E0708E", "#F0C24A", "#E8E2D6", "#C8546A"].into_iter().enumerate() {
        let side = if i % 2 == 0 { -1.0 } else { 1.0 };
        b.m.within(at_turned(side * (3.4 + 0.9 * (i / 2) as f32), 0.0, -2.3 - 0.5 * (i / 2) as f32, 0.0), |m| {
            m.leaf_cloud(&leaf("#5E8A3E"), p(0.0, 0.2, 0.0), p(0.9, 0.26, 0.45), 120, 0.13, &mut dice);
            m.leaf_cloud(&petal(hex), p(0.0, 0.38, 0.0), p(0.9, 0.18, 0.45), 140, 0.085, &mut dice);
        });
    }
    arbour(b, at(0.0, 0.0, -7.6), &st);
    b.m.within(at_turned(-2.1, 0.0, -0.95, 30.0), |m| bench(m, &st.wood, 1.5, true));
    let kinds = land_trees(b);
    surround(b, &kinds, 30, 4.5, 26.0, (0.7, 1.2), 0.14);
    far_hills(b, "#7F9A68", "#93A5A8", 6.0);
    for (x, z) in [(-5.4, -3.0), (5.4, -3.0), (5.5, 5.6)] {
        let on = b.brief.dark();
        street_lamp(b, p(x, 0.0, z), if x < 0.0 { 90.0 } else { -90.0 }, 2.8, on, 8.0);
        if !on {
            b.bulb(p(x, 2.6, z), 0.1, times(kelvin(2900.0), 0.3), Flicker::Steady);
        }
    }
    falling(b, Air3 { low: p(-6.0, 0.0, -8.0), high: p(6.0, 4.0, 4.0) }, 40, 0.05, 0.4, p(0.2, 0.0, 0.05), petal("#F1C6CB"));
    if b.brief.dark() {
        b.air.rig.key = times(kelvin(2700.0), 1.35);
    }
    open_air(b);
    for (x, z, turn) in [(-4.6, -5.2, 60.0), (4.4, -5.6, -60.0), (0.6, -10.0, 0.0)] {
        b.figure(x, z, turn, Posture::Standing, Verb::Walk);
    }
}

fn arbour(b: &mut Builder<'_>, place: glam::Affine3A, st: &Style) {
    let mut dice = b.dice.fork(402);
    b.m.within(place, |m| {
        let white = paint("#E6E0D2");
        for (x, z) in [(-1.6, -0.8), (1.6, -0.8), (-1.6, 0.8), (1.6, 0.8)] {
            m.stand(&white, p(x, 0.0, z), p(0.14, 2.6, 0.14), 0.015);
            m.leaf_cloud(&leaf(st.leaf), p(x, 1.5, z), p(0.3, 1.2, 0.3), 120, 0.13, &mut dice);
        }
        for z in [-0.8, 0.8] {
            m.within(at(0.0, 2.5, z), |m| m.arch(&white, 1.55, 0.1, 0.12, 0.0));
        }
        for i in 0..9 {
            let a = std::f32::consts::PI * (i as f32 + 0.5) / 9.0;
            let q = p(-a.cos() * 1.65, 2.5 + a.sin() * 1.65, 0.0);
            m.block(&white, q, p(0.06, 0.06, 2.0), 0.0);
            m.leaf_cloud(&leaf(st.leaf), q, p(0.35, 0.25, 0.9), 60, 0.13, &mut dice);
            m.leaf_cloud(&petal("#E0708E"), q, p(0.38, 0.28, 0.95), 26, 0.09, &mut dice);
        }
        m.within(at(0.0, 0.0, -3.6), |m| {
            m.lathe(
                &stone("#A59B87"),
                &[(1.2, 0.0), (1.2, 0.4), (1.3, 0.5), (1.0, 0.5), (0.3, 0.5), (0.14, 1.0), (0.6, 1.2), (0.1, 1.2), (0.0, 1.6)],
                24,
            )
        });
    });
}

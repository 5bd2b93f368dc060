//! Temples: the forecourt before the tower, and the pillared hall inside.

use crate::dressing::*;
use crate::kit::{Dice, Model, at, at_turned, p, scaled};
use crate::life::{Air3, Mover};
use crate::light::{kelvin, times, towards};
use crate::set::{Builder, Flicker};
use crate::signs;
use crate::stuff::*;
use glam::{Affine3A, Vec3};
use klieg_film_words::shot::Posture;
use klieg_film_words::story::{Occasion, Region, Verb};
use klieg_kernels::scene::{Geometry, Light, Material, Rgb};
use std::f32::consts::TAU;

const MARIGOLD: [Rgb; 2] = [[1.0, 1.0, 1.0], [1.08, 0.62, 0.35]];
fn marigold() -> Material {
    petal("#EE9A24")
}
fn jasmine() -> Material {
    petal("#F3EEDC")
}

pub fn forecourt(b: &mut Builder<'_>) {
    ground(b);
    match b.brief.region() {
        Region::SouthIndian => {
            // As far back as shows its finials above those who stand before it.
            gopuram(b, at(0.0, 0.0, -18.0));
            striped_walls(b);
            palms(b, 9);
        }
        Region::NorthIndian => {
            shikhara(b, at(0.0, 0.0, -13.5));
            low_walls(b, &plaster("#D2A172"), &stone("#B98B5E"));
            leafy(b);
        }
        Region::Japanese | Region::Chinese | Region::Korean => super::japan::shrine(b),
        Region::Western => church(b, at(0.0, 0.0, -12.5)),
        Region::MiddleEastern => mosque(b, at(0.0, 0.0, -14.0)),
        Region::African => earthen(b, at(0.0, 0.0, -12.0)),
        Region::Fantasy | Region::ScienceFiction => ruin(b, at(0.0, 0.0, -11.0)),
    }
    if b.brief.indian() {
        side_halls(b);
        festive(b);
    }
    open_air(b);
    visitors(b);
}

/// People of the court, in twos and threes that turn to each other, some on the steps of the halls, some on their own way.
fn visitors(b: &mut Builder<'_>) {
    use Posture::{FloorSitting, Standing};
    let festive = b.brief.feast();
    let guests = [
        // Beside the pavilion: a pair in talk on each side, one who looks on.
        (-4.3, -3.9, 58.0, Standing, Verb::Listen),
        (-3.6, -4.5, -70.0, Standing, Verb::Nod),
        (4.4, -3.6, -62.0, Standing, Verb::Laugh),
        (3.75, -4.4, 64.0, Standing, Verb::Listen),
        (-5.7, -6.8, 35.0, Standing, Verb::Pray),
        (5.9, -6.4, -30.0, Standing, Verb::Wave),
        // On the steps of the halls.
        (-6.6, -1.0, 82.0, FloorSitting, Verb::Sit),
        (6.7, -0.2, -80.0, FloorSitting, Verb::Sit),
        (6.6, -1.1, -95.0, FloorSitting, Verb::Listen),
        // Behind the camera, for looks back.
        (-4.6, 6.4, 150.0, Standing, Verb::Listen),
        (-3.9, 7.1, -60.0, Standing, Verb::Point),
        (2.6, 9.2, 190.0, Standing, Verb::Pray),
    ];
    let passing = [
        (-6.3, -3.2, 140.0, Standing, Verb::Pray),
        (6.4, -4.6, 20.0, Standing, Verb::Walk),
        (-4.6, -8.0, 10.0, Standing, Verb::Stand),
        (3.6, -9.5, 175.0, Standing, Verb::Walk),
        (-7.2, 1.5, 60.0, FloorSitting, Verb::Sit),
        (7.4, 2.6, -70.0, Standing, Verb::Listen),
        (1.4, -11.0, 180.0, Standing, Verb::Pray),
        (-1.8, -10.2, 185.0, Standing, Verb::Stand),
        (-8.2, -1.4, 80.0, Standing, Verb::Pray),
        (8.3, -1.0, -85.0, Standing, Verb::Walk),
    ];
    let all: &[_] = if festive { &guests } else { &passing };
    for &(x, z, turn, posture, doing) in all {
        let (turn, x) = (turn + b.dice.off(12.0), x + b.dice.off(0.12));
        b.figure(x, z, turn, posture, doing);
    }
}

fn ground(b: &mut Builder<'_>) {
    let st = style(b.brief);
    let slab = match b.brief.region() {
        Region::SouthIndian => flagstone("#958C7D", "#6A6257", 0.85),
        Region::African | Region::Fantasy => flagstone("#9C7F5C", "#6B5339", 0.7),
        _ => flagstone("#A08F76", "#6F624F", 0.8),
    };
    let slab = if b.brief.wet() { wet(slab) } else { slab };
    let seed = b.dice.seed();
    b.m.ground(&st.soil, 90.0, 0.8, 24.0, seed);
    b.m.block(&slab, p(0.0, -0.04, -2.0), p(30.0, 0.09, 34.0), 0.0);
    if b.brief.indian() {
        draw_kolam(&mut b.m, p(0.0, 0.009, 0.35), 1.95);
        for x in [-3.4, 3.4] {
            draw_kolam(&mut b.m, p(x, 0.009, -0.9), 0.8);
        }
    }
}

/// A little carved and painted figure for the tiers of a tower.
fn relief_figure() -> Geometry {
    Model::of(|m| {
        let clay = paint("#F2F2F2");
        m.lathe(&clay, &[(0.14, 0.0), (0.17, 0.1), (0.12, 0.3), (0.2, 0.52), (0.2, 0.6), (0.07, 0.68)], 7);
        m.ball(&clay, p(0.0, 0.78, 0.02), p(0.11, 0.13, 0.11), 7);
        m.lathe(&gold(), &[(0.12, 0.84), (0.09, 0.98), (0.02, 1.1)], 6);
        for s in [-1.0, 1.0] {
            m.bar(&clay, p(s * 0.18, 0.58, 0.0), p(s * 0.3, 0.4, 0.12), 0.045);
            m.bar(&clay, p(s * 0.3, 0.4, 0.12), p(s * 0.2, 0.62, 0.2), 0.04);
        }
    })
}

/// The tower over the gate: a granite base with the gateway, tiers of painted figures, a barrel vault with gold finials.
fn gopuram(b: &mut Builder<'_>, place: glam::Affine3A) {
    const PAINTS: [&str; 7] = ["#C8342B", "#E3A72F", "#4F8A4A", "#5E9CBF", "#E9DFC8", "#D0724A", "#B7557A"];
    let mut dice = b.dice.fork(11);
    let dark = b.brief.dark();
    let figure = relief_figure();
    let m = &mut b.m;
    m.within(place, |m| {
        gate(m, 10.0, 3.6, dark);
        let (mut y, mut w, mut d) = (3.6, 8.6, 5.6);
        for tier in 0..5 {
            let h = 1.75 - tier as f32 * 0.13;
            let body = plaster(["#D8B98C", "#CFA878"][tier % 2]);
            m.stand(&body, p(0.0, y, 0.0), p(w, h, d), 0.03);
            m.block(&paint(PAINTS[tier % 7]), p(0.0, y + 0.08, 0.0), p(w + 0.3, 0.16, d + 0.3), 0.03);
            m.block(&paint(PAINTS[(tier + 3) % 7]), p(0.0, y + h - 0.05, 0.0), p(w + 0.55, 0.18, d + 0.55), 0.05);
            m.block(&paint("#E9DFC8"), p(0.0, y + h - 0.2, 0.0), p(w + 0.34, 0.1, d + 0.34), 0.02);
            for (side, wide, deep) in [(0.0, w, d), (90.0, d, w), (-90.0, d, w)] {
                m.within(at_turned(0.0, y + 0.18, 0.0, side) * at(0.0, 0.0, deep * 0.5), |m| {
                    tier_front(m, wide, h - 0.4, &figure, &PAINTS, side == 0.0, &mut dice)
                });
            }
            y += h;
            w *= 0.84;
            d *= 0.835;
        }
        vault(m, y, w + 0.4, d);
    });
    let warm = times(kelvin(2700.0), if dark { 16.0 } else { 2.0 });
    let origin = place.transform_point3(Vec3::ZERO);
    if dark {
        for x in [-5.5, 5.5] {
            b.spotlight(origin + p(x, 0.6, 8.0), origin + p(x * 0.15, 7.5, 2.6), 22.0, 44.0, times(warm, 6.0));
        }
    }
    b.bulb(origin + p(0.0, 2.0, 3.9), 0.2, warm, Flicker::Oil);
}

fn gate(m: &mut Model, w: f32, h: f32, dark: bool) {
    let rock = granite();
    let d = 6.4;
    for side in [-1.0, 1.0] {
        m.stand(&rock, p(side * (w * 0.5 - 1.75), 0.0, 0.0), p(3.5, h, d), 0.06);
        for x in [1.75, 2.9, 4.1] {
            m.within(at(side * x, 0.3, d * 0.5), |m| carved_pillar(m, &rock, 2.9, 0.16, 6));
        }
        m.stand(&rock, p(side * 3.1, 0.0, d * 0.5 + 0.15), p(3.4, 0.45, 0.5), 0.06);
    }
    m.stand(&rock, p(0.0, 2.9, 0.0), p(3.2, h - 2.9, d), 0.04);
    m.block(&rock, p(0.0, h, 0.0), p(w + 0.5, 0.3, d + 0.5), 0.08);
    let inside = if dark { glow([0.9, 0.42, 0.1]) } else { glow([0.22, 0.1, 0.03]) };
    m.quad(&inside, [p(-1.5, 0.0, -d * 0.3), p(1.5, 0.0, -d * 0.3), p(1.5, 2.9, -d * 0.3), p(-1.5, 2.9, -d * 0.3)]);
    for side in [-1.0, 1.0] {
        m.within(at_turned(side * 1.5, 0.0, d * 0.42, side * -72.0), |m| {
            m.block(&planks("#5F3A22", 0.3), p(-side * 0.7, 1.4, 0.0), p(1.4, 2.8, 0.1), 0.01);
            for i in 0..12 {
                m.ball(&brass(), p(-side * (0.35 + 0.7 * (i % 2) as f32), 0.4 + 0.4 * (i / 2) as f32, 0.07), Vec3::splat(0.06), 6);
            }
        });
    }
    m.toran(&leaf("#5E8A3A"), p(-1.5, 2.9, d * 0.5 + 0.1), p(1.5, 2.9, d * 0.5 + 0.1), 0.16, 0.42);
    m.garland(&marigold(), p(-1.5, 2.95, d * 0.5 + 0.14), p(1.5, 2.95, d * 0.5 + 0.14), 0.4, 0.085, &MARIGOLD);
    m.within(at(0.0, 0.0, d * 0.5 + 1.3), |m| m.stairs(&rock, 4.2, 3, 0.13, 0.36));
}

fn tier_front(m: &mut Model, w: f32, h: f32, figure: &Geometry, paints: &[&str], front: bool, dice: &mut Dice) {
    if front {
        m.block(&paint("#3A2A26"), p(0.0, h * 0.42, 0.0), p(0.62, h * 0.84, 0.12), 0.0);
        for s in [-1.0, 1.0] {
            m.block(&paint(paints[2]), p(s * 0.42, h * 0.5, 0.06), p(0.14, h, 0.16), 0.02);
        }
    }
    let n = (w / 0.62) as usize;
    for i in 0..n {
        let x = (i as f32 + 0.5) / n as f32 * w - w * 0.5;
        if front && x.abs() < 0.62 {
            continue;
        }
        let tint = klieg_kernels::scene::srgb(paints[dice.below(paints.len())]);
        let s = h * dice.range(0.72, 0.92);
        m.stamp(figure, at_turned(x, 0.0, 0.16, dice.off(25.0)) * scaled(s), tint);
        if i % 2 == 0 {
            let hex = paints[(i + 1) % paints.len()];
            m.block(&paint(hex), p(x + w / n as f32 * 0.5, h * 0.5, 0.05), p(0.1, h, 0.12), 0.0);
            m.within(at(x, h * 0.96, 0.1), |m| m.arch(&paint(paints[(i + 4) % paints.len()]), 0.14, 0.07, 0.12, 0.3));
        }
    }
}

fn vault(m: &mut Model, y: f32, w: f32, d: f32) {
    m.within(at(0.0, y, 0.0), |m| {
        m.sheet(&paint("#C9803F"), 6, 16, |u, v| {
            let a = v * std::f32::consts::PI;
            let swell = 1.0 + 0.12 * (a.sin());
            p((u - 0.5) * w, a.sin() * d * 0.72, -a.cos() * d * 0.55 * swell)
        });
        for s in [-1.0, 1.0] {
            m.within(at_turned(s * w * 0.5, 0.0, 0.0, 90.0), |m| {
                m.arch(&paint("#E3A72F"), d * 0.5, 0.3, 0.3, 0.2);
                m.slab(
                    &paint("#B5473A"),
                    &[(-d * 0.5, 0.0), (d * 0.5, 0.0), (d * 0.4, d * 0.4), (0.0, d * 0.62), (-d * 0.4, d * 0.4)],
                    -0.05,
                    0.05,
                );
            });
        }
        for i in 0..7 {
            m.within(at((i as f32 - 3.0) * w * 0.15, d * 0.7, 0.0), |m| {
                m.lathe(
                    &gold(),
                    &[(0.1, 0.0), (0.14, 0.1), (0.05, 0.2), (0.16, 0.34), (0.12, 0.46), (0.03, 0.56), (0.05, 0.64), (0.0, 0.9)],
                    10,
                );
            });
        }
    });
}

/// A stone pillar as the masons of the south carve it: square blocks, many-sided shafts, a bracket capital.
pub fn carved_pillar(m: &mut Model, rock: &Material, tall: f32, half: f32, around: u32) {
    let q = half * 1.3;
    let cube =
        |m: &mut Model, y: f32, h: f32, grow: f32| m.stand(rock, p(0.0, y, 0.0), p(q * 2.0 * grow, h, q * 2.0 * grow), half * 0.12);
    cube(m, 0.0, tall * 0.06, 1.35);
    cube(m, tall * 0.06, tall * 0.2, 1.0);
    let shaft = [
        (half * 1.1, tall * 0.26),
        (half, tall * 0.3),
        (half * 0.96, tall * 0.42),
        (half * 1.2, tall * 0.44),
        (half * 1.2, tall * 0.46),
        (half, tall * 0.48),
    ];
    m.lathe(rock, &shaft, around.max(8));
    cube(m, tall * 0.48, tall * 0.13, 1.0);
    let upper = [
        (half, tall * 0.61),
        (half * 0.94, tall * 0.74),
        (half * 1.25, tall * 0.78),
        (half * 0.9, tall * 0.8),
        (half * 1.45, tall * 0.86),
        (half * 1.45, tall * 0.885),
    ];
    m.lathe(rock, &upper, around.max(8));
    cube(m, tall * 0.885, tall * 0.045, 1.15);
    for turn in [0.0, 90.0] {
        m.within(at_turned(0.0, tall * 0.93, 0.0, turn), |m| {
            m.block(rock, p(0.0, tall * 0.035, 0.0), p(q * 5.0, tall * 0.07, q * 1.6), half * 0.2);
            for s in [-1.0, 1.0] {
                m.ball(rock, p(s * q * 2.3, tall * 0.01, 0.0), Vec3::splat(half * 0.5), 8);
            }
        });
    }
}

/// The white and red striped walls around a southern temple, with little bulls along the top.
fn striped_walls(b: &mut Builder<'_>) {
    let stripes = Material { translucency: 0.0, sheen: 0.0, ..striped("#E8E0CE", "#B23B2C", 0.8) };
    let rock = granite();
    let bull = Model::of(|m| {
        let white = paint("#E8E2D2");
        m.ball(&white, p(0.0, 0.28, 0.0), p(0.2, 0.22, 0.36), 10);
        m.ball(&white, p(0.0, 0.5, 0.3), p(0.12, 0.14, 0.16), 8);
        m.ball(&white, p(0.0, 0.48, 0.02), p(0.1, 0.14, 0.12), 8);
    });
    for (x, z, turn, long) in [
        (-11.5, -15.0, 0.0, 13.0),
        (11.5, -15.0, 0.0, 13.0),
        (-18.0, 0.0, 90.0, 31.0),
        (18.0, 0.0, -90.0, 31.0),
        (0.0, 15.5, 180.0, 37.0),
    ] {
        b.m.within(at_turned(x, 0.0, z, turn), |m| {
            m.stand(&rock, Vec3::ZERO, p(long, 0.5, 0.9), 0.04);
            m.stand(&stripes, p(0.0, 0.5, 0.0), p(long, 2.6, 0.6), 0.0);
            m.block(&plaster("#D9B27C"), p(0.0, 3.2, 0.0), p(long, 0.24, 0.9), 0.05);
            for i in 0..(long / 3.2) as i32 {
                m.stamp(&bull, at_turned(i as f32 * 3.2 - long * 0.5 + 1.6, 3.3, 0.0, 90.0), [1.0; 3]);
            }
        });
    }
}

fn low_walls(b: &mut Builder<'_>, body: &Material, cope: &Material) {
    for (x, z, turn, long) in [
        (-10.5, -12.0, 0.0, 12.0),
        (10.5, -12.0, 0.0, 12.0),
        (-16.5, 1.0, 90.0, 27.0),
        (16.5, 1.0, -90.0, 27.0),
        (0.0, 15.5, 180.0, 34.0),
    ] {
        b.m.within(at_turned(x, 0.0, z, turn), |m| {
            garden_wall(m, body, cope, long, 2.4);
            for i in 0..(long / 2.0) as i32 {
                m.within(at(i as f32 * 2.0 - long * 0.5 + 1.0, 0.6, 0.14), |m| m.arch(cope, 0.5, 0.12, 0.14, 0.5));
            }
        });
    }
}

fn palms(b: &mut Builder<'_>, count: u32) {
    let mut dice = b.dice.fork(21);
    for i in 0..count {
        let side = if i % 2 == 0 { -1.0 } else { 1.0 };
        let (x, z) = (
            side * dice.range(if i > 4 { 1.5 } else { 8.5 }, if i > 4 { 9.0 } else { 21.0 }),
            if i > 4 { dice.range(16.5, 19.5) } else { -dice.range(17.5, 23.5) },
        );
        let tall = dice.range(7.0, 11.5);
        b.m.within(at(x, 0.0, z), |m| m.palm(&bark("#8A7358"), &leaf("#5C8038"), tall, &mut dice));
    }
    b.m.hills(&leaf("#6E8A5C"), 75.0, 5.0, 5.0, 5);
}

fn leafy(b: &mut Builder<'_>) {
    let mut dice = b.dice.fork(22);
    let kinds = trees(&mut dice, "#6B5138", "#5E8240", 6.0, 2.6, 900);
    for i in 0..8 {
        let a = 2.1 + i as f32 * 0.35;
        let r = 20.0 + dice.range(0.0, 7.0);
        let (x, z) = (a.cos() * r * if i % 2 == 0 { 1.0 } else { -1.0 }, -a.sin() * r);
        let turn = dice.range(0.0, 360.0);
        let tint = dice.shade(0.12);
        b.m.stamp(&kinds[i % 3], at_turned(x, 0.0, z - 2.0, turn), tint);
    }
    b.m.hills(&leaf("#7C8C66"), 80.0, 7.0, 4.0, 6);
}

/// Open pillared halls along both sides of the court; the near ends frame wide shots.
fn side_halls(b: &mut Builder<'_>) {
    let south = b.brief.region() == Region::SouthIndian;
    let rock = if south { granite() } else { stone("#BE9468") };
    let pillar = Model::of(|m| carved_pillar(m, &rock, 3.0, 0.17, 8));
    rear_hall(b, &rock, &pillar);
    for side in [-1.0f32, 1.0] {
        for row in 0..2 {
            for i in 0..6 {
                let (x, z) = (side * (7.0 + row as f32 * 2.6), 4.4 - i as f32 * 2.5);
                b.m.stamp(&pillar, at_turned(x, 0.35, z, 0.0), [1.0; 3]);
                if row == 0 && i < 5 {
                    b.m.garland(&marigold(), p(x, 3.05, z - 0.3), p(x, 3.05, z - 2.2), 0.45, 0.075, &MARIGOLD);
                }
            }
        }
        b.m.stand(&rock, p(side * 8.5, 0.0, -1.8), p(4.2, 0.36, 15.0), 0.05);
        b.m.stand(&rock, p(side * 8.5, 3.56, -1.8), p(4.6, 0.4, 15.4), 0.1);
        b.m.stand(&plaster("#C98D52"), p(side * 10.4, 0.3, -1.8), p(0.3, 3.3, 15.0), 0.0);
        // A row along the edge of each hall's floor.
        for i in 0..14 {
            let foot = p(side * 6.55, 0.36, 4.6 - i as f32 * 0.9);
            saucer_lamp(b, foot, 0.08);
        }
        oil_light(b, p(side * 6.4, 0.8, -0.5), 1.6);
        oil_light(b, p(side * 8.2, 2.4, -4.0), 3.0);
    }
}

/// A small pillared hall behind the camera, so that a look back finds the temple too.
fn rear_hall(b: &mut Builder<'_>, rock: &Material, pillar: &Geometry) {
    b.m.stand(rock, p(0.0, 0.0, 13.0), p(12.0, 0.4, 3.4), 0.05);
    b.m.stand(rock, p(0.0, 3.56, 13.0), p(12.6, 0.4, 3.8), 0.1);
    b.m.stand(&plaster("#C98D52"), p(0.0, 0.4, 14.5), p(11.6, 3.2, 0.3), 0.0);
    for i in 0..6 {
        let x = -5.5 + 2.2 * i as f32;
        b.m.stamp(pillar, at(x, 0.35, 11.7), [1.0; 3]);
        if i < 5 {
            b.m.garland(&marigold(), p(x + 0.3, 3.05, 11.6), p(x + 1.9, 3.05, 11.6), 0.45, 0.075, &MARIGOLD);
        }
        saucer_lamp(b, p(x + 0.5, 0.4, 11.5), 0.09);
    }
    for x in [-3.4, 3.4] {
        let mut dice = b.dice.fork(61);
        b.m.within(at(x, 0.0, 10.6), |m| pot_plant(m, &brass(), "#4F7A3A", 1.3, &mut dice));
    }
    draw_kolam(&mut b.m, p(0.0, 0.009, 10.2), 0.95);
    oil_light(b, p(0.0, 1.6, 11.4), 5.0);
}

/// What a temple is dressed with on its great days; a little of it every day.
fn festive(b: &mut Builder<'_>) {
    for x in [-3.7, 3.7] {
        kuthuvilakku(b, p(x, 0.0, -2.1), 1.25);
    }
    for i in 0..14 {
        let t = i as f32 / 13.0;
        saucer_lamp(b, p(-3.2 + 6.4 * t, 0.0, -1.85), 0.065);
    }
    if matches!(b.brief.occasion, Occasion::Wedding) {
        wedding(b);
    } else {
        lamp_pillar(b);
    }
    bell(b, p(-5.9, 3.3, -2.6));
    for x in [-5.35, 5.35] {
        foreground_post(b, x);
    }
    let a = p(-5.35, 4.1, 0.4);
    b.m.garland(&marigold(), a, p(5.35, 4.1, 0.4), 0.55, 0.085, &MARIGOLD);
    b.m.toran(&leaf("#5E8A3A"), a - p(0.0, 0.05, 0.02), p(5.35, 4.05, 0.38), 0.55, 0.36);
}

/// Posts at the frame's edge with strings of flowers, and banana stems at weddings.
fn foreground_post(b: &mut Builder<'_>, x: f32) {
    let mut dice = b.dice.fork(31 + (x > 0.0) as u64);
    let m = &mut b.m;
    m.within(at(x, 0.0, 0.4), |m| {
        m.lathe(&wood("#7A4E30"), &[(0.09, 0.0), (0.08, 4.2)], 10);
        for y in [1.1, 2.2, 3.3] {
            m.lathe(&paint("#C8342B"), &[(0.1, y), (0.13, y + 0.06), (0.1, y + 0.12)], 10);
        }
        for k in 0..5 {
            let a = k as f32 * 1.25;
            m.string(&marigold(), p(a.sin() * 0.2, 4.05, a.cos() * 0.2), dice.range(0.9, 1.9), 0.055, &MARIGOLD);
        }
    });
    if b.brief.occasion == Occasion::Wedding {
        b.m.within(at(x, 0.0, 0.65), |m| m.banana(&paint("#8C9A52"), &leaf("#6C9A3E"), 4.6, &mut dice));
    }
}

/// The wedding pavilion behind the playing area: four dressed posts, a cloth sky, strings of flowers, the fire.
fn wedding(b: &mut Builder<'_>) {
    let mut dice = b.dice.fork(41);
    let (w, front, back, tall) = (5.4, -2.3, -5.9, 3.3);
    let m = &mut b.m;
    m.stand(&paint("#B23B2C"), p(0.0, 0.0, (front + back) * 0.5), p(w + 0.6, 0.22, front - back + 0.5), 0.03);
    m.block(&zari("#8C2323"), p(0.0, 0.13, front + 0.262), p(w + 0.55, 0.18, 0.02), 0.0);
    m.block(&silk("#A82C28", "#E3A72F"), p(0.0, 0.225, (front + back) * 0.5), p(w - 0.5, 0.02, front - back - 0.4), 0.0);
    for (x, z) in [(-w * 0.5, front), (w * 0.5, front), (-w * 0.5, back), (w * 0.5, back)] {
        m.within(at(x, 0.2, z), |m| mandap_post(m, tall, &mut dice));
    }
    m.within(at(0.0, 0.2 + tall, (front + back) * 0.5), |m| {
        m.canopy(&silk("#C8342B", "#F0B43C"), w + 0.3, front - back + 0.3, 0.35);
        m.within(at(0.0, 0.16, 0.0), |m| m.canopy(&cloth("#E3A72F"), w + 0.2, front - back + 0.2, -0.55));
    });
    let top = 0.2 + tall;
    for (a, z) in [(p(-w * 0.5, top, front + 0.1), front), (p(-w * 0.5, top, back + 0.1), back)] {
        m.quad(&zari("#A3282A"), [p(a.x, top - 0.42, z + 0.1), p(-a.x, top - 0.42, z + 0.1), p(-a.x, top + 0.02, z + 0.1), a]);
        for i in 0..5 {
            let (x0, x1) = (a.x + w * 0.2 * i as f32, a.x + w * 0.2 * (i + 1) as f32);
            m.garland(&marigold(), p(x0, top - 0.3, z + 0.16), p(x1, top - 0.3, z + 0.16), 0.34, 0.06, &MARIGOLD);
            m.string(&jasmine(), p(x0, top - 0.3, z + 0.18), 0.75, 0.035, &[[1.0; 3]]);
        }
    }
    for i in 0..11 {
        let x = -w * 0.45 + w * 0.09 * i as f32;
        let petals = if i % 2 == 0 { marigold() } else { jasmine() };
        m.string(&petals, p(x, top - 0.1, back + 0.2), 1.7 + 0.5 * ((i % 3) as f32), 0.05, &MARIGOLD);
    }
    hearth(b, p(0.0, 0.22, -3.3));
    for x in [-2.15, 2.15] {
        kuthuvilakku(b, p(x, 0.22, -2.75), 1.1);
    }
    for x in [-2.95f32, 2.95] {
        banana_stem(b, p(x, 0.2, -2.75), &mut dice);
    }
    thalis(b, &mut dice);
    let material = petal("#F0A030");
    falling(b, Air3 { low: p(-4.0, 0.0, -5.0), high: p(4.0, 5.0, 2.5) }, 46, 0.035, 0.55, p(0.1, 0.0, 0.05), material);
    strewn(b, (-4.2, 4.2), (-1.9, 3.6), 420, 0.04, &petal("#F0A030"));
    strewn(b, (-3.6, 3.6), (-1.9, 3.0), 160, 0.045, &petal("#C8342B"));
    if let Some(welcome) = signs::word(b.brief, Some("welcome"), &mut dice) {
        b.m.within(at_turned(-5.6, 0.0, -5.3, 24.0) * scaled(0.9), |m| {
            for x in [-1.15, 1.15] {
                m.bar(&wood("#7A4E30"), p(x, 0.0, 0.0), p(x, 2.75, 0.0), 0.045);
            }
            signs::board(m, &welcome, p(0.0, 2.3, 0.05), (2.2, 0.72), "#F3E3B0", "#A32A26");
            m.block(&zari("#A3282A"), p(0.0, 2.3, 0.0), p(2.3, 0.82, 0.06), 0.02);
            m.garland(&marigold(), p(-1.15, 1.92, 0.09), p(1.15, 1.92, 0.09), 0.14, 0.06, &MARIGOLD);
        });
    }
    b.key_from(p(-2.6, 3.0, 3.0));
}

/// A banana plant in fruit, cut whole and tied upright at a wedding's entrance.
fn banana_stem(b: &mut Builder<'_>, foot: Vec3, dice: &mut Dice) {
    let slim = Affine3A::from_scale(p(0.72, 1.25, 0.72)) * Affine3A::from_rotation_y(dice.range(0.0, TAU));
    b.m.within(at(foot.x, foot.y, foot.z) * slim, |m| m.banana(&paint("#8C9A52"), &leaf("#5F9438"), 2.7, dice));
    let side = -foot.x.signum();
    b.m.within(at(foot.x + side * 0.02, foot.y + 1.95, foot.z), |m| {
        // The bunch hangs on a bent stalk: hands of fruit, and the flower at its end.
        let stalk = [p(0.0, 0.1, 0.0), p(0.02, 0.12, 0.16), p(0.03, -0.1, 0.26), p(0.03, -0.72, 0.27)];
        m.tube(&paint("#7C8A44"), &stalk, |_| 0.022, 6);
        for i in 0..5 {
            let y = -0.12 - 0.1 * i as f32;
            for k in 0..7 {
                let a = k as f32 / 7.0 * TAU + i as f32 * 0.4;
                let root = p(0.03 + a.sin() * 0.03, y, 0.27 + a.cos() * 0.03);
                let tip = root + p(a.sin() * 0.09, 0.06, a.cos() * 0.09);
                m.tube(&paint("#A9B04A"), &[root, root.lerp(tip, 0.6) - p(0.0, 0.015, 0.0), tip], |t| 0.022 * (1.15 - t * t), 5);
            }
        }
        m.ball(&paint("#7A2E4A"), p(0.03, -0.8, 0.27), p(0.055, 0.11, 0.055), 8);
    });
}

fn mandap_post(m: &mut Model, tall: f32, dice: &mut Dice) {
    m.lathe(&gold(), &[(0.2, 0.0), (0.2, 0.1), (0.12, 0.2), (0.09, 0.35)], 12);
    m.lathe(&silk("#C8342B", "#E3A72F"), &[(0.1, 0.3), (0.09, tall)], 12);
    let path: Vec<Vec3> = (0..60)
        .map(|i| i as f32 / 59.0)
        .map(|t| p((t * 26.0).cos() * 0.13, 0.4 + t * (tall - 0.5), (t * 26.0).sin() * 0.13))
        .collect();
    for (i, pair) in path.windows(2).enumerate() {
        m.tinted(MARIGOLD[i / 4 % 2], |m| m.garland(&marigold(), pair[0], pair[1], 0.0, 0.06, &[[1.0; 3]]));
    }
    m.leaf_cloud(&leaf("#5E8A3A"), p(0.0, tall - 0.05, 0.0), p(0.34, 0.24, 0.34), 70, 0.2, dice);
    m.ball(&petal("#C8342B"), p(0.0, tall - 0.02, 0.1), Vec3::splat(0.14), 10);
}

fn hearth(b: &mut Builder<'_>, foot: Vec3) {
    b.m.within(at(foot.x, foot.y, foot.z), |m| {
        let bricks = brick("#A5502F");
        m.stand(&bricks, p(0.0, 0.0, 0.0), p(1.1, 0.16, 1.1), 0.02);
        m.stand(&bricks, p(0.0, 0.16, 0.0), p(0.86, 0.12, 0.86), 0.02);
        m.block(&kolam("#7A4A30"), p(0.0, 0.012, 0.0), p(1.7, 0.02, 1.7), 0.0);
        for (x, z) in [(-0.5, 0.5), (0.5, 0.5), (-0.5, -0.5), (0.5, -0.5)] {
            pot(m, &brass(), p(x, 0.16, z), 0.09, 0.05, 0.17);
            m.leaf_cloud(&leaf("#5E8A3A"), p(x, 0.36, z), p(0.08, 0.06, 0.08), 14, 0.1, &mut Dice::new(7));
            m.ball(&paint("#7A5A38"), p(x, 0.38, z), Vec3::splat(0.055), 8);
        }
    });
    fire(b, foot + p(0.0, 0.28, 0.0), 0.2, 3.2);
}

/// Brass plates with fruit, flowers, coconuts and turmeric along the pavilion's front.
fn thalis(b: &mut Builder<'_>, dice: &mut Dice) {
    const FRUIT: [&str; 5] = ["#E3A72F", "#C8342B", "#7A9A3A", "#F3EEDC", "#D9822B"];
    for i in 0..8 {
        let x = -2.4 + 0.68 * i as f32;
        if x.abs() < 0.5 {
            continue;
        }
        b.m.within(at(x, 0.22, -2.42), |m| {
            m.lathe(&brass(), &[(0.0, 0.01), (0.2, 0.012), (0.23, 0.04), (0.22, 0.045), (0.19, 0.02)], 16);
            m.heap(&paint(FRUIT[i % 5]), p(0.0, 0.01, 0.0), 0.15, 0.04, &[[1.0; 3], [0.9, 0.8, 0.7]], dice);
        });
    }
}

/// A stone lamp tower with ledges of small lamps.
fn lamp_pillar(b: &mut Builder<'_>) {
    let rock = granite();
    for x in [-4.4, 4.4] {
        b.m.within(at(x, 0.0, -7.0), |m| {
            m.stand(&rock, Vec3::ZERO, p(1.3, 0.5, 1.3), 0.06);
            m.lathe(&rock, &[(0.4, 0.5), (0.3, 0.9), (0.26, 4.2), (0.34, 4.3), (0.1, 4.7), (0.0, 5.0)], 12);
            for k in 0..5 {
                m.lathe(
                    &rock,
                    &[
                        (0.27, 1.2 + 0.62 * k as f32),
                        (0.5, 1.3 + 0.62 * k as f32),
                        (0.5, 1.36 + 0.62 * k as f32),
                        (0.27, 1.42 + 0.62 * k as f32),
                    ],
                    12,
                );
            }
        });
        for k in 0..5 {
            for j in 0..5 {
                let a = j as f32 * 1.257 + k as f32;
                saucer_lamp(b, p(x + a.sin() * 0.43, 1.36 + 0.62 * k as f32, -7.0 + a.cos() * 0.43), 0.05);
            }
        }
        oil_light(b, p(x, 2.6, -6.3), 2.2);
    }
}

/// A brass bell hanging from a beam, swinging a little.
fn bell(b: &mut Builder<'_>, hook: Vec3) {
    b.m.bar(&iron(), hook + p(-0.8, 0.05, 0.0), hook + p(0.8, 0.05, 0.0), 0.04);
    b.mover(Mover::Swing { what: bell_shape(0.26), hook, turn: 20.0, degrees: 9.0, period: 2.4 });
}

/// A bell of `size` metres radius, hanging from y = 0.
pub fn bell_shape(size: f32) -> Geometry {
    Model::of(|m| {
        let s = size;
        m.bar(&iron(), Vec3::ZERO, p(0.0, -s * 1.2, 0.0), s * 0.06);
        m.lathe(
            &brass(),
            &[
                (0.0, -s),
                (s * 0.35, -s * 1.02),
                (s * 0.55, -s * 1.25),
                (s * 0.66, -s * 1.9),
                (s * 0.8, -s * 2.3),
                (s, -s * 2.6),
                (s * 0.92, -s * 2.6),
                (s * 0.6, -s * 2.0),
            ],
            18,
        );
        m.ball(&iron(), p(0.0, -s * 2.6, 0.0), Vec3::splat(s * 0.16), 8);
    })
}

/// The northern tower: a curved spire with ribs, a ribbed disc and a pennant.
fn shikhara(b: &mut Builder<'_>, place: glam::Affine3A) {
    let sand = stone("#C79A68");
    b.m.within(place, |m| {
        for i in 0..3 {
            m.stand(&sand, p(0.0, i as f32 * 0.35, 0.0), p(11.0 - i as f32, 0.36, 9.0 - i as f32), 0.05);
        }
        for (x, z, s) in [(0.0, -1.0, 1.0), (-3.2, 0.4, 0.5), (3.2, 0.4, 0.5), (0.0, 2.2, 0.62)] {
            m.within(at(x, 1.05, z) * scaled(s), |m| spire(m, &sand));
        }
        m.within(at(0.0, 1.05, 3.9), |m| {
            for x in [-1.5, 1.5] {
                m.within(at(x, 0.0, 0.0), |m| carved_pillar(m, &sand, 2.6, 0.18, 10));
            }
            m.block(&sand, p(0.0, 2.75, -0.4), p(4.2, 0.3, 1.8), 0.06);
            m.quad(&glow([0.5, 0.24, 0.07]), [p(-0.8, 0.0, -0.9), p(0.8, 0.0, -0.9), p(0.8, 2.2, -0.9), p(-0.8, 2.2, -0.9)]);
            m.garland(&marigold(), p(-1.5, 2.5, 0.3), p(1.5, 2.5, 0.3), 0.4, 0.085, &MARIGOLD);
        });
        m.within(at(0.0, 0.0, 6.2), |m| m.stairs(&sand, 3.6, 5, 0.2, 0.4));
    });
    let top = place.transform_point3(p(0.0, 12.4, -1.0));
    let seed = b.dice.seed();
    b.mover(Mover::Flutter { a: top, b: top + p(0.0, -0.9, 0.05), tall: 0.1, reach: 0.2, material: cloth("#E8892B"), seed });
    b.bulb(
        place.transform_point3(p(0.0, 2.2, 4.6)),
        0.2,
        times(kelvin(1900.0), if b.brief.dark() { 14.0 } else { 2.0 }),
        Flicker::Oil,
    );
}

fn spire(m: &mut Model, sand: &Material) {
    m.stand(sand, Vec3::ZERO, p(4.0, 3.0, 4.0), 0.08);
    let curve = |t: f32| 2.15 * (1.0 - t.powf(1.7)) + 0.62;
    let profile: Vec<(f32, f32)> = (0..=26)
        .map(|i| i as f32 / 26.0)
        .map(|t| (curve(t) * (1.0 + 0.035 * ((t * 26.0) as i32 % 2) as f32), 3.0 + t * 6.4))
        .collect();
    m.lathe_faceted(sand, &profile, 4, std::f32::consts::FRAC_PI_4);
    for k in 0..4 {
        m.within(at_turned(0.0, 0.0, 0.0, k as f32 * 90.0), |m| {
            let rib: Vec<Vec3> = (0..=12).map(|i| i as f32 / 12.0).map(|t| p(0.0, 3.0 + 6.3 * t, curve(t) * 0.74)).collect();
            m.tube(sand, &rib, |t| 0.34 * (1.0 - 0.6 * t), 6);
        });
    }
    m.lathe(sand, &[(0.6, 9.4), (1.05, 9.6), (1.1, 9.8), (0.9, 10.05), (0.4, 10.15)], 24);
    m.lathe(&gold(), &[(0.3, 10.1), (0.4, 10.3), (0.12, 10.5), (0.3, 10.75), (0.05, 11.0), (0.0, 11.5)], 14);
}

fn church(b: &mut Builder<'_>, place: glam::Affine3A) {
    let wall_stone = stone("#A89E8C");
    let lit = if b.brief.dark() { [1.8, 1.0, 0.4] } else { [0.3, 0.26, 0.2] };
    b.m.within(place, |m| {
        m.stand(&wall_stone, Vec3::ZERO, p(8.0, 5.5, 9.0), 0.05);
        m.within(at(0.0, 5.5, 0.0), |m| m.gable(&roof_tile("#5B4B47"), &wall_stone, 8.0, 9.0, 3.6, 0.3));
        m.stand(&wall_stone, p(-5.2, 0.0, 2.4), p(3.2, 10.0, 3.2), 0.06);
        m.within(at(-5.2, 10.0, 2.4), |m| {
            m.lathe_faceted(&roof_tile("#5B4B47"), &[(2.5, 0.0), (0.0, 5.0)], 4, std::f32::consts::FRAC_PI_4)
        });
        m.quad(&planks("#5A3822", 0.24), [p(-1.0, 0.0, 4.53), p(1.0, 0.0, 4.53), p(1.0, 2.4, 4.53), p(-1.0, 2.4, 4.53)]);
        m.within(at(0.0, 2.4, 4.55), |m| m.arch(&wall_stone, 1.0, 0.3, 0.4, 0.6));
        for x in [-2.7, 2.7] {
            m.block(&glow(lit), p(x, 2.6, 4.5), p(0.9, 2.2, 0.06), 0.0);
            m.within(at(x, 3.7, 4.5), |m| m.arch(&wall_stone, 0.45, 0.18, 0.3, 0.6));
        }
        m.within(at(0.0, 0.0, 5.4), |m| m.stairs(&wall_stone, 3.4, 4, 0.14, 0.34));
    });
    b.bulb(
        place.transform_point3(p(0.0, 3.4, 5.6)),
        0.2,
        times(kelvin(2700.0), if b.brief.dark() { 12.0 } else { 1.5 }),
        Flicker::Steady,
    );
    leafy(b);
    low_walls(b, &stone("#958B7A"), &stone("#847B6C"));
    let grave =
        Model::of(|m| m.slab(&stone("#8C887E"), &[(-0.35, 0.0), (0.35, 0.0), (0.35, 0.8), (0.0, 1.05), (-0.35, 0.8)], -0.08, 0.08));
    surround(b, &[grave], 26, 1.2, 12.0, (0.7, 1.2), 0.2);
}

fn mosque(b: &mut Builder<'_>, place: glam::Affine3A) {
    let lime = plaster("#DCC8A2");
    let teal = checker("#2B7A78", "#E3D8BE", 0.25);
    b.m.within(place, |m| {
        m.stand(&lime, Vec3::ZERO, p(13.0, 5.0, 6.0), 0.05);
        m.block(&teal, p(0.0, 4.7, 3.03), p(13.0, 0.5, 0.06), 0.0);
        m.lathe(&lacquer("#3C8F8C"), &[(2.9, 5.0), (3.0, 5.8), (3.1, 6.6), (2.7, 7.9), (1.7, 9.0), (0.6, 9.7), (0.0, 10.3)], 28);
        m.lathe(&gold(), &[(0.12, 10.2), (0.2, 10.5), (0.05, 10.8), (0.0, 11.3)], 10);
        for i in 0..5 {
            let x = (i as f32 - 2.0) * 2.45;
            m.quad(&paint("#3B2D25"), [p(x - 0.8, 0.0, 3.02), p(x + 0.8, 0.0, 3.02), p(x + 0.8, 2.6, 3.02), p(x - 0.8, 2.6, 3.02)]);
            m.within(at(x, 2.6, 3.05), |m| m.arch(&teal, 0.8, 0.24, 0.3, 0.7));
        }
        for x in [-7.6, 7.6] {
            m.within(at(x, 0.0, 0.0), |m| {
                m.lathe(
                    &lime,
                    &[(1.1, 0.0), (0.95, 7.5), (1.4, 7.7), (1.4, 8.3), (0.8, 8.4), (0.75, 11.0), (1.0, 11.1), (0.0, 12.8)],
                    16,
                );
                m.lathe(&teal, &[(1.0, 6.2), (0.99, 6.9)], 16);
            });
        }
    });
    b.bulb(
        place.transform_point3(p(0.0, 3.0, 4.4)),
        0.2,
        times(kelvin(2400.0), if b.brief.dark() { 14.0 } else { 1.5 }),
        Flicker::Oil,
    );
    low_walls(b, &lime, &teal);
    palms(b, 7);
}

fn earthen(b: &mut Builder<'_>, place: glam::Affine3A) {
    let mud = plaster("#B9794A");
    b.m.within(place, |m| {
        m.stand(&mud, Vec3::ZERO, p(12.0, 4.2, 5.0), 0.3);
        for (i, x) in [-4.6, 0.0, 4.6].into_iter().enumerate() {
            let tall = if i == 1 { 7.6 } else { 6.2 };
            m.within(at(x, 0.0, 2.2), |m| {
                m.lathe_faceted(
                    &mud,
                    &[(1.5, 0.0), (1.3, tall * 0.6), (1.0, tall * 0.85), (0.3, tall), (0.0, tall + 0.4)],
                    4,
                    std::f32::consts::FRAC_PI_4,
                );
                for j in 0..15 {
                    let (u, v) = (j % 3, j / 3);
                    m.bar(
                        &wood("#5A3A20"),
                        p((u as f32 - 1.0) * 0.45, 1.8 + v as f32 * 0.9, 0.5),
                        p((u as f32 - 1.0) * 0.45, 1.8 + v as f32 * 0.9, 1.5),
                        0.07,
                    );
                }
            });
        }
        for i in 0..11 {
            m.within(at(-5.5 + 1.1 * i as f32, 4.1, 2.3), |m| m.lathe(&mud, &[(0.3, 0.0), (0.22, 0.5), (0.0, 0.9)], 8));
        }
        m.quad(&planks("#4A2F1C", 0.2), [p(-2.8, 0.0, 2.56), p(-1.8, 0.0, 2.56), p(-1.8, 2.0, 2.56), p(-2.8, 2.0, 2.56)]);
    });
    b.bulb(
        place.transform_point3(p(0.0, 2.6, 4.4)),
        0.2,
        times(kelvin(2200.0), if b.brief.dark() { 10.0 } else { 1.2 }),
        Flicker::Oil,
    );
    leafy(b);
}

/// A roofless temple of columns, moss and fallen drums.
fn ruin(b: &mut Builder<'_>, place: glam::Affine3A) {
    let mut dice = b.dice.fork(51);
    let rock = stone("#9BA091");
    let moss = leaf("#5C7A45");
    b.m.within(place, |m| {
        for i in 0..3 {
            m.stand(&rock, p(0.0, 0.22 * i as f32, 0.0), p(13.0 - i as f32, 0.23, 8.0 - i as f32), 0.06);
        }
        for i in 0..12 {
            let (x, z) = ((i % 6) as f32 * 2.1 - 5.25, if i < 6 { 3.0 } else { -3.0 });
            let tall = if dice.chance(0.65) { 5.2 } else { dice.range(1.2, 3.6) };
            m.within(at(x, 0.66, z), |m| {
                m.lathe(&rock, &[(0.62, 0.0), (0.6, 0.2), (0.46, 0.3), (0.44, tall * 0.5), (0.38, tall)], 16);
                if tall > 5.0 {
                    m.stand(&rock, p(0.0, tall, 0.0), p(1.1, 0.3, 1.1), 0.05);
                }
                m.leaf_cloud(&moss, p(0.0, tall, 0.0), p(0.6, 0.25, 0.6), 50, 0.18, &mut dice);
            });
        }
        m.stand(&rock, p(-2.0, 6.1, 3.0), p(5.6, 0.7, 1.1), 0.08);
        m.ball(&glow([0.5, 0.9, 1.6]), p(0.0, 2.2, 0.0), Vec3::splat(0.35), 14);
        m.within(at(0.0, 0.66, 0.0), |m| m.lathe(&rock, &[(0.8, 0.0), (0.5, 0.4), (0.4, 1.0), (0.6, 1.2)], 12));
    });
    b.bulb(place.transform_point3(p(0.0, 2.2, 0.8)), 0.35, [9.0, 13.0, 20.0], Flicker::Oil);
    leafy(b);
    motes(b, p(-5.0, 0.4, -9.0), p(5.0, 3.5, 1.0), 40, 1.6);
}

/// From pillar to pillar in a hall, metres.
const BAY: f32 = 2.75;

/// The pillared hall inside: two rows of carved pillars to a glowing shrine door.
pub fn hall(b: &mut Builder<'_>) {
    let st = style(b.brief);
    let (rock, beams) = hall_stone(b);
    let floor = match b.brief.region() {
        Region::SouthIndian => Material { coat: 0.35, roughness: 0.35, ..flagstone("#7E766A", "#5A534A", 0.9) },
        Region::Japanese | Region::Chinese | Region::Korean => planks("#7A5638", 0.2),
        _ => Material { coat: 0.3, roughness: 0.4, ..checker("#B59A78", "#8A6F52", 0.6) },
    };
    let (front, back, half, tall) = (9.5, -12.0, 8.4, 4.4);
    let middle = (front + back) * 0.5;
    b.m.block(&floor, p(0.0, -0.05, middle), p(half * 2.0, 0.1, front - back), 0.0);
    b.m.block(&beams, p(0.0, tall + 0.1, middle), p(half * 2.0, 0.2, front - back), 0.0);
    for (x, z, turn, long) in
        [(-half, middle, 90.0, front - back), (half, middle, -90.0, front - back), (0.0, front, 180.0, half * 2.0)]
    {
        // As far apart as the pillars, each before a gap between them, so that the sun comes through to the aisle.
        let count = ((long - 1.6) / BAY) as i32;
        let holes: Vec<Hole> = (0..count).map(|i| hole((i as f32 - (count - 1) as f32 * 0.5) * BAY, 1.5, 1.05, 3.5)).collect();
        b.m.within(at_turned(x, 0.0, z, turn), |m| wall(m, &rock, long, tall, 0.3, &holes));
    }
    colonnade(b, &rock, &beams, tall);
    shrine_end(b, &rock, half, back, tall);
    hall_light(b, half, tall);
    if b.brief.indian() {
        draw_kolam(&mut b.m, p(0.0, 0.004, 0.2), 1.75);
        for x in [-3.0, 3.0] {
            kuthuvilakku(b, p(x, 0.0, -2.2), 1.15);
        }
        bell(b, p(0.0, tall - 0.1, -4.6));
    } else {
        for x in [-2.6, 2.6] {
            b.m.within(at(x, 0.0, -3.0), |m| pot_plant(m, &st.pot, st.leaf, 1.0, &mut Dice::new(3)));
        }
    }
    hall_guests(b);
}

/// Who is in the hall: on a great day guests in rows along the aisle to the shrine, turned to it; else people at prayer.
fn hall_guests(b: &mut Builder<'_>) {
    use Posture::{FloorSitting, Standing};
    if !b.brief.feast() {
        let at_prayer = [(-5.6, -2.0), (5.8, -3.4), (-1.6, -7.2), (1.9, -6.4), (-6.4, 3.0), (6.2, 4.0), (4.8, -8.0)];
        for (i, (x, z)) in at_prayer.into_iter().enumerate() {
            let posture = if i % 2 == 0 { Standing } else { FloorSitting };
            let turn = 180.0 + b.dice.off(35.0);
            b.figure(x, z, turn, posture, Verb::Pray);
        }
        return;
    }
    let doing = [Verb::Listen, Verb::Sit, Verb::Nod, Verb::Pray, Verb::Laugh, Verb::Sit];
    for (i, z) in [-3.3, -4.2, -5.1].into_iter().enumerate() {
        for side in [-1.0f32, 1.0] {
            let turn = -side * (62.0 + b.dice.off(14.0));
            let z = z + b.dice.off(0.12);
            let k = i * 2 + usize::from(side > 0.0);
            b.figure(side * (2.35 + 0.12 * i as f32), z, turn, FloorSitting, doing[k]);
        }
    }
    for (x, z, turn, verb) in [
        (-3.3, -6.6, 40.0, Verb::Listen),
        (3.2, -6.3, -35.0, Verb::Pray),
        (-5.6, 3.4, 100.0, Verb::Stand),
        (5.7, 2.2, -80.0, Verb::Listen),
    ] {
        b.figure(x, z, turn, Standing, verb);
    }
}

fn hall_stone(b: &Builder<'_>) -> (Material, Material) {
    match b.brief.region() {
        Region::SouthIndian => (granite(), stone("#7C7468")),
        Region::NorthIndian => (stone("#C09768"), stone("#A98054")),
        Region::Japanese => (wood("#6A4A34"), planks("#5B4030", 0.3)),
        Region::Chinese | Region::Korean => (lacquer("#9E2B25"), planks("#45624F", 0.3)),
        Region::MiddleEastern => (marble("#E0D5BE", "#B7A888"), checker("#2B7A78", "#E3D8BE", 0.3)),
        Region::African => (plaster("#B9794A"), planks("#5A3A20", 0.3)),
        _ => (stone("#A59B8B"), planks("#5B4330", 0.4)),
    }
}

fn colonnade(b: &mut Builder<'_>, rock: &Material, beams: &Material, tall: f32) {
    let indian = b.brief.indian();
    let arched = matches!(b.brief.region(), Region::MiddleEastern | Region::Western);
    let pillar = Model::of(|m| {
        if indian {
            carved_pillar(m, rock, tall - 0.35, 0.24, 8);
        } else {
            m.lathe(
                rock,
                &[
                    (0.46, 0.0),
                    (0.44, 0.16),
                    (0.3, 0.3),
                    (0.27, tall * 0.45),
                    (0.25, tall - 0.9),
                    (0.4, tall - 0.6),
                    (0.44, tall - 0.35),
                ],
                16,
            );
        }
    });
    for side in [-1.0f32, 1.0] {
        for row in 0..2 {
            let x = side * (4.25 + row as f32 * 2.7);
            for i in 0..8 {
                let z = 8.2 - BAY * i as f32;
                let tint = b.dice.shade(0.07);
                b.m.stamp(&pillar, at(x, 0.0, z), tint);
                if row == 0 && i < 7 {
                    if arched {
                        b.m.within(at_turned(x, tall - 1.5, z - 1.375, 90.0), |m| m.arch(rock, 1.1, 0.26, 0.36, 0.3));
                    }
                    if indian {
                        b.m.garland(
                            &marigold(),
                            p(x - side * 0.32, 3.5, z - 0.3),
                            p(x - side * 0.32, 3.5, z - 2.4),
                            0.5,
                            0.07,
                            &MARIGOLD,
                        );
                    }
                    saucer_lamp(b, p(x - side * 0.34, 0.0, z + 0.42), 0.07);
                }
            }
            b.m.block(beams, p(x, tall - 0.18, -1.4), p(0.5, 0.36, 20.8), 0.04);
        }
    }
    for i in 0..8 {
        b.m.block(beams, p(0.0, tall - 0.1, 8.2 - BAY * i as f32), p(16.6, 0.24, 0.4), 0.03);
    }
}

fn shrine_end(b: &mut Builder<'_>, rock: &Material, half: f32, back: f32, tall: f32) {
    let door = hole(0.0, 2.2, 0.0, 3.0);
    b.m.within(at(0.0, 0.0, back + 2.0), |m| {
        wall(m, rock, half * 2.0, tall, 0.4, &[door]);
        m.within(at(0.0, 0.0, 1.1), |m| m.stairs(rock, 3.4, 3, 0.14, 0.34));
        for (w, out) in [(0.34, 0.22), (0.2, 0.34)] {
            for s in [-1.0, 1.0] {
                m.stand(
                    &if w > 0.3 { brass() } else { *rock },
                    p(s * (1.1 + w * 0.5 + if w < 0.3 { 0.34 } else { 0.0 }), 0.0, 0.02),
                    p(w, 3.1, out),
                    0.03,
                );
            }
        }
        m.block(&brass(), p(0.0, 3.15, 0.05), p(3.0, 0.3, 0.3), 0.04);
        m.quad(&glow([0.8, 0.4, 0.13]), [p(-2.4, 0.0, -1.6), p(2.4, 0.0, -1.6), p(2.4, 4.0, -1.6), p(-2.4, 4.0, -1.6)]);
    });
    let z = back + 2.2;
    if b.brief.indian() {
        b.m.within(at(0.0, 0.42, z - 1.0), |m| {
            m.lathe(
                &paint("#33302E"),
                &[(0.6, 0.0), (0.62, 0.2), (0.3, 0.3), (0.3, 0.9), (0.27, 1.2), (0.12, 1.4), (0.0, 1.45)],
                16,
            );
            m.garland(&jasmine(), p(-0.3, 1.2, 0.26), p(0.3, 1.2, 0.26), 0.5, 0.06, &[[1.0; 3]]);
        });
        b.m.toran(&leaf("#5E8A3A"), p(-1.2, 3.0, z + 0.2), p(1.2, 3.0, z + 0.2), 0.12, 0.36);
        b.m.garland(&marigold(), p(-1.3, 3.2, z + 0.26), p(1.3, 3.2, z + 0.26), 0.5, 0.085, &MARIGOLD);
        for i in 0..12 {
            let s = if i % 2 == 0 { -1.0 } else { 1.0 };
            saucer_lamp(b, p(s * (1.8 + 0.42 * (i / 2) as f32), 0.02, z + 0.7), 0.07);
        }
        // And up the steps to the door.
        for step in 0..3 {
            for x in [-1.5f32, -1.25, 1.25, 1.5] {
                saucer_lamp(b, p(x, 0.14 * (step + 1) as f32, z + 0.73 - 0.34 * step as f32), 0.06);
            }
        }
    }
    oil_light(b, p(0.0, 2.0, z + 0.6), 6.0);
    oil_light(b, p(0.0, 1.5, z - 1.0), 3.0);
}

/// The sun stands across the hall, so that it comes in by the windows and lies between the pillars, as far as the aisle.
fn sun_between_pillars(b: &mut Builder<'_>) {
    let Some(Light::Sun { direction, irradiance, diameter_degrees }) = b.air.sun else { return };
    let side = direction[0].signum();
    let elevation = direction[1].asin().to_degrees().clamp(18.0, 34.0);
    let direction = towards(elevation, side * 90.0).to_array();
    b.air.sun = Some(Light::Sun { direction, irradiance: times(irradiance, 2.2), diameter_degrees });
}

fn hall_light(b: &mut Builder<'_>, half: f32, tall: f32) {
    let (day, strength) = if b.brief.dark() { ([0.42, 0.62, 1.0], 4.2) } else { (b.air.daylight, 6.0) };
    for side in [-1.0, 1.0] {
        b.panel(p(side * (half - 0.2), 2.5, 1.5), p(-side, -0.1, 0.0), (5.0, 0.9), times(day, strength));
        oil_light(b, p(side * 3.4, 1.1, -2.2), 2.0);
        oil_light(b, p(side * 3.5, 0.7, 3.0), 1.6);
        oil_light(b, p(side * 5.6, 2.6, -5.5), 3.4);
    }
    b.panel(p(0.0, tall - 0.2, 1.0), Vec3::NEG_Y, (2.6, 4.0), times(kelvin(5000.0), 3.2));
    if !b.brief.dark() {
        sun_between_pillars(b);
    }
    b.air.look.exposure_ev += 0.1;
    b.air.fog.density = if b.brief.dark() { 0.006 } else { 0.011 };
    b.air.fog.color = [0.05, 0.045, 0.05];
    b.air.rig.key = times(kelvin(2900.0), 1.4);
    b.key_from(p(-2.6, 2.4, 2.6));
    motes(b, p(-4.0, 0.5, -6.0), p(4.0, 3.6, 3.0), 50, 0.7);
    let seed = b.dice.seed();
    b.mover(Mover::Smoke {
        foot: p(1.5, 0.5, -7.6),
        rise: 2.6,
        puff: 0.1,
        wind: p(0.03, 0.0, 0.05),
        color: [0.5, 0.46, 0.42],
        seed,
    });
}

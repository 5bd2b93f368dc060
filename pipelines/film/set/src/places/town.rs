//! Where houses stand around: courtyard, village, market, a house from outside, the fronts of public buildings.

use crate::dressing::*;
use crate::kit::{Dice, Model, at, at_turned, p, scaled};
use crate::light::{kelvin, times};
use crate::set::{Builder, Flicker};
use crate::stuff::*;
use glam::Vec3;
use klieg_film_words::shot::Posture;
use klieg_film_words::story::{Place, Region, Verb};
use klieg_kernels::scene::{Geometry, Rgb};

/// What shines in windows at this hour.
fn lit(b: &Builder<'_>) -> Option<Rgb> {
    b.brief.dark().then_some([1.5, 0.9, 0.36])
}

/// Trees of the culture's land, as prototypes.
pub fn land_trees(b: &mut Builder<'_>) -> Vec<Geometry> {
    let mut dice = b.dice.fork(300);
    let st = style(b.brief);
    match b.brief.region() {
        Region::SouthIndian => (0..3)
            .map(|i| {
                let mut d = dice.fork(i);
                Model::of(|m| m.palm(&bark("#8A7358"), &leaf("#5C8038"), 7.5, &mut d))
            })
            .collect(),
        Region::MiddleEastern => (0..3)
            .map(|i| {
                let mut d = dice.fork(i);
                Model::of(|m| m.palm(&bark("#8A6E4C"), &leaf("#7A8C4A"), 5.5, &mut d))
            })
            .collect(),
        Region::African => trees(&mut dice, "#6B4E34", "#7A8A3E", 4.6, 3.4, 520),
        Region::Japanese | Region::Chinese | Region::Korean => (0..3)
            .map(|i| {
                let mut d = dice.fork(i);
                Model::of(|m| conifer(m, "#5A4334", "#46674A", 6.5, &mut d))
            })
            .collect(),
        _ => trees(&mut dice, "#5E4632", st.leaf, 5.5, 2.4, 700),
    }
}

/// Ground, hills and trees of the land around.
fn land(b: &mut Builder<'_>) {
    let st = style(b.brief);
    let seed = b.dice.seed();
    let soil = if b.brief.wet() { wet(st.soil) } else { st.soil };
    b.m.ground(&soil, 90.0, 1.2, 15.0, seed);
    b.m.hills(&leaf(if b.brief.region() == Region::MiddleEastern { "#B99A6E" } else { "#74895E" }), 75.0, 9.0, 4.0, seed);
    let kinds = land_trees(b);
    surround(b, &kinds, 46, 7.0, 34.0, (0.8, 1.4), 0.14);
}

/// A lamp for open places: on a post, or a fire where there are no wires.
fn outdoor_lamp(b: &mut Builder<'_>, x: f32, z: f32, strength: f32) {
    let on = b.brief.dark();
    if b.brief.old_days() || matches!(b.brief.region(), Region::African | Region::Fantasy) {
        if on {
            fire(b, p(x, 0.0, z), 0.28, strength * 0.4);
        } else {
            oil_light(b, p(x, 0.5, z), 0.3);
        }
    } else {
        street_lamp(b, p(x, 0.0, z), if x < 0.0 { 90.0 } else { -90.0 }, 3.6, on, strength);
        if !on {
            b.bulb(p(x, 3.3, z), 0.1, times(kelvin(2900.0), 0.4), Flicker::Steady);
        }
    }
}

pub fn village(b: &mut Builder<'_>) {
    land(b);
    let st = style(b.brief);
    let lit = lit(b);
    let mut dice = b.dice.fork(2);
    for (x, z, turn, w) in [
        (-7.6, -6.0, 38.0, 4.6),
        (7.9, -6.8, -40.0, 5.0),
        (-1.8, -10.5, 6.0, 5.2),
        (4.2, -14.0, -12.0, 4.6),
        (-9.4, 1.6, 82.0, 4.8),
        (9.6, 2.2, -84.0, 4.6),
        (-6.0, 13.0, 165.0, 4.8),
        (5.4, 13.6, 190.0, 5.2),
        (-13.0, -12.0, 30.0, 5.0),
        (13.5, -13.0, -35.0, 5.0),
    ] {
        let d = dice.range(3.6, 4.4);
        let tint = dice.shade(0.08);
        b.m.within(at_turned(x, 0.0, z, turn), |m| m.tinted(tint, |m| house(m, &st, p(w, 2.6, d), lit, &mut dice)));
        let out = at_turned(x, 0.0, z, turn).transform_point3(p(0.0, 1.7, d * 0.5 + 1.0));
        if b.brief.dark() {
            b.bulb(out, 0.15, times(kelvin(2300.0), 3.0), Flicker::Oil);
        }
    }
    well(b, p(-4.6, 0.0, -4.4));
    big_tree(b, p(6.0, 0.0, -3.0));
    b.m.within(at_turned(5.4, 0.0, -9.6, 150.0), |m| bullock_cart(m, &thatch("#C9A24A")));
    yard_things(b, 26);
    outdoor_lamp(b, -5.3, -2.3, 9.0);
    outdoor_lamp(b, 5.5, 3.6, 7.0);
    outdoor_lamp(b, 0.6, -7.4, 9.0);
    b.m.within(at_turned(-1.95, 0.0, -0.95, 30.0), |m| bench(m, &st.wood, 1.5, false));
    if b.brief.indian() {
        draw_kolam(&mut b.m, p(-1.7, 0.008, -7.3), 0.85);
        let marigold = petal("#EE9A24");
        b.m.garland(&marigold, p(-5.3, 3.2, -2.3), p(5.4, 3.4, -3.0), 0.7, 0.07, &[[1.0; 3], [1.05, 0.6, 0.35]]);
    }
    open_air(b);
    if b.brief.dark() {
        b.air.rig.key = times(kelvin(2400.0), 1.4);
        motes(b, p(-7.0, 0.3, -8.0), p(7.0, 2.4, 3.0), 36, 2.0);
    }
    hearth_smoke(b, p(-1.2, 3.6, -10.5));
    for (x, z, turn) in [
        (-4.2, -3.6, 100.0),
        (4.6, -6.0, -40.0),
        (-0.6, -7.2, 10.0),
        (-5.8, 1.8, 80.0),
        (6.0, 1.0, -80.0),
        (2.4, -8.6, 150.0),
        (-5.4, 9.0, 160.0),
    ] {
        b.figure(x, z, turn, Posture::Standing, if x < 0.0 { Verb::Work } else { Verb::Walk });
    }
}

fn hearth_smoke(b: &mut Builder<'_>, foot: Vec3) {
    let seed = b.dice.seed();
    b.mover(crate::life::Mover::Smoke { foot, rise: 2.6, puff: 0.26, wind: p(0.14, 0.0, 0.0), color: [0.55, 0.54, 0.53], seed });
}

fn well(b: &mut Builder<'_>, foot: Vec3) {
    b.m.within(at(foot.x, foot.y, foot.z), |m| {
        m.lathe(
            &stone("#8F877A"),
            &[(0.8, 0.0), (0.78, 0.7), (0.85, 0.72), (0.85, 0.85), (0.6, 0.85), (0.58, 0.2), (0.0, 0.2)],
            18,
        );
        for s in [-1.0, 1.0] {
            m.bar(&wood("#6B4A2E"), p(s * 0.75, 0.0, 0.0), p(s * 0.75, 2.0, 0.0), 0.06);
        }
        m.bar(&wood("#6B4A2E"), p(-0.9, 1.95, 0.0), p(0.9, 1.95, 0.0), 0.06);
        m.bar(&cloth("#B9A27A"), p(0.1, 1.9, 0.0), p(0.1, 1.1, 0.0), 0.018);
        pot(m, &brass(), p(0.1, 0.86, 0.0), 0.14, 0.07, 0.26);
    });
}

fn big_tree(b: &mut Builder<'_>, foot: Vec3) {
    let mut dice = b.dice.fork(310);
    let st = style(b.brief);
    b.m.within(at(foot.x, foot.y, foot.z), |m| {
        m.lathe(&stone("#9A8A72"), &[(1.3, 0.0), (1.3, 0.42), (1.2, 0.48), (0.0, 0.5)], 16);
        m.tree(&bark("#6B5138"), &leaf(st.leaf), 6.0, 3.0, 1500, &mut dice);
    });
}

/// Pots, baskets, sacks, crates, firewood around the edges.
fn yard_things(b: &mut Builder<'_>, count: u32) {
    let mut dice = b.dice.fork(320);
    let st = style(b.brief);
    let taken = needed(b.brief, 0.95);
    for i in 0..count {
        let (x, z) = (dice.off(9.0), dice.range(-10.0, 13.0));
        let turn = dice.range(0.0, 360.0);
        if taken(x, z) {
            continue;
        }
        b.m.within(at_turned(x, 0.0, z, turn), |m| match i % 6 {
            0 => pot(m, &st.pot, Vec3::ZERO, 0.24, 0.13, 0.42),
            1 => basket(m, 0.26, &paint("#C8552F"), &[[1.0; 3], [0.9, 1.2, 0.6]], &mut dice),
            2 => sack(m, 0.6, "#D2B26E"),
            3 => m.within(scaled(1.0), |m| crate_box(m, 0.42)),
            4 => (0..6).for_each(|k| {
                m.bar(
                    &bark("#6B4E34"),
                    p(-0.4, 0.08 + 0.13 * (k / 3) as f32, 0.15 * (k % 3) as f32),
                    p(0.4, 0.08 + 0.13 * (k / 3) as f32, 0.15 * (k % 3) as f32),
                    0.07,
                )
            }),
            _ => pot_plant(m, &stone("#9A5A38"), st.leaf, 0.9, &mut dice),
        });
    }
    let tuft = Model::of(|m| m.tuft(&leaf(st.leaf), 0.28, 14, 0.16, &mut dice));
    surround(b, &[tuft], 110, 0.6, 15.0, (0.6, 1.5), 0.2);
}

pub fn market(b: &mut Builder<'_>) {
    land(b);
    let st = style(b.brief);
    let lit = lit(b);
    let mut dice = b.dice.fork(2);
    b.m.block(&flagstone("#9A8B74", "#6E6252", 0.7), p(0.0, -0.05, -1.0), p(22.0, 0.1, 32.0), 0.0);
    const GOODS: [&[(&str, &str)]; 4] = [
        &[("#C8342B", "#8A2A20"), ("#E3A72F", "#B5761F"), ("#7A9A3A", "#4F6A2A")],
        &[("#E8892B", "#B85F1F"), ("#8A3A5A", "#5A2440"), ("#D9C27A", "#A98F4A")],
        &[("#D9542B", "#A83A20"), ("#F0D060", "#C9A030"), ("#E6E0D0", "#B9B2A0")],
        &[("#6B8F3A", "#3F5F2A"), ("#B5391F", "#7A2A1A"), ("#C98A4A", "#8A5A2A")],
    ];
    let stripes = [
        striped("#C8342B", "#EFE6D0", 0.36),
        striped("#2F6F8C", "#EFE6D0", 0.36),
        striped("#3F7A46", "#E9D9A8", 0.36),
        striped(st.accent, "#EFE6D0", 0.36),
    ];
    for (i, (x, z, turn)) in [
        (-6.4, -4.6, 62.0),
        (6.5, -4.2, -62.0),
        (-3.2, -6.6, 14.0),
        (3.1, -7.0, -10.0),
        (0.0, -10.4, 0.0),
        (-6.6, 0.6, 90.0),
        (6.7, 1.4, -90.0),
        (-6.4, 5.6, 96.0),
        (6.4, 6.4, -95.0),
        (-3.0, 12.2, 175.0),
        (2.4, 12.4, 185.0),
        (-7.8, -9.6, 40.0),
        (7.6, -9.8, -40.0),
    ]
    .into_iter()
    .enumerate()
    {
        let wide = dice.range(2.2, 2.8);
        b.m.within(at_turned(x, 0.0, z, turn), |m| stall(m, &st, &stripes[i % 4], wide, GOODS[i % 4], &mut dice));
        let bulb = at_turned(x, 0.0, z, turn).transform_point3(p(0.0, 2.0, 0.3));
        b.m.ball(&glow(if b.brief.dark() { [8.0, 5.0, 2.2] } else { [0.6, 0.5, 0.3] }), bulb, Vec3::splat(0.05), 8);
        if i < 9 {
            b.bulb(bulb, 0.08, times(kelvin(2500.0), if b.brief.dark() { 3.4 } else { 0.2 }), Flicker::Steady);
        }
    }
    for (x, z, turn, w, h) in [
        (-11.5, -9.0, 60.0, 7.0, 4.4),
        (11.5, -9.0, -60.0, 7.0, 4.6),
        (-4.5, -17.0, 8.0, 8.0, 4.8),
        (5.5, -18.0, -8.0, 8.0, 4.4),
        (-12.5, 2.0, 90.0, 8.0, 4.4),
        (12.5, 3.0, -90.0, 8.0, 4.4),
        (-6.0, 19.0, 175.0, 8.0, 4.4),
        (6.0, 19.0, 185.0, 8.0, 4.6),
    ] {
        b.m.within(at_turned(x, 0.0, z, turn), |m| house(m, &st, p(w, h, 5.0), lit, &mut dice));
    }
    for i in 0..5 {
        let z = 2.5 - 3.0 * i as f32;
        let (a, c) = (p(-6.5, 4.4, z), p(6.5, 4.2, z + dice.off(1.0)));
        bunting(b, a, c);
    }
    yard_things(b, 34);
    if b.brief.dark() {
        b.air.rig.key = times(kelvin(2600.0), 1.4);
    }
    open_air(b);
    for (i, (x, z, turn)) in [
        (-5.4, -3.2, 200.0),
        (5.2, -5.6, 190.0),
        (-1.2, -6.2, 60.0),
        (2.6, -8.8, -30.0),
        (-6.0, 8.6, 120.0),
        (5.2, 10.2, 200.0),
        (-4.4, -8.2, 10.0),
        (0.8, -9.2, 0.0),
        (-3.2, -7.4, 10.0),
        (5.9, -2.4, 100.0),
    ]
    .into_iter()
    .enumerate()
    {
        b.figure(x, z, turn, Posture::Standing, [Verb::Look, Verb::Walk, Verb::Take, Verb::Work][i % 4]);
    }
}

/// A string of little flags.
fn bunting(b: &mut Builder<'_>, a: Vec3, c: Vec3) {
    const FLAGS: [&str; 5] = ["#C8342B", "#E3A72F", "#2F6F8C", "#4F8A4A", "#E9DFC8"];
    let line = crate::kit::hang(a, c, 0.7, 26);
    b.m.cable(&cloth("#6B5A42"), a, c, 0.7, 0.01);
    for (i, q) in line.iter().enumerate() {
        let id = b.m.material(&cloth(FLAGS[i % 5]));
        let v = [*q - p(0.13, 0.0, 0.0), *q + p(0.13, 0.0, 0.0), *q - p(0.0, 0.34, -0.03)]
            .map(|v| b.m.vertex(v, Vec3::Z, v.to_array()));
        b.m.geometry.triangle(v[0], v[1], v[2], id);
    }
}

pub fn courtyard(b: &mut Builder<'_>) {
    let st = style(b.brief);
    let lit = lit(b);
    let mut dice = b.dice.fork(2);
    let seed = dice.seed();
    b.m.ground(&st.soil, 70.0, 0.5, 18.0, seed);
    b.m.block(&flagstone("#A3937A", "#73664F", 0.6), p(0.0, -0.05, 0.8), p(16.0, 0.1, 18.0), 0.0);
    // Galleries on all four sides; the far one is the house's front.
    for (x, z, turn, long) in [(0.0, -7.0, 0.0, 13.0), (-6.6, 1.0, 90.0, 16.0), (6.6, 1.0, -90.0, 16.0), (0.0, 10.2, 180.0, 13.0)] {
        b.m.within(at_turned(x, 0.0, z, turn), |m| gallery(m, &st, long, lit, &mut dice));
    }
    hero_of_court(b);
    for (x, z) in [(-4.9, -4.2), (4.9, -4.3), (-4.9, 8.6), (4.9, 8.8)] {
        b.m.within(at(x, 0.0, z), |m| pot_plant(m, &stone("#9A5A38"), st.leaf, 1.5, &mut dice));
    }
    for (x, z, k) in [(-4.7, -2.4, 4.0), (4.7, -2.6, 4.0), (-4.7, 4.5, 3.0), (4.7, 5.0, 3.0), (0.0, -5.4, 5.0)] {
        let strength = if b.brief.dark() { k } else { 0.4 };
        lantern(b, p(x, 2.9, z), 0.17, [2.0, 1.0, 0.4], strength);
    }
    b.m.within(at_turned(-1.95, 0.0, -0.95, 30.0), |m| bench(m, &st.wood, 1.5, false));
    yard_things(b, 20);
    if b.brief.dark() {
        b.air.rig.key = times(kelvin(2500.0), 1.4);
    }
    let kinds = land_trees(b);
    surround(b, &kinds, 24, 8.0, 26.0, (0.8, 1.3), 0.12);
    open_air(b);
    for (x, z, turn) in [(-4.9, -1.0, 80.0), (4.8, 1.2, -90.0), (-2.6, -5.8, 10.0), (2.8, -6.0, -10.0)] {
        b.figure(x, z, turn, Posture::Standing, Verb::Work);
    }
}

fn gallery(m: &mut Model, st: &Style, long: f32, lit: Option<Rgb>, dice: &mut crate::kit::Dice) {
    let tall = 2.9;
    let n = (long / 2.6) as i32;
    let holes: Vec<Hole> = (0..n)
        .map(|i| hole((i as f32 + 0.5) / n as f32 * long - long * 0.5, 1.0, if i % 2 == 0 { 0.0 } else { 0.9 }, 2.2))
        .collect();
    m.within(at(0.0, 0.15, -1.5), |m| {
        wall(m, &st.wall, long, tall + 2.2, 0.2, &holes);
        band(m, &st.dado, long, 0.0, 0.7, 0.04, &holes);
        for (i, h) in holes.iter().enumerate() {
            let pane = lit.map_or_else(|| paint("#3A3430"), glow);
            if i % 2 == 0 {
                door_leaf(m, &st.trim, &brass(), *h, dice.range(-40.0, 0.0));
            } else {
                window_frame(m, &st.trim, *h, 1, 1, Some(&pane));
            }
        }
    });
    m.block(&st.dado, p(0.0, 0.07, -0.7), p(long, 0.16, 1.9), 0.02);
    for i in 0..=n {
        let x = (i as f32 / n as f32 - 0.5) * (long - 0.4);
        m.within(at(x, 0.15, 0.0), |m| {
            m.stand(&st.dado, Vec3::ZERO, p(0.34, 0.3, 0.34), 0.03);
            m.lathe(&st.wood, &[(0.14, 0.3), (0.11, 0.5), (0.12, 1.2), (0.09, tall - 0.6), (0.16, tall - 0.35)], 12);
            m.block(&st.wood, p(0.0, tall - 0.26, 0.0), p(0.7, 0.16, 0.2), 0.03);
        });
    }
    m.block(&st.wood, p(0.0, tall, 0.0), p(long, 0.2, 0.2), 0.02);
    m.sheet(&st.roof, 16, 4, |u, v| p((u - 0.5) * (long + 0.4), tall + 1.15 - 1.15 * v, -1.6 + 2.3 * v));
}

/// What stands in the middle of the far side: a tulsi altar, a fountain, a tree.
fn hero_of_court(b: &mut Builder<'_>) {
    let mut dice = b.dice.fork(330);
    let place = at(0.0, 0.0, -4.3);
    match b.brief.region() {
        Region::SouthIndian | Region::NorthIndian => {
            b.m.within(place, |m| {
                for i in 0..3 {
                    m.stand(
                        &plaster(["#C8552F", "#E9DFC8", "#C8552F"][i]),
                        p(0.0, 0.2 * i as f32, 0.0),
                        p(1.3 - 0.25 * i as f32, 0.2, 1.3 - 0.25 * i as f32),
                        0.03,
                    );
                }
                m.stand(&plaster("#E9DFC8"), p(0.0, 0.6, 0.0), p(0.6, 0.5, 0.6), 0.04);
                m.leaf_cloud(&leaf("#5E8A3A"), p(0.0, 1.4, 0.0), p(0.4, 0.4, 0.4), 220, 0.1, &mut dice);
                draw_kolam(m, p(0.0, 0.012, 1.65), 0.85);
            });
            for x in [-0.5, 0.5] {
                saucer_lamp(b, p(x, 0.2, -3.65), 0.07);
            }
            oil_light(b, p(0.0, 0.8, -3.5), if b.brief.dark() { 2.5 } else { 0.4 });
        }
        Region::African | Region::Fantasy => big_tree(b, p(0.0, 0.0, -4.4)),
        _ => {
            b.m.within(place, |m| {
                let rock = stone("#A59B87");
                m.lathe(&rock, &[(1.3, 0.0), (1.3, 0.4), (1.4, 0.48), (1.15, 0.48), (1.1, 0.3), (0.0, 0.3)], 24);
                m.lathe(&rock, &[(0.25, 0.3), (0.14, 0.9), (0.6, 1.05), (0.62, 1.1), (0.1, 1.06), (0.1, 1.4), (0.0, 1.5)], 16);
            });
            let seed = b.dice.seed();
            let drop = klieg_kernels::scene::Material { emission: [0.12, 0.14, 0.16], ..paint("#C9D6DC") };
            b.mover(crate::life::Mover::Falling {
                air: crate::life::Air3 { low: p(-0.6, 0.4, -4.9), high: p(0.6, 1.3, -3.7) },
                count: 90,
                size: 0.03,
                speed: 1.6,
                drift: Vec3::ZERO,
                material: drop,
                seed,
            });
            b.mover(crate::life::Mover::Water {
                centre: p(0.0, 0.42, -4.3),
                half: (0.8, 0.8),
                wave: 0.01,
                material: water("#3A5A5E"),
            });
        }
    }
}

pub fn house_front(b: &mut Builder<'_>) {
    land(b);
    let st = style(b.brief);
    let lit = lit(b);
    let mut dice = b.dice.fork(2);
    b.m.within(at(0.0, 0.0, -7.2), |m| house(m, &st, p(8.6, 3.1, 5.4), lit, &mut dice));
    // The veranda.
    b.m.within(at(0.0, 0.0, -3.8), |m| {
        m.stand(&st.dado, p(0.0, 0.0, 0.0), p(8.6, 0.3, 1.9), 0.03);
        m.within(at(0.0, 0.0, 1.5), |m| m.stairs(&st.dado, 1.8, 2, 0.15, 0.3));
        for i in 0..5 {
            let x = -4.0 + 2.0 * i as f32;
            m.within(at(x, 0.3, 0.75), |m| {
                m.lathe(&st.wood, &[(0.15, 0.0), (0.1, 0.25), (0.11, 1.0), (0.08, 2.1), (0.16, 2.35)], 12)
            });
        }
        m.block(&st.wood, p(0.0, 2.72, 0.75), p(8.6, 0.18, 0.18), 0.02);
        m.sheet(&st.roof, 16, 4, |u, v| p((u - 0.5) * 9.0, 3.3 - 0.65 * v, -0.9 + 2.1 * v));
    });
    for (x, z, turn, w) in [
        (-12.0, -9.0, 25.0, 6.0),
        (12.5, -9.6, -25.0, 6.0),
        (-13.0, 4.0, 85.0, 6.0),
        (13.0, 5.0, -85.0, 6.0),
        (-6.0, 18.0, 175.0, 6.5),
        (6.0, 18.0, 185.0, 6.5),
    ] {
        b.m.within(at_turned(x, 0.0, z, turn), |m| house(m, &st, p(w, 2.9, 4.6), lit, &mut dice));
    }
    for (x, z, turn, long) in [(-6.4, 0.0, 90.0, 10.0), (6.4, 0.0, -90.0, 10.0)] {
        b.m.within(at_turned(x, 0.0, z, turn), |m| garden_wall(m, &st.wall, &st.dado, long, 1.1));
    }
    b.m.block(&flagstone("#A3937A", "#73664F", 0.5), p(0.0, -0.05, 0.0), p(2.4, 0.11, 20.0), 0.0);
    yard_things(b, 26);
    big_tree(b, p(-6.6, 0.0, -5.4));
    outdoor_lamp(b, 5.6, -1.8, 9.0);
    outdoor_lamp(b, -5.6, 4.0, 8.0);
    let porch = if b.brief.dark() { 4.0 } else { 0.5 };
    lantern(b, p(0.0, 2.7, -3.6), 0.16, [2.0, 1.1, 0.45], porch);
    if b.brief.indian() {
        draw_kolam(&mut b.m, p(0.0, 0.012, -1.5), 0.7);
    }
    if b.brief.dark() {
        b.air.rig.key = times(kelvin(2600.0), 1.35);
    }
    open_air(b);
    for (x, z, turn) in [(-3.0, -3.9, 20.0), (3.2, -3.7, -20.0), (6.0, 9.0, 190.0)] {
        b.figure(x, z, turn, Posture::Standing, Verb::Stand);
    }
}

/// The outside of a public building: café, shop, school, station, palace.
pub fn front(b: &mut Builder<'_>) {
    let st = style(b.brief);
    let mut dice = b.dice.fork(2);
    let seed = dice.seed();
    b.m.ground(&st.soil, 90.0, 0.6, 22.0, seed);
    b.m.block(&flagstone("#97907F", "#68614F", 0.8), p(0.0, -0.05, -1.0), p(30.0, 0.1, 30.0), 0.0);
    let dark = b.brief.dark();
    let pane = if dark {
        glow([1.2, 0.78, 0.36])
    } else {
        klieg_kernels::scene::Material { coat: 1.0, roughness: 0.1, ..paint("#39424A") }
    };
    let (w, h, floors) = match b.brief.place {
        Place::Palace => (18.0, 4.2, 2),
        Place::School | Place::Station => (15.0, 3.8, 2),
        _ => (9.0, 3.4, 2),
    };
    b.m.within(at(0.0, 0.0, -6.4), |m| public_front(m, &st, b.brief.place, w, h, floors, &pane));
    if b.brief.place == Place::Station {
        b.m.within(at_turned(9.0, -0.2, 14.5, 90.0), |m| railway_coach(m, st.accent, dark));
    }
    let lit = lit(b);
    for (x, z, turn) in
        [(-14.0, -8.0, 30.0), (14.0, -8.0, -30.0), (-15.0, 4.0, 90.0), (15.0, 4.0, -90.0), (-7.0, 20.0, 178.0), (7.0, 20.0, 182.0)]
    {
        b.m.within(at_turned(x, 0.0, z, turn), |m| house(m, &st, p(7.0, 4.0, 5.0), lit, &mut dice));
    }
    for (x, z) in [(-5.7, -2.4), (5.7, -2.6), (-5.7, 5.0), (5.7, 6.0)] {
        outdoor_lamp(b, x, z, 11.0);
    }
    let kinds = land_trees(b);
    surround(b, &kinds, 26, 6.0, 26.0, (0.7, 1.1), 0.12);
    for (x, z) in [(-4.4, -3.6), (4.4, -3.6), (-6.6, 1.0), (6.6, 1.4)] {
        b.m.within(at(x, 0.0, z), |m| pot_plant(m, &stone("#9A8A72"), st.leaf, 1.4, &mut dice));
    }
    b.m.within(at_turned(-6.3, 0.0, -0.6, 60.0), |m| bench(m, &st.wood, 1.6, true));
    b.m.within(at_turned(6.3, 0.0, 3.6, -80.0), |m| bench(m, &st.wood, 1.6, true));
    match b.brief.place {
        Place::Cafe => terrace(b, &st, &mut dice),
        Place::Station => b.m.within(at_turned(-2.1, 0.0, -0.9, 30.0), |m| bench(m, &st.wood, 1.5, true)),
        _ => {}
    }
    yard_things(b, 18);
    if dark {
        b.air.rig.key = times(kelvin(2700.0), 1.4);
    }
    open_air(b);
    for (x, z, turn) in [(-4.0, -4.2, 40.0), (4.4, -4.6, -30.0), (-6.2, 2.4, 90.0), (6.4, 8.0, 200.0), (1.6, -5.0, 180.0)] {
        b.figure(x, z, turn, Posture::Standing, Verb::Walk);
    }
}

/// Tables on the pavement: one where people sit and play, two with parasols beside it.
fn terrace(b: &mut Builder<'_>, st: &Style, dice: &mut Dice) {
    let round = |m: &mut Model| {
        round_table(m, &st.wood, &iron(), 0.36, 0.73);
        for (x, z) in [(-0.14, 0.05), (0.15, -0.06)] {
            cup(m, &lacquer("#E8E2D4"), p(x, 0.745, z), 0.035, 0.06);
        }
    };
    b.m.within(at(0.0, 0.0, -0.4), round);
    for (x, turn) in [(-0.85, 80.0), (0.85, -80.0)] {
        b.m.within(at_turned(x, 0.0, -0.4, turn), |m| chair(m, &st.wood, &st.cloth));
    }
    for (x, z) in [(-3.9, -2.6), (3.8, -2.9)] {
        let turn = dice.range(0.0, 180.0);
        b.m.within(at_turned(x, 0.0, z, turn), |m| {
            round(m);
            m.bar(&st.wood, p(0.0, 0.0, 0.0), p(0.0, 2.4, 0.0), 0.025);
            m.lathe(&st.cloth2, &[(1.15, 2.05), (0.6, 2.3), (0.0, 2.42)], 8);
            for z in [-0.68, 0.68] {
                m.within(at_turned(0.0, 0.0, z, if z < 0.0 { 0.0 } else { 180.0 }), |m| chair(m, &st.wood, &st.cloth));
            }
        });
    }
}

fn public_front(m: &mut Model, st: &Style, place: Place, w: f32, h: f32, floors: u32, pane: &klieg_kernels::scene::Material) {
    let depth = 6.0;
    m.block(&st.wall, p(0.0, h * floors as f32 * 0.5, -depth * 0.5), p(w, h * floors as f32, depth), 0.02);
    m.block(&st.dado, p(0.0, 0.45, 0.05), p(w, 0.9, 0.12), 0.02);
    let n = (w / 2.2) as i32;
    for floor in 0..floors {
        for i in 0..n {
            let x = (i as f32 + 0.5) / n as f32 * w - w * 0.5;
            let y = h * floor as f32;
            if floor == 0 && x.abs() < 1.2 {
                continue;
            }
            m.block(pane, p(x, y + 1.95, 0.02), p(1.1, 1.7, 0.06), 0.0);
            m.block(&st.trim, p(x, y + 1.05, 0.1), p(1.4, 0.12, 0.26), 0.02);
            m.block(&st.trim, p(x, y + 1.95, 0.06), p(0.06, 1.7, 0.06), 0.0);
            m.within(at(x, y + 2.8, 0.06), |m| m.arch(&st.trim, 0.55, 0.14, 0.16, 0.2));
        }
        m.block(&st.trim, p(0.0, h * (floor + 1) as f32, 0.12), p(w + 0.2, 0.24, 0.4), 0.05);
    }
    m.block(&planks("#5A3A26", 0.24), p(0.0, 1.2, 0.06), p(1.7, 2.4, 0.12), 0.02);
    m.within(at(0.0, 2.4, 0.1), |m| m.arch(&st.trim, 0.85, 0.24, 0.36, 0.3));
    m.within(at(0.0, 0.0, 1.0), |m| m.stairs(&stone("#A59B87"), 3.4, 3, 0.12, 0.32));
    for s in [-1.0, 1.0] {
        m.within(at(s * 1.5, 0.0, 0.5), |m| {
            m.lathe(&st.trim, &[(0.26, 0.0), (0.26, 0.2), (0.18, 0.3), (0.15, h - 0.6), (0.26, h - 0.3), (0.26, h - 0.1)], 14)
        });
    }
    m.block(&st.trim, p(0.0, h - 0.02, 0.5), p(3.7, 0.26, 1.1), 0.04);
    match place {
        Place::Palace => {
            for x in [-w * 0.42, 0.0, w * 0.42] {
                let r = if x == 0.0 { 2.4 } else { 1.5 };
                m.within(at(x, h * floors as f32, -2.0), |m| {
                    m.lathe(
                        &st.trim,
                        &[(r, 0.0), (r * 1.04, r * 0.4), (r * 0.9, r * 0.9), (r * 0.5, r * 1.3), (0.1, r * 1.6), (0.0, r * 1.8)],
                        24,
                    );
                    m.lathe(&gold(), &[(0.1, r * 1.6), (0.16, r * 1.75), (0.0, r * 2.1)], 10);
                });
            }
        }
        Place::Station | Place::School => {
            m.within(at(0.0, h * floors as f32, -0.6), |m| {
                m.stand(&st.wall, Vec3::ZERO, p(2.2, 2.6, 2.2), 0.04);
                m.lathe_faceted(&st.roof, &[(2.0, 2.6), (0.0, 4.4)], 4, std::f32::consts::FRAC_PI_4);
                m.ball(&paint("#EFE8D4"), p(0.0, 1.6, 1.12), p(0.7, 0.7, 0.05), 24);
                m.block(&paint("#22262A"), p(0.0, 1.8, 1.18), p(0.05, 0.42, 0.02), 0.0);
                m.block(&paint("#22262A"), p(0.14, 1.6, 1.18), p(0.3, 0.05, 0.02), 0.0);
            });
        }
        _ => {
            m.block(&lacquer(st.accent), p(0.0, h - 0.5, 0.2), p(w * 0.8, 0.6, 0.1), 0.02);
            m.sheet(&striped(st.accent, "#EFE6D0", 0.4), 16, 4, |u, v| p((u - 0.5) * w * 0.9, h - 0.8 - 0.5 * v, 0.1 + 1.4 * v));
        }
    }
    m.within(at(0.0, h * floors as f32 + 0.1, -depth * 0.5), |m| m.block(&st.roof, Vec3::ZERO, p(w + 0.5, 0.2, depth + 0.5), 0.04));
}

/// A railway coach along z, its windows lit at night.
pub fn railway_coach(m: &mut Model, accent: &str, dark: bool) {
    let pane = if dark { glow([1.3, 0.9, 0.45]) } else { paint("#39424A") };
    m.block(&lacquer("#6B3A2E"), p(0.0, 1.7, 0.0), p(2.8, 2.2, 22.0), 0.2);
    m.block(&lacquer(accent), p(0.0, 1.35, 0.0), p(2.84, 0.24, 22.0), 0.0);
    m.block(&lacquer("#3A3A3C"), p(0.0, 2.95, 0.0), p(2.6, 0.4, 21.8), 0.18);
    for i in 0..15 {
        let z = -9.8 + 1.4 * i as f32;
        for s in [-1.0, 1.0] {
            m.block(&pane, p(s * 1.4, 2.15, z), p(0.06, 0.75, 0.95), 0.0);
        }
    }
    for z in [-8.0, -6.6, 6.6, 8.0] {
        for s in [-1.0, 1.0] {
            wheel(m, p(s * 1.05, 0.46, z), 0.46, 0.16);
        }
    }
}

//! Houses, walls, trees and far things that open sets share.

use super::{Hole, Roof, Style, door_leaf, hole, wall, window_frame};
use crate::kit::{Dice, Field, Model, at, at_turned, p, pitch, scatter};
use crate::set::Builder;
use crate::stuff::*;
use crate::{SetBrief, floor_plan};
use glam::Vec3;
use klieg_kernels::scene::{Geometry, Material, Rgb};

/// Whether (x, z) is needed by people or the camera: nothing tall may stand there.
pub fn needed(brief: &SetBrief, margin: f32) -> impl Fn(f32, f32) -> bool + use<> {
    let plan = floor_plan(brief);
    move |x, z| x.abs() < plan.camera_x + margin && z > plan.back_z - margin && z < plan.camera_z + margin
}

/// A small house standing on y = 0, front towards +z: walls with holes, door, lit or dark windows, its culture's roof, a step.
pub fn house(m: &mut Model, style: &Style, size: Vec3, lit: Option<Rgb>, dice: &mut Dice) {
    let (w, h, d) = (size.x, size.y, size.z);
    let door_x = dice.range(-0.16, 0.16) * w;
    let door = hole(door_x, 0.95, 0.0, h.min(2.6) * 0.78);
    let holes = front_holes(w, h, door, dice);
    m.within(at(0.0, 0.0, d * 0.5), |m| {
        wall(m, &style.wall, w, h, 0.14, &holes);
        door_leaf(m, &style.wood, &brass(), door, dice.range(-50.0, 0.0));
        let pane = lit.map_or_else(|| paint("#2A2E33"), glow);
        for h in holes.iter().filter(|h| h.y0 > 0.1) {
            window_frame(m, &style.trim, *h, 1, 1, Some(&pane));
            shutters(m, &style.trim, *h, dice);
        }
        m.block(&style.dado, p(door.x0 - (door.x0 + w * 0.5) * 0.5, 0.28, 0.03), p(door.x0 + w * 0.5, 0.56, 0.06), 0.01);
        m.block(&style.dado, p(door.x1 + (w * 0.5 - door.x1) * 0.5, 0.28, 0.03), p(w * 0.5 - door.x1, 0.56, 0.06), 0.01);
        m.stand(&style.dado, p(door_x, 0.0, 0.3), p(1.4, 0.14, 0.6), 0.02);
    });
    for (x, z, turn, long) in [(-w * 0.5, 0.0, -90.0, d), (w * 0.5, 0.0, 90.0, d), (0.0, -d * 0.5, 180.0, w)] {
        m.within(at_turned(x, 0.0, z, turn), |m| {
            let side = if long > 2.4 { vec![hole(0.0, 0.8, h * 0.36, h * 0.72)] } else { Vec::new() };
            wall(m, &style.wall, long, h, 0.14, &side);
            for h in &side {
                window_frame(m, &style.trim, *h, 1, 1, Some(&lit.map_or_else(|| paint("#2A2E33"), glow)));
            }
        });
    }
    m.within(at(0.0, h, 0.0), |m| roof_over(m, style, w, d, dice));
}

fn front_holes(w: f32, h: f32, door: Hole, dice: &mut Dice) -> Vec<Hole> {
    let mut holes = Vec::new();
    let window = |x: f32| hole(x, 0.72, h.min(2.8) * 0.36, h.min(2.8) * 0.72);
    let left = (-w * 0.5 + door.x0) * 0.5;
    if door.x0 + w * 0.5 > 1.3 {
        holes.push(window(left + dice.off(0.06)));
    }
    holes.push(door);
    if w * 0.5 - door.x1 > 1.3 {
        holes.push(window((w * 0.5 + door.x1) * 0.5));
    }
    holes
}

fn shutters(m: &mut Model, material: &Material, h: Hole, dice: &mut Dice) {
    let (w, t) = ((h.x1 - h.x0) * 0.5, h.y1 - h.y0);
    for (x, side) in [(h.x0, -1.0), (h.x1, 1.0)] {
        let open = dice.range(115.0, 170.0) * side;
        m.within(at_turned(x, h.y0, 0.04, -open), |m| {
            m.block(material, p(-side * w * 0.5, t * 0.5, 0.0), p(w, t, 0.04), 0.008);
            for i in 0..5 {
                m.block(material, p(-side * w * 0.5, t * (0.15 + 0.175 * i as f32), 0.025), p(w * 0.8, 0.03, 0.02), 0.0);
            }
        });
    }
}

/// The roof of a house w × d, eaves at y = 0.
pub fn roof_over(m: &mut Model, style: &Style, w: f32, d: f32, dice: &mut Dice) {
    match style.form {
        Roof::Tiled | Roof::Slate => {
            m.gable(&style.roof, &style.wall, w, d, w * if style.form == Roof::Slate { 0.42 } else { 0.3 }, 0.4);
            if style.form == Roof::Slate {
                m.stand(&brick("#7E4A3A"), p(w * 0.25, w * 0.12, -d * 0.2), p(0.5, w * 0.42, 0.5), 0.03);
            }
        }
        Roof::Thatched => {
            let r = w.max(d) * 0.74;
            let eave =
                [(r * 1.02, -0.42), (r, -0.3), (r * 0.62, r * 0.32), (r * 0.25, r * 0.66), (0.05, r * 0.82), (0.0, r * 0.84)];
            m.lathe(&style.roof, &eave, 20);
        }
        Roof::Flat | Roof::Dome => {
            m.block(&style.roof, p(0.0, 0.06, 0.0), p(w + 0.3, 0.14, d + 0.3), 0.03);
            for (x, z, bw, bd) in
                [(0.0, d * 0.5, w, 0.14), (0.0, -d * 0.5, w, 0.14), (w * 0.5, 0.0, 0.14, d), (-w * 0.5, 0.0, 0.14, d)]
            {
                m.stand(&style.wall, p(x, 0.1, z), p(bw + 0.14, 0.5, bd + 0.14), 0.03);
            }
            if style.form == Roof::Dome && dice.chance(0.6) {
                let r = w.min(d) * 0.36;
                m.lathe(
                    &plaster("#E8DCC4"),
                    &[(r, 0.1), (r * 1.03, 0.3), (r * 0.94, r * 0.55), (r * 0.6, r * 0.95), (r * 0.2, r * 1.15), (0.0, r * 1.25)],
                    20,
                );
            }
        }
        Roof::Curved => curved_roof(m, &style.roof, &style.wood, w, d, w * 0.34),
    }
}

/// A hipped roof whose corners lift, with ridge and rafters' ends.
pub fn curved_roof(m: &mut Model, tile: &Material, timber: &Material, w: f32, d: f32, rise: f32) {
    let over = 0.6;
    for side in 0..4 {
        let (half, run) = if side % 2 == 0 { (w * 0.5, d * 0.5) } else { (d * 0.5, w * 0.5) };
        let ridge = if side % 2 == 0 { (w - d).max(0.3) * 0.5 } else { (d - w).max(0.3) * 0.5 };
        m.within(at_turned(0.0, 0.0, 0.0, side as f32 * 90.0), |m| {
            let eave = |u: f32, v: f32, drop: f32| {
                let x = (u * 2.0 - 1.0) * ((half + over) * (1.0 - v) + ridge * v);
                let z = (run + over) * (1.0 - v) + 0.02 * v;
                let sweep = 0.34 * (u * 2.0 - 1.0).abs().powi(3) * (1.0 - v).powi(2);
                p(x, rise * (v * (0.62 + 0.38 * v)) - 0.12 + sweep - drop, z)
            };
            m.sheet(tile, 14, 6, |u, v| eave(u, v, 0.0));
            m.sheet(timber, 14, 2, |u, v| eave(u, v * 0.4, 0.14));
            m.sheet(tile, 14, 1, |u, v| eave(u, 0.0, 0.14 * (1.0 - v)));
            for i in 0..10 {
                let at = eave(0.04 + 0.92 * i as f32 / 9.0, 0.04, 0.2);
                m.block(timber, at, p(0.08, 0.1, 0.3), 0.0);
            }
        });
    }
    let ridge = (w - d).abs().max(0.6) + 0.5;
    let turned = if w >= d { 0.0 } else { 90.0 };
    m.within(at_turned(0.0, rise - 0.1, 0.0, turned), |m| {
        m.block(tile, p(0.0, 0.1, 0.0), p(ridge, 0.26, 0.24), 0.05);
        for s in [-1.0, 1.0] {
            m.block(tile, p(s * ridge * 0.5, 0.24, 0.0), p(0.18, 0.3, 0.2), 0.06);
        }
    });
}

/// Prototypes of broad-leaved trees: three of each, to be stamped with turn and scale.
pub fn trees(dice: &mut Dice, bark_hex: &str, leaf_hex: &str, tall: f32, spread: f32, leaves: u32) -> Vec<Geometry> {
    (0..3)
        .map(|i| {
            let mut d = dice.fork(900 + i);
            Model::of(|m| m.tree(&bark(bark_hex), &leaf(leaf_hex), tall, spread, leaves, &mut d))
        })
        .collect()
}

/// A pine, a cedar: whorls of drooping boughs.
pub fn conifer(m: &mut Model, bark_hex: &str, leaf_hex: &str, tall: f32, dice: &mut Dice) {
    m.tube(
        &bark(bark_hex),
        &[p(0.0, 0.0, 0.0), p(dice.off(0.1), tall * 0.5, 0.0), p(0.0, tall, 0.0)],
        |t| tall * 0.025 * (1.1 - t),
        7,
    );
    let green = leaf(leaf_hex);
    for i in 0..9 {
        let t = 0.16 + 0.84 * i as f32 / 9.0;
        let r = tall * 0.22 * (1.08 - t) * dice.range(0.85, 1.15);
        m.leaf_cloud(&green, p(dice.off(0.05), tall * t, dice.off(0.05)), p(r, tall * 0.05, r), 46, tall * 0.05, dice);
    }
}

/// Far house fronts in a ring or row: `count` blocks with windows between `low` and `high` metres.
pub fn skyline(m: &mut Model, wall_hex: &str, light: Rgb, z: f32, half: f32, heights: (f32, f32), dice: &mut Dice) {
    let mut x = -half;
    while x < half {
        let wide = dice.range(3.0, 7.0);
        let tall = dice.range(heights.0, heights.1);
        let tint = dice.shade(0.2);
        m.tinted(tint, |m| {
            m.stand(&lit_windows(wall_hex, light, 1.3), p(x + wide * 0.5, -0.5, z + dice.off(2.0)), p(wide, tall, 4.0), 0.0)
        });
        x += wide * dice.range(0.8, 1.1);
    }
}

/// A low wall of masonry along x, coped.
pub fn garden_wall(m: &mut Model, body: &Material, cope: &Material, wide: f32, tall: f32) {
    m.stand(body, Vec3::ZERO, p(wide, tall, 0.3), 0.02);
    m.within(at_turned(0.0, tall, 0.0, 90.0), |m| m.gable(cope, body, 0.5, wide, 0.12, 0.06));
    m.block(cope, p(0.0, tall + 0.04, 0.0), p(wide, 0.1, 0.46), 0.03);
}

/// A market stall: table, posts, striped awning, produce in baskets.
pub fn stall(m: &mut Model, style: &Style, awning: &Material, wide: f32, goods: &[(&str, &str)], dice: &mut Dice) {
    m.stand(&style.wood, p(0.0, 0.0, 0.0), p(wide, 0.78, 0.9), 0.02);
    m.within(at(0.0, 0.8, 0.05) * pitch(8.0), |m| {
        m.block(&style.cloth2, p(0.0, 0.0, 0.0), p(wide * 1.02, 0.03, 1.0), 0.01);
        let n = (wide / 0.46) as usize;
        for i in 0..n {
            for z in [-0.22, 0.24] {
                let (fruit, dark) = goods[(i + (z > 0.0) as usize * 2 + dice.below(2)) % goods.len()];
                let fruit = paint(fruit);
                let tints = [[1.0; 3], klieg_kernels::scene::srgb(dark).map(|c| 0.6 + c)];
                m.within(at((i as f32 + 0.5) / n as f32 * wide - wide * 0.5, 0.02, z), |m| {
                    super::basket(m, 0.2, &fruit, &tints, dice);
                });
            }
        }
    });
    for (x, z, t) in [(-1.0, -0.5, 2.35), (1.0, -0.5, 2.35), (-1.0, 0.6, 2.0), (1.0, 0.6, 2.0)] {
        m.bar(&style.wood, p(x * wide * 0.5, 0.0, z), p(x * wide * 0.5, t, z), 0.035);
    }
    m.sheet(awning, 16, 6, |u, v| {
        let sag = 0.08 * (u * std::f32::consts::PI).sin() * (v * std::f32::consts::PI).sin();
        p((u - 0.5) * (wide + 0.3), 2.4 - 0.45 * v - sag, -0.6 + 1.45 * v)
    });
    m.sheet(awning, 24, 1, |u, v| p((u - 0.5) * (wide + 0.3), 1.95 - (0.14 + 0.05 * (u * 50.0).sin()) * v, 0.86));
}

/// Trees, bushes or rocks all around outside the needed space.
pub fn surround(b: &mut Builder<'_>, what: &[Geometry], count: u32, inner: f32, outer: f32, size: (f32, f32), shade: f32) {
    let keep = needed(b.brief, inner);
    let mut dice = b.dice.fork(u64::from(count) + what.len() as u64 * 31);
    let field = Field { x: (-outer, outer), z: (-outer, outer), keep_out: &keep };
    scatter(&mut b.m, what, count, &field, size, shade, &mut dice);
}

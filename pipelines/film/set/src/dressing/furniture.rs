//! Furniture and what stands on it, each piece standing on y = 0 around x = z = 0, facing +z.

use crate::kit::{Dice, Model, at, at_turned, p, pitch};
use crate::stuff::*;
use glam::Vec3;
use klieg_kernels::scene::{Material, Rgb};

pub fn table(m: &mut Model, wood: &Material, wide: f32, deep: f32, tall: f32) {
    m.block(wood, p(0.0, tall - 0.025, 0.0), p(wide, 0.05, deep), 0.012);
    m.block(wood, p(0.0, tall - 0.1, 0.0), p(wide * 0.88, 0.1, deep * 0.82), 0.0);
    for (x, z) in [(-1.0, -1.0), (1.0, -1.0), (-1.0, 1.0), (1.0, 1.0)] {
        m.stand(wood, p(x * (wide * 0.5 - 0.07), 0.0, z * (deep * 0.5 - 0.07)), p(0.07, tall - 0.05, 0.07), 0.01);
    }
}

pub fn round_table(m: &mut Model, top: &Material, leg: &Material, radius: f32, tall: f32) {
    m.within(at(0.0, 0.0, 0.0), |m| {
        m.lathe(top, &[(0.0, tall), (radius, tall), (radius + 0.012, tall - 0.015), (radius, tall - 0.03), (0.0, tall - 0.03)], 24);
        m.lathe(leg, &[(0.24, 0.0), (0.24, 0.02), (0.05, 0.05), (0.035, tall * 0.5), (0.05, tall - 0.03)], 12);
    });
}

pub fn chair(m: &mut Model, wood: &Material, seat: &Material) {
    m.block(seat, p(0.0, 0.45, 0.0), p(0.44, 0.06, 0.42), 0.02);
    for (x, z, tall) in [(-0.19, 0.18, 0.43), (0.19, 0.18, 0.43), (-0.19, -0.18, 0.95), (0.19, -0.18, 0.95)] {
        m.stand(wood, p(x, 0.0, z), p(0.04, tall, 0.04), 0.008);
    }
    for y in [0.62, 0.76, 0.9] {
        m.block(wood, p(0.0, y, -0.19), p(0.36, 0.07, 0.025), 0.01);
    }
    m.block(wood, p(0.0, 0.2, 0.0), p(0.38, 0.025, 0.025), 0.0);
}

pub fn stool(m: &mut Model, wood: &Material, seat: &Material, tall: f32) {
    m.lathe(seat, &[(0.0, tall + 0.02), (0.16, tall + 0.02), (0.18, tall - 0.01), (0.17, tall - 0.05), (0.0, tall - 0.05)], 16);
    for k in 0..4 {
        let a = k as f32 * std::f32::consts::FRAC_PI_2 + std::f32::consts::FRAC_PI_4;
        m.bar(wood, p(a.cos() * 0.11, tall - 0.05, a.sin() * 0.11), p(a.cos() * 0.19, 0.0, a.sin() * 0.19), 0.018);
    }
    let ring: Vec<Vec3> = (0..=12)
        .map(|k| k as f32 / 12.0 * std::f32::consts::TAU)
        .map(|a| p(a.cos() * 0.165, tall * 0.3, a.sin() * 0.165))
        .collect();
    m.tube(&brass(), &ring, |_| 0.009, 5);
}

pub fn bench(m: &mut Model, wood: &Material, wide: f32, back: bool) {
    for z in [-0.14, 0.0, 0.14] {
        m.block(wood, p(0.0, 0.43, z), p(wide, 0.04, 0.12), 0.01);
    }
    for x in [-0.42, 0.42] {
        m.stand(wood, p(x * wide, 0.0, 0.0), p(0.07, 0.41, 0.38), 0.012);
        if back {
            m.within(at(x * wide, 0.43, -0.2) * pitch(-10.0), |m| m.stand(wood, Vec3::ZERO, p(0.06, 0.48, 0.05), 0.01));
        }
    }
    if back {
        for y in [0.6, 0.76, 0.88] {
            m.block(wood, p(0.0, y, -0.23 - (y - 0.43) * 0.17), p(wide, 0.1, 0.03), 0.01);
        }
    }
}

pub fn sofa(m: &mut Model, cover: &Material, wood: &Material, wide: f32) {
    m.block(cover, p(0.0, 0.25, -0.05), p(wide, 0.26, 0.8), 0.05);
    m.block(cover, p(0.0, 0.62, -0.42), p(wide, 0.6, 0.2), 0.07);
    for side in [-1.0, 1.0] {
        m.block(cover, p(side * (wide * 0.5 + 0.07), 0.4, -0.06), p(0.18, 0.52, 0.84), 0.06);
        m.stand(wood, p(side * wide * 0.44, 0.0, 0.25), p(0.07, 0.12, 0.07), 0.0);
    }
    let seats = (wide / 0.7).round().max(1.0) as i32;
    for i in 0..seats {
        let x = (i as f32 + 0.5) / seats as f32 * wide - wide * 0.5;
        m.within(at(x, 0.36, 0.0), |m| m.cushion(cover, p(wide / seats as f32 - 0.02, 0.14, 0.66)));
    }
}

pub fn bed(m: &mut Model, wood: &Material, sheet: &Material, blanket: &Material) {
    m.block(wood, p(0.0, 0.22, 0.0), p(1.5, 0.2, 2.05), 0.02);
    m.block(wood, p(0.0, 0.55, -1.04), p(1.56, 1.0, 0.06), 0.02);
    m.block(wood, p(0.0, 0.36, 1.04), p(1.56, 0.5, 0.06), 0.02);
    m.block(sheet, p(0.0, 0.4, 0.0), p(1.44, 0.2, 1.98), 0.06);
    m.sheet(blanket, 12, 12, |u, v| {
        let (x, z) = ((u - 0.5) * 1.56, -0.35 + v * 1.37);
        let edge = ((u - 0.5).abs() * 2.0).powi(8);
        p(x, 0.53 + 0.02 * (u * 14.0).sin() * (v * 9.0).cos() - 0.26 * edge, z)
    });
    for x in [-0.36, 0.36] {
        m.within(at_turned(x, 0.5, -0.74, x * 20.0), |m| m.cushion(sheet, p(0.6, 0.15, 0.4)));
    }
}

/// An open shelf with `rows` boards; `fill` decides what stands on each board.
pub fn shelf(
    m: &mut Model,
    wood: &Material,
    wide: f32,
    tall: f32,
    deep: f32,
    rows: u32,
    mut fill: impl FnMut(&mut Model, u32, f32),
) {
    for side in [-1.0, 1.0] {
        m.stand(wood, p(side * wide * 0.5, 0.0, 0.0), p(0.04, tall, deep), 0.008);
    }
    m.block(wood, p(0.0, tall * 0.5, -deep * 0.5 + 0.01), p(wide, tall, 0.02), 0.0);
    for i in 0..=rows {
        let y = 0.06 + (tall - 0.08) * i as f32 / rows as f32;
        m.block(wood, p(0.0, y, 0.0), p(wide, 0.03, deep), 0.006);
        if i < rows {
            m.within(at(0.0, y + 0.015, 0.0), |m| fill(m, i, (tall - 0.08) / rows as f32 - 0.05));
        }
    }
}

/// A row of books `wide` metres long on y = 0, leaning here and there.
pub fn books(m: &mut Model, wide: f32, tall: f32, dice: &mut Dice) {
    const SPINES: [&str; 8] = ["#7A2E2B", "#2F4A5E", "#56623B", "#B08B4A", "#3B3230", "#8A8578", "#9C5B34", "#43365A"];
    let mut x = -wide * 0.5;
    while x < wide * 0.5 - 0.05 {
        let (thick, high) = (dice.range(0.022, 0.06), (tall * dice.range(0.6, 0.95)).min(0.34));
        let spine = paint(dice.pick(&SPINES));
        if dice.chance(0.88) {
            m.stand(&spine, p(x + thick * 0.5, 0.0, dice.off(0.012)), p(thick * 0.94, high, 0.17), 0.004);
        } else {
            x += 0.03;
        }
        x += thick;
    }
}

const BOTTLE: [(f32, f32); 8] =
    [(0.0, 0.0), (0.036, 0.0), (0.038, 0.02), (0.038, 0.16), (0.03, 0.2), (0.013, 0.235), (0.012, 0.3), (0.015, 0.305)];

/// A bottle of `tall` metres.
pub fn bottle_at(m: &mut Model, hex: &str, foot: Vec3, tall: f32) {
    let s = tall / 0.305;
    m.within(at(foot.x, foot.y, foot.z) * crate::kit::scaled(s), |m| {
        m.lathe(&bottle(hex), &BOTTLE, 10);
        m.lathe(&paint("#B9A67C"), &[(0.0385, 0.075), (0.0386, 0.12)], 10);
    });
}

/// A round pot (lota, vase, jar) of the given greatest radius.
pub fn pot(m: &mut Model, material: &Material, foot: Vec3, radius: f32, neck: f32, tall: f32) {
    m.within(at(foot.x, foot.y, foot.z), |m| {
        let profile = [
            (0.0, 0.0),
            (radius * 0.5, 0.0),
            (radius * 0.86, tall * 0.2),
            (radius, tall * 0.42),
            (radius * 0.8, tall * 0.68),
            (neck, tall * 0.8),
            (neck * 0.95, tall * 0.9),
            (neck * 1.3, tall),
            (neck * 1.0, tall * 0.985),
            (neck * 0.8, tall * 0.85),
        ];
        m.lathe(material, &profile, 16);
    });
}

/// A cup without handle, open at the top.
pub fn cup(m: &mut Model, material: &Material, foot: Vec3, radius: f32, tall: f32) {
    m.within(at(foot.x, foot.y, foot.z), |m| {
        let r = radius;
        m.lathe(
            material,
            &[
                (0.0, 0.0),
                (r * 0.55, 0.0),
                (r * 0.8, tall * 0.35),
                (r, tall),
                (r * 0.93, tall),
                (r * 0.7, tall * 0.4),
                (0.0, tall * 0.2),
            ],
            14,
        );
    });
}

/// A framed picture: a field with a few painted shapes so that no wall is blank.
pub fn picture(m: &mut Model, frame: &Material, wide: f32, tall: f32, dice: &mut Dice) {
    const FIELDS: [&str; 6] = ["#B9A37C", "#5D7A86", "#8C5A48", "#44565A", "#C9BFA6", "#6E7A4C"];
    const MARKS: [&str; 6] = ["#2E3B43", "#D9B26A", "#A8412F", "#E6DEC9", "#3F5A40", "#7A4B6A"];
    m.block(frame, p(0.0, 0.0, 0.02), p(wide + 0.1, tall + 0.1, 0.04), 0.015);
    m.block(&paint(dice.pick(&FIELDS)), p(0.0, 0.0, 0.042), p(wide, tall, 0.006), 0.0);
    let horizon = dice.range(-0.2, 0.05) * tall;
    m.block(&paint(dice.pick(&MARKS)), p(0.0, (horizon - tall * 0.5) * 0.5, 0.046), p(wide, horizon + tall * 0.5, 0.004), 0.0);
    for _ in 0..3 {
        let r = dice.range(0.06, 0.16) * wide;
        let at = p(dice.off(0.35) * wide, dice.off(0.3) * tall, 0.05);
        m.ball(&paint(dice.pick(&MARKS)), at, p(r, r * dice.range(0.6, 1.6), 0.006), 10);
    }
}

/// A rug lying on the floor, with a border and a field.
pub fn rug(m: &mut Model, field: &Material, border: &Material, wide: f32, deep: f32) {
    m.block(border, p(0.0, 0.006, 0.0), p(wide, 0.012, deep), 0.0);
    m.block(field, p(0.0, 0.009, 0.0), p(wide - 0.24, 0.016, deep - 0.24), 0.0);
    let id = m.material(border);
    for i in 0..(deep / 0.05) as u32 {
        for side in [-1.0, 1.0] {
            let z = -deep * 0.5 + 0.05 * i as f32;
            let x = side * wide * 0.5;
            let v =
                [p(x, 0.01, z), p(x, 0.01, z + 0.03), p(x + side * 0.08, 0.004, z + 0.02)].map(|q| m.vertex(q, Vec3::Y, [0.0; 3]));
            m.geometry.triangle(v[0], v[1], v[2], id);
        }
    }
}

/// A leafy plant in a pot.
pub fn pot_plant(m: &mut Model, vessel: &Material, green: &str, tall: f32, dice: &mut Dice) {
    pot(m, vessel, Vec3::ZERO, tall * 0.2, tall * 0.16, tall * 0.34);
    for i in 0..9 {
        let a = i as f32 * 2.4 + dice.off(0.4);
        m.paddle(&leaf(green), p(0.0, tall * 0.3, 0.0), a, tall * dice.range(0.5, 0.8), tall * 0.07, dice.range(0.7, 1.6));
    }
}

/// A basket or crate heaped with produce.
pub fn basket(m: &mut Model, radius: f32, produce: &Material, tints: &[Rgb], dice: &mut Dice) {
    let weave = thatch("#A8814C");
    m.lathe(
        &weave,
        &[(radius * 0.7, 0.0), (radius, 0.2), (radius * 1.06, 0.22), (radius * 0.96, 0.2), (radius * 0.7, 0.06), (0.0, 0.06)],
        14,
    );
    m.heap(produce, p(0.0, 0.15, 0.0), radius * 0.86, radius * 0.24, tints, dice);
}

pub fn sack(m: &mut Model, tall: f32, grain: &str) {
    m.lathe(
        &cloth("#A98F63"),
        &[
            (tall * 0.36, 0.0),
            (tall * 0.44, tall * 0.25),
            (tall * 0.38, tall * 0.8),
            (tall * 0.46, tall * 0.94),
            (tall * 0.4, tall),
        ],
        12,
    );
    m.lathe(&soil(grain), &[(tall * 0.4, tall * 0.9), (tall * 0.2, tall * 1.02), (0.0, tall * 1.07)], 12);
}

pub fn crate_box(m: &mut Model, size: f32) {
    let wood = planks("#9A7448", 0.12);
    m.stand(&wood, Vec3::ZERO, Vec3::splat(size), 0.01);
    for z in [-1.0, 1.0] {
        for (y, h) in [(0.08, 0.14), (0.92, 0.14)] {
            m.block(&wood, p(0.0, size * y, z * size * 0.5), p(size * 1.03, size * h, 0.03), 0.006);
        }
    }
}

/// A cupboard with two doors.
pub fn cupboard(m: &mut Model, wood: &Material, knob: &Material, size: Vec3) {
    m.stand(wood, Vec3::ZERO, size, 0.015);
    for side in [-1.0, 1.0] {
        m.block(wood, p(side * size.x * 0.245, size.y * 0.5, size.z * 0.5), p(size.x * 0.44, size.y * 0.86, 0.04), 0.012);
        m.ball(knob, p(side * 0.06, size.y * 0.52, size.z * 0.5 + 0.04), Vec3::splat(0.022), 8);
    }
}

/// A filing cabinet with `drawers`.
pub fn filing_cabinet(m: &mut Model, body: &Material, drawers: u32) {
    let tall = 0.34 * drawers as f32;
    m.stand(body, Vec3::ZERO, p(0.5, tall, 0.6), 0.012);
    for i in 0..drawers {
        let y = 0.34 * (i as f32 + 0.5);
        let pulled = if i == 1 { 0.1 } else { 0.0 };
        m.block(body, p(0.0, y, 0.3 + pulled * 0.5), p(0.45, 0.29, 0.03 + pulled), 0.01);
        m.block(&brass(), p(0.0, y + 0.05, 0.335 + pulled), p(0.13, 0.03, 0.03), 0.008);
        m.block(&paper("#E4DAC0"), p(0.0, y + 0.1, 0.32 + pulled), p(0.1, 0.04, 0.012), 0.0);
    }
}

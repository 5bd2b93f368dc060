//! Lamps and fires, as things and as light.

use crate::kit::{Model, at, at_turned, p};
use crate::life::Mover;
use crate::light::{kelvin, times};
use crate::set::{Builder, Flicker};
use crate::stuff::*;
use glam::Vec3;
use klieg_kernels::scene::Rgb;

/// Glow of an oil flame as the camera sees it.
pub fn oil_glow() -> Rgb {
    [9.0, 4.4, 1.1]
}

/// A small clay or brass saucer lamp (agal vilakku, diya) with its flame; light comes from [`oil_light`] for a whole row.
pub fn saucer_lamp(b: &mut Builder<'_>, foot: Vec3, size: f32) {
    b.m.within(at(foot.x, foot.y, foot.z), |m| {
        let r = size;
        m.lathe(
            &paint("#9C5A34"),
            &[(r * 0.45, 0.0), (r, r * 0.5), (r * 1.02, r * 0.56), (r * 0.85, r * 0.45), (0.0, r * 0.3)],
            10,
        );
    });
    let seed = b.dice.seed();
    b.mover(Mover::Flame { foot: foot + p(0.0, size * 0.5, size * 0.55), tall: size * 1.5, light: oil_glow(), seed });
}

/// The light that lamps standing together give: one flickering ball for a group.
pub fn oil_light(b: &mut Builder<'_>, centre: Vec3, strength: f32) {
    b.bulb(centre, 0.12, times(kelvin(1900.0), strength), Flicker::Oil);
}

/// A standing brass lamp of South India (kuthuvilakku) `tall` metres high, five wicks burning.
pub fn kuthuvilakku(b: &mut Builder<'_>, foot: Vec3, tall: f32) {
    b.m.within(at(foot.x, foot.y, foot.z), |m| {
        let s = tall;
        let profile = [
            (0.0, 0.0),
            (s * 0.17, 0.0),
            (s * 0.16, s * 0.03),
            (s * 0.07, s * 0.07),
            (s * 0.035, s * 0.12),
            (s * 0.06, s * 0.18),
            (s * 0.03, s * 0.23),
            (s * 0.028, s * 0.42),
            (s * 0.055, s * 0.46),
            (s * 0.028, s * 0.5),
            (s * 0.026, s * 0.68),
            (s * 0.06, s * 0.72),
            (s * 0.16, s * 0.76),
            (s * 0.175, s * 0.79),
            (s * 0.15, s * 0.78),
            (s * 0.04, s * 0.77),
            (s * 0.03, s * 0.84),
            (s * 0.055, s * 0.88),
            (s * 0.03, s * 0.93),
            (s * 0.015, s * 0.97),
            (0.0, s),
        ];
        m.lathe(&brass(), &profile, 18);
    });
    for k in 0..5 {
        let a = k as f32 / 5.0 * std::f32::consts::TAU + 0.3;
        let seed = b.dice.seed();
        let wick = foot + p(a.sin() * tall * 0.155, tall * 0.79, a.cos() * tall * 0.155);
        b.mover(Mover::Flame { foot: wick, tall: 0.055 + tall * 0.02, light: oil_glow(), seed });
    }
    oil_light(b, foot + p(0.0, tall * 0.86, 0.1), 0.7 + tall * 0.35);
}

/// An open fire on a square brick hearth.
pub fn fire(b: &mut Builder<'_>, foot: Vec3, size: f32, strength: f32) {
    let log = bark("#5A3D28");
    b.m.within(at(foot.x, foot.y, foot.z), |m| {
        for k in 0..6 {
            let a = k as f32 * 1.05;
            m.bar(
                &log,
                p(a.sin() * size, 0.04, a.cos() * size),
                p(-a.sin() * 0.1 * size, size * 0.7, -a.cos() * 0.1 * size),
                size * 0.11,
            );
        }
        m.ball(&glow([2.6, 0.6, 0.08]), p(0.0, size * 0.08, 0.0), p(size * 0.6, size * 0.14, size * 0.6), 10);
    });
    for k in 0..7 {
        let a = k as f32 * 0.9;
        let r = if k == 0 { 0.0 } else { size * 0.42 };
        let seed = b.dice.seed();
        let tall = size * if k == 0 { 2.1 } else { 1.25 };
        b.mover(Mover::Flame { foot: foot + p(a.sin() * r, size * 0.12, a.cos() * r), tall, light: [7.0, 2.4, 0.35], seed });
    }
    b.bulb(foot + p(0.0, size * 1.6, 0.1), 0.2, times(kelvin(1900.0), strength), Flicker::Fire);
    let seed = b.dice.seed();
    b.mover(Mover::Smoke {
        foot: foot + p(0.0, size * 2.2, 0.0),
        rise: 2.4,
        puff: 0.15,
        wind: p(0.1, 0.0, -0.05),
        color: [0.42, 0.40, 0.38],
        seed,
    });
}

/// A street lamp on an iron post, `tall` metres, its arm reaching towards `turn` degrees.
pub fn street_lamp(b: &mut Builder<'_>, foot: Vec3, turn: f32, tall: f32, on: bool, strength: f32) {
    let warm = kelvin(2700.0);
    let post = iron();
    let reach = 0.7;
    b.m.within(at_turned(foot.x, foot.y, foot.z, turn), |m| {
        m.lathe(&post, &[(0.16, 0.0), (0.16, 0.12), (0.1, 0.2), (0.07, 0.9), (0.09, 0.95), (0.06, 1.0), (0.045, tall - 0.2)], 10);
        let arm = [p(0.0, tall - 0.3, 0.0), p(0.0, tall + 0.12, 0.1), p(0.0, tall + 0.2, reach * 0.6), p(0.0, tall + 0.08, reach)];
        m.tube(&post, &arm, |_| 0.03, 7);
        m.within(at(0.0, tall - 0.12, reach), |m| {
            m.lathe(&post, &[(0.03, 0.22), (0.06, 0.2), (0.24, 0.06), (0.25, 0.04), (0.2, 0.05), (0.0, 0.1)], 14);
            m.ball(&if on { glow(times(warm, 9.0)) } else { lacquer("#D9D4C4") }, p(0.0, 0.03, 0.0), Vec3::splat(0.1), 10);
        });
    });
    if on {
        let (s, c) = turn.to_radians().sin_cos();
        let head = foot + p(s * reach, tall - 0.16, c * reach);
        b.bulb(head, 0.1, times(warm, strength), Flicker::Steady);
    }
}

/// A shade hanging from the ceiling with a bulb in it.
pub fn pendant(b: &mut Builder<'_>, hook: Vec3, drop: f32, shade: &str, light: Rgb, strength: f32) {
    b.m.within(at(hook.x, hook.y - drop, hook.z), |m| {
        m.bar(&iron(), p(0.0, 0.2, 0.0), p(0.0, drop, 0.0), 0.008);
        m.lathe(&lacquer(shade), &[(0.03, 0.22), (0.07, 0.18), (0.2, 0.02), (0.21, 0.0), (0.19, 0.02), (0.05, 0.17)], 18);
        m.ball(&glow(times(light, 7.0)), p(0.0, 0.05, 0.0), Vec3::splat(0.05), 10);
    });
    b.bulb(hook - p(0.0, drop + 0.02, 0.0), 0.06, times(light, strength), Flicker::Steady);
}

/// A paper or cloth lantern that glows as a whole.
pub fn lantern(b: &mut Builder<'_>, hook: Vec3, radius: f32, color: Rgb, strength: f32) {
    let centre = hook - p(0.0, radius * 1.5, 0.0);
    b.m.within(at(centre.x, centre.y, centre.z), |m| {
        let r = radius;
        m.bar(&iron(), p(0.0, r, 0.0), p(0.0, r * 1.6, 0.0), 0.006);
        m.lathe(
            &glow(times(color, 1.6)),
            &[(r * 0.4, -r), (r * 0.8, -r * 0.8), (r, -r * 0.2), (r, r * 0.2), (r * 0.8, r * 0.8), (r * 0.4, r)],
            16,
        );
        for y in [-1.0, 1.0] {
            m.block(&lacquer("#2A2320"), p(0.0, y * r, 0.0), p(r * 0.9, 0.03, r * 0.9), 0.008);
        }
        m.bar(&cloth("#B23A2B"), p(0.0, -r, 0.0), p(0.0, -r * 1.7, 0.0), r * 0.06);
    });
    if strength > 0.0 {
        b.bulb(centre, radius * 0.9, times(color, strength), Flicker::Steady);
    }
}

/// A lamp with a cloth shade, standing on y of `foot`.
pub fn table_lamp(b: &mut Builder<'_>, foot: Vec3, tall: f32, strength: f32) {
    let warm = kelvin(2700.0);
    b.m.within(at(foot.x, foot.y, foot.z), |m| {
        m.lathe(&brass(), &[(tall * 0.26, 0.0), (tall * 0.24, 0.02), (0.02, 0.05), (0.03, tall * 0.3), (0.015, tall * 0.55)], 12);
        m.lathe(&glow(times(warm, 0.9)), &[(tall * 0.34, tall * 0.5), (tall * 0.22, tall)], 16);
    });
    b.bulb(foot + p(0.0, tall * 0.75, 0.0), 0.09, times(warm, strength), Flicker::Steady);
}

/// Letters or a shape of tube light standing off a wall in the plane z = 0: `strokes` in metres; glows and gives light.
pub fn neon(b: &mut Builder<'_>, place: glam::Affine3A, strokes: &[&[(f32, f32)]], color: Rgb, strength: f32, flicker: Flicker) {
    let what = Model::of(|m| {
        m.within(place, |m| {
            for stroke in strokes {
                let path: Vec<Vec3> = stroke.iter().map(|&(x, y)| p(x, y, 0.06)).collect();
                m.tube(&glow(color), &path, |_| 0.026, 6);
            }
        });
    });
    let seed = b.dice.seed();
    b.mover(Mover::Glow { what, light: times(color, 5.0), flicker, seed });
    let xs = strokes.iter().flat_map(|s| s.iter());
    let (n, sum) = xs.fold((0.0, Vec3::ZERO), |(n, sum), &(x, y)| (n + 1.0, sum + p(x, y, 0.0)));
    let centre = place.transform_point3(sum / f32::max(n, 1.0) + p(0.0, 0.0, 0.35));
    if strength > 0.0 {
        b.bulb(centre, 0.3, times(color, strength), flicker);
    }
}

/// Block letters as neon strokes: what a sign says, `tall` metres high, starting at x = 0.
pub fn lettering(word: &str, tall: f32) -> Vec<Vec<(f32, f32)>> {
    let (w, gap) = (tall * 0.52, tall * 0.24);
    let mut strokes = Vec::new();
    for (i, letter) in word.chars().enumerate() {
        let x = i as f32 * (w + gap);
        for stroke in glyph(letter) {
            strokes.push(stroke.iter().map(|&(u, v)| (x + u * w, v * tall)).collect());
        }
    }
    strokes
}

fn glyph(letter: char) -> &'static [&'static [(f32, f32)]] {
    match letter {
        'A' => &[&[(0.0, 0.0), (0.0, 0.6), (0.5, 1.0), (1.0, 0.6), (1.0, 0.0)], &[(0.0, 0.4), (1.0, 0.4)]],
        'B' => &[
            &[(0.0, 0.0), (0.0, 1.0), (0.8, 1.0), (0.9, 0.75), (0.6, 0.52), (0.0, 0.52)],
            &[(0.6, 0.52), (1.0, 0.3), (0.9, 0.0), (0.0, 0.0)],
        ],
        'C' => &[&[(1.0, 0.8), (0.7, 1.0), (0.25, 1.0), (0.0, 0.7), (0.0, 0.3), (0.25, 0.0), (0.7, 0.0), (1.0, 0.2)]],
        'D' => &[&[(0.0, 0.0), (0.0, 1.0), (0.6, 1.0), (1.0, 0.6), (1.0, 0.4), (0.6, 0.0), (0.0, 0.0)]],
        'E' => &[&[(1.0, 0.0), (0.0, 0.0), (0.0, 1.0), (1.0, 1.0)], &[(0.0, 0.5), (0.8, 0.5)]],
        'F' => &[&[(0.0, 0.0), (0.0, 1.0), (1.0, 1.0)], &[(0.0, 0.5), (0.8, 0.5)]],
        'H' => &[&[(0.0, 0.0), (0.0, 1.0)], &[(1.0, 0.0), (1.0, 1.0)], &[(0.0, 0.5), (1.0, 0.5)]],
        'I' => &[&[(0.5, 0.0), (0.5, 1.0)]],
        'L' => &[&[(0.0, 1.0), (0.0, 0.0), (1.0, 0.0)]],
        'N' => &[&[(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)]],
        'O' => &[&[(0.3, 0.0), (0.0, 0.3), (0.0, 0.7), (0.3, 1.0), (0.7, 1.0), (1.0, 0.7), (1.0, 0.3), (0.7, 0.0), (0.3, 0.0)]],
        'P' => &[&[(0.0, 0.0), (0.0, 1.0), (0.8, 1.0), (1.0, 0.75), (0.8, 0.5), (0.0, 0.5)]],
        'R' => &[&[(0.0, 0.0), (0.0, 1.0), (0.8, 1.0), (1.0, 0.75), (0.8, 0.5), (0.0, 0.5)], &[(0.5, 0.5), (1.0, 0.0)]],
        'S' => &[&[
            (1.0, 0.85),
            (0.7, 1.0),
            (0.2, 1.0),
            (0.0, 0.75),
            (0.2, 0.52),
            (0.8, 0.48),
            (1.0, 0.25),
            (0.8, 0.0),
            (0.3, 0.0),
            (0.0, 0.15),
        ]],
        'T' => &[&[(0.5, 0.0), (0.5, 1.0)], &[(0.0, 1.0), (1.0, 1.0)]],
        'U' => &[&[(0.0, 1.0), (0.0, 0.3), (0.3, 0.0), (0.7, 0.0), (1.0, 0.3), (1.0, 1.0)]],
        _ => &[],
    }
}

//! Cars, carts and a tractor, standing on y = 0, nose towards +z.

use crate::kit::{Model, at, p, pitch, roll};
use crate::stuff::*;
use glam::Vec3;
use klieg_kernels::scene::{Material, Rgb};

pub fn wheel(m: &mut Model, centre: Vec3, radius: f32, wide: f32) {
    m.within(at(centre.x, centre.y, centre.z) * roll(90.0), |m| {
        let (r, w) = (radius, wide * 0.5);
        m.lathe(&paint("#2A2826"), &[(r * 0.6, -w), (r * 0.95, -w), (r, -w * 0.5), (r, w * 0.5), (r * 0.95, w), (r * 0.6, w)], 18);
        for s in [-1.0, 1.0] {
            m.lathe(&chrome(), &[(0.0, s * w * 1.02), (r * 0.3, s * w * 1.02), (r * 0.6, s * w * 0.8)], 14);
        }
    });
}

/// A rounded saloon of the 1940s.
pub fn old_car(m: &mut Model, hex: &str, head_lamps: Rgb) {
    let body = lacquer(hex);
    m.sheet(&body, 26, 16, |u, v| car_skin(u, v, 0.86, 4.6, |t| 0.42 + 0.46 * bump(t, 0.5, 0.62)));
    m.sheet(&body, 20, 14, |u, v| car_skin(u, v, 0.7, 2.5, |t| 0.62 * bump(t, 0.5, 0.5)) + p(0.0, 0.72, -0.35));
    for (x, z) in [(-0.78, 1.45), (0.78, 1.45), (-0.78, -1.45), (0.78, -1.45)] {
        wheel(m, p(x, 0.34, z), 0.34, 0.2);
        m.sheet(&body, 12, 6, |u, v| {
            let a = u * std::f32::consts::PI;
            p(
                x + x.signum() * (0.02 + 0.2 * (v * std::f32::consts::PI).sin()) - 0.12 * x.signum() * v,
                0.36 + a.sin() * 0.44,
                z - a.cos() * 0.56,
            )
        });
    }
    let dark = Material { coat: 1.0, roughness: 0.08, ..paint("#20252B") };
    for side in [-1.0, 1.0] {
        for z in [-0.9, 0.15] {
            m.quad(
                &dark,
                [
                    p(side * 0.705, 0.98, z - 0.38),
                    p(side * 0.705, 0.98, z + 0.42),
                    p(side * 0.61, 1.3, z + 0.3),
                    p(side * 0.61, 1.3, z - 0.3),
                ],
            );
        }
        m.ball(&glow(head_lamps), p(side * 0.6, 0.72, 2.16), p(0.14, 0.14, 0.1), 12);
        m.ball(&glow([1.3, 0.06, 0.04]), p(side * 0.62, 0.7, -2.2), p(0.08, 0.08, 0.05), 8);
    }
    m.quad(&dark, [p(-0.52, 0.98, 0.86), p(0.52, 0.98, 0.86), p(0.46, 1.3, 0.62), p(-0.46, 1.3, 0.62)]);
    m.quad(&dark, [p(-0.5, 0.98, -1.62), p(0.5, 0.98, -1.62), p(0.44, 1.28, -1.4), p(-0.44, 1.28, -1.4)]);
    for (z, y) in [(2.32, 0.4), (-2.34, 0.4)] {
        m.block(&chrome(), p(0.0, y, z), p(1.6, 0.12, 0.08), 0.03);
    }
    for i in 0..7 {
        m.block(&chrome(), p((i as f32 - 3.0) * 0.09, 0.66, 2.24), p(0.03, 0.34, 0.04), 0.01);
    }
}

fn bump(t: f32, middle: f32, wide: f32) -> f32 {
    let d = ((t - middle) / wide).abs().min(1.0);
    (1.0 - d.powi(4)).max(0.0)
}

/// A hull: u runs around a section from sill to sill, v from tail to nose.
fn car_skin(u: f32, v: f32, half: f32, long: f32, tall: impl Fn(f32) -> f32) -> Vec3 {
    let a = (u - 0.5) * std::f32::consts::PI;
    let taper = bump(v, 0.5, 0.56).powf(0.5);
    let soft = |c: f32| c.signum() * c.abs().powf(0.5);
    p(soft(a.sin()) * half * taper, 0.3 + soft(a.cos()) * tall(v), (v - 0.5) * long)
}

/// A plain modern car.
pub fn car(m: &mut Model, hex: &str, head_lamps: Rgb) {
    let body = lacquer(hex);
    m.sheet(&body, 24, 14, |u, v| car_skin(u, v, 0.88, 4.3, |t| 0.5 + 0.1 * bump(t, 0.45, 0.4)));
    let dark = Material { coat: 1.0, roughness: 0.08, ..paint("#20262C") };
    m.sheet(&dark, 18, 12, |u, v| car_skin(u, v, 0.74, 2.4, |t| 0.46 * bump(t, 0.48, 0.5)) + p(0.0, 0.6, -0.2));
    m.block(&body, p(0.0, 1.37, -0.25), p(1.02, 0.05, 1.25), 0.02);
    for (x, z) in [(-0.8, 1.35), (0.8, 1.35), (-0.8, -1.35), (0.8, -1.35)] {
        wheel(m, p(x, 0.33, z), 0.33, 0.22);
    }
    for side in [-1.0, 1.0] {
        m.ball(&glow(head_lamps), p(side * 0.58, 0.66, 2.05), p(0.18, 0.08, 0.08), 10);
        m.ball(&glow([1.2, 0.05, 0.04]), p(side * 0.6, 0.68, -2.06), p(0.16, 0.07, 0.06), 8);
    }
}

/// A three-wheeled auto rickshaw.
pub fn rickshaw(m: &mut Model) {
    let (yellow, black, green) = (lacquer("#E2B13A"), lacquer("#2B2B2A"), lacquer("#3B7A4A"));
    m.block(&green, p(0.0, 0.55, -0.3), p(1.2, 0.5, 1.7), 0.1);
    m.block(&green, p(0.0, 0.62, 0.8), p(0.7, 0.62, 0.6), 0.16);
    m.sheet(&yellow, 12, 8, |u, v| {
        let a = (u - 0.5) * std::f32::consts::PI;
        p(a.sin() * 0.64, 1.45 + a.cos().max(0.0) * 0.26, -1.1 + v * 2.0)
    });
    for (x, z) in [(-0.6, -1.1), (0.6, -1.1), (-0.5, 0.85), (0.5, 0.85)] {
        m.bar(&black, p(x, 0.75, z), p(x, 1.48, z), 0.03);
    }
    m.block(&cloth("#7A2E2B"), p(0.0, 0.72, -0.7), p(1.0, 0.2, 0.5), 0.06);
    m.block(&black, p(0.0, 1.1, -1.1), p(1.15, 0.6, 0.04), 0.0);
    m.ball(&glow([1.1, 1.0, 0.8]), p(0.0, 0.72, 1.12), Vec3::splat(0.1), 10);
    for (x, z) in [(0.0, 0.95), (-0.55, -0.8), (0.55, -0.8)] {
        wheel(m, p(x, 0.23, z), 0.23, 0.12);
    }
}

/// A two-wheeled bullock cart with hoop cover.
pub fn bullock_cart(m: &mut Model, load: &Material) {
    let wood = wood("#7A5432");
    m.block(&planks("#8A6238", 0.16), p(0.0, 0.78, 0.0), p(1.3, 0.08, 2.4), 0.01);
    for side in [-1.0f32, 1.0] {
        let x = side * 0.78;
        let ring: Vec<Vec3> = (0..=20)
            .map(|k| k as f32 / 20.0 * std::f32::consts::TAU)
            .map(|a| p(x, 0.68 + a.sin() * 0.64, a.cos() * 0.64))
            .collect();
        m.tube(&wood, &ring, |_| 0.05, 6);
        for k in 0..6 {
            let a = k as f32 * std::f32::consts::PI / 6.0;
            m.bar(&wood, p(x, 0.68 + a.sin() * 0.62, a.cos() * 0.62), p(x, 0.68 - a.sin() * 0.62, -a.cos() * 0.62), 0.025);
        }
        for k in 0..5 {
            m.bar(&wood, p(side * 0.62, 0.8, -1.1 + 0.55 * k as f32), p(side * 0.72, 1.25, -1.1 + 0.55 * k as f32), 0.025);
        }
        m.bar(&wood, p(side * 0.7, 1.22, -1.2), p(side * 0.7, 1.22, 1.2), 0.03);
        m.bar(&wood, p(side * 0.3, 0.74, 0.6), p(side * 0.12, 0.66, 3.4), 0.045);
    }
    m.bar(&wood, p(-0.8, 0.72, 3.35), p(0.8, 0.72, 3.35), 0.05);
    m.sheet(load, 14, 8, |u, v| {
        let a = (u - 0.5) * std::f32::consts::PI;
        let end = (v * std::f32::consts::PI).sin().max(0.0).powf(0.4);
        p(a.sin() * 0.66, 0.8 + a.cos().max(0.0) * 0.85 * end, (v - 0.5) * 2.5)
    });
}

/// A farm tractor.
pub fn tractor(m: &mut Model, hex: &str) {
    let body = lacquer(hex);
    m.block(&body, p(0.0, 0.95, 0.75), p(0.62, 0.55, 1.5), 0.1);
    m.block(&iron(), p(0.0, 0.62, 0.3), p(0.5, 0.3, 2.2), 0.05);
    m.block(&body, p(0.0, 0.9, -0.5), p(0.7, 0.3, 0.8), 0.06);
    for side in [-1.0, 1.0] {
        wheel(m, p(side * 0.72, 0.72, -0.55), 0.72, 0.36);
        wheel(m, p(side * 0.55, 0.4, 1.25), 0.4, 0.22);
        m.sheet(&body, 10, 3, |u, v| {
            let a = (0.1 + u * 0.75) * std::f32::consts::PI;
            p(side * (0.55 + 0.38 * v), 0.74 + a.sin() * 0.8, -0.55 - a.cos() * 0.8)
        });
        m.ball(&glow([1.0, 0.9, 0.7]), p(side * 0.24, 1.05, 1.5), p(0.09, 0.09, 0.05), 8);
    }
    m.within(at(0.0, 1.18, 0.15) * pitch(-55.0), |m| m.bar(&iron(), Vec3::ZERO, p(0.0, 0.5, 0.0), 0.02));
    let ring: Vec<Vec3> = (0..=14)
        .map(|k| k as f32 / 14.0 * std::f32::consts::TAU)
        .map(|a| p(a.cos() * 0.2, 1.48 + a.sin() * 0.12, -0.22 + a.sin() * 0.12))
        .collect();
    m.tube(&paint("#242424"), &ring, |_| 0.018, 6);
    m.bar(&iron(), p(0.18, 1.2, 0.9), p(0.18, 1.9, 0.9), 0.04);
    m.block(&paint("#3A2C26"), p(0.0, 1.12, -0.62), p(0.45, 0.1, 0.4), 0.04);
    m.block(&paint("#3A2C26"), p(0.0, 1.35, -0.82), p(0.42, 0.4, 0.08), 0.04);
}

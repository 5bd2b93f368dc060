//! Weather that is seen: rain, snow, leaves and petals in the wind, dust and fireflies in the air, birds.

use crate::kit::p;
use crate::life::{Air3, Mover};
use crate::light::times;
use crate::set::Builder;
use crate::stuff::*;
use glam::Vec3;
use klieg_film_words::story::{TimeOfDay, Weather};
use klieg_kernels::scene::{Material, srgb};

/// Everything the brief's weather lets fall over an open set, and the birds of its hour.
pub fn open_air(b: &mut Builder<'_>) {
    sky_bounce(b);
    let air = Air3 { low: p(-9.0, 0.0, -14.0), high: p(9.0, 7.0, 6.5) };
    match b.brief.weather {
        Weather::Rain => rain(b, air, 1500),
        Weather::Storm => rain(b, air, 2200),
        Weather::Snow => {
            falling(b, air, 700, 0.035, 0.7, p(0.2, 0.0, 0.1), Material { roughness: 0.9, ..paint("#EDF1F5") });
        }
        Weather::Wind => falling(b, air, 60, 0.09, 0.8, p(2.2, 0.0, 0.3), leaf("#A98A3C")),
        Weather::Clear | Weather::Cloudy | Weather::Fog => {}
    }
    if b.brief.dark() {
        // Moths and fireflies: night has its life too.
        motes(b, p(-6.5, 0.5, -8.0), p(6.5, 3.2, 5.0), 22, 0.9);
    }
    let calm = matches!(b.brief.weather, Weather::Clear | Weather::Cloudy | Weather::Wind);
    if calm && !matches!(b.brief.time, TimeOfDay::Night | TimeOfDay::Evening) {
        let seed = b.dice.seed();
        b.mover(Mover::Birds { centre: p(2.0, 10.0, -24.0), reach: 13.0, count: 7, seed });
    }
}

/// A weak panel of sky on the shadow side: open sets keep a second source that models what the sun leaves dark.
fn sky_bounce(b: &mut Builder<'_>) {
    let side = -b.air.sun_from.x.signum();
    let color = times(b.air.sky.horizon, if b.brief.dark() { 10.0 } else { 7.0 });
    b.panel(p(side * 9.0, 5.0, 5.0), p(-side, -0.35, -0.5), (3.0, 2.0), color);
}

/// Petals or leaves that lie on level ground already.
pub fn strewn(b: &mut Builder<'_>, x: (f32, f32), z: (f32, f32), count: u32, size: f32, material: &Material) {
    let mut dice = b.dice.fork(u64::from(count) + 5000);
    let id = b.m.material(material);
    for _ in 0..count {
        let (cx, cz, a) = (dice.range(x.0, x.1), dice.range(z.0, z.1), dice.range(0.0, std::f32::consts::TAU));
        let (u, v) = (p(a.cos(), 0.0, a.sin()) * size * 0.5, p(-a.sin(), 0.0, a.cos()) * size * 0.36);
        let (c, lift) = (p(cx, 0.012, cz), p(0.0, size * dice.range(0.0, 0.3), 0.0));
        let q = [c - u, c - v + lift, c + u, c + v].map(|q| b.m.vertex(q, Vec3::Y, [0.5, 0.5, 0.0]));
        b.m.geometry.triangle(q[0], q[1], q[2], id);
        b.m.geometry.triangle(q[0], q[2], q[3], id);
    }
}

pub fn rain(b: &mut Builder<'_>, air: Air3, count: u32) {
    shower(b, air, count, 8.5, 0.14);
}

/// Drops that fall straight from an edge: awnings, ledges, gutters.
pub fn rain_from(b: &mut Builder<'_>, air: Air3, count: u32, speed: f32) {
    shower(b, air, count, speed, 0.0);
}

fn shower(b: &mut Builder<'_>, air: Air3, count: u32, speed: f32, slant: f32) {
    let seed = b.dice.seed();
    let bright = if b.brief.dark() { [0.16, 0.18, 0.22] } else { [0.3, 0.33, 0.36] };
    let material =
        Material { base: srgb("#AEB8C4"), emission: bright, glass: 0.0, translucency: 0.6, roughness: 0.2, ..Material::default() };
    b.mover(Mover::Rain { air, count, speed, slant, material, seed });
}

pub fn falling(b: &mut Builder<'_>, air: Air3, count: u32, size: f32, speed: f32, drift: Vec3, material: Material) {
    let seed = b.dice.seed();
    b.mover(Mover::Falling { air, count, size, speed, drift, material, seed });
}

/// Dust that hangs in a room's light.
pub fn motes(b: &mut Builder<'_>, low: Vec3, high: Vec3, count: u32, glow_level: f32) {
    let seed = b.dice.seed();
    let material = glow([glow_level, glow_level * 0.85, glow_level * 0.6]);
    b.mover(Mover::Motes { air: Air3 { low, high }, count, size: 0.008, material, seed });
}

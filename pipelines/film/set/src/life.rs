//! What moves by itself on a set. Each mover is a pure function of the moment, so frames stay independent of each other.

use crate::kit::{Dice, Model, at, at_turned, p, pitch, roll};
use crate::set::{Flicker, burning};
use crate::stuff;
use glam::Vec3;
use klieg_film_words::{between, mix, unit};
use klieg_kernels::scene::{Geometry, Material, Rgb};
use std::f32::consts::TAU;

/// A box of air in which things fall or float.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Air3 {
    pub low: Vec3,
    pub high: Vec3,
}

/// Something alive on the set.
#[derive(Clone, Debug)]
pub enum Mover {
    /// A flame on its wick, `tall` metres.
    Flame { foot: Vec3, tall: f32, light: Rgb, seed: u64 },
    /// Cotton-wool smoke or steam rising from a point, drifting by `wind` metres a second.
    Smoke { foot: Vec3, rise: f32, puff: f32, wind: Vec3, color: Rgb, seed: u64 },
    /// Small flat things that tumble down: petals, leaves, snow, ash.
    Falling { air: Air3, count: u32, size: f32, speed: f32, drift: Vec3, material: Material, seed: u64 },
    /// Streaks of rain.
    Rain { air: Air3, count: u32, speed: f32, slant: f32, material: Material, seed: u64 },
    /// Motes or fireflies that wander about and glow.
    Motes { air: Air3, count: u32, size: f32, material: Material, seed: u64 },
    /// A thing on a string or hinge, swinging about its own x axis at `hook`.
    Swing { what: Geometry, hook: Vec3, turn: f32, degrees: f32, period: f32 },
    /// A thing turning about +Y (a fan, a wheel).
    Spin { what: Geometry, hub: Vec3, turns_a_second: f32 },
    /// Birds crossing high up on a slow circle.
    Birds { centre: Vec3, reach: f32, count: u32, seed: u64 },
    /// Two lamps of a vehicle passing from `from` to `to` every `period` seconds.
    Passing { from: Vec3, to: Vec3, period: f32, first: f32, what: Geometry },
    /// Open water with travelling ripples.
    Water { centre: Vec3, half: (f32, f32), wave: f32, material: Material },
    /// Bunting, banners, cloth in the wind: hangs from `a`–`b`, `tall` long.
    Flutter { a: Vec3, b: Vec3, tall: f32, reach: f32, material: Material, seed: u64 },
    /// A sign or lamp whose glow changes with its lamp.
    Glow { what: Geometry, light: Rgb, flicker: Flicker, seed: u64 },
    /// A green trace running over a monitor.
    Trace { at: Vec3, turn: f32, half: (f32, f32), light: Rgb },
}

impl Mover {
    /// Adds what is seen at `seconds` from `eye`.
    pub fn show(&self, m: &mut Model, seconds: f32, eye: Vec3) {
        match self {
            Mover::Flame { foot, tall, light, seed } => flame(m, *foot, *tall, *light, *seed, seconds),
            Mover::Smoke { foot, rise, puff, wind, color, seed } => smoke(m, *foot, *rise, *puff, *wind, *color, *seed, seconds),
            Mover::Falling { air, count, size, speed, drift, material, seed } => {
                for i in 0..*count {
                    let at = fallen(*air, *speed, *drift, *seed, u64::from(i), seconds);
                    leaflet(m, material, at, *size, *seed, u64::from(i), seconds);
                }
            }
            Mover::Rain { air, count, speed, slant, material, seed } => {
                for i in 0..*count {
                    streak(m, material, *air, *speed, *slant, *seed, u64::from(i), seconds, eye);
                }
                for i in 0..*count / 7 {
                    splash(m, material, *air, *seed, u64::from(i), seconds);
                }
            }
            Mover::Motes { air, count, size, material, seed } => motes(m, *air, *count, *size, material, *seed, seconds),
            Mover::Swing { what, hook, turn, degrees, period } => {
                let swing = degrees * (seconds / period * TAU).sin();
                m.stamp(what, at_turned(hook.x, hook.y, hook.z, *turn) * pitch(swing), [1.0; 3]);
            }
            Mover::Spin { what, hub, turns_a_second } => {
                m.stamp(what, at_turned(hub.x, hub.y, hub.z, 360.0 * (seconds * turns_a_second).fract()), [1.0; 3]);
            }
            Mover::Birds { centre, reach, count, seed } => birds(m, *centre, *reach, *count, *seed, seconds),
            Mover::Passing { from, to, period, first, what } => {
                let t = ((seconds + first) / period).fract() * 2.2;
                if t <= 1.0 {
                    let way = *to - *from;
                    let q = *from + way * t;
                    m.stamp(what, at_turned(q.x, q.y, q.z, way.x.atan2(way.z).to_degrees()), [1.0; 3]);
                }
            }
            Mover::Water { centre, half, wave, material } => water(m, *centre, *half, *wave, material, seconds),
            Mover::Flutter { a, b, tall, reach, material, seed } => flutter(m, *a, *b, *tall, *reach, material, *seed, seconds),
            Mover::Glow { what, light, flicker, seed } => {
                let lit = burning(*flicker, *seed, seconds);
                let mut shown = what.clone();
                shown.materials = vec![stuff::glow(light.map(|c| c * lit)); shown.materials.len()];
                m.stamp(&shown, at(0.0, 0.0, 0.0), [1.0; 3]);
            }
            Mover::Trace { at: place, turn, half, light } => trace(m, *place, *turn, *half, *light, seconds),
        }
    }
}

fn flame(m: &mut Model, foot: Vec3, tall: f32, light: Rgb, seed: u64, seconds: f32) {
    let phase = unit(seed, 3) * 10.0;
    let lick = burning(Flicker::Oil, seed, seconds);
    let lean = p(((seconds * 3.1 + phase) * 2.3).sin(), 0.0, ((seconds * 2.7 + phase) * 1.9).cos()) * tall * 0.12;
    let h = tall * (0.7 + 0.45 * (lick - 0.75));
    let path: Vec<Vec3> = (0..6).map(|i| i as f32 / 5.0).map(|t| foot + p(0.0, h * t, 0.0) + lean * t * t).collect();
    let body = |t: f32| tall * 0.2 * ((1.0 - t) * (t * 2.6 + 0.35)).max(0.02);
    m.tube(&stuff::glow(light.map(|c| c * lick)), &path, body, 7);
}

#[expect(clippy::too_many_arguments, reason = "the fields of one mover")]
fn smoke(m: &mut Model, foot: Vec3, rise: f32, puff: f32, wind: Vec3, color: Rgb, seed: u64, seconds: f32) {
    // Light comes through it from all sides, so that it is never darker than the air behind it.
    let glimmer = color.map(|c| c * 0.16);
    let wool =
        Material { base: color, emission: glimmer, translucency: 0.7, roughness: 1.0, variation: 0.0, ..Material::default() };
    let id = m.material(&wool);
    const FLECKS: u64 = 900;
    let life = 4.5;
    for i in 0..FLECKS {
        let t = (seconds / life + unit(seed, i * 5)).fract();
        // Gaussian across, wider and thinner the higher it is; a slow curl bends the whole.
        let spread = puff * (0.16 + 0.84 * t);
        let around = unit(seed, i * 5 + 1) * TAU + seconds * 0.3;
        let off = (-2.0 * unit(seed, i * 5 + 2).max(1e-4).ln()).sqrt() * 0.42 * spread;
        let curl = p((seconds * 0.5 + t * 5.0).sin(), 0.0, (seconds * 0.4 + t * 4.0).cos()) * puff * 0.5 * t;
        let centre = foot + p(around.cos() * off, rise * t, around.sin() * off) + wind * (t * life * t) + curl;
        let size = puff * 0.03 * (0.5 + unit(seed, i * 5 + 3)) * (t * 8.0).min(1.0) * (1.0 - t).sqrt();
        let a = unit(seed, i * 5 + 4) * TAU;
        let (u, v) = (p(a.cos(), 0.6, a.sin()) * size, p(-a.sin(), 0.9 * a.cos(), a.cos()) * size);
        let q = [centre - u, centre + u, centre + v].map(|q| m.vertex(q, Vec3::Y, [0.0; 3]));
        m.geometry.triangle(q[0], q[1], q[2], id);
    }
}

/// Where the i-th falling thing is: it comes round again and again at a place of its own.
fn fallen(air: Air3, speed: f32, drift: Vec3, seed: u64, i: u64, seconds: f32) -> Vec3 {
    let size = air.high - air.low;
    let fall = speed * between(seed, i * 7 + 1, 0.7, 1.3);
    let travelled = unit(seed, i * 7 + 2) * size.y + fall * seconds;
    let round = (travelled / size.y).floor();
    let down = travelled - round * size.y;
    let key = i * 7 + 3 + (round as u64) * 7919;
    let sway = ((seconds * between(seed, i * 7 + 5, 0.5, 1.1) + unit(seed, i * 7 + 6)) * TAU).sin() * 0.25;
    let home = p(unit(seed, key) * size.x, 0.0, unit(seed, key + 1) * size.z) + drift * (down / fall) + p(sway, 0.0, sway * 0.6);
    let wrapped = p(home.x.rem_euclid(size.x), size.y - down, home.z.rem_euclid(size.z));
    air.low + wrapped
}

fn leaflet(m: &mut Model, material: &Material, centre: Vec3, size: f32, seed: u64, i: u64, seconds: f32) {
    let spin = seconds * between(seed, i * 5 + 901, 1.0, 3.0) + unit(seed, i * 5 + 902) * TAU;
    let (s, c) = spin.sin_cos();
    let u = p(c, s * 0.6, s) * size * 0.5;
    let v = p(-s * 0.5, c, c * 0.7) * size * 0.35;
    let normal = u.cross(v).normalize_or(Vec3::Y);
    let q = [centre - u, centre - v, centre + u, centre + v].map(|q| m.vertex(q, normal, [0.5, 0.5, 0.0]));
    let id = m.material(material);
    m.geometry.triangle(q[0], q[1], q[2], id);
    m.geometry.triangle(q[0], q[2], q[3], id);
}

#[expect(clippy::too_many_arguments, reason = "the fields of one mover")]
fn streak(m: &mut Model, material: &Material, air: Air3, speed: f32, slant: f32, seed: u64, i: u64, seconds: f32, eye: Vec3) {
    let size = air.high - air.low;
    let travelled = unit(seed, i * 3) * size.y + speed * seconds * between(seed, i * 3 + 9001, 0.9, 1.1);
    let round = (travelled / size.y).floor();
    let key = i * 3 + 1 + (round as u64) * 6007;
    let down = travelled - round * size.y;
    let top = air.low + p(unit(seed, key) * size.x + slant * down, size.y - down, unit(seed, key + 1) * size.z);
    // Before the lens a drop would be a fat blur; further off it is never thinner than the picture shows.
    let away = top.distance(eye);
    if away < CLEAR_OF_RAIN {
        return;
    }
    let long = between(seed, i * 3 + 2, 0.18, 0.4);
    let foot = top + p(slant * long, -long, 0.0);
    let across = (top - eye).cross(Vec3::Y).normalize_or(Vec3::X);
    let wide = across * (0.00042 * away).clamp(0.0009, 0.005);
    let q = [top - wide, top + wide, foot + wide, foot - wide].map(|q| m.vertex(q, Vec3::Z, [0.0, 0.0, 0.0]));
    let id = m.material(material);
    m.geometry.triangle(q[0], q[1], q[2], id);
    m.geometry.triangle(q[0], q[2], q[3], id);
}

/// No drop falls nearer to the camera than this, metres.
const CLEAR_OF_RAIN: f32 = 1.6;

/// The ring that a drop leaves on wet ground, and what jumps up in its middle.
fn splash(m: &mut Model, material: &Material, air: Air3, seed: u64, i: u64, seconds: f32) {
    const LASTS: f32 = 0.34;
    let age = seconds / LASTS + unit(seed ^ 77, i);
    let (round, age) = (age.floor() as u64, age.fract());
    let size = air.high - air.low;
    let key = mix(seed ^ 78) ^ (i * 2 + round * 7919);
    let centre = air.low + p(unit(key, 1) * size.x, 0.008, unit(key, 2) * size.z);
    let (r, thick) = (0.015 + 0.075 * age, 0.009 * (1.0 - age) + 0.001);
    let id = m.material(material);
    const SIDES: usize = 9;
    let rim: Vec<[u32; 2]> = (0..=SIDES)
        .map(|k| p((k as f32 / SIDES as f32 * TAU).cos(), 0.0, (k as f32 / SIDES as f32 * TAU).sin()))
        .map(|d| [r, r + thick].map(|r| m.vertex(centre + d * r, Vec3::Y, [0.0; 3])))
        .collect();
    for w in rim.windows(2) {
        m.geometry.triangle(w[0][0], w[1][0], w[1][1], id);
        m.geometry.triangle(w[0][0], w[1][1], w[0][1], id);
    }
    if age < 0.7 {
        let jump = 0.12 * age * (0.7 - age) / 0.1225;
        m.ball(material, centre + p(0.0, jump * 0.6, 0.0), p(0.004, 0.006, 0.004), 4);
    }
}

fn motes(m: &mut Model, air: Air3, count: u32, size: f32, material: &Material, seed: u64, seconds: f32) {
    for i in 0..u64::from(count) {
        let half = (air.high - air.low) * 0.5;
        let wave = |k: u64| ((seconds * between(seed, i * 9 + k, 0.03, 0.11) + unit(seed, i * 9 + k + 3)) * TAU).sin();
        let centre = air.low + half + p(wave(1) * half.x, wave(2) * half.y, wave(3) * half.z);
        let on = 0.5 + 0.5 * ((seconds * between(seed, i * 9 + 8, 0.3, 0.8) + unit(seed, i)) * TAU).sin();
        m.ball(material, centre, Vec3::splat(size * (0.3 + 0.7 * on)), 6);
    }
}

fn birds(m: &mut Model, centre: Vec3, reach: f32, count: u32, seed: u64, seconds: f32) {
    let feather = stuff::felt("#2E2C2E");
    for i in 0..u64::from(count) {
        let a = seconds * 0.16 + between(seed, i, -0.35, 0.35) + 0.2 * seed.count_ones() as f32;
        let r = reach * between(seed, i + 50, 0.8, 1.15);
        let q = centre + p(a.cos() * r, between(seed, i + 90, -1.0, 1.0) * reach * 0.1, a.sin() * r * 0.6);
        let flap = ((seconds * 2.2 + unit(seed, i + 70)) * TAU).sin() * 35.0;
        m.within(at_turned(q.x, q.y, q.z, 180.0 - a.to_degrees()), |m| {
            m.ball(&feather, Vec3::ZERO, p(0.05, 0.045, 0.16), 6);
            for side in [-1.0f32, 1.0] {
                m.within(roll(side * flap), |m| {
                    m.quad(&feather, [p(0.0, 0.0, 0.08), p(side * 0.38, 0.06, 0.0), p(side * 0.3, 0.05, -0.1), p(0.0, 0.0, -0.1)]);
                });
            }
        });
    }
}

fn water(m: &mut Model, centre: Vec3, half: (f32, f32), wave: f32, material: &Material, seconds: f32) {
    let flow = seconds * 0.12;
    let first = m.geometry.positions.len();
    m.sheet(material, 32, 32, |u, v| {
        let (x, z) = ((u * 2.0 - 1.0) * half.0, (v * 2.0 - 1.0) * half.1);
        let swell = (x * 0.9 + seconds * 1.1).sin() * 0.5 + (z * 1.3 - x * 0.4 + seconds * 0.8).sin() * 0.5;
        centre + p(x, swell * wave, z)
    });
    for c in &mut m.geometry.coords[first..] {
        *c = [c[0] + flow, c[1] + flow * 0.6, c[2] + flow * 0.6];
    }
}

#[expect(clippy::too_many_arguments, reason = "the fields of one mover")]
fn flutter(m: &mut Model, a: Vec3, b: Vec3, tall: f32, reach: f32, material: &Material, seed: u64, seconds: f32) {
    let out = (b - a).cross(Vec3::Y).normalize_or(Vec3::Z);
    let phase = unit(seed, 1) * TAU;
    m.sheet(material, 10, 6, |u, v| {
        let swing = ((seconds * 0.55 * TAU + phase + u * 3.5 - v * 2.2).sin() + 0.4 * (seconds * 5.1 + u * 9.0).sin()) * reach * v;
        a.lerp(b, u) - p(0.0, tall * v, 0.0) + out * swing
    });
}

fn trace(m: &mut Model, place: Vec3, turn: f32, half: (f32, f32), light: Rgb, seconds: f32) {
    let glow = stuff::glow(light);
    let head = (seconds * 0.45).fract();
    m.within(at_turned(place.x, place.y, place.z, turn), |m| {
        const STEPS: u32 = 40;
        let beat = |t: f32| match (t * 2.0).fract() {
            s if s < 0.08 => s * 2.0,
            s if s < 0.14 => 1.0 - (s - 0.08) * 22.0,
            s if s < 0.2 => -0.32 + (s - 0.14) * 5.3,
            _ => 0.0,
        };
        for i in 0..STEPS {
            let (t0, t1) = (i as f32 / STEPS as f32, (i + 1) as f32 / STEPS as f32);
            if (head - t0).rem_euclid(1.0) > 0.82 {
                continue;
            }
            let (a, b) = (
                p((t0 * 2.0 - 1.0) * half.0, beat(t0) * half.1 * 0.8, 0.0),
                p((t1 * 2.0 - 1.0) * half.0, beat(t1) * half.1 * 0.8, 0.0),
            );
            let w = p(0.0, half.1 * 0.05, 0.0);
            m.quad(&glow, [a - w, b - w, b + w, a + w]);
        }
    });
}

/// A pair of head lamps with the dark body of a car between them.
pub fn car_lights(front: Rgb) -> Geometry {
    Model::of(|m| {
        m.block(&stuff::lacquer("#24262B"), p(0.0, 0.7, -1.6), p(1.7, 0.7, 3.8), 0.2);
        m.block(&stuff::lacquer("#1B1C20"), p(0.0, 1.25, -1.9), p(1.4, 0.5, 1.9), 0.2);
        for x in [-0.62, 0.62] {
            m.ball(&stuff::glow(front), p(x, 0.68, 0.34), p(0.13, 0.13, 0.06), 10);
            m.ball(&stuff::glow([1.6, 0.05, 0.03]), p(x, 0.75, -3.52), p(0.1, 0.07, 0.04), 8);
        }
    })
}

/// A small boat, for water far off.
pub fn boat(hull: &str, sail: &str) -> Geometry {
    let mut dice = Dice::new(9);
    Model::of(|m| {
        m.within(pitch(0.0), |m| {
            m.slab(&stuff::planks(hull, 0.2), &[(-0.7, 0.0), (0.7, 0.0), (1.0, 0.6), (-1.0, 0.6)], -2.2, 2.2);
            m.bar(&stuff::wood("#6B4A32"), p(0.0, 0.5, 0.2), p(dice.off(0.05), 4.2, 0.2), 0.06);
            m.quad(&stuff::cloth(sail), [p(0.0, 1.0, 0.1), p(0.3, 1.2, -2.0), p(0.1, 3.0, -1.0), p(0.0, 4.1, 0.15)]);
        });
    })
}

//! A set as the film uses it, and the workshop in which places are built.

use crate::kit::{Dice, Model};
use crate::life::Mover;
use crate::light::{Air, Rig, air, luminance};
use crate::{SetBrief, places};
use glam::Vec3;
use klieg_film_words::shot::Posture;
use klieg_film_words::story::Verb;
use klieg_film_words::{mix, unit};
use klieg_kernels::scene::{Fog, Geometry, Light, Look, Rgb, Sky};

/// Lights that a set may burn at once (the tracer samples them all).
pub const LIGHTS_MAX: usize = 16;

/// A miniature set: what stands still, its light, and what moves by itself.
#[derive(Clone, Debug)]
pub struct Set {
    /// Everything that never moves.
    pub solid: Geometry,
    pub sky: Sky,
    pub fog: Fog,
    pub look: Look,
    pub rig: Rig,
    /// Where background figures stand or sit and what they do.
    pub spots: Vec<Spot>,
    sun: Option<Light>,
    practicals: Vec<Practical>,
    movers: Vec<Mover>,
}

/// A place for a background figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spot {
    pub x: f32,
    pub z: f32,
    /// Degrees; 0 faces +Z.
    pub heading: f32,
    pub posture: Posture,
    pub doing: Verb,
    pub seed: u64,
}

/// How a lamp burns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Flicker {
    Steady,
    /// Oil lamp, candle: 4–7 Hz, ±12 %.
    Oil,
    /// Open fire: slower and deeper.
    Fire,
    /// A tube with a bad starter: steady with rare dips.
    Neon,
    /// A screen: steps between pictures.
    Tv,
    /// On and off every so many seconds.
    Blink(f32),
}

/// A lamp of the set.
#[derive(Clone, Debug)]
pub struct Practical {
    pub light: Light,
    pub flicker: Flicker,
    pub seed: u64,
}

/// Relative strength of a lamp at a moment.
pub fn burning(flicker: Flicker, seed: u64, seconds: f32) -> f32 {
    let phase = unit(seed, 1) * 40.0;
    let wave = |hz: f32| ((seconds * hz + phase) * std::f32::consts::TAU).sin();
    match flicker {
        Flicker::Steady => 1.0,
        Flicker::Oil => 1.0 + 0.12 * (0.5 * wave(4.1) + 0.3 * wave(5.7) + 0.2 * wave(6.9)),
        Flicker::Fire => 1.0 + 0.26 * (0.5 * wave(2.3) + 0.3 * wave(3.9) + 0.2 * wave(6.1)),
        Flicker::Neon => {
            let tick = (seconds * 12.0 + phase) as u64;
            if unit(seed, tick / 3) < 0.035 && unit(mix(seed), tick) < 0.6 { 0.35 } else { 1.0 }
        }
        Flicker::Tv => 0.6 + 0.6 * unit(seed, (seconds * 1.7 + phase) as u64),
        Flicker::Blink(period) => {
            if (seconds / period + phase).fract() < 0.5 {
                1.0
            } else {
                0.15
            }
        }
    }
}

/// The same light, `k` times as strong.
pub fn scaled_light(light: Light, k: f32) -> Light {
    let s = |c: Rgb| c.map(|v| v * k);
    match light {
        Light::Sun { direction, irradiance, diameter_degrees } => {
            Light::Sun { direction, irradiance: s(irradiance), diameter_degrees }
        }
        Light::Ball { position, radius, intensity } => Light::Ball { position, radius, intensity: s(intensity) },
        Light::Panel { position, u, v, intensity } => Light::Panel { position, u, v, intensity: s(intensity) },
        Light::Spot { position, direction, radius, inner_degrees, outer_degrees, intensity } => {
            Light::Spot { position, direction, radius, inner_degrees, outer_degrees, intensity: s(intensity) }
        }
    }
}

impl Set {
    /// The set's lights at a moment, the most important first, at most [`LIGHTS_MAX`].
    pub fn lights(&self, seconds: f32) -> Vec<Light> {
        let lamps = self.practicals.iter().map(|p| scaled_light(p.light, burning(p.flicker, p.seed, seconds)));
        self.sun.into_iter().chain(lamps).take(LIGHTS_MAX).collect()
    }

    /// What moves by itself, at a moment: flames, smoke, petals, rain, bells, birds, cars' lights, water. `eye` is where the camera
    /// is: no drop of rain falls right before it.
    pub fn life(&self, seconds: f32, eye: Vec3) -> Geometry {
        let mut m = Model::new();
        for mover in &self.movers {
            mover.show(&mut m, seconds, eye);
        }
        m.geometry
    }
}

/// A set under construction.
pub struct Builder<'a> {
    pub brief: &'a SetBrief,
    pub m: Model,
    pub dice: Dice,
    pub air: Air,
    pub spots: Vec<Spot>,
    pub movers: Vec<Mover>,
    practicals: Vec<(f32, Practical)>,
}

impl Builder<'_> {
    /// A lamp; of more than [`LIGHTS_MAX`] those that give the playing area most are kept.
    pub fn lamp(&mut self, light: Light, flicker: Flicker) {
        let seed = self.dice.seed();
        self.practicals.push((reach(&light), Practical { light, flicker, seed }));
    }
    /// A round lamp: irradiance of `intensity` at one metre.
    pub fn bulb(&mut self, at: Vec3, radius: f32, intensity: Rgb, flicker: Flicker) {
        self.lamp(Light::Ball { position: at.to_array(), radius, intensity }, flicker);
    }
    /// A soft rectangle facing `towards` (a window, a bounce board): `half` extents across and up.
    pub fn panel(&mut self, at: Vec3, towards: Vec3, half: (f32, f32), intensity: Rgb) {
        let n = towards.normalize_or(Vec3::Y);
        let side = if n.y.abs() > 0.95 { Vec3::X } else { Vec3::Y.cross(n).normalize() };
        let up = n.cross(side);
        let (u, v) = (side * half.0, up * half.1);
        self.lamp(Light::Panel { position: at.to_array(), u: u.to_array(), v: v.to_array(), intensity }, Flicker::Steady);
    }
    pub fn spotlight(&mut self, at: Vec3, to: Vec3, inner: f32, outer: f32, intensity: Rgb) {
        self.spot(at, to, 0.06, (inner, outer), intensity);
    }
    /// A spotlight so small that what stands in its way throws sharp shadows (slats, bars, leaves).
    pub fn hard_spot(&mut self, at: Vec3, to: Vec3, inner: f32, outer: f32, intensity: Rgb) {
        self.spot(at, to, 0.012, (inner, outer), intensity);
    }
    fn spot(&mut self, at: Vec3, to: Vec3, radius: f32, (inner_degrees, outer_degrees): (f32, f32), intensity: Rgb) {
        let direction = (to - at).normalize_or(Vec3::NEG_Y).to_array();
        self.lamp(
            Light::Spot { position: at.to_array(), direction, radius, inner_degrees, outer_degrees, intensity },
            Flicker::Steady,
        );
    }
    /// A background figure.
    pub fn figure(&mut self, x: f32, z: f32, heading: f32, posture: Posture, doing: Verb) {
        let seed = self.dice.seed();
        self.spots.push(Spot { x, z, heading, posture, doing, seed });
    }
    pub fn mover(&mut self, mover: Mover) {
        self.movers.push(mover);
    }
    /// Direction the faces' key light comes from, from a lamp or window of the set.
    pub fn key_from(&mut self, at: Vec3) {
        self.air.rig.key_from = (at - Vec3::new(0.0, 1.3, 0.0)).normalize_or(Vec3::Y).to_array();
    }
}

/// Irradiance that a lamp could give someone in the playing area: how lamps are ranked.
fn reach(light: &Light) -> f32 {
    let near = |q: [f32; 3]| (Vec3::from(q) - Vec3::new(0.0, 1.2, 0.5)).length_squared().max(2.0);
    match light {
        Light::Sun { irradiance, .. } => luminance(*irradiance),
        Light::Ball { position, intensity, .. } => luminance(*intensity) / near(*position),
        Light::Panel { position, intensity, .. } | Light::Spot { position, intensity, .. } => {
            luminance(*intensity) / near(*position)
        }
    }
}

/// Builds the set of `brief`. The same brief gives the same set, byte for byte.
pub fn build(brief: &SetBrief) -> Set {
    let mut b = Builder {
        brief,
        m: Model::new(),
        dice: Dice::new(brief.seed),
        air: air(brief),
        spots: Vec::new(),
        movers: Vec::new(),
        practicals: Vec::new(),
    };
    places::dress(&mut b);
    finish(b)
}

fn finish(b: Builder<'_>) -> Set {
    let Builder { brief, m, air, mut spots, movers, mut practicals, .. } = b;
    practicals.sort_by(|a, b| b.0.total_cmp(&a.0));
    // A feast without guests is none; streets and courts are seldom empty by day.
    let least = match (brief.feast(), brief.room()) {
        (true, _) => 10,
        (false, false) => 5,
        (false, true) => 4,
    };
    let wanted = (brief.extras as usize).clamp(least, 14);
    spots.truncate(wanted);
    let (slots, sun) = (LIGHTS_MAX - usize::from(air.sun.is_some()), air.sun);
    practicals.truncate(slots);
    Set {
        solid: m.geometry,
        sky: air.sky,
        fog: air.fog,
        look: air.look,
        rig: air.rig,
        spots,
        sun,
        practicals: practicals.into_iter().map(|p| p.1).collect(),
        movers,
    }
}

//! Light by the hour, the weather and the mood: sun or moon, sky, haze, the grade, and the rig that carries the faces.
//!
//! Units: an irradiance of π on white gives radiance 1. Levels are chosen so that, at 0 EV, mid-toned skin comes to 0.2–0.3.

use crate::SetBrief;
use glam::Vec3;
use klieg_film_words::story::{Mood, Region, TimeOfDay, Weather};
use klieg_kernels::scene::{Fog, Light, Look, Rgb, Sky};

/// What the gaffer adds for the faces, on top of the set's own light: irradiance at the face, colour included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rig {
    pub key: Rgb,
    pub fill: Rgb,
    pub rim: Rgb,
    /// World direction towards the key (sun, window, lamp); unit length.
    pub key_from: [f32; 3],
    /// The key comes through hard slats (blinds).
    pub slats: bool,
}

/// Colour of a black body at `k` kelvin in linear Rec. 709, luminance 1 (a table after Planck's law and the CIE 1931 observer,
/// white balanced halfway to 4,800 K as a film stock for mixed light would).
pub fn kelvin(k: f32) -> Rgb {
    const TABLE: [(f32, Rgb); 9] = [
        (1500.0, [1.0, 0.42, 0.12]),
        (1900.0, [1.0, 0.51, 0.19]),
        (2700.0, [1.0, 0.64, 0.36]),
        (3200.0, [1.0, 0.72, 0.47]),
        (4200.0, [1.0, 0.85, 0.69]),
        (5600.0, [1.0, 0.94, 0.86]),
        (6500.0, [0.96, 0.98, 1.0]),
        (7500.0, [0.76, 0.87, 1.0]),
        (10000.0, [0.58, 0.74, 1.0]),
    ];
    let k = k.clamp(TABLE[0].0, TABLE[8].0);
    let i = TABLE.windows(2).position(|w| k <= w[1].0).unwrap_or(7);
    let (a, b) = (TABLE[i], TABLE[i + 1]);
    let t = (k - a.0) / (b.0 - a.0);
    let c: Rgb = std::array::from_fn(|j| a.1[j] + (b.1[j] - a.1[j]) * t);
    let y = luminance(c);
    c.map(|v| v / y)
}

pub fn luminance(c: Rgb) -> f32 {
    0.2126 * c[0] + 0.7152 * c[1] + 0.0722 * c[2]
}
pub fn times(c: Rgb, k: f32) -> Rgb {
    c.map(|v| v * k)
}
pub fn blend(a: Rgb, b: Rgb, t: f32) -> Rgb {
    std::array::from_fn(|i| a[i] + (b[i] - a[i]) * t)
}

/// The air a scene is played in.
#[derive(Clone, Debug, PartialEq)]
pub struct Air {
    pub sun: Option<Light>,
    /// Towards the sun or moon.
    pub sun_from: Vec3,
    pub sky: Sky,
    pub fog: Fog,
    pub look: Look,
    pub rig: Rig,
    /// Daylight at a window, irradiance with colour: what panels at openings give.
    pub daylight: Rgb,
}

struct Hour {
    /// Degrees above the horizon and degrees from +Z towards +X.
    elevation: f32,
    azimuth: f32,
    kelvin: f32,
    sun: f32,
    zenith: Rgb,
    horizon: Rgb,
    fog: f32,
    key: f32,
}

fn hour(time: TimeOfDay) -> Hour {
    let h = |elevation, azimuth, kelvin, sun, zenith, horizon, fog, key| Hour {
        elevation,
        azimuth,
        kelvin,
        sun,
        zenith,
        horizon,
        fog,
        key,
    };
    match time {
        TimeOfDay::Dawn => h(11.0, 54.0, 3400.0, 3.4, [0.20, 0.28, 0.48], [1.0, 0.68, 0.46], 0.008, 1.3),
        TimeOfDay::Morning => h(23.0, 120.0, 4000.0, 4.4, [0.19, 0.35, 0.68], [0.92, 0.80, 0.64], 0.007, 1.1),
        TimeOfDay::Day => h(46.0, 62.0, 5600.0, 3.7, [0.19, 0.38, 0.74], [0.66, 0.76, 0.86], 0.004, 0.85),
        TimeOfDay::Afternoon => h(29.0, -82.0, 4600.0, 3.6, [0.20, 0.37, 0.68], [0.84, 0.78, 0.68], 0.007, 0.9),
        TimeOfDay::Dusk => h(10.0, -106.0, 3200.0, 2.6, [0.14, 0.17, 0.38], [0.98, 0.50, 0.28], 0.009, 1.25),
        TimeOfDay::Evening => h(6.0, -140.0, 7000.0, 0.35, [0.030, 0.050, 0.14], [0.30, 0.19, 0.20], 0.009, 1.45),
        TimeOfDay::Night => h(38.0, 156.0, 7500.0, 0.42, [0.008, 0.014, 0.036], [0.026, 0.038, 0.072], 0.006, 1.5),
    }
}

/// Direction at `elevation` degrees up and `azimuth` degrees from +Z towards +X.
pub fn towards(elevation: f32, azimuth: f32) -> Vec3 {
    let (e, a) = (elevation.to_radians(), azimuth.to_radians());
    Vec3::new(e.cos() * a.sin(), e.sin(), e.cos() * a.cos())
}

/// Key to fill by the feeling: comedy 2:1, drama 4:1, fear 6:1, noir 8:1.
fn ratio(brief: &SetBrief) -> f32 {
    let by_mood = match brief.mood {
        Mood::Happy | Mood::Playful => 2.0,
        Mood::Tender | Mood::Proud => 2.6,
        Mood::Neutral | Mood::Surprised => 3.0,
        Mood::Sad | Mood::Solemn | Mood::Tired | Mood::Angry => 4.0,
        Mood::Tense | Mood::Afraid => 5.5,
    };
    if brief.noir() { 8.0 } else { by_mood }
}

pub fn air(brief: &SetBrief) -> Air {
    let h = hour(brief.time);
    let sun_from = towards(h.elevation, h.azimuth);
    let sun_color = kelvin(h.kelvin);
    let (veil, grey, fog) = overcast(brief.weather);
    let irradiance = times(sun_color, h.sun * (1.0 - veil));
    let gloom = luminance(h.horizon) * 0.62;
    let cloud = [gloom * 0.93, gloom * 0.98, gloom * 1.06];
    let sky = Sky {
        zenith: blend(h.zenith, times(cloud, 0.85), grey),
        horizon: blend(h.horizon, cloud, grey),
        ground: times(h.horizon, 0.25),
        sun_glow: 0.55 * (1.0 - veil),
        clouds: clouds(brief),
        stars: if brief.time == TimeOfDay::Night { 0.9 * (1.0 - grey) } else { 0.0 },
        fill: if brief.dark() { 2.2 } else { 0.72 },
    };
    let fog_color = blend(times(blend(h.horizon, h.zenith, 0.25), 0.85), cloud, grey * 0.7);
    Air {
        sun: (veil < 0.97).then_some(Light::Sun {
            direction: sun_from.to_array(),
            irradiance,
            diameter_degrees: if brief.dark() { 2.0 } else { 1.2 + 7.0 * veil },
        }),
        sun_from,
        sky,
        fog: Fog { density: h.fog + fog, color: fog_color, height: if fog > 0.02 { 7.0 } else { 14.0 } },
        look: look(brief),
        rig: rig(brief, &h, sun_color, sun_from),
        daylight: blend(times(sun_color, h.sun * (1.0 - 0.5 * veil)), times(h.zenith, 3.0), 0.35),
    }
}

/// (how much of the sun is hidden, how grey the sky, extra fog).
fn overcast(weather: Weather) -> (f32, f32, f32) {
    match weather {
        Weather::Clear => (0.0, 0.0, 0.0),
        Weather::Wind => (0.05, 0.1, 0.002),
        Weather::Cloudy => (0.62, 0.6, 0.003),
        Weather::Rain => (0.78, 0.8, 0.008),
        Weather::Storm => (0.88, 0.92, 0.011),
        Weather::Snow => (0.7, 0.8, 0.014),
        Weather::Fog => (0.72, 0.7, 0.022),
    }
}

fn clouds(brief: &SetBrief) -> f32 {
    match brief.weather {
        Weather::Clear => {
            if brief.dark() {
                0.1
            } else {
                0.28
            }
        }
        Weather::Wind => 0.45,
        Weather::Cloudy => 0.75,
        Weather::Rain | Weather::Storm | Weather::Snow | Weather::Fog => 0.6,
    }
}

fn rig(brief: &SetBrief, h: &Hour, sun: Rgb, sun_from: Vec3) -> Rig {
    let outdoors = !brief.room();
    let level = if outdoors { h.key } else { h.key.max(1.35) } * if brief.noir() { 1.35 } else { 1.0 };
    let (key, rim) = match (outdoors, brief.dark()) {
        (true, false) => (sun, blend(sun, kelvin(7500.0), 0.3)),
        (false, false) => (blend(sun, kelvin(5000.0), 0.3), kelvin(6500.0)),
        (_, true) => (kelvin(2900.0), kelvin(7500.0)),
    };
    let fill = if brief.dark() { blend(kelvin(7500.0), key, 0.45) } else { blend(kelvin(6500.0), sun, 0.4) };
    // The sun behind the action lights rims; the key then stands for the bright side of the sky.
    let side = if sun_from.x >= 0.0 { 1.0 } else { -1.0 };
    let from = if sun_from.z > 0.1 && outdoors { sun_from } else { Vec3::new(0.75 * side, 0.55, 0.7).normalize() };
    let from = Vec3::new(from.x, from.y.clamp(0.3, 0.72), from.z).normalize();
    Rig {
        key: times(key, level),
        fill: times(fill, level / ratio(brief)),
        rim: times(rim, level * if brief.noir() { 1.1 } else { 0.7 }),
        key_from: from.to_array(),
        slats: false,
    }
}

/// Stops over the meter: dark scenes are printed up so that faces stay readable.
fn exposure(brief: &SetBrief) -> f32 {
    match (brief.noir(), brief.dark(), brief.room()) {
        (true, ..) => 0.4,
        (_, true, _) => 0.4,
        (_, _, true) => 0.35,
        // A low sun leaves much of the ground in shadow.
        _ if matches!(brief.time, TimeOfDay::Morning | TimeOfDay::Dawn) => 0.42,
        _ => 0.2,
    }
}

/// White balance: a camera in warm light is set halfway between that light and daylight, so that it stays warm and the
/// colours of dress and walls still part.
fn balance(brief: &SetBrief) -> Rgb {
    match brief.time {
        _ if brief.noir() => [0.97, 1.0, 1.06],
        TimeOfDay::Dawn => [0.96, 1.0, 1.1],
        TimeOfDay::Dusk | TimeOfDay::Evening => [0.9, 1.0, 1.22],
        TimeOfDay::Night => [0.94, 1.0, 1.14],
        TimeOfDay::Morning if brief.room() => [0.9, 1.0, 1.22],
        TimeOfDay::Morning => [0.96, 1.0, 1.08],
        TimeOfDay::Day | TimeOfDay::Afternoon => [1.0, 1.0, 1.0],
    }
}

/// Exposure and grade: the mood bends it, the culture tints it, the period drains it.
fn look(brief: &SetBrief) -> Look {
    let (slope, saturation, power): (Rgb, f32, f32) = match brief.mood {
        Mood::Neutral | Mood::Surprised => ([1.0, 1.0, 1.0], 1.0, 1.0),
        Mood::Happy => ([1.03, 1.01, 0.98], 1.06, 1.0),
        Mood::Playful => ([1.05, 1.03, 0.98], 1.12, 0.97),
        Mood::Tender => ([1.06, 1.0, 0.96], 1.02, 0.98),
        Mood::Proud => ([1.07, 1.01, 0.93], 1.06, 1.02),
        Mood::Sad | Mood::Tired => ([0.95, 0.99, 1.05], 0.86, 1.02),
        Mood::Angry => ([1.08, 0.97, 0.92], 0.98, 1.08),
        Mood::Afraid | Mood::Tense => ([0.95, 1.01, 1.04], 0.88, 1.08),
        Mood::Solemn => ([1.03, 1.0, 0.95], 0.94, 1.03),
    };
    let (tint, lift, vivid): (Rgb, Rgb, f32) = match brief.region() {
        _ if brief.noir() => ([0.98, 1.0, 1.03], [0.001, 0.003, 0.006], 0.9),
        Region::SouthIndian => ([1.02, 1.0, 0.98], [0.003, 0.002, 0.004], 1.05),
        Region::NorthIndian => ([1.06, 1.0, 0.94], [0.004, 0.002, 0.003], 1.08),
        Region::Japanese | Region::Korean => ([1.0, 1.0, 1.0], [0.003, 0.004, 0.005], 0.96),
        Region::Chinese => ([1.04, 1.0, 0.97], [0.002, 0.003, 0.004], 1.02),
        Region::MiddleEastern => ([1.06, 1.01, 0.92], [0.004, 0.003, 0.004], 1.0),
        Region::African => ([1.03, 1.01, 0.96], [0.003, 0.003, 0.002], 1.0),
        Region::Fantasy => ([0.99, 1.02, 1.0], [0.002, 0.004, 0.006], 1.04),
        Region::ScienceFiction => ([0.96, 1.0, 1.05], [0.001, 0.004, 0.007], 0.95),
        Region::Western => ([1.01, 1.0, 0.99], [0.002, 0.003, 0.004], 0.98),
    };
    let balance = balance(brief);
    Look {
        exposure_ev: exposure(brief),
        slope: std::array::from_fn(|i| slope[i] * tint[i] * balance[i]),
        offset: lift,
        power: [if brief.noir() { power + 0.07 } else { power }; 3],
        saturation: saturation * vivid,
        bloom: if brief.dark() { 0.11 } else { 0.06 },
        grain: if brief.noir() { 2.6 } else { 1.2 },
        vignette: if brief.dark() || brief.noir() { 0.28 } else { 0.16 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn low_kelvin_is_warm_and_high_is_cool_at_equal_luminance() {
        for k in [1500.0, 1900.0, 3000.0, 5600.0, 7500.0, 12000.0] {
            assert!((luminance(kelvin(k)) - 1.0).abs() < 1e-4);
        }
        assert!(kelvin(2000.0)[0] > 3.0 * kelvin(2000.0)[2], "a lamp stays a lamp");
        assert!(kelvin(9000.0)[2] > kelvin(9000.0)[0]);
    }
}

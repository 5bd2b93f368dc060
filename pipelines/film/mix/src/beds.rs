//! Textures that lie under a scene from its first frame to its last: air, wind, rain, water, fire, machines, traffic. None of them
//! loops: every one is drawn anew for its whole length.

use klieg_film_dsp::filter::Biquad;
use klieg_film_dsp::gesture::{noise, point};
use klieg_film_dsp::noise::{White, wander};
use klieg_film_dsp::{RATE, pan_gains, samples};
use klieg_film_words::{between, mix, unit};

/// Interleaved stereo at 48 kHz.
pub type Bed = Vec<[f32; 2]>;

/// How often slow curves are followed, in samples.
const BLOCK: usize = 480;

/// Noise on both sides, half of it shared, through one filter a side.
fn hiss(seed: u64, seconds: f32, filter: &Biquad) -> Bed {
    let (mut a, mut b, mut c) = (White::new(seed), White::new(seed ^ 0xa5a5), White::new(seed ^ 0x5a5a));
    let (mut left, mut right) = (filter.clone(), filter.clone());
    (0..samples(seconds))
        .map(|_| {
            let shared = c.next().unwrap_or(0.0);
            let side = |w: &mut White| w.next().unwrap_or(0.0) * 0.7 + shared * 0.5;
            [left.run(side(&mut a)), right.run(side(&mut b))]
        })
        .collect()
}

/// Multiplies by a slow curve of time.
pub fn shape(bed: &mut Bed, curve: impl Fn(f32) -> f32) {
    let mut gain = curve(0.0);
    for (block, part) in bed.chunks_mut(BLOCK).enumerate() {
        let next = curve((block + 1) as f32 * BLOCK as f32 / RATE);
        let slope = (next - gain) / part.len() as f32;
        for s in part {
            gain += slope;
            *s = [s[0] * gain, s[1] * gain];
        }
        gain = next;
    }
}

/// Adds `b` to `a`.
pub fn join(mut a: Bed, b: &Bed, gain: f32) -> Bed {
    for (s, x) in a.iter_mut().zip(b) {
        *s = [s[0] + x[0] * gain, s[1] + x[1] * gain];
    }
    a
}

/// Still air: the tone of a place, darker the smaller `hz`.
pub fn air(seed: u64, seconds: f32, hz: f32) -> Bed {
    let mut bed = hiss(seed, seconds, &Biquad::low_pass(hz, 0.6));
    Biquad::low_pass(hz * 1.7, 0.6).stereo(&mut bed);
    Biquad::high_pass(45.0, 0.7).stereo(&mut bed);
    shape(&mut bed, |t| 0.85 + 0.3 * wander(seed, t, 2.7));
    bed
}

/// Gusts of `strength` 0–1 that whistle a little when strong.
pub fn wind(seed: u64, seconds: f32, strength: f32) -> Bed {
    let mut bed = vec![[0.0f32; 2]; samples(seconds)];
    for c in 0..2 {
        let mut white = White::new(seed ^ c as u64);
        let (mut body, mut edge) = (Biquad::band_pass(300.0, 0.5), Biquad::band_pass(900.0, 3.0));
        for (block, part) in bed.chunks_mut(BLOCK).enumerate() {
            let t = block as f32 * BLOCK as f32 / RATE;
            let gust = 0.35 + 0.65 * wander(seed, t + 0.35 * c as f32, 3.1) * (0.6 + 0.4 * wander(seed ^ 9, t, 0.8));
            body.retune(&Biquad::band_pass(180.0 + 420.0 * gust * strength, 0.5));
            edge.retune(&Biquad::band_pass(500.0 + 900.0 * gust, 4.0));
            for s in part {
                let w = white.next().unwrap_or(0.0);
                s[c] = (body.run(w) + edge.run(w) * 0.5 * strength * gust) * gust * gust;
            }
        }
    }
    bed
}

/// Rain of `strength` 0–1: a wash, and single drops near by.
pub fn rain(seed: u64, seconds: f32, strength: f32) -> Bed {
    let mut wash = hiss(seed, seconds, &Biquad::high_pass(900.0, 0.6));
    Biquad::high_shelf(6500.0, -9.0).stereo(&mut wash);
    shape(&mut wash, |t| 0.8 + 0.4 * wander(seed ^ 3, t, 1.9));
    let low = hiss(seed ^ 17, seconds, &Biquad::band_pass(420.0, 0.5));
    let mut bed = join(wash, &low, 0.5);
    drops(&mut bed, seed, 25.0 + 90.0 * strength, 0.5);
    bed
}

/// Drops a second: short chirps of many pitches.
fn drops(bed: &mut Bed, seed: u64, a_second: f32, gain: f32) {
    let count = (bed.len() as f32 / RATE * a_second) as u64;
    for n in 0..count {
        let first = (unit(seed, n * 4) * bed.len() as f32) as usize;
        let hz = between(seed, n * 4 + 1, 1400.0, 5200.0);
        let side = pan_gains(between(seed, n * 4 + 2, -0.9, 0.9));
        let level = gain * unit(seed, n * 4 + 3).powi(3);
        let length = (0.006 * RATE) as usize;
        for i in 0..length.min(bed.len() - first) {
            let x = i as f32 / length as f32;
            let s = (std::f32::consts::TAU * hz * (1.0 + 0.4 * x) * i as f32 / RATE).sin() * (1.0 - x).powi(2) * level;
            bed[first + i][0] += s * side[0];
            bed[first + i][1] += s * side[1];
        }
    }
}

/// Running water: a brook, a fountain.
pub fn stream(seed: u64, seconds: f32) -> Bed {
    let mut bed = hiss(seed, seconds, &Biquad::band_pass(1700.0, 0.5));
    shape(&mut bed, |t| 0.7 + 0.6 * wander(seed, t, 0.33));
    let low = hiss(seed ^ 5, seconds, &Biquad::band_pass(480.0, 0.9));
    let mut bed = join(bed, &low, 0.6);
    drops(&mut bed, seed ^ 11, 40.0, 0.45);
    bed
}

/// Waves that come in every seven seconds or so.
pub fn surf(seed: u64, seconds: f32) -> Bed {
    let mut bed = hiss(seed, seconds, &Biquad::band_pass(620.0, 0.35));
    let mut foam = hiss(seed ^ 21, seconds, &Biquad::high_pass(2600.0, 0.6));
    let wave = |t: f32| {
        let phase = t / 7.3 + 0.5 * wander(seed, t, 9.0);
        let x = phase.fract();
        if x < 0.35 { x / 0.35 } else { 1.0 - (x - 0.35) / 0.65 }
    };
    shape(&mut bed, |t| 0.25 + wave(t).powi(2));
    shape(&mut foam, |t| 0.5 * wave(t - 0.5).powi(3));
    join(bed, &foam, 0.8)
}

/// Small flames: a breath of hiss and crackles.
pub fn flames(seed: u64, seconds: f32, crackles_a_second: f32) -> Bed {
    let mut bed = hiss(seed, seconds, &Biquad::band_pass(320.0, 0.6));
    shape(&mut bed, |t| 0.5 + 0.7 * wander(seed, t, 0.18));
    for n in 0..(seconds * crackles_a_second) as u64 {
        let hz = between(seed, n * 3, 1200.0, 5200.0);
        let pop = noise(
            seed ^ n,
            &[point((0.0, hz, 0.0)), point((0.001, hz, 1.0)), point((between(seed, n * 3 + 1, 0.006, 0.025), hz, 0.0))],
            1.2,
        );
        place(
            &mut bed,
            &pop,
            unit(seed, n * 3 + 2) * seconds,
            between(seed, n + 999, -0.5, 0.5),
            1.6 * unit(seed, n + 7777).powi(2),
        );
    }
    bed
}

/// Mono `sound` into `bed` at `at` seconds.
pub fn place(bed: &mut Bed, sound: &[f32], at: f32, pan: f32, gain: f32) {
    let side = pan_gains(pan);
    let first = samples(at);
    for (s, x) in bed.iter_mut().skip(first).zip(sound) {
        *s = [s[0] + x * gain * side[0], s[1] + x * gain * side[1]];
    }
}

/// Machines: tones at `hz` and a breath of ventilation.
pub fn hum(seed: u64, seconds: f32, hz: &[f32], vent_hz: f32) -> Bed {
    let mut bed = hiss(seed, seconds, &Biquad::band_pass(vent_hz, 0.45));
    shape(&mut bed, |t| 0.9 + 0.2 * wander(seed, t, 4.0));
    for (k, &f) in hz.iter().enumerate() {
        let (sin, cos) = (std::f32::consts::TAU * f / RATE).sin_cos();
        let (mut x, mut y) = (0.0f32, 1.0f32);
        let level = 0.12 / (1.0 + k as f32 * 0.6);
        let pan = pan_gains(between(seed, 60 + k as u64, -0.4, 0.4));
        for (block, part) in bed.chunks_mut(BLOCK).enumerate() {
            // Machines breathe a little.
            let level = level * (0.85 + 0.3 * wander(seed ^ k as u64, block as f32 * BLOCK as f32 / RATE, 1.7));
            for s in part {
                *s = [s[0] + x * level * pan[0], s[1] + x * level * pan[1]];
                (x, y) = (x * cos + y * sin, y * cos - x * sin);
            }
        }
    }
    bed
}

/// A street: a far rumble, and cars that pass every `gap_seconds` or so, wet tyres hissing in the rain.
pub fn traffic(seed: u64, seconds: f32, gap_seconds: f32, wet: bool) -> Bed {
    let mut bed = hiss(seed, seconds, &Biquad::low_pass(230.0, 0.6));
    Biquad::high_pass(40.0, 0.7).stereo(&mut bed);
    shape(&mut bed, |t| 0.7 + 0.5 * wander(seed, t, 5.0));
    let mut t = between(seed, 1, 0.0, gap_seconds) - 2.0;
    let mut n = 0;
    while t < seconds {
        pass(&mut bed, mix(seed ^ n), t, wet);
        n += 1;
        t += gap_seconds * between(seed, 100 + n, 0.5, 1.6);
    }
    bed
}

/// One car from side to side, the pitch of its tyres falling as it goes by.
fn pass(bed: &mut Bed, seed: u64, at: f32, wet: bool) {
    let length = between(seed, 1, 3.0, 5.0);
    let hz = if wet { between(seed, 2, 1900.0, 2900.0) } else { between(seed, 2, 420.0, 800.0) };
    let half = length / 2.0;
    let curve = [
        (0.0, hz * 1.1, 0.0),
        (half * 0.6, hz * 1.1, 0.25),
        (half, hz, 1.0),
        (half * 1.4, hz * 0.86, 0.25),
        (length, hz * 0.84, 0.0),
    ];
    let mut sound = noise(seed, &curve.map(point), if wet { 0.4 } else { 0.55 });
    Biquad::low_pass(if wet { 6500.0 } else { 2200.0 }, 0.6).mono(&mut sound);
    let engine = noise(seed ^ 3, &curve.map(|(t, f, g)| point((t, f * 0.16, g))), 1.3);
    let from = if unit(seed, 3) < 0.5 { -0.85 } else { 0.85 };
    let gain = between(seed, 4, 0.3, 0.7);
    for (i, (a, b)) in sound.iter().zip(&engine).enumerate() {
        let Ok(to) = usize::try_from((at * RATE) as i64 + i as i64) else { continue };
        let Some(s) = bed.get_mut(to) else { break };
        let side = pan_gains(from * (1.0 - 2.0 * i as f32 / sound.len() as f32));
        let x = (a + b * 1.4) * gain;
        *s = [s[0] + x * side[0], s[1] + x * side[1]];
    }
}

/// Root mean square over both sides.
pub fn rms(bed: &Bed) -> f32 {
    let power: f64 = bed.iter().flatten().map(|&s| f64::from(s) * f64::from(s)).sum();
    (power / (2 * bed.len().max(1)) as f64).sqrt() as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn textures_neither_stop_nor_burst_nor_repeat() {
        let all: [(&str, Bed); 8] = [
            ("air", air(1, 8.0, 300.0)),
            ("wind", wind(1, 8.0, 0.7)),
            ("rain", rain(1, 8.0, 0.6)),
            ("stream", stream(1, 8.0)),
            ("surf", surf(1, 8.0)),
            ("flames", flames(1, 8.0, 6.0)),
            ("hum", hum(1, 8.0, &[50.0, 100.0], 400.0)),
            ("traffic", traffic(1, 8.0, 4.0, true)),
        ];
        for (name, bed) in all {
            let level = rms(&bed);
            for second in bed.chunks(48_000) {
                let here = rms(&second.to_vec());
                assert!(here > level * 0.04, "{name} stops");
                assert!(here < level * 6.0, "{name} bursts");
            }
            let (a, b) = (&bed[..96_000], &bed[96_000..192_000]);
            let dot: f64 = a.iter().zip(b).map(|(x, y)| f64::from(x[0] * y[0])).sum();
            let norm: f64 = a.iter().map(|x| f64::from(x[0] * x[0])).sum();
            assert!(name == "hum" || dot.abs() < norm * 0.3, "{name} repeats");
        }
    }
}

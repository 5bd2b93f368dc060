//! Birds and insects by region and hour, each song drawn as a handful of gestures.

use crate::beds::{Bed, place};
use klieg_film_dsp::gesture::{noise, point, tone};
use klieg_film_dsp::noise::wander;
use klieg_film_dsp::{RATE, pan_gains, samples};
use klieg_film_words::story::{Region, TimeOfDay};
use klieg_film_words::{between, mix, pick, unit};

/// A song of one kind of bird.
type Song = fn(u64) -> Vec<f32>;

/// Who sings where.
fn choir(region: Region) -> &'static [Song] {
    match region {
        Region::SouthIndian | Region::NorthIndian => &[koel, crow, chatter, parakeet, dove],
        Region::Japanese => &[uguisu, warble, crow, twitter],
        Region::Chinese | Region::Korean => &[warble, twitter, chatter, dove],
        Region::African => &[dove, chatter, parakeet, twitter],
        Region::MiddleEastern => &[dove, twitter],
        Region::Western | Region::Fantasy => &[blackbird, twitter, warble, dove],
        Region::ScienceFiction => &[twitter],
    }
}

/// Birds for `seconds`; many at dawn, few at noon, none at night.
pub fn birds(seed: u64, seconds: f32, region: Region, time: TimeOfDay) -> Bed {
    let gap = match time {
        TimeOfDay::Dawn => 0.9,
        TimeOfDay::Morning => 1.4,
        TimeOfDay::Day | TimeOfDay::Afternoon => 2.6,
        TimeOfDay::Dusk => 1.8,
        TimeOfDay::Evening => 5.0,
        TimeOfDay::Night => return owl(seed, seconds),
    };
    let mut bed = vec![[0.0; 2]; samples(seconds)];
    let mut t = between(seed, 0, 0.1, gap);
    let mut n = 1;
    while t < seconds {
        // A bird keeps its branch: kind and side go together.
        let who = (unit(seed, n) * 6.0) as u64;
        let song = pick(seed ^ 31, who, choir(region));
        let far = between(seed, 200 + who, 0.25, 1.0);
        place(&mut bed, &song(mix(seed ^ n)), t, between(seed, 300 + who, -0.95, 0.95), far * far);
        t += gap * between(seed, 400 + n, 0.3, 1.9);
        n += 1;
    }
    bed
}

fn owl(seed: u64, seconds: f32) -> Bed {
    let mut bed = vec![[0.0; 2]; samples(seconds)];
    let mut t = between(seed, 0, 1.0, 5.0);
    let mut n = 1;
    while t < seconds {
        for (at, length) in [(0.0, 0.3), (0.55, 0.22), (0.85, 0.5)] {
            let hoot = tone(&[point((0.0, 340.0, 0.0)), point((0.07, 370.0, 0.8)), point((length, 345.0, 0.0))], &[1.0, 0.12]);
            place(&mut bed, &hoot, t + at, 0.5, 0.35);
        }
        t += between(seed, n, 7.0, 13.0);
        n += 1;
    }
    bed
}

/// Whistles `(start, from hz, to hz, seconds)` end to end as one song.
fn whistles(parts: &[(f32, f32, f32, f32)], partials: &[f32], gain: f32) -> Vec<f32> {
    let mut out: Vec<f32> = Vec::new();
    for &(at, from, to, seconds) in parts {
        let edge = (seconds * 0.25).min(0.02);
        let one = tone(
            &[
                point((0.0, from, 0.0)),
                point((edge, from, gain)),
                point((seconds - edge, to, gain * 0.8)),
                point((seconds, to, 0.0)),
            ],
            partials,
        );
        let first = samples(at);
        out.resize(out.len().max(first + one.len()), 0.0);
        for (s, x) in out[first..].iter_mut().zip(&one) {
            *s += x;
        }
    }
    out
}

/// Koel: rising "ko-el", each call higher.
fn koel(seed: u64) -> Vec<f32> {
    let calls = 2 + (unit(seed, 1) * 4.0) as usize;
    let parts: Vec<_> = (0..calls)
        .flat_map(|i| {
            let (at, up) = (i as f32 * 0.75, 1.0 + 0.07 * i as f32);
            [(at, 900.0 * up, 980.0 * up, 0.13), (at + 0.15, 1050.0 * up, 1450.0 * up, 0.4)]
        })
        .collect();
    whistles(&parts, &[1.0, 0.18, 0.05], 0.5)
}

/// Japanese bush warbler: a long level whistle, then "ho-hokekyo".
fn uguisu(seed: u64) -> Vec<f32> {
    let v = between(seed, 1, 0.94, 1.06);
    whistles(
        &[
            (0.0, 1550.0 * v, 1560.0 * v, 0.85),
            (0.9, 2600.0 * v, 3300.0 * v, 0.09),
            (1.0, 3700.0 * v, 2500.0 * v, 0.12),
            (1.13, 2900.0 * v, 2050.0 * v, 0.2),
        ],
        &[1.0, 0.08],
        0.55,
    )
}

fn crow(seed: u64) -> Vec<f32> {
    let mut out = Vec::new();
    for i in 0..2 + (unit(seed, 1) * 2.0) as u64 {
        let hz = between(seed, 10 + i, 480.0, 560.0);
        let caw = tone(
            &[point((0.0, hz * 0.9, 0.0)), point((0.04, hz * 1.15, 0.5)), point((0.2, hz, 0.45)), point((0.3, hz * 0.8, 0.0))],
            &[0.3, 0.8, 1.0, 0.8, 0.5, 0.5, 0.3],
        );
        let rasp = noise(seed ^ i, &[point((0.0, 1500.0, 0.0)), point((0.05, 1700.0, 0.9)), point((0.3, 1300.0, 0.0))], 0.8);
        let first = samples(i as f32 * 0.48);
        out.resize(first + caw.len().max(rasp.len()), 0.0);
        for k in 0..caw.len().min(rasp.len()) {
            out[first + k] += (caw[k] + rasp[k]) * 0.35;
        }
    }
    out
}

fn chatter(seed: u64) -> Vec<f32> {
    let parts: Vec<_> = (0..6 + (unit(seed, 1) * 8.0) as u64)
        .map(|i| {
            let hz = between(seed, 10 + i, 2200.0, 3900.0);
            (i as f32 * 0.11, hz, hz * between(seed, 40 + i, 0.75, 1.2), 0.07)
        })
        .collect();
    whistles(&parts, &[1.0, 0.35, 0.15], 0.35)
}

fn parakeet(seed: u64) -> Vec<f32> {
    let parts: Vec<_> = (0..3).map(|i| (i as f32 * 0.24, 3300.0, 2700.0 * between(seed, i, 0.95, 1.05), 0.16)).collect();
    whistles(&parts, &[1.0, 0.6, 0.4], 0.3)
}

fn dove(seed: u64) -> Vec<f32> {
    let v = between(seed, 1, 0.93, 1.07);
    whistles(
        &[(0.0, 520.0 * v, 540.0 * v, 0.22), (0.32, 600.0 * v, 560.0 * v, 0.42), (0.86, 520.0 * v, 500.0 * v, 0.26)],
        &[1.0, 0.1],
        0.45,
    )
}

fn blackbird(seed: u64) -> Vec<f32> {
    let mut t = 0.0;
    let parts: Vec<_> = (0..5 + (unit(seed, 1) * 4.0) as u64)
        .map(|i| {
            let (hz, length) = (between(seed, 10 + i, 1600.0, 2900.0), between(seed, 40 + i, 0.08, 0.3));
            let at = t;
            t += length + between(seed, 70 + i, 0.01, 0.09);
            (at, hz, hz * between(seed, 100 + i, 0.8, 1.25), length)
        })
        .collect();
    whistles(&parts, &[1.0, 0.12], 0.5)
}

fn warble(seed: u64) -> Vec<f32> {
    let parts: Vec<_> = (0..10 + (unit(seed, 1) * 8.0) as u64)
        .map(|i| {
            let hz = between(seed, 10 + i, 3300.0, 5200.0);
            (i as f32 * 0.075, hz, hz * between(seed, 60 + i, 0.8, 1.25), 0.06)
        })
        .collect();
    whistles(&parts, &[1.0], 0.35)
}

fn twitter(seed: u64) -> Vec<f32> {
    let parts: Vec<_> = (0..2 + (unit(seed, 1) * 3.0) as u64)
        .map(|i| {
            let hz = between(seed, 10 + i, 4200.0, 5600.0);
            (i as f32 * 0.16, hz, hz * 0.8, 0.05)
        })
        .collect();
    whistles(&parts, &[1.0, 0.2], 0.4)
}

/// Crickets at night, cicadas on hot days: a carrier that is switched in trills.
pub fn insects(seed: u64, seconds: f32, cicadas: bool) -> Bed {
    let mut bed = vec![[0.0f32; 2]; samples(seconds)];
    for k in 0..4u64 {
        let hz = if cicadas { between(seed, k, 4600.0, 6200.0) } else { between(seed, k, 3900.0, 4900.0) };
        let (pulse, every) = if cicadas {
            (between(seed, 10 + k, 90.0, 130.0), 6.5)
        } else {
            (between(seed, 10 + k, 26.0, 34.0), between(seed, 20 + k, 0.55, 0.9))
        };
        let side = pan_gains(between(seed, 30 + k, -0.9, 0.9));
        let level = between(seed, 40 + k, 0.3, 1.0);
        let step = std::f32::consts::TAU * hz / RATE;
        let (sin, cos) = step.sin_cos();
        let (mut x, mut y) = (0.0f32, 1.0f32);
        for (block, part) in bed.chunks_mut(96).enumerate() {
            let t = block as f32 * 96.0 / RATE;
            let trill = ((t + 0.3 * wander(seed ^ k, t, 3.0)) / every + 0.37 * k as f32).fract();
            let on = if cicadas { (trill * 1.2).min(1.0) * (1.0 - trill).powf(0.3) } else { f32::from(u8::from(trill < 0.45)) };
            let beat = (std::f32::consts::TAU * pulse * t).sin().max(0.0);
            let gain = on * (if cicadas { 0.6 + 0.4 * beat } else { beat }) * level;
            for s in part {
                *s = [s[0] + x * gain * side[0], s[1] + x * gain * side[1]];
                (x, y) = (x * cos + y * sin, y * cos - x * sin);
            }
        }
    }
    bed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_sing_their_own_songs_and_nights_have_none() {
        for &region in Region::ALL {
            let dawn = birds(5, 10.0, region, TimeOfDay::Dawn);
            assert!(crate::beds::rms(&dawn) > 0.002, "{region:?}");
        }
        assert!(birds(5, 10.0, Region::Japanese, TimeOfDay::Dawn) != birds(5, 10.0, Region::Western, TimeOfDay::Dawn));
    }

    #[test]
    fn songs_end_and_stay_in_bounds() {
        let songs: [Song; 10] = [koel, uguisu, crow, chatter, parakeet, dove, blackbird, warble, twitter, koel];
        for song in songs {
            for seed in 0..5 {
                let s = song(seed);
                assert!(s.len() < 48_000 * 6 && s.iter().all(|x| x.abs() < 3.0));
            }
        }
    }
}

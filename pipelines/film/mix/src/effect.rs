//! Single sounds of things: synthesised by modes and shaped noise, no two of one kind quite alike.

use klieg_film_dsp::gesture::{Point, noise, point, tone};
use klieg_film_dsp::samples;
use klieg_film_dsp::struck::{Blow, Burst, Mode, modes};
use klieg_film_words::sound::Stereo;
use klieg_film_words::{between, mix};
use serde::{Deserialize, Serialize};

/// What feet are on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Surface {
    Stone,
    Wood,
    Earth,
    Grass,
    Gravel,
    Sand,
    Snow,
    Wet,
    Metal,
    /// Tatami, carpet.
    Mat,
}

/// A sound that something makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "snake_case")]
pub enum Effect {
    Footstep { surface: Surface },
    DoorOpen,
    DoorClose,
    Knock,
    Creak,
    Cloth,
    Cup,
    Glass,
    Sip,
    Pour,
    Splash,
    Paper,
    Pencil,
    Coin,
    Match,
    Thunder,
    Bell,
    HandBell,
    Anklet,
    Gong,
    Gunshot,
    Sword,
    Punch,
    Thud,
    Drum,
    Clap,
    Kiss,
    Phone,
    Beep,
    Clock,
    Horn,
    Siren,
    TrainWhistle,
    Dog,
    Rooster,
    Bamboo,
    Leaves,
    Engine,
}

/// The sound of `kind`; another for each `seed`. Mono in the middle, peaks near or below full scale, at natural relative levels
/// (a footstep is far below a gunshot).
pub fn effect(kind: Effect, seed: u64) -> Stereo {
    let (level, mono) = voice(kind, seed);
    let peak = mono.iter().fold(1e-6f32, |p, s| p.max(s.abs()));
    Stereo { samples: mono.iter().map(|s| [s * level / peak; 2]).collect() }
}

/// Peak level and sound.
fn voice(kind: Effect, seed: u64) -> (f32, Vec<f32>) {
    match kind {
        Effect::Footstep { surface } => footstep(surface, seed),
        Effect::DoorOpen | Effect::DoorClose | Effect::Knock | Effect::Creak => door(kind, seed),
        Effect::Cup
        | Effect::Glass
        | Effect::Coin
        | Effect::HandBell
        | Effect::Anklet
        | Effect::Bell
        | Effect::Gong
        | Effect::Clock
        | Effect::Bamboo => ringing(kind, seed),
        Effect::Cloth
        | Effect::Paper
        | Effect::Pencil
        | Effect::Leaves
        | Effect::Match
        | Effect::Sip
        | Effect::Pour
        | Effect::Splash => rustle(kind, seed),
        Effect::Thunder
        | Effect::Gunshot
        | Effect::Sword
        | Effect::Punch
        | Effect::Thud
        | Effect::Drum
        | Effect::Clap
        | Effect::Kiss => impact(kind, seed),
        Effect::Phone
        | Effect::Beep
        | Effect::Horn
        | Effect::Siren
        | Effect::TrainWhistle
        | Effect::Dog
        | Effect::Rooster
        | Effect::Engine => call(kind, seed),
    }
}

fn vary(seed: u64, n: u64, low: f32, high: f32) -> f32 {
    between(mix(seed ^ 0xeffe), n, low, high)
}

fn points(list: &[(f32, f32, f32)]) -> Vec<Point> {
    list.iter().copied().map(point).collect()
}

/// `b` added to `a` from `at` seconds on.
fn lay(mut a: Vec<f32>, at: f32, b: &[f32], gain: f32) -> Vec<f32> {
    let first = samples(at);
    a.resize(a.len().max(first + b.len()), 0.0);
    for (s, x) in a[first..].iter_mut().zip(b) {
        *s += x * gain;
    }
    a
}

fn burst(hz: f32, q: f32, gain: f32, seconds: f32) -> Burst {
    Burst { hz, q, gain, seconds }
}

fn blow(modes: Vec<Mode>, bursts: Vec<Burst>, seed: u64) -> Vec<f32> {
    Blow { modes, glide: (0.0, 0.0), bursts }.sound(seed)
}

/// Heel, then the ball of the foot 60–90 ms later.
fn footstep(surface: Surface, seed: u64) -> (f32, Vec<f32>) {
    let v = vary(seed, 1, 0.9, 1.12);
    let (heel, ball, level) = match surface {
        Surface::Stone => (
            blow(modes(180.0 * v, &[1.0, 2.3], 0.5, 0.06, 0.5), vec![burst(1900.0 * v, 0.9, 1.0, 0.045)], seed),
            burst(2600.0, 0.8, 0.5, 0.04),
            0.16,
        ),
        Surface::Wood => (
            blow(modes(120.0 * v, &[1.0, 1.9, 3.1], 1.0, 0.12, 0.6), vec![burst(800.0 * v, 0.8, 0.5, 0.04)], seed),
            burst(1100.0, 0.8, 0.4, 0.04),
            0.2,
        ),
        Surface::Metal => (
            blow(modes(210.0 * v, &[1.0, 2.76, 4.1, 5.4], 0.7, 0.3, 0.7), vec![burst(1500.0 * v, 0.8, 0.5, 0.04)], seed),
            burst(2000.0, 0.9, 0.3, 0.04),
            0.15,
        ),
        Surface::Wet => (
            blow(
                modes(150.0 * v, &[1.0], 0.4, 0.05, 0.5),
                vec![burst(1500.0 * v, 0.7, 0.8, 0.05), burst(4200.0, 0.5, 0.6, 0.14)],
                seed,
            ),
            burst(3500.0, 0.5, 0.7, 0.12),
            0.17,
        ),
        Surface::Earth => (
            blow(modes(85.0 * v, &[1.0], 1.0, 0.07, 0.5), vec![burst(520.0 * v, 0.7, 0.6, 0.06)], seed),
            burst(900.0, 0.6, 0.4, 0.07),
            0.12,
        ),
        Surface::Mat => (
            blow(modes(75.0 * v, &[1.0], 1.0, 0.08, 0.5), vec![burst(350.0 * v, 0.7, 0.5, 0.05)], seed),
            burst(1600.0, 0.5, 0.25, 0.09),
            0.09,
        ),
        Surface::Grass => (crunch(seed, 2400.0, 0.16, 18), burst(3200.0, 0.5, 0.5, 0.12), 0.09),
        Surface::Sand => (crunch(seed, 1500.0, 0.2, 30), burst(2100.0, 0.4, 0.6, 0.16), 0.09),
        Surface::Snow => (crunch(seed, 1100.0, 0.2, 26), burst(2600.0, 0.5, 0.5, 0.16), 0.12),
        Surface::Gravel => (crunch(seed, 3100.0, 0.19, 24), burst(3800.0, 0.6, 0.6, 0.13), 0.15),
    };
    let ball = blow(Vec::new(), vec![ball], mix(seed));
    (level * vary(seed, 2, 0.75, 1.1), lay(heel, vary(seed, 3, 0.06, 0.09), &ball, 0.8))
}

/// Many small grains.
fn crunch(seed: u64, hz: f32, seconds: f32, grains: u64) -> Vec<f32> {
    let mut out = vec![0.0; samples(seconds)];
    for g in 0..grains {
        let at = vary(seed, 100 + g, 0.0, 1.0).powf(1.5) * (seconds - 0.03);
        let grain = blow(Vec::new(), vec![burst(hz * vary(seed, 200 + g, 0.6, 1.5), 1.2, 1.0, 0.02)], seed ^ (g << 8));
        out = lay(out, at, &grain, vary(seed, 300 + g, 0.2, 1.0));
    }
    out
}

fn door(kind: Effect, seed: u64) -> (f32, Vec<f32>) {
    let wood = |gain: f32, seconds: f32, s: u64| {
        blow(
            modes(95.0 * vary(seed, s, 0.9, 1.1), &[1.0, 1.7, 2.6, 4.1], gain, seconds, 0.6),
            vec![burst(600.0, 0.7, 0.6 * gain, 0.06)],
            seed ^ s,
        )
    };
    let latch = |s: u64| blow(modes(1450.0, &[1.0, 2.2, 3.4], 0.4, 0.05, 0.7), vec![burst(3800.0, 0.8, 0.9, 0.02)], seed ^ s);
    match kind {
        Effect::DoorOpen => {
            (0.3, lay(lay(lay(latch(1), 0.09, &latch(2), 0.8), 0.2, &creak(seed, 0.5), 0.25), 0.75, &wood(0.3, 0.15, 3), 0.5))
        }
        Effect::DoorClose => (0.42, lay(lay(creak(seed, 0.28), 0.3, &wood(1.0, 0.35, 4), 3.0), 0.34, &latch(5), 0.7)),
        Effect::Creak => (0.16, creak(seed, vary(seed, 6, 0.3, 0.6))),
        _ => (
            0.3,
            [0.0, 0.24, 0.46]
                .iter()
                .enumerate()
                .fold(Vec::new(), |all, (i, at)| lay(all, *at, &wood(1.0, 0.12, 10 + i as u64), 1.0)),
        ),
    }
}

/// Stick and slip: pulses whose rate wanders, through the wood's resonances.
fn creak(seed: u64, seconds: f32) -> Vec<f32> {
    let mut out = vec![0.0; samples(seconds + 0.05)];
    let mut t = 0.0;
    let mut n = 0;
    while t < seconds {
        let click = blow(modes(420.0 * vary(seed, 50, 0.85, 1.2), &[1.0, 2.1, 3.3], 0.8, 0.03, 0.8), Vec::new(), seed ^ n);
        out = lay(out, t, &click, vary(seed, 400 + n, 0.3, 1.0) * (std::f32::consts::PI * t / seconds).sin());
        t += 0.012 + 0.02 * klieg_film_dsp::noise::wander(seed, t, 0.12);
        n += 1;
    }
    out
}

fn ringing(kind: Effect, seed: u64) -> (f32, Vec<f32>) {
    let v = vary(seed, 1, 0.93, 1.08);
    match kind {
        Effect::Cup => {
            (0.17, blow(modes(2100.0 * v, &[1.0, 1.58, 2.44, 3.3], 0.6, 0.22, 0.6), vec![burst(3000.0, 0.8, 0.5, 0.02)], seed))
        }
        Effect::Glass => {
            (0.18, blow(modes(2900.0 * v, &[1.0, 1.83, 2.71], 0.7, 0.8, 0.5), vec![burst(6000.0, 0.8, 0.3, 0.01)], seed))
        }
        Effect::Coin => {
            let one = |s: u64, g: f32| {
                blow(modes(5200.0 * v, &[1.0, 1.41, 1.93], g, 0.35, 0.7), vec![burst(7000.0, 0.9, 0.3, 0.01)], seed ^ s)
            };
            (0.14, lay(lay(one(1, 1.0), 0.11, &one(2, 0.7), 1.0), 0.18, &one(3, 0.5), 1.0))
        }
        Effect::HandBell => {
            (0.22, blow(modes(1180.0 * v, &[1.0, 2.0, 2.71, 4.1, 5.3], 0.6, 1.8, 0.7), vec![burst(5000.0, 0.8, 0.2, 0.01)], seed))
        }
        // Hum, prime, tierce, quint, nominal of a cast bell.
        Effect::Bell => (
            0.4,
            blow(
                modes(430.0 * v, &[0.5, 1.0, 1.19, 1.5, 2.0, 2.66, 3.0, 4.2], 0.8, 4.5, 0.82),
                vec![burst(2500.0, 0.7, 0.25, 0.02)],
                seed,
            ),
        ),
        Effect::Gong => (
            0.4,
            blow(modes(96.0 * v, &[1.0, 1.52, 2.07, 2.8, 3.6, 5.1, 7.3], 0.8, 6.0, 0.85), vec![burst(900.0, 0.5, 0.4, 0.8)], seed),
        ),
        Effect::Anklet => (
            0.1,
            (0..9).fold(Vec::new(), |all, i| {
                let bell = blow(modes(vary(seed, 20 + i, 5200.0, 7600.0), &[1.0, 1.6], 0.5, 0.16, 0.6), Vec::new(), seed ^ i);
                lay(all, vary(seed, 40 + i, 0.0, 0.09), &bell, vary(seed, 60 + i, 0.4, 1.0))
            }),
        ),
        Effect::Clock => (0.07, blow(modes(1900.0 * v, &[1.0, 1.7], 0.5, 0.03, 0.6), vec![burst(4200.0, 1.0, 0.5, 0.01)], seed)),
        _ => (0.26, blow(modes(520.0 * v, &[1.0, 2.75, 5.0], 1.0, 0.13, 0.4), vec![burst(1500.0, 0.9, 0.3, 0.02)], seed)),
    }
}

fn rustle(kind: Effect, seed: u64) -> (f32, Vec<f32>) {
    let v = |n: u64, low: f32, high: f32| vary(seed, n, low, high);
    match kind {
        Effect::Cloth => {
            let (a, b) = (v(1, 0.08, 0.16), v(2, 0.3, 0.5));
            (
                0.06,
                noise(
                    seed,
                    &points(&[
                        (0.0, 900.0, 0.0),
                        (a, v(3, 1500.0, 2600.0), 1.0),
                        (a + 0.06, 1200.0, 0.35),
                        (a + 0.14, 2000.0, 0.8),
                        (b + 0.1, 800.0, 0.0),
                    ]),
                    0.6,
                ),
            )
        }
        Effect::Paper => {
            let swish = noise(
                seed,
                &points(&[(0.0, 3000.0, 0.0), (0.05, 5200.0, 1.0), (0.12, 4200.0, 0.3), (0.2, 5600.0, 0.9), (0.34, 3500.0, 0.0)]),
                0.7,
            );
            (0.1, lay(swish, 0.02, &crunch(seed, 4600.0, 0.3, 14), 0.5))
        }
        Effect::Pencil => (
            0.05,
            (0..6).fold(Vec::new(), |all, i| {
                let stroke =
                    noise(seed ^ i, &points(&[(0.0, 2600.0, 0.0), (0.02, 3600.0, 1.0), (v(10 + i, 0.07, 0.14), 3000.0, 0.0)]), 1.2);
                lay(all, i as f32 * 0.17, &stroke, v(20 + i, 0.5, 1.0))
            }),
        ),
        Effect::Leaves => (
            0.09,
            lay(
                noise(seed, &points(&[(0.0, 2500.0, 0.0), (0.3, 4500.0, 1.0), (0.8, 3000.0, 0.5), (1.4, 2500.0, 0.0)]), 0.5),
                0.1,
                &crunch(seed, 4200.0, 0.9, 26),
                0.3,
            ),
        ),
        Effect::Match => (
            0.16,
            lay(
                crunch(seed, 5200.0, 0.22, 30),
                0.16,
                &noise(seed, &points(&[(0.0, 900.0, 0.0), (0.05, 2800.0, 1.0), (0.35, 1400.0, 0.4), (0.9, 700.0, 0.0)]), 0.5),
                1.4,
            ),
        ),
        Effect::Sip => {
            (0.06, noise(seed, &points(&[(0.0, 1800.0, 0.0), (0.12, 2600.0, 1.0), (0.3, 3400.0, 0.6), (0.36, 2400.0, 0.0)]), 1.5))
        }
        Effect::Pour => {
            let stream =
                noise(seed, &points(&[(0.0, 900.0, 0.0), (0.12, 1300.0, 0.8), (1.5, 2300.0, 0.8), (1.8, 2600.0, 0.0)]), 0.9);
            (
                0.12,
                (0..40).fold(stream, |all, i| {
                    // Bubbles: a rising chirp each, higher as the cup fills.
                    let at = v(30 + i, 0.1, 1.6);
                    let hz = 500.0 + 500.0 * at + v(80 + i, 0.0, 400.0);
                    lay(
                        all,
                        at,
                        &tone(&points(&[(0.0, hz, 0.0), (0.006, hz * 1.05, 0.5), (0.05, hz * 1.35, 0.0)]), &[1.0]),
                        v(130 + i, 0.2, 0.9),
                    )
                }),
            )
        }
        _ => {
            let spray =
                noise(seed, &points(&[(0.0, 700.0, 0.0), (0.03, 1900.0, 1.0), (0.25, 3300.0, 0.5), (0.7, 4200.0, 0.0)]), 0.45);
            (0.3, lay(spray, 0.0, &blow(modes(110.0, &[1.0, 1.8], 0.6, 0.15, 0.5), Vec::new(), seed), 0.8))
        }
    }
}

fn impact(kind: Effect, seed: u64) -> (f32, Vec<f32>) {
    let v = |n: u64, low: f32, high: f32| vary(seed, n, low, high);
    match kind {
        Effect::Thunder => {
            let crack =
                noise(seed, &points(&[(0.0, 2200.0, 0.0), (0.02, 2600.0, 1.0), (0.18, 700.0, 0.5), (0.5, 300.0, 0.0)]), 0.5);
            let roll = noise(
                mix(seed),
                &points(&[
                    (0.0, 140.0, 0.0),
                    (0.3, 110.0, 1.0),
                    (v(1, 0.8, 1.1), 80.0, 0.5),
                    (1.6, 95.0, 0.9),
                    (2.4, 70.0, 0.45),
                    (3.1, 85.0, 0.6),
                    (5.5, 55.0, 0.0),
                ]),
                0.6,
            );
            (0.6, lay(crack, 0.05, &roll, 3.2))
        }
        Effect::Gunshot => {
            let report = blow(
                modes(85.0, &[1.0, 1.6], 1.0, 0.12, 0.6),
                vec![burst(1800.0, 0.4, 2.4, 0.09), burst(420.0, 0.5, 1.4, 0.3)],
                seed,
            );
            (0.85, lay(report, 0.09, &noise(seed, &points(&[(0.0, 700.0, 0.5), (0.3, 350.0, 0.2), (1.4, 200.0, 0.0)]), 0.5), 0.7))
        }
        Effect::Sword => (
            0.4,
            lay(
                blow(
                    modes(1750.0 * v(1, 0.9, 1.15), &[1.0, 1.47, 2.09, 2.56, 3.9], 0.7, 0.9, 0.8),
                    vec![burst(6500.0, 0.7, 0.8, 0.04)],
                    seed,
                ),
                0.03,
                &noise(seed, &points(&[(0.0, 5000.0, 0.3), (0.3, 7500.0, 0.0)]), 1.0),
                0.6,
            ),
        ),
        Effect::Punch => {
            (0.4, blow(modes(95.0 * v(1, 0.9, 1.1), &[1.0, 1.6], 1.0, 0.1, 0.5), vec![burst(900.0, 0.6, 1.1, 0.05)], seed))
        }
        Effect::Thud => {
            (0.35, blow(modes(62.0 * v(1, 0.9, 1.15), &[1.0, 1.5, 2.3], 1.0, 0.22, 0.5), vec![burst(380.0, 0.7, 0.7, 0.07)], seed))
        }
        Effect::Drum => {
            (0.4, blow(modes(88.0, &[1.0, 1.59, 2.14, 2.3, 2.65], 1.0, 0.6, 0.6), vec![burst(500.0, 0.7, 0.5, 0.05)], seed))
        }
        Effect::Clap => {
            (0.2, blow(Vec::new(), vec![burst(1250.0 * v(1, 0.85, 1.2), 1.0, 1.0, 0.07), burst(2400.0, 0.8, 0.6, 0.1)], seed))
        }
        _ => {
            (0.05, noise(seed, &points(&[(0.0, 2600.0, 0.0), (0.05, 3300.0, 0.5), (0.07, 1600.0, 1.0), (0.12, 1200.0, 0.0)]), 1.6))
        }
    }
}

fn call(kind: Effect, seed: u64) -> (f32, Vec<f32>) {
    let v = |n: u64, low: f32, high: f32| vary(seed, n, low, high);
    let held = |hz: f32, seconds: f32| points(&[(0.0, hz, 0.0), (0.01, hz, 1.0), (seconds - 0.02, hz, 1.0), (seconds, hz, 0.0)]);
    match kind {
        Effect::Phone => {
            // An electromechanical bell: two gongs struck twenty times a second, for a second and a half.
            let strike = |i: u64| {
                blow(
                    modes(if i.is_multiple_of(2) { 1480.0 } else { 1720.0 }, &[1.0, 2.6, 4.9], 0.6, 0.4, 0.6),
                    Vec::new(),
                    seed ^ i,
                )
            };
            (0.2, (0..30).fold(Vec::new(), |all, i| lay(all, i as f32 * 0.05, &strike(i), 0.7)))
        }
        Effect::Beep => (0.08, tone(&held(880.0, 0.14), &[1.0, 0.15])),
        Effect::Horn => {
            let hz = v(1, 370.0, 460.0);
            (
                0.2,
                lay(
                    tone(&held(hz, v(2, 0.25, 0.6)), &[1.0, 0.7, 0.5, 0.35, 0.2]),
                    0.0,
                    &tone(&held(hz * 1.26, 0.3), &[1.0, 0.7, 0.5, 0.3]),
                    0.9,
                ),
            )
        }
        Effect::Siren => {
            let wail: Vec<(f32, f32, f32)> = (0..=8)
                .map(|i| (i as f32 * 0.5, if i % 2 == 0 { 620.0 } else { 1150.0 }, (std::f32::consts::PI * i as f32 / 8.0).sin()))
                .collect();
            (0.12, tone(&points(&wail), &[1.0, 0.5, 0.3, 0.15]))
        }
        Effect::TrainWhistle => {
            let chord = [311.0, 370.0, 415.0, 494.0].map(|hz| {
                tone(&points(&[(0.0, hz * 0.97, 0.0), (0.15, hz, 1.0), (1.3, hz, 0.9), (1.7, hz * 0.96, 0.0)]), &[1.0, 0.4, 0.2])
            });
            (0.25, chord.iter().fold(Vec::new(), |all, c| lay(all, 0.0, c, 0.5)))
        }
        Effect::Dog => {
            let bark = |s: u64| {
                let hz = v(s, 330.0, 420.0);
                let voiced = tone(
                    &points(&[(0.0, hz * 0.8, 0.0), (0.03, hz * 1.3, 1.0), (0.09, hz, 0.7), (0.17, hz * 0.6, 0.0)]),
                    &[0.6, 1.0, 0.9, 0.6, 0.5, 0.3],
                );
                lay(
                    voiced,
                    0.0,
                    &noise(seed ^ s, &points(&[(0.0, 1100.0, 0.0), (0.03, 1600.0, 1.5), (0.15, 800.0, 0.0)]), 0.7),
                    0.6,
                )
            };
            (0.16, lay(bark(1), v(9, 0.32, 0.45), &bark(2), 0.9))
        }
        Effect::Rooster => {
            let crow = [
                (0.0, 600.0, 0.0),
                (0.06, 850.0, 1.0),
                (0.2, 900.0, 0.8),
                (0.24, 700.0, 0.2),
                (0.3, 950.0, 1.0),
                (0.45, 1000.0, 0.9),
                (0.5, 800.0, 0.2),
                (0.58, 1050.0, 1.0),
                (1.0, 1100.0, 1.0),
                (1.5, 700.0, 0.0),
            ];
            (0.16, tone(&points(&crow), &[0.7, 1.0, 0.6, 0.4, 0.2]))
        }
        _ => {
            let idle = noise(seed, &points(&[(0.0, 90.0, 0.0), (0.3, 140.0, 1.0), (1.6, 200.0, 1.0), (2.4, 120.0, 0.0)]), 0.9);
            (
                0.25,
                lay(
                    idle,
                    0.0,
                    &tone(
                        &points(&[(0.0, 45.0, 0.0), (0.4, 62.0, 0.4), (1.6, 85.0, 0.4), (2.4, 60.0, 0.0)]),
                        &[1.0, 0.8, 0.7, 0.5, 0.4, 0.3],
                    ),
                    0.6,
                ),
            )
        }
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    pub const ALL: [Effect; 38] = [
        Effect::Footstep { surface: Surface::Stone },
        Effect::DoorOpen,
        Effect::DoorClose,
        Effect::Knock,
        Effect::Creak,
        Effect::Cloth,
        Effect::Cup,
        Effect::Glass,
        Effect::Sip,
        Effect::Pour,
        Effect::Splash,
        Effect::Paper,
        Effect::Pencil,
        Effect::Coin,
        Effect::Match,
        Effect::Thunder,
        Effect::Bell,
        Effect::HandBell,
        Effect::Anklet,
        Effect::Gong,
        Effect::Gunshot,
        Effect::Sword,
        Effect::Punch,
        Effect::Thud,
        Effect::Drum,
        Effect::Clap,
        Effect::Kiss,
        Effect::Phone,
        Effect::Beep,
        Effect::Clock,
        Effect::Horn,
        Effect::Siren,
        Effect::TrainWhistle,
        Effect::Dog,
        Effect::Rooster,
        Effect::Bamboo,
        Effect::Leaves,
        Effect::Engine,
    ];
    const SURFACES: [Surface; 10] = [
        Surface::Stone,
        Surface::Wood,
        Surface::Earth,
        Surface::Grass,
        Surface::Gravel,
        Surface::Sand,
        Surface::Snow,
        Surface::Wet,
        Surface::Metal,
        Surface::Mat,
    ];

    #[test]
    fn everything_sounds_ends_and_varies() {
        for kind in ALL.into_iter().chain(SURFACES.map(|surface| Effect::Footstep { surface })) {
            let (a, b) = (effect(kind, 1), effect(kind, 2));
            let peak = a.samples.iter().flatten().fold(0.0f32, |p, s| p.max(s.abs()));
            assert!((0.02..=1.0).contains(&peak), "{kind:?} peaks at {peak}");
            assert!((0.02..9.0).contains(&a.seconds()), "{kind:?} lasts {}", a.seconds());
            let end = a.samples[a.samples.len() - 20..].iter().flatten().fold(0.0f32, |p, s| p.max(s.abs()));
            assert!(end < peak * 0.05, "{kind:?} stops with a click");
            assert!(a == effect(kind, 1));
            if !matches!(kind, Effect::Beep | Effect::Siren | Effect::TrainWhistle | Effect::Rooster) {
                assert!(a != b, "{kind:?} never varies");
            }
        }
    }
}

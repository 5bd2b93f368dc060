//! klieg's own instruments, for machines without a sound font: decaying or held partials, one timbre a General MIDI family.

use crate::piece::Note;
use klieg_film_dsp::struck::{Blow, Burst, Mode};
use klieg_film_dsp::{RATE, samples};

/// How a family sounds.
struct Timbre {
    /// The n-th partial's level is n to the minus this.
    tilt: f32,
    partials: usize,
    /// Time in seconds to fall by 60 dB; `None` when it is held.
    decay: Option<f32>,
    attack: f32,
    release: f32,
    /// Semitones, at 5.2 Hz, after a third of a second.
    vibrato: f32,
    /// Only odd partials (clarinets, kalimbas, stopped pipes).
    odd: bool,
}

const fn plucked(tilt: f32, decay: f32) -> Timbre {
    Timbre { tilt, partials: 14, decay: Some(decay), attack: 0.002, release: 0.15, vibrato: 0.0, odd: false }
}
const fn held(tilt: f32, attack: f32, release: f32, vibrato: f32) -> Timbre {
    Timbre { tilt, partials: 12, decay: None, attack, release, vibrato, odd: false }
}

fn timbre(program: u8) -> Timbre {
    match program {
        0..=7 => plucked(1.4, 3.0),
        8..=15 => Timbre { odd: true, ..plucked(2.0, 2.2) },
        16..=23 => held(1.0, 0.02, 0.08, 0.0),
        24..=31 => plucked(1.1, 2.0),
        32..=39 => plucked(1.5, 1.6),
        40..=43 | 110 => held(1.0, 0.06, 0.12, 0.18),
        45 => plucked(1.3, 0.6),
        46 => plucked(1.6, 2.6),
        47 => Timbre { partials: 4, ..plucked(1.2, 1.4) },
        44 | 48..=55 => held(1.25, 0.18, 0.35, 0.08),
        56..=63 => held(0.85, 0.04, 0.12, 0.08),
        64..=71 | 109 | 111 => Timbre { odd: program == 71, ..held(0.7, 0.03, 0.08, 0.14) },
        72..=79 => held(2.2, 0.05, 0.12, 0.16),
        104..=107 => plucked(0.8, 1.8),
        108 => Timbre { odd: true, ..plucked(2.2, 0.9) },
        112..=119 => plucked(1.6, 0.5),
        _ => held(1.8, 0.4, 0.8, 0.05),
    }
}

/// The note on the program's timbre, mono.
pub fn sound(program: u8, note: &Note) -> Vec<f32> {
    let t = timbre(program);
    let life = match t.decay {
        Some(decay) => decay.min(note.seconds.max(decay * 0.6)) + t.release,
        None => note.seconds + t.release,
    };
    let mut out = vec![0.0f32; samples(life)];
    let hz = 440.0 * 2f32.powf((note.key - 69.0) / 12.0);
    for n in (1..=t.partials).filter(|n| !t.odd || n % 2 == 1) {
        if hz * n as f32 > RATE * 0.42 {
            break;
        }
        partial(&t, n as f32, hz, note, &mut out);
    }
    out
}

fn partial(t: &Timbre, n: f32, hz: f32, note: &Note, out: &mut [f32]) {
    let level = 0.3 * n.powf(-t.tilt);
    let mut phase = 0.37 * n;
    for (block, part) in out.chunks_mut(64).enumerate() {
        let time = block as f32 * 64.0 / RATE;
        let shake = if time > 0.33 { t.vibrato * (std::f32::consts::TAU * 5.2 * time).sin() } else { 0.0 };
        let step = std::f32::consts::TAU * hz * n * 2f32.powf((bend_at(&note.bends, time) + shake) / 12.0) / RATE;
        let fall = t.decay.map_or(1.0, |decay| 10f32.powf(-3.0 * time * (1.0 + 0.25 * (n - 1.0)) / decay));
        let off = ((time - note.seconds) / t.release).clamp(0.0, 1.0);
        let level = level * fall * (time / t.attack).clamp(0.1, 1.0) * (1.0 - off) * (1.0 - off);
        for s in part {
            *s += phase.sin() * level;
            phase += step;
        }
        phase %= std::f32::consts::TAU;
    }
}

/// Semitones at `time` seconds into a note.
pub fn bend_at(bends: &[(f32, f32)], time: f32) -> f32 {
    let after = bends.partition_point(|b| b.0 <= time);
    match (after.checked_sub(1).and_then(|i| bends.get(i)), bends.get(after)) {
        (Some(a), Some(b)) => a.1 + (b.1 - a.1) * (time - a.0) / (b.0 - a.0).max(1e-4),
        (Some(only), None) | (None, Some(only)) => only.1,
        (None, None) => 0.0,
    }
}

/// A General MIDI percussion key: kick, snare and brush, hats and cymbals by their noise.
pub fn kit(key: i32, seed: u64) -> Vec<f32> {
    let (modes, burst): (Vec<Mode>, Burst) = match key {
        35 | 36 | 41 | 43 => {
            (vec![Mode { hz: 58.0, gain: 1.0, seconds: 0.3 }], Burst { hz: 300.0, q: 0.7, gain: 0.3, seconds: 0.03 })
        }
        37..=40 => (vec![Mode { hz: 190.0, gain: 0.3, seconds: 0.12 }], Burst { hz: 2400.0, q: 0.5, gain: 0.5, seconds: 0.16 }),
        42 | 44 => (Vec::new(), Burst { hz: 9000.0, q: 0.9, gain: 0.35, seconds: 0.07 }),
        _ => (Vec::new(), Burst { hz: 7500.0, q: 0.7, gain: 0.3, seconds: 0.9 }),
    };
    Blow { modes, glide: (2.0, 0.03), bursts: vec![burst] }.sound(seed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bends_are_straight_between_their_points() {
        let bends = [(0.0, -2.0), (0.5, 0.0), (1.0, 1.0)];
        assert!((bend_at(&bends, 0.25) + 1.0).abs() < 1e-5);
        assert!((bend_at(&bends, 3.0) - 1.0).abs() < 1e-5);
        assert_eq!(bend_at(&[], 1.0), 0.0);
    }

    #[test]
    fn every_program_sounds() {
        let note = Note { at: 0.0, seconds: 0.5, key: 60.0, velocity: 1.0, bends: Vec::new() };
        for program in 0..128 {
            let peak = sound(program, &note).iter().fold(0.0f32, |p, s| p.max(s.abs()));
            assert!((0.05..3.0).contains(&peak), "{program}: {peak}");
        }
    }
}

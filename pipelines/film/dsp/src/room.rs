//! Reverberation by a feedback delay network of eight lines with a Hadamard matrix (Jot & Chaigne 1991; Jot's absorbent filters
//! reduced to one pole a line), after an early pattern of six reflections.

use crate::{RATE, samples};

/// How a room answers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Room {
    /// Time in seconds in which the tail falls by 60 dB.
    pub decay_seconds: f32,
    /// Distance between its walls in metres: spaces the reflections.
    pub size_m: f32,
    /// The tail's decay at high frequencies as a part of the decay at low ones (0–1): stone 0.7, cloth 0.3.
    pub brightness: f32,
}

const LINES: usize = 8;
/// Lengths of the lines relative to each other: mutually prime when in samples of a 10 m room.
const LENGTHS: [f32; LINES] = [1.0, 1.137, 1.279, 1.423, 1.571, 1.733, 1.907, 2.093];
/// Early reflections: time and level relative to the room's size, and side.
const EARLY: [(f32, f32, f32); 6] =
    [(0.31, 0.5, -0.6), (0.43, 0.45, 0.7), (0.62, 0.4, 0.3), (0.79, 0.34, -0.8), (1.03, 0.28, 0.9), (1.27, 0.24, -0.3)];
const SOUND_M_S: f32 = 343.0;

struct Line {
    buffer: Vec<f32>,
    at: usize,
    feedback: f32,
    damping: f32,
    state: f32,
}

impl Line {
    fn new(length: usize, room: &Room) -> Self {
        let seconds = length as f32 / RATE;
        let feedback = 10f32.powf(-3.0 * seconds / room.decay_seconds.max(0.05));
        // A one-pole low-pass whose loss a pass makes the highs decay `brightness` as long.
        let high = 10f32.powf(-3.0 * seconds / (room.decay_seconds * room.brightness.clamp(0.05, 1.0)).max(0.02));
        let damping = ((feedback - high) / (feedback + high)).clamp(0.0, 0.95);
        Self { buffer: vec![0.0; length.max(1)], at: 0, feedback, damping, state: 0.0 }
    }

    fn read(&mut self) -> f32 {
        self.state += (self.buffer[self.at] * self.feedback - self.state) * (1.0 - self.damping);
        self.state
    }

    fn write(&mut self, x: f32) {
        self.buffer[self.at] = x;
        self.at = (self.at + 1) % self.buffer.len();
    }
}

/// The room's answer alone to `dry`, as long as `dry` plus the tail.
pub fn answer(dry: &[[f32; 2]], room: &Room) -> Vec<[f32; 2]> {
    let span = room.size_m.clamp(1.0, 60.0) / SOUND_M_S;
    let base = samples(span * 1.1).max(150);
    let mut lines: Vec<Line> = LENGTHS.iter().map(|l| Line::new(prime_near((base as f32 * l) as usize), room)).collect();
    let tail = samples(room.decay_seconds.min(8.0));
    let level = 0.32;
    let mut out = Vec::with_capacity(dry.len() + tail);
    for i in 0..dry.len() + tail {
        let input = dry.get(i).map_or(0.0, |s| 0.5 * (s[0] + s[1]));
        let mut taps = [0.0f32; LINES];
        for (tap, line) in taps.iter_mut().zip(&mut lines) {
            *tap = line.read();
        }
        let left = taps[0] + taps[2] - taps[4] + taps[6];
        let right = taps[1] - taps[3] + taps[5] + taps[7];
        hadamard(&mut taps);
        for (k, line) in lines.iter_mut().enumerate() {
            line.write(taps[k] + if k % 2 == 0 { input } else { -input });
        }
        let early = early(dry, i, span);
        out.push([(left * level) + early[0], (right * level) + early[1]]);
    }
    out
}

fn early(dry: &[[f32; 2]], i: usize, span: f32) -> [f32; 2] {
    let mut sum = [0.0; 2];
    for (time, level, side) in EARLY {
        let delay = (time * span * RATE) as usize;
        if let Some(s) = i.checked_sub(delay).and_then(|k| dry.get(k)) {
            let x = 0.5 * (s[0] + s[1]) * level * 0.5;
            sum[0] += x * (1.0 - side);
            sum[1] += x * (1.0 + side);
        }
    }
    sum
}

fn hadamard(x: &mut [f32; LINES]) {
    for step in [1, 2, 4] {
        for i in 0..LINES {
            if i & step == 0 {
                let (a, b) = (x[i], x[i + step]);
                x[i] = a + b;
                x[i + step] = a - b;
            }
        }
    }
    for v in x {
        *v *= 0.353_553_4;
    }
}

fn prime_near(n: usize) -> usize {
    let prime = |n: usize| n > 1 && (2..).take_while(|d| d * d <= n).all(|d| !n.is_multiple_of(d));
    (n..).find(|&k| prime(k)).unwrap_or(n)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(part: &[[f32; 2]]) -> f32 {
        (part.iter().map(|s| s[0] * s[0] + s[1] * s[1]).sum::<f32>() / part.len() as f32).sqrt()
    }

    #[test]
    fn the_tail_falls_by_sixty_decibels_in_its_time() {
        for seconds in [0.3f32, 1.2, 2.5] {
            let room = Room { decay_seconds: seconds, size_m: 8.0, brightness: 1.0 };
            let out = answer(&[[1.0; 2]], &room);
            let window = samples(0.04);
            let (a, b) = (samples(seconds * 0.25), samples(seconds * 0.75));
            let fall = crate::decibels(level(&out[a..a + window])) - crate::decibels(level(&out[b..b + window]));
            assert!((fall - 30.0).abs() < 6.0, "{seconds} s: {fall} dB in half the time");
        }
    }
}

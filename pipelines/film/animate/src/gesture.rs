//! Gestures on stressed words: at most one a phrase.

use crate::acts::{Doing, Reach, Spot};
use crate::ease::smooth;
use crate::ease::snap;
use glam::Vec3;
use klieg_film_cast::Hand;
use klieg_film_words::sound::{MouthShape, Spoken};
use klieg_film_words::{mix, pick, unit};

/// A silence that ends a phrase, seconds.
const PHRASE: f32 = 0.16;

/// A gesture whose stroke lands on a stressed syllable.
#[derive(Clone, Copy, Debug)]
pub struct Gesture {
    /// Frame of the line on which it lands.
    pub stroke: f32,
    pub kind: Kind,
    /// Hand: 0 left, 1 right.
    pub hand: usize,
    pub size: f32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An open palm towards the other.
    Offer,
    /// Both palms open.
    Both,
    /// A hand on the heart.
    Heart,
    /// A beat of the loose hand.
    Beat,
    /// The head alone.
    Nod,
}

/// Gestures of a line, each frame counted from the line's start.
pub fn gestures(spoken: &Spoken, seed: u64, energy: f32) -> Vec<Gesture> {
    let mut out: Vec<Gesture> = Vec::new();
    let mut candidate: Option<(f32, f32)> = None;
    let mut phrase = 0u64;
    let mut close = |candidate: &mut Option<(f32, f32)>, phrase: &mut u64| {
        if let Some((_, at)) = candidate.take() {
            let own = mix(seed ^ mix(*phrase));
            let kinds: &[Kind] = if energy > 1.1 {
                &[Kind::Offer, Kind::Both, Kind::Beat, Kind::Beat, Kind::Both, Kind::Nod]
            } else {
                &[Kind::Offer, Kind::Beat, Kind::Heart, Kind::Nod, Kind::Nod]
            };
            let far = out.last().is_none_or(|g: &Gesture| at * 24.0 - g.stroke > 30.0);
            if far && unit(own, 0) < 0.8 {
                let kind = *pick(own, 1, kinds);
                out.push(Gesture {
                    stroke: at * 24.0,
                    kind,
                    hand: usize::from(unit(own, 2) < 0.65),
                    size: 0.75 + 0.35 * energy.min(1.4),
                });
            }
        }
        *phrase += 1;
    };
    for phone in &spoken.phones {
        if phone.mouth == MouthShape::X && phone.end - phone.start > PHRASE {
            close(&mut candidate, &mut phrase);
        }
        let weight = phone.end - phone.start;
        if phone.stressed && candidate.is_none_or(|(w, _)| weight > w) {
            candidate = Some((weight, phone.start));
        }
    }
    close(&mut candidate, &mut phrase);
    out
}

impl Gesture {
    /// Rise and fall: up before the stroke, on it at the stroke, held, and down.
    fn weight(&self, frame: f32) -> f32 {
        const UP: f32 = 9.0;
        const HOLD: f32 = 9.0;
        const DOWN: f32 = 12.0;
        let t = frame - (self.stroke - UP);
        if t <= 0.0 || t >= UP + HOLD + DOWN {
            0.0
        } else if t < UP + HOLD {
            snap(t, UP)
        } else {
            1.0 - smooth((t - UP - HOLD) / DOWN)
        }
    }

    /// Adds the gesture at `frame` of the line to what the body does. `free` says which hands are.
    pub fn add(&self, frame: f32, free: [bool; 2], doing: &mut Doing) {
        let w = self.weight(frame);
        if w == 0.0 {
            return;
        }
        // The head marks the word as well.
        let beat = 1.0 - ((frame - self.stroke) / 5.0).abs().min(1.0);
        doing.nod += 0.05 * beat * self.size;
        let one = |x: f32, y: f32, z: f32, palm: Vec3, fingers: Vec3| Reach {
            at: Spot::Chest(Vec3::new(x, y, z)),
            fingers: Some(fingers),
            palm: Some(palm),
            shape: if self.kind == Kind::Beat { Hand::Relaxed } else { Hand::Open },
            weight: w * self.size.min(1.0),
            elbow: None,
        };
        let mut put = |hand: usize, reach: Reach| {
            if free[hand] && doing.arms[hand].is_none() {
                doing.arms[hand] = Some(reach);
            }
        };
        let grow = self.size;
        match self.kind {
            Kind::Offer => put(
                self.hand,
                one(0.2 + 0.05 * grow, 0.98, 0.26 + 0.06 * grow, Vec3::new(-0.35, 0.9, 0.1), Vec3::new(0.25, 0.15, 1.0)),
            ),
            Kind::Both => {
                for hand in 0..2 {
                    put(hand, one(0.26 + 0.05 * grow, 0.98, 0.24, Vec3::new(-0.3, 0.9, 0.3), Vec3::new(0.6, 0.2, 0.8)));
                }
            }
            Kind::Heart => put(self.hand, one(0.01, 1.04, 0.19, Vec3::new(-0.15, 0.0, -1.0), Vec3::new(-0.9, 0.3, 0.1))),
            Kind::Beat => {
                let drop = 0.05 * beat;
                put(self.hand, one(0.2, 0.97 - drop, 0.27, Vec3::new(-0.9, 0.2, 0.1), Vec3::new(-0.1, 0.25, 1.0)));
            }
            Kind::Nod => doing.nod += 0.07 * beat,
        }
    }
}

//! Hand drums by modal synthesis, because General MIDI has none of them. The loaded heads of mridangam and tabla ring nearly
//! harmonically (Raman 1934); a plain head rings at the zeros of Bessel functions.

use klieg_film_dsp::struck::{Blow, Burst, Mode, modes};

/// A drum; a note's key picks the stroke: 0 low open, 1 high open, 2 slap or dry, 3 soft.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Drum {
    Mridangam,
    Thavil,
    Tabla,
    Dhol,
    Darbuka,
    Djembe,
    Janggu,
    Taiko,
    /// Small bronze cymbals that keep the tala (talam, manjira, jing).
    Cymbals,
    /// A wooden clapper or block.
    Clapper,
    Handclaps,
    Bowl,
}

const MEMBRANE: [f32; 6] = [1.0, 1.593, 2.136, 2.296, 2.653, 2.918];
const LOADED: [f32; 5] = [1.0, 2.0, 3.0, 4.02, 5.05];
const PLATE: [f32; 6] = [1.0, 1.52, 2.11, 2.77, 3.46, 4.9];

fn blow(modes: Vec<Mode>, glide: (f32, f32), burst: (f32, f32, f32, f32)) -> Blow {
    Blow { modes, glide, bursts: vec![Burst { hz: burst.0, q: burst.1, gain: burst.2, seconds: burst.3 }] }
}

impl Drum {
    /// The stroke `key`, tuned to `tonic` in hertz where the drum is tuned.
    pub fn blow(self, key: i32, tonic: f32) -> Blow {
        match self {
            Drum::Mridangam => mridangam(key, tonic),
            Drum::Thavil => thavil(key),
            Drum::Tabla => tabla(key, tonic),
            Drum::Dhol => dhol(key),
            Drum::Darbuka => darbuka(key),
            Drum::Djembe => djembe(key),
            Drum::Janggu => janggu(key),
            Drum::Taiko => taiko(key),
            Drum::Cymbals => {
                blow(modes(2350.0, &PLATE, 0.35, if key == 2 { 0.09 } else { 1.1 }, 0.8), (0.0, 0.0), (8000.0, 1.0, 0.1, 0.02))
            }
            Drum::Clapper => {
                blow(modes(980.0 + 160.0 * key as f32, &[1.0, 2.41], 0.7, 0.09, 0.5), (0.0, 0.0), (2600.0, 1.2, 0.5, 0.03))
            }
            Drum::Handclaps => claps(),
            Drum::Bowl => blow(modes(tonic * 2.0, &[1.0, 2.71, 5.1, 8.2], 0.6, 7.0, 0.42), (0.0, 0.0), (2000.0, 1.0, 0.02, 0.03)),
        }
    }

    /// Level that makes the drums equally loud.
    pub fn level(self) -> f32 {
        match self {
            Drum::Cymbals => 0.22,
            Drum::Taiko => 0.9,
            Drum::Bowl => 0.3,
            _ => 0.55,
        }
    }
}

fn mridangam(key: i32, tonic: f32) -> Blow {
    match key {
        0 => blow(modes(78.0, &[1.0, 1.62, 2.3], 1.1, 0.42, 0.3), (3.5, 0.12), (300.0, 0.8, 0.35, 0.03)),
        1 => blow(modes(tonic * 2.0, &LOADED, 0.6, 0.55, 0.7), (0.3, 0.03), (2800.0, 0.9, 0.4, 0.02)),
        2 => blow(modes(tonic * 2.1, &[1.0, 1.4, 2.3, 3.2], 0.25, 0.07, 0.9), (0.0, 0.0), (3300.0, 0.7, 0.9, 0.035)),
        _ => blow(modes(tonic * 2.0, &LOADED, 0.25, 0.2, 0.5), (0.0, 0.0), (1800.0, 0.8, 0.2, 0.025)),
    }
}

fn thavil(key: i32) -> Blow {
    match key {
        0 => blow(modes(95.0, &MEMBRANE, 1.0, 0.3, 0.4), (2.0, 0.05), (700.0, 0.7, 0.6, 0.04)),
        1 => blow(modes(420.0, &MEMBRANE, 0.6, 0.22, 0.75), (0.6, 0.03), (3200.0, 0.7, 0.7, 0.04)),
        2 => blow(modes(510.0, &MEMBRANE, 0.35, 0.06, 0.9), (0.0, 0.0), (4200.0, 0.6, 1.0, 0.03)),
        _ => blow(modes(400.0, &MEMBRANE, 0.3, 0.1, 0.6), (0.0, 0.0), (2400.0, 0.8, 0.3, 0.03)),
    }
}

fn tabla(key: i32, tonic: f32) -> Blow {
    match key {
        // Ge: the heel of the hand slides inwards and the pitch rises.
        0 => blow(modes(84.0, &[1.0, 2.0, 2.9], 1.1, 0.6, 0.25), (-4.0, 0.22), (250.0, 0.8, 0.25, 0.03)),
        1 => blow(modes(tonic * 2.0, &LOADED[1..], 0.5, 0.4, 0.75), (0.0, 0.0), (3500.0, 0.8, 0.5, 0.015)),
        2 => blow(modes(tonic * 2.3, &[1.0, 1.35, 1.9], 0.3, 0.06, 0.8), (0.0, 0.0), (1600.0, 0.7, 0.7, 0.03)),
        _ => blow(modes(tonic * 2.0, &LOADED, 0.4, 0.8, 0.5), (0.0, 0.0), (2000.0, 0.9, 0.15, 0.02)),
    }
}

fn dhol(key: i32) -> Blow {
    match key {
        0 => blow(modes(68.0, &MEMBRANE[..4], 1.4, 0.38, 0.35), (4.0, 0.06), (420.0, 0.6, 0.7, 0.04)),
        1 => blow(modes(310.0, &MEMBRANE, 0.6, 0.16, 0.8), (1.0, 0.02), (4200.0, 0.6, 1.0, 0.05)),
        2 => blow(modes(370.0, &MEMBRANE, 0.45, 0.09, 0.9), (0.0, 0.0), (5200.0, 0.5, 1.1, 0.04)),
        _ => blow(modes(300.0, &MEMBRANE, 0.25, 0.1, 0.7), (0.0, 0.0), (3800.0, 0.6, 0.4, 0.03)),
    }
}

fn darbuka(key: i32) -> Blow {
    match key {
        0 => blow(modes(98.0, &MEMBRANE[..3], 1.1, 0.5, 0.3), (1.5, 0.05), (350.0, 0.8, 0.3, 0.03)),
        1 => blow(modes(430.0, &MEMBRANE, 0.5, 0.2, 0.8), (0.4, 0.02), (5200.0, 0.7, 0.8, 0.03)),
        2 => blow(modes(520.0, &MEMBRANE, 0.3, 0.06, 0.9), (0.0, 0.0), (4300.0, 0.5, 1.0, 0.03)),
        _ => blow(modes(430.0, &MEMBRANE, 0.22, 0.1, 0.8), (0.0, 0.0), (4800.0, 0.7, 0.3, 0.02)),
    }
}

fn djembe(key: i32) -> Blow {
    match key {
        0 => blow(modes(72.0, &MEMBRANE[..3], 1.2, 0.5, 0.3), (1.5, 0.05), (260.0, 0.8, 0.4, 0.04)),
        1 => blow(modes(330.0, &MEMBRANE, 0.7, 0.26, 0.65), (0.4, 0.03), (1800.0, 0.8, 0.4, 0.03)),
        2 => blow(modes(610.0, &MEMBRANE, 0.4, 0.12, 0.9), (0.0, 0.0), (3600.0, 0.5, 1.0, 0.05)),
        _ => blow(modes(320.0, &MEMBRANE, 0.25, 0.1, 0.6), (0.0, 0.0), (1500.0, 0.8, 0.2, 0.03)),
    }
}

fn janggu(key: i32) -> Blow {
    match key {
        0 => blow(modes(105.0, &MEMBRANE, 0.9, 0.4, 0.4), (1.0, 0.06), (400.0, 0.7, 0.3, 0.03)),
        _ => blow(modes(390.0, &MEMBRANE, 0.5, 0.14, 0.8), (0.3, 0.02), (4600.0, 0.6, 0.8, 0.035)),
    }
}

fn taiko(key: i32) -> Blow {
    match key {
        0 => blow(modes(58.0, &MEMBRANE, 1.3, 1.3, 0.42), (2.5, 0.08), (220.0, 0.7, 0.7, 0.07)),
        _ => blow(modes(760.0, &[1.0, 1.9, 2.7], 0.5, 0.07, 0.6), (0.0, 0.0), (2300.0, 0.9, 0.7, 0.03)),
    }
}

fn claps() -> Blow {
    let burst = |hz: f32, gain: f32, seconds: f32| Burst { hz, q: 0.9, gain, seconds };
    Blow {
        modes: Vec::new(),
        glide: (0.0, 0.0),
        bursts: vec![burst(1300.0, 1.0, 0.07), burst(2300.0, 0.8, 0.11), burst(950.0, 0.5, 0.16)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Drum; 12] = [
        Drum::Mridangam,
        Drum::Thavil,
        Drum::Tabla,
        Drum::Dhol,
        Drum::Darbuka,
        Drum::Djembe,
        Drum::Janggu,
        Drum::Taiko,
        Drum::Cymbals,
        Drum::Clapper,
        Drum::Handclaps,
        Drum::Bowl,
    ];

    #[test]
    fn every_stroke_sounds_within_bounds() {
        for drum in ALL {
            for key in 0..4 {
                let peak = drum.blow(key, 130.8).sound(3).iter().fold(0.0f32, |p, s| p.max(s.abs()));
                assert!((0.05..5.0).contains(&peak), "{drum:?} {key}: {peak}");
            }
        }
    }
}

//! What moods do to a face and to the way a body is carried.

use klieg_film_cast::Face;
use klieg_film_words::story::Mood;

/// How a mood is worn.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bearing {
    pub smile: f32,
    pub brow_raise: f32,
    pub brow_tilt: f32,
    pub lids: f32,
    pub lower_lids: f32,
    pub cheeks: f32,
    pub blush: f32,
    /// Chest forward and down, radians.
    pub slump: f32,
    /// Head down, radians.
    pub bow: f32,
    /// Shoulders raised, metres.
    pub shrug: f32,
    /// Size and speed of gestures and of breath.
    pub energy: f32,
    /// One brow above the other.
    pub uneven: f32,
}

pub fn bearing(mood: Mood) -> Bearing {
    let b = Bearing { blush: 0.3, energy: 1.0, lids: 0.08, ..Bearing::default() };
    match mood {
        Mood::Neutral => b,
        Mood::Happy => Bearing {
            smile: 0.75,
            brow_raise: 0.3,
            lower_lids: 0.4,
            cheeks: 0.6,
            blush: 0.5,
            slump: -0.05,
            bow: -0.05,
            energy: 1.25,
            ..b
        },
        Mood::Tender => Bearing {
            smile: 0.42,
            brow_raise: 0.15,
            brow_tilt: 0.35,
            lids: 0.2,
            lower_lids: 0.25,
            cheeks: 0.35,
            blush: 0.55,
            bow: 0.04,
            energy: 0.75,
            ..b
        },
        Mood::Sad => Bearing {
            smile: -0.6,
            brow_raise: 0.1,
            brow_tilt: 0.9,
            lids: 0.32,
            slump: 0.11,
            bow: 0.16,
            shrug: -0.012,
            energy: 0.55,
            ..b
        },
        Mood::Angry => Bearing {
            smile: -0.5,
            brow_raise: -0.55,
            brow_tilt: -0.95,
            lids: 0.14,
            lower_lids: 0.45,
            blush: 0.55,
            slump: 0.05,
            bow: 0.06,
            shrug: 0.012,
            energy: 1.45,
            ..b
        },
        Mood::Afraid => Bearing {
            smile: -0.4,
            brow_raise: 0.75,
            brow_tilt: 0.7,
            lids: -0.14,
            slump: -0.04,
            bow: -0.02,
            shrug: 0.03,
            blush: 0.15,
            energy: 1.3,
            ..b
        },
        Mood::Surprised => Bearing { brow_raise: 0.95, lids: -0.16, slump: -0.07, bow: -0.07, shrug: 0.012, energy: 1.2, ..b },
        Mood::Tense => {
            Bearing { smile: -0.22, brow_raise: -0.2, brow_tilt: -0.35, lids: 0.1, lower_lids: 0.3, shrug: 0.016, energy: 0.9, ..b }
        }
        Mood::Solemn => Bearing { smile: -0.05, brow_tilt: 0.15, lids: 0.18, bow: 0.06, slump: -0.02, energy: 0.6, ..b },
        Mood::Playful => Bearing {
            smile: 0.65,
            brow_raise: 0.4,
            lower_lids: 0.3,
            cheeks: 0.5,
            blush: 0.5,
            bow: -0.03,
            uneven: 0.35,
            energy: 1.35,
            ..b
        },
        Mood::Proud => Bearing { smile: 0.25, brow_raise: 0.25, lids: 0.18, slump: -0.11, bow: -0.1, energy: 0.95, ..b },
        Mood::Tired => Bearing {
            smile: -0.15,
            brow_raise: -0.05,
            brow_tilt: 0.3,
            lids: 0.42,
            slump: 0.13,
            bow: 0.12,
            shrug: -0.015,
            energy: 0.5,
            ..b
        },
    }
}

/// From one bearing to another.
pub fn between(a: Bearing, b: Bearing, u: f32) -> Bearing {
    let mix = |a: f32, b: f32| a + (b - a) * u;
    Bearing {
        smile: mix(a.smile, b.smile),
        brow_raise: mix(a.brow_raise, b.brow_raise),
        brow_tilt: mix(a.brow_tilt, b.brow_tilt),
        lids: mix(a.lids, b.lids),
        lower_lids: mix(a.lower_lids, b.lower_lids),
        cheeks: mix(a.cheeks, b.cheeks),
        blush: mix(a.blush, b.blush),
        slump: mix(a.slump, b.slump),
        bow: mix(a.bow, b.bow),
        shrug: mix(a.shrug, b.shrug),
        energy: mix(a.energy, b.energy),
        uneven: mix(a.uneven, b.uneven),
    }
}

/// The face of a bearing, mouth at rest, eyes straight ahead.
pub fn worn(b: &Bearing) -> Face {
    Face {
        smile: b.smile,
        brow_raise: [b.brow_raise + b.uneven * 0.5, b.brow_raise - b.uneven * 0.5],
        brow_tilt: [b.brow_tilt; 2],
        lids: [b.lids; 2],
        lower_lids: b.lower_lids,
        cheeks: b.cheeks,
        blush: b.blush,
        ..Face::neutral()
    }
}

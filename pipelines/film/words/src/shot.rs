//! What the camera sees and the puppets do: the cut, its shots, their cues. Written by `direct`, read by `animate`, `caption`,
//! `mix` and the film's plan.

use crate::story::{CharacterId, LineId, Mood, Verb, words};
use serde::{Deserialize, Serialize};

words!(/// Shot sizes, widest first.
Size {
    ExtremeWide = "extreme-wide", VeryWide = "very-wide", Wide = "wide", Full = "full", MediumWide = "medium-wide", Cowboy = "cowboy",
    Medium = "medium", MediumClose = "medium-close", Close = "close", BigClose = "big-close", ExtremeClose = "extreme-close", Insert = "insert",
});
words!(/// Camera heights and tilts.
Angle { Eye = "eye", High = "high", Low = "low", Overhead = "overhead", Dutch = "dutch" });
words!(/// What the shot is for.
Purpose {
    Title = "title", Establishing = "establishing", Master = "master", Single = "single", OverShoulder = "over-shoulder", TwoShot = "two-shot",
    Reaction = "reaction", Insert = "insert", Follow = "follow", Credits = "credits",
});
words!(/// Camera moves.
Move {
    Static = "static", Pan = "pan", Tilt = "tilt", Dolly = "dolly", Track = "track", Orbit = "orbit", Crane = "crane", Handheld = "handheld", RackFocus = "rack-focus",
});

/// The film as an editor sees it: shots end to end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cut {
    pub shots: Vec<Shot>,
    /// Where each spoken line starts and ends in the film, in frames, in script order (J and L cuts included).
    pub lines: Vec<LineTiming>,
}

impl Cut {
    /// Length of the film in frames.
    pub fn frames(&self) -> u32 {
        self.shots.iter().map(|s| s.frames).sum()
    }
    /// First film frame of every shot.
    pub fn starts(&self) -> Vec<u32> {
        self.shots
            .iter()
            .scan(0, |at, s| {
                let start = *at;
                *at += s.frames;
                Some(start)
            })
            .collect()
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LineTiming {
    pub line: LineId,
    /// Film frames.
    pub start: u32,
    pub frames: u32,
}

/// One shot. Everything in it is local to the shot (frames count from its first frame), so that an edit elsewhere leaves its
/// digest, and so its rendered frames, untouched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shot {
    /// `sc010_sh020`; the title card and credits are `title` and `credits`.
    pub name: String,
    /// Index of the scene whose set is shown.
    pub scene: usize,
    pub purpose: Purpose,
    pub size: Size,
    pub angle: Angle,
    pub movement: Move,
    pub frames: u32,
    /// At least one key; frames ascending from 0; eased between.
    pub camera: Vec<CameraKey>,
    /// Everyone in the scene at this moment with where they are on the shot's first frame, in frame or not.
    pub marks: Vec<Mark>,
    /// Ordered by start.
    pub cues: Vec<Cue>,
    /// 1-based script lines this shot covers.
    pub script_lines: Vec<u32>,
    pub mood: Mood,
    /// Independent of the shot's number: made of what happens in it.
    pub seed: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CameraKey {
    pub frame: u32,
    pub position: [f32; 3],
    pub look_at: [f32; 3],
    /// Millimetres on a 36 mm wide gate.
    pub lens_mm: f32,
    /// Metres from the camera to the plane of focus.
    pub focus_m: f32,
    /// Radius of the entrance pupil in metres (miniature depth of field).
    pub aperture_m: f32,
    pub roll_degrees: f32,
}

words!(/// How someone is placed.
Posture { Standing = "standing", Sitting = "sitting", FloorSitting = "floor-sitting", Kneeling = "kneeling", Lying = "lying" });

/// Where someone is at a moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    pub who: CharacterId,
    /// On the floor, metres.
    pub x: f32,
    pub z: f32,
    /// Degrees about +Y; 0 faces +Z.
    pub heading: f32,
    pub posture: Posture,
    pub mood: Mood,
    /// The prop in hand, if any.
    pub holding: Option<String>,
    /// Whom they look at.
    pub looks_at: Option<CharacterId>,
}

/// Something that happens in a shot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cue {
    /// Frames from the shot's first frame; negative when it began before the cut (an L cut, a walk already under way).
    pub start: i32,
    pub frames: u32,
    pub who: CharacterId,
    pub what: Does,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "does", rename_all = "snake_case")]
pub enum Does {
    /// Speaks (or is heard, when off screen).
    Say { line: LineId, mood: Mood, off_screen: bool },
    /// Goes to a mark on foot; ends with the new heading.
    Go { to_x: f32, to_z: f32, heading: f32, run: bool },
    /// Turns on the spot.
    Turn { heading: f32 },
    /// Changes posture.
    Settle { posture: Posture },
    /// Looks at someone with eyes, then head.
    LookAt { who: CharacterId },
    /// A gesture or act with the body; `to` and `prop` as the script has them.
    Act { verb: Verb, to: Option<CharacterId>, prop: Option<String> },
    /// Changes feeling (brows, lids, mouth corners, posture).
    Feel { mood: Mood },
}

/// How tall someone is, for framing. Metres.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stature {
    pub height: f32,
    /// Eye height standing.
    pub eyes: f32,
    /// Height of the head from chin to crown.
    pub head: f32,
    /// Half the width over the shoulders.
    pub half_width: f32,
}

/// Where one can sit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Seat {
    pub x: f32,
    pub z: f32,
    pub heading: f32,
    /// Height of the seat above the floor; 0 is the floor itself.
    pub height: f32,
}

/// What direction needs to know of a set, without its geometry. The set keeps the playing area and the camera's half-space
/// (z > 0 side, see `camera_z`) clear of everything that would hide the action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FloorPlan {
    /// People may stand and walk within |x| ≤ half_width, back_z ≤ z ≤ front_z.
    pub half_width: f32,
    pub back_z: f32,
    pub front_z: f32,
    /// The camera may stand anywhere within |x| ≤ camera_x and back_z ≤ z ≤ camera_z, at 0.2 to camera_y metres.
    pub camera_x: f32,
    pub camera_z: f32,
    pub camera_y: f32,
    pub seats: Vec<Seat>,
    /// Where people come in and go out, on the edge of the playing area.
    pub entrances: Vec<[f32; 2]>,
    /// What the place is about (altar, counter, bench, gopuram): establishing shots show it.
    pub hero: [f32; 3],
}

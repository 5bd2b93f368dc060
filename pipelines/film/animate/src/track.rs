//! Where someone is and what they do over a shot: the cues of one person, in order, as motions from mark to mark.

use crate::ease::smooth;
use crate::walk::Walk;
use glam::Vec2;
use klieg_film_words::shot::{Cue, Does, Mark, Posture, Shot};
use klieg_film_words::story::{CharacterId, LineId, Mood, Verb};

/// How far before a seat one stands before sitting down on it and after rising from it. Direction blocks with the same step.
pub const SEAT_STEP: f32 = 0.3;

/// A stretch of time in which the body changes place, heading or posture.
#[derive(Clone, Debug)]
pub struct Motion {
    pub start: f32,
    pub frames: f32,
    pub kind: Kind,
}

#[derive(Clone, Debug)]
pub enum Kind {
    Walk(Walk),
    Turn { from: f32, to: f32 },
    Settle { from: Posture, to: Posture },
}

/// Where a body is between motions.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub at: Vec2,
    /// Degrees.
    pub heading: f32,
    pub posture: Posture,
}

#[derive(Clone, Debug)]
pub struct Said {
    pub line: LineId,
    pub start: f32,
    pub frames: f32,
    pub mood: Mood,
    pub off_screen: bool,
}

#[derive(Clone, Debug)]
pub struct Act {
    pub start: f32,
    pub frames: f32,
    pub verb: Verb,
    /// The other person.
    pub with: Option<CharacterId>,
    pub prop: Option<String>,
    /// The other one does it and this one has it done: receives a gift, gives up what is taken.
    pub passive: bool,
}

/// Everything that one person does in a shot.
#[derive(Clone, Debug)]
pub struct Track {
    pub who: CharacterId,
    /// Where the body is before the first motion and after each.
    pub places: Vec<Place>,
    pub motions: Vec<Motion>,
    pub said: Vec<Said>,
    pub acts: Vec<Act>,
    /// Whom they look at from a frame on.
    pub looks: Vec<(f32, Option<CharacterId>)>,
    pub moods: Vec<(f32, f32, Mood)>,
    pub holding: Option<String>,
}

impl Track {
    pub fn new(shot: &Shot, mark: &Mark, hip: f32) -> Track {
        let here = Place { at: Vec2::new(mark.x, mark.z), heading: mark.heading, posture: mark.posture };
        let mut track = Track {
            who: mark.who,
            places: vec![here],
            motions: Vec::new(),
            said: Vec::new(),
            acts: Vec::new(),
            looks: vec![(f32::NEG_INFINITY, mark.looks_at)],
            moods: vec![(f32::NEG_INFINITY, 1.0, mark.mood)],
            holding: mark.holding.clone(),
        };
        for cue in &shot.cues {
            if cue.who == mark.who { track.follow(cue, hip) } else { track.suffer(cue) }
        }
        track.acts.sort_by(|a, b| a.start.total_cmp(&b.start));
        track
    }

    fn follow(&mut self, cue: &Cue, hip: f32) {
        let (start, frames) = (cue.start as f32, (cue.frames as f32).max(1.0));
        let here = self.places[self.places.len() - 1];
        match &cue.what {
            Does::Say { line, mood, off_screen } => {
                self.said.push(Said { line: *line, start, frames, mood: *mood, off_screen: *off_screen });
            }
            Does::Go { to_x, to_z, heading, run } => {
                let to = Vec2::new(*to_x, *to_z);
                let walk = Walk::new(here.at, to, here.heading, *heading, hip, *run);
                self.motions.push(Motion { start, frames, kind: Kind::Walk(walk) });
                self.places.push(Place { at: to, heading: *heading, ..here });
            }
            Does::Turn { heading } => {
                self.motions.push(Motion { start, frames, kind: Kind::Turn { from: here.heading, to: *heading } });
                self.places.push(Place { heading: *heading, ..here });
            }
            Does::Settle { posture } => {
                let forth = if here.posture == Posture::Sitting { SEAT_STEP } else { 0.0 };
                let back = if *posture == Posture::Sitting { SEAT_STEP } else { 0.0 };
                let at = here.at + facing(here.heading) * (forth - back);
                self.motions.push(Motion { start, frames, kind: Kind::Settle { from: here.posture, to: *posture } });
                self.places.push(Place { at, posture: *posture, ..here });
            }
            Does::LookAt { who } => self.looks.push((start, Some(*who))),
            Does::Feel { mood } => self.moods.push((start, frames, *mood)),
            Does::Act { verb, to, prop } => {
                self.acts.push(Act { start, frames, verb: *verb, with: *to, prop: prop.clone(), passive: false });
            }
        }
    }

    /// What others do to one is an act, too.
    fn suffer(&mut self, cue: &Cue) {
        if let Does::Act { verb: verb @ (Verb::Give | Verb::Take), to: Some(to), prop } = &cue.what
            && *to == self.who
        {
            let (start, frames) = (cue.start as f32, (cue.frames as f32).max(1.0));
            self.acts.push(Act { start, frames, verb: *verb, with: Some(cue.who), prop: prop.clone(), passive: true });
        }
    }

    /// The motion under way at `frame` with its share done, and the places before and after it.
    pub fn moment(&self, frame: f32) -> (Place, Option<(&Motion, f32, Place)>) {
        let mut place = self.places[0];
        for (i, motion) in self.motions.iter().enumerate() {
            if frame < motion.start {
                break;
            }
            let after = self.places[i + 1];
            if frame < motion.start + motion.frames {
                return (place, Some((motion, (frame - motion.start) / motion.frames, after)));
            }
            place = after;
        }
        (place, None)
    }

    /// Floor point under the hips and heading in degrees.
    pub fn root(&self, frame: f32) -> (Vec2, f32) {
        let (before, motion) = self.moment(frame);
        match motion {
            None => (before.at, before.heading),
            Some((m, u, after)) => match &m.kind {
                Kind::Walk(walk) => (walk.root(u), walk.heading(u)),
                Kind::Turn { from, to } => (before.at, turn_between(*from, *to, smooth(u))),
                Kind::Settle { .. } => (before.at.lerp(after.at, smooth(u)), before.heading),
            },
        }
    }

    /// The mood before, the mood after, and how far the change has come.
    pub fn mood(&self, frame: f32) -> (Mood, Mood, f32) {
        let now = self.moods.iter().rposition(|(start, _, _)| *start <= frame).unwrap_or(0);
        let (start, frames, mood) = self.moods[now];
        let before = self.moods[now.saturating_sub(1)].2;
        let u = if start == f32::NEG_INFINITY { 1.0 } else { smooth((frame - start) / frames.max(1.0)) };
        (before, mood, u)
    }

    /// Acts under way at `frame`.
    pub fn acting(&self, frame: f32) -> impl Iterator<Item = &Act> {
        self.acts.iter().filter(move |a| frame >= a.start && frame < a.start + a.frames)
    }

    /// How long nothing has happened to the body and nothing will, 0–1: falls to 0 within `ramp` frames of a motion and, if `words`,
    /// of something that is said or done.
    pub fn quiet(&self, frame: f32, ramp: f32, words: bool) -> f32 {
        let moved = self.motions.iter().map(|m| (m.start, m.frames));
        let said = self.said.iter().filter(|s| !s.off_screen).map(|s| (s.start, s.frames));
        let acted = self.acts.iter().map(|a| (a.start, a.frames));
        let gap = |(start, frames): (f32, f32)| (start - frame).max(frame - start - frames).max(0.0);
        let busy = moved.chain(said.chain(acted).filter(|_| words));
        smooth(busy.map(gap).fold(f32::INFINITY, f32::min) / ramp)
    }

    pub fn speaking(&self, frame: f32) -> Option<&Said> {
        self.said.iter().find(|s| !s.off_screen && frame >= s.start && frame < s.start + s.frames)
    }
}

/// Unit vector on the floor (x, z) of a heading in degrees.
pub fn facing(heading: f32) -> Vec2 {
    let (s, c) = heading.to_radians().sin_cos();
    Vec2::new(s, c)
}

/// Between two headings, the short way round.
pub fn turn_between(from: f32, to: f32, u: f32) -> f32 {
    from + ((to - from + 180.0).rem_euclid(360.0) - 180.0) * u
}

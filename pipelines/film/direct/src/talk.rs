//! Coverage of talk: master, over-the-shoulder pairs, singles, reactions; long lines in parts; J and L cuts.

use crate::acting;
use crate::coverage::{Content, Director, Setup};
use crate::stage::{cheated, heading_of};
use klieg_film_words::shot::{Angle, Cue, Does, Mark, Move, Posture, Purpose, Size};
use klieg_film_words::story::{Action, CharacterId, Line, Mood};
use klieg_film_words::{between, pick, seed_of, unit};

/// Longest shot of one face.
const LONGEST: u32 = 148;
const REACTION: u32 = 44;

/// A talk as it is about to be filmed.
struct Talk<'l> {
    lines: &'l [&'l Line],
    /// Frame in the first shot at which the lines start; negative after a J cut.
    lead: i32,
    /// Frames of each line.
    lengths: Vec<u32>,
    /// Frames from the first shot's start to the last one's end.
    total: u32,
    cues: Vec<Cue>,
    seed: u64,
    /// Next line, heard in the last frames already, and how many.
    next: Option<(&'l Line, u32)>,
}

impl Talk<'_> {
    fn longest(&self) -> u32 {
        self.lengths.iter().copied().max().unwrap_or(4)
    }
}

fn is_strong(mood: Mood) -> bool {
    matches!(mood, Mood::Sad | Mood::Angry | Mood::Afraid | Mood::Tender | Mood::Surprised)
}

impl Director<'_> {
    /// Covers lines said together. `lead` is how many frames of them were heard in the shot before; returns the same for the
    /// next line.
    pub fn talk(&mut self, lines: &[&Line], small: Option<&Action>, next: Option<&Line>, lead: Option<u32>) -> Option<u32> {
        let line = lines[0];
        for line in lines {
            self.bring_on(line);
        }
        let nth = *self.said.entry(line.speaker).and_modify(|n| *n += 1).or_insert(0);
        // What reaches into other shots is decided by who speaks for how manieth time, never by the words.
        let place = seed_of(&[&self.scene.id, "line", &line.speaker.to_string(), &nth.to_string()]);
        let seed = self.seed_for("talk", &line.text);
        let listener = self.listener(line);
        let seen = self.seen(line);
        if self.line_was_crossed() {
            self.reset();
        }
        let mut marks = self.stage.marks();
        let reacts = self.reacts(line, listener, place);
        let jump = self.next_leads(line, next, reacts, place);
        let mut talk = self.timing(lines, small, next, lead, jump, seed, &mut marks);
        let trail = if reacts && unit(place, 5) < 0.5 { 4 + (unit(place, 6) * 7.0) as u32 } else { 0 };
        self.listen(lines, &mut talk);
        let setup = self.cover(line, seen, listener, nth);
        if trail > 0 {
            let end = talk.lead + talk.longest() as i32 - trail as i32;
            talk.total = (end.max(40) as u32).max(talk.lead.max(0) as u32 + 30);
        }
        self.parts(&talk, &setup, listener, marks, line.mood);
        self.remember(line, listener);
        if reacts && let Some(listener) = listener {
            self.react(line, listener, &talk);
        }
        jump
    }

    /// Whoever speaks on screen has to be there.
    fn bring_on(&mut self, line: &Line) {
        if line.off_screen {
            return;
        }
        if let Some(i) = self.stage.index(line.speaker).filter(|i| !self.stage.people[*i].on) {
            let at = self.stage.free_spot(self.stage.people[i].home, line.speaker);
            let partner = self.stage.people.iter().filter(|p| p.on).map(|p| (p.who, p.at)).next();
            let person = &mut self.stage.people[i];
            person.at = at;
            person.on = true;
            person.posture = Posture::Standing;
            person.looks_at = partner.map(|p| p.0);
            person.heading = partner.map_or(20.0, |(_, p)| cheated(heading_of(p - at)));
        }
    }

    fn listener(&self, line: &Line) -> Option<CharacterId> {
        let to = line.to.filter(|to| *to != line.speaker && self.stage.is_on(*to));
        to.or_else(|| self.stage.partner_of(line.speaker)).or_else(|| {
            let others = self.stage.on().filter(|p| p.who != line.speaker);
            others.map(|p| p.who).min()
        })
    }

    /// Whom the picture shows while the line is heard.
    fn seen(&self, line: &Line) -> Option<CharacterId> {
        if !line.off_screen && self.stage.is_on(line.speaker) { Some(line.speaker) } else { self.listener(line) }
    }

    /// The geometry has changed: show it.
    fn reset(&mut self) {
        let seed = self.seed_for("reset", "");
        let all: Vec<CharacterId> = self.stage.on().map(|p| p.who).collect();
        let setup = self.setup_group(&all, Purpose::Master, Size::Full, Angle::Eye, between(seed, 0, -10.0, 10.0));
        let script_lines = self.cut.shots.last().map(|s| s.script_lines.clone()).unwrap_or_default();
        let content = Content { marks: self.stage.marks(), cues: Vec::new(), script_lines, mood: self.scene.mood, seed };
        self.shoot(&setup, Move::Static, 38, content, &[]);
    }

    /// Lines that wound or delight are answered by a face first.
    fn reacts(&self, line: &Line, listener: Option<CharacterId>, place: u64) -> bool {
        let after_reaction = self.cut.shots.last().is_some_and(|s| s.purpose == Purpose::Reaction);
        let odds = if is_strong(line.mood) {
            0.75
        } else if line.mood == Mood::Neutral {
            0.0
        } else {
            0.3
        };
        listener.is_some() && !line.off_screen && !after_reaction && unit(place, 4) < odds
    }

    /// Frames by which the next line is heard before its picture.
    fn next_leads(&self, line: &Line, next: Option<&Line>, reacts: bool, place: u64) -> Option<u32> {
        let next = next?;
        let plain =
            next.speaker != line.speaker && !next.off_screen && !line.off_screen && !next.dual && self.stage.is_on(next.speaker);
        (plain && !reacts && unit(place, 7) < 0.2).then(|| 4 + (unit(place, 8) * 6.0) as u32)
    }

    fn frames_of(&self, line: &Line) -> u32 {
        let seconds = self.seconds.get(line.id).copied().filter(|s| s.is_finite() && *s > 0.0);
        acting::frames(seconds.unwrap_or_else(|| crate::estimate_seconds(line)).min(600.0)).max(4)
    }

    #[expect(clippy::too_many_arguments, reason = "all of it decides when the line starts")]
    fn timing<'l>(
        &mut self,
        lines: &'l [&'l Line],
        small: Option<&Action>,
        next: Option<&'l Line>,
        heard: Option<u32>,
        jump: Option<u32>,
        seed: u64,
        marks: &mut Vec<Mark>,
    ) -> Talk<'l> {
        let mut cues = Vec::new();
        let mut lead = heard.map_or(5 + (unit(seed, 1) * 5.0) as i32, |h| -(h as i32));
        if let Some(action) = small {
            acting::prepare(&mut self.stage, action);
            *marks = self.stage.marks();
            let played = acting::play(&mut self.stage, action);
            lead = (played.frames as i32 - 8).max(lead);
            cues = played.cues;
        }
        let lengths: Vec<u32> = lines.iter().map(|l| self.frames_of(l)).collect();
        let longest = lengths.iter().copied().max().unwrap_or(4);
        let tail = 8 + (unit(seed, 2) * 5.0) as u32 + jump.unwrap_or(0);
        let total = ((lead + longest as i32) as u32 + tail).max(38 + jump.unwrap_or(0));
        Talk { lines, lead, lengths, total, cues, seed, next: next.zip(jump) }
    }

    /// Everyone's looks and feelings around the lines.
    fn listen(&mut self, lines: &[&Line], talk: &mut Talk<'_>) {
        for line in lines {
            let at = talk.lead.max(0);
            if self.stage.get(line.speaker).is_some_and(|p| p.mood != line.mood) && !line.off_screen {
                talk.cues.push(Cue { start: (at - 3).max(0), frames: 12, who: line.speaker, what: Does::Feel { mood: line.mood } });
            }
            let to = self.listener(line);
            for (n, p) in self.stage.on().enumerate() {
                let whom = if p.who == line.speaker { to } else { Some(line.speaker).filter(|s| self.stage.is_on(*s)) };
                if let Some(whom) = whom.filter(|w| p.looks_at != Some(*w) && *w != p.who && p.posture != Posture::Lying) {
                    let delay = if p.who == line.speaker { 0 } else { 5 + (unit(talk.seed, 20 + n as u64) * 8.0) as i32 };
                    talk.cues.push(Cue { start: at + delay, frames: 12, who: p.who, what: Does::LookAt { who: whom } });
                }
            }
        }
    }

    fn remember(&mut self, line: &Line, listener: Option<CharacterId>) {
        let speaker_on = self.stage.is_on(line.speaker);
        for p in self.stage.people.iter_mut().filter(|p| p.on) {
            if p.who == line.speaker && !line.off_screen {
                p.mood = line.mood;
                p.looks_at = listener.or(p.looks_at);
            } else if speaker_on && p.who != line.speaker {
                p.looks_at = Some(line.speaker);
            }
        }
    }

    /// Chooses the picture of a line by mood, turn and who is there.
    fn cover(&mut self, line: &Line, seen: Option<CharacterId>, listener: Option<CharacterId>, nth: u32) -> Setup {
        let Some(seen) = seen else { return self.setup_place(Size::Wide, 15.0) };
        let all: Vec<CharacterId> = self.stage.on().map(|p| p.who).collect();
        if self.needs_master() {
            let size = if all.len() > 2 { Size::Full } else { Size::MediumWide };
            return self.setup_group(&all, Purpose::Master, size, Angle::Eye, 12.0);
        }
        if seen != line.speaker {
            let (size, angle) = self.face(seen, line.mood, nth);
            return self.setup_single(seen, None, Purpose::Reaction, size, angle);
        }
        let partner = listener.filter(|l| *l != seen);
        let (size, angle) = self.face(seen, line.mood, nth);
        match partner {
            Some(partner) if matches!(line.mood, Mood::Tender | Mood::Playful | Mood::Happy) && nth % 4 == 3 => {
                self.setup_group(&[seen, partner], Purpose::TwoShot, Size::Cowboy, Angle::Eye, 14.0)
            }
            Some(partner) if !is_strong(line.mood) && nth % 3 != 2 => {
                self.setup_single(seen, Some(partner), Purpose::OverShoulder, size, Angle::Eye)
            }
            _ => self.setup_single(seen, partner, Purpose::Single, size, angle),
        }
    }

    /// Size and angle of a face. People of different rank in the scene get different sizes, so that answers cut together.
    fn face(&self, who: CharacterId, mood: Mood, nth: u32) -> (Size, Angle) {
        let rank = self.stage.people.iter().position(|p| p.who == who).unwrap_or(0);
        let sizes = match rank % 3 {
            0 => [Size::Medium, Size::Close],
            1 => [Size::MediumClose, Size::BigClose],
            _ => [Size::Cowboy, Size::Close],
        };
        let angle = match mood {
            Mood::Afraid => Angle::High,
            Mood::Proud => Angle::Low,
            Mood::Angry if nth % 2 == 1 => Angle::Low,
            Mood::Tense if nth % 3 == 2 => Angle::Dutch,
            _ => Angle::Eye,
        };
        (sizes[usize::from(is_strong(mood))], angle)
    }

    fn movement(&self, setup: &Setup, mood: Mood, seed: u64) -> Move {
        match (setup.purpose, mood) {
            (_, Mood::Angry | Mood::Afraid | Mood::Tense) if unit(seed, 10) < 0.5 => Move::Handheld,
            (Purpose::OverShoulder, _) => *pick(seed, 11, &[Move::Static, Move::Static, Move::RackFocus, Move::Dolly, Move::Track]),
            (Purpose::Master, _) => *pick(seed, 12, &[Move::Dolly, Move::Track, Move::Static]),
            (Purpose::TwoShot, _) => *pick(seed, 13, &[Move::Orbit, Move::Dolly, Move::Static]),
            (_, m) if is_strong(m) => *pick(seed, 14, &[Move::Dolly, Move::Dolly, Move::Static]),
            _ => *pick(seed, 15, &[Move::Static, Move::Static, Move::Dolly, Move::Pan]),
        }
    }

    /// Films a talk in one shot, or in an odd number of parts that return to the first setup.
    fn parts(&mut self, talk: &Talk<'_>, setup: &Setup, listener: Option<CharacterId>, marks: Vec<Mark>, mood: Mood) {
        let lengths = part_lengths(talk.total, talk.lead.max(0) as u32);
        let movement = if lengths.len() > 1 { Move::Static } else { self.movement(setup, mood, talk.seed) };
        let other = (lengths.len() > 1).then(|| self.other_view(setup, talk.lines[0], listener));
        let mut at = 0i32;
        let mut marks = marks;
        for (i, length) in lengths.iter().copied().enumerate() {
            let last = i + 1 == lengths.len();
            let mut script_lines: Vec<u32> = talk.lines.iter().map(|l| l.line).collect();
            let mut cues: Vec<Cue> = Vec::new();
            if i == 0 {
                cues.extend(talk.cues.iter().cloned());
            } else {
                marks = self.settled(&marks, talk);
            }
            for (line, frames) in talk.lines.iter().zip(&talk.lengths) {
                self.say(line, talk.lead - at, *frames, length, &mut cues);
            }
            if last && let Some((next, early)) = talk.next {
                script_lines.push(next.line);
                let frames = self.frames_of(next);
                self.say(next, length as i32 - early as i32, frames, length, &mut cues);
            }
            cues.sort_by_key(|c| c.start);
            let seed = if i == 0 { talk.seed } else { klieg_film_words::mix(talk.seed ^ i as u64) };
            let content = Content { marks: marks.clone(), cues, script_lines, mood, seed };
            match (&other, i % 2) {
                (_, 0) if i == 0 => self.shoot(setup, movement, length, content, &[]),
                (Some(other), 1) => self.shoot_part(other, Move::Static, length, content),
                _ => self.shoot_part(setup, movement, length, content),
            }
            at += length as i32;
        }
    }

    /// One `Say` cue in the shot about to be filmed, and the line's time when it starts here.
    fn say(&mut self, line: &Line, start: i32, frames: u32, length: u32, cues: &mut Vec<Cue>) {
        if start >= length as i32 || start + frames as i32 <= 0 {
            return;
        }
        let off_screen = line.off_screen || !self.stage.is_on(line.speaker);
        cues.push(Cue { start, frames, who: line.speaker, what: Does::Say { line: line.id, mood: line.mood, off_screen } });
        if start >= 0 {
            self.cut.lines.push((line.id, self.cut.shots.len(), start as u32, frames));
        }
    }

    /// What one cuts to in the middle of a long line: the listener's face, else the room.
    fn other_view(&mut self, setup: &Setup, line: &Line, listener: Option<CharacterId>) -> Setup {
        let shown = setup.aim.subject;
        // It stands between two shots of `setup`.
        let previous = self.previous.replace((setup.size, setup.angle));
        let other = match (listener.filter(|l| Some(*l) != shown), shown) {
            (Some(listener), _) => {
                let (size, angle) = self.face(listener, Mood::Neutral, 0);
                self.setup_single(listener, Some(line.speaker), Purpose::Reaction, size, angle)
            }
            (None, Some(shown)) => self.setup_group(&[shown], Purpose::Master, Size::Full, Angle::Eye, -20.0),
            (None, None) => self.setup_place(Size::VeryWide, -20.0),
        };
        self.previous = previous;
        other
    }

    /// Marks after the looks and feelings of the first part have happened.
    fn settled(&self, marks: &[Mark], talk: &Talk<'_>) -> Vec<Mark> {
        let mut marks = marks.to_vec();
        for mark in &mut marks {
            for cue in talk.cues.iter().filter(|c| c.who == mark.who) {
                match &cue.what {
                    Does::Feel { mood } => mark.mood = *mood,
                    Does::LookAt { who } => mark.looks_at = Some(*who),
                    Does::Turn { heading } => mark.heading = *heading,
                    _ => {}
                }
            }
        }
        marks
    }

    /// The listener's face after the line, which may still trail into it.
    fn react(&mut self, line: &Line, listener: CharacterId, talk: &Talk<'_>) {
        let (size, angle) = self.face(listener, line.mood, 0);
        let setup = self.setup_single(listener, Some(line.speaker), Purpose::Reaction, size, angle);
        let place = self.seed_for(&format!("react to {}", line.speaker), "");
        let start = talk.lead - talk.total as i32;
        let left = start + talk.longest() as i32;
        let length = REACTION.saturating_add_signed(left.max(0)) + (unit(place, 0) * 8.0) as u32;
        let felt = echo(line.mood, unit(place, 1));
        let mut cues = Vec::new();
        let script_lines = talk.lines.iter().map(|l| l.line).collect();
        for (line, frames) in talk.lines.iter().zip(&talk.lengths) {
            self.say(line, start, *frames, length, &mut cues);
        }
        if self.stage.get(listener).is_some_and(|p| p.mood != felt) {
            cues.push(Cue { start: left.max(0) + 8, frames: 14, who: listener, what: Does::Feel { mood: felt } });
        }
        let content = Content { marks: self.stage.marks(), cues, script_lines, mood: felt, seed: place };
        self.shoot(&setup, if unit(place, 2) < 0.5 { Move::Dolly } else { Move::Static }, length, content, &[]);
        if let Some(i) = self.stage.index(listener) {
            self.stage.people[i].mood = felt;
        }
    }
}

/// What a mood does to the one it is aimed at.
fn echo(mood: Mood, chance: f32) -> Mood {
    match mood {
        Mood::Angry => {
            if chance < 0.5 {
                Mood::Afraid
            } else {
                Mood::Tense
            }
        }
        Mood::Sad => Mood::Sad,
        Mood::Tender => Mood::Tender,
        Mood::Happy | Mood::Playful | Mood::Proud => Mood::Happy,
        Mood::Surprised => Mood::Surprised,
        Mood::Afraid => Mood::Tense,
        other => other,
    }
}

/// Odd number of lengths that add up to `total`: face, reaction, face, … The first also holds the `lead` before the words.
fn part_lengths(total: u32, lead: u32) -> Vec<u32> {
    let lead = lead.saturating_sub(12).min(total / 2);
    let words = total - lead;
    if words <= LONGEST {
        return vec![total];
    }
    let reactions = ((words + 60) / 160).clamp(1, 4);
    let face = (words - reactions * REACTION) / (reactions + 1);
    let mut out: Vec<u32> = (0..=2 * reactions).map(|i| if i % 2 == 1 { REACTION } else { face }).collect();
    let rest = total - out.iter().sum::<u32>();
    if let Some(first) = out.first_mut() {
        *first += rest;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_add_up_and_are_odd() {
        for (total, lead) in (36..4000).flat_map(|t| [(t, 6), (t, 70)]) {
            let parts = part_lengths(total, lead);
            assert_eq!(parts.iter().sum::<u32>(), total);
            assert!(parts.len() % 2 == 1 && parts.len() <= 9);
            assert!(parts.iter().all(|p| *p >= 36) && (parts.len() == 1 || parts[0] > lead), "{total}: {parts:?}");
        }
    }
}

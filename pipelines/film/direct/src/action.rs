//! Coverage of acts: followed walks, two-shots, inserts of what is handled, faces that react.

use crate::acting::{self, Played};
use crate::coverage::{Content, Director, Setup, above, is_neutral};
use crate::lens::{Aim, frame_height, lens_for, solve};
use crate::moves;
use crate::stage::{Person, camera_side, facing, side_of_line};
use glam::{Vec2, Vec3};
use klieg_film_words::shot::{Angle, Cue, Does, Mark, Move, Purpose, Size};
use klieg_film_words::story::{Action, CharacterId, Mood, Verb};
use klieg_film_words::{between, pick};
use std::collections::BTreeMap;

/// The line of action: two points and the camera's side.
type Line = (Vec2, Vec2, f32);

const INSERT: u32 = 42;
/// Worn on the head.
const HEADWEAR: &[&str] = &["hat", "fedora", "cap", "turban", "helmet", "crown", "bonnet", "veil", "hair"];
/// Hangs from the hands that pass it on.
const HUNG: &[&str] = &["garland", "necklace", "chain", "rope", "scarf", "shawl", "coat", "bouquet", "lantern", "lei"];
/// Carried beside the leg.
const CARRIED_LOW: &[&str] = &["umbrella", "parasol", "stick", "cane", "staff", "suitcase", "briefcase", "bag", "bucket", "sword"];

impl Director<'_> {
    /// Covers the same act by one or more people.
    pub fn act(&mut self, actions: &[&Action]) {
        let present: Vec<&Action> = actions.iter().copied().filter(|a| self.stage.index(a.who).is_some()).collect();
        let Some(first) = present.first() else { return self.note(actions) };
        if self.nothing_to_see(first) {
            return self.note(actions);
        }
        for action in &present {
            acting::prepare(&mut self.stage, action);
        }
        let before = self.stage.marks();
        let line = self.stage.line();
        let seed = self.seed_for("act", &first.text);
        let mut played = Played::default();
        for (n, action) in present.iter().enumerate() {
            let one = self.play_if_new(&present[..n], action);
            self.together(&mut played, one, n as u32 * 5);
        }
        let lines: Vec<u32> = actions.iter().map(|a| a.line).collect();
        match played.walk {
            Some(walk) if present.len() == 1 => self.follow(first, walk, played, (before, line), lines, seed),
            _ => self.watch(&present, played, (before, line), lines, seed),
        }
    }

    /// Acts without a picture of their own still belong to the shot before.
    fn note(&mut self, actions: &[&Action]) {
        if let Some(last) = self.cut.shots.last_mut() {
            last.script_lines.extend(actions.iter().map(|a| a.line));
            last.script_lines.sort_unstable();
            last.script_lines.dedup();
        }
    }

    fn nothing_to_see(&self, action: &Action) -> bool {
        let standing = self.stage.get(action.who).is_some_and(|p| p.posture == klieg_film_words::shot::Posture::Standing);
        match action.verb {
            Verb::Stand | Verb::Rise => standing,
            Verb::Enter => self.stage.is_on(action.who) && self.cut.shots.len() > 1,
            // Already there.
            Verb::Walk | Verb::Run => {
                let to = action.to.filter(|to| *to != action.who).and_then(|to| self.stage.get(to));
                self.stage.get(action.who).zip(to).is_some_and(|(me, other)| me.at.distance(other.at) <= 1.3)
            }
            _ => false,
        }
    }

    /// An embrace that both were said to make is one embrace.
    fn play_if_new(&mut self, earlier: &[&Action], action: &Action) -> Played {
        let mutual = earlier.iter().any(|e| e.to == Some(action.who) && action.to.is_none_or(|to| to == e.who));
        if mutual { Played::default() } else { acting::play(&mut self.stage, action) }
    }

    fn together(&self, all: &mut Played, one: Played, later: u32) {
        all.frames = all.frames.max(one.frames + later);
        all.act_at = all.act_at.max(one.act_at);
        all.walk = all.walk.or(one.walk);
        all.cues.extend(one.cues.into_iter().map(|c| Cue { start: c.start + later as i32, ..c }));
        all.cues.sort_by_key(|c| c.start);
    }

    /// A walk: the camera goes along.
    fn follow(
        &mut self,
        action: &Action,
        (from, to): (Vec2, Vec2),
        played: Played,
        (before, line): (Vec<Mark>, Option<Line>),
        lines: Vec<u32>,
        seed: u64,
    ) {
        let s = self.stage.stature(action.who);
        let middle = (from + to) / 2.0;
        let along = (to - from).normalize_or(Vec2::X);
        let side = camera_side(from, to);
        let avoid: Vec<Vec2> = (0..=4).map(|i| from.lerp(to, i as f32 / 4.0)).collect();
        let toward = if along.y < -0.2 { -along } else { along };
        let wish = *pick(seed, 0, &[Size::Full, Size::MediumWide, Size::Full]);
        let length = (played.frames + 8).clamp(40, 132);
        let last_walk =
            played.cues.iter().filter(|c| matches!(c.what, Does::Go { .. })).map(|c| c.start + c.frames as i32).max().unwrap_or(0);
        for wish in [wish, Size::Full, Size::Wide] {
            let (size, angle) = self.distinct(wish, Angle::Eye);
            let aim = Aim {
                target: Vec3::new(middle.x, s.eyes, middle.y),
                toward,
                side,
                swing: between(seed, 1, 48.0, 66.0),
                size,
                angle,
                height: frame_height(size, s),
                lens_mm: lens_for(size),
                above: above(size),
                lead: 0.08,
                subject: None,
                foreground: None,
                keep_line: false,
            };
            if let Some(key) = solve(&self.stage, &aim, &avoid) {
                let setup = Setup { purpose: Purpose::Follow, size, angle, aim, key };
                let walk = moves::Walk { from, to, until: last_walk.max(1) as u32 };
                let (movement, camera) = moves::follow(&self.stage, &aim, key, &walk, length, &avoid);
                let content = Content { marks: before, cues: played.cues, script_lines: lines, mood: action.mood, seed };
                return self.shoot_with(&setup, movement, camera, length, content);
            }
        }
        self.watch(&[action], played, (before, line), lines, seed);
    }

    /// An act on the spot, with an insert of what is handled.
    fn watch(
        &mut self,
        actions: &[&Action],
        played: Played,
        (before, line): (Vec<Mark>, Option<Line>),
        lines: Vec<u32>,
        seed: u64,
    ) {
        let action = actions[0];
        self.avoid = ways(&before, &played.cues);
        let setup = self.on_one_side(self.stage.line(), line, actions, seed);
        let movement = self.act_move(action, seed);
        let insert = self.wants_insert(action);
        let full = (played.frames + 8).clamp(40, 140);
        let length = if insert { (played.act_at + 26).clamp(36, 120) } else { full };
        let mut cues = played.cues;
        if insert {
            // The act goes on through the insert.
            for cue in cues.iter_mut().filter(|c| matches!(c.what, Does::Act { .. })) {
                let end = (length + INSERT) as i32 - 4;
                cue.frames = cue.frames.max((end - cue.start).max(1) as u32);
            }
        }
        let content = Content { marks: before.clone(), cues: cues.clone(), script_lines: lines.clone(), mood: action.mood, seed };
        let avoid = std::mem::take(&mut self.avoid);
        self.shoot(&setup, movement, length, content, &avoid);
        if insert {
            self.insert(action, &cues, length, &before, lines, seed);
        }
    }

    /// The setup of an act; when it changes the geometry (`before`, `after`) it is shown from where all can be seen.
    fn on_one_side(&mut self, after: Option<Line>, before: Option<Line>, actions: &[&Action], seed: u64) -> Setup {
        if self.line_was_crossed() {
            let all: Vec<CharacterId> = self.stage.on().map(|p| p.who).collect();
            return self.setup_group(&all, Purpose::Master, Size::Full, Angle::Eye, 8.0);
        }
        let setup = self.act_setup(actions, seed);
        let wrong = |(a, b, sign): Line| side_of_line(a, b, position_of(&setup)) * sign <= 0.0;
        let swapped = before.zip(after).is_some_and(|(b, a)| b.2 != a.2);
        let crosses = swapped || before.is_some_and(wrong) || after.is_some_and(wrong);
        Setup { purpose: if crosses && !is_neutral(setup.purpose) { Purpose::Master } else { setup.purpose }, ..setup }
    }

    fn act_setup(&mut self, actions: &[&Action], seed: u64) -> Setup {
        let action = actions[0];
        let who = action.who;
        let partner = action.to.filter(|to| *to != who && self.stage.is_on(*to));
        let swing = between(seed, 2, 8.0, 24.0);
        if !self.stage.is_on(who) {
            return self.setup_place(Size::Wide, swing);
        }
        let mut group: Vec<CharacterId> = actions.iter().map(|a| a.who).filter(|w| self.stage.is_on(*w)).collect();
        if group.len() > 1 {
            group.dedup();
            let size = if group.len() == 2 { Size::MediumWide } else { Size::Full };
            self.needs_master();
            return self.setup_group(&group, Purpose::Master, size, Angle::Eye, swing);
        }
        if matches!(action.verb, Verb::Sit | Verb::Kneel | Verb::Sleep) {
            self.tallest = self.stage.stature(who).eyes;
            let (both, alone) = ([who, partner.unwrap_or(who)], [who]);
            let (whom, purpose) = if partner.is_some() { (&both[..], Purpose::TwoShot) } else { (&alone[..], Purpose::Single) };
            let setup = self.setup_group(whom, purpose, Size::Full, Angle::Eye, swing);
            self.tallest = 0.0;
            return setup;
        }
        let (size, angle) = match action.verb {
            Verb::Dance
            | Verb::Sit
            | Verb::Kneel
            | Verb::Rise
            | Verb::Sleep
            | Verb::Walk
            | Verb::Run
            | Verb::Enter
            | Verb::Exit => (Size::Full, Angle::Eye),
            Verb::Fight => (Size::MediumWide, Angle::Dutch),
            Verb::Embrace => (Size::Medium, Angle::Eye),
            Verb::Pray | Verb::Bow => (Size::Cowboy, Angle::Low),
            Verb::Look | Verb::Listen | Verb::Nod | Verb::Shake | Verb::Turn => (Size::MediumClose, Angle::Eye),
            Verb::Laugh | Verb::Cry => (Size::Close, Angle::Eye),
            Verb::Give | Verb::Take | Verb::Pour | Verb::Touch => (Size::Cowboy, Angle::Eye),
            _ => (Size::Medium, Angle::Eye),
        };
        match partner {
            Some(partner) if pairs(action.verb) => self.setup_group(&[who, partner], Purpose::TwoShot, size, angle, swing),
            _ => {
                let purpose = if size == Size::MediumClose { Purpose::Reaction } else { Purpose::Single };
                self.setup_single(who, partner, purpose, size, angle)
            }
        }
    }

    fn act_move(&self, action: &Action, seed: u64) -> Move {
        match action.verb {
            Verb::Embrace | Verb::Dance => Move::Orbit,
            Verb::Fight | Verb::Run => Move::Handheld,
            Verb::Pray | Verb::Bow => *pick(seed, 3, &[Move::Crane, Move::Dolly]),
            Verb::Sit | Verb::Rise | Verb::Kneel => Move::Static,
            Verb::Look | Verb::Listen if action.mood == Mood::Tense => Move::Handheld,
            Verb::Smoke | Verb::Drink | Verb::Read => *pick(seed, 3, &[Move::RackFocus, Move::Dolly, Move::Static]),
            _ => *pick(seed, 3, &[Move::Static, Move::Dolly, Move::Track, Move::Static]),
        }
    }

    /// Things are shown close when they are first handled, by acts in which they are seen in the hand or on the head.
    fn wants_insert(&mut self, action: &Action) -> bool {
        let held = matches!(
            action.verb,
            Verb::Give
                | Verb::Take
                | Verb::Hold
                | Verb::Put
                | Verb::Pour
                | Verb::Drink
                | Verb::Eat
                | Verb::Write
                | Verb::Read
                | Verb::Smoke
                | Verb::Play
        );
        let handled = held || action.verb == Verb::Touch && names(action, HEADWEAR);
        let near = self.stage.is_on(action.who);
        handled && near && action.prop.as_ref().is_some_and(|p| self.inserted.insert(p.clone()))
    }

    fn insert(&mut self, action: &Action, cues: &[Cue], shown: u32, before: &[Mark], lines: Vec<u32>, seed: u64) {
        let Some(person) = self.stage.get(action.who) else { return };
        let s = self.stage.stature(action.who);
        let partner = action.to.and_then(|to| self.stage.get(to)).filter(|p| p.who != action.who);
        let ahead = facing(person.heading);
        let (eyes, right) = (self.stage.eyes(person).y, -ahead.perp());
        let belly_of = |p: &Person| {
            let s = self.stage.stature(p.who);
            self.stage.eyes(p).y - s.eyes + 0.62 * s.height
        };
        let belly = belly_of(person);
        let toward = if ahead.y > -0.2 { ahead } else { -ahead };
        // Long things hang below the hand that holds them: the frame follows them down and opens a little.
        let long = names(action, CARRIED_LOW) || names(action, HUNG);
        let (drop, wider) = if long { (0.09 * s.height, 1.3) } else { (0.02 * s.height, 1.08) };
        // Hands meet half way at the height of the belly; alone, they work in front of it, at the mouth, or hang beside it.
        let (spot, up, toward, angle) = match (partner, action.verb) {
            (Some(p), verb) if pairs(verb) => {
                ((p.at + person.at) / 2.0, (belly + belly_of(p)) / 2.0 - drop, camera_side(person.at, p.at), Angle::High)
            }
            (_, Verb::Smoke | Verb::Drink | Verb::Eat) => (person.at + ahead * 0.16, eyes - 0.24 * s.head, toward, Angle::Eye),
            (_, Verb::Touch) => (person.at + ahead * 0.1, eyes + 0.12 * s.head, toward, Angle::Eye),
            (_, Verb::Hold) if names(action, CARRIED_LOW) => {
                (person.at + ahead * 0.18 + right * 0.27, belly - 0.08 * s.height, toward, Angle::High)
            }
            _ => (person.at + ahead * 0.27, belly, toward, Angle::High),
        };
        let size = Size::Insert;
        let aim = Aim {
            target: Vec3::new(spot.x, up, spot.y),
            toward,
            side: toward.perp(),
            swing: between(seed, 5, -22.0, 22.0),
            size,
            angle,
            height: frame_height(size, s) * if partner.is_some_and(|_| pairs(action.verb)) { wider } else { 1.0 },
            lens_mm: lens_for(size),
            above: 0.0,
            lead: 0.0,
            subject: Some(action.who),
            foreground: partner.filter(|_| pairs(action.verb)).map(|p| p.who),
            keep_line: false,
        };
        let Some(key) = solve(&self.stage, &aim, &[]) else { return };
        let setup = Setup { purpose: Purpose::Insert, size, angle, aim, key };
        let mut marks = self.stage.marks();
        for mark in &mut marks {
            // What changes hands has not done so yet.
            if let Some(was) = before.iter().find(|m| m.who == mark.who) {
                mark.holding = was.holding.clone();
            }
        }
        let still = cues.iter().filter(|c| matches!(c.what, Does::Act { .. }));
        let cues = still.map(|c| Cue { start: c.start - shown as i32, ..c.clone() }).collect();
        let content = Content { marks, cues, script_lines: lines, mood: action.mood, seed: klieg_film_words::mix(seed) };
        let movement = *pick(seed, 6, &[Move::Static, Move::Dolly, Move::Tilt]);
        self.shoot(&setup, movement, INSERT, content, &[]);
    }
}

/// Whether the action's thing is one of `words`.
fn names(action: &Action, words: &[&str]) -> bool {
    action.prop.as_deref().is_some_and(|p| p.split([' ', '-']).any(|part| words.contains(&part.to_lowercase().as_str())))
}

/// Points that people stand on or pass on their ways.
fn ways(before: &[Mark], cues: &[Cue]) -> Vec<Vec2> {
    let mut at: BTreeMap<CharacterId, Vec2> = before.iter().map(|m| (m.who, Vec2::new(m.x, m.z))).collect();
    let mut out: Vec<Vec2> = at.values().copied().collect();
    for cue in cues {
        if let Does::Go { to_x, to_z, .. } = cue.what {
            let to = Vec2::new(to_x, to_z);
            let from = at.insert(cue.who, to).unwrap_or(to);
            out.extend((1..=4).map(|i| from.lerp(to, i as f32 / 4.0)));
        }
    }
    out
}

fn position_of(setup: &Setup) -> Vec2 {
    Vec2::new(setup.key.position[0], setup.key.position[2])
}

/// Acts that are seen only with both people in the frame.
fn pairs(verb: Verb) -> bool {
    matches!(
        verb,
        Verb::Give | Verb::Take | Verb::Embrace | Verb::Fight | Verb::Dance | Verb::Touch | Verb::Pour | Verb::Bow | Verb::Sit
    )
}

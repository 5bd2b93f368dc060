//! Coverage: the beats of a scene become drafts of shots, in the order of the script.

use crate::acting::frames;
use crate::lens::{ASPECT, Aim, GATE_HEIGHT_MM, allowed, frame, frame_height, lens_for, roll, solve};
use crate::moves;
use crate::stage::{Stage, camera_side, facing, side_of_line};
use glam::{Vec2, Vec3};
use klieg_film_words::shot::{Angle, CameraKey, Cue, FloorPlan, Mark, Move, Purpose, Shot, Size, Stature};
use klieg_film_words::story::{Action, Beat, CharacterId, Line, LineId, Mood, Scene, Story, Verb};
use klieg_film_words::{between, mix, pick, seed_of, unit};
use std::collections::{BTreeMap, BTreeSet};

/// The shots of one scene, and when its lines start: index of the shot, frame in it, length.
pub struct SceneCut {
    pub shots: Vec<Shot>,
    pub lines: Vec<(LineId, usize, u32, u32)>,
}

/// A camera that has been found for something to show.
#[derive(Clone)]
pub struct Setup {
    pub purpose: Purpose,
    pub size: Size,
    pub angle: Angle,
    pub aim: Aim,
    pub key: CameraKey,
}

/// What goes into a shot besides its picture.
pub struct Content {
    pub marks: Vec<Mark>,
    pub cues: Vec<Cue>,
    pub script_lines: Vec<u32>,
    pub mood: Mood,
    pub seed: u64,
}

/// One stretch of a scene that is covered on its own.
enum Unit<'a> {
    /// Lines said together, with small acts of the speaker just before them.
    Talk(Vec<&'a Line>, Option<&'a Action>),
    /// The same act by one or more people.
    Act(Vec<&'a Action>),
    Describe(Vec<u32>),
}

pub struct Director<'a> {
    pub scene: &'a Scene,
    pub stage: Stage<'a>,
    pub seconds: &'a [f32],
    pub cut: SceneCut,
    pub said: BTreeMap<CharacterId, u32>,
    /// Props that had their insert.
    pub inserted: BTreeSet<String>,
    /// Size and angle of the shot before, which the next may not repeat.
    pub previous: Option<(Size, Angle)>,
    /// Height of eyes that the next group's frame has to hold besides those it sees: of one who is about to sit down.
    pub tallest: f32,
    /// Places besides where people stand now that the camera keeps clear of.
    pub avoid: Vec<Vec2>,
    number: u32,
    width: usize,
    line_sign: Option<f32>,
    gathered: bool,
    seeds: BTreeMap<u64, u64>,
    seed: u64,
}

pub struct Given<'a> {
    pub story: &'a Story,
    pub scene: usize,
    pub plan: &'a FloorPlan,
    pub people: &'a [Stature],
    pub seconds: &'a [f32],
    pub seed: u64,
    pub previous: Option<(Size, Angle)>,
}

/// Directs one scene.
pub fn scene(given: &Given<'_>) -> (SceneCut, Option<(Size, Angle)>) {
    let scene = &given.story.scenes[given.scene];
    let mut d = Director::new(given);
    let before = given.scene.checked_sub(1).map(|i| &given.story.scenes[i]);
    let same_place = before.is_some_and(|b| b.place == scene.place && b.place_name == scene.place_name);
    d.run(same_place, given.scene + 1 == given.story.scenes.len());
    for shot in &mut d.cut.shots {
        shot.scene = given.scene;
    }
    (d.cut, d.previous)
}

impl<'a> Director<'a> {
    /// Before the first shot.
    pub fn new(given: &Given<'a>) -> Self {
        let scene = &given.story.scenes[given.scene];
        Self {
            scene,
            stage: Stage::new(scene, given.plan, given.people),
            seconds: given.seconds,
            cut: SceneCut { shots: Vec::new(), lines: Vec::new() },
            said: BTreeMap::new(),
            inserted: BTreeSet::new(),
            previous: given.previous,
            avoid: Vec::new(),
            tallest: 0.0,
            number: 0,
            width: if scene.beats.len() > 40 { 4 } else { 3 },
            line_sign: None,
            gathered: false,
            seeds: BTreeMap::new(),
            seed: given.seed,
        }
    }

    fn run(&mut self, same_place: bool, last: bool) {
        let scene: &'a Scene = self.scene;
        let units = units(&scene.beats);
        let mut units = units.into_iter().peekable();
        let mut described = vec![scene.lines.0];
        while let Some(Unit::Describe(lines)) = units.next_if(|u| matches!(u, Unit::Describe(_))) {
            described.extend(lines);
        }
        self.establish(same_place, described);
        let mut lead = None;
        while let Some(unit) = units.next() {
            match unit {
                Unit::Describe(lines) => self.cutaway(lines),
                Unit::Act(actions) => self.act(&actions),
                Unit::Talk(lines, small) => {
                    let next = match units.peek() {
                        Some(Unit::Talk(next, None)) if next.len() == 1 => Some(next[0]),
                        _ => None,
                    };
                    lead = self.talk(&lines, small, next, lead);
                }
            }
        }
        if last && self.stage.on().count() > 0 {
            self.close();
        }
    }

    /// Opens the scene: where are we.
    fn establish(&mut self, same_place: bool, lines: Vec<u32>) {
        let seed = self.seed_for("establish", "");
        let wide = if self.scene.interior { Size::VeryWide } else { *pick(seed, 0, &[Size::ExtremeWide, Size::VeryWide]) };
        let size = if same_place { Size::Wide } else { wide };
        let movement = *pick(seed, 1, &[Move::Crane, Move::Dolly, Move::Pan, Move::Track, Move::Tilt, Move::Dolly]);
        let length = frames(if same_place { 2.2 } else { between(seed, 2, 3.0, 3.4) });
        let swing = between(seed, 3, 6.0, 24.0) * if unit(seed, 4) < 0.5 { -1.0 } else { 1.0 };
        let setup = self.setup_place(size, swing);
        let content = Content { marks: self.stage.marks(), cues: Vec::new(), script_lines: lines, mood: self.scene.mood, seed };
        self.shoot(&setup, movement, length, content, &[]);
    }

    /// Looks at the place again when the script does.
    fn cutaway(&mut self, lines: Vec<u32>) {
        if let Some(last) = self.cut.shots.last_mut()
            && last.purpose == Purpose::Establishing
        {
            last.script_lines.extend(lines);
            return;
        }
        let seed = self.seed_for("cutaway", "");
        let swing = between(seed, 3, -30.0, 30.0);
        let setup = self.setup_place(*pick(seed, 0, &[Size::Wide, Size::VeryWide]), swing);
        let movement = *pick(seed, 1, &[Move::Pan, Move::Tilt, Move::Dolly, Move::Static]);
        let content = Content { marks: self.stage.marks(), cues: Vec::new(), script_lines: lines, mood: self.scene.mood, seed };
        self.shoot(&setup, movement, frames(2.4), content, &[]);
    }

    /// Leaves the film: the camera rises from those who remain.
    fn close(&mut self) {
        let seed = self.seed_for("close", "");
        let all: Vec<CharacterId> = self.stage.on().map(|p| p.who).collect();
        let setup = self.setup_group(&all, Purpose::Master, Size::Wide, Angle::Eye, between(seed, 0, -18.0, 18.0));
        let content = Content {
            marks: self.stage.marks(),
            cues: Vec::new(),
            script_lines: vec![self.scene.lines.1],
            mood: self.scene.mood,
            seed,
        };
        self.shoot(&setup, Move::Crane, frames(2.4), content, &[]);
        // The film ends by rising, not by sinking.
        if let Some(last) = self.cut.shots.last_mut().filter(|s| s.movement == Move::Crane && s.camera.len() == 2) {
            let end = last.camera[1].frame;
            last.camera.swap(0, 1);
            last.camera[0].frame = 0;
            last.camera[1].frame = end;
        }
    }

    /// A seed made of what happens, whatever stands around it. Acts that have no words of their own are told apart by
    /// counting; words are not counted, for then a changed line would change its namesake.
    pub fn seed_for(&mut self, role: &str, text: &str) -> u64 {
        let base = seed_of(&[&self.scene.id, role, text]);
        let occurrence = self.seeds.entry(base).or_insert(0);
        *occurrence += u64::from(text.is_empty());
        mix(base ^ self.seed ^ mix(*occurrence))
    }

    /// The first shot that shows everybody together is the master.
    pub fn needs_master(&mut self) -> bool {
        let needs = !self.gathered && self.stage.on().count() >= 2;
        self.gathered |= needs;
        needs
    }

    /// A size and angle near the wish that the shot before did not have.
    pub fn distinct(&self, size: Size, angle: Angle) -> (Size, Angle) {
        let Some(previous) = self.previous else { return (size, angle) };
        if previous != (size, angle) {
            return (size, angle);
        }
        let at = Size::ALL.iter().position(|s| *s == size).unwrap_or(0);
        let tighter = Size::ALL.get(at + 1).copied().filter(|s| *s < Size::ExtremeClose);
        match tighter {
            Some(tighter) if size >= Size::MediumWide => (tighter, angle),
            _ => (Size::ALL[at.saturating_sub(1).max(usize::from(at == 0))], angle),
        }
    }

    /// Films one setup. Numbers go by tens; parts of a shot that was split go between them.
    pub fn shoot(&mut self, setup: &Setup, movement: Move, length: u32, content: Content, avoid: &[Vec2]) {
        let (movement, camera) = self.keys(setup, movement, length, &content, avoid);
        self.number = (self.number / 10 + 1) * 10;
        self.keep(setup, movement, camera, length, content);
    }

    /// Films a further part of the shot before.
    pub fn shoot_part(&mut self, setup: &Setup, movement: Move, length: u32, content: Content) {
        let (movement, camera) = self.keys(setup, movement, length, &content, &[]);
        self.number += 1;
        self.keep(setup, movement, camera, length, content);
    }

    /// The camera's keys. The stage already stands as the shot leaves it; a move may not cross the line of where it began either.
    fn keys(&self, setup: &Setup, movement: Move, length: u32, content: &Content, avoid: &[Vec2]) -> (Move, Vec<CameraKey>) {
        let (movement, camera) = moves::keys(&self.stage, &setup.aim, setup.key, movement, length, content.seed, avoid);
        let at = |who| content.marks.iter().find(|m| m.who == who).map(|m| Vec2::new(m.x, m.z));
        let line = self.stage.principals.and_then(|(a, b)| at(a).zip(at(b)));
        let side = |k: &CameraKey, (a, b)| side_of_line(a, b, Vec2::new(k.position[0], k.position[2])) > 0.0;
        let crosses = |line| camera.iter().any(|k| side(k, line) != side(&setup.key, line));
        if !is_neutral(setup.purpose) && line.is_some_and(crosses) { (Move::Static, vec![setup.key]) } else { (movement, camera) }
    }

    /// Films with keys that are already made.
    pub fn shoot_with(&mut self, setup: &Setup, movement: Move, camera: Vec<CameraKey>, length: u32, content: Content) {
        self.number = (self.number / 10 + 1) * 10;
        self.keep(setup, movement, camera, length, content);
    }

    fn keep(&mut self, setup: &Setup, movement: Move, mut camera: Vec<CameraKey>, frames: u32, content: Content) {
        for key in &mut camera {
            key.roll_degrees = roll(setup.angle, unit(content.seed, 77));
        }
        self.previous = Some((setup.size, setup.angle));
        self.line_sign = self.stage.line().map(|(_, _, sign)| sign);
        let mut script_lines = content.script_lines;
        script_lines.sort_unstable();
        script_lines.dedup();
        self.cut.shots.push(Shot {
            name: format!("{}_sh{:0width$}", self.scene.id, self.number, width = self.width),
            scene: 0,
            purpose: setup.purpose,
            size: setup.size,
            angle: setup.angle,
            movement,
            frames: frames.max(36),
            camera,
            marks: content.marks,
            cues: content.cues,
            script_lines,
            mood: content.mood,
            seed: content.seed,
        });
    }

    /// Shows the place: from the widest feasible of `size` and tighter.
    pub fn setup_place(&self, size: Size, swing: f32) -> Setup {
        let target = self.centre();
        let first = Size::ALL.iter().position(|s| *s == size).unwrap_or(0);
        let stature = self.stage.stature(usize::MAX);
        for size in &Size::ALL[first..=4] {
            let (size, angle) = self.distinct(*size, Angle::Eye);
            let aim = Aim {
                target,
                toward: Vec2::Y,
                side: Vec2::X,
                swing,
                size,
                angle,
                height: frame_height(size, stature),
                lens_mm: lens_for(size),
                above: 0.02,
                lead: 0.06,
                subject: None,
                foreground: None,
                keep_line: false,
            };
            if let Some(key) = solve(&self.stage, &aim, &self.avoid) {
                let key = self.between_floor_and_hero(key);
                // Moves keep what was composed here.
                let aim = Aim { target: Vec3::from(key.look_at), above: 0.0, lead: 0.0, ..aim };
                return Setup { purpose: Purpose::Establishing, size, angle, aim, key };
            }
        }
        self.fallback(Purpose::Establishing, target)
    }

    /// Tilts a wide view up to what the place is about, as far as the feet of those before it stay in the frame.
    fn between_floor_and_hero(&self, key: CameraKey) -> CameraKey {
        let position = Vec3::from(key.position);
        let half = (GATE_HEIGHT_MM / 2.0 / key.lens_mm).atan();
        let centre = self.centre();
        let flat = Vec3::new(centre.x - position.x, 0.0, centre.z - position.z);
        let distance = flat.length().max(0.5);
        let feet = (-position.y / (distance - 0.3).max(0.3)).atan();
        let to_hero = Vec3::from(self.stage.plan.hero) - position;
        let hero = (to_hero.y / to_hero.with_y(0.0).length().max(0.5)).atan();
        let level = (centre.y - position.y) / distance;
        let pitch = hero.max(level.atan() - 0.1).min(feet + half * 0.84);
        // Between the people and the hero, nearer to the people.
        let aside = (to_hero.with_y(0.0).normalize_or(flat) * 0.4 + flat.normalize_or(Vec3::NEG_Z) * 0.6).normalize_or(Vec3::NEG_Z);
        let look_at = position + aside * distance + Vec3::Y * pitch.tan() * distance;
        CameraKey { look_at: look_at.to_array(), focus_m: distance, ..key }
    }

    fn centre(&self) -> Vec3 {
        let eyes: Vec<Vec3> = self.stage.on().map(|p| self.stage.eyes(p)).collect();
        if eyes.is_empty() { Vec3::new(0.0, 1.2, 0.0) } else { eyes.iter().sum::<Vec3>() / eyes.len() as f32 }
    }

    /// Two or more people in one frame.
    pub fn setup_group(&self, who: &[CharacterId], purpose: Purpose, size: Size, angle: Angle, swing: f32) -> Setup {
        let eyes: Vec<Vec3> = who.iter().filter_map(|w| self.stage.get(*w)).map(|p| self.stage.eyes(p)).collect();
        if eyes.is_empty() {
            return self.setup_place(size, swing);
        }
        let target = eyes.iter().sum::<Vec3>() / eyes.len() as f32;
        let (low_eye, top) = eyes.iter().fold((f32::MAX, f32::MIN), |(l, h), e| (l.min(e.y), h.max(e.y)));
        let top = top.max(self.tallest);
        let (low, high) = eyes.iter().fold((f32::MAX, f32::MIN), |(l, h), e| (l.min(e.x), h.max(e.x)));
        let stature = who.first().map_or(self.stage.stature(usize::MAX), |w| self.stage.stature(*w));
        let keep_line = matches!(purpose, Purpose::TwoShot | Purpose::Single);
        let toward = match who {
            [a, b] => self.pair_side(*a, *b),
            _ => Vec2::Y,
        };
        let needed = (high - low + 1.1) / ASPECT;
        let first = Size::ALL.iter().position(|s| *s == size).unwrap_or(3);
        // Wider sizes hold more people; tighter ones fit smaller rooms.
        let fits = (0..=first).rev().find(|i| frame_height(Size::ALL[*i], stature) >= needed).unwrap_or(0);
        for i in (fits..=6).chain((0..fits).rev()) {
            let (size, angle) = self.distinct(Size::ALL[i], angle);
            let height = frame_height(size, stature).max(needed) + 0.6 * (top - low_eye);
            // Who stands among the seated keeps the head.
            let centre = (target.y - above(size) * height).max(top + 0.62 * stature.head - 0.45 * height);
            let aim = Aim {
                target,
                toward,
                side: Vec2::new(toward.y, -toward.x),
                swing,
                size,
                angle,
                height,
                lens_mm: lens_for(size),
                above: (target.y - centre) / height,
                lead: 0.04,
                subject: who.first().copied(),
                foreground: who.get(1).copied(),
                keep_line,
            };
            // In a group nobody hides anybody; the cost of being in front is the same for all, so look from where it is least.
            if let Some(key) = solve(&self.stage, &aim, &self.avoid) {
                return Setup { purpose, size, angle, aim, key };
            }
        }
        self.fallback(Purpose::Master, target)
    }

    fn pair_side(&self, a: CharacterId, b: CharacterId) -> Vec2 {
        match (self.stage.get(a), self.stage.get(b)) {
            (Some(a), Some(b)) if a.at.distance(b.at) > 0.1 => camera_side(a.at, b.at),
            _ => Vec2::Y,
        }
    }

    /// One person, over the partner's shoulder or alone. Falls back to a plainer setup when the set does not allow it.
    pub fn setup_single(
        &self,
        who: CharacterId,
        partner: Option<CharacterId>,
        purpose: Purpose,
        size: Size,
        angle: Angle,
    ) -> Setup {
        let Some(person) = self.stage.get(who) else { return self.setup_place(size, 10.0) };
        let partner = partner.filter(|p| *p != who).and_then(|p| self.stage.get(p));
        let eyes = self.stage.eyes(person);
        let (toward, side) = match partner {
            Some(p) if p.at.distance(person.at) > 0.1 => ((p.at - person.at).normalize(), camera_side(person.at, p.at)),
            _ => {
                let f = facing(person.heading);
                let side = f.perp();
                // Towards the audience; of two equal sides the one that the stage's middle lies on.
                (f, if side.y.abs() > 0.1 { side * side.y.signum() } else { side * (-side.x * eyes.x).signum() })
            }
        };
        let over = purpose == Purpose::OverShoulder && partner.is_some_and(|p| p.at.distance(person.at) < 2.8);
        let away = toward.dot(Vec2::Y) < -0.3;
        let swing = match (over, partner.is_some()) {
            (true, _) => 23.0,
            (false, _) if away => 72.0,
            (false, true) => 36.0,
            (false, false) => 24.0,
        };
        let (size, angle) = self.distinct(size, angle);
        let stature = self.stage.stature(who);
        let height = frame_height(size, stature);
        let lens = if over {
            // Far enough behind the shoulder, whatever the size.
            let reach = partner.map_or(1.3, |p| p.at.distance(person.at)) + 0.85;
            (reach * GATE_HEIGHT_MM / height).clamp(28.0, 85.0)
        } else {
            lens_for(size)
        };
        let aim = Aim {
            target: eyes,
            toward,
            side,
            swing,
            size,
            angle,
            height,
            lens_mm: lens,
            above: above(size),
            lead: if over { 0.09 } else { look_room(size) },
            subject: Some(who),
            foreground: partner.filter(|_| over).map(|p| p.who),
            keep_line: true,
        };
        let purpose = if purpose == Purpose::OverShoulder && !over { Purpose::Single } else { purpose };
        match solve(&self.stage, &aim, &self.avoid) {
            Some(key) => Setup { purpose, size, angle, aim, key },
            None if over => self.setup_single(who, partner.map(|p| p.who), Purpose::Single, size, angle),
            None => match solve(&self.stage, &Aim { toward: Vec2::Y, side: Vec2::X, swing: 0.0, ..aim }, &self.avoid) {
                Some(key) => Setup { purpose, size, angle, aim, key },
                None => self.setup_group(&[who], Purpose::Master, Size::Cowboy, angle, 0.0),
            },
        }
    }

    /// When nothing else works: from the front edge of the camera's room.
    fn fallback(&self, purpose: Purpose, target: Vec3) -> Setup {
        let plan = self.stage.plan;
        let (size, angle) = self.distinct(Size::Full, Angle::Eye);
        let aim = Aim {
            target,
            toward: Vec2::Y,
            side: Vec2::X,
            swing: 0.0,
            size,
            angle,
            height: 2.0,
            lens_mm: 24.0,
            above: 0.1,
            lead: 0.0,
            subject: None,
            foreground: None,
            keep_line: false,
        };
        let y = 1.5f32.clamp(0.2, plan.camera_y.max(0.3));
        let middle = target.x.clamp(-plan.camera_x, plan.camera_x);
        let places = (0..24).map(|i| middle + if i % 2 == 0 { 0.1 } else { -0.1 } * i as f32);
        let places = places.map(|x| Vec3::new(x.clamp(-plan.camera_x, plan.camera_x), y, plan.camera_z));
        let mut places = places.filter(|at| allowed(&self.stage, *at, false, &self.avoid));
        let at = places.next().unwrap_or(Vec3::new(middle, y, plan.camera_z));
        Setup { purpose, size, angle, aim, key: frame(&aim, at, 24.0) }
    }

    /// The two principals may have changed sides since the last shot; a neutral shot then resets the line.
    pub fn line_was_crossed(&self) -> bool {
        let neutral = self.cut.shots.last().is_none_or(|s| is_neutral(s.purpose));
        match (self.line_sign, self.stage.line()) {
            (Some(before), Some((_, _, now))) => before != now && !neutral,
            _ => false,
        }
    }
}

/// Shots that show the geometry, or no people's looks, and so may stand anywhere.
pub fn is_neutral(purpose: Purpose) -> bool {
    matches!(
        purpose,
        Purpose::Title | Purpose::Credits | Purpose::Establishing | Purpose::Master | Purpose::Insert | Purpose::Follow
    )
}

/// Where the eyes sit above the frame's middle, as a fraction of its height.
pub fn above(size: Size) -> f32 {
    match size {
        Size::ExtremeWide => 0.02,
        Size::VeryWide => 0.07,
        Size::Wide => 0.14,
        Size::Full => 0.26,
        Size::MediumWide => 0.22,
        Size::Cowboy => 0.2,
        Size::Medium => 0.18,
        Size::MediumClose => 0.17,
        Size::Close => 0.14,
        Size::BigClose => 0.1,
        Size::ExtremeClose | Size::Insert => 0.0,
    }
}

/// Fraction of the frame's width that a single gives way to their look: near the third, less where the face fills the frame.
fn look_room(size: Size) -> f32 {
    match size {
        Size::BigClose | Size::ExtremeClose | Size::Insert => 0.085,
        Size::Close => 0.11,
        _ => 0.14,
    }
}

/// Acts that need no shot of their own before the same person speaks.
fn is_small(verb: Verb) -> bool {
    matches!(verb, Verb::Look | Verb::Turn | Verb::Nod | Verb::Shake | Verb::Point | Verb::Wave | Verb::Laugh | Verb::Listen)
}

fn units(beats: &[Beat]) -> Vec<Unit<'_>> {
    let mut out: Vec<Unit<'_>> = Vec::new();
    for beat in beats {
        match (beat, out.last_mut()) {
            (Beat::Line(line), Some(Unit::Talk(group, _))) if line.dual && group.len() < 4 => group.push(line),
            (Beat::Line(line), last) => {
                let small = match last {
                    Some(Unit::Act(group)) if group.len() == 1 && group[0].who == line.speaker && is_small(group[0].verb) => {
                        Some(group[0])
                    }
                    _ => None,
                };
                if small.is_some() {
                    out.pop();
                }
                out.push(Unit::Talk(vec![line], small));
            }
            (Beat::Action(action), Some(Unit::Act(group)))
                if group[0].verb == action.verb && group[0].line == action.line && group.iter().all(|a| a.who != action.who) =>
            {
                group.push(action);
            }
            (Beat::Action(action), _) => out.push(Unit::Act(vec![action])),
            (Beat::Describe { line, .. }, Some(Unit::Describe(lines))) => lines.push(*line),
            (Beat::Describe { line, .. }, _) => out.push(Unit::Describe(vec![*line])),
        }
    }
    out
}

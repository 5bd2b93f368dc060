//! Effects on the frame: what the cues of a shot make to be heard, from where the camera stands.

use crate::effect::{Effect, Surface};
use crate::place::surface;
use klieg_film_words::shot::{Cue, Cut, Does, Posture, Purpose, Shot};
use klieg_film_words::story::{Action, Age, Beat, CharacterId, Culture, Occasion, Place, Region, Scene, Story, Verb};
use klieg_film_words::{between, mix, seed_of};

/// An effect at its place and time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spot {
    /// Frames from the shot's first frame.
    pub frame: i32,
    pub effect: Effect,
    pub gain: f32,
    /// −1 left … 1 right.
    pub pan: f32,
    pub seed: u64,
}

/// What is heard of what happens in `shot`, in order of time.
pub fn effects_of(shot: &Shot, story: &Story) -> Vec<Spot> {
    let Some(scene) = story.scenes.get(shot.scene) else { return Vec::new() };
    if matches!(shot.purpose, Purpose::Title | Purpose::Credits) {
        return Vec::new();
    }
    let mut ear = Ear { shot, story, scene, spots: Vec::new(), at: shot.marks.iter().map(|m| (m.who, [m.x, m.z])).collect() };
    for (i, cue) in shot.cues.iter().enumerate() {
        let seed = mix(shot.seed ^ (i as u64 + 1));
        match &cue.what {
            Does::Go { to_x, to_z, run, .. } => ear.steps(cue, [*to_x, *to_z], *run, seed),
            Does::Settle { posture } => ear.settle(cue, *posture, seed),
            Does::Turn { .. } => {
                ear.put(cue.start + 4, Effect::Footstep { surface: surface(scene) }, 0.5, cue.who, seed);
                ear.put(cue.start, Effect::Cloth, 0.5, cue.who, seed);
            }
            Does::Act { verb, prop, .. } => ear.act(cue, *verb, prop.as_deref(), seed),
            Does::Say { .. } | Does::LookAt { .. } | Does::Feel { .. } => {}
        }
    }
    ear.doors();
    let mut spots = ear.spots;
    // What began before the cut was heard there.
    spots.retain(|s| s.frame >= 0 && s.frame < shot.frames as i32);
    spots.sort_by_key(|s| s.frame);
    spots
}

struct Ear<'a> {
    shot: &'a Shot,
    story: &'a Story,
    scene: &'a Scene,
    spots: Vec<Spot>,
    /// Where everyone is by now.
    at: Vec<(CharacterId, [f32; 2])>,
}

impl Ear<'_> {
    fn place_of(&self, who: CharacterId) -> [f32; 2] {
        self.at.iter().find(|a| a.0 == who).map_or([0.0, 0.0], |a| a.1)
    }

    fn put(&mut self, frame: i32, effect: Effect, gain: f32, who: CharacterId, seed: u64) {
        let place = self.place_of(who);
        self.put_at(frame, effect, gain, place, seed);
    }

    fn put_at(&mut self, frame: i32, effect: Effect, gain: f32, place: [f32; 2], seed: u64) {
        let (pan, distance) = heard_from(self.shot, frame, [place[0], 0.6, place[1]]);
        let near = (3.0 / distance.max(1.0)).clamp(0.25, 1.2);
        let seed = mix(seed ^ frame as u64);
        self.spots.push(Spot { frame, effect, gain: gain * near, pan, seed });
    }

    /// A footfall where the puppet's foot lands: the walk of `animate` has `steps` steps and a last one that brings the feet
    /// together; the j-th lands at (j − 0.2) / (steps + 0.8) of the way.
    fn steps(&mut self, cue: &Cue, to: [f32; 2], run: bool, seed: u64) {
        let from = self.place_of(cue.who);
        let length = (to[0] - from[0]).hypot(to[1] - from[1]);
        let small = self.story.cast.get(cue.who).is_some_and(|c| matches!(c.age, Age::Child | Age::Infant));
        let pace = if run { 1.46 } else { 1.0 };
        let stride = pace * if small { 0.37 } else { 0.5 };
        let weight = match (run, small) {
            (true, _) => 1.3,
            (false, true) => 0.7,
            (false, false) => 1.0,
        };
        let steps = (length / stride).round().max(1.0);
        let (start, frames) = (cue.start.max(0), cue.frames as i32 + cue.start.min(0));
        if frames <= 0 {
            return;
        }
        let ground = surface(self.scene);
        let bells = self.anklets(cue.who);
        for j in 1..=steps as u32 + 1 {
            let u = (j as f32 - 0.2) / (steps + 0.8);
            let frame = start + (u * frames as f32).round() as i32;
            let place = [from[0] + (to[0] - from[0]) * u, from[1] + (to[1] - from[1]) * u];
            let soft = if j as f32 > steps { 0.6 * weight } else { weight };
            self.put_at(frame, Effect::Footstep { surface: ground }, soft, place, seed ^ u64::from(j));
            if bells {
                self.put_at(frame, Effect::Anklet, 0.5 * soft, place, seed ^ u64::from(j));
            }
        }
        if let Some(a) = self.at.iter_mut().find(|a| a.0 == cue.who) {
            a.1 = to;
        }
    }

    /// Brides and dancers of India wear bells on their ankles.
    fn anklets(&self, who: CharacterId) -> bool {
        self.story.cast.get(who).is_some_and(|c| {
            let india = matches!(c.culture.region(), Region::SouthIndian | Region::NorthIndian);
            let dressed =
                matches!(c.occasion, Occasion::Wedding | Occasion::Festival) && c.gender == klieg_film_words::story::Gender::Female;
            let named = c.dress.iter().any(|g| g.name.contains("anklet"));
            named || (india && dressed)
        })
    }

    fn settle(&mut self, cue: &Cue, posture: Posture, seed: u64) {
        self.put(cue.start + 2, Effect::Cloth, 0.9, cue.who, seed);
        let down = cue.start + cue.frames as i32 * 2 / 3;
        match posture {
            Posture::Sitting => self.put(down, Effect::Creak, 0.7, cue.who, seed),
            Posture::FloorSitting | Posture::Kneeling | Posture::Lying => {
                self.put(down, Effect::Footstep { surface: Surface::Mat }, 1.2, cue.who, seed)
            }
            Posture::Standing => self.put(down, Effect::Footstep { surface: surface(self.scene) }, 0.6, cue.who, seed),
        }
    }

    fn act(&mut self, cue: &Cue, verb: Verb, prop: Option<&str>, seed: u64) {
        let (start, end, who) = (cue.start, cue.start + cue.frames as i32, cue.who);
        let middle = (start + end) / 2;
        let thing = prop.and_then(sound_of);
        match verb {
            Verb::Give | Verb::Take | Verb::Put | Verb::Hold => {
                self.put(start + 4, Effect::Cloth, 0.8, who, seed);
                if let Some(thing) = thing {
                    self.put(if verb == Verb::Put { end - 4 } else { middle }, thing, 0.9, who, seed);
                }
            }
            Verb::Pour => self.put(start + 8, Effect::Pour, 1.0, who, seed),
            Verb::Drink => {
                self.put(middle, Effect::Sip, 0.8, who, seed);
                self.put(end - 5, thing.unwrap_or(Effect::Cup), 0.7, who, seed);
            }
            Verb::Eat => self.put(middle, thing.unwrap_or(Effect::Cup), 0.6, who, seed),
            Verb::Open | Verb::Close => self.open(start, verb, prop, who, seed),
            Verb::Write => self.put(start + 6, Effect::Pencil, 1.0, who, seed),
            Verb::Read => self.put(start + 5, Effect::Paper, 1.0, who, seed),
            Verb::Smoke => self.put(start + 6, Effect::Match, 1.0, who, seed),
            Verb::Fight => self.fight(cue, thing, seed),
            Verb::Dance => self.dance(cue, seed),
            Verb::Pray => {
                self.put(start + 2, Effect::Cloth, 0.6, who, seed);
                if self.scene.place == Place::Temple
                    && matches!(self.scene.culture.region(), Region::SouthIndian | Region::NorthIndian)
                {
                    self.put(middle, Effect::HandBell, 0.7, who, seed);
                }
            }
            Verb::Drive => self.put(start, Effect::Engine, 0.6, who, seed),
            Verb::Work => self.put(middle, thing.unwrap_or(Effect::Cloth), 0.9, who, seed),
            Verb::Embrace | Verb::Bow | Verb::Kneel | Verb::Touch | Verb::Wave | Verb::Point | Verb::Cry | Verb::Sleep => {
                self.put(start + 4, Effect::Cloth, if verb == Verb::Embrace { 1.3 } else { 0.7 }, who, seed);
            }
            _ => {
                if let Some(thing) = thing.filter(|_| verb == Verb::Play) {
                    self.put(middle, thing, 0.9, who, seed);
                }
            }
        }
    }

    fn open(&mut self, start: i32, verb: Verb, prop: Option<&str>, who: CharacterId, seed: u64) {
        let door = prop.is_none_or(|p| ["door", "gate", "shutter", "hatch", "window"].iter().any(|d| p.contains(d)));
        let sound = match (door, verb) {
            (true, Verb::Close) => Effect::DoorClose,
            (true, _) => Effect::DoorOpen,
            (false, _) => prop.and_then(sound_of).unwrap_or(Effect::Creak),
        };
        self.put(start + 6, sound, 1.0, who, seed);
    }

    fn fight(&mut self, cue: &Cue, thing: Option<Effect>, seed: u64) {
        let blow = thing.filter(|t| matches!(t, Effect::Sword | Effect::Gunshot)).unwrap_or(Effect::Punch);
        let times = if blow == Effect::Gunshot { 1 } else { (cue.frames as i32 / 16).max(1) };
        for n in 0..times {
            self.put(cue.start + 8 + n * 16, blow, 1.0, cue.who, seed ^ n as u64);
            self.put(cue.start + 4 + n * 16, Effect::Cloth, 1.2, cue.who, seed ^ n as u64);
        }
    }

    fn dance(&mut self, cue: &Cue, seed: u64) {
        let bells = self.anklets(cue.who) || matches!(self.scene.culture, Culture::Punjabi);
        for n in 0..cue.frames as i32 / 10 {
            let frame = cue.start + 3 + n * 10;
            self.put(frame, Effect::Footstep { surface: surface(self.scene) }, 1.1, cue.who, seed ^ n as u64);
            if bells {
                self.put(frame, Effect::Anklet, 0.9, cue.who, seed ^ n as u64);
            }
        }
    }

    /// Doors of rooms open for who comes in and close behind who goes.
    fn doors(&mut self) {
        let no_door = matches!(self.scene.place, Place::Temple | Place::Station | Place::Palace | Place::Market);
        if !self.scene.interior || no_door {
            return;
        }
        let comings: Vec<Action> = self
            .scene
            .beats
            .iter()
            .filter_map(|b| match b {
                Beat::Action(a) if matches!(a.verb, Verb::Enter | Verb::Exit) && self.shot.script_lines.contains(&a.line) => {
                    Some(a.clone())
                }
                _ => None,
            })
            .collect();
        for action in comings {
            let walk = self.shot.cues.iter().find(|c| c.who == action.who && matches!(c.what, Does::Go { .. }));
            let Some(walk) = walk else { continue };
            let seed = mix(self.shot.seed ^ u64::from(action.line));
            let (frame, sound) = match action.verb {
                Verb::Enter => (walk.start.max(0), Effect::DoorOpen),
                _ => (walk.start + walk.frames as i32 - 6, Effect::DoorClose),
            };
            self.put(frame, sound, 0.9, action.who, seed);
        }
    }
}

/// What a thing sounds like when it is handled.
fn sound_of(prop: &str) -> Option<Effect> {
    let has = |words: &[&str]| words.iter().any(|w| prop.contains(w));
    Some(match prop {
        _ if has(&["gun", "pistol", "revolver", "rifle"]) => Effect::Gunshot,
        _ if has(&["sword", "blade", "knife", "dagger", "sickle", "axe", "spear"]) => Effect::Sword,
        _ if has(&["wine", "whisk", "glass", "bottle", "bourbon", "vial"]) => Effect::Glass,
        _ if has(&["cup", "tea", "coffee", "bowl", "plate", "pot", "saucer", "mug", "tray", "kettle", "tumbler"]) => Effect::Cup,
        _ if has(&[
            "letter",
            "paper",
            "photo",
            "book",
            "envelope",
            "map",
            "page",
            "chart",
            "file",
            "scroll",
            "newspaper",
            "note",
            "ticket",
        ]) =>
        {
            Effect::Paper
        }
        _ if has(&["coin", "money", "key", "ring", "chain", "necklace", "jewel", "bangle", "medal"]) => Effect::Coin,
        _ if has(&["bell"]) => Effect::HandBell,
        _ if has(&["drum", "dhol", "mridangam", "tabla"]) => Effect::Drum,
        _ if has(&["match", "lighter", "cigarette"]) => Effect::Match,
        _ if has(&["phone", "telephone"]) => Effect::Beep,
        _ if has(&["flower", "garland", "branch", "leaf", "leaves", "wheat", "bouquet"]) => Effect::Leaves,
        _ if has(&["shawl", "cloth", "saree", "coat", "scarf", "blanket", "umbrella"]) => Effect::Cloth,
        _ if has(&["box", "case", "bag", "suitcase", "basket", "crate"]) => Effect::Thud,
        _ => return None,
    })
}

/// Where `point` is heard by the camera at `frame`: pan within ±0.8 and metres.
pub fn heard_from(shot: &Shot, frame: i32, point: [f32; 3]) -> (f32, f32) {
    let key = shot.camera.iter().rev().find(|k| k.frame as i32 <= frame).or(shot.camera.first());
    let Some(key) = key else { return (0.0, 3.0) };
    let to = |a: [f32; 3]| [a[0] - key.position[0], a[2] - key.position[2]];
    let (ahead, seen) = (to(key.look_at), to(point));
    // Heading 0 looks along −z with +x to the right; the angle from the view axis, positive to the right.
    let angle = (ahead[0] * seen[1] - ahead[1] * seen[0]).atan2(ahead[0] * seen[0] + ahead[1] * seen[1]);
    let distance = (seen[0].powi(2) + (point[1] - key.position[1]).powi(2) + seen[1].powi(2)).sqrt();
    ((angle / 0.7).clamp(-0.8, 0.8), distance)
}

/// The single sounds that the script names, each in the first shot that covers its line: film frame and effect.
pub fn named_sounds(cut: &Cut, story: &Story) -> Vec<(u32, Effect, u64)> {
    let mut all = Vec::new();
    let starts = cut.starts();
    for (index, scene) in story.scenes.iter().enumerate() {
        for (name, line) in &scene.sounds {
            let Some(effect) = once(&name.to_lowercase()) else { continue };
            let covers = |s: &Shot| s.scene == index && !matches!(s.purpose, Purpose::Title | Purpose::Credits);
            let found = cut.shots.iter().position(|s| covers(s) && s.script_lines.contains(line));
            let Some(shot) = found.or_else(|| cut.shots.iter().position(covers)) else { continue };
            let seed = mix(seed_of(&[name]) ^ scene.seed);
            let into = (cut.shots[shot].frames as f32 * between(seed, 1, 0.12, 0.4)) as u32;
            all.push((starts[shot] + into, effect, seed));
        }
    }
    all
}

/// Effects for the names of sounds that happen once.
fn once(name: &str) -> Option<Effect> {
    let has = |words: &[&str]| words.iter().any(|w| name.contains(w));
    // Instruments belong to the score ("saxophone" is no phone).
    if has(&[
        "saxophone",
        "xylophone",
        "gramophone",
        "microphone",
        "violin",
        "flute",
        "guitar",
        "piano",
        "nadaswaram",
        "shehnai",
        "sitar",
        "music",
    ]) {
        return None;
    }
    Some(match name {
        _ if has(&["thunder", "lightning"]) => Effect::Thunder,
        _ if has(&["doorbell", "shop bell", "hand bell", "handbell", "anklet", "chime", "jingle"]) => Effect::HandBell,
        _ if has(&["gong"]) => Effect::Gong,
        _ if has(&["bell"]) => Effect::Bell,
        _ if has(&["siren"]) => Effect::Siren,
        _ if has(&["phone", "telephone", "ringing"]) => Effect::Phone,
        _ if has(&["train", "whistle"]) => Effect::TrainWhistle,
        _ if has(&["dog", "bark"]) => Effect::Dog,
        _ if has(&["rooster", "cock"]) => Effect::Rooster,
        _ if has(&["gunshot", "gun", "shot", "bang"]) => Effect::Gunshot,
        _ if has(&["horn", "honk", "conch", "trumpet"]) => Effect::Horn,
        _ if has(&["applause", "clap"]) => Effect::Clap,
        _ if has(&["knock"]) => Effect::Knock,
        _ if has(&["slam"]) => Effect::DoorClose,
        _ if has(&["door", "creak"]) => Effect::DoorOpen,
        _ if has(&["drum"]) => Effect::Drum,
        _ if has(&["splash"]) => Effect::Splash,
        _ if has(&["thud", "crash", "explosion", "boom"]) => Effect::Thud,
        _ if has(&["beep", "alarm", "monitor", "ping"]) => Effect::Beep,
        _ if has(&["glass", "shatter"]) => Effect::Glass,
        _ if has(&["bamboo", "shishi"]) => Effect::Bamboo,
        _ if has(&["clock", "tick"]) => Effect::Clock,
        _ if has(&["engine", "car", "motor"]) => Effect::Engine,
        _ if has(&["sword", "clang"]) => Effect::Sword,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mixdown::tests::{film, mark, shot};

    #[test]
    fn steps_sound_on_the_way_and_end_with_it() {
        let (mut cut, story) = film();
        let s = &mut cut.shots[1];
        s.marks = vec![mark(0, -1.5)];
        s.cues = vec![Cue { start: 10, frames: 60, who: 0, what: Does::Go { to_x: 1.5, to_z: 0.0, heading: 0.0, run: false } }];
        let spots: Vec<Spot> = effects_of(s, &story).into_iter().filter(|s| matches!(s.effect, Effect::Footstep { .. })).collect();
        assert_eq!(spots.len(), 7, "six steps of half a metre and one to stand");
        assert!(spots[0].frame > 10 && spots[6].frame == 70);
        assert!(spots[0].pan < -0.1 && spots[6].pan > 0.1, "from left to right: {spots:?}");
    }

    #[test]
    fn what_began_before_the_cut_is_not_heard_twice() {
        let (mut cut, story) = film();
        let s = &mut cut.shots[1];
        s.cues = vec![Cue { start: -20, frames: 30, who: 0, what: Does::Act { verb: Verb::Pour, to: None, prop: None } }];
        assert_eq!(effects_of(s, &story), []);
    }

    #[test]
    fn things_sound_like_themselves() {
        assert_eq!((sound_of("coffee cup"), sound_of("letter"), sound_of("cloud")), (Some(Effect::Cup), Some(Effect::Paper), None));
        assert_eq!(
            (once("temple bell"), once("distant thunder"), once("silence")),
            (Some(Effect::Bell), Some(Effect::Thunder), None)
        );
    }

    #[test]
    fn right_of_the_view_is_heard_right() {
        let s = shot("sc010_sh010", 0, Purpose::Master, 48);
        let (pan, distance) = heard_from(&s, 0, [1.0, 1.5, 0.0]);
        assert!(pan > 0.2 && (distance - 17f32.sqrt()).abs() < 0.2, "{pan} {distance}");
    }
}

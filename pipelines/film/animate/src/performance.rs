//! A shot, ready to be photographed frame by frame.

use crate::acts::{held, tip};
use crate::business::Habits;
use crate::camera::camera;
use crate::cheat::Audience;
use crate::extras::{Extra, extras};
use crate::gaze::blinks;
use crate::laid::laid;
use crate::lighting::{self, Room};
use crate::player::{Others, Player};
use crate::track::{Track, facing};
use glam::{Affine3A, Vec3};
use klieg_film_cast::{Design, Detail, Joint, Pose, Puppet};
use klieg_film_set::{Set, SetBrief};
use klieg_film_words::shot::{FloorPlan, Mark, Purpose, Shot, Size};
use klieg_film_words::sound::Spoken;
use klieg_film_words::story::{CharacterId, LineId, Region};
use klieg_film_words::{FPS, mix, seed_of, unit};
use klieg_kernels::scene::{Camera, Fog, Geometry, Light, Look, Sky};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How many frames a pose is held.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug, Default)]
#[serde(rename_all = "lowercase")]
pub enum On {
    /// 24 poses a second.
    Ones,
    /// 12 poses a second, as stop-motion is made.
    #[default]
    Twos,
}

impl On {
    /// Frames a pose is held.
    pub fn frames(self) -> u32 {
        match self {
            On::Ones => 1,
            On::Twos => 2,
        }
    }
}

/// Everything the pictures of a shot depend on, besides the sound of its lines.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
pub struct ShotBrief {
    pub shot: Shot,
    pub set: SetBrief,
    /// Designs of those with a mark in the shot; others are not shown.
    pub cast: BTreeMap<CharacterId, Design>,
    pub on: On,
}

/// One frame, ready for the renderer together with [`Performance::set`].
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// Puppets, what they hold, and what moves by itself on the set.
    pub moving: Geometry,
    /// The set's lights and the rig on the subject.
    pub lights: Vec<Light>,
    pub camera: Camera,
    pub sky: Sky,
    pub fog: Fog,
    pub look: Look,
}

/// A puppet and its part.
struct Actor {
    puppet: Puppet,
    player: Player,
}

/// A shot that is built: set, puppets, their parts.
pub struct Performance {
    shot: Shot,
    on: On,
    brief: SetBrief,
    plan: FloorPlan,
    set: Set,
    still: Geometry,
    spoken: BTreeMap<LineId, Spoken>,
    actors: Vec<Actor>,
    extras: Vec<Actor>,
    props: BTreeMap<String, Geometry>,
    /// Clock of what moves by itself: shots don't start at the same flame.
    clock: f32,
}

impl Performance {
    /// Builds the set and the puppets of `brief`. `spoken` holds the lines that the shot's cues name; a line without sound is
    /// said with the mouth at rest.
    pub fn new(brief: &ShotBrief, spoken: &BTreeMap<LineId, Spoken>) -> Performance {
        let shot = brief.shot.clone();
        let set = klieg_film_set::build(&brief.set);
        let plan = klieg_film_set::floor_plan(&brief.set);
        let held_s = brief.on.frames() as f32 / FPS as f32;
        let mut actors: Vec<Actor> = shot
            .marks
            .iter()
            .filter_map(|mark| {
                let design = brief.cast.get(&mark.who)?;
                let seed = mix(shot.seed ^ seed_of(&["player", &design.name]));
                Some(actor(&shot, mark, Puppet::build(design, Detail::Lead), &plan, spoken, seed, held_s))
            })
            .collect();
        let tracks: Vec<Track> = actors.iter().map(|a| a.player.track.clone()).collect();
        for (actor, blinks) in actors.iter_mut().zip(blinks(&tracks, shot.seed, shot.frames)) {
            actor.player.blinks = blinks;
            let times = [0.0, 0.5, 1.0].map(|u| u * shot.frames as f32);
            actor.player.seen = times.into_iter().any(|t| framed(actor.player.eyes(t), &camera(&shot, t)));
        }
        let first = shot.marks.iter().map(|m| m.who + 1).chain(brief.cast.keys().map(|k| k + 1)).max().unwrap_or(0);
        let background = extras(&brief.set, &set.spots, &shot, first);
        let mut performance = Performance {
            clock: unit(shot.seed, 5) * 40.0,
            still: set.solid.clone(),
            on: brief.on,
            brief: brief.set.clone(),
            spoken: spoken.clone(),
            extras: Vec::new(),
            props: BTreeMap::new(),
            shot,
            plan,
            set,
            actors,
        };
        performance.people(background, held_s);
        performance.fetch_props();
        performance
    }

    /// Puts the background figures in: those who hold still into the set, the others among the players.
    fn people(&mut self, background: Vec<Extra>, held_s: f32) {
        for extra in background {
            let Extra { puppet, mark, cue, seed, lively } = extra;
            let part = Shot { marks: vec![mark.clone()], cues: cue.into_iter().collect(), ..self.shot.clone() };
            let mut actor = actor(&part, &mark, puppet, &self.plan, &BTreeMap::new(), seed, held_s);
            if lively {
                actor.player.blinks = blinks(std::slice::from_ref(&actor.player.track), seed, self.shot.frames).swap_remove(0);
                self.extras.push(actor);
            } else {
                let pose = actor.player.pose(
                    unit(seed, 4) * 40.0,
                    &self.spoken,
                    &Others { eyes: &|_| None, chest: &|_| None, audience: None },
                );
                self.still.append(&actor.puppet.pose(&pose), Affine3A::IDENTITY);
            }
        }
    }

    /// Builds every prop that a hand will hold.
    fn fetch_props(&mut self) {
        let acts = self.actors.iter().flat_map(|a| &a.player.track.acts).filter_map(|a| a.prop.clone());
        let holding = self.actors.iter().filter_map(|a| a.player.track.holding.clone());
        let names: Vec<String> = acts.chain(holding).collect();
        for name in names {
            let seed = seed_of(&["prop", &name]);
            // A thing that nobody knows how to model is acted with an empty hand.
            if let Some(prop) = klieg_film_set::prop(&name, self.brief.culture, seed) {
                self.props.insert(name, prop);
            }
        }
    }

    /// What stands still for the whole shot: the set and background figures that do not move.
    pub fn set(&self) -> &Geometry {
        &self.still
    }

    /// The frame whose pose is shown at `frame`.
    pub fn pose_of(&self, frame: u32) -> u32 {
        frame / self.on.frames() * self.on.frames()
    }

    /// The frame `frame` of the shot; the same for the same number, whatever was asked before. Frames that show one pose are equal.
    pub fn frame(&self, frame: u32) -> Frame {
        let t = self.pose_of(frame) as f32;
        let camera = camera(&self.shot, t);
        let seconds = self.clock + t / FPS as f32;
        let mut moving = self.set.life(seconds, camera.position.into());
        for actor in self.actors.iter().chain(&self.extras) {
            let pose = self.pose(actor, t);
            if visible(&pose, &camera) {
                moving.append(&actor.puppet.pose(&pose), Affine3A::IDENTITY);
                self.hand_prop(actor, &pose, t, &mut moving);
            }
        }
        let mut lights = self.set.lights(seconds);
        let (rig, blind) = self.rig(&camera, t);
        lights.extend(rig);
        moving.append(&blind, Affine3A::IDENTITY);
        Frame { moving, lights, camera, sky: self.set.sky, fog: self.set.fog, look: self.set.look }
    }

    fn pose(&self, actor: &Actor, t: f32) -> Pose {
        let find = |who: CharacterId| self.actors.iter().find(|a| a.player.track.who == who);
        let others = Others {
            eyes: &|who| find(who).map(|a| a.player.eyes(t)),
            chest: &|who| find(who).map(|a| a.player.chest(t)),
            // The background does not play to it.
            audience: find(actor.player.track.who).and_then(|_| Audience::of(&self.shot, camera(&self.shot, t).position.into())),
        };
        actor.player.pose(t, &self.spoken, &others)
    }

    fn hand_prop(&self, actor: &Actor, pose: &Pose, t: f32, moving: &mut Geometry) {
        let track = &actor.player.track;
        if let Some((name, prop)) = held(track, t).and_then(|name| self.props.get_key_value(name)) {
            let hands = [true, false].map(|left| actor.puppet.grip(pose, left));
            moving.append(prop, laid(name, hands, pose.heading, tip(track, t)));
        }
    }

    /// Whom the shot is about at `t` (whoever is nearest to the plane of focus and to the middle of the frame): the eyes, where the
    /// body faces, and how much light the skin needs.
    fn subject(&self, camera: &Camera, t: f32) -> (Vec3, Vec3, f32) {
        let from = Vec3::from(camera.position);
        let view = (Vec3::from(camera.look_at) - from).normalize_or(Vec3::NEG_Z);
        let group = matches!(
            self.shot.purpose,
            Purpose::Master | Purpose::TwoShot | Purpose::Establishing | Purpose::Title | Purpose::Credits
        );
        let faces: Vec<(f32, Vec3, Vec3, f32)> = self
            .actors
            .iter()
            .map(|a| {
                let eyes = a.player.eyes(t);
                let depth = (eyes - from).dot(view);
                let off = (eyes - from - view * depth).length() / depth.max(0.1);
                let heading = facing(a.player.root(t).1);
                let behind = if depth < 0.3 { 50.0 } else { 0.0 };
                let skin = lighting::gain(a.puppet.design().skin);
                ((depth - camera.focus_m).abs() + off * 3.0 + behind, eyes, Vec3::new(heading.x, 0.0, heading.y), skin)
            })
            .collect();
        let there = from + view * camera.focus_m;
        if faces.is_empty() {
            return (Vec3::new(there.x, 1.4, there.z), -view, 1.0);
        }
        if group {
            let n = faces.len() as f32;
            let sum = |of: fn(&(f32, Vec3, Vec3, f32)) -> Vec3| faces.iter().map(of).sum::<Vec3>() / n;
            return (sum(|f| f.1), sum(|f| f.2), faces.iter().map(|f| f.3).sum::<f32>() / n);
        }
        faces.iter().min_by(|a, b| a.0.total_cmp(&b.0)).map_or((there, -view, 1.0), |f| (f.1, f.2, f.3))
    }

    fn rig(&self, camera: &Camera, t: f32) -> (Vec<Light>, Geometry) {
        let (subject, looks, gain) = self.subject(camera, t);
        let p = &self.plan;
        let room = Room { half_width: p.camera_x, back: p.back_z - 0.8, front: p.camera_z, top: p.camera_y };
        let lights = lighting::rig(&self.set.rig, subject, looks, camera, room, gain);
        // Slats stand near enough to be seen in wide shots.
        let tight = self.shot.size >= Size::MediumClose && self.shot.size < Size::Insert;
        let blind = if self.set.rig.slats && tight { lighting::slats(&lights, subject) } else { Geometry::default() };
        (lights, blind)
    }
}

fn actor(
    shot: &Shot,
    mark: &Mark,
    puppet: Puppet,
    plan: &FloorPlan,
    spoken: &BTreeMap<LineId, Spoken>,
    seed: u64,
    held: f32,
) -> Actor {
    let body = puppet.body().clone();
    let hip = body.rest[Joint::LFoot as usize].x.abs();
    let track = Track::new(shot, mark, hip);
    let gestures = Player::plan(&track, spoken, seed);
    let seiza = matches!(puppet.design().culture.region(), Region::Japanese | Region::Korean);
    let habits = Habits::of(puppet.design());
    let player =
        Player { track, body, seats: plan.seats.clone(), seiza, habits, seen: true, blinks: Vec::new(), gestures, seed, held };
    Actor { puppet, player }
}

/// Whether a face at `eyes` is in the picture.
fn framed(eyes: Vec3, camera: &Camera) -> bool {
    let from = Vec3::from(camera.position);
    let view = (Vec3::from(camera.look_at) - from).normalize_or(Vec3::NEG_Z);
    let right = view.cross(Vec3::Y).normalize_or(Vec3::X);
    let (to, up) = (eyes - from, right.cross(view));
    let depth = to.dot(view);
    // A frame is 36 mm wide, and 16:9.
    let half = depth * 18.0 / camera.lens_mm;
    depth > 0.0 && to.dot(right).abs() < half && to.dot(up).abs() < half * 9.0 / 16.0
}

/// Whether any part of someone may be in the picture or cast a shadow into it.
fn visible(pose: &Pose, camera: &Camera) -> bool {
    let from = Vec3::from(camera.position);
    let view = (Vec3::from(camera.look_at) - from).normalize_or(Vec3::NEG_Z);
    (pose.position + Vec3::Y - from).dot(view) > -1.2
}

#[cfg(test)]
mod tests;

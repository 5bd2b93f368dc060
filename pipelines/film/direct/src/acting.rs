//! What bodies do: an [`Action`] becomes cues, and the stage moves on.

use crate::stage::{SEAT_STEP, Stage, cheated, facing, heading_of};
use glam::Vec2;
use klieg_film_words::FPS;
use klieg_film_words::shot::{Cue, Does, Posture};
use klieg_film_words::story::{Action, CharacterId, Verb};
use klieg_film_words::{seed_of, unit};

const WALK: f32 = 1.15;
const RUN: f32 = 2.5;
/// Distance to someone to whom one hands something.
const REACH: f32 = 0.82;
/// Distance of the middles of two bodies that embrace.
const EMBRACE: f32 = 0.42;
/// Longest walk that a shot shows; before it the walk is under way at the cut.
const LONGEST_WALK: f32 = 3.6;

/// What an action shows.
#[derive(Clone, Debug, Default)]
pub struct Played {
    /// From the start of the action.
    pub cues: Vec<Cue>,
    pub frames: u32,
    /// Where the walker starts and ends, if somebody walks far enough to be followed.
    pub walk: Option<(Vec2, Vec2)>,
    /// Frame at which the act itself (not the approach) starts.
    pub act_at: u32,
}

pub fn frames(seconds: f32) -> u32 {
    (seconds * FPS as f32).round().max(0.0) as u32
}

/// Puts the walker where the shot finds them (in the doorway, or already under way), before marks are taken.
pub fn prepare(stage: &mut Stage<'_>, action: &Action) {
    let Some(i) = stage.index(action.who) else { return };
    if stage.people[i].on {
        return;
    }
    let home = stage.free_spot(stage.people[i].home, action.who);
    let entrance = stage.people[i].entrance;
    let from = if action.verb == Verb::Enter || walks(action.verb) {
        let path = home - entrance;
        let start = home - path.clamp_length_max(LONGEST_WALK);
        stage.free_spot_where(start, action.who, |p| p.distance(home) > 1.0)
    } else {
        home
    };
    let person = &mut stage.people[i];
    person.on = true;
    person.at = from;
    person.home = home;
    person.heading = if from.distance(home) > 0.3 { heading_of(home - from) } else { cheated(heading_of(-home)) };
    person.looks_at = None;
}

fn walks(verb: Verb) -> bool {
    matches!(verb, Verb::Walk | Verb::Run)
}

/// Plays `action`, which the stage remembers. The one who acts must be on (see [`prepare`]).
pub fn play(stage: &mut Stage<'_>, action: &Action) -> Played {
    let mut played = Played::default();
    let who = action.who;
    if !stage.is_on(who) {
        return played;
    }
    let partner = action.to.filter(|to| *to != who && stage.is_on(*to));
    let start = 6;
    feel(stage, who, action, &mut played);
    let end = match action.verb {
        Verb::Enter => enter(stage, who, start, &mut played),
        Verb::Exit => exit(stage, who, start, &mut played),
        Verb::Walk | Verb::Run => walk(stage, action, partner, start, &mut played),
        Verb::Sit => sit(stage, who, partner, start, &mut played),
        Verb::Rise | Verb::Stand => settle(stage, who, Posture::Standing, start, &mut played),
        Verb::Kneel => settle(stage, who, Posture::Kneeling, start, &mut played),
        Verb::Sleep => settle(stage, who, Posture::Lying, start, &mut played),
        Verb::Turn => turn(stage, action, partner, start, &mut played),
        Verb::Look | Verb::Listen => look(stage, action, partner, start, &mut played),
        _ => act(stage, action, partner, start, &mut played),
    };
    played.frames = end;
    played.cues.sort_by_key(|c| c.start);
    played
}

fn cue(played: &mut Played, start: u32, frames: u32, who: CharacterId, what: Does) {
    played.cues.push(Cue { start: start as i32, frames, who, what });
}

fn feel(stage: &mut Stage<'_>, who: CharacterId, action: &Action, played: &mut Played) {
    let Some(i) = stage.index(who) else { return };
    if stage.people[i].mood != action.mood {
        stage.people[i].mood = action.mood;
        cue(played, 2, 12, who, Does::Feel { mood: action.mood });
    }
}

/// Walks to `to`, round whoever stands in the way; returns the end frame.
fn go(stage: &mut Stage<'_>, who: CharacterId, to: Vec2, heading: f32, run: bool, start: u32, played: &mut Played) -> u32 {
    let start = rise(stage, who, start, played);
    let Some(i) = stage.index(who) else { return start };
    let from = stage.people[i].at;
    if from.distance(to) < 0.08 {
        return turn_to(stage, who, heading, start, played);
    }
    let mut at = start;
    let mut leg = from;
    let bend = detour(stage, who, from, to);
    for (n, stop) in bend.into_iter().chain([to]).enumerate() {
        let last = stop == to && (n > 0 || bend.is_none());
        let arrive = if last { heading } else { heading_of(to - stop) };
        let took = frames(leg.distance(stop) / if run { RUN } else { WALK }).max(10);
        cue(played, at, took, who, Does::Go { to_x: stop.x, to_z: stop.y, heading: arrive, run });
        at += took;
        leg = stop;
    }
    if from.distance(to) > 1.2 {
        played.walk = Some((from, to));
    }
    let person = &mut stage.people[i];
    person.at = to;
    person.heading = heading;
    at
}

/// A point beside whoever stands on the straight way from `from` to `to`.
fn detour(stage: &Stage<'_>, who: CharacterId, from: Vec2, to: Vec2) -> Option<Vec2> {
    let way = to - from;
    let length = way.length();
    let along = way.try_normalize()?;
    let in_the_way = stage.on().filter(|p| p.who != who).find(|p| {
        let t = (p.at - from).dot(along);
        t > 0.3 && t < length - 0.3 && (p.at - from).perp_dot(along).abs() < 0.6
    })?;
    let front = if along.perp().y >= 0.0 { along.perp() } else { -along.perp() };
    let beside = in_the_way.at + front * 0.85;
    let room = beside.y < stage.plan.front_z && beside.x.abs() < stage.plan.half_width;
    Some(if room { beside } else { in_the_way.at - front * 0.85 })
}

/// Gets up if need be; returns the frame from which one can walk.
fn rise(stage: &mut Stage<'_>, who: CharacterId, start: u32, played: &mut Played) -> u32 {
    let Some(i) = stage.index(who) else { return start };
    if stage.people[i].posture == Posture::Standing {
        return start;
    }
    let took = if stage.people[i].posture == Posture::Sitting { 20 } else { 28 };
    cue(played, start, took, who, Does::Settle { posture: Posture::Standing });
    let rose = stage.people[i].posture == Posture::Sitting;
    stage.people[i].posture = Posture::Standing;
    stage.people[i].seat = None;
    if !rose {
        return start + took;
    }
    let before = stage.people[i].at + facing(stage.people[i].heading) * SEAT_STEP;
    stage.people[i].at = before;
    // Somebody may stand right before the seat.
    let clear = if stage.is_clear(before, who) { before } else { stage.free_spot(before, who) };
    if clear == before {
        return start + took;
    }
    stage.people[i].at = clear;
    let heading = stage.people[i].heading;
    cue(played, start + took, 14, who, Does::Go { to_x: clear.x, to_z: clear.y, heading, run: false });
    start + took + 14
}

fn turn_to(stage: &mut Stage<'_>, who: CharacterId, heading: f32, start: u32, played: &mut Played) -> u32 {
    let Some(i) = stage.index(who) else { return start };
    let by = ((heading - stage.people[i].heading + 180.0).rem_euclid(360.0) - 180.0).abs();
    if by < 8.0 || stage.people[i].posture == Posture::Sitting || stage.people[i].posture == Posture::Lying {
        return start;
    }
    let took = 8 + (by / 12.0) as u32;
    stage.people[i].heading = heading;
    cue(played, start, took, who, Does::Turn { heading });
    start + took
}

fn enter(stage: &mut Stage<'_>, who: CharacterId, start: u32, played: &mut Played) -> u32 {
    let Some(i) = stage.index(who) else { return start };
    let to = stage.free_spot(stage.people[i].home, who);
    let partner = stage.partner_of(who);
    stage.people[i].looks_at = partner;
    let heading = match partner.and_then(|p| stage.get(p)) {
        Some(p) => cheated(heading_of(p.at - to)),
        None => cheated(heading_of(to - stage.people[i].at)).clamp(-60.0, 60.0),
    };
    if let Some(partner) = partner {
        cue(played, 18, 12, partner, Does::LookAt { who });
        if let Some(p) = stage.index(partner) {
            stage.people[p].looks_at = Some(who);
        }
    }
    // Already walking at the cut.
    go(stage, who, to, heading, false, start.saturating_sub(6), played)
}

fn exit(stage: &mut Stage<'_>, who: CharacterId, start: u32, played: &mut Played) -> u32 {
    let Some(i) = stage.index(who) else { return start };
    let at = stage.people[i].at;
    let door = stage.people[i].entrance;
    let to = at + (door - at).clamp_length_max(LONGEST_WALK);
    let end = go(stage, who, to, heading_of(door - at), false, start, played);
    for p in &mut stage.people {
        if p.looks_at == Some(who) {
            p.looks_at = None;
        }
    }
    stage.people[i].on = false;
    end
}

fn walk(stage: &mut Stage<'_>, action: &Action, partner: Option<CharacterId>, start: u32, played: &mut Played) -> u32 {
    let (who, run) = (action.who, action.verb == Verb::Run);
    let Some(i) = stage.index(who) else { return start };
    if let Some(partner) = partner {
        return approach(stage, who, partner, 1.1, run, start, played);
    }
    let at = stage.people[i].at;
    let home = stage.people[i].home;
    let seed = seed_of(&[&action.text, "way"]);
    let hero = Vec2::new(stage.plan.hero[0], stage.plan.hero[2]);
    // Someone who came in walks on to their place; others walk across, towards what the place is about.
    let wish = if at.distance(home) > 1.0 {
        home
    } else {
        let across = Vec2::new(-at.x.signum(), 0.25) * (1.6 + 0.8 * unit(seed, 1));
        at + if unit(seed, 0) < 0.5 { across } else { (hero - at).clamp_length(1.5, 2.2) }
    };
    // The order of the two principals from left to right stays, and with it the line.
    let line = stage.line();
    let side = stage.principals.filter(|(a, b)| who == *a || who == *b).and(line);
    let keeps_order = |p: Vec2| match side {
        Some((a, b, _)) => {
            let other = if at == a { b } else { a };
            (at.x - other.x) * (p.x - other.x) > 0.0
        }
        None => true,
    };
    let to = stage.free_spot_where(wish, who, |p| keeps_order(p) && p.distance(at) > 1.2);
    let heading = cheated(heading_of(to - at)).clamp(-100.0, 100.0);
    go(stage, who, to, heading, run, start, played)
}

/// Goes to within `reach` of `partner`, facing them.
fn approach(
    stage: &mut Stage<'_>,
    who: CharacterId,
    partner: CharacterId,
    reach: f32,
    run: bool,
    start: u32,
    played: &mut Played,
) -> u32 {
    let (Some(i), Some(to)) = (stage.index(who), stage.get(partner).map(|p| p.at)) else { return start };
    let at = stage.people[i].at;
    stage.people[i].looks_at = Some(partner);
    let heading = cheated(heading_of(to - at));
    if at.distance(to) <= reach + 0.1 || stage.people[i].seat.is_some() && at.distance(to) < 1.3 {
        return turn_to(stage, who, heading, start, played);
    }
    let away = (at - to).normalize_or(Vec2::X);
    let wish = to + away * reach;
    let spot = stage.free_spot_where(wish, who, |p| (p.x - to.x) * (at.x - to.x) >= 0.0 && p.distance(to) < reach + 0.6);
    go(stage, who, spot, cheated(heading_of(to - spot)), run, start, played)
}

fn sit(stage: &mut Stage<'_>, who: CharacterId, partner: Option<CharacterId>, start: u32, played: &mut Played) -> u32 {
    let Some(i) = stage.index(who) else { return start };
    if stage.people[i].seat.is_some() || stage.people[i].posture == Posture::FloorSitting {
        return look_round(stage, who, start, played);
    }
    let near = partner.and_then(|p| stage.get(p)).map_or(stage.people[i].at, |p| p.at);
    let Some(seat) = stage.free_seat(near) else { return settle(stage, who, Posture::FloorSitting, start, played) };
    let s = stage.plan.seats[seat];
    let on_it = Vec2::new(s.x, s.z);
    let raised = s.height > 0.05;
    let before = if raised { on_it + facing(s.heading) * SEAT_STEP } else { on_it };
    let at = go(stage, who, before, s.heading, false, start, played);
    let posture = if raised { Posture::Sitting } else { Posture::FloorSitting };
    cue(played, at, 24, who, Does::Settle { posture });
    stage.seat(i, seat);
    at + 24
}

fn settle(stage: &mut Stage<'_>, who: CharacterId, posture: Posture, start: u32, played: &mut Played) -> u32 {
    let Some(i) = stage.index(who) else { return start };
    if stage.people[i].posture == posture {
        return look_round(stage, who, start, played);
    }
    let start = rise(stage, who, start, played);
    if posture == Posture::Standing {
        return start + 6;
    }
    cue(played, start, 28, who, Does::Settle { posture });
    stage.people[i].posture = posture;
    start + 28
}

fn turn(stage: &mut Stage<'_>, action: &Action, partner: Option<CharacterId>, start: u32, played: &mut Played) -> u32 {
    let who = action.who;
    let Some(i) = stage.index(who) else { return start };
    let heading = match partner.and_then(|p| stage.get(p)) {
        Some(p) => cheated(heading_of(p.at - stage.people[i].at)),
        None => -stage.people[i].heading.signum() * 40.0,
    };
    stage.people[i].looks_at = partner;
    if let Some(partner) = partner {
        cue(played, start, 10, who, Does::LookAt { who: partner });
    }
    turn_to(stage, who, heading, start + 4, played).max(start + 18)
}

fn look(stage: &mut Stage<'_>, action: &Action, partner: Option<CharacterId>, start: u32, played: &mut Played) -> u32 {
    let who = action.who;
    match partner {
        Some(partner) => {
            if let Some(i) = stage.index(who) {
                stage.people[i].looks_at = Some(partner);
            }
            cue(played, start, 12, who, Does::LookAt { who: partner });
            start + 26
        }
        None => look_round(stage, who, start, played),
    }
}

fn look_round(_: &mut Stage<'_>, who: CharacterId, start: u32, played: &mut Played) -> u32 {
    cue(played, start, 28, who, Does::Act { verb: Verb::Look, to: None, prop: None });
    start + 28
}

/// How long the act of a verb takes, in seconds.
fn seconds(verb: Verb) -> f32 {
    match verb {
        Verb::Nod | Verb::Shake | Verb::Point | Verb::Touch => 1.1,
        Verb::Wave | Verb::Put | Verb::Hold | Verb::Open | Verb::Close | Verb::Bow => 1.7,
        Verb::Give | Verb::Take | Verb::Laugh | Verb::Drink | Verb::Eat => 2.2,
        Verb::Embrace | Verb::Pour | Verb::Cry | Verb::Smoke | Verb::Write | Verb::Read => 2.8,
        Verb::Fight | Verb::Dance | Verb::Pray | Verb::Play | Verb::Work | Verb::Drive => 3.2,
        _ => 1.8,
    }
}

fn act(stage: &mut Stage<'_>, action: &Action, partner: Option<CharacterId>, start: u32, played: &mut Played) -> u32 {
    let who = action.who;
    let upright = matches!(action.verb, Verb::Dance | Verb::Fight | Verb::Embrace);
    let start = if upright { rise(stage, who, start, played) } else { start };
    // Nobody is embraced sitting down: the other gets up too.
    let start = match partner {
        Some(partner) if action.verb == Verb::Embrace => start.max(rise(stage, partner, 8, played)),
        _ => start,
    };
    let touching =
        matches!(action.verb, Verb::Give | Verb::Take | Verb::Embrace | Verb::Fight | Verb::Touch | Verb::Dance | Verb::Pour);
    let at = match partner {
        Some(partner) if touching => approach(stage, who, partner, REACH, false, start, played),
        Some(partner) => attend(stage, who, partner, start, played),
        None => start,
    };
    let frames = frames(seconds(action.verb));
    played.act_at = at;
    cue(played, at, frames, who, Does::Act { verb: action.verb, to: partner, prop: action.prop.clone() });
    match (action.verb, partner) {
        (Verb::Embrace, Some(partner)) => embrace(stage, who, partner, at, frames, played),
        (Verb::Fight | Verb::Dance, Some(partner)) => {
            cue(played, at, frames, partner, Does::Act { verb: action.verb, to: Some(who), prop: None });
        }
        (_, Some(partner)) if touching => {
            cue(played, at, 10, partner, Does::LookAt { who });
        }
        _ => {}
    }
    handle(stage, action, partner);
    at + frames
}

/// Turns to and looks at someone before doing something towards them.
fn attend(stage: &mut Stage<'_>, who: CharacterId, partner: CharacterId, start: u32, played: &mut Played) -> u32 {
    let (Some(i), Some(to)) = (stage.index(who), stage.get(partner).map(|p| p.at)) else { return start };
    let heading = cheated(heading_of(to - stage.people[i].at));
    if stage.people[i].looks_at != Some(partner) {
        stage.people[i].looks_at = Some(partner);
        cue(played, start, 10, who, Does::LookAt { who: partner });
    }
    turn_to(stage, who, heading, start, played)
}

/// Steps into the arms of `partner`; by the next shot the two have parted again.
fn embrace(stage: &mut Stage<'_>, who: CharacterId, partner: CharacterId, at: u32, frames: u32, played: &mut Played) {
    let (Some(me), Some(other)) = (stage.get(who), stage.get(partner)) else { return };
    if me.posture == Posture::Standing && other.posture == Posture::Standing {
        let to = other.at + (me.at - other.at).normalize_or(Vec2::X) * EMBRACE;
        let heading = heading_of(other.at - me.at);
        cue(played, at, 12, who, Does::Go { to_x: to.x, to_z: to.y, heading, run: false });
    }
    cue(played, at, frames, partner, Does::Act { verb: Verb::Embrace, to: Some(who), prop: None });
}

/// Who holds what afterwards.
fn handle(stage: &mut Stage<'_>, action: &Action, partner: Option<CharacterId>) {
    let Some(i) = stage.index(action.who) else { return };
    let other = partner.and_then(|p| stage.index(p));
    let Some(prop) = action.prop.clone() else { return };
    match (action.verb, other) {
        (Verb::Give, Some(other)) => {
            stage.people[i].holding = None;
            stage.people[other].holding = Some(prop);
        }
        (Verb::Take, Some(other)) => {
            stage.people[other].holding = None;
            stage.people[i].holding = Some(prop);
        }
        (Verb::Put, _) => stage.people[i].holding = None,
        (
            Verb::Take | Verb::Hold | Verb::Drink | Verb::Eat | Verb::Read | Verb::Write | Verb::Smoke | Verb::Pour | Verb::Play,
            _,
        ) => {
            stage.people[i].holding = Some(prop);
        }
        _ => {}
    }
}

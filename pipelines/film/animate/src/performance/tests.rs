use super::*;
use glam::Vec2;
use klieg_film_cast::casting;
use klieg_film_words::shot::{Angle, CameraKey, Cue, Does, Move, Posture, Size};
use klieg_film_words::sound::{MouthShape, Phone};
use klieg_film_words::story::*;

fn design(gender: Gender, seed: u64) -> Design {
    let character = Character {
        name: format!("P{seed}"),
        age: Age::Middle,
        gender,
        build: Build::Medium,
        culture: Culture::Tamil,
        period: Period::Modern,
        occasion: Occasion::Everyday,
        language: "en".into(),
        dress: vec![],
        line: 1,
        seed,
    };
    casting(&[character]).swap_remove(0)
}

fn set() -> SetBrief {
    SetBrief {
        place: Place::Desert,
        place_name: "SAND".into(),
        interior: false,
        time: TimeOfDay::Day,
        weather: Weather::Clear,
        culture: Culture::Tamil,
        period: Period::Modern,
        mood: Mood::Neutral,
        occasion: Occasion::Everyday,
        extras: 0,
        props: vec![],
        seed: 4,
    }
}

fn mark(who: CharacterId, x: f32, heading: f32, posture: Posture) -> Mark {
    Mark { who, x, z: 0.1, heading, posture, mood: Mood::Neutral, holding: None, looks_at: Some(1 - who) }
}

fn shot(marks: Vec<Mark>, cues: Vec<Cue>) -> Shot {
    let key = CameraKey {
        frame: 0,
        position: [0.0, 1.5, 4.0],
        look_at: [0.0, 1.2, 0.0],
        lens_mm: 35.0,
        focus_m: 4.0,
        aperture_m: 0.01,
        roll_degrees: 0.0,
    };
    Shot {
        name: "sc010_sh010".into(),
        scene: 0,
        purpose: Purpose::Master,
        size: Size::Full,
        angle: Angle::Eye,
        movement: Move::Handheld,
        frames: 96,
        camera: vec![key],
        marks,
        cues,
        script_lines: vec![],
        mood: Mood::Neutral,
        seed: 77,
    }
}

fn brief(shot: Shot, on: On) -> ShotBrief {
    let cast = BTreeMap::from([(0, design(Gender::Female, 3)), (1, design(Gender::Male, 8))]);
    ShotBrief { shot, set: set(), cast, on }
}

fn both(posture: Posture) -> Vec<Mark> {
    vec![mark(0, -0.6, 60.0, posture), mark(1, 0.6, -60.0, posture)]
}

fn perform(shot: Shot) -> Performance {
    Performance::new(&brief(shot, On::Twos), &BTreeMap::new())
}

fn feet(p: &Performance, who: usize, t: f32) -> [Vec3; 2] {
    let actor = &p.actors[who];
    let joints = actor.puppet.joints(&p.pose(actor, t));
    [Joint::LFoot, Joint::RFoot].map(|j| joints[j as usize].translation.into())
}

fn say() -> Spoken {
    let phone = |symbol: &str, start: f32, end, mouth| Phone { symbol: symbol.into(), start, end, mouth, stressed: start > 0.2 };
    Spoken {
        seconds: 1.5,
        phones: vec![
            phone("m", 0.0, 0.09, MouthShape::A),
            phone("aa", 0.09, 0.5, MouthShape::D),
            phone("b", 0.5, 0.58, MouthShape::A),
            phone("ey", 0.58, 1.0, MouthShape::C),
            phone("p", 1.0, 1.08, MouthShape::A),
            phone("uw", 1.08, 1.5, MouthShape::F),
        ],
        voice: "test".into(),
        fallback: None,
    }
}

#[test]
fn planted_feet_do_not_slide() {
    let go = Cue { start: 4, frames: 60, who: 0, what: Does::Go { to_x: -2.4, to_z: -0.8, heading: 30.0, run: false } };
    let turn = Cue { start: 66, frames: 20, who: 1, what: Does::Turn { heading: 40.0 } };
    let p = perform(shot(both(Posture::Standing), vec![go, turn]));
    for who in 0..2 {
        let sole = p.actors[who].player.body.sole;
        let frames: Vec<[Vec3; 2]> = (0..48).map(|i| feet(&p, who, i as f32 * 2.0)).collect();
        for w in frames.windows(2) {
            for (a, b) in w[0].into_iter().zip(w[1]) {
                let down = |f: Vec3| f.y < sole + 0.004;
                if down(a) && down(b) {
                    assert!(Vec2::new(a.x - b.x, a.z - b.z).length() < 0.01, "{who} slides from {a} to {b}");
                }
            }
            // Somebody always stands on something.
            assert!(w[0].iter().any(|f| f.y < sole + 0.01), "{who} floats: {:?}", w[0]);
        }
    }
}

#[test]
fn mouths_close_for_p_b_m_and_rest_in_silence() {
    let line = Cue { start: 11, frames: 36, who: 0, what: Does::Say { line: 5, mood: Mood::Happy, off_screen: false } };
    let p = Performance::new(&brief(shot(both(Posture::Standing), vec![line]), On::Twos), &BTreeMap::from([(5, say())]));
    let mouth = |who: usize, f: u32| p.pose(&p.actors[who], p.pose_of(f) as f32).face.mouth;
    let closed = (0..96).step_by(2).filter(|f| mouth(0, *f)[MouthShape::A as usize] == 1.0).count();
    assert_eq!(closed, 3);
    for f in 0..96 {
        assert_eq!(mouth(1, f)[MouthShape::X as usize], 1.0, "the listener speaks at {f}");
        if !(9..=48).contains(&f) {
            assert_eq!(mouth(0, f)[MouthShape::X as usize], 1.0, "speaks at {f}");
        }
    }
    assert!((12..46).any(|f| mouth(0, f)[MouthShape::D as usize] > 0.7));
}

#[test]
fn nobody_blinks_with_another() {
    for seed in 0..40 {
        let mut shot = shot(both(Posture::Standing), vec![]);
        shot.marks.push(mark(1, 1.6, -80.0, Posture::Standing));
        (shot.seed, shot.frames) = (seed, 600);
        let tracks: Vec<Track> = shot.marks.iter().map(|m| Track::new(&shot, m, 0.09)).collect();
        let all = blinks(&tracks, seed, 600);
        assert!(all.iter().all(|b| (4..=16).contains(&b.len())), "{all:?}");
        for f in 0..600 {
            let closed = all.iter().filter(|b| crate::gaze::blinking(b, f as f32) > 0.5).count();
            assert!(closed <= 1, "frame {f} of {seed}");
        }
    }
}

#[test]
fn frames_are_pure_and_come_in_pairs() {
    let line = Cue { start: 6, frames: 36, who: 1, what: Does::Say { line: 5, mood: Mood::Tender, off_screen: false } };
    let spoken = BTreeMap::from([(5, say())]);
    let p = Performance::new(&brief(shot(both(Posture::Standing), vec![line.clone()]), On::Twos), &spoken);
    let again = Performance::new(&brief(shot(both(Posture::Standing), vec![line.clone()]), On::Twos), &spoken);
    let first = p.frame(40);
    let _ = (p.frame(7), p.frame(90));
    assert!(first == p.frame(40) && first == p.frame(41) && first == again.frame(41));
    assert!(first.moving != p.frame(42).moving);
    let ones = Performance::new(&brief(shot(both(Posture::Standing), vec![line]), On::Ones), &spoken);
    assert_eq!((ones.pose_of(41), p.pose_of(41)), (41, 40));
    assert!(ones.frame(40).moving != ones.frame(41).moving);
}

fn is_finite(g: &Geometry) -> bool {
    g.positions.iter().chain(&g.normals).flatten().all(|v| v.is_finite())
}

/// No joint is torn off, and no hand is further away than an arm is long.
fn holds_together(p: &Performance, t: f32) {
    for actor in &p.actors {
        let pose = p.pose(actor, t);
        assert!(pose.rotations.iter().all(|q| q.is_finite() && (q.length() - 1.0).abs() < 1e-3));
        let joints = actor.puppet.joints(&pose);
        assert!(joints.iter().all(|j| j.translation.is_finite() && j.translation.y > -0.12 && j.translation.y < 2.6), "{t}");
        let sum: f32 = pose.face.mouth.iter().sum();
        assert!((sum - 1.0).abs() < 1e-3);
    }
}

#[test]
fn every_verb_in_every_posture_is_a_body() {
    let mut count = 0;
    let mut p = perform(shot(both(Posture::Standing), vec![]));
    for (i, verb) in Verb::ALL.iter().enumerate() {
        for (j, posture) in Posture::ALL.iter().enumerate() {
            let prop = (i % 2 == 0).then(|| "cup".to_owned());
            let to = (i % 3 != 0).then_some(1);
            let act = Cue { start: 4, frames: 60, who: 0, what: Does::Act { verb: *verb, to, prop } };
            let settle = Cue { start: 66, frames: 24, who: 0, what: Does::Settle { posture: Posture::ALL[(i + j) % 5] } };
            let shot = shot(both(*posture), vec![act, settle]);
            let tracks: Vec<Track> = shot.marks.iter().map(|m| Track::new(&shot, m, 0.09)).collect();
            assert_eq!(tracks[0].motions.len(), 1);
            p.restage(shot);
            for t in [0.0, 6.0, 18.0, 34.0, 50.0, 62.0, 70.0, 80.0, 94.0] {
                holds_together(&p, t);
            }
            if j == i % 5 {
                assert!(is_finite(&p.frame(34).moving));
                count += 1;
            }
        }
    }
    assert_eq!(count, Verb::ALL.len());
}

impl Performance {
    /// The same puppets and set in another shot.
    fn restage(&mut self, shot: Shot) {
        for actor in &mut self.actors {
            let mark = shot.marks.iter().find(|m| m.who == actor.player.track.who);
            actor.player.track = Track::new(&shot, mark.expect("a mark for everyone"), 0.09);
        }
        self.shot = shot;
        self.fetch_props();
    }
}

#[test]
fn a_gift_goes_from_hand_to_hand() {
    let give =
        Cue { start: 10, frames: 60, who: 0, what: Does::Act { verb: Verb::Give, to: Some(1), prop: Some("letter".into()) } };
    let mut marks = both(Posture::Standing);
    marks[0].holding = Some("letter".into());
    (marks[0].x, marks[1].x) = (-0.41, 0.41);
    let p = perform(shot(marks, vec![give]));
    let holders = |t: f32| [0, 1].map(|who: usize| held(&p.actors[who].player.track, t).is_some());
    assert_eq!((holders(12.0), holders(60.0)), ([true, false], [false, true]));
    // At the handover the hands are together.
    let at = 10.0 + 60.0 * crate::acts::HANDOVER;
    let palm = |who: usize| Vec3::from(p.actors[who].puppet.grip(&p.pose(&p.actors[who], at), false).translation);
    assert!(palm(0).distance(palm(1)) < 0.22, "{} apart", palm(0).distance(palm(1)));
}

/// Degrees between the direction in which someone's face points and that of the camera, on the floor.
fn turned_away(p: &Performance, who: usize, t: f32) -> f32 {
    let actor = &p.actors[who];
    let pose = p.pose(actor, t);
    let head = actor.puppet.joints(&pose)[Joint::Head as usize];
    let face = head.transform_vector3(Vec3::Z);
    let to = Vec3::from(camera(&p.shot, t).position) - Vec3::from(head.translation);
    Vec2::new(face.x, face.z).angle_to(Vec2::new(to.x, to.z)).to_degrees().abs()
}

#[test]
fn faces_of_a_group_open_to_the_camera_and_the_eyes_stay_with_the_other() {
    for heading in [56.0, 75.0, 90.0, 110.0] {
        for purpose in [Purpose::Master, Purpose::TwoShot, Purpose::Follow] {
            let marks = vec![mark(0, -0.6, heading, Posture::Standing), mark(1, 0.6, -heading, Posture::Standing)];
            let p = perform(Shot { purpose, ..shot(marks, vec![]) });
            for t in (0..96).step_by(8).map(|t| t as f32) {
                for who in 0..2 {
                    let away = turned_away(&p, who, t);
                    assert!(away < 62.0, "{away} degrees off at {t}, heading {heading}");
                    // +X of the puppet is its left; the left one looks at who stands on that side.
                    let [yaw, _] = p.pose(&p.actors[who], t).face.gaze;
                    assert!(if who == 0 { yaw > 0.1 } else { yaw < -0.1 }, "{who} looks {yaw} at {t}");
                }
            }
        }
    }
}

#[test]
fn a_furled_umbrella_keeps_out_of_people() {
    let give =
        Cue { start: 10, frames: 60, who: 0, what: Does::Act { verb: Verb::Give, to: Some(1), prop: Some("umbrella".into()) } };
    let mut marks = both(Posture::Standing);
    marks[0].holding = Some("umbrella".into());
    (marks[0].x, marks[1].x) = (-0.41, 0.41);
    let p = perform(shot(marks, vec![give]));
    for t in (0..96).step_by(2).map(|t| t as f32) {
        let mut things = Geometry::default();
        for actor in &p.actors {
            p.hand_prop(actor, &p.pose(actor, t), t, &mut things);
        }
        assert!(!things.positions.is_empty());
        for at in &things.positions {
            assert!(at[1] > -0.05 && at[1] < 1.25, "at height {} at {t}", at[1]);
            for actor in &p.actors {
                let root = actor.player.root(t).0;
                let away = Vec2::new(at[0], at[2]).distance(root);
                assert!(away > 0.15, "{away} from a body's middle at {t}");
            }
        }
    }
}

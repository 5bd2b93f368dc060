//! The stage: who is on, where, turned which way, in which posture, holding what.

use glam::{Vec2, Vec3};
use klieg_film_words::shot::{FloorPlan, Mark, Posture, Stature};
use klieg_film_words::story::{Beat, CharacterId, Mood, Place, Scene, Verb};
use klieg_film_words::{seed_of, unit};

/// Least distance of two people who do not embrace; kept a little above the 0.75 m that is promised.
pub const APART: f32 = 0.8;
/// How far before a seat one stands before sitting down on it and after rising from it.
pub const SEAT_STEP: f32 = 0.3;

#[derive(Clone, Debug)]
pub struct Person {
    pub who: CharacterId,
    /// x and z on the floor.
    pub at: Vec2,
    pub heading: f32,
    pub posture: Posture,
    /// Index into the plan's seats.
    pub seat: Option<usize>,
    pub mood: Mood,
    pub holding: Option<String>,
    pub looks_at: Option<CharacterId>,
    /// Whether the scene sees them now.
    pub on: bool,
    /// Where they belong when nothing else is said.
    pub home: Vec2,
    /// Where they come from and go to.
    pub entrance: Vec2,
}

#[derive(Clone)]
pub struct Stage<'a> {
    pub plan: &'a FloorPlan,
    statures: &'a [Stature],
    pub people: Vec<Person>,
    pub principals: Option<(CharacterId, CharacterId)>,
}

/// Unit vector of a heading: 0 is +Z, 90 is +X.
pub fn facing(heading: f32) -> Vec2 {
    let (s, c) = heading.to_radians().sin_cos();
    Vec2::new(s, c)
}

pub fn heading_of(direction: Vec2) -> f32 {
    direction.x.atan2(direction.y).to_degrees()
}

/// As actors do, people who talk in profile open up to the camera a little.
pub fn cheated(heading: f32) -> f32 {
    let h = (heading + 180.0).rem_euclid(360.0) - 180.0;
    h.signum() * if h.abs() > 30.0 { (h.abs() - 33.0).max(30.0) } else { h.abs() }
}

/// The side of the line from `a` to `b` on which the camera stays: the audience's, if the line does not point at it.
pub fn camera_side(a: Vec2, b: Vec2) -> Vec2 {
    let n = (b - a).perp().try_normalize().unwrap_or(Vec2::Y);
    if n.y.abs() > 0.15 { n * n.y.signum() } else { n * n.x.signum() }
}

/// Positive on one side of the line from `a` to `b`, negative on the other.
pub fn side_of_line(a: Vec2, b: Vec2, point: Vec2) -> f32 {
    (b - a).perp_dot(point - a)
}

impl<'a> Stage<'a> {
    pub fn new(scene: &Scene, plan: &'a FloorPlan, statures: &'a [Stature]) -> Self {
        let mut stage = Self { plan, statures, people: Vec::new(), principals: principals(scene) };
        let mut cast: Vec<CharacterId> = Vec::new();
        for who in &scene.present {
            if !cast.contains(who) {
                cast.push(*who);
            }
        }
        let n = cast.len();
        let key = |who: CharacterId| unit(seed_of(&[&scene.id, "place"]), who as u64);
        // Principals stand in the middle of the row, next to each other.
        cast.sort_by(|a, b| stage.rank(*a).cmp(&stage.rank(*b)).then(key(*a).total_cmp(&key(*b))));
        let homes = middle_out(stage.rows(n));
        for (who, home) in cast.into_iter().zip(homes) {
            let entrance = stage.entrance_near(home);
            stage.people.push(Person {
                who,
                at: home,
                heading: 0.0,
                posture: Posture::Standing,
                seat: None,
                mood: scene.mood,
                holding: None,
                looks_at: None,
                on: false,
                home,
                entrance,
            });
        }
        for i in 0..stage.people.len() {
            stage.open(scene, i);
        }
        stage.face_each_other();
        stage
    }

    /// Puts person `i` where the scene finds them, or leaves them off until they enter.
    fn open(&mut self, scene: &Scene, i: usize) {
        let who = self.people[i].who;
        let opening = opening(scene, who);
        if opening == Opening::Enters {
            return;
        }
        let seat = matches!(opening, Opening::Sits | Opening::HasASeat).then(|| self.free_seat(self.people[i].home)).flatten();
        self.people[i].on = true;
        match seat {
            Some(seat) => self.seat(i, seat),
            None => {
                let at = self.free_spot(self.people[i].home, who);
                let person = &mut self.people[i];
                person.at = at;
                person.posture = match opening {
                    Opening::Sits => Posture::FloorSitting,
                    Opening::Kneels => Posture::Kneeling,
                    Opening::Lies => Posture::Lying,
                    _ => Posture::Standing,
                };
            }
        }
    }

    /// Puts somebody who has yet to enter where they belong.
    pub fn come_on(&mut self, who: CharacterId) {
        let Some(i) = self.index(who).filter(|i| !self.people[*i].on) else { return };
        let at = self.free_spot(self.people[i].home, who);
        let person = &mut self.people[i];
        (person.on, person.at, person.heading) = (true, at, cheated(heading_of(-at)));
    }

    pub fn seat(&mut self, i: usize, seat: usize) {
        let s = self.plan.seats[seat];
        let person = &mut self.people[i];
        person.at = Vec2::new(s.x, s.z);
        person.heading = s.heading;
        person.seat = Some(seat);
        person.posture = if s.height > 0.05 { Posture::Sitting } else { Posture::FloorSitting };
    }

    fn rank(&self, who: CharacterId) -> u8 {
        self.principals.map_or(0, |(a, b)| u8::from(who != a && who != b))
    }

    /// Places for `n` people: rows across the stage, the ends a little towards the audience, left to right and front first.
    fn rows(&self, n: usize) -> Vec<Vec2> {
        let room = (self.plan.half_width - 0.2).max(0.1);
        let a_row = ((2.0 * room / 0.95) as usize + 1).clamp(1, 6);
        let mut out = Vec::new();
        let mut left = n;
        let mut row = 0;
        while left > 0 {
            let here = left.min(a_row);
            let spacing = if here > 1 { (1.35 - 0.08 * here as f32).min(2.0 * room / (here - 1) as f32) } else { 0.0 };
            for i in 0..here {
                let u = i as f32 - (here as f32 - 1.0) / 2.0;
                let z = 0.05 * u * u - 0.95 * row as f32;
                out.push(Vec2::new(
                    u * spacing + 0.12,
                    z.clamp(self.plan.back_z + 0.2, (self.plan.front_z - 0.2).max(self.plan.back_z + 0.2)),
                ));
            }
            left -= here;
            row += 1;
        }
        out
    }

    pub fn entrance_near(&self, home: Vec2) -> Vec2 {
        let same_side = |e: &&[f32; 2]| u8::from(e[0] * home.x < 0.0);
        self.plan
            .entrances
            .iter()
            .min_by(|a, b| same_side(a).cmp(&same_side(b)).then(dist(a, home).total_cmp(&dist(b, home))))
            .map_or(Vec2::new(self.plan.half_width * if home.x < 0.0 { -1.0 } else { 1.0 }, 0.0), |e| Vec2::new(e[0], e[1]))
    }

    /// The seat nearest to `near` that nobody has and that is not too near anybody.
    pub fn free_seat(&self, near: Vec2) -> Option<usize> {
        let free = |i: usize| {
            let at = Vec2::new(self.plan.seats[i].x, self.plan.seats[i].z);
            self.people.iter().filter(|p| p.on).all(|p| p.seat != Some(i) && p.at.distance(at) >= 0.76)
        };
        let far = |i: &usize| near.distance_squared(Vec2::new(self.plan.seats[*i].x, self.plan.seats[*i].z));
        (0..self.plan.seats.len()).filter(|i| free(*i)).min_by(|a, b| far(a).total_cmp(&far(b)))
    }

    /// The standing place nearest to `wish` that is free for `who`.
    pub fn free_spot(&self, wish: Vec2, who: CharacterId) -> Vec2 {
        self.free_spot_where(wish, who, |_| true)
    }

    pub fn free_spot_where(&self, wish: Vec2, who: CharacterId, fits: impl Fn(Vec2) -> bool) -> Vec2 {
        const STEP: f32 = 0.1;
        let (nx, nz) = ((self.plan.half_width / STEP) as i32, ((self.plan.front_z - self.plan.back_z) / STEP) as i32);
        let grid = (-nx..=nx).flat_map(|i| (0..=nz).map(move |j| (i, j)));
        let points = grid.map(|(i, j)| Vec2::new(i as f32 * STEP, self.plan.back_z + j as f32 * STEP));
        // A crowded stage gives up the furniture's distance first, then the wish, and never the distance of people.
        let cost = |p: Vec2| {
            let crowd = self.nearest_other(p, who);
            let furniture = self.plan.seats.iter().filter(|s| s.height > 0.05).map(|s| p.distance(Vec2::new(s.x, s.z)));
            let furniture = furniture.fold(f32::INFINITY, f32::min);
            p.distance(wish)
                + (APART - crowd).max(0.0) * 1000.0
                + (0.55 - furniture).max(0.0) * 40.0
                + if fits(p) { 0.0 } else { 100.0 }
        };
        let inside = wish.clamp(
            Vec2::new(-self.plan.half_width, self.plan.back_z),
            Vec2::new(self.plan.half_width, self.plan.front_z.max(self.plan.back_z)),
        );
        std::iter::once(inside).chain(points).map(|p| (cost(p), p)).min_by(|a, b| a.0.total_cmp(&b.0)).map_or(inside, |(_, p)| p)
    }

    /// Whether nobody stands too near `p` for `who` to be there.
    pub fn is_clear(&self, p: Vec2, who: CharacterId) -> bool {
        self.nearest_other(p, who) >= 0.76
    }

    fn nearest_other(&self, p: Vec2, who: CharacterId) -> f32 {
        self.people.iter().filter(|o| o.on && o.who != who).map(|o| o.at.distance(p)).fold(f32::INFINITY, f32::min)
    }

    /// Everyone who stands free turns to the one they would talk to.
    fn face_each_other(&mut self) {
        for i in 0..self.people.len() {
            if !self.people[i].on {
                continue;
            }
            let partner = self.partner_of(self.people[i].who);
            self.people[i].looks_at = partner;
            if self.people[i].seat.is_none() {
                let at = self.people[i].at;
                self.people[i].heading = match partner.and_then(|p| self.get(p)) {
                    Some(partner) => cheated(heading_of(partner.at - at)),
                    None => {
                        if at.x > 0.0 {
                            -22.0
                        } else {
                            22.0
                        }
                    }
                };
            }
        }
    }

    /// Whom `who` talks to when the script does not say: the other principal, else the nearest.
    pub fn partner_of(&self, who: CharacterId) -> Option<CharacterId> {
        let me = self.get(who)?;
        let principal = self.principals.and_then(|(a, b)| {
            if who == a {
                Some(b)
            } else if who == b {
                Some(a)
            } else {
                None
            }
        });
        principal.filter(|p| self.is_on(*p)).or_else(|| {
            let others = self.people.iter().filter(|p| p.on && p.who != who);
            others.min_by(|a, b| a.at.distance(me.at).total_cmp(&b.at.distance(me.at))).map(|p| p.who)
        })
    }

    pub fn index(&self, who: CharacterId) -> Option<usize> {
        self.people.iter().position(|p| p.who == who)
    }

    pub fn get(&self, who: CharacterId) -> Option<&Person> {
        self.people.iter().find(|p| p.who == who && p.on)
    }

    pub fn is_on(&self, who: CharacterId) -> bool {
        self.get(who).is_some()
    }

    pub fn on(&self) -> impl Iterator<Item = &Person> {
        self.people.iter().filter(|p| p.on)
    }

    pub fn stature(&self, who: CharacterId) -> Stature {
        self.statures.get(who).copied().unwrap_or(Stature { height: 1.65, eyes: 1.49, head: 0.33, half_width: 0.26 })
    }

    /// Where the eyes of `p` are.
    pub fn eyes(&self, p: &Person) -> Vec3 {
        let s = self.stature(p.who);
        let trunk = (s.eyes - 0.45 * s.height).max(0.3);
        let y = match p.posture {
            Posture::Standing => s.eyes,
            Posture::Sitting => p.seat.map_or(0.45, |i| self.plan.seats[i].height) + trunk,
            Posture::FloorSitting => 0.1 + trunk,
            Posture::Kneeling => s.eyes - 0.2 * s.height,
            Posture::Lying => 0.4,
        };
        let ahead = p.at + facing(p.heading) * 0.1;
        Vec3::new(ahead.x, y, ahead.y)
    }

    /// The line of action and the sign of [`side_of_line`] on the camera's side, when both principals are on.
    pub fn line(&self) -> Option<(Vec2, Vec2, f32)> {
        let (a, b) = self.principals?;
        let (a, b) = (self.get(a)?.at, self.get(b)?.at);
        Some((a, b, side_of_line(a, b, a + camera_side(a, b)).signum()))
    }

    pub fn marks(&self) -> Vec<Mark> {
        self.on()
            .map(|p| Mark {
                who: p.who,
                x: p.at.x,
                z: p.at.y,
                heading: p.heading,
                posture: p.posture,
                mood: p.mood,
                holding: p.holding.clone(),
                looks_at: p.looks_at.filter(|l| self.is_on(*l)),
            })
            .collect()
    }
}

fn dist(e: &[f32; 2], to: Vec2) -> f32 {
    Vec2::from(*e).distance(to)
}

/// The middle places first, so that principals stand together.
fn middle_out(mut places: Vec<Vec2>) -> Vec<Vec2> {
    let row = |p: &Vec2| (p.y / 0.5).round() as i32;
    places.sort_by(|a, b| row(b).cmp(&row(a)).then((a.x - 0.1).abs().total_cmp(&(b.x - 0.1).abs())));
    places
}

/// The two whom the scene is about: its first two speakers to be seen, else its first two people.
pub fn principals(scene: &Scene) -> Option<(CharacterId, CharacterId)> {
    let mut found: Vec<CharacterId> = Vec::new();
    let speakers = scene.beats.iter().filter_map(|b| match b {
        Beat::Line(l) if !l.off_screen => Some(l.speaker),
        _ => None,
    });
    for who in speakers.chain(scene.present.iter().copied()) {
        if scene.present.contains(&who) && !found.contains(&who) {
            found.push(who);
        }
    }
    (found.len() >= 2).then(|| (found[0], found[1]))
}

#[derive(Clone, Copy, PartialEq)]
enum Opening {
    Enters,
    /// Sits if there is a seat, or else stands.
    HasASeat,
    Stands,
    Sits,
    Kneels,
    Lies,
}

/// How the scene finds someone, from what they do first.
fn opening(scene: &Scene, who: CharacterId) -> Opening {
    if scene.place == Place::Car {
        return Opening::HasASeat;
    }
    let spoken_before = |i: usize| scene.beats[..i].iter().any(|b| matches!(b, Beat::Line(l) if l.speaker == who && !l.off_screen));
    let first = scene.beats.iter().enumerate().find_map(|(i, b)| match b {
        Beat::Action(a) if a.who == who => Some((i, a)),
        _ => None,
    });
    let sociable = matches!(scene.place, Place::Cafe | Place::TeaHouse | Place::Bar) && scene.present.len() >= 2;
    let default = if sociable { Opening::HasASeat } else { Opening::Stands };
    let Some((i, action)) = first else { return default };
    let said_before = scene.beats[..i].iter().any(|b| matches!(b, Beat::Line(_)));
    let in_motion = ["down", "beside", "next to"].iter().any(|w| action.text.contains(w));
    match action.verb {
        // Who first walks or runs comes in doing so.
        Verb::Enter | Verb::Walk | Verb::Run if !spoken_before(i) => Opening::Enters,
        Verb::Sit if !said_before && !in_motion => Opening::Sits,
        Verb::Kneel if !said_before && !in_motion => Opening::Kneels,
        Verb::Sleep if !said_before => Opening::Lies,
        Verb::Sit | Verb::Walk | Verb::Run | Verb::Enter => Opening::Stands,
        _ => default,
    }
}

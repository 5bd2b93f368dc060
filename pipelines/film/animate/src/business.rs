//! What people do while nobody asks them for anything: how they stand, and the small business between lines.

use crate::acts::{Doing, Reach, Spot};
use crate::ease::{hold, noise};
use glam::Vec3;
use klieg_film_cast::{Design, HairStyle, Hand, Kind, Ornament};
use klieg_film_words::story::{Age, Gender};
use klieg_film_words::{mix, seed_of, unit};

/// A small thing that somebody is given to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Business {
    /// A hand at the brim of a hat.
    Hat,
    /// The end of a saree or shawl drawn up on the shoulder.
    Shawl,
    /// One hand at the other's cuff, or at its bangles.
    Cuff,
    /// Fingers at the chin, or down the beard.
    Chin,
    /// Hair put back from the temple.
    Hair,
    /// Glasses pushed up.
    Glasses,
    /// A hand to the chest for the length of a breath.
    Heart,
}

/// How hands wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stance {
    Hanging,
    /// One hand in the other before the belly.
    Clasped,
    /// Behind the back.
    Behind,
    /// One hand on the hip.
    OnHip,
}

/// What someone's dress and years suggest that they do.
#[derive(Clone, Debug, PartialEq)]
pub struct Habits {
    pub stance: Stance,
    /// The side of a hand on the hip: 0 left, 1 right.
    pub hip: usize,
    pub business: Vec<Business>,
}

/// Frames of a stretch in which there may be one piece of business, and of the business itself.
const CELL: f32 = 66.0;
const FRAMES: f32 = 46.0;

impl Habits {
    /// The same in every shot: they come from who it is.
    pub fn of(design: &Design) -> Habits {
        let seed = mix(design.seed ^ seed_of(&["habits", &design.name]));
        let wears = |kinds: &[Kind]| kinds.iter().any(|k| design.wears(*k));
        let (small, old) = (matches!(design.age, Age::Infant | Age::Child), design.age == Age::Old);
        let mut business = Vec::new();
        let mut may = |on: bool, what: Business| {
            if on {
                business.push(what);
            }
        };
        may(wears(&[Kind::Fedora, Kind::Bowler, Kind::Cap]), Business::Hat);
        may(wears(&[Kind::Saree, Kind::Shawl, Kind::Dupatta, Kind::Angavastram]), Business::Shawl);
        may(design.has(Ornament::Glasses), Business::Glasses);
        may(design.gender == Gender::Male && !small, Business::Chin);
        let loose = matches!(design.hair.style, HairStyle::Wavy | HairStyle::Long | HairStyle::Bob | HairStyle::HimeCut);
        may(loose && design.gender == Gender::Female, Business::Hair);
        may(true, Business::Cuff);
        may(old, Business::Heart);
        // What lies between the arms and the back.
        let long = wears(&[Kind::Saree, Kind::Lehenga, Kind::Dupatta, Kind::Cloak, Kind::Kimono, Kind::TrenchCoat, Kind::Overcoat]);
        let stance = match unit(seed, 77) {
            u if u < 0.36 => Stance::Clasped,
            u if u < 0.62 && !long && design.gender == Gender::Male => Stance::Behind,
            u if u < 0.74 && !small && !old && !wears(&[Kind::Kimono]) => Stance::OnHip,
            _ => Stance::Hanging,
        };
        Habits { stance, hip: usize::from(unit(seed, 78) < 0.5), business }
    }

    /// What is done at `frame` by someone who neither speaks nor acts, `share` (0–1) of it; `seed` is the person's in the shot.
    pub fn doing(&self, frame: f32, seed: u64, share: f32) -> Doing {
        let mut d = Doing::default();
        let at = frame / CELL + unit(seed, 61);
        let cell = at.floor();
        let own = mix(seed ^ mix(cell as i64 as u64 ^ 0xb5));
        if self.business.is_empty() || unit(own, 0) > 0.6 {
            return d;
        }
        let start = (CELL - FRAMES) * unit(own, 1);
        let t = (at - cell) * CELL - start;
        let w = hold(t, FRAMES, 12.0, 13.0) * share;
        if w != 0.0 {
            let n = self.business.len();
            let pick = self.business[((unit(own, 2) * n as f32) as usize).min(n - 1)];
            pick.play(t, w, &mut d);
        }
        d
    }
}

impl Business {
    fn play(self, t: f32, w: f32, d: &mut Doing) {
        let fuss = noise(0x5eed, t / 5.0);
        let to = |at: Spot, fingers: Vec3, palm: Vec3, shape: Hand, elbow: Vec3| {
            Some(Reach { at, fingers: Some(fingers), palm: Some(palm), shape, weight: w, elbow: Some(elbow) })
        };
        match self {
            Business::Hat => {
                d.arms[1] = to(
                    Spot::Mouth(Vec3::new(0.15, 0.2 + 0.006 * fuss, 0.06)),
                    Vec3::new(-0.7, 0.6, 0.25),
                    Vec3::new(-0.5, -0.3, -0.8),
                    Hand::Relaxed,
                    Vec3::new(0.35, -1.0, 0.45),
                );
                d.nod = 0.1 * w;
            }
            Business::Shawl => {
                d.arms[1] = to(
                    Spot::Chest(Vec3::new(-0.1, 1.14 + 0.012 * fuss, 0.16)),
                    Vec3::new(-0.8, 0.5, 0.1),
                    Vec3::new(-0.1, -0.1, -1.0),
                    Hand::Relaxed,
                    Vec3::new(0.6, -1.0, 0.25),
                );
                (d.tilt, d.nod) = (0.05 * w, 0.09 * w);
            }
            Business::Cuff => {
                d.arms[0] = to(
                    Spot::Chest(Vec3::new(0.03, 0.93, 0.245)),
                    Vec3::new(-0.9, 0.05, 0.35),
                    Vec3::new(0.0, -0.4, -1.0),
                    Hand::Relaxed,
                    Vec3::new(0.9, -0.8, -0.1),
                );
                d.arms[1] = to(
                    Spot::Chest(Vec3::new(-0.05, 0.945 + 0.008 * fuss, 0.275)),
                    Vec3::new(-0.85, -0.1, 0.2),
                    Vec3::new(0.0, -0.6, -0.8),
                    Hand::Relaxed,
                    Vec3::new(0.9, -0.8, -0.1),
                );
                (d.nod, d.eyes_on_hands) = (0.09 * w, 0.2 * w.clamp(0.0, 1.0));
            }
            Business::Chin => {
                d.arms[1] = to(
                    Spot::Mouth(Vec3::new(0.035, -0.085 - 0.012 * (0.5 + 0.5 * fuss), 0.05)),
                    Vec3::new(-0.45, 0.85, 0.1),
                    Vec3::new(-0.5, 0.15, -0.9),
                    Hand::Relaxed,
                    Vec3::new(0.45, -1.0, 0.25),
                );
                (d.tilt, d.nod, d.brows) = (-0.05 * w, 0.04 * w, 0.12 * w);
            }
            Business::Hair => {
                d.arms[0] = to(
                    Spot::Mouth(Vec3::new(0.17, 0.09, -0.02 - 0.03 * (t / FRAMES))),
                    Vec3::new(-0.35, 0.85, -0.3),
                    Vec3::new(-1.0, 0.0, -0.2),
                    Hand::Relaxed,
                    Vec3::new(0.9, -0.8, 0.1),
                );
                (d.tilt, d.nod) = (0.08 * w, 0.05 * w);
            }
            Business::Glasses => {
                d.arms[1] = to(
                    Spot::Mouth(Vec3::new(0.075, 0.08, 0.075)),
                    Vec3::new(-0.6, 0.75, 0.0),
                    Vec3::new(-0.5, 0.0, -0.9),
                    Hand::Point,
                    Vec3::new(0.5, -1.0, 0.25),
                );
                d.nod = 0.05 * w;
            }
            Business::Heart => {
                d.arms[1] = to(
                    Spot::Chest(Vec3::new(0.0, 1.05, 0.2)),
                    Vec3::new(-0.9, 0.3, 0.1),
                    Vec3::new(-0.1, 0.0, -1.0),
                    Hand::Open,
                    Vec3::new(0.7, -1.0, -0.1),
                );
                (d.nod, d.lean) = (0.05 * w, 0.03 * w);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use klieg_film_words::story::{Culture, Occasion, Period};

    fn someone(i: u64) -> Habits {
        Habits::of(&Design::extra(Culture::Tamil, Period::Modern, Occasion::Wedding, i))
    }

    fn hands(d: &Doing) -> f32 {
        d.arms.iter().flatten().map(|r| r.weight).fold(0.0, f32::max)
    }

    #[test]
    fn everyone_finds_something_to_do_in_a_minute_and_rests_between() {
        for i in 0..40 {
            let habits = someone(i);
            let busy: Vec<f32> = (0..1440).map(|f| hands(&habits.doing(f as f32, i, 1.0))).collect();
            let share = busy.iter().filter(|w| **w > 0.3).count() as f32 / 1440.0;
            assert!((0.1..0.6).contains(&share), "{i}: busy {share} of the time with {:?}", habits.business);
            // Hands rise and fall; they are never somewhere else from one frame to the next.
            assert!(busy.windows(2).all(|w| (w[1] - w[0]).abs() < 0.3), "{i}");
        }
    }

    #[test]
    fn nothing_is_done_where_there_is_no_quiet() {
        for i in 0..40 {
            let habits = someone(i);
            assert!((0..400).all(|f| hands(&habits.doing(f as f32, i, 0.0)) == 0.0));
        }
    }

    #[test]
    fn habits_come_from_who_it_is() {
        assert_eq!(someone(3), someone(3));
        let stances: Vec<Stance> = (0..40).map(|i| someone(i).stance).collect();
        assert!([Stance::Hanging, Stance::Clasped].iter().all(|s| stances.contains(s)), "{stances:?}");
    }
}

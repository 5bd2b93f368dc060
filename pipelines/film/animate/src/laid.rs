//! How a held thing lies: cups stay level, cases hang, sticks reach for the ground, pages face whoever reads them.

use crate::ease::smooth;
use glam::{Affine3A, Mat3, Quat, Vec3};

/// The ways in which things lie in hands. Props are modelled upright: +Y up, +Z to the front.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Way {
    /// Upright, whatever the hand does.
    Level,
    /// From the hand down to the ground before the feet, as a walking stick of this length, metres.
    Ground(f32),
    /// Tipped forward by an angle in degrees: 90 lies along the way one faces, 180 hangs upside down.
    Tipped(f32),
    /// Its front to its holder, leaning back.
    Page,
}

/// Whether `name` has one of `words` in it: a chopstick is no stick.
pub fn named(name: &str, words: &[&str]) -> bool {
    let same = |part: &str| words.iter().any(|w| part == *w || part.strip_suffix('s') == Some(*w));
    name.split([' ', '-']).any(|part| same(&part.to_lowercase()))
}

/// Whether a thing reaches from the hand to the ground.
pub fn stands(name: &str) -> bool {
    named(name, &["umbrella", "parasol", "stick", "cane", "staff", "crook", "broom", "rake", "hoe", "shovel"])
}

fn way(name: &str) -> Way {
    let has = |words: &[&str]| named(name, words);
    if stands(name) {
        Way::Ground(if has(&["broom", "rake", "hoe", "shovel"]) { 0.93 } else { 0.86 })
    } else if has(&["sword", "katana", "sabre", "spear", "knife", "dagger", "blade"]) {
        Way::Tipped(128.0)
    } else if has(&["gun", "pistol", "revolver", "rifle", "weapon"]) {
        Way::Tipped(38.0)
    } else if has(&["book", "diary", "journal", "ledger", "newspaper", "magazine", "letter", "note", "photo", "picture", "map"])
        || has(&["clipboard", "chart", "file", "tablet", "scroll", "telegram", "paper", "phone", "ticket", "card", "envelope"])
    {
        Way::Page
    } else {
        Way::Level
    }
}

/// Where the prop `name` is, held in the right of `hands` (left, right) or between both when they are together, by someone who
/// faces `heading` (radians). `tip` tilts it forward, radians.
pub fn laid(name: &str, hands: [Affine3A; 2], heading: f32, tip: f32) -> Affine3A {
    let [left, right] = hands.map(|h| Vec3::from(h.translation));
    let turn = Quat::from_rotation_y(heading);
    let way = way(name);
    // Carried in both hands it is between them.
    let both = if matches!(way, Way::Ground(_) | Way::Tipped(_)) { 0.0 } else { smooth((0.36 - left.distance(right)) / 0.1) };
    let at = right.lerp((left + right) / 2.0, both * level(left, right));
    let lies = match way {
        Way::Level => Quat::from_rotation_x(tip),
        Way::Ground(long) => Quat::from_rotation_x(-(at.y / long).clamp(0.35, 1.0).acos()),
        Way::Tipped(degrees) => Quat::from_rotation_x(degrees.to_radians() + tip),
        Way::Page => Quat::from_rotation_y(std::f32::consts::PI) * Quat::from_rotation_x(-0.6),
    };
    Affine3A::from_mat3_translation(Mat3::from_quat(turn * lies), at)
}

/// Whether two hands are at one height, 0–1: one at the mouth and one at the belly carry nothing together.
fn level(left: Vec3, right: Vec3) -> f32 {
    smooth((0.16 - (left.y - right.y).abs()) / 0.08)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(name: &str, right: Vec3) -> Affine3A {
        let hand = |at: Vec3| Affine3A::from_rotation_translation(Quat::from_rotation_z(1.9), at);
        laid(name, [hand(right + Vec3::new(0.7, -0.1, 0.0)), hand(right)], 0.0, 0.0)
    }

    #[test]
    fn cups_are_level_and_sticks_reach_the_ground() {
        let up = |name| held(name, Vec3::new(-0.2, 0.7, 0.2)).transform_vector3(Vec3::Y);
        assert!(up("cup of tea").y > 0.999 && up("suitcase").y > 0.999 && up("chopsticks").y > 0.999);
        let tip = held("black umbrella", Vec3::new(-0.2, 0.7, 0.2)).transform_point3(Vec3::NEG_Y * 0.86);
        assert!(tip.y.abs() < 1e-3 && tip.z > 0.2, "{tip}");
        let point = held("sword", Vec3::new(-0.2, 0.8, 0.1)).transform_point3(Vec3::Y * 0.9);
        assert!(point.y > 0.0 && point.y < 0.4 && point.z > 0.4, "{point}");
        // A page is turned to the one who holds it.
        assert!(held("letter", Vec3::ONE).transform_vector3(Vec3::Z).z < -0.5);
    }

    #[test]
    fn a_tray_is_between_the_hands() {
        let hand = |x: f32| Affine3A::from_translation(Vec3::new(x, 0.95, 0.3));
        assert!(laid("tray", [hand(0.1), hand(-0.1)], 0.0, 0.0).translation.x.abs() < 1e-4);
        assert!(laid("umbrella", [hand(0.1), hand(-0.1)], 0.0, 0.0).translation.x < -0.09);
    }
}

//! What a place does to sound: the room around a voice, what feet stand on, how loud its air is.

use crate::effect::Surface;
use klieg_film_dsp::room::Room;
use klieg_film_words::story::{Place, Region, Scene, Weather};

/// The room's answer and how much of it is heard beside the dry sound, in decibels. Open air answers from far walls, faintly.
pub fn room(scene: &Scene) -> (Room, f32) {
    let room = |decay_seconds: f32, size_m: f32, brightness: f32| Room { decay_seconds, size_m, brightness };
    match (scene.place, scene.interior) {
        (Place::Temple, _) => (room(2.5, 18.0, 0.6), -15.0),
        (Place::Palace, _) => (room(1.9, 20.0, 0.55), -14.0),
        (Place::Station, _) => (room(2.0, 28.0, 0.5), -14.0),
        (Place::Spaceship, _) => (room(0.8, 6.0, 0.8), -13.0),
        (Place::Kitchen, _) => (room(0.3, 3.5, 0.7), -12.0),
        (Place::Car, _) => (room(0.12, 1.6, 0.4), -12.0),
        (Place::School | Place::Hospital, true) => (room(0.9, 8.0, 0.6), -13.0),
        (Place::Office | Place::Shop | Place::Cafe, true) => (room(0.5, 6.0, 0.5), -14.0),
        (Place::Bar, true) => (room(0.6, 7.0, 0.35), -14.0),
        (Place::TeaHouse | Place::Bedroom, true) => (room(0.3, 4.0, 0.35), -15.0),
        (_, true) => (room(0.45, 5.0, 0.5), -14.0),
        (Place::Courtyard, false) => (room(0.9, 14.0, 0.5), -17.0),
        (Place::Street | Place::Market, false) => (room(1.0, 22.0, 0.45), -20.0),
        (Place::Forest, false) => (room(1.1, 30.0, 0.25), -22.0),
        (Place::Mountain, false) => (room(1.8, 55.0, 0.4), -23.0),
        (_, false) => (room(0.5, 30.0, 0.3), -27.0),
    }
}

/// What feet stand on.
pub fn surface(scene: &Scene) -> Surface {
    let wet = matches!(scene.weather, Weather::Rain | Weather::Storm) && !scene.interior;
    match scene.place {
        _ if scene.weather == Weather::Snow && !scene.interior => Surface::Snow,
        Place::Spaceship => Surface::Metal,
        Place::Temple | Place::Palace | Place::Station | Place::Hospital => Surface::Stone,
        Place::Street | Place::Market if wet => Surface::Wet,
        Place::Street => Surface::Stone,
        Place::Market | Place::Village | Place::Courtyard => Surface::Earth,
        Place::TeaHouse => Surface::Mat,
        Place::House | Place::Bedroom if scene.culture.region() == Region::Japanese => Surface::Mat,
        Place::House | Place::Kitchen if matches!(scene.culture.region(), Region::SouthIndian | Region::NorthIndian) => {
            Surface::Stone
        }
        Place::Forest | Place::Field => Surface::Grass,
        Place::Garden if scene.culture.region() == Region::Japanese => Surface::Gravel,
        Place::Garden => Surface::Grass,
        Place::Beach | Place::Desert => Surface::Sand,
        Place::Mountain => Surface::Gravel,
        _ if scene.interior => Surface::Wood,
        _ => Surface::Earth,
    }
}

/// How loud the place's ambience is under a dialogue of −17 LUFS.
pub fn ambience_lufs(scene: &Scene) -> f32 {
    let weather = match scene.weather {
        _ if scene.interior => 0.0,
        Weather::Storm => 6.0,
        Weather::Rain => 4.0,
        Weather::Wind => 3.0,
        _ => 0.0,
    };
    let crowd = (scene.extras.min(40) as f32 / 8.0).min(4.0);
    let base = match scene.place {
        Place::Market | Place::Station => -33.0,
        Place::Street | Place::Bar | Place::Beach => -35.0,
        Place::Cafe | Place::Spaceship | Place::Car | Place::School => -36.0,
        Place::Temple | Place::Village | Place::Forest | Place::Courtyard | Place::Garden | Place::Field => -37.0,
        Place::Kitchen | Place::Shop | Place::Office | Place::Hospital | Place::Mountain | Place::Desert | Place::Palace => -40.0,
        Place::House | Place::Bedroom | Place::TeaHouse => -44.0,
    };
    base + weather + crowd
}

//! What a set builder is told of a scene.

use klieg_film_words::seed_of;
use klieg_film_words::story::{Culture, Mood, Occasion, Period, Place, Region, Scene, TimeOfDay, Weather};
use serde::{Deserialize, Serialize};

/// Everything a set depends on: the same brief gives the same set, byte for byte.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SetBrief {
    pub place: Place,
    pub place_name: String,
    pub interior: bool,
    pub time: TimeOfDay,
    pub weather: Weather,
    pub culture: Culture,
    pub period: Period,
    pub mood: Mood,
    pub occasion: Occasion,
    pub extras: u32,
    pub props: Vec<String>,
    pub seed: u64,
}

impl SetBrief {
    /// The seed is the place's, not the scene's: two scenes in one place share its walls.
    pub fn of(scene: &Scene) -> SetBrief {
        SetBrief {
            place: scene.place,
            place_name: scene.place_name.clone(),
            interior: scene.interior,
            time: scene.time,
            weather: scene.weather,
            culture: scene.culture,
            period: scene.period,
            mood: scene.mood,
            occasion: scene.occasion,
            extras: scene.extras,
            props: scene.props.iter().map(|p| p.name.clone()).collect(),
            seed: seed_of(&["set", scene.place.name(), &scene.place_name.to_lowercase(), scene.culture.name()]),
        }
    }

    pub fn region(&self) -> Region {
        self.culture.region()
    }
    /// Sun below the horizon: practical lamps carry the scene.
    pub fn dark(&self) -> bool {
        matches!(self.time, TimeOfDay::Night | TimeOfDay::Evening)
    }
    pub fn wet(&self) -> bool {
        matches!(self.weather, Weather::Rain | Weather::Storm)
    }
    /// The American 1940s of rain, brick and neon, told by its period.
    pub fn noir(&self) -> bool {
        self.period == Period::Noir
    }
    /// A day on which guests come.
    pub fn feast(&self) -> bool {
        matches!(self.occasion, Occasion::Wedding | Occasion::Ritual | Occasion::Festival)
    }
    /// Street lamps and signs burn: after sunset, and in the fog or rain of a dawn.
    pub fn lamps_lit(&self) -> bool {
        self.dark() || self.time == TimeOfDay::Dawn && !matches!(self.weather, Weather::Clear | Weather::Wind)
    }
    pub fn old_days(&self) -> bool {
        matches!(self.period, Period::Ancient | Period::Medieval | Period::Victorian)
    }
    pub fn indian(&self) -> bool {
        matches!(self.region(), Region::SouthIndian | Region::NorthIndian)
    }
    /// In-the-room archetypes are rooms even when a heading says EXT, and open land stays open.
    pub fn room(&self) -> bool {
        use Place::*;
        match self.place {
            Kitchen | Bedroom | Office | Bar | Hospital | Spaceship | TeaHouse => true,
            Forest | Garden | Field | Beach | Mountain | Desert | Village | Street => false,
            Cafe | Shop | School | House | Temple | Courtyard | Market | Station | Palace | Car => self.interior,
        }
    }
}

//! The places: one file a family, each a builder that dresses the set for a brief.

mod japan;
mod land;
mod noir;
mod parlour;
mod rooms;
mod ship;
mod temple;
mod town;

use crate::set::Builder;
use klieg_film_words::story::{Place, Region};

/// Builds the place that the brief asks for.
pub fn dress(b: &mut Builder<'_>) {
    use Place::*;
    let (place, room, region) = (b.brief.place, b.brief.room(), b.brief.region());
    match (place, room) {
        (Temple, true) => temple::hall(b),
        (Temple, false) => temple::forecourt(b),
        (Street, _) => noir::street(b),
        (Office, _) => noir::office(b),
        (Bar, _) => noir::bar(b),
        (TeaHouse, _) => japan::tea_house(b),
        (Garden, _) if matches!(region, Region::Japanese | Region::Chinese | Region::Korean) => japan::garden(b),
        (Garden, _) => land::garden(b),
        (Kitchen, _) => rooms::kitchen(b),
        (Bedroom, _) => rooms::bedroom(b),
        (House, true) => rooms::living(b),
        (House, false) => town::house_front(b),
        (Hospital, _) => rooms::ward(b),
        (School, true) => rooms::classroom(b),
        (Cafe, true) => parlour::cafe(b),
        (Shop, true) => parlour::shop(b),
        (Palace, true) => parlour::palace(b),
        (Station, true) => parlour::waiting_hall(b),
        (Courtyard, _) => town::courtyard(b),
        (Village, _) => town::village(b),
        (Market, _) => town::market(b),
        (Cafe | Shop | School | Palace | Station, false) => town::front(b),
        (Car, true) => ship::car_inside(b),
        (Car, false) => ship::roadside(b),
        (Spaceship, _) => ship::corridor(b),
        (Field, _) => land::field(b),
        (Forest, _) => land::forest(b),
        (Beach, _) => land::beach(b),
        (Mountain, _) => land::mountain(b),
        (Desert, _) => land::desert(b),
    }
}

//! How much room a set leaves for people and camera, without building it.

use crate::SetBrief;
use klieg_film_words::shot::{FloorPlan, Seat};
use klieg_film_words::story::{Place, Region};

/// Numbers of the playing area and camera space, metres.
struct Room {
    half_width: f32,
    back_z: f32,
    front_z: f32,
    camera_x: f32,
    camera_z: f32,
    camera_y: f32,
    hero: [f32; 3],
}

/// What direction needs to know of the set that [`crate::build`] would make of `brief`.
pub fn floor_plan(brief: &SetBrief) -> FloorPlan {
    let r = room(brief);
    FloorPlan {
        half_width: r.half_width,
        back_z: r.back_z,
        front_z: r.front_z,
        camera_x: r.camera_x,
        camera_z: r.camera_z,
        camera_y: r.camera_y,
        seats: seats(brief),
        entrances: vec![[-r.half_width, 0.0], [r.half_width, 0.0], [-r.half_width, r.back_z], [r.half_width, r.back_z]],
        hero: r.hero,
    }
}

fn room(brief: &SetBrief) -> Room {
    use Place::*;
    let wide = |hero| Room { half_width: 3.0, back_z: -1.5, front_z: 2.0, camera_x: 5.0, camera_z: 9.0, camera_y: 5.0, hero };
    let hall = |hero| Room { half_width: 2.8, back_z: -1.5, front_z: 2.0, camera_x: 3.4, camera_z: 7.5, camera_y: 2.9, hero };
    let small = |hero| Room { half_width: 2.4, back_z: -1.2, front_z: 1.8, camera_x: 2.8, camera_z: 6.0, camera_y: 2.5, hero };
    match (brief.place, brief.room()) {
        (Temple, true) => hall([0.0, 1.8, -9.0]),
        (Temple, false) => wide([0.0, 7.5, -15.0]),
        (Office, _) => Room { back_z: -0.55, ..small([0.0, 1.2, -1.6]) },
        (Bar, _) => Room { back_z: -0.75, ..small([0.0, 1.5, -2.4]) },
        (Hospital, _) => small([0.0, 1.4, -2.4]),
        (TeaHouse, _) => small([-1.6, 1.2, -2.2]),
        (Kitchen | Bedroom, _) | (House | Cafe | Shop, true) => small([0.0, 1.3, -2.4]),
        (School | Station | Courtyard | Market, true) => hall([0.0, 1.6, -4.0]),
        (Palace, true) => hall([0.0, 2.2, -8.0]),
        (Spaceship, _) => Room {
            half_width: 1.7,
            back_z: -1.5,
            front_z: 2.0,
            camera_x: 1.85,
            camera_z: 6.5,
            camera_y: 2.3,
            hero: [0.0, 1.5, -8.0],
        },
        (Car, true) => Room {
            half_width: 0.75,
            back_z: -0.5,
            front_z: 0.6,
            camera_x: 2.6,
            camera_z: 5.0,
            camera_y: 2.4,
            hero: [0.0, 1.0, 0.0],
        },
        (Car, false) => wide([0.0, 1.0, -3.2]),
        (Street, _) => Room { camera_x: 4.2, ..wide([0.0, 3.0, -16.0]) },
        (Garden, _) => wide([1.8, 1.6, -7.0]),
        (Mountain, _) => wide([0.0, 9.0, -40.0]),
        (House | Cafe | Shop | School | Station | Palace, false) => wide([0.0, 2.4, -6.0]),
        (Courtyard, false) => Room { camera_x: 4.0, camera_z: 7.0, ..wide([0.0, 1.8, -4.5]) },
        (Forest | Field | Beach | Desert | Village | Market, _) => wide([0.0, 2.0, -8.0]),
    }
}

/// Where one can sit; furniture for these stands inside the playing area on purpose.
pub(crate) fn seats(brief: &SetBrief) -> Vec<Seat> {
    use Place::*;
    let seat = |x, z, heading, height| Seat { x, z, heading, height };
    match (brief.place, brief.room()) {
        (TeaHouse, _) => vec![seat(-0.95, -0.5, 75.0, 0.0), seat(0.95, -0.5, -75.0, 0.0)],
        (Temple, true) => vec![seat(-0.9, -0.6, 40.0, 0.0), seat(0.9, -0.6, -40.0, 0.0)],
        (Office, _) => vec![seat(0.0, -1.75, 0.0, 0.48), seat(1.5, 0.2, -120.0, 0.46)],
        (Bar, _) => vec![seat(-1.3, -1.1, 30.0, 0.66), seat(-0.1, -1.1, -20.0, 0.66), seat(1.1, -1.1, -30.0, 0.66)],
        (Car, true) => vec![seat(-0.42, -0.1, 0.0, 0.5), seat(0.42, -0.1, 0.0, 0.5)],
        (Cafe, _) => vec![seat(-0.85, -0.4, 80.0, 0.46), seat(0.85, -0.4, -80.0, 0.46)],
        (Bedroom, _) => vec![seat(-1.0, -1.0, 25.0, 0.48), seat(1.7, -0.6, -40.0, 0.45)],
        (Hospital, _) => vec![seat(1.35, -0.7, -60.0, 0.45), seat(-0.55, -1.2, 20.0, 0.62)],
        (House, true) if brief.region() == Region::Japanese => vec![seat(-0.9, -0.4, 70.0, 0.0), seat(0.9, -0.4, -70.0, 0.0)],
        (House, true) => vec![seat(-0.9, -0.9, 20.0, 0.44), seat(0.5, -0.9, -15.0, 0.44), seat(2.0, -0.2, -60.0, 0.44)],
        (School, true) => vec![seat(-1.6, 0.9, 160.0, 0.44), seat(1.6, 0.9, -160.0, 0.44)],
        (Station | Garden, _) => vec![seat(-2.4, -0.9, 30.0, 0.45), seat(-1.8, -0.9, 30.0, 0.45)],
        (Courtyard | Village, _) => vec![seat(-2.3, -0.9, 35.0, 0.42), seat(-1.6, -1.0, 25.0, 0.42)],
        (Spaceship, _) => vec![seat(1.25, -0.9, -50.0, 0.46)],
        _ => Vec::new(),
    }
}

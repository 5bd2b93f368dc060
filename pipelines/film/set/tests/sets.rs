//! Every place in every region of the world, built and measured.

use klieg_film_set::{LIGHTS_MAX, Set, SetBrief, build, floor_plan};
use klieg_film_words::seed_of;
use klieg_film_words::story::{Culture, Mood, Occasion, Period, Place, TimeOfDay, Weather};
use klieg_kernels::scene::{Geometry, Light};

/// A camera's place before the stage.
const EYE: glam::Vec3 = glam::Vec3::new(0.0, 1.6, 5.0);

/// One culture a region.
const WORLD: [Culture; 10] = [
    Culture::Tamil,
    Culture::Punjabi,
    Culture::Chinese,
    Culture::Japanese,
    Culture::Korean,
    Culture::American,
    Culture::MiddleEastern,
    Culture::African,
    Culture::Fantasy,
    Culture::ScienceFiction,
];

fn brief(place: Place, culture: Culture, interior: bool, time: TimeOfDay) -> SetBrief {
    SetBrief {
        place,
        place_name: place.name().to_uppercase(),
        interior,
        time,
        weather: if time == TimeOfDay::Night { Weather::Rain } else { Weather::Clear },
        culture,
        period: if culture == Culture::American && time == TimeOfDay::Night { Period::Noir } else { Period::Modern },
        mood: Mood::Neutral,
        occasion: if culture == Culture::Tamil { Occasion::Wedding } else { Occasion::Everyday },
        extras: 8,
        props: Vec::new(),
        seed: seed_of(&[place.name(), culture.name()]),
    }
}

/// Every place, in and out, by day and by night, in all regions.
fn everywhere() -> impl Iterator<Item = SetBrief> {
    Place::ALL.iter().flat_map(|&place| {
        WORLD.iter().enumerate().flat_map(move |(i, &culture)| {
            let time = if i % 2 == 0 { TimeOfDay::Day } else { TimeOfDay::Night };
            [true, false].map(move |interior| brief(place, culture, interior, time))
        })
    })
}

fn named(b: &SetBrief) -> String {
    format!("{} {} {} interior={}", b.place.name(), b.culture.name(), b.time.name(), b.interior)
}

fn sound(g: &Geometry, what: &str) {
    let n = g.positions.len();
    assert!(g.normals.len() == n && g.coords.len() == n && g.tints.len() == n, "{what}: one of each a vertex");
    assert_eq!(g.triangles.len(), g.material_of.len(), "{what}");
    let finite = |list: &[[f32; 3]]| list.iter().flatten().all(|c| c.is_finite());
    assert!(finite(&g.positions) && finite(&g.normals) && finite(&g.coords) && finite(&g.tints), "{what}: finite");
    assert!(g.triangles.iter().flatten().all(|i| (*i as usize) < n), "{what}: indices");
    assert!(g.material_of.iter().all(|m| (*m as usize) < g.materials.len()), "{what}: materials");
    let dull = g.materials.iter().all(|m| m.base.iter().all(|c| (0.0..=0.95).contains(c)));
    assert!(dull, "{what}: albedo within reach");
}

fn lit(set: &Set, what: &str) {
    let lights = set.lights(0.7);
    assert!((2..=LIGHTS_MAX).contains(&lights.len()), "{what}: {} lights", lights.len());
    for light in lights {
        let e = match light {
            Light::Sun { irradiance, .. } => irradiance,
            Light::Ball { intensity, .. } | Light::Panel { intensity, .. } | Light::Spot { intensity, .. } => intensity,
        };
        assert!(e.iter().all(|c| c.is_finite() && *c >= 0.0) && e.iter().sum::<f32>() > 0.0, "{what}: {light:?}");
    }
    for c in [set.rig.key, set.rig.fill, set.rig.rim] {
        assert!(c.iter().all(|c| *c > 0.0 && *c < 8.0), "{what}: {:?}", set.rig);
    }
}

/// Corners and middles of triangles that stand in people's way.
fn in_the_way(b: &SetBrief, g: &Geometry) -> Vec<[f32; 3]> {
    let plan = floor_plan(b);
    let near_seat = |x: f32, z: f32| plan.seats.iter().any(|s| (s.x - x).hypot(s.z - z) < 1.15);
    let hit = |q: &[f32; 3]| {
        q[0].abs() < plan.half_width - 0.05
            && q[2] > plan.back_z + 0.05
            && q[2] < plan.front_z - 0.05
            && q[1] > 0.06
            && q[1] < 2.2
            && !near_seat(q[0], q[2])
    };
    let corner = |i: u32| g.positions[i as usize];
    let points = g.triangles.iter().flat_map(|t| {
        let [a, b, c] = t.map(corner);
        [a, b, c, std::array::from_fn(|k| (a[k] + b[k] + c[k]) / 3.0)]
    });
    points.filter(hit).collect()
}

/// The share of the camera's space that has something in it, in cells of half a metre between 0.6 and 2.1 m.
fn camera_space_taken(b: &SetBrief, g: &Geometry) -> f32 {
    let plan = floor_plan(b);
    let (nx, nz) = ((plan.camera_x * 4.0) as usize, ((plan.camera_z - plan.front_z) * 2.0) as usize);
    let mut taken = vec![false; nx * nz];
    for q in &g.positions {
        let (i, j) = (((q[0] + plan.camera_x) * 2.0).floor(), ((q[2] - plan.front_z) * 2.0).floor());
        if q[1] > 0.6 && q[1] < 2.1 && i >= 0.0 && j >= 0.0 && (i as usize) < nx && (j as usize) < nz {
            taken[j as usize * nx + i as usize] = true;
        }
    }
    taken.iter().filter(|t| **t).count() as f32 / taken.len() as f32
}

/// What is wrong with a set, if anything.
fn complaints(b: &SetBrief) -> Vec<String> {
    let what = named(b);
    let set = build(b);
    sound(&set.solid, &what);
    lit(&set, &what);
    let (then, now) = (set.life(0.5, EYE), set.life(1.9, EYE));
    sound(&then, &what);
    let (still, alive) = (set.solid.triangles.len(), then.triangles.len());
    let (blocked, taken) = (in_the_way(b, &set.solid), camera_space_taken(b, &set.solid));
    let rules = [
        ((1500..=250_000).contains(&still), format!("{still} triangles")),
        ((1..=20_000).contains(&alive), format!("{alive} triangles alive")),
        (set.spots.len() <= 14, format!("{} spots", set.spots.len())),
        (blocked.is_empty(), format!("{} points where people play, as {:?}", blocked.len(), blocked.first())),
        (taken < 0.16, format!("{taken} of the camera's space is taken")),
        (then != now, "nothing moves".to_owned()),
        (then == set.life(0.5, EYE), "life depends on more than the moment".to_owned()),
    ];
    rules.into_iter().filter(|(holds, _)| !holds).map(|(_, why)| format!("{what}: {why}")).collect()
}

#[test]
fn every_place_stands_in_every_region_within_its_budget() {
    let wrong: Vec<String> = everywhere().flat_map(|b| complaints(&b)).collect();
    assert!(
        wrong.is_empty(),
        "{}",
        wrong.join(
            "
"
        )
    );
}

#[test]
fn the_same_brief_gives_the_same_bytes_and_another_seed_another_set() {
    for place in [Place::Temple, Place::Street, Place::Garden, Place::Kitchen] {
        let b = brief(place, Culture::Tamil, false, TimeOfDay::Dusk);
        let (one, two) = (build(&b), build(&b));
        assert!(one.solid == two.solid && one.spots == two.spots && one.lights(0.3) == two.lights(0.3), "{}", place.name());
        let other = build(&SetBrief { seed: b.seed ^ 99, ..b });
        assert!(other.solid != one.solid, "{}", place.name());
    }
}

#[test]
fn background_figures_stay_out_of_the_playing_area() {
    for b in everywhere() {
        let plan = floor_plan(&b);
        for s in build(&b).spots {
            let inside = s.x.abs() < plan.half_width && s.z > plan.back_z && s.z < plan.front_z;
            assert!(!inside, "{}: {s:?}", named(&b));
        }
    }
}

#[test]
fn people_can_walk_where_the_plan_says() {
    for b in everywhere() {
        let plan = floor_plan(&b);
        assert!(plan.half_width <= plan.camera_x && plan.front_z < plan.camera_z, "{}", named(&b));
        assert!(plan.seats.iter().all(|s| s.x.abs() <= plan.camera_x && s.height < 0.8), "{}", named(&b));
    }
}

//! The tracer against light's closed forms: energy in a closed box, and the profile of a soft shadow's edge.

use std::f64::consts::PI;

use glam::{DVec3, dvec3};
use klieg_kernels::scene::{Camera, Fog, Geometry, Light, Material, Sky};
use klieg_kernels::{Build, Cpu, Settings, Stage};

const BLACK: Sky = Sky { zenith: [0.0; 3], horizon: [0.0; 3], ground: [0.0; 3], sun_glow: 0.0, clouds: 0.0, stars: 0.0, fill: 1.0 };
const CLEAR: Fog = Fog { density: 0.0, color: [0.0; 3], height: 1.0 };

/// Rough surfaces send more light back where it came from (Oren and Nayar 1994); those that light wraps around, be it by a
/// millionth, are Lambert's, which is what closed forms are about.
fn diffuse(base: [f32; 3]) -> Material {
    Material { base, variation: 0.0, roughness: 1.0, wrap: 1e-6, ..Material::default() }
}

fn quad(g: &mut Geometry, material: u16, corners: [[f32; 3]; 4], normal: [f32; 3]) {
    let [a, b, c, d] = corners.map(|p| g.vertex(p, normal, p, [1.0; 3]));
    g.triangle(a, b, c, material);
    g.triangle(a, c, d, material);
}

/// The six walls of a box from −1 to 1, seen from within: axis, side, and a material for each.
fn closed_box(material: impl Fn(usize) -> Material) -> Geometry {
    let mut g = Geometry::default();
    for wall in 0..6 {
        let (axis, side) = (wall / 2, if wall % 2 == 0 { -1.0 } else { 1.0 });
        let corner = |u: f32, v: f32| {
            let mut p = [side; 3];
            (p[(axis + 1) % 3], p[(axis + 2) % 3]) = (u, v);
            p
        };
        let mut normal = [0.0; 3];
        normal[axis] = -side;
        let m = g.material(material(wall));
        quad(&mut g, m, [corner(-1.0, -1.0), corner(1.0, -1.0), corner(1.0, 1.0), corner(-1.0, 1.0)], normal);
    }
    g
}

/// Mean radiance of each wall. A lens of half the film's width sees, from the middle, exactly one wall, and all of it evenly.
fn of_walls(walls: &Geometry, lights: &[Light], side: u32) -> [[f64; 3]; 6] {
    let cpu = Cpu::new(2);
    let solid = cpu.solid(walls, Build::Best).unwrap();
    std::array::from_fn(|wall| {
        let mut look_at = [0.0; 3];
        look_at[wall / 2] = if wall % 2 == 0 { -1.0 } else { 1.0 };
        // Nothing looks along its own up, so the camera rolls about the others by looking a hair aside.
        look_at[if wall / 2 == 1 { 2 } else { 0 }] += 1e-4;
        let camera =
            Camera { position: [0.0; 3], look_at, roll_degrees: 0.0, lens_mm: 18.0, focus_m: 1.0, aperture_m: 0.0, near_m: 0.0 };
        let settings = Settings { width: side, height: side, samples: 64, bounces: 8, seed: 5 };
        let layers = cpu.trace(&Stage { solids: &[&solid], lights, sky: &BLACK, fog: &CLEAR, camera: &camera }, &settings).unwrap();
        std::array::from_fn(|c| layers.color.iter().map(|l| f64::from(l[c])).sum::<f64>() / layers.color.len() as f64)
    })
}

/// A furnace: walls that glow with 0.5 and reflect a share have 0.5 / (1 − share) everywhere.
#[test]
fn a_closed_furnace_glows_by_the_geometric_series() {
    let glow = |wall| Material { emission: [0.5; 3], ..diffuse([[0.1, 0.2, 0.3]; 6][wall]) };
    for wall in of_walls(&closed_box(glow), &[], 12) {
        for (found, share) in wall.into_iter().zip([0.1, 0.2, 0.3]) {
            let wanted = 0.5 / (1.0 - share);
            assert!((found / wanted - 1.0).abs() < 0.02, "{found} where {wanted} is due");
        }
    }
}

/// A Cornell box with its sixth wall: what its walls take in is what its lamp gives.
#[test]
fn a_cornell_box_takes_in_what_its_lamp_gives() {
    let (white, red, green) = ([0.5f32; 3], [0.5, 0.05, 0.05], [0.1, 0.4, 0.1]);
    let colors = [red, green, white, white, white, white];
    let lamp = Light::Ball { position: [0.1, 0.4, -0.1], radius: 0.15, intensity: [1.0; 3] };
    let walls = of_walls(&closed_box(|wall| diffuse(colors[wall])), &[lamp], 24);
    // Black walls show what is only mirrored on the way to the eye; the rest is what walls scatter.
    let mirrored = of_walls(&closed_box(|_| diffuse([0.0; 3])), &[lamp], 24);
    for c in 0..3 {
        // A wall of 4 m² that scatters ρ · E / π takes in (1 − ρ) · E on each.
        let taken = |wall: usize| {
            let share = f64::from(colors[wall][c]);
            4.0 * PI * (walls[wall][c] - mirrored[wall][c]) * (1.0 - share) / share
        };
        let (taken, given): (f64, f64) = ((0..6).map(taken).sum(), 4.0 * PI);
        println!("colour {c}: {taken:.3} of {given:.3} W");
        assert!((taken / given - 1.0).abs() < 0.03, "colour {c}: {taken} of {given}");
    }
    // The coloured walls colour their neighbours.
    assert!(walls[2][0] > walls[2][1] * 1.02 && walls[2][1] > walls[2][2] * 1.005, "{:?}", walls[2]);
}

/// The radiance of a floor at (x, 0, 0), below a wide screen at a height of 1 m that ends at x = 0, and without the screen.
fn floor_at(light: Light, x: f32) -> (f64, f64) {
    let of = |screen: bool| {
        let mut g = Geometry::default();
        let m = g.material(diffuse([0.5; 3]));
        quad(&mut g, m, [[-9.0, 0.0, -9.0], [9.0, 0.0, -9.0], [9.0, 0.0, 9.0], [-9.0, 0.0, 9.0]], [0.0, 1.0, 0.0]);
        let dark = g.material(diffuse([0.001; 3]));
        if screen {
            quad(&mut g, dark, [[-9.0, 1.0, -9.0], [0.0, 1.0, -9.0], [0.0, 1.0, 9.0], [-9.0, 1.0, 9.0]], [0.0, 1.0, 0.0]);
        }
        let cpu = Cpu::new(2);
        let solid = cpu.solid(&g, Build::Best).unwrap();
        let camera = Camera {
            position: [x, 0.5, 5.0],
            look_at: [x, 0.0, 0.0],
            roll_degrees: 0.0,
            lens_mm: 20_000.0,
            focus_m: 2.0,
            aperture_m: 0.0,
            near_m: 0.0,
        };
        let settings = Settings { width: 4, height: 4, samples: 1024, bounces: 0, seed: 9 };
        let layers = cpu
            .trace(&Stage { solids: &[&solid], lights: &[light], sky: &BLACK, fog: &CLEAR, camera: &camera }, &settings)
            .unwrap();
        layers.color.iter().map(|c| f64::from(c[1])).sum::<f64>()
    };
    (of(true), of(false))
}

/// A ball seen past an edge is a disc cut by a chord: the share of the disc on one side of it.
#[test]
fn the_penumbra_of_a_ball_is_the_segment_of_a_disc() {
    let (radius, height) = (0.15f64, 2.0f64);
    let light = Light::Ball { position: [0.0, height as f32, 0.0], radius: radius as f32, intensity: [5.0; 3] };
    let mut worst = 0.0f64;
    for step in -9..=9 {
        let x = f64::from(step) * 0.019;
        // The plane of the point and the edge passes the ball's middle at `off`; both as tangents of their angles.
        let distance = x.hypot(height);
        let off = x * (height - 1.0) / x.hypot(1.0);
        let tangent = |size: f64| size / (distance * distance - size * size).sqrt();
        let u = (tangent(off) / tangent(radius)).clamp(-1.0, 1.0);
        let wanted = 0.5 + (u * (1.0 - u * u).sqrt() + u.asin()) / PI;
        let (found, open) = floor_at(light, x as f32);
        worst = worst.max((found / open - wanted).abs());
    }
    println!("ball: {worst:.4} of the open light at most");
    assert!(worst < 0.015, "{worst}");
}

/// The irradiance that a polygon of radiance 1 gives to a floor at `p` (Lambert 1760): half the sum of its edges' angles times the
/// cosines of their planes' normals.
fn lambert(polygon: &[DVec3], p: DVec3) -> f64 {
    let edges = polygon.iter().zip(polygon.iter().cycle().skip(1));
    let of = |(a, b): (&DVec3, &DVec3)| {
        let (a, b) = ((*a - p).normalize(), (*b - p).normalize());
        a.dot(b).clamp(-1.0, 1.0).acos() * a.cross(b).normalize_or_zero().y
    };
    (edges.map(of).sum::<f64>() / 2.0).abs()
}

#[test]
fn the_penumbra_of_a_panel_is_lamberts_formula_for_what_is_left_of_it() {
    let (half_x, half_z, height) = (0.3f64, 0.2f64, 2.0f64);
    let light = Light::Panel {
        position: [0.0, height as f32, 0.0],
        u: [half_x as f32, 0.0, 0.0],
        v: [0.0, 0.0, half_z as f32],
        intensity: [5.0; 3],
    };
    let mut worst = 0.0f64;
    for step in -9..=9 {
        let x = f64::from(step) * 0.038;
        // A point of the panel is seen where its ray passes the screen's height right of the edge.
        let from = (-x * (height - 1.0)).clamp(-half_x, half_x);
        let corners = |from: f64| {
            [
                dvec3(from, height, -half_z),
                dvec3(half_x, height, -half_z),
                dvec3(half_x, height, half_z),
                dvec3(from, height, half_z),
            ]
        };
        let p = dvec3(x, 0.0, 0.0);
        let wanted = lambert(&corners(from), p) / lambert(&corners(-half_x), p);
        let (found, open) = floor_at(light, x as f32);
        worst = worst.max((found / open - wanted).abs());
    }
    println!("panel: {worst:.4} of the open light at most");
    assert!(worst < 0.015, "{worst}");
}

//! Puppets, pillars and lamps in front of a wall: what the demo shows and the benchmark measures.

use std::f32::consts::PI;

use glam::{Affine3A, Vec3, vec3};
use klieg_kernels::scene::{Camera, Fog, Geometry, Light, Material, Pattern, Sky, srgb};
use klieg_kernels::{Solid, Stage};

pub struct World {
    lights: Vec<Light>,
    sky: Sky,
    fog: Fog,
    pub camera: Camera,
}

impl World {
    pub fn new() -> Self {
        let camera = Camera {
            position: [0.3, 1.5, 5.2],
            look_at: [0.0, 1.05, 0.0],
            roll_degrees: 0.0,
            lens_mm: 40.0,
            focus_m: 5.0,
            aperture_m: 0.06,
            near_m: 0.05,
        };
        let fog = Fog { density: 0.02, color: [0.30, 0.26, 0.24], height: 4.0 };
        Self { lights: lights(), sky: Sky { fill: 0.35, ..Sky::default() }, fog, camera }
    }

    pub fn stage<'a>(&'a self, solids: &'a [&'a Solid]) -> Stage<'a> {
        Stage { solids, lights: &self.lights, sky: &self.sky, fog: &self.fog, camera: &self.camera }
    }
}

fn lights() -> Vec<Light> {
    let mut lights = vec![
        Light::Sun { direction: [0.75, 0.65, 0.55], irradiance: [3.0, 2.5, 1.9], diameter_degrees: 2.0 },
        Light::Panel { position: [-2.6, 2.8, 2.6], u: [0.5, 0.0, 0.5], v: [0.15, 0.4, -0.15], intensity: [3.0, 3.4, 4.2] },
        Light::Spot {
            position: [0.0, 3.9, 0.5],
            direction: [0.0, -1.0, -0.25],
            radius: 0.06,
            inner_degrees: 18.0,
            outer_degrees: 32.0,
            intensity: [9.0, 7.5, 5.5],
        },
    ];
    for i in 0..6 {
        let x = -2.5 + i as f32;
        lights.push(Light::Ball { position: [x, 2.6, -1.7], radius: 0.06, intensity: [1.3, 0.8, 0.35] });
    }
    lights
}

fn felt(hex: &str) -> Material {
    Material { base: srgb(hex), pattern: Pattern::Felt, scale: 12.0, sheen: 0.4, roughness: 0.95, bump: 0.6, ..Material::default() }
}

pub fn set(detail: u32) -> Geometry {
    let mut g = Geometry::default();
    let floor = g.material(Material {
        base: srgb("A8835C"),
        second: srgb("6E5138"),
        pattern: Pattern::Flagstone,
        scale: 1.6,
        roughness: 0.55,
        bump: 0.6,
        ..Material::default()
    });
    let wall = g.material(Material {
        base: srgb("C9B79B"),
        second: srgb("A58E72"),
        pattern: Pattern::Plaster,
        bump: 0.4,
        ..Material::default()
    });
    let brick = g.material(Material {
        base: srgb("9C4A32"),
        second: srgb("B7A690"),
        pattern: Pattern::Brick,
        scale: 4.0,
        bump: 0.7,
        ..Material::default()
    });
    let lamp = g.material(Material { base: [0.8, 0.6, 0.3], emission: [9.0, 6.0, 2.8], ..Material::default() });
    let gold = g.material(Material { base: srgb("C9A227"), metallic: 1.0, roughness: 0.25, ..Material::default() });
    let wood = g.material(Material {
        base: srgb("8A5A34"),
        second: srgb("55331C"),
        pattern: Pattern::Wood,
        scale: 4.0,
        roughness: 0.45,
        coat: 0.3,
        bump: 0.5,
        ..Material::default()
    });
    quad(&mut g, vec3(-6.0, 0.0, -6.0), vec3(12.0, 0.0, 0.0), vec3(0.0, 0.0, 12.0), floor);
    quad(&mut g, vec3(-4.0, 0.0, -2.2), vec3(5.5, 0.0, 0.0), vec3(0.0, 4.5, 0.0), wall);
    quad(&mut g, vec3(-4.0, 0.0, -2.2), vec3(0.0, 0.0, 5.0), vec3(0.0, 4.5, 0.0), brick);
    for i in 0..6 {
        let x = -2.5 + i as f32;
        ball(&mut g, detail / 4, lamp, Affine3A::from_translation(vec3(x, 2.6, -1.7)) * Affine3A::from_scale(Vec3::splat(0.06)));
        ball(&mut g, detail, gold, Affine3A::from_translation(vec3(x, 0.12, -1.9)) * Affine3A::from_scale(Vec3::splat(0.12)));
        ball(
            &mut g,
            detail,
            wood,
            Affine3A::from_translation(vec3(x + 0.4, 1.4, -2.0)) * Affine3A::from_scale(vec3(0.12, 1.5, 0.12)),
        );
    }
    g
}

pub fn cast(detail: u32) -> Geometry {
    let mut g = Geometry::default();
    for (i, (cloth, skin)) in [("B3124A", "8D5A3B"), ("2B4C7E", "C58C64"), ("3E7A4E", "5B3A29")].into_iter().enumerate() {
        puppet(&mut g, detail, vec3(-1.3 + 1.3 * i as f32, 0.0, 0.25 * i as f32), cloth, skin);
    }
    let glass = g.material(Material { base: [0.9, 0.95, 0.92], glass: 1.0, roughness: 0.05, ..Material::default() });
    ball(&mut g, detail, glass, Affine3A::from_translation(vec3(0.55, 0.3, 1.2)) * Affine3A::from_scale(Vec3::splat(0.22)));
    let lacquer = g.material(Material { base: srgb("A01818"), coat: 1.0, roughness: 0.4, ..Material::default() });
    ball(&mut g, detail, lacquer, Affine3A::from_translation(vec3(-0.6, 0.2, 1.3)) * Affine3A::from_scale(Vec3::splat(0.2)));
    g
}

fn puppet(g: &mut Geometry, detail: u32, at: Vec3, cloth: &str, skin: &str) {
    let second = srgb("D9B24A");
    let silk = g.material(Material {
        base: srgb(cloth),
        second,
        pattern: Pattern::SilkButi,
        scale: 5.0,
        sheen: 0.6,
        roughness: 0.45,
        ..Material::default()
    });
    let wool = g.material(felt(cloth));
    let skin = g.material(Material {
        base: srgb(skin),
        wrap: 1.0,
        roughness: 0.55,
        pattern: Pattern::Clay,
        scale: 6.0,
        bump: 0.15,
        ..Material::default()
    });
    let white = g.material(Material { base: [0.75, 0.73, 0.7], coat: 1.0, roughness: 0.3, variation: 0.0, ..Material::default() });
    let iris = g.material(Material { base: [0.02, 0.015, 0.01], coat: 1.0, roughness: 0.2, variation: 0.0, ..Material::default() });
    let hair = g.material(Material {
        base: srgb("2A1B14"),
        second: srgb("5A3A28"),
        pattern: Pattern::Strands,
        scale: 4.0,
        roughness: 0.5,
        sheen: 0.3,
        bump: 0.8,
        ..Material::default()
    });
    let mut part = |x: f32, y: f32, z: f32, sx: f32, sy: f32, sz: f32, material: u16, detail: u32| {
        ball(g, detail, material, Affine3A::from_translation(at + vec3(x, y, z)) * Affine3A::from_scale(vec3(sx, sy, sz)));
    };
    part(0.0, 0.55, 0.0, 0.34, 0.55, 0.28, silk, detail * 2);
    part(0.0, 1.05, 0.0, 0.24, 0.30, 0.2, wool, detail);
    part(0.0, 1.55, 0.02, 0.23, 0.26, 0.22, skin, detail * 2);
    part(0.0, 1.62, -0.05, 0.25, 0.26, 0.23, hair, detail);
    part(0.0, 1.52, 0.235, 0.035, 0.04, 0.045, skin, detail);
    for side in [-1.0, 1.0] {
        part(side * 0.085, 1.58, 0.20, 0.05, 0.058, 0.04, white, detail);
        part(side * 0.083, 1.58, 0.232, 0.024, 0.028, 0.014, iris, detail);
        part(side * 0.33, 0.95, 0.05, 0.08, 0.32, 0.08, wool, detail);
        part(side * 0.36, 0.62, 0.10, 0.075, 0.085, 0.07, skin, detail);
    }
}

fn quad(g: &mut Geometry, at: Vec3, u: Vec3, v: Vec3, material: u16) {
    let normal = u.cross(v).normalize().to_array();
    let corners = [at, at + u, at + u + v, at + v].map(|p| g.vertex(p.to_array(), normal, p.to_array(), [1.0; 3]));
    g.triangle(corners[0], corners[1], corners[2], material);
    g.triangle(corners[0], corners[2], corners[3], material);
}

pub fn ball(g: &mut Geometry, detail: u32, material: u16, place: Affine3A) {
    let mut unit = Geometry::default();
    let m = unit.material(g.materials[material as usize]);
    let size = place.transform_vector3(Vec3::ONE);
    for i in 0..=detail {
        for j in 0..=detail * 2 {
            let (theta, phi) = (PI * i as f32 / detail as f32, PI * j as f32 / detail as f32);
            let p = vec3(theta.sin() * phi.cos(), theta.cos(), theta.sin() * phi.sin());
            unit.vertex(p.to_array(), p.to_array(), (p * size).to_array(), [1.0; 3]);
        }
    }
    let row = detail * 2 + 1;
    for i in 0..detail {
        for j in 0..detail * 2 {
            let a = i * row + j;
            unit.triangle(a, a + 1, a + row, m);
            unit.triangle(a + 1, a + row + 1, a + row, m);
        }
    }
    g.append(&unit, place);
}

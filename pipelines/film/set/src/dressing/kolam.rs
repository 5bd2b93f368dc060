//! A kolam: what is drawn on the ground before a house or a shrine with rice flour, petals around a middle, a band of red
//! ochre, a scalloped rim and dots.

use crate::kit::{Model, p};
use crate::stuff::paint;
use glam::Vec3;
use std::f32::consts::{PI, TAU};

/// A kolam on the ground about `centre`, `radius` metres.
pub fn draw_kolam(m: &mut Model, centre: Vec3, radius: f32) {
    let on = |r: f32, a: f32, y: f32| centre + p(a.sin() * r * radius, y, a.cos() * r * radius);
    let line = (0.016 * radius).max(0.011);
    let ochre: Vec<[Vec3; 2]> = (0..=64).map(|i| i as f32 / 64.0 * TAU).map(|a| [0.735, 0.8].map(|r| on(r, a, 0.0))).collect();
    m.strip(&paint("#A2402C"), &ochre);
    let flour = paint("#F1ECDF");
    let mut draw = |from: f32, to: f32, steps: u32, point: &dyn Fn(f32) -> (f32, f32)| {
        let at = |t: f32| {
            let (r, a) = point(t);
            on(r, a, 0.003)
        };
        let path: Vec<Vec3> = (0..=steps).map(|i| at(from + (to - from) * i as f32 / steps as f32)).collect();
        m.stroke(&flour, &path, line);
    };
    for ring in [0.06, 0.735, 0.8] {
        draw(0.0, TAU, 64, &|t| (ring, t));
    }
    // Petals, from `inner` to `outer`, opening to `wide` radians: the far ones stand between the near ones.
    for (count, shift, inner, outer, wide) in [(8, 0.0, 0.1, 0.42, 0.3), (8, 0.5, 0.24, 0.72, 0.27), (16, 0.0, 0.5, 0.72, 0.11)] {
        for k in 0..count {
            let a = (k as f32 + shift) / count as f32 * TAU;
            draw(0.0, TAU, 24, &|t| (inner + (outer - inner) * (0.5 - 0.5 * t.cos()), a + wide * t.sin() * (0.6 + 0.4 * t.cos())));
        }
    }
    for k in 0..16 {
        let a = k as f32 / 16.0 * TAU;
        draw(0.0, PI, 10, &|t| (0.8 + 0.17 * t.sin(), a + (t / PI - 0.5) * TAU / 16.0));
    }
    for (count, shift, r) in [(8, 0.5, 0.33), (16, 0.0, 0.88), (16, 0.5, 0.985)] {
        for k in 0..count {
            m.dot(&flour, on(r, (k as f32 + shift) / count as f32 * TAU, 0.003), line * 1.1);
        }
    }
}

impl Model {
    /// A band on the ground between pairs of points.
    fn strip(&mut self, material: &klieg_kernels::scene::Material, pairs: &[[Vec3; 2]]) {
        let id = self.material(material);
        let rims: Vec<[u32; 2]> = pairs.iter().map(|pair| pair.map(|q| self.vertex(q, Vec3::Y, q.to_array()))).collect();
        for w in rims.windows(2) {
            self.geometry.triangle(w[0][0], w[1][0], w[1][1], id);
            self.geometry.triangle(w[0][0], w[1][1], w[0][1], id);
        }
    }
    /// A line on the ground, `wide` metres across.
    fn stroke(&mut self, material: &klieg_kernels::scene::Material, path: &[Vec3], wide: f32) {
        let along = |i: usize| path[(i + 1).min(path.len() - 1)] - path[i.saturating_sub(1)];
        let across = |i: usize| along(i).cross(Vec3::Y).normalize_or(Vec3::X) * wide * 0.5;
        let pairs: Vec<[Vec3; 2]> = path.iter().enumerate().map(|(i, q)| [*q - across(i), *q + across(i)]).collect();
        self.strip(material, &pairs);
    }
    /// A dot on the ground.
    fn dot(&mut self, material: &klieg_kernels::scene::Material, centre: Vec3, radius: f32) {
        let rim = |k: u32| {
            let a = k as f32 / 8.0 * TAU;
            centre + p(a.sin(), 0.0, a.cos()) * radius
        };
        let pairs: Vec<[Vec3; 2]> = (0..=8).map(|k| [centre, rim(k)]).collect();
        self.strip(material, &pairs);
    }
}

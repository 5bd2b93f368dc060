//! Rooms: a floor, a ceiling and four walls with openings, all outside the camera's space.

use crate::kit::{Model, at, at_turned, p};
use crate::set::Builder;
use crate::stuff;
use crate::{floor_plan, light};
use glam::Vec3;
use klieg_kernels::scene::Material;

/// A hole in a wall: left, right, bottom, top in the wall's own frame (x from its centre).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hole {
    pub x0: f32,
    pub x1: f32,
    pub y0: f32,
    pub y1: f32,
}

pub fn hole(x: f32, wide: f32, y0: f32, y1: f32) -> Hole {
    Hole { x0: x - wide * 0.5, x1: x + wide * 0.5, y0, y1 }
}

/// A wall in the plane z = 0, facing +z, from y = 0 up; holes ordered by x and apart.
pub fn wall(m: &mut Model, material: &Material, wide: f32, tall: f32, thick: f32, holes: &[Hole]) {
    let mut piece = |x0: f32, x1: f32, y0: f32, y1: f32| {
        if x1 - x0 > 0.01 && y1 - y0 > 0.01 {
            m.block(material, p((x0 + x1) * 0.5, (y0 + y1) * 0.5, -thick * 0.5), p(x1 - x0, y1 - y0, thick), 0.0);
        }
    };
    let mut x = -wide * 0.5;
    for h in holes {
        piece(x, h.x0, 0.0, tall);
        piece(h.x0, h.x1, 0.0, h.y0);
        piece(h.x0, h.x1, h.y1, tall);
        x = h.x1;
    }
    piece(x, wide * 0.5, 0.0, tall);
}

/// A band along a wall's face (skirting, dado, picture rail) that leaves doors free.
pub fn band(m: &mut Model, material: &Material, wide: f32, y0: f32, y1: f32, out: f32, holes: &[Hole]) {
    let mut x = -wide * 0.5;
    let mut piece = |a: f32, b: f32| {
        if b - a > 0.02 {
            m.block(material, p((a + b) * 0.5, (y0 + y1) * 0.5, out * 0.5), p(b - a, y1 - y0, out), (out * 0.3).min(0.012));
        }
    };
    for h in holes.iter().filter(|h| h.y0 < y1 && h.y1 > y0) {
        piece(x, h.x0);
        x = h.x1;
    }
    piece(x, wide * 0.5);
}

/// A frame with glazing bars in a hole of a wall at z = 0.
pub fn window_frame(m: &mut Model, material: &Material, h: Hole, bars_x: u32, bars_y: u32, pane: Option<&Material>) {
    let (cx, cy, w, t) = ((h.x0 + h.x1) * 0.5, (h.y0 + h.y1) * 0.5, h.x1 - h.x0, h.y1 - h.y0);
    let f = 0.07;
    for side in [-1.0, 1.0] {
        m.block(material, p(cx + side * (w * 0.5 + f * 0.3), cy, -0.02), p(f, t + f * 1.6, 0.16), 0.012);
        m.block(material, p(cx, cy + side * (t * 0.5 + f * 0.3), -0.02), p(w + f * 1.6, f, 0.16), 0.012);
    }
    m.block(material, p(cx, h.y0 - 0.04, 0.06), p(w + 0.24, 0.05, 0.2), 0.012);
    for i in 1..=bars_x {
        let x = h.x0 + w * i as f32 / (bars_x + 1) as f32;
        m.block(material, p(x, cy, -0.06), p(0.03, t, 0.03), 0.0);
    }
    for i in 1..=bars_y {
        let y = h.y0 + t * i as f32 / (bars_y + 1) as f32;
        m.block(material, p(cx, y, -0.06), p(w, 0.03, 0.03), 0.0);
    }
    if let Some(pane) = pane {
        m.quad(pane, [p(h.x0, h.y0, -0.08), p(h.x1, h.y0, -0.08), p(h.x1, h.y1, -0.08), p(h.x0, h.y1, -0.08)]);
    }
}

/// A panelled door leaf standing in a hole, opened by `degrees`.
pub fn door_leaf(m: &mut Model, material: &Material, knob: &Material, h: Hole, degrees: f32) {
    let (w, t) = (h.x1 - h.x0, h.y1 - h.y0);
    m.within(at_turned(h.x0, h.y0, -0.05, degrees), |m| {
        m.block(material, p(w * 0.5, t * 0.5, 0.0), p(w - 0.02, t - 0.01, 0.05), 0.01);
        for (x, y, pw, ph) in [(0.3, 0.7, 0.3, 0.42), (0.7, 0.7, 0.3, 0.42), (0.3, 0.26, 0.3, 0.34), (0.7, 0.26, 0.3, 0.34)] {
            m.block(material, p(w * x, t * y, 0.03), p(w * pw, t * ph, 0.03), 0.014);
        }
        m.ball(knob, p(w * 0.9, t * 0.47, 0.07), Vec3::splat(0.035), 8);
    });
}

/// A room around the plan of a brief.
#[derive(Clone, Debug)]
pub struct Room {
    /// Walls stand at |x| = half, z = back and z = front.
    pub half: f32,
    pub back: f32,
    pub front: f32,
    pub tall: f32,
}

impl Room {
    /// The smallest room that leaves the plan's camera space free, its back wall `behind` metres behind the playing area.
    pub fn of(b: &Builder<'_>, behind: f32, tall: f32) -> Self {
        let plan = floor_plan(b.brief);
        Self { half: plan.camera_x + 0.75, back: plan.back_z - behind, front: plan.camera_z + 0.9, tall }
    }
    pub fn deep(&self) -> f32 {
        self.front - self.back
    }
    pub fn wide(&self) -> f32 {
        self.half * 2.0
    }
    /// The frame of a wall: 0 back, 1 left (−x), 2 right (+x), 3 front; x along the wall, +z into the room.
    pub fn side(&self, which: usize) -> glam::Affine3A {
        let middle = (self.back + self.front) * 0.5;
        match which {
            0 => at(0.0, 0.0, self.back),
            1 => at_turned(-self.half, 0.0, middle, 90.0),
            2 => at_turned(self.half, 0.0, middle, -90.0),
            _ => at_turned(0.0, 0.0, self.front, 180.0),
        }
    }
    pub fn length(&self, which: usize) -> f32 {
        if which == 0 || which == 3 { self.wide() } else { self.deep() }
    }
    /// Where x along a wall lies for a given world z (side walls).
    pub fn along(&self, which: usize, z: f32) -> f32 {
        let middle = (self.back + self.front) * 0.5;
        if which == 1 { middle - z } else { z - middle }
    }
    /// Floor, ceiling and four walls.
    pub fn shell(&self, m: &mut Model, floor: &Material, ceiling: &Material, walls: &Material, holes: [&[Hole]; 4]) {
        let middle = (self.back + self.front) * 0.5;
        m.block(floor, p(0.0, -0.05, middle), p(self.wide() + 0.4, 0.1, self.deep() + 0.4), 0.0);
        m.block(ceiling, p(0.0, self.tall + 0.06, middle), p(self.wide() + 0.6, 0.12, self.deep() + 0.6), 0.0);
        for (i, holes) in holes.into_iter().enumerate() {
            let wide = self.length(i) + 0.3;
            m.within(self.side(i), |m| wall(m, walls, wide, self.tall, 0.16, holes));
        }
    }
    /// Bands on all walls.
    pub fn bands(&self, m: &mut Model, material: &Material, y0: f32, y1: f32, out: f32, holes: [&[Hole]; 4]) {
        for (i, holes) in holes.into_iter().enumerate() {
            m.within(self.side(i), |m| band(m, material, self.length(i), y0, y1, out, holes));
        }
    }
    /// Soft bounce of the ceiling over the playing area: what keeps a room's shadows readable.
    pub fn bounce(&self, b: &mut Builder<'_>, level: f32) {
        let color = light::blend(b.air.rig.key, b.air.rig.fill, 0.5);
        let unit = light::times(color, 1.0 / light::luminance(color).max(1e-3));
        b.panel(p(0.0, self.tall - 0.05, 0.6), Vec3::NEG_Y, (self.half * 0.7, 2.2), light::times(unit, level));
    }
    /// Daylight (or the night's lamps outside) through a hole of a wall: a panel in the hole, a backdrop behind it.
    pub fn daylight(&self, b: &mut Builder<'_>, which: usize, h: Hole, strength: f32) {
        let frame = self.side(which);
        let centre = frame.transform_point3(p((h.x0 + h.x1) * 0.5, (h.y0 + h.y1) * 0.5, -0.12));
        let inward = frame.transform_vector3(Vec3::Z);
        let daylight = light::times(b.air.daylight, strength);
        b.panel(centre, inward, ((h.x1 - h.x0) * 0.5, (h.y1 - h.y0) * 0.5), daylight);
    }
    /// Something to see through a window at a distance: a garden hedge and trees, or house fronts.
    pub fn outlook(&self, b: &mut Builder<'_>, which: usize, town: bool) {
        let dark = b.brief.dark();
        let mut dice = b.dice.fork(61 + which as u64);
        let leafy = stuff::leaf("#5E7E45");
        let lit = if dark { [2.2, 1.5, 0.7] } else { [0.25, 0.3, 0.35] };
        let wide = self.length(which);
        b.m.within(self.side(which), |m| {
            m.quad(
                &stuff::grass("#6C8350"),
                [p(-wide, -0.12, -0.2), p(wide, -0.12, -0.2), p(wide, -0.12, -14.0), p(-wide, -0.12, -14.0)],
            );
            for i in 0..5 {
                let x = (i as f32 - 2.0) * wide * 0.28 + dice.off(0.5);
                if town {
                    let size = p(wide * 0.24, dice.range(4.0, 9.0), 2.0);
                    m.stand(&stuff::lit_windows("#6E625A", lit, 1.1), p(x, -0.2, -9.0 - dice.unit()), size, 0.0);
                } else {
                    m.leaf_cloud(&leafy, p(x, dice.range(0.6, 2.6), -5.0 + dice.off(1.0)), p(1.3, 1.1, 0.9), 160, 0.3, &mut dice);
                }
            }
        });
    }
}

//! What feet stand in.

use crate::design::{Cloth, Kind};
use crate::field::{meet, net};
use crate::form;
use crate::materials;
use crate::mesh::{Bind, curve};
use crate::skeleton::Joint;
use crate::tailor::Tailor;
use glam::{Affine3A, Vec3};

impl Tailor<'_> {
    pub fn feet(&mut self) {
        let worn = self
            .design
            .pieces
            .iter()
            .find(|p| matches!(p.kind, Kind::Sandals | Kind::Shoes | Kind::Heels | Kind::Boots | Kind::Zori | Kind::Sneakers));
        let worn = worn.copied();
        for (side, joint) in [(1.0f32, Joint::LFoot), (-1.0, Joint::RFoot)] {
            let first = self.mesh.positions.len();
            match worn.map(|p| (p.kind, p.cloth)) {
                Some((Kind::Shoes, c)) => self.shod(&c, 0.0, 0.3, 0.0),
                Some((Kind::Sneakers, c)) => self.shod(&c, 0.01, 0.0, 0.0),
                Some((Kind::Boots, c)) => self.shod(&c, 0.11 * self.s(), 0.1, 0.0),
                Some((Kind::Heels, c)) => self.shod(&c, -0.02 * self.s(), 0.9, 0.03 * self.s()),
                Some((kind, c)) => self.sandals(&c, kind == Kind::Zori),
                None => self.bare(self.design.skin),
            }
            let at = self.f.at(joint);
            for i in first..self.mesh.positions.len() {
                let flip = Vec3::new(side, 1.0, 1.0);
                self.mesh.positions[i] = at + self.mesh.positions[i] * flip;
                self.mesh.normals[i] *= flip;
                self.mesh.binds[i] = Bind::rigid(joint);
            }
        }
    }

    fn foot_net(&self, field: impl Fn(Vec3) -> f32, high: f32) -> crate::field::Net {
        let f = self.f;
        let l = f.foot;
        let cell = if self.lead { 0.016 } else { 0.03 } * f.s.max(0.6) * self.coarse;
        let half = (0.24 * l).max(f.leg[2] + 0.03);
        net(&field, Vec3::new(-half, -f.body.sole - 0.03, -0.34 * l), Vec3::new(half, high, 0.82 * l), cell)
    }

    fn shod(&mut self, cloth: &Cloth, tall: f32, sharp: f32, heel: f32) {
        let f = self.f;
        let sole_y = -f.body.sole + 0.016 * f.s;
        let upper = self.mesh.material(cloth.material());
        let sole = self.mesh.material(materials::leather(if heel > 0.0 { cloth.colour } else { cloth.second }));
        let net = self.foot_net(|p| form::shoe(f, p, tall, sharp, heel), tall + 0.03);
        self.mesh.net(&net, |p| p.y > tall - 0.003 && tall > 0.0, |p| if p.y < sole_y { sole } else { upper });
        if tall <= 0.01 {
            let skin = self.mesh.material(materials::skin(self.design.skin));
            let c = Vec3::new(0.0, 0.02 * f.s, -0.004);
            self.mesh.ball(c, [Vec3::Y * 0.07 * f.s, Vec3::X * f.leg[2] * 0.95, Vec3::Z * f.leg[2] * 0.95], (7, 10), skin);
        }
    }

    fn bare(&mut self, colour: [f32; 3]) {
        let f = self.f;
        let skin = self.mesh.material(materials::skin(colour));
        let net = self.foot_net(|p| meet(form::bare_foot(f, p), p.y - 0.05 * f.s, 0.005), 0.08 * f.s);
        self.mesh.net(&net, |p| p.y > 0.046 * f.s, |_| skin);
    }

    fn sandals(&mut self, cloth: &Cloth, tabi: bool) {
        let (f, s) = (self.f, self.f.s);
        let lift = Affine3A::from_translation(Vec3::Y * 0.012 * s);
        let first = self.mesh.positions.len();
        self.bare(if tabi { [0.7, 0.68, 0.64] } else { self.design.skin });
        let end = self.mesh.positions.len();
        self.mesh.place(first..end, lift);
        let l = f.foot;
        let sole = self.mesh.material(materials::leather(cloth.colour));
        let floor = -f.body.sole;
        let c = Vec3::new(0.012 * l, floor + 0.011 * s, 0.2 * l);
        self.mesh.ball(
            c,
            [Vec3::Y * 0.013 * s, Vec3::X * 0.2 * l, Vec3::Z * 0.5 * l],
            if self.lead { (6, 18) } else { (4, 9) },
            sole,
        );
        let strap = self.mesh.material(materials::leather(cloth.second));
        for x in [-0.15f32, 0.16].into_iter().filter(|_| self.lead) {
            let points = [
                Vec3::new(x * l, floor + 0.05 * l, 0.18 * l),
                Vec3::new(x * 0.7 * l, floor + 0.24 * l, 0.26 * l),
                Vec3::new(-0.04 * l, floor + 0.2 * l, 0.46 * l),
            ];
            let path = curve(&points, 7);
            let stations = crate::mesh::along(&path, |_| Vec3::Y, |_| (0.012 * s, 0.005 * s), 1.0);
            self.mesh.sweep(&stations, 6, strap);
        }
    }
}

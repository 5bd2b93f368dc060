//! Sewn clothes: layers of eased body fields, and skirts that hang around the legs.
//!
//! Layers are solids, inside out. What of an inner layer lies inside an outer one is not meshed, and what of an outer one lies
//! inside the body (the walls of its neck hole) isn't either; because all follow the joints by the same rule of position, they
//! stay apart in every pose.

use crate::cut::{Bottom, Collar, Cut, Neck, bottom, top};
use crate::design::{Cloth, Design, Kind, Ornament, Piece};
use crate::drape::Ribbon;
use crate::field::{carve, cone, ellipsoid, join, meet, net, outermost, step};
use crate::form;
use crate::materials;
use crate::mesh::{Mesh, Station, along};
use crate::rig::{Rig, Set};
use crate::skeleton::{Figure, Joint};
use glam::Vec3;

/// Builds everything that is bound to the joints.
pub(crate) struct Tailor<'a> {
    pub design: &'a Design,
    pub f: &'a Figure,
    pub rig: &'a Rig,
    pub lead: bool,
    /// Multiplies the cell size of nets.
    pub coarse: f32,
    pub mesh: Mesh,
    layers: Vec<Layer>,
}

#[derive(Clone, Copy)]
struct Layer {
    cut: Cut,
    cloth: Cloth,
    kind: Kind,
}

/// Points on a skirt: rows from the top, columns around from the back.
struct Skirt<'b> {
    top: f32,
    hem: f32,
    sweep: f32,
    folds: (f32, f32),
    open: bool,
    ease: f32,
    /// More ease from the hips down, for what is worn beneath.
    room: f32,
    style: Kind,
    cloth: &'b Cloth,
    border: f32,
}

impl<'a> Tailor<'a> {
    pub fn new(design: &'a Design, f: &'a Figure, rig: &'a Rig, lead: bool, coarse: f32) -> Tailor<'a> {
        let legs = design.pieces.iter().any(|p| matches!(bottom(p.kind), Some(Bottom::Skirt { .. })));
        let cut = |kind| {
            let cut = top(kind)?;
            // Over trousers a short jacket reaches down to them.
            Some(if kind == Kind::Jeogori && !legs { Cut { waist: -1.0, ..cut } } else { cut })
        };
        let mut layers: Vec<Layer> =
            design.pieces.iter().filter_map(|p| Some(Layer { cut: cut(p.kind)?, cloth: p.cloth, kind: p.kind })).collect();
        // Two layers as wide as each other would show through one another.
        for i in 1..layers.len() {
            layers[i].cut.ease = layers[i].cut.ease.max(layers[i - 1].cut.ease + 0.007);
        }
        Tailor { design, f, rig, lead, coarse, mesh: Mesh::default(), layers }
    }

    pub fn s(&self) -> f32 {
        self.f.s
    }

    /// Cell size of body nets.
    fn cell(&self) -> f32 {
        self.coarse * self.s().max(0.6) * if self.lead { 0.0205 } else { 0.05 }
    }

    /// The body with everything sewn on its trunk, without arms: what drapes and bands lie on.
    pub fn dressed(&self, p: Vec3) -> f32 {
        let ease = self.layers.iter().map(|l| l.cut.ease).fold(0.0, f32::max) * self.s();
        let skirt = if self.hem_height() < 0.6 * self.f.at(Joint::LThigh).y { 0.012 * self.s() } else { 0.0 };
        form::trunk(self.f, p) - ease.max(skirt * step(self.f.at(Joint::Spine).y, self.f.at(Joint::Hips).y, p.y))
    }

    /// How far trousers stand off the leg, metres; 0 without.
    fn trouser_ease(&self) -> f32 {
        let eases = self.design.pieces.iter().filter_map(|p| match bottom(p.kind) {
            Some(Bottom::Trousers { ease, .. }) => Some(ease * self.s()),
            _ => None,
        });
        eases.fold(-1.0, f32::max)
    }

    /// Height of the lowest skirt's hem above the floor; the hips when there is none.
    pub fn hem_height(&self) -> f32 {
        let hips = self.f.at(Joint::Hips).y;
        let of = |hem: f32| hips * (1.0 - hem);
        let tops = self.layers.iter().filter(|l| l.cut.hem > 0.0 && !l.cut.open).map(|l| of(l.cut.hem));
        let skirts = self.design.pieces.iter().filter_map(|p| match bottom(p.kind) {
            Some(Bottom::Skirt { hem, .. }) => Some(of(hem)),
            _ => None,
        });
        tops.chain(skirts).fold(hips, f32::min)
    }

    /// Height of the lowest top of a skirt that is a piece of its own.
    fn skirt_top(&self) -> Option<f32> {
        let of = |kind| match bottom(kind) {
            Some(Bottom::Skirt { from, .. }) => Some(waist_height(self.f, from)),
            _ => None,
        };
        self.design.pieces.iter().filter_map(|p| of(p.kind)).reduce(f32::min)
    }

    pub fn sew(&mut self) {
        self.skin();
        for i in 0..self.layers.len() {
            self.top(i);
        }
        for piece in &self.design.pieces {
            match bottom(piece.kind) {
                Some(Bottom::Trousers { ease, flare }) => self.trousers(piece, ease, flare),
                Some(Bottom::Skirt { hem, sweep, folds, from }) => self.skirt_piece(piece, hem, sweep, folds, from),
                None => {}
            }
        }
    }

    fn skin(&mut self) {
        let f = self.f;
        let field = |p: Vec3| join(form::trunk(f, p), form::arms(f, p, 1.0, 0.0, 0.0), 0.03 * f.s);
        let skin = self.mesh.material(materials::skin(self.design.skin));
        let glove = self.design.pieces.iter().find(|p| p.kind == Kind::LongGloves).map(|p| self.mesh.material(p.cloth.material()));
        let (elbow, wrist, shoulder) = (f.at(Joint::LForearm), f.at(Joint::LHand), f.at(Joint::LUpperArm));
        let gloved = |p: Vec3| {
            let m = Vec3::new(p.x.abs(), p.y, p.z);
            let from = elbow.lerp(shoulder, 0.3);
            (m - from).dot(wrist - elbow) > 0.0 && form::arms(f, p, 1.0, 0.0, 0.0) < 0.01
        };
        let low = f.at(Joint::Hips).y - if self.design.pieces.iter().any(|p| bottom(p.kind).is_some()) { 0.02 } else { 0.2 } * f.s;
        let layers = self.layers.clone();
        let hidden = |p: Vec3| {
            let buried = layers.iter().any(|l| layer_field(f, l, p) < -0.004 * f.s);
            buried || p.y < low + 0.002 || p.y > f.at(Joint::Head).y + 0.09 * f.s
        };
        let rig = self.rig;
        let material = |p: Vec3| glove.filter(|_| gloved(p)).unwrap_or(skin);
        // Where sleeves hide the shoulders, the arms below them are pieces of their own as well.
        if self.lead && layers.iter().any(|l| l.cut.sleeve > 0.0) {
            let arms = self.upper_net(&|p| form::arms(f, p, 1.0, 0.0, 0.0));
            let range = self.mesh.net(&arms, hidden, material);
            self.mesh.bind(range, |p| rig.sleeve(p));
            let trunk = self.upper_net(&|p| meet(form::trunk(f, p), low - p.y, 0.004));
            let range = self.mesh.net(&trunk, hidden, |_| skin);
            self.mesh.bind(range, |p| rig.trunk(p));
        } else {
            let net = self.upper_net(&|p| meet(field(p), low - p.y, 0.004));
            let range = self.mesh.net(&net, hidden, material);
            self.mesh.bind(range, |p| rig.bind(p, Set::BODY));
        }
        if let Some(glove) = self.design.pieces.iter().find(|p| p.kind == Kind::LongGloves).copied() {
            self.arm_ring(0.37, 0.003 * f.s, 0.012 * f.s, glove.cloth.material());
        }
        self.legs_skin(skin);
    }

    fn legs_skin(&mut self, skin: u16) {
        let f = self.f;
        let trousers = self.design.pieces.iter().any(|p| matches!(bottom(p.kind), Some(Bottom::Trousers { .. })));
        if trousers {
            return;
        }
        let top = (self.hem_height() + 0.1 * f.s).min(f.at(Joint::Hips).y);
        let low = f.body.sole * 0.7;
        let field = |p: Vec3| meet(form::legs(f, p, low, 0.0, 0.0), p.y - top, 0.004);
        let reach = f.at(Joint::LThigh).x + f.leg[0] * 1.4;
        let net = net(&field, Vec3::new(-reach, low - 0.02, -0.16 * f.s), Vec3::new(reach, top + 0.03, 0.16 * f.s), self.cell());
        let range = self.mesh.net(&net, |p| p.y > top - 0.002, |_| skin);
        let rig = self.rig;
        self.mesh.bind(range, |p| rig.bind(p, Set::LEGS));
    }

    fn upper_net(&self, field: &dyn Fn(Vec3) -> f32) -> crate::field::Net {
        let f = self.f;
        let reach = f.at(Joint::LHand).x + 0.09 * f.s;
        let depth = f.hips[1].max(f.waist[1]).max(f.chest[1]) + 0.1 * f.s + 0.06 * f.belly;
        let low = f.at(Joint::Hips).y - f.hips[0] - 0.06 * f.s;
        let low = low.min(f.at(Joint::LHand).y - 0.04);
        net(&|p| field(p), Vec3::new(-reach, low, -depth), Vec3::new(reach, f.at(Joint::Head).y + 0.1 * f.s, depth), self.cell())
    }

    fn top(&mut self, index: usize) {
        let (f, layer) = (self.f, self.layers[index]);
        let outer: Vec<Layer> = self.layers[index + 1..].to_vec();
        let inner: Vec<Layer> = self.layers[..index].to_vec();
        let main = self.mesh.material(layer.cloth.material());
        let cut = layer.cut;
        let s = f.s;
        // Sleeves are set in: grown together with the trunk they would tear when the arm moves.
        let set_in = cut.sleeve > if self.lead { 0.0 } else { 0.6 };
        if set_in {
            self.sleeves(&layer, &inner, main);
        }
        let net = self.upper_net(&|p| if set_in { trunk_field(f, &layer, p) } else { layer_field(f, &layer, p) });
        let waist = waist_height(f, cut.waist);
        // What is tucked into a skirt ends a little below its top: a leg that strides would push it through the cloth.
        let tuck = self.skirt_top().filter(|_| cut.hem <= 0.0).map_or(f32::NEG_INFINITY, |top| top - 0.035 * s);
        let hidden = |p: Vec3| {
            if p.y < tuck && form::arms(f, p, cut.sleeve, cut.ease * s, cut.flare * s) > 0.02 * s {
                return true;
            }
            let buried = outer.iter().any(|l| layer_field(f, l, p) < -0.0035 * s);
            let inside = form::trunk(f, p) < -0.004 * s || inner.iter().any(|l| layer_field(f, l, p) < -0.004 * s);
            let of_arm = !set_in && form::arms(f, p, cut.sleeve, cut.ease * s, cut.flare * s) < 0.01 * s;
            let sole = p.y < waist + 0.004 * s && cut.hem > 0.0 && !of_arm;
            buried || inside || sole
        };
        let range = self.mesh.net(&net, hidden, |_| main);
        let rig = self.rig;
        self.mesh.bind(range, |p| if set_in { rig.trunk(p) } else { rig.bind(p, Set::BODY) });
        if cut.hem > 0.0 {
            self.skirt(&Skirt {
                top: waist + 0.012 * s,
                hem: f.at(Joint::Hips).y * (1.0 - cut.hem),
                sweep: cut.sweep,
                folds: cut.folds,
                open: cut.open,
                ease: cut.ease * s,
                room: (self.trouser_ease() + 0.012 * s - cut.ease * s).max(0.0),
                style: layer.kind,
                cloth: &layer.cloth,
                border: cut.border * 1.6,
            });
        }
        if layer.kind == Kind::SpaceSuit {
            self.piping(&layer);
        }
        let tied = [Kind::Obi, Kind::Sash, Kind::Belt].iter().any(|k| self.design.wears(*k));
        if cut.hem > 0.0 && !cut.open && !tied {
            // The seam between bodice and skirt, piped.
            self.band(waist - 0.004 * s, waist + 0.014 * s, 0.008 * s, layer.cloth.material(), None);
        }
        if cut.bag > 0.0 {
            self.bags(&layer);
        }
        self.cuffs(&layer);
        self.collar(&layer);
        self.buttons(&layer);
    }

    /// Sleeves as pieces of their own, from inside the shoulders to the cuffs.
    fn sleeves(&mut self, layer: &Layer, inner: &[Layer], main: u16) {
        let (f, s, cut, rig) = (self.f, self.s(), layer.cut, self.rig);
        let net = self.upper_net(&|p| form::arms(f, p, cut.sleeve, cut.ease * s, cut.flare * s));
        let hidden = |p: Vec3| {
            let within = form::arms(f, p, 1.0, 0.0, 0.0) < -0.002 * s
                || inner.iter().any(|l| form::arms(f, p, l.cut.sleeve, l.cut.ease * s, l.cut.flare * s) < -0.002 * s);
            within || (form::below_armpit(f, p) == 0.0 && trunk_field(f, layer, p) < -0.025 * s)
        };
        let range = self.mesh.net(&net, hidden, |_| main);
        self.mesh.bind(range, |p| rig.sleeve(p));
    }

    /// Signal-coloured rings on the arms, and a broad belt with a plate.
    fn piping(&mut self, layer: &Layer) {
        let (s, trim) = (self.s(), layer.cloth.trim());
        let waist = waist_height(self.f, -0.25);
        self.band(waist - 0.016 * s, waist + 0.016 * s, 0.006 * s, trim, None);
        let chest = self.f.at(Joint::Chest).y + 0.03 * s;
        self.band(chest - 0.006 * s, chest + 0.006 * s, 0.004 * s, trim, None);
        for t in [0.3, 0.62] {
            self.arm_ring(t, layer.cut.ease * s, 0.009 * s, trim);
        }
    }

    /// Hanging sleeves: flat bags under the forearms, which fall when the arms are raised forward.
    fn bags(&mut self, layer: &Layer) {
        let (f, s) = (self.f, self.s());
        let main = self.mesh.material(layer.cloth.material());
        let lining = self.mesh.material(layer.cloth.trim());
        let ease = layer.cut.ease * s;
        for side in [1.0f32, -1.0] {
            let flip = Vec3::new(side, 1.0, 1.0);
            let (shoulder, elbow, wrist) = (f.at(Joint::LUpperArm) * flip, f.at(Joint::LForearm) * flip, f.at(Joint::LHand) * flip);
            let n = if self.lead { 9 } else { 5 };
            let stations: Vec<Station> = (0..n)
                .map(|i| {
                    let t = i as f32 / (n - 1) as f32;
                    let u = 0.12 + 0.86 * t;
                    let arm = if u < 0.52 { shoulder.lerp(elbow, u / 0.52) } else { elbow.lerp(wrist, (u - 0.52) / 0.48) };
                    let deep = layer.cut.bag * s * step(0.3, 0.85, t) * 0.5;
                    let r = f.arm[1] + ease + 0.004 * s;
                    let across = (wrist - shoulder).normalize().cross(Vec3::Z).normalize();
                    Station {
                        centre: arm - Vec3::Z * deep * 0.92,
                        side: across * (r * (1.0 - 0.25 * t)),
                        up: Vec3::Z * (r + deep),
                        power: 0.8,
                    }
                })
                .collect();
            let cols = if self.lead { 17 } else { 7 };
            let rows = stations.len() + 2;
            let range = self.mesh.grid(
                (rows, cols, true),
                |r, c| {
                    let (sin, cos) = (c as f32 / (cols - 1) as f32 * std::f32::consts::TAU).sin_cos();
                    // The last rows turn in: one sees into the sleeve, lined.
                    let (st, k) = match r {
                        r if r < n => (&stations[r], 1.0),
                        r if r == n => (&stations[n - 1], 0.9),
                        _ => (&stations[n - 3], 0.75),
                    };
                    st.centre + (st.side * cos + st.up * sin.signum() * sin.abs().powf(0.8)) * k
                },
                |r, c| Vec3::new(c as f32 * 0.03, r as f32 * 0.04, 0.0),
                |r, _| if r < n - 1 { main } else { lining },
            );
            let set = if side > 0.0 { Set::LEFT_ARM } else { Set::RIGHT_ARM };
            let rig = self.rig;
            self.mesh.bind(range.clone(), |p| rig.bind(Vec3::new(p.x, p.y, p.z.max(-0.03 * s)), set));
            for i in range {
                self.mesh.loose[i] = (-self.mesh.positions[i].z / (layer.cut.bag * s)).clamp(0.0, 1.0) * 0.4;
            }
        }
    }

    /// Turned ends of the sleeves, in the trim where there is one.
    fn cuffs(&mut self, layer: &Layer) {
        let (s, cut) = (self.s(), layer.cut);
        if cut.sleeve <= 0.0 || cut.bag > 0.0 {
            return;
        }
        let material = if cut.border > 0.0 { layer.cloth.trim() } else { layer.cloth.material() };
        self.arm_ring_at(cut.sleeve, (cut.ease * s, cut.flare * s), (cut.border * 0.5).max(0.007) * s, material);
    }

    /// A flat ring around both arms at `t` from shoulder to wrist, `ease` off the skin, `half` its half-width.
    fn arm_ring(&mut self, t: f32, ease: f32, half: f32, material: klieg_kernels::scene::Material) {
        self.arm_ring_at(t, (ease, 0.0), half, material);
    }

    fn arm_ring_at(&mut self, t: f32, (ease, flare): (f32, f32), half: f32, material: klieg_kernels::scene::Material) {
        let (f, s) = (self.f, self.s());
        let m = self.mesh.material(material);
        for side in [1.0f32, -1.0] {
            let flip = Vec3::new(side, 1.0, 1.0);
            let (end, radius) = form::sleeve_end(f, t, ease, flare);
            let d = ((f.at(Joint::LHand) - f.at(Joint::LForearm)) * flip).normalize();
            let (x, y) = d.any_orthonormal_pair();
            let n = if self.lead { 15 } else { 8 };
            let turn = |k: f32| (k * std::f32::consts::TAU).sin_cos();
            let ring: Vec<Vec3> = (0..n)
                .map(|k| turn(k as f32 / (n - 1) as f32))
                .map(|(sin, cos)| end * flip - d * (half * 0.8) + (x * cos + y * sin) * (radius + 0.001 * s))
                .collect();
            let stations = along(&ring, |t| x * turn(t).1 + y * turn(t).0, |_| (half, 0.004 * s), 0.7);
            let range = self.mesh.sweep(&stations, if self.lead { 6 } else { 4 }, m);
            let rig = self.rig;
            self.mesh.bind(range, |p| rig.sleeve(p));
        }
    }

    fn trousers(&mut self, piece: &Piece, ease: f32, flare: f32) {
        let (f, s) = (self.f, self.s());
        let main = self.mesh.material(piece.cloth.material());
        let low = f.body.sole * 0.45;
        let layers = self.layers.clone();
        // Under a long coat only what its slit can show.
        let slit = |l: &Layer| if l.cut.open { 0.26 } else { 0.12 } * s;
        let coat = layers
            .iter()
            .filter(|l| l.cut.hem > 0.2)
            .map(|l| f.at(Joint::Hips).y * (1.0 - l.cut.hem) + slit(l))
            .fold(f32::INFINITY, f32::min);
        let field = |p: Vec3| form::legs(f, p, low, ease * s, flare * s);
        let reach = f.at(Joint::LThigh).x + f.leg[0] * 1.5 + (ease + flare.max(0.0)) * s;
        let top = f.at(Joint::Hips).y + 0.08 * s;
        let depth = f.hips[1] + 0.1 * s;
        let net = net(&field, Vec3::new(-reach, low - 0.02, -depth), Vec3::new(reach, top, depth), self.cell());
        let hidden = |p: Vec3| p.y > coat || layers.iter().any(|l| layer_field(f, l, p) < -0.01 * s);
        let range = self.mesh.net(&net, hidden, |_| main);
        let rig = self.rig;
        self.mesh.bind(range, |p| rig.bind(p, Set::LEGS));
    }

    fn skirt_piece(&mut self, piece: &Piece, hem: f32, sweep: f32, folds: (f32, f32), from: f32) {
        let f = self.f;
        let border = match piece.kind {
            Kind::Saree => 0.075,
            Kind::Lehenga => 0.09,
            Kind::Veshti => 0.045,
            _ => 0.0,
        };
        self.skirt(&Skirt {
            top: waist_height(f, from) + 0.012 * f.s,
            hem: f.at(Joint::Hips).y * (1.0 - hem),
            sweep,
            folds,
            open: false,
            ease: 0.012 * f.s,
            room: 0.0,
            style: piece.kind,
            cloth: &piece.cloth,
            border,
        });
        if matches!(piece.kind, Kind::Saree | Kind::Veshti | Kind::Lehenga) {
            let y = waist_height(f, from);
            let m = piece.cloth.material();
            self.band(y - 0.012 * f.s, y + 0.022 * f.s, 0.012 * f.s, m, None);
        }
    }

    /// The body's outline at height `y` in the direction `a` from the front, as cloth around both legs sees it.
    fn outline(&self, y: f32, a: f32) -> f32 {
        let f = self.f;
        let dir = Vec3::new(a.sin(), 0.0, a.cos());
        let thigh = f.at(Joint::LThigh).y;
        let trunk = outermost(&|p| form::trunk(f, p), Vec3::Y * y, dir, 0.5 * f.s);
        let (knee, ankle) = (f.at(Joint::LShin), f.at(Joint::LFoot));
        let down = ((thigh - y) / (thigh - ankle.y)).clamp(0.0, 1.0);
        let r = if y > knee.y { f.leg[0] + (f.leg[1] - f.leg[0]) * (thigh - y) / (thigh - knee.y) } else { f.leg[1] };
        let (rx, rz) = (f.at(Joint::LThigh).x * (1.0 + 0.08 * down) + r.min(f.leg[0]), r.min(f.leg[0]) * 1.12);
        let ellipse = 1.0 / ((dir.x / rx).powi(2) + (dir.z / rz).powi(2)).sqrt();
        let k = step(thigh + 0.02 * f.s, thigh - 0.1 * f.s, y);
        trunk.max(0.4 * ellipse) * (1.0 - k) + ellipse * k
    }

    fn skirt(&mut self, k: &Skirt) {
        let (f, s) = (self.f, self.s());
        let (rows, cols) = match (self.lead, matches!(k.style, Kind::Saree | Kind::Lehenga | Kind::Chima | Kind::Gown)) {
            (true, true) => (20, 81),
            (true, false) => (18, 57),
            _ => (7, 21),
        };
        let border = k.border * s;
        let height = |r: usize| match r {
            r if r == rows - 1 => k.hem,
            r if r == rows - 2 => k.hem + border.max(0.03 * s),
            r => {
                let t = r as f32 / (rows - 2) as f32;
                k.top + (k.hem + border.max(0.03 * s) - k.top) * t
            }
        };
        // Belted and buttoned coats lap over in front, left over right, so that a seat or a stride does not gape.
        let laps = k.open && matches!(k.style, Kind::TrenchCoat | Kind::Overcoat);
        let gap = match (k.open, laps) {
            (true, true) => -0.24,
            (true, false) => 0.05,
            _ => 0.0,
        };
        let angle = |c: usize| {
            let t = c as f32 / (cols - 1) as f32;
            if k.open {
                return gap + t * (std::f32::consts::TAU - 2.0 * gap);
            }
            // Columns gather in front, where pleats are.
            let u = t * std::f32::consts::TAU - std::f32::consts::PI;
            u - 0.5 * u.sin()
        };
        let seat = self.outline(f.at(Joint::Hips).y - 0.03 * s, 0.0) + k.ease;
        let point = |r: usize, c: usize| {
            let (y, a) = (height(r), angle(c));
            let t = (k.top - y) / (k.top - k.hem);
            let body = self.outline(y.max(k.hem), a) + k.ease + k.room * step(0.0, 0.45, t);
            let hem_rx = f.hips[0] * k.sweep + k.ease;
            let hem_rz = (f.hips[1] * k.sweep * 1.04 + k.ease).max(seat * 0.8);
            let hem = 1.0 / ((a.sin() / hem_rx).powi(2) + (a.cos() / hem_rz).powi(2)).sqrt();
            let hips = self.outline(f.at(Joint::Hips).y - 0.03 * s, a) + k.ease;
            let below = ((f.at(Joint::Hips).y - y) / (f.at(Joint::Hips).y - k.hem)).clamp(0.0, 1.0);
            let hang = if y > f.at(Joint::Hips).y - 0.03 * s { body } else { hips + (hem - hips) * below.powf(0.9) };
            let tuck = if r == 0 { -0.006 } else { 0.003 } * s;
            let over = if laps { 0.013 * s * step(0.5, 0.26, a) } else { 0.0 };
            let radius = hang.max(body) + self.fold(k, a, t) * s + tuck + over;
            Vec3::new(a.sin() * radius, y, a.cos() * radius)
        };
        let points: Vec<Vec3> = (0..rows * cols).map(|i| point(i / cols, i % cols)).collect();
        let main = self.mesh.material(k.cloth.material());
        let (edge, front) = self.border_materials(k);
        let girth = f.hips[0] * k.sweep;
        let range = self.mesh.grid(
            (rows, cols, !k.open),
            |r, c| points[r * cols + c],
            |r, c| Vec3::new(angle(c) * girth, height(r) - k.hem, 0.0),
            |r, c| {
                let a = (angle(c) + angle(c + 1)) * 0.5;
                if r == rows - 2 && border > 0.0 {
                    edge
                } else if front.is_some() && (0.1..0.36).contains(&a) {
                    front.unwrap_or(main)
                } else {
                    main
                }
            },
        );
        let (rig, top) = (self.rig, k.top);
        self.mesh.bind(range.clone(), |p| rig.hang(p));
        for i in range {
            self.mesh.loose[i] = ((top - self.mesh.positions[i].y) / (top - k.hem)).clamp(0.0, 1.0);
        }
    }

    fn border_materials(&mut self, k: &Skirt) -> (u16, Option<u16>) {
        match k.style {
            Kind::Saree | Kind::Lehenga => (self.mesh.material(k.cloth.zari()), None),
            Kind::Veshti => {
                let edge = self.mesh.material(k.cloth.zari());
                (edge, Some(edge))
            }
            _ => (self.mesh.material(k.cloth.trim()), None),
        }
    }

    /// How cloth stands off at angle `a` from the front, `t` down from the waist; metres at scale 1.
    fn fold(&self, k: &Skirt, a: f32, t: f32) -> f32 {
        let wave = |n: f32, phase: f32| (a * n + phase).sin();
        let soft = k.folds.1 * t.powf(0.7) * (0.75 * wave(k.folds.0.round(), 0.4) + 0.35 * wave((k.folds.0 * 0.6).round(), 1.9));
        match k.style {
            Kind::Saree => {
                // Seven pleats tucked in front, fanning to the hem; soft diagonal drapes elsewhere.
                let near = step(0.62, 0.4, (a - 0.05).abs() / (0.8 + 0.35 * t));
                let pleat = (a * 17.0 / (0.8 + 0.2 * t)).sin();
                let pleats = near * (0.008 + 0.016 * t + (0.004 + 0.02 * t) * pleat);
                pleats + (1.0 - near) * 0.012 * t * (3.0 * a + 8.0 * t).sin()
            }
            Kind::Veshti => {
                let flap = step(0.36, 0.33, a) * step(-1.2, 0.3, a) * 0.01;
                let pleats = (0.003 + 0.011 * t) * (a * 21.0).sin() * step(0.62, 0.45, (a - 0.1).abs());
                flap + pleats + 0.01 * t * (4.0 * a - 6.0 * t).sin()
            }
            Kind::Kimono | Kind::Changshan | Kind::Qipao => step(-0.42, -0.38, a) * step(0.5, 0.2, a) * 0.004 * t,
            Kind::Hakama | Kind::Skirt | Kind::Chima => {
                let tooth = ((a * k.folds.0 / std::f32::consts::TAU * 1.0).rem_euclid(1.0) - 0.5).abs() * 4.0 - 1.0;
                k.folds.1 * (0.35 + 0.65 * t) * tooth
            }
            _ => soft,
        }
    }

    fn collar(&mut self, layer: &Layer) {
        let (f, s, cut) = (self.f, self.s(), layer.cut);
        let neck = f.at(Joint::Neck);
        let main = layer.cloth.material();
        let trim = layer.cloth.trim();
        let r = f.neck * 1.1 + cut.ease * s * 0.5;
        match cut.collar {
            Collar::None => {}
            Collar::Trim => self.neck_edge(&cut, 0.008, trim),
            Collar::Band => self.ring(
                neck + Vec3::new(0.0, 0.016, 0.006) * s,
                (r + 0.008 * s, r + 0.006 * s),
                0.02 * s,
                0.22,
                trim_or(layer, main, trim),
            ),
            Collar::Ring => {
                self.ring(neck + Vec3::new(0.0, 0.012, 0.0) * s, (r + 0.035 * s, r + 0.03 * s), 0.02 * s, 0.12, materials::steel())
            }
            Collar::Points => self.shirt_collar(r, main),
            Collar::Lapels | Collar::Trench => self.lapels(&cut, layer.kind, main),
            Collar::Crossed => self.crossed(&cut, layer),
            Collar::Sailor => self.sailor(&cut, trim),
        }
        if matches!(cut.neck, Neck::Wide(_)) && cut.collar != Collar::None {
            self.neck_edge(&cut, 0.009, trim);
        }
    }

    /// A standing ring around the neck, tilted forward.
    fn ring(&mut self, centre: Vec3, (rx, rz): (f32, f32), tall: f32, tilt: f32, material: klieg_kernels::scene::Material) {
        let n = if self.lead { 25 } else { 13 };
        let path: Vec<Vec3> = (0..n)
            .map(|i| {
                let a = i as f32 / (n - 1) as f32 * std::f32::consts::TAU + std::f32::consts::PI;
                centre + Vec3::new(a.sin() * rx, -a.cos() * rz * tilt, a.cos() * rz)
            })
            .collect();
        let m = self.mesh.material(material);
        let thick = 0.005 * self.s();
        let stations = along(&path, |_| Vec3::Y, |_| (thick, tall * 0.5), 0.7);
        let range = self.mesh.sweep(&stations, 8, m);
        let rig = self.rig;
        self.mesh.bind(range, |p| rig.bind(p, Set::TRUNK));
    }

    /// A turned-down collar: two leaves that fall from a stand around the neck and end in points.
    fn shirt_collar(&mut self, r: f32, material: klieg_kernels::scene::Material) {
        let (s, neck) = (self.s(), self.f.at(Joint::Neck));
        let m = self.mesh.material(material);
        let (rows, cols) = if self.lead { (17, 5) } else { (7, 3) };
        let field = |p: Vec3| self.dressed(p);
        let mut leaves = Vec::new();
        for side in [1.0f32, -1.0] {
            // From the middle of the back to the front; across, up the inside, over the fold and down the leaf.
            let points: Vec<Vec3> = (0..rows * cols)
                .map(|i| {
                    let (t, u) = ((i / cols) as f32 / (rows - 1) as f32, (i % cols) as f32 / (cols - 1) as f32);
                    let a = std::f32::consts::PI * (1.0 - t) + 0.1 * t;
                    let (round, rise) = (Vec3::new(side * a.sin(), 0.0, a.cos()), 0.03 - 0.034 * t * t);
                    let point = step(0.72, 1.0, t);
                    let out = 0.004 + u * (0.013 + 0.02 * point);
                    let fall = u * (0.034 + 0.034 * point) - 0.006 * (u * std::f32::consts::PI).sin();
                    let swing = Vec3::new(side * 0.034 * point * u, 0.0, 0.0);
                    let p = neck + round * (r + out * s) + (Vec3::Y * (rise - fall) + swing) * s;
                    if u > 0.3 { crate::field::onto(&field, p, 0.008 * s, true) } else { p }
                })
                .collect();
            leaves.push(points);
        }
        for points in leaves {
            let range = self.mesh.grid(
                (rows, cols, false),
                |r, c| points[r * cols + c],
                |r, c| Vec3::new(r as f32 * 0.012, c as f32 * 0.01, 0.0) * s,
                |_, _| m,
            );
            self.trunk_bind(range);
        }
    }

    fn neck_edge(&mut self, cut: &Cut, half: f32, material: klieg_kernels::scene::Material) {
        let (s, neck) = (self.s(), self.f.at(Joint::Neck));
        let r = self.f.neck / s + 0.012;
        let (wide, deep, sharp) = match cut.neck {
            Neck::Close => (r, 0.03, false),
            Neck::Round(d) => (0.078, d + 0.03, false),
            Neck::Vee(d) => (r + 0.012, d, true),
            Neck::Wide(d) => (0.13, d + 0.02, false),
        };
        let front = if sharp { Vec3::new(0.004, -deep, 0.2) } else { Vec3::new(wide * 0.5, -deep * 0.93, 0.2) };
        let mut points =
            vec![Vec3::new(0.0, 0.012, -0.1), Vec3::new(wide, 0.0, -0.01), Vec3::new(wide * 0.92, -deep * 0.4, 0.1), front];
        let mirror: Vec<Vec3> = points.iter().rev().map(|p| Vec3::new(-p.x, p.y, p.z)).collect();
        points.extend(mirror.into_iter().take(4));
        let points: Vec<Vec3> = points.iter().map(|p| neck + *p * s).collect();
        self.ribbon(&Ribbon { width: half, thick: half * 0.6, offset: 0.003, samples: 40, ..Ribbon::on(&points) }, material);
    }

    fn lapels(&mut self, cut: &Cut, kind: Kind, material: klieg_kernels::scene::Material) {
        let (s, neck) = (self.s(), self.f.at(Joint::Neck));
        let Neck::Vee(depth) = cut.neck else { return };
        let trench = cut.collar == Collar::Trench;
        let r = self.f.neck / s + 0.016;
        for side in [1.0, -1.0] {
            let points = [
                Vec3::new(r * side, 0.012, 0.0),
                Vec3::new((r + 0.014) * side, -0.03, 0.09),
                Vec3::new(0.045 * side, -depth * 0.6, 0.18),
                Vec3::new(0.006 * side, -depth - 0.01, 0.2),
            ]
            .map(|p| neck + p * s);
            let width = if trench { 0.04 } else { 0.027 };
            self.ribbon(&Ribbon { width, thick: 0.006, offset: 0.008, lapel: side, ..Ribbon::on(&points) }, material);
        }
        let rise = if trench { 0.03 } else { 0.014 };
        let out = if trench { 0.022 } else { 0.01 };
        let points = [
            Vec3::new(r + 0.02, -0.05, 0.11),
            Vec3::new(r + out, 0.008, 0.035),
            Vec3::new(0.0, rise, -r - out * 0.6),
            Vec3::new(-r - out, 0.008, 0.035),
            Vec3::new(-r - 0.02, -0.05, 0.11),
        ]
        .map(|p| neck + p * s);
        self.ribbon(
            &Ribbon {
                width: if trench { 0.034 } else { 0.02 },
                taper: 0.5,
                thick: 0.007,
                offset: 0.012,
                samples: 20,
                ..Ribbon::on(&points)
            },
            material,
        );
        if kind == Kind::TrenchCoat {
            self.epaulettes(material);
        }
    }

    fn epaulettes(&mut self, material: klieg_kernels::scene::Material) {
        let (s, shoulder) = (self.s(), self.f.at(Joint::LUpperArm));
        for side in [1.0f32, -1.0] {
            let points =
                [Vec3::new(shoulder.x * 0.5, shoulder.y + 0.05 * s, 0.0), Vec3::new(shoulder.x * 1.02, shoulder.y + 0.04 * s, 0.0)]
                    .map(|p| Vec3::new(p.x * side, p.y, p.z));
            self.ribbon(&Ribbon { width: 0.02, thick: 0.006, offset: 0.008, samples: 6, ..Ribbon::on(&points) }, material);
        }
    }

    fn crossed(&mut self, cut: &Cut, layer: &Layer) {
        let (s, neck) = (self.s(), self.f.at(Joint::Neck));
        let r = self.f.neck / s + 0.016;
        let Neck::Vee(depth) = cut.neck else { return };
        let edge = if layer.kind == Kind::Kimono { layer.cloth.material() } else { layer.cloth.trim() };
        let under = Cloth { colour: [0.68, 0.66, 0.62], ..layer.cloth };
        let under = Cloth { motif: crate::design::Motif::Plain, ..under }.material();
        // Worn left over right: the wearer's left edge comes last and lies on top.
        for (side, lift) in [(-1.0f32, 0.006), (1.0, 0.011)] {
            for (material, inset, extra) in [(under, -0.014, -0.003), (edge, 0.004, 0.0)] {
                let points = [
                    Vec3::new(0.0, 0.022, -r - 0.012),
                    Vec3::new((r + inset) * side, 0.014, -0.012),
                    Vec3::new((r * 0.85 + inset) * side, -depth * 0.35, 0.12),
                    Vec3::new((0.012 + inset * 0.5) * side, -depth * 0.95, 0.2),
                    Vec3::new((-0.055 + inset * 0.5) * side, -depth * 1.75, 0.18),
                ]
                .map(|p| neck + p * s);
                self.ribbon(
                    &Ribbon { width: 0.02, thick: 0.007, offset: lift + extra, samples: 18, ..Ribbon::on(&points) },
                    material,
                );
            }
        }
    }

    fn sailor(&mut self, cut: &Cut, material: klieg_kernels::scene::Material) {
        let (s, neck) = (self.s(), self.f.at(Joint::Neck));
        let Neck::Vee(depth) = cut.neck else { return };
        let r = self.f.neck / s + 0.02;
        for side in [1.0f32, -1.0] {
            let points =
                [Vec3::new(r * side, 0.01, -0.02), Vec3::new((r + 0.01) * side, -0.04, 0.1), Vec3::new(0.01 * side, -depth, 0.2)]
                    .map(|p| neck + p * s);
            self.ribbon(&Ribbon { width: 0.026, taper: 0.4, thick: 0.005, offset: 0.006, ..Ribbon::on(&points) }, material);
        }
        let points =
            [Vec3::new(-0.1, -0.07, -0.14), Vec3::new(0.0, -0.07, -0.16), Vec3::new(0.1, -0.07, -0.14)].map(|p| neck + p * s);
        self.ribbon(&Ribbon { width: 0.065, thick: 0.005, offset: 0.006, ..Ribbon::on(&points) }, material);
    }

    fn buttons(&mut self, layer: &Layer) {
        if layer.cut.buttons == 0 || !self.lead {
            return;
        }
        let (f, s, cut) = (self.f, self.s(), layer.cut);
        let top = f.at(Joint::Neck).y
            - match cut.neck {
                Neck::Vee(d) => d + 0.01,
                _ => 0.045,
            } * s;
        let low = f.at(Joint::Hips).y + if cut.hem > 0.2 { 0.0 } else { 0.05 } * s;
        let gold = matches!(layer.kind, Kind::Sherwani | Kind::Tailcoat);
        let material = if gold { materials::gold() } else { materials::gem(layer.cloth.colour.map(|c| (c * 0.35).max(0.03))) };
        let material = if matches!(layer.kind, Kind::Shirt | Kind::ShortShirt | Kind::Kurta | Kind::Thobe) {
            materials::pearl()
        } else {
            material
        };
        let m = self.mesh.material(material);
        let double = layer.kind == Kind::TrenchCoat;
        let rows = if double { cut.buttons / 2 } else { cut.buttons };
        for i in 0..rows {
            let y = top + (low - top) * (i as f32 + 0.2) / rows as f32;
            for x in if double { vec![-0.05, 0.05] } else { vec![0.0] } {
                let at = outermost(&|p| form::trunk(f, p) - cut.ease * s, Vec3::new(x * s, y, 0.0), Vec3::Z, 0.5 * s);
                let r = if double || gold { 0.011 } else { 0.008 } * s;
                let range = self.mesh.ball(Vec3::new(x * s, y, at), [Vec3::Z * r * 0.5, Vec3::X * r, Vec3::Y * r], (5, 8), m);
                let rig = self.rig;
                self.mesh.bind(range, |p| rig.bind(p, Set::TRUNK));
            }
        }
    }

    pub fn has(&self, o: Ornament) -> bool {
        self.design.has(o)
    }
}

fn trim_or(
    layer: &Layer,
    main: klieg_kernels::scene::Material,
    trim: klieg_kernels::scene::Material,
) -> klieg_kernels::scene::Material {
    if layer.cut.border > 0.0 { trim } else { main }
}

/// Height of [`Cut::waist`]: 1 under the bust, 0 the waist, −1 below the hips.
pub(crate) fn waist_height(f: &Figure, level: f32) -> f32 {
    let (hips, waist, bust) = (f.at(Joint::Hips).y - 0.06 * f.s, f.at(Joint::Spine).y + 0.02 * f.s, f.at(Joint::Chest).y);
    if level >= 0.0 { waist + (bust - waist) * level } else { waist + (waist - hips) * level }
}

/// A layer of clothes on trunk and arms as a solid.
fn layer_field(f: &Figure, layer: &Layer, p: Vec3) -> f32 {
    let (cut, s) = (&layer.cut, f.s);
    let ease = cut.ease * s;
    let mut d = meet(form::trunk(f, p) - ease, waist_height(f, cut.waist) - p.y, 0.006 * s);
    if cut.sleeve > 0.0 {
        d = join(d, form::arms(f, p, cut.sleeve, ease, cut.flare * s), 0.03 * s);
    } else {
        // Armholes.
        let m = Vec3::new(p.x.abs(), p.y, p.z);
        d = carve(d, (m - f.at(Joint::LUpperArm) - Vec3::new(0.03, -0.01, 0.0) * s).length() - f.arm[0] * 1.15, 0.01 * s);
    }
    neck_hole(f, cut, d, p)
}

/// A top without its sleeves and armholes.
fn trunk_field(f: &Figure, layer: &Layer, p: Vec3) -> f32 {
    let d = meet(form::trunk(f, p) - layer.cut.ease * f.s, waist_height(f, layer.cut.waist) - p.y, 0.006 * f.s);
    neck_hole(f, &layer.cut, d, p)
}

fn neck_hole(f: &Figure, cut: &Cut, d: f32, p: Vec3) -> f32 {
    let s = f.s;
    let neck = f.at(Joint::Neck);
    let q = p - neck;
    // Nothing sewn goes up the neck.
    let above = 0.012 * s - q.y - 0.3 * (q.z + 0.02 * s);
    let around = q.with_y(0.0).length() - f.neck * 1.45;
    let mut d = carve(d, above.max(around), 0.006 * s);
    match cut.neck {
        Neck::Close => {}
        Neck::Round(depth) => {
            d = carve(d, ellipsoid(p, neck + Vec3::new(0.0, 0.02, 0.1) * s, Vec3::new(0.075, depth + 0.05, 0.15) * s), 0.006 * s)
        }
        Neck::Vee(depth) => {
            let m = p.x.abs();
            let side = (f.neck + 0.016 * s) / (depth * s);
            let wedge = (m - (q.y + depth * s) * side) / (1.0 + side * side).sqrt();
            d = carve(d, wedge.max(-0.02 * s - q.z), 0.004 * s);
        }
        Neck::Wide(depth) => {
            d = carve(d, ellipsoid(p, neck + Vec3::new(0.0, 0.03, 0.02) * s, Vec3::new(0.135, depth + 0.05, 0.25) * s), 0.006 * s)
        }
    }
    carve(d, cone(p, neck - Vec3::Y * 0.005 * s, neck + Vec3::Y * 0.2 * s, f.neck * 1.16, f.neck * 1.3, 1.0), 0.006 * s)
}

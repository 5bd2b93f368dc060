//! A puppet: built once from a design, posed for every frame.

use crate::design::{Design, Kind};
use crate::face::FaceModel;
use crate::field::step;
use crate::hair::Barber;
use crate::hand;
use crate::head::HeadShape;
use crate::materials;
use crate::mesh::Mesh;
use crate::pose::{Hand, Pose};
use crate::rig::Rig;
use crate::skeleton::{Body, Figure, Joint};
use crate::tailor::Tailor;
use glam::{Affine3A, Mat3, Vec3};
use klieg_kernels::scene::Geometry;

/// How finely a puppet is modelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Detail {
    /// For close-ups: at most 25,000 triangles.
    Lead,
    /// For the background: at most 5,000 triangles.
    Extra,
}

/// A built puppet.
pub struct Puppet {
    design: Design,
    figure: Figure,
    /// Bound to the joints.
    skin: Mesh,
    /// Which triangles of `skin` are wound against their normals.
    turned: Vec<bool>,
    face: FaceModel,
    /// Left and right, by [`Hand`].
    hands: Vec<[Mesh; 2]>,
}

impl Puppet {
    /// Models the puppet: some tens of milliseconds.
    pub fn build(design: &Design, detail: Detail) -> Puppet {
        let lead = detail == Detail::Lead;
        let figure = Figure::of(design);
        let face = FaceModel::new(design, lead);
        let hands = Hand::ALL.map(|shape| hand_meshes(design, &figure, shape, lead)).to_vec();
        let most = if lead { 25_000 } else { 5_000 };
        let moving = face.triangles() + hands.iter().map(|h| h[0].triangles.len() + h[1].triangles.len()).max().unwrap_or(0);
        // Rich dress is modelled a little coarser, so that everyone costs the renderer the same.
        let mut coarse = 1.0;
        let mut skin = dressed(design, &figure, &face.shape, lead, coarse);
        while skin.triangles.len() + moving > most && coarse < if lead { 1.95 } else { 1.75 } {
            coarse *= 1.12;
            skin = dressed(design, &figure, &face.shape, lead, coarse);
        }
        Puppet { design: design.clone(), figure, turned: turned(&skin), skin, face, hands }
    }

    pub fn design(&self) -> &Design {
        &self.design
    }

    /// The rest skeleton.
    pub fn body(&self) -> &Body {
        &self.figure.body
    }

    /// World transforms of the joints.
    pub fn joints(&self, pose: &Pose) -> [Affine3A; Joint::COUNT] {
        pose.joints(&self.figure.body)
    }

    /// The palm in world space: the origin is the middle of what the hand holds (2 cm before the palm), +Y runs along the fingers
    /// from the wrist, +Z out of the palm. A stick in a [`Hand::Grip`] lies along X; the thumb is on −X of the left hand and on
    /// +X of the right.
    pub fn grip(&self, pose: &Pose, left: bool) -> Affine3A {
        let side = usize::from(!left);
        let joint = if left { Joint::LHand } else { Joint::RHand };
        let out = 0.25 * self.figure.hand;
        self.joints(pose)[joint as usize]
            * Affine3A::from_mat3(palm_frame(&self.figure, side))
            * Affine3A::from_translation(Vec3::new(0.0, self.figure.body.palm, out))
    }

    /// The puppet in world space.
    pub fn pose(&self, pose: &Pose) -> Geometry {
        let joints = self.joints(pose);
        let mut out = Geometry::default();
        self.skinned(pose, &joints, &mut out);
        let head = joints[Joint::Head as usize] * Affine3A::from_translation(self.figure.body.head_centre);
        self.face.emit(&pose.face, head, &mut out);
        for (side, joint) in [Joint::LHand, Joint::RHand].into_iter().enumerate() {
            self.hands[pose.hands[side] as usize][side].emit(&mut out, joints[joint as usize]);
        }
        out
    }

    /// Linear blend skinning; loose cloth swings, and lies on seat and floor.
    fn skinned(&self, pose: &Pose, joints: &[Affine3A; Joint::COUNT], out: &mut Geometry) {
        let rest = &self.figure.body.rest;
        let moves: Vec<Affine3A> = joints.iter().zip(rest).map(|(j, r)| *j * Affine3A::from_translation(-*r)).collect();
        let mesh = &self.skin;
        let (sin, cos) = pose.heading.sin_cos();
        let forward = Vec3::new(sin, 0.0, cos);
        let hips = joints[Joint::Hips as usize].translation;
        let floor = pose.position.y + 0.004;
        let mut placed: Vec<(Vec3, Vec3)> = (0..mesh.positions.len())
            .map(|i| {
                let bind = &mesh.binds[i];
                let mut p = Vec3::ZERO;
                let mut n = Vec3::ZERO;
                for (joint, share) in bind.joints.iter().zip(bind.shares) {
                    if share > 0.0 {
                        let m = &moves[*joint as usize];
                        p += m.transform_point3(mesh.positions[i]) * share;
                        n += m.transform_vector3(mesh.normals[i]) * share;
                    }
                }
                let loose = mesh.loose[i];
                if loose > 0.0 {
                    let wave = 0.7 + 0.3 * (mesh.positions[i].x * 11.0 + mesh.positions[i].z * 7.0).sin();
                    p += forward * (pose.cloth_sway * loose * loose * 0.09 * self.figure.s * wave);
                    if let Some(seat) = pose.seat_height {
                        // On a lap the front of a skirt lies over its back: folded legs must not mix the two.
                        let front = step(-0.02, 0.06, mesh.positions[i].z / self.figure.s);
                        let lap = 4.0 * loose * (1.0 - loose) * if seat < 0.1 { 0.04 } else { 0.018 };
                        p.y += lap * front * self.figure.s;
                        let over = Vec3::from(hips) - p;
                        if seat > 0.02 && over.with_y(0.0).length() < 0.2 * self.figure.s {
                            p.y = p.y.max(pose.position.y + seat + 0.004);
                        }
                    }
                    p.y = p.y.max(floor);
                }
                (p, n.normalize_or(Vec3::Y))
            })
            .collect();
        self.straighten(&mut placed);
        mesh.emit_with(out, |i| placed[i]);
    }

    /// Turns normals back to the surface where stretching and folding took it away from them: in long strides and in the crooks
    /// of arms cloth would shade, and shadow itself, as if it lay elsewhere.
    fn straighten(&self, placed: &mut [(Vec3, Vec3)]) {
        let mut across = vec![Vec3::ZERO; placed.len()];
        for (t, turned) in self.skin.triangles.iter().zip(&self.turned) {
            let [a, b, c] = t.map(|i| placed[i as usize].0);
            let n = (b - a).cross(c - a) * if *turned { -1.0 } else { 1.0 };
            t.iter().for_each(|i| across[*i as usize] += n);
        }
        for ((_, n), across) in placed.iter_mut().zip(across) {
            let g = across.normalize_or(*n);
            *n = n.lerp(g, step(0.8, 0.4, n.dot(g))).normalize_or(g);
        }
    }
}

/// Which triangles are wound against their normals.
fn turned(mesh: &Mesh) -> Vec<bool> {
    let against = |t: &[u32; 3]| {
        let [a, b, c] = t.map(|i| mesh.positions[i as usize]);
        let n: Vec3 = t.iter().map(|i| mesh.normals[*i as usize]).sum();
        (b - a).cross(c - a).dot(n) < 0.0
    };
    mesh.triangles.iter().map(against).collect()
}

/// Body, clothes, hair, jewellery.
fn dressed(design: &Design, figure: &Figure, shape: &HeadShape, lead: bool, coarse: f32) -> Mesh {
    let rig = Rig::new(figure);
    let mut tailor = Tailor::new(design, figure, &rig, lead, coarse);
    tailor.sew();
    tailor.drape();
    tailor.feet();
    tailor.hat(shape);
    tailor.adorn(shape);
    let mut skin = tailor.mesh;
    Barber::new(design, figure, shape, lead, &mut skin).cut();
    ears(design, figure, shape, lead, &mut skin);
    skin
}

/// Columns X, Y, Z of hand space (see `hand.rs`) in the rest pose.
fn palm_frame(f: &Figure, side: usize) -> Mat3 {
    let (elbow, wrist) =
        if side == 0 { (f.at(Joint::LForearm), f.at(Joint::LHand)) } else { (f.at(Joint::RForearm), f.at(Joint::RHand)) };
    let y = (wrist - elbow).normalize();
    let inward = if side == 0 { Vec3::NEG_X } else { Vec3::X };
    let z = (inward - y * inward.dot(y)).normalize();
    Mat3::from_cols(y.cross(z), y, z)
}

fn hand_meshes(design: &Design, f: &Figure, shape: Hand, lead: bool) -> [Mesh; 2] {
    let cell = if lead { 0.06 } else { 0.12 };
    let net = hand::model(shape, cell, f.arm[2] / f.hand * 0.97);
    let glove = design.pieces.iter().find(|p| p.kind == Kind::LongGloves || p.kind == Kind::SpaceSuit);
    let material = glove.map_or_else(
        || materials::skin(design.skin),
        |p| if p.kind == Kind::SpaceSuit { p.cloth.trim() } else { p.cloth.material() },
    );
    [0usize, 1].map(|side| {
        let mut mesh = Mesh::default();
        let m = mesh.material(material);
        let frame = palm_frame(f, side);
        let flip = Vec3::new(if side == 0 { 1.0 } else { -1.0 }, 1.0, 1.0);
        mesh.net(&net, |_| false, |_| m);
        for i in 0..mesh.positions.len() {
            mesh.coords[i] *= f.hand;
            mesh.positions[i] = frame * (mesh.positions[i] * flip * f.hand);
            mesh.normals[i] = frame * (mesh.normals[i] * flip);
        }
        mesh
    })
}

/// Middle of an ear, from the middle of the head.
pub(crate) fn ear_centre(shape: &HeadShape, side: f32) -> Vec3 {
    shape.surface(Vec3::new(side, -0.09, -0.1)) * 1.03
}

fn ears(design: &Design, f: &Figure, shape: &HeadShape, lead: bool, mesh: &mut Mesh) {
    use crate::mesh::Bind;
    if [Kind::Headscarf, Kind::Hood, Kind::Keffiyeh].iter().any(|k| design.wears(*k)) {
        return;
    }
    let h = shape.h * (1.0 + 0.12 * design.face.ears);
    let m = mesh.material(materials::skin(design.skin));
    let inner = mesh.material(materials::skin([design.skin[0] * 0.72, design.skin[1] * 0.6, design.skin[2] * 0.58]));
    let size = if lead { (9, 14) } else { (5, 8) };
    let centre = f.at(Joint::Head) + f.body.head_centre;
    for side in [1.0f32, -1.0] {
        let at = centre + ear_centre(shape, side);
        let out = Vec3::new(0.9 * side, 0.0, 0.45).normalize();
        let back = Vec3::new(-0.45 * side, 0.0, 0.9).normalize();
        let up = Vec3::new(0.0, 1.0, -0.12).normalize();
        let a = mesh.ball(at, [out * 0.03 * h, up * 0.098 * h, back * 0.064 * h], size, m);
        let b = mesh.ball(at + out * 0.018 * h + up * 0.008 * h, [out * 0.016 * h, up * 0.062 * h, back * 0.036 * h], size, inner);
        mesh.bind(a.start..b.end, |_| Bind::rigid(Joint::Head));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pose::Face;
    use glam::Quat;
    use klieg_film_words::sound::MouthShape;
    use klieg_film_words::story::{Age, Build, Character, Culture, Gender, Occasion, Period};

    fn character(culture: Culture, gender: Gender, age: Age, occasion: Occasion, build: Build, period: Period) -> Design {
        let c = Character {
            name: "SOMEONE".to_owned(),
            age,
            gender,
            build,
            culture,
            period,
            occasion,
            language: "en".to_owned(),
            dress: Vec::new(),
            line: 1,
            seed: 11,
        };
        crate::casting(&[c]).remove(0)
    }

    fn lakshmi() -> Design {
        character(Culture::Tamil, Gender::Female, Age::Young, Occasion::Wedding, Build::Medium, Period::Modern)
    }

    fn check(puppet: &Puppet, pose: &Pose, most: usize, who: &str) {
        let g = puppet.pose(pose);
        assert!(g.triangles.len() <= most, "{who}: {} triangles", g.triangles.len());
        assert!(g.triangles.len() > 1500, "{who}: {} triangles", g.triangles.len());
        assert_eq!(g.triangles.len(), g.material_of.len(), "{who}");
        assert!(g.positions.iter().flatten().all(|x| x.is_finite()), "{who}");
        assert!(g.normals.iter().all(|n| (Vec3::from(*n).length() - 1.0).abs() < 1e-3), "{who}");
        assert!(g.triangles.iter().flatten().all(|i| (*i as usize) < g.positions.len()), "{who}");
        assert!(g.material_of.iter().all(|m| (*m as usize) < g.materials.len()), "{who}");
        let used = g.triangles.iter().flatten().map(|i| g.positions[*i as usize][1]);
        let low = used.fold(f32::INFINITY, f32::min);
        assert!(low.abs() < 0.02, "{who}: lowest point {low}");
    }

    /// Every culture with every gender and age; occasions, builds and periods take turns.
    #[test]
    fn everyone_can_be_built_within_the_budget() {
        let mut turn = 0usize;
        for culture in Culture::ALL {
            for gender in Gender::ALL {
                for age in Age::ALL {
                    turn += 1;
                    let (o, b, p) = (Occasion::ALL[turn % 6], Build::ALL[turn % 4], Period::ALL[turn % 5 + turn % 2]);
                    let design = character(*culture, *gender, *age, o, b, p);
                    let who = format!("{} {} {} {} {} {}", culture.name(), gender.name(), age.name(), o.name(), b.name(), p.name());
                    check(&Puppet::build(&design, Detail::Extra), &Pose::rest(), 5_000, &who);
                    if turn.is_multiple_of(27) {
                        check(&Puppet::build(&design, Detail::Lead), &Pose::rest(), 25_000, &who);
                    }
                }
            }
        }
    }

    #[test]
    fn the_mouth_budget_holds_when_open() {
        let puppet = Puppet::build(&lakshmi(), Detail::Lead);
        for shape in MouthShape::ALL {
            let mut pose = Pose::rest();
            pose.face.set_mouth(*shape);
            check(&puppet, &pose, 25_000, shape.name());
        }
    }

    #[test]
    fn mouths_open_as_their_shapes_say() {
        let face = FaceModel::new(&lakshmi(), true);
        let gap = |shape| {
            let mut f = Face::neutral();
            f.set_mouth(shape);
            face.lip_gap(&f) / face.shape.h
        };
        assert!(gap(MouthShape::A).abs() < 0.006, "A {}", gap(MouthShape::A));
        assert!(gap(MouthShape::X).abs() < 0.006, "X {}", gap(MouthShape::X));
        assert!(gap(MouthShape::D) > gap(MouthShape::C) && gap(MouthShape::C) > gap(MouthShape::B), "D C B");
        assert!(gap(MouthShape::B) > 0.03);
    }

    #[test]
    fn closed_lids_cover_the_eye() {
        let face = FaceModel::new(&lakshmi(), true);
        let lid = |closed: f32| {
            let f = Face { lids: [closed; 2], ..Face::neutral() };
            face.lid_edges(&f)
        };
        let (upper, lower) = lid(0.0);
        assert!(upper - lower > 1.0, "an open eye shows more than a radian");
        let (upper, lower) = lid(1.0);
        assert!(upper <= lower, "the lids meet");
    }

    #[test]
    fn joints_at_rest_are_the_bodys() {
        let puppet = Puppet::build(&lakshmi(), Detail::Extra);
        let joints = puppet.joints(&Pose::rest());
        for joint in Joint::ALL {
            let at = Vec3::from(joints[joint as usize].translation);
            assert!(at.distance(puppet.body().rest[joint as usize]) < 1e-5, "{joint:?}");
            if let Some(parent) = joint.parent() {
                assert!((parent as usize) < joint as usize);
            }
        }
    }

    #[test]
    fn a_turned_head_takes_the_face_along() {
        let puppet = Puppet::build(&lakshmi(), Detail::Extra);
        let nose = |pose: &Pose| {
            let head = puppet.joints(pose)[Joint::Head as usize];
            let g = puppet.pose(pose);
            let far = g.positions.iter().map(|p| Vec3::from(*p)).filter(|p| p.distance(head.translation.into()) < 0.4);
            far.max_by(|a, b| a.x.total_cmp(&b.x)).unwrap_or_default()
        };
        let mut pose = Pose::rest();
        pose.rotations[Joint::Head as usize] = Quat::from_rotation_y(std::f32::consts::FRAC_PI_2);
        assert!(nose(&pose).x > 0.12 && nose(&pose).x > nose(&Pose::rest()).x * 0.9);
    }

    #[test]
    fn grips_mirror_each_other() {
        let puppet = Puppet::build(&lakshmi(), Detail::Extra);
        let (l, r) = (puppet.grip(&Pose::rest(), true), puppet.grip(&Pose::rest(), false));
        assert!((l.translation.x + r.translation.x).abs() < 1e-4 && (l.translation.y - r.translation.y).abs() < 1e-4);
        assert!(l.matrix3.z_axis.x < -0.5 && r.matrix3.z_axis.x > 0.5, "palms face the body");
        assert!(l.matrix3.y_axis.y < -0.5, "fingers hang down");
    }

    #[test]
    fn the_same_pose_gives_the_same_bytes() {
        let (a, b) = (Puppet::build(&lakshmi(), Detail::Lead), Puppet::build(&lakshmi(), Detail::Lead));
        assert_eq!(a.pose(&Pose::rest()), b.pose(&Pose::rest()));
    }
}

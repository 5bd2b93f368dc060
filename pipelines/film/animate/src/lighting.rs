//! Key, fill and rim on the subject of a shot, as a gaffer sets them: from the side where the scene's light comes from, outside the
//! frame, at the irradiance that the set asks for.

use glam::{Quat, Vec3};
use klieg_film_set::Rig;
use klieg_kernels::scene::{Camera, Geometry, Light, Material, Rgb};

/// Where lights may stand: half the width, the back, the front and the height of the camera's room.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    pub half_width: f32,
    pub back: f32,
    pub front: f32,
    pub top: f32,
}

/// How much of the set's key a face of this albedo needs to stand out from the set: darker skin is given more, as gaffers do.
pub fn gain(skin: Rgb) -> f32 {
    let albedo = 0.2126 * skin[0] + 0.7152 * skin[1] + 0.0722 * skin[2];
    1.35 * (0.36 / albedo.max(0.02)).sqrt().clamp(1.0, 1.8)
}

/// Lights for a face at `subject` seen by `camera`. `facing` is where the subject looks, on the floor; `gain` multiplies key and
/// fill.
pub fn rig(rig: &Rig, subject: Vec3, facing: Vec3, camera: &Camera, room: Room, gain: f32) -> Vec<Light> {
    let to_camera = flat(Vec3::from(camera.position) - subject);
    let distance = Vec3::from(camera.position).distance(subject);
    let side = key_side(rig, facing, to_camera);
    let source = Vec3::from(rig.key_from);
    // Where the ground is in the picture, the key stands further round, the fill keeps low and faint and the rim high, so that
    // feet and skirts have shadows that the lens sees: the key's beside them, the rim's before them.
    let wide = ((distance - 2.2) / 2.4).clamp(0.0, 1.0);
    let off_axis = (angle(to_camera, flat(source)).abs().clamp(35.0, 58.0) + 12.0 * wide) * side;
    // Far enough to stand outside the frame and to light the others evenly, too.
    let reach = (0.8 * distance).clamp(2.3, 5.5);
    let key = stand(subject, to_camera, off_axis, 32.0, reach, room);
    let fill = stand(subject, to_camera, -28.0 * side, 12.0 - 7.0 * wide, reach * 0.95, room);
    let rim = stand(subject, to_camera, -side * 152.0, 38.0 + 14.0 * wide, reach.min(3.2), room);
    // Only a small source throws the edges of slats.
    let (key_size, fill_size) = if rig.slats { (0.02, 0.5) } else { (0.34, 0.6) };
    vec![
        panel(key, subject, key_size, 1.25 * key_size, rig.key.map(|c| c * gain)),
        panel(fill, subject, fill_size, fill_size, rig.fill.map(|c| c * gain * (1.0 - FILL_LEFT_OUT * wide))),
        panel(rim, subject, 0.16, 0.32, rig.rim),
    ]
}

/// The share of the fill that shots with the ground in them do without.
const FILL_LEFT_OUT: f32 = 0.5;

/// +1 when the key stands to the left of the line from the subject to the camera (seen from above, counter-clockwise).
///
/// A face that is turned away from the lens is lit from the side it is turned to, or it would be dark; one that looks at the lens
/// from where the scene's light comes.
fn key_side(rig: &Rig, facing: Vec3, to_camera: Vec3) -> f32 {
    let by_source = angle(to_camera, flat(Vec3::from(rig.key_from)));
    let by_face = angle(to_camera, flat(facing));
    let decides = if by_face.abs() > 14.0 || by_source.abs() > 165.0 { by_face } else { by_source };
    if decides >= 0.0 { 1.0 } else { -1.0 }
}

fn flat(v: Vec3) -> Vec3 {
    Vec3::new(v.x, 0.0, v.z).normalize_or(Vec3::Z)
}

/// Degrees about +Y from `a` to `b`.
fn angle(a: Vec3, b: Vec3) -> f32 {
    a.cross(b).y.atan2(a.dot(b)).to_degrees()
}

/// A place `azimuth` degrees from the camera's direction and `elevation` up, inside the room.
fn stand(subject: Vec3, to_camera: Vec3, azimuth: f32, elevation: f32, reach: f32, room: Room) -> Vec3 {
    let dir = Quat::from_rotation_y(azimuth.to_radians()) * to_camera;
    let (s, c) = elevation.to_radians().sin_cos();
    let at = subject + (dir * c + Vec3::Y * s) * reach;
    Vec3::new(at.x.clamp(-room.half_width, room.half_width), at.y.clamp(0.4, room.top), at.z.clamp(room.back, room.front))
}

/// A panel at `at` that gives `irradiance` at `subject`.
fn panel(at: Vec3, subject: Vec3, half_width: f32, half_height: f32, irradiance: Rgb) -> Light {
    let beam = subject - at;
    let distance = beam.length().max(0.5);
    let n = beam / distance;
    let side = Vec3::Y.cross(n).normalize_or(Vec3::X);
    let up = n.cross(side);
    Light::Panel {
        position: at.to_array(),
        u: (side * half_width).to_array(),
        v: (up * half_height).to_array(),
        intensity: irradiance.map(|c| c * distance * distance),
    }
}

/// Slats of a blind between the first of `lights` and `subject`, just outside the frame of a tight shot: bars of shade, a hand's
/// breadth apart on the face, with the eyes in a gap.
pub fn slats(lights: &[Light], subject: Vec3) -> Geometry {
    let mut blind = Geometry::default();
    let Some(Light::Panel { position, u, .. }) = lights.first() else { return blind };
    let beam = subject - Vec3::from(*position);
    let share = 1.0 - (1.5 / beam.length().max(2.0));
    let middle = Vec3::from(*position) + beam * share;
    let side = Vec3::from(*u).normalize_or(Vec3::X) * 0.4;
    let up = side.cross(beam).normalize_or(Vec3::Y) * -1.0;
    let dark = blind.material(Material { base: [0.04; 3], ..Material::default() });
    let normal = (-beam).normalize_or(Vec3::Z).to_array();
    for i in -5i32..=5 {
        // Half a gap off the middle: the beam to the eyes is free.
        let at = middle + up * SLAT * share * (i as f32 + 0.5);
        let half = up * SLAT * share * 0.22;
        let q = [at - side - half, at + side - half, at + side + half, at - side + half];
        let [a, b, c, d] = q.map(|p| blind.vertex(p.to_array(), normal, p.to_array(), [1.0; 3]));
        blind.triangle(a, b, c, dark);
        blind.triangle(a, c, d, dark);
    }
    blind
}

/// Distance of the bars of shade on the face, metres.
const SLAT: f32 = 0.13;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_stands_off_the_axis_and_gives_what_is_asked() {
        let subject = Vec3::new(0.0, 1.5, 0.0);
        let lights = lit_from(2.0);
        assert_eq!(lights.len(), 3);
        for (light, want, low, high) in
            [(&lights[0], 1.0, 30.0, 60.0), (&lights[1], 0.3, -60.0, -10.0), (&lights[2], 0.5, -170.0, -120.0)]
        {
            let Light::Panel { position, u, v, intensity } = light else { panic!("panels only") };
            let to = Vec3::from(*position) - subject;
            let axis = Vec3::from(*u).cross(Vec3::from(*v)).normalize();
            assert!(axis.dot(-to.normalize()) > 0.999, "shines at the subject");
            assert!((intensity[0] / to.length_squared() - want).abs() < 1e-4);
            let off = angle(Vec3::Z, flat(to));
            assert!((low..=high).contains(&off), "{off}");
        }
    }

    #[test]
    fn where_the_ground_is_seen_shadows_are_too() {
        let (close, wide) = (lit_from(2.0), lit_from(6.0));
        let (floor, eyes) = (Vec3::ZERO, Vec3::Y * 1.5);
        let share = |l: &[Light]| on(&l[1], floor, Vec3::Y) / on(&l[0], floor, Vec3::Y);
        assert!(share(&wide) < 0.6 * share(&close), "less of the fill on the ground: {} {}", share(&wide), share(&close));
        for i in [0, 2] {
            let toward = |l: &[Light]| (Vec3::from(place(&l[i])) - eyes).normalize();
            let (a, b) = (toward(&close), toward(&wide));
            assert!(if i == 0 { b.x.abs() > a.x.abs() } else { b.y > a.y }, "{i}: {a} {b}");
        }
    }

    /// The lights on somebody at the origin who looks at a camera `distance` metres away.
    fn lit_from(distance: f32) -> Vec<Light> {
        let rig_ = Rig { key: [1.0; 3], fill: [0.3; 3], rim: [0.5; 3], key_from: [1.0, 0.3, 0.0], slats: false };
        let camera = Camera {
            position: [0.0, 1.5, distance],
            look_at: [0.0, 1.5, 0.0],
            roll_degrees: 0.0,
            lens_mm: 50.0,
            focus_m: distance,
            aperture_m: 0.0,
            near_m: 0.0,
        };
        let room = Room { half_width: 9.0, back: -9.0, front: 9.0, top: 6.0 };
        rig(&rig_, Vec3::new(0.0, 1.5, 0.0), Vec3::Z, &camera, room, 1.0)
    }

    fn place(light: &Light) -> [f32; 3] {
        let Light::Panel { position, .. } = light else { panic!("panels only") };
        *position
    }

    /// Irradiance of a panel on a small surface.
    fn on(light: &Light, point: Vec3, normal: Vec3) -> f32 {
        let Light::Panel { position, u, v, intensity } = light else { panic!("panels only") };
        let (to, axis) = (Vec3::from(*position) - point, Vec3::from(*u).cross(Vec3::from(*v)).normalize());
        let l = to.normalize();
        intensity[0] * axis.dot(-l).max(0.0) * normal.dot(l).max(0.0) / to.length_squared()
    }

    #[test]
    fn slats_shade_the_face_but_not_the_eyes() {
        let subject = Vec3::new(0.0, 1.5, 0.0);
        let key = panel(Vec3::new(1.6, 2.2, 1.6), subject, 0.02, 0.02, [1.0; 3]);
        let Light::Panel { position, .. } = key else { panic!("a panel") };
        let blind = slats(&[key], subject);
        let from = Vec3::from(position);
        let shaded =
            |point: Vec3| blind.triangles.iter().any(|t| crosses(from, point, t.map(|i| Vec3::from(blind.positions[i as usize]))));
        let column: Vec<bool> = (-20..=20).map(|i| shaded(subject + Vec3::Y * 0.01 * i as f32)).collect();
        assert!(!column[20] && column.iter().any(|s| *s));
        assert!(column.windows(2).filter(|w| w[0] != w[1]).count() >= 4, "{column:?}");
    }

    fn crosses(a: Vec3, b: Vec3, [p, q, r]: [Vec3; 3]) -> bool {
        let volume = |x: Vec3, y: Vec3, z: Vec3| (x - a).dot((y - a).cross(z - a));
        let signs = [volume(b, p, q), volume(b, q, r), volume(b, r, p)];
        let through = signs.iter().all(|s| *s >= 0.0) || signs.iter().all(|s| *s <= 0.0);
        let n = (q - p).cross(r - p);
        through && (a - p).dot(n) * (b - p).dot(n) < 0.0
    }
}

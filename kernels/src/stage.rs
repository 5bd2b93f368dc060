//! Lights, sky, fog and camera as the kernels want them: checked, with everything computed that doesn't change from ray to ray.

use glam::Vec3;

use crate::abi::{self, CameraView, FogView, Lamp, LampTable, SkyView, View};
use crate::error::KernelError;
use crate::render::{INDIRECT_MOST, Settings, Stage, seed_of};
use crate::scene::{Camera, Fog, Light, Rgb, Sky};

/// A stage without its solids, as the kernels want it.
pub struct Set {
    pub lamps: Vec<Lamp>,
    pub table: Box<LampTable>,
    sky: SkyView,
    fog: FogView,
    camera: CameraView,
    solids: usize,
}

impl Set {
    pub fn new(stage: &Stage<'_>, width: u32, height: u32) -> Result<Self, KernelError> {
        let lamps = stage.lights.iter().map(lamp).collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            table: Box::new(table(&lamps)),
            lamps,
            sky: sky(stage.sky, stage.lights)?,
            fog: fog(stage.fog)?,
            camera: camera(stage.camera, width, height)?,
            solids: stage.solids.len(),
        })
    }

    /// With the lists where a device has them.
    pub fn view(&self, solids: *const abi::SolidView, lamps: *const Lamp, table: *const LampTable, settings: &Settings) -> View {
        View {
            solids,
            lamps,
            table,
            sky: self.sky,
            fog: self.fog,
            camera: self.camera,
            solid_count: self.solids as u32,
            lamp_count: self.lamps.len() as u32,
            width: settings.width,
            height: settings.height,
            samples: settings.samples,
            log2_samples: settings.samples.next_power_of_two().trailing_zeros(),
            bounces: settings.bounces,
            seed: seed_of(settings.seed),
            clamp: INDIRECT_MOST,
        }
    }
}

fn luminance(c: Rgb) -> f32 {
    0.2126 * c[0] + 0.7152 * c[1] + 0.0722 * c[2]
}

fn finite(what: &'static str, values: &[f32]) -> Result<(), KernelError> {
    if values.iter().all(|v| v.is_finite()) { Ok(()) } else { Err(KernelError::Parameter { what }) }
}

fn unit(v: [f32; 3], or: Vec3) -> [f32; 3] {
    Vec3::from(v).normalize_or(or).to_array()
}

fn lamp(light: &Light) -> Result<Lamp, KernelError> {
    let lamp = match *light {
        Light::Sun { direction, irradiance, diameter_degrees } => Lamp {
            kind: abi::LAMP_SUN,
            position: unit(direction, Vec3::Y),
            intensity: irradiance,
            radius: (diameter_degrees.clamp(0.0, 90.0) * 0.5).to_radians().tan(),
            ..Lamp::default()
        },
        Light::Ball { position, radius, intensity } => {
            Lamp { kind: abi::LAMP_BALL, position, intensity, radius: radius.max(1e-3), ..Lamp::default() }
        }
        Light::Panel { position, u, v, intensity } => {
            let (du, dv) = (Vec3::from(u), Vec3::from(v));
            let radius = (du.length() * dv.length()).sqrt().max(1e-3);
            Lamp {
                kind: abi::LAMP_PANEL,
                position,
                direction: unit(du.cross(dv).to_array(), Vec3::NEG_Y),
                u,
                v,
                intensity,
                radius,
                ..Lamp::default()
            }
        }
        Light::Spot { position, direction, radius, inner_degrees, outer_degrees, intensity } => Lamp {
            kind: abi::LAMP_SPOT,
            position,
            direction: unit(direction, Vec3::NEG_Y),
            intensity,
            radius: radius.max(1e-3),
            cos_inner: inner_degrees.clamp(0.0, 180.0).to_radians().cos(),
            cos_outer: outer_degrees.clamp(0.0, 180.0).to_radians().cos(),
            ..Lamp::default()
        },
    };
    let lamp = Lamp { luminance: luminance(lamp.intensity), ..lamp };
    finite("a light", &lamp.position)?;
    finite("a light", &[lamp.u, lamp.v, lamp.direction, lamp.intensity].concat())?;
    finite("a light", &[lamp.radius, lamp.cos_inner, lamp.cos_outer])?;
    Ok(lamp)
}

/// The lamps field by field, for choosing among them without branches.
fn table(lamps: &[Lamp]) -> LampTable {
    let zero = [0.0; abi::LAMPS_MAX];
    let mut t = LampTable {
        x: zero,
        y: zero,
        z: zero,
        here: zero,
        ax: zero,
        ay: zero,
        az: zero,
        radius: zero,
        radius2: [1.0; abi::LAMPS_MAX],
        soft: zero,
        cone_from: zero,
        cone_scale: zero,
        luminance: zero,
        glow: zero,
    };
    for (i, lamp) in lamps.iter().enumerate().take(abi::LAMPS_MAX) {
        [t.x[i], t.y[i], t.z[i]] = lamp.position;
        [t.ax[i], t.ay[i], t.az[i]] = lamp.direction;
        t.here[i] = if lamp.kind == abi::LAMP_SUN { 0.0 } else { 1.0 };
        t.radius[i] = lamp.radius;
        t.radius2[i] = lamp.radius * lamp.radius;
        t.luminance[i] = lamp.luminance;
        t.glow[i] = if matches!(lamp.kind, abi::LAMP_BALL | abi::LAMP_SPOT) { 1.0 } else { 0.0 };
        // What shines everywhere passes with any aim; a panel falls off with the cosine; a spot within its cone.
        (t.cone_from[i], t.cone_scale[i], t.soft[i]) = match lamp.kind {
            abi::LAMP_PANEL => (0.0, 1.0, 0.25),
            abi::LAMP_SPOT => (lamp.cos_outer, 1.0 / (lamp.cos_inner - lamp.cos_outer).max(1e-3), 0.0),
            _ => (-2.0, 1.0, 0.0),
        };
    }
    t
}

fn sky(sky: &Sky, lights: &[Light]) -> Result<SkyView, KernelError> {
    finite("the sky", &[sky.zenith, sky.horizon, sky.ground].concat())?;
    finite("the sky", &[sky.sun_glow, sky.clouds, sky.stars, sky.fill])?;
    let sun = lights.iter().find_map(|l| match *l {
        Light::Sun { direction, irradiance, .. } => Some((unit(direction, Vec3::Y), irradiance)),
        _ => None,
    });
    let (sun_direction, sun_color) = sun.unwrap_or(([0.0, 1.0, 0.0], [0.0; 3]));
    // About what the gradient brings from all directions.
    let mean = std::array::from_fn(|i| (0.3 * sky.zenith[i] + 0.35 * sky.horizon[i] + 0.35 * sky.ground[i]) * sky.fill);
    Ok(SkyView {
        zenith: sky.zenith,
        horizon: sky.horizon,
        ground: sky.ground,
        sun_direction,
        sun_color,
        sun_glow: sky.sun_glow,
        clouds: sky.clouds,
        stars: sky.stars,
        fill: sky.fill,
        mean,
    })
}

fn fog(fog: &Fog) -> Result<FogView, KernelError> {
    finite("the fog", &[fog.density, fog.height, fog.color[0], fog.color[1], fog.color[2]])?;
    Ok(FogView { density: fog.density.max(0.0), color: fog.color, height: if fog.height > 0.0 { fog.height } else { 1e6 } })
}

/// Half of the gate's width, in millimetres.
const HALF_GATE_MM: f32 = 18.0;

fn camera(c: &Camera, width: u32, height: u32) -> Result<CameraView, KernelError> {
    finite("the camera", &[c.position, c.look_at].concat())?;
    finite("the camera", &[c.roll_degrees, c.lens_mm, c.focus_m, c.aperture_m, c.near_m])?;
    let forward = (Vec3::from(c.look_at) - Vec3::from(c.position)).try_normalize().ok_or(KernelError::Camera)?;
    let level = if forward.y.abs() > 0.9999 { Vec3::NEG_Z } else { Vec3::Y };
    let side = forward.cross(level).try_normalize().ok_or(KernelError::Camera)?;
    let (sin, cos) = c.roll_degrees.to_radians().sin_cos();
    let over = side.cross(forward);
    let half_width = HALF_GATE_MM / c.lens_mm.max(1.0);
    Ok(CameraView {
        position: c.position,
        right: (side * cos + over * sin).to_array(),
        up: (over * cos - side * sin).to_array(),
        forward: forward.to_array(),
        half_width,
        half_height: half_width * height as f32 / width as f32,
        focus: c.focus_m.max(0.05),
        lens_radius: (c.aperture_m * 0.5).max(0.0),
        near_m: c.near_m.max(0.0),
    })
}

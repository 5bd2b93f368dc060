//! What every device must answer like the CPU: random stages, free rays, odd sizes. One suite, run for each device.

pub mod kernels;
#[path = "../patterns/mod.rs"]
mod patterns;

use std::cell::RefCell;
use std::fmt;

use klieg_kernels::convert::{Format, Transfer};
use klieg_kernels::pixels::Pixels;
use klieg_kernels::scene::{Camera, Fog, Geometry, Light, Look, Material, Sky, Texture};
use klieg_kernels::{Build, Cpu, Device, Finish, Layers, Ray, Settings, Solid, Stage};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

/// A stage with everything in it drawn at random.
#[derive(Clone, Debug)]
pub struct World {
    pub geometry: [Geometry; 2],
    pub lights: Vec<Light>,
    pub sky: Sky,
    pub fog: Fog,
    pub camera: Camera,
    pub settings: Settings,
    pub look: Look,
}

impl World {
    pub fn stage<'a>(&'a self, solids: &'a [&'a Solid]) -> Stage<'a> {
        Stage { solids, lights: &self.lights, sky: &self.sky, fog: &self.fog, camera: &self.camera }
    }

    pub fn solids(&self, device: &Device) -> [Solid; 2] {
        [device.solid(&self.geometry[0], Build::Best).unwrap(), device.solid(&self.geometry[1], Build::Fast).unwrap()]
    }

    pub fn rays(&self) -> Vec<Ray> {
        let seed =
            |i: u32| (i.wrapping_mul(0x9e37_79b9) ^ self.settings.seed as u32).wrapping_mul(0x85eb_ca6b) as f32 / u32::MAX as f32;
        let point = |i: u32, size: f32| std::array::from_fn(|k| (seed(i * 3 + k as u32) - 0.5) * size);
        (0..97)
            .map(|i| Ray { origin: point(2 * i, 12.0), near: 0.0, direction: point(2 * i + 1, 2.0), far: 30.0 * seed(i + 7) })
            .collect()
    }
}

fn point(size: f32) -> impl Strategy<Value = [f32; 3]> {
    prop::array::uniform3(-size..size)
}
fn color(most: f32) -> impl Strategy<Value = [f32; 3]> {
    prop::array::uniform3(0.0..most)
}
fn share() -> impl Strategy<Value = f32> {
    prop_oneof![Just(0.0), Just(1.0), 0.0f32..1.0]
}

prop_compose! {
    fn material()(
        pattern in prop::sample::select(patterns::all()), base in color(0.9), second in color(0.9), scale in 0.2f32..8.0, bump in 0.0f32..2.0,
        variation in share(), roughness in share(), specular in share(), metallic in share(), sheen in share(), sheen_color in color(1.0),
        (wrap, translucency, coat, glass) in (share(), share(), share(), share()), glows in 0u32..4, emission in color(3.0),
    ) -> Material {
        let emission = if glows == 0 { emission } else { [0.0; 3] };
        Material {
            base, second, pattern, scale, bump, variation, roughness, specular, metallic, sheen, sheen_color, wrap, translucency, coat, glass,
            emission, texture: 0,
        }
    }
}

fn geometry() -> impl Strategy<Value = Geometry> {
    let corner = (point(3.0), point(1.5), point(1.5), point(1.0), prop::array::uniform3(0.5f32..1.0), 0usize..4);
    let texels = prop::collection::vec(any::<u8>(), 4 * 6);
    (prop::collection::vec(material(), 4), prop::collection::vec(corner, 0..120), texels).prop_map(|(materials, corners, rgba)| {
        let mut g = Geometry { textures: vec![Texture { width: 3, height: 2, rgba }], ..Geometry::default() };
        let materials: Vec<_> = materials.into_iter().map(|m| g.material(m)).collect();
        for (a, u, v, normal, tint, material) in corners {
            let length = normal.iter().map(|x| x * x).sum::<f32>().sqrt().max(1e-3);
            let normal = normal.map(|x| x / length);
            let at = |d: [f32; 3]| std::array::from_fn(|i| a[i] + d[i]);
            let [a, b, c] = [a, at(u), at(v)].map(|p| g.vertex(p, normal, p.map(|x| x * 0.3 + 0.5), tint));
            g.triangle(a, b, c, materials[material]);
        }
        g
    })
}

fn light() -> impl Strategy<Value = Light> {
    prop_oneof![
        (point(1.0), color(3.0), 0.0f32..5.0).prop_map(|(direction, irradiance, diameter_degrees)| Light::Sun {
            direction,
            irradiance,
            diameter_degrees
        }),
        (point(5.0), 0.0f32..0.5, color(20.0)).prop_map(|(position, radius, intensity)| Light::Ball {
            position,
            radius,
            intensity
        }),
        (point(5.0), point(1.0), point(1.0), color(20.0)).prop_map(|(position, u, v, intensity)| Light::Panel {
            position,
            u,
            v,
            intensity
        }),
        (point(5.0), point(1.0), 0.0f32..0.3, 0.0f32..60.0, color(20.0)).prop_map(
            |(position, direction, radius, inner_degrees, intensity)| {
                Light::Spot { position, direction, radius, inner_degrees, outer_degrees: inner_degrees + 10.0, intensity }
            }
        ),
    ]
}

/// Sides with a liking for what goes wrong: one pixel, and the neighbours of the widths that kernels work in.
pub fn side() -> impl Strategy<Value = u32> {
    prop_oneof![Just(1u32), Just(15), Just(16), Just(17), Just(33), 1u32..40]
}

prop_compose! {
    pub fn world()(
        geometry in [geometry(), geometry()], lights in prop::collection::vec(light(), 0..7),
        (zenith, horizon, ground) in (color(1.0), color(1.0), color(1.0)), (sun_glow, clouds, stars, fill) in (share(), share(), share(), share()),
        (density, fog_color, fog_height) in (prop_oneof![Just(0.0f32), 0.0f32..0.3], color(1.0), 0.5f32..20.0),
        (position, look_at, roll_degrees) in (point(6.0), point(1.0), -30.0f32..30.0),
        (lens_mm, focus_m, aperture_m) in (15.0f32..90.0, 1.0f32..10.0, prop_oneof![Just(0.0f32), 0.0f32..0.2]),
        (width, height, samples, bounces, seed) in (side(), side(), 1u32..5, 0u32..4, any::<u64>()),
        (exposure_ev, slope, offset, power) in (-2.0f32..2.0, color(2.0), color(0.1), prop::array::uniform3(prop_oneof![Just(1.0f32), 0.5f32..2.0])),
        (saturation, bloom, grain, vignette) in (0.0f32..2.0, share(), 0.0f32..4.0, share()),
    ) -> World {
        World {
            geometry, lights, sky: Sky { zenith, horizon, ground, sun_glow, clouds, stars, fill }, fog: Fog { density, color: fog_color, height: fog_height },
            camera: Camera { position, look_at, roll_degrees, lens_mm, focus_m, aperture_m, near_m: 0.0 },
            settings: Settings { width, height, samples, bounces, seed },
            look: Look { exposure_ev, slope, offset, power, saturation, bloom, grain, vignette },
        }
    }
}

/// How far values of a device are from the CPU's.
#[derive(Clone, Copy, Debug, Default)]
pub struct Error {
    pub values: usize,
    /// Whose bits differ.
    pub differ: usize,
    /// Farther off than the tolerance.
    pub off: usize,
    /// The largest |a − b| / max(1, |b|).
    worst: f64,
}

impl Error {
    /// NaN counts as far off, unless both are.
    pub fn add(&mut self, found: f32, wanted: f32, tolerance: f64) {
        self.values += 1;
        if found.to_bits() == wanted.to_bits() {
            return;
        }
        let (a, b) = (f64::from(found), f64::from(wanted));
        let error = if a == b { 0.0 } else { (a - b).abs() / b.abs().max(1.0) };
        self.differ += 1;
        self.off += usize::from(error.is_nan() || error > tolerance);
        self.worst = self.worst.max(if error.is_nan() { f64::INFINITY } else { error });
    }

    pub fn all(&mut self, found: &[f32], wanted: &[f32], tolerance: f64) {
        assert_eq!(found.len(), wanted.len());
        found.iter().zip(wanted).for_each(|(&a, &b)| self.add(a, b, tolerance));
    }

    pub fn merge(&mut self, other: Self) {
        *self = Self {
            values: self.values + other.values,
            differ: self.differ + other.differ,
            off: self.off + other.off,
            worst: self.worst.max(other.worst),
        };
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { values, differ, off, worst } = self;
        write!(f, "{values} values | {differ} differ | {off} past the tolerance | worst {worst:.2e}")
    }
}

/// What a device may be off by: a value counts as off past `each` (of its size, at least 1), and `share` of them may be.
#[derive(Clone, Copy, Debug)]
pub struct Tolerance {
    pub each: f64,
    pub share: f64,
}

/// Errors of each stage of a picture, each fed with what the CPU made of the one before.
#[derive(Clone, Copy, Debug, Default)]
pub struct Errors {
    pub trace: Error,
    pub denoise: Error,
    pub develop: Error,
    pub nearest: Error,
    pub passed: Error,
}

impl Errors {
    pub fn rows(&self) -> [(&'static str, Error); 5] {
        [
            ("trace", self.trace),
            ("denoise", self.denoise),
            ("develop", self.develop),
            ("nearest", self.nearest),
            ("passed", self.passed),
        ]
    }

    pub fn merge(&mut self, other: &Self) {
        self.trace.merge(other.trace);
        self.denoise.merge(other.denoise);
        self.develop.merge(other.develop);
        self.nearest.merge(other.nearest);
        self.passed.merge(other.passed);
    }

    /// The first part that is off by more than it may be.
    pub fn past(&self, t: Tolerance) -> Option<String> {
        let exact = t.each == 0.0 && t.share == 0.0;
        let bad = |e: &Error| if exact { e.differ > 0 } else { e.off as f64 > t.share * e.values as f64 };
        self.rows().into_iter().find(|(_, e)| bad(e)).map(|(name, e)| format!("{name}: {e}"))
    }
}

fn layers(error: &mut Error, found: &Layers, wanted: &Layers, tolerance: f64) {
    assert_eq!((found.width, found.height), (wanted.width, wanted.height));
    for (a, b) in [
        (&found.color, &wanted.color),
        (&found.clear, &wanted.clear),
        (&found.albedo, &wanted.albedo),
        (&found.normal, &wanted.normal),
    ] {
        error.all(a.as_flattened(), b.as_flattened(), tolerance);
    }
    error.all(&found.depth, &wanted.depth, tolerance);
    error.all(&found.variance, &wanted.variance, tolerance);
}

/// One world on a device against the reference: plain CPU code on one thread.
pub fn compare(device: &Device, world: &World, tolerance: Tolerance) -> Errors {
    let cpu = Device::Cpu(Box::new(Cpu::plain(1)));
    let solids = world.solids(&cpu);
    let solids = [&solids[0], &solids[1]];
    let stage = world.stage(&solids);
    let mut errors = Errors::default();
    let each = tolerance.each;

    let mut wanted = cpu.trace(&stage, &world.settings).unwrap();
    layers(&mut errors.trace, &device.trace(&stage, &world.settings).unwrap(), &wanted, each);
    let mut found = wanted.clone();
    device.denoise(&mut found).unwrap();
    cpu.denoise(&mut wanted).unwrap();
    layers(&mut errors.denoise, &found, &wanted, each);
    // A step of a byte is 1/255 of white; one step counts as near where anything may be off at all.
    let step = if each > 0.0 { 1.5 / 255.0 } else { 0.0 };
    let lut = kernels::table(5, world.settings.seed as u32);
    for lut in [None, Some(&lut)] {
        let finish = Finish { look: &world.look, lut };
        let (a, b) = (device.develop(&wanted, finish, 5).unwrap(), cpu.develop(&wanted, finish, 5).unwrap());
        assert_eq!((a.width, a.height, a.rgb.len()), (b.width, b.height, b.rgb.len()));
        a.rgb.iter().zip(&b.rgb).for_each(|(&a, &b)| errors.develop.add(f32::from(a) / 255.0, f32::from(b) / 255.0, step));
    }

    let rays = world.rays();
    for (a, b) in device.nearest(&solids, &rays).unwrap().iter().zip(cpu.nearest(&solids, &rays).unwrap()) {
        let numbers = |h: Option<klieg_kernels::Hit>| h.map_or([-1.0; 5], |h| [h.t, h.u, h.v, h.solid as f32, h.triangle as f32]);
        errors.nearest.all(&numbers(*a), &numbers(b), each);
    }
    let (a, b) = (device.passed(&solids, &rays).unwrap(), cpu.passed(&solids, &rays).unwrap());
    errors.passed.all(a.as_flattened(), b.as_flattened(), each);
    errors
}

/// The whole way to a picture, and to a frame, is the way in steps, and goes the same again.
pub fn whole_is_steps(device: &Device, world: &World) {
    let solids = world.solids(device);
    let solids = [&solids[0], &solids[1]];
    let stage = world.stage(&solids);
    let mut steps = device.trace(&stage, &world.settings).unwrap();
    device.denoise(&mut steps).unwrap();
    let steps = device.develop(&steps, &world.look, 9).unwrap();
    for format in [Format::Nv12, Format::P010, Format::Yuv422p10] {
        assert!(device.picture(&stage, &world.settings, &world.look, 9).unwrap() == steps);
        let frame = device.frame(&stage, &world.settings, &world.look, 9, format).unwrap();
        assert!(frame == device.convert(&Pixels::from(&steps), Transfer::Coded, format).unwrap());
    }
}

/// Runs random worlds until one fails, and sums up the errors of those that don't.
pub fn on_worlds(cases: u32, test: impl Fn(&World) -> Result<Errors, TestCaseError>) -> Errors {
    let all = RefCell::new(Errors::default());
    let config = ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 200, ..ProptestConfig::default() };
    let outcome = TestRunner::new(config).run(&world(), |world| {
        all.borrow_mut().merge(&test(&world)?);
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    all.into_inner()
}

/// Prints a device's rows of the table in `README.md`.
pub fn print(device: &str, errors: &Errors) {
    for (name, error) in errors.rows() {
        eprintln!("| {device} | {name} | {error} |");
    }
}

//! The WGSL target against the CPU. Mesa's lavapipe is device enough; without any Vulkan device these tests fail. lavapipe is a tenth as
//! fast as the CPU build and less: pictures are small.
//!
//! `KLIEG_VULKAN=1 cargo nextest run …` tests the device of that index instead of the first.
#![cfg(feature = "wgpu")]

use std::sync::OnceLock;

use klieg_kernels::convert::{Format, Frame, Transfer};
use klieg_kernels::cube::Lut;
use klieg_kernels::grade::Cdl;
use klieg_kernels::pixels::Pixels;
use klieg_kernels::scene::{Camera, Fog, Geometry, Light, Look, Material, Pattern, Sky, Texture};
use klieg_kernels::{Build, Cpu, Device, Finish, Hit, KernelError, Layers, Picture, Ray, Settings, Solid, Stage, Wgpu};
use proptest::prelude::*;

mod patterns;
#[path = "../examples/demo/stage.rs"]
mod stage;

/// A value counts as another where it differs by more than 1 %, or by more than 1 % of this where it is darker.
const DARK: f32 = 0.01;
/// Share of a traced picture's pixels that may be another: where rounding decides which way a path goes.
const OTHERS: f64 = 2e-3;
/// Mean difference of colour over a picture, against its mean.
const MEAN: f64 = 2e-5;
/// Of the finished pictures, in dB.
const PSNR: f64 = 50.0;

fn gpu() -> &'static Wgpu {
    static GPU: OnceLock<Wgpu> = OnceLock::new();
    GPU.get_or_init(|| Wgpu::open(index()).expect("a Vulkan device: Debian has one for any CPU in mesa-vulkan-drivers"))
}

fn index() -> u32 {
    std::env::var("KLIEG_VULKAN").map_or(0, |n| n.parse().expect("KLIEG_VULKAN is a device's number"))
}

fn other(a: f32, b: f32) -> bool {
    let apart = (a - b).abs();
    a != b && (apart.is_nan() || apart > 0.01 * a.abs().max(DARK))
}

/// How far two pictures are apart.
#[derive(Clone, Copy, Debug, Default)]
struct Distance {
    /// Pixels whose colour, albedo, normal or depth is another, and all pixels.
    others: usize,
    pixels: usize,
    /// Pixels that show more than the sky.
    met: usize,
    /// Sums of colour: the difference, and what there is.
    difference: f64,
    light: f64,
}

impl Distance {
    fn add(&mut self, a: &Layers, b: &Layers) {
        assert_eq!((a.width, a.height, a.color.len()), (b.width, b.height, b.color.len()));
        let far = |x: &[f32; 3], y: &[f32; 3]| x.iter().zip(y).any(|(x, y)| other(*x, *y));
        for i in 0..a.color.len() {
            let others = far(&a.color[i], &b.color[i])
                || far(&a.clear[i], &b.clear[i])
                || far(&a.albedo[i], &b.albedo[i])
                || far(&a.normal[i], &b.normal[i])
                || other(a.depth[i], b.depth[i]);
            self.others += usize::from(others);
            self.met += usize::from(a.depth[i].is_finite());
            self.difference += a.color[i].iter().zip(&b.color[i]).map(|(x, y)| f64::from((x - y).abs())).sum::<f64>();
            self.light += a.color[i].iter().map(|x| f64::from(*x)).sum::<f64>();
        }
        self.pixels += a.color.len();
    }

    fn share(&self) -> f64 {
        self.others as f64 / self.pixels as f64
    }

    fn mean(&self) -> f64 {
        self.difference / self.light.max(1e-6)
    }

    fn check(&self, what: &str) {
        println!("{what}: {:.3} % of {} pixels are others, mean difference {:.1e}", 100.0 * self.share(), self.pixels, self.mean());
        assert!(self.share() <= OTHERS && self.mean() <= MEAN, "{what}: {self:?}");
    }
}

fn psnr(a: &Picture, b: &Picture) -> f64 {
    assert_eq!((a.width, a.height, a.rgb.len()), (b.width, b.height, b.rgb.len()));
    let square = a.rgb.iter().zip(&b.rgb).map(|(x, y)| f64::from(x.abs_diff(*y)).powi(2)).sum::<f64>() / a.rgb.len() as f64;
    10.0 * (255.0f64.powi(2) / square.max(1e-9)).log10()
}

fn bits(layers: &Layers) -> Vec<u32> {
    let colors = [&layers.color, &layers.clear, &layers.albedo, &layers.normal].into_iter().flat_map(|l| l.as_flattened());
    colors.chain(&layers.depth).chain(&layers.variance).map(|f| f.to_bits()).collect()
}

fn demo() -> [Solid; 2] {
    let cpu = Cpu::new(1);
    [cpu.solid(&stage::set(24), Build::Best).unwrap(), cpu.solid(&stage::cast(10), Build::Fast).unwrap()]
}

#[test]
fn the_demo_is_the_same_picture_in_any_size() {
    let (cpu, gpu, solids, world) = (Cpu::new(2), gpu(), demo(), stage::World::new());
    let solids = [&solids[0], &solids[1]];
    let mut all = Distance::default();
    let sizes = [
        (96, 64, 4, 1),
        (97, 33, 3, 2),
        (64, 36, 1, 0),
        (40, 23, 16, 3),
        (17, 1, 5, 1),
        (1, 40, 2, 1),
        (1, 1, 1, 1),
        (1, 1, 64, 8),
    ];
    for (width, height, samples, bounces) in sizes {
        let settings = Settings { width, height, samples, bounces, seed: 0x1234_5678_9abc };
        let (a, b) = (cpu.trace(&world.stage(&solids), &settings).unwrap(), gpu.trace(&world.stage(&solids), &settings).unwrap());
        all.add(&a, &b);
        let again = gpu.trace(&world.stage(&solids), &settings).unwrap();
        assert!(bits(&b) == bits(&again), "another run gives other bytes");
        let look = Look::default();
        let ours = finished(&cpu, &a, &look);
        let theirs = gpu.picture(&world.stage(&solids), &settings, &look, 7).unwrap();
        let decibel = psnr(&ours, &theirs);
        println!("{width} × {height}, {samples} samples, {bounces} bounces: {decibel:.1} dB");
        assert!(decibel >= PSNR, "{width} × {height}: {decibel} dB");
        let mut layers = b;
        gpu.denoise(&mut layers).unwrap();
        assert!(gpu.develop(&layers, &look, 7).unwrap() == theirs, "in one go or by steps");
    }
    all.check("demo");
}

fn finished(cpu: &Cpu, layers: &Layers, look: &Look) -> Picture {
    let mut layers = layers.clone();
    cpu.denoise(&mut layers).unwrap();
    cpu.develop(&layers, look, 7).unwrap()
}

/// Six texels, two of them cut out.
fn leaf() -> Texture {
    let rgba = [[250, 10, 10, 255], [20, 230, 40, 255], [30, 30, 240, 0], [200, 200, 30, 255], [0, 0, 0, 127], [90, 160, 220, 255]];
    Texture { width: 3, height: 2, rgba: rgba.concat() }
}

#[test]
fn every_pattern_is_the_same() {
    let (cpu, gpu, world) = (Cpu::new(2), gpu(), stage::World::new());
    let camera = Camera { position: [0.2, 0.5, 3.0], look_at: [0.0; 3], lens_mm: 40.0, ..world.camera };
    let settings = Settings { width: 40, height: 30, samples: 2, bounces: 1, seed: 4 };
    let mut all = Distance::default();
    for (i, pattern) in patterns::all().into_iter().enumerate() {
        let extreme = |k: usize| if i % k == 0 { 1.0 } else { 0.0 };
        let mut g = Geometry::default();
        let m = g.material(Material {
            pattern,
            scale: 3.0,
            bump: 1.0,
            second: [0.7, 0.6, 0.2],
            metallic: extreme(5),
            coat: extreme(3),
            sheen: extreme(2),
            wrap: extreme(4),
            translucency: 0.5 * extreme(7),
            roughness: 0.1 + 0.8 * extreme(2),
            ..Material::default()
        });
        stage::ball(&mut g, 20, m, glam::Affine3A::IDENTITY);
        g.textures.push(leaf());
        let solid = cpu.solid(&g, Build::Fast).unwrap();
        let solids = [&solid];
        let stage = Stage { camera: &camera, ..world.stage(&solids) };
        let (a, b) = (cpu.trace(&stage, &settings).unwrap(), gpu.trace(&stage, &settings).unwrap());
        let mut one = Distance::default();
        one.add(&a, &b);
        assert!(one.others <= 12, "{pattern:?}: {one:?}");
        all.add(&a, &b);
    }
    all.check("patterns");
}

fn three(size: f32) -> impl Strategy<Value = [f32; 3]> + Clone {
    prop::array::uniform3(-size..size)
}

fn light() -> impl Strategy<Value = Light> {
    let (position, intensity) = (three(4.0), prop::array::uniform3(0.0f32..8.0));
    prop_oneof![
        (three(1.0), prop::array::uniform3(0.0f32..4.0), 0.0f32..20.0)
            .prop_map(|(direction, irradiance, diameter_degrees)| Light::Sun { direction, irradiance, diameter_degrees }),
        (position.clone(), 0.0f32..0.5, intensity.clone()).prop_map(|(position, radius, intensity)| Light::Ball {
            position,
            radius,
            intensity
        }),
        (position.clone(), three(0.6), three(0.6), intensity.clone()).prop_map(|(position, u, v, intensity)| Light::Panel {
            position,
            u,
            v,
            intensity
        }),
        (position, three(1.0), 0.0f32..0.2, 1.0f32..60.0, intensity).prop_map(|(position, direction, radius, inner, intensity)| {
            Light::Spot { position, direction, radius, inner_degrees: inner, outer_degrees: inner * 1.5, intensity }
        }),
    ]
}

fn material() -> impl Strategy<Value = Material> {
    let unit = || 0.0f32..1.0;
    let some = || prop_oneof![3 => Just(0.0f32), 1 => 0.0f32..1.0];
    let colors = (prop::array::uniform3(unit()), prop::array::uniform3(unit()), prop::array::uniform3(0.0f32..0.4));
    let answers = (unit(), some(), some(), some(), some(), some());
    (prop::sample::select(patterns::all()), colors, 0.5f32..6.0, some(), answers, prop_oneof![6 => Just(0.0f32), 1 => Just(1.0)])
        .prop_map(
            |(pattern, (base, second, emission), scale, bump, (roughness, metallic, sheen, wrap, translucency, coat), glass)| {
                Material {
                    base,
                    second,
                    emission: emission.map(|e| if coat > 0.5 { e * 3.0 } else { 0.0 }),
                    pattern,
                    scale,
                    bump,
                    roughness,
                    specular: 1.0 - 0.6 * sheen,
                    metallic,
                    sheen,
                    wrap,
                    translucency,
                    coat,
                    glass,
                    ..Material::default()
                }
            },
        )
}

/// Balls and loose triangles in a few materials.
fn geometry() -> impl Strategy<Value = Geometry> {
    let ball = (three(2.0), 0.1f32..1.2, 3u32..12, any::<prop::sample::Index>());
    let triangle = (three(2.5), three(2.0), three(2.0), any::<prop::sample::Index>());
    let parts = (prop::collection::vec(ball, 0..4), prop::collection::vec(triangle, 0..20));
    (prop::collection::vec(material(), 1..5), parts).prop_map(|(materials, (balls, triangles))| {
        let mut g = Geometry::default();
        let ids: Vec<u16> = materials.into_iter().map(|m| g.material(m)).collect();
        for (at, size, detail, which) in balls {
            let place = glam::Affine3A::from_translation(at.into()) * glam::Affine3A::from_scale(glam::Vec3::splat(size));
            stage::ball(&mut g, detail, *which.get(&ids), place);
        }
        for (a, u, v, which) in triangles {
            let normal = glam::Vec3::from(u).cross(v.into()).normalize_or(glam::Vec3::Y).to_array();
            let corners = [a, std::array::from_fn(|i| a[i] + u[i]), std::array::from_fn(|i| a[i] + v[i])];
            let [p, q, r] = corners.map(|p| g.vertex(p, normal, p, [0.9, 1.0, 0.8]));
            g.triangle(p, q, r, *which.get(&ids));
        }
        g.textures.push(leaf());
        g
    })
}

#[derive(Clone, Debug)]
struct Scene {
    solids: Vec<Geometry>,
    lights: Vec<Light>,
    sky: Sky,
    fog: Fog,
    camera: Camera,
    settings: Settings,
}

fn scene() -> impl Strategy<Value = Scene> {
    let colors = prop::array::uniform3(prop::array::uniform3(0.0f32..1.0));
    let sky = (colors, prop::array::uniform4(prop_oneof![Just(0.0f32), 0.0f32..1.0])).prop_map(
        |([zenith, horizon, ground], [sun_glow, clouds, stars, fill])| Sky {
            zenith,
            horizon,
            ground,
            sun_glow,
            clouds,
            stars,
            fill,
        },
    );
    let fog = (prop_oneof![Just(0.0f32), 0.0f32..0.3], prop::array::uniform3(0.0f32..1.0), -1.0f32..6.0)
        .prop_map(|(density, color, height)| Fog { density, color, height });
    let camera = (three(4.0), three(0.5), 15.0f32..90.0, 0.5f32..6.0, prop_oneof![Just(0.0f32), 0.0f32..0.2], 0.0f32..1.0)
        .prop_filter("the camera looks away from where it is", |(p, l, ..)| glam::Vec3::from(*p).distance((*l).into()) > 0.5)
        .prop_map(|(position, look_at, lens_mm, focus_m, aperture_m, near_m)| Camera {
            position,
            look_at,
            roll_degrees: 7.0,
            lens_mm,
            focus_m,
            aperture_m,
            near_m,
        });
    let settings = (1u32..34, 1u32..34, 1u32..6, 0u32..4, any::<u64>())
        .prop_map(|(width, height, samples, bounces, seed)| Settings { width, height, samples, bounces, seed });
    (prop::collection::vec(geometry(), 0..5), prop::collection::vec(light(), 0..9), sky, fog, camera, settings)
        .prop_map(|(solids, lights, sky, fog, camera, settings)| Scene { solids, lights, sky, fog, camera, settings })
}

/// One by one a small picture may have a few other pixels; all together they keep to the tolerance.
#[test]
fn random_scenes_are_the_same() {
    let (cpu, gpu) = (Cpu::new(2), gpu());
    let all = std::cell::RefCell::new(Distance::default());
    let worst = std::cell::Cell::new(f64::INFINITY);
    let config = ProptestConfig { cases: 128, failure_persistence: None, max_shrink_iters: 20, ..ProptestConfig::default() };
    proptest!(config, |(scene in scene())| {
        let solids: Vec<Solid> = scene.solids.iter().map(|g| cpu.solid(g, Build::Best).unwrap()).collect();
        let solids: Vec<&Solid> = solids.iter().collect();
        let stage = Stage { solids: &solids, lights: &scene.lights, sky: &scene.sky, fog: &scene.fog, camera: &scene.camera };
        let (a, b) = (cpu.trace(&stage, &scene.settings).unwrap(), gpu.trace(&stage, &scene.settings).unwrap());
        prop_assert!(b.color.as_flattened().iter().chain(&b.variance).all(|x| x.is_finite()));
        let mut one = Distance::default();
        one.add(&a, &b);
        prop_assert!(one.others as f64 <= 3.0 + 0.05 * one.pixels as f64, "{:?}", one);
        all.borrow_mut().add(&a, &b);
        let look = Look::default();
        worst.set(worst.get().min(psnr(&finished(&cpu, &a, &look), &gpu.picture(&stage, &scene.settings, &look, 7).unwrap())));
    });
    println!("worst picture: {:.1} dB", worst.get());
    all.borrow().check("random scenes");
    assert!(4 * all.borrow().met > all.borrow().pixels, "too few pixels show anything");
}

fn random_layers(width: u32, height: u32, seed: u64) -> Layers {
    let solids = demo();
    let settings = Settings { width, height, samples: 2, bounces: 1, seed };
    Cpu::new(2).trace(&stage::World::new().stage(&[&solids[0], &solids[1]]), &settings).unwrap()
}

/// The same layers in, almost the same out: nothing here goes two ways.
#[test]
fn denoiser_and_film_chain_are_the_same() {
    let (cpu, gpu) = (Cpu::new(2), gpu());
    let looks = [
        Look::default(),
        Look { bloom: 0.0, grain: 0.0, vignette: 0.0, ..Look::default() },
        Look {
            exposure_ev: 1.3,
            slope: [1.1, 0.9, 1.0],
            offset: [0.01, -0.02, 0.0],
            power: [0.9, 1.1, 1.3],
            saturation: 1.4,
            bloom: 0.4,
            grain: 3.0,
            vignette: 0.8,
        },
    ];
    let mut worst = 0.0f32;
    for (width, height) in [(129, 70), (64, 64), (33, 5), (5, 40), (1, 1), (2, 1), (1, 3)] {
        let layers = random_layers(width, height, 5);
        let (mut a, mut b) = (layers.clone(), layers.clone());
        cpu.denoise(&mut a).unwrap();
        gpu.denoise(&mut b).unwrap();
        assert!(b.albedo == layers.albedo && b.depth == layers.depth);
        for (x, y) in a.color.as_flattened().iter().zip(b.color.as_flattened()) {
            worst = worst.max((x - y).abs() / x.abs().max(DARK));
        }
        for look in &looks {
            let (p, q) = (cpu.develop(&a, look, 3).unwrap(), gpu.develop(&a, look, 3).unwrap());
            let most = p.rgb.iter().zip(&q.rgb).map(|(x, y)| x.abs_diff(*y)).max().unwrap();
            assert!(most <= 1, "{width} × {height}: a byte differs by {most}");
        }
    }
    println!("denoised colour differs by {worst:.1e} at most");
    assert!(worst < 1e-3, "denoised colour differs by {worst}");
}

const FORMATS: [Format; 3] = [Format::Nv12, Format::P010, Format::Yuv422p10];

/// Conversion is in whole numbers; only the curves of floats may round to another 65280th, and a code then to the next.
#[test]
fn converted_bytes_are_equal_and_floats_a_code_apart_at_most() {
    let (cpu, gpu) = (Cpu::new(2), gpu());
    let config = ProptestConfig { cases: 64, failure_persistence: None, max_shrink_iters: 20, ..ProptestConfig::default() };
    let picture = (1u32..40, 1u32..40).prop_flat_map(|(width, height)| {
        let rgb = prop::collection::vec(any::<u8>(), (width * height * 3) as usize);
        rgb.prop_map(move |rgb| Picture { width, height, rgb })
    });
    let (codes, apart) = (std::cell::Cell::new(0usize), std::cell::Cell::new(0usize));
    proptest!(config, |(picture in picture, curve in 0usize..3)| {
        let transfer = [Transfer::Coded, Transfer::Srgb, Transfer::Bt709][curve];
        let floats: Vec<[f32; 3]> = picture.rgb.as_chunks::<3>().0.iter().map(|c| c.map(|x| f32::from(x) / 250.0 - 0.01)).collect();
        for format in FORMATS {
            let of_bytes = Pixels::from(&picture);
            prop_assert!(gpu.convert(&of_bytes, transfer, format).unwrap() == cpu.convert(&of_bytes, transfer, format).unwrap());
            let of_floats = Pixels::floats(picture.width, picture.height, &floats);
            let (a, b) = (gpu.convert(&of_floats, transfer, format).unwrap(), cpu.convert(&of_floats, transfer, format).unwrap());
            let (a, b) = (all_codes(&a), all_codes(&b));
            prop_assert!(a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| a.abs_diff(*b) <= 1));
            codes.set(codes.get() + a.len());
            apart.set(apart.get() + a.iter().zip(&b).filter(|(a, b)| a != b).count());
        }
    });
    println!("{} of {} codes of floats differ", apart.get(), codes.get());
}

fn all_codes(frame: &Frame) -> Vec<u16> {
    let bytes = frame.planes.concat();
    match frame.format {
        Format::Nv12 => bytes.into_iter().map(u16::from).collect(),
        Format::P010 => bytes.as_chunks::<2>().0.iter().map(|b| u16::from_le_bytes(*b) >> 6).collect(),
        Format::Yuv422p10 => bytes.as_chunks::<2>().0.iter().map(|b| u16::from_le_bytes(*b)).collect(),
    }
}

#[test]
fn grades_are_the_same() {
    let (cpu, gpu) = (Cpu::new(2), gpu());
    let mut worst = 0.0f32;
    for (width, height, side) in [(1, 1, 2), (40, 7, 5), (33, 65, 17), (5, 300, 33)] {
        let entry = |i: u32| (hash(i) & 0xffff) as f32 / 65535.0;
        let lut = Lut::new(side, (0..side.pow(3)).map(|i| [entry(3 * i), entry(3 * i + 1), entry(3 * i + 2)]).collect()).unwrap();
        let cdl = Cdl { slope: [1.2, 0.8, 1.0], offset: [0.02, -0.03, 0.0], power: [0.8, 1.3, 1.0], saturation: 1.2 };
        let color: Vec<[f32; 3]> = (0..width * height).map(|i| [entry(i) * 1.2 - 0.1, entry(i + 7), entry(i + 9)]).collect();
        for lut in [None, Some(&lut)] {
            let (mut a, mut b) = (color.clone(), color.clone());
            cpu.grade((width, height), &mut a, &cdl, lut).unwrap();
            gpu.grade((width, height), &mut b, &cdl, lut).unwrap();
            let off = a.as_flattened().iter().zip(b.as_flattened()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(off < 2e-6 * side as f32, "{width} × {height}, table of {side}: {off:e}");
            worst = worst.max(off);
        }
        let stage = random_layers(32, 18, 3);
        let finish = Finish { look: &Look::default(), lut: Some(&lut) };
        let (a, b) = (cpu.develop(&stage, finish, 3).unwrap(), gpu.develop(&stage, finish, 3).unwrap());
        assert!(a.rgb.iter().zip(&b.rgb).all(|(a, b)| a.abs_diff(*b) <= 1));
        assert!(a != cpu.develop(&stage, &Look::default(), 3).unwrap());
    }
    println!("graded colour differs by {worst:.1e} at most");
}

fn hash(i: u32) -> u32 {
    let x = (i ^ 61 ^ (i >> 16)).wrapping_mul(0x7feb_352d);
    (x ^ (x >> 15)).wrapping_mul(0x846c_a68b)
}

#[test]
fn what_is_not_written_in_wgsl_says_so() {
    let device = Device::Wgpu(Box::new(Wgpu::open(index()).unwrap()));
    let refused = |what| KernelError::NotHere { what, target: "Vulkan" };
    assert_eq!(device.mel(&[0.0; 400], 80), Err(refused("mel")));
    assert_eq!(device.geglu(1, &[0.0f32; 2]), Err(refused("geglu")));
    assert_eq!(device.top_k(&[0.0], 1), Err(refused("top_k")));
    assert!(refused("mel").to_string().contains("on cpu and cuda:N it does"));
    assert!(device.convert(&Pixels::bytes(1, 1, &[1, 2, 3]), Transfer::Coded, Format::Nv12).is_ok());
}

fn square(material: Material, z: f32) -> Geometry {
    let mut g = Geometry { textures: vec![leaf()], ..Geometry::default() };
    let m = g.material(material);
    let corners = [[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]];
    let [a, b, c, d] = corners.map(|[x, y]| g.vertex([x, y, z], [0.0, 0.0, 1.0], [0.5 * x + 0.5, 0.5 * y + 0.5, 0.0], [1.0; 3]));
    g.triangle(a, b, c, m);
    g.triangle(a, c, d, m);
    g
}

#[test]
fn rays_meet_and_pass_the_same() {
    let (cpu, gpu) = (Cpu::new(2), gpu());
    let ray = (three(5.0), three(1.0), 0.0f32..1.0, prop_oneof![Just(f32::INFINITY), 1.0f32..20.0])
        .prop_map(|(origin, direction, near, far)| Ray { origin, near, direction, far });
    let config = ProptestConfig { cases: 48, failure_persistence: None, max_shrink_iters: 20, ..ProptestConfig::default() };
    let (rays_all, others) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    proptest!(config, |(solids in prop::collection::vec(geometry(), 0..8), rays in prop::collection::vec(ray, 0..300))| {
        let solids: Vec<Solid> = solids.iter().map(|g| cpu.solid(g, Build::Best).unwrap()).collect();
        let solids: Vec<&Solid> = solids.iter().collect();
        let (a, b) = (cpu.nearest(&solids, &rays).unwrap(), gpu.nearest(&solids, &rays).unwrap());
        let (c, d) = (cpu.passed(&solids, &rays).unwrap(), gpu.passed(&solids, &rays).unwrap());
        prop_assert_eq!((a.len(), c.len()), (b.len(), d.len()));
        let same = |a: &Option<Hit>, b: &Option<Hit>| match (a, b) {
            (Some(a), Some(b)) => (a.solid, a.triangle) == (b.solid, b.triangle) && (a.t - b.t).abs() <= 1e-4 * a.t.abs().max(1.0),
            (a, b) => a.is_none() && b.is_none(),
        };
        let near = |a: &[f32; 3], b: &[f32; 3]| a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1e-5);
        rays_all.set(rays_all.get() + rays.len());
        let (met, let_by) = (a.iter().zip(&b).filter(|(a, b)| !same(a, b)), c.iter().zip(&d).filter(|(a, b)| !near(a, b)));
        others.set(others.get() + met.count() + let_by.count());
    });
    let (rays_all, others) = (rays_all.get(), others.get());
    println!("{others} of {rays_all} rays are judged otherwise");
    assert!(others as f64 <= 1e-3 * rays_all as f64, "{others} of {rays_all}");
}

#[test]
fn panes_tint_and_cut_outs_let_through() {
    let gpu = gpu();
    let solid = |m: Material| gpu.solid(&square(m, 0.0), Build::Fast).unwrap();
    let pane = solid(Material { base: [1.0, 0.5, 0.25], glass: 1.0, ..Material::default() });
    let leaf = solid(Material { pattern: Pattern::Image, ..Material::default() });
    let ray = |x: f32, y: f32| Ray { origin: [x, y, 2.0], near: 0.0, direction: [0.0, 0.0, -1.0], far: f32::INFINITY };
    let through = gpu.passed(&[&pane], &[ray(0.3, 0.2)]).unwrap()[0];
    assert!(through.iter().zip([0.9, 0.45, 0.225]).all(|(a, b)| (a - b).abs() < 1e-6), "{through:?}");
    // Upper row: the right third is cut out; lower row: the middle.
    let spots = [ray(-0.7, 0.5), ray(0.7, 0.5), ray(0.1, -0.5), ray(0.7, -0.5)];
    assert_eq!(gpu.passed(&[&leaf], &spots).unwrap(), [[0.0; 3], [1.0; 3], [1.0; 3], [0.0; 3]]);
    let hits = gpu.nearest(&[&pane, &leaf], &spots).unwrap();
    assert!(hits.iter().all(|h| h.is_some_and(|h| h.solid == 0 && h.t == 2.0)), "{hits:?}");
}

/// What stays in the device's memory from stage to stage mustn't show.
#[test]
fn solids_that_come_and_go_leave_no_trace() {
    let (gpu, world) = (Wgpu::open(index()).unwrap(), stage::World::new());
    let [set, cast] = demo();
    let small = gpu.solid(&square(Material { pattern: Pattern::Image, ..Material::default() }, 1.0), Build::Fast).unwrap();
    let empty = gpu.solid(&Geometry::default(), Build::Fast).unwrap();
    let settings = Settings { width: 32, height: 18, samples: 1, bounces: 1, seed: 2 };
    let stages: [&[&Solid]; 5] = [&[&set, &cast], &[&set, &small], &[], &[&empty, &small, &set], &[&cast, &set]];
    for (i, solids) in stages.into_iter().enumerate() {
        let stage = world.stage(solids);
        let kept = gpu.trace(&stage, &settings).unwrap();
        let fresh = Wgpu::open(index()).unwrap().trace(&stage, &settings).unwrap();
        assert!(bits(&kept) == bits(&fresh), "stage {i}");
    }
}

#[test]
fn nothing_is_left_unwritten() {
    let (clean, poisoned, world) = (gpu(), Wgpu::open_poisoned(index()).unwrap(), stage::World::new());
    let [set, cast] = demo();
    let solids = [&set, &cast];
    for (width, height) in [(35, 19), (16, 16), (1, 1), (7, 1)] {
        let settings = Settings { width, height, samples: 1, bounces: 1, seed: 9 };
        let stage = world.stage(&solids);
        assert!(bits(&clean.trace(&stage, &settings).unwrap()) == bits(&poisoned.trace(&stage, &settings).unwrap()));
        let look = Look::default();
        let picture = clean.picture(&stage, &settings, &look, 1).unwrap();
        assert!(picture == poisoned.picture(&stage, &settings, &look, 1).unwrap());
        for format in FORMATS {
            let frame = clean.frame(&stage, &settings, &look, 1, format).unwrap();
            assert!(frame == poisoned.convert(&Pixels::from(&picture), Transfer::Coded, format).unwrap());
            assert!(frame == poisoned.frame(&stage, &settings, &look, 1, format).unwrap());
        }
    }
    let rays = [Ray { origin: [0.0, 1.0, 4.0], near: 0.0, direction: [0.0, 0.0, -1.0], far: 9.0 }; 3];
    assert_eq!(clean.nearest(&solids, &rays).unwrap(), poisoned.nearest(&solids, &rays).unwrap());
    assert_eq!(clean.passed(&solids, &rays).unwrap(), poisoned.passed(&solids, &rays).unwrap());
}

#[test]
fn what_is_not_there_or_does_not_fit_is_refused_by_name() {
    let (gpu, world) = (gpu(), stage::World::new());
    let count = Wgpu::list().len() as u32;
    assert_eq!(Wgpu::open(99).err(), Some(KernelError::NoDevice { target: "Vulkan", asked: 99, count }));
    let few = Settings { width: 4, height: 4, samples: 1, bounces: 1, seed: 0 };
    let refused = |settings: Settings| gpu.trace(&world.stage(&[]), &settings).map(|_| ()).unwrap_err();
    assert_eq!(refused(Settings { width: 0, ..few }), KernelError::Size { width: 0, height: 4, most: 8192 });
    assert_eq!(refused(Settings { samples: 0, ..few }), KernelError::Samples { samples: 0, most: 4096 });
    let blind = Camera { look_at: world.camera.position, ..world.camera };
    assert_eq!(gpu.trace(&Stage { camera: &blind, ..world.stage(&[]) }, &few).err(), Some(KernelError::Camera));
    let nan = Ray { origin: [f32::NAN, 0.0, 0.0], near: 0.0, direction: [0.0, 0.0, 1.0], far: 1.0 };
    assert_eq!(gpu.nearest(&[], &[nan]), Err(KernelError::NotFinite { list: "rays", at: 0 }));
    assert_eq!(gpu.nearest(&[], &[]), Ok(vec![]));
    let broken = Picture { width: 2, height: 2, rgb: vec![0; 11] };
    assert_eq!(
        gpu.convert(&Pixels::from(&broken), Transfer::Coded, Format::Nv12),
        Err(KernelError::Length { list: "rgb", found: 11, wanted: 12 })
    );
    // After a refusal the device works on.
    assert!(gpu.trace(&world.stage(&[]), &few).is_ok());
}

/// lavapipe takes 128 MiB in one piece; a picture of 8192 × 8192 needs 3.5 GiB.
#[test]
fn a_picture_larger_than_the_device_takes_is_refused_with_both_sizes() {
    let (gpu, world) = (gpu(), stage::World::new());
    let settings = Settings { width: 8192, height: 8192, samples: 1, bounces: 0, seed: 0 };
    match gpu.trace(&world.stage(&[]), &settings) {
        Err(KernelError::TooLarge { asked, most }) => assert!(asked == 8192 * 8192 * 56 && most < asked, "{asked} of {most}"),
        Err(KernelError::NoMemory { asked }) => assert_eq!(asked, 8192 * 8192 * 56),
        Err(other) => panic!("{other}"),
        Ok(layers) => assert!(layers.depth.iter().all(|z| z.is_infinite())),
    }
}

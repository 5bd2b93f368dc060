//! Bad input: an error that names the field and its value, or a sensible picture; never a crash, never a hang. On the CPU, and on the
//! CUDA form through the stand-in driver.

use klieg_kernels::scene::{Camera, Fog, Geometry, Light, Look, Material, Sky};
use klieg_kernels::{Build, Cpu, Cuda, Device, KernelError, Picture, Ray, Settings, Solid, Stage};
use proptest::prelude::*;

mod stand_in;
mod toolkit;

const SMALL: Settings = Settings { width: 24, height: 17, samples: 2, bounces: 2, seed: 1 };
const CAMERA: Camera = Camera {
    position: [0.0, 0.0, 4.0],
    look_at: [0.0; 3],
    roll_degrees: 0.0,
    lens_mm: 35.0,
    focus_m: 4.0,
    aperture_m: 0.05,
    near_m: 0.0,
};

fn devices() -> [Device; 2] {
    stand_in::open();
    [Device::Cpu(Box::new(Cpu::new(2))), Device::Cuda(Box::new(Cuda::open_poisoned(0).unwrap()))]
}

fn lamp() -> Light {
    Light::Ball { position: [1.0, 3.0, 2.0], radius: 0.2, intensity: [8.0; 3] }
}

/// Light and layers that are all numbers, and a picture; the same on both devices.
fn sensible(geometry: &Geometry, lights: &[Light], camera: &Camera, settings: &Settings) -> Picture {
    let [cpu, cuda] = devices().map(|device| {
        let solid = device.solid(geometry, Build::Fast).unwrap();
        let (solids, sky, fog) = ([&solid], Sky::default(), Fog { density: 0.02, color: [0.5; 3], height: 4.0 });
        let stage = Stage { solids: &solids, lights, sky: &sky, fog: &fog, camera };
        let mut layers = device.trace(&stage, settings).unwrap();
        device.denoise(&mut layers).unwrap();
        let colors = [&layers.color, &layers.clear, &layers.albedo, &layers.normal];
        assert!(colors.iter().all(|c| c.as_flattened().iter().all(|x| x.is_finite())));
        assert!(
            layers.color.as_flattened().iter().all(|x| *x >= 0.0) && layers.variance.iter().all(|v| v.is_finite() && *v >= 0.0)
        );
        assert!(layers.depth.iter().all(|d| !d.is_nan()));
        device.develop(&layers, &Look::default(), 3).unwrap()
    });
    assert!(cpu == cuda);
    cpu
}

fn soup(triangles: &[[[f32; 3]; 3]], normal: [f32; 3]) -> Geometry {
    let mut g = Geometry::default();
    let m = g.material(Material::default());
    for t in triangles {
        let [a, b, c] = t.map(|p| g.vertex(p, normal, p, [1.0; 3]));
        g.triangle(a, b, c, m);
    }
    g
}

/// A box around the origin.
fn room(half: f32) -> Geometry {
    let corner = |i: usize| [0, 1, 2].map(|k| if i >> k & 1 == 1 { half } else { -half });
    let sides = [[0, 1, 3, 2], [4, 5, 7, 6], [0, 1, 5, 4], [2, 3, 7, 6], [0, 2, 6, 4], [1, 3, 7, 5]];
    let halves = |s: [usize; 4]| [[s[0], s[1], s[2]], [s[0], s[2], s[3]]].map(|t| t.map(corner));
    soup(&sides.map(halves).concat(), [0.0, 1.0, 0.0])
}

#[test]
fn triangles_without_area_are_never_seen_and_break_nothing() {
    let point = [0.3, 0.2, 0.1];
    let line = [[-1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [1.0, 0.0, 0.0]];
    let all = [[point; 3], line, [point, point, [0.0; 3]], [[0.0; 3]; 3]];
    let g = soup(&all.repeat(50), [0.0, 0.0, 1.0]);
    assert!(sensible(&g, &[lamp()], &CAMERA, &SMALL) == sensible(&Geometry::default(), &[lamp()], &CAMERA, &SMALL));
}

#[test]
fn normals_of_no_length_still_shade() {
    sensible(&soup(&[[[-2.0, -2.0, 0.0], [2.0, -2.0, 0.0], [0.0, 2.0, 0.0]]], [0.0; 3]), &[lamp()], &CAMERA, &SMALL);
}

#[test]
fn a_camera_inside_a_wall_or_on_a_surface_sees_something() {
    let wall = Camera { position: [2.0, 0.0, 0.0], look_at: [2.0, 0.0, -1.0], ..CAMERA };
    let corner = Camera { position: [2.0; 3], look_at: [0.0; 3], ..CAMERA };
    for camera in [wall, corner, Camera { position: [0.0; 3], look_at: [0.0, -1.0, 0.0], ..CAMERA }] {
        sensible(&room(2.0), &[lamp()], &camera, &SMALL);
    }
}

#[test]
fn no_lights_at_all_leave_the_sky_and_a_dark_room() {
    let outside = sensible(&soup(&[[[-2.0, -2.0, 0.0], [2.0, -2.0, 0.0], [0.0, 2.0, 0.0]]], [0.0, 0.0, 1.0]), &[], &CAMERA, &SMALL);
    assert!(outside.rgb.iter().any(|&v| v > 60));
    sensible(&room(6.0), &[], &CAMERA, &SMALL);
}

#[test]
fn lights_of_no_size_no_power_and_no_direction_are_fine() {
    let lights = [
        Light::Ball { position: [0.0; 3], radius: 0.0, intensity: [0.0; 3] },
        Light::Sun { direction: [0.0; 3], irradiance: [1.0; 3], diameter_degrees: 0.0 },
        Light::Panel { position: [0.0, 2.0, 0.0], u: [0.0; 3], v: [0.0; 3], intensity: [1.0; 3] },
        Light::Spot {
            position: [0.0, 2.0, 0.0],
            direction: [0.0; 3],
            radius: 0.0,
            inner_degrees: 90.0,
            outer_degrees: 0.0,
            intensity: [1.0; 3],
        },
        // On the surface that it lights.
        Light::Ball { position: [0.0, -6.0, 0.0], radius: 0.5, intensity: [5.0; 3] },
    ];
    sensible(&room(6.0), &lights, &CAMERA, &SMALL);
}

#[test]
fn lenses_of_any_length_and_focus_give_light() {
    for (lens_mm, focus_m, aperture_m) in [(0.0, 0.0, 0.0), (1e9, 1e-9, 10.0), (35.0, 1e9, 0.0), (-5.0, -5.0, -5.0)] {
        sensible(&room(6.0), &[lamp()], &Camera { lens_mm, focus_m, aperture_m, ..CAMERA }, &SMALL);
    }
}

fn refusal(device: &Device, solids: &[&Solid], lights: &[Light], camera: &Camera, settings: &Settings) -> KernelError {
    let (sky, fog) = (Sky::default(), Fog::default());
    let stage = Stage { solids, lights, sky: &sky, fog: &fog, camera };
    let error = device.trace(&stage, settings).err().unwrap();
    assert_eq!(device.picture(&stage, settings, &Look::default(), 0).err().as_ref(), Some(&error));
    error
}

#[test]
fn what_no_device_can_trace_is_refused_by_field_and_value() {
    for device in devices() {
        let size = |width, height| refusal(&device, &[], &[], &CAMERA, &Settings { width, height, ..SMALL });
        for (width, height) in [(100_000, 1), (1, 100_000), (0, 5), (5, 0), (u32::MAX, u32::MAX)] {
            let error = size(width, height);
            assert_eq!(error, KernelError::Size { width, height, most: 8192 });
            assert!(error.to_string().contains(&format!("{width} × {height}")));
        }
        let nan = Camera { focus_m: f32::NAN, ..CAMERA };
        assert_eq!(refusal(&device, &[], &[], &nan, &SMALL), KernelError::Parameter { what: "the camera" });
        let dark = [Light::Ball { position: [0.0; 3], radius: 0.1, intensity: [0.0, f32::INFINITY, 0.0] }];
        assert_eq!(refusal(&device, &[], &dark, &CAMERA, &SMALL), KernelError::Parameter { what: "a light" });
        let solid = device.solid(&Geometry::default(), Build::Fast).unwrap();
        assert_eq!(
            refusal(&device, &[&solid; 9], &[], &CAMERA, &SMALL),
            KernelError::TooMany { what: "solids", found: 9, most: 8 }
        );
        let ray = Ray { origin: [0.0; 3], near: 0.0, direction: [f32::NAN; 3], far: 1.0 };
        assert_eq!(device.nearest(&[], &[ray]), Err(KernelError::NotFinite { list: "rays", at: 0 }));
        assert_eq!(device.passed(&[], &[]), Ok(Vec::new()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever numbers stand in a mesh: refused by name, or traced to the end in reasonable time.
    #[test]
    fn a_mesh_of_any_numbers_is_refused_or_traced(
        numbers in prop::collection::vec(prop_oneof![4 => -3.0f32..3.0, 1 => any::<f32>()], 9..120),
        indices in prop::collection::vec(prop_oneof![8 => 0u32..3, 1 => any::<u32>()], 3..30),
    ) {
        let mut g = Geometry::default();
        let m = g.material(Material::default());
        for p in numbers.as_chunks::<3>().0 {
            g.vertex(*p, [0.0, 1.0, 0.0], *p, [1.0; 3]);
        }
        for t in indices.as_chunks::<3>().0 {
            g.triangle(t[0], t[1], t[2], m);
        }
        match devices()[0].solid(&g, Build::Best) {
            Err(error) => prop_assert!(
                matches!(error, KernelError::NotFinite { .. } | KernelError::TooFar { .. } | KernelError::Index { .. }),
                "{error}"
            ),
            Ok(_) => drop(sensible(&g, &[lamp()], &CAMERA, &SMALL)),
        }
    }
}

/// A limit on the process's memory leaves no room for another thread's stack.
#[test]
#[cfg(target_os = "linux")]
fn threads_that_the_system_refuses_are_an_error_and_no_end() {
    use nix::sys::resource::{Resource, setrlimit};
    let taken = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = taken.split(' ').next().unwrap().parse().unwrap();
    setrlimit(Resource::RLIMIT_AS, pages * 4096 + (1 << 20), nix::sys::resource::RLIM_INFINITY).unwrap();
    let refused = Device::open(klieg_kernels::Choice::Cpu, 3).err();
    let alone = Cpu::new(3).geglu(1, &[2.0f32, 3.0]);
    setrlimit(Resource::RLIMIT_AS, nix::sys::resource::RLIM_INFINITY, nix::sys::resource::RLIM_INFINITY).unwrap();
    assert!(matches!(refused, Some(KernelError::NoThread { .. })), "{refused:?}");
    assert_eq!(alone, Cpu::plain(1).geglu(1, &[2.0f32, 3.0]));
}

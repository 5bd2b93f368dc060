//! Every device against the reference, on random stages: here those that need no GPU. `gpu.rs` runs the same suite on one.

use klieg_kernels::scene::{Camera, Fog, Geometry, Look, Material, Pattern, Sky, Texture};
use klieg_kernels::{Build, Choice, Cpu, Cuda, Device, KernelError, Ray, Settings, Stage};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

mod stand_in;
mod suite;
mod toolkit;

use suite::{Errors, Tolerance, World, compare, on_worlds, whole_is_steps};

const EXACT: Tolerance = Tolerance { each: 0.0, share: 0.0 };

fn exactly(device: &Device, world: &World) -> Result<Errors, TestCaseError> {
    let errors = compare(device, world, EXACT);
    errors.past(EXACT).map_or(Ok(errors), |what| Err(TestCaseError::fail(what)))
}

#[test]
fn every_instruction_set_gives_the_bits_of_plain_code() {
    let devices: Vec<_> = Cpu::of_every_set(2).into_iter().map(|cpu| Device::Cpu(Box::new(cpu))).collect();
    for (i, device) in devices.iter().enumerate() {
        let errors = on_worlds(150, |world| exactly(device, world));
        suite::print(["plain", "AVX2", "AVX-512"][i], &errors);
    }
}

/// The CUDA form of the kernels, one thread an item or pixel, far out of order, through everything of `Cuda` but the driver.
#[test]
fn the_cuda_form_gives_the_bits_of_plain_code_on_a_stand_in_driver() {
    stand_in::open();
    let device = Device::Cuda(Box::new(Cuda::open_poisoned(0).unwrap()));
    let errors = on_worlds(150, |world| exactly(&device, world));
    suite::print("CUDA form on the CPU", &errors);
}

#[test]
fn every_kernel_gives_the_bits_of_plain_code_in_every_instruction_set() {
    for (i, cpu) in Cpu::of_every_set(3).into_iter().enumerate() {
        let device = Device::Cpu(Box::new(cpu.poisoned()));
        suite::kernels::judge(["plain", "AVX2", "AVX-512"][i], &suite::kernels::on_shapes(24, &device, 0.0), 0.0);
    }
}

#[test]
fn the_cuda_form_of_every_kernel_gives_the_bits_of_plain_code() {
    stand_in::open();
    let device = Device::Cuda(Box::new(Cuda::open_poisoned(0).unwrap()));
    suite::kernels::judge("CUDA form on the CPU", &suite::kernels::on_shapes(24, &device, 0.0), 0.0);
}

#[test]
fn a_picture_is_its_steps_on_every_device() {
    stand_in::open();
    for device in [Device::Cpu(Box::new(Cpu::new(2))), Device::Cuda(Box::new(Cuda::open_poisoned(0).unwrap()))] {
        on_worlds(8, |world| {
            whole_is_steps(&device, world);
            Ok(Errors::default())
        });
    }
}

#[test]
fn solids_go_to_the_device_once_and_leave_with_their_host_form() {
    stand_in::open();
    let cuda = Device::Cuda(Box::new(Cuda::open(0).unwrap()));
    let Device::Cuda(inner) = &cuda else { unreachable!() };
    let ray = Ray { origin: [0.0; 3], near: 0.0, direction: [0.0, 0.0, 1.0], far: 1.0 };
    let geometry = Geometry::default();
    let solids: Vec<_> = (0..3).map(|_| cuda.solid(&geometry, Build::Fast).unwrap()).collect();
    for _ in 0..2 {
        cuda.nearest(&[&solids[0], &solids[1], &solids[2].clone()], &[ray]).unwrap();
        assert_eq!(inner.residents(), 3);
    }
    drop(solids);
    let another = cuda.solid(&geometry, Build::Fast).unwrap();
    cuda.nearest(&[&another], &[ray]).unwrap();
    assert_eq!(inner.residents(), 1);
}

#[test]
fn pictures_stay_the_same_however_they_are_split_and_whoever_asks() {
    stand_in::open();
    let whole = Device::Cuda(Box::new(Cuda::open_poisoned(0).unwrap()));
    let split = Device::Cuda(Box::new(Cuda::open_poisoned(0).unwrap().with_paths_at_once(300)));
    on_worlds(8, |world| {
        let solids = world.solids(&whole);
        let solids = [&solids[0], &solids[1]];
        let settings = Settings { width: world.settings.width + 40, ..world.settings };
        let picture = |device: &Device| device.picture(&world.stage(&solids), &settings, &world.look, 9).unwrap();
        let wanted = picture(&whole);
        assert!(picture(&split) == wanted);
        std::thread::scope(|s| {
            let threads: Vec<_> = (0..3).map(|_| s.spawn(|| picture(&split))).collect();
            threads.into_iter().for_each(|t| assert!(t.join().unwrap() == wanted));
        });
        Ok(Errors::default())
    });
}

/// A stage with nothing in it.
#[derive(Default)]
struct Empty {
    sky: Sky,
    fog: Fog,
}

const CAMERA: Camera = Camera {
    position: [0.0; 3],
    look_at: [0.0, 0.0, 1.0],
    roll_degrees: 0.0,
    lens_mm: 35.0,
    focus_m: 1.0,
    aperture_m: 0.0,
    near_m: 0.0,
};

impl Empty {
    fn stage(&self) -> Stage<'_> {
        Stage { solids: &[], lights: &[], sky: &self.sky, fog: &self.fog, camera: &CAMERA }
    }
}

/// The environment of the stand-in driver.
fn set(name: &str, value: &str) {
    // SAFETY: nothing else in this process reads the environment meanwhile, when tests are processes of their own as nextest has them.
    unsafe { std::env::set_var(name, value) };
}

#[test]
fn memory_that_does_not_suffice_is_named_and_what_is_idle_makes_room() {
    const MEMORY: u64 = 24 << 20;
    set("STAND_IN_MEMORY", &MEMORY.to_string());
    stand_in::open();
    let cuda = Cuda::open(0).unwrap();
    let mut geometry =
        Geometry { textures: vec![Texture { width: 2048, height: 1024, rgba: vec![200; 8 << 20] }], ..Geometry::default() };
    let material = geometry.material(Material { pattern: Pattern::Image, ..Material::default() });
    let corners =
        [[-9.0, -9.0, 0.0], [9.0, -9.0, 0.0], [0.0, 9.0, 0.0]].map(|p| geometry.vertex(p, [0.0, 0.0, 1.0], [0.5; 3], [1.0; 3]));
    geometry.triangle(corners[0], corners[1], corners[2], material);
    let ray = Ray { origin: [0.0, 0.0, 1.0], near: 0.0, direction: [0.0, 0.0, -1.0], far: 9.0 };
    // Three textures of 8 MiB don't fit beside each other; one after another they do.
    let solids = [0; 3].map(|_| cuda.solid(&geometry, Build::Fast).unwrap());
    for solid in &solids {
        assert!(cuda.nearest(&[solid], &[ray]).unwrap()[0].is_some());
        assert!((1..3).contains(&cuda.residents()));
    }
    let all = solids.each_ref();
    let Err(KernelError::OutOfMemory { asked, free }) = cuda.nearest(&all, &[ray]) else { panic!("it fits") };
    assert!(asked == 8 << 20 && free < asked, "{asked} asked, {free} free");
    let settings = Settings { width: 1024, height: 1024, samples: 1, bounces: 0, seed: 0 };
    let empty = Empty::default();
    let stage = empty.stage();
    assert!(matches!(cuda.trace(&stage, &settings), Err(KernelError::OutOfMemory { asked: 12582912, .. })));
    // Nothing of it is lost, and smaller pictures go on.
    drop(solids);
    cuda.picture(&stage, &Settings { width: 64, height: 64, ..settings }, &Look::default(), 0).unwrap();
    cuda.nearest(&[], &[ray]).unwrap();
    let solid = cuda.solid(&Geometry::default(), Build::Fast).unwrap();
    cuda.nearest(&[&solid], &[ray]).unwrap();
    assert!(cuda.free_bytes() > MEMORY - 4096, "{} free", cuda.free_bytes());
}

#[test]
fn a_device_that_is_lost_says_so_from_then_on() {
    set("STAND_IN_FAILS", "klieg_denoise_pass");
    stand_in::open();
    let cuda = Cuda::open(0).unwrap();
    let empty = Empty::default();
    let stage = empty.stage();
    let settings = Settings { width: 8, height: 8, samples: 1, bounces: 0, seed: 0 };
    let mut layers = cuda.trace(&stage, &settings).unwrap();
    let lost = |error: KernelError| matches!(error, KernelError::Lost { reason } if reason.contains("ILLEGAL_ADDRESS"));
    assert!(lost(cuda.denoise(&mut layers).unwrap_err()));
    assert!(lost(cuda.trace(&stage, &settings).unwrap_err()));
    assert!(lost(cuda.nearest(&[], &[]).unwrap_err()));
}

#[test]
fn what_a_driver_refuses_is_named() {
    stand_in::open();
    set("STAND_IN_VERSION", "12080");
    let error = Cuda::open(0).err().unwrap();
    assert_eq!(error, KernelError::DriverTooOld { target: "CUDA", found: "12.8".into(), needed: "13.0".into() });
    assert!(!matches!(Device::open(Choice::Auto, 1).unwrap(), Device::Cuda(_)), "auto takes what there is");
    set("STAND_IN_VERSION", "13010");
    set("STAND_IN_DEVICES", "2");
    assert_eq!(Cuda::open(2).err(), Some(KernelError::NoDevice { target: "CUDA", asked: 2, count: 2 }));
    // What there is of Vulkan is the machine's.
    let listed: Vec<_> = Device::list().found.into_iter().filter(|d| !matches!(d.choice, Choice::Vulkan(_))).collect();
    assert_eq!(listed.iter().map(|d| d.choice).collect::<Vec<_>>(), [Choice::Cuda(0), Choice::Cuda(1), Choice::Cpu]);
    assert_eq!((listed[0].compute_capability, listed[0].driver.as_str()), (Some((9, 0)), "CUDA 13.1"));
    set("STAND_IN_DEVICES", "0");
    assert_eq!(Cuda::open(0).err(), Some(KernelError::NoDevice { target: "CUDA", asked: 0, count: 0 }));
}

/// Triangles of every kind: small in a large place, flat along an axis, lines, points, all in one place, far from the origin.
fn soup() -> impl Strategy<Value = (Geometry, Vec<Ray>)> {
    let corner = || prop::array::uniform3(-1.0f32..1.0);
    let spread = prop_oneof![Just(4.0f32), Just(4.0), Just(4.0), Just(1e-4), Just(0.0)];
    let place = prop_oneof![Just(0.0f32), Just(0.0), Just(5e4)];
    let many = prop::collection::vec((corner(), corner(), corner()), 0..300);
    (prop::array::uniform3(spread), place, 1e-3f32..1.0, many, prop::collection::vec((corner(), corner()), 64)).prop_map(
        |(spread, place, size, triangles, rays)| {
            let mut g = Geometry::default();
            let m = g.material(Material::default());
            for (c, a, b) in triangles {
                let at = |o: [f32; 3], k: f32| std::array::from_fn(|i| place + spread[i] * (c[i] + k * o[i]));
                let corners = [at(a, 0.0), at(a, size), at(b, size)];
                let [a, b, c] = corners.map(|p| g.vertex(p, [0.0, 1.0, 0.0], [0.0; 3], [1.0; 3]));
                g.triangle(a, b, c, m);
            }
            let ray = |(o, d): ([f32; 3], [f32; 3])| Ray { origin: o.map(|x| place + 6.0 * x), near: 0.0, direction: d, far: 40.0 };
            (g, rays.into_iter().map(ray).collect())
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// GPUs walk a compressed tree, the CPU an exact one: the same hits, however the triangles lie.
    #[test]
    fn the_compressed_tree_is_hit_where_the_exact_one_is((geometry, rays) in soup(), best in any::<bool>()) {
        stand_in::open();
        let (cpu, cuda) = (Cpu::plain(1), Cuda::open_poisoned(0).unwrap());
        let solid = cpu.solid(&geometry, if best { Build::Best } else { Build::Fast }).unwrap();
        prop_assert_eq!(cpu.nearest(&[&solid], &rays).unwrap(), cuda.nearest(&[&solid], &rays).unwrap());
        prop_assert_eq!(cpu.passed(&[&solid], &rays).unwrap(), cuda.passed(&[&solid], &rays).unwrap());
    }
}

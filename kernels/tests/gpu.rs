//! What needs an NVIDIA GPU: the suite of `conformance.rs` on the real driver. `make test-gpu` runs it, and it fails where there is
//! no GPU; `make test` leaves it out.

use klieg_kernels::scene::{Geometry, Look};
use klieg_kernels::{Build, Choice, Cuda, Device, Settings};

#[path = "../examples/demo/stage.rs"]
mod stage;
mod suite;

use suite::{Errors, Tolerance, compare, on_worlds, whole_is_steps};

/// The arithmetic is the CPU's, rounded alike, so that no bit should differ; what is allowed is for compilers that reorder after all.
/// A path that chooses another way brings another light, so that a few values may be far off.
const TOLERANCE: Tolerance = Tolerance { each: 1e-4, share: 0.005 };

fn gpu() -> Device {
    Device::Cuda(Box::new(Cuda::open_poisoned(0).expect("a CUDA device")))
}

#[test]
#[ignore = "needs an NVIDIA GPU: make test-gpu"]
fn a_gpu_is_within_the_tolerance_of_plain_code() {
    let device = gpu();
    // Small worlds have few values each, so the share counts over all of them.
    let errors = on_worlds(300, |world| Ok(compare(&device, world, TOLERANCE)));
    suite::print(&device.info().name, &errors);
    assert_eq!(errors.past(TOLERANCE), None);
}

#[test]
#[ignore = "needs an NVIDIA GPU: make test-gpu"]
fn every_kernel_is_within_the_tolerance_of_plain_code_on_a_gpu() {
    let device = gpu();
    let table = suite::kernels::on_shapes(100, &device, TOLERANCE.each);
    suite::kernels::judge(&device.info().name, &table, TOLERANCE.share);
}

#[test]
#[ignore = "needs an NVIDIA GPU: make test-gpu"]
fn a_picture_is_its_steps_on_a_gpu() {
    let device = gpu();
    on_worlds(32, |world| {
        whole_is_steps(&device, world);
        Ok(Errors::default())
    });
}

#[test]
#[ignore = "needs an NVIDIA GPU: make test-gpu"]
fn pictures_stay_the_same_however_a_gpu_splits_them_and_whoever_asks() {
    let whole = gpu();
    let split = Device::Cuda(Box::new(Cuda::open_poisoned(0).unwrap().with_paths_at_once(3000)));
    let (set, cast) = (whole.solid(&stage::set(24), Build::Best).unwrap(), whole.solid(&stage::cast(10), Build::Fast).unwrap());
    let (solids, world) = ([&set, &cast], stage::World::new());
    let settings = Settings { width: 333, height: 187, samples: 3, bounces: 2, seed: 11 };
    let picture = |device: &Device| device.picture(&world.stage(&solids), &settings, &Look::default(), 9).unwrap();
    let wanted = picture(&whole);
    assert!(picture(&split) == wanted);
    std::thread::scope(|s| {
        let threads: Vec<_> = (0..4).map(|_| s.spawn(|| picture(&split))).collect();
        threads.into_iter().for_each(|t| assert!(t.join().unwrap() == wanted));
    });
}

#[test]
#[ignore = "needs an NVIDIA GPU: make test-gpu"]
fn a_gpu_is_listed_and_times_its_work() {
    let device = Device::list().found.into_iter().find(|d| d.choice == Choice::Cuda(0)).expect("a CUDA device");
    assert!(device.compute_capability >= Some((8, 0)) && device.memory_bytes > Some(1 << 30), "{device:?}");
    let cuda = Cuda::open(0).unwrap();
    let (set, cast) = (cuda.solid(&stage::set(48), Build::Best).unwrap(), cuda.solid(&stage::cast(40), Build::Fast).unwrap());
    let (solids, world) = ([&set, &cast], stage::World::new());
    let settings = Settings { width: 1920, height: 1080, samples: 16, bounces: 1, seed: 1 };
    for _ in 0..3 {
        let (_, times) = cuda.picture_timed(&world.stage(&solids), &settings, &Look::default(), 1).unwrap();
        assert!(times.trace > 0.0 && times.denoise > 0.0 && times.develop > 0.0, "{times:?}");
        eprintln!("{}: 1920 × 1080, 16 samples, one bounce: {times:?} ms", device.name);
    }
}

#[test]
#[ignore = "needs an NVIDIA GPU: make test-gpu"]
fn a_gpu_gives_its_memory_back() {
    let cuda = Cuda::open(0).unwrap();
    let world = stage::World::new();
    let settings = Settings { width: 640, height: 360, samples: 1, bounces: 0, seed: 0 };
    for seed in 0..20 {
        let cast = cuda.solid(&stage::cast(20), Build::Fast).unwrap();
        cuda.picture(&world.stage(&[&cast]), &settings, &Look::default(), seed).unwrap();
        assert_eq!(cuda.residents(), 1);
    }
    let empty = cuda.solid(&Geometry::default(), Build::Fast).unwrap();
    cuda.nearest(&[&empty], &[]).unwrap();
    assert_eq!(cuda.residents(), 1);
}

//! Every device against the reference, on random stages: here those that need no GPU. `gpu.rs` runs the same suite on one.

use std::cell::RefCell;

use klieg_kernels::{Choice, Cpu, Cuda, Device, KernelError};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

mod stand_in;
mod suite;
mod toolkit;

use suite::{EXACT, Errors, World, compare, whole_is_steps, world};

/// Runs random worlds until one fails, and sums up the errors of those that don't.
fn on_worlds(cases: u32, test: impl Fn(&World) -> Result<Errors, TestCaseError>) -> Errors {
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

fn exactly(device: &Device, world: &World) -> Result<Errors, TestCaseError> {
    let errors = compare(device, world, EXACT);
    errors.past(EXACT).map_or(Ok(errors), |what| Err(TestCaseError::fail(what)))
}

#[test]
fn every_instruction_set_gives_the_bits_of_plain_code() {
    let devices: Vec<_> = Cpu::of_every_set(2).into_iter().map(Device::Cpu).collect();
    for (i, device) in devices.iter().enumerate() {
        let errors = on_worlds(48, |world| exactly(device, world));
        suite::print(["plain", "AVX2", "AVX-512"][i], &errors);
    }
}

/// The CUDA form of the kernels, one thread an item or pixel, far out of order, through everything of `Cuda` but the driver.
#[test]
fn the_cuda_form_gives_the_bits_of_plain_code_on_a_stand_in_driver() {
    stand_in::open();
    let device = Device::Cuda(Box::new(Cuda::open_poisoned(0).unwrap()));
    let errors = on_worlds(48, |world| exactly(&device, world));
    suite::print("CUDA form on the CPU", &errors);
}

#[test]
fn a_picture_is_its_steps_on_every_device() {
    stand_in::open();
    for device in [Device::Cpu(Cpu::new(2)), Device::Cuda(Box::new(Cuda::open_poisoned(0).unwrap()))] {
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
    let ray = klieg_kernels::Ray { origin: [0.0; 3], near: 0.0, direction: [0.0, 0.0, 1.0], far: 1.0 };
    let geometry = klieg_kernels::scene::Geometry::default();
    let solids: Vec<_> = (0..3).map(|_| cuda.solid(&geometry, klieg_kernels::Build::Fast).unwrap()).collect();
    for _ in 0..2 {
        cuda.nearest(&[&solids[0], &solids[1], &solids[2].clone()], &[ray]).unwrap();
        assert_eq!(inner.residents(), 3);
    }
    drop(solids);
    let another = cuda.solid(&geometry, klieg_kernels::Build::Fast).unwrap();
    cuda.nearest(&[&another], &[ray]).unwrap();
    assert_eq!(inner.residents(), 1);
}

#[test]
fn what_a_driver_refuses_is_named() {
    // SAFETY: nothing else in this process reads the environment meanwhile, when tests are processes of their own as nextest has them.
    let set = |name: &str, value: &str| unsafe { std::env::set_var(name, value) };
    stand_in::open();
    set("STAND_IN_VERSION", "12080");
    let error = Cuda::open(0).err().unwrap();
    assert_eq!(error, KernelError::DriverTooOld { target: "CUDA", found: "12.8".into(), needed: "13.0".into() });
    assert!(matches!(Device::open(Choice::Auto, 1).unwrap(), Device::Cpu(_)), "auto takes what there is");
    set("STAND_IN_VERSION", "13010");
    set("STAND_IN_DEVICES", "2");
    assert_eq!(Cuda::open(2).err(), Some(KernelError::NoDevice { target: "CUDA", asked: 2, count: 2 }));
    let listed = Device::list().found;
    assert_eq!(listed.iter().map(|d| d.choice).collect::<Vec<_>>(), [Choice::Cuda(0), Choice::Cuda(1), Choice::Cpu]);
    assert_eq!((listed[0].compute_capability, listed[0].driver.as_str()), (Some((9, 0)), "CUDA 13.1"));
    set("STAND_IN_DEVICES", "0");
    assert_eq!(Cuda::open(0).err(), Some(KernelError::NoDevice { target: "CUDA", asked: 0, count: 0 }));
}

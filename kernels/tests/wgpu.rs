//! The WGSL target against the CPU. Mesa's lavapipe is device enough; without any Vulkan device these tests fail.
#![cfg(feature = "wgpu")]

use klieg_kernels::scene::Look;
use klieg_kernels::{Build, Cpu, Settings, Wgpu};

#[path = "../examples/demo/stage.rs"]
mod stage;

#[test]
fn probe_first() {
    println!("{:?}", Wgpu::list());
    let gpu = Wgpu::open(0).unwrap();
    let cpu = Cpu::new(2);
    let (set, cast) = (cpu.solid(&stage::set(24), Build::Best).unwrap(), cpu.solid(&stage::cast(10), Build::Fast).unwrap());
    let world = stage::World::new();
    let settings = Settings { width: 96, height: 54, samples: 4, bounces: 1, seed: 1 };
    let t = std::time::Instant::now();
    let b = gpu.trace(&world.stage(&[&set, &cast]), &settings).unwrap();
    println!("gpu first {:?}", t.elapsed());
    let t = std::time::Instant::now();
    let b2 = gpu.trace(&world.stage(&[&set, &cast]), &settings).unwrap();
    println!("gpu second {:?}", t.elapsed());
    assert!(b == b2);
    let t = std::time::Instant::now();
    let a = cpu.trace(&world.stage(&[&set, &cast]), &settings).unwrap();
    println!("cpu {:?}", t.elapsed());
    let same = a.color.iter().zip(&b.color).filter(|(a, b)| a == b).count();
    let far = a.color.iter().zip(&b.color).filter(|(a, b)| (0..3).any(|i| (a[i] - b[i]).abs() > 0.01 * a[i].max(0.01))).count();
    println!("{same} same, {far} far of {}", a.color.len());
    let _ = Look::default();
}

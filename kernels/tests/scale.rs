//! Resampling against its definition in f64.

use klieg_kernels::{Cpu, KernelError};
use proptest::prelude::*;

fn lanczos(x: f64) -> f64 {
    let sinc = |x: f64| if x.abs() < 1e-12 { 1.0 } else { (std::f64::consts::PI * x).sin() / (std::f64::consts::PI * x) };
    if x.abs() >= 3.0 { 0.0 } else { sinc(x) * sinc(x / 3.0) }
}

/// One line of `from` values to `to`, channel by channel, at a distance of `step` each.
fn line(input: &[f64], from: usize, to: usize) -> Vec<f64> {
    let ratio = from as f64 / to as f64;
    let widen = ratio.max(1.0);
    let reach = (3.0 * widen).ceil() as i64 + 1;
    let value = |i: usize| {
        let centre = (i as f64 + 0.5) * ratio - 0.5;
        let near = centre.floor() as i64;
        let (mut sum, mut weights) = (0.0, 0.0);
        for j in near - reach..=near + reach {
            let w = lanczos((j as f64 - centre) / widen);
            sum += w * input[j.clamp(0, from as i64 - 1) as usize];
            weights += w;
        }
        sum / weights
    };
    (0..to).map(value).collect()
}

/// Across first, then down: the other way round than the kernel.
fn oracle(rgb: &[[f64; 3]], from: (u32, u32), to: (u32, u32)) -> Vec<[f64; 3]> {
    let ((w, h), (ow, oh)) = ((from.0 as usize, from.1 as usize), (to.0 as usize, to.1 as usize));
    let mut out = vec![[0.0; 3]; ow * oh];
    for c in 0..3 {
        let rows: Vec<Vec<f64>> = (0..h).map(|y| line(&(0..w).map(|x| rgb[y * w + x][c]).collect::<Vec<_>>(), w, ow)).collect();
        for x in 0..ow {
            let column = line(&rows.iter().map(|row| row[x]).collect::<Vec<_>>(), h, oh);
            column.into_iter().enumerate().for_each(|(y, v)| out[y * ow + x][c] = v);
        }
    }
    out
}

fn noise(seed: u32, count: usize) -> Vec<[f32; 3]> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    let mut next = || {
        state = state.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
        (state >> 8) as f32 / 16_777_216.0
    };
    (0..count).map(|_| std::array::from_fn(|_| next())).collect()
}

/// The largest differences from the exact result: of floats, and of bytes before they are rounded.
fn differences(cpu: &Cpu, seed: u32, from: (u32, u32), to: (u32, u32)) -> (f64, f64) {
    let floats = noise(seed, (from.0 * from.1) as usize);
    let bytes: Vec<[u8; 3]> = floats.iter().map(|c| c.map(|x| (x * 255.99) as u8)).collect();
    let wide = oracle(&floats.iter().map(|c| c.map(f64::from)).collect::<Vec<_>>(), from, to);
    let found = cpu.scale_floats(&floats, from, to).unwrap();
    let difference = |a: f64, b: f64| if (a - b).is_nan() { f64::INFINITY } else { (a - b).abs() };
    let of_floats = found.as_flattened().iter().zip(wide.as_flattened()).map(|(a, b)| difference(f64::from(*a), *b));
    let exact = oracle(&bytes.iter().map(|c| c.map(f64::from)).collect::<Vec<_>>(), from, to);
    let rounded = cpu.scale_bytes(bytes.as_flattened(), from, to).unwrap();
    let of_bytes = rounded.iter().zip(exact.as_flattened()).map(|(a, b)| difference(f64::from(*a), b.clamp(0.0, 255.0)));
    assert!(found.len() == wide.len() && rounded.len() == wide.len() * 3);
    (of_floats.fold(0.0, f64::max), of_bytes.fold(0.0, f64::max))
}

#[test]
fn shapes_of_every_kind_are_within_the_tolerance() {
    let cpu = Cpu::new(2);
    let sides = [1, 2, 3, 5, 31, 32, 33, 64, 100];
    let mut worst = (0.0f64, 0.0f64);
    for (i, from) in sides.iter().flat_map(|w| [1, 7, 40].map(|h| (*w, h))).enumerate() {
        for to in [(1, 1), (17, 9), (33, 70), from, (from.0 * 2, from.1 * 2), (200, 1)] {
            let (a, b) = differences(&cpu, i as u32, from, to);
            worst = (worst.0.max(a), worst.1.max(b));
        }
    }
    for (from, to) in [((20_000, 1), (3, 2)), ((3, 1), (9_000, 1)), ((1, 5_000), (1, 70)), ((2_000, 3), (1_999, 3))] {
        let (a, b) = differences(&cpu, 9, from, to);
        worst = (worst.0.max(a), worst.1.max(b));
    }
    println!("floats {:e}, bytes {} from the exact result", worst.0, worst.1);
    assert!(worst.0 < 4e-6 && worst.1 < 0.501, "{worst:?}");
}

#[test]
fn the_same_size_gives_the_same_picture_and_a_flat_one_stays_flat() {
    let cpu = Cpu::new(1);
    let picture: Vec<u8> = noise(3, 40 * 30).iter().flatten().map(|x| (x * 255.99) as u8).collect();
    assert_eq!(cpu.scale_bytes(&picture, (40, 30), (40, 30)).unwrap(), picture);
    let flat = vec![77u8; 40 * 30 * 3];
    for to in [(7, 5), (40, 200), (123, 30)] {
        assert!(cpu.scale_bytes(&flat, (40, 30), to).unwrap().iter().all(|v| *v == 77));
    }
}

#[test]
fn impossible_requests_are_refused_by_name() {
    let cpu = Cpu::new(1);
    assert_eq!(cpu.scale_bytes(&[], (0, 0), (4, 4)), Err(KernelError::Size { width: 0, height: 0, most: 131_072 }));
    assert_eq!(cpu.scale_bytes(&[0; 3], (1, 1), (4, 0)), Err(KernelError::Size { width: 4, height: 0, most: 131_072 }));
    assert_eq!(cpu.scale_bytes(&[0; 4], (1, 1), (4, 4)), Err(KernelError::Length { list: "rgb", found: 4, wanted: 3 }));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_ratio_is_within_the_tolerance(from in (1u32..70, 1u32..50), to in (1u32..120, 1u32..90), seed: u32) {
        let (a, b) = differences(&Cpu::new(1), seed, from, to);
        prop_assert!(a < 4e-6 && b < 0.501, "{a:e} {b}");
    }

    #[test]
    fn every_instruction_set_and_thread_count_gives_the_same_bytes(from in (1u32..90, 1u32..80), to in (1u32..90, 1u32..90), seed: u32) {
        let floats = noise(seed, (from.0 * from.1) as usize);
        let bytes: Vec<u8> = floats.iter().flatten().map(|x| (x * 255.99) as u8).collect();
        let of = |cpu: &Cpu| {
            let bits: Vec<u32> = cpu.scale_floats(&floats, from, to).unwrap().iter().flatten().map(|f| f.to_bits()).collect();
            (bits, cpu.scale_bytes(&bytes, from, to).unwrap())
        };
        let wanted = of(&Cpu::plain(1));
        for cpu in Cpu::of_every_set(3) {
            prop_assert!(of(&cpu) == wanted);
        }
    }
}

//! "Over" against its definition in f64.

use klieg_kernels::composite::{Alpha, Below};
use klieg_kernels::{Cpu, KernelError};
use proptest::prelude::*;

/// One pixel of four parts over another.
fn over(top: [f64; 4], under: [f64; 4], alpha: Alpha) -> [f64; 4] {
    let (a, b) = (top[3], under[3]);
    let whole = a + b * (1.0 - a);
    let color = |i: usize| match alpha {
        Alpha::Premultiplied => top[i] + under[i] * (1.0 - a),
        Alpha::Straight if whole == 0.0 => 0.0,
        Alpha::Straight => (top[i] * a + under[i] * b * (1.0 - a)) / whole,
    };
    [color(0), color(1), color(2), whole]
}

fn random(state: &mut u32) -> f32 {
    *state = state.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
    let x = (*state >> 8) as f32 / 16_777_216.0;
    if x < 0.1 {
        0.0
    } else if x > 0.9 {
        1.0
    } else {
        x
    }
}

/// Pixels of `parts` each, multiplied by their opacity where asked.
fn picture(count: usize, parts: usize, alpha: Alpha, state: &mut u32) -> Vec<f32> {
    let mut all = Vec::new();
    for _ in 0..count {
        let opacity = if parts == 4 { random(state) } else { 1.0 };
        let by = if alpha == Alpha::Premultiplied { opacity } else { 1.0 };
        all.extend((0..3).map(|_| random(state) * by));
        all.extend((parts == 4).then_some(opacity));
    }
    all
}

fn wanted(top: &[f64], under: &[f64], alpha: Alpha, parts: usize) -> Vec<f64> {
    let pixels = top.chunks(4).zip(under.chunks(parts));
    pixels
        .flat_map(|(t, u)| {
            over([t[0], t[1], t[2], t[3]], [u[0], u[1], u[2], *u.get(3).unwrap_or(&1.0)], alpha).into_iter().take(parts)
        })
        .collect()
}

const POISON: u8 = 0xaa;

fn check(cpu: &Cpu, size: (u32, u32), alpha: Alpha, below: Below, seed: u32) -> (f64, f64) {
    let count = (size.0 * size.1) as usize;
    let parts = if below == Below::Rgb { 3 } else { 4 };
    let mut state = seed;
    let (top, under) = (picture(count, 4, alpha, &mut state), picture(count, parts, alpha, &mut state));
    let wide = |v: &[f32]| v.iter().map(|x| f64::from(*x)).collect::<Vec<_>>();
    let exact = wanted(&wide(&top), &wide(&under), alpha, parts);
    let mut floats = under.clone();
    cpu.over_floats(size, &top, alpha, &mut floats, below).unwrap();
    let of_floats = floats.iter().zip(&exact).map(|(a, b)| if a.is_nan() { f64::INFINITY } else { (f64::from(*a) - b).abs() });

    let bytes = |v: &[f32]| v.iter().map(|x| (x * 255.0).round() as u8).collect::<Vec<_>>();
    let (top, mut room) = (bytes(&top), bytes(&under));
    let units = |v: &[u8]| v.iter().map(|x| f64::from(*x) / 255.0).collect::<Vec<_>>();
    let exact = wanted(&units(&top), &units(&room), alpha, parts);
    let len = room.len();
    room.resize(len + 64, POISON);
    cpu.over_bytes(size, &top, alpha, &mut room[..len], below).unwrap();
    assert!(room[len..].iter().all(|b| *b == POISON), "wrote past the end");
    let of_bytes = room.iter().zip(&exact).map(|(a, b)| (f64::from(*a) - (b * 255.0).min(255.0)).abs());
    (of_floats.fold(0.0, f64::max), of_bytes.fold(0.0, f64::max))
}

#[test]
fn every_shape_is_within_the_tolerance() {
    let cpu = Cpu::new(2);
    let mut worst = (0.0f64, 0.0f64);
    for (w, h) in [(1, 1), (3, 5), (17, 1), (1, 33), (64, 9), (50_000, 1), (1, 3000)] {
        for alpha in [Alpha::Straight, Alpha::Premultiplied] {
            for below in [Below::Rgb, Below::Rgba] {
                let (a, b) = check(&cpu, (w, h), alpha, below, w * 31 + h);
                worst = (worst.0.max(a), worst.1.max(b));
                assert!(a < if alpha == Alpha::Straight { 1e-5 } else { 1e-6 }, "{a:e} {alpha:?} {below:?}");
            }
        }
    }
    println!("floats {:e}, bytes {}", worst.0, worst.1);
    assert!(worst.1 < 0.501, "{worst:?}");
}

#[test]
fn opaque_covers_and_clear_leaves() {
    let cpu = Cpu::new(1);
    for alpha in [Alpha::Straight, Alpha::Premultiplied] {
        let mut under = [10, 20, 30, 40, 50, 60];
        cpu.over_bytes((2, 1), &[200, 100, 0, 255, 0, 0, 0, 0], alpha, &mut under, Below::Rgb).unwrap();
        assert_eq!(under, [200, 100, 0, 40, 50, 60]);
    }
    // White at an opacity of 128 of 255 over black.
    let mut under = [0u8; 3];
    cpu.over_bytes((1, 1), &[255, 255, 255, 128], Alpha::Straight, &mut under, Below::Rgb).unwrap();
    assert_eq!(under, [128; 3]);
}

#[test]
fn impossible_requests_are_refused_by_name() {
    let cpu = Cpu::new(1);
    let refused = |size, top: &[u8], under: &mut [u8]| cpu.over_bytes(size, top, Alpha::Straight, under, Below::Rgb).unwrap_err();
    assert_eq!(refused((0, 1), &[], &mut []), KernelError::Size { width: 0, height: 1, most: 131_072 });
    assert_eq!(refused((1, 1), &[0; 3], &mut [0; 3]), KernelError::Length { list: "the picture above", found: 3, wanted: 4 });
    assert_eq!(refused((1, 1), &[0; 4], &mut [0; 4]), KernelError::Length { list: "the picture below", found: 4, wanted: 3 });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_picture_is_within_the_tolerance_and_the_same_in_every_set(size in (1u32..70, 1u32..30), straight: bool, four: bool, seed: u32) {
        let alpha = if straight { Alpha::Straight } else { Alpha::Premultiplied };
        let below = if four { Below::Rgba } else { Below::Rgb };
        let (a, b) = check(&Cpu::new(2), size, alpha, below, seed);
        prop_assert!(a < 1e-5 && b < 0.501, "{a:e} {b}");
        let count = (size.0 * size.1) as usize;
        let (top, under) = (picture(count, 4, alpha, &mut seed.clone()), picture(count, if four { 4 } else { 3 }, alpha, &mut (seed ^ 5)));
        let of = |cpu: &Cpu| {
            let mut out = under.clone();
            cpu.over_floats(size, &top, alpha, &mut out, below).unwrap();
            out.iter().map(|x| x.to_bits()).collect::<Vec<_>>()
        };
        let wanted = of(&Cpu::plain(1));
        for cpu in Cpu::of_every_set(3) {
            prop_assert!(of(&cpu) == wanted);
        }
    }
}

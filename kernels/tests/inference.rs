//! The fused kernels of networks against plain f64 code.

use half::{bf16, f16};
use klieg_kernels::attention::{Attention, Mask};
use klieg_kernels::element::Element;
use klieg_kernels::norm::{Affine, Channels};
use klieg_kernels::{Cpu, KernelError};
use proptest::prelude::*;

/// Numbers of −`size` to `size`.
fn numbers(seed: u32, count: usize, size: f32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    let mut next = || {
        state = state.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
        (state >> 8) as f32 / 8_388_608.0 - 1.0
    };
    (0..count).map(|_| next() * size).collect()
}

fn apart(found: &[f32], wanted: &[f64]) -> f64 {
    assert_eq!(found.len(), wanted.len());
    let one = |(a, b): (&f32, &f64)| if a.is_finite() { (f64::from(*a) - b).abs() } else { f64::INFINITY };
    found.iter().zip(wanted).map(one).fold(0.0, f64::max)
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|x| x.to_bits()).collect()
}

fn attend(s: &Attention, q: &[f32], k: &[f32], v: &[f32], mask: Option<Mask<'_>>) -> Vec<f64> {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum::<f64>();
    let dim = s.dim as usize;
    let mut out = Vec::new();
    for (b, h, i) in (0..s.batch).flat_map(|b| (0..s.heads).flat_map(move |h| (0..s.queries).map(move |i| (b, h, i)))) {
        let query = ((b * s.heads + h) * s.queries + i) as usize * dim;
        let shared = (b * s.key_heads + h / (s.heads / s.key_heads)) * s.keys;
        let row = |list: &[f32], j: u32| list[(shared + j) as usize * dim..][..dim].to_vec();
        let hidden = |j: u32| s.causal && i64::from(j) > i64::from(i) + i64::from(s.keys) - i64::from(s.queries);
        let masked = |j: u32| {
            mask.map_or(0.0, |m| {
                let plane = if m.per_batch { b * if m.per_head { s.heads } else { 1 } } else { 0 } + if m.per_head { h } else { 0 };
                f64::from(m.scores[((plane * s.queries + i) * s.keys + j) as usize])
            })
        };
        let score = |j: u32| {
            if hidden(j) { f64::NEG_INFINITY } else { dot(&q[query..][..dim], &row(k, j)) * f64::from(s.scale) + masked(j) }
        };
        let scores: Vec<_> = (0..s.keys).map(score).collect();
        let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weights: Vec<_> = scores.iter().map(|x| if *x == f64::NEG_INFINITY { 0.0 } else { (x - most).exp() }).collect();
        let sum: f64 = weights.iter().sum();
        out.extend((0..dim).map(|d| {
            let value: f64 = (0..s.keys).map(|j| weights[j as usize] * f64::from(row(v, j)[d])).sum();
            if sum > 0.0 { value / sum } else { 0.0 }
        }));
    }
    out
}

struct Case {
    shape: Attention,
    q: Vec<f32>,
    k: Vec<f32>,
    v: Vec<f32>,
}

fn case(shape: Attention, seed: u32, size: f32) -> Case {
    let shared = (shape.batch * shape.key_heads * shape.keys * shape.dim) as usize;
    let q = numbers(seed, (shape.batch * shape.heads * shape.queries * shape.dim) as usize, size);
    Case { shape, q, k: numbers(seed ^ 1, shared, size), v: numbers(seed ^ 2, shared, 1.0) }
}

const SMALL: Attention = Attention { batch: 1, heads: 1, key_heads: 1, queries: 1, keys: 1, dim: 1, scale: 1.0, causal: false };

#[test]
fn attention_of_every_shape_is_within_the_tolerance() {
    let cpu = Cpu::new(2);
    let shapes = [
        SMALL,
        Attention { keys: 0, queries: 3, dim: 5, ..SMALL },
        Attention { queries: 0, ..SMALL },
        Attention { batch: 0, ..SMALL },
        Attention { batch: 2, heads: 6, key_heads: 2, queries: 7, keys: 31, dim: 64, scale: 0.125, ..SMALL },
        Attention { heads: 4, queries: 33, keys: 33, dim: 40, scale: 0.158, causal: true, ..SMALL },
        Attention { heads: 2, queries: 3, keys: 65, dim: 80, scale: 0.1, causal: true, ..SMALL },
        Attention { queries: 9, keys: 4, dim: 13, causal: true, ..SMALL },
        Attention { queries: 1, keys: 3000, dim: 256, scale: 0.0625, ..SMALL },
        Attention { queries: 500, keys: 77, dim: 8, scale: 0.35, ..SMALL },
    ];
    let mut worst = 0.0f64;
    for (i, shape) in shapes.into_iter().enumerate() {
        for size in [1.0, 4.0] {
            let c = case(shape, i as u32, size);
            let found = cpu.attention(&shape, &c.q, &c.k, &c.v, None).unwrap();
            let off = apart(&found, &attend(&shape, &c.q, &c.k, &c.v, None));
            assert!(off < 1e-5, "{shape:?}: {off:e}");
            worst = worst.max(off);
        }
    }
    println!("attention: {worst:e}");
}

#[test]
fn hidden_keys_count_nothing_and_large_scores_overflow_nothing() {
    let cpu = Cpu::new(1);
    let shape = Attention { queries: 2, keys: 40, dim: 3, ..SMALL };
    let c = case(shape, 7, 1.0);
    // The first query sees only the last key, the second none.
    let mut scores = vec![f32::NEG_INFINITY; 80];
    scores[39] = 5.0;
    let mask = Some(Mask { scores: &scores, per_batch: false, per_head: false });
    let found = cpu.attention(&shape, &c.q, &c.k, &c.v, mask).unwrap();
    assert!(found[..3].iter().zip(&c.v[117..]).all(|(a, b)| (a - b).abs() < 1e-6), "{found:?}");
    assert_eq!(found[3..], [0.0; 3]);
    // Scores of ±10000: the largest takes it all.
    let huge = Attention { scale: 1e4, ..shape };
    let found = cpu.attention(&huge, &c.q, &c.k, &c.v, None).unwrap();
    assert!(apart(&found, &attend(&huge, &c.q, &c.k, &c.v, None)) < 1e-3);
}

#[test]
fn impossible_attention_is_refused_by_name() {
    let cpu = Cpu::new(1);
    let refused = |shape: Attention, q: &[f32]| cpu.attention(&shape, q, &[0.0], &[0.0], None).unwrap_err();
    assert_eq!(refused(Attention { dim: 257, ..SMALL }, &[0.0]), KernelError::Range { what: "attention's dim", wanted: "1–256" });
    let heads = KernelError::Range { what: "attention's key heads", wanted: "a divisor of its heads" };
    assert_eq!(refused(Attention { heads: 3, key_heads: 2, ..SMALL }, &[0.0]), heads);
    assert_eq!(refused(Attention { key_heads: 0, ..SMALL }, &[0.0]), heads);
    assert_eq!(
        refused(Attention { scale: f32::NAN, ..SMALL }, &[0.0]),
        KernelError::Range { what: "attention's scale", wanted: "a number" }
    );
    assert_eq!(refused(SMALL, &[0.0; 2]), KernelError::Length { list: "queries", found: 2, wanted: 1 });
    let mask = Some(Mask { scores: &[0.0; 2], per_batch: true, per_head: true });
    assert_eq!(
        cpu.attention(&SMALL, &[0.0], &[0.0], &[0.0], mask),
        Err(KernelError::Length { list: "the mask", found: 2, wanted: 1 })
    );
}

fn grouped(s: &Channels, x: &[f32], affine: &Affine<'_>) -> Vec<f64> {
    let length = (s.channels / s.groups * s.space) as usize;
    let mut out = Vec::new();
    for (g, group) in x.chunks(length).enumerate() {
        let mean = group.iter().map(|x| f64::from(*x)).sum::<f64>() / length as f64;
        let variance = group.iter().map(|x| (f64::from(*x) - mean).powi(2)).sum::<f64>() / length as f64;
        for (i, x) in group.iter().enumerate() {
            let channel = g % s.groups as usize * (s.channels / s.groups) as usize + i / s.space as usize;
            let y = (f64::from(*x) - mean) / (variance + f64::from(affine.least)).sqrt();
            let y = y * f64::from(affine.gain[channel]) + f64::from(affine.shift[channel]);
            out.push(y / (1.0 + (-y).exp()));
        }
    }
    out
}

fn layered(width: usize, x: &[f32], residual: &[f32], affine: &Affine<'_>) -> Vec<f64> {
    let sums: Vec<_> = x.iter().zip(residual).map(|(a, b)| f64::from(*a) + f64::from(*b)).collect();
    let row = |row: &[f64]| {
        let mean = row.iter().sum::<f64>() / width as f64;
        let variance = row.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / width as f64;
        let deviation = (variance + f64::from(affine.least)).sqrt();
        row.iter()
            .enumerate()
            .map(|(i, x)| (x - mean) / deviation * f64::from(affine.gain[i]) + f64::from(affine.shift[i]))
            .collect::<Vec<_>>()
    };
    sums.chunks(width).flat_map(row).collect()
}

/// The tolerance that the documentation states: a normalised value of n numbers is at most √n.
fn of_norms(count: u32) -> f64 {
    4e-6 * (1.0 + 2.0 * f64::from(count).sqrt().min(8.0))
}

#[test]
fn norms_of_every_shape_are_within_the_tolerance() {
    let cpu = Cpu::new(2);
    let mut worst = 0.0f64;
    for (batch, channels, groups, space) in [
        (1, 1, 1, 1),
        (0, 4, 2, 9),
        (2, 4, 2, 0),
        (1, 32, 32, 1),
        (2, 320, 32, 64),
        (1, 64, 32, 4096),
        (3, 6, 3, 513),
        (1, 8, 1, 70_001),
    ] {
        let shape = Channels { batch, channels, groups, space };
        let (gain, shift) = (numbers(1, channels as usize, 2.0), numbers(2, channels as usize, 1.0));
        let affine = Affine { gain: &gain, shift: &shift, least: 1e-5 };
        // With a mean far from zero, where a naive variance would cancel.
        let x: Vec<_> = numbers(3, (batch * channels * space) as usize, 1.5).iter().map(|x| x + 100.0).collect();
        let found = cpu.group_norm_silu(&shape, &x, &affine).unwrap();
        let wanted = if x.is_empty() { vec![] } else { grouped(&shape, &x, &affine) };
        let off = apart(&found, &wanted);
        assert!(off < of_norms(channels / groups * space) * 16.0, "{shape:?}: {off:e}");
        let small: Vec<_> = x.iter().map(|x| x - 100.0).collect();
        let off = if x.is_empty() {
            0.0
        } else {
            apart(&cpu.group_norm_silu(&shape, &small, &affine).unwrap(), &grouped(&shape, &small, &affine))
        };
        assert!(off < of_norms(channels / groups * space), "{shape:?}: {off:e}");
        worst = worst.max(off);
    }
    println!("group norm: {worst:e}");
    for (rows, width) in [(1, 1), (0, 7), (3, 5), (2, 320), (5, 513), (1, 40_000)] {
        let (gain, shift) = (numbers(4, width as usize, 2.0), numbers(5, width as usize, 1.0));
        let affine = Affine { gain: &gain, shift: &shift, least: 1e-5 };
        let (x, before) = (numbers(6, (rows * width) as usize, 2.0), numbers(7, (rows * width) as usize, 1.0));
        let mut residual = before.clone();
        let found = cpu.layer_norm_residual(width, &x, &mut residual, &affine).unwrap();
        let off = apart(&found, &layered(width as usize, &x, &before, &affine));
        assert!(off < of_norms(width), "{rows} × {width}: {off:e}");
        assert!(residual.iter().zip(x.iter().zip(&before)).all(|(sum, (a, b))| sum.to_bits() == (a + b).to_bits()));
        worst = worst.max(off);
    }
    println!("norms: {worst:e}");
}

#[test]
fn impossible_norms_are_refused_by_name() {
    let cpu = Cpu::new(1);
    let affine = Affine { gain: &[1.0; 4], shift: &[0.0; 4], least: 1e-5 };
    let shape = Channels { batch: 1, channels: 4, groups: 2, space: 2 };
    let groups = KernelError::Range { what: "the number of groups", wanted: "a divisor of the channels" };
    assert_eq!(cpu.group_norm_silu(&Channels { groups: 3, ..shape }, &[0.0; 8], &affine), Err(groups.clone()));
    assert_eq!(cpu.group_norm_silu(&Channels { groups: 0, ..shape }, &[0.0; 8], &affine), Err(groups));
    assert_eq!(
        cpu.group_norm_silu(&shape, &[0.0; 7], &affine),
        Err(KernelError::Length { list: "the tensor", found: 7, wanted: 8 })
    );
    let flat = Affine { least: 0.0, ..affine };
    assert_eq!(
        cpu.group_norm_silu(&shape, &[0.0; 8], &flat),
        Err(KernelError::Range { what: "the norm's epsilon", wanted: "a number above 0" })
    );
    assert_eq!(
        cpu.layer_norm_residual(4, &[0.0; 6], &mut [0.0; 6], &affine),
        Err(KernelError::Length { list: "the tensor", found: 6, wanted: 4 })
    );
    assert_eq!(
        cpu.layer_norm_residual(4, &[0.0; 4], &mut [0.0; 3], &affine),
        Err(KernelError::Length { list: "the residual", found: 3, wanted: 4 })
    );
    assert_eq!(cpu.geglu(4, &[0.0; 9]), Err(KernelError::Length { list: "the tensor", found: 9, wanted: 8 }));
}

/// e^(−x²) · Σ, by its series near zero and its continued fraction far out: erfc to f64's precision.
fn erfc(x: f64) -> f64 {
    if x < 0.0 {
        return 2.0 - erfc(-x);
    }
    if x < 2.5 {
        let (mut term, mut sum) = (x, x);
        for n in 1..200 {
            term *= -x * x / f64::from(n);
            sum += term / f64::from(2 * n + 1);
        }
        return 1.0 - sum * 2.0 / std::f64::consts::PI.sqrt();
    }
    let fraction = (1..200).rev().fold(0.0, |f, n| f64::from(n) / 2.0 / (x + f));
    (-x * x).exp() / std::f64::consts::PI.sqrt() / (x + fraction)
}

#[test]
fn geglu_is_exact_over_all_gates() {
    assert!((erfc(0.5) - 0.479_500_122_186_953_5).abs() < 1e-14 && (erfc(3.0) / 2.209_049_699_858_544e-5 - 1.0).abs() < 1e-12);
    let cpu = Cpu::new(2);
    let gates: Vec<f32> = (-20_000..=20_000).map(|i| i as f32 * 1e-3).chain([0.0, -0.0, 1e30, -1e30, f32::MIN_POSITIVE]).collect();
    let values = vec![1.5f32; gates.len()];
    let found = cpu.geglu(gates.len() as u32, &[values, gates.clone()].concat()).unwrap();
    let mut worst = 0.0f64;
    for (found, gate) in found.iter().zip(&gates) {
        let wide = f64::from(*gate);
        let wanted = 1.5 * wide * 0.5 * erfc(-wide / std::f64::consts::SQRT_2);
        let off = (f64::from(*found) - wanted).abs() / (1.5 * wide.abs().max(1.0));
        assert!(off < 3e-6, "{gate}: {found} or {wanted}");
        worst = worst.max(off);
    }
    println!("geglu: {worst:e}");
    assert_eq!(cpu.geglu::<f32>(0, &[]), Ok(vec![]));
    assert_eq!(cpu.geglu::<f32>(5, &[]), Ok(vec![]));
}

/// A kind of 16 bits: to it, from it, and half the distance between neighbours of 1 and the smallest number.
struct Sixteen<T> {
    of: fn(f32) -> T,
    back: fn(T) -> f32,
    unit: f64,
    least: f64,
}
const HALF: Sixteen<f16> = Sixteen { of: f16::from_f32, back: f16::to_f32, unit: 1.0 / 2048.0, least: 3e-8 };
const BRAIN: Sixteen<bf16> = Sixteen { of: bf16::from_f32, back: bf16::to_f32, unit: 1.0 / 256.0, least: 0.0 };

impl<T: Element> Sixteen<T> {
    /// Rounded, and what that is exactly.
    fn stored(&self, values: &[f32]) -> (Vec<T>, Vec<f32>) {
        let stored: Vec<T> = values.iter().map(|x| (self.of)(*x)).collect();
        let exact = stored.iter().map(|x| (self.back)(*x)).collect();
        (stored, exact)
    }

    /// Whether results are the exact ones but for `slack` and their own rounding.
    fn check(&self, what: &str, found: &[T], wanted: &[f64], slack: f64) {
        assert_eq!(found.len(), wanted.len(), "{what}");
        for (i, (found, wanted)) in found.iter().zip(wanted).enumerate() {
            let off = (f64::from((self.back)(*found)) - wanted).abs();
            let allowed = slack + (wanted.abs() + slack) * self.unit + self.least;
            assert!(off <= allowed, "{what}, {i}: {off:e} off {wanted:e}");
        }
    }

    /// All kernels on a seed's shapes and values, against f64 code on the same rounded inputs.
    fn prove(&self, cpu: &Cpu, seed: u32) {
        let pick = |salt: u32, most: u32| ((seed ^ salt).wrapping_mul(2_654_435_761) >> 16) % most;
        let (keys, dim) = (1 + pick(1, 64), 1 + pick(2, 128));
        let shape = Attention {
            batch: 2,
            heads: 4,
            key_heads: 2,
            queries: 5,
            keys,
            dim,
            scale: 1.0 / (dim as f32).sqrt(),
            causal: seed & 1 == 1,
        };
        let c = case(shape, seed, 2.0);
        let ((q, q_exact), (k, k_exact), (v, v_exact)) = (self.stored(&c.q), self.stored(&c.k), self.stored(&c.v));
        let wanted = attend(&shape, &q_exact, &k_exact, &v_exact, None);
        self.check("attention", &cpu.attention(&shape, &q, &k, &v, None).unwrap(), &wanted, 1e-5);

        let shape = Channels { batch: 2, channels: 6, groups: 3, space: 1 + pick(3, 1024) };
        let ((gain, gain_exact), (shift, shift_exact)) =
            (self.stored(&numbers(seed, 6, 2.0)), self.stored(&numbers(seed ^ 1, 6, 1.0)));
        let (x, x_exact) = self.stored(&numbers(seed ^ 2, (12 * shape.space) as usize, 1.5));
        let (affine, exact) =
            (Affine { gain: &gain, shift: &shift, least: 1e-5 }, Affine { gain: &gain_exact, shift: &shift_exact, least: 1e-5 });
        let normed = cpu.group_norm_silu(&shape, &x, &affine).unwrap();
        self.check("group norm", &normed, &grouped(&shape, &x_exact, &exact), of_norms(2 * shape.space));

        let width = 1 + pick(4, 1024) as usize;
        let ((gain, gain_exact), (shift, shift_exact)) =
            (self.stored(&numbers(seed, width, 2.0)), self.stored(&numbers(seed ^ 1, width, 1.0)));
        let ((x, x_exact), (before, before_exact)) =
            (self.stored(&numbers(seed ^ 3, 3 * width, 2.0)), self.stored(&numbers(seed ^ 4, 3 * width, 1.0)));
        let (affine, exact) =
            (Affine { gain: &gain, shift: &shift, least: 1e-5 }, Affine { gain: &gain_exact, shift: &shift_exact, least: 1e-5 });
        let mut residual = before;
        let layered_here = cpu.layer_norm_residual(width as u32, &x, &mut residual, &affine).unwrap();
        let sums = self.stored(&x_exact.iter().zip(&before_exact).map(|(a, b)| a + b).collect::<Vec<_>>()).1;
        assert!(residual.iter().zip(&sums).all(|(a, b)| (self.back)(*a).to_bits() == b.to_bits()), "sums are rounded once");
        self.check("layer norm", &layered_here, &layered(width, &sums, &vec![0.0; sums.len()], &exact), of_norms(width as u32));

        let (x, x_exact) = self.stored(&numbers(seed ^ 5, 4 * width, 5.0));
        let gated: Vec<f64> = (0..2 * width)
            .map(|i| {
                let at = i / width * 2 * width + i % width;
                let (value, gate) = (f64::from(x_exact[at]), f64::from(x_exact[at + width]));
                value * gate * 0.5 * erfc(-gate / std::f64::consts::SQRT_2)
            })
            .collect();
        self.check("geglu", &cpu.geglu(width as u32, &x).unwrap(), &gated, 3e-6 * 25.0);
    }
}

#[test]
fn every_number_of_16_bits_is_read_and_rounded_as_it_should_be() {
    let cpu = Cpu::new(1);
    // One key: attention gives its value, read and stored again.
    let through = |keep: &dyn Fn(u16) -> bool, bits: &mut dyn FnMut(&[u16]) -> Vec<u16>| {
        let all: Vec<u16> = (0..=u16::MAX).filter(|b| keep(*b)).collect();
        assert!(bits(&all) == all);
    };
    let shape = |count: usize| Attention { batch: count as u32, ..SMALL };
    through(&|b| f16::from_bits(b).is_finite() && b != 0x8000, &mut |all| {
        let v: Vec<f16> = all.iter().map(|b| f16::from_bits(*b)).collect();
        let zero = vec![f16::ZERO; v.len()];
        cpu.attention(&shape(v.len()), &zero, &zero, &v, None).unwrap().into_iter().map(f16::to_bits).collect()
    });
    through(&|b| bf16::from_bits(b).is_finite() && b != 0x8000, &mut |all| {
        let v: Vec<bf16> = all.iter().map(|b| bf16::from_bits(*b)).collect();
        let zero = vec![bf16::ZERO; v.len()];
        cpu.attention(&shape(v.len()), &zero, &zero, &v, None).unwrap().into_iter().map(bf16::to_bits).collect()
    });
    // Sums are rounded as the crate rounds: halves to even, the largest to infinity, and what is no number stays none.
    let affine16 = |x: Vec<f16>, mut y: Vec<f16>| {
        let one = vec![f16::ONE; 1];
        cpu.layer_norm_residual(1, &x, &mut y, &Affine { gain: &one, shift: &one, least: 1.0 }).unwrap();
        y
    };
    let pairs: Vec<(f16, f16)> = numbers(5, 200_000, 1.0)
        .chunks(2)
        .map(|c| (f16::from_bits((c[0] * 32767.0) as i16 as u16), f16::from_bits((c[1] * 32767.0) as i16 as u16)))
        .collect();
    let sums = affine16(pairs.iter().map(|p| p.0).collect(), pairs.iter().map(|p| p.1).collect());
    for ((a, b), sum) in pairs.iter().zip(sums) {
        let wanted = f16::from_f32(a.to_f32() + b.to_f32());
        assert!(sum.to_bits() == wanted.to_bits() || (sum.is_nan() && wanted.is_nan()), "{a} + {b} = {sum}, not {wanted}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_attention_is_within_the_tolerance_and_the_same_in_every_set(
        batch in 1u32..3, key_heads in 1u32..4, share in 1u32..3, queries in 1u32..40, keys in 1u32..90, dim in 1u32..70,
        causal: bool, masked: bool, per_batch: bool, per_head: bool, seed: u32,
    ) {
        let shape = Attention { batch, heads: key_heads * share, key_heads, queries, keys, dim, scale: 1.0 / (dim as f32).sqrt(), causal };
        let c = case(shape, seed, 2.0);
        let planes = if per_batch { batch } else { 1 } * if per_head { shape.heads } else { 1 };
        let mut scores = numbers(seed ^ 9, (planes * queries * keys) as usize, 3.0);
        scores.iter_mut().filter(|s| **s > 2.0).for_each(|s| *s = f32::NEG_INFINITY);
        let mask = masked.then_some(Mask { scores: &scores, per_batch, per_head });
        let found = Cpu::new(2).attention(&c.shape, &c.q, &c.k, &c.v, mask).unwrap();
        let off = apart(&found, &attend(&c.shape, &c.q, &c.k, &c.v, mask));
        prop_assert!(off < 1e-5, "{off:e}");
        for cpu in Cpu::of_every_set(3) {
            prop_assert!(bits(&cpu.attention(&c.shape, &c.q, &c.k, &c.v, mask).unwrap()) == bits(&found));
        }
    }

    #[test]
    fn tensors_of_16_bits_are_within_their_rounding_and_the_same_in_every_set(seed: u32) {
        for cpu in Cpu::of_every_set(2) {
            HALF.prove(&cpu, seed);
            BRAIN.prove(&cpu, seed);
        }
    }

    #[test]
    fn any_norm_is_within_the_tolerance_and_the_same_in_every_set(batch in 1u32..4, each in 1u32..7, groups in 1u32..9, space in 1u32..1500, seed: u32) {
        let shape = Channels { batch, channels: each * groups, groups, space };
        let (gain, shift) = (numbers(seed ^ 1, shape.channels as usize, 2.0), numbers(seed ^ 2, shape.channels as usize, 1.0));
        let affine = Affine { gain: &gain, shift: &shift, least: 1e-5 };
        let x = numbers(seed, (batch * shape.channels * space) as usize, 1.5);
        let found = Cpu::new(2).group_norm_silu(&shape, &x, &affine).unwrap();
        let off = apart(&found, &grouped(&shape, &x, &affine));
        prop_assert!(off < of_norms(each * space), "{off:e}");
        let wide = shape.channels;
        let rows = &x[..(batch * space / wide.max(1) * wide) as usize];
        let layered_by = |cpu: &Cpu| bits(&cpu.layer_norm_residual(wide, rows, &mut rows.to_vec(), &affine).unwrap());
        let layer = layered_by(&Cpu::plain(1));
        for cpu in Cpu::of_every_set(3) {
            prop_assert!(bits(&cpu.group_norm_silu(&shape, &x, &affine).unwrap()) == bits(&found));
            prop_assert!(layered_by(&cpu) == layer);
        }
    }

    #[test]
    fn any_geglu_is_within_the_tolerance_and_the_same_in_every_set(rows in 0usize..9, width in 1u32..200, size in 0.1f32..12.0, seed: u32) {
        let x = numbers(seed, rows * width as usize * 2, size);
        let found = Cpu::new(2).geglu(width, &x).unwrap();
        for (row, out) in x.chunks(width as usize * 2).zip(found.chunks(width as usize)) {
            for (i, found) in out.iter().enumerate() {
                let (value, gate) = (f64::from(row[i]), f64::from(row[i + width as usize]));
                let wanted = value * gate * 0.5 * erfc(-gate / std::f64::consts::SQRT_2);
                prop_assert!((f64::from(*found) - wanted).abs() <= 3e-6 * value.abs() * gate.abs().max(1.0) + 1e-30);
            }
        }
        for cpu in Cpu::of_every_set(3) {
            prop_assert!(bits(&cpu.geglu(width, &x).unwrap()) == bits(&found));
        }
    }
}

//! The fused kernels of networks against plain f64 code.

use klieg_kernels::attention::{Attention, Mask};
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
    assert_eq!(cpu.geglu(0, &[]), Ok(vec![]));
    assert_eq!(cpu.geglu(5, &[]), Ok(vec![]));
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

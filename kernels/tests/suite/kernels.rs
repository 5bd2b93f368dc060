//! Each kernel alone on random shapes: what every device must answer like the CPU.

use half::{bf16, f16};
use klieg_kernels::attention::{Attention, Mask};
use klieg_kernels::composite::{Alpha, Below};
use klieg_kernels::convert::{Format, Transfer};
use klieg_kernels::cube::Lut;
use klieg_kernels::element::Element;
use klieg_kernels::grade::Cdl;
use klieg_kernels::norm::{Affine, Channels};
use klieg_kernels::pixels::Pixels;
use klieg_kernels::{Cpu, Device};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::{Error, side};

/// Sides, counts and choices of one round through all kernels.
#[derive(Clone, Debug)]
pub struct Shapes {
    /// Of pictures, and what they are scaled to.
    pub size: (u32, u32),
    pub to: (u32, u32),
    pub attention: Attention,
    /// Whether there is a mask, and one for each batch, each head.
    pub mask: [bool; 3],
    pub norm: Channels,
    pub width: u32,
    pub rows: u32,
    /// Samples of sound, and scores.
    pub count: usize,
    pub most: usize,
    pub table: u32,
    pub seed: u32,
}

prop_compose! {
    fn shapes()(
        size in (side(), side()), to in (side(), side()), (batch, key_heads, share) in (1u32..3, 1u32..3, 1u32..3),
        (queries, keys, dim) in (0u32..20, 0u32..70, 1u32..70), causal: bool, mask: [bool; 3],
        (each, groups, space) in (1u32..5, 1u32..5, 0u32..1200), (width, rows) in (0u32..1100, 0u32..5),
        count in prop_oneof![0usize..700, 4000usize..9000], most in 0usize..40, table in 2u32..9, seed: u32,
    ) -> Shapes {
        let attention = Attention { batch, heads: key_heads * share, key_heads, queries, keys, dim, scale: 1.0 / (dim as f32).sqrt(), causal };
        let norm = Channels { batch, channels: each * groups, groups, space };
        Shapes { size, to, attention, mask, norm, width, rows, count, most, table, seed }
    }
}

/// What random shapes hardly are: nothing at all, one of everything, and very long.
pub fn extremes() -> Vec<Shapes> {
    let attention = Attention { batch: 1, heads: 1, key_heads: 1, queries: 1, keys: 1, dim: 1, scale: 1.0, causal: true };
    let norm = Channels { batch: 1, channels: 1, groups: 1, space: 1 };
    let one = Shapes {
        size: (1, 1),
        to: (1, 1),
        attention,
        mask: [true; 3],
        norm,
        width: 1,
        rows: 1,
        count: 1,
        most: 1,
        table: 2,
        seed: 1,
    };
    let none = Attention { batch: 0, queries: 0, keys: 0, ..attention };
    let nothing = Shapes { attention: none, norm: Channels { batch: 0, ..norm }, width: 0, rows: 0, count: 0, most: 0, ..one };
    let attention = Attention { heads: 2, queries: 3, keys: 2000, dim: 256, ..attention };
    let norm = Channels { space: 40_001, ..norm };
    let long =
        Shapes { size: (100_000, 1), to: (1, 3), attention, norm, width: 20_001, count: 70_000, most: 1024, table: 33, ..one };
    // More rows than a launch has blocks from top to bottom.
    let tall = Shapes { size: (1, 100_000), to: (3, 1), attention, norm, width: 1, rows: 270_000, count: 20_000, most: 7, ..one };
    vec![one, nothing, long, tall]
}

/// Numbers of −`size` to `size`.
pub fn numbers(seed: u32, count: usize, size: f32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    let mut next = || {
        state = state.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
        (state >> 8) as f32 / 8_388_608.0 - 1.0
    };
    (0..count).map(|_| next() * size).collect()
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.iter().map(|b| f32::from(*b) / 255.0).collect()
}

/// A table of random colours.
pub fn table(size: u32, seed: u32) -> Lut {
    let colors = numbers(seed, (size.pow(3) * 3) as usize, 0.5);
    Lut::new(size, colors.as_chunks::<3>().0.iter().map(|c| c.map(|x| x + 0.5)).collect()).unwrap()
}

pub type Answers = Vec<(&'static str, Vec<f32>)>;

/// Every kernel's answer as floats.
pub fn answers(device: &Device, s: &Shapes) -> Answers {
    let mut all = pictures(device, s);
    all.extend(tensors::<f32>(device, s, ["attention", "group norm", "layer norm", "geglu"], |x| x, |x| x));
    let half = ["attention, f16", "group norm, f16", "layer norm, f16", "geglu, f16"];
    all.extend(tensors(device, s, half, f16::from_f32, f16::to_f32));
    let brain = ["attention, bf16", "group norm, bf16", "layer norm, bf16", "geglu, bf16"];
    all.extend(tensors(device, s, brain, bf16::from_f32, bf16::to_f32));
    let sound = numbers(s.seed ^ 5, s.count, 1.0);
    all.push(("mel", device.mel(&sound, if s.mask[0] { 80 } else { 128 }).unwrap().levels));
    let best = |list: Vec<klieg_kernels::top::Best>| list.iter().flat_map(|b| [b.index as f32, b.score]).collect();
    all.push(("top_k", best(device.top_k(&sound, s.most).unwrap())));
    let dim = s.attention.dim as usize;
    let vectors = &sound[..sound.len() / dim * dim];
    all.push(("nearest_vectors", best(device.nearest_vectors(&numbers(s.seed, dim, 1.0), vectors, s.most).unwrap())));
    all
}

fn pictures(device: &Device, s: &Shapes) -> Answers {
    let (w, h) = s.size;
    let color: Vec<[f32; 3]> =
        numbers(s.seed, (w * h * 3) as usize, 0.7).as_chunks::<3>().0.iter().map(|c| c.map(|x| x + 0.5)).collect();
    let bytes: Vec<u8> = color.as_flattened().iter().map(|x| (x * 255.0) as u8).collect();
    let top: Vec<u8> = numbers(s.seed ^ 1, (w * h * 4) as usize, 127.0).iter().map(|x| (x + 128.0) as u8).collect();
    let mut all = vec![
        ("scale, bytes", floats(&device.scale_bytes(&bytes, s.size, s.to).unwrap())),
        ("scale, floats", device.scale_floats(&color, s.size, s.to).unwrap().concat()),
    ];
    for format in [Format::Nv12, Format::P010, Format::Yuv422p10] {
        let of = |pixels| floats(&device.convert(&pixels, Transfer::Srgb, format).unwrap().planes.concat());
        all.push(("convert, bytes", of(Pixels::bytes(w, h, &bytes))));
        all.push(("convert, floats", of(Pixels::floats(w, h, &color))));
    }
    let hash = device.hash(&Pixels::bytes(w, h, &bytes)).unwrap();
    let bits = hash.bits.iter().flat_map(|byte| (0..8).map(move |bit| f32::from(byte >> bit & 1)));
    all.push(("hash", bits.chain([hash.quality]).collect()));
    all.push(("grade", graded(device, s, &color)));
    for (alpha, below) in [(Alpha::Straight, Below::Rgb), (Alpha::Premultiplied, Below::Rgba), (Alpha::Straight, Below::Rgba)] {
        let under: &[u8] = if below == Below::Rgb { &bytes } else { &top };
        let (mut bytes, mut wide) = (under.to_vec(), floats(under));
        device.over_bytes(s.size, &top, alpha, &mut bytes, below).unwrap();
        device.over_floats(s.size, &floats(&top), alpha, &mut wide, below).unwrap();
        all.extend([("over, bytes", floats(&bytes)), ("over, floats", wide)]);
    }
    all
}

/// A random list and table over a picture.
pub fn graded(device: &Device, s: &Shapes, color: &[[f32; 3]]) -> Vec<f32> {
    let part = numbers(s.seed ^ 2, 10, 0.4);
    let three = |i: usize, from: f32| [part[i] + from, part[i + 1] + from, part[i + 2] + from];
    let cdl = Cdl { slope: three(0, 1.0), offset: three(3, 0.0), power: three(6, 1.0), saturation: part[9] + 1.0 };
    let mut color = color.to_vec();
    device.grade(s.size, &mut color, &cdl, Some(&table(s.table, s.seed))).unwrap();
    color.concat()
}

fn tensors<T: Element>(device: &Device, s: &Shapes, names: [&'static str; 4], of: fn(f32) -> T, back: fn(T) -> f32) -> Answers {
    let stored =
        |salt: u32, count: u32, size: f32| numbers(s.seed ^ salt, count as usize, size).into_iter().map(of).collect::<Vec<T>>();
    let wide = |list: Vec<T>| list.into_iter().map(back).collect::<Vec<f32>>();
    let a = &s.attention;
    let (q, shared) = (stored(11, a.batch * a.heads * a.queries * a.dim, 2.0), a.batch * a.key_heads * a.keys * a.dim);
    let [masked, per_batch, per_head] = s.mask;
    let planes = if per_batch { a.batch } else { 1 } * if per_head { a.heads } else { 1 };
    let mut scores = numbers(s.seed ^ 9, (planes * a.queries * a.keys) as usize, 3.0);
    scores.iter_mut().filter(|s| **s > 2.0).for_each(|s| *s = f32::NEG_INFINITY);
    let mask = masked.then_some(Mask { scores: &scores, per_batch, per_head });
    let attended = device.attention(a, &q, &stored(12, shared, 2.0), &stored(13, shared, 1.0), mask).unwrap();
    let channels = s.norm.channels;
    let (gain, shift) = (stored(14, channels, 2.0), stored(15, channels, 1.0));
    let x = stored(16, s.norm.batch * channels * s.norm.space, 1.5);
    let normed = device.group_norm_silu(&s.norm, &x, &Affine { gain: &gain, shift: &shift, least: 1e-5 }).unwrap();
    let (gain, shift) = (stored(17, s.width, 2.0), stored(18, s.width, 1.0));
    let mut residual = stored(19, s.width * s.rows, 1.0);
    let x = stored(20, s.width * s.rows, 2.0);
    let affine = Affine { gain: &gain, shift: &shift, least: 1e-5 };
    let layered = device.layer_norm_residual(s.width, &x, &mut residual, &affine).unwrap();
    let gated = device.geglu(s.width, &stored(21, s.width * s.rows * 2, 6.0)).unwrap();
    let layered = wide(layered).into_iter().chain(wide(residual)).collect();
    let [attention, group, layer, geglu] = names;
    vec![(attention, wide(attended)), (group, wide(normed)), (layer, layered), (geglu, wide(gated))]
}

/// Kernels by name, and how far a device is from plain code on them.
pub type Table = Vec<(&'static str, Error)>;

/// Runs the extremes and random shapes through a device and plain code.
pub fn on_shapes(cases: u32, device: &Device, tolerance: f64) -> Table {
    let plain = Device::Cpu(Box::new(Cpu::plain(1)));
    let table = std::cell::RefCell::new(Table::new());
    let round = |s: &Shapes| {
        for ((name, found), (_, wanted)) in answers(device, s).into_iter().zip(answers(&plain, s)) {
            let mut error = Error::default();
            error.all(&found, &wanted, tolerance);
            let mut table = table.borrow_mut();
            match table.iter_mut().find(|(known, _)| *known == name) {
                Some((_, sum)) => sum.merge(error),
                None => table.push((name, error)),
            }
        }
    };
    extremes().iter().for_each(round);
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    TestRunner::new(config)
        .run(&shapes(), |s| {
            round(&s);
            Ok(())
        })
        .unwrap();
    table.into_inner()
}

/// Prints the table; panics for kernels of which more than a share of values is past the tolerance (or differs at all, where it is 0).
pub fn judge(device: &str, table: &Table, share: f64) {
    for (name, error) in table {
        eprintln!("| {device} | {name} | {error} |");
    }
    let bad = |e: &Error| if share == 0.0 { e.differ > 0 } else { e.off as f64 > share * e.values as f64 };
    let bad: Vec<_> = table.iter().filter(|(_, e)| bad(e)).map(|(name, e)| format!("{name}: {e}")).collect();
    assert!(bad.is_empty(), "{bad:#?}");
    assert!(table.iter().all(|(_, e)| e.values > 1000), "every kernel answered something");
}

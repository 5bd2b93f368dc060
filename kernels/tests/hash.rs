//! PDQ against the `pdqhash` crate, and against its definition in f64.

use image::imageops::FilterType;
use klieg_kernels::hash::PictureHash;
use klieg_kernels::pixels::Pixels;
use klieg_kernels::{Cpu, KernelError};
use pdqhash::image::{DynamicImage, ImageBuffer};
use proptest::prelude::*;

fn hash(cpu: &Cpu, picture: &image::RgbImage) -> PictureHash {
    cpu.hash(&Pixels::bytes(picture.width(), picture.height(), picture)).unwrap()
}

/// The crate's hash of the full size, and its quality. (The crate has its own, older version of `image`.)
fn peer(picture: &image::RgbImage) -> PictureHash {
    let theirs = ImageBuffer::from_raw(picture.width(), picture.height(), picture.as_raw().clone()).unwrap();
    let (bits, quality) = pdqhash::generate_pdq_full_size(&DynamicImage::ImageRgb8(theirs));
    PictureHash { bits, quality }
}

/// Contact sheets and a frame of the films in `docs/`, and parts and sizes of them.
fn real_pictures() -> Vec<(String, image::RgbImage)> {
    let mut all = Vec::new();
    for name in ["wedding.png", "garden-sheet.jpg", "noir-sheet.jpg", "wedding-sheet.jpg"] {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name);
        let whole = image::open(&path).unwrap().to_rgb8();
        for (w, h) in [(1920, 1080), (640, 360), (333, 517), (64, 64), (1000, 31)] {
            all.push((format!("{name} at {w}×{h}"), image::imageops::resize(&whole, w, h, FilterType::Triangle)));
        }
        for i in 0..6 {
            let (w, h) = (whole.width() / 3, whole.height() / 3);
            let part = image::imageops::crop_imm(&whole, i % 3 * w, i / 3 * h, w, h).to_image();
            all.push((format!("{name}, part {i}"), part));
        }
        all.push((name.to_owned(), whole));
    }
    all
}

#[test]
fn real_pictures_have_the_hash_of_the_pdqhash_crate() {
    let cpu = Cpu::new(2);
    let mut apart = Vec::new();
    for (name, picture) in real_pictures() {
        let (ours, theirs) = (hash(&cpu, &picture), peer(&picture));
        let distance = ours.distance(&theirs);
        assert!(distance <= 2, "{name}: {distance} bits apart\n{ours}\n{theirs}");
        assert!((ours.quality - theirs.quality).abs() < 1e-3, "{name}: {} or {}", ours.quality, theirs.quality);
        apart.push(distance);
    }
    let exact = apart.iter().filter(|d| **d == 0).count();
    println!("{exact} of {} equal, {:?} bits apart at most", apart.len(), apart.iter().max());
    assert!(exact * 10 >= apart.len() * 9);
}

#[test]
fn a_scaled_picture_keeps_its_hash_and_another_has_another() {
    let cpu = Cpu::new(1);
    let pictures = real_pictures();
    let of = |name: &str| hash(&cpu, &pictures.iter().find(|(n, _)| n == name).unwrap().1);
    assert!(of("wedding.png at 1920×1080").distance(&of("wedding.png at 640×360")) <= 8);
    assert!(of("wedding.png at 1920×1080").distance(&of("noir-sheet.jpg at 1920×1080")) > 80);
}

/// The reference's steps, plainly and in f64: the frequencies and the quality.
fn definition(width: usize, height: usize, rgb: &[u8]) -> (Vec<f64>, f64) {
    let mut luma: Vec<f64> =
        rgb.chunks(3).map(|c| 0.299 * f64::from(c[0]) + 0.587 * f64::from(c[1]) + 0.114 * f64::from(c[2])).collect();
    let blur = |line: &[f64], size: usize| -> Vec<f64> {
        let mean = |i: usize| {
            let (from, to) = (i.saturating_sub((size - 1) / 2), (i + size / 2).min(line.len() - 1));
            line[from..=to].iter().sum::<f64>() / (to - from + 1) as f64
        };
        (0..line.len()).map(mean).collect()
    };
    for _ in 0..2 {
        for row in luma.chunks_mut(width) {
            let blurred = blur(row, width.div_ceil(128));
            row.copy_from_slice(&blurred);
        }
        for x in 0..width {
            let column: Vec<_> = (0..height).map(|y| luma[y * width + x]).collect();
            blur(&column, height.div_ceil(128)).into_iter().enumerate().for_each(|(y, v)| luma[y * width + x] = v);
        }
    }
    let at = |y: usize, x: usize| luma[(2 * y + 1) * height / 128 * width + (2 * x + 1) * width / 128];
    let wave = |i: usize, k: usize| (2.0f64 / 64.0).sqrt() * (std::f64::consts::PI / 128.0 * ((i + 1) * (2 * k + 1)) as f64).cos();
    let mut lows = Vec::new();
    for i in 0..16 {
        let down: Vec<f64> = (0..64).map(|x| (0..64).map(|y| wave(i, y) * at(y, x)).sum()).collect();
        lows.extend((0..16).map(|j| (0..64).map(|x| wave(j, x) * down[x]).sum::<f64>()));
    }
    let mut steps = 0.0;
    for y in 0..64 {
        for x in 0..64 {
            steps += if x < 63 { (at(y, x) - at(y, x + 1)).abs() } else { 0.0 };
            steps += if y < 63 { (at(y, x) - at(y + 1, x)).abs() } else { 0.0 };
        }
    }
    (lows, (steps / 255.0 / 90.0).min(1.0))
}

/// How many bits are not what the frequencies say, leaving out those that equal the median to within rounding.
fn wrong_bits(found: &PictureHash, lows: &[f64]) -> usize {
    let mut sorted = lows.to_vec();
    sorted.sort_by(f64::total_cmp);
    let median = sorted[127];
    let bit = |i: usize| found.bits[31 - i / 8] >> (i % 8) & 1 == 1;
    (0..256).filter(|i| (lows[*i] - median).abs() > 1e-3 && bit(*i) != (lows[*i] > median)).count()
}

fn noise(seed: u32, count: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    let mut next = || {
        state = state.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
        (state >> 24) as u8
    };
    (0..count).map(|_| next()).collect()
}

#[test]
fn extreme_shapes_have_the_hash_of_the_definition() {
    let cpu = Cpu::new(2);
    for (w, h) in [(1, 1), (2, 3), (1, 200), (127, 128), (129, 5), (100_000, 1), (1, 30_000), (3000, 7)] {
        let picture = noise(w + h, (w * h * 3) as usize);
        let found = cpu.hash(&Pixels::bytes(w, h, &picture)).unwrap();
        let (lows, quality) = definition(w as usize, h as usize, &picture);
        assert_eq!(wrong_bits(&found, &lows), 0, "{w} × {h}");
        assert!((f64::from(found.quality) - quality).abs() < 1e-4, "{w} × {h}: {} or {quality}", found.quality);
    }
    let none = cpu.hash(&Pixels::bytes(0, 5, &[])).unwrap_err();
    assert_eq!(none, KernelError::Size { width: 0, height: 5, most: 131_072 });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_picture_has_the_hash_of_the_definition(w in 1u32..400, h in 1u32..300, seed: u32) {
        let picture = noise(seed, (w * h * 3) as usize);
        let found = Cpu::new(1).hash(&Pixels::bytes(w, h, &picture)).unwrap();
        let (lows, quality) = definition(w as usize, h as usize, &picture);
        prop_assert_eq!(wrong_bits(&found, &lows), 0);
        prop_assert!((f64::from(found.quality) - quality).abs() < 1e-4);
        for cpu in Cpu::of_every_set(2) {
            prop_assert!(cpu.hash(&Pixels::bytes(w, h, &picture)).unwrap() == found);
        }
    }
}

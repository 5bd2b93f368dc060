//! Conversion against the standard's formulas in f64.

use klieg_kernels::convert::{Format, PlaneMut, Transfer};
use klieg_kernels::pixels::{Pixels, Rgb};
use klieg_kernels::{Cpu, KernelError};
use proptest::prelude::*;

const FORMATS: [Format; 3] = [Format::Nv12, Format::P010, Format::Yuv422p10];
const POISON: u8 = 0xaa;

fn coded(transfer: Transfer, x: f32) -> f64 {
    let x = if x.is_nan() { 0.0 } else { f64::from(x).clamp(0.0, 1.0) };
    match transfer {
        Transfer::Coded => x,
        Transfer::Srgb => {
            if x <= 0.003_130_8 {
                12.92 * x
            } else {
                1.055 * x.powf(1.0 / 2.4) - 0.055
            }
        }
        Transfer::Bt709 => {
            if x < 0.018 {
                4.5 * x
            } else {
                1.099 * x.powf(0.45) - 0.099
            }
        }
    }
}

/// Coded red, green and blue at a pixel; past an edge, of the edge.
fn at(pixels: &Pixels<'_>, transfer: Transfer, x: i64, y: i64) -> [f64; 3] {
    let x = x.clamp(0, i64::from(pixels.width) - 1) as usize;
    let y = y.clamp(0, i64::from(pixels.height) - 1) as usize;
    let i = y * pixels.width as usize + x;
    match pixels.rgb {
        Rgb::Bytes(bytes) => std::array::from_fn(|c| f64::from(bytes[3 * i + c]) / 255.0),
        Rgb::Floats(floats) => floats[i].map(|x| coded(transfer, x)),
    }
}

/// Luma 0–1 and both chromas −0.5–0.5.
fn ycc([r, g, b]: [f64; 3]) -> [f64; 3] {
    let y = 0.2126 * r + 0.7152 * g + 0.0722 * b;
    [y, (b - y) / 1.8556, (r - y) / 1.5748]
}

fn chroma(pixels: &Pixels<'_>, transfer: Transfer, x: i64, rows: &[i64]) -> [f64; 3] {
    let mut sum = [0.0; 3];
    for y in rows {
        for (dx, weight) in [(-1, 0.25), (0, 0.5), (1, 0.25)] {
            let c = at(pixels, transfer, 2 * x + dx, *y);
            (0..3).for_each(|i| sum[i] += c[i] * weight / rows.len() as f64);
        }
    }
    ycc(sum)
}

/// Codes of all planes in their order, unrounded, and those found.
fn codes(pixels: &Pixels<'_>, transfer: Transfer, format: Format, planes: &[Vec<u8>], strides: &[usize]) -> Vec<(f64, u16)> {
    let scale = if format == Format::Nv12 { 1.0 } else { 4.0 };
    let code = |plane: usize, row: usize, i: usize| match format {
        Format::Nv12 => u16::from(planes[plane][row * strides[plane] + i]),
        _ => {
            let byte = row * strides[plane] + 2 * i;
            let code = u16::from_le_bytes([planes[plane][byte], planes[plane][byte + 1]]);
            assert!(format != Format::P010 || code & 63 == 0, "the lower bits are clear");
            if format == Format::P010 { code >> 6 } else { code }
        }
    };
    let (w, h) = (i64::from(pixels.width), i64::from(pixels.height));
    let mut all = Vec::new();
    for y in 0..h {
        for x in 0..w {
            let luma = ycc(at(pixels, transfer, x, y))[0];
            all.push(((16.0 + 219.0 * luma) * scale, code(0, y as usize, x as usize)));
        }
    }
    let rows = if format == Format::Yuv422p10 { h } else { (h + 1) / 2 };
    for y in 0..rows {
        let from = if format == Format::Yuv422p10 { vec![y] } else { vec![2 * y, 2 * y + 1] };
        for x in 0..(w + 1) / 2 {
            let [_, blue, red] = chroma(pixels, transfer, x, &from);
            let (row, i) = (y as usize, x as usize);
            let found = if format == Format::Yuv422p10 {
                [code(1, row, i), code(2, row, i)]
            } else {
                [code(1, row, 2 * i), code(1, row, 2 * i + 1)]
            };
            all.extend([blue, red].into_iter().zip(found).map(|(c, f)| ((128.0 + 224.0 * c) * scale, f)));
        }
    }
    all
}

/// Converts into poisoned planes with room at the ends of rows, checks every code, and that the room stays as it was.
/// Returns the largest difference from the unrounded code.
fn check(cpu: &Cpu, pixels: &Pixels<'_>, transfer: Transfer, format: Format, room: usize) -> f64 {
    let sizes = format.planes(pixels.width, pixels.height);
    let strides: Vec<_> = sizes.iter().map(|(row, _)| row + 2 * room).collect();
    let mut planes: Vec<_> = sizes.iter().zip(&strides).map(|((_, rows), stride)| vec![POISON; rows * stride]).collect();
    let mut lent: Vec<_> = planes.iter_mut().zip(&strides).map(|(bytes, stride)| PlaneMut { bytes, stride: *stride }).collect();
    cpu.convert_into(pixels, transfer, format, &mut lent).unwrap();
    for (plane, ((row, _), stride)) in planes.iter().zip(sizes.iter().zip(&strides)) {
        assert!(plane.chunks(*stride).all(|line| line[*row..].iter().all(|b| *b == POISON)), "{format:?} wrote past a row");
    }
    let tight = cpu.convert(pixels, transfer, format).unwrap();
    for (a, (b, ((row, _), stride))) in tight.planes.iter().zip(planes.iter().zip(sizes.iter().zip(&strides))) {
        assert!(a.chunks(*row).eq(b.chunks(*stride).map(|line| &line[..*row])));
    }
    let all = codes(pixels, transfer, format, &planes, &strides);
    all.into_iter().map(|(wanted, found)| (wanted - f64::from(found)).abs()).fold(0.0, f64::max)
}

/// Bytes of a small generator: each picture another, the same each time.
fn noise(seed: u32, count: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    let mut next = || {
        state = state.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
        (state >> 24) as u8
    };
    (0..count)
        .map(|_| match next() {
            0..40 => 0,
            216.. => 255,
            _ => next(),
        })
        .collect()
}

#[test]
fn primaries_have_the_codes_of_the_standard() {
    let cpu = Cpu::new(1);
    // Red, green, blue, white, black, as two by two pixels each: BT.709's codes of 8 bits.
    for (rgb, wanted) in [
        ([255, 0, 0], [63, 102, 240]),
        ([0, 255, 0], [173, 42, 26]),
        ([0, 0, 255], [32, 240, 118]),
        ([255; 3], [235, 128, 128]),
        ([0; 3], [16, 128, 128]),
    ] {
        let picture = [rgb; 4].concat();
        let frame = cpu.convert(&Pixels::bytes(2, 2, &picture), Transfer::Coded, Format::Nv12).unwrap();
        assert_eq!(frame.planes, [vec![wanted[0]; 4], vec![wanted[1], wanted[2]]], "{rgb:?}");
    }
}

#[test]
fn chroma_lies_at_the_even_pixels() {
    // A red line in the odd column 5 reaches chroma columns 2 and 3 by a quarter each; in the even column 4, only 2, by a half.
    let cpu = Cpu::new(1);
    let red_at = |column: usize| {
        let mut picture = vec![0u8; 12 * 2 * 3];
        (0..2).for_each(|y| picture[(y * 12 + column) * 3] = 255);
        let frame = cpu.convert(&Pixels::bytes(12, 2, &picture), Transfer::Coded, Format::Nv12).unwrap();
        (0..6).map(|x| frame.planes[1][2 * x + 1]).collect::<Vec<_>>()
    };
    assert_eq!(red_at(5), [128, 128, 156, 156, 128, 128]);
    assert_eq!(red_at(4), [128, 128, 184, 128, 128, 128]);
}

#[test]
fn every_size_up_to_the_vectors_is_exact_and_stays_in_its_rows() {
    let cpu = Cpu::new(2);
    let sizes = (1..=5).flat_map(|h| [1, 2, 3, 31, 63, 64, 65, 66, 127, 128, 129, 200].map(|w| (w, h)));
    let mut worst = 0.0f64;
    for (w, h) in sizes.chain([(1, 300), (100_000, 1), (1, 70_000)]) {
        let picture = noise(w * 7 + h, (w * h * 3) as usize);
        for format in FORMATS {
            worst = worst.max(check(&cpu, &Pixels::bytes(w, h, &picture), Transfer::Coded, format, 5));
        }
    }
    println!("bytes: {worst} from the unrounded code");
    assert!(worst < 0.55, "{worst}");
}

#[test]
fn every_gray_is_gray_and_keeps_its_order() {
    let cpu = Cpu::new(1);
    let ramp: Vec<u8> = (0..=255u8).flat_map(|v| [v; 3]).collect();
    for format in FORMATS {
        let frame = cpu.convert(&Pixels::bytes(256, 1, &ramp), Transfer::Coded, format).unwrap();
        assert!(check(&cpu, &Pixels::bytes(256, 1, &ramp), Transfer::Coded, format, 0) < 0.55);
        if format == Format::Nv12 {
            assert!(frame.planes[1].iter().all(|c| *c == 128));
            assert!(frame.planes[0].is_sorted());
        }
    }
}

#[test]
fn floats_that_are_no_colours_count_as_their_nearest() {
    let cpu = Cpu::new(1);
    let odd = [[f32::NAN, -1.0, f32::NEG_INFINITY], [f32::INFINITY, 2.0, 1.0]];
    let even = [[0.0; 3], [1.0; 3]];
    for transfer in [Transfer::Coded, Transfer::Srgb, Transfer::Bt709] {
        let of = |floats: &[[f32; 3]]| cpu.convert(&Pixels::floats(2, 1, floats), transfer, Format::P010).unwrap();
        assert_eq!(of(&odd), of(&even));
    }
}

#[test]
fn impossible_requests_are_refused_by_name() {
    let cpu = Cpu::new(1);
    let picture = [0u8; 12];
    let refused = |w, h, rgb: &[u8]| cpu.convert(&Pixels::bytes(w, h, rgb), Transfer::Coded, Format::Nv12).unwrap_err();
    assert_eq!(refused(0, 2, &[]), KernelError::Size { width: 0, height: 2, most: 131_072 });
    assert_eq!(refused(3, 2, &picture), KernelError::Length { list: "rgb", found: 12, wanted: 18 });
    let pixels = Pixels::bytes(2, 2, &picture);
    let into = |planes: &mut [PlaneMut<'_>]| cpu.convert_into(&pixels, Transfer::Coded, Format::P010, planes).unwrap_err();
    assert_eq!(into(&mut []), KernelError::Length { list: "planes", found: 0, wanted: 2 });
    let (mut a, mut b) = ([0u8; 8], [0u8; 3]);
    let mut planes = [PlaneMut { bytes: &mut a, stride: 4 }, PlaneMut { bytes: &mut b, stride: 4 }];
    assert_eq!(into(&mut planes), KernelError::Length { list: "a plane", found: 3, wanted: 4 });
    planes[0].stride = 3;
    assert_eq!(into(&mut planes), KernelError::Length { list: "a plane's stride", found: 3, wanted: 4 });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn bytes_are_within_the_tolerance(w in 1u32..150, h in 1u32..12, seed: u32, room in 0usize..40, threads in 1usize..4) {
        let picture = noise(seed, (w * h * 3) as usize);
        for format in FORMATS {
            prop_assert!(check(&Cpu::new(threads), &Pixels::bytes(w, h, &picture), Transfer::Coded, format, room) < 0.55);
        }
    }

    #[test]
    fn floats_are_within_the_tolerance(w in 1u32..150, h in 1u32..9, seed: u32, curve in 0usize..3) {
        let picture: Vec<[f32; 3]> = noise(seed, (w * h * 3) as usize).chunks(3).map(|c| std::array::from_fn(|i| f32::from(c[i]) / 255.0 + f32::from(c[0]) * 1e-5)).collect();
        let transfer = [Transfer::Coded, Transfer::Srgb, Transfer::Bt709][curve];
        for format in FORMATS {
            let worst = check(&Cpu::new(1), &Pixels::floats(w, h, &picture), transfer, format, 3);
            prop_assert!(worst < 0.6, "{worst}");
        }
    }

    #[test]
    fn every_instruction_set_gives_the_same_bytes(w in 1u32..200, h in 1u32..5, seed: u32) {
        let bytes = noise(seed, (w * h * 3) as usize);
        let floats: Vec<[f32; 3]> = bytes.chunks(3).map(|c| std::array::from_fn(|i| f32::from(c[i]) / 250.0)).collect();
        for format in FORMATS {
            for pixels in [Pixels::bytes(w, h, &bytes), Pixels::floats(w, h, &floats)] {
                let wanted = Cpu::plain(1).convert(&pixels, Transfer::Srgb, format).unwrap();
                for cpu in Cpu::of_every_set(2) {
                    prop_assert!(cpu.convert(&pixels, Transfer::Srgb, format).unwrap() == wanted);
                }
            }
        }
    }
}

//! Grading against the list's and the tetrahedra's definitions in f64, and files of tables.

use klieg_kernels::cube::{CubeError, CubeErrorKind, Lut};
use klieg_kernels::grade::Cdl;
use klieg_kernels::{Cpu, KernelError};
use proptest::prelude::*;

const PLAIN: Cdl = Cdl { slope: [1.0; 3], offset: [0.0; 3], power: [1.0; 3], saturation: 1.0 };

fn listed(cdl: &Cdl, c: [f32; 3]) -> [f64; 3] {
    let wide = |x: f32| f64::from(x);
    let sop: [f64; 3] = std::array::from_fn(|i| {
        let x = if c[i].is_nan() { 0.0 } else { wide(c[i]) };
        (x * wide(cdl.slope[i]) + wide(cdl.offset[i])).clamp(0.0, 1.0).powf(wide(cdl.power[i]))
    });
    let gray = 0.2126 * sop[0] + 0.7152 * sop[1] + 0.0722 * sop[2];
    sop.map(|x| (gray + (x - gray) * wide(cdl.saturation)).clamp(0.0, 1.0))
}

/// Tetrahedral interpolation as its definition has it: the cell's fractions sorted, corners visited in that order.
fn interpolated(lut: &Lut, c: [f64; 3]) -> [f64; 3] {
    let (low, high) = lut.domain();
    let n = lut.size() as usize;
    let at: [f64; 3] = std::array::from_fn(|i| {
        let (low, high) = (f64::from(low[i]), f64::from(high[i]));
        ((c[i] - low) / (high - low) * (n - 1) as f64).clamp(0.0, (n - 1) as f64)
    });
    let cell = at.map(|x| (x as usize).min(n - 2));
    let fraction: [f64; 3] = std::array::from_fn(|i| at[i] - cell[i] as f64);
    let mut order = [0, 1, 2];
    order.sort_by(|a, b| fraction[*b].total_cmp(&fraction[*a]));
    let entry = |p: [usize; 3]| lut.colors()[p[0] + n * (p[1] + n * p[2])].map(f64::from);
    let (mut corner, mut value) = (cell, entry(cell));
    for axis in order {
        let before = entry(corner);
        corner[axis] += 1;
        let after = entry(corner);
        (0..3).for_each(|i| value[i] += fraction[axis] * (after[i] - before[i]));
    }
    value
}

fn random(state: &mut u32) -> f32 {
    *state = state.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
    (*state >> 8) as f32 / 16_777_216.0
}

fn table(size: u32, seed: u32) -> Lut {
    let mut state = seed;
    let colors = (0..size.pow(3)).map(|_| std::array::from_fn(|_| random(&mut state))).collect();
    Lut::new(size, colors).unwrap()
}

fn worst(found: &[[f32; 3]], wanted: impl Iterator<Item = [f64; 3]>) -> f64 {
    let apart = |a: f32, b: f64| if a.is_nan() { f64::INFINITY } else { (f64::from(a) - b).abs() };
    found.iter().zip(wanted).flat_map(|(f, w)| (0..3).map(move |i| apart(f[i], w[i]))).fold(0.0, f64::max)
}

#[test]
fn the_lists_of_the_specification_do_what_they_say() {
    let cpu = Cpu::new(1);
    let one = |c: [f32; 3], cdl: Cdl| {
        let mut picture = [c];
        cpu.grade((1, 1), &mut picture, &cdl, None).unwrap();
        picture[0]
    };
    let close = |a: [f32; 3], b: [f32; 3]| assert!(a.iter().zip(b).all(|(x, y)| (x - y).abs() < 2e-6), "{a:?} or {b:?}");
    close(one([0.5, 0.25, 0.1], PLAIN), [0.5, 0.25, 0.1]);
    close(one([0.5, 0.25, 0.1], Cdl { slope: [2.0, 1.5, 0.5], ..PLAIN }), [1.0, 0.375, 0.05]);
    close(one([0.5, 0.25, 0.1], Cdl { offset: [0.6, -0.3, 0.05], ..PLAIN }), [1.0, 0.0, 0.15]);
    close(one([0.5, 0.25, 0.0], Cdl { power: [2.0, 0.5, 3.0], ..PLAIN }), [0.25, 0.5, 0.0]);
    // Gray of (1, 0, 0) is 0.2126; half the way there.
    close(one([1.0, 0.0, 0.0], Cdl { saturation: 0.5, ..PLAIN }), [0.6063, 0.1063, 0.1063]);
    close(one([1.0, 0.0, 0.0], Cdl { saturation: 0.0, ..PLAIN }), [0.2126; 3]);
    close(one([f32::NAN, f32::INFINITY, -4.0], PLAIN), [0.0, 1.0, 0.0]);
}

#[test]
fn a_table_of_the_identity_changes_nothing_and_corners_are_the_entries() {
    let cpu = Cpu::new(1);
    for n in [2u32, 3, 17, 33] {
        let entry = |i: u32| (i as f32) / (n - 1) as f32;
        let colors = (0..n.pow(3)).map(|i| [entry(i % n), entry(i / n % n), entry(i / n / n)]).collect();
        let lut = Lut::new(n, colors).unwrap();
        let mut state = n;
        let picture: Vec<[f32; 3]> = (0..500).map(|_| std::array::from_fn(|_| random(&mut state))).collect();
        let mut graded = picture.clone();
        cpu.grade((500, 1), &mut graded, &PLAIN, Some(&lut)).unwrap();
        assert!(worst(&graded, picture.iter().map(|c| c.map(f64::from))) < 4e-6);
        let noise = table(n, n);
        let mut corners: Vec<_> = lut.colors().to_vec();
        cpu.grade((n.pow(3), 1), &mut corners, &PLAIN, Some(&noise)).unwrap();
        assert!(worst(&corners, noise.colors().iter().map(|c| c.map(f64::from))) < 4e-6 * f64::from(n));
    }
}

#[test]
fn impossible_lists_and_pictures_are_refused_by_name() {
    let cpu = Cpu::new(1);
    let refused = |cdl: Cdl| cpu.grade((1, 1), &mut [[0.5; 3]], &cdl, None).unwrap_err();
    assert_eq!(
        refused(Cdl { slope: [1.0, -1.0, 1.0], ..PLAIN }),
        KernelError::Range { what: "a slope", wanted: "a number from 0" }
    );
    assert_eq!(
        refused(Cdl { power: [1.0, 0.0, 1.0], ..PLAIN }),
        KernelError::Range { what: "a power", wanted: "a number above 0" }
    );
    assert_eq!(refused(Cdl { offset: [f32::NAN; 3], ..PLAIN }), KernelError::Range { what: "an offset", wanted: "a number" });
    assert_eq!(
        refused(Cdl { saturation: f32::INFINITY, ..PLAIN }),
        KernelError::Range { what: "the saturation", wanted: "a number from 0" }
    );
    assert_eq!(cpu.grade((2, 2), &mut [[0.5; 3]; 3], &PLAIN, None), Err(KernelError::Length { list: "rgb", found: 3, wanted: 4 }));
    assert_eq!(cpu.grade((0, 2), &mut [], &PLAIN, None), Err(KernelError::Size { width: 0, height: 2, most: 131_072 }));
}

const CUBE: &str = "\u{feff}# from the grading room\r\nTITLE \"Late summer\"\r\nLUT_3D_SIZE 2\r\nDOMAIN_MIN -1 0 0\r\nDOMAIN_MAX 1 2 4\r\n\r\n\
    0 0 0\r\n1 0 0\r\n0 1 0\r\n1 1 0\r\n0 0 1\r\n1 0 1\r\n0 1 1\r\n1 1 1e0\r\n";

#[test]
fn a_cube_file_is_read_and_used_over_its_domain() {
    let lut = Lut::parse(CUBE).unwrap();
    assert_eq!((lut.title(), lut.size(), lut.domain()), ("Late summer", 2, ([-1.0, 0.0, 0.0], [1.0, 2.0, 4.0])));
    let mut picture = [[0.0, 0.5, 1.0], [1.0; 3]];
    Cpu::new(1).grade((2, 1), &mut picture, &PLAIN, Some(&lut)).unwrap();
    assert!(worst(&picture, [[0.5, 0.25, 0.25], [1.0, 0.5, 0.25]].into_iter()) < 1e-6, "{picture:?}");
    assert_eq!(
        Lut::parse("LUT_3D_SIZE 2\nLUT_3D_INPUT_RANGE 0.0 2.0\n0 0 0\n0 0 0\n0 0 0\n0 0 0\n0 0 0\n0 0 0\n0 0 0\n0 0 0")
            .unwrap()
            .domain(),
        ([0.0; 3], [2.0; 3])
    );
}

#[test]
fn mistakes_in_a_cube_file_are_named_with_their_place() {
    let wrong = |text: &str| Lut::parse(text).unwrap_err();
    let at = |line, columns, kind| CubeError { line, columns, kind };
    use CubeErrorKind as K;
    assert_eq!(wrong("LUT_3D_SIZE 2\n0 0 0\n0  x 0"), at(3, 4..5, K::Number("x".into())));
    assert_eq!(wrong("LUT_3D_SIZE 2\n0 0 nan"), at(2, 5..8, K::Number("nan".into())));
    assert_eq!(wrong("LUT_3D_SIZE 2\n0 0"), at(2, 1..2, K::Values { found: 2, wanted: 3 }));
    assert_eq!(wrong("LUT_3D_SIZE 2\n0 0 0 9"), at(2, 7..8, K::Values { found: 4, wanted: 3 }));
    assert_eq!(wrong("LUT_3D_SIZE 999"), at(1, 13..16, K::Side("999".into())));
    assert_eq!(wrong("LUT_3D_SIZE"), at(1, 1..12, K::Values { found: 0, wanted: 1 }));
    assert_eq!(wrong("LUT_1D_SIZE 16"), at(1, 1..12, K::OneDimension));
    assert_eq!(wrong("\n\n  LUT_4D 3"), at(3, 3..9, K::Keyword("LUT_4D".into())));
    assert_eq!(wrong("TITLE \"a\nLUT_3D_SIZE 2"), at(1, 1..6, K::Title));
    assert_eq!(wrong("LUT_3D_SIZE 2\nLUT_3D_SIZE 2"), at(2, 1..12, K::Twice("LUT_3D_SIZE")));
    assert_eq!(wrong("0 0 0"), at(1, 1..2, K::NoSize));
    assert_eq!(wrong("LUT_3D_SIZE 2\n0 0 0\nTITLE \"b\""), at(3, 1..6, K::Late));
    assert_eq!(wrong(""), at(1, 1..1, K::Empty));
    assert_eq!(wrong("LUT_3D_SIZE 2\n0 0 0"), at(2, 1..1, K::Colors { found: 1, wanted: 8 }));
    assert_eq!(wrong(&CUBE.replace("1 2 4", "1 0 4")).kind, K::Domain);
    assert_eq!(wrong(&format!("{CUBE}1 1 1")), at(15, 1..2, K::Colors { found: 9, wanted: 8 }));
    assert_eq!(wrong("LUT_3D_SIZE 2\n0 0 nan").to_string(), "line 2, columns 5–7: \"nan\" isn't a finite number");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_grade_is_within_the_tolerance_and_the_same_in_every_set(
        slope in [0.0f32..3.0, 0.0f32..3.0, 0.0f32..3.0], offset in [-0.5f32..0.5, -0.5f32..0.5, -0.5f32..0.5],
        power in [0.3f32..3.0, 0.3f32..3.0, 0.3f32..3.0], saturation in 0.0f32..3.0,
        (w, h) in (1u32..40, 1u32..20), size in 2u32..20, seed: u32,
    ) {
        let cdl = Cdl { slope, offset, power, saturation };
        let lut = table(size, seed);
        let mut state = seed ^ 1;
        let picture: Vec<[f32; 3]> = (0..w * h).map(|_| std::array::from_fn(|_| random(&mut state) * 1.4 - 0.2)).collect();
        let (mut only_list, mut both) = (picture.clone(), picture.clone());
        Cpu::new(2).grade((w, h), &mut only_list, &cdl, None).unwrap();
        let list: Vec<_> = picture.iter().map(|c| listed(&cdl, *c)).collect();
        let off = worst(&only_list, list.iter().copied());
        prop_assert!(off < 4e-6 * f64::from(saturation.max(1.0)), "list: {off:e}");
        Cpu::new(2).grade((w, h), &mut both, &cdl, Some(&lut)).unwrap();
        let off = worst(&both, only_list.iter().map(|c| interpolated(&lut, c.map(f64::from))));
        prop_assert!(off < 4e-6 * f64::from(size), "table: {off:e}");
        for cpu in Cpu::of_every_set(3) {
            let mut again = picture.clone();
            cpu.grade((w, h), &mut again, &cdl, Some(&lut)).unwrap();
            prop_assert!(again.as_flattened().iter().zip(both.as_flattened()).all(|(a, b)| a.to_bits() == b.to_bits()));
        }
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "(TITLE |LUT_3D_SIZE |DOMAIN_MIN |[0-9. \"#é\n-]|\r\n){0,60}") {
        let _ = Lut::parse(&text);
    }
}

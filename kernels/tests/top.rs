//! Selection against sorting, dot products against f64.

use klieg_kernels::top::Best;
use klieg_kernels::{Cpu, KernelError};
use proptest::prelude::*;

/// All scores sorted: the largest first, of equal ones the lower index.
fn sorted(scores: &[f32], most: usize) -> Vec<Best> {
    let mut all: Vec<_> =
        scores.iter().enumerate().filter(|(_, s)| !s.is_nan()).map(|(i, s)| Best { index: i as u32, score: *s }).collect();
    all.sort_by(|a, b| b.score.partial_cmp(&a.score).unwrap().then(a.index.cmp(&b.index)));
    all.truncate(most);
    all
}

fn random(state: &mut u32) -> f32 {
    *state = state.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
    (*state >> 8) as f32 / 8_388_608.0 - 1.0
}

/// Few different values, so that many are equal, and some that are no numbers.
fn scores(seed: u32, count: usize, kinds: f32) -> Vec<f32> {
    let mut state = seed;
    let of = |x: f32| match (x * kinds) as i32 {
        1 => f32::NEG_INFINITY,
        2 => f32::INFINITY,
        3 => f32::NAN,
        other => other as f32,
    };
    (0..count).map(|_| of(random(&mut state))).collect()
}

#[test]
fn every_count_gives_the_sorted_list() {
    let cpu = Cpu::new(2);
    for count in [0, 1, 2, 5, 4095, 4096, 4097, 8192, 12_289, 50_000] {
        for most in [0, 1, 2, 10, 1024] {
            for kinds in [6.0, 1e6] {
                let list = scores(count as u32, count, kinds);
                assert_eq!(cpu.top_k(&list, most).unwrap(), sorted(&list, most), "{most} of {count}");
            }
        }
    }
    assert_eq!(cpu.top_k(&[f32::NAN; 9000], 3), Ok(vec![]));
    assert_eq!(cpu.top_k(&[0.0], 1025), Err(KernelError::TooMany { what: "the largest", found: 1025, most: 1024 }));
}

#[test]
fn the_nearest_vectors_are_those_of_the_largest_products() {
    let cpu = Cpu::new(2);
    let mut state = 5;
    for (dim, count) in [(1, 3), (7, 100), (512, 300), (768, 5000)] {
        let query: Vec<_> = (0..dim).map(|_| random(&mut state)).collect();
        let vectors: Vec<_> = (0..dim * count).map(|_| random(&mut state)).collect();
        let terms = |i: usize| query.iter().zip(&vectors[i * dim..][..dim]).map(|(a, b)| f64::from(*a) * f64::from(*b));
        let mut exact: Vec<f64> = (0..count).map(|i| terms(i).sum()).collect();
        let found = cpu.nearest_vectors(&query, &vectors, 10).unwrap();
        assert_eq!(found.len(), count.min(10));
        for best in &found {
            let size: f64 = terms(best.index as usize).map(f64::abs).sum();
            assert!((f64::from(best.score) - exact[best.index as usize]).abs() <= 1e-6 * size);
        }
        assert!(found.is_sorted_by(|a, b| a.score > b.score || (a.score == b.score && a.index < b.index)));
        let last = exact[found[found.len() - 1].index as usize];
        exact.sort_by(|a, b| b.total_cmp(a));
        assert!((last - exact[found.len() - 1]).abs() < 1e-4);
    }
    assert_eq!(cpu.nearest_vectors(&[1.0, 2.0], &[], 3), Ok(vec![]));
    assert_eq!(cpu.nearest_vectors(&[1.0, 2.0], &[0.0; 3], 3), Err(KernelError::Length { list: "vectors", found: 3, wanted: 2 }));
    assert_eq!(
        cpu.nearest_vectors(&[], &[0.0; 3], 3),
        Err(KernelError::Range { what: "the length of a vector", wanted: "1–2³² − 1" })
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_list_gives_the_sorted_one_in_every_set(count in 0usize..20_000, most in 0usize..60, kinds in 3.0f32..5000.0, seed: u32) {
        let list = scores(seed, count, kinds);
        let wanted = sorted(&list, most);
        for cpu in Cpu::of_every_set(3) {
            prop_assert_eq!(&cpu.top_k(&list, most).unwrap(), &wanted);
        }
    }

    #[test]
    fn any_vectors_have_the_same_nearest_in_every_set(dim in 1usize..100, count in 0usize..300, seed: u32) {
        let mut state = seed;
        let query: Vec<_> = (0..dim).map(|_| random(&mut state)).collect();
        let vectors: Vec<_> = (0..dim * count).map(|_| random(&mut state)).collect();
        let wanted = Cpu::plain(1).nearest_vectors(&query, &vectors, 7).unwrap();
        for cpu in Cpu::of_every_set(2) {
            prop_assert_eq!(&cpu.nearest_vectors(&query, &vectors, 7).unwrap(), &wanted);
        }
    }
}

//! The spectrogram against Whisper's steps in f64.

use std::f64::consts::{PI, TAU};

use klieg_kernels::{Cpu, KernelError};
use proptest::prelude::*;

/// Slaney's mel scale, as `librosa.filters.mel` builds its filters.
fn filters(mels: usize) -> Vec<Vec<f64>> {
    let to_mel = |f: f64| if f < 1000.0 { 3.0 * f / 200.0 } else { 15.0 + (f / 1000.0).ln() / (6.4f64.ln() / 27.0) };
    let to_hertz = |m: f64| if m < 15.0 { 200.0 * m / 3.0 } else { 1000.0 * ((6.4f64.ln() / 27.0) * (m - 15.0)).exp() };
    let corners: Vec<f64> = (0..mels + 2).map(|i| to_hertz(to_mel(8000.0) * i as f64 / (mels + 1) as f64)).collect();
    let weight = |m: usize, bin: usize| {
        let f = bin as f64 * 40.0;
        let lower = (f - corners[m]) / (corners[m + 1] - corners[m]);
        let upper = (corners[m + 2] - f) / (corners[m + 2] - corners[m + 1]);
        lower.min(upper).max(0.0) * 2.0 / (corners[m + 2] - corners[m])
    };
    (0..mels).map(|m| (0..201).map(|bin| weight(m, bin)).collect()).collect()
}

/// Levels, and how far below the peak each mel's power is, in decades.
fn whisper(samples: &[f32], mels: usize) -> Vec<(f64, f64)> {
    let n = samples.len() as i64;
    let mirrored = |mut at: i64| {
        while at < 0 || at >= n {
            at = if n == 1 {
                0
            } else if at < 0 {
                -at
            } else {
                2 * (n - 1) - at
            };
        }
        f64::from(samples[at as usize])
    };
    let frames = samples.len() / 160;
    let powers: Vec<Vec<f64>> = (0..frames as i64)
        .map(|frame| {
            let hann = |i: i64| 0.5 * (1.0 - (TAU * i as f64 / 400.0).cos());
            let windowed: Vec<f64> = (0..400).map(|i| mirrored(frame * 160 - 200 + i) * hann(i)).collect();
            let power = |bin: usize| {
                let part = |of: fn(f64) -> f64| {
                    windowed.iter().enumerate().map(|(i, x)| x * of(2.0 * PI * ((i * bin) % 400) as f64 / 400.0)).sum::<f64>()
                };
                part(f64::cos).powi(2) + part(f64::sin).powi(2)
            };
            (0..201).map(power).collect()
        })
        .collect();
    let filters = filters(mels);
    let level = |m: usize, frame: usize| filters[m].iter().zip(&powers[frame]).map(|(w, p)| w * p).sum::<f64>().max(1e-10).log10();
    let logs: Vec<f64> = (0..mels).flat_map(|m| (0..frames).map(move |f| (m, f))).map(|(m, f)| level(m, f)).collect();
    let peak = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    logs.into_iter().map(|x| ((x.max(peak - 8.0) + 4.0) / 4.0, peak - x)).collect()
}

/// The largest differences of what is up to six decades below the peak, and of the rest.
fn apart(cpu: &Cpu, samples: &[f32], mels: u32) -> (f64, f64) {
    let found = cpu.mel(samples, mels).unwrap();
    let wanted = whisper(samples, mels as usize);
    assert_eq!((found.frames as usize, found.levels.len()), (samples.len() / 160, wanted.len()));
    let mut worst = (0.0f64, 0.0f64);
    for (found, (wanted, below)) in found.levels.iter().zip(wanted) {
        let off = if found.is_finite() { (f64::from(*found) - wanted).abs() } else { f64::INFINITY };
        if below < 6.0 { worst.0 = worst.0.max(off) } else { worst.1 = worst.1.max(off) }
    }
    worst
}

/// Tones that glide, with noise.
fn sound(seed: u32, count: usize, noise: f32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    let mut phase = 0.0f64;
    let of = |i: usize| {
        state = state.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
        phase += TAU * (200.0 + f64::from(seed % 900) + i as f64 * 0.3) / 16_000.0;
        (phase.sin() * 0.4 + (phase * 3.0).sin() * 0.1) as f32 + ((state >> 8) as f32 / 8_388_608.0 - 1.0) * noise
    };
    (0..count).map(of).collect()
}

#[test]
fn sounds_of_every_kind_are_within_the_tolerance() {
    let cpu = Cpu::new(2);
    let mut worst = (0.0f64, 0.0f64);
    for mels in [80, 128] {
        for (i, count) in [160, 161, 199, 200, 201, 319, 320, 400, 3000, 4801].into_iter().enumerate() {
            for noise in [0.0, 1e-3, 0.5] {
                let (a, b) = apart(&cpu, &sound(i as u32, count, noise), mels);
                worst = (worst.0.max(a), worst.1.max(b));
            }
        }
        let mut click = vec![0.0; 1600];
        click[801] = 1.0;
        let (a, b) = apart(&cpu, &click, mels);
        worst = (worst.0.max(a), worst.1.max(b));
    }
    println!("mel: {:e} near the peak, {:e} far below", worst.0, worst.1);
    assert!(worst.0 < 2e-5 && worst.1 < 2e-3, "{worst:?}");
}

#[test]
fn silence_is_the_floor_and_too_little_has_no_frame() {
    let cpu = Cpu::new(1);
    // log₁₀ of 1e-10 is −10: (−10 + 4) / 4.
    assert!(cpu.mel(&[0.0; 1600], 80).unwrap().levels.iter().all(|x| (x + 1.5).abs() < 1e-6));
    for count in [0, 1, 159] {
        let mel = cpu.mel(&vec![0.5; count], 128).unwrap();
        assert_eq!((mel.frames, mel.levels.len()), (0, 0));
    }
    assert_eq!(cpu.mel(&[0.0], 64), Err(KernelError::Range { what: "the number of mels", wanted: "80 or 128" }));
    assert_eq!(cpu.mel(&[0.0, f32::NAN], 80), Err(KernelError::NotFinite { list: "samples", at: 1 }));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_sound_is_within_the_tolerance_and_the_same_in_every_set(count in 160usize..2500, noise in 0.0f32..0.5, wide: bool, seed: u32) {
        let (samples, mels) = (sound(seed, count, noise), if wide { 128 } else { 80 });
        let (a, b) = apart(&Cpu::new(1), &samples, mels);
        prop_assert!(a < 2e-5 && b < 2e-3, "{a:e} {b:e}");
        let of = |cpu: &Cpu| cpu.mel(&samples, mels).unwrap().levels.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        let wanted = of(&Cpu::plain(1));
        for cpu in Cpu::of_every_set(3) {
            prop_assert!(of(&cpu) == wanted);
        }
    }
}

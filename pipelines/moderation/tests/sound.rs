//! Sounds by their fingerprints.

use klieg_moderation::sound::{Printer, RATE, SoundPrint, common, export, import};

/// A melody of tones with overtones; `seed` chooses which.
fn melody(seed: u32, seconds: u32) -> Vec<f32> {
    let note = |number: u32| {
        let mixed = (number + 1 + seed * 1_000).wrapping_mul(2_654_435_761);
        220.0 * 2.0_f32.powf(((mixed ^ mixed >> 15).wrapping_mul(2_246_822_519) >> 16) as f32 % 24.0 / 12.0)
    };
    let sample = |i: u32| {
        let (t, pitch) = (i as f32 / RATE as f32, note(i / (RATE / 3)));
        (1..5).map(|k| (t * pitch * k as f32 * std::f32::consts::TAU).sin() / k as f32).sum::<f32>() * 0.2
    };
    (0..RATE * seconds).map(sample).collect()
}

fn print(samples: &[f32]) -> SoundPrint {
    let mut printer = Printer::new().unwrap();
    samples.chunks(1_000).for_each(|piece| printer.push(piece));
    printer.finish()
}

#[test]
fn a_part_of_a_sound_is_found_where_it_stands() {
    let (whole, other) = (melody(1, 40), melody(2, 40));
    let mut inside = other[..RATE as usize * 10].to_vec();
    // quieter, and not from a frame's beginning
    inside.extend(whole[RATE as usize * 12 + 333..RATE as usize * 30].iter().map(|sample| sample * 0.6));
    inside.extend(&other[RATE as usize * 20..]);
    let found = common(&print(&inside), &print(&whole));
    let longest = found.first().expect("the part is found");
    assert!((longest.from - 10.0).abs() < 2.0 && (longest.to - 28.0).abs() < 3.0, "{found:?}");
    assert!((longest.other - longest.from - 2.0).abs() < 1.0 && longest.likeness > 0.75, "{found:?}");
    let apart = common(&print(&other), &print(&whole));
    assert!(apart.is_empty(), "{apart:?}; the part: {found:?}");
}

#[test]
fn lists_are_read_and_written() {
    let known = vec![("a song\tby us".to_owned(), vec![1, u32::MAX, 7])];
    let read = import(&export(&known)).unwrap();
    assert_eq!(read, [("a song by us".to_owned(), vec![1, u32::MAX, 7])]);
    assert!(import("chromaprint\tx\t1,2,-3").is_err() && import("x\ty").is_err());
}

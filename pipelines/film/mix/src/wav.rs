//! Delivery files: 48 kHz, 24-bit, stereo.

use klieg_film_words::sound::{SAMPLE_RATE, Stereo};
use std::path::Path;

/// One step of a 24-bit sample.
pub const STEP: f32 = 1.0 / 8_388_608.0;

/// Writes `sound` to `path`; what is beyond full scale is clipped to it.
pub fn write_wav(path: &Path, sound: &Stereo) -> Result<(), hound::Error> {
    let spec =
        hound::WavSpec { channels: 2, sample_rate: SAMPLE_RATE, bits_per_sample: 24, sample_format: hound::SampleFormat::Int };
    let mut writer = hound::WavWriter::create(path, spec)?;
    for &s in sound.samples.iter().flatten() {
        writer.write_sample((s / STEP).round().clamp(-8_388_608.0, 8_388_607.0) as i32)?;
    }
    writer.finalize()
}

/// Puts every sample on the 24-bit grid, where sums of four stems are exact in 32-bit floats.
pub fn quantise(sound: &mut Stereo) {
    for s in sound.samples.iter_mut().flatten() {
        *s = (*s / STEP).round() * STEP;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_holds_what_was_quantised() {
        let mut sound = Stereo { samples: (0..500).map(|i| [(i as f32 * 0.1).sin() * 0.7, -(i as f32 * 0.07).sin()]).collect() };
        quantise(&mut sound);
        let file = std::env::temp_dir().join(format!("klieg-mix-wav-test-{}.wav", std::process::id()));
        write_wav(&file, &sound).unwrap();
        let read: Vec<i32> = hound::WavReader::open(&file).unwrap().samples::<i32>().map(Result::unwrap).collect();
        std::fs::remove_file(&file).unwrap();
        let expected: Vec<i32> = sound.samples.iter().flatten().map(|s| ((s / STEP) as i32).min(8_388_607)).collect();
        assert_eq!(read, expected);
    }
}

//! Sound between tasks: 32-bit float stereo WAV at 48 kHz.

use klieg_film_words::sound::{SAMPLE_RATE, Stereo};
use klieg_protocol::{Fault, TaskFailure};
use std::io::Cursor;

fn failed(what: &str, why: impl std::fmt::Display) -> TaskFailure {
    TaskFailure { fault: Fault::Task, message: format!("failed to {what}: {why}") }
}

pub fn written(samples: &[[f32; 2]]) -> Result<Vec<u8>, TaskFailure> {
    let spec =
        hound::WavSpec { channels: 2, sample_rate: SAMPLE_RATE, bits_per_sample: 32, sample_format: hound::SampleFormat::Float };
    let mut bytes = Cursor::new(Vec::new());
    let mut wav = hound::WavWriter::new(&mut bytes, spec).map_err(|e| failed("write sound", e))?;
    for sample in samples.as_flattened() {
        wav.write_sample(*sample).map_err(|e| failed("write sound", e))?;
    }
    wav.finalize().map_err(|e| failed("write sound", e))?;
    Ok(bytes.into_inner())
}

/// What [`written`] wrote.
pub fn read(bytes: &[u8]) -> Result<Stereo, TaskFailure> {
    let mut wav = hound::WavReader::new(bytes).map_err(|e| failed("read sound", e))?;
    let spec = wav.spec();
    if (spec.channels, spec.sample_rate, spec.sample_format) != (2, SAMPLE_RATE, hound::SampleFormat::Float) {
        return Err(failed("read sound", format!("{} channels at {} Hz", spec.channels, spec.sample_rate)));
    }
    let flat: Vec<f32> = wav.samples::<f32>().collect::<Result<_, _>>().map_err(|e| failed("read sound", e))?;
    Ok(Stereo { samples: flat.as_chunks::<2>().0.to_vec() })
}

//! Sound between tasks: 32-bit float WAV at 48 kHz.

use super::failed;
use klieg_film_words::sound::{SAMPLE_RATE, Stereo};
use klieg_protocol::TaskFailure;
use std::io::Cursor;

fn spec(channels: u16) -> hound::WavSpec {
    hound::WavSpec { channels, sample_rate: SAMPLE_RATE, bits_per_sample: 32, sample_format: hound::SampleFormat::Float }
}

fn write(samples: impl Iterator<Item = f32>, channels: u16) -> Result<Vec<u8>, TaskFailure> {
    let mut bytes = Cursor::new(Vec::new());
    let mut wav = hound::WavWriter::new(&mut bytes, spec(channels)).map_err(|e| failed("write sound", e))?;
    for sample in samples {
        wav.write_sample(sample).map_err(|e| failed("write sound", e))?;
    }
    wav.finalize().map_err(|e| failed("write sound", e))?;
    Ok(bytes.into_inner())
}

pub fn mono(samples: &[f32]) -> Result<Vec<u8>, TaskFailure> {
    write(samples.iter().copied(), 1)
}

pub fn stereo(sound: &Stereo) -> Result<Vec<u8>, TaskFailure> {
    write(sound.samples.iter().flatten().copied(), 2)
}

fn read(bytes: &[u8], channels: u16) -> Result<Vec<f32>, TaskFailure> {
    let wav = hound::WavReader::new(Cursor::new(bytes)).map_err(|e| failed("read sound", e))?;
    if wav.spec() != spec(channels) {
        return Err(failed("read sound", format!("want {:?}, got {:?}", spec(channels), wav.spec())));
    }
    wav.into_samples::<f32>().collect::<Result<_, _>>().map_err(|e| failed("read sound", e))
}

pub fn read_mono(bytes: &[u8]) -> Result<Vec<f32>, TaskFailure> {
    read(bytes, 1)
}

pub fn read_stereo(bytes: &[u8]) -> Result<Stereo, TaskFailure> {
    Ok(Stereo { samples: read(bytes, 2)?.chunks_exact(2).map(|s| [s[0], s[1]]).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sound_survives_unchanged() {
        let sound = Stereo { samples: vec![[0.25, -1.5], [f32::MIN_POSITIVE, 0.0]] };
        assert_eq!(read_stereo(&stereo(&sound).unwrap()).unwrap(), sound);
        assert_eq!(read_mono(&mono(&[0.1, -0.2]).unwrap()).unwrap(), [0.1, -0.2]);
    }

    #[test]
    fn the_wrong_shape_is_refused() {
        assert!(read_mono(&stereo(&Stereo::silence(0.1)).unwrap()).is_err());
    }
}

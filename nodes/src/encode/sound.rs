//! The film's sound from its WAV file to packets.

use super::{
    codec::{Audio, RATE, open_audio, recipe},
    fail,
    segment::receive,
};
use ffmpeg_next::{ChannelLayout, Packet, encoder, format::Sample, frame};
use hound::{SampleFormat, WavReader, WavSpec};
use klieg_kind::Format;
use klieg_protocol::TaskFailure;
use std::{fs::File, io::BufReader, path::Path};

/// Samples in a frame where the encoder doesn't care: one film frame.
const FREE_FRAME: usize = 2000;

pub(super) struct Sound {
    pub(super) encoder: encoder::audio::Encoder,
    sample: Sample,
    wav: WavReader<BufReader<File>>,
    path: std::path::PathBuf,
    /// Samples handed to the encoder so far, and in all.
    at: u64,
    length: u64,
    ended: bool,
    /// Samples by which packets are moved.
    shift: i64,
}

impl Sound {
    /// Opens the sound for a film of `length` samples: what the file has more is left out, what it lacks is silent.
    pub(super) fn open(path: &Path, format: Format, length: u64) -> Result<Self, TaskFailure> {
        let mut sound = Self::of(path, &recipe(format).audio, Some(length))?;
        // Opus begins before 0, with what primes its decoder; WebM counts from there and says in its header how much that is
        if format == Format::Webm {
            // SAFETY: the encoder is open.
            sound.shift = i64::from(unsafe { (*sound.encoder.as_ptr()).initial_padding });
        }
        Ok(sound)
    }

    /// Opens a sound for a file of its own, as long as it is.
    pub(super) fn whole(path: &Path, audio: &Audio) -> Result<Self, TaskFailure> {
        Self::of(path, audio, None)
    }

    fn of(path: &Path, audio: &Audio, length: Option<u64>) -> Result<Self, TaskFailure> {
        let wav = WavReader::open(path).map_err(|e| unreadable(path, &e))?;
        let WavSpec { channels, sample_rate, .. } = wav.spec();
        if (channels, sample_rate) != (2, RATE) {
            return Err(fail::task(format!(
                "the sound {} has {channels} channels at {sample_rate} Hz; 2 at {RATE} Hz are needed",
                path.display()
            )));
        }
        let (encoder, length) = (open_audio(audio)?, length.unwrap_or_else(|| u64::from(wav.duration())));
        Ok(Self { encoder, shift: 0, sample: audio.sample, wav, path: path.to_owned(), at: 0, length, ended: false })
    }

    /// The next packet, with times in samples; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Packet>, TaskFailure> {
        let mut packet = Packet::empty();
        loop {
            if receive(&mut self.encoder, &mut packet)? {
                packet.set_pts(packet.pts().map(|t| t + self.shift));
                packet.set_dts(packet.dts().map(|t| t + self.shift));
                return Ok(Some(packet));
            }
            if self.ended {
                return Ok(None);
            }
            let failed = |e| fail::task(format!("failed to encode the sound: {e}"));
            if self.at == self.length {
                self.encoder.send_eof().map_err(failed)?;
                self.ended = true;
            } else {
                let frame = self.frame()?;
                self.encoder.send_frame(&frame).map_err(failed)?;
            }
        }
    }

    fn frame(&mut self) -> Result<frame::Audio, TaskFailure> {
        let whole = match self.encoder.frame_size() as usize {
            0 => FREE_FRAME,
            size => size,
        };
        let samples = whole.min((self.length - self.at) as usize);
        let pairs = self.read(samples)?;
        let mut frame = frame::Audio::new(self.sample, samples, ChannelLayout::STEREO);
        frame.set_rate(RATE);
        frame.set_pts(Some(self.at as i64));
        fill(&mut frame, &pairs);
        self.at += samples as u64;
        Ok(frame)
    }

    /// Stereo samples with 1.0 as full scale; silence after the end of the file.
    fn read(&mut self, samples: usize) -> Result<Vec<[f64; 2]>, TaskFailure> {
        let mut out = vec![[0.0; 2]; samples];
        let flat = out.as_flattened_mut();
        let WavSpec { sample_format, bits_per_sample, .. } = self.wav.spec();
        let unreadable = |e| unreadable(&self.path, &e);
        match sample_format {
            SampleFormat::Float => {
                for (to, from) in flat.iter_mut().zip(self.wav.samples::<f32>()) {
                    *to = f64::from(from.map_err(unreadable)?);
                }
            }
            SampleFormat::Int => {
                let full = f64::from(1u32 << (bits_per_sample - 1));
                for (to, from) in flat.iter_mut().zip(self.wav.samples::<i32>()) {
                    *to = f64::from(from.map_err(unreadable)?) / full;
                }
            }
        }
        Ok(out)
    }
}

fn fill(frame: &mut frame::Audio, pairs: &[[f64; 2]]) {
    match frame.format() {
        Sample::F32(_) if frame.is_planar() => {
            for channel in 0..2 {
                for (to, from) in frame.plane_mut::<f32>(channel).iter_mut().zip(pairs) {
                    *to = from[channel] as f32;
                }
            }
        }
        Sample::F32(_) => {
            for (to, from) in frame.plane_mut::<(f32, f32)>(0).iter_mut().zip(pairs) {
                *to = (from[0] as f32, from[1] as f32);
            }
        }
        _ => {
            // 24 bits in the upper part of 32
            let quantise = |x: f64| ((x * 8_388_608.0).round().clamp(-8_388_608.0, 8_388_607.0) as i32) << 8;
            for (to, from) in frame.plane_mut::<(i32, i32)>(0).iter_mut().zip(pairs) {
                *to = (quantise(from[0]), quantise(from[1]));
            }
        }
    }
}

fn unreadable(path: &Path, error: &hound::Error) -> TaskFailure {
    fail::task(format!("failed to read the sound {}: {error}", path.display()))
}

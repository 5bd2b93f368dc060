//! A sound in a file of its own.

use super::{
    codec::{Audio, RATE},
    mux::Muxer,
    sound::Sound,
};
use ffmpeg_next::{
    Dictionary, Rational,
    format::{Sample, sample},
};
use klieg_kind::SoundFormat;
use klieg_protocol::TaskFailure;
use std::{collections::BTreeMap, path::Path};

/// The container and the encoder of a format.
fn recipe(format: SoundFormat) -> (&'static str, Audio) {
    let float = |kind| Sample::F32(kind);
    match format {
        SoundFormat::Flac => ("flac", Audio { encoder: "flac", sample: Sample::I32(sample::Type::Packed), bits_per_second: 0 }),
        SoundFormat::Opus => ("opus", Audio { encoder: "libopus", sample: float(sample::Type::Packed), bits_per_second: 160_000 }),
        SoundFormat::Mp3 => ("mp3", Audio { encoder: "libmp3lame", sample: float(sample::Type::Planar), bits_per_second: 192_000 }),
    }
}

pub(super) fn write(path: &Path, format: SoundFormat, wav: &Path, tags: &BTreeMap<String, String>) -> Result<(), TaskFailure> {
    let (muxer, audio) = recipe(format);
    let mut sound = Sound::whole(wav, &audio)?;
    let mut muxer = Muxer::create(path, muxer)?;
    muxer.add(Rational(1, RATE as i32), |stream| stream.set_parameters(&sound.encoder))?;
    muxer.metadata(tags.iter());
    muxer.begin(Dictionary::new())?;
    while let Some(packet) = sound.next()? {
        muxer.write(packet, 0)?;
    }
    muxer.finish()
}

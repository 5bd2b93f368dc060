//! Moving pictures in and out of files, on FFmpeg's libraries.
//!
//! A render task writes its frames into a *segment*, a playable file of its own ([`segment`]); [`conform`] joins segments without a
//! second encode and muxes sound, captions, chapters and metadata. The bytes depend on the input and the libraries' version alone:
//! encoders run on one thread, and files carry no date and no program's name. A file appears under its name only when it is whole.

mod avif;
mod captions;
mod codec;
mod conform;
mod decode;
mod fail;
mod mux;
mod partial;
mod picture;
mod read;
mod segment;
mod sound;
mod track;

pub use codec::missing;
pub use read::still;

use ffmpeg_next as ffmpeg;
use klieg_kind::{Bounds, Conform, Media, Probe, SegmentEncoder, Shown, SoundFormat, StillFormat, VideoSpec};
use klieg_protocol::TaskFailure;
use std::{collections::BTreeMap, path::Path, sync::Once};

/// The encoders of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ffmpeg;

impl Media for Ffmpeg {
    fn encode(&self, path: &Path, spec: &VideoSpec) -> Result<Box<dyn SegmentEncoder>, TaskFailure> {
        start();
        Ok(Box::new(segment::Segment::create(path, spec)?))
    }

    fn conform(&self, path: &Path, film: &Conform<'_>) -> Result<(), TaskFailure> {
        start();
        conform::conform(path, film)
    }

    fn probe(&self, path: &Path) -> Result<Probe, TaskFailure> {
        start();
        read::probe(path)
    }

    fn frames(
        &self,
        path: &Path,
        bounds: &Bounds,
        each: &mut dyn FnMut(Shown) -> Result<(), TaskFailure>,
    ) -> Result<(), TaskFailure> {
        start();
        decode::frames(path, bounds, each)
    }

    fn samples(
        &self,
        path: &Path,
        rate: u32,
        seconds_max: f64,
        each: &mut dyn FnMut(&[f32]) -> Result<(), TaskFailure>,
    ) -> Result<bool, TaskFailure> {
        start();
        decode::samples(path, rate, seconds_max, each)
    }

    fn still(&self, path: &Path, format: StillFormat, size: (u32, u32), rgb: &[u8]) -> Result<(), TaskFailure> {
        start();
        avif::write(path, format, size, rgb)
    }

    fn sound(&self, path: &Path, format: SoundFormat, wav: &Path, tags: &BTreeMap<String, String>) -> Result<(), TaskFailure> {
        start();
        track::write(path, format, wav, tags)
    }
}

/// The versions of FFmpeg's libraries, for manifests.
pub fn version() -> String {
    let part = |v: u32| format!("{}.{}.{}", v >> 16, v >> 8 & 0xff, v & 0xff);
    format!(
        "libavcodec {}, libavformat {}, libswscale {}",
        part(ffmpeg::codec::version()),
        part(ffmpeg::format::version()),
        part(ffmpeg::software::scaling::version())
    )
}

/// Sets FFmpeg up, once in a process. It writes to standard error only what is an error.
fn start() {
    static START: Once = Once::new();
    START.call_once(|| ffmpeg::log::set_level(ffmpeg::log::Level::Fatal));
}

#[cfg(test)]
mod tests;

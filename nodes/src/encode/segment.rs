//! A segment: the frames of one task in a playable file of their own.

use super::{
    codec::{open_video, recipe},
    fail,
    mux::Muxer,
    picture::Converter,
};
use ffmpeg_next::{Error, Packet, Rational, encoder};
use klieg_kind::{SegmentEncoder, VideoSpec};
use klieg_protocol::TaskFailure;
use std::path::Path;

pub(super) struct Segment {
    encoder: encoder::video::Encoder,
    converter: Converter,
    muxer: Muxer,
    frames: i64,
}

impl Segment {
    pub(super) fn create(path: &Path, spec: &VideoSpec) -> Result<Self, TaskFailure> {
        if spec.fps == 0 || spec.fps > 1000 {
            return Err(fail::task(format!("{} is no frame rate", spec.fps)));
        }
        let converter = Converter::to(recipe(spec.format).pixel, spec.width, spec.height)?;
        let encoder = open_video(spec)?;
        let mut muxer = Muxer::create(path, spec.format)?;
        let rate = Rational(spec.fps as i32, 1);
        muxer.add(rate.invert(), |stream| {
            stream.set_parameters(&encoder);
            stream.set_avg_frame_rate(rate);
            stream.set_rate(rate);
        })?;
        let timescale = (spec.fps * 1000).to_string();
        muxer.begin([("video_track_timescale", timescale.as_str())].into_iter().collect())?;
        Ok(Self { encoder, converter, muxer, frames: 0 })
    }

    /// Writes what the encoder has ready.
    fn drain(&mut self) -> Result<(), TaskFailure> {
        let mut packet = Packet::empty();
        while receive(&mut self.encoder, &mut packet)? {
            packet.set_duration(1);
            self.muxer.write(std::mem::replace(&mut packet, Packet::empty()), 0)?;
        }
        Ok(())
    }
}

/// Takes a packet if there is one now.
pub(super) fn receive(encoder: &mut encoder::Encoder, packet: &mut Packet) -> Result<bool, TaskFailure> {
    match encoder.receive_packet(packet) {
        Ok(()) => Ok(true),
        Err(Error::Eof | Error::Other { errno: ffmpeg_next::util::error::EAGAIN }) => Ok(false),
        Err(e) => Err(fail::task(format!("failed to encode: {e}"))),
    }
}

impl SegmentEncoder for Segment {
    fn push(&mut self, rgb: &[u8]) -> Result<(), TaskFailure> {
        let mut frame = self.converter.encode(rgb)?;
        frame.set_pts(Some(self.frames));
        self.frames += 1;
        self.encoder.send_frame(&frame).map_err(|e| fail::task(format!("failed to encode frame {}: {e}", self.frames)))?;
        self.drain()
    }

    fn finish(mut self: Box<Self>) -> Result<(), TaskFailure> {
        if self.frames == 0 {
            return Err(fail::task("a segment needs at least one frame"));
        }
        self.encoder.send_eof().map_err(|e| fail::task(format!("failed to end the encoder: {e}")))?;
        self.drain()?;
        self.muxer.finish()
    }
}

//! A segment: the frames of one task in a playable file of their own.

use super::{
    codec::{open_video, recipe},
    fail,
    mux::Muxer,
    picture,
};
use ffmpeg_next::{Error, Packet, Rational, encoder};
use klieg_kind::{Frame, SegmentEncoder, VideoSpec};
use klieg_protocol::TaskFailure;
use std::path::Path;

pub(super) struct Segment {
    encoder: encoder::video::Encoder,
    spec: VideoSpec,
    muxer: Muxer,
    frames: i64,
}

impl Segment {
    pub(super) fn create(path: &Path, spec: &VideoSpec) -> Result<Self, TaskFailure> {
        if spec.fps == 0 || spec.fps > 1000 {
            return Err(fail::task(format!("{} is no frame rate", spec.fps)));
        }
        picture::check_size(spec.width, spec.height)?;
        let encoder = open_video(spec)?;
        let mut muxer = Muxer::create(path, recipe(spec.format).muxer)?;
        let rate = Rational(spec.fps as i32, 1);
        muxer.add(rate.invert(), |stream| {
            stream.set_parameters(&encoder);
            stream.set_avg_frame_rate(rate);
            stream.set_rate(rate);
        })?;
        let timescale = (spec.fps * 1000).to_string();
        muxer.begin([("video_track_timescale", timescale.as_str())].into_iter().collect())?;
        Ok(Self { encoder, spec: spec.clone(), muxer, frames: 0 })
    }

    /// Writes what the encoder has ready.
    fn drain(&mut self) -> Result<(), TaskFailure> {
        let mut packet = Packet::empty();
        while receive(&mut self.encoder, &mut packet)? {
            packet.set_duration(1);
            if let Some(lean) = packet.data().and_then(without_version) {
                let mut copy = Packet::copy(lean);
                copy.set_pts(packet.pts());
                copy.set_dts(packet.dts());
                copy.set_duration(1);
                copy.set_flags(packet.flags());
                packet = copy;
            }
            self.muxer.write(std::mem::replace(&mut packet, Packet::empty()), 0)?;
        }
        Ok(())
    }
}

/// An access unit of H.264 (Annex B) without the message at its start in which x264 names its version and settings; `None` when
/// there is no such message. ITU-T H.264: network abstraction unit 6, payload 5, is unregistered user data.
fn without_version(data: &[u8]) -> Option<&[u8]> {
    let unit =
        [&[0, 0, 0, 1][..], &[0, 0, 1]].into_iter().find_map(|code| data.strip_prefix(code)).filter(|u| u.starts_with(&[6, 5]))?;
    let next = unit.windows(3).position(|w| w == [0, 0, 1])?;
    let rest = &unit[next - usize::from(next > 0 && unit[next - 1] == 0)..];
    Some(rest).filter(|r| !r.is_empty())
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
    fn push(&mut self, frame: &Frame) -> Result<(), TaskFailure> {
        let VideoSpec { format, width, height, .. } = self.spec;
        let mut frame = picture::encodable(frame, recipe(format).pixel, width, height)?;
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

#[cfg(test)]
mod tests {
    use super::without_version;

    #[test]
    fn only_the_encoders_message_is_left_out() {
        let message = [0, 0, 0, 1, 6, 5, 9, 9, 0, 0, 0, 1, 0x65, 7];
        assert_eq!(without_version(&message), Some(&[0, 0, 0, 1, 0x65, 7][..]));
        assert_eq!(without_version(&[0, 0, 1, 6, 5, 9, 0, 0, 1, 0x65]), Some(&[0, 0, 1, 0x65][..]));
        for other in [&[0, 0, 0, 1, 6, 6, 9, 0, 0, 1, 0x65][..], &[0, 0, 0, 1, 0x65, 7], &[0, 0, 0, 1, 6, 5, 9], &[1, 2, 3], &[]] {
            assert_eq!(without_version(other), None, "{other:?}");
        }
    }
}

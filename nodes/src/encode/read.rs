//! Reading files that klieg wrote: the demuxer is forced, no protocol but `file` is open.

use super::{codec::RATE, fail, mux::url, picture::rgb};
use ffmpeg_next::{Dictionary, Error, Format, Packet, codec, ffi, format, format::context::Input, frame, media, packet};
use klieg_kind::Probe;
use klieg_protocol::TaskFailure;
use std::{ffi::CString, io::Read, path::Path};

/// Opens a file with FFmpeg's demuxer of that name.
pub(super) fn open(path: &Path, demuxer: &str) -> Result<Input, TaskFailure> {
    let failed = fail::ffmpeg("open", path);
    let name = CString::new(demuxer).map_err(|_| fail::task("a demuxer's name holds NUL"))?;
    // SAFETY: `name` lives through the call; demuxers are static.
    let found = unsafe { ffi::av_find_input_format(name.as_ptr()) };
    if found.is_null() {
        return Err(fail::node(format!("FFmpeg's libraries on this machine lack the demuxer {demuxer}")));
    }
    // SAFETY: `found` is a live demuxer, only read from.
    let forced = Format::Input(unsafe { format::Input::wrap(found.cast_mut()) });
    let options: Dictionary<'_> = [("protocol_whitelist", "file")].into_iter().collect();
    match format::open_with(&url(path)?, &forced, options).map_err(failed)? {
        format::Context::Input(input) => Ok(input),
        format::Context::Output(_) => Err(fail::task(format!("{} opened for writing", path.display()))),
    }
}

/// The demuxer for a file, by its first bytes.
fn demuxer(path: &Path) -> Result<&'static str, TaskFailure> {
    let mut head = [0; 12];
    std::fs::File::open(path).and_then(|mut f| f.read_exact(&mut head)).map_err(fail::io("read", path))?;
    match (&head[..4], &head[4..8]) {
        ([0x1a, 0x45, 0xdf, 0xa3], _) => Ok("matroska"),
        (_, b"ftyp" | b"moov" | b"wide" | b"mdat") => Ok("mov"),
        _ => Err(fail::task(format!("{} is neither MP4, QuickTime nor WebM", path.display()))),
    }
}

/// What a file holds, counted by reading its packets.
pub(super) fn probe(path: &Path) -> Result<Probe, TaskFailure> {
    let mut input = open(path, demuxer(path)?)?;
    let of = |input: &Input, kind| {
        input.streams().find(|s| s.parameters().medium() == kind).map(|s| (s.index(), s.parameters(), s.time_base()))
    };
    let video = of(&input, media::Type::Video).ok_or_else(|| fail::task(format!("{} has no picture", path.display())))?;
    let audio = of(&input, media::Type::Audio);
    // SAFETY: the parameters are live; width and height are plain numbers.
    let (width, height) = unsafe { ((*video.1.as_ptr()).width as u32, (*video.1.as_ptr()).height as u32) };
    let mut found = Probe {
        width,
        height,
        frames: 0,
        video: video.1.id().name().to_owned(),
        audio: audio.as_ref().map(|a| a.1.id().name().to_owned()),
        audio_seconds: 0.0,
        captions: input.streams().filter(|s| s.parameters().medium() == media::Type::Subtitle).count() as u32,
        chapters: input.nb_chapters(),
    };
    let mut heard = (i64::MAX, 0);
    let mut padding = 0;
    let mut packet = Packet::empty();
    while read(&mut input, &mut packet, path)? {
        if packet.stream() == video.0 {
            found.frames += 1;
        } else if let (Some(pts), true) = (packet.pts(), audio.as_ref().is_some_and(|a| a.0 == packet.stream())) {
            // what stands before 0 primes the decoder and is not heard
            heard = (heard.0.min(pts.max(0)), heard.1.max(pts + packet.duration()));
            padding = padded(&packet);
        }
    }
    if let Some((_, _, base)) = audio {
        found.audio_seconds = (heard.1 - heard.0.min(heard.1)) as f64 * f64::from(base) - f64::from(padding) / f64::from(RATE);
    }
    Ok(found)
}

/// Samples at the end of a packet that are not to be heard.
fn padded(packet: &Packet) -> u32 {
    let skipped = packet.side_data().find(|d| d.kind() == packet::side_data::Type::SkipSamples);
    let bytes = skipped.and_then(|d| d.data().get(4..8).and_then(|b| b.try_into().ok()));
    bytes.map_or(0, u32::from_le_bytes)
}

/// Reads the next packet; `false` at the end of the file.
pub(super) fn read(input: &mut Input, packet: &mut Packet, path: &Path) -> Result<bool, TaskFailure> {
    *packet = Packet::empty();
    match packet.read(input) {
        Ok(()) => Ok(true),
        Err(Error::Eof) => Ok(false),
        Err(e) => Err(fail::ffmpeg("read", path)(e)),
    }
}

/// The frame of that number in a segment or film: width, height and tightly packed 8-bit RGB. Decodes from the start.
pub fn still(path: &Path, number: u64) -> Result<(u32, u32, Vec<u8>), TaskFailure> {
    super::start();
    let mut input = open(path, demuxer(path)?)?;
    let failed = fail::ffmpeg("decode", path);
    let stream = input.streams().find(|s| s.parameters().medium() == media::Type::Video);
    let stream = stream.ok_or_else(|| fail::task(format!("{} has no picture", path.display())))?;
    let index = stream.index();
    let mut decoder = codec::Context::from_parameters(stream.parameters()).and_then(|c| c.decoder().video()).map_err(&failed)?;
    let (mut left, mut ended) = (number, false);
    let (mut packet, mut decoded) = (Packet::empty(), frame::Video::empty());
    loop {
        match decoder.receive_frame(&mut decoded) {
            Ok(()) if left == 0 => {
                return Ok((decoded.width(), decoded.height(), rgb(&decoded)?));
            }
            Ok(()) => left -= 1,
            Err(Error::Eof) => return Err(fail::task(format!("{} has no frame {number}", path.display()))),
            Err(_) if !ended => {
                ended = !read(&mut input, &mut packet, path)?;
                if ended {
                    decoder.send_eof().map_err(&failed)?;
                } else if packet.stream() == index {
                    decoder.send_packet(&packet).map_err(&failed)?;
                }
            }
            Err(e) => return Err(failed(e)),
        }
    }
}

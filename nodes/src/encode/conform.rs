//! Segments to a film: packets are copied with exact times, beside sound, captions, chapters and metadata.

use super::{
    captions::{self, Cue},
    codec::{RATE, recipe},
    fail,
    mux::Muxer,
    read,
    sound::Sound,
};
use ffmpeg_next::{Dictionary, Packet, Rational, Rescale, ffi, format::context::Input};
use klieg_kind::{Chapter, Conform, Format};
use klieg_protocol::TaskFailure;
use std::{
    cmp::Ordering,
    path::{Path, PathBuf},
};

pub(super) fn conform(path: &Path, film: &Conform<'_>) -> Result<(), TaskFailure> {
    let frames: u64 = film.segments.iter().map(|(_, frames)| u64::from(*frames)).sum();
    let fps = u64::from(film.spec.fps.max(1));
    let recipe = recipe(film.spec.format);
    let mut muxer = Muxer::create(path, recipe.muxer)?;
    let pictures = Pictures::open(film, recipe.demuxer)?;
    let rate = Rational(film.spec.fps as i32, 1);
    let picture_stream = muxer.add(rate.invert(), |stream| {
        pictures.describe(stream);
        stream.set_avg_frame_rate(rate);
        stream.set_rate(rate);
    })?;
    let mut tracks =
        vec![Track { stream: picture_stream, base: rate.invert(), next: None, source: Source::Pictures(Box::new(pictures)) }];
    if let Some(sound) = film.sound {
        let sound = Sound::open(sound, film.spec.format, frames * u64::from(RATE) / fps)?;
        let base = Rational(1, RATE as i32);
        let stream = muxer.add(base, |stream| {
            stream.set_parameters(&sound.encoder);
            captions::set_language(stream, film.language);
        })?;
        tracks.push(Track { stream, base, next: None, source: Source::Sound(Box::new(sound)) });
    }
    let end = (frames * 1000 / fps) as i64;
    if let Some(srt) = film.captions {
        let cues = captions::cues(srt)?.into_iter().filter(|c| c.start < end).collect::<Vec<_>>();
        let mut described = Ok(());
        let size = (film.spec.width, film.spec.height);
        let base = Rational(1, 1000);
        let stream = muxer.add(base, |stream| described = captions::describe(stream, recipe.captions, film.language, size))?;
        described?;
        let source = Source::Captions { cues: cues.into_iter(), kind: recipe.captions, end };
        tracks.push(Track { stream, base, next: None, source });
    }
    add_chapters(&mut muxer, film.chapters, end)?;
    muxer.metadata(film.metadata.iter());
    muxer.begin(
        container_options(film.spec.format, film.spec.fps).iter().map(|(k, v)| (*k, v.as_str())).collect::<Dictionary<'_>>(),
    )?;
    interleave(&mut muxer, &mut tracks)?;
    muxer.finish()
}

fn container_options(format: Format, fps: u32) -> Vec<(&'static str, String)> {
    match format {
        Format::Mp4 | Format::Mov => {
            vec![("movflags", "+faststart".to_owned()), ("video_track_timescale", (fps * 1000).to_string())]
        }
        Format::Webm => vec![("cues_to_front", "1".to_owned())],
    }
}

/// Chapters end where the next one begins; the last ends with the film.
fn add_chapters(muxer: &mut Muxer, chapters: &[Chapter], end: i64) -> Result<(), TaskFailure> {
    let starts: Vec<i64> = chapters.iter().map(|(start, _)| (start * 1000.0).round() as i64).collect();
    for (i, (_, title)) in chapters.iter().enumerate().filter(|(i, _)| starts[*i] < end) {
        let until = starts.get(i + 1).map_or(end, |next| (*next).min(end));
        muxer.chapter(i as i64 + 1, starts[i], until.max(starts[i]), title)?;
    }
    Ok(())
}

/// A stream of the film with its next packet.
struct Track<'a> {
    stream: usize,
    base: Rational,
    next: Option<Packet>,
    source: Source<'a>,
}

enum Source<'a> {
    Pictures(Box<Pictures<'a>>),
    Sound(Box<Sound>),
    Captions { cues: std::vec::IntoIter<Cue>, kind: ffmpeg_next::codec::Id, end: i64 },
}

impl Source<'_> {
    fn next(&mut self) -> Result<Option<Packet>, TaskFailure> {
        match self {
            Self::Pictures(pictures) => pictures.next(),
            Self::Sound(sound) => sound.next(),
            Self::Captions { cues, kind, end } => {
                Ok(cues.next().map(|cue| captions::packet(&Cue { end: cue.end.min(*end), ..cue }, *kind)))
            }
        }
    }
}

/// Writes the packets of all tracks by the time they are decoded.
fn interleave(muxer: &mut Muxer, tracks: &mut [Track<'_>]) -> Result<(), TaskFailure> {
    for track in tracks.iter_mut() {
        track.next = track.source.next()?;
    }
    loop {
        let due = tracks.iter_mut().filter(|t| t.next.is_some()).min_by(|a, b| earlier(a, b));
        let Some(track) = due else { return Ok(()) };
        if let Some(packet) = track.next.take() {
            muxer.write(packet, track.stream)?;
        }
        track.next = track.source.next()?;
    }
}

fn earlier(a: &Track<'_>, b: &Track<'_>) -> Ordering {
    let time = |t: &Track<'_>| t.next.as_ref().and_then(|p| p.dts().or(p.pts())).unwrap_or(0);
    // SAFETY: a comparison of numbers.
    unsafe { ffi::av_compare_ts(time(a), a.base.into(), time(b), b.base.into()) }.cmp(&0)
}

/// The packets of all segments, one after the other, with times in frames.
struct Pictures<'a> {
    segments: std::slice::Iter<'a, (PathBuf, u32)>,
    demuxer: &'static str,
    open: OpenSegment,
    /// Frames of the film before the open segment.
    before: i64,
    /// By how many frames decoding runs ahead of showing.
    delay: i64,
    /// The length of a frame.
    frame: Rational,
    extradata: Vec<u8>,
}

struct OpenSegment {
    input: Input,
    path: PathBuf,
    stream: usize,
    base: Rational,
    /// Frames that the segment should have, and packets read so far.
    frames: i64,
    read: i64,
    /// Time of the first packet, which is the first frame.
    first: i64,
}

impl OpenSegment {
    fn open(path: &Path, frames: u32, demuxer: &str) -> Result<Self, TaskFailure> {
        let input = read::open(path, demuxer)?;
        let stream = input.streams().find(|s| s.parameters().medium() == ffmpeg_next::media::Type::Video);
        let stream = stream.ok_or_else(|| fail::task(format!("the segment {} has no picture", path.display())))?;
        let (stream, base) = (stream.index(), stream.time_base());
        Ok(Self { input, path: path.to_owned(), stream, base, frames: i64::from(frames), read: 0, first: 0 })
    }

    /// Size, extradata and decoding delay.
    fn nature(&self) -> ((u32, u32), Vec<u8>, i64) {
        let Some(stream) = self.input.stream(self.stream) else { return ((0, 0), Vec::new(), 0) };
        let parameters = stream.parameters();
        // SAFETY: the parameters are live; extradata is null or points to so many bytes.
        unsafe {
            let raw = &*parameters.as_ptr();
            let extradata = if raw.extradata.is_null() {
                Vec::new()
            } else {
                std::slice::from_raw_parts(raw.extradata, raw.extradata_size.max(0) as usize).to_vec()
            };
            ((raw.width as u32, raw.height as u32), extradata, i64::from(raw.video_delay))
        }
    }
}

impl<'a> Pictures<'a> {
    fn open(film: &Conform<'a>, demuxer: &'static str) -> Result<Self, TaskFailure> {
        let mut segments = film.segments.iter();
        let (path, frames) = segments.next().ok_or_else(|| fail::task("a film needs at least one segment"))?;
        let open = OpenSegment::open(path, *frames, demuxer)?;
        let (size, extradata, delay) = open.nature();
        if size != (film.spec.width, film.spec.height) {
            let (width, height) = (film.spec.width, film.spec.height);
            return Err(fail::task(format!("the segment {} is {}×{}, not {width}×{height}", open.path.display(), size.0, size.1)));
        }
        Ok(Self { segments, demuxer, open, before: 0, delay, frame: Rational(1, film.spec.fps as i32), extradata })
    }

    fn describe(&self, stream: &mut ffmpeg_next::format::stream::StreamMut<'_>) {
        if let Some(first) = self.open.input.stream(self.open.stream) {
            stream.set_parameters(first.parameters());
        }
    }

    fn next(&mut self) -> Result<Option<Packet>, TaskFailure> {
        let mut packet = Packet::empty();
        loop {
            let open = &mut self.open;
            if read::read(&mut open.input, &mut packet, &open.path)? {
                if packet.stream() == open.stream {
                    return self.place(packet).map(Some);
                }
                continue;
            }
            if open.read != open.frames {
                let (path, read, frames) = (open.path.display(), open.read, open.frames);
                return Err(fail::task(format!("the segment {path} has {read} frames, {frames} were planned")));
            }
            self.before += open.frames;
            let Some((path, frames)) = self.segments.next() else { return Ok(None) };
            self.open = OpenSegment::open(path, *frames, self.demuxer)?;
            if self.open.nature().1 != self.extradata {
                return Err(fail::task(format!(
                    "the segment {} was encoded with other settings than the first",
                    self.open.path.display()
                )));
            }
        }
    }

    /// Gives a packet its place in the film: frames are counted, so that no rounding of a container adds up.
    fn place(&mut self, mut packet: Packet) -> Result<Packet, TaskFailure> {
        let open = &mut self.open;
        if open.read == open.frames {
            let (path, frames) = (open.path.display(), open.frames);
            return Err(fail::task(format!("the segment {path} has more frames than the {frames} that were planned")));
        }
        let pts = packet.pts().ok_or_else(|| fail::task(format!("a packet of {} has no time", open.path.display())))?;
        if open.read == 0 {
            open.first = pts;
        }
        // frames since the segment's first, rounded to the nearest
        let shown = (pts - open.first).rescale(open.base, self.frame);
        let dts = self.before + self.open.read - self.delay;
        let pts = self.before + shown;
        if !(0..self.open.frames).contains(&shown) || pts < dts {
            return Err(fail::task(format!("frame {} of {} stands at {shown}", self.open.read, self.open.path.display())));
        }
        self.open.read += 1;
        packet.set_pts(Some(pts));
        packet.set_dts(Some(dts));
        packet.set_duration(1);
        Ok(packet)
    }
}

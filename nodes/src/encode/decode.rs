//! Files that others made, as frames and samples.
//!
//! What is opened is decided here and never by FFmpeg's probing: by the first bytes, one of a few demuxers that read the one file they
//! are given. One thread decodes; the bounds hold while it does, whatever a header says.

use super::{fail, read};
use ffmpeg_next::{
    self as ffmpeg, ChannelLayout, Dictionary, Error, Packet, Rational, codec, color, ffi,
    format::{Pixel, Sample, context::Input, sample::Type},
    frame, media,
    software::{resampling, scaling},
};
use klieg_kind::{Bounds, Shown};
use klieg_protocol::TaskFailure;
use std::{fs::File, io::Read, path::Path};

/// Bytes that say which demuxer it is: an MPEG transport stream's third packet begins within them.
const HEAD_BYTES: usize = 384;
/// Packets that may fail to decode before a file is called broken: real recordings begin or end in the middle of something.
const BROKEN_PACKETS_MAX: u32 = 100;
/// Samples a second that a file may say it has.
const RATE_MAX: u32 = 768_000;
/// Samples of one frame of one channel.
const FRAME_SAMPLES_MAX: i64 = 1 << 22;
/// Streams that a file may have.
const STREAMS_MAX: u32 = 64;

/// The demuxer of a file from outside, by its first bytes.
fn demuxer(path: &Path) -> Result<&'static str, TaskFailure> {
    let mut head = Vec::new();
    File::open(path).and_then(|file| file.take(HEAD_BYTES as u64).read_to_end(&mut head)).map_err(fail::io("read", path))?;
    let at = |offset: usize, magic: &[u8]| head.get(offset..offset + magic.len()) == Some(magic);
    let synced = head.len() > 2 && head[0] == 0xff && head[1] & 0xe0 == 0xe0;
    Ok(match () {
        () if at(0, &[0x1a, 0x45, 0xdf, 0xa3]) => "matroska",
        () if [b"ftyp", b"moov", b"wide", b"mdat"].iter().any(|magic| at(4, *magic)) => "mov",
        () if at(0, b"RIFF") && at(8, b"AVI ") => "avi",
        () if at(0, b"RIFF") && at(8, b"WAVE") => "wav",
        () if at(0, b"RIFF") && at(8, b"WEBP") => "webp_pipe",
        () if at(0, b"GIF87a") || at(0, b"GIF89a") => "gif",
        () if at(0, b"fLaC") => "flac",
        () if at(0, b"OggS") => "ogg",
        () if at(0, &[0, 0, 1, 0xba]) => "mpeg",
        () if at(0, b"G") && at(188, b"G") => "mpegts",
        () if at(0, b"ID3") => "mp3",
        // a frame's header: layer 0 is AAC's
        () if synced && head[1] & 0x06 == 0 => "aac",
        () if synced => "mp3",
        () => return Err(fail::input(format!("{} is none of the moving pictures and sounds that are read here", path.display()))),
    })
}

fn broken(path: &Path) -> impl Fn(Error) -> TaskFailure + '_ {
    move |error| match fail::ffmpeg("decode", path)(error) {
        TaskFailure { fault: klieg_protocol::Fault::Task, message } => fail::input(message),
        other => other,
    }
}

/// A file's stream of a kind with its decoder.
struct Stream<D> {
    input: Input,
    index: usize,
    base: Rational,
    decoder: D,
}

/// Opens the first stream of a kind; `None`: the file has none.
fn open<D>(
    path: &Path,
    kind: media::Type,
    decoder: impl FnOnce(codec::Context) -> Result<D, Error>,
) -> Result<Option<Stream<D>>, TaskFailure> {
    let demuxer = demuxer(path)?;
    let input = read::open(path, demuxer).map_err(|failure| match failure.fault {
        klieg_protocol::Fault::Task => fail::input(failure.message),
        _ => failure,
    })?;
    if input.nb_streams() > STREAMS_MAX {
        return Err(fail::input(format!("{} has {} streams; {STREAMS_MAX} are the most", path.display(), input.nb_streams())));
    }
    let wanted = |stream: &ffmpeg::Stream<'_>| {
        // a cover is no moving picture
        let cover = stream.disposition().contains(ffmpeg::format::stream::Disposition::ATTACHED_PIC);
        stream.parameters().medium() == kind && !cover
    };
    let Some(stream) = input.streams().find(wanted) else { return Ok(None) };
    let (index, base) = (stream.index(), stream.time_base());
    let decoder = codec::Context::from_parameters(stream.parameters()).and_then(decoder).map_err(broken(path))?;
    Ok(Some(Stream { input, index, base, decoder }))
}

impl<D: AsMut<codec::decoder::Opened>> Stream<D> {
    /// Decodes to the end; `each` is told that there is something to receive.
    fn run(&mut self, path: &Path, mut each: impl FnMut(&mut D) -> Result<(), TaskFailure>) -> Result<(), TaskFailure> {
        let (mut packet, mut errors) = (Packet::empty(), 0);
        while read::read(&mut self.input, &mut packet, path).map_err(|f| fail::input(f.message))? {
            if packet.stream() != self.index {
                continue;
            }
            match self.decoder.as_mut().send_packet(&packet) {
                Ok(()) => {}
                Err(error) => {
                    errors += 1;
                    if errors > BROKEN_PACKETS_MAX {
                        return Err(broken(path)(error));
                    }
                }
            }
            each(&mut self.decoder)?;
        }
        // a decoder that refuses to be drained has nothing left
        if self.decoder.as_mut().send_eof().is_ok() {
            each(&mut self.decoder)?;
        }
        Ok(())
    }
}

struct Video(codec::decoder::Video);
struct Audio(codec::decoder::Audio);

impl AsMut<codec::decoder::Opened> for Video {
    fn as_mut(&mut self) -> &mut codec::decoder::Opened {
        &mut self.0.0
    }
}

impl AsMut<codec::decoder::Opened> for Audio {
    fn as_mut(&mut self) -> &mut codec::decoder::Opened {
        &mut self.0.0
    }
}

pub(super) fn frames(
    path: &Path,
    bounds: &Bounds,
    each: &mut dyn FnMut(Shown) -> Result<(), TaskFailure>,
) -> Result<(), TaskFailure> {
    let open_video = |mut context: codec::Context| {
        // SAFETY: the context is live and not open yet; plain numbers are set.
        let (width, height) = unsafe {
            let raw = &mut *context.as_mut_ptr();
            raw.max_pixels = i64::try_from(bounds.pixels_max).unwrap_or(i64::MAX);
            (raw.width, raw.height)
        };
        let pixels = i64::from(width.max(0)) * i64::from(height.max(0));
        if u64::try_from(pixels).unwrap_or(0) > bounds.pixels_max {
            return Err(Error::InvalidData);
        }
        context.decoder().video().map(Video)
    };
    let Some(mut stream) = open(path, media::Type::Video, open_video)? else {
        return Err(fail::input(format!("{} has no picture", path.display())));
    };
    let (base, mut shown, mut scaler, mut last) = (f64::from(stream.base), 0_u64, None, f64::NEG_INFINITY);
    let mut begin = None;
    stream.run(path, |decoder| {
        let mut decoded = frame::Video::empty();
        while decoder.0.receive_frame(&mut decoded).is_ok() {
            let begin = *begin.get_or_insert(decoded.timestamp().unwrap_or(0));
            // time never runs backwards, whatever a file says
            let said = decoded.timestamp().map(|at| at.saturating_sub(begin) as f64 * base).filter(|at| *at >= last);
            let seconds = said.unwrap_or(last.max(0.0));
            if seconds > bounds.seconds_max {
                return Err(longer(path, bounds.seconds_max));
            }
            last = seconds;
            shown += 1;
            let (width, height, rgb) = rgb(&decoded, bounds, &mut scaler)?;
            each(Shown { seconds, width, height, rgb })?;
        }
        Ok(())
    })?;
    if shown == 0 {
        return Err(fail::input(format!("not one frame of {} could be decoded", path.display())));
    }
    Ok(())
}

fn longer(path: &Path, seconds_max: f64) -> TaskFailure {
    fail::input(format!("{} is longer than {seconds_max} seconds, which are the most", path.display()))
}

/// A decoded frame as RGB, at most as large as the bounds allow.
fn rgb(
    from: &frame::Video,
    bounds: &Bounds,
    scaler: &mut Option<(Shape, scaling::Context)>,
) -> Result<(u32, u32, Vec<u8>), TaskFailure> {
    let shape = Shape::of(from);
    let (width, height) = shape.within(bounds)?;
    let scaling = match scaler {
        Some((of, scaling)) if *of == shape => scaling,
        _ => &mut scaler.insert((shape, shape.scaler(width, height)?)).1,
    };
    let mut packed = frame::Video::new(Pixel::RGB24, width, height);
    scaling.run(from, &mut packed).map_err(|e| fail::input(format!("failed to convert {:?} to RGB: {e}", shape.pixel)))?;
    let row = width as usize * 3;
    Ok((width, height, packed.data(0).chunks(packed.stride(0)).take(height as usize).flat_map(|r| &r[..row]).copied().collect()))
}

/// What a scaler is made for.
#[derive(Clone, Copy, PartialEq)]
struct Shape {
    pixel: Pixel,
    width: u32,
    height: u32,
    space: color::Space,
    full: bool,
}

impl Shape {
    fn of(frame: &frame::Video) -> Self {
        let jpeg = matches!(frame.format(), Pixel::YUVJ420P | Pixel::YUVJ422P | Pixel::YUVJ444P | Pixel::YUVJ440P);
        Self {
            pixel: frame.format(),
            width: frame.width(),
            height: frame.height(),
            space: frame.color_space(),
            full: jpeg || frame.color_range() == color::Range::JPEG,
        }
    }

    /// The size that is handed over.
    fn within(&self, bounds: &Bounds) -> Result<(u32, u32), TaskFailure> {
        let (width, height) = (self.width, self.height);
        if width == 0 || height == 0 || u64::from(width) * u64::from(height) > bounds.pixels_max {
            return Err(fail::input(format!("a frame of {width}×{height}: {} pixels are the most", bounds.pixels_max)));
        }
        let side = width.max(height);
        if side <= bounds.side_max {
            return Ok((width, height));
        }
        let scaled = |len: u32| (u64::from(len) * u64::from(bounds.side_max) / u64::from(side)).max(1) as u32;
        Ok((scaled(width), scaled(height)))
    }

    fn scaler(&self, width: u32, height: u32) -> Result<scaling::Context, TaskFailure> {
        use scaling::Flags;
        let flags = Flags::AREA | Flags::ACCURATE_RND | Flags::FULL_CHR_H_INT | Flags::BITEXACT;
        let mut scaler = scaling::Context::get(self.pixel, self.width, self.height, Pixel::RGB24, width, height, flags)
            .map_err(|e| fail::input(format!("failed to convert {:?} of {}×{}: {e}", self.pixel, self.width, self.height)))?;
        let matrix = match self.space {
            color::Space::BT709 => ffi::SWS_CS_ITU709,
            color::Space::BT2020NCL | color::Space::BT2020CL => ffi::SWS_CS_BT2020,
            color::Space::Unspecified if self.height >= 720 => ffi::SWS_CS_ITU709,
            _ => ffi::SWS_CS_ITU601,
        };
        // SAFETY: `scaler` holds a live context; the coefficient tables are static arrays of libswscale. Formats that are no YUV
        // ignore them.
        unsafe {
            let table = ffi::sws_getCoefficients(matrix);
            ffi::sws_setColorspaceDetails(scaler.as_mut_ptr(), table, i32::from(self.full), table, 1, 0, 1 << 16, 1 << 16);
        }
        Ok(scaler)
    }
}

pub(super) fn samples(
    path: &Path,
    rate: u32,
    seconds_max: f64,
    each: &mut dyn FnMut(&[f32]) -> Result<(), TaskFailure>,
) -> Result<bool, TaskFailure> {
    let open_audio = |mut context: codec::Context| {
        // SAFETY: the context is live and not open yet; a plain number is set.
        unsafe { (*context.as_mut_ptr()).max_samples = FRAME_SAMPLES_MAX };
        context.decoder().audio().map(Audio)
    };
    let Some(mut stream) = open(path, media::Type::Audio, open_audio)? else { return Ok(false) };
    let mut mono = Mono { path, rate, most: (seconds_max * f64::from(rate)) as u64, handed: 0, resampler: None };
    stream.run(path, |decoder| {
        let mut decoded = frame::Audio::empty();
        while decoder.0.receive_frame(&mut decoded).is_ok() {
            mono.push(&mut decoded, each)?;
        }
        Ok(())
    })?;
    mono.finish(each)?;
    Ok(true)
}

/// Decoded sound to one channel at one rate.
struct Mono<'a> {
    path: &'a Path,
    rate: u32,
    /// Samples at most, and handed over so far.
    most: u64,
    handed: u64,
    /// Made for the first frame's form; a file that changes it in the middle is refused by swresample.
    resampler: Option<resampling::Context>,
}

const F32: Sample = Sample::F32(Type::Packed);

impl Mono<'_> {
    fn push(
        &mut self,
        frame: &mut frame::Audio,
        each: &mut dyn FnMut(&[f32]) -> Result<(), TaskFailure>,
    ) -> Result<(), TaskFailure> {
        if frame.channel_layout().is_empty() {
            frame.set_channel_layout(ChannelLayout::default(i32::from(frame.channels())));
        }
        let (rate, channels) = (frame.rate(), frame.channels());
        if !(1..=RATE_MAX).contains(&rate) || channels == 0 {
            let path = self.path.display();
            return Err(fail::input(format!(
                "the sound of {path} has {channels} channels at {rate} Hz; at most {RATE_MAX} Hz are read"
            )));
        }
        let resampler = match &mut self.resampler {
            Some(there) => there,
            none => {
                // Without this bound channels that say the same add up to more than 1.
                let mut options = Dictionary::new();
                options.set("rematrix_maxval", "1");
                let (from, layout) = (frame.format(), frame.channel_layout());
                let made = resampling::Context::get_with(from, layout, rate, F32, ChannelLayout::MONO, self.rate, options);
                none.insert(made.map_err(broken(self.path))?)
            }
        };
        let mut out = frame::Audio::empty();
        let made = u64::from(self.rate) * frame.samples() as u64 / u64::from(rate) + 64;
        // SAFETY: an empty frame is given memory for what the resampler makes of so many samples and what it holds back.
        unsafe { out.alloc(F32, made as usize + usize::try_from(held(resampler)).unwrap_or(0), ChannelLayout::MONO) };
        resampler.run(frame, &mut out).map_err(broken(self.path))?;
        self.hand(&out, each)
    }

    /// What the resampler held back.
    fn finish(&mut self, each: &mut dyn FnMut(&[f32]) -> Result<(), TaskFailure>) -> Result<(), TaskFailure> {
        let Some(resampler) = &mut self.resampler else { return Ok(()) };
        let left = usize::try_from(held(resampler)).unwrap_or(0);
        if left == 0 {
            return Ok(());
        }
        let mut out = frame::Audio::empty();
        // SAFETY: as above.
        unsafe { out.alloc(F32, left + 64, ChannelLayout::MONO) };
        resampler.flush(&mut out).map_err(broken(self.path))?;
        self.hand(&out, each)
    }

    fn hand(&mut self, out: &frame::Audio, each: &mut dyn FnMut(&[f32]) -> Result<(), TaskFailure>) -> Result<(), TaskFailure> {
        if out.samples() == 0 {
            return Ok(());
        }
        self.handed += out.samples() as u64;
        if self.handed > self.most {
            return Err(longer(self.path, self.most as f64 / f64::from(self.rate)));
        }
        each(&out.plane::<f32>(0)[..out.samples()])
    }
}

/// Samples that a resampler holds back, at its output's rate.
fn held(resampler: &resampling::Context) -> i64 {
    let rate = i64::from(resampler.output().rate);
    // SAFETY: the context is live; the function only reads it.
    unsafe { ffi::swr_get_delay(resampler.as_ptr().cast_mut(), rate) }
}

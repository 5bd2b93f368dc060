//! The encoders of each delivery format and how they are set.

use super::fail;
use ffmpeg_next::{
    self as ffmpeg, ChannelLayout, Codec, Dictionary, codec, color, encoder,
    format::{Pixel, Sample, sample},
};
use klieg_kind::{Format, VideoSpec};
use klieg_protocol::TaskFailure;

/// Samples a second of every film's sound.
pub(super) const RATE: u32 = 48_000;
/// Frames between key frames: two seconds at 24 frames a second, so that players seek well.
const GOP: u32 = 48;

/// How sound is encoded.
pub(super) struct Audio {
    pub(super) encoder: &'static str,
    pub(super) sample: Sample,
    /// 0 where the encoder has no such choice.
    pub(super) bits_per_second: usize,
}

/// What a delivery format is made of.
pub(super) struct Recipe {
    /// FFmpeg's name of the container, for writing and for reading.
    pub(super) muxer: &'static str,
    pub(super) demuxer: &'static str,
    pub(super) video: &'static str,
    pub(super) audio: Audio,
    pub(super) pixel: Pixel,
    pub(super) captions: codec::Id,
}

pub(super) fn recipe(format: Format) -> Recipe {
    match format {
        Format::Mp4 => Recipe {
            muxer: "mp4",
            demuxer: "mov",
            video: "libx264",
            audio: Audio { encoder: "aac", sample: Sample::F32(sample::Type::Planar), bits_per_second: 192_000 },
            pixel: Pixel::NV12,
            captions: codec::Id::MOV_TEXT,
        },
        Format::Webm => Recipe {
            muxer: "webm",
            demuxer: "matroska",
            video: "libvpx-vp9",
            audio: Audio { encoder: "libopus", sample: Sample::F32(sample::Type::Packed), bits_per_second: 160_000 },
            pixel: Pixel::YUV420P,
            captions: codec::Id::WEBVTT,
        },
        Format::Mov => Recipe {
            muxer: "mov",
            demuxer: "mov",
            video: "prores_ks",
            audio: Audio { encoder: "pcm_s24le", sample: Sample::I32(sample::Type::Packed), bits_per_second: 0 },
            pixel: Pixel::YUV422P10LE,
            captions: codec::Id::MOV_TEXT,
        },
    }
}

/// The encoders that this format needs and this machine lacks; `None` when it has them all.
pub fn missing(format: Format) -> Option<Vec<&'static str>> {
    let recipe = recipe(format);
    let missing: Vec<&str> =
        [recipe.video, recipe.audio.encoder].into_iter().filter(|name| encoder::find_by_name(name).is_none()).collect();
    Some(missing).filter(|m| !m.is_empty())
}

pub(super) fn find(name: &str) -> Result<Codec, TaskFailure> {
    encoder::find_by_name(name).ok_or_else(|| {
        fail::node(format!(
            "FFmpeg's libraries on this machine lack the encoder {name}; install them with `apt-get install libavcodec-extra`"
        ))
    })
}

/// Settings that keep bytes the same everywhere: one thread, no program's name in the stream; parameter sets in the container.
pub(super) fn fixed(context: &mut codec::Context) {
    context.set_flags(codec::Flags::BITEXACT | codec::Flags::GLOBAL_HEADER);
    context.set_threading(codec::threading::Config { count: 1, ..codec::threading::Config::kind(codec::threading::Type::None) });
}

/// An open video encoder: BT.709, limited range, time counted in frames.
pub(super) fn open_video(spec: &VideoSpec) -> Result<encoder::video::Encoder, TaskFailure> {
    let recipe = recipe(spec.format);
    let mut context = codec::Context::new_with_codec(find(recipe.video)?);
    fixed(&mut context);
    let failed = |e: ffmpeg::Error| fail::task(format!("failed to open {} for {}×{}: {e}", recipe.video, spec.width, spec.height));
    let mut video = context.encoder().video().map_err(failed)?;
    video.set_width(spec.width);
    video.set_height(spec.height);
    video.set_format(recipe.pixel);
    video.set_time_base((1, spec.fps as i32));
    video.set_frame_rate(Some((spec.fps as i32, 1)));
    video.set_aspect_ratio((1, 1));
    video.set_gop(GOP);
    video.set_colorspace(color::Space::BT709);
    video.set_color_primaries(color::Primaries::BT709);
    video.set_color_transfer_characteristic(color::TransferCharacteristic::BT709);
    video.set_color_range(color::Range::MPEG);
    if spec.format == Format::Webm {
        // constant quality
        video.set_bit_rate(0);
    }
    video.open_with(video_options(spec.format)).map_err(failed)
}

/// Closed groups of pictures and headers that don't depend on the content, so that segments join.
fn video_options(format: Format) -> Dictionary<'static> {
    let options: &[(&str, &str)] = match format {
        Format::Mp4 => &[
            ("preset", "veryfast"),
            ("crf", "19"),
            ("profile", "high"),
            // x264's macroblock tree reads memory that was never written where a row has an odd number of macroblocks: with it, the
            // same frames give other bytes in a process that has encoded before
            ("mbtree", "0"),
            ("x264-params", "open-gop=0:bframes=3:b-pyramid=normal:stitchable=1:lookahead-threads=1:sliced-threads=0:log=-1"),
        ],
        Format::Webm => &[
            ("crf", "28"),
            ("deadline", "good"),
            ("cpu-used", "4"),
            ("row-mt", "0"),
            ("tile-columns", "0"),
            ("auto-alt-ref", "1"),
            ("lag-in-frames", "16"),
        ],
        Format::Mov => &[("profile", "hq"), ("vendor", "apl0")],
    };
    options.iter().copied().collect()
}

/// An open audio encoder: 48 kHz stereo, time counted in samples.
pub(super) fn open_audio(of: &Audio) -> Result<encoder::audio::Encoder, TaskFailure> {
    let mut context = codec::Context::new_with_codec(find(of.encoder)?);
    fixed(&mut context);
    let failed = |e: ffmpeg::Error| fail::task(format!("failed to open {}: {e}", of.encoder));
    let mut audio = context.encoder().audio().map_err(failed)?;
    audio.set_rate(RATE as i32);
    audio.set_format(of.sample);
    audio.set_channel_layout(ChannelLayout::STEREO);
    audio.set_channels(2);
    audio.set_time_base((1, RATE as i32));
    if of.bits_per_second > 0 {
        audio.set_bit_rate(of.bits_per_second);
    }
    if of.encoder == "flac" {
        // SAFETY: the context is live and not yet open. Samples come with 24 bits in the upper part of 32.
        unsafe { (*audio.as_mut_ptr()).bits_per_raw_sample = 24 };
    }
    audio.open().map_err(failed)
}

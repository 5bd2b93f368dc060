//! One picture in a file of its own.

use super::{codec::find, fail, mux::Muxer, picture::check_size, segment::receive};
use ffmpeg_next::{
    self as ffmpeg, Dictionary, Packet, Rational, codec, color, ffi,
    format::Pixel,
    frame,
    software::scaling::{Context, Flags},
};
use klieg_kind::StillFormat;
use klieg_protocol::TaskFailure;
use std::path::Path;

/// The encoder: constant quality, near to what is not seen; one thread, so that the bytes are the same everywhere.
const AVIF: (&str, &str, &[(&str, &str)]) =
    ("avif", "libaom-av1", &[("crf", "18"), ("cpu-used", "6"), ("still-picture", "1"), ("row-mt", "0"), ("lag-in-frames", "0")]);

pub(super) fn write(path: &Path, format: StillFormat, (width, height): (u32, u32), rgb: &[u8]) -> Result<(), TaskFailure> {
    let StillFormat::Avif = format;
    let (muxer, name, options) = AVIF;
    check_size(width, height)?;
    if rgb.len() != width as usize * height as usize * 3 {
        return Err(fail::task(format!("a picture of {width}×{height} pixels has {} bytes", rgb.len())));
    }
    let mut context = codec::Context::new_with_codec(find(name)?);
    super::codec::fixed(&mut context);
    let failed = |e: ffmpeg::Error| fail::task(format!("failed to open {name} for {width}×{height}: {e}"));
    let mut video = context.encoder().video().map_err(failed)?;
    video.set_width(width);
    video.set_height(height);
    video.set_format(Pixel::YUV444P);
    video.set_time_base((1, 1));
    video.set_bit_rate(0);
    video.set_colorspace(color::Space::BT709);
    video.set_color_primaries(color::Primaries::BT709);
    video.set_color_transfer_characteristic(color::TransferCharacteristic::IEC61966_2_1);
    video.set_color_range(color::Range::JPEG);
    let mut encoder = video.open_with(options.iter().copied().collect::<Dictionary<'_>>()).map_err(failed)?;
    let mut muxer = Muxer::create(path, muxer)?;
    muxer.add(Rational(1, 1), |stream| stream.set_parameters(&encoder))?;
    muxer.begin(Dictionary::new())?;
    let mut frame = yuv(width, height, rgb)?;
    frame.set_pts(Some(0));
    let failed = |e: ffmpeg::Error| fail::task(format!("failed to encode the picture: {e}"));
    encoder.send_frame(&frame).map_err(failed)?;
    encoder.send_eof().map_err(failed)?;
    let mut packet = Packet::empty();
    while receive(&mut encoder, &mut packet)? {
        packet.set_duration(1);
        muxer.write(std::mem::replace(&mut packet, Packet::empty()), 0)?;
    }
    muxer.finish()
}

/// sRGB as BT.709's luma and colour differences, full range.
fn yuv(width: u32, height: u32, rgb: &[u8]) -> Result<frame::Video, TaskFailure> {
    let failed = |e: ffmpeg::Error| fail::task(format!("failed to convert the picture: {e}"));
    let mut packed = frame::Video::new(Pixel::RGB24, width, height);
    let (stride, row) = (packed.stride(0), width as usize * 3);
    for (to, from) in packed.data_mut(0).chunks_mut(stride).zip(rgb.chunks_exact(row)) {
        to[..row].copy_from_slice(from);
    }
    let exact = Flags::BICUBIC | Flags::ACCURATE_RND | Flags::FULL_CHR_H_INT | Flags::FULL_CHR_H_INP | Flags::BITEXACT;
    let mut scaler = Context::get(Pixel::RGB24, width, height, Pixel::YUV444P, width, height, exact).map_err(failed)?;
    // SAFETY: `scaler` holds a live context; the coefficient tables are static arrays of libswscale.
    let set = unsafe {
        let bt709 = ffi::sws_getCoefficients(ffi::SWS_CS_ITU709);
        ffi::sws_setColorspaceDetails(scaler.as_mut_ptr(), bt709, 1, bt709, 1, 0, 1 << 16, 1 << 16)
    };
    if set < 0 {
        return Err(fail::task("failed to set the BT.709 matrix of libswscale"));
    }
    let mut planar = frame::Video::new(Pixel::YUV444P, width, height);
    scaler.run(&packed, &mut planar).map_err(failed)?;
    planar.set_color_space(color::Space::BT709);
    planar.set_color_range(color::Range::JPEG);
    Ok(planar)
}

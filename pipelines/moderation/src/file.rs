//! What a file is, whatever it is called; and what is wrong with it.
//!
//! Headers are read here, with their lengths checked, before anything decodes: a picture that says it has more pixels than are decoded is
//! refused, and so is one whose compressed bytes cannot be what it says.

use crate::finding::{Evidence, Place};
use klieg_kind::BadInput;

/// Pixels of a picture, and of all frames of an animation together.
pub const PIXELS_MAX: u64 = 100_000_000;
pub const ANIMATION_PIXELS_MAX: u64 = 4_000_000_000;
/// The longer side of a picture.
pub const SIDE_MAX: u32 = 65_535;
/// Pixels of a picture that a compressed byte may stand for: deflate's best is 1032 bytes of a byte, and a byte may be eight pixels.
const PIXELS_OF_A_BYTE_MAX: u64 = 10_000;
/// Bytes at a file's beginning within which readers of PDF look for its header (ISO 32000-1, annex H, note 13), and of ZIP's end.
const PDF_HEAD_BYTES: usize = 1_024;
const ZIP_TAIL_BYTES: usize = 65_557;

/// What moderation does with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Text,
    Image,
    Audio,
    Video,
}

/// A file's type by its bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Type {
    pub kind: Kind,
    pub media_type: &'static str,
}

/// A picture's size, by its header, and where its data end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shape {
    width: u32,
    height: u32,
    frames: u64,
    /// Where the format says that the file ends; `None`: it ends before that.
    end: Option<usize>,
}

fn bad(file: &str, message: String) -> BadInput {
    BadInput { file: file.to_owned(), line: 0, column: 0, message }
}

/// What a file is. `name` is only for the message.
pub fn sniff(name: &str, bytes: &[u8]) -> Result<Type, BadInput> {
    if bytes.is_empty() {
        return Err(bad(name, "the file is empty; give one with at least one byte".into()));
    }
    let of = |kind, media_type| Ok(Type { kind, media_type });
    match infer::get(bytes).map(|found| (found.matcher_type(), found.mime_type())) {
        Some((infer::MatcherType::Image, media @ ("image/png" | "image/jpeg" | "image/gif" | "image/webp"))) => {
            of(Kind::Image, media)
        }
        Some((infer::MatcherType::Audio, media)) => of(Kind::Audio, media),
        Some((infer::MatcherType::Video, media)) => of(Kind::Video, media),
        Some((infer::MatcherType::Text, media)) if std::str::from_utf8(bytes).is_ok() => of(Kind::Text, media),
        None if is_text(bytes) => of(Kind::Text, "text/plain"),
        Some((_, media)) => {
            Err(bad(name, format!("the file is {media}; text (UTF-8), PNG, JPEG, GIF, WebP, sound and film are moderated")))
        }
        None => Err(bad(
            name,
            "the file is nothing that is known here; text (UTF-8), PNG, JPEG, GIF, WebP, sound and film are moderated".into(),
        )),
    }
}

fn is_text(bytes: &[u8]) -> bool {
    let controls = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\u{c}');
    std::str::from_utf8(bytes).is_ok_and(|text| !text.chars().take(4096).any(controls))
}

/// Refuses a picture that would be too large decoded, or cannot be what its header says.
pub fn check_picture(name: &str, media_type: &str, bytes: &[u8]) -> Result<(), BadInput> {
    let shape = shape(media_type, bytes).ok_or_else(|| bad(name, format!("the file's {media_type} header is broken")))?;
    let Shape { width, height, frames, .. } = shape;
    let pixels = u64::from(width) * u64::from(height);
    if width == 0 || height == 0 || width.max(height) > SIDE_MAX || pixels > PIXELS_MAX {
        let limit = format!("1 to {SIDE_MAX} a side and {PIXELS_MAX} in all");
        return Err(bad(name, format!("its header says that the picture has {width}×{height} pixels; they may be {limit}")));
    }
    if pixels.saturating_mul(frames) > ANIMATION_PIXELS_MAX {
        let message = format!("its {frames} frames of {width}×{height} are more than {ANIMATION_PIXELS_MAX} pixels together");
        return Err(bad(name, message));
    }
    let least = pixels.saturating_mul(frames) / PIXELS_OF_A_BYTE_MAX;
    if (bytes.len() as u64) < least {
        let message =
            format!("{} bytes cannot hold the {width}×{height} pixels that its header says; it is broken or a bomb", bytes.len());
        return Err(bad(name, message));
    }
    Ok(())
}

/// What is suspicious about a file: another type than its name says, bytes after its end, a second format in it.
pub fn suspicions(name: &str, found: &Type, bytes: &[u8]) -> Vec<Evidence> {
    let mut all = Vec::new();
    let whole = |score, note: String| Evidence { place: Place::Whole, score, by: "file check".into(), note };
    if let Some(said) = said(name).filter(|said| *said != family(found.media_type)) {
        all.push(whole(0.6, format!("the name says {said}, the bytes are {}", found.media_type)));
    }
    if found.kind != Kind::Text {
        for (offset, what) in second_formats(bytes) {
            let place = Place::Bytes { from: offset as u64, to: bytes.len() as u64 };
            all.push(Evidence { place, score: 0.95, by: "file check".into(), note: format!("the file is {what}, too") });
        }
    }
    let end = (found.kind == Kind::Image).then(|| shape(found.media_type, bytes)).flatten();
    match end {
        Some(Shape { end: Some(end), .. }) if end < bytes.len() && bytes[end..].iter().any(|byte| *byte != 0) => {
            let place = Place::Bytes { from: end as u64, to: bytes.len() as u64 };
            let count = bytes.len() - end;
            all.push(Evidence {
                place,
                score: 0.5,
                by: "file check".into(),
                note: format!("{count} bytes follow the picture's end"),
            });
        }
        Some(Shape { end: None, .. }) => all.push(whole(0.4, "the picture breaks off before its end".into())),
        _ => {}
    }
    all
}

/// The family of formats that a name says.
fn said(name: &str) -> Option<&'static str> {
    let extension = name.rsplit_once('.')?.1.to_ascii_lowercase();
    Some(match extension.as_str() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "mp4" | "m4a" | "m4v" | "mov" | "webm" | "mkv" | "avi" | "mpg" | "mpeg" | "ts" | "wav" | "mp3" | "flac" | "ogg"
        | "opus" | "aac" => "sound or film",
        "txt" | "md" | "fountain" | "srt" | "vtt" | "csv" | "json" | "html" | "xml" => "text",
        _ => return None,
    })
}

fn family(media_type: &'static str) -> &'static str {
    match media_type.split('/').next() {
        Some("image") => media_type,
        Some("audio" | "video") => "sound or film",
        _ => "text",
    }
}

/// Formats beside the one that a file begins as: those that are read from the end, from somewhere near the beginning, or as text.
fn second_formats(bytes: &[u8]) -> Vec<(usize, &'static str)> {
    let find = |part: &[u8], what: &[u8]| part.windows(what.len()).position(|window| window.eq_ignore_ascii_case(what));
    let mut found = Vec::new();
    let tail = bytes.len().saturating_sub(ZIP_TAIL_BYTES);
    if let Some(at) = find(&bytes[tail..], b"PK\x05\x06")
        && find(bytes, b"PK\x01\x02").is_some()
    {
        found.push((tail + at, "a ZIP archive"));
    }
    if let Some(at) = find(&bytes[..bytes.len().min(PDF_HEAD_BYTES)], b"%PDF-") {
        found.push((at, "a PDF document"));
    }
    for (mark, what) in [
        (&b"<script"[..], "a page with scripts"),
        (b"<?php", "a PHP program"),
        (b"<!doctype html", "a web page"),
        (b"Rar!\x1a\x07", "a RAR archive"),
    ] {
        if let Some(at) = find(bytes, mark) {
            found.push((at, what));
        }
    }
    found
}

fn shape(media_type: &str, bytes: &[u8]) -> Option<Shape> {
    match media_type {
        "image/png" => png(bytes),
        "image/jpeg" => jpeg(bytes),
        "image/gif" => gif(bytes),
        "image/webp" => webp(bytes),
        _ => None,
    }
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at.checked_add(4)?)?.try_into().ok().map(u32::from_be_bytes)
}

fn be16(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at.checked_add(2)?)?.try_into().ok().map(u16::from_be_bytes).map(u32::from)
}

fn le16(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at.checked_add(2)?)?.try_into().ok().map(u16::from_le_bytes).map(u32::from)
}

/// PNG (W3C, third edition): chunks of length, name, data and check sum; `acTL` says how many frames an animation has.
fn png(bytes: &[u8]) -> Option<Shape> {
    if bytes.get(12..16)? != b"IHDR" {
        return None;
    }
    let mut shape = Shape { width: be32(bytes, 16)?, height: be32(bytes, 20)?, frames: 1, end: None };
    let mut at = 8_usize;
    while let (Some(length), Some(name)) = (be32(bytes, at), bytes.get(at + 4..at + 8)) {
        if name == b"acTL" {
            shape.frames = u64::from(be32(bytes, at + 8)?).max(1);
        }
        at = at.checked_add(length as usize)?.checked_add(12)?;
        if name == b"IEND" {
            shape.end = Some(at).filter(|at| *at <= bytes.len());
            break;
        }
    }
    Some(shape)
}

/// JPEG (ITU-T T.81, annex B): segments of marker and length; after a scan's header everything up to the next marker is its data.
fn jpeg(bytes: &[u8]) -> Option<Shape> {
    let (mut shape, mut at) = (None, 2_usize);
    while let Some([0xff, marker]) = bytes.get(at..at + 2) {
        match marker {
            0xff => at += 1,
            0x01 | 0xd0..=0xd8 => at += 2,
            0xd9 => {
                return shape.map(|shape: Shape| Shape { end: Some(at + 2), ..shape });
            }
            _ => {
                if matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc) {
                    shape.get_or_insert(Shape { width: be16(bytes, at + 7)?, height: be16(bytes, at + 5)?, frames: 1, end: None });
                }
                at = at.checked_add(2)?.checked_add((be16(bytes, at + 2)? as usize).max(2))?;
                if *marker == 0xda {
                    at = scan_end(bytes, at);
                }
            }
        }
    }
    shape
}

/// Where entropy-coded data end: at a marker that is neither stuffing nor a restart.
fn scan_end(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    let marker = |pair: &[u8]| pair[0] == 0xff && !matches!(pair[1], 0x00 | 0xd0..=0xd7 | 0xff);
    rest.windows(2).position(marker).map_or(bytes.len(), |at| from + at)
}

/// GIF89a: blocks; an image block is a frame.
fn gif(bytes: &[u8]) -> Option<Shape> {
    let table = |flags: u8| if flags & 0x80 == 0 { 0 } else { 3_usize << ((flags & 7) + 1) };
    let mut shape = Shape { width: le16(bytes, 6)?, height: le16(bytes, 8)?, frames: 0, end: None };
    let mut at = 13 + table(*bytes.get(10)?);
    while let Some(block) = bytes.get(at) {
        at = match block {
            0x3b => {
                shape.end = Some(at + 1);
                break;
            }
            0x21 => at + 2,
            0x2c => {
                let (left, top) = (le16(bytes, at + 1)?, le16(bytes, at + 3)?);
                // a frame may say that it is larger than its screen
                shape.width = shape.width.max(left + le16(bytes, at + 5)?);
                shape.height = shape.height.max(top + le16(bytes, at + 7)?);
                shape.frames += 1;
                at + 11 + table(*bytes.get(at + 9)?)
            }
            _ => break,
        };
        while let Some(length) = bytes.get(at) {
            at += usize::from(*length) + 1;
            if *length == 0 {
                break;
            }
        }
    }
    shape.frames = shape.frames.max(1);
    Some(shape)
}

/// WebP (RFC 9649): RIFF; the size is in `VP8X`, `VP8L` or the key frame of `VP8 `.
fn webp(bytes: &[u8]) -> Option<Shape> {
    let le24 = |at: usize| Some(u32::from(*bytes.get(at)?) | le16(bytes, at + 1)? << 8);
    let (width, height) = match bytes.get(12..16)? {
        b"VP8X" => (le24(24)? + 1, le24(27)? + 1),
        b"VP8L" => {
            let packed = le16(bytes, 21)? | le16(bytes, 23)? << 16;
            ((packed & 0x3fff) + 1, (packed >> 14 & 0x3fff) + 1)
        }
        b"VP8 " => (le16(bytes, 26)? & 0x3fff, le16(bytes, 28)? & 0x3fff),
        _ => return None,
    };
    let length = le16(bytes, 4)? as usize | (le16(bytes, 6)? as usize) << 16;
    // of an animation the frames' own chunks say more; they are bounded when it is decoded
    Some(Shape { width, height, frames: 1, end: length.checked_add(8).filter(|end| *end <= bytes.len()) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{ImageFormat, RgbImage};
    use std::io::Cursor;

    fn picture(format: ImageFormat) -> Vec<u8> {
        let image = RgbImage::from_fn(40, 30, |x, y| image::Rgb([x as u8 * 6, y as u8 * 8, 90]));
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    fn notes(name: &str, bytes: &[u8]) -> Vec<String> {
        let found = sniff(name, bytes).unwrap();
        suspicions(name, &found, bytes).into_iter().map(|evidence| evidence.note).collect()
    }

    /// One pixel's frame in a screen of any size.
    fn small_gif(width: u16, height: u16, frames: usize) -> Vec<u8> {
        let mut gif = b"GIF89a".to_vec();
        gif.extend([width.to_le_bytes(), height.to_le_bytes()].concat());
        gif.extend([0x80, 0, 0, 0, 0, 0, 255, 255, 255]);
        for _ in 0..frames {
            gif.extend([0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 1, 0]);
        }
        gif.push(0x3b);
        gif
    }

    #[test]
    fn sizes_and_ends_are_in_the_headers() {
        for format in [ImageFormat::Png, ImageFormat::Jpeg] {
            let bytes = picture(format);
            let media = sniff("x", &bytes).unwrap().media_type;
            assert_eq!(shape(media, &bytes), Some(Shape { width: 40, height: 30, frames: 1, end: Some(bytes.len()) }));
            for cut in 0..bytes.len() {
                // whatever is cut off, nothing panics and no end is beyond the file
                assert!(shape(media, &bytes[..cut]).is_none_or(|shape| shape.end.is_none_or(|end| end <= cut)));
            }
        }
        let gif = small_gif(3, 2, 5);
        assert_eq!(shape("image/gif", &gif), Some(Shape { width: 3, height: 2, frames: 5, end: Some(gif.len()) }));
        let webp = [b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0\x2f\x27\x40\x07\0".as_slice(), &[0; 13]].concat();
        assert_eq!(shape("image/webp", &webp).map(|s| (s.width, s.height)), Some((40, 30)));
    }

    #[test]
    fn bombs_are_refused_before_anything_is_decoded() {
        let mut lying = picture(ImageFormat::Png);
        lying[16..20].copy_from_slice(&60_000_u32.to_be_bytes());
        lying[20..24].copy_from_slice(&60_000_u32.to_be_bytes());
        assert!(check_picture("x.png", "image/png", &lying).unwrap_err().message.contains("60000×60000"));
        lying[16..20].copy_from_slice(&9_000_u32.to_be_bytes());
        lying[20..24].copy_from_slice(&9_000_u32.to_be_bytes());
        assert!(check_picture("x.png", "image/png", &lying).unwrap_err().message.contains("bomb"));
        let many = small_gif(5_000, 5_000, 400);
        assert!(check_picture("x.gif", "image/gif", &many).unwrap_err().message.contains("400 frames"));
        assert!(check_picture("x.gif", "image/gif", &small_gif(0, 5, 0)).is_err());
        assert!(check_picture("x.png", "image/png", b"\x89PNG\r\n\x1a\n").unwrap_err().message.contains("broken"));
        for format in [ImageFormat::Png, ImageFormat::Jpeg] {
            let bytes = picture(format);
            check_picture("x", sniff("x", &bytes).unwrap().media_type, &bytes).unwrap();
        }
    }

    #[test]
    fn clean_pictures_are_clean() {
        assert_eq!(notes("a.png", &picture(ImageFormat::Png)), Vec::<String>::new());
        assert_eq!(notes("a.jpeg", &picture(ImageFormat::Jpeg)), Vec::<String>::new());
        assert_eq!(notes("a.gif", &small_gif(1, 1, 1)), Vec::<String>::new());
    }

    #[test]
    fn two_files_in_one_are_told() {
        let png = picture(ImageFormat::Png);
        let zip = b"PK\x03\x04....PK\x01\x02....PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
        let both = notes("a.png", &[&png[..], zip].concat());
        assert!(both.iter().any(|note| note.contains("ZIP")) && both.iter().any(|note| note.contains("bytes follow")), "{both:?}");
        let script = notes("a.jpg", &[&picture(ImageFormat::Jpeg)[..], b"<ScRiPt>alert(1)</script>"].concat());
        assert!(script.iter().any(|note| note.contains("scripts")), "{script:?}");
        let pdf = notes("a.gif", &[&small_gif(1, 1, 1)[..], b"\n%PDF-1.4\n"].concat());
        assert!(pdf.iter().any(|note| note.contains("PDF")), "{pdf:?}");
        assert!(notes("a.png", &[&png[..], &[0; 64]].concat()).is_empty(), "padding is no content");
    }

    #[test]
    fn names_and_bytes_are_compared() {
        assert!(notes("a.jpg", &picture(ImageFormat::Png))[0].contains("image/png"));
        assert!(notes("a.png", b"plain words")[0].contains("name says"));
        assert!(notes("a.dat", &picture(ImageFormat::Png)).is_empty());
        let png = picture(ImageFormat::Png);
        assert!(notes("a.png", &png[..png.len() - 5])[0].contains("breaks off"));
    }

    #[test]
    fn what_cannot_be_moderated_is_refused() {
        assert!(sniff("x", b"").unwrap_err().message.contains("empty"));
        assert!(sniff("x", b"PK\x03\x04\x14\0\0\0").unwrap_err().message.contains("zip"));
        assert!(sniff("x", &[0, 1, 2, 3, 250, 251]).is_err());
        assert_eq!(sniff("x", "ein Wort".as_bytes()).unwrap().kind, Kind::Text);
    }
}

//! A caption track from SubRip text.

use super::fail;
use ffmpeg_next::{Dictionary, Packet, codec, ffi, format::stream::StreamMut, media};
use klieg_protocol::TaskFailure;

/// One caption; times in milliseconds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cue {
    pub(super) start: i64,
    pub(super) end: i64,
    pub(super) text: String,
}

/// The cues of SubRip text. A block that is none is an error with its number.
pub(super) fn cues(srt: &str) -> Result<Vec<Cue>, TaskFailure> {
    let text = srt.trim_start_matches('\u{feff}').replace("\r\n", "\n");
    let blocks = text.split("\n\n").map(str::trim).filter(|b| !b.is_empty()).enumerate();
    blocks.map(|(i, block)| cue(block).ok_or_else(|| fail::task(format!("caption {} is not SubRip: {block:?}", i + 1)))).collect()
}

fn cue(block: &str) -> Option<Cue> {
    let (_, rest) = block.split_once('\n')?;
    let (times, text) = rest.split_once('\n')?;
    let (start, end) = times.split_once("-->")?;
    let (start, end) = (milliseconds(start)?, milliseconds(end)?);
    (start < end).then(|| Cue { start, end, text: text.to_owned() })
}

/// `00:00:01,500`.
fn milliseconds(clock: &str) -> Option<i64> {
    let (time, fraction) = clock.trim().split_once([',', '.'])?;
    let parts: Vec<i64> = time.split(':').map(|p| p.parse().ok()).collect::<Option<_>>()?;
    let [h, m, s] = parts[..] else { return None };
    let valid = (0..1000).contains(&h) && (0..60).contains(&m) && (0..60).contains(&s) && fraction.len() == 3;
    valid.then_some(((h * 60 + m) * 60 + s) * 1000 + fraction.parse::<i64>().ok()?)
}

/// Declares the track: `kind` is timed text or WebVTT, `language` three letters of ISO 639-2.
pub(super) fn describe(stream: &mut StreamMut<'_>, kind: codec::Id, language: &str, size: (u32, u32)) -> Result<(), TaskFailure> {
    let mut parameters = codec::Parameters::new();
    parameters.set_medium(media::Type::Subtitle);
    parameters.set_id(kind);
    // SAFETY: `parameters` is live; its extradata is allocated with av_mallocz and the padding that readers rely on, and is freed
    // with the parameters.
    unsafe {
        let raw = parameters.as_mut_ptr();
        (*raw).width = size.0 as i32;
        (*raw).height = (size.1 / 5) as i32;
        if kind == codec::Id::MOV_TEXT {
            let entry = sample_entry();
            let bytes = ffi::av_mallocz(entry.len() + ffi::AV_INPUT_BUFFER_PADDING_SIZE as usize).cast::<u8>();
            if bytes.is_null() {
                return Err(fail::node("failed to allocate memory for the captions"));
            }
            bytes.copy_from_nonoverlapping(entry.as_ptr(), entry.len());
            (*raw).extradata = bytes;
            (*raw).extradata_size = entry.len() as i32;
        }
    }
    stream.set_parameters(parameters);
    set_language(stream, language);
    Ok(())
}

/// Three letters of ISO 639-2.
pub(super) fn set_language(stream: &mut StreamMut<'_>, language: &str) {
    let language = language.replace('\0', "");
    stream.set_metadata([("language", language.as_str())].into_iter().collect::<Dictionary<'_>>());
}

/// How timed text looks by default (3GPP TS 26.245, 5.16): white, centred at the bottom, font 1 is Sans-Serif.
fn sample_entry() -> Vec<u8> {
    let mut entry = vec![0, 0, 0, 0, 1, 0xff, 0, 0, 0, 0];
    // the text box: all of the track
    entry.extend([0; 8]);
    // characters 0 to 0, font 1, plain, 18 pixels, white
    entry.extend([0, 0, 0, 0, 0, 1, 0, 18, 0xff, 0xff, 0xff, 0xff]);
    let font = b"Sans-Serif";
    entry.extend((8 + 2 + 2 + 1 + font.len() as u32).to_be_bytes());
    entry.extend(b"ftab");
    entry.extend([0, 1, 0, 1, font.len() as u8]);
    entry.extend(font);
    entry
}

/// A cue as a packet; times in milliseconds.
pub(super) fn packet(cue: &Cue, kind: codec::Id) -> Packet {
    let text = cue.text.as_bytes();
    let mut packet = if kind == codec::Id::MOV_TEXT {
        let text = &text[..text.len().min(usize::from(u16::MAX))];
        Packet::copy(&[&(text.len() as u16).to_be_bytes(), text].concat())
    } else {
        Packet::copy(text)
    };
    packet.set_pts(Some(cue.start));
    packet.set_dts(Some(cue.start));
    packet.set_duration(cue.end - cue.start);
    packet.set_flags(ffmpeg_next::packet::Flags::KEY);
    packet
}

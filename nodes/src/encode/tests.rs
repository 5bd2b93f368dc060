//! Films made of synthetic frames, read back packet by packet.

use super::{Ffmpeg, captions, missing, read, still};
use ffmpeg_next::{
    Packet,
    format::{Pixel, context::Input},
};
use klieg_kernels::{Cpu, convert::Transfer, pixels::Pixels};
use klieg_kind::{Conform, Format, Frame, Layout, Media, SoundFormat, StillFormat, VideoSpec};
use klieg_protocol::{Fault, TaskFailure};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

const FORMATS: [Format; 3] = [Format::Mp4, Format::Webm, Format::Mov];
/// Frames of the test film's segments: longer than a group of pictures, shorter than the encoder's look-ahead, a single one.
const SEGMENTS: [u32; 4] = [61, 7, 1, 12];
const FRAMES: u32 = 81;
const SRT: &str = "1\n00:00:00,500 --> 00:00:01,500\nHello,\nthere.\n\n2\n00:00:02,000 --> 00:00:09,000\nவணக்கம்\n\n";

fn spec(format: Format) -> VideoSpec {
    VideoSpec { format, width: 192, height: 108, fps: 24 }
}

/// A square that moves over a gradient; every frame differs, in brightness too.
fn picture(number: u32, spec: &VideoSpec) -> Vec<u8> {
    let mut rgb = Vec::new();
    for y in 0..spec.height {
        for x in 0..spec.width {
            let inside = x.wrapping_sub(number * 2) < 30 && y.wrapping_sub(20) < 30;
            let base = 40 + (number % 128) as u8;
            rgb.extend(if inside { [230, 60, 40] } else { [base, (x / 2) as u8, (y + 40) as u8] });
        }
    }
    rgb
}

fn converted(rgb: &[u8], width: u32, height: u32, layout: Layout) -> Frame {
    Cpu::new(1).convert(&Pixels::bytes(width, height, rgb), Transfer::Coded, layout).unwrap()
}

fn segment(path: &Path, spec: &VideoSpec, first: u32, frames: u32) {
    let mut encoder = Ffmpeg.encode(path, spec).unwrap();
    for number in first..first + frames {
        encoder.push(&converted(&picture(number, spec), spec.width, spec.height, spec.format.layout())).unwrap();
    }
    encoder.finish().unwrap();
}

fn segments(folder: &Path, spec: &VideoSpec) -> Vec<(PathBuf, u32)> {
    let mut first = 0;
    let one = |(i, frames): (usize, &u32)| {
        let path = folder.join(format!("segment{i}"));
        segment(&path, spec, first, *frames);
        first += frames;
        (path, *frames)
    };
    SEGMENTS.iter().enumerate().map(one).collect()
}

/// A tone of 440 Hz from half a second on, for as many samples.
fn sound(path: &Path, samples: u32) {
    let spec = hound::WavSpec { channels: 2, sample_rate: 48_000, bits_per_sample: 24, sample_format: hound::SampleFormat::Int };
    let mut wav = hound::WavWriter::create(path, spec).unwrap();
    for i in 0..samples {
        let wave = (f64::from(i) * 440.0 * std::f64::consts::TAU / 48_000.0).sin();
        let sample = if i < 24_000 { 0 } else { (wave * 4_000_000.0) as i32 };
        wav.write_sample(sample).unwrap();
        wav.write_sample(-sample).unwrap();
    }
    wav.finalize().unwrap();
}

fn film(folder: &Path, format: Format, name: &str) -> PathBuf {
    let spec = spec(format);
    let (path, wav) = (folder.join(name), folder.join("sound.wav"));
    sound(&wav, FRAMES * 2000);
    let metadata = BTreeMap::from([("title".to_owned(), "Three Knots".to_owned()), ("artist".to_owned(), "klieg".to_owned())]);
    let made = Conform {
        spec: &spec,
        segments: &segments(folder, &spec),
        sound: Some(&wav),
        captions: Some(SRT),
        language: "tam",
        chapters: &[(0.0, "INT. A".to_owned()), (2.0, "EXT. B".to_owned()), (99.0, "never".to_owned())],
        metadata: &metadata,
    };
    Ffmpeg.conform(&path, &made).unwrap();
    path
}

fn open(path: &Path, format: Format) -> Input {
    read::open(path, super::codec::recipe(format).demuxer).unwrap()
}

/// Times of a stream's packets in seconds: (shown, decoded, length), in file order.
fn times(path: &Path, format: Format, kind: ffmpeg_next::media::Type) -> Vec<(f64, f64, f64)> {
    let mut input = open(path, format);
    let stream = input.streams().find(|s| s.parameters().medium() == kind).unwrap();
    let (index, base) = (stream.index(), f64::from(stream.time_base()));
    let mut out = Vec::new();
    let mut packet = Packet::empty();
    while read::read(&mut input, &mut packet, path).unwrap() {
        if packet.stream() == index {
            let seconds = |t: Option<i64>| t.unwrap() as f64 * base;
            out.push((seconds(packet.pts()), seconds(packet.dts()), packet.duration() as f64 * base));
        }
    }
    out
}

#[test]
fn segments_become_a_film_in_every_format() {
    for format in FORMATS {
        let folder = tempfile::tempdir().unwrap();
        let path = film(folder.path(), format, "film");
        let found = Ffmpeg.probe(&path).unwrap();
        assert_eq!((found.width, found.height, found.frames), (192, 108, u64::from(FRAMES)), "{format:?}");
        let (video, audio) = match format {
            Format::Mp4 => ("h264", "aac"),
            Format::Webm => ("vp9", "opus"),
            Format::Mov => ("prores", "pcm_s24le"),
        };
        assert_eq!((found.video.as_str(), found.audio.as_deref()), (video, Some(audio)));
        assert_eq!((found.captions, found.chapters), (1, 2), "{format:?}");
        assert!((found.audio_seconds - 3.375).abs() < 0.001, "{format:?}: {}", found.audio_seconds);
    }
}

#[test]
fn frames_stand_at_constant_steps_without_a_gap() {
    for format in FORMATS {
        let folder = tempfile::tempdir().unwrap();
        let path = film(folder.path(), format, "film");
        let mut found = times(&path, format, ffmpeg_next::media::Type::Video);
        assert!(found.windows(2).all(|w| w[0].1 < w[1].1), "{format:?}: decoding times grow");
        assert!(found.iter().all(|t| t.1 <= t.0 + 1e-9), "{format:?}: decoded before shown");
        found.sort_by(|a, b| a.0.total_cmp(&b.0));
        // WebM counts milliseconds
        let slack = if format == Format::Webm { 0.00051 } else { 1e-6 };
        for (i, (shown, _, _)) in found.iter().enumerate() {
            assert!((shown - i as f64 / 24.0).abs() < slack, "{format:?}: frame {i} at {shown}");
        }
        let sound = times(&path, format, ffmpeg_next::media::Type::Audio);
        // before 0 stands what primes the decoder: 1024 samples of AAC, 312 of Opus
        let primed = match format {
            Format::Mp4 => 1024.0,
            Format::Webm => 312.0,
            Format::Mov => 0.0,
        };
        assert!((sound[0].0 + primed / 48_000.0).abs() < 0.0011, "{format:?}: sound from {}", sound[0].0);
        let gaps = sound.windows(2).map(|w| (w[0].0 + w[0].2 - w[1].0).abs());
        assert!(gaps.fold(0.0, f64::max) < 0.0011, "{format:?}: sound without a gap");
    }
}

#[test]
fn captions_chapters_and_metadata_are_kept() {
    for format in FORMATS {
        let folder = tempfile::tempdir().unwrap();
        let path = film(folder.path(), format, "film");
        let input = open(&path, format);
        assert_eq!(input.metadata().get("title"), Some("Three Knots"));
        let chapters: Vec<_> = input
            .chapters()
            .map(|c| (c.start() as f64 * f64::from(c.time_base()), c.metadata().get("title").unwrap().to_owned()))
            .collect();
        assert_eq!(chapters, [(0.0, "INT. A".to_owned()), (2.0, "EXT. B".to_owned())]);
        let track = input.streams().find(|s| s.parameters().medium() == ffmpeg_next::media::Type::Subtitle).unwrap();
        assert_eq!(track.metadata().get("language"), Some("tam"), "{format:?}");
        let shown: Vec<_> = times(&path, format, ffmpeg_next::media::Type::Subtitle).into_iter().filter(|t| t.2 > 0.0).collect();
        let near = |at: f64| shown.iter().any(|t| (t.0 - at).abs() < 0.002);
        assert!(near(0.5) && near(2.0), "{format:?}: {shown:?}");
        // nothing lasts longer than the film
        assert!(shown.iter().all(|t| t.0 + t.2 < 3.376), "{format:?}: {shown:?}");
    }
}

#[test]
fn the_index_comes_first_and_no_date_is_written() {
    let folder = tempfile::tempdir().unwrap();
    for format in [Format::Mp4, Format::Mov] {
        let bytes = fs::read(film(folder.path(), format, "film")).unwrap();
        let place = |name: &[u8]| bytes.windows(4).position(|w| w == name).unwrap();
        assert!(place(b"moov") < place(b"mdat"), "{format:?}");
        let header = place(b"mvhd");
        // version and flags, then the dates of creation and change
        assert_eq!(bytes[header + 4..header + 16], [0; 12], "{format:?}");
        assert!(place(b"colr") > 0);
    }
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    for format in FORMATS {
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let bytes: Vec<_> = folders.iter().map(|f| fs::read(film(f.path(), format, "film")).unwrap()).collect();
        let differs = bytes[0].iter().zip(&bytes[1]).position(|(a, b)| a != b);
        assert_eq!((differs, bytes[0].len()), (None, bytes[1].len()), "{format:?}");
        let contains = |name: &[u8]| bytes[0].windows(name.len()).any(|w| w == name);
        assert!(!contains(b"Lavf5") && !contains(b"Lavc5") && !contains(b"x264 - core"), "{format:?}: no program's version");
        let left: Vec<_> = fs::read_dir(folders[0].path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert!(left.iter().all(|n| !n.to_string_lossy().ends_with(".part")), "{left:?}");
    }
}

/// Leaves memory behind that is full of numbers.
fn dirty(seed: usize) {
    let blocks: Vec<Vec<u8>> =
        (0..300).map(|i| (0..(seed * 7919 + i * 104_729) % 90_000).map(|k| (k * (seed + 3) + i) as u8).collect()).collect();
    assert_eq!(std::hint::black_box(&blocks).len(), 300);
}

#[test]
fn bytes_do_not_depend_on_what_the_process_did_before() {
    let folder = tempfile::tempdir().unwrap();
    for format in FORMATS {
        let spec = VideoSpec { width: 426, height: 240, ..spec(format) };
        let bytes: Vec<_> = (0..4)
            .map(|i| {
                dirty(i);
                let path = folder.path().join("part");
                segment(&path, &spec, 0, 12);
                fs::read(path).unwrap()
            })
            .collect();
        assert!(bytes.iter().all(|b| b == &bytes[0]), "{format:?}");
    }
}

#[test]
fn every_frame_of_the_film_shows_what_was_pushed() {
    for format in FORMATS {
        let folder = tempfile::tempdir().unwrap();
        let path = film(folder.path(), format, "film");
        let spec = spec(format);
        for number in [0, 1, 60, 61, 67, 68, 69, FRAMES - 1] {
            let (width, height, rgb) = still(&path, u64::from(number)).unwrap();
            assert_eq!((width, height), (192, 108));
            let wanted = picture(number, &spec);
            let error = rgb.iter().zip(&wanted).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / wanted.len() as f64;
            assert!(error < 4.0, "{format:?}: frame {number} is off by {error}");
        }
        assert!(still(&path, u64::from(FRAMES)).is_err());
    }
}

#[test]
fn colours_are_bt709_in_limited_range() {
    // ITU-R BT.709: Y' = 16 + 219 (0.2126 R + 0.7152 G + 0.0722 B)
    for (rgb, y, cb, cr) in
        [([255u8, 255, 255], 235.0, 128.0, 128.0), ([255, 0, 0], 62.6, 102.3, 240.0), ([0, 0, 255], 31.8, 240.0, 117.7)]
    {
        for (pixel, layout, scale) in [(Pixel::YUV420P, Layout::Nv12, 1.0), (Pixel::YUV422P10LE, Layout::Yuv422p10, 4.0)] {
            let frame = super::picture::encodable(&converted(&rgb.repeat(32 * 16), 32, 16, layout), pixel, 32, 16).unwrap();
            for (plane, wanted) in [y, cb, cr].into_iter().enumerate() {
                let found = if scale > 1.0 {
                    f64::from(u16::from_le_bytes([frame.data(plane)[8], frame.data(plane)[9]]))
                } else {
                    f64::from(frame.data(plane)[4])
                };
                assert!((found / scale - wanted).abs() < 1.0, "{rgb:?} plane {plane} of {pixel:?}: {found}");
            }
        }
    }
}

fn failure<T>(result: Result<T, TaskFailure>) -> TaskFailure {
    match result {
        Ok(_) => panic!("it should have failed"),
        Err(failure) => failure,
    }
}

#[test]
fn what_does_not_fit_is_refused_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let spec = spec(Format::Mp4);
    let segments = segments(folder.path(), &spec);
    let conform = |segments: &[(PathBuf, u32)], sound: Option<&Path>, captions: Option<&str>, spec: &VideoSpec| {
        let film = Conform { spec, segments, sound, captions, language: "eng", chapters: &[], metadata: &BTreeMap::new() };
        failure(Ffmpeg.conform(&file("film"), &film)).message
    };
    let miscounted = [(segments[0].0.clone(), 60)];
    assert!(conform(&miscounted, None, None, &spec).contains("more frames than the 60"));
    assert!(conform(&[(segments[0].0.clone(), 62)], None, None, &spec).contains("has 61 frames, 62 were planned"));
    assert!(conform(&[], None, None, &spec).contains("at least one segment"));
    assert!(conform(&segments, Some(&file("missing.wav")), None, &spec).contains("missing.wav"));
    assert!(conform(&segments, None, Some("1\nnonsense\ntext"), &spec).contains("SubRip"));
    assert!(conform(&segments, None, None, &VideoSpec { width: 190, ..spec.clone() }).contains("192×108"));
    let mut encoder = Ffmpeg.encode(&file("unfinished"), &spec).unwrap();
    let wrong = |w, h, layout| converted(&vec![0; w as usize * h as usize * 3], w, h, layout);
    assert!(failure(encoder.push(&wrong(192, 110, Layout::Nv12))).message.contains("192×110"));
    assert!(failure(encoder.push(&wrong(192, 108, Layout::P010))).message.contains("P010"));
    let mut short = wrong(192, 108, Layout::Nv12);
    short.planes[1].pop();
    assert!(failure(encoder.push(&short)).message.contains("planes"));
    drop(encoder);
    assert!(failure(Ffmpeg.encode(&file("empty"), &spec).unwrap().finish()).message.contains("at least one frame"));
    assert!(failure(Ffmpeg.encode(&file("odd"), &VideoSpec { width: 191, ..spec.clone() })).message.contains("even"));
    let nowhere = failure(Ffmpeg.encode(&file("no/folder/film"), &spec));
    assert!(nowhere.message.contains("no/folder/film"), "{nowhere:?}");
    let mut left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    left.sort();
    assert_eq!(left, ["segment0", "segment1", "segment2", "segment3"]);
}

#[test]
fn other_settings_and_foreign_files_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    fs::write(file("text"), b"this is no film at all").unwrap();
    assert!(failure(Ffmpeg.probe(&file("text"))).message.contains("neither MP4"));
    assert!(failure(Ffmpeg.probe(&file("nothing"))).message.contains("nothing"));
    let spec = spec(Format::Mp4);
    segment(&file("a"), &spec, 0, 3);
    segment(&file("b"), &VideoSpec { height: 92, ..spec.clone() }, 0, 3);
    let film = Conform {
        spec: &spec,
        segments: &[(file("a"), 3), (file("b"), 3)],
        sound: None,
        captions: None,
        language: "eng",
        chapters: &[],
        metadata: &BTreeMap::new(),
    };
    assert!(failure(Ffmpeg.conform(&file("film"), &film)).message.contains("other settings"));
}

#[test]
fn a_full_disk_is_the_nodes_fault() {
    let full = Path::new("/dev/full");
    let error = std::io::Error::from_raw_os_error(28);
    assert_eq!(super::fail::io("write", full)(error).fault, Fault::Node);
    assert_eq!(super::fail::ffmpeg("write", full)(ffmpeg_next::Error::Other { errno: 28 }).fault, Fault::Node);
    assert_eq!(super::fail::ffmpeg("write", full)(ffmpeg_next::Error::InvalidData).fault, Fault::Task);
}

#[test]
fn sound_is_cut_or_filled_to_the_picture() {
    let folder = tempfile::tempdir().unwrap();
    let spec = spec(Format::Mp4);
    let (part, wav, path) = (folder.path().join("part"), folder.path().join("sound.wav"), folder.path().join("film"));
    segment(&part, &spec, 0, 24);
    for samples in [1000, 200_000] {
        sound(&wav, samples);
        let film = Conform {
            spec: &spec,
            segments: &[(part.clone(), 24)],
            sound: Some(&wav),
            captions: None,
            language: "eng",
            chapters: &[],
            metadata: &BTreeMap::new(),
        };
        Ffmpeg.conform(&path, &film).unwrap();
        let found = Ffmpeg.probe(&path).unwrap();
        assert!((found.audio_seconds - 1.0).abs() < 0.001, "{samples}: {found:?}");
    }
}

#[test]
fn subrip_is_read_with_its_times() {
    let cues = captions::cues(SRT).unwrap();
    assert_eq!((cues[0].start, cues[0].end, cues[0].text.as_str()), (500, 1500, "Hello,\nthere."));
    assert_eq!(cues.len(), 2);
    for bad in ["1\n00:00:01,000 --> 00:00:00,500\nx", "1\n00:61:01,000 --> 02:00:00,500\nx", "x", "1\n0:0:1 --> 2\nx"] {
        assert!(captions::cues(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn this_machine_has_the_encoders() {
    for format in FORMATS {
        assert_eq!(missing(format), None, "{format:?}");
    }
    assert!(super::version().starts_with("libavcodec "));
}

/// All frames that a file decodes to, no side longer than that.
fn shown(path: &Path, side_max: u32) -> Result<Vec<klieg_kind::Shown>, TaskFailure> {
    let mut frames = Vec::new();
    let bounds = klieg_kind::Bounds { seconds_max: 10.0, pixels_max: 1 << 20, side_max };
    let mut each = |frame| {
        frames.push(frame);
        Ok(())
    };
    Ffmpeg.frames(path, &bounds, &mut each)?;
    Ok(frames)
}

#[test]
fn a_film_decodes_to_its_frames() {
    let folder = tempfile::tempdir().unwrap();
    for format in FORMATS {
        let (path, spec) = (folder.path().join(format!("{format:?}")), spec(format));
        segment(&path, &spec, 0, 30);
        let frames = shown(&path, 1000).unwrap();
        assert_eq!(frames.len(), 30, "{format:?}");
        for (number, frame) in frames.iter().enumerate() {
            assert_eq!((frame.width, frame.height), (192, 108));
            assert!((frame.seconds - number as f64 / 24.0).abs() < 0.002, "{format:?}: frame {number} at {}", frame.seconds);
            let (wanted, apart) = (picture(number as u32, &spec), |a: &u8, b: &u8| u32::from(a.abs_diff(*b)));
            let mean = frame.rgb.iter().zip(&wanted).map(|(a, b)| apart(a, b)).sum::<u32>() as f64 / wanted.len() as f64;
            assert!(mean < 6.0, "{format:?}: frame {number} differs by {mean}");
        }
        let small = shown(&path, 64).unwrap();
        assert_eq!((small[0].width, small[0].height, small.len()), (64, 36, 30));
    }
}

#[test]
fn sound_decodes_to_one_channel_at_the_wanted_rate() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sound.wav");
    let spec = hound::WavSpec { channels: 2, sample_rate: 48_000, bits_per_sample: 16, sample_format: hound::SampleFormat::Int };
    let mut wav = hound::WavWriter::create(&path, spec).unwrap();
    for i in 0..96_000 {
        let wave = (f64::from(i) * 440.0 * std::f64::consts::TAU / 48_000.0).sin() * 16_000.0;
        wav.write_sample(wave as i16).unwrap();
        wav.write_sample(wave as i16).unwrap();
    }
    wav.finalize().unwrap();
    let heard = |path: &Path, seconds_max| {
        let mut samples = Vec::new();
        let mut each = |piece: &[f32]| {
            samples.extend_from_slice(piece);
            Ok(())
        };
        Ffmpeg.samples(path, 16_000, seconds_max, &mut each).map(|there| (there, samples))
    };
    let (there, samples) = heard(&path, 10.0).unwrap();
    assert!(there && samples.len().abs_diff(32_000) <= 2, "{}", samples.len());
    // The resampler's filter may put it off by a part of a sample; whole periods tell by how much.
    let (step, height) = (440.0 * std::f64::consts::TAU / 16_000.0, 16_000.0 / 32_768.0);
    let whole = || samples.iter().enumerate().skip(1_000).take(30_000);
    let along = |wave: fn(f64) -> f64| whole().map(|(i, sample)| wave(i as f64 * step) * f64::from(*sample)).sum::<f64>();
    let shift = along(f64::cos).atan2(along(f64::sin));
    assert!((shift / step).abs() < 0.5, "{} samples off", shift / step);
    for (i, sample) in whole() {
        let wanted = (i as f64 * step + shift).sin() * height;
        assert!((f64::from(*sample) - wanted).abs() < 0.01, "sample {i}: {sample} {wanted}");
    }
    let long = heard(&path, 1.0).unwrap_err();
    assert!(long.fault == Fault::Input && long.message.contains("longer than 1 seconds"), "{long:?}");
    // a header that says more than there is, and one that says nonsense
    let mut bytes = fs::read(&path).unwrap();
    bytes[40..44].copy_from_slice(&u32::MAX.to_le_bytes());
    fs::write(&path, &bytes).unwrap();
    assert!(heard(&path, 10.0).is_ok_and(|(_, samples)| samples.len() <= 32_002));
    bytes[24..28].copy_from_slice(&0_u32.to_le_bytes());
    fs::write(&path, &bytes).unwrap();
    assert_eq!(heard(&path, 10.0).unwrap_err().fault, Fault::Input);
    let film = folder.path().join("silent.mp4");
    segment(&film, &self::spec(Format::Mp4), 0, 3);
    assert!(!heard(&film, 10.0).unwrap().0, "it has no sound");
}

#[test]
fn what_others_send_is_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x");
    for playlist in [&b"ffconcat version 1.0\nfile /etc/passwd\n"[..], b"#EXTM3U\nfile:///etc/passwd\n", b"", b"\0\0\0\0\0\0\0\0"] {
        fs::write(&path, playlist).unwrap();
        let refused = shown(&path, 64).unwrap_err();
        assert!(refused.fault == Fault::Input && refused.message.contains("none of the moving pictures"), "{refused:?}");
    }
    let spec = spec(Format::Mp4);
    segment(&path, &spec, 0, 30);
    let bounds = |seconds_max, pixels_max| klieg_kind::Bounds { seconds_max, pixels_max, side_max: 64 };
    let refused = |bounds| Ffmpeg.frames(&path, &bounds, &mut |_| Ok(())).unwrap_err();
    assert!(refused(bounds(0.5, 1 << 20)).message.contains("longer than 0.5 seconds"));
    assert_eq!(refused(bounds(10.0, 1_000)).fault, Fault::Input);
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    match shown(&path, 64) {
        Ok(frames) => assert!(frames.len() <= 30),
        Err(refused) => assert_eq!(refused.fault, Fault::Input),
    }
    let stopped = TaskFailure { fault: Fault::Nobody, message: "enough".into() };
    fs::write(&path, &whole).unwrap();
    let mut each = |_| Err(stopped.clone());
    assert_eq!(Ffmpeg.frames(&path, &bounds(10.0, 1 << 20), &mut each).unwrap_err(), stopped);
}

#[test]
fn a_still_is_the_same_bytes_again_and_looks_like_what_it_was_made_of() {
    let folder = tempfile::tempdir().unwrap();
    let spec = spec(Format::Mp4);
    let rgb = picture(3, &spec);
    let path = folder.path().join("still.avif");
    let write = || {
        Ffmpeg.still(&path, StillFormat::Avif, (spec.width, spec.height), &rgb).unwrap();
        fs::read(&path).unwrap()
    };
    let bytes = write();
    assert_eq!(&bytes[4..12], b"ftypavif");
    assert_eq!(bytes, write());
    let back = decoded(&path);
    assert_eq!(back.len(), rgb.len());
    let error = back.iter().zip(&rgb).map(|(a, b)| f64::from(*a) - f64::from(*b)).map(|d| d * d).sum::<f64>() / rgb.len() as f64;
    // 10 log10(255² / error)
    assert!(error < 12.0, "a mean square error of {error}: {:.1} dB", 10.0 * (65_025.0 / error).log10());
    let odd = Ffmpeg.still(&path, StillFormat::Avif, (3, 3), &[0; 27]).unwrap_err();
    assert!(odd.message.contains("3×3"), "{}", odd.message);
    assert!(Ffmpeg.still(&path, StillFormat::Avif, (64, 64), &[0; 5]).unwrap_err().message.contains("has 5 bytes"));
}

/// A picture's colours, as FFmpeg's own AVIF demuxer and full-range conversion give them.
fn decoded(path: &Path) -> Vec<u8> {
    let output = std::process::Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(path)
        .args(["-vf", "scale=in_color_matrix=bt709:in_range=full", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

#[test]
fn a_sound_is_the_same_bytes_again_and_as_long_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let wav = folder.path().join("tone.wav");
    sound(&wav, 144_000);
    let tags = BTreeMap::from([("title".to_owned(), "வணக்கம்".to_owned())]);
    for (format, name) in [(SoundFormat::Flac, "tone.flac"), (SoundFormat::Opus, "tone.opus"), (SoundFormat::Mp3, "tone.mp3")] {
        let path = folder.path().join(name);
        let write = || {
            Ffmpeg.sound(&path, format, &wav, &tags).unwrap();
            fs::read(&path).unwrap()
        };
        assert_eq!(write(), write(), "{name}");
        let said = std::process::Command::new("ffprobe")
            .args(["-v", "error", "-show_entries", "format=duration:format_tags=title:stream_tags=title", "-of", "json"])
            .arg(&path)
            .output()
            .unwrap();
        let said: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap();
        let seconds: f64 = said["format"]["duration"].as_str().unwrap().parse().unwrap();
        assert!((seconds - 3.0).abs() < 0.06, "{name}: {seconds}");
        assert!(said.to_string().contains("வணக்கம்"), "{name}: {said}");
    }
}

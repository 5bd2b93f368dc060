//! The kind as a worker runs it: planned, refused early, run on a desk that is a folder; frames and sound come from the test.

use image::{ImageFormat, Rgb, RgbImage};
use klieg_kind::{BadInput, Bounds, Conform, Desk, Kind, Media, Probe, SegmentEncoder, Shown, VideoSpec};
use klieg_moderation::{
    Category, Classifier, Content, Decision, Evidence, Medium, Moderation, Place, Report, Score,
    file::Kind as FileKind,
    picture::{self, KnownHash, RADIUS_MAX},
};
use klieg_protocol::{Class, Digest, Fault, JobSpec, Progress, Source, TaskFailure};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    io::Cursor,
    path::{Path, PathBuf},
    sync::Arc,
};

/// What there is to decode.
#[derive(Default)]
struct Scripted {
    frames: Vec<Shown>,
    samples: Vec<f32>,
}

fn nothing() -> TaskFailure {
    TaskFailure { fault: Fault::Node, message: "this test encodes nothing".into() }
}

impl Media for Scripted {
    fn encode(&self, _: &Path, _: &VideoSpec) -> Result<Box<dyn SegmentEncoder>, TaskFailure> {
        Err(nothing())
    }
    fn conform(&self, _: &Path, _: &Conform<'_>) -> Result<(), TaskFailure> {
        Err(nothing())
    }
    fn probe(&self, _: &Path) -> Result<Probe, TaskFailure> {
        Err(nothing())
    }
    fn frames(&self, _: &Path, _: &Bounds, each: &mut dyn FnMut(Shown) -> Result<(), TaskFailure>) -> Result<(), TaskFailure> {
        self.frames.iter().cloned().try_for_each(each)
    }
    fn samples(
        &self,
        _: &Path,
        _: u32,
        _: f64,
        each: &mut dyn FnMut(&[f32]) -> Result<(), TaskFailure>,
    ) -> Result<bool, TaskFailure> {
        self.samples.chunks(4096).try_for_each(each)?;
        Ok(!self.samples.is_empty())
    }
}

struct Table {
    folder: tempfile::TempDir,
    inputs: BTreeMap<String, PathBuf>,
    media: Scripted,
    stored: BTreeMap<Digest, Vec<u8>>,
}

impl Desk for Table {
    fn input(&mut self, name: &str) -> Result<Vec<u8>, TaskFailure> {
        Ok(std::fs::read(self.input_path(name)?).unwrap())
    }
    fn input_path(&mut self, name: &str) -> Result<PathBuf, TaskFailure> {
        Ok(self.inputs[name].clone())
    }
    fn inputs(&self) -> Vec<String> {
        self.inputs.keys().cloned().collect()
    }
    fn store(&mut self, bytes: &[u8]) -> Result<Digest, TaskFailure> {
        self.stored.insert(Digest::of(bytes), bytes.to_vec());
        Ok(Digest::of(bytes))
    }
    fn store_file(&mut self, path: &Path) -> Result<Digest, TaskFailure> {
        self.store(&std::fs::read(path).unwrap())
    }
    fn scratch(&self) -> &Path {
        self.folder.path()
    }
    fn progress(&mut self, _: Progress) -> Result<(), TaskFailure> {
        Ok(())
    }
    fn stopped(&self) -> bool {
        false
    }
    fn ending(&mut self, _: std::time::Duration) {}
    fn media(&self) -> &dyn Media {
        &self.media
    }
    fn threads(&self) -> usize {
        1
    }
}

/// A job's inputs by name.
type Given<'a> = &'a [(&'a str, &'a [u8])];

fn job(params: Value, given: Given<'_>) -> (JobSpec, BTreeMap<Digest, Vec<u8>>) {
    let inputs = given.iter().map(|(name, bytes)| ((*name).to_owned(), Digest::of(bytes))).collect();
    let blobs = given.iter().map(|(_, bytes)| (Digest::of(bytes), bytes.to_vec())).collect();
    (JobSpec { kind: "moderation".into(), label: String::new(), params, inputs }, blobs)
}

fn refused(params: Value, given: Given<'_>) -> BadInput {
    let (job, blobs) = job(params, given);
    Moderation::default().plan(&job, Class::Cpu, &|digest| Ok(blobs[digest].clone())).unwrap_err()
}

/// Everything that a job gives.
fn made(kind: &Moderation, params: Value, given: Given<'_>, media: Scripted) -> (Report, BTreeMap<String, Vec<u8>>) {
    let (job, blobs) = job(params, given);
    let plan = kind.plan(&job, Class::Cpu, &|digest| Ok(blobs[digest].clone())).unwrap();
    let [task] = &plan.tasks[..] else { panic!("one task") };
    let folder = tempfile::tempdir().unwrap();
    let mut inputs = BTreeMap::new();
    for (at, (name, input)) in task.inputs.iter().enumerate() {
        let Source::Blob(digest) = input.from else { panic!("a blob") };
        let path = folder.path().join(at.to_string());
        std::fs::write(&path, &blobs[&digest]).unwrap();
        inputs.insert(name.clone(), path);
    }
    let mut desk = Table { folder, inputs, media, stored: BTreeMap::new() };
    let result = kind.run(task, &mut desk).unwrap();
    let outputs = result.outputs.iter().map(|(name, digest)| ((task.name.clone(), name.clone()), *digest)).collect();
    let files = kind.files(&job, &outputs);
    assert_eq!(files.len(), result.outputs.len(), "every output is a file that is delivered");
    let files: BTreeMap<String, Vec<u8>> = files.into_iter().map(|file| (file.name, desk.stored[&file.digest].clone())).collect();
    (serde_json::from_slice(&files["moderation.json"]).unwrap(), files)
}

fn judge(name: &str, bytes: &[u8]) -> Report {
    made(&Moderation::default(), json!({"file": name}), &[("script", bytes)], Scripted::default()).0
}

fn score(report: &Report, category: Category) -> Option<Score> {
    report.findings.iter().find(|finding| finding.category == category).map(|finding| finding.score)
}

/// Noise of several sizes, as real pictures have it.
fn picture(seed: u32, side: u32) -> RgbImage {
    let value = |x: u32, y: u32, scale: u32| {
        let mixed =
            (x / scale).wrapping_mul(73_856_093) ^ (y / scale).wrapping_mul(19_349_663) ^ seed.wrapping_mul(83_492_791) ^ scale;
        let mixed = (mixed ^ mixed >> 13).wrapping_mul(2_654_435_761);
        f64::from((mixed ^ mixed >> 16) & 0xff)
    };
    let smooth = |x: u32, y: u32, scale: u32| {
        let (fx, fy) = (f64::from(x % scale) / f64::from(scale), f64::from(y % scale) / f64::from(scale));
        let at = |dx: u32, dy: u32| value(x + dx * scale, y + dy * scale, scale);
        let (top, bottom) = (at(0, 0) * (1.0 - fx) + at(1, 0) * fx, at(0, 1) * (1.0 - fx) + at(1, 1) * fx);
        top * (1.0 - fy) + bottom * fy
    };
    RgbImage::from_fn(side, side, |x, y| {
        let light =
            [(128, 0.5), (64, 0.25), (32, 0.15), (16, 0.1)].map(|(scale, share)| smooth(x, y, scale) * share).iter().sum::<f64>();
        Rgb([light as u8, (light * 0.8) as u8, (255.0 - light) as u8])
    })
}

fn png(picture: &RgbImage) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn shown(picture: &RgbImage, seconds: f64) -> Shown {
    Shown { seconds, width: picture.width(), height: picture.height(), rgb: picture.as_raw().clone() }
}

/// Enough of an MP4 to be known as one.
const MP4: &[u8] = b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41\0\0\0\x08free";
const LISTING: &str = "unavailable = \"approve\"\nlists = [\"known\"]\n";

fn policy_with_list() -> Vec<u8> {
    let text = klieg_moderation::policy::DEFAULT.replace("unavailable = \"review\"\n", "").replace("lists = []\n", LISTING);
    assert!(text.contains(LISTING));
    text.into_bytes()
}

#[test]
fn a_text_is_judged_and_the_report_says_by_what() {
    let report = judge("a.txt", b"I will kill you.");
    assert_eq!(report.verdict.decision, Decision::Reject);
    assert_eq!(report.content.kind, FileKind::Text);
    assert_eq!((report.policy.name.as_str(), report.policy.version), ("default", 1));
    assert!(report.tools.lexicons.contains("en 1") && report.tools.classifiers.is_empty());
    assert_eq!(judge("a.txt", b"Rain at noon.").verdict.decision, Decision::Approve);
    let fiction = json!({"file": "a.txt", "fiction": true});
    let told = made(&Moderation::default(), fiction, &[("x", b"I will kill you.")], Scripted::default()).0;
    assert_eq!(told.verdict.decision, Decision::Approve);
    // the same again is the same bytes
    let again = |_| made(&Moderation::default(), json!({}), &[("x", b"I will kill you.")], Scripted::default()).1;
    assert_eq!(again(0), again(1));
}

#[test]
fn a_picture_without_models_is_for_a_person() {
    let report = judge("a.png", &png(&picture(1, 256)));
    assert_eq!(report.verdict.decision, Decision::Review);
    assert_eq!(score(&report, Category::Adult), Some(Score::Unavailable));
    assert_eq!(score(&report, Category::Sexual), Some(Score::Unavailable));
    assert_eq!(score(&report, Category::FileIntegrity), Some(Score::Known(0.0)));
    assert_eq!((score(&report, Category::KnownContent), score(&report, Category::Photosensitivity)), (None, None));
    assert_eq!(report.safe_search["adult"], "UNKNOWN");
    assert_eq!(report.verdict.risk, 0.0);
    let (hash, quality) = report.fingerprints.pdq.unwrap();
    assert!(hash.len() == 64 && quality > 0.5);
}

#[test]
fn a_known_picture_is_found_scaled_and_compressed_and_another_is_not() {
    let original = picture(1, 512);
    let (hash, _) = picture::pdq(512, 512, original.as_raw()).unwrap();
    let list = picture::export(&[KnownHash { hash, label: "ours".into() }]);
    let policy = policy_with_list();
    let judged = |bytes: &[u8]| {
        let given: Given<'_> = &[("content", bytes), ("policy", &policy), ("list/known", list.as_bytes())];
        made(&Moderation::default(), json!({"file": "a"}), given, Scripted::default()).0
    };
    let small = image::imageops::resize(&original, 200, 200, image::imageops::FilterType::Triangle);
    let mut jpeg = Cursor::new(Vec::new());
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut jpeg, 40).encode_image(&small).unwrap();
    let found = judged(&jpeg.into_inner());
    assert_eq!(found.verdict.decision, Decision::Reject);
    let evidence = &found.findings.iter().find(|f| f.category == Category::KnownContent).unwrap().evidence[0];
    assert!(evidence.by == "pdq list known" && evidence.note.contains("ours") && evidence.score >= 0.9, "{evidence:?}");
    let other = judged(&png(&picture(2, 512)));
    assert_eq!((score(&other, Category::KnownContent), other.verdict.decision), (Some(Score::Known(0.0)), Decision::Approve));
}

/// What the paper says of PDQ ("The TMK+PDQF video-hashing algorithm and the PDQ image-hashing algorithm", 2019): pictures that were
/// compressed, scaled or cropped a little are within 31 bits, others are far away.
#[test]
fn hashes_are_stable_as_published_and_the_pdqhash_crate_has_them_too() {
    for seed in 0..8 {
        let original = picture(seed, 512);
        let hash = |picture: &RgbImage| picture::pdq(picture.width(), picture.height(), picture.as_raw()).unwrap().0;
        let of = |other: &RgbImage| picture::distance(&hash(&original), &hash(other));
        let theirs = pdqhash::image::ImageBuffer::from_raw(512, 512, original.as_raw().clone()).unwrap();
        let (bits, _) = pdqhash::generate_pdq_full_size(&pdqhash::image::DynamicImage::ImageRgb8(theirs));
        assert!(picture::distance(&picture::words(&bits), &hash(&original)) <= 2, "seed {seed}: the crate's hash");
        for side in [128, 256, 1024] {
            let scaled = image::imageops::resize(&original, side, side, image::imageops::FilterType::CatmullRom);
            assert!(of(&scaled) <= RADIUS_MAX, "seed {seed}: {side} pixels: {}", of(&scaled));
        }
        for quality in [20, 50, 90] {
            let mut bytes = Cursor::new(Vec::new());
            image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, quality).encode_image(&original).unwrap();
            let jpeg = image::load_from_memory(bytes.get_ref()).unwrap().into_rgb8();
            assert!(of(&jpeg) <= RADIUS_MAX, "seed {seed}: JPEG {quality}: {}", of(&jpeg));
        }
        let crop = image::imageops::crop_imm(&original, 3, 3, 506, 506).to_image();
        assert!(of(&crop) <= RADIUS_MAX, "seed {seed}: a crop of 1 %: {}", of(&crop));
        let other = of(&picture(seed + 100, 512));
        assert!(other > 80, "seed {seed}: another picture: {other}");
    }
}

#[test]
fn a_film_is_judged_by_its_flashes_its_frames_and_its_sound() {
    let flashing = |fps: u32, every: u32| {
        let frame = |n: u32| {
            shown(
                &RgbImage::from_pixel(64, 36, Rgb([if (n / every).is_multiple_of(2) { 20 } else { 200 }; 3])),
                f64::from(n) / f64::from(fps),
            )
        };
        (0..fps * 3).map(frame).collect::<Vec<_>>()
    };
    let judged =
        |frames| made(&Moderation::default(), json!({"file": "a.mp4"}), &[("x", MP4)], Scripted { frames, samples: Vec::new() });
    // 24 frames a second: three flashes and six
    let (calm, _) = judged(flashing(24, 4));
    assert!(matches!(score(&calm, Category::Photosensitivity), Some(Score::Known(score)) if (0.3..0.5).contains(&score)));
    let (wild, files) = judged(flashing(24, 2));
    assert_eq!((score(&wild, Category::Photosensitivity), wild.verdict.decision), (Some(Score::Known(1.0)), Decision::Reject));
    let evidence = &wild.findings.iter().find(|f| f.category == Category::Photosensitivity).unwrap().evidence[0];
    assert!(
        matches!(evidence.place, Place::Region { left: 0.0, bottom: 1.0, from, to, .. } if from < 0.2 && to > 2.5),
        "{evidence:?}"
    );
    assert_eq!(wild.fingerprints.frames, 3);
    assert_eq!(String::from_utf8_lossy(&files["frames.vpdq.csv"]).lines().count(), 3);

    // a film of which a list has the frames, at another frame rate and with sound
    let film = |fps: u32| (0..fps * 5).map(|n| shown(&picture(n / fps, 256), f64::from(n) / f64::from(fps))).collect::<Vec<_>>();
    let known: Vec<KnownHash> = film(1)
        .iter()
        .map(|f| KnownHash { hash: picture::pdq(f.width, f.height, &f.rgb).unwrap().0, label: String::new() })
        .collect();
    let (list, policy) = (picture::export(&known), policy_with_list());
    let given: Given<'_> = &[("content", MP4), ("policy", &policy), ("list/known", list.as_bytes())];
    let samples = (0..11_025 * 8).map(|i| (f64::from(i) * 0.2).sin() as f32 * 0.5).collect();
    let media = Scripted { frames: film(5), samples };
    let (report, files) = made(&Moderation::default(), json!({"file": "a.mp4"}), given, media);
    let finding = report.findings.iter().find(|f| f.category == Category::KnownContent).unwrap();
    assert!(
        finding.score == Score::Known(1.0) && finding.evidence.iter().any(|e| e.note.contains("100 % of its frames")),
        "{finding:?}"
    );
    assert!(report.fingerprints.sound_items > 0);
    // what was written is a list that finds it again
    let sound = &files["sound.chromaprint"];
    let silent: Vec<f32> = (0..11_025 * 8).map(|i| (f64::from(i) * 0.2).sin() as f32 * 0.5).collect();
    let given: Given<'_> = &[("content", MP4), ("policy", &policy), ("list/known", sound)];
    let media = Scripted { frames: film(1), samples: silent };
    let (report, _) = made(&Moderation::default(), json!({"file": "a.mp4"}), given, media);
    assert!(matches!(score(&report, Category::KnownContent), Some(Score::Known(score)) if score > 0.9), "{report:?}");
}

/// Judges by length and by brightness: enough to see that its word is taken.
struct Judge;

impl Classifier for Judge {
    fn name(&self) -> &str {
        "model test@0000000000000000"
    }
    fn judges(&self, medium: Medium) -> &[Category] {
        match medium {
            Medium::Text => &[Category::Hate],
            Medium::Picture => &[Category::Adult, Category::Racy],
        }
    }
    fn judge(&self, content: Content<'_>) -> Result<Vec<(Category, Evidence)>, TaskFailure> {
        let (category, score) = match content {
            Content::Text(text) if text.contains("off the rails") => (Category::Sexual, 0.9),
            Content::Text(text) => (Category::Hate, (text.len() as f32 / 100.0).min(1.0)),
            Content::Picture(shown) => (Category::Adult, f32::from(shown.rgb[0]) / 255.0),
        };
        Ok(vec![(category, Evidence { place: Place::Whole, score, by: self.name().into(), note: "as the test wants it".into() })])
    }
}

#[test]
fn a_classifiers_word_is_taken_where_it_judges() {
    let kind = Moderation::with(vec![Arc::new(Judge)]);
    let picture = png(&RgbImage::from_pixel(8, 8, Rgb([255, 0, 0])));
    let (report, _) = made(&kind, json!({"file": "a.png"}), &[("x", &picture)], Scripted::default());
    assert_eq!(
        (score(&report, Category::Adult), score(&report, Category::Racy)),
        (Some(Score::Known(1.0)), Some(Score::Known(0.0)))
    );
    assert_eq!((score(&report, Category::Medical), report.verdict.decision), (Some(Score::Unavailable), Decision::Reject));
    assert_eq!((report.safe_search["adult"].as_str(), report.safe_search["medical"].as_str()), ("VERY_LIKELY", "UNKNOWN"));
    assert_eq!(report.tools.classifiers, ["model test@0000000000000000"]);
    let (report, _) = made(&kind, json!({}), &[("x", "word ".repeat(20).as_bytes())], Scripted::default());
    assert_eq!(score(&report, Category::Hate), Some(Score::Known(1.0)));

    let (job, blobs) = job(json!({}), &[("x", b"off the rails")]);
    let plan = kind.plan(&job, Class::Cpu, &|digest| Ok(blobs[digest].clone())).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("content");
    std::fs::write(&path, b"off the rails").unwrap();
    let inputs = BTreeMap::from([("content".to_owned(), path)]);
    let mut desk = Table { folder, inputs, media: Scripted::default(), stored: BTreeMap::new() };
    assert!(kind.run(&plan.tasks[0], &mut desk).unwrap_err().message.contains("which it does not judge"));
}

#[test]
fn bad_input_stops_before_the_task() {
    let message = |params: Value, given: Given<'_>| refused(params, given).to_string();
    assert!(message(json!({}), &[]).contains("has 0"));
    assert!(message(json!({}), &[("a", b"x"), ("b", b"y")]).contains("has 2"));
    assert!(message(json!({"colour": 1}), &[("a", b"x")]).contains("colour"));
    assert!(message(json!({"policy": "mild"}), &[("a", b"x")]).contains("\"mild\""));
    assert!(message(json!({}), &[("a", b"")]).contains("empty"));
    assert!(message(json!({}), &[("a", b" \n ")]).contains("empty"));
    assert!(message(json!({}), &[("a", "x".repeat(100_001).as_bytes())]).contains("100001 characters"));
    assert!(message(json!({}), &[("a", b"x"), ("policy", b"name = 3")]).starts_with("policy.toml:1:"));
    let policy = policy_with_list();
    assert!(message(json!({}), &[("a", b"x"), ("policy", &policy)]).contains("list/known"));
    assert!(message(json!({}), &[("a", b"x"), ("policy", &policy), ("list/known", b"h\nno\n")]).contains("line 2"));
    let mut bomb = png(&RgbImage::new(4, 4));
    bomb[16..20].copy_from_slice(&u32::MAX.to_be_bytes());
    assert!(message(json!({"file": "a.png"}), &[("a", &bomb)]).contains("4294967295×4"));
}

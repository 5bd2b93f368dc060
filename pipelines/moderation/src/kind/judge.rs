//! The one task: everything that can judge a file judges it.

use super::{CONTENT, MEDIA_SECONDS_MAX, Moderation, POLICY, TaskParams, failed};
use crate::{
    Category, Classifier, Content, Evidence, Family, Findings, Lists, Medium, Place, Report,
    file::{self, Kind as FileKind},
    film::{self, FramePrint},
    flash::{Failure, Flash, Flashes},
    known::LISTS_PREFIX,
    picture::{hex, pdq},
    policy::Versioned,
    report::{About, FORM, Fingerprints, PolicyUsed, Tools, safe_search},
    sound,
    text::{Setting, scan},
};
use klieg_kind::{Bounds, Desk, Shown};
use klieg_protocol::{Digest, Fault, TaskFailure, TaskResult, TaskSpec};
use std::{
    collections::BTreeMap,
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::Path,
};

/// The longer side of frames that are judged: what PDQ's reference shrinks to first.
const SIDE: u32 = 512;
/// Bytes at the beginning and the end of a film or sound in which other formats are looked for.
const HEAD_BYTES: u64 = 1 << 20;
const TAIL_BYTES: u64 = 128 << 10;

pub(super) fn run(kind: &Moderation, task: &TaskSpec, desk: &mut dyn Desk) -> Result<TaskResult, TaskFailure> {
    let params: TaskParams = serde_json::from_value(task.params.clone())
        .map_err(|e| failed(Fault::Input, format!("failed to read the task's parameters: {e}")))?;
    let policy = policy(desk)?;
    let lists = lists(desk, &policy)?;
    let mut judging = Judging { kind, params: &params, lists: &lists, findings: Findings::default(), made: Made::default() };
    let bytes = match params.kind {
        FileKind::Text => judging.text(desk)?,
        FileKind::Image => judging.image(desk)?,
        FileKind::Audio | FileKind::Video => judging.media(desk)?,
    };
    let Judging { findings, made, .. } = judging;
    let findings = findings.of(&categories(params.kind, !lists.is_empty(), made.moving));
    let report = Report {
        version: FORM,
        content: About {
            name: params.file.clone(),
            kind: params.kind,
            media_type: params.media_type.clone(),
            bytes,
            digest: params.digest.hex(),
        },
        verdict: policy.policy.decide(&findings),
        safe_search: safe_search(&findings),
        findings,
        fingerprints: Fingerprints {
            pdq: made.pdq.as_ref().map(|print| (hex(&print.hash), print.quality)),
            frames: made.frames.len(),
            sound_items: made.sound.len(),
        },
        policy: PolicyUsed { name: policy.policy.name, version: policy.policy.version, digest: policy.digest.hex() },
        tools: Tools {
            klieg: env!("CARGO_PKG_VERSION").into(),
            lexicons: kind.lexicon()?.version.clone(),
            classifiers: kind.classifiers.iter().map(|classifier| classifier.name().to_owned()).collect(),
        },
    };
    Ok(TaskResult { outputs: store(&report, &made, &params.file, desk)?, adds: Vec::new() })
}

fn store(report: &Report, made: &Made, name: &str, desk: &mut dyn Desk) -> Result<BTreeMap<String, Digest>, TaskFailure> {
    let json = serde_json::to_vec_pretty(report).map_err(|e| failed(Fault::Task, format!("failed to write the report: {e}")))?;
    let mut outputs = BTreeMap::from([
        ("moderation.json".to_owned(), desk.store(&json)?),
        ("moderation.txt".to_owned(), desk.store(report.page().as_bytes())?),
    ]);
    if !made.frames.is_empty() {
        outputs.insert("frames.vpdq.csv".into(), desk.store(film::vpdq(&made.frames).as_bytes())?);
    }
    if !made.sound.is_empty() {
        let list = sound::export(&[(name.to_owned(), made.sound.clone())]);
        outputs.insert("sound.chromaprint".into(), desk.store(list.as_bytes())?);
    }
    Ok(outputs)
}

fn policy(desk: &mut dyn Desk) -> Result<Versioned, TaskFailure> {
    let read = if desk.inputs().iter().any(|name| name == POLICY) {
        Versioned::read("policy.toml", &desk.input(POLICY)?)
    } else {
        Versioned::default_policy()
    };
    read.map_err(|e| failed(Fault::Input, e.to_string()))
}

fn lists(desk: &mut dyn Desk, policy: &Versioned) -> Result<Lists, TaskFailure> {
    let mut lists = Lists::default();
    for name in &policy.policy.lists {
        let bytes = desk.input(&format!("{LISTS_PREFIX}{name}"))?;
        lists.add(name, &bytes).map_err(|e| failed(Fault::Input, e.to_string()))?;
    }
    Ok(lists)
}

/// What is looked for in a kind of file.
fn categories(kind: FileKind, lists: bool, moving: bool) -> Vec<Category> {
    let picture = matches!(kind, FileKind::Image | FileKind::Video);
    let wanted = |category: &Category| match (category.family(), category) {
        (Family::Content, _) => true,
        (Family::SafeSearch, _) => picture,
        (Family::Measured, Category::KnownContent) => lists && kind != FileKind::Text,
        (Family::Measured, Category::Photosensitivity) => moving,
        (Family::Measured, _) => true,
    };
    Category::ALL.iter().copied().filter(wanted).collect()
}

/// What judging makes beside findings.
#[derive(Default)]
struct Made {
    pdq: Option<FramePrint>,
    frames: Vec<FramePrint>,
    sound: sound::SoundPrint,
    /// There is more than one frame.
    moving: bool,
}

struct Judging<'a> {
    kind: &'a Moderation,
    params: &'a TaskParams,
    lists: &'a Lists,
    findings: Findings,
    made: Made,
}

impl Judging<'_> {
    fn text(&mut self, desk: &mut dyn Desk) -> Result<u64, TaskFailure> {
        let bytes = desk.input(CONTENT)?;
        self.inspect(&bytes);
        let text = std::str::from_utf8(&bytes).map_err(|_| failed(Fault::Input, "failed to read the text: it is no UTF-8"))?;
        scan(text, Setting { fiction: self.params.fiction }, self.kind.lexicon()?, &mut self.findings);
        self.classify(Content::Text(text))?;
        Ok(bytes.len() as u64)
    }

    fn image(&mut self, desk: &mut dyn Desk) -> Result<u64, TaskFailure> {
        let bytes = desk.input(CONTENT)?;
        self.inspect(&bytes);
        match self.params.media_type.as_str() {
            "image/png" | "image/jpeg" => {
                let picture = still(&bytes)?;
                let print = pdq(picture.width, picture.height, &picture.rgb);
                if let Some((hash, quality)) = print {
                    let print = FramePrint { hash, quality, seconds: 0.0 };
                    self.lists.picture(&print, &Place::Whole, &mut self.findings);
                    self.made.pdq = Some(print);
                }
                self.classify(Content::Picture(&picture))?;
            }
            _ => self.frames(desk)?,
        }
        Ok(bytes.len() as u64)
    }

    fn media(&mut self, desk: &mut dyn Desk) -> Result<u64, TaskFailure> {
        let path = desk.input_path(CONTENT)?;
        let bytes = self.ends(&path).map_err(|e| failed(Fault::Node, format!("failed to read {}: {e}", path.display())))?;
        if self.params.kind == FileKind::Video {
            self.frames(desk)?;
        }
        let mut printer = sound::Printer::new().map_err(|e| failed(Fault::Task, format!("failed to {e}")))?;
        let mut push = |samples: &[f32]| {
            printer.push(samples);
            Ok(())
        };
        if desk.media().samples(&path, sound::RATE, MEDIA_SECONDS_MAX, &mut push)? {
            self.made.sound = printer.finish();
            self.lists.sound(&self.made.sound, &mut self.findings);
        }
        Ok(bytes)
    }

    /// Every frame for flashes, and one a second for everything else.
    fn frames(&mut self, desk: &mut dyn Desk) -> Result<(), TaskFailure> {
        let path = desk.input_path(CONTENT)?;
        let (mut flashes, mut printer, mut count) = (Flashes::default(), film::Printer::default(), 0_u64);
        let bounds = Bounds { seconds_max: MEDIA_SECONDS_MAX, pixels_max: file::PIXELS_MAX, side_max: SIDE };
        let (media, stopped) = (desk.media(), || desk.stopped());
        media.frames(&path, &bounds, &mut |frame: Shown| {
            if stopped() {
                return Err(failed(Fault::Nobody, "the task was cancelled"));
            }
            count += 1;
            flashes.push(&frame);
            if let Some(print) = printer.push(&frame) {
                let place = Place::Time { from: frame.seconds, to: frame.seconds + film::EVERY_SECONDS };
                self.lists.picture(&print, &place, &mut self.findings);
                self.classify(Content::Picture(&frame))?;
            }
            Ok(())
        })?;
        self.made.frames = printer.finish();
        self.made.moving = count > 1;
        if count == 1 {
            self.made.pdq = self.made.frames.pop();
        } else {
            self.lists.film(&self.made.frames, &mut self.findings);
            self.flashes(flashes);
        }
        Ok(())
    }

    fn flashes(&mut self, flashes: Flashes) {
        const BY: &str = "ITU-R BT.1702";
        self.findings.judged(Category::Photosensitivity, BY);
        let (failures, worst) = flashes.finish();
        for Failure { flash, from, to, region: [left, top, right, bottom] } in &failures {
            let what = if *flash == Flash::Red { "red flashes" } else { "flashes" };
            let (from, to) = (*from, *to);
            let place = Place::Region { left: *left, top: *top, right: *right, bottom: *bottom, from, to };
            let note = format!("more than three {what} a second");
            self.findings.add(Category::Photosensitivity, Evidence { place, score: 1.0, by: BY.into(), note });
        }
        if failures.is_empty() && worst > 1 {
            // up to three flashes a second are allowed; how near it comes is told
            let score = worst as f32 / 6.0 * 0.4;
            let note = format!("at most {:.1} flashes in a second", worst as f32 / 2.0);
            self.findings.add(Category::Photosensitivity, Evidence { place: Place::Whole, score, by: BY.into(), note });
        }
    }

    /// Looks at a file's bytes.
    fn inspect(&mut self, bytes: &[u8]) {
        self.findings.judged(Category::FileIntegrity, "file check");
        if let Ok(found) = file::sniff(&self.params.file, bytes) {
            for evidence in file::suspicions(&self.params.file, &found, bytes) {
                self.findings.add(Category::FileIntegrity, evidence);
            }
        }
    }

    /// Looks at both ends of a long file; gives its length.
    fn ends(&mut self, path: &Path) -> std::io::Result<u64> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        let mut bytes = Vec::new();
        (&mut file).take(HEAD_BYTES).read_to_end(&mut bytes)?;
        if length > HEAD_BYTES {
            file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES).max(HEAD_BYTES)))?;
            file.read_to_end(&mut bytes)?;
        }
        self.inspect(&bytes);
        Ok(length)
    }

    fn classify(&mut self, content: Content<'_>) -> Result<(), TaskFailure> {
        for classifier in &self.kind.classifiers {
            judged_by(&**classifier, content, &mut self.findings)?;
        }
        Ok(())
    }
}

/// A classifier's judgement; what it says of categories that it does not judge is its fault.
fn judged_by(classifier: &dyn Classifier, content: Content<'_>, findings: &mut Findings) -> Result<(), TaskFailure> {
    let medium: Medium = content.medium();
    let judges = classifier.judges(medium);
    if judges.is_empty() {
        return Ok(());
    }
    judges.iter().for_each(|category| findings.judged(*category, classifier.name()));
    for (category, evidence) in classifier.judge(content)? {
        if !judges.contains(&category) {
            let name = classifier.name();
            return Err(failed(
                Fault::Task,
                format!("failed to judge: {name} says something of {category}, which it does not judge"),
            ));
        }
        findings.add(category, evidence);
    }
    Ok(())
}

/// A PNG or JPEG decoded, scaled down to what is judged.
fn still(bytes: &[u8]) -> Result<Shown, TaskFailure> {
    let broken = |e: image::ImageError| failed(Fault::Input, format!("failed to decode the picture: {e}"));
    let mut reader = image::ImageReader::new(std::io::Cursor::new(bytes));
    let mut limits = image::Limits::default();
    limits.max_alloc = Some(file::PIXELS_MAX * 8);
    (limits.max_image_width, limits.max_image_height) = (Some(file::SIDE_MAX), Some(file::SIDE_MAX));
    reader.limits(limits);
    let reader = reader.with_guessed_format().map_err(|e| failed(Fault::Input, format!("failed to read the picture: {e}")))?;
    let picture = reader.decode().map_err(broken)?.into_rgb8();
    Ok(Shown { seconds: 0.0, width: picture.width(), height: picture.height(), rgb: picture.into_raw() })
}

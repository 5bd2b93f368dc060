//! The one trait every job kind implements: `plan` (pure, cheap, rejects bad input) and `run` (one task).

mod decode;

pub use decode::{Bounds, Shown};
use klieg_kernels::Choice;
pub use klieg_kernels::convert::{Format as Layout, Frame};
use klieg_protocol::{Class, Digest, Fault, JobSpec, Plan, Progress, Split, TaskFailure, TaskName, TaskResult, TaskSpec};
use std::{collections::BTreeMap, path::Path};

/// Bad input, found at submission.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", at(.file, *.line, *.column))]
pub struct BadInput {
    pub file: String,
    /// 1-based; 0 when the whole file is meant.
    pub line: u32,
    pub column: u32,
    /// What is wrong and what would be right.
    pub message: String,
}

fn at(file: &str, line: u32, column: u32) -> String {
    match (file, line) {
        ("", _) => String::new(),
        (_, 0) => format!("{file}: "),
        _ => format!("{file}:{line}:{column}: "),
    }
}

/// What the tasks of a job have made so far: (task, output) → artifact.
pub type Outputs = BTreeMap<(TaskName, String), Digest>;

/// Fetches an artifact.
pub type Read<'a> = &'a dyn Fn(&Digest) -> std::io::Result<Vec<u8>>;

/// A file that a job gives to whoever asked for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Words of letters, digits, `.`, `_` and `-`, joined by slashes: where it belongs in the folder that is taken away.
    pub name: String,
    pub media_type: &'static str,
    pub digest: Digest,
}

/// A piece of what a job makes, in the order in which it is seen: of a film a shot.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    pub name: String,
    /// What it is part of: of a shot its scene.
    pub group: String,
    /// Frames, counted through the whole.
    pub first: u32,
    pub frames: u32,
    pub tasks: Vec<TaskName>,
    /// A PNG of it, as soon as there is one.
    pub picture: Option<Digest>,
}

/// What of a moving picture is there, in its order: segments with their frames, which are joined without a second encode.
#[derive(Clone, Debug, PartialEq)]
pub struct Growing {
    pub spec: VideoSpec,
    pub segments: Vec<(Digest, u32)>,
}

/// What a job would come to.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    pub tasks: u64,
    /// Estimated slot-seconds of all of them.
    pub seconds: f64,
    /// What people want to know of it before it begins, as the kind has it.
    pub about: serde_json::Value,
}

/// The file that a job is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Takes {
    /// The input's name.
    pub input: &'static str,
    /// Without it there is no job; else parameters (a prompt, a text) may stand for it.
    pub needed: bool,
    /// More is refused before it is sent.
    pub bytes_max: u64,
}

impl Default for Takes {
    /// A text such as a screenplay.
    fn default() -> Self {
        Self { input: "script", needed: true, bytes_max: 50_000_000 }
    }
}

/// A job kind.
pub trait Kind: Send + Sync {
    /// The word users submit it by.
    fn name(&self) -> &'static str;
    /// The file that it is given. Its name is the parameter `file`, where there is one.
    fn takes(&self) -> Takes {
        Takes::default()
    }
    /// What a user must be allowed, beside submitting jobs, to submit this kind; `None`: nothing more. The front door asks.
    fn permission(&self) -> Option<&'static str> {
        None
    }
    /// The task graph. `auto`: the class of device that makes what differs from class to class, where the job names none itself.
    /// A plan names one class for all such tasks, as theirs and in their parameters: so nothing of two classes is ever put
    /// together, and no cached result of another class is taken. `read` fetches an input artifact.
    fn plan(&self, job: &JobSpec, auto: Class, read: Read<'_>) -> Result<Plan, BadInput>;
    /// What the job would come to. As `plan`; a kind whose tasks add tasks knows better than that.
    fn forecast(&self, job: &JobSpec, auto: Class, read: Read<'_>) -> Result<Forecast, BadInput> {
        let Plan { tasks } = self.plan(job, auto, read)?;
        let seconds = tasks.iter().map(|task| task.ask.seconds).sum();
        Ok(Forecast { tasks: tasks.len() as u64, seconds, about: serde_json::Value::Null })
    }
    /// The files that a job gives, as far as they are there; every output if its kind says nothing else.
    fn files(&self, job: &JobSpec, outputs: &Outputs) -> Vec<File> {
        let _ = job;
        let file = |((task, output), digest): (&(TaskName, String), &Digest)| File {
            name: format!("{task}/{output}"),
            media_type: "application/octet-stream",
            digest: *digest,
        };
        outputs.iter().map(file).collect()
    }
    /// The pieces of what the job makes, as far as they are known; none if its kind has none.
    fn pieces(&self, job: &JobSpec, outputs: &Outputs, read: Read<'_>) -> std::io::Result<Vec<Piece>> {
        let _ = (job, outputs, read);
        Ok(Vec::new())
    }
    /// The moving picture as far as it is there; `None` while nothing of it is, or if the kind makes none.
    fn growing(&self, job: &JobSpec, outputs: &Outputs, read: Read<'_>) -> std::io::Result<Option<Growing>> {
        let _ = (job, outputs, read);
        Ok(None)
    }
    /// Runs one task of a plan.
    fn run(&self, task: &TaskSpec, desk: &mut dyn Desk) -> Result<TaskResult, TaskFailure>;
    /// Smaller tasks that give the same outputs, when a device had too little memory for this one (`Fault::Memory`). None when
    /// it cannot be made smaller: then it fails with its sentence.
    fn split(&self, task: &TaskSpec) -> Option<Split> {
        let _ = task;
        None
    }
}

/// The class of the device that a choice names; `auto` names none.
pub fn class_of(choice: Choice) -> Option<Class> {
    match choice {
        Choice::Auto => None,
        Choice::Cpu => Some(Class::Cpu),
        Choice::Cuda(_) => Some(Class::Cuda),
        Choice::Vulkan(_) => Some(Class::Wgpu),
    }
}

/// What a running task has at hand. Given by the worker.
pub trait Desk {
    /// The bytes of the named input, digest checked.
    fn input(&mut self, name: &str) -> Result<Vec<u8>, TaskFailure>;
    /// A path where the named input can be read from (read only).
    fn input_path(&mut self, name: &str) -> Result<std::path::PathBuf, TaskFailure>;
    /// Names of all inputs, sorted.
    fn inputs(&self) -> Vec<String>;
    /// Stores bytes as an artifact.
    fn store(&mut self, bytes: &[u8]) -> Result<Digest, TaskFailure>;
    /// Moves a finished file from the scratch folder into the artifacts.
    fn store_file(&mut self, path: &Path) -> Result<Digest, TaskFailure>;
    /// A folder of this attempt's own, removed when it ends.
    fn scratch(&self) -> &Path;
    /// Reports progress. `Err` when the task was cancelled: return it at once.
    fn progress(&mut self, progress: Progress) -> Result<(), TaskFailure>;
    /// Whether nobody wants the task any more: `progress` would say so too.
    fn stopped(&self) -> bool;
    /// Asks for this long to end by itself, once it has been stopped. The agent grants what it thinks right, and kills after that.
    fn ending(&mut self, time: std::time::Duration);
    /// Encoders of this node.
    fn media(&self) -> &dyn Media;
    /// Threads this task may use.
    fn threads(&self) -> usize;
}

/// A chapter: (start seconds, title).
pub type Chapter = (f64, String);

/// Moving pictures in and out of files; implemented by `nodes` on FFmpeg's libraries.
pub trait Media {
    /// Opens a segment encoder.
    fn encode(&self, path: &Path, spec: &VideoSpec) -> Result<Box<dyn SegmentEncoder>, TaskFailure>;
    /// Joins segments made with one `VideoSpec` without a second encode, and muxes sound, captions, chapters and metadata.
    fn conform(&self, path: &Path, film: &Conform<'_>) -> Result<(), TaskFailure>;
    /// What a file holds, counted by reading its packets.
    fn probe(&self, path: &Path) -> Result<Probe, TaskFailure>;
    /// Decodes every frame of a file that others made, in the order in which they are shown; `each` may end it by failing. The demuxer
    /// is chosen by the file's first bytes among few that hold no references to other files. A file that is no moving picture, or
    /// exceeds a bound, is the input's fault.
    fn frames(
        &self,
        path: &Path,
        bounds: &Bounds,
        each: &mut dyn FnMut(Shown) -> Result<(), TaskFailure>,
    ) -> Result<(), TaskFailure> {
        let _ = (path, bounds, each);
        Err(lacks("decode moving pictures", "decoder for them"))
    }
    /// Decodes the first sound of a file that others made to one channel of `rate` samples a second, −1 to 1, a piece at a time. Nothing
    /// is handed over if the file is silent by having no sound: the answer says whether there was one.
    fn samples(
        &self,
        path: &Path,
        rate: u32,
        seconds_max: f64,
        each: &mut dyn FnMut(&[f32]) -> Result<(), TaskFailure>,
    ) -> Result<bool, TaskFailure> {
        let _ = (path, rate, seconds_max, each);
        Err(lacks("decode sound", "decoder for it"))
    }
    /// Writes one picture: `rgb` has width × height × RGB, sRGB.
    fn still(&self, path: &Path, format: StillFormat, size: (u32, u32), rgb: &[u8]) -> Result<(), TaskFailure> {
        let _ = (path, size, rgb);
        Err(lacks(&format!("encode {format:?} pictures"), "encoder for them"))
    }
    /// Encodes a sound: `wav` is a 48 kHz stereo WAV. `tags` are the file's metadata (title, comment, …).
    fn sound(&self, path: &Path, format: SoundFormat, wav: &Path, tags: &BTreeMap<String, String>) -> Result<(), TaskFailure> {
        let _ = (path, wav, tags);
        Err(lacks(&format!("encode {format:?} sound"), "encoder for it"))
    }
}

fn lacks(what: &str, missing: &str) -> TaskFailure {
    TaskFailure { fault: Fault::Node, message: format!("failed to {what}: this node has no {missing}") }
}

/// Formats of pictures that a node's encoders write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StillFormat {
    /// AV1, 8 bits, 4:4:4.
    Avif,
}

/// Formats of sound that a node's encoders write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SoundFormat {
    /// 24 bits, lossless.
    Flac,
    /// Ogg Opus, 160 kbit/s.
    Opus,
    /// 192 kbit/s.
    Mp3,
}

/// What is in a media file.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Probe {
    pub width: u32,
    pub height: u32,
    /// Video packets (one a frame).
    pub frames: u64,
    /// Codec name of the video stream ("h264").
    pub video: String,
    /// Codec name of the first audio stream ("aac").
    pub audio: Option<String>,
    /// Seconds of the first audio stream.
    pub audio_seconds: f64,
    /// Subtitle streams.
    pub captions: u32,
    pub chapters: u32,
}

/// How a segment is encoded.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct VideoSpec {
    pub format: Format,
    pub width: u32,
    pub height: u32,
    pub fps: u32,
}

/// The delivery format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// H.264 High yuv420p + AAC in MP4, fast start.
    Mp4,
    /// VP9 + Opus.
    Webm,
    /// ProRes 422 HQ + PCM.
    Mov,
}

impl Format {
    /// How the frames of a segment lie in memory: what its encoder takes, or differs from in its order only.
    pub fn layout(self) -> Layout {
        match self {
            Format::Mp4 | Format::Webm => Layout::Nv12,
            Format::Mov => Layout::Yuv422p10,
        }
    }
}

/// An open segment.
pub trait SegmentEncoder {
    /// One frame of the segment's size and of its format's layout: BT.709, limited range.
    fn push(&mut self, frame: &Frame) -> Result<(), TaskFailure>;
    /// Flushes and closes the file.
    fn finish(self: Box<Self>) -> Result<(), TaskFailure>;
}

/// What conform joins.
pub struct Conform<'a> {
    pub spec: &'a VideoSpec,
    /// Segment files in order with their frame counts.
    pub segments: &'a [(std::path::PathBuf, u32)],
    /// 48 kHz stereo WAV of the whole film, if there is sound yet.
    pub sound: Option<&'a Path>,
    /// SRT text to embed.
    pub captions: Option<&'a str>,
    /// ISO 639-2 of the captions.
    pub language: &'a str,
    pub chapters: &'a [Chapter],
    pub metadata: &'a BTreeMap<String, String>,
}

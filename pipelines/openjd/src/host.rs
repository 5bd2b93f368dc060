//! Starts a session's process and follows it.

use crate::{
    confine,
    guest::{Charge, Order, Word},
    sitting::Tale,
};
use klieg_kind::Desk;
use klieg_protocol::{Fault, Progress, TaskFailure};
use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, Write},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::Duration,
};

/// The hidden verb of the klieg program that is a session's process.
pub const VERB: &str = "openjd-session";
/// A session's log is kept up to so many bytes.
pub const LOG_BYTES_MAX: usize = 16 << 20;
/// How often it is looked whether the task is still wanted.
const LOOK: Duration = Duration::from_millis(100);
/// How often a session that tells nothing new is said to live, in looks.
const LOOKS_A_SIGN: u32 = 100;
/// What a cancelled session asks for to end: the longest notice that the specification gives an action by itself.
const ENDING: Duration = Duration::from_secs(120);
/// Last lines that a failure quotes.
const TAIL_LINES: usize = 5;

/// What the commands of a job find of this process's environment; nothing else: tokens stand in there.
const PASSED_ON: [&str; 12] = [
    "PATH",
    "LANG",
    "LC_ALL",
    "TZ",
    "LD_LIBRARY_PATH",
    "CUDA_VISIBLE_DEVICES",
    "NVIDIA_VISIBLE_DEVICES",
    "NVIDIA_DRIVER_CAPABILITIES",
    "CUDA_DEVICE_ORDER",
    "KLIEG_WORKER",
    "RAYON_NUM_THREADS",
    "XDG_DATA_DIRS",
];

/// A session's folder, gone with this value.
pub struct Root(PathBuf);

impl Root {
    /// Makes one: in `scratch`, which the agent clears, or, for a guest who may not go there, among the system's temporary files.
    pub fn make(scratch: &Path, confined: bool) -> io::Result<Self> {
        let folder = if confined { shared()?.join(unique()) } else { scratch.join("session") };
        fs::DirBuilder::new().mode(0o700).create(&folder)?;
        for name in ["home", "tmp"] {
            fs::create_dir(folder.join(name))?;
        }
        Ok(Self(folder))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Gives it with everything in it to the guest. Nothing of the guest's has run in it yet.
    pub fn give(&self, guest: &confine::Guest) -> io::Result<()> {
        let mut open = vec![self.0.clone()];
        while let Some(path) = open.pop() {
            std::os::unix::fs::lchown(&path, Some(guest.uid), Some(guest.gid))?;
            if fs::symlink_metadata(&path)?.is_dir() {
                open.extend(fs::read_dir(&path)?.collect::<Result<Vec<_>, _>>()?.into_iter().map(|entry| entry.path()));
            }
        }
        Ok(())
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Where confined sessions have their folders: nobody but root may look into it, but all may go through.
fn shared() -> io::Result<PathBuf> {
    let folder = std::env::temp_dir().join("klieg-openjd");
    match fs::DirBuilder::new().mode(0o711).create(&folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let facts = fs::symlink_metadata(&folder)?;
    if !facts.is_dir() || std::os::unix::fs::MetadataExt::uid(&facts) != 0 {
        return Err(io::Error::other(format!("{} is not root's folder", folder.display())));
    }
    Ok(folder)
}

/// A name that tells whose the folder is: one session at a time runs in a process.
fn unique() -> String {
    std::process::id().to_string()
}

/// Removes the folders of sessions whose workers were killed.
pub fn sweep() {
    let Ok(folder) = shared() else { return };
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let lives = name.to_str().is_some_and(|pid| pid != unique() && Path::new("/proc").join(pid).exists());
        if !lives {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// How a session went.
pub struct Ran {
    /// What its commands printed, one line each.
    pub log: Vec<u8>,
}

/// A session's process. Dropping it kills it.
struct Process {
    child: Child,
    orders: ChildStdin,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a session, and writes the archive of what it left to `archive`.
pub fn run(charge: Charge, archive: File, desk: &mut dyn Desk) -> Result<Ran, TaskFailure> {
    let total = charge.share.tasks().max(1);
    let (mut process, words) = start(charge, archive).map_err(|error| node(format!("failed to start the session: {error}")))?;
    let mut tale = Follow { done: 0, total, percent: 0.0, note: String::new(), log: Vec::new(), told: false };
    let (mut looks, mut stopped) = (0, false);
    loop {
        match words.recv_timeout(LOOK) {
            Ok(Word::Succeeded) => return Ok(Ran { log: tale.log }),
            Ok(Word::Failed(why)) if stopped => return Err(nobody(why)),
            Ok(Word::Failed(why)) => return Err(tale.failure(&why)),
            Ok(word) => tale.take(word),
            Err(RecvTimeoutError::Timeout) => looks += 1,
            Err(RecvTimeoutError::Disconnected) => {
                let how = process.child.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
                return Err(tale.failure(&format!("the session's process ended: {how}")));
            }
        }
        if desk.stopped() && !stopped {
            stopped = true;
            desk.ending(ENDING);
            // A process that is gone is noticed above.
            let _ = tell(&mut process.orders, &Order::Cancel);
        }
        if !stopped && (tale.told || looks >= LOOKS_A_SIGN) {
            (tale.told, looks) = (false, 0);
            // When it is stopped between the two looks, the next look finds it.
            let _ = desk.progress(tale.progress());
        }
    }
}

fn node(message: String) -> TaskFailure {
    TaskFailure { fault: Fault::Node, message }
}

fn nobody(message: String) -> TaskFailure {
    TaskFailure { fault: Fault::Nobody, message: format!("it was stopped: {message}") }
}

fn tell(orders: &mut ChildStdin, order: &Order) -> io::Result<()> {
    let mut line = serde_json::to_vec(order)?;
    line.push(b'\n');
    orders.write_all(&line).and_then(|()| orders.flush())
}

fn start(charge: Charge, archive: File) -> io::Result<(Process, mpsc::Receiver<Word>)> {
    let root = charge.root.clone();
    let name = charge.guest.as_ref().map(|guest| guest.name.clone());
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(VERB).stdin(Stdio::piped()).stdout(archive).stderr(Stdio::piped()).current_dir(&root).env_clear();
    command.envs(PASSED_ON.iter().filter_map(|name| std::env::var_os(name).map(|value| (name, value))));
    command.env("HOME", root.join("home")).env("TMPDIR", root.join("tmp"));
    command.envs(name.iter().flat_map(|name| [("USER", name), ("LOGNAME", name)]));
    let mut child = command.spawn()?;
    let (Some(orders), Some(errors)) = (child.stdin.take(), child.stderr.take()) else {
        return Err(io::ErrorKind::BrokenPipe.into());
    };
    let mut process = Process { child, orders };
    tell(&mut process.orders, &Order::Run(Box::new(charge)))?;
    let (said, words) = mpsc::channel();
    thread::Builder::new().name("session-words".into()).spawn(move || {
        for line in BufReader::new(errors).split(b'\n').map_while(Result::ok) {
            // What is no word is something that a library printed.
            let word = serde_json::from_slice(&line).unwrap_or_else(|_| Word::Line(String::from_utf8_lossy(&line).into_owned()));
            if said.send(word).is_err() {
                break;
            }
        }
    })?;
    Ok((process, words))
}

/// How far a session is.
struct Follow {
    done: u64,
    total: u64,
    percent: f64,
    note: String,
    log: Vec<u8>,
    /// There is something new to tell.
    told: bool,
}

impl Follow {
    fn take(&mut self, word: Word) {
        match word {
            Word::Line(line) => self.keep(&line),
            Word::Tale(Tale::Section(title)) => self.keep(&format!("--------- {title}")),
            Word::Tale(Tale::Progress(percent)) => (self.percent, self.told) = (percent.clamp(0.0, 100.0), true),
            Word::Tale(Tale::Status(words)) => (self.note, self.told) = (words, true),
            Word::Tale(Tale::Done(done)) => (self.done, self.percent, self.told) = (done, 0.0, true),
            Word::Succeeded | Word::Failed(_) => {}
        }
    }

    fn keep(&mut self, line: &str) {
        const CUT: &str = "… the rest of this log was left out: it is longer than a session's log may be\n";
        if self.log.len() + line.len() + CUT.len() < LOG_BYTES_MAX {
            self.log.extend_from_slice(line.as_bytes());
            self.log.push(b'\n');
        } else if !self.log.ends_with(CUT.as_bytes()) {
            self.log.extend_from_slice(CUT.as_bytes());
        }
    }

    fn progress(&self) -> Progress {
        let fraction = (self.done as f64 + self.percent / 100.0) / self.total as f64;
        Progress { fraction: fraction.min(1.0) as f32, done: self.done, note: self.note.clone() }
    }

    fn failure(&self, why: &str) -> TaskFailure {
        let text = String::from_utf8_lossy(&self.log);
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        let tail: Vec<&str> = lines[lines.len().saturating_sub(TAIL_LINES)..].to_vec();
        let tail = if tail.is_empty() { String::new() } else { format!("; its last lines:\n    {}", tail.join("\n    ")) };
        TaskFailure { fault: Fault::Task, message: format!("{why}{tail}") }
    }
}

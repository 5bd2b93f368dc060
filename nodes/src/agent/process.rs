use crate::{
    agent::{
        group::{self, Group},
        slot::Note,
    },
    talk::{Order, Word},
};
use nix::{
    sys::{
        signal::Signal,
        wait::{Id, WaitPidFlag, WaitStatus, waitid},
    },
    unistd::Pid,
};
use std::{
    collections::VecDeque,
    ffi::OsString,
    io::{self, BufRead, BufReader, Read, Write},
    os::unix::process::{CommandExt, ExitStatusExt},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};

/// Last lines of a worker's standard error that are kept, to say why it died.
const TAIL_LINES: usize = 4;

/// A worker process with everything that it starts: a process group of its own. Ends with this value.
pub struct Process {
    child: Child,
    stdin: ChildStdin,
    tail: Arc<Mutex<VecDeque<String>>>,
    keeper: Option<JoinHandle<()>>,
    /// Tells its words from those of the slot's earlier processes.
    pub generation: u64,
    group: Group,
    settled: bool,
}

/// How long a worker's end may take.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Until what was asked to end is killed.
    pub grace: Duration,
    /// Until what was killed must have ended.
    pub limit: Duration,
}

/// Processes of a worker that were killed and live on.
#[derive(Clone, Debug, thiserror::Error)]
#[error("a worker that was killed does not end: process{} wait{} in the kernel, perhaps for a device or a file server", list(.living), if .living.len() == 1 { "s" } else { "" })]
pub struct Stuck {
    pub group: Group,
    living: Vec<Pid>,
}

fn list(pids: &[Pid]) -> String {
    let pids: Vec<String> = pids.iter().map(ToString::to_string).collect();
    format!("{} {}", if pids.len() == 1 { "" } else { "es" }, pids.join(", "))
}

/// How a worker is started.
pub struct Start<'a> {
    /// Program and arguments.
    pub command: &'a [OsString],
    /// Added to the environment.
    pub environment: &'a [(String, String)],
    pub threads: usize,
    pub generation: u64,
    pub mark: String,
}

impl Process {
    /// Starts a worker whose words come as notes.
    pub fn start(start: Start<'_>, notes: &mpsc::Sender<Note>) -> io::Result<Self> {
        let Start { command, environment, threads, generation, mark } = start;
        let (program, arguments) = command.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .env("RAYON_NUM_THREADS", threads.to_string())
            .env(crate::worker::AGENT, std::process::id().to_string())
            .env(group::MARK, &mark)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .process_group(0)
            .spawn()?;
        let taken = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = taken else { return Err(io::ErrorKind::BrokenPipe.into()) };
        let tail = Arc::default();
        let group = Group { leader: Pid::from_raw(i32::try_from(child.id()).unwrap_or(i32::MAX)), mark };
        let mut process = Self { child, stdin, tail: Arc::clone(&tail), keeper: None, generation, group, settled: false };
        let notes = notes.clone();
        thread::Builder::new().name("worker-words".into()).spawn(move || listen(stdout, generation, &notes))?;
        process.keeper = Some(thread::Builder::new().name("worker-errors".into()).spawn(move || keep(stderr, &tail))?);
        Ok(process)
    }

    /// Says something to it.
    pub fn say(&mut self, order: &Order) -> io::Result<()> {
        let mut line = serde_json::to_vec(order)?;
        line.push(b'\n');
        self.stdin.write_all(&line).and_then(|()| self.stdin.flush())
    }

    /// Ends it with everything that it started, asking first and then by force, and says in words how it ended. An error when
    /// something of it lives on that cannot be ended.
    pub fn end(mut self, patience: Patience) -> Result<String, Stuck> {
        self.settle(patience)
    }

    /// How it ended, if it was by itself. Gives a dying process a moment, so that its own status is seen and not our signal.
    pub fn ended(self, patience: Patience) -> Result<String, Stuck> {
        wait_for(|| over(self.group.leader));
        self.end(patience)
    }

    fn settle(&mut self, patience: Patience) -> Result<String, Stuck> {
        self.settled = true;
        // The leader is reaped last: until then the group's number cannot become another's.
        let living = self.group.end(patience.grace, patience.limit);
        let status = self.child.try_wait();
        // Its last words are read when nobody of the group can say more.
        wait_for(|| self.keeper.as_ref().is_none_or(JoinHandle::is_finished));
        let tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        let last: Vec<&str> = tail.iter().map(String::as_str).collect();
        let last = if last.is_empty() { String::new() } else { format!("; its last words were: {}", last.join(" / ")) };
        if !living.is_empty() {
            return Err(Stuck { group: self.group.clone(), living });
        }
        match status {
            Ok(Some(status)) => Ok(format!("{}{last}", words(status))),
            _ => Ok(format!("ended{last}")),
        }
    }
}

/// Whether a child has ended; leaves its status for whoever reaps it.
fn over(child: Pid) -> bool {
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    !matches!(waitid(Id::Pid(child), flags), Ok(WaitStatus::StillAlive))
}

/// Waits a tenth of a second at most.
fn wait_for(mut so: impl FnMut() -> bool) {
    for _ in 0..50 {
        if so() {
            return;
        }
        thread::sleep(Duration::from_millis(2));
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.settled
            && let Err(stuck) = self.settle(Patience { grace: Duration::ZERO, limit: Duration::from_secs(1) })
        {
            tracing::error!("{stuck}");
        }
    }
}

fn words(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(9), _) => "was killed (signal 9), perhaps because memory ran out".into(),
        (Some(signal), _) => {
            let name = Signal::try_from(signal).map_or("unknown", Signal::as_str);
            format!("died of signal {signal} ({name})")
        }
        (_, Some(code)) => format!("ended with exit code {code}"),
        _ => "ended".into(),
    }
}

fn listen(stdout: impl Read, generation: u64, notes: &mpsc::Sender<Note>) {
    for line in BufReader::new(stdout).split(b'\n') {
        let Ok(line) = line else { break };
        match serde_json::from_slice::<Word>(&line) {
            Ok(word) => {
                if notes.send(Note::Says(generation, Box::new(word))).is_err() {
                    return;
                }
            }
            Err(error) => tracing::warn!(%error, "a worker said something that is no word"),
        }
    }
    // The slot has ended if nobody listens.
    let _ = notes.send(Note::Gone(generation));
}

fn keep(stderr: impl Read, tail: &Mutex<VecDeque<String>>) {
    for line in BufReader::new(stderr).split(b'\n') {
        let Ok(line) = line else { return };
        let line = String::from_utf8_lossy(&line).trim_end().to_string();
        if line.is_empty() {
            continue;
        }
        tracing::debug!(target: "klieg_nodes::worker", "{line}");
        let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
        tail.push_back(line);
        if tail.len() > TAIL_LINES {
            tail.pop_front();
        }
    }
}

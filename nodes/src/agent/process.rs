use crate::{
    agent::slot::Note,
    talk::{Order, Word},
};
use nix::{
    sys::signal::{Signal, killpg},
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
    reaped: bool,
}

impl Process {
    /// Starts a worker whose words come as notes.
    pub fn start(command: &[OsString], threads: usize, generation: u64, notes: &mpsc::Sender<Note>) -> io::Result<Self> {
        let (program, arguments) = command.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .env("RAYON_NUM_THREADS", threads.to_string())
            .env(crate::worker::AGENT, std::process::id().to_string())
            .process_group(0)
            .spawn()?;
        let taken = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = taken else { return Err(io::ErrorKind::BrokenPipe.into()) };
        let tail = Arc::default();
        let mut process = Self { child, stdin, tail: Arc::clone(&tail), keeper: None, generation, reaped: false };
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

    /// Ends it with its children, and says in words how it ended.
    pub fn end(&mut self) -> String {
        let group = Pid::from_raw(i32::try_from(self.child.id()).unwrap_or(i32::MAX));
        // If it has died by itself its status tells how; a signal after that changes nothing of it.
        let status = if self.reaped { self.child.try_wait() } else { self.settle(group) };
        self.reaped = true;
        // Its last words are read when nobody of the group can say more; one that left the group may hold the pipe.
        wait_for(|| self.keeper.as_ref().is_none_or(JoinHandle::is_finished));
        let tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        let last: Vec<&str> = tail.iter().map(String::as_str).collect();
        let last = if last.is_empty() { String::new() } else { format!("; its last words were: {}", last.join(" / ")) };
        match status {
            Ok(Some(status)) => format!("{}{last}", words(status)),
            _ => format!("ended{last}"),
        }
    }

    fn settle(&mut self, group: Pid) -> io::Result<Option<ExitStatus>> {
        // The group outlives its leader while children of the leader run. Not there any more: nothing to end.
        let _ = killpg(group, Signal::SIGKILL);
        self.child.wait().map(Some)
    }

    /// How it ended, if it was by itself. Gives a dying process a moment, so that its own status is seen and not our signal.
    pub fn ended(&mut self) -> String {
        wait_for(|| !matches!(self.child.try_wait(), Ok(None)));
        self.end()
    }
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
        if !self.reaped {
            self.end();
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

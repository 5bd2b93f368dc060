//! A klieg process that is started again and again in the same place.

use nix::{
    sys::{
        prctl,
        signal::{Signal, kill},
    },
    unistd::Pid,
};
use std::{
    ffi::OsString,
    fs::{self, File},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::Duration,
};

/// Names the processes of one test, so that none can be missed at the end.
pub const MARK: &str = "KLIEG_CHAOS_MARK";

pub struct Seat {
    pub name: String,
    args: Vec<OsString>,
    mark: String,
    log: PathBuf,
    child: Option<Child>,
}

impl Seat {
    pub fn new(name: &str, args: Vec<OsString>, folder: &Path, mark: &str) -> Self {
        Self { name: name.into(), args, mark: mark.into(), log: folder.join(format!("{name}.log")), child: None }
    }

    /// Starts it, unless it runs.
    pub fn start(&mut self) {
        if self.runs() {
            return;
        }
        let log = File::options().create(true).append(true).open(&self.log).expect("a log");
        let mut command = Command::new(env!("CARGO_BIN_EXE_klieg"));
        command.args(&self.args).env(MARK, &self.mark).env("KLIEG_LOG", "info").stdin(Stdio::null());
        command.stdout(log.try_clone().expect("a log")).stderr(log);
        // SAFETY: prctl is one system call; nothing is allocated between fork and exec.
        unsafe {
            command.pre_exec(|| prctl::set_pdeathsig(Signal::SIGKILL).map_err(Into::into));
        }
        self.child = Some(command.spawn().expect("start klieg"));
    }

    pub fn runs(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }

    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    pub fn signal(&self, signal: Signal) {
        if let Some(pid) = self.pid() {
            let _ = kill(Pid::from_raw(pid.cast_signed()), signal);
        }
    }

    /// As a power cut would end it.
    pub fn crash(&mut self) {
        self.signal(Signal::SIGKILL);
        if let Some(mut child) = self.child.take() {
            let _ = child.wait();
        }
    }

    /// Asks it to end and waits. Panics when it does not.
    pub fn end(&mut self, patience: Duration) {
        self.signal(Signal::SIGCONT);
        self.signal(Signal::SIGTERM);
        for _ in 0..patience.as_millis() / 20 {
            if !self.runs() {
                self.child = None;
                return;
            }
            sleep(Duration::from_millis(20));
        }
        panic!("{} does not end when it is asked to; its log:\n{}", self.name, self.tail());
    }

    /// A worker of this agent, if one runs.
    pub fn worker(&self, choose: usize) -> Option<Pid> {
        let parent = self.pid()?;
        let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).ok();
        let threads = fs::read_dir(format!("/proc/{parent}/task")).ok()?.flatten();
        let all: Vec<i32> = threads
            .filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok())
            .chain(children)
            .flat_map(|text| text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<i32>>())
            .collect();
        (!all.is_empty()).then(|| Pid::from_raw(all[choose % all.len()]))
    }

    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    pub fn tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.crash();
    }
}

/// Processes of the test that still live.
pub fn living(mark: &str) -> Vec<String> {
    let wanted = format!("{MARK}={mark}");
    let processes = fs::read_dir("/proc").expect("/proc").flatten();
    let ours = processes.filter(|entry| {
        let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes())
    });
    let named = ours.map(|entry| fs::read_to_string(entry.path().join("cmdline")).unwrap_or_default().replace('\0', " "));
    named.filter(|line| !line.trim().is_empty()).collect()
}

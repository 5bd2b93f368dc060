use crate::process::{Process, free_port, listens};
use nix::sys::signal::Signal;
use std::{
    fs::{self, File},
    process::Command,
};
use tempfile::TempDir;

/// A NATS server with JetStream.
pub struct Nats {
    process: Option<Process>,
    port: u16,
    folder: TempDir,
}

impl Nats {
    pub fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("klieg-nats-").tempdir().expect("a temporary folder");
        let mut server = Self { process: None, port: 0, folder };
        for _ in 0..5 {
            server.port = free_port();
            if server.try_start() {
                return server;
            }
        }
        panic!("nats-server does not start:\n{}", fs::read_to_string(server.folder.path().join("log")).unwrap_or_default());
    }

    fn try_start(&mut self) -> bool {
        let log = File::options().create(true).append(true).open(self.folder.path().join("log")).expect("a log");
        let mut command = Command::new("/usr/sbin/nats-server");
        command.args(["-a", "127.0.0.1", "-p", &self.port.to_string(), "-js", "-sd"]).arg(self.folder.path().join("store"));
        command.stdout(log.try_clone().expect("a log")).stderr(log);
        let port = self.port;
        self.process.insert(Process::start(&mut command, Signal::SIGKILL)).up(|| listens(port))
    }

    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Ends it as a crash would.
    pub fn crash(&mut self) {
        self.process = None;
    }

    /// Starts it again on the same port.
    pub fn restart(&mut self) {
        self.process = None;
        assert!(self.try_start(), "nats-server does not start again");
    }

    /// Makes it forget everything, and starts it again.
    pub fn wipe(&mut self) {
        self.process = None;
        fs::remove_dir_all(self.folder.path().join("store")).expect("remove what it stored");
        self.restart();
    }
}

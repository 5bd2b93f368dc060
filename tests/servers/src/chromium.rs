use crate::process::{Process, free_port, listens};
use nix::sys::signal::Signal;
use std::{
    path::PathBuf,
    process::{Command, Stdio},
};
use tempfile::TempDir;

/// Chromium's WebDriver: starts browsers for whoever asks. What they keep and what they download lies in a temporary folder.
pub struct Chromium {
    _process: Process,
    folder: TempDir,
    driver: String,
}

impl Chromium {
    /// Starts it. Panics where there is none.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        // Another test may take the port in the meantime.
        for _ in 0..10 {
            let port = free_port();
            let mut command = Command::new("chromedriver");
            command.arg(format!("--port={port}")).env("TMPDIR", folder.path()).env("HOME", folder.path());
            command.stdout(Stdio::null()).stderr(Stdio::null());
            let mut process = Process::start(&mut command, Signal::SIGTERM);
            if process.up(|| listens(port)) {
                return Self { _process: process, folder, driver: format!("127.0.0.1:{port}") };
            }
        }
        panic!("chromedriver does not start; run scripts/setup");
    }

    /// Host and port at which sessions are made.
    pub fn driver(&self) -> &str {
        &self.driver
    }

    /// Where its browsers save what they download.
    pub fn downloads(&self) -> PathBuf {
        self.folder.path().join("downloads")
    }
}

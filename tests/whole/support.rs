//! What the whole-system tests share: the klieg program, its farms, small scripts.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// One short scene with two people who speak: about eight seconds of film with its cards.
pub const SMALL: &str = "Title: Small\nAuthor: nobody\n\nINT. KITCHEN - DAY\n\nANNA (30s) stands at the table. BEN (30s), her brother, sits.\n\nANNA\nTea?\n\nBEN\nYes, please.\n";

/// A folder of its own for one test: farm, output and scripts.
pub struct Studio {
    folder: tempfile::TempDir,
}

impl Studio {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a script and returns its path.
    pub fn script(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).expect("write a script");
        path
    }

    /// `klieg ARGS` in this studio's folder, with its own farm.
    pub fn klieg(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_klieg"));
        command.args(args).current_dir(self.folder.path()).env("KLIEG_FARM", self.path("farm")).env_remove("KLIEG_WORKERS");
        command
    }

    pub fn run(&self, args: &[&str]) -> Output {
        self.klieg(args).output().expect("start klieg")
    }

    /// Runs and expects success; standard output as text.
    pub fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "klieg {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    }
}

/// The film's bytes.
pub fn film(folder: &Path) -> Vec<u8> {
    std::fs::read(folder.join("film.mp4")).expect("the film is there")
}

/// The last JSON object that a `--json` render printed.
pub fn result(output: &str) -> serde_json::Value {
    let start = output.rfind("\n{\n").map_or(0, |at| at + 1);
    serde_json::from_str(&output[start..]).expect("a JSON object ends the output")
}

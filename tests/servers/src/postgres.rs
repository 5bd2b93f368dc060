use crate::process::{Process, free_port, unprivileged};
use nix::sys::signal::Signal;
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

const READY: &str = "database system is ready to accept connections";

/// Whether commits reach the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sync {
    /// As in production: for benchmarks, and for tests that cut the power.
    On,
    /// They reach the kernel: enough for a test, and quick.
    Off,
}

/// A PostgreSQL server with an empty database.
pub struct Postgres {
    process: Option<Process>,
    port: u16,
    sync: Sync,
    folder: TempDir,
}

impl Postgres {
    /// Makes a cluster and starts it.
    pub fn start(sync: Sync) -> Self {
        let folder = tempfile::Builder::new().prefix("klieg-postgres-").tempdir().expect("a temporary folder");
        let mut initdb = Command::new(programs().join("initdb"));
        initdb.args(["--username=klieg", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"]);
        unprivileged(initdb.arg("-D").arg(folder.path().join("data")), "postgres", folder.path());
        let made = initdb.output().expect("run initdb; is PostgreSQL there? run scripts/setup");
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let mut server = Self { process: None, port: 0, sync, folder };
        // Somebody else may take the port before the server has it.
        for _ in 0..5 {
            server.port = free_port();
            if server.try_start() {
                return server;
            }
        }
        panic!("PostgreSQL does not start:\n{}", server.log());
    }

    fn try_start(&mut self) -> bool {
        // It listens before it is ready, and says in its log when it is.
        let (file, before) = (self.log_file(), self.log().len());
        let ready = move || fs::read_to_string(&file).is_ok_and(|log| log[before..].contains(READY));
        let folder = self.folder.path();
        let log = File::options().create(true).append(true).open(self.log_file()).expect("a log");
        let mut command = Command::new(programs().join("postgres"));
        command.arg("-D").arg(folder.join("data")).args(["-p", &self.port.to_string()]);
        let socket = format!("unix_socket_directories={}", folder.display());
        let sync = if self.sync == Sync::On { "fsync=on" } else { "fsync=off" };
        for setting in ["listen_addresses=127.0.0.1", "max_connections=60", "shared_buffers=64MB", sync, &socket] {
            command.args(["-c", setting]);
        }
        unprivileged(command.stdout(log.try_clone().expect("a log")).stderr(log), "postgres", folder);
        let process = self.process.insert(Process::start(&mut command, Signal::SIGQUIT));
        process.up(ready)
    }

    /// Where it is; the database is empty at first.
    pub fn url(&self) -> String {
        Self::url_at(self.port)
    }

    /// The same through a proxy.
    pub fn url_at(port: u16) -> String {
        format!("postgres://klieg@127.0.0.1:{port}/postgres")
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Ends it as a crash would. Connections break; what was committed stays, unless `Sync::Off` and the machine crashes too.
    pub fn crash(&mut self) {
        self.process = None;
    }

    /// Starts it again on the same port.
    pub fn restart(&mut self) {
        self.process = None;
        assert!(self.try_start(), "PostgreSQL does not start again:\n{}", self.log());
    }

    /// What it had to say.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("log")
    }
}

/// Debian keeps the server's programs out of the path, a folder for each major version; the newest is taken.
fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").expect("look for PostgreSQL; is it there? run scripts/setup");
    let number = |path: &Path| path.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok());
    let newest = versions.filter_map(|entry| entry.ok().map(|entry| entry.path())).max_by_key(|path| number(path));
    newest.expect("a version of PostgreSQL").join("bin")
}

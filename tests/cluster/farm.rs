//! Processes of a farm: servers and nodes that end with the test, whatever becomes of it.

use crate::support::Studio;
use serde_json::Value;
use std::{
    io::{Read, Write},
    net::TcpStream,
    path::PathBuf,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

/// A process that runs until it is told to end.
pub struct Daemon {
    child: Child,
    out: PathBuf,
    err: PathBuf,
}

impl Daemon {
    pub fn start(studio: &Studio, name: &str, args: &[&str], environment: &[(&str, &str)]) -> Self {
        let (out, err) = (studio.path(&format!("{name}.out")), studio.path(&format!("{name}.err")));
        let file = |path: &PathBuf| Stdio::from(std::fs::File::create(path).expect("a log"));
        let mut command = studio.klieg(args);
        command.envs(environment.iter().copied()).stdout(file(&out)).stderr(file(&err)).stdin(Stdio::null());
        Self { child: command.spawn().expect("start klieg"), out, err }
    }

    /// The JSON line that a server begins with.
    pub fn said(&self) -> Value {
        let begun = Instant::now();
        loop {
            let text = std::fs::read_to_string(&self.out).unwrap_or_default();
            if let Some((line, _)) = text.split_once('\n') {
                return serde_json::from_str(line).expect("JSON");
            }
            assert!(begun.elapsed() < Duration::from_secs(30), "not a word: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.out).unwrap_or_default() + &std::fs::read_to_string(&self.err).unwrap_or_default()
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// SIGTERM, and the exit code.
    pub fn end(&mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        std::process::Command::new("kill").args(["-TERM", &pid]).status().expect("kill");
        self.child.wait().expect("reap").code()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A server in the studio's farm, and what is needed to reach it.
pub struct Cluster<'a> {
    studio: &'a Studio,
    pub server: Daemon,
    pub url: String,
    token: String,
    /// More of the server's settings, in each of its lives.
    settings: Vec<(String, String)>,
}

/// What makes a process's clock so many seconds wrong.
fn clock(seconds: i32) -> Vec<(String, String)> {
    let library = std::fs::read_dir("/usr/lib").expect("/usr/lib").flatten().map(|entry| entry.path());
    let library = library.map(|folder| folder.join("faketime/libfaketime.so.1")).find(|path| path.exists());
    let library = library.expect("scripts/setup installs faketime").display().to_string();
    let ahead = format!("{seconds:+}");
    let clock = [
        ("LD_PRELOAD", library.as_str()),
        ("FAKETIME", ahead.as_str()),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ("FAKETIME_DISABLE_SHM", "1"),
    ];
    clock.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

impl<'a> Cluster<'a> {
    pub fn new(studio: &'a Studio) -> Self {
        Self::with(studio, &[])
    }

    /// With more settings, as the environment has them.
    pub fn with(studio: &'a Studio, settings: &[(&str, &str)]) -> Self {
        let server = Daemon::start(studio, "server", &["serve", "--json", "--listen", "127.0.0.1:0"], settings);
        let url = server.said()["url"].as_str().expect("a URL").to_owned();
        let mut cluster = Self::of(studio, server, url, "");
        cluster.settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        cluster.leads();
        cluster.token = std::fs::read_to_string(studio.path("farm/token")).expect("a token").trim().to_owned();
        cluster
    }

    /// One that was started with more settings.
    pub fn of(studio: &'a Studio, server: Daemon, url: String, token: &str) -> Self {
        Self { studio, server, url, token: token.into(), settings: Vec::new() }
    }

    /// A new life of the server, at the same address.
    pub fn restart(&mut self) {
        self.restart_later(0);
    }

    /// The same, so many seconds later by its own clock.
    pub fn restart_later(&mut self, seconds: i32) {
        let address = self.url.trim_start_matches("http://").to_owned();
        let mut settings = self.settings.clone();
        settings.extend(if seconds == 0 { Vec::new() } else { clock(seconds) });
        let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.server = Daemon::start(self.studio, "server-again", &["serve", "--json", "--listen", &address], &settings);
        self.leads();
    }

    /// Waits until the server leads.
    pub fn leads(&self) {
        let begun = Instant::now();
        while !status(&self.url, "/ready").1.contains("leading") {
            assert!(begun.elapsed() < Duration::from_secs(30), "it does not lead: {}", self.server.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// What a client needs to know.
    pub fn environment(&self) -> [(String, String); 2] {
        [("KLIEG_SERVER".into(), self.url.clone()), ("KLIEG_TOKEN".into(), self.token.clone())]
    }

    pub fn node(&self, name: &str) -> Daemon {
        self.node_of(name, &[&self.url])
    }

    /// One whose clock is so many seconds off.
    pub fn node_at(&self, name: &str, seconds: i32) -> Daemon {
        let clock = clock(seconds);
        let clock: Vec<(&str, &str)> = clock.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.start_node(name, &[&self.url], &clock)
    }

    /// A node of one slot that knows these servers.
    pub fn node_of(&self, name: &str, servers: &[&str]) -> Daemon {
        self.start_node(name, servers, &[])
    }

    fn start_node(&self, name: &str, servers: &[&str], environment: &[(&str, &str)]) -> Daemon {
        let (cache, servers) = (format!("cache-{name}"), servers.join(","));
        let args =
            ["node", "--name", name, "--slots", "1", "--no-gpus", "--disk-free-min", "0", "--cache", &cache, "--server", &servers];
        Daemon::start(self.studio, name, &args, &[environment, &[("KLIEG_TOKEN", &self.token)]].concat())
    }

    /// Waits until the backlog is so.
    pub fn wait(&self, what: &str, so: impl Fn(&Value) -> bool) {
        let begun = Instant::now();
        loop {
            let (_, text) = get(&self.url, "/v1/backlog", &self.token);
            let backlog = text.split("\r\n\r\n").nth(1).and_then(|body| serde_json::from_str(body).ok()).unwrap_or_default();
            if so(&backlog) {
                return;
            }
            assert!(begun.elapsed() < Duration::from_secs(120), "{what}: {backlog} {}", self.server.log());
            std::thread::sleep(Duration::from_millis(30));
        }
    }
}

/// Status and everything that came.
pub fn status(url: &str, path: &str) -> (u16, String) {
    get(url, path, "")
}

fn get(url: &str, path: &str, token: &str) -> (u16, String) {
    let Ok(mut stream) = TcpStream::connect(url.trim_start_matches("http://")) else { return (0, String::new()) };
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n");
    let mut text = String::new();
    let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
    let _ = stream.write_all(request.as_bytes());
    let _ = stream.read_to_string(&mut text);
    (text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0), text)
}

/// Runs what is to be refused: exit code and what it said.
pub fn refused(studio: &Studio, args: &[&str], environment: &[(&str, &str)]) -> (Option<i32>, String) {
    let output = studio.klieg(args).envs(environment.iter().copied()).output().expect("start klieg");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

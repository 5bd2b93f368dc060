//! The farm that is played with: its processes, their servers, the orders, and the checks at the end.

use crate::{
    dice::Dice,
    disk::Disk,
    faults::Fault,
    ledger,
    seat::{self, Seat},
};
use klieg_servers::{Nats, Postgres, Proxy, S3, Sync};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

/// Between two faults, in seconds.
const LULL: (f64, f64) = (0.5, 3.0);
/// How long the farm has, healed, to finish what it has.
const HEALING: Duration = Duration::from_secs(240);
/// How long a process has to end when it is asked to.
const ENDING: Duration = Duration::from_secs(40);
const DISK_BYTES: u64 = 400_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    OneMachine,
    Cluster,
}

/// What a cluster stands on.
pub struct Backing {
    pub postgres: Postgres,
    pub store_door: Proxy,
    pub nats: Nats,
    pub wiped: bool,
    pub s3: S3,
}

pub struct Stage {
    // Fields are dropped in this order: processes before their disks and servers.
    pub servers: Vec<Seat>,
    pub nodes: Vec<Seat>,
    pub doors: Vec<Proxy>,
    pub backing: Option<Backing>,
    pub node_disks: Vec<Disk>,
    pub server_disk: Disk,
    /// The film that is being made.
    pub film: usize,
    /// Workers that were ended, and in which film.
    pub ended: (usize, u32),
    kind: Kind,
    mark: String,
    token: PathBuf,
    runtime: tokio::runtime::Runtime,
    folder: tempfile::TempDir,
}

#[expect(clippy::disallowed_methods, reason = "the test plays for a time")]
fn now() -> Instant {
    Instant::now()
}

fn args(of: &[&dyn AsRef<std::ffi::OsStr>]) -> Vec<OsString> {
    of.iter().map(|arg| arg.as_ref().to_owned()).collect()
}

impl Stage {
    pub fn open(kind: Kind) -> Self {
        let folder = tempfile::Builder::new().prefix("klieg-chaos-").tempdir().expect("a temporary folder");
        let mark = folder.path().display().to_string();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let token = folder.path().join("token");
        fs::write(&token, "chaos-token-long-enough-for-anybody\n").expect("write the token");
        let backing = (kind == Kind::Cluster).then(|| back(&runtime));
        let server_disk = Disk::mount(&folder.path().join("farm"), DISK_BYTES);
        let mut stage = Self {
            servers: Vec::new(),
            nodes: Vec::new(),
            doors: Vec::new(),
            backing,
            node_disks: Vec::new(),
            server_disk,
            film: 0,
            ended: (0, 0),
            kind,
            mark,
            token,
            runtime,
            folder,
        };
        let (servers, nodes) = if kind == Kind::Cluster { (2, 3) } else { (1, 2) };
        (0..servers).for_each(|number| stage.seat_server(number));
        (0..nodes).for_each(|number| stage.seat_node(number));
        stage
    }

    fn seat_server(&mut self, number: usize) {
        let port = free_port();
        let door = self.runtime.block_on(Proxy::start(port));
        let folder = match self.kind {
            Kind::OneMachine => self.server_disk.path().join("farm"),
            Kind::Cluster => self.folder.path().join(format!("server-{number}")),
        };
        let (listen, advertise) = (format!("127.0.0.1:{port}"), format!("http://127.0.0.1:{}", door.port()));
        let mut all = args(&[&"serve", &"--farm", &folder, &"--listen", &listen, &"--advertise", &advertise]);
        all.extend(args(&[&"--token-file", &self.token]));
        if let Some(backing) = &self.backing {
            let store = Postgres::url_at(backing.store_door.port());
            let blobs = format!("s3://{}/farm?endpoint={}", S3::BUCKET, backing.s3.endpoint());
            all.extend(args(&[&"--store", &store, &"--bus", &backing.nats.url(), &"--blobs", &blobs]));
        }
        let mut seat = Seat::new(&format!("server-{number}"), all, self.folder.path(), &self.mark);
        seat.start();
        self.doors.push(door);
        self.servers.push(seat);
    }

    fn urls(&self) -> String {
        self.doors.iter().map(|door| format!("http://127.0.0.1:{}", door.port())).collect::<Vec<_>>().join(",")
    }

    fn seat_node(&mut self, number: usize) {
        let (name, urls) = (format!("node-{number}"), self.urls());
        let disk = Disk::mount(&self.folder.path().join(&name), DISK_BYTES);
        let mut all = args(&[&"node", &"--server", &urls, &"--token-file", &self.token, &"--name", &name, &"--slots", &"1"]);
        all.extend(args(&[
            &"--no-gpus",
            &"--disk-free-min",
            &"0",
            &"--cache",
            &disk.path().join("cache"),
            &"--cache-bytes",
            &"100000000",
        ]));
        let mut seat = Seat::new(&name, all, self.folder.path(), &self.mark);
        seat.start();
        self.node_disks.push(disk);
        self.nodes.push(seat);
    }

    /// Orders films for so long while things go wrong, lets everything heal, and checks what came.
    pub fn play(mut self, time: Duration) {
        let (over, ordered) = (AtomicBool::new(false), AtomicUsize::new(0));
        let (urls, token, folder) = (self.urls(), self.token.clone(), self.folder.path().to_path_buf());
        let (mut dice, mut struck) = (Dice::new(), BTreeMap::<Fault, u32>::new());
        let begun = now();
        thread::scope(|scope| {
            let user = scope.spawn(|| order(&over, &ordered, &urls, &token, &folder));
            while begun.elapsed() < time && !user.is_finished() {
                thread::sleep(dice.pause(LULL.0, LULL.1));
                let fault = *dice.pick(Fault::of(&self));
                println!("{:7.1} s  {fault:?}", begun.elapsed().as_secs_f64());
                self.film = ordered.load(Ordering::SeqCst);
                if fault.strike(&mut self, &mut dice) {
                    *struck.entry(fault).or_default() += 1;
                }
            }
            over.store(true, Ordering::SeqCst);
            self.heal();
            let healed = now();
            while !user.is_finished() && healed.elapsed() < HEALING {
                thread::sleep(Duration::from_millis(100));
                self.heal();
            }
            if !user.is_finished() {
                let logs: Vec<String> =
                    self.servers.iter().chain(&self.nodes).map(|s| format!("{}:\n{}", s.name, s.tail())).collect();
                // The user's thread waits for its film for ever: end the process, and its children with it.
                eprintln!("a film is not finished {HEALING:?} after everything healed\n{}", logs.join("\n"));
                std::process::exit(1);
            }
            if let Err(panic) = user.join() {
                let logs: Vec<String> =
                    self.servers.iter().chain(&self.nodes).map(|s| format!("{}:\n{}", s.name, s.tail())).collect();
                eprintln!("{}", logs.join("\n"));
                std::panic::resume_unwind(panic);
            }
        });
        let films = ordered.load(Ordering::SeqCst);
        let jobs = self.jobs();
        self.end();
        self.check(films, &jobs, &struck, begun.elapsed());
    }

    fn heal(&mut self) {
        for seat in self.servers.iter_mut().chain(&mut self.nodes) {
            seat.signal(nix::sys::signal::Signal::SIGCONT);
            seat.start();
        }
    }

    /// What the farm says of its jobs.
    fn jobs(&self) -> Vec<Value> {
        let token = fs::read_to_string(&self.token).expect("the token");
        let ask = |door: &Proxy| {
            let output = Command::new("curl")
                .args(["--silent", "--show-error", "--fail", "--location-trusted", "--max-time", "20", "-H"])
                .arg(format!("Authorization: Bearer {}", token.trim()))
                .args(["-H", &format!("klieg-protocol: {}", klieg_protocol::wire::PROTOCOL)])
                .arg(format!("http://127.0.0.1:{}/api/v1/jobs?limit=200", door.port()))
                .output()
                .expect("run curl");
            let page: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
            assert!(page["next"].is_null(), "more jobs than on a page");
            page["jobs"].as_array().cloned().ok_or_else(|| String::from_utf8_lossy(&output.stderr).into_owned())
        };
        let answers: Vec<_> = self.doors.iter().map(ask).collect();
        let texts = format!("{answers:?}");
        answers.into_iter().find_map(Result::ok).unwrap_or_else(|| panic!("no server lists its jobs: {texts}"))
    }

    /// Asks everything to end.
    fn end(&mut self) {
        self.nodes.iter_mut().for_each(|node| node.end(ENDING));
        self.servers.iter_mut().for_each(|server| server.end(ENDING));
    }

    fn check(&self, films: usize, jobs: &[Value], struck: &BTreeMap<Fault, u32>, took: Duration) {
        assert!(films > 0, "no film was finished");
        let odd: Vec<&Value> = jobs.iter().filter(|job| job["state"] != "succeeded").collect();
        assert!(odd.is_empty(), "every job ends, and well: {odd:?}");
        assert!(jobs.len() >= films, "{films} films, but the farm knows of {} jobs", jobs.len());
        for seat in self.servers.iter().chain(&self.nodes) {
            let log = seat.log();
            let bad = log.lines().find(|line| line.contains("invariant") || line.contains("panicked"));
            assert!(bad.is_none(), "{}: {bad:?}", seat.name);
        }
        assert_eq!(seat::living(&self.mark), Vec::<String>::new(), "no process is left");
        assert_eq!(self.leftovers(), Vec::<String>::new(), "no temporary file is left");
        if let Some(backing) = &self.backing {
            assert_eq!(backing.s3.uploads_open(), 0, "no upload is left open");
        }
        let calm = self.folder.path().join("calm-farm");
        for n in 0..films {
            let (script, out) = (self.folder.path().join(format!("{n}.fountain")), self.folder.path().join(format!("calm-{n}")));
            let output = ledger::render(&script, &out).env("KLIEG_FARM", &calm).output().expect("start klieg");
            assert!(output.status.success(), "without faults: {}", String::from_utf8_lossy(&output.stderr));
            let stormy = ledger::delivered(&self.folder.path().join(format!("out-{n}")));
            assert_eq!(stormy, ledger::delivered(&out), "film {n} is the one of a farm without faults");
        }
        let struck: BTreeMap<String, u32> = struck.iter().map(|(fault, times)| (format!("{fault:?}"), *times)).collect();
        let figures = json!({
            "farm": format!("{:?}", self.kind), "seconds": took.as_secs(), "faults": struck.values().sum::<u32>(), "struck": struck,
            "films": films, "jobs": jobs.len(), "tasks": jobs.iter().filter_map(|job| job["tasks"]["total"].as_u64()).sum::<u64>(),
            "files_compared": films, "differences": 0,
        });
        println!("{figures:#}");
        if let Some(file) = std::env::var_os("KLIEG_CHAOS_JSON") {
            fs::write(file, format!("{figures:#}\n")).expect("write the figures");
        }
    }

    /// Files in places where only attempts' files are.
    fn leftovers(&self) -> Vec<String> {
        let mut places: Vec<PathBuf> = self.node_disks.iter().map(|disk| disk.path().join("cache")).collect();
        places.push(self.server_disk.path().join("farm"));
        places.extend((0..self.servers.len()).map(|n| self.folder.path().join(format!("server-{n}"))));
        places.iter().flat_map(|place| temporary(place, false)).collect()
    }
}

/// Files under a folder for what is not finished, by the names that klieg gives such folders.
fn temporary(folder: &Path, unfinished: bool) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let found = entries.flat_map(|entry| {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        let unfinished = unfinished || ["scratch", "tmp", "temporary", "incoming", "outbox"].contains(&name.as_str());
        match path.is_dir() {
            true => temporary(&path, unfinished),
            false if unfinished || name.ends_with(".part") => vec![path.display().to_string()],
            false => Vec::new(),
        }
    });
    found.collect()
}

/// A user who orders one film after the other, and the same again when told that it failed for want of a server.
fn order(over: &AtomicBool, ordered: &AtomicUsize, urls: &str, token: &Path, folder: &Path) {
    for n in 0.. {
        if over.load(Ordering::SeqCst) {
            return;
        }
        let (script, out) = (folder.join(format!("{n}.fountain")), folder.join(format!("out-{n}")));
        fs::write(&script, ledger::script(n)).expect("write a script");
        let mut command = ledger::render(&script, &out);
        command.args(["--server", urls, "--token-file"]).arg(token);
        let output = command.output().expect("start klieg");
        assert!(output.status.success(), "film {n}: {}", String::from_utf8_lossy(&output.stderr));
        ordered.fetch_add(1, Ordering::SeqCst);
    }
}

fn back(runtime: &tokio::runtime::Runtime) -> Backing {
    let (postgres, nats) = (Postgres::start(Sync::Off), Nats::start());
    let (store_door, s3) = runtime.block_on(async { (Proxy::start(postgres.port()).await, S3::start().await) });
    Backing { postgres, store_door, nats, wiped: false, s3 }
}

/// A port that nothing listened on a moment ago.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("bind to 127.0.0.1");
    listener.local_addr().expect("its address").port()
}

//! Servers, agents and workers as processes of their own, and their job kind, whose tasks do nothing for as long as they are told.

use klieg_api::{Limits, Server, ServerOptions};
use klieg_kind::{BadInput, Desk, Kind};
use klieg_nodes::{
    Agent, AgentOptions,
    encode::Ffmpeg,
    remote::{Cache, LinkOptions, Remote, RemoteOptions},
    worker,
};
use klieg_protocol::{
    Ask, Class, Digest, Fault, JobSpec, NodeId, Plan, Progress, TaskFailure, TaskResult, TaskSpec,
    wire::{Backlog, Submission},
};
use klieg_scheduler::FarmOptions;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{ExitCode, Stdio},
    sync::Arc,
    time::Duration,
};

pub const TOKEN: &str = "a-token-for-benchmarks-only";

/// `params`: how many tasks, of how many seconds each, and anything that makes the job another one.
pub struct Idle;

pub fn idle(tasks: u32, seconds: f64, salt: &str) -> Submission {
    let params = json!({ "tasks": tasks, "seconds": seconds, "salt": salt });
    let (kind, label) = ("idle".into(), salt.into());
    Submission { kind, label, params, inputs: BTreeMap::new(), project: String::new(), priority: 0 }
}

impl Kind for Idle {
    fn name(&self) -> &'static str {
        "idle"
    }

    fn plan(&self, job: &JobSpec, _: Class, _: &dyn Fn(&Digest) -> std::io::Result<Vec<u8>>) -> Result<Plan, BadInput> {
        let tasks = u32::try_from(job.params["tasks"].as_u64().unwrap_or(1)).unwrap_or(u32::MAX);
        let task = |n| TaskSpec {
            name: format!("idle/{n:06}"),
            step: "idle".into(),
            params: json!([job.params["salt"], n, job.params["seconds"]]),
            inputs: BTreeMap::new(),
            ask: Ask { memory_bytes: 1, seconds: job.params["seconds"].as_f64().unwrap_or(0.0).max(0.001), ..Ask::default() },
            rank: n,
            label: String::new(),
        };
        Ok(Plan { tasks: (0..tasks).map(task).collect() })
    }

    fn run(&self, task: &TaskSpec, desk: &mut dyn Desk) -> Result<TaskResult, TaskFailure> {
        let seconds = task.params[2].as_f64().ok_or_else(|| {
            let message = "its parameters name no seconds".into();
            TaskFailure { fault: Fault::Input, message }
        })?;
        let steps = (seconds / 0.1).ceil();
        for step in 0..steps as u64 {
            std::thread::sleep(Duration::from_millis(100));
            desk.progress(Progress { fraction: (step as f64 / steps) as f32, done: step, note: String::new() })?;
        }
        Ok(TaskResult { outputs: BTreeMap::new(), adds: Vec::new() })
    }
}

/// As `klieg serve` has them.
pub fn farm(folder: &Path) -> FarmOptions {
    FarmOptions { folder: folder.into(), resume_all: true, nodes_outlive: true, ..FarmOptions::default() }
}

pub async fn serve(farm: FarmOptions, listen: SocketAddr, limits: Limits) -> Server {
    let options = ServerOptions {
        farm,
        listen,
        tls: None,
        advertise: None,
        token: TOKEN.into(),
        ca: None,
        kinds: vec![Arc::new(Idle)],
        build: "bench".into(),
        direct: false,
        device: None,
        limits,
        webhooks: klieg_api::Allow::default(),
        people: klieg_api::People::default(),
    };
    Server::start(options).await.expect("a server")
}

pub fn anywhere() -> SocketAddr {
    ([127, 0, 0, 1], 0).into()
}

pub fn link(urls: &[&str]) -> LinkOptions {
    LinkOptions { servers: urls.iter().map(|url| (*url).to_owned()).collect(), token: TOKEN.into(), ca: None }
}

pub fn remote(urls: &[&str], cache: &Path) -> Remote {
    Remote::open(&RemoteOptions { link: link(urls), cache: cache.into(), cache_bytes_max: 1 << 30 }).expect("a cache")
}

pub fn client(urls: &[&str], cache: &Path) -> klieg_api::client::Client {
    klieg_api::client::Client::new(&link(urls), Cache::open(cache, 1 << 30).expect("a cache")).expect("a client")
}

/// Waits until the farm's backlog is so.
pub async fn until(client: &klieg_api::client::Client, so: impl Fn(&Backlog) -> bool) {
    while !client.backlog().await.is_ok_and(|backlog| so(&backlog)) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A process of this program. It ends with this value, and with this process.
pub struct Child {
    process: std::process::Child,
    out: BufReader<std::process::ChildStdout>,
}

impl Child {
    pub fn start(args: &[&str]) -> Self {
        let mut command = std::process::Command::new(std::env::current_exe().expect("this program"));
        let mut process = command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("start this program");
        let out = BufReader::new(process.stdout.take().expect("its output"));
        Self { process, out }
    }

    /// A server on a folder; with a store and a bus of their own if they are named. Gives its URL.
    pub fn serve(folder: &Path, ports: Option<(&str, &str)>) -> (Self, String) {
        let folder = folder.display().to_string();
        let (store, bus) = ports.unwrap_or(("", ""));
        let mut server = Self::start(&["serve", &folder, store, bus]);
        let url = server.said();
        (server, url)
    }

    /// An agent with worker processes.
    pub fn agent(urls: &[&str], name: &str, slots: u32, cache: &Path) -> Self {
        let mut agent = Self::start(&["agent", &urls.join(","), name, &slots.to_string(), &cache.display().to_string()]);
        assert_eq!(agent.said(), name);
        agent
    }

    fn said(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).expect("a line");
        line.trim().to_owned()
    }

    /// SIGKILL, and waits until it is gone.
    pub fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The processes that `Child` starts. `None`: these are other words.
pub async fn part(args: &[String]) -> Option<ExitCode> {
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words[..] {
        ["serve", folder, store, bus] => {
            let named = |url: &str| (!url.is_empty()).then(|| url.to_owned());
            let farm = FarmOptions { store: named(store), bus: named(bus), ..farm(Path::new(folder)) };
            let server = serve(farm, anywhere(), Limits::default()).await;
            say(server.url());
            orphaned().await;
            server.stop().await;
        }
        ["agent", urls, name, slots, cache] => {
            let urls: Vec<&str> = urls.split(',').collect();
            let program = std::env::current_exe().expect("this program");
            let slots = slots.parse().expect("a number of slots");
            let here = AgentOptions::here(vec![program.into(), "worker".into()]);
            let options = AgentOptions { node: NodeId(name.into()), slots, ..here };
            let agent = Agent::start(remote(&urls, &PathBuf::from(cache)), options).await.expect("it joins");
            say(name);
            orphaned().await;
            agent.stop().await;
        }
        _ => return None,
    }
    Some(ExitCode::SUCCESS)
}

/// The life of a worker process, which an agent starts.
pub fn worker() -> ExitCode {
    worker::serve(&[&Idle], &Ffmpeg)
}

fn say(line: &str) {
    let mut out = std::io::stdout();
    writeln!(out, "{line}").and_then(|()| out.flush()).expect("somebody listens");
}

/// Done when the process that started this one is gone, or has let it go.
async fn orphaned() {
    let read = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    let _ = read.await;
}

/// What `/ready` of a server says.
pub async fn ready(url: &str) -> String {
    let answer = klieg_nodes::remote::Link::new(&link(&[url])).expect("a link");
    let ask = klieg_nodes::remote::Ask::new(http::Method::GET, "/ready");
    match answer.get::<Value>(&ask).await {
        Ok(answer) => answer.to_string(),
        Err(error) => error.to_string(),
    }
}

//! A server with a job kind of one task, and the agent's side of the talk.

use klieg_api::{Allow, Limits, Server, ServerOptions, Stand};
use klieg_kind::{BadInput, Desk, Kind};
use klieg_nodes::remote::{LinkOptions, Remote, RemoteOptions};
use klieg_protocol::{
    Ask, Beat, Beaten, Charge, Class, Command, Commands, DeviceBeat, Digest, Dispatch, Dispatcher, Fault, Incarnation, Input,
    JobSpec, NodeId, Offer, Outcome, Plan, Report, Source, TaskFailure, TaskResult, TaskSpec, wire::Heard,
};
use klieg_scheduler::{Farm, FarmOptions};
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

pub const TOKEN: &str = "a-token-for-tests-only";

/// A task that reads the input `text`. Its parameter is the number of tasks.
pub struct Copy;

impl Kind for Copy {
    fn name(&self) -> &'static str {
        "copy"
    }
    fn plan(&self, job: &JobSpec, auto: Class, read: &dyn Fn(&Digest) -> std::io::Result<Vec<u8>>) -> Result<Plan, BadInput> {
        let text =
            read(&job.inputs["text"]).map_err(|e| BadInput { file: "text".into(), line: 0, column: 0, message: e.to_string() })?;
        if text.starts_with(b"bad") {
            return Err(BadInput { file: "text".into(), line: 1, column: 1, message: "it begins with bad".into() });
        }
        let tasks = (0..job.params.as_u64().unwrap_or(1)).map(|n| TaskSpec {
            name: format!("copy/{n}"),
            step: "copy".into(),
            params: n.into(),
            inputs: BTreeMap::from([("text".to_owned(), Input { from: Source::Blob(job.inputs["text"]) })]),
            ask: Ask { seconds: 1.0, class: auto, ..Ask::default() },
            rank: 0,
            label: String::new(),
        });
        Ok(Plan { tasks: tasks.collect() })
    }
    fn run(&self, _: &TaskSpec, _: &mut dyn Desk) -> Result<TaskResult, TaskFailure> {
        Err(TaskFailure { fault: Fault::Input, message: "these tests run tasks by hand".into() })
    }
}

pub fn options(folder: &Path, listen: SocketAddr) -> ServerOptions {
    ServerOptions {
        farm: FarmOptions { folder: folder.into(), resume_all: true, nodes_outlive: true, ..FarmOptions::default() },
        listen,
        tls: None,
        advertise: None,
        token: TOKEN.into(),
        ca: None,
        kinds: vec![Arc::new(Copy)],
        build: "test".into(),
        direct: false,
        device: None,
        webhooks: Allow::default(),
        people: klieg_api::People::default(),
        limits: Limits { alive_every: Duration::from_millis(200), stranger_rate_burst: 10_000, ..Limits::default() },
    }
}

pub fn anywhere() -> SocketAddr {
    ([127, 0, 0, 1], 0).into()
}

pub async fn serve(folder: &Path, listen: SocketAddr) -> Server {
    Server::start(options(folder, listen)).await.expect("a server")
}

/// The farm of a server, once it leads.
pub async fn farm(server: &Server) -> Farm {
    let mut stand = server.stand();
    let led = tokio::time::timeout(Duration::from_secs(20), stand.wait_for(|stand| matches!(stand, Stand::Leading(_)))).await;
    match &*led.expect("it leads in time").expect("a server") {
        Stand::Leading(farm) => farm.clone(),
        _ => unreachable!("waited for it"),
    }
}

pub fn link(server: &Server) -> LinkOptions {
    LinkOptions { servers: vec![server.url().to_owned()], token: TOKEN.into(), ca: None }
}

/// A node whose tasks the test does.
pub struct Hand {
    pub remote: Remote,
    pub offer: Offer,
    pub commands: Box<dyn Commands>,
    pub session: u64,
    pub attempts: Vec<Charge>,
}

impl Hand {
    pub fn remote(link: LinkOptions, cache: &Path) -> Remote {
        Remote::open(&RemoteOptions { link, cache: cache.into(), cache_bytes_max: 1 << 30 }).expect("a cache")
    }

    pub async fn join(remote: Remote, incarnation: u64) -> Self {
        Self::offering(remote, Offer::of_cpu(NodeId("hand".into()), Incarnation(incarnation), 2, 1 << 30)).await
    }

    pub async fn offering(remote: Remote, offer: Offer) -> Self {
        let commands = remote.join(offer.clone()).await.expect("joined");
        let mut hand = Self { remote, offer, commands, session: 0, attempts: Vec::new() };
        hand.settle().await;
        hand
    }

    /// One heartbeat.
    pub async fn beat(&self) -> Heard {
        let beat = Beat {
            node: self.offer.node.clone(),
            incarnation: self.offer.incarnation,
            draining: false,
            devices: vec![DeviceBeat::default(); self.offer.devices.len()],
            session: self.session,
            attempts: self.attempts.clone(),
            telemetry: None,
        };
        self.remote.beat(beat).await.expect("heard")
    }

    /// Beats until the session is agreed on; joins again where that is wanted.
    pub async fn settle(&mut self) {
        for _ in 0..20 {
            let Heard { answer, session, .. } = self.beat().await;
            match answer {
                Beaten::Known if session == self.session => return,
                Beaten::Unknown => self.commands = self.remote.join(self.offer.clone()).await.expect("joined again"),
                _ => {}
            }
            self.session = self.session.max(session);
        }
        panic!("no session");
    }

    /// The next dispatch.
    pub async fn next(&mut self) -> Box<Dispatch> {
        let next = tokio::time::timeout(Duration::from_secs(20), self.commands.next()).await;
        match next.expect("a command in time").expect("commands") {
            Command::Run(dispatch) => {
                self.attempts.push(Charge::of(&dispatch));
                dispatch
            }
            other => panic!("{other:?}"),
        }
    }

    /// Does a task: its output is its input with its name.
    pub async fn compute(&self, dispatch: &Dispatch) -> Report {
        let input = self.remote.fetch(dispatch.inputs["text"]).await.expect("the input");
        let mut bytes = std::fs::read(input).unwrap();
        bytes.extend(dispatch.task.name.as_bytes());
        let (digest, file) = (Digest::of(&bytes), self.remote.scratch().join(dispatch.token.0.to_string()));
        std::fs::write(&file, bytes).unwrap();
        self.remote.adopt(digest, file).await.expect("adopted");
        let outputs = BTreeMap::from([("out".to_owned(), digest)]);
        Report {
            node: self.offer.node.clone(),
            id: dispatch.id.clone(),
            attempt: dispatch.attempt,
            token: dispatch.token,
            outcome: Outcome::Succeeded(TaskResult { outputs, adds: Vec::new() }),
            seconds: 0.1,
            damaged: Vec::new(),
            peak_bytes: None,
            killed: false,
        }
    }
}

/// A folder for one part of a test.
pub fn part(root: &tempfile::TempDir, name: &str) -> PathBuf {
    let path = root.path().join(name);
    std::fs::create_dir_all(&path).unwrap();
    path
}

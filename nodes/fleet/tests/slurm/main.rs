//! The fleet on a real Slurm.

#![expect(clippy::disallowed_methods, reason = "tests wait for real processes, and not for ever")]

mod cluster;
mod farm;
mod server;

use cluster::{Cluster, wait};
use klieg_fleet::{FleetError, Pace, Round, Rules, Server, Slurm, SlurmOptions, follow};
use klieg_nodes::remote::LinkOptions;
use server::{Farm, TOKEN};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::{sync::oneshot, task::JoinHandle};

const LONG: Duration = Duration::from_secs(60);

pub fn options(cluster: &Cluster) -> SlurmOptions {
    let agent = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/slurm/agent.sh");
    SlurmOptions {
        name: "klieg-test".into(),
        agent: vec![agent.into(), cluster.folder().into()],
        cache: Some(cluster.folder().join("cache")),
        partition: Some("gpu".into()),
        gres: None,
        cores: Some(1),
        time: None,
        drain: Duration::from_secs(60),
        logs: cluster.folder().into(),
        sbatch: Vec::new(),
        environment: cluster.environment(),
    }
}

pub fn rules() -> Rules {
    Rules { idle: Duration::from_secs(1), hold_min: Duration::from_secs(3), ..Rules::new(0, 3, 1) }
}

fn link(servers: &[String], token: &str) -> LinkOptions {
    LinkOptions { servers: servers.to_vec(), token: token.into(), ca: None }
}

/// What agents wrote down, by their names.
fn agents(folder: &Path) -> BTreeMap<String, Vec<String>> {
    let files = fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
    let name = |path: &PathBuf| path.file_name()?.to_str()?.strip_prefix("agent-").map(str::to_owned);
    let notes = |path: &PathBuf| fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect();
    files.filter_map(|path| Some((name(&path)?, notes(&path)))).collect()
}

fn noted(folder: &Path, word: &str) -> usize {
    agents(folder).values().flatten().filter(|note| *note == word).count()
}

/// What a round told: how many it started and how many there are, or why it came to nothing.
type Told = Result<(u32, usize), String>;

/// A fleet that runs, and what it tells.
pub struct Running {
    stop: oneshot::Sender<()>,
    fleet: JoinHandle<Result<(), FleetError>>,
    told: Arc<Mutex<Vec<Told>>>,
}

impl Running {
    pub fn start(server: Server, slurm: Slurm, rules: Rules) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let told: Arc<Mutex<Vec<Told>>> = Arc::default();
        let notes = Arc::clone(&told);
        let fleet = tokio::spawn(async move {
            let pace = Pace { interval: Duration::from_millis(200), once: false, dry: false };
            let mut tell = |round: Result<&Round, &FleetError>| {
                let note = round.map(|round| (round.decision.start, round.agents.len())).map_err(ToString::to_string);
                notes.lock().unwrap().push(note);
            };
            let stop = async { drop(stopped.await) };
            follow(&server, &slurm, &rules, pace, &mut || 0.0, &mut tell, stop).await
        });
        Self { stop, fleet, told }
    }

    pub async fn end(self) {
        self.stop.send(()).unwrap();
        self.fleet.await.unwrap().unwrap();
    }

    pub fn started(&self) -> u32 {
        self.told.lock().unwrap().iter().flatten().map(|(start, _)| start).sum()
    }

    /// The most agents that there were at a time.
    pub fn most(&self) -> usize {
        self.told.lock().unwrap().iter().flatten().map(|(_, agents)| *agents).max().unwrap_or_default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fleet_grows_with_the_backlog_and_drains_when_it_is_gone() {
    let cluster = Cluster::start();
    let (folder, farm) = (cluster.folder(), Farm::start());
    // A standby in front sends the fleet on to the leader.
    let address = [format!("{}/standby", farm.address())];
    let server = || Server::new(&link(&address, TOKEN)).unwrap().for_class(Some("cuda".into()));
    let slurm = || Slurm::new(options(&cluster)).unwrap();

    let fleet = Running::start(server(), slurm(), rules());
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!((fleet.started(), cluster.jobs()), (0, vec![]), "there was no work");
    let begun = Instant::now();
    farm.set(40, 0);
    assert!(wait(LONG, || noted(folder, "joined") == 3), "{:?}\n{}", cluster.jobs(), cluster.logs());
    println!("0 -> 3 agents: {:.2} s", begun.elapsed().as_secs_f64());
    farm.set(37, 3);
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!((fleet.started(), cluster.jobs().len()), (3, 3), "more than three are not allowed");
    fleet.end().await;

    // A fleet that begins anew finds them. While they work none is told anything.
    farm.set(0, 3);
    let fleet = Running::start(server(), slurm(), rules());
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!((fleet.started(), noted(folder, "told"), cluster.jobs().len()), (0, 0, 3));

    // The work ends, but agents that drain may take their time; nobody tells them twice, a third fleet neither.
    fs::write(folder.join("busy"), "").unwrap();
    let begun = Instant::now();
    farm.set(0, 0);
    assert!(wait(LONG, || noted(folder, "told") == 3));
    let told = begun.elapsed();
    fleet.end().await;
    let fleet = Running::start(server(), slurm(), rules());
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!((noted(folder, "told"), noted(folder, "left"), cluster.jobs().len()), (3, 0, 3));
    fs::remove_file(folder.join("busy")).unwrap();
    let begun = Instant::now();
    assert!(wait(LONG, || cluster.jobs().is_empty()), "{:?}", cluster.jobs());
    println!(
        "3 -> 0 agents: {:.2} s until told (1 s of it idle), {:.2} s to leave",
        told.as_secs_f64(),
        begun.elapsed().as_secs_f64()
    );
    for (name, notes) in agents(folder) {
        assert_eq!(notes, ["joined", "told", "left"], "{name}");
    }
    assert_eq!(fleet.started(), 0);
    fleet.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_is_said_and_changes_nothing() {
    let cluster = Cluster::start();
    let (folder, farm) = (cluster.folder(), Farm::start());
    let server = |token_text: &str| Server::new(&link(&[farm.address()], token_text)).unwrap().for_class(Some("cuda".into()));
    let once = Pace { interval: LONG, once: true, dry: false };
    let round = async |server: Server, options: SlurmOptions, pace: Pace| {
        let mut seen = None;
        let mut tell = |round: Result<&Round, &FleetError>| {
            seen = round.ok().map(|round| (round.decision.clone(), round.started.clone(), round.troubles.clone()));
        };
        let slurm = Slurm::new(options).unwrap();
        let done = follow(&server, &slurm, &rules(), pace, &mut || 0.0, &mut tell, std::future::pending()).await;
        done.map(|()| seen.unwrap())
    };
    farm.set(2, 0);

    let refused = round(server("wrong"), options(&cluster), once).await;
    assert!(matches!(refused, Err(FleetError::Look(error)) if error.status() == Some(401)));
    let away = Server::new(&link(&["http://127.0.0.1:9".into(), format!("{}/no", farm.address())], TOKEN)).unwrap();
    let said = round(away, options(&cluster), once).await.unwrap_err().to_string();
    assert!(said.ends_with("/no: the store cannot be reached"), "{said}");
    let (decision, started, _) = round(server(TOKEN), options(&cluster), Pace { dry: true, ..once }).await.unwrap();
    assert_eq!((decision.start, started.len()), (2, 0));
    let elsewhere = SlurmOptions { partition: Some("nowhere".into()), ..options(&cluster) };
    let (_, started, troubles) = round(server(TOKEN), elsewhere, once).await.unwrap();
    assert_eq!(started.len(), 0);
    assert!(troubles.len() == 1 && troubles[0].contains("sbatch") && troubles[0].contains("partition"), "{troubles:?}");
    assert_eq!(cluster.jobs(), Vec::<String>::new());

    // Agents that cannot start: the log is named, and the next ones wait.
    fs::write(folder.join("broken"), "").unwrap();
    let fleet = Running::start(server(TOKEN), Slurm::new(options(&cluster)).unwrap(), rules());
    let begun = Instant::now();
    assert!(wait(LONG, || fleet.started() >= 2));
    assert!(wait(LONG, || fleet.started() >= 3), "it tries again");
    assert!(begun.elapsed() >= Duration::from_secs(3), "but not at once");
    fleet.end().await;

    // Waiting jobs are taken back, without a word to those that run.
    cluster.run("scancel", &["--state=PENDING", "--name=klieg-test"]);
    assert!(wait(LONG, || cluster.jobs().is_empty()), "{:?}", cluster.jobs());
    // Not before the last of them has seen it.
    fs::remove_file(folder.join("broken")).unwrap();
    let whole = SlurmOptions { name: "whole".into(), cores: Some(8), ..options(&cluster) };
    let (_, started, troubles) = round(server(TOKEN), whole.clone(), once).await.unwrap();
    assert_eq!((started.len(), troubles), (2, vec![]));
    assert!(wait(LONG, || noted(folder, "joined") == 1));
    let slurm = Slurm::new(whole).unwrap();
    slurm.cancel(started[0]).await.unwrap();
    slurm.cancel(started[1]).await.unwrap();
    assert!(wait(LONG, || cluster.jobs().len() == 1));
    assert_eq!((noted(folder, "joined"), noted(folder, "told")), (1, 0));
}

/// Slurm itself tells agents to drain before their time is up.
#[tokio::test(flavor = "multi_thread")]
async fn an_agent_drains_before_its_time_is_up() {
    let cluster = Cluster::start();
    let limit = SlurmOptions { time: Some("1".into()), drain: Duration::from_secs(58), ..options(&cluster) };
    let slurm = Slurm::new(limit).unwrap();
    slurm.start().await.unwrap();
    assert!(wait(LONG, || noted(cluster.folder(), "left") == 1), "{:?}\n{}", cluster.jobs(), cluster.logs());
    assert_eq!(noted(cluster.folder(), "told"), 1);
    assert!(wait(LONG, || cluster.jobs().is_empty()));
    let agents = slurm.agents().await.unwrap();
    assert!(matches!(agents[0].stage, klieg_fleet::Stage::Ended { failed: false, .. }), "{agents:?}");
}

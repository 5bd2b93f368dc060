//! What an agent does when it cannot reach the farm, and what the next agent finds when one died.

use crate::{
    help::{agent_options, alive, block, ended, events, open, run, start, submit, text, this_as, until},
    kind::task,
};
use klieg_nodes::{Agent, AgentOptions};
use klieg_protocol::JobState;
use klieg_protocol::{
    Beat, Closed, Commands, Digest, Dispatcher, Event, Fault, Incarnation, NodeId, Offer, Progress, Report, TaskFailure, TaskId,
    Token, wire::Heard,
};
use klieg_scheduler::Farm;
use serde_json::json;
use std::{path::PathBuf, time::Duration};
use tokio::sync::watch;

/// A farm that can be reached while the switch is on.
struct Far {
    farm: Farm,
    on: watch::Receiver<bool>,
    lease: Duration,
    grace: Duration,
}

impl Far {
    async fn reach(&self) {
        let _ = self.on.clone().wait_for(|on| *on).await;
    }
}

impl Dispatcher for Far {
    async fn join(&self, offer: Offer) -> Result<Box<dyn Commands>, Closed> {
        self.reach().await;
        self.farm.join(offer).await
    }
    async fn leave(&self, node: &NodeId, incarnation: Incarnation) -> Result<(), Closed> {
        self.reach().await;
        self.farm.leave(node, incarnation).await
    }
    async fn beat(&self, beat: Beat) -> Result<Heard, Closed> {
        self.reach().await;
        let heard = self.farm.beat(beat).await?;
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap();
        Ok(Heard { lease_ms: millis(self.lease), grace_ms: millis(self.grace), ..heard })
    }
    fn progress(&self, id: &TaskId, token: Token, progress: Progress) {
        if *self.on.borrow() {
            self.farm.progress(id, token, progress);
        }
    }
    async fn report(&self, report: Report) -> Result<bool, Closed> {
        self.reach().await;
        self.farm.report(report).await
    }
    async fn fetch(&self, digest: Digest) -> Result<PathBuf, TaskFailure> {
        self.farm.fetch(digest).await
    }
    async fn adopt(&self, digest: Digest, file: PathBuf) -> Result<(), TaskFailure> {
        self.farm.adopt(digest, file).await
    }
    fn scratch(&self) -> PathBuf {
        self.farm.scratch()
    }
}

/// An agent of a farm whose lease is so short that what runs ends when it has not answered for 0.6 s, or for so much more.
async fn far(farm: &Farm, more: Duration) -> (Agent, watch::Sender<bool>) {
    let (switch, on) = watch::channel(true);
    let (lease, grace) = (Duration::from_millis(400) + more, Duration::from_millis(400));
    let options = AgentOptions { silence: Duration::from_secs(60), ..agent_options(1) };
    let agent = Agent::start(Far { farm: farm.clone(), on, lease, grace }, options).await.unwrap();
    (agent, switch)
}

#[test]
fn what_nobody_can_believe_to_run_is_ended() {
    block(async {
        let folder = tempfile::tempdir().unwrap();
        let farm = open(folder.path()).await;
        let (agent, switch) = far(&farm, Duration::ZERO).await;
        let pids = folder.path().join("pids");
        let job =
            submit(&farm, "far", vec![task("a", "idle once", json!({"text": "t", "pids": pids.display().to_string()}))]).await;
        until("it idles", || std::fs::read_to_string(&pids).is_ok_and(|text| text.contains(' '))).await;
        switch.send_replace(false);
        let worker: Vec<u32> = std::fs::read_to_string(&pids).unwrap().split(' ').map(|pid| pid.parse().unwrap()).collect();
        until("worker and child are gone", || !worker.iter().any(|pid| alive(*pid))).await;
        switch.send_replace(true);
        let events = events(&farm, &job).await;
        let lost = |event: &Event| match event {
            Event::TaskFailed { failure, again: true, .. } => {
                failure.fault == Fault::Nobody && failure.message.contains("could not reach the farm")
            }
            _ => false,
        };
        assert!(events.iter().any(lost), "{events:?}");
        assert_eq!(ended(&events).0, JobState::Succeeded);
        agent.stop().await;
        farm.close().await;
    });
}

#[test]
fn a_short_absence_costs_nothing() {
    block(async {
        let folder = tempfile::tempdir().unwrap();
        let farm = open(folder.path()).await;
        // Ten seconds are more than this machine may be busy with other things.
        let (agent, switch) = far(&farm, Duration::from_secs(10)).await;
        let job = submit(&farm, "far", vec![task("a", "slow", json!({"text": "t", "steps": 60}))]).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        switch.send_replace(false);
        tokio::time::sleep(Duration::from_millis(900)).await;
        switch.send_replace(true);
        assert_eq!(ended(&events(&farm, &job).await).0, JobState::Succeeded);
        assert_eq!(farm.task_records(&job).await.unwrap()[0].attempts, 1);
        agent.stop().await;
        farm.close().await;
    });
}

#[test]
fn what_was_finished_before_is_handed_in_however_late() {
    block(async {
        let folder = tempfile::tempdir().unwrap();
        let farm = open(folder.path()).await;
        let (agent, switch) = far(&farm, Duration::ZERO).await;
        let log = folder.path().join("log");
        let job = submit(&farm, "far", vec![task("a", "text", json!({"text": "t", "log": log.display().to_string()}))]).await;
        until("it has run", || log.exists()).await;
        switch.send_replace(false);
        tokio::time::sleep(Duration::from_millis(1500)).await;
        switch.send_replace(true);
        assert_eq!(ended(&events(&farm, &job).await).0, JobState::Succeeded);
        assert_eq!(text(&farm, &job, "a").await, "t");
        assert_eq!(std::fs::read(&log).unwrap().len(), 1, "it was not computed again");
        agent.stop().await;
        farm.close().await;
    });
}

/// What the killed process does.
pub async fn leaver_process() {
    let folder = PathBuf::from(std::env::var_os(LEAVER).expect("a folder"));
    let (farm, _agent) = start(&folder, 1).await;
    let pids = folder.join("pids").display().to_string();
    run(&farm, "leaver", vec![task("a", "leaver", json!({"pids": pids}))]).await;
}

const LEAVER: &str = "KLIEG_TEST_LEAVER";

#[test]
fn the_next_agent_ends_what_a_dead_one_left() {
    block(async {
        let folder = tempfile::tempdir().unwrap();
        let command = this_as("as_leaver");
        let mut dead = std::process::Command::new(&command[0]).args(&command[1..]).env(LEAVER, folder.path()).spawn().unwrap();
        let pids = folder.path().join("pids");
        until("it has left", || std::fs::read_to_string(&pids).is_ok_and(|text| text.contains(' '))).await;
        let told = std::fs::read_to_string(&pids).unwrap();
        let (worker, left) = told.split_once(' ').map(|(a, b)| (a.parse().unwrap(), b.parse().unwrap())).unwrap();
        dead.kill().unwrap();
        dead.wait().unwrap();
        until("the worker is gone", || !alive(worker)).await;
        assert!(alive(left), "it had left the worker's group");
        let (farm, agent) = start(folder.path(), 1).await;
        assert!(!alive(left), "the next agent has ended it");
        agent.stop().await;
        farm.close().await;
    });
}

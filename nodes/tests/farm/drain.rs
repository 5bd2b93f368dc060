//! An agent that leaves.

use crate::{
    help::{agent_options, block, ended, events, start, submit, until},
    kind::task,
};
use klieg_nodes::{Agent, AgentOptions, Ended};
use klieg_protocol::{Event, Fault, JobState, NodeId};
use serde_json::json;
use std::time::Duration;

fn there() -> AgentOptions {
    AgentOptions { node: NodeId("there".into()), ..agent_options(1) }
}

#[test]
fn what_runs_finishes_and_nothing_else_begins() {
    block(async {
        let folder = tempfile::tempdir().unwrap();
        let (farm, agent) = start(folder.path(), 1).await;
        let log = folder.path().join("log").display().to_string();
        let slow = |name: &str| task(name, "slow", json!({"text": "t", "steps": 40}));
        let job = submit(&farm, "first", vec![slow("a"), slow("b")]).await;
        let mut watch = farm.watch(&job);
        while !matches!(watch.next().await, Some(Event::TaskStarted { .. })) {}
        assert_eq!(agent.drain(Duration::from_secs(20)).await, 0);
        let records = farm.task_records(&job).await.unwrap();
        assert_eq!(records.iter().filter(|record| record.attempts > 0).count(), 1, "{records:?}");
        let later = submit(&farm, "later", vec![task("c", "text", json!({"text": "t", "log": log}))]).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert!(!std::path::Path::new(&log).exists());
        agent.stop().await;
        let agent = Agent::start(farm.clone(), there()).await.unwrap();
        for job in [job, later] {
            assert_eq!(ended(&events(&farm, &job).await).0, JobState::Succeeded);
        }
        agent.stop().await;
        farm.close().await;
    });
}

#[test]
fn what_takes_too_long_goes_on_elsewhere() {
    block(async {
        let folder = tempfile::tempdir().unwrap();
        let (farm, agent) = start(folder.path(), 1).await;
        let pids = folder.path().join("pids");
        let job =
            submit(&farm, "long", vec![task("a", "idle once", json!({"text": "t", "pids": pids.display().to_string()}))]).await;
        until("it idles", || std::fs::read_to_string(&pids).is_ok_and(|text| text.contains(' '))).await;
        assert_eq!(agent.drain(Duration::from_millis(50)).await, 1);
        agent.stop().await;
        let agent = Agent::start(farm.clone(), there()).await.unwrap();
        let events = events(&farm, &job).await;
        let fault = events.iter().find_map(|e| if let Event::TaskFailed { failure, .. } = e { Some(failure.fault) } else { None });
        assert_eq!((ended(&events).0, fault), (JobState::Succeeded, Some(Fault::Nobody)), "{events:?}");
        agent.stop().await;
        farm.close().await;
    });
}

#[test]
fn an_agent_whose_place_is_taken_ends() {
    block(async {
        let folder = tempfile::tempdir().unwrap();
        let (farm, old) = start(folder.path(), 1).await;
        let new = Agent::start(farm.clone(), agent_options(1)).await.unwrap();
        let ended = tokio::time::timeout(Duration::from_secs(20), old.ended()).await.expect("it ends");
        // Its commands end, or its heartbeat is answered so, whichever comes first.
        assert!(matches!(ended, Ended::Replaced | Ended::Closed), "{ended:?}");
        old.stop().await;
        new.stop().await;
        farm.close().await;
    });
}

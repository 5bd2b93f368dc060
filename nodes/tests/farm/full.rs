//! A disk that fills up: the job fails with the task named, nothing is broken, and it goes on when there is room.

use crate::{
    help::{agent_options, ended, run, start, text, this_as},
    kind::task,
};
use klieg_nodes::Agent;
use klieg_protocol::JobState;
use nix::sys::{
    resource::{Resource, getrlimit, setrlimit},
    signal::{SigHandler, Signal, signal},
};
use serde_json::json;
use std::{path::PathBuf, process::Command};

const FOLDER: &str = "KLIEG_TEST_LITTLE_ROOM";

fn room(bytes: Option<u64>) {
    let (_, hard) = getrlimit(Resource::RLIMIT_FSIZE).unwrap();
    setrlimit(Resource::RLIMIT_FSIZE, bytes.unwrap_or(hard), hard).unwrap();
}

/// A limit on file sizes stands for the full disk: the same calls fail.
pub async fn farm_with_little_room() {
    // SAFETY: ignoring a signal runs no handler.
    unsafe { signal(Signal::SIGXFSZ, SigHandler::SigIgn) }.unwrap();
    let folder = PathBuf::from(std::env::var_os(FOLDER).expect("a folder"));
    let large = "large".repeat(500_000);
    let tasks =
        || vec![task("small", "text", json!({"text": "s"})), task("large", "repeat", json!({"text": "large", "times": 500_000}))];
    let (farm, agent) = start(&folder, 1).await;
    room(Some(1_000_000));
    let (_, events) = run(&farm, "full", tasks()).await;
    let (state, reason) = ended(&events);
    assert_eq!(state, JobState::Failed);
    assert!(reason.contains("task large") && reason.contains("the disk is full"), "{reason}");
    agent.stop().await;
    room(None);
    let agent = Agent::start(farm.clone(), agent_options(1)).await.unwrap();
    let (job, events) = run(&farm, "full", tasks()).await;
    assert_eq!(ended(&events).0, JobState::Succeeded);
    assert_eq!(text(&farm, &job, "large").await, large);
    assert!(farm.task_records(&job).await.unwrap()[0].reused, "what was finished before is kept");
    agent.stop().await;
    farm.close().await;
}

#[test]
fn a_full_disk_fails_the_task_and_breaks_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let command = this_as("as_farm_with_little_room");
    let output = Command::new(&command[0]).args(&command[1..]).env(FOLDER, folder.path()).output().unwrap();
    let told = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && told.contains("1 passed"), "{told}");
}

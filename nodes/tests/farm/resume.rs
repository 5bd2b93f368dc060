//! Killing the whole farm at any moment loses no finished work and leaves no process.

use crate::{
    help::{alive, block, ended, events, run, start, submit, text, this_as, until},
    kind::{join, task},
};
use klieg_protocol::{JobState, TaskSpec};
use klieg_scheduler::{
    Farm, FarmError, FarmOptions,
    store::{Sqlite, Store},
};
use serde_json::json;
use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

const FOLDER: &str = "KLIEG_TEST_FARM";

fn tasks(log: &Path) -> Vec<TaskSpec> {
    let names: Vec<String> = (0..8).map(|i| format!("s{i}")).collect();
    let log = log.display().to_string();
    let slow = |name: &String| task(name, "slow", json!({"text": format!("{name} "), "steps": 6, "log": log}));
    let mut tasks: Vec<TaskSpec> = names.iter().map(slow).collect();
    tasks.push(join("all", &names.iter().map(String::as_str).collect::<Vec<_>>()));
    tasks
}

/// What the killed process does.
pub async fn farm_process() {
    let folder = PathBuf::from(std::env::var_os(FOLDER).expect("a folder"));
    let (farm, agent) = start(&folder, 2).await;
    let idle = folder.join("idle");
    if idle.exists() {
        let pids = folder.join("pids").display().to_string();
        run(&farm, "idle", vec![task("a", "idle", json!({"pids": pids}))]).await;
    }
    run(&farm, "killed", tasks(&folder.join("log"))).await;
    agent.stop().await;
    farm.close().await;
    std::fs::write(folder.join("done"), "").expect("done");
}

fn spawn(folder: &Path) -> Child {
    let command = this_as("as_farm");
    Command::new(&command[0]).args(&command[1..]).env(FOLDER, folder).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

#[test]
fn killed_at_any_moment_it_goes_on() {
    block(async {
        let folder = tempfile::tempdir().unwrap();
        for wait in [30, 90, 140, 200, 260] {
            let mut farm = spawn(folder.path());
            tokio::time::sleep(Duration::from_millis(wait)).await;
            farm.kill().unwrap();
            farm.wait().unwrap();
        }
        let (farm, agent) = start(folder.path(), 2).await;
        let (job, events) = run(&farm, "killed", tasks(&folder.path().join("log"))).await;
        assert_eq!(ended(&events).0, JobState::Succeeded);
        assert_eq!(text(&farm, &job, "all").await, "s0 s1 s2 s3 s4 s5 s6 s7 ");
        agent.stop().await;
        farm.close().await;
        let jobs = klieg_scheduler::offline::jobs(folder.path()).await.unwrap();
        assert!(jobs.iter().all(|job| job.state == JobState::Succeeded), "{jobs:?}");
        assert_eq!(std::fs::read_dir(folder.path().join("scratch")).unwrap().count(), 0);
    });
}

#[test]
fn no_process_outlives_a_killed_farm() {
    block(async {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("idle"), "").unwrap();
        let mut farm = spawn(folder.path());
        let pids = folder.path().join("pids");
        until("it idles", || std::fs::read_to_string(&pids).is_ok_and(|text| text.contains(' '))).await;
        let busy = Farm::open(FarmOptions { folder: folder.path().into(), ..FarmOptions::default() }).await.err();
        assert!(matches!(busy, Some(FarmError::Busy { pid: Some(pid) }) if pid == farm.id()), "{busy:?}");
        farm.kill().unwrap();
        farm.wait().unwrap();
        let pids: Vec<u32> = std::fs::read_to_string(&pids).unwrap().split(' ').map(|pid| pid.parse().unwrap()).collect();
        until("worker and child are gone", || !pids.iter().any(|pid| alive(*pid))).await;
    });
}

#[test]
fn an_unfinished_job_goes_on_as_the_same_job() {
    block(async {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log").display().to_string();
        let crash = || task("b", "crash", json!({"text": "b", "times": 0, "log": log}));
        let tasks = || vec![task("a", "text", json!({"text": "a"})), crash(), join("c", &["a", "b"])];
        let farm = crate::help::open(folder.path()).await;
        let job = submit(&farm, "later", tasks()).await;
        farm.close().await;
        let (farm, agent) = start(folder.path(), 1).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(!Path::new(&log).exists(), "nobody has asked for it again");
        assert_eq!(submit(&farm, "later", tasks()).await, job);
        assert_eq!(ended(&events(&farm, &job).await).0, JobState::Succeeded);
        assert_eq!(text(&farm, &job, "c").await, "ab");
        assert_ne!(submit(&farm, "later", tasks()).await, job, "it has ended");
        agent.stop().await;
        farm.close().await;
    });
}

#[test]
fn a_request_to_cancel_outlives_the_farm_that_did_not_see_it() {
    block(async {
        let folder = tempfile::tempdir().unwrap();
        let tasks = || vec![task("a", "text", json!({"text": "a"}))];
        let farm = crate::help::open(folder.path()).await;
        let job = submit(&farm, "later", tasks()).await;
        farm.close().await;
        let store = Sqlite::open(&folder.path().join("farm.sqlite")).await.unwrap();
        store.ask_cancel(&job, 1).await.unwrap();
        store.close().await;
        let (farm, agent) = start(folder.path(), 1).await;
        let again = submit(&farm, "later", tasks()).await;
        assert_ne!(again, job);
        assert_eq!(ended(&events(&farm, &again).await).0, JobState::Succeeded);
        assert_eq!(ended(&events(&farm, &job).await).0, JobState::Cancelled);
        agent.stop().await;
        farm.close().await;
    });
}

//! What workers may do to a farm, and the farm to them.

use crate::{
    help::{agent_options, alive, block, ended, events, open, run, start, submit, text, until},
    kind::{join, task},
};
use klieg_nodes::{Agent, AgentOptions};
use klieg_protocol::{Event, Fault, JobState, TaskState};
use serde_json::json;
use std::time::Duration;

#[test]
fn outputs_flow_from_task_to_task() {
    block(async {
        let folder = tempfile::tempdir().unwrap();
        let (farm, agent) = start(folder.path(), 2).await;
        let tasks = vec![
            join("c", &["a", "b"]),
            task("a", "text", json!({"text": "one "})),
            task("b", "file", json!({"text": "two"})),
            task("p", "print", json!({"text": ""})),
        ];
        let (job, events) = run(&farm, "flow", tasks).await;
        assert_eq!(ended(&events), (JobState::Succeeded, String::new()));
        assert_eq!(text(&farm, &job, "c").await, "one two");
        let records = farm.task_records(&job).await.unwrap();
        assert_eq!(records.iter().map(|r| r.name.as_str()).collect::<Vec<_>>(), ["c", "a", "b", "p"]);
        assert!(records.iter().all(|r| r.state == TaskState::Succeeded && r.attempts == 1 && !r.reused && r.cost > 0.0));
        agent.stop().await;
        farm.close().await;
        assert_eq!(std::fs::read_dir(folder.path().join("scratch")).unwrap().count(), 0);
        assert_eq!(std::fs::read_dir(folder.path().join("blobs/temp")).unwrap().count(), 0);
    });
}

#[test]
fn tasks_add_tasks() {
    block(async {
        let folder = tempfile::tempdir().unwrap();
        let (farm, agent) = start(folder.path(), 2).await;
        let grow = || vec![task("grow", "grow", json!({"texts": ["x", "y", "z"]}))];
        let (job, events) = run(&farm, "grow", grow()).await;
        assert_eq!(ended(&events).0, JobState::Succeeded);
        assert_eq!(text(&farm, &job, "whole").await, "xyz");
        let (again, events) = run(&farm, "grow", grow()).await;
        assert_ne!(again, job);
        let reused = events.iter().filter(|e| matches!(e, Event::TaskSucceeded { reused: true, .. })).count();
        assert_eq!(reused, 5);
        assert_eq!(text(&farm, &again, "whole").await, "xyz");
        agent.stop().await;
        farm.close().await;
    });
}

#[test]
fn a_crash_costs_an_attempt_and_no_more() {
    block(async {
        let folder = tempfile::tempdir().unwrap();
        let (farm, agent) = start(folder.path(), 1).await;
        let log = |name: &str| folder.path().join(name).display().to_string();
        let tasks = vec![task("a", "crash", json!({"text": "well", "times": 2, "log": log("two")}))];
        let (job, events) = run(&farm, "twice", tasks).await;
        assert_eq!(ended(&events).0, JobState::Succeeded);
        assert_eq!(text(&farm, &job, "a").await, "well");
        assert_eq!(farm.task_records(&job).await.unwrap()[0].attempts, 3);

        let tasks = vec![task("b", "crash", json!({"times": 9, "log": log("nine")})), join("after", &["b"])];
        let (job, events) = run(&farm, "always", tasks).await;
        let (state, reason) = ended(&events);
        assert_eq!(state, JobState::Failed);
        assert!(reason.contains("task b failed after 3 attempts") && reason.contains("SIGABRT"), "{reason}");
        assert!(reason.contains("it hurts"), "{reason}");
        let records = farm.task_records(&job).await.unwrap();
        assert_eq!((records[0].state, records[1].state), (TaskState::Failed, TaskState::Cancelled));
        agent.stop().await;
        farm.close().await;
    });
}

#[test]
fn faults_are_told_apart() {
    block(async {
        let folder = tempfile::tempdir().unwrap();
        let (farm, agent) = start(folder.path(), 1).await;
        for (fault, runs) in [("input", 1), ("task", 3), ("node", 3)] {
            let log = folder.path().join(fault);
            let tasks = vec![task("a", "fail", json!({"fault": fault, "log": log.display().to_string()}))];
            let (_, events) = run(&farm, fault, tasks).await;
            let (state, reason) = ended(&events);
            assert_eq!(state, JobState::Failed);
            assert!(reason.ends_with("it would not"), "{reason}");
            assert_eq!(std::fs::read(&log).unwrap().len(), runs, "{fault}");
        }
        let (_, events) = run(&farm, "panic", vec![task("a", "panic", json!({}))]).await;
        let reason = ended(&events).1;
        assert!(reason.contains("no such luck") && reason.contains("kind.rs"), "{reason}");
        let (_, events) = run(&farm, "ghost", vec![task("a", "ghost", json!({}))]).await;
        assert!(ended(&events).1.contains("did not store"), "{:?}", ended(&events));
        agent.stop().await;
        farm.close().await;
    });
}

#[test]
fn a_worker_that_cannot_start_is_the_nodes_fault() {
    block(async {
        let folder = tempfile::tempdir().unwrap();
        let farm = open(folder.path()).await;
        for worker in [vec!["/nowhere/klieg".into()], vec!["sh".into(), "-c".into(), "echo no library >&2; exit 127".into()]] {
            let agent = Agent::start(farm.clone(), AgentOptions { worker, ..agent_options(1) }).await.unwrap();
            let (_, events) = run(&farm, "start", vec![task("a", "text", json!({"text": "t"}))]).await;
            let fault =
                events.iter().find_map(|e| if let Event::TaskFailed { failure, .. } = e { Some(failure.fault) } else { None });
            let (state, reason) = ended(&events);
            assert_eq!((state, fault), (JobState::Failed, Some(Fault::Node)), "{reason}");
            assert!(reason.contains("/nowhere/klieg") || reason.contains("no library"), "{reason}");
            agent.stop().await;
        }
        farm.close().await;
    });
}

#[test]
fn a_worker_that_hangs_is_ended() {
    block(async {
        let folder = tempfile::tempdir().unwrap();
        let (farm, agent) = start(folder.path(), 1).await;
        let log = folder.path().join("log").display().to_string();
        let (_, events) = run(&farm, "hang", vec![task("a", "hang", json!({"text": "t", "log": log}))]).await;
        let hung = events.iter().any(|event| match event {
            Event::TaskFailed { failure, again: true, .. } => failure.fault == Fault::Task && failure.message.contains("hung"),
            _ => false,
        });
        assert!(hung, "{events:?}");
        assert_eq!(ended(&events).0, JobState::Succeeded);
        agent.stop().await;
        farm.close().await;
    });
}

#[test]
fn cancelling_ends_what_runs() {
    block(async {
        let folder = tempfile::tempdir().unwrap();
        let (farm, agent) = start(folder.path(), 1).await;
        let pids = folder.path().join("pids");
        let job = submit(&farm, "idle", vec![task("a", "idle", json!({"pids": pids.display().to_string()}))]).await;
        until("it idles", || std::fs::read_to_string(&pids).is_ok_and(|text| text.contains(' '))).await;
        // As another process would.
        klieg_scheduler::offline::request_cancel(folder.path(), &job).await.unwrap();
        let (state, _) = ended(&events(&farm, &job).await);
        assert_eq!(state, JobState::Cancelled);
        let pids: Vec<u32> = std::fs::read_to_string(&pids).unwrap().split(' ').map(|pid| pid.parse().unwrap()).collect();
        until("worker and child are gone", || !pids.iter().any(|pid| alive(*pid))).await;
        // The slot is free again.
        let (_, events) = run(&farm, "next", vec![task("a", "text", json!({"text": "n"}))]).await;
        assert_eq!(ended(&events).0, JobState::Succeeded);
        agent.stop().await;
        farm.close().await;
    });
}

#[test]
fn stopping_is_quick_and_loses_nothing() {
    block(async {
        let folder = tempfile::tempdir().unwrap();
        let (farm, agent) = start(folder.path(), 2).await;
        let pids = folder.path().join("pids");
        let tasks = || {
            let idle = task("b", "idle", json!({"pids": pids.display().to_string()}));
            vec![task("a", "text", json!({"text": "kept"})), idle]
        };
        let job = submit(&farm, "stop", tasks()).await;
        until("it idles", || std::fs::read_to_string(&pids).is_ok_and(|text| text.contains(' '))).await;
        tokio::time::timeout(Duration::from_secs(2), async {
            agent.stop().await;
            farm.close().await;
        })
        .await
        .expect("within two seconds");
        for pid in std::fs::read_to_string(&pids).unwrap().split(' ') {
            assert!(!alive(pid.parse().unwrap()), "{pid} lives");
        }
        let jobs = klieg_scheduler::offline::jobs(folder.path()).await.unwrap();
        assert_eq!((jobs[0].state, jobs[0].id.clone()), (JobState::Running, job.clone()));
        let why = klieg_scheduler::offline::why(folder.path(), &job, None).await.unwrap();
        assert!(why[0].contains("klieg resume"), "{why:?}");
        klieg_scheduler::offline::request_cancel(folder.path(), &job).await.unwrap();
        let jobs = klieg_scheduler::offline::jobs(folder.path()).await.unwrap();
        assert_eq!(jobs[0].state, JobState::Cancelled);
    });
}

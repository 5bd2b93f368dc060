//! What was computed once is not computed again.

use crate::{
    help::{block, ended, open, run, start, text},
    kind::{join, task},
};
use klieg_protocol::{Event, JobState, TaskSpec};
use serde_json::json;
use std::{path::Path, time::Duration};

fn tasks(log: &Path, first: &str) -> Vec<TaskSpec> {
    let log = log.display().to_string();
    let text = |name: &str, text: &str| task(name, "text", json!({"text": text, "log": log}));
    vec![text("a", first), text("b", "two"), join("c", &["a", "b"]), join("d", &["b"])]
}

fn reused(events: &[Event]) -> Vec<&str> {
    let mut names: Vec<&str> = events
        .iter()
        .filter_map(|event| match event {
            Event::TaskSucceeded { task, reused: true, .. } => Some(task.as_str()),
            _ => None,
        })
        .collect();
    names.sort_unstable();
    names
}

#[test]
fn an_edit_computes_only_what_it_touches() {
    block(async {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let (farm, agent) = start(folder.path(), 2).await;
        run(&farm, "one", tasks(&log, "one")).await;
        let (job, events) = run(&farm, "edited", tasks(&log, "other")).await;
        assert_eq!(ended(&events).0, JobState::Succeeded);
        assert_eq!(reused(&events), ["b", "d"]);
        assert_eq!(text(&farm, &job, "c").await, "othertwo");
        agent.stop().await;
        farm.close().await;
        assert_eq!(std::fs::read(&log).unwrap().len(), 3);
    });
}

#[test]
fn a_known_job_needs_no_node_and_no_time() {
    block(async {
        let folder = tempfile::tempdir().unwrap();
        let (farm, agent) = start(folder.path(), 2).await;
        let tasks = || -> Vec<TaskSpec> {
            let names: Vec<String> = (0..300).map(|i| format!("t{i:03}")).collect();
            let grow = task("grow", "grow", json!({"texts": names}));
            vec![grow]
        };
        run(&farm, "many", tasks()).await;
        agent.stop().await;
        farm.close().await;
        let again = async {
            let farm = open(folder.path()).await;
            let (_, events) = run(&farm, "many", tasks()).await;
            farm.close().await;
            events
        };
        let events = tokio::time::timeout(Duration::from_secs(5), again).await.expect("in time even on a busy machine");
        assert_eq!(reused(&events).len(), 302);
    });
}

#[test]
fn damaged_artifacts_are_computed_anew() {
    block(async {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let (farm, agent) = start(folder.path(), 1).await;
        let (job, _) = run(&farm, "one", tasks(&log, "one")).await;
        let outputs = farm.outputs(&job).await.unwrap();
        let b = outputs[&("b".to_string(), "text".to_string())];
        std::fs::write(farm.blob_file(&b).await.unwrap(), "2wo").unwrap();
        // The damage is found by the task that reads it, and the next run computes it anew.
        let (_, events) = run(&farm, "two", tasks(&log, "other")).await;
        assert!(ended(&events).1.contains("damaged"), "{:?}", ended(&events));
        let (job, events) = run(&farm, "two", tasks(&log, "other")).await;
        assert_eq!(ended(&events).0, JobState::Succeeded);
        assert_eq!(text(&farm, &job, "c").await, "othertwo");
        agent.stop().await;
        farm.close().await;
    });
}

#[test]
fn the_cache_keeps_its_bound() {
    block(async {
        let folder = tempfile::tempdir().unwrap();
        let (farm, agent) = start(folder.path(), 1).await;
        let big = |n: usize| vec![task("a", "text", json!({"text": format!("{n}").repeat(10_000)}))];
        for n in 1..=4 {
            run(&farm, "big", big(n)).await;
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
        run(&farm, "big", big(1)).await;
        let orphan = farm.put(vec![7; 5_000]).await.unwrap();
        assert_eq!(farm.sweep(100_000).await.unwrap(), 0);
        assert_eq!(farm.sweep(25_000).await.unwrap(), 25_000);
        assert!(farm.blob(&orphan).await.is_err());
        let (_, events) = run(&farm, "big", big(1)).await;
        assert_eq!(reused(&events), ["a"], "used last, so kept");
        let (_, events) = run(&farm, "big", big(2)).await;
        assert_eq!(reused(&events), [""; 0], "used first, so swept");
        assert_eq!(ended(&events).0, JobState::Succeeded);
        agent.stop().await;
        farm.close().await;
    });
}

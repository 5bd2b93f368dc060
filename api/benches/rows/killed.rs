//! Processes that are killed (SIGKILL): how soon a task of a dead node begins elsewhere, and how soon a standby leads.

use crate::{
    clock::Watch,
    house::{Child, client, idle, ready, until},
    row::Row,
};
use klieg_protocol::Event;
use klieg_servers::{Nats, Postgres, Sync};
use std::{path::Path, time::Duration};

/// Seconds from a node's death until its task begins on another one.
async fn recovery(url: &str, folder: &Path, round: u32) -> f64 {
    let client = client(&[url], &folder.join(format!("client {round}")));
    let agent = |name: &str| Child::agent(&[url], &format!("{name} {round}"), 1, &folder.join(format!("{name} {round}")));
    let mut one = agent("one");
    let job = client.submit(&idle(1, 60.0, &format!("recovery {round}"))).await.expect("submit");
    let mut events = client.watch(&job);
    let mut begun = async |wanted: u32| {
        loop {
            match events.next().await.expect("events") {
                Some(Event::TaskStarted { attempt, .. }) if attempt == wanted => return,
                Some(_) => {}
                None => panic!("the job ended"),
            }
        }
    };
    begun(1).await;
    let two = agent("two");
    until(&client, |backlog| backlog.nodes == 2).await;
    // At another moment between two heartbeats each time.
    tokio::time::sleep(Duration::from_millis(u64::from(round) * 370 % 2_000)).await;
    one.kill();
    let watch = Watch::start();
    begun(2).await;
    let seconds = watch.seconds();
    client.cancel(&job).await.expect("cancel");
    drop(two);
    seconds
}

/// Seconds from a leader's death until a standby says that it leads.
async fn takeover(folders: [&Path; 2], ports: Option<(&str, &str)>) -> f64 {
    let (mut first, one) = Child::serve(folders[0], ports);
    while !ready(&one).await.contains("leading") {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let (_second, two) = Child::serve(folders[1], ports);
    while !ready(&two).await.contains("standby") {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    first.kill();
    let watch = Watch::start();
    while !ready(&two).await.contains("leading") {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    watch.seconds()
}

/// Prints the worst of some.
fn print(what: &str, mut found: Vec<f64>, goal: f64) {
    found.sort_by(f64::total_cmp);
    let (median, worst) = (found[found.len() / 2], found[found.len() - 1]);
    let what = format!("{what}, the worst of {} (median {median:.1} s)", found.len());
    Row::at_most(what, worst, goal, "s").print();
}

pub async fn rows(times: u32) {
    let folder = tempfile::tempdir().expect("a folder");
    let (_server, url) = Child::serve(&folder.path().join("farm"), None);
    let mut found = Vec::new();
    for round in 0..times {
        found.push(recovery(&url, folder.path(), round).await);
    }
    print("a task whose node is killed: until it begins elsewhere", found, 12.0);
    let mut found = Vec::new();
    for round in 0..times {
        let farm = folder.path().join(format!("takeover {round}"));
        found.push(takeover([&farm, &farm], None).await);
    }
    print("a leader is killed, SQLite: until the standby leads", found, 5.0);
    let (postgres, nats) = (Postgres::start(Sync::On), Nats::start());
    let (store, bus, mut found) = (postgres.url(), nats.url(), Vec::new());
    for round in 0..times {
        let farm = |name: &str| folder.path().join(format!("cluster {name} {round}"));
        found.push(takeover([&farm("one"), &farm("two")], Some((store.as_str(), bus.as_str()))).await);
    }
    print("a leader is killed, PostgreSQL + NATS: until the standby leads", found, 5.0);
}

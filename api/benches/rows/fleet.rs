//! Many nodes that lose their leader at once, each with work running: how long until all of them are settled with the next one, and
//! whether any attempt was lost or begun twice. Each is a session of the agents' own client over real HTTP on loopback.

use crate::{
    clock::Watch,
    house::{idle, remote, until},
    node::{Node, Told, Way},
    row::Row,
};
use klieg_api::client::Client;
use klieg_nodes::remote::Remote;
use std::{collections::BTreeSet, future::Future, path::Path};

/// What was found.
#[derive(Debug)]
pub struct Found {
    /// From the leader's end until every node has a session with the next one.
    pub settled_s: f64,
    /// Tasks that were begun more than once, or not at all.
    pub begun_wrongly: usize,
    /// Tasks whose end was not taken exactly once.
    pub ended_wrongly: usize,
    /// Reports that were refused.
    pub refused: u32,
}

/// `urls`: of the servers; the first leads. `fall` ends it as a crash does.
pub async fn measure(nodes: u32, urls: &[&str], client: &Client, folder: &Path, fall: impl Future<Output = ()>) -> Found {
    let told = Told::default();
    client.submit(&idle(nodes, 3_600.0, "fleet")).await.expect("submit");
    let mut fleet: Vec<Node<Remote>> = Vec::new();
    for number in 0..nodes {
        let name = format!("node-{number:04}");
        fleet.push(Node::join(remote(urls, &folder.join(&name)), &name, 1, told.clone(), Way::Runs).await);
    }
    told.first(nodes as usize).await;
    let mut before = Vec::new();
    for node in &fleet {
        before.push(node.settled(0).await);
    }
    let watch = Watch::start();
    fall.await;
    for (node, session) in fleet.iter().zip(before) {
        node.settled(session).await;
    }
    until(client, |backlog| backlog.nodes == u64::from(nodes) && backlog.running == u64::from(nodes)).await;
    let settled_s = watch.seconds();
    // Long enough for whatever would be dispatched anew: commands that a node does not know of are sent again.
    tokio::time::sleep(std::time::Duration::from_secs(6)).await;
    let running: BTreeSet<_> = fleet.iter().flat_map(Node::running).collect();
    let finishing: Vec<_> = fleet.into_iter().map(|node| tokio::spawn(async move { node.finish().await })).collect();
    for node in finishing {
        node.await.expect("a node");
    }
    until(client, |backlog| backlog.ready + backlog.running == 0).await;
    let notes = told.notes();
    let once = |count: &u32| *count == 1;
    Found {
        settled_s,
        begun_wrongly: nodes as usize - notes.runs.values().filter(|runs| once(runs)).count().min(running.len()),
        ended_wrongly: nodes as usize - notes.taken.values().filter(|taken| once(taken)).count(),
        refused: notes.refused,
    }
}

pub async fn rows(nodes: u32) {
    use crate::house::{Child, client};
    let folder = tempfile::tempdir().expect("a folder");
    let farm = folder.path().join("farm");
    let (mut first, one) = Child::serve(&farm, None);
    let here = client(&[&one], &folder.path().join("client"));
    until(&here, |_| true).await;
    let (_second, two) = Child::serve(&farm, None);
    let there = client(&[&one, &two], &folder.path().join("other client"));
    let found = measure(nodes, &[&one, &two], &there, folder.path(), async { first.kill() }).await;
    let what = format!("{nodes} nodes, each with a task, whose leader is killed: until all are settled with the next");
    Row::at_most(what, found.settled_s, 30.0, "s").print();
    let wrong = (found.begun_wrongly + found.ended_wrongly) as f64 + f64::from(found.refused);
    Row::at_most("of their tasks: lost, doubled or refused", wrong, 0.0, "tasks").print();
}

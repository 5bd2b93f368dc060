//! More submissions than a farm takes: it says so, and says when to come again; what it has accepted survives even its death; and its
//! nodes are heard meanwhile.

use crate::{
    clock::{Watch, now},
    house::{idle, link, remote, until},
    node::{Node, Told, Way},
    row::Row,
};
use klieg_api::client::Client;
use klieg_nodes::remote::{Ask, Link, LinkError, read};
use klieg_protocol::JobId;
use std::{
    collections::BTreeSet,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    pub accepted: BTreeSet<JobId>,
    /// 429 with `Retry-After`.
    pub later: u32,
    /// Any other refusal, with the first one's words.
    pub other: u32,
    pub words: String,
    pub seconds: f64,
    /// Of the heartbeats meanwhile, in seconds, sorted.
    pub beats: Vec<f64>,
}

impl Found {
    fn note(&mut self, answer: Result<JobId, LinkError>) {
        match answer {
            Ok(job) => drop(self.accepted.insert(job)),
            Err(LinkError::Busy { after, problem, .. }) if problem.status == 429 && !after.is_zero() => self.later += 1,
            Err(error) => {
                self.other += 1;
                self.words = error.to_string();
            }
        }
    }

    fn add(&mut self, other: Self) {
        self.accepted.extend(other.accepted);
        self.later += other.later;
        self.other += other.other;
        if !other.words.is_empty() {
            self.words = other.words;
        }
    }
}

async fn submit(link: &Link, salt: &str) -> Result<JobId, LinkError> {
    #[derive(serde::Deserialize)]
    struct Accepted {
        id: JobId,
    }
    let accepted: Accepted = read(link.call(&Ask::post("/api/v1/jobs", &idle(1, 3_600.0, salt))).await?).await?;
    Ok(accepted.id)
}

/// Somebody who submits job after job and does not wait when asked to.
async fn push(link: Arc<Link>, number: u32, until: Instant) -> Found {
    let (mut found, mut job) = (Found::default(), 0);
    while now() < until {
        found.note(submit(&link, &format!("client {number}, job {job}")).await);
        job += 1;
    }
    found
}

/// So many clients for so long, beside so many nodes that work.
pub async fn measure(url: &str, clients: u32, nodes: u32, lasts: Duration, folder: &Path) -> Found {
    let told = Told::default();
    let mut fleet = Vec::new();
    for number in 0..nodes {
        let name = format!("node-{number}");
        fleet.push(Arc::new(Node::join(remote(&[url], &folder.join(&name)), &name, 1, told.clone(), Way::Runs).await));
    }
    let before: Vec<usize> = fleet.iter().map(|node| node.beats().len()).collect();
    // One, because each reads the machine's certificates; it has as many connections as there are questions under way.
    let link = Arc::new(Link::new(&link(&[url])).expect("a link"));
    let (watch, end) = (Watch::start(), now() + lasts);
    let pushing: Vec<_> = (0..clients).map(|number| tokio::spawn(push(Arc::clone(&link), number, end))).collect();
    let mut found = Found::default();
    for client in pushing {
        found.add(client.await.expect("a client"));
    }
    found.seconds = watch.seconds();
    found.beats = fleet.iter().zip(before).flat_map(|(node, before)| node.beats().split_off(before)).collect();
    found.beats.sort_by(f64::total_cmp);
    found
}

/// The accepted jobs that the farm does not have.
pub async fn lost(client: &Client, found: &Found) -> usize {
    until(client, |_| true).await;
    let there: BTreeSet<JobId> = client.jobs().await.expect("the jobs").into_iter().map(|job| JobId(job.id)).collect();
    found.accepted.difference(&there).count()
}

pub async fn rows(lasts: Duration) {
    use crate::house::{Child, client};
    let (clients, nodes) = (512, 20);
    let folder = tempfile::tempdir().expect("a folder");
    let farm = folder.path().join("farm");
    let (mut server, url) = Child::serve(&farm, None);
    until(&client(&[&url], &folder.path().join("client")), |_| true).await;
    let found = measure(&url, clients, nodes, lasts, folder.path()).await;
    server.kill();
    let (_again, url) = Child::serve(&farm, None);
    let lost = lost(&client(&[&url], &folder.path().join("client again")), &found).await;
    let rate = found.accepted.len() as f64 / found.seconds;
    let what = format!("overload by {clients} clients that never wait: answered 429 with Retry-After");
    Row::of(what, format!("{} of {}", found.later, found.later as usize + found.accepted.len() + found.other as usize)).print();
    Row::at_most("overload: other refusals, by all of them", f64::from(found.other), 0.0, "answers").print();
    if found.other > 0 {
        eprintln!("overload: {}", found.words);
    }
    Row::of("overload: jobs accepted over HTTP meanwhile", format!("{rate:.0} jobs/s")).print();
    Row::at_most("overload: accepted jobs that are lost, the server killed at the end", lost as f64, 0.0, "jobs").print();
    let p99 = found.beats.get((found.beats.len() * 99 / 100).min(found.beats.len().saturating_sub(1))).copied().unwrap_or(f64::NAN);
    // A quarter of a node's lease.
    Row::at_most(format!("overload: a heartbeat's answer, p99 of {} ({nodes} nodes)", found.beats.len()), p99, 2.0, "s").print();
}

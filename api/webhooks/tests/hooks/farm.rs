use async_trait::async_trait;
use klieg_servers::{Postgres, Sync};
use klieg_webhooks::{Allow, Created, Database, Delivery, NewWebhook, Notice, Options, Resolve, State, Webhooks};
use serde_json::json;
use std::{
    collections::VecDeque,
    future::Future,
    io,
    net::IpAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

pub const NOW: i64 = 1_800_000_000;

/// Answers with what it is given, one answer after the other, and counts.
pub struct Names(Mutex<VecDeque<Vec<IpAddr>>>);

impl Names {
    pub fn new(answers: &[&[&str]]) -> Arc<Self> {
        let answer = |answer: &&[&str]| answer.iter().map(|address| address.parse().unwrap()).collect();
        Arc::new(Self(Mutex::new(answers.iter().map(answer).collect())))
    }

    pub fn left(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

#[async_trait]
impl Resolve for Names {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let unknown = || io::Error::other(format!("{name} is asked for once more"));
        self.0.lock().unwrap().pop_front().ok_or_else(unknown)
    }
}

/// Receivers of tests are on this machine, on any port.
pub fn here() -> Allow {
    Allow::default().network("127.0.0.1").unwrap().ports(1..=u16::MAX)
}

pub fn options(allow: Allow) -> Options {
    Options { allow, patience: Duration::from_secs(10), ..Options::new().unwrap() }
}

pub async fn open(database: &Database, allow: Allow) -> Webhooks {
    Webhooks::open(database.clone(), options(allow)).await.unwrap()
}

/// Plays a test on SQLite and on PostgreSQL.
pub fn on_both<F: Future<Output = ()>>(test: impl Fn(Database) -> F) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("farm.sqlite").display());
    runtime.block_on(async { test(Database::open(&url).await.unwrap()).await });
    let server = Postgres::start(Sync::Off);
    runtime.block_on(async { test(Database::open(&server.url()).await.unwrap()).await });
}

/// Plays a test on SQLite: what does not depend on the database.
pub fn on_one<F: Future<Output = ()>>(test: impl Fn(Database) -> F) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("farm.sqlite").display());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async { test(Database::open(&url).await.unwrap()).await });
}

pub async fn add(webhooks: &Webhooks, url: &str, events: &[&str]) -> Created {
    let new = NewWebhook { url: url.into(), events: events.iter().map(|event| (*event).to_owned()).collect() };
    webhooks.add("ada", &new, NOW).await.unwrap()
}

/// Publishes that a job succeeded; gives how many webhooks will be told.
pub async fn publish(webhooks: &Webhooks, job: &str) -> u64 {
    let data = json!({ "job": job });
    let notice = Notice { key: &format!("{job}-ended"), event: "job.succeeded", data: &data, at: NOW };
    webhooks.publish(&notice, NOW).await.unwrap()
}

/// The one delivery of a webhook.
pub async fn only(webhooks: &Webhooks, created: &Created) -> Delivery {
    let page = webhooks.deliveries(&created.webhook.id, 10, None).await.unwrap();
    let [delivery] = <[Delivery; 1]>::try_from(page.deliveries).unwrap();
    delivery
}

pub async fn state(webhooks: &Webhooks, created: &Created) -> State {
    only(webhooks, created).await.state
}

//! What a new leader needs until it dispatches again, when an earlier one left many queued tasks in the store.

use crate::{
    clock::Watch,
    million::resident_mb,
    node::{Node, Told, Way},
    row::Row,
    work::Load,
};
use klieg_scheduler::{
    Farm, FarmOptions,
    ports::AnyStore,
    round::gather,
    state::{Dice, Rules, State},
    store::{Batch, Store, lead_now},
};
use std::time::Duration;

/// What was found.
#[derive(Debug)]
pub struct Found {
    /// Until the farm is open.
    pub open_s: f64,
    /// Until a node that waits has been given its first task.
    pub dispatch_s: f64,
    /// Until every job goes on.
    pub resumed_s: f64,
    /// Of the new leader, its allocations while it loads included.
    pub peak_mb: f64,
    /// What its store has, as the new leader sees it.
    pub queued: u64,
}

/// Fills a store as a scheduler does that accepts these jobs.
pub async fn fill(store: &impl Store, load: Load) {
    let epoch = lead_now(store, "an earlier leader").await.expect("the lead");
    for job in 0..load.jobs {
        let (mut state, mut dice) = (State::new(Rules { fail_unplaceable: false, ..Rules::default() }), Dice(1));
        let effects = load.submit(&mut state, job, &mut dice);
        let mut batch = Batch::default();
        gather(&state, &effects, 1, &|_| 0, &mut batch);
        store.commit(epoch, job as u64 + 1, &batch).await.expect("a commit");
    }
    store.close().await;
}

/// Opens the farm as `klieg serve` does, with a node at the door.
pub async fn open(options: FarmOptions, load: Load) -> Found {
    let watch = Watch::start();
    let farm = Farm::open(FarmOptions { resume_all: true, nodes_outlive: true, ..options }).await.expect("a farm");
    let open_s = watch.seconds();
    let told = Told::default();
    let node = Node::join(farm.clone(), "waits", 1, told.clone(), Way::Runs).await;
    told.first(1).await;
    let dispatch_s = watch.seconds();
    let queued = loop {
        let backlog = farm.backlog().await.expect("it lives");
        let queued = backlog.ready + backlog.running;
        // Not for ever, should some be lost.
        if queued >= load.tasks() as u64 || watch.seconds() > 120.0 {
            break queued;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let found = Found { open_s, dispatch_s, resumed_s: watch.seconds(), peak_mb: peak_mb(), queued };
    drop(node);
    farm.close().await;
    found
}

/// The most memory that this process has had.
fn peak_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0 kB");
    line.trim().trim_end_matches("kB").trim().parse::<f64>().unwrap_or_else(|_| resident_mb()) / 1024.0
}

/// A store that lies in a file or on a server.
pub async fn fill_at(url: &str, load: Load) {
    let store = AnyStore::open(url).await.expect("a store");
    fill(&store, load).await;
}

pub async fn rows(load: Load, postgres: bool) {
    let folder = tempfile::tempdir().expect("a folder");
    let server = postgres.then(|| klieg_servers::Postgres::start(klieg_servers::Sync::On));
    let (name, url) = match &server {
        Some(server) => ("PostgreSQL", server.url()),
        None => ("SQLite", format!("sqlite:{}", folder.path().join("farm.sqlite").display())),
    };
    let filling = Watch::start();
    fill_at(&url, load).await;
    eprintln!("{name}: filled in {:.1} s, {:.0} MB resident", filling.seconds(), resident_mb());
    let options = FarmOptions { folder: folder.path().into(), store: Some(url), ..FarmOptions::default() };
    let found = open(options, load).await;
    assert_eq!(found.queued, load.tasks() as u64, "nothing is lost");
    eprintln!("{name}: {found:?}");
    let what = |until: &str| format!("{} queued tasks after a takeover, {name}: until {until}", load.tasks());
    Row::at_most(what("the farm is open"), found.open_s, 10.0, "s").print();
    Row::at_most(what("a node is given the first task"), found.dispatch_s, 10.0, "s").print();
    Row::at_most(what("every job goes on"), found.resumed_s, 10.0, "s").print();
    Row::of(what("every job goes on, the most memory"), format!("{:.0} MB", found.peak_mb)).print();
}

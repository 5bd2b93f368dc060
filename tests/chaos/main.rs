//! Real processes that are killed, stopped, cut off and starved of disk, and what must come out nevertheless: every job ends once,
//! every output has the bytes of a run without faults, and nothing is left over.
//!
//! `make test` plays a minute on one machine's farm (SQLite, folder, in-process bus); `make chaos` half an hour on a cluster's
//! (PostgreSQL, NATS, S3, two schedulers, three nodes). `KLIEG_CHAOS_SECONDS`, `KLIEG_CHAOS_SEED` and `KLIEG_CHAOS_JSON` (a file for
//! the figures) change that. Faults come by seed; what the processes make of it takes the time it takes.

mod dice;
mod disk;
mod faults;
mod ledger;
mod seat;
mod stage;

use stage::{Kind, Stage};
use std::time::Duration;

fn seconds(usual: u64) -> Duration {
    let told = std::env::var("KLIEG_CHAOS_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(told.unwrap_or(usual))
}

#[test]
fn one_machine_keeps_its_promises_for_a_minute() {
    disk::apart("one_machine");
}

#[test]
#[ignore = "one_machine_keeps_its_promises_for_a_minute starts it"]
fn one_machine() {
    Stage::open(Kind::OneMachine).play(seconds(60));
}

#[test]
#[ignore = "half an hour: `make chaos`"]
fn a_cluster_keeps_its_promises_for_half_an_hour() {
    disk::apart("cluster");
}

#[test]
#[ignore = "a_cluster_keeps_its_promises_for_half_an_hour starts it"]
fn cluster() {
    Stage::open(Kind::Cluster).play(seconds(1_800));
}

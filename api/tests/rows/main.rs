//! The farm's speed table in small: what each measurement rests on holds, whatever the figures are.
#![expect(dead_code, reason = "the figures are printed by benches/rows alone")]

#[path = "../../benches/rows/clock.rs"]
mod clock;
#[path = "../../benches/rows/fleet.rs"]
mod fleet;
#[path = "../../benches/rows/house.rs"]
mod house;
#[path = "../../benches/rows/killed.rs"]
mod killed;
#[path = "../../benches/rows/load.rs"]
mod load;
#[path = "../../benches/rows/million.rs"]
mod million;
#[path = "../../benches/rows/node.rs"]
mod node;
#[path = "../../benches/rows/noop.rs"]
mod noop;
#[path = "../../benches/rows/overload.rs"]
mod overload;
#[path = "../../benches/rows/row.rs"]
mod row;
#[path = "../../benches/rows/work.rs"]
mod work;

use klieg_api::Limits;
use klieg_scheduler::FarmOptions;
use klieg_servers::{Postgres, Sync};
use std::time::Duration;
use work::Load;

#[test]
fn a_long_queue_is_placed() {
    let found = million::measure(Load { jobs: 5, tasks_a_job: 200 }, 4);
    assert_eq!(found.queued, 1_000);
    assert!(found.first_placements > 0 && found.busy_placements > 0, "{found:?}");
}

/// Nothing of a long queue is lost, and it goes on, when another leader takes it over.
async fn is_taken_over(url: String, folder: &std::path::Path) {
    let load = Load { jobs: 130, tasks_a_job: 80 };
    load::fill_at(&url, load).await;
    let found = load::open(FarmOptions { store: Some(url), ..house::farm(folder) }, load).await;
    assert_eq!(found.queued, load.tasks() as u64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_queue_in_sqlite_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("farm.sqlite").display());
    is_taken_over(url, folder.path()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_queue_in_postgresql_is_taken_over() {
    let (folder, server) = (tempfile::tempdir().unwrap(), Postgres::start(Sync::Off));
    is_taken_over(server.url(), folder.path()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_that_do_nothing_are_all_done() {
    let folder = tempfile::tempdir().unwrap();
    let size = noop::Size { tasks: 300, probes: 40, jobs: 256 };
    let (tasks, jobs, (p50, p99)) = noop::near(house::farm(folder.path()), 400.0, size).await;
    assert!(tasks > 0.0 && jobs > 0.0 && 0.0 < p50 && p50 <= p99);
}

/// Each node has a task; the leader goes, and the next one finds all of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_lose_their_leader_lose_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let farm = folder.path().join("farm");
    let first = house::serve(house::farm(&farm), house::anywhere(), Limits::default()).await;
    let here = house::client(&[first.url()], &folder.path().join("client"));
    house::until(&here, |_| true).await;
    let second = house::serve(house::farm(&farm), house::anywhere(), Limits::default()).await;
    let (one, two) = (first.url().to_owned(), second.url().to_owned());
    let there = house::client(&[&one, &two], &folder.path().join("other client"));
    let found = fleet::measure(24, &[&one, &two], &there, folder.path(), first.stop()).await;
    assert_eq!((found.begun_wrongly, found.ended_wrongly, found.refused), (0, 0, 0), "{found:?}");
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_much_is_told_and_what_was_accepted_stays() {
    let folder = tempfile::tempdir().unwrap();
    let farm = folder.path().join("farm");
    let limits = Limits { plans_max: 1, plans_waiting_max: 3, ..Limits::default() };
    let server = house::serve(house::farm(&farm), house::anywhere(), limits).await;
    house::until(&house::client(&[server.url()], &folder.path().join("client")), |_| true).await;
    let found = overload::measure(server.url(), 24, 2, Duration::from_secs(1), folder.path()).await;
    assert!(found.later > 0, "somebody was asked to come later");
    assert_eq!(found.other, 0, "{}", found.words);
    assert!(!found.accepted.is_empty() && !found.beats.is_empty());
    server.stop().await;
    let again = house::serve(house::farm(&farm), house::anywhere(), Limits::default()).await;
    assert_eq!(overload::lost(&house::client(&[again.url()], &folder.path().join("client again")), &found).await, 0);
    again.stop().await;
}

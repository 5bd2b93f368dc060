//! The whole farm in one thread and virtual time, by seeds: see README.md.

mod agent;
mod fakes;
mod leader;
mod work;
mod world;

use klieg_scheduler::{invariants::Promise, state::Bug};
use std::{collections::BTreeSet, thread};
use world::play;

/// How many seeds are played: `SEEDS`, or 500.
fn seeds() -> u64 {
    std::env::var("SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(500)
}

/// The first seed: `SEED`, or 1. Plays one alone with `SEED=n SEEDS=1`.
fn first() -> u64 {
    std::env::var("SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1)
}

#[test]
fn every_promise_is_kept_whatever_happens() {
    let (first, seeds) = (first(), seeds());
    let threads = thread::available_parallelism().map_or(1, usize::from) as u64;
    let part = |number: u64| {
        let mut sum = (0, 0, 0, 0);
        for seed in (first..first + seeds).filter(|seed| seed % threads == number) {
            let outcome = play(seed, None);
            if let Some(broken) = outcome.broken {
                panic!("seed {seed}: {broken}; replay it with SEED={seed} SEEDS=1");
            }
            sum = (sum.0 + outcome.succeeded, sum.1 + outcome.failed, sum.2 + outcome.cancelled, sum.3 + outcome.takeovers);
        }
        sum
    };
    let sums: Vec<(usize, usize, usize, i64)> = thread::scope(|scope| {
        let part = &part;
        let parts: Vec<_> = (0..threads).map(|number| scope.spawn(move || part(number))).collect();
        parts.into_iter().map(|part| part.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    });
    let total = sums.into_iter().fold((0, 0, 0, 0), |a, b| (a.0 + b.0, a.1 + b.1, a.2 + b.2, a.3 + b.3));
    println!(
        "{seeds} seeds: {} jobs succeeded, {} failed, {} were cancelled, {} took the lead",
        total.0, total.1, total.2, total.3
    );
    assert!(seeds < 100 || (total.0 > total.1 && total.1 > 0 && total.2 > 0 && total.3 > 2 * seeds as i64), "{total:?}");
}

#[test]
fn a_seed_replays_to_the_same_trace() {
    let traces: Vec<_> = (1..=5).map(|seed| play(seed, None).trace).collect();
    assert_eq!(traces, (1..=5).map(|seed| play(seed, None).trace).collect::<Vec<_>>());
    assert_eq!(traces.iter().collect::<BTreeSet<_>>().len(), 5, "each seed is another story");
}

#[test]
fn the_simulated_store_conforms() {
    fakes::now_or_never(klieg_scheduler::store::conformance::check(&fakes::MemoryStore::default()));
}

#[tokio::test]
async fn the_simulated_artifacts_conform() {
    let (blobs, scratch) = (fakes::MemoryBlobs::default(), tempfile::tempdir().unwrap());
    klieg_scheduler::blobs::conformance::check(&blobs, scratch.path(), |digest, bytes| blobs.damage(digest, bytes)).await;
}

#[tokio::test]
async fn the_simulated_bus_conforms() {
    klieg_scheduler::bus::conformance::check(std::sync::Arc::new(fakes::Log::bus())).await;
}

/// The seeds that a deliberate bug gets to show itself.
const BUG_SEEDS: u64 = 400;

/// Plays seeds with a deliberate bug until a promise is broken; fails when none is, or another than expected.
fn finds(bug: Bug, wanted: &[Promise]) {
    let found = (1..=BUG_SEEDS).find_map(|seed| play(seed, Some(bug)).broken.map(|broken| (seed, broken)));
    let Some((seed, broken)) = found else { panic!("{bug:?} was not found in {BUG_SEEDS} seeds") };
    println!("{bug:?}: seed {seed}: {broken}");
    assert!(wanted.contains(&broken.promise), "{bug:?} was found by another promise: {broken}");
}

macro_rules! bugs {
    ($($name:ident: $bug:ident => $($promise:ident)|+;)*) => {
        $(#[test] fn $name() { finds(Bug::$bug, &[$(Promise::$promise),+]); })*

        #[test]
        fn every_bug_has_its_test() {
            assert_eq!([$(Bug::$bug),*].into_iter().collect::<BTreeSet<_>>(), Bug::ALL.into_iter().collect());
        }
    };
}

bugs! {
    accepting_a_fenced_result_is_found: AcceptFenced => Fenced;
    publishing_the_manifest_first_is_found: ManifestFirst => Whole | Forward;
    forgetting_a_lost_attempt_is_found: ForgetLost => Accounted;
    answering_before_the_commit_is_found: AckBeforeCommit => Accepted;
    two_leaders_are_found: TwoLeaders => Counted | OneEnd | Forward | SameDigest | Accounted | Whole;
    telling_progress_before_it_is_saved_is_found: ProgressFirst => Forward;
    using_a_slot_twice_is_found: DoubleSlot => Booked;
    a_lease_that_never_ends_is_found: EndlessLease => Quiet | NoOrphans;
    a_retry_that_does_not_count_is_found: UncountedRetry => Counted;
    a_cancelled_job_that_comes_back_is_found: CancelResurrects => OneEnd;
}

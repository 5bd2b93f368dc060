//! Synthetic days: klieg's planner and state machine beside FIFO (with and without backfill), greedy (shortest and largest first) and a
//! weighted lottery, on the same machinery in virtual time. `FIRST`, `SEEDS`, `FATES`, `HOURS` and `JSON` (a file) make the long form:
//! `make days`.

mod day;
mod figures;
mod kinds;
mod klieg;
mod play;
mod rivals;

use day::Day;
use figures::{Figures, figures};
use kinds::{KINDS, Length};
use klieg::Klieg;
use play::{Policy, play};
use rivals::{Lottery, Queue};
use serde::Serialize;

/// Makespans that differ by less than this are equal.
const EQUAL: f64 = 1.01;

#[derive(Serialize)]
struct Row {
    day: &'static str,
    seed: u64,
    jobs: usize,
    tasks: usize,
    planner: &'static str,
    #[serde(flatten)]
    figures: Figures,
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// klieg first.
fn planners(day: &Day, seed: u64) -> Vec<Box<dyn Policy>> {
    vec![
        Box::new(Klieg::new(day, seed)),
        Box::new(Queue::fifo()),
        Box::new(Queue::backfill()),
        Box::new(Queue::shortest()),
        Box::new(Queue::largest()),
        Box::new(Lottery::new(day, seed)),
    ]
}

/// A row for each planner, klieg's first.
fn rows(kind: &'static str, seed: u64) -> Vec<Row> {
    let days = (0..number("FATES", 5)).map(|fate| kinds::draw(kind, seed, fate, Length(number("HOURS", 4))));
    let days: Vec<Day> = days.collect();
    let (jobs, tasks) = (days[0].jobs.len(), days[0].tasks.len());
    let mut played: Vec<(&'static str, Vec<Figures>)> = Vec::new();
    for day in &days {
        for (at, mut planner) in planners(day, seed).into_iter().enumerate() {
            if played.len() == at {
                played.push((planner.name(), Vec::new()));
            }
            played[at].1.push(figures(day, &play(day, &mut *planner)));
        }
    }
    let row =
        |(planner, all): (&'static str, Vec<Figures>)| Row { day: kind, seed, jobs, tasks, planner, figures: Figures::mean(&all) };
    played.into_iter().map(row).collect()
}

fn print(row: &Row) {
    let (day, seed, planner, f) = (row.day, row.seed, row.planner, &row.figures);
    println!(
        "{day:<10} {seed:>4} {planner:<14} {:>7.0} | {:>5.0} {:>6.0} {:>6.0} | {:>6.0} {:>6.0} {:>6.1} | {:>6.0} {:>6.0} {:>5} | {:.2} {:>4.0}%",
        f.makespan,
        f.wait_p50,
        f.wait_p99,
        f.wait_max,
        f.delay_p50,
        f.delay_p99,
        f.starved,
        f.task_wait_p50,
        f.task_wait_p99,
        f.long_waits,
        f.fairness,
        f.used * 100.0
    );
}

const WAITS: &str = "waits of the 99th percentile";
const STARVATION: &str = "starvation";
const MAKESPAN: &str = "makespan";

/// In what a rival is better than klieg.
fn lost(rows: &[Row]) -> Vec<String> {
    let Some((ours, theirs)) = rows.split_first() else { return Vec::new() };
    let mut lost = Vec::new();
    for rival in theirs {
        let (a, b) = (&ours.figures, &rival.figures);
        for (what, ours, theirs, times) in [
            (WAITS, a.wait_p99, b.wait_p99, 1.0),
            (STARVATION, a.starved, b.starved, 1.0),
            (MAKESPAN, a.makespan, b.makespan, EQUAL),
        ] {
            if ours > theirs * times {
                lost.push(format!("{} {}: {what} {ours:.1}, and {theirs:.1} by {}", rival.day, rival.seed, rival.planner));
            }
        }
    }
    lost
}

#[test]
fn no_rival_is_better_on_any_day() {
    println!(
        "               planner         makespan | jobs wait p50 p99 max | are delayed p50 p99, starved | tasks wait p50 p99, long | fair used"
    );
    let (mut all, mut worse) = (Vec::new(), Vec::new());
    for kind in KINDS {
        for seed in number("FIRST", 1)..number("FIRST", 1) + number("SEEDS", 3) {
            let rows = rows(kind, seed);
            rows.iter().for_each(print);
            worse.extend(lost(&rows));
            all.extend(rows);
        }
    }
    if let Ok(file) = std::env::var("JSON") {
        std::fs::write(file, serde_json::to_string(&all).unwrap()).unwrap();
    }
    assert!(worse.is_empty(), "{worse:#?}");
}

//! What came of a day, in figures.

use crate::{
    day::{Day, Task},
    play::{Played, Span},
};
use klieg_scheduler::state::Millis;
use serde::Serialize;

/// A job's own run time counts as at least so long when waits are compared with it (Feitelson: "Metrics for parallel job scheduling and
/// their convergence", 2001).
const SHORT_S: f64 = 10.0;
/// A task has waited long if it has for more than so long and more than so many times its own run time.
const LONG_S: f64 = 1_800.0;
const LONG_TIMES: f64 = 20.0;
/// Fairness is looked at in windows of so long.
const WINDOW_MS: Millis = 600_000;

/// Times in seconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Figures {
    /// From the day's beginning to the end of the last task.
    pub makespan: f64,
    /// Of jobs, from submission until the first of their tasks begins.
    pub wait_p50: f64,
    pub wait_p99: f64,
    pub wait_max: f64,
    /// Of jobs, how much longer they took than they would have with the farm to themselves.
    pub delay_p50: f64,
    pub delay_p99: f64,
    /// The worst of all jobs' delay ÷ own run time.
    pub starved: f64,
    /// Of tasks, from when they could begin until they first do; a task of a batch waits for its siblings too.
    pub task_wait_p50: f64,
    pub task_wait_p99: f64,
    /// Tasks that waited long.
    pub long_waits: f64,
    /// Jain's index of what backlogged projects got for their weight, over windows; 1: each its share.
    pub fairness: f64,
    /// Part of all slot-seconds that was used.
    pub used: f64,
}

impl Figures {
    /// Of one planner over the ways in which a day may turn out.
    pub fn mean(all: &[Self]) -> Self {
        let of = |figure: fn(&Self) -> f64| all.iter().map(figure).sum::<f64>() / all.len() as f64;
        Self {
            makespan: of(|f| f.makespan),
            wait_p50: of(|f| f.wait_p50),
            wait_p99: of(|f| f.wait_p99),
            wait_max: of(|f| f.wait_max),
            delay_p50: of(|f| f.delay_p50),
            delay_p99: of(|f| f.delay_p99),
            starved: of(|f| f.starved),
            task_wait_p50: of(|f| f.task_wait_p50),
            task_wait_p99: of(|f| f.task_wait_p99),
            long_waits: of(|f| f.long_waits),
            fairness: of(|f| f.fairness),
            used: of(|f| f.used),
        }
    }
}

fn seconds(from: Millis, to: Millis) -> f64 {
    to.saturating_sub(from) as f64 / 1000.0
}

fn quantile(sorted: &[f64], part: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * part).ceil() as usize]
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

pub fn figures(day: &Day, played: &Played) -> Figures {
    let last = played.ended.iter().copied().max().unwrap_or(0);
    let waits = sorted(day.jobs.iter().map(|job| {
        let first = job.tasks.clone().map(|task| played.began[task]).min();
        seconds(job.comes, first.unwrap_or(job.comes))
    }));
    let ends = day.jobs.iter().map(|job| job.tasks.clone().map(|task| played.ended[task]).max().unwrap_or(job.comes));
    let delayed = day.jobs.iter().zip(ends).map(|(job, end)| {
        let alone = day.alone(job);
        ((seconds(job.comes, end) - alone).max(0.0), alone)
    });
    let delayed: Vec<(f64, f64)> = delayed.collect();
    let delays = sorted(delayed.iter().map(|(delay, _)| *delay));
    let task_waits: Vec<f64> = (0..day.tasks.len()).map(|task| seconds(played.ready[task], played.began[task])).collect();
    let long = |(wait, task): &(&f64, &Task)| **wait > LONG_S && **wait > LONG_TIMES * task.seconds;
    let long_waits = task_waits.iter().zip(&day.tasks).filter(long).count() as f64;
    let task_waits = sorted(task_waits.into_iter());
    Figures {
        makespan: seconds(0, last),
        wait_p50: quantile(&waits, 0.5),
        wait_p99: quantile(&waits, 0.99),
        wait_max: quantile(&waits, 1.0),
        delay_p50: quantile(&delays, 0.5),
        delay_p99: quantile(&delays, 0.99),
        starved: delayed.iter().map(|(delay, alone)| delay / alone.max(SHORT_S)).fold(0.0, f64::max),
        task_wait_p50: quantile(&task_waits, 0.5),
        task_wait_p99: quantile(&task_waits, 0.99),
        long_waits,
        fairness: fairness(day, played, last),
        used: used(day, played, last),
    }
}

fn used(day: &Day, played: &Played, last: Millis) -> f64 {
    let took = |span: &Span| seconds(span.from, span.to) * f64::from(day.need(span.task).slots);
    let away = |device: usize| -> f64 {
        let absences = day.absences.iter().filter(|absence| absence.device == device);
        absences.map(|absence| seconds(absence.from.min(last), absence.to.min(last))).sum()
    };
    let there: f64 = day.devices.iter().enumerate().map(|(n, device)| (seconds(0, last) - away(n)) * f64::from(device.slots)).sum();
    played.spans.iter().map(took).sum::<f64>() / there
}

/// How many tasks of each project wait at each window's beginning.
fn backlog(day: &Day, played: &Played, windows: usize) -> Vec<Vec<u32>> {
    let mut backlog = vec![vec![0; day.weights.len()]; windows + 1];
    for (number, task) in day.tasks.iter().enumerate() {
        let (from, to) = (played.ready[number].div_ceil(WINDOW_MS) as usize, played.began[number].div_ceil(WINDOW_MS) as usize);
        for window in &mut backlog[from.min(windows)..to.min(windows + 1)] {
            window[day.jobs[task.job].project] += 1;
        }
    }
    backlog
}

fn fairness(day: &Day, played: &Played, last: Millis) -> f64 {
    let windows = (last / WINDOW_MS) as usize;
    let mut served = vec![vec![0.0; day.weights.len()]; windows + 1];
    for span in &played.spans {
        let project = day.jobs[day.tasks[span.task].job].project;
        let part = Day::part(&day.devices[span.device], day.need(span.task));
        for window in span.from / WINDOW_MS..=span.to / WINDOW_MS {
            let (from, to) = (span.from.max(window * WINDOW_MS), span.to.min((window + 1) * WINDOW_MS));
            served[window as usize][project] += part * seconds(from, to);
        }
    }
    let backlog = backlog(day, played, windows);
    let (mut sum, mut count) = (0.0, 0);
    for window in 0..windows {
        let both = |project: &usize| backlog[window][*project] > 0 && backlog[window + 1][*project] > 0;
        let got: Vec<f64> = (0..day.weights.len()).filter(both).map(|p| served[window][p] / day.weights[p]).collect();
        let (all, squares) = got.iter().fold((0.0, 0.0), |(all, squares), x| (all + x, squares + x * x));
        if got.len() > 1 && squares > 0.0 {
            (sum, count) = (sum + all * all / (got.len() as f64 * squares), count + 1);
        }
    }
    if count == 0 { 1.0 } else { sum / f64::from(count) }
}

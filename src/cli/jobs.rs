//! `klieg jobs`, `klieg why`, `klieg cancel`: what the farm's store says, also while another klieg renders.

use super::{Common, Stop, block_on, farm_stop, print, print_json};
use crate::show::money;
use klieg_protocol::{JobId, JobState};
use klieg_scheduler::{JobRecord, offline};
use serde_json::json;

#[derive(clap::Args)]
pub struct WhyArgs {
    /// The job [default: the newest].
    job: Option<String>,
    /// One of its tasks, as `klieg jobs --json` or a message names it.
    task: Option<String>,
}

#[derive(clap::Args)]
pub struct CancelArgs {
    /// The job [default: the newest that hasn't ended].
    job: Option<String>,
}

pub fn list(common: &Common) -> Result<(), Stop> {
    let folder = common.farm_folder()?;
    let jobs = block_on(offline::jobs(&folder))?.map_err(|e| farm_stop(&e))?;
    if common.json {
        return print_json(&jobs.iter().map(as_json).collect::<Vec<_>>());
    }
    if jobs.is_empty() && !common.quiet {
        print("no jobs yet; `klieg render SCRIPT` makes one\n");
    }
    for job in jobs {
        print(&format!(
            "{:<28} {:<10} {:>4}/{:<4} tasks  cost {:<8} {}{}\n",
            job.id.0,
            word(job.state),
            job.tasks_done,
            job.tasks_total,
            money(job.cost),
            job.label,
            job.reason.map(|r| format!("\n    {r}")).unwrap_or_default()
        ));
    }
    Ok(())
}

fn as_json(job: &JobRecord) -> serde_json::Value {
    json!({"id": job.id, "kind": job.kind, "label": job.label, "state": job.state, "submitted_at_ms": job.submitted_at, "ended_at_ms": job.ended_at,
        "tasks_total": job.tasks_total, "tasks_done": job.tasks_done, "tasks_running": job.tasks_running, "slot_seconds": job.seconds,
        "cost": job.cost, "reason": job.reason})
}

fn word(state: JobState) -> &'static str {
    match state {
        JobState::Queued => "queued",
        JobState::Running => "running",
        JobState::Succeeded => "succeeded",
        JobState::Failed => "failed",
        JobState::Cancelled => "cancelled",
    }
}

fn is_over(job: &JobRecord) -> bool {
    matches!(job.state, JobState::Succeeded | JobState::Failed | JobState::Cancelled)
}

pub fn why(common: &Common, args: &WhyArgs) -> Result<(), Stop> {
    let folder = common.farm_folder()?;
    let reasons = block_on(async {
        let job = find(&folder, args.job.as_deref(), |_| true).await?;
        offline::why(&folder, &job, args.task.as_deref()).await.map_err(|e| farm_stop(&e))
    })??;
    if common.json {
        return print_json(&reasons);
    }
    print(&(reasons.join("\n") + "\n"));
    Ok(())
}

pub fn cancel(common: &Common, args: &CancelArgs) -> Result<(), Stop> {
    let folder = common.farm_folder()?;
    let job = block_on(async {
        let job = find(&folder, args.job.as_deref(), |job| !is_over(job)).await?;
        offline::request_cancel(&folder, &job).await.map_err(|e| farm_stop(&e))?;
        Ok::<_, Stop>(job)
    })??;
    super::resume::forget(&folder, &job);
    if !common.quiet {
        print(&format!("{} will be cancelled\n", job.0));
    }
    Ok(())
}

/// The job named, or the newest that fits.
async fn find(folder: &std::path::Path, name: Option<&str>, fits: impl Fn(&JobRecord) -> bool) -> Result<JobId, Stop> {
    let jobs = offline::jobs(folder).await.map_err(|e| farm_stop(&e))?;
    let found = match name {
        Some(name) => jobs.into_iter().find(|job| job.id.0 == name),
        None => jobs.into_iter().filter(fits).max_by(|a, b| a.id.cmp(&b.id)),
    };
    found.map(|job| job.id).ok_or_else(|| match name {
        Some(name) => Stop::bad(format!("there is no job {name}; `klieg jobs` lists them")),
        None => Stop::bad("there is no such job; `klieg jobs` lists all"),
    })
}

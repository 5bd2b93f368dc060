//! What projects may have, held against what they have: when a job is submitted and when something is uploaded.

use crate::{
    access::{Who, now},
    app::App,
    front::views::{Quota, Used},
    problem::Trouble,
};
use http::StatusCode;
use klieg_accounts::Permission;
use klieg_ledger::{Ledger, Room, UploadInfo};
use klieg_protocol::{Digest, Plan};
use klieg_scheduler::{Farm, state::State};
use serde_json::json;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::sync::OwnedMutexGuard;

/// When a project's job may have ended.
const A_WHILE: Duration = Duration::from_secs(30);

/// A quota that does not allow it.
struct Hit<'a> {
    project: &'a str,
    quota: &'static str,
    used: f64,
    limit: f64,
    what: String,
}

impl Hit<'_> {
    fn trouble(self, status: StatusCode) -> Trouble {
        let Hit { project, quota, used, limit, what } = self;
        let name = if project.is_empty() { "the default project".into() } else { format!("project {project:?}") };
        let trouble = match status {
            StatusCode::TOO_MANY_REQUESTS => Trouble::later(status, format!("{name} {what}"), A_WHILE),
            status => Trouble::new(status, format!("{name} {what}")),
        };
        let hit = json!({ "project": project, "name": quota, "used": used, "limit": limit });
        trouble.coded("quota-exceeded").with("quota", hit)
    }
}

fn open_jobs(state: &State, project: &str) -> u64 {
    state.jobs.values().filter(|job| !job.terminal() && job.project == project).count() as u64
}

#[expect(clippy::cast_possible_truncation, reason = "slot-milliseconds of a farm's whole life fit by far")]
fn ms(seconds: f64) -> i64 {
    (seconds * 1000.0).round() as i64
}

/// Held from the look at a project's quotas until its job is submitted, so that of two at once one sees the other.
pub type Turn = Option<OwnedMutexGuard<()>>;

/// Whether a project may submit this job now.
pub async fn admit(app: &App, farm: &Farm, project: &str, plan: &Plan) -> Result<Turn, Trouble> {
    let ledger = app.ledger().await?;
    let quota = ledger.quota(project).await?;
    if quota.jobs_open_max.is_none() && quota.device_seconds_per_month_max.is_none() {
        return Ok(None);
    }
    let turn = Arc::clone(&app.turn).lock_owned().await;
    let name = project.to_owned();
    let look = move |state: &State, _| (open_jobs(state, &name), state.projects.get(&name).map_or(0.0, |of| of.seconds));
    let (open, seconds) = farm.look(look).await?;
    if let Some(limit) = quota.jobs_open_max
        && open as i64 >= limit
    {
        let what = format!(
            "has {open} jobs that have not ended, and may have {limit} (jobs_open_max): wait for one to end or cancel one, or ask an operator for more (`klieg projects`)"
        );
        let hit = Hit { project, quota: "jobs_open_max", used: open as f64, limit: limit as f64, what };
        return Err(hit.trouble(StatusCode::TOO_MANY_REQUESTS));
    }
    if let Some(limit) = quota.device_seconds_per_month_max {
        let used = ledger.spent_this_month(project, ms(seconds), now()).await? as f64 / 1000.0;
        let planned: f64 = plan.tasks.iter().map(|task| task.ask.seconds * f64::from(task.ask.slots.max(1))).sum();
        if used + planned > limit as f64 {
            let (used, limit) = (used / 3600.0, limit as f64 / 3600.0);
            let what = format!(
                "has spent {used:.2} of its {limit:.2} device-hours this month (device_hours_per_month_max), and the job is estimated at {:.2}: wait for the next month (UTC), or ask an operator for more (`klieg projects`)",
                planned / 3600.0
            );
            return Err(Hit { project, quota: "device_hours_per_month_max", used, limit, what }.trouble(StatusCode::FORBIDDEN));
        }
    }
    Ok(Some(turn))
}

/// An upload that counts to its project; no more if this is dropped before it was kept.
pub struct Counted(Option<(Ledger, String, String)>);

impl Counted {
    /// It came.
    pub fn kept(mut self) {
        self.0 = None;
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let Some((ledger, project, digest)) = self.0.take() else { return };
        tokio::spawn(async move {
            if let Err(error) = ledger.give_room_back(&project, &digest).await {
                tracing::warn!(%error, "an upload that did not come counts until the next look at what is kept");
            }
        });
    }
}

/// Counts an upload to a project, if it may have it.
pub async fn upload(app: &App, who: &Who, project: &str, digest: Digest, bytes: u64) -> Result<Counted, Trouble> {
    let ledger = app.ledger().await?;
    let quota = ledger.quota(project).await?;
    let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
    if let Some(limit) = quota.upload_bytes_each_max
        && bytes > limit
    {
        let what = format!(
            "may upload {limit} bytes at a time (upload_bytes_each_max), and this has {bytes}: upload less, or ask an operator for more (`klieg projects`)"
        );
        let hit = Hit { project, quota: "upload_bytes_each_max", used: bytes as f64, limit: limit as f64, what };
        return Err(hit.trouble(StatusCode::PAYLOAD_TOO_LARGE));
    }
    let info = UploadInfo { project: project.into(), digest: digest.hex(), bytes, uploaded_at: now() };
    match ledger.take_room(&info, &who.caller.account.0, quota.upload_bytes_max).await? {
        Room::Taken => Ok(Counted(Some((ledger.clone(), info.project, info.digest)))),
        Room::Counted => Ok(Counted(None)),
        Room::Full { used } => {
            let limit = quota.upload_bytes_max.unwrap_or(i64::MAX);
            let what = format!(
                "has {used} bytes of uploads, and with these {bytes} would have more than its {limit} (upload_bytes_max): ask an operator for more (`klieg projects`)"
            );
            let hit = Hit { project, quota: "upload_bytes_max", used: used as f64, limit: limit as f64, what };
            Err(hit.trouble(StatusCode::FORBIDDEN))
        }
    }
}

/// Whose uploads count: not those of nodes, which hand in results under the same route.
pub fn counts(who: &Who) -> bool {
    !who.may(Permission::WorkTasks)
}

/// Quotas of all projects, and what they have of each.
pub async fn standing(app: &App, farm: &Farm) -> Result<BTreeMap<String, (Quota, Used)>, Trouble> {
    let ledger = app.ledger().await?;
    let (quotas, uploads, months) = (ledger.quotas().await?, ledger.all_uploaded().await?, ledger.begun_this_month(now()).await?);
    let look = |state: &State, _| {
        let seconds: BTreeMap<String, f64> = state.projects.iter().map(|(name, of)| (name.clone(), of.seconds)).collect();
        let mut open: BTreeMap<String, u64> = BTreeMap::new();
        for job in state.jobs.values().filter(|job| !job.terminal()) {
            *open.entry(job.project.clone()).or_default() += 1;
        }
        (seconds, open)
    };
    let (seconds, open) = farm.look(look).await?;
    let of = |name: &String| {
        let total = ms(seconds.get(name).copied().unwrap_or(0.0));
        let spent = (total - months.get(name).copied().unwrap_or(total)).max(0);
        let used = Used {
            jobs_open: open.get(name).copied().unwrap_or(0),
            device_hours_this_month: spent as f64 / 3_600_000.0,
            upload_bytes: uploads.get(name).copied().unwrap_or(0).unsigned_abs(),
        };
        (name.clone(), (quotas.get(name).copied().map(Quota::from).unwrap_or_default(), used))
    };
    Ok(seconds.keys().chain(quotas.keys()).chain(uploads.keys()).map(of).collect())
}

/// Notes with what each project begins this month. Asked often, so that a month begins on time.
pub async fn begin_month(app: &App, farm: &Farm) -> Result<(), Trouble> {
    let (ledger, at) = (app.ledger().await?, now());
    let begun = ledger.begun_this_month(at).await?;
    let totals =
        farm.look(|state, _| state.projects.iter().map(|(name, of)| (name.clone(), of.seconds)).collect::<Vec<_>>()).await?;
    for (name, seconds) in totals.into_iter().filter(|(name, _)| !begun.contains_key(name)) {
        ledger.spent_this_month(&name, ms(seconds), at).await?;
    }
    Ok(())
}

/// An upload that is older than this and not there was thrown away.
const COMING_S: i64 = 86_400;

/// What the farm has thrown away counts no more.
pub async fn look_after_uploads(app: &App, farm: &Farm) -> Result<(), Trouble> {
    let (ledger, before) = (app.ledger().await?, now() - COMING_S);
    for project in ledger.all_uploaded().await?.into_keys() {
        let mut after = String::new();
        loop {
            let digests = ledger.uploads_of(&project, before, &after).await?;
            let Some(last) = digests.last() else { break };
            after.clone_from(last);
            let known = digests.iter().filter_map(|digest| digest.parse::<Digest>().ok()).collect();
            for digest in farm.missing(known).await? {
                ledger.give_room_back(&project, &digest.hex()).await?;
            }
        }
    }
    Ok(())
}

//! Tells webhooks of jobs that have ended: by the server that leads, once for each job, whatever crashes.

use crate::{access::now, app::App, front::views::Job, stand::Stand};
use klieg_protocol::JobId;
use klieg_scheduler::{Farm, JobRecord};
use klieg_webhooks::{Notice, WebhookError, Webhooks};
use serde_json::json;
use std::time::Duration;
use tokio::sync::{broadcast::error::RecvError, watch};

const AGAIN: Duration = Duration::from_millis(500);

/// Runs as long as the server does.
pub async fn run(app: App, mut stand: watch::Receiver<Stand>) {
    loop {
        let farm = match &*stand.borrow_and_update() {
            Stand::Leading(farm) => Some(farm.clone()),
            _ => None,
        };
        if let (Some(farm), Ok(webhooks)) = (farm, app.webhooks()) {
            // What ended before this server led, or before the one before it crashed, is told now unless it has been.
            tokio::select! {
                () = tell(&farm, webhooks) => tokio::time::sleep(AGAIN).await,
                changed = stand.changed() => if changed.is_err() { return },
            }
            continue;
        }
        let changed = tokio::time::timeout(AGAIN, stand.changed()).await;
        if matches!(changed, Ok(Err(_))) {
            return;
        }
    }
}

/// Until the farm has ended, or something that it needs is away.
async fn tell(farm: &Farm, webhooks: &Webhooks) {
    let mut endings = farm.endings();
    let Ok(jobs) = farm.jobs().await else { return };
    for job in jobs.into_iter().filter(|job| job.ended_at.is_some()) {
        if let Err(error) = publish(webhooks, job).await {
            return tracing::warn!(%error, "webhooks are not told of what has ended yet");
        }
    }
    loop {
        let id = match endings.recv().await {
            Ok(id) => id,
            // Begun anew, which finds what was missed.
            Err(RecvError::Lagged(_) | RecvError::Closed) => return,
        };
        if let Err(error) = tell_of(farm, webhooks, &id).await {
            return tracing::warn!(error, job = id.0, "webhooks are not told of a job's end yet");
        }
    }
}

async fn tell_of(farm: &Farm, webhooks: &Webhooks, id: &JobId) -> Result<(), String> {
    // One that was removed at once is nobody's business any more.
    let Ok(job) = farm.job(id).await else { return Ok(()) };
    publish(webhooks, job).await.map_err(|error| error.to_string())
}

async fn publish(webhooks: &Webhooks, record: JobRecord) -> Result<(), WebhookError> {
    let at = record.ended_at.map_or_else(now, |at| i64::try_from(at / 1000).unwrap_or(i64::MAX));
    let job = Job::new(record, None);
    let (key, event) = (format!("{}.{}", job.id, job.state.word()), format!("job.{}", job.state.word()));
    let outputs = format!("/api/v1/jobs/{}/outputs", job.id);
    let data = json!({ "job": job, "outputs_url": outputs });
    match webhooks.publish(&Notice { key: &key, event: &event, data: &data, at }, now()).await {
        // Its reason is longer than a webhook carries: the rest is asked for.
        Err(WebhookError::TooLarge { .. }) => {
            let data = json!({ "job": { "id": job.id, "state": job.state }, "outputs_url": outputs });
            webhooks.publish(&Notice { key: &key, event: &event, data: &data, at }, now()).await.map(drop)
        }
        told => told.map(drop),
    }
}

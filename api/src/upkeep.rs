//! What the leading server does by itself, by the clock: months begin, what is old is forgotten.

use crate::{access::now, app::App, problem::Trouble, quotas, stand::Stand};
use klieg_scheduler::Farm;
use std::time::Duration;
use tokio::{sync::watch, time::Instant};

/// How often it looks whether a month has begun.
const OFTEN: Duration = Duration::from_secs(60);
/// How often it forgets what is old.
const DAILY: Duration = Duration::from_secs(86_400);
/// How long after what failed it is tried again.
const AGAIN: Duration = Duration::from_secs(600);

/// Runs as long as the server does.
pub async fn run(app: App, mut stand: watch::Receiver<Stand>) {
    loop {
        let farm = match &*stand.borrow_and_update() {
            Stand::Leading(farm) => Some(farm.clone()),
            _ => None,
        };
        let changed = match farm {
            None => stand.changed().await,
            Some(farm) => tokio::select! {
                () = keep_up(&app, &farm) => Ok(()),
                changed = stand.changed() => changed,
            },
        };
        if changed.is_err() {
            return;
        }
    }
}

async fn keep_up(app: &App, farm: &Farm) {
    let mut due = Instant::now();
    loop {
        told("note that a month has begun", quotas::begin_month(app, farm).await);
        if Instant::now() >= due {
            let done = told("forget what is old", forget(app, farm).await);
            due = Instant::now() + if done { DAILY } else { AGAIN };
        }
        tokio::time::sleep(OFTEN).await;
    }
}

fn told(what: &str, done: Result<(), Trouble>) -> bool {
    match done {
        Ok(()) => true,
        Err(trouble) => {
            tracing::warn!("failed to {what}: {}; it is tried again", trouble.detail());
            false
        }
    }
}

/// Audit entries, answers under idempotency keys, months of long ago, uploads that the farm has thrown away.
async fn forget(app: &App, farm: &Farm) -> Result<(), Trouble> {
    let at = now();
    let (accounts, ledger) = (app.accounts()?, app.ledger().await?);
    accounts.trim_audit(at - app.people.keep_audit_s, "farm", at).await?;
    ledger.forget_old_requests(at).await?;
    ledger.forget_old_months(at).await?;
    quotas::look_after_uploads(app, farm).await
}

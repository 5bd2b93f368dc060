//! What has happened and is to be told, kept until it has been.

use crate::{Seconds, WebhookError, Webhooks, subscription::means};
use chrono::{DateTime, SecondsFormat};
use klieg_database::sql;
use serde::Serialize;
use serde_json::{Value, json};

/// Of one event.
const BODY_BYTES_MAX: usize = 64 << 10;
/// Deliveries that wait for one webhook; past it the webhook is disabled, and says so.
const WAITING_MAX: i64 = 10_000;
/// Deliveries of a page at most.
pub const DELIVERIES_PAGE_MAX: i64 = 200;
/// How long deliveries that have ended can be looked at and replayed.
const ENDED_KEPT_S: Seconds = 30 * 86_400;
/// Deleted at a time.
const SWEPT_MAX: i64 = 10_000;

/// That something has happened.
#[derive(Clone, Debug)]
pub struct Notice<'a> {
    /// Names this happening among all: what is published twice under one key is delivered once.
    pub key: &'a str,
    /// `job.succeeded`.
    pub event: &'a str,
    pub data: &'a Value,
    /// When it happened: webhooks that were added later are not told.
    pub at: Seconds,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It is going to be tried, or tried again.
    Waiting,
    Delivered,
    /// The tries are used up, or the receiver has said that it is gone. It can be replayed.
    Failed,
}

/// One event on its way to one webhook.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Delivery {
    /// What the receiver sees as `webhook-id`, at every try the same.
    pub id: String,
    pub event: String,
    pub state: State,
    pub created_at: Seconds,
    /// Since it was published or replayed.
    pub attempts: i64,
    /// When it is tried next.
    pub due_at: Option<Seconds>,
    pub tried_at: Option<Seconds>,
    /// What the receiver answered to the last try.
    pub status: Option<i64>,
    /// What was wrong with the last try.
    pub trouble: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DeliveryPage {
    /// The newest first.
    pub deliveries: Vec<Delivery>,
    /// Give it as `before` for the page after; `None` if there is none.
    pub next: Option<i64>,
}

/// How full the outbox is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    pub count: i64,
    /// When the oldest that waits happened.
    pub oldest_at: Option<Seconds>,
    /// Webhooks that are told nothing any more.
    pub disabled: i64,
}

type Row = (i64, String, String, i64, i64, i64, Option<i64>, Option<i64>, Option<String>, Option<i64>, Option<i64>);

fn read(row: Row) -> Delivery {
    let (_, id, event, created_at, attempts, due_at, tried_at, status, trouble, delivered_at, ended_at) = row;
    let state = match (delivered_at, ended_at) {
        (Some(_), _) => State::Delivered,
        (None, Some(_)) => State::Failed,
        (None, None) => State::Waiting,
    };
    let due_at = (state == State::Waiting).then_some(due_at);
    Delivery { id, event, state, created_at, attempts, due_at, tried_at, status, trouble }
}

/// The same for the same happening and webhook.
fn id_of(webhook: &str, key: &str) -> String {
    let digest = blake3::Hasher::new_derive_key("klieg webhook delivery")
        .update(webhook.as_bytes())
        .update(b"/")
        .update(key.as_bytes())
        .finalize();
    format!("msg_{}", &digest.to_hex()[..32])
}

/// As Standard Webhooks suggests: what, when, and about what.
fn body_of(notice: &Notice<'_>) -> Result<String, WebhookError> {
    let at = DateTime::from_timestamp(notice.at, 0).unwrap_or_default().to_rfc3339_opts(SecondsFormat::Secs, true);
    let body = json!({ "type": notice.event, "timestamp": at, "data": notice.data }).to_string();
    if body.len() > BODY_BYTES_MAX {
        return Err(WebhookError::TooLarge { found: body.len(), most: BODY_BYTES_MAX });
    }
    Ok(body)
}

impl Webhooks {
    /// Keeps an event for all webhooks that listen to it; gives for how many it was not kept before. When this is done they will be told,
    /// whatever crashes. Where it fails, publish again: nobody is told twice.
    /// What happened more than 30 days ago is not told any more: that it was is no longer known by then (`sweep`).
    pub async fn publish(&self, notice: &Notice<'_>, now: Seconds) -> Result<u64, WebhookError> {
        let body = body_of(notice)?;
        if notice.at < now - ENDED_KEPT_S {
            return Ok(0);
        }
        let listening = self.all(None).await?;
        let listening = listening.iter().filter(|webhook| webhook.disabled_at.is_none() && webhook.created_at <= notice.at);
        let listening: Vec<&str> = listening
            .filter(|webhook| webhook.events.iter().any(|pattern| means(pattern, notice.event)))
            .map(|webhook| webhook.id.as_str())
            .collect();
        let mut kept = 0;
        for webhook in listening {
            let count = "SELECT COUNT(*) FROM webhook_delivery WHERE webhook = $1 AND ended_at IS NULL";
            let (waiting,): (i64,) = self.database.row(sql!(count, webhook)).await?.unwrap_or_default();
            if waiting >= WAITING_MAX {
                self.disable(webhook, "ten thousand events wait for it; see why it does not take them, and enable it", now).await?;
                continue;
            }
            // The webhook may have been removed meanwhile.
            let insert = "INSERT INTO webhook_delivery (id, webhook, event, body, created_at, attempts, claim, due_at)
                SELECT $1, id, $3, $4, $5, 0, 0, $5 FROM webhook WHERE id = $2 ON CONFLICT (id) DO NOTHING";
            kept += self.database.run(sql!(insert, id_of(webhook, notice.key), webhook, notice.event, &body, now)).await?;
        }
        if kept > 0 {
            self.news.notify_one();
        }
        Ok(kept)
    }

    /// Keeps an event that says only that it is a test, for one webhook, whatever it listens to; gives its id.
    pub async fn test(&self, owner: Option<&str>, id: &str, now: Seconds) -> Result<String, WebhookError> {
        let webhook = self.webhook(owner, id).await?;
        if let Some(why) = webhook.disabled_why.filter(|_| webhook.disabled_at.is_some()) {
            return Err(WebhookError::Disabled(why));
        }
        let count = "SELECT COUNT(*) FROM webhook_delivery WHERE webhook = $1 AND ended_at IS NULL";
        let (waiting,): (i64,) = self.database.row(sql!(count, id)).await?.unwrap_or_default();
        if waiting >= WAITING_MAX {
            return Err(WebhookError::TooManyWait(WAITING_MAX));
        }
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(WebhookError::Random)?;
        let (event, data) = ("webhook.test", json!({ "webhook": id }));
        let key = format!("test-{:032x}", u128::from_be_bytes(random));
        let body = body_of(&Notice { key: &key, event, data: &data, at: now })?;
        let delivery = id_of(id, &key);
        let insert = "INSERT INTO webhook_delivery (id, webhook, event, body, created_at, attempts, claim, due_at)
            SELECT $1, id, $3, $4, $5, 0, 0, $5 FROM webhook WHERE id = $2";
        self.database.run(sql!(insert, &delivery, id, event, body, now)).await?;
        self.news.notify_one();
        Ok(delivery)
    }

    pub(crate) async fn disable(&self, webhook: &str, why: &str, now: Seconds) -> Result<(), WebhookError> {
        let update = "UPDATE webhook SET disabled_at = $1, disabled_why = $2 WHERE id = $3 AND disabled_at IS NULL";
        self.database.run(sql!(update, now, why, webhook)).await?;
        Ok(())
    }

    /// What became of a webhook's deliveries: the newest before the one with that number, or of all; 1 to `DELIVERIES_PAGE_MAX` of them.
    pub async fn deliveries(&self, webhook: &str, limit: i64, before: Option<i64>) -> Result<DeliveryPage, WebhookError> {
        let limit = limit.clamp(1, DELIVERIES_PAGE_MAX);
        let query = "SELECT number, id, event, created_at, attempts, due_at, tried_at, status, trouble, delivered_at, ended_at
            FROM webhook_delivery WHERE webhook = $1 AND number < $2 ORDER BY number DESC LIMIT $3";
        let mut rows: Vec<Row> = self.database.rows(sql!(query, webhook, before.unwrap_or(i64::MAX), limit + 1)).await?;
        let more = rows.len() as i64 > limit;
        rows.truncate(usize::try_from(limit).unwrap_or(0));
        let next = rows.last().filter(|_| more).map(|row| row.0);
        Ok(DeliveryPage { deliveries: rows.into_iter().map(read).collect(), next })
    }

    /// Delivers again what was delivered or given up, under the same id.
    pub async fn replay(&self, webhook: &str, delivery: &str, now: Seconds) -> Result<(), WebhookError> {
        let update = "UPDATE webhook_delivery SET ended_at = NULL, delivered_at = NULL, attempts = 0, due_at = $1
            WHERE id = $2 AND webhook = $3 AND ended_at IS NOT NULL";
        if self.database.run(sql!(update, now, delivery, webhook)).await? == 0 {
            return Err(WebhookError::Missing("delivery, or it has not ended"));
        }
        self.news.notify_one();
        Ok(())
    }

    /// What waits in the outbox, of all webhooks.
    pub async fn waiting(&self) -> Result<Waiting, WebhookError> {
        let query = "SELECT COUNT(*), MIN(created_at) FROM webhook_delivery WHERE ended_at IS NULL";
        let (count, oldest_at): (i64, Option<i64>) = self.database.row(sql!(query)).await?.unwrap_or_default();
        let query = "SELECT COUNT(*) FROM webhook WHERE disabled_at IS NOT NULL";
        let (disabled,): (i64,) = self.database.row(sql!(query)).await?.unwrap_or_default();
        Ok(Waiting { count, oldest_at, disabled })
    }

    /// Deletes deliveries that ended long ago; gives how many.
    pub async fn sweep(&self, now: Seconds) -> Result<u64, WebhookError> {
        let delete = "DELETE FROM webhook_delivery WHERE number IN
            (SELECT number FROM webhook_delivery WHERE ended_at IS NOT NULL AND ended_at < $1 LIMIT $2)";
        Ok(self.database.run(sql!(delete, now - ENDED_KEPT_S, SWEPT_MAX)).await?)
    }
}

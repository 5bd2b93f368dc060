use crate::{Seconds, Secret, WebhookError, Webhooks, post};
use klieg_database::sql;
use serde::{Deserialize, Serialize};

/// Of one owner, and of all.
const OWN_MAX: i64 = 50;
const ALL_MAX: i64 = 1_000;
const PATTERNS_MAX: usize = 50;
const PATTERN_CHARACTERS_MAX: usize = 100;
/// How long deliveries are signed with the secret before, too.
const OLD_SECRET_S: Seconds = 86_400;

/// A webhook to be added.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct NewWebhook {
    /// `https://…` or `http://…`.
    pub url: String,
    /// `job.succeeded`, `job.*`, or `*`.
    pub events: Vec<String>,
}

/// Who is told what.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Webhook {
    pub id: String,
    pub owner: String,
    pub url: String,
    pub events: Vec<String>,
    pub created_at: Seconds,
    pub disabled_at: Option<Seconds>,
    /// Why nothing is delivered any more.
    pub disabled_why: Option<String>,
}

/// A webhook that has just been added, and its secret, which is not shown again.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Created {
    #[serde(flatten)]
    pub webhook: Webhook,
    pub secret: Secret,
}

pub(crate) type Row = (String, String, String, String, i64, Option<i64>, Option<String>);

fn read((id, owner, url, events, created_at, disabled_at, disabled_why): Row) -> Webhook {
    let events = events.split_whitespace().map(str::to_owned).collect();
    Webhook { id, owner, url, events, created_at, disabled_at, disabled_why }
}

/// Whether an event is one that the pattern means.
pub(crate) fn means(pattern: &str, event: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => event.starts_with(start),
        None => pattern == event,
    }
}

fn check_pattern(pattern: &str) -> Result<(), WebhookError> {
    let bad = |what| Err(WebhookError::BadEvents { pattern: pattern.chars().take(PATTERN_CHARACTERS_MAX).collect(), what });
    if pattern.len() > PATTERN_CHARACTERS_MAX {
        return bad("100 characters are allowed");
    }
    let name = pattern.strip_suffix(".*").unwrap_or(pattern);
    let fits = name
        .split('.')
        .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'));
    if fits || pattern == "*" { Ok(()) } else { bad("expected an event such as job.succeeded, a family such as job.*, or *") }
}

impl Webhooks {
    /// Adds a webhook.
    pub async fn add(&self, owner: &str, new: &NewWebhook, now: Seconds) -> Result<Created, WebhookError> {
        let url = self.post.check(&new.url)?;
        if new.events.is_empty() || new.events.len() > PATTERNS_MAX {
            return Err(WebhookError::BadEvents { pattern: String::new(), what: "give 1 to 50 events" });
        }
        new.events.iter().try_for_each(|pattern| check_pattern(pattern))?;
        let (id, secret) = (post::id()?, Secret::random()?);
        let insert = "INSERT INTO webhook (id, owner, url, events, secret, created_at) SELECT $1, $2, $3, $4, $5, $6
            WHERE (SELECT COUNT(*) FROM webhook) < $7 AND (SELECT COUNT(*) FROM webhook WHERE owner = $2) < $8";
        let values = sql!(insert, &id, owner, url.as_str(), new.events.join(" "), secret.reveal(), now, ALL_MAX, OWN_MAX);
        if self.database.run(values).await? == 0 {
            return Err(WebhookError::TooMany(OWN_MAX));
        }
        Ok(Created { webhook: self.webhook(Some(owner), &id).await?, secret })
    }

    /// The owner's webhooks, or everybody's; the oldest first.
    pub async fn all(&self, owner: Option<&str>) -> Result<Vec<Webhook>, WebhookError> {
        let query = "SELECT id, owner, url, events, created_at, disabled_at, disabled_why FROM webhook
            WHERE $1 IS NULL OR owner = $1 ORDER BY created_at, id LIMIT $2";
        let rows: Vec<Row> = self.database.rows(sql!(query, owner, ALL_MAX)).await?;
        Ok(rows.into_iter().map(read).collect())
    }

    /// A webhook, if it is the owner's; or whosesoever.
    pub async fn webhook(&self, owner: Option<&str>, id: &str) -> Result<Webhook, WebhookError> {
        let query = "SELECT id, owner, url, events, created_at, disabled_at, disabled_why FROM webhook
            WHERE id = $1 AND ($2 IS NULL OR owner = $2)";
        let row = self.database.row::<Row>(sql!(query, id, owner)).await?;
        row.map(read).ok_or(WebhookError::Missing("webhook"))
    }

    /// Gives a webhook another secret. For a day its deliveries have two signatures, so that a receiver can change over when it likes.
    pub async fn renew_secret(&self, owner: Option<&str>, id: &str, now: Seconds) -> Result<Secret, WebhookError> {
        let secret = Secret::random()?;
        let update =
            "UPDATE webhook SET old_secret = secret, old_until = $1, secret = $2 WHERE id = $3 AND ($4 IS NULL OR owner = $4)";
        let update = sql!(update, now + OLD_SECRET_S, secret.reveal(), id, owner);
        if self.database.run(update).await? == 0 { Err(WebhookError::Missing("webhook")) } else { Ok(secret) }
    }

    /// Removes a webhook and all that was kept for it.
    pub async fn remove(&self, owner: Option<&str>, id: &str) -> Result<(), WebhookError> {
        let delete = sql!("DELETE FROM webhook WHERE id = $1 AND ($2 IS NULL OR owner = $2)", id, owner);
        if self.database.run(delete).await? == 0 { Err(WebhookError::Missing("webhook")) } else { Ok(()) }
    }

    /// Removes all webhooks of somebody who is gone.
    pub async fn remove_all(&self, owner: &str) -> Result<u64, WebhookError> {
        Ok(self.database.run(sql!("DELETE FROM webhook WHERE owner = $1", owner)).await?)
    }

    /// Delivers again to a webhook that was disabled: what waited, and what comes.
    pub async fn enable(&self, owner: Option<&str>, id: &str) -> Result<(), WebhookError> {
        let update = "UPDATE webhook SET disabled_at = NULL, disabled_why = NULL WHERE id = $1 AND ($2 IS NULL OR owner = $2)";
        if self.database.run(sql!(update, id, owner)).await? == 0 {
            return Err(WebhookError::Missing("webhook"));
        }
        self.news.notify_one();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_events() {
        for (pattern, event, yes) in [
            ("*", "job.succeeded", true),
            ("job.*", "job.succeeded", true),
            ("job.*", "jobs.x", false),
            ("job.succeeded", "job.succeeded", true),
            ("job.succeeded", "job.succeeded.twice", false),
            ("node.*", "job.succeeded", false),
        ] {
            assert_eq!(means(pattern, event), yes, "{pattern} {event}");
        }
        for good in ["*", "job.*", "job.succeeded", "gpu_7.lost"] {
            assert!(check_pattern(good).is_ok(), "{good}");
        }
        for bad in ["", ".", "*.*", "job*", "job.", "Job.x", "job x", "job.*.x", &"x".repeat(101)] {
            assert!(check_pattern(bad).is_err(), "{bad}");
        }
    }
}

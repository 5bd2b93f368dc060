//! Takes what is due from the outbox and posts it.
//!
//! A delivery is claimed by moving its due time past the longest try: a worker that is killed in the middle leaves it due again, and a
//! worker that comes back late finds that its claim is not the last one.

use crate::{
    Seconds, Secret, WebhookError, Webhooks,
    post::{ATTEMPT_MAX, Answer},
};
use futures_util::{StreamExt, stream::FuturesUnordered};
use http::{HeaderMap, HeaderName, HeaderValue};
use klieg_database::sql;
use std::{collections::BTreeMap, future::Future, pin::pin, time::Duration};
use tokio::task::JoinSet;

/// Tries at a time, of one server and of one webhook.
const TRIES_MAX: usize = 32;
const TRIES_OF_ONE_MAX: usize = 2;
/// How long a claim holds. Longer than `ATTEMPT_MAX`, and a commit.
const CLAIM_S: Seconds = 60;
/// The waits between tries, before jitter: ten tries in three days and a half, as the example of Standard Webhooks has them.
const WAITS_S: [Seconds; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
/// How long a receiver may ask to be left alone.
const RETRY_AFTER_MAX_S: Seconds = 86_400;
/// How often a server looks whether something is due, if nobody tells it.
const LOOK: Duration = Duration::from_secs(1);
/// And how often it sweeps.
const SWEEP: Duration = Duration::from_secs(60);
const TROUBLE_CHARACTERS_MAX: usize = 300;

const _: () = assert!(ATTEMPT_MAX.as_secs() + 30 < CLAIM_S as u64, "a try must end before its claim does");

/// How tries came out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Worked {
    pub delivered: usize,
    /// To be tried again.
    pub put_off: usize,
    /// Not to be tried again.
    pub failed: usize,
    /// Somebody else had claimed it meanwhile, or it is gone.
    pub lost: usize,
}

/// A delivery that this worker may try.
struct Claim {
    id: String,
    webhook: String,
    url: String,
    /// The newest first.
    secrets: Vec<Secret>,
    body: String,
    /// With this try.
    attempts: i64,
    number: i64,
}

/// (id, webhook, url, secret, the secret before, body, attempts, claim).
type Row = (String, String, String, String, Option<String>, String, i64, i64);

enum Outcome {
    Delivered,
    PutOff,
    Failed,
    Lost,
}

impl Webhooks {
    /// Tries all that is due and returns when nothing is. Dropped in the middle, what it had begun is tried again later.
    pub async fn work(&self, now: Seconds) -> Result<Worked, WebhookError> {
        let mut worked = Worked::default();
        loop {
            let claims = self.claim(now, TRIES_MAX, &BTreeMap::new()).await?;
            if claims.is_empty() {
                return Ok(worked);
            }
            let mut tries: FuturesUnordered<_> = claims.into_iter().map(|claim| self.attempt(claim, now)).collect();
            while let Some(outcome) = tries.next().await {
                match outcome? {
                    Outcome::Delivered => worked.delivered += 1,
                    Outcome::PutOff => worked.put_off += 1,
                    Outcome::Failed => worked.failed += 1,
                    Outcome::Lost => worked.lost += 1,
                }
            }
        }
    }

    /// Delivers until `stop`. What is on its way then is tried again by whoever runs next. While the database is away it waits.
    pub async fn run(&self, clock: impl Fn() -> Seconds, stop: impl Future<Output = ()>) {
        // Tasks of their own: a try that waited for this loop while it held a connection to the database would keep the loop waiting for one.
        let (mut stop, mut tries, mut running) = (pin!(stop), JoinSet::new(), Vec::new());
        let (mut look, mut sweep) = (tokio::time::interval(LOOK), tokio::time::interval(SWEEP));
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = &mut stop => return,
                Some(ended) = tries.join_next_with_id() => {
                    let id = ended.as_ref().map_or_else(tokio::task::JoinError::id, |(id, _)| *id);
                    running.retain(|(other, _)| *other != id);
                    if let Ok((_, Err(error))) = ended {
                        tracing::warn!(%error, "what became of a webhook's delivery is not written down; it is tried again");
                    }
                }
                _ = sweep.tick() => drop(self.sweep(clock()).await.inspect_err(|error| tracing::warn!(%error, "old deliveries stay"))),
                () = self.news.notified() => {}
                _ = look.tick() => {}
            }
            let busy = busy(&running);
            // A database that is away keeps nobody from stopping.
            let claims = tokio::select! {
                biased;
                () = &mut stop => return,
                claims = self.claim(clock(), TRIES_MAX - tries.len(), &busy) => claims,
            };
            match claims {
                Ok(claims) => {
                    for claim in claims {
                        let (webhooks, webhook, now) = (self.clone(), claim.webhook.clone(), clock());
                        let task = tries.spawn(async move { webhooks.attempt(claim, now).await });
                        running.push((task.id(), webhook));
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "webhooks wait");
                    look.reset();
                }
            }
        }
    }

    /// Claims what is due: the oldest first, of each webhook no more than may be tried at a time.
    async fn claim(&self, now: Seconds, most: usize, busy: &BTreeMap<String, usize>) -> Result<Vec<Claim>, WebhookError> {
        let query = "SELECT d.id, d.webhook, d.url, d.secret, d.old_secret, d.body, d.attempts, d.claim FROM
            (SELECT e.id, e.webhook, w.url, w.secret, CASE WHEN w.old_until > $1 THEN w.old_secret END AS old_secret, e.body, e.attempts, e.claim, e.due_at, e.number,
                ROW_NUMBER() OVER (PARTITION BY e.webhook ORDER BY e.due_at, e.number) AS turn
                FROM webhook_delivery e JOIN webhook w ON w.id = e.webhook
                WHERE e.ended_at IS NULL AND e.due_at <= $1 AND w.disabled_at IS NULL) d
            WHERE d.turn <= $2 ORDER BY d.turn, d.due_at, d.number LIMIT $3";
        // Of those webhooks that are busy none may be left; there are no more of them than tries.
        let (of_one, limit) = (TRIES_OF_ONE_MAX as i64, (most + TRIES_OF_ONE_MAX * busy.len()) as i64);
        let mut rows: Vec<Row> = if most == 0 { Vec::new() } else { self.database.rows(sql!(query, now, of_one, limit)).await? };
        let mut free: BTreeMap<String, usize> = BTreeMap::new();
        rows.retain(|(_, webhook, ..)| {
            let free =
                free.entry(webhook.clone()).or_insert_with(|| TRIES_OF_ONE_MAX.saturating_sub(*busy.get(webhook).unwrap_or(&0)));
            let may = *free > 0;
            *free = free.saturating_sub(1);
            may
        });
        let mut claims = Vec::new();
        for (id, webhook, url, secret, old, body, attempts, number) in rows.into_iter().take(most) {
            let update = "UPDATE webhook_delivery SET claim = claim + 1, attempts = attempts + 1, tried_at = $1, due_at = $2
                WHERE id = $3 AND claim = $4 AND ended_at IS NULL";
            if self.database.run(sql!(update, now, now + CLAIM_S, &id, number)).await? > 0 {
                let (attempts, number) = (attempts + 1, number + 1);
                let secrets = [Some(secret), old].into_iter().flatten().map(Secret::kept).collect();
                claims.push(Claim { id, webhook, url, secrets, body, attempts, number });
            }
        }
        Ok(claims)
    }

    async fn attempt(&self, claim: Claim, now: Seconds) -> Result<Outcome, WebhookError> {
        let answer = match headers(&claim, now) {
            Ok(headers) => self.post.post(&claim.url, headers, claim.body.clone()).await,
            Err(error) => Err(error.to_string()),
        };
        self.settle(&claim, answer, now).await
    }

    /// Writes down how a try came out, unless somebody else has claimed the delivery since.
    async fn settle(&self, claim: &Claim, answer: Result<Answer, String>, now: Seconds) -> Result<Outcome, WebhookError> {
        let status = answer.as_ref().ok().map(|answer| i64::from(answer.status));
        let (outcome, trouble, due_at) = match &answer {
            Ok(Answer { status: 200..=299, .. }) => (Outcome::Delivered, None, now),
            Ok(Answer { status: 410, .. }) => (Outcome::Failed, Some("it answered that it is gone (410)".to_owned()), now),
            Ok(Answer { status, retry_after }) => {
                let (outcome, due_at) = later(claim, *retry_after, now);
                let redirect = if (300..400).contains(status) { "; redirects are not followed" } else { "" };
                (outcome, Some(format!("it answered {status}{redirect}")), due_at)
            }
            Err(what) => {
                let (outcome, due_at) = later(claim, None, now);
                (outcome, Some(what.chars().take(TROUBLE_CHARACTERS_MAX).collect()), due_at)
            }
        };
        let ended_at = (!matches!(outcome, Outcome::PutOff)).then_some(now);
        let delivered_at = matches!(outcome, Outcome::Delivered).then_some(now);
        let update = "UPDATE webhook_delivery SET status = $1, trouble = $2, due_at = $3, delivered_at = $4, ended_at = $5
            WHERE id = $6 AND claim = $7 AND ended_at IS NULL";
        let update = sql!(update, status, trouble, due_at, delivered_at, ended_at, &claim.id, claim.number);
        if self.database.run(update).await? == 0 {
            return Ok(Outcome::Lost);
        }
        if status == Some(410) {
            self.disable(&claim.webhook, "it answered that it is gone (410)", now).await?;
        }
        Ok(outcome)
    }
}

/// How many tries of each webhook are running.
fn busy(running: &[(tokio::task::Id, String)]) -> BTreeMap<String, usize> {
    let mut busy = BTreeMap::new();
    for (_, webhook) in running {
        *busy.entry(webhook.clone()).or_insert(0) += 1;
    }
    busy
}

fn headers(claim: &Claim, now: Seconds) -> Result<HeaderMap, WebhookError> {
    let signatures: Result<Vec<String>, _> = claim.secrets.iter().map(|secret| secret.sign(&claim.id, now, &claim.body)).collect();
    let signatures = signatures?.join(" ");
    let all = [("webhook-id", claim.id.clone()), ("webhook-timestamp", now.to_string()), ("webhook-signature", signatures)];
    // All three are of ASCII that headers may have.
    let header = |(name, value): (&'static str, String)| Some((HeaderName::from_static(name), HeaderValue::try_from(value).ok()?));
    Ok(all.into_iter().filter_map(header).collect())
}

/// Whether and when it is tried again.
fn later(claim: &Claim, retry_after: Option<Seconds>, now: Seconds) -> (Outcome, Seconds) {
    let made = usize::try_from(claim.attempts - 1).unwrap_or(0);
    match WAITS_S.get(made) {
        Some(wait) => {
            let asked = retry_after.unwrap_or(0).clamp(0, RETRY_AFTER_MAX_S);
            (Outcome::PutOff, now + jitter(*wait, &claim.id, claim.number).max(asked))
        }
        None => (Outcome::Failed, now),
    }
}

/// Three to five quarters of it, so that what failed together is not tried together; drawn by counting, so that it can be told again.
fn jitter(wait: Seconds, id: &str, number: i64) -> Seconds {
    let drawn =
        blake3::Hasher::new_derive_key("klieg webhook jitter").update(id.as_bytes()).update(&number.to_le_bytes()).finalize();
    let drawn = Seconds::from(u16::from_le_bytes([drawn.as_bytes()[0], drawn.as_bytes()[1]]));
    wait * 3 / 4 + (wait * drawn / 65_535 + 1) / 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn claim(attempts: i64) -> Claim {
        let id = format!("msg_{attempts}");
        Claim { id, webhook: "w".into(), url: String::new(), secrets: vec![], body: String::new(), attempts, number: attempts }
    }

    #[test]
    fn waits_grow_differ_and_end() {
        let waits: BTreeSet<Seconds> = (0..200).map(|number| jitter(86_400, "msg_x", number)).collect();
        assert!(waits.len() > 150, "{}", waits.len());
        assert!(*waits.first().unwrap() >= 64_800 && *waits.last().unwrap() <= 108_000, "{waits:?}");
        assert!((0..200).all(|number| (3..=6).contains(&jitter(5, "msg_x", number))));
        for attempts in 1..=9 {
            let (outcome, due_at) = later(&claim(attempts), None, 1_000);
            assert!(matches!(outcome, Outcome::PutOff) && due_at > 1_000, "{attempts}");
        }
        assert!(matches!(later(&claim(10), None, 0).0, Outcome::Failed));
        assert_eq!(later(&claim(1), Some(600), 1_000).1, 1_600, "as it was asked to");
        assert_eq!(later(&claim(1), Some(i64::MAX), 1_000).1, 1_000 + RETRY_AFTER_MAX_S);
    }
}

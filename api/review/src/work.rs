//! What reviewers and owners do.

use crate::{Content, ReviewError, Reviews, Seconds, State, content::event};
use klieg_database::sql;

/// Seconds for which content is its reviewer's alone.
pub const CLAIM_S: Seconds = 900;
/// Characters of a reason.
pub const REASON_CHARS_MAX: usize = 2_000;
/// What appeals and escalations add to a priority.
const APPEAL_PRIORITY: i64 = 2_000;
const ESCALATION_PRIORITY: i64 = 1_000;

/// What a person decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    Approve,
    Reject,
}

/// What a moderation job came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// `Waiting`, `Approved`, `Rejected` or `Failed`.
    pub state: State,
    /// 0–1000.
    pub risk: Option<i64>,
    /// Digest of moderation.json.
    pub report: Option<String>,
    pub reason: String,
}

fn reason(text: &str) -> Result<&str, ReviewError> {
    let text = text.trim();
    let plain = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
    let fits = (1..=REASON_CHARS_MAX).contains(&text.chars().count()) && text.chars().all(plain);
    fits.then_some(text).ok_or(ReviewError::Reason)
}

/// Whether somebody may review content at all.
fn theirs(content: &Content, who: &str) -> Result<(), ReviewError> {
    if content.owner == who {
        return Err(ReviewError::NotYou("it is your own"));
    }
    if content.escalated_by.as_deref() == Some(who) {
        return Err(ReviewError::NotYou("you have passed it on"));
    }
    if content.appeal.is_some() && content.decided_by.as_deref() == Some(who) {
        return Err(ReviewError::NotYou("the appeal is against your decision"));
    }
    Ok(())
}

fn waiting(content: &Content, doing: &'static str) -> Result<(), ReviewError> {
    let remedy = "only content that waits is reviewed";
    if content.state == State::Waiting { Ok(()) } else { Err(ReviewError::State { doing, state: content.state, remedy }) }
}

impl Reviews {
    /// Notes what the policy said. `false`: somebody has noted it before.
    pub async fn settle(&self, id: &str, outcome: &Outcome, now: Seconds) -> Result<bool, ReviewError> {
        let update = "UPDATE review_content SET state = $1, risk = $2, report = $3, priority = $4, reason = $5, updated_at = $6
            WHERE id = $7 AND state = 'judging'";
        let (risk, report) = (outcome.risk, outcome.report.as_deref());
        let update = sql!(update, outcome.state.word(), risk, report, risk.unwrap_or(0), &outcome.reason, now, id).must();
        let told = event(id, now, "policy", outcome.state.word(), &outcome.reason);
        Ok(self.database.together(vec![update, told]).await?)
    }

    /// Takes content for `CLAIM_S`; the same person again: for as long again.
    pub async fn claim(&self, id: &str, who: &str, now: Seconds) -> Result<Content, ReviewError> {
        let content = self.content(id).await?;
        waiting(&content, "claim")?;
        theirs(&content, who)?;
        let update = "UPDATE review_content SET claimed_by = $1, claimed_until = $2, updated_at = $3
            WHERE id = $4 AND state = 'waiting' AND (claimed_by IS NULL OR claimed_by = $1 OR claimed_until <= $3)";
        let update = sql!(update, who, now + CLAIM_S, now, id).must();
        if self.database.together(vec![update, event(id, now, who, "claimed", "")]).await? {
            return self.content(id).await;
        }
        Err(self.why_not(id, "claim", who, now).await)
    }

    /// Gives claimed content back.
    pub async fn release(&self, id: &str, who: &str, now: Seconds) -> Result<Content, ReviewError> {
        self.content(id).await?;
        let update = "UPDATE review_content SET claimed_by = NULL, claimed_until = 0, updated_at = $1
            WHERE id = $2 AND state = 'waiting' AND claimed_by = $3";
        let update = sql!(update, now, id, who).must();
        if self.database.together(vec![update, event(id, now, who, "released", "")]).await? {
            return self.content(id).await;
        }
        Err(ReviewError::NotClaimed("release"))
    }

    /// Decides on claimed content.
    pub async fn decide(&self, id: &str, who: &str, decision: Decision, why: &str, now: Seconds) -> Result<Content, ReviewError> {
        let why = reason(why)?;
        let content = self.content(id).await?;
        waiting(&content, "decide on")?;
        theirs(&content, who)?;
        let state = if decision == Decision::Approve { State::Approved } else { State::Rejected };
        let update = "UPDATE review_content SET state = $1, decided_by = $2, reason = $3, updated_at = $4, claimed_by = NULL, claimed_until = 0
            WHERE id = $5 AND state = 'waiting' AND claimed_by = $2 AND claimed_until > $4";
        let update = sql!(update, state.word(), who, why, now, id).must();
        if self.database.together(vec![update, event(id, now, who, state.word(), why)]).await? {
            return self.content(id).await;
        }
        Err(self.why_not(id, "decide on", who, now).await)
    }

    /// Passes claimed content on to somebody else, before the others.
    pub async fn escalate(&self, id: &str, who: &str, why: &str, now: Seconds) -> Result<Content, ReviewError> {
        let why = reason(why)?;
        let content = self.content(id).await?;
        waiting(&content, "escalate")?;
        let update = "UPDATE review_content SET escalated_by = $1, priority = priority + $2, updated_at = $3, claimed_by = NULL, claimed_until = 0
            WHERE id = $4 AND state = 'waiting' AND claimed_by = $1 AND claimed_until > $3";
        let update = sql!(update, who, ESCALATION_PRIORITY, now, id).must();
        if self.database.together(vec![update, event(id, now, who, "escalated", why)]).await? {
            return self.content(id).await;
        }
        Err(self.why_not(id, "escalate", who, now).await)
    }

    /// The owner asks somebody else to look again, once.
    pub async fn appeal(&self, id: &str, who: &str, why: &str, now: Seconds) -> Result<Content, ReviewError> {
        let why = reason(why)?;
        let content = self.content(id).await?;
        if content.owner != who {
            return Err(ReviewError::NotOwner);
        }
        if content.appeal.is_some() {
            return Err(ReviewError::Appealed);
        }
        let update = "UPDATE review_content SET state = 'waiting', appeal = $1, priority = priority + $2, updated_at = $3,
            escalated_by = NULL WHERE id = $4 AND state = 'rejected' AND appeal IS NULL";
        let update = sql!(update, why, APPEAL_PRIORITY, now, id).must();
        if self.database.together(vec![update, event(id, now, who, "appealed", why)]).await? {
            return self.content(id).await;
        }
        let remedy = "only what was rejected is appealed";
        Err(ReviewError::State { doing: "appeal against", state: self.content(id).await?.state, remedy })
    }

    /// Why a change of waiting content did not go.
    async fn why_not(&self, id: &str, doing: &'static str, who: &str, now: Seconds) -> ReviewError {
        let content = match self.content(id).await {
            Ok(content) => content,
            Err(error) => return error,
        };
        if let Err(error) = waiting(&content, doing) {
            return error;
        }
        match content.claimed_by {
            Some(other) if other != who && content.claimed_until > now => {
                ReviewError::Claimed { doing, who: other, until: content.claimed_until }
            }
            _ => ReviewError::NotClaimed(doing),
        }
    }
}

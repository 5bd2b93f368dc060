//! Requests under an idempotency key: of the same sent twice, one is done, and both get its answer.

use crate::{Ledger, LedgerError, Seconds};
use klieg_database::sql;

/// How long an answer is kept.
pub const KEPT_S: Seconds = 86_400;
/// After so long without an answer whoever worked on a request is taken for dead, and the next to ask does it.
pub const CLAIM_S: Seconds = 180;
/// Of one account at a time.
pub const KEYS_MAX: i64 = 20_000;
const CLAIM_BYTES: usize = 16;

/// What a request was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// The header of that name.
    pub location: Option<String>,
    /// JSON.
    pub body: String,
}

/// The right to do a request and to answer it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    account: String,
    digest: String,
    id: String,
    /// When the first who had it began: it was not answered, and may have been done all the same.
    pub begun_before: Option<Seconds>,
}

/// What there is to be done with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// Do it, and answer it or let it go.
    Mine(Claim),
    /// It was done: say the same.
    Answered(Answer),
    /// The key was used for something else.
    Other,
    /// Somebody is at it.
    Busy,
    /// The account has as many keys as it may.
    TooMany,
}

/// A key that is remembered, without it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestInfo {
    pub begun_at: Seconds,
    pub status: Option<i64>,
    pub location: Option<String>,
}

/// What a request is known by: other parts, other digest.
pub fn digest_of(parts: &[&[u8]]) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize().to_hex().to_string()
}

type Row = (String, String, i64, i64, Option<i64>, Option<String>, Option<String>);

fn claim_id() -> Result<String, LedgerError> {
    let mut bytes = [0; CLAIM_BYTES];
    getrandom::fill(&mut bytes).map_err(LedgerError::Random)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

impl Ledger {
    /// Begins a request of an account under a key. `request`: its digest.
    pub async fn begin(&self, account: &str, key: &str, request: &str, now: Seconds) -> Result<Begun, LedgerError> {
        let (digest, id) = (digest_of(&[key.as_bytes()]), claim_id()?);
        let old = "DELETE FROM ledger_request WHERE account = $1 AND begun_at <= $2";
        let insert =
            "INSERT INTO ledger_request (account, digest, request, begun_at, claim, claimed_at) SELECT $1, $2, $3, $4, $5, $4
            WHERE (SELECT COUNT(*) FROM ledger_request WHERE account = $1) < $6 ON CONFLICT (account, digest) DO NOTHING";
        let steps = vec![sql!(old, account, now - KEPT_S), sql!(insert, account, &digest, request, now, &id, KEYS_MAX).must()];
        if self.database.together(steps).await? {
            return Ok(Begun::Mine(Claim { account: account.into(), digest, id, begun_before: None }));
        }
        let query = "SELECT request, claim, begun_at, claimed_at, status, location, answer FROM ledger_request
            WHERE account = $1 AND digest = $2";
        let Some(row) = self.database.row::<Row>(sql!(query, account, &digest)).await? else { return Ok(Begun::TooMany) };
        let (before, claim, begun_at, claimed_at, status, location, body) = row;
        if before != request {
            return Ok(Begun::Other);
        }
        if let (Some(status), Some(body)) = (status, body) {
            return Ok(Begun::Answered(Answer { status: u16::try_from(status).unwrap_or(500), location, body }));
        }
        if claimed_at > now - CLAIM_S {
            return Ok(Begun::Busy);
        }
        let take = "UPDATE ledger_request SET claim = $1, claimed_at = $2
            WHERE account = $3 AND digest = $4 AND claim = $5 AND status IS NULL";
        let taken = self.database.run(sql!(take, &id, now, account, &digest, &claim)).await? > 0;
        let mine = Claim { account: account.into(), digest, id, begun_before: Some(begun_at) };
        Ok(if taken { Begun::Mine(mine) } else { Begun::Busy })
    }

    /// Keeps what a request was answered. `false`: somebody else has taken it over meanwhile.
    pub async fn answer(&self, claim: &Claim, answer: &Answer) -> Result<bool, LedgerError> {
        let update = "UPDATE ledger_request SET status = $1, location = $2, answer = $3
            WHERE account = $4 AND digest = $5 AND claim = $6 AND status IS NULL";
        let Answer { status, location, body } = answer;
        let update = sql!(update, i64::from(*status), location.as_deref(), body, &claim.account, &claim.digest, &claim.id);
        Ok(self.database.run(update).await? > 0)
    }

    /// Lets a request go that was refused: the key is free again.
    pub async fn release(&self, claim: &Claim) -> Result<(), LedgerError> {
        let delete = "DELETE FROM ledger_request WHERE account = $1 AND digest = $2 AND claim = $3 AND status IS NULL";
        self.database.run(sql!(delete, &claim.account, &claim.digest, &claim.id)).await?;
        Ok(())
    }

    /// Lets a request go of which nobody knows whether it was done: the next to ask learns that.
    pub async fn leave(&self, claim: &Claim) -> Result<(), LedgerError> {
        let update =
            "UPDATE ledger_request SET claimed_at = 0 WHERE account = $1 AND digest = $2 AND claim = $3 AND status IS NULL";
        self.database.run(sql!(update, &claim.account, &claim.digest, &claim.id)).await?;
        Ok(())
    }

    /// Forgets what is older than it is kept.
    pub async fn forget_old_requests(&self, now: Seconds) -> Result<u64, LedgerError> {
        Ok(self.database.run(sql!("DELETE FROM ledger_request WHERE begun_at <= $1", now - KEPT_S)).await?)
    }

    /// What is remembered of an account's requests, the oldest first.
    pub async fn requests(&self, account: &str) -> Result<Vec<RequestInfo>, LedgerError> {
        let query = "SELECT begun_at, status, location FROM ledger_request WHERE account = $1 ORDER BY begun_at, digest LIMIT $2";
        let rows: Vec<(i64, Option<i64>, Option<String>)> = self.database.rows(sql!(query, account, KEYS_MAX)).await?;
        Ok(rows.into_iter().map(|(begun_at, status, location)| RequestInfo { begun_at, status, location }).collect())
    }

    /// Forgets an account: its requests are gone, and its uploads are nobody's.
    pub async fn forget_account(&self, account: &str) -> Result<(), LedgerError> {
        let steps = vec![
            sql!("DELETE FROM ledger_request WHERE account = $1", account),
            sql!("UPDATE ledger_upload SET account = '' WHERE account = $1", account),
        ];
        self.database.together(steps).await?;
        Ok(())
    }
}

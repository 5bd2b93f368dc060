//! Passwords: who knows theirs gets a session, who guesses waits.

use crate::{Account, AccountError, AccountId, Accounts, Caller, Pair, Seconds, accounts::cleaned, audit::note, password, secret};
use klieg_database::sql;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Passwords that are hashed at a time: each takes 19 MiB and tens of milliseconds.
const HASHES_MAX: usize = 2;
/// And that wait for it.
const WAITING_MAX: usize = 64;
/// So many wrong passwords in a row cost nothing; then a second, two, four, up to the cap.
const MISSES_FREE: i64 = 5;
const MISS_WAIT_MAX_S: Seconds = 300;
/// Misses are forgotten after so long; whoever waits that long gets fewer guesses than whoever takes one after each wait.
const MISSES_KEPT_S: Seconds = 3_600;

pub(crate) struct Hashing {
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl Default for Hashing {
    fn default() -> Self {
        Self { running: Arc::new(Semaphore::new(HASHES_MAX)), waiting: Arc::new(Semaphore::new(WAITING_MAX)) }
    }
}

impl Hashing {
    /// Away from the threads that answer requests, and not too many at a time.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, AccountError> + Send + 'static,
    ) -> Result<T, AccountError> {
        let failed = |error: &dyn std::fmt::Display| AccountError::Hash(error.to_string());
        let waiting = Arc::clone(&self.waiting).try_acquire_owned().map_err(|_| AccountError::Busy)?;
        let running = Arc::clone(&self.running).acquire_owned().await.map_err(|error| failed(&error))?;
        // Both are held until it is done, whether anybody still waits for it or not.
        let work = move || {
            let _turn = (waiting, running);
            work()
        };
        tokio::task::spawn_blocking(work).await.map_err(|error| failed(&error))?
    }
}

impl Accounts {
    /// Begins a session for whoever knows the password.
    pub async fn login(&self, name: &str, password: &str, now: Seconds) -> Result<Pair, AccountError> {
        let (account, kept) = self.prove(name, password, now).await?;
        self.begin_session(&account, &kept, now).await
    }

    /// Notes that somebody at an address gave a wrong password for a name: an account's by its id, one that nobody has by its digest.
    /// How often it is noted is the caller's affair.
    pub async fn note_miss(&self, name: &str, address: &str, now: Seconds) -> Result<(), AccountError> {
        let Ok(name) = cleaned(name) else { return Ok(()) };
        let query = "SELECT id FROM account WHERE name = $1";
        let known: Option<(String,)> = self.database.row(sql!(query, &name)).await?;
        let subject = known.map_or_else(|| secret::digest(&name), |(id,)| id);
        self.note(now, &format!("nobody at {address}"), "login-failed", &subject).await
    }

    /// Changes the caller's own password. It ends all their sessions, this one too; tokens of programs stay.
    pub async fn change_password(&self, caller: &Caller, old: &str, new: &str, now: Seconds) -> Result<(), AccountError> {
        let name = self.account(&caller.account).await?.name;
        password::check(new)?;
        self.prove(&name, old, now).await?;
        self.set_password(&caller.account, new, &caller.account.0, now).await
    }

    /// Gives an account another password and ends all its sessions. `by`: who does.
    pub async fn set_password(&self, id: &AccountId, password: &str, by: &str, now: Seconds) -> Result<(), AccountError> {
        password::check(password)?;
        let hash = self.hash(password).await?;
        let done = self
            .database
            .together(vec![
                sql!("UPDATE account SET password = $1 WHERE id = $2 AND closed_at IS NULL", hash, &id.0).must(),
                sql!("UPDATE account_session SET ended_at = $1 WHERE account = $2 AND ended_at IS NULL", now, &id.0),
                note(now, by, "password-set", &id.0),
            ])
            .await?;
        self.forget();
        if done { Ok(()) } else { Err(AccountError::Missing("account, or it is closed")) }
    }

    /// Whose name and password these are, and the hash that said so. Answers for names that nobody has take the same work and the same words.
    async fn prove(&self, name: &str, password: &str, now: Seconds) -> Result<(Account, String), AccountError> {
        let Ok(name) = cleaned(name) else { return Err(AccountError::NotThem) };
        let key = secret::digest(&name);
        self.count_try(&name, &key, now).await?;
        let query = "SELECT id, password FROM account WHERE name = $1 AND closed_at IS NULL AND password <> ''";
        let found: Option<(String, String)> = self.database.row(sql!(query, &name)).await?;
        let (kept, password) = (found.as_ref().map(|(_, kept)| kept.clone()), password.to_owned());
        let right = self.shared.hashing.run(move || password::is(&password, kept.as_deref())).await?;
        let Some((id, kept)) = found.filter(|_| right) else { return Err(AccountError::NotThem) };
        self.database.run(sql!("DELETE FROM account_miss WHERE name = $1", &key)).await?;
        Ok((self.account(&AccountId(id)).await?, kept))
    }

    /// Counts a try before it is looked at, so that of many at once none is free. The one after which waiting begins is noted.
    async fn count_try(&self, name: &str, key: &str, now: Seconds) -> Result<(), AccountError> {
        let slower = |wait| Err(AccountError::Slower { name: name.into(), wait });
        for _ in 0..MISSES_FREE + 2 {
            let query = sql!("SELECT misses, missed_at FROM account_miss WHERE name = $1", key);
            let (misses, missed_at): (i64, i64) = self.database.row(query).await?.unwrap_or_default();
            let wait = missed_at + pause(misses) - now;
            if wait > 0 {
                return slower(wait);
            }
            let count = "INSERT INTO account_miss (name, misses, missed_at) VALUES ($1, 1, $2) ON CONFLICT (name)
                DO UPDATE SET misses = account_miss.misses + 1, missed_at = $2 WHERE account_miss.misses = $3";
            let mut steps = vec![sql!(count, key, now, misses).must()];
            steps.push(sql!("DELETE FROM account_miss WHERE missed_at < $1", now - MISSES_KEPT_S));
            if misses + 1 == MISSES_FREE {
                steps.push(note(now, "nobody", "passwords-guessed", key));
            }
            if self.database.together(steps).await? {
                return Ok(());
            }
        }
        slower(1)
    }

    pub(crate) async fn hash(&self, password: &str) -> Result<String, AccountError> {
        let password = password.to_owned();
        self.shared.hashing.run(move || password::hash(&password)).await
    }
}

/// How long after the last of so many wrong passwords the next try is looked at.
fn pause(misses: i64) -> Seconds {
    match misses - MISSES_FREE {
        ..0 => 0,
        beyond @ 0..9 => MISS_WAIT_MAX_S.min(1 << beyond),
        _ => MISS_WAIT_MAX_S,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_cap() {
        assert_eq!([0, 4, 5, 6, 12, 13, 14, 1_000, i64::MAX].map(pause), [0, 0, 1, 2, 128, 256, 300, 300, 300]);
    }
}

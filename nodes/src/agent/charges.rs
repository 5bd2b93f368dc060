use klieg_protocol::{Charge, Dispatch, Token};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;

/// How many tokens are remembered, so that a command that comes twice is carried out once.
const TOKENS_MAX: usize = 4096;

/// The attempts that the agent has taken and whose ends have not been confirmed, and the tokens that it has seen.
#[derive(Clone)]
pub struct Charges {
    taken: Arc<Mutex<Taken>>,
    /// How many are open.
    open: watch::Sender<usize>,
}

#[derive(Default)]
struct Taken {
    open: BTreeMap<Token, Charge>,
    /// The latest session that was heard of.
    session: u64,
    seen: VecDeque<Token>,
}

impl Default for Charges {
    fn default() -> Self {
        Self { taken: Arc::default(), open: watch::channel(0).0 }
    }
}

impl Charges {
    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes an attempt. False when it was taken, or stopped, before, or is of a session that another has followed.
    pub fn take(&self, dispatch: &Dispatch) -> bool {
        let fresh = self.obeys(dispatch.session) && self.see(dispatch.token);
        if fresh {
            let mut taken = self.taken();
            taken.open.insert(dispatch.token, Charge::of(dispatch));
            self.open.send_replace(taken.open.len());
        }
        fresh
    }

    /// Whether no later session has been heard of.
    pub fn obeys(&self, session: u64) -> bool {
        session >= self.taken().session
    }

    /// Whether the attempt has been taken and its end is not confirmed.
    pub fn has(&self, token: Token) -> bool {
        self.taken().open.contains_key(&token)
    }

    /// Notes the session; true when that is news.
    pub fn follow(&self, session: u64) -> bool {
        let mut taken = self.taken();
        let news = session > taken.session;
        taken.session = taken.session.max(session);
        news
    }

    /// Whether the token has not been seen before.
    pub fn see(&self, token: Token) -> bool {
        let mut taken = self.taken();
        if taken.seen.contains(&token) {
            return false;
        }
        taken.seen.push_back(token);
        if taken.seen.len() > TOKENS_MAX {
            taken.seen.pop_front();
        }
        true
    }

    /// The scheduler knows how the attempt ended.
    pub fn confirm(&self, token: Token) {
        let mut taken = self.taken();
        taken.open.remove(&token);
        self.open.send_replace(taken.open.len());
    }

    /// The session and all open attempts.
    pub fn list(&self) -> (u64, Vec<Charge>) {
        let taken = self.taken();
        (taken.session, taken.open.values().cloned().collect())
    }

    /// Returns when none is open.
    pub async fn none(&self) {
        let mut open = self.open.subscribe();
        // The sender lives as long as `self`.
        let _ = open.wait_for(|open| *open == 0).await;
    }
}

use super::cache::Cache;
use crate::clock;
use klieg_protocol::{Beat, Digest, Dispatch, Token};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// How long something is held for an attempt that the agent has not told of: between a command and its first heartbeat, and
/// between a file and the report that names it.
const UNTOLD_MAX: Duration = Duration::from_secs(120);

/// Artifacts that stay in the cache for as long as this lives.
pub struct Pinned<'a>(&'a Cache, BTreeSet<Digest>);

impl<'a> Pinned<'a> {
    pub fn new(cache: &'a Cache, digests: BTreeSet<Digest>) -> Self {
        digests.iter().for_each(|digest| cache.pin(*digest));
        Self(cache, digests)
    }
}

impl Drop for Pinned<'_> {
    fn drop(&mut self) {
        self.1.iter().for_each(|digest| self.0.unpin(*digest));
    }
}

/// What attempts at hand hold of the cache.
pub struct Pins {
    cache: Cache,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    /// Inputs by attempt.
    attempts: BTreeMap<Token, (Vec<Digest>, Instant)>,
    /// Files that a report will name.
    made: BTreeMap<Digest, Instant>,
}

impl Pins {
    pub fn new(cache: Cache) -> Self {
        Self { cache, held: Mutex::default() }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An attempt comes; its inputs stay until it has been reported.
    pub fn expect(&self, dispatch: &Dispatch) {
        let inputs: Vec<Digest> = dispatch.inputs.values().copied().collect();
        inputs.iter().for_each(|digest| self.cache.pin(*digest));
        let before = self.held().attempts.insert(dispatch.token, (inputs, clock::now()));
        self.release(before.into_iter().flat_map(|(inputs, _)| inputs));
    }

    /// A file was made that a report is about to name.
    pub fn made(&self, digest: Digest) {
        if self.held().made.insert(digest, clock::now()).is_none() {
            self.cache.pin(digest);
        }
    }

    /// The attempt has been reported.
    pub fn done(&self, token: Token) {
        let done = self.held().attempts.remove(&token);
        self.release(done.into_iter().flat_map(|(inputs, _)| inputs));
    }

    /// Lets go what no attempt of the agent's holds.
    pub fn review(&self, beat: &Beat) {
        let now = clock::now();
        let old = |since: &Instant| now.duration_since(*since) > UNTOLD_MAX;
        let mut held = self.held();
        let told = |token: &Token| beat.attempts.iter().any(|charge| charge.token == *token);
        let attempts = held.attempts.extract_if(.., |token, (_, since)| old(since) && !told(token));
        let mut over: Vec<Digest> = attempts.flat_map(|(_, (inputs, _))| inputs).collect();
        over.extend(held.made.extract_if(.., |_, since| old(since)).map(|(digest, _)| digest));
        drop(held);
        self.release(over);
    }

    fn release(&self, digests: impl IntoIterator<Item = Digest>) {
        digests.into_iter().for_each(|digest| self.cache.unpin(digest));
    }
}

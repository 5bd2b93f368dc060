//! What was found in the database, believed for some seconds: whoever asks ten thousand times a second asks it once.

use crate::Seconds;
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// How long it is believed by a server that did not change it itself.
pub const BELIEVED_S: Seconds = 5;
/// How many are remembered; past it all are asked for again.
const REMEMBERED_MAX: usize = 100_000;

pub struct Believed<T> {
    known: Mutex<Known<T>>,
}

struct Known<T> {
    all: BTreeMap<String, (Seconds, T)>,
    /// Counts what was forgotten: what was read before that is not remembered after it.
    forgotten: u64,
}

/// From before the database was asked.
pub struct Asked(u64);

impl<T: Clone> Believed<T> {
    pub fn new() -> Self {
        Self { known: Mutex::new(Known { all: BTreeMap::new(), forgotten: 0 }) }
    }

    fn known(&self) -> MutexGuard<'_, Known<T>> {
        // Nothing that can panic is done under this lock.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is believed, or leave to remember what the database says.
    pub fn get(&self, id: &str, now: Seconds) -> Result<T, Asked> {
        let known = self.known();
        match known.all.get(id) {
            Some((at, found)) if (now - BELIEVED_S..=now).contains(at) => Ok(found.clone()),
            _ => Err(Asked(known.forgotten)),
        }
    }

    pub fn remember(&self, asked: &Asked, id: &str, found: T, now: Seconds) {
        let mut known = self.known();
        if known.forgotten != asked.0 {
            return;
        }
        if known.all.len() >= REMEMBERED_MAX {
            known.all.clear();
        }
        known.all.insert(id.into(), (now, found));
    }

    pub fn forget(&self) {
        let mut known = self.known();
        known.forgotten += 1;
        known.all.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_forgotten_while_it_is_read_is_not_remembered() {
        let all = Believed::new();
        let Err(asked) = all.get("a", 10) else { panic!("nothing is known") };
        all.remember(&asked, "a", 1, 10);
        assert_eq!(all.get("a", 15).ok(), Some(1));
        assert!(all.get("a", 16).is_err(), "too old");
        assert!(all.get("a", 9).is_err(), "of the future");
        let Err(asked) = all.get("b", 10) else { panic!("nothing is known of b") };
        all.forget();
        all.remember(&asked, "b", 2, 10);
        assert!(all.get("b", 10).is_err() && all.get("a", 10).is_err());
    }
}

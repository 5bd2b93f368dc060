//! Which parts of which models are on the device, and which are parked in host memory. Bytes are counted before anything is moved.

use crate::words::ModelId;
use std::collections::{BTreeMap, BTreeSet};

/// A part of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartId {
    pub model: ModelId,
    pub part: usize,
}

/// Where a part's weights are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// On the disk only.
    Away,
    /// In host memory.
    Parked,
    /// On the device.
    Here,
}

/// What to do with a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// To the device, from host memory or the disk.
    Load(PartId),
    /// From the device to host memory.
    Park(PartId),
    /// From the device to nowhere.
    Unload(PartId),
    /// From host memory to nowhere.
    Forget(PartId),
}

#[derive(Clone, Copy, Debug)]
struct Held {
    bytes: u64,
    place: Place,
    used_ms: u64,
}

/// All parts of all models.
#[derive(Clone, Debug, Default)]
pub struct Residency {
    host_bytes: u64,
    parts: BTreeMap<PartId, Held>,
}

impl Residency {
    pub fn new(host_bytes: u64) -> Self {
        Self { host_bytes, parts: BTreeMap::new() }
    }

    pub fn add(&mut self, id: PartId, bytes: u64) {
        self.parts.insert(id, Held { bytes, place: Place::Away, used_ms: 0 });
    }

    pub fn place(&self, id: PartId) -> Place {
        self.parts.get(&id).map_or(Place::Away, |held| held.place)
    }

    fn sum(&self, place: Place) -> u64 {
        self.parts.values().filter(|held| held.place == place).map(|held| held.bytes).sum()
    }

    /// Bytes of parts on the device.
    pub fn here_bytes(&self) -> u64 {
        self.sum(Place::Here)
    }

    /// Bytes of parts in host memory.
    pub fn parked_bytes(&self) -> u64 {
        self.sum(Place::Parked)
    }

    /// Brings parts to the device, where all parts together may take `room`: others go, the least recently used first, until there
    /// is enough. `None`, and nothing is changed, if these alone take more.
    pub fn bring(&mut self, wanted: &BTreeSet<PartId>, room: u64, now_ms: u64) -> Option<Vec<Move>> {
        let all: u64 = wanted.iter().filter_map(|id| self.parts.get(id)).map(|held| held.bytes).sum();
        if all > room {
            return None;
        }
        let missing: Vec<PartId> = wanted.iter().copied().filter(|id| self.place(*id) != Place::Here).collect();
        let coming: u64 = missing.iter().filter_map(|id| self.parts.get(id)).map(|held| held.bytes).sum();
        let mut moves = Vec::new();
        while self.here_bytes() + coming > room {
            let here = self.parts.iter().filter(|(id, held)| held.place == Place::Here && !wanted.contains(id));
            let oldest = here.min_by_key(|(id, held)| (held.used_ms, **id)).map(|(id, _)| *id)?;
            // What is about to be loaded from host memory must not be forgotten to make room there.
            self.send_away(oldest, wanted, &mut moves);
        }
        for id in wanted {
            let Some(held) = self.parts.get_mut(id) else { continue };
            held.used_ms = now_ms;
            if held.place != Place::Here {
                held.place = Place::Here;
                moves.push(Move::Load(*id));
            }
        }
        Some(moves)
    }

    /// Parks parts that nobody has used since then.
    pub fn trim(&mut self, since_ms: u64, keep: &BTreeSet<PartId>) -> Vec<Move> {
        let idle = |(id, held): &(&PartId, &Held)| held.place == Place::Here && held.used_ms < since_ms && !keep.contains(id);
        let idle: Vec<PartId> = self.parts.iter().filter(idle).map(|(id, _)| *id).collect();
        let mut moves = Vec::new();
        idle.into_iter().for_each(|id| self.send_away(id, keep, &mut moves));
        moves
    }

    /// A part could not be brought: it is nowhere.
    pub fn lost(&mut self, id: PartId) {
        if let Some(held) = self.parts.get_mut(&id) {
            held.place = Place::Away;
        }
    }

    /// Parks a part if host memory has room for it, for which older ones are forgotten; else it goes altogether.
    fn send_away(&mut self, id: PartId, keep: &BTreeSet<PartId>, moves: &mut Vec<Move>) {
        let Some(bytes) = self.parts.get(&id).map(|held| held.bytes) else { return };
        let kept: u64 = keep
            .iter()
            .filter(|id| self.place(**id) == Place::Parked)
            .filter_map(|id| self.parts.get(id))
            .map(|held| held.bytes)
            .sum();
        let fits = bytes.checked_add(kept).is_some_and(|all| all <= self.host_bytes);
        while fits && self.parked_bytes() + bytes > self.host_bytes {
            let parked = self.parts.iter().filter(|(id, held)| held.place == Place::Parked && !keep.contains(id));
            let Some(oldest) = parked.min_by_key(|(id, held)| (held.used_ms, **id)).map(|(id, _)| *id) else { break };
            self.set(oldest, Place::Away);
            moves.push(Move::Forget(oldest));
        }
        self.set(id, if fits { Place::Parked } else { Place::Away });
        moves.push(if fits { Move::Park(id) } else { Move::Unload(id) });
    }

    fn set(&mut self, id: PartId, place: Place) {
        if let Some(held) = self.parts.get_mut(&id) {
            held.place = place;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(part: usize) -> PartId {
        PartId { model: ModelId(0), part }
    }

    fn set<const N: usize>(parts: [usize; N]) -> BTreeSet<PartId> {
        parts.map(id).into()
    }

    #[test]
    fn the_least_recently_used_goes_first_and_only_as_much_as_is_needed() {
        let mut residency = Residency::new(15);
        (0..4).for_each(|part| residency.add(id(part), 10));
        assert_eq!(
            residency.bring(&set([0, 1, 2]), 30, 1).expect("room"),
            [Move::Load(id(0)), Move::Load(id(1)), Move::Load(id(2))]
        );
        assert_eq!(residency.bring(&set([0]), 30, 2).expect("room"), []);
        assert_eq!(residency.bring(&set([3]), 30, 3).expect("room"), [Move::Park(id(1)), Move::Load(id(3))]);
        assert_eq!(
            residency.bring(&set([3]), 20, 4).expect("room"),
            [Move::Forget(id(1)), Move::Park(id(2))],
            "the host has room for one"
        );
        assert_eq!(residency.bring(&set([0, 3]), 19, 5), None);
        assert_eq!((residency.here_bytes(), residency.parked_bytes()), (20, 10));
        assert_eq!(
            residency.bring(&set([2]), 10, 6).expect("room"),
            [Move::Unload(id(0)), Move::Unload(id(3)), Move::Load(id(2))],
            "part 2 comes from the host"
        );
        assert_eq!(residency.trim(6, &set([])), []);
        assert_eq!(residency.trim(7, &set([])), [Move::Park(id(2))]);
        assert_eq!((residency.here_bytes(), residency.parked_bytes()), (0, 10));
    }
}

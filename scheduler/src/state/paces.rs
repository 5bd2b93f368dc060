use klieg_protocol::{Class, DeviceOffer};
use std::collections::BTreeMap;

/// The latest so many tasks of a sort of device count.
const TASKS: f64 = 400.0;
/// A sort of which nothing is known is thought to have run so many tasks that took their estimate.
const DOUBT: f64 = 3.0;
/// What takes more than e³ times its estimate, or less than the e³rd part of it, says nothing about its device.
const FAR: f64 = 3.0;
/// Sorts of devices that are remembered; no farm has as many, but names come from outside.
const SORTS_MAX: usize = 1_000;

/// How fast devices are: which part of their estimates tasks take on them. Devices of one class, name and size are of one sort. It decides
/// who goes where and when room is thought to open, never what comes out; a new leader learns it again.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Paces(BTreeMap<(Class, String, u64), Pace>);

/// The mean of the logarithms, so that one task of ten times its estimate does not outweigh ten good estimates.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Pace {
    log: f64,
    tasks: f64,
}

impl Paces {
    /// A task that was thought to take `estimate` seconds took `seconds`.
    pub fn learn(&mut self, device: &DeviceOffer, estimate: f64, seconds: f64) {
        let log = (seconds / estimate).ln();
        if log.is_nan() || log.abs() > FAR {
            return;
        }
        let sort = sort(device);
        if self.0.len() >= SORTS_MAX && !self.0.contains_key(&sort) {
            return;
        }
        let pace = self.0.entry(sort).or_insert(Pace { log: 0.0, tasks: DOUBT });
        pace.tasks = (pace.tasks + 1.0).min(TASKS);
        pace.log += (log - pace.log) / pace.tasks;
    }

    /// The part of their estimates that tasks take there. 1 while nothing is known.
    pub fn of(&self, device: &DeviceOffer) -> f64 {
        if self.0.is_empty() { 1.0 } else { self.0.get(&sort(device)).map_or(1.0, |pace| pace.log.exp()) }
    }

    /// Of the fastest sort; 1 at most.
    pub fn best(&self) -> f64 {
        self.0.values().map(|pace| pace.log.exp()).fold(1.0, f64::min)
    }
}

fn sort(device: &DeviceOffer) -> (Class, String, u64) {
    (device.class, device.name.clone(), device.memory_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(name: &str) -> DeviceOffer {
        DeviceOffer { name: name.into(), class: Class::Cuda, memory_bytes: 1, slots: 1, gpu: None }
    }

    #[test]
    fn a_fast_sort_becomes_known_as_one_and_freaks_do_not_count() {
        let (mut paces, fast, slow) = (Paces::default(), device("fast"), device("slow"));
        for _ in 0..200 {
            paces.learn(&fast, 60.0, 20.0);
            paces.learn(&slow, 60.0, 90.0);
        }
        let known = (paces.of(&fast), paces.of(&slow));
        assert!((0.33..0.35).contains(&known.0) && (1.48..1.51).contains(&known.1), "{known:?}");
        assert_eq!(paces.best(), known.0);
        for (estimate, seconds) in [(0.0, 5.0), (5.0, 0.0), (1.0, 1e9), (f64::NAN, 1.0)] {
            paces.learn(&fast, estimate, seconds);
        }
        assert_eq!(paces.of(&fast), known.0);
        assert_eq!(paces.of(&device("unknown")), 1.0);
    }

    #[test]
    fn a_change_of_pace_is_learned() {
        let (mut paces, device) = (Paces::default(), device("throttled"));
        (0..1_000).for_each(|_| paces.learn(&device, 60.0, 20.0));
        (0..1_500).for_each(|_| paces.learn(&device, 60.0, 60.0));
        assert!(paces.of(&device) > 0.95, "{}", paces.of(&device));
    }
}

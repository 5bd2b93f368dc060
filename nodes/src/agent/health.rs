//! Whether the agent's devices can be used, by everything that it knows of them.
//!
//! The scheduler gives a device that has a fault no more attempts; what runs on it goes on unless the fault says that the device is
//! gone. When the fault is over, the scheduler tries the device with one attempt before it trusts it again. Workers that cannot
//! start are not noted here: their attempts fail by the node's fault, and the scheduler drains a device that has three of those.

use crate::agent::group::Group;
use klieg_protocol::DeviceBeat;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Notify;

/// Where a fault was seen. A device may have one of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Seen {
    /// By the driver.
    Driver,
    /// On the disk where attempts write.
    Disk,
    /// A worker of that slot could not be ended.
    Slot(usize),
}

/// The faults of all devices.
#[derive(Clone, Default)]
pub struct Health {
    faults: Arc<Mutex<Faults>>,
    news: Arc<Notify>,
}

#[derive(Default)]
struct Faults {
    /// By device.
    known: BTreeMap<(usize, Seen), String>,
    stuck: Vec<(usize, usize, Group)>,
}

impl Health {
    fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a fault, or with `None` that it is over. True when that is news.
    pub fn note(&self, device: usize, seen: Seen, fault: Option<String>) -> bool {
        let mut faults = self.faults();
        let before = faults.known.get(&(device, seen)).cloned();
        match &fault {
            Some(fault) => faults.known.insert((device, seen), fault.clone()),
            None => faults.known.remove(&(device, seen)),
        };
        if before != fault {
            self.news.notify_one();
        }
        before != fault
    }

    /// Returns when a fault has come or gone that has not been told of yet.
    pub async fn news(&self) {
        self.news.notified().await;
    }

    /// A worker of a slot could not be ended: its device is faulty as long as anything of it lives.
    pub fn stuck(&self, device: usize, slot: usize, group: Group, fault: String) {
        self.faults().stuck.push((device, slot, group));
        self.note(device, Seen::Slot(slot), Some(fault));
    }

    /// Whether something of a slot's worker that could not be ended still lives.
    pub fn is_stuck(&self, device: usize, slot: usize) -> bool {
        self.free();
        self.faults().known.contains_key(&(device, Seen::Slot(slot)))
    }

    /// Forgets what has ended after all.
    fn free(&self) {
        let mut faults = self.faults();
        let (living, over): (Vec<_>, _) = std::mem::take(&mut faults.stuck).into_iter().partition(|(.., g)| !g.living().is_empty());
        for (device, slot, _) in over {
            faults.known.remove(&(device, Seen::Slot(slot)));
        }
        faults.stuck = living;
    }

    /// What a heartbeat tells of so many devices.
    pub fn beats(&self, devices: usize) -> Vec<DeviceBeat> {
        self.free();
        let faults = self.faults();
        let of = |device: usize| {
            let reasons = faults.known.range((device, Seen::Driver)..=(device, Seen::Slot(usize::MAX)));
            let reasons: Vec<&str> = reasons.map(|(_, reason)| reason.as_str()).collect();
            let fault = (!reasons.is_empty()).then(|| reasons.join("; "));
            DeviceBeat { fault, warm: Vec::new() }
        };
        (0..devices).map(of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::unistd::Pid;

    fn told(health: &Health) -> Vec<Option<String>> {
        health.beats(2).into_iter().map(|beat| beat.fault).collect()
    }

    #[test]
    fn a_device_is_healthy_when_nothing_of_it_is_at_fault_any_more() {
        let health = Health::default();
        assert!(health.note(1, Seen::Driver, Some("a".into())));
        assert!(!health.note(1, Seen::Driver, Some("a".into())), "no news");
        health.note(1, Seen::Disk, Some("b".into()));
        assert_eq!(told(&health), [None, Some("a; b".into())]);
        assert!(health.note(1, Seen::Driver, None));
        assert_eq!(told(&health), [None, Some("b".into())]);
        health.note(1, Seen::Disk, None);
        assert_eq!(told(&health), [None, None]);
    }

    #[test]
    fn a_stuck_worker_is_forgotten_when_it_has_ended() {
        use std::os::unix::process::CommandExt;
        let mut child = std::process::Command::new("sleep").arg("60").process_group(0).spawn().unwrap();
        let group = Group { leader: Pid::from_raw(child.id() as i32), mark: "none".into() };
        let health = Health::default();
        health.stuck(0, 3, group, "it does not end".into());
        assert!(health.is_stuck(0, 3) && !health.is_stuck(0, 2));
        assert_eq!(told(&health), [Some("it does not end".into()), None]);
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!health.is_stuck(0, 3));
        assert_eq!(told(&health), [None, None]);
    }
}

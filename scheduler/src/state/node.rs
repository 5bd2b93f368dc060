use super::Millis;
use klieg_protocol::{DeviceOffer, NodeId, Offer, TaskId, Token};
use std::collections::{BTreeMap, BTreeSet};

/// A machine that runs an agent.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub offer: Offer,
    /// In the order of the offer.
    pub devices: Vec<Device>,
    /// What runs on it, wanted or not: an attempt holds its slots until the node has reported its end, or until it is certain
    /// that nothing of the node lives.
    pub held: BTreeMap<Token, Held>,
    /// In steady time.
    pub lease_until: Millis,
    /// It has not been heard of for longer than its lease.
    pub lapsed: bool,
    /// It gets no more attempts: an operator wants that.
    pub drained: bool,
    /// It gets no more attempts: it wants that itself.
    pub leaving: bool,
    /// It has joined this leader; before that only what it ran under an earlier one is known of it.
    pub joined: bool,
    /// Begun when it was taken in.
    pub session: u64,
    /// It has told in this session what it has.
    pub heard: bool,
}

/// What is known of a device besides its offer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Device {
    pub health: Health,
    /// Failures by its fault since the last attempt that was not.
    pub faults: u32,
    /// How often it has been tried again in vain.
    pub tries: u32,
    pub taken: BTreeSet<u32>,
    pub memory_held: u64,
    /// Models in its memory.
    pub warm: BTreeSet<String>,
}

/// Whether a device can be used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Health {
    #[default]
    Healthy,
    /// Drained, until the steady clock says so; without a time, until the node says that the fault is gone.
    Faulty { reason: String, until: Option<Millis> },
    /// Gets one attempt at a time, until one shows whether the fault is gone.
    Trial { reason: String },
}

/// What an attempt holds of a device.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    pub id: TaskId,
    pub project: String,
    pub device: u32,
    pub slots: Vec<u32>,
    pub memory_bytes: u64,
    pub limits: Vec<String>,
    pub since: Millis,
    /// In steady time.
    pub since_steady: Millis,
    /// Estimated seconds.
    pub seconds: f64,
    /// The part of the device that it takes, 0–1. Its project was charged for so much of the estimate in advance.
    pub part: f64,
}

impl Node {
    /// A node as it joins.
    pub fn new(offer: Offer, lease_until: Millis, session: u64) -> Self {
        let devices = vec![Device::default(); offer.devices.len()];
        let held = BTreeMap::new();
        Self {
            offer,
            devices,
            held,
            lease_until,
            lapsed: false,
            drained: false,
            leaving: false,
            joined: true,
            session,
            heard: false,
        }
    }

    /// Whether it may be given anything.
    pub fn open(&self) -> bool {
        self.joined && self.heard && !self.lapsed && !self.drained && !self.leaving
    }

    /// Of all its devices.
    pub fn slots(&self) -> u64 {
        self.offer.devices.iter().map(|device| u64::from(device.slots)).sum()
    }

    /// Each device with its number and its offer.
    pub fn devices(&self) -> impl Iterator<Item = (u32, &Device, &DeviceOffer)> {
        (0..).zip(&self.devices).zip(&self.offer.devices).map(|((number, device), offer)| (number, device, offer))
    }

    /// Books what an attempt holds.
    pub fn hold(&mut self, token: Token, held: Held) {
        if let Some(device) = self.devices.get_mut(held.device as usize) {
            device.taken.extend(&held.slots);
            device.memory_held = device.memory_held.saturating_add(held.memory_bytes);
        }
        self.held.insert(token, held);
    }

    /// Gives back what an attempt held.
    pub fn release(&mut self, token: Token) -> Option<Held> {
        let held = self.held.remove(&token)?;
        if let Some(device) = self.devices.get_mut(held.device as usize) {
            held.slots.iter().for_each(|slot| {
                device.taken.remove(slot);
            });
            device.memory_held = device.memory_held.saturating_sub(held.memory_bytes);
        }
        Some(held)
    }

    /// Takes over what is known of the same incarnation: what it holds, and how its devices are.
    pub fn inherit(&mut self, before: Self) {
        self.drained = before.drained;
        if before.joined {
            (self.session, self.heard) = (before.session, before.heard);
        }
        for (device, earlier) in self.devices.iter_mut().zip(before.devices) {
            (device.health, device.faults, device.tries) = (earlier.health, earlier.faults, earlier.tries);
        }
        for (token, held) in before.held {
            self.hold(token, held);
        }
    }
}

impl Device {
    /// How many more tasks of one slot it could take. A device on trial takes one task.
    pub fn slots_free(&self, offer: &DeviceOffer) -> u32 {
        let taken = u32::try_from(self.taken.len()).unwrap_or(u32::MAX);
        match self.health {
            Health::Healthy => offer.slots.saturating_sub(taken),
            Health::Trial { .. } if taken == 0 => offer.slots,
            _ => 0,
        }
    }
    pub fn memory_free(&self, offer: &DeviceOffer) -> u64 {
        offer.memory_bytes.saturating_sub(self.memory_held)
    }
}

/// The name of a device for people.
pub fn device_name(node: &NodeId, device: u32, offer: &DeviceOffer) -> String {
    format!("{} {device} of {} ({})", offer.class, node.0, offer.name)
}

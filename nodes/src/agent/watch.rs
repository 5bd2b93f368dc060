//! Looks at the machine and its devices every few seconds, and says what follows.

use crate::{
    agent::{
        health::Seen,
        slot::{Note, Shared},
        stay::Slots,
    },
    telemetry::{Look, Sensors, State},
};
use klieg_protocol::{Dispatcher, Offer, Telemetry};
use std::{path::PathBuf, sync::Arc};
use tokio::sync::watch;

/// The agent's watch over its machine.
pub struct Watch<D> {
    pub shared: Arc<Shared<D>>,
    pub slots: Slots,
    pub offer: Offer,
    pub measured: watch::Sender<Option<Telemetry>>,
}

impl<D: Dispatcher> Watch<D> {
    /// Runs until it is aborted. A driver that does not answer keeps it waiting, not the agent.
    pub async fn run(self, mut sensors: Sensors, scratch: PathBuf) {
        sensors.scratch(scratch);
        let mut pulse = tokio::time::interval(self.shared.options.telemetry_every);
        pulse.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            pulse.tick().await;
            let looked = tokio::task::spawn_blocking(move || {
                let look = sensors.look();
                (sensors, look)
            });
            let Ok((kept, look)) = looked.await else { return tracing::error!("the agent cannot measure its machine any more") };
            sensors = kept;
            self.conclude(&look);
            self.measured.send_replace(Some(look.telemetry));
        }
    }

    fn conclude(&self, look: &Look) {
        let health = &self.shared.health;
        let least = self.shared.options.disk_free_min_bytes;
        let full = look.disk_free_bytes.filter(|free| *free < least);
        let full = full.map(|free| {
            format!("the disk for attempts' files has {} MB left, and must have {} MB", free / 1_000_000, least / 1_000_000)
        });
        for (number, device) in self.offer.devices.iter().enumerate() {
            health.note(number, Seen::Disk, full.clone());
            let state = device.gpu.as_ref().and_then(|gpu| look.gpus.get(&gpu.uuid));
            let fault = match state {
                None | Some(State::Healthy) => None,
                Some(State::Draining(why) | State::Faulty(why)) => Some(why.clone()),
            };
            let news = health.note(number, Seen::Driver, fault);
            if let Some(State::Faulty(why)) = state.filter(|_| news) {
                tracing::error!(device = device.name, "{why}");
                let number = u32::try_from(number).unwrap_or(u32::MAX);
                self.slots.tell_device(number, || Note::Lost(why.clone()));
            }
        }
    }
}

//! What the agent measures of its machine, and what follows from it for the machine's devices.
//!
//! [`driver`] is the port to the GPUs' driver; [`nvml`] implements it with NVIDIA's library, loaded when the agent starts; [`xid`] holds
//! the rules by which the driver's errors make a device faulty. The rules are tested with a fake of the driver. `nvml` itself
//! has not been run on a GPU yet: what is tested of it is that it gives a typed error where there is none.

pub mod driver;
mod host;
mod kernel_log;
mod nvml;
pub mod xid;

use driver::{Driver, Lost};
use host::Host;
use klieg_protocol::Telemetry;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};
use xid::Verdict;

pub use nvml::{Nvml, NvmlError};

/// What the agent sees with.
pub struct Sensors {
    host: Host,
    driver: Option<Box<dyn Driver>>,
    /// By UUID.
    watched: BTreeMap<String, Watched>,
}

/// What is remembered of a GPU.
#[derive(Default)]
struct Watched {
    xid: Option<u64>,
    xids: u64,
    uncorrected: Option<u64>,
    /// The worst that was seen. It stays: a GPU that needs a reset is taken back by restarting the agent after it.
    worst: Option<State>,
}

/// How a GPU is, from good to bad.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    #[default]
    Healthy,
    /// It gets no more attempts; those that run finish.
    Draining(String),
    /// What runs on it ends by the node's fault.
    Faulty(String),
}

/// One look at everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Look {
    pub telemetry: Telemetry,
    /// By UUID: all GPUs that were ever seen.
    pub gpus: BTreeMap<String, State>,
    /// Room for attempts' files; `None` where the disk does not tell.
    pub disk_free_bytes: Option<u64>,
}

impl Sensors {
    /// This machine's, with NVIDIA's library if there is one. `cache`: a folder whose disk is measured too.
    pub fn here(cache: Option<&Path>) -> Self {
        let driver = Nvml::open().inspect_err(|why| tracing::debug!(%why, "no NVML"));
        let mut sensors = Self::with(driver.ok().map(|driver| Box::new(driver) as Box<dyn Driver>));
        sensors.host.disk("cache", cache.map(Path::to_owned));
        sensors
    }

    /// With another driver.
    pub fn with(driver: Option<Box<dyn Driver>>) -> Self {
        Self { host: Host::new(), driver, watched: BTreeMap::new() }
    }

    /// Where attempts write.
    pub(crate) fn scratch(&mut self, folder: PathBuf) {
        self.host.disk("scratch", Some(folder));
    }

    /// Measures everything. Takes some milliseconds, and as long as the driver does.
    pub fn look(&mut self) -> Look {
        let host = self.host.look();
        let disk_free_bytes = host.disks.iter().find(|disk| disk.what == "scratch").map(|disk| disk.free_bytes);
        let mut look = Look { telemetry: Telemetry { host, gpus: Vec::new() }, gpus: BTreeMap::new(), disk_free_bytes };
        let Some(driver) = &mut self.driver else { return look };
        for (uuid, number) in driver.xids() {
            self.watched.entry(uuid).or_default().take(number);
        }
        let found = driver.look();
        let here: BTreeSet<&String> = found.iter().map(|(uuid, _)| uuid).collect();
        let away: Vec<String> = self.watched.keys().filter(|uuid| !here.contains(uuid)).cloned().collect();
        for (uuid, reading) in
            found.into_iter().chain(away.into_iter().map(|uuid| (uuid, Err(Lost("the driver does not list it".into())))))
        {
            let watched = self.watched.entry(uuid.clone()).or_default();
            let state = match reading {
                Ok(mut reading) => {
                    watched.count(reading.ecc_uncorrected);
                    (reading.uuid, reading.xid, reading.xids) = (uuid.clone(), watched.xid, watched.xids);
                    look.telemetry.gpus.push(reading);
                    watched.worst.clone().unwrap_or_default()
                }
                Err(Lost(why)) => {
                    State::Faulty(format!("the GPU does not answer: {why}")).max(watched.worst.clone().unwrap_or_default())
                }
            };
            look.gpus.insert(uuid, state);
        }
        look
    }
}

impl Watched {
    fn take(&mut self, number: u64) {
        (self.xid, self.xids) = (Some(number), self.xids + 1);
        let state = match xid::verdict(number) {
            Verdict::Nothing | Verdict::Application => return,
            Verdict::Drain(what) => State::Draining(format!("Xid {number}: {what}; it needs a reset")),
            Verdict::Fault(what) => State::Faulty(format!("Xid {number}: {what}")),
        };
        self.worsen(state);
    }

    /// Memory errors that could not be corrected, since the driver was loaded. Those that the driver contains come with an Xid of
    /// their own; more than one of those in a life of the agent speak of bad memory all the same.
    fn count(&mut self, uncorrected: Option<u64>) {
        let first = *self.uncorrected.get_or_insert(uncorrected.unwrap_or(0));
        if let Some(risen) = uncorrected.and_then(|now| now.checked_sub(first)).filter(|risen| *risen >= UNCORRECTED_MAX) {
            self.worsen(State::Draining(format!(
                "{risen} memory errors could not be corrected since the agent began; it needs a reset"
            )));
        }
    }

    fn worsen(&mut self, state: State) {
        if self.worst.as_ref().is_none_or(|worst| *worst < state) {
            self.worst = Some(state);
        }
    }
}

/// Uncorrected memory errors in a life of the agent, from which on a GPU gets no more attempts.
const UNCORRECTED_MAX: u64 = 2;

#[cfg(test)]
mod tests;

use crate::clock;
use klieg_protocol::{DiskTelemetry, HostTelemetry};
use nix::sys::statvfs::statvfs;
use std::{collections::BTreeMap, path::PathBuf, time::Instant};
use sysinfo::{Networks, System};

/// The machine itself.
pub struct Host {
    system: Option<System>,
    networks: Option<Networks>,
    disks: BTreeMap<&'static str, PathBuf>,
    looked: Instant,
}

impl Host {
    pub fn new() -> Self {
        let networks = Networks::new_with_refreshed_list().inspect_err(|error| tracing::debug!(%error, "no network figures"));
        let system = System::new().inspect_err(|error| tracing::debug!(%error, "no figures of the machine"));
        let mut host = Self { system: system.ok(), networks: networks.ok(), disks: BTreeMap::new(), looked: clock::now() };
        // Use is measured from one look to the next.
        if let Some(system) = &mut host.system {
            system.refresh_cpu_usage();
        }
        host
    }

    /// Measures the disk of a folder from now on.
    pub fn disk(&mut self, what: &'static str, folder: Option<PathBuf>) {
        self.disks.extend(folder.map(|folder| (what, folder)));
    }

    pub fn look(&mut self) -> HostTelemetry {
        let now = clock::now();
        let over = now.duration_since(std::mem::replace(&mut self.looked, now));
        let mut host = HostTelemetry {
            load_permille: System::load_average().map_or(0, |load| permille(load.one)),
            disks: self.disks.iter().filter_map(|(what, folder)| disk(what, folder)).collect(),
            over_ms: u64::try_from(over.as_millis()).unwrap_or(u64::MAX),
            ..HostTelemetry::default()
        };
        if let Some(system) = &mut self.system {
            system.refresh_cpu_usage();
            system.refresh_memory();
            host.cpu_permille = permille(f64::from(system.global_cpu_usage()) / 100.0);
            (host.memory_used_bytes, host.memory_bytes) = (system.used_memory(), system.total_memory());
            (host.swap_used_bytes, host.swap_bytes) = (system.used_swap(), system.total_swap());
        }
        if let Some(networks) = &mut self.networks {
            networks.refresh(true);
            for (_, network) in networks.iter().filter(|(name, _)| name.as_os_str() != "lo") {
                host.received_bytes += network.received();
                host.sent_bytes += network.transmitted();
            }
        }
        host
    }
}

fn permille(part: f64) -> u32 {
    (part.max(0.0) * 1000.0).round() as u32
}

/// `None` when the folder is gone.
fn disk(what: &str, folder: &PathBuf) -> Option<DiskTelemetry> {
    let found = statvfs(folder).ok()?;
    let block = found.fragment_size();
    let (free_bytes, bytes) = (found.blocks_available() * block, found.blocks() * block);
    Some(DiskTelemetry { what: what.into(), free_bytes, bytes })
}

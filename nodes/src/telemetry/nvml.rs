//! NVIDIA's management library, loaded at run time: a machine without it gets a typed error.

use super::{
    driver::{Driver, Gpu, Lost},
    kernel_log::{self, KernelLog},
};
use klieg_protocol::{GpuFacts, GpuTelemetry};
use nvml_wrapper::{
    Device, Nvml as Library,
    bitmasks::{device::ThrottleReasons, event::EventTypes},
    enum_wrappers::device::{Clock, EccCounter, MemoryError, TemperatureSensor},
    enums::event::XidError,
    error::NvmlError as Failed,
};
use std::{
    sync::{Arc, OnceLock, Weak, mpsc},
    thread,
    time::Duration,
};

/// Xid errors that wait to be fetched; more are dropped, the count of them too.
const XIDS_MAX: usize = 1024;
/// How long the thread that waits for errors waits at a time.
const WAIT_MS: u32 = 1000;

/// Why there is no library.
#[derive(Clone, Debug, thiserror::Error)]
#[error("load NVIDIA's management library: {0}")]
pub struct NvmlError(String);

/// The library, and its errors as they come.
pub struct Nvml {
    library: &'static Library,
    xids: Option<mpsc::Receiver<(String, u64)>>,
    /// As long as this is held, the thread listens.
    #[expect(dead_code, reason = "held for the thread that looks whether it is")]
    alive: Arc<()>,
    /// Where the library does not tell of errors.
    log: Option<KernelLog>,
}

/// Loads the library once in a process; it stays, because threads wait in it.
fn library() -> Result<&'static Library, NvmlError> {
    static LIBRARY: OnceLock<Result<Library, NvmlError>> = OnceLock::new();
    let loaded = LIBRARY.get_or_init(|| Library::init().map_err(|error| NvmlError(error.to_string())));
    loaded.as_ref().map_err(Clone::clone)
}

impl Nvml {
    /// Loads the library and begins to listen for errors.
    pub fn open() -> Result<Self, NvmlError> {
        let library = library()?;
        let (tell, xids) = mpsc::sync_channel(XIDS_MAX);
        let alive = Arc::new(());
        let xids = listen(library, tell, Arc::downgrade(&alive))
            .map(|()| xids)
            .inspect_err(|why| tracing::warn!(%why, "no Xid errors from NVML"));
        let xids = xids.ok();
        let log = if xids.is_none() { KernelLog::open() } else { None };
        Ok(Self { library, xids, alive, log })
    }

    fn devices(&self) -> Vec<(u32, Result<Device<'static>, Failed>)> {
        let count = self.library.device_count().unwrap_or(0);
        (0..count).map(|index| (index, self.library.device_by_index(index))).collect()
    }
}

/// Registers for every device's errors and starts a thread that waits for them.
fn listen(library: &'static Library, tell: mpsc::SyncSender<(String, u64)>, alive: Weak<()>) -> Result<(), String> {
    let mut set = library.create_event_set().map_err(|error| error.to_string())?;
    for index in 0..library.device_count().map_err(|error| error.to_string())? {
        let device = library.device_by_index(index).map_err(|error| error.to_string())?;
        set = device.register_events(EventTypes::CRITICAL_XID_ERROR, set).map_err(|error| error.to_string())?;
    }
    let wait = move || {
        loop {
            let heard = match set.wait(WAIT_MS) {
                Ok(event) => event,
                Err(_) if alive.strong_count() == 0 => return,
                Err(Failed::Timeout) => continue,
                // What a lost GPU gives, at once each time: `look` tells of that.
                Err(Failed::GpuLost | Failed::Unknown) => {
                    thread::sleep(Duration::from_millis(u64::from(WAIT_MS)));
                    continue;
                }
                Err(error) => return tracing::warn!(%error, "NVML tells of no more Xid errors"),
            };
            let number = match heard.event_data {
                Some(XidError::Value(number)) => number,
                // NVML's own number for an error that it does not know.
                Some(XidError::Unknown) => 999,
                None => continue,
            };
            // One that cannot say who it is does not answer `look` either. A full queue has told enough.
            let Ok(uuid) = heard.device.uuid() else { continue };
            let _ = tell.try_send((uuid, number));
        }
    };
    thread::Builder::new().name("xid".into()).spawn(wait).map(drop).map_err(|error| error.to_string())
}

impl Driver for Nvml {
    fn gpus(&mut self) -> Vec<Gpu> {
        let driver = self.library.sys_driver_version().unwrap_or_default();
        let mut gpus: Vec<Gpu> = self.devices().into_iter().filter_map(|(_, device)| gpu(&device.ok()?, &driver).ok()).collect();
        gpus.sort_by(|a, b| a.facts.bus.cmp(&b.facts.bus));
        gpus
    }

    fn look(&mut self) -> Vec<(String, Result<GpuTelemetry, Lost>)> {
        let devices = self.devices().into_iter().filter_map(|(_, device)| device.ok());
        let named = devices.filter_map(|device| device.uuid().ok().map(|uuid| (uuid, device)));
        named.map(|(uuid, device)| (uuid, look(&device))).collect()
    }

    fn xids(&mut self) -> Vec<(String, u64)> {
        let told = self.xids.iter().flat_map(mpsc::Receiver::try_iter).collect();
        let Some(log) = &mut self.log else { return told };
        let logged = log.xids();
        if logged.is_empty() {
            return told;
        }
        let places: Vec<(String, String)> =
            self.gpus().into_iter().filter_map(|gpu| Some((kernel_log::place(&gpu.facts.bus)?, gpu.facts.uuid))).collect();
        let of =
            |(bus, number): (String, u64)| places.iter().find(|(place, _)| *place == bus).map(|(_, uuid)| (uuid.clone(), number));
        told.into_iter().chain(logged.into_iter().filter_map(of)).collect()
    }
}

fn gpu(device: &Device<'_>, driver: &str) -> Result<Gpu, Failed> {
    let compute = device.cuda_compute_capability().ok();
    let compute = compute.and_then(|c| Some((u32::try_from(c.major).ok()?, u32::try_from(c.minor).ok()?)));
    let facts = GpuFacts { uuid: device.uuid()?, bus: device.pci_info()?.bus_id, driver: driver.into(), compute };
    Ok(Gpu { name: device.name()?, memory_bytes: device.memory_info()?.total, facts })
}

/// A GPU that cannot say how much of its memory is used cannot be reached; the rest not every GPU tells.
fn look(device: &Device<'_>) -> Result<GpuTelemetry, Lost> {
    let memory = match device.memory_info() {
        Ok(memory) => Some(memory),
        Err(Failed::NotSupported) => None,
        Err(error) => return Err(Lost(error.to_string())),
    };
    let ecc = |kind| device.total_ecc_errors(kind, EccCounter::Volatile).ok();
    Ok(GpuTelemetry {
        uuid: String::new(),
        used_percent: device.utilization_rates().ok().map(|used| used.gpu),
        memory_used_bytes: memory.as_ref().map(|memory| memory.used),
        memory_bytes: memory.as_ref().map(|memory| memory.total),
        celsius: device.temperature(TemperatureSensor::Gpu).ok(),
        milliwatts: device.power_usage().ok(),
        milliwatts_max: device.enforced_power_limit().ok(),
        clock_mhz: device.clock_info(Clock::SM).ok(),
        memory_clock_mhz: device.clock_info(Clock::Memory).ok(),
        ecc_corrected: ecc(MemoryError::Corrected),
        ecc_uncorrected: ecc(MemoryError::Uncorrected),
        throttled: device.current_throttle_reasons().map(throttled).unwrap_or_default(),
        xid: None,
        xids: 0,
    })
}

/// Only what makes work slower: an idle GPU and chosen clocks are no news.
fn throttled(reasons: ThrottleReasons) -> Vec<String> {
    let calm = [ThrottleReasons::GPU_IDLE, ThrottleReasons::APPLICATIONS_CLOCKS_SETTING, ThrottleReasons::NONE];
    let names = reasons.iter_names().filter(|(_, reason)| !calm.contains(reason));
    names.map(|(name, _)| name.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_driver_there_is_a_reason() {
        match Nvml::open() {
            Err(why) => assert!(why.to_string().contains("management library"), "{why}"),
            // With one, every GPU has a name and a number.
            Ok(mut nvml) => assert!(nvml.gpus().iter().all(|gpu| !gpu.name.is_empty() && !gpu.facts.uuid.is_empty())),
        }
    }

    #[test]
    fn what_makes_it_slower_is_named() {
        let reasons = ThrottleReasons::GPU_IDLE | ThrottleReasons::SW_POWER_CAP | ThrottleReasons::HW_THERMAL_SLOWDOWN;
        assert_eq!(throttled(reasons), ["sw_power_cap", "hw_thermal_slowdown"]);
    }
}

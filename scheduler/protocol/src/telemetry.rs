use serde::{Deserialize, Serialize};

/// What identifies a GPU, as its driver tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GpuFacts {
    /// The driver's name for it, which stays the same over restarts: "GPU-0c2f…".
    pub uuid: String,
    /// Its place on the PCI bus: "0000:01:00.0".
    pub bus: String,
    /// The driver's version.
    pub driver: String,
    /// CUDA's compute capability, major and minor.
    pub compute: Option<(u32, u32)>,
}

/// What a node has besides devices. Of use to people and to the choice of tasks; never a promise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tools {
    /// Delivery formats whose encoders are there: "mp4".
    pub encoders: Vec<String>,
    /// Programs that speak: "flite".
    pub voices: Vec<String>,
    /// Models on disk.
    pub models: Vec<String>,
    /// What tasks may need of a node (`Ask::needs`), as its operator allows or names it: `openjd`, `attr.worker.os.family=linux`.
    #[serde(default)]
    pub gives: Vec<String>,
}

impl Tools {
    /// Whether it gives all that a task needs.
    pub fn meets(&self, needs: &[String]) -> bool {
        needs.iter().all(|need| need.split('|').any(|one| self.gives.iter().any(|given| given == one)))
    }
}

/// What a node measured of itself. Kept as last known, in memory only; nothing is decided from it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Telemetry {
    pub host: HostTelemetry,
    pub gpus: Vec<GpuTelemetry>,
}

/// A machine's own figures.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostTelemetry {
    /// Of all processors together, in thousandths, since the last time.
    pub cpu_permille: u32,
    /// The kernel's load average over one minute, in thousandths.
    pub load_permille: u32,
    pub memory_used_bytes: u64,
    pub memory_bytes: u64,
    pub swap_used_bytes: u64,
    pub swap_bytes: u64,
    pub disks: Vec<DiskTelemetry>,
    /// Through all network interfaces but the loopback, since the last time.
    pub received_bytes: u64,
    pub sent_bytes: u64,
    /// What the two above were counted over.
    pub over_ms: u64,
}

/// The disk that holds a folder of the agent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskTelemetry {
    /// What the folder is for: "scratch", "cache".
    pub what: String,
    /// What this process may still write.
    pub free_bytes: u64,
    pub bytes: u64,
}

/// A GPU's own figures. What the driver does not tell is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GpuTelemetry {
    pub uuid: String,
    /// Of the time since the driver's last sample, in hundredths, that a kernel ran.
    pub used_percent: Option<u32>,
    pub memory_used_bytes: Option<u64>,
    pub memory_bytes: Option<u64>,
    pub celsius: Option<u32>,
    pub milliwatts: Option<u32>,
    pub milliwatts_max: Option<u32>,
    /// Of the multiprocessors.
    pub clock_mhz: Option<u32>,
    pub memory_clock_mhz: Option<u32>,
    /// Memory errors that were corrected, and that were not, since the driver was loaded.
    pub ecc_corrected: Option<u64>,
    pub ecc_uncorrected: Option<u64>,
    /// Why its clocks are lower than they could be: "sw_power_cap", "hw_thermal_slowdown".
    pub throttled: Vec<String>,
    /// The driver's latest error of it, by NVIDIA's number, and how many there were since the agent began.
    pub xid: Option<u64>,
    pub xids: u64,
}

//! What this machine has.

use crate::{
    agent::OwnDevice,
    encode,
    telemetry::{
        Nvml,
        driver::{Driver, Gpu as Found},
    },
};
use klieg_kernels::{Choice, Device, device::Info};
use klieg_kind::Format;
use klieg_protocol::{Class, DeviceOffer, GpuFacts};
use std::{fs, path::Path};

/// What a worker is told to make pictures on, when its command line does not say.
pub const WORKER_DEVICE: &str = "KLIEG_WORKER_DEVICE";
/// Of a GPU's memory, what tasks may use: the rest is for the driver's contexts, one for each process.
const GPU_MEMORY_TENTHS: u64 = 9;

/// The environment of workers that must see no GPU.
pub fn processor_only() -> Vec<(String, String)> {
    vec![("CUDA_VISIBLE_DEVICES".into(), String::new()), (WORKER_DEVICE.into(), Choice::Cpu.to_string())]
}

/// The delivery formats whose encoders FFmpeg's libraries here have.
pub fn encoders() -> Vec<String> {
    let formats = [(Format::Mp4, "mp4"), (Format::Webm, "webm"), (Format::Mov, "mov")];
    formats.into_iter().filter(|(format, _)| encode::missing(*format).is_none()).map(|(_, name)| name.into()).collect()
}

/// Which of a machine's GPUs are offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Every NVIDIA GPU. Others' are offered only by name: Vulkan does not say how much memory they have, so how much of it tasks may
    /// use is a guess, the host's.
    Nvidia,
    /// `cuda:N` counts the NVIDIA GPUs that the agent was given, in the order of the bus.
    These(Vec<Choice>),
}

/// A GPU was named that is not here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("offer {wanted}: this machine has {}; `klieg node --list` shows what it has", list(.here))]
pub struct NoGpu {
    pub wanted: Choice,
    pub here: Vec<String>,
}

fn list(here: &[String]) -> String {
    if here.is_empty() { "no such device".into() } else { format!("only {}", here.join(", ")) }
}

/// The machine's GPUs as an agent offers them, each with so many slots, and how a worker is kept to one of them: NVIDIA's as NVML
/// lists them (one that does not answer is left out), or as CUDA does where there is no NVML.
pub fn own_gpus(wanted: &Wanted, slots: u32) -> Result<Vec<OwnDevice>, NoGpu> {
    if *wanted == Wanted::These(Vec::new()) {
        return Ok(Vec::new());
    }
    let driver = Nvml::open().ok();
    let visible = std::env::var("CUDA_VISIBLE_DEVICES").ok();
    choose(driver, visible.as_deref(), wanted, slots, || Device::list().found)
}

/// As `own_gpus`, of what a driver and the kernels list.
fn choose(
    driver: Option<impl Driver>,
    visible: Option<&str>,
    wanted: &Wanted,
    slots: u32,
    devices: impl FnOnce() -> Vec<Info>,
) -> Result<Vec<OwnDevice>, NoGpu> {
    let named = matches!(wanted, Wanted::These(these) if these.iter().any(|choice| matches!(choice, Choice::Vulkan(_))));
    let found = if driver.is_none() || named { devices() } else { Vec::new() };
    let nvidia: Vec<OwnDevice> = match driver {
        Some(mut driver) => visible_of(driver.gpus(), visible).into_iter().map(|gpu| of_nvml(gpu, slots)).collect(),
        None => found.iter().filter_map(|info| of_cuda(info, visible, slots)).collect(),
    };
    let Wanted::These(these) = wanted else { return Ok(nvidia) };
    let one = |choice: &Choice| match choice {
        Choice::Cuda(index) => nvidia.get(*index as usize).cloned(),
        other => found.iter().find(|info| info.choice == *other).and_then(|info| unshared(info, slots)),
    };
    let here = || {
        let all = (0..nvidia.len()).map(|index| format!("cuda:{index}"));
        all.chain(found.iter().map(|info| info.choice.to_string()).filter(|name| name.starts_with("vulkan"))).collect()
    };
    these.iter().map(|wanted| one(wanted).ok_or_else(|| NoGpu { wanted: *wanted, here: here() })).collect()
}

/// A GPU as a machine's only farm uses it, with so many slots: its workers see every GPU and are told which one to use. Where the driver
/// does not say how much memory it has, the host's is taken for it. `None`: it is no GPU.
pub fn unshared(info: &Info, slots: u32) -> Option<OwnDevice> {
    let class = klieg_kind::class_of(info.choice).filter(|class| *class != Class::Cpu)?;
    let facts = GpuFacts { driver: info.driver.clone(), compute: info.compute_capability, ..GpuFacts::default() };
    let memory = info.memory_bytes.unwrap_or_else(|| machine().memory_bytes);
    let offer = offer_of(info.name.clone(), class, memory, slots, facts);
    Some(OwnDevice { offer, environment: vec![(WORKER_DEVICE.into(), info.choice.to_string())] })
}

/// Those that the agent itself was given, by Slurm or by hand: CUDA's `CUDA_VISIBLE_DEVICES` names them by place in the order of the
/// bus or by the beginning of their own number, and ends at the first name that is none. NVML does not know of it.
fn visible_of(gpus: Vec<Found>, visible: Option<&str>) -> Vec<Found> {
    let Some(visible) = visible else { return gpus };
    let named = |name: &str| {
        let place = name.parse().ok().filter(|place: &usize| *place < gpus.len());
        let number = || gpus.iter().position(|gpu| !name.is_empty() && gpu.facts.uuid.starts_with(name));
        place.or_else(number).map(|place| gpus[place].clone())
    };
    visible.split(',').map_while(|name| named(name.trim())).collect()
}

/// By its own number, which stays the same whatever else the machine has.
fn of_nvml(gpu: Found, slots: u32) -> OwnDevice {
    let visible = gpu.facts.uuid.clone();
    let offer = offer_of(gpu.name, Class::Cuda, gpu.memory_bytes, slots, gpu.facts);
    OwnDevice { offer, environment: only_cuda(visible) }
}

/// By its place among CUDA's devices, in the order of the bus, or by what it was called when it was given to the agent.
fn of_cuda(info: &Info, visible: Option<&str>, slots: u32) -> Option<OwnDevice> {
    let Choice::Cuda(index) = info.choice else { return None };
    let given = visible.and_then(|visible| visible.split(',').nth(index as usize)).map(|name| name.trim().to_owned());
    let facts = GpuFacts { driver: info.driver.clone(), compute: info.compute_capability, ..GpuFacts::default() };
    let offer = offer_of(info.name.clone(), Class::Cuda, info.memory_bytes?, slots, facts);
    Some(OwnDevice { offer, environment: only_cuda(given.unwrap_or_else(|| index.to_string())) })
}

fn offer_of(name: String, class: Class, memory_bytes: u64, slots: u32, gpu: GpuFacts) -> DeviceOffer {
    DeviceOffer { name, class, memory_bytes: memory_bytes / 10 * GPU_MEMORY_TENTHS, slots: slots.max(1), gpu: Some(gpu) }
}

/// The only device that such a worker sees is its first.
fn only_cuda(visible: String) -> Vec<(String, String)> {
    vec![
        ("CUDA_DEVICE_ORDER".into(), "PCI_BUS_ID".into()),
        ("CUDA_VISIBLE_DEVICES".into(), visible),
        (WORKER_DEVICE.into(), Choice::Cuda(0).to_string()),
    ]
}

/// A machine, as far as its operating system tells.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Machine {
    /// Its host name.
    pub name: String,
    /// The processor's name for itself; empty when it has none.
    pub cpu: String,
    /// Hardware threads that this process may use.
    pub threads: usize,
    /// Memory that this process may use: the machine's, or its control group's limit if that is lower.
    pub memory_bytes: u64,
    /// Memory that could be taken now without swapping.
    pub memory_free_bytes: u64,
    pub gpus: Vec<Gpu>,
}

/// An NVIDIA GPU that the driver lists.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Gpu {
    pub model: String,
    /// Its place on the PCI bus.
    pub bus: String,
    /// The driver's version; empty when the driver does not say.
    pub driver: String,
}

/// Looks at this machine. What cannot be read is left empty; memory that cannot be read counts as 1 GiB.
pub fn machine() -> Machine {
    let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = kilobytes(&meminfo, "MemTotal").unwrap_or(1 << 30);
    let limit = group_limit().unwrap_or(u64::MAX);
    Machine {
        name: fs::read_to_string("/proc/sys/kernel/hostname").map_or("local".into(), |name| name.trim().into()),
        cpu: field(&fs::read_to_string("/proc/cpuinfo").unwrap_or_default(), "model name").unwrap_or_default(),
        threads: std::thread::available_parallelism().map_or(1, usize::from),
        memory_bytes: total.min(limit),
        memory_free_bytes: kilobytes(&meminfo, "MemAvailable").unwrap_or(0).min(limit),
        gpus: gpus(Path::new("/proc/driver/nvidia")),
    }
}

/// The value of the first line `key : value`.
fn field(text: &str, key: &str) -> Option<String> {
    text.lines().filter_map(|line| line.split_once(':')).find(|(k, _)| k.trim() == key).map(|(_, value)| value.trim().into())
}

fn kilobytes(meminfo: &str, key: &str) -> Option<u64> {
    let kilobytes: u64 = field(meminfo, key)?.trim_end_matches("kB").trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// The memory limit of this process's control group (version 2, then 1).
fn group_limit() -> Option<u64> {
    let paths = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];
    paths.iter().find_map(|path| fs::read_to_string(path).ok()?.trim().parse().ok())
}

fn gpus(driver: &Path) -> Vec<Gpu> {
    let version = fs::read_to_string(driver.join("version")).unwrap_or_default();
    let version =
        version.split_whitespace().find(|word| word.split('.').count() >= 2 && word.starts_with(|c: char| c.is_ascii_digit()));
    let Ok(entries) = fs::read_dir(driver.join("gpus")) else { return Vec::new() };
    let mut gpus: Vec<Gpu> = entries
        .flatten()
        .filter_map(|entry| {
            let text = fs::read_to_string(entry.path().join("information")).ok()?;
            let bus = entry.file_name().to_string_lossy().into_owned();
            Some(Gpu { model: field(&text, "Model").unwrap_or_default(), bus, driver: version.unwrap_or_default().into() })
        })
        .collect();
    gpus.sort_by(|a, b| a.bus.cmp(&b.bus));
    gpus
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_threads_and_memory() {
        let machine = machine();
        assert!(machine.threads >= 1);
        assert!(machine.memory_bytes > 100_000_000, "{machine:?}");
        assert!(machine.memory_free_bytes <= machine.memory_bytes, "{machine:?}");
    }

    #[test]
    fn a_worker_sees_its_own_gpu_alone() {
        let facts = GpuFacts { uuid: "GPU-1".into(), compute: Some((9, 0)), ..GpuFacts::default() };
        let gpu = Found { name: "NVIDIA H200".into(), memory_bytes: 100_000, facts: facts.clone() };
        let own = of_nvml(gpu, 4);
        let offer =
            DeviceOffer { name: "NVIDIA H200".into(), class: Class::Cuda, memory_bytes: 90_000, slots: 4, gpu: Some(facts) };
        assert_eq!(own.offer, offer);
        let seen = |own: &OwnDevice, name: &str| own.environment.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
        assert_eq!(seen(&own, "CUDA_VISIBLE_DEVICES").as_deref(), Some("GPU-1"));
        assert_eq!(seen(&own, WORKER_DEVICE).as_deref(), Some("cuda:0"));
        let info = Info {
            choice: Choice::Cuda(2),
            name: "NVIDIA H200".into(),
            memory_bytes: Some(100_000),
            compute_capability: Some((9, 0)),
            driver: "570.124.06".into(),
        };
        let own = of_cuda(&info, None, 0).unwrap();
        assert_eq!((own.offer.slots, seen(&own, "CUDA_VISIBLE_DEVICES").as_deref()), (1, Some("2")));
        assert_eq!(of_cuda(&Info { memory_bytes: None, ..info.clone() }, None, 1), None, "its memory cannot be shared out");
        let given = of_cuda(&Info { choice: Choice::Cuda(1), ..info.clone() }, Some("GPU-5, 3"), 1).unwrap();
        assert_eq!(seen(&given, "CUDA_VISIBLE_DEVICES").as_deref(), Some("3"), "as the agent was given it");
        assert_eq!(of_cuda(&Info { choice: Choice::Vulkan(1), ..info }, None, 2), None);
    }

    /// A driver with two GPUs.
    struct Two;

    impl Driver for Two {
        fn gpus(&mut self) -> Vec<Found> {
            let gpu = |uuid: &str| Found {
                name: "NVIDIA H200".into(),
                memory_bytes: 1000,
                facts: GpuFacts { uuid: uuid.into(), ..GpuFacts::default() },
            };
            ["GPU-a", "GPU-b"].map(gpu).into()
        }
        fn look(&mut self) -> Vec<(String, Result<klieg_protocol::GpuTelemetry, crate::telemetry::driver::Lost>)> {
            Vec::new()
        }
        fn xids(&mut self) -> Vec<(String, u64)> {
            Vec::new()
        }
    }

    #[test]
    fn all_of_nvidias_are_offered_or_those_that_were_named() {
        let vulkan = Info {
            choice: Choice::Vulkan(0),
            name: "another's".into(),
            memory_bytes: None,
            compute_capability: None,
            driver: String::new(),
        };
        let offered = |visible, wanted: Wanted| {
            let chosen = choose(Some(Two), visible, &wanted, 3, || vec![vulkan.clone()])?;
            Ok(chosen
                .into_iter()
                .map(|own| (own.offer.class, own.environment.last().unwrap().1.clone(), own.offer.slots))
                .collect())
        };
        let cuda = (Class::Cuda, "cuda:0".to_owned(), 3);
        assert_eq!(offered(None, Wanted::Nvidia), Ok(vec![cuda.clone(), cuda.clone()]));
        assert_eq!(offered(Some("1"), Wanted::Nvidia), Ok(vec![cuda.clone()]));
        assert_eq!(offered(None, Wanted::These(Vec::new())), Ok(Vec::new()));
        let wgpu = (Class::Wgpu, "vulkan:0".to_owned(), 3);
        assert_eq!(offered(None, Wanted::These(vec![Choice::Vulkan(0), Choice::Cuda(1)])), Ok(vec![wgpu, cuda]));
        let none: Result<Vec<(Class, String, u32)>, NoGpu> = offered(Some("1"), Wanted::These(vec![Choice::Cuda(1)]));
        let none = none.unwrap_err().to_string();
        assert_eq!(none, "offer cuda:1: this machine has only cuda:0; `klieg node --list` shows what it has");
    }

    #[test]
    fn only_what_the_agent_was_given_is_offered() {
        let gpu = |uuid: &str| Found { facts: GpuFacts { uuid: uuid.into(), ..GpuFacts::default() }, ..Found::default() };
        let all = || ["GPU-aa", "GPU-ab", "GPU-c"].map(gpu).to_vec();
        let seen = |visible| visible_of(all(), visible).into_iter().map(|gpu| gpu.facts.uuid).collect::<Vec<_>>();
        assert_eq!(seen(None), ["GPU-aa", "GPU-ab", "GPU-c"]);
        assert_eq!(seen(Some("2,0")), ["GPU-c", "GPU-aa"]);
        assert_eq!(seen(Some("GPU-c, GPU-ab")), ["GPU-c", "GPU-ab"]);
        assert_eq!(seen(Some("0,7,1")), ["GPU-aa"], "what follows a name that is none is not seen");
        assert_eq!(seen(Some("")), [""; 0]);
    }

    #[test]
    fn the_drivers_listing_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let card = folder.path().join("gpus/0000:01:00.0");
        fs::create_dir_all(&card).unwrap();
        fs::write(card.join("information"), "Model: \t\t NVIDIA H200\nIRQ:   \t\t 66\n").unwrap();
        fs::write(folder.path().join("version"), "NVRM version: NVIDIA UNIX x86_64 Kernel Module  570.124.06  Wed Feb 26\n")
            .unwrap();
        let wanted = Gpu { model: "NVIDIA H200".into(), bus: "0000:01:00.0".into(), driver: "570.124.06".into() };
        assert_eq!(gpus(folder.path()), [wanted]);
        assert_eq!(gpus(Path::new("/nowhere")), []);
    }
}

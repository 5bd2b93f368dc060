//! What this machine has.

use std::{fs, path::Path};

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

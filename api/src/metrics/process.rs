//! The server's own process, under the names that Prometheus' clients use, and the disk of its folder.

use super::text::{Kind, Text};
use nix::sys::{
    resource::{Resource, UsageWho, getrlimit, getrusage},
    statvfs::statvfs,
};
use std::path::Path;

/// What the system does not tell is left out.
pub fn tell(text: &mut Text, folder: &Path, started_at: i64) {
    if let Some(bytes) = resident_bytes() {
        text.gauge("process_resident_memory_bytes", "Memory that this process has in the machine's.", bytes);
    }
    if let Ok(used) = getrusage(UsageWho::RUSAGE_SELF) {
        let seconds = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
        let spent = seconds(used.user_time()) + seconds(used.system_time());
        text.counter("process_cpu_seconds_total", "Processor time of this process.", spent);
    }
    if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
        text.gauge("process_open_fds", "File descriptors that are open.", open.count());
    }
    if let Ok((most, _)) = getrlimit(Resource::RLIMIT_NOFILE) {
        text.gauge("process_max_fds", "File descriptors that may be open.", most);
    }
    text.gauge("process_start_time_seconds", "When this server began, in seconds since 1970.", started_at);
    if let Ok(disk) = statvfs(folder) {
        let bytes = |blocks: u64| blocks * disk.fragment_size();
        let labels = [("what", "farm")];
        let mut free =
            text.family("klieg_disk_free_bytes", Kind::Gauge, "What the server may still write to the disk of its folder.");
        free.sample(&labels, bytes(disk.blocks_available()));
        let mut whole = text.family("klieg_disk_size_bytes", Kind::Gauge, "The size of that disk.");
        whole.sample(&labels, bytes(disk.blocks()));
    }
}

fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib << 10)
}

//! What the benchmarks share: peers as programs of their own, and the clock.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// Builds `benches/NAME.cpp` with the system's compiler, and gives what it prints about `input`. Errors say what to install.
pub fn run(name: &str, flags: &[&str], needs: &str, input: &[u8]) -> Result<String, String> {
    let folder = std::env::temp_dir().join(format!("klieg-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).map_err(|e| e.to_string())?;
    let result = run_in(&folder, name, flags, needs, input);
    std::fs::remove_dir_all(&folder).map_err(|e| e.to_string())?;
    result
}

fn run_in(folder: &Path, name: &str, flags: &[&str], needs: &str, input: &[u8]) -> Result<String, String> {
    let (program, file) = (folder.join(name), folder.join("input"));
    let source = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("benches").join(name).with_extension("cpp");
    let built = Command::new("c++").arg(source).arg("-o").arg(&program).args(flags).output().map_err(|e| e.to_string())?;
    if !built.status.success() {
        return Err(format!("{name}.cpp doesn't build; install {needs}"));
    }
    std::fs::write(&file, input).map_err(|e| e.to_string())?;
    let run = Command::new(&program).arg(&file).output().map_err(|e| e.to_string())?;
    let text = String::from_utf8_lossy(&run.stdout).into_owned();
    if run.status.success() { Ok(text) } else { Err(format!("the program {name} failed")) }
}

/// The processor, and how much of it is used.
pub fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info
        .lines()
        .find_map(|l| l.strip_prefix("model name"))
        .and_then(|l| l.split_once(": "))
        .map_or("unknown processor", |(_, n)| n);
    format!("{name}, {} cores, one used", std::thread::available_parallelism().map_or(0, usize::from))
}

/// Seconds of CPU that all threads of this program took (wall time where the system doesn't say).
pub fn seconds<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let (wall, cpu) = (Instant::now(), cpu_seconds());
    let out = work();
    (cpu.and_then(|from| Some(cpu_seconds()? - from)).unwrap_or_else(|| wall.elapsed().as_secs_f64()), out)
}

fn cpu_seconds() -> Option<f64> {
    let tasks = std::fs::read_dir("/proc/self/task").ok()?;
    let of = |task: std::fs::DirEntry| {
        let stat = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        stat.split(' ').next()?.parse::<f64>().ok()
    };
    Some(tasks.flatten().filter_map(of).sum::<f64>() * 1e-9)
}

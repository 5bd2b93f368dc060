//! What ties a worker process to its agent.

use nix::{
    errno::Errno,
    sys::{
        prctl,
        signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, killpg, sigaction},
    },
    unistd::{Pid, dup, dup2_stdin, dup2_stdout, getpgrp, getpid, getppid},
};
use std::{fs::File, io};

/// Ends this process and everything that it started.
pub fn end_group() -> ! {
    let group = getpgrp();
    // Only a group of our own: a worker started by hand shares its shell's.
    if group == getpid() {
        let _ = killpg(group, Signal::SIGKILL);
    }
    std::process::exit(1)
}

extern "C" fn on_agents_death(_: nix::libc::c_int) {
    // Only calls that are safe in a signal handler.
    if getpgrp() == getpid() {
        let _ = killpg(Pid::from_raw(0), Signal::SIGKILL);
    }
    // SAFETY: `_exit` ends the process at once and is async-signal-safe.
    unsafe { nix::libc::_exit(1) }
}

/// Lets the kernel tell this process when its agent dies, however it dies, and prefer it when memory runs out.
pub fn bind_to_agent() -> io::Result<()> {
    let action = SigAction::new(SigHandler::Handler(on_agents_death), SaFlags::SA_RESTART, SigSet::empty());
    // SAFETY: the handler only calls async-signal-safe functions.
    unsafe { sigaction(Signal::SIGTERM, &action) }?;
    // A file-size limit shall be an error like a full disk, not the end of the process.
    // SAFETY: ignoring a signal runs no handler.
    unsafe { nix::sys::signal::signal(Signal::SIGXFSZ, SigHandler::SigIgn) }?;
    prctl::set_pdeathsig(Signal::SIGTERM)?;
    let agent = std::env::var(super::AGENT).ok().and_then(|pid| pid.parse().ok()).map(Pid::from_raw);
    if agent.is_some_and(|agent| agent != getppid()) {
        // It died before we asked to be told.
        end_group();
    }
    // Not granted everywhere, and only a preference.
    let _ = std::fs::write("/proc/self/oom_score_adj", "500");
    Ok(())
}

/// Takes standard input and output for the talk with the agent, so that neither a library's prints nor a child's reads can
/// disturb it.
pub fn take_streams() -> io::Result<(File, File)> {
    let keep = |fd: std::os::fd::BorrowedFd<'_>| -> Result<File, Errno> {
        let copy = dup(fd)?;
        nix::fcntl::fcntl(&copy, nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::FD_CLOEXEC))?;
        Ok(File::from(copy))
    };
    use std::os::fd::AsFd;
    let input = keep(io::stdin().as_fd())?;
    let output = keep(io::stdout().as_fd())?;
    dup2_stdin(File::open("/dev/null")?)?;
    dup2_stdout(io::stderr())?;
    Ok((input, output))
}

/// Lets the kernel count this process's most memory from here on. False where it cannot.
pub fn forget_peak() -> bool {
    std::fs::write("/proc/self/clear_refs", "5").is_ok()
}

/// The most host memory that this process had since `forget_peak`.
pub fn peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kilobytes * 1024)
}

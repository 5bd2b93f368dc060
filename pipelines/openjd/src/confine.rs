//! What a session may do on its machine: another user, and limits.

use nix::{
    sys::{
        prctl,
        resource::{RLIM_INFINITY, Resource, getrlimit, setrlimit},
        signal::Signal,
    },
    unistd::{Gid, Uid, User, setgid, setgroups, setuid},
};
use serde::{Deserialize, Serialize};
use std::io;

/// Processes and threads that the user of sessions may have at a time, on the whole machine.
pub const PROCESSES_MAX: u64 = 4096;
/// Files that a process of a session may have open.
pub const OPEN_FILES_MAX: u64 = 65_536;
/// The largest file that a session may write.
pub const FILE_BYTES_MAX: u64 = 1 << 40;

/// Who runs sessions instead of root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guest {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
}

/// Finds a user by name. Root is not taken: then nothing would be kept from the job.
pub fn guest(name: &str) -> io::Result<Guest> {
    let found = User::from_name(name)?.ok_or_else(|| io::Error::other(format!("there is no user {name} on this machine")))?;
    if found.uid.is_root() {
        return Err(io::Error::other(format!("{name} is root: others' commands run as somebody who may do less")));
    }
    Ok(Guest { name: found.name, uid: found.uid.as_raw(), gid: found.gid.as_raw() })
}

/// Whether this process may become another user.
pub fn is_root() -> bool {
    Uid::effective().is_root()
}

/// Becomes the guest if there is one, for good, and takes the limits on. The process dies with the one that started it.
/// `memory_bytes`: of private memory.
pub fn confine(guest: Option<&Guest>, memory_bytes: Option<u64>) -> io::Result<()> {
    limit(Resource::RLIMIT_CORE, 0)?;
    limit(Resource::RLIMIT_NOFILE, OPEN_FILES_MAX)?;
    limit(Resource::RLIMIT_FSIZE, FILE_BYTES_MAX)?;
    if let Some(bytes) = memory_bytes {
        limit(Resource::RLIMIT_DATA, bytes)?;
    }
    if let Some(guest) = guest {
        limit(Resource::RLIMIT_NPROC, PROCESSES_MAX)?;
        setgroups(&[])?;
        setgid(Gid::from_raw(guest.gid))?;
        setuid(Uid::from_raw(guest.uid))?;
        if setuid(Uid::from_raw(0)).is_ok() {
            return Err(io::Error::other("the session could become root again"));
        }
    }
    // No program with the set-user-ID bit gives anything back.
    prctl::set_no_new_privs()?;
    // Last: another user forgets it.
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    Ok(())
}

/// Lowers a limit; one that is lower already stays.
fn limit(resource: Resource, most: u64) -> io::Result<()> {
    let (_, hard) = getrlimit(resource)?;
    let most = if hard == RLIM_INFINITY { most } else { most.min(hard) };
    Ok(setrlimit(resource, most, most)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_and_nobody_at_all_are_no_guests() {
        assert!(guest("root").unwrap_err().to_string().contains("root"));
        assert!(guest("no-such-user-here").unwrap_err().to_string().contains("no-such-user-here"));
        assert_ne!(guest("nobody").unwrap().uid, 0);
    }
}

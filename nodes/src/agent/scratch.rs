//! The agent's own folder, and what earlier agents that died have left beside it.

use crate::agent::group;
use nix::fcntl::{Flock, FlockArg};
use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

/// How long the processes of a dead agent may take to end.
const SURVIVORS: Duration = Duration::from_secs(5);
const LOCK: &str = "agent.lock";

/// A folder that no other agent uses. Removed by `remove`; if the agent dies before, by the next one.
pub struct Scratch {
    pub path: PathBuf,
    /// Held while the agent lives, however it ends.
    lock: Option<Flock<File>>,
}

impl Scratch {
    /// Makes a folder within `within` for the agent of that life, after what dead agents left there has been ended and removed.
    pub fn make(within: &Path, life: u64) -> io::Result<Self> {
        fs::create_dir_all(within)?;
        // The mark of its processes is found again by the next agent, however that spells the folder.
        let within = fs::canonicalize(within)?;
        clean(&within)?;
        let path = within.join(format!("agent-{life:016x}"));
        fs::create_dir(&path)?;
        let file = File::create(path.join(LOCK))?;
        let lock = Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|(_, error)| io::Error::from(error))?;
        Ok(Self { path, lock: Some(lock) })
    }

    /// Removes the folder with all that is in it. What cannot be removed is left for the next agent.
    pub fn remove(&mut self) {
        self.lock = None;
        if let Err(error) = fs::remove_dir_all(&self.path) {
            tracing::warn!(%error, folder = %self.path.display(), "an agent's folder could not be removed");
        }
    }
}

/// Ends every process that agents which died have left, then removes their folders.
fn clean(within: &Path) -> io::Result<()> {
    let left = group::end_survivors(within, lives, SURVIVORS);
    if !left.is_empty() {
        tracing::error!(folder = %within.display(), ?left, "processes of an earlier agent do not end");
    }
    for entry in fs::read_dir(within)?.flatten() {
        let path = entry.path();
        if !entry.file_name().to_string_lossy().starts_with("agent-") || lives(&path) {
            continue;
        }
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => tracing::info!(folder = %path.display(), "removed what a dead agent had left"),
        }
    }
    Ok(())
}

/// Whether the agent of a folder lives. One without a lock died before it had made it, or is just making it: that one is let be
/// if it is young.
fn lives(folder: &Path) -> bool {
    let Ok(file) = File::open(folder.join(LOCK)) else {
        let made = fs::metadata(folder).and_then(|found| found.modified()).ok();
        return made.is_some_and(|made| made.elapsed().is_ok_and(|age| age < SURVIVORS));
    };
    Flock::lock(file, FlockArg::LockExclusiveNonblock).is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dead_agents_folders_go_and_living_ones_stay() {
        let folder = tempfile::tempdir().unwrap();
        let mut living = Scratch::make(folder.path(), 1).unwrap();
        let dead = folder.path().join("agent-dead");
        fs::create_dir_all(dead.join("0-7/scratch")).unwrap();
        File::create(dead.join(LOCK)).unwrap();
        fs::create_dir(folder.path().join("blobs")).unwrap();
        let mut second = Scratch::make(folder.path(), 2).unwrap();
        assert!(living.path.is_dir() && !dead.exists() && folder.path().join("blobs").is_dir());
        second.remove();
        living.remove();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}

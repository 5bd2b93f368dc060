use crate::farm::FarmError;
use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{ErrorKind, Read, Seek, Write},
    path::Path,
    time::Duration,
};

/// Held by the one process whose scheduler is active on a folder; the system drops it when that process dies.
pub struct Lock(#[expect(dead_code, reason = "held for its lock")] File);

impl Lock {
    /// Takes the lock or says who has it.
    pub fn take(folder: &Path) -> Result<Self, FarmError> {
        let path = folder.join("lock");
        let at = |source| FarmError::Folder { path: path.clone(), source };
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(at)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                let pid = file.read_to_string(&mut text).ok().and_then(|_| text.trim().parse().ok());
                return Err(FarmError::Busy { pid });
            }
            Err(TryLockError::Error(source)) => return Err(at(source)),
        }
        let noted = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| writeln!(file, "{}", std::process::id()));
        noted.map_err(at)?;
        Ok(Self(file))
    }

    /// Takes the lock, waiting a moment for one who only looks, or is just dying.
    pub async fn take_soon(folder: &Path) -> Result<Self, FarmError> {
        for _ in 0..5 {
            match Self::take(folder) {
                Err(FarmError::Busy { .. }) => tokio::time::sleep(Duration::from_millis(50)).await,
                done => return done,
            }
        }
        Self::take(folder)
    }

    /// Whether some process holds it.
    pub fn held(folder: &Path) -> Result<bool, FarmError> {
        let path = folder.join("lock");
        match File::open(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(source) => Err(FarmError::Folder { path, source }),
            Ok(file) => Ok(matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))),
        }
    }
}

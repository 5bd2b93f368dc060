//! What `klieg login` keeps: a server and a token, for its owner's eyes only.

use super::Stop;
use serde::{Deserialize, Serialize};
use std::{
    io::{ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    pub server: String,
    pub token: String,
    /// The token's id, to end it.
    #[serde(default)]
    pub token_id: Option<String>,
    #[serde(default)]
    pub ca: Option<PathBuf>,
}

impl Profile {
    /// Where it is.
    pub fn path() -> Result<PathBuf, Stop> {
        if let Some(path) = std::env::var_os("KLIEG_PROFILE") {
            return Ok(path.into());
        }
        let dirs = directories::ProjectDirs::from("", "", "klieg");
        let dirs =
            dirs.ok_or_else(|| Stop::bad("find the user's configuration folder: HOME is not set; name a file with KLIEG_PROFILE"))?;
        Ok(dirs.config_dir().join("profile.json"))
    }

    /// The one that is kept, if there is one.
    pub fn read() -> Result<Option<Self>, Stop> {
        let path = Self::path()?;
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Stop::bad(format!("{}: {error}", path.display()))),
        };
        let bad = |e: serde_json::Error| Stop::bad(format!("{}: {e}; `klieg login URL` writes it anew", path.display()));
        serde_json::from_str(&text).map(Some).map_err(bad)
    }

    /// Keeps it: the file appears whole, and nobody else reads it.
    pub fn write(&self) -> Result<PathBuf, Stop> {
        let path = Self::path()?;
        let failed = |e: std::io::Error| Stop::failed(format!("write {}: {e}", path.display()));
        let folder = path.parent().map(PathBuf::from).unwrap_or_default();
        std::fs::create_dir_all(&folder).map_err(failed)?;
        let text = serde_json::to_string_pretty(self).map_err(|e| Stop::failed(format!("write {}: {e}", path.display())))?;
        let temporary = path.with_extension(format!("{}.partly", std::process::id()));
        let mut file =
            std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary).map_err(failed)?;
        let written =
            file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).and_then(|()| std::fs::rename(&temporary, &path));
        written.map_err(|e| {
            let _ = std::fs::remove_file(&temporary);
            failed(e)
        })?;
        Ok(path)
    }

    /// Forgets it.
    pub fn forget() -> Result<(), Stop> {
        let path = Self::path()?;
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(Stop::failed(format!("remove {}: {error}", path.display()))),
            _ => Ok(()),
        }
    }
}

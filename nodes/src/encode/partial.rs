//! Files that nobody sees before they are whole.

use super::fail;
use klieg_protocol::TaskFailure;
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

/// A file that is being written beside its final place; removed when dropped unpublished.
pub(super) struct Partial {
    written: PathBuf,
    wanted: PathBuf,
    published: bool,
}

impl Partial {
    /// Nothing is created yet. The name is UTF-8 without NUL, as FFmpeg needs it.
    pub(super) fn beside(wanted: &Path) -> Result<Self, TaskFailure> {
        let name = wanted.file_name().and_then(|n| n.to_str()).filter(|_| wanted.to_str().is_some_and(|p| !p.contains('\0')));
        let name = name.ok_or_else(|| fail::task(format!("{} is no file name that FFmpeg can write", wanted.display())))?;
        let written = wanted.with_file_name(format!(".{name}.{}.part", std::process::id()));
        Ok(Self { written, wanted: wanted.to_owned(), published: false })
    }

    pub(super) fn path(&self) -> &Path {
        &self.written
    }

    /// Puts the bytes on disk and the file in its place, replacing what was there.
    pub(super) fn publish(mut self) -> Result<(), TaskFailure> {
        File::open(&self.written).and_then(|file| file.sync_all()).map_err(fail::io("write", &self.wanted))?;
        fs::rename(&self.written, &self.wanted).map_err(fail::io("write", &self.wanted))?;
        self.published = true;
        let folder = self.wanted.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(fail::io("write", folder))
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.published {
            // it may not exist yet; there is nobody to tell if it can't be removed
            let _ = fs::remove_file(&self.written);
        }
    }
}

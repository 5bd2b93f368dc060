//! How a model lies on the disk: `model.json`, and beside it `files/` unless they stay where they are.

use super::{Entry, Keep};
use crate::{Error, Family, Part, Progress, Record, record};
use klieg_protocol::Digest;
use serde::{Deserialize, Serialize};
use std::{
    fs,
    io::{Read, Write},
    path::{Path, PathBuf},
};

/// The form of `model.json` that is written. Others are refused by their number.
const FORMAT: u32 = 1;
const RECORD: &str = "model.json";
const FILES: &str = "files";
/// The longest record that is read: a hundred thousand files.
const RECORD_BYTES_MAX: u64 = 32 << 20;
/// Copied between two looks at whether to stop, in bytes.
const COPY_BYTES: usize = 4 << 20;

/// `model.json`.
#[derive(Serialize, Deserialize)]
struct Written {
    format: u32,
    name: String,
    family: Family,
    digest: Digest,
    bytes: u64,
    /// Where files are that stay where they are; absolute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    root: Option<PathBuf>,
    files: Vec<Part>,
}

/// Only the number, because the rest may be of another form.
#[derive(Deserialize)]
struct Numbered {
    format: u32,
}

/// The record in a folder; `None` if there is none.
pub fn read(folder: &Path, name: &str) -> Result<Option<Record>, Error> {
    let path = folder.join(RECORD);
    let file = match fs::File::open(&path) {
        // A file where the folder should be is none of ours either.
        Err(e) if matches!(e.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => return Ok(None),
        file => file.map_err(Error::io(&path))?,
    };
    let mut text = Vec::new();
    file.take(RECORD_BYTES_MAX + 1).read_to_end(&mut text).map_err(Error::io(&path))?;
    let bad = |what: String| Error::BadRecord { name: name.into(), what };
    if text.len() as u64 > RECORD_BYTES_MAX {
        return Err(bad(format!("it is longer than {RECORD_BYTES_MAX} bytes")));
    }
    let Numbered { format } = serde_json::from_slice(&text).map_err(|e| bad(e.to_string()))?;
    if format != FORMAT {
        return Err(bad(format!("it is of form {format}, and this klieg reads form {FORMAT}")));
    }
    let written: Written = serde_json::from_slice(&text).map_err(|e| bad(e.to_string()))?;
    record_of(written, folder, name).map(Some).map_err(bad)
}

/// The record, if it is consistent.
fn record_of(written: Written, folder: &Path, name: &str) -> Result<Record, String> {
    let Written { name: own, family, digest, bytes, root, files, .. } = written;
    if own != name {
        return Err(format!("it calls itself {own:?}"));
    }
    if let Some(part) = files.iter().find(|part| !record::is_inside(&part.path)) {
        return Err(format!("the file {:?} would lie outside of the model", part.path));
    }
    if !files.is_sorted_by(|a, b| a.path < b.path) || Record::digest_of(&files) != digest {
        return Err("its digest is not that of its files".into());
    }
    let sum = files.iter().try_fold(0_u64, |sum, part| sum.checked_add(part.bytes));
    if sum != Some(bytes) {
        return Err("its length is not that of its files".into());
    }
    let root = root.unwrap_or_else(|| folder.join(FILES));
    Ok(Record { name: own, family, digest, bytes, root, files })
}

/// Writes the record into a folder that nobody sees yet.
pub fn write(entry: &Entry, folder: &Path, keep: Keep) -> Result<(), Error> {
    let mut files = entry.files.clone();
    files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    let root = match keep {
        Keep::Link => Some(std::path::absolute(&entry.root).map_err(Error::io(&entry.root))?),
        Keep::Copy | Keep::Move => None,
    };
    let (digest, bytes) = (Record::digest_of(&files), files.iter().map(|part| part.bytes).sum());
    let written = Written { format: FORMAT, name: entry.name.clone(), family: entry.family, digest, bytes, root, files };
    let path = folder.join(RECORD);
    let mut text = serde_json::to_vec_pretty(&written).map_err(|e| Error::io(&path)(e.into()))?;
    text.push(b'\n');
    let mut file = fs::File::create(&path).map_err(Error::io(&path))?;
    file.write_all(&text).and_then(|()| file.sync_all()).map_err(Error::io(&path))
}

/// Brings the files of a model into the folder that will be its own.
pub fn bring(entry: &Entry, folder: &Path, keep: Keep, progress: &Progress) -> Result<(), Error> {
    for part in &entry.files {
        let (from, to) = (entry.root.join(&part.path), folder.join(FILES).join(&part.path));
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent).map_err(Error::io(parent))?;
        }
        match keep {
            Keep::Move => fs::rename(&from, &to).map_err(Error::io(&from))?,
            Keep::Copy | Keep::Link => copy(&from, &to, part, progress)?,
        }
    }
    Ok(())
}

/// Copies a file that has been checked, and sees that it is still the same.
fn copy(from: &Path, to: &Path, part: &Part, progress: &Progress) -> Result<(), Error> {
    let mut source = fs::File::open(from).map_err(Error::io(from))?;
    let mut target = fs::File::create_new(to).map_err(Error::io(to))?;
    let (mut hasher, mut buffer) = (blake3::Hasher::new(), vec![0; COPY_BYTES]);
    loop {
        progress.check()?;
        let count = source.read(&mut buffer).map_err(Error::io(from))?;
        if count == 0 {
            break;
        }
        hasher.update(&buffer[..count]);
        target.write_all(&buffer[..count]).map_err(Error::io(to))?;
        progress.add(count as u64);
    }
    target.sync_all().map_err(Error::io(to))?;
    if Digest(*hasher.finalize().as_bytes()) != part.digest {
        let what = format!("{} was written to while it was added; add it again when nobody does", from.display());
        return Err(Error::Changed { name: part.path.clone(), what });
    }
    Ok(())
}

/// Sees that a rename in a folder outlives a loss of power.
pub fn sync(folder: &Path) -> Result<(), Error> {
    fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(Error::io(folder))
}

/// Makes the record newer than the files.
pub fn touch(folder: &Path) -> Result<(), Error> {
    let path = folder.join(RECORD);
    let text = fs::read(&path).map_err(Error::io(&path))?;
    let mut fresh = tempfile::NamedTempFile::new_in(folder).map_err(Error::io(folder))?;
    fresh.write_all(&text).and_then(|()| fresh.as_file().sync_all()).map_err(Error::io(&path))?;
    fresh.persist(&path).map_err(|e| Error::io(&path)(e.error))?;
    Ok(())
}

/// Whether all files are there, of their length and older than the record.
pub fn stands(folder: &Path, record: &Record) -> Result<(), Error> {
    let changed = |what: String| Error::Changed { name: record.name.clone(), what };
    let remedy = format!("add the model again, or see what `klieg models verify {}` says", record.name);
    let path = folder.join(RECORD);
    let written = fs::metadata(&path).and_then(|about| about.modified()).map_err(Error::io(&path))?;
    for part in &record.files {
        let path = record.path(&part.path);
        let about = fs::metadata(&path).map_err(|e| changed(format!("{}: {e}; {remedy}", path.display())))?;
        if about.len() != part.bytes {
            return Err(changed(format!("{} has {} bytes and had {}; {remedy}", path.display(), about.len(), part.bytes)));
        }
        if about.modified().is_ok_and(|modified| modified > written) {
            return Err(changed(format!("{} was written to since it was verified; {remedy}", path.display())));
        }
    }
    Ok(())
}

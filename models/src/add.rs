//! Puts a model on a shelf after all of it was read, and reads it again.

use crate::{Entry, Error, Inspection, Keep, Progress, Record, Shelf, inspect, inspect::inspect_record, record};
use std::path::Path;

/// Checks all of a folder or file and puts it on the shelf under that name.
///
/// # Errors
/// [`Error::Refused`] says what does not fit, [`Error::Taken`] that the name is; [`Error::Stopped`] that the progress was.
pub fn add(shelf: &Shelf, path: &Path, name: &str, keep: Keep, progress: &Progress) -> Result<(Record, Inspection), Error> {
    if shelf.find(record::named(name)?)?.is_some() {
        return Err(Error::Taken(name.into()));
    }
    let inspection = inspect(path)?;
    let copies = if keep == Keep::Copy { 2 } else { 1 };
    progress.expect(inspection.bytes() * copies);
    let files = inspection.read(progress)?;
    let entry = Entry { name: name.into(), family: inspection.family, root: inspection.root.clone(), files };
    Ok((shelf.put(&entry, keep, progress)?, inspection))
}

/// Reads all of a model and compares it with its record; it is trusted again if nothing has changed.
///
/// # Errors
/// [`Error::Changed`] names the files that are others now; [`Error::Refused`] what does not fit, as for [`add`].
pub fn verify(shelf: &Shelf, name: &str, progress: &Progress) -> Result<Record, Error> {
    let record = shelf.get(name)?;
    let missing: Vec<String> = record.files.iter().filter_map(|part| lost(&record, &part.path, part.bytes)).collect();
    if !missing.is_empty() {
        return Err(changed(&record, &missing));
    }
    let inspection = inspect_record(&record)?;
    progress.expect(inspection.bytes());
    let now = inspection.read(progress)?;
    let other = |part: &&crate::Part| !now.contains(part);
    let others: Vec<String> = record.files.iter().filter(other).map(|part| format!("{} has other bytes", part.path)).collect();
    if !others.is_empty() {
        return Err(changed(&record, &others));
    }
    shelf.confirm(&record)?;
    Ok(record)
}

/// What is wrong with a file, as far as it can be seen without reading it.
fn lost(record: &Record, path: &str, bytes: u64) -> Option<String> {
    match std::fs::metadata(record.path(path)) {
        Err(error) => Some(format!("{path}: {error}")),
        Ok(about) if about.len() != bytes => Some(format!("{path} has {} bytes and had {bytes}", about.len())),
        Ok(_) => None,
    }
}

fn changed(record: &Record, what: &[String]) -> Error {
    let what = format!("{}; remove it and add it again: klieg models rm {}", what.join("; "), record.name);
    Error::Changed { name: record.name.clone(), what }
}

//! A whole model: listed, chosen, fetched, added.

use crate::{
    HubError, HubOptions,
    client::Hub,
    fetch::{self, Task},
    listing::{self, Listing, Remote},
};
use futures_util::{StreamExt, TryStreamExt, stream};
use klieg_models::{Error, Inspection, Keep, Progress, Record, Shelf};
use klieg_protocol::Digest;
use std::{
    fs::{File, TryLockError},
    path::{Path, PathBuf},
};

/// Files that are fetched at a time.
const AT_A_TIME: usize = 4;

/// Which model.
#[derive(Clone, Debug)]
pub struct Order {
    /// `OWNER/NAME`
    pub repo: String,
    /// A branch, a tag or a commit.
    pub revision: String,
    /// What it is called on the shelf.
    pub name: String,
    /// Weights to fetch, where a repository has several in a folder.
    pub files: Vec<String>,
}

/// Fetches a model and puts it on the shelf. What was fetched stays until then, for the next try.
pub async fn pull(
    options: &HubOptions,
    shelf: &Shelf,
    order: &Order,
    progress: &Progress,
) -> Result<(Record, Inspection), HubError> {
    listing::check_repo(&order.repo)?;
    let hub = Hub::new(options)?;
    if shelf.find(&order.name)?.is_some() {
        return Err(Error::Taken(order.name.clone()).into());
    }
    if !klieg_models::is_name(&order.name) {
        return Err(Error::BadName(order.name.clone()).into());
    }
    let listing = listing::listing(&hub, &order.repo, &order.revision).await?;
    let wanted = choose(order, &listing)?;
    let (folder, lock) = room(shelf, order, &listing)?;
    let files = folder.join("files");
    std::fs::create_dir_all(&files).map_err(HubError::io(&files))?;
    wanted.iter().filter_map(|file| file.bytes).for_each(|bytes| progress.expect(bytes));
    // What says whether klieg knows the model at all comes first; the weights may be large.
    let (small, large): (Vec<Remote>, Vec<Remote>) = wanted.into_iter().partition(|file| !klieg_models::is_weights(&file.path));
    for group in [small, large] {
        let fetched = stream::iter(group).map(|file| one(&hub, order, &listing.commit, file, &files, progress));
        fetched.buffer_unordered(AT_A_TIME).try_collect::<Vec<()>>().await?;
        klieg_models::foresee(&files).inspect_err(|_| drop(std::fs::remove_dir_all(&folder)))?;
    }
    let added = klieg_models::add(shelf, &files, &order.name, Keep::Move, progress);
    if matches!(added, Ok(_) | Err(Error::Refused { .. })) {
        // What klieg does not take it would not take the next time.
        std::fs::remove_dir_all(&folder).map_err(HubError::io(&folder))?;
    }
    drop(lock);
    Ok(added?)
}

async fn one(hub: &Hub, order: &Order, commit: &str, file: Remote, folder: &Path, progress: &Progress) -> Result<(), HubError> {
    let task = Task { repo: &order.repo, commit, path: &file.path, folder, expected: file.bytes.is_some() };
    fetch::fetch(hub, &task, progress).await
}

/// The files that klieg reads.
fn choose(order: &Order, listing: &Listing) -> Result<Vec<Remote>, HubError> {
    let bad = |what: String| HubError::Choice { repo: order.repo.clone(), what };
    let paths = || listing.files.iter().map(|file| file.path.clone());
    if let Some(none) = order.files.iter().find(|wanted| !paths().any(|path| path == **wanted)) {
        return Err(bad(format!("it has no {none}")));
    }
    if let Some(other) = order.files.iter().find(|wanted| !klieg_models::is_weights(wanted)) {
        return Err(bad(format!("{other} is neither *.safetensors nor *.gguf")));
    }
    let wanted = klieg_models::wanted(paths(), &order.files).map_err(|refusal| bad(refusal.to_string()))?;
    Ok(listing.files.iter().filter(|file| wanted.contains(&file.path)).cloned().collect())
}

/// A folder of this commit's own, on the shelf's disk, and the right to be in it.
fn room(shelf: &Shelf, order: &Order, listing: &Listing) -> Result<(PathBuf, File), HubError> {
    let key = Digest::of(format!("{}\0{}\0{}", order.repo, listing.commit, order.files.join("\0")).as_bytes());
    let folder = shelf.folder().join(format!(".pulling-{}", &key.hex()[..16]));
    std::fs::create_dir_all(&folder).map_err(HubError::io(&folder))?;
    let path = folder.join("lock");
    let lock = File::create(&path).map_err(HubError::io(&path))?;
    match lock.try_lock() {
        Ok(()) => Ok((folder, lock)),
        Err(TryLockError::WouldBlock) => Err(HubError::Busy(folder)),
        Err(TryLockError::Error(error)) => Err(HubError::io(path)(error)),
    }
}

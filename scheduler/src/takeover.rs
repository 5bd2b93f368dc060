//! How a farm takes over what an earlier leader left.

use crate::{
    blobs::Blobs,
    farm::{FarmError, FarmOptions},
    recover::{Left, restore, stand},
    service::now,
    state::{Rules, State},
    store::{Batch, Epoch, Store},
};
use klieg_protocol::Digest;
use std::{fs, io, path::Path};

/// Makes an empty folder of what dead attempts have left. Only the leader may.
pub(crate) fn empty(folder: &Path) -> Result<(), FarmError> {
    let at = |source| FarmError::Folder { path: folder.into(), source };
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(at(error)),
        _ => {}
    }
    fs::create_dir_all(folder).map_err(at)
}

/// Loads the unfinished jobs. Attempts that were running are lost, unless their nodes outlive their leaders; results whose artifacts
/// are gone are computed anew. Gives the number of batches committed too.
pub(crate) async fn load(
    store: &impl Store,
    epoch: Epoch,
    blobs: &impl Blobs,
    options: &FarmOptions,
) -> Result<(State, u64), FarmError> {
    let (token, _) = store.highest().await?;
    let attempts_max = options.attempts_max.max(1);
    let fail_unplaceable = !options.nodes_outlive;
    // With one node, another may not do better.
    let node_faults_max = if options.nodes_outlive { Rules::default().node_faults_max } else { attempts_max };
    let mut state = State::new(Rules { attempts_max, node_faults_max, fail_unplaceable, ..Rules::default() });
    (state.next_token, state.leader) = (token + 1, u64::try_from(epoch.0).unwrap_or(0));
    stand(&mut state, store.standing().await?);
    let mut batch = Batch::default();
    let jobs = store.unfinished().await?;
    let outputs = jobs.iter().flat_map(|job| job.tasks.values()).flat_map(|task| task.outputs.values().copied());
    let missing = blobs.missing(outputs.collect()).await?;
    let (here, left) = (|digest: &Digest| !missing.contains(digest), Left { running: options.nodes_outlive });
    for job in jobs {
        restore(&mut state, job, &here, left, now(), &mut batch);
    }
    if batch.is_empty() {
        return Ok((state, 0));
    }
    store.commit(epoch, 1, &batch).await?;
    Ok((state, 1))
}

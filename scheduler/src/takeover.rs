//! How the embedded farm takes over what an earlier process left in its folder.

use crate::{
    blobs::{Blobs, Folder},
    farm::{FarmError, FarmOptions},
    recover::{Left, restore},
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

/// Loads the unfinished jobs, with the attempts that run on if nodes outlive their leader.
pub(crate) async fn load(store: &impl Store, epoch: Epoch, blobs: &Folder, options: &FarmOptions) -> Result<State, FarmError> {
    let (token, _) = store.highest().await?;
    let attempts_max = options.attempts_max.max(1);
    let embedded = !options.nodes_outlive;
    let node_faults_max = if embedded { attempts_max } else { Rules::default().node_faults_max };
    let mut state = State::new(Rules { attempts_max, node_faults_max, fail_unplaceable: embedded, ..Rules::default() });
    state.next_token = token + 1;
    // Sessions of nodes must be higher than those that an earlier leader began.
    state.leader = u64::try_from(epoch.0).unwrap_or_default();
    let mut batch = Batch::default();
    for job in store.unfinished().await? {
        let (here, left) = (|digest: &Digest| blobs.size(*digest).is_some(), Left { running: !embedded });
        restore(&mut state, job, &here, left, now(), &mut batch);
    }
    if !batch.is_empty() {
        store.commit(epoch, &batch).await?;
    }
    Ok(state)
}

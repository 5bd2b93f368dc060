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

/// Loads the unfinished jobs of a farm whose nodes died with their leader.
pub(crate) async fn load(store: &impl Store, epoch: Epoch, blobs: &Folder, options: &FarmOptions) -> Result<State, FarmError> {
    let (token, _) = store.highest().await?;
    let attempts_max = options.attempts_max.max(1);
    let mut state = State::new(Rules { attempts_max, node_faults_max: attempts_max, ..Rules::default() });
    state.next_token = token + 1;
    let mut batch = Batch::default();
    for job in store.unfinished().await? {
        let (here, left) = (|digest: &Digest| blobs.size(*digest).is_some(), Left { running: false });
        restore(&mut state, job, &here, left, now(), &mut batch);
    }
    if !batch.is_empty() {
        store.commit(epoch, &batch).await?;
    }
    Ok(state)
}

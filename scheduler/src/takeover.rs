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
use std::{fs, io, path::Path, sync::Arc, time::Duration};
use tokio::task::JoinHandle;

/// Makes an empty folder of what dead attempts have left. Only the leader may.
pub(crate) fn empty(folder: &Path) -> Result<(), FarmError> {
    let at = |source| FarmError::Folder { path: folder.into(), source };
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(at(error)),
        _ => {}
    }
    fs::create_dir_all(folder).map_err(at)
}

/// What a new leader begins with.
pub(crate) struct Loaded {
    pub state: State,
    /// Batches committed under its epoch.
    pub committed: u64,
    /// The number of the next job.
    pub next_job: u64,
}

/// Keeps the lead while a new leader loads what there is, which may take longer than a lease. Until it is dropped.
pub(crate) struct Keeper(JoinHandle<()>);

impl Keeper {
    /// Beats several times in a `lease`. Whoever has lost the lead meanwhile learns it by its first commit.
    pub fn start(store: &Arc<impl Store>, epoch: Epoch, lease: Duration) -> Self {
        let store = Arc::clone(store);
        Self(tokio::spawn(async move {
            loop {
                tokio::time::sleep(lease / BEATS).await;
                if let Err(error) = store.beat(epoch).await {
                    tracing::warn!(%error, "failed to keep the lead");
                }
            }
        }))
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// How often in a lease a leader that loads says that it lives.
const BEATS: u32 = 6;

/// Loads the unfinished jobs. Attempts that were running are lost, unless their nodes outlive their leaders; results whose artifacts
/// are gone are computed anew.
pub(crate) async fn load(store: &impl Store, epoch: Epoch, blobs: &impl Blobs, options: &FarmOptions) -> Result<Loaded, FarmError> {
    let ((token, job), jobs, standing) = tokio::try_join!(store.highest(), store.unfinished(), store.standing())?;
    let attempts_max = options.attempts_max.max(1);
    let fail_unplaceable = !options.nodes_outlive;
    // With one node, another may not do better.
    let node_faults_max = if options.nodes_outlive { Rules::default().node_faults_max } else { attempts_max };
    let mut state = State::new(Rules { attempts_max, node_faults_max, fail_unplaceable, ..Rules::default() });
    (state.next_token, state.leader) = (token + 1, u64::try_from(epoch.0).unwrap_or(0));
    stand(&mut state, standing);
    let mut batch = Batch::default();
    let outputs = jobs.iter().flat_map(|job| job.tasks.values()).flat_map(|task| task.outputs.values().copied());
    let missing = blobs.missing(outputs.collect()).await?;
    let (here, left) = (|digest: &Digest| !missing.contains(digest), Left { running: options.nodes_outlive });
    for job in jobs {
        restore(&mut state, job, &here, left, now(), &mut batch);
    }
    let committed = u64::from(!batch.is_empty());
    if committed == 1 {
        store.commit(epoch, 1, &batch).await?;
    }
    Ok(Loaded { state, committed, next_job: job + 1 })
}

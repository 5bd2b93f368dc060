//! Who leads: this server, another, or nobody yet.

use klieg_nodes::remote::Backoff;
use klieg_scheduler::{Farm, FarmError, FarmOptions};
use std::{fs, io, path::Path, time::Duration};
use tokio::sync::watch;

/// How often a standby looks whether the leader has gone.
const LOOK_EVERY: Duration = Duration::from_millis(300);

/// Where a server stands.
#[derive(Clone)]
pub enum Stand {
    /// What it needs cannot be reached yet; it keeps trying.
    Starting {
        why: String,
    },
    /// Another leads.
    Standby {
        /// Its URL, if it has told.
        leader: Option<String>,
        why: String,
    },
    Leading(Farm),
    Ended,
}

/// Takes the lead whenever there is none, until it is stopped. Gives the error that no repetition would change.
pub async fn lead(options: FarmOptions, advertise: String, stand: &watch::Sender<Stand>) -> Result<(), FarmError> {
    let mut backoff = Backoff::default();
    loop {
        match Farm::open(options.clone()).await {
            Ok(farm) => {
                backoff.reset();
                if let Err(error) = name_leader(&options.folder, &advertise) {
                    tracing::warn!(%error, "failed to note where the leader is; standbys cannot send callers here");
                }
                tracing::info!("this server leads");
                stand.send_replace(Stand::Leading(farm.clone()));
                farm.ended().await;
                if matches!(*stand.borrow(), Stand::Ended) {
                    return Ok(());
                }
                tracing::warn!("the scheduler has ended; standing by");
                stand.send_replace(Stand::Starting { why: "its scheduler has ended".into() });
                farm.close().await;
            }
            Err(error @ FarmError::Busy { .. }) => {
                let leader = leader_in(&options.folder);
                if !matches!(*stand.borrow(), Stand::Standby { .. }) {
                    tracing::info!(leader, "another server leads; standing by");
                }
                stand.send_replace(Stand::Standby { leader, why: error.to_string() });
                tokio::time::sleep(LOOK_EVERY).await;
            }
            Err(error) if away(&error) => {
                tracing::warn!("failed to {error}; trying again");
                stand.send_replace(Stand::Starting { why: format!("failed to {error}") });
                backoff.wait(LOOK_EVERY).await;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Whether opening the farm may go well later without anybody doing anything.
fn away(error: &FarmError) -> bool {
    use klieg_scheduler::{blobs::BlobError, store::StoreError};
    matches!(error, FarmError::Store(StoreError::Full(_) | StoreError::Fenced) | FarmError::Blob(BlobError::Full(_)))
}

fn leader_in(folder: &Path) -> Option<String> {
    fs::read_to_string(folder.join("leader")).ok().map(|text| text.trim().to_owned()).filter(|url| !url.is_empty())
}

fn name_leader(folder: &Path, url: &str) -> io::Result<()> {
    let temporary = folder.join(".leader.partly");
    fs::write(&temporary, url)?;
    fs::rename(temporary, folder.join("leader"))
}

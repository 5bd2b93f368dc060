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
    let options = FarmOptions { leader: advertise.clone(), ..options };
    let mut backoff = Backoff::default();
    loop {
        let led_by = |leader: &str| stand_by(stand, url_of(leader), "another server leads");
        match Farm::stand_by(options.clone(), led_by).await {
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
                stand_by(stand, leader_in(&options.folder), &error.to_string());
                tokio::time::sleep(LOOK_EVERY).await;
            }
            Err(error) if error.retryable() || away(&error) => {
                let why = format!("failed to {error}");
                // The same is told once, however often it happens.
                let told = matches!(&*stand.borrow(), Stand::Starting { why: before } if *before == why);
                if !told {
                    tracing::warn!("{why}; trying again until it goes well");
                }
                stand.send_replace(Stand::Starting { why });
                backoff.wait(LOOK_EVERY).await;
            }
            Err(error) => return Err(error),
        }
    }
}

fn stand_by(stand: &watch::Sender<Stand>, leader: Option<String>, why: &str) {
    stand.send_if_modified(|stand| {
        if matches!(stand, Stand::Ended) || matches!(stand, Stand::Standby { leader: known, .. } if *known == leader) {
            return false;
        }
        tracing::info!(leader, "standing by");
        *stand = Stand::Standby { leader, why: why.into() };
        true
    });
}

/// The leader's name, where it is a URL: one that has resigned has none, and an embedded one names its process.
fn url_of(leader: &str) -> Option<String> {
    (leader.starts_with("http://") || leader.starts_with("https://")).then(|| leader.to_owned())
}

/// Whether opening the farm may go well later without anybody doing anything.
fn away(error: &FarmError) -> bool {
    use klieg_scheduler::{blobs::BlobError, store::StoreError};
    matches!(error, FarmError::Store(StoreError::Full(_) | StoreError::Fenced) | FarmError::Blob(BlobError::Full(_)))
}

fn leader_in(folder: &Path) -> Option<String> {
    url_of(fs::read_to_string(folder.join("leader")).ok()?.trim())
}

fn name_leader(folder: &Path, url: &str) -> io::Result<()> {
    let temporary = folder.join(".leader.partly");
    fs::write(&temporary, url)?;
    fs::rename(temporary, folder.join("leader"))
}

//! What a repository has at a revision.

use crate::{HubError, client::Hub};
use http_body_util::{BodyExt, Limited};
use serde::Deserialize;
use std::time::Duration;

/// The longest listing that is read, in bytes.
const LISTING_BYTES_MAX: usize = 16 << 20;
const FILES_MAX: usize = 10_000;
const LISTING_MAX: Duration = Duration::from_secs(60);

/// A repository at a commit.
#[derive(Debug)]
pub struct Listing {
    /// The commit, which never changes.
    pub commit: String,
    pub files: Vec<Remote>,
}

/// A file of it.
#[derive(Clone, Debug)]
pub struct Remote {
    pub path: String,
    /// If the hub says so.
    pub bytes: Option<u64>,
}

#[derive(Deserialize)]
struct Answer {
    sha: String,
    siblings: Vec<Sibling>,
}

#[derive(Deserialize)]
struct Sibling {
    rfilename: String,
    size: Option<u64>,
}

/// Whether a word may be a repository's, an owner's or a revision's name.
fn is_word(word: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    !matches!(word, "" | "." | "..") && word.len() <= 128 && word.bytes().all(letter)
}

/// `OWNER/NAME`; some old models have no owner.
pub fn check_repo(repo: &str) -> Result<(), HubError> {
    let words = repo.split('/').collect::<Vec<_>>();
    if words.len() <= 2 && words.iter().all(|word| is_word(word)) { Ok(()) } else { Err(HubError::BadRepo(repo.into())) }
}

/// Asks the hub, which turns a branch or tag into a commit.
pub async fn listing(hub: &Hub, repo: &str, revision: &str) -> Result<Listing, HubError> {
    if !revision.split('/').all(is_word) {
        let what = format!("the revision {revision:?} of {repo}");
        return Err(HubError::NotFound { at: hub.at(), what });
    }
    // A revision with slashes is one word of the address.
    let address = format!("{}/api/models/{repo}/revision/{}?blobs=true", hub.at(), revision.replace('/', "%2F"));
    let garbled = |what: String| HubError::Garbled { at: hub.at(), what };
    let address = address.parse().map_err(|_| garbled("its address is none".into()))?;
    let answer = hub.get(address, 0, &format!("{repo} at {revision}")).await?;
    let body = tokio::time::timeout(LISTING_MAX, Limited::new(answer.response.into_body(), LISTING_BYTES_MAX).collect()).await;
    let away = |what: String| HubError::Away { at: hub.at(), what };
    let body = body.map_err(|_| away("its listing broke off".into()))?.map_err(|error| away(error.to_string()))?;
    let Answer { sha, siblings } = serde_json::from_slice(&body.to_bytes()).map_err(|error| garbled(error.to_string()))?;
    if sha.len() < 7 || !is_word(&sha) {
        return Err(garbled(format!("it calls {sha:?} a commit")));
    }
    if siblings.len() > FILES_MAX {
        return Err(garbled(format!("{repo} has {} files, and may have {FILES_MAX}", siblings.len())));
    }
    let files = siblings.into_iter().map(|one| Remote { path: one.rfilename, bytes: one.size });
    // Names that would lead out of the folder are nobody's.
    Ok(Listing { commit: sha, files: files.filter(|file| klieg_models::is_inside(&file.path)).collect() })
}

//! Bringing a file as an asset, whatever breaks on the way.

use super::Client;
use crate::front::views::{AssetRecord, Upload, UploadPlace, UploadState};
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use klieg_nodes::remote::{Ask, Backoff, LinkError, Load, TransferError, read};
use klieg_protocol::Digest;
use std::{
    io,
    path::{Path, PathBuf},
};

/// A file that is to be an asset.
#[derive(Clone, Debug)]
pub struct NewAsset {
    pub path: PathBuf,
    pub name: String,
    pub project: String,
    /// What it is said to be; `None`: what its bytes say.
    pub media_type: Option<String>,
}

impl Client {
    /// Brings a file, unless the farm has its bytes. An upload that broke off goes on where it was, also that of an earlier process.
    pub async fn bring(&self, asset: &NewAsset) -> Result<AssetRecord, TransferError> {
        let (digest, bytes) = measured(&asset.path).await?;
        let upload = Upload {
            bytes,
            digest: Some(digest.hex()),
            name: Some(asset.name.clone()),
            project: asset.project.clone(),
            media_type: asset.media_type.clone(),
        };
        loop {
            let place: UploadPlace = self.ask(&Ask::post("/api/v1/assets/upload", &upload)).await?;
            if let Some(asset) = place.asset {
                return Ok(asset);
            }
            match self.send_parts(&place.url, &asset.path, bytes).await {
                // It is finished, and the answer was lost.
                Err(error) if error.status() == Some(404) => {}
                done => return Ok(done?),
            }
        }
    }

    async fn send_parts(&self, url: &str, path: &Path, bytes: u64) -> Result<AssetRecord, LinkError> {
        let mut backoff = Backoff::default();
        loop {
            let state: UploadState = self.ask(&Ask::new(Method::GET, url)).await?;
            let mut ask = Ask::new(Method::PATCH, url);
            ask.headers.insert(HeaderName::from_static("upload-offset"), state.offset.into());
            ask.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/offset+octet-stream"));
            ask.load = Load::Rest { path: path.into(), from: state.offset, bytes: bytes.saturating_sub(state.offset) };
            match self.link.call(&ask).await {
                Ok(answer) if answer.status() == StatusCode::CREATED => return read(answer).await,
                Ok(_) => backoff.reset(),
                // Another connection still writes, or what broke off left another offset than was thought.
                Err(error) if error.retryable() || error.status() == Some(409) => {
                    tracing::debug!(%error, offset = state.offset, "an upload broke off");
                    backoff.wait(error.after()).await;
                }
                Err(error) => return Err(error),
            }
        }
    }
}

/// A file's digest and length.
async fn measured(path: &Path) -> Result<(Digest, u64), TransferError> {
    let (file, at) = (path.to_owned(), |source| TransferError::Io { path: path.to_owned(), source });
    let measured = tokio::task::spawn_blocking(move || {
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(std::fs::File::open(file)?)?;
        Ok((Digest(*hasher.finalize().as_bytes()), hasher.count()))
    });
    measured.await.map_err(|error| at(io::Error::other(error)))?.map_err(at)
}

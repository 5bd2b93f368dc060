//! Content credentials for what is delivered, by the key of whoever delivers it. Signatures hold random names and salts, so signing is
//! the last step, outside of the tasks and their result cache; what the farm made stays the same bytes.

use crate::cli::Stop;
use klieg_protocol::Digest;
use klieg_provenance::{Claim, Identity, Source, media_type, sign};
use serde_json::json;
use std::path::{Path, PathBuf};

#[derive(clap::Args, Clone, Default)]
pub struct SealArgs {
    /// Sign what is delivered (C2PA content credentials) with this private key: PKCS #8, PEM.
    #[arg(long, value_name = "FILE", env = "KLIEG_C2PA_KEY", requires = "c2pa_cert")]
    pub c2pa_key: Option<PathBuf>,
    /// And these certificates, the signer's own first: PEM.
    #[arg(long, value_name = "FILE", env = "KLIEG_C2PA_CERT", requires = "c2pa_key")]
    pub c2pa_cert: Option<PathBuf>,
}

impl SealArgs {
    /// Who signs; nobody, unless a key was given. Found before any work is done.
    pub fn identity(&self) -> Result<Option<Identity>, Stop> {
        match (&self.c2pa_key, &self.c2pa_cert) {
            (Some(key), Some(chain)) => Identity::read(key, chain).map(Some).map_err(|e| Stop::bad(format!("failed to {e}"))),
            _ => Ok(None),
        }
    }
}

/// Signs the files that can be signed, and notes beside them what they were before: manifests name the farm's own bytes.
pub fn seal(files: &mut Vec<PathBuf>, folder: &Path, identity: Option<&Identity>) -> Result<(), Stop> {
    let Some(identity) = identity else { return Ok(()) };
    let failed = |e: std::io::Error| Stop::failed(format!("sign what is in {}: {e}", folder.display()));
    let mut notes = Vec::new();
    for path in files.iter().filter(|path| media_type(path).is_some()) {
        let name = path.strip_prefix(folder).unwrap_or(path);
        let before = Digest::of(&std::fs::read(path).map_err(failed)?);
        // Everything that klieg makes so far is made without a trained model.
        let claim =
            Claim { title: name.display().to_string(), source: Source::Algorithmic, version: env!("CARGO_PKG_VERSION").into() };
        sign(path, &claim, identity).map_err(|e| Stop::failed(format!("failed to {e}")))?;
        let after = Digest::of(&std::fs::read(path).map_err(failed)?);
        notes.push(
            json!({"file": name, "digest_before": before, "digest_signed": after, "digital_source_type": claim.source.uri()}),
        );
    }
    let note = json!({"standard": "C2PA", "signed": notes});
    let path = folder.join("provenance.json");
    let text = serde_json::to_vec_pretty(&note).map_err(|e| Stop::failed(format!("write {}: {e}", path.display())))?;
    crate::deliver::write_whole(&path, &text)?;
    files.push(path);
    Ok(())
}

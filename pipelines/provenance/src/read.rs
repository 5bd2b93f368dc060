//! Reading: what a file says of its own making, and whether that is to be believed.

use crate::ProvenanceError as Error;
use crate::sign::media_type;
use c2pa::{Context, Reader, ValidationState};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fs::File;
use std::path::Path;

/// Whether a manifest is to be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// The file or the manifest was changed after it was signed, or the manifest is none.
    Broken,
    /// Unchanged since it was signed, by somebody whom no trust list here vouches for.
    Unknown,
    /// Unchanged, by somebody whom the configured trust list vouches for.
    Trusted,
}

/// The content credentials of a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Credentials {
    pub standing: Standing,
    /// Who signed it: organisation and common name of the certificate.
    pub issuer: Option<String>,
    pub signer: Option<String>,
    /// The program that claims it, with its version.
    pub generator: Option<String>,
    pub title: Option<String>,
    /// IPTC codes of how it was made, the last word of each: `trainedAlgorithmicMedia`.
    pub source_types: Vec<String>,
    /// What was done to it: `c2pa.created`, `c2pa.edited`, …
    pub actions: Vec<String>,
    /// What the validation says is wrong, by the specification's codes; also of whom nobody vouches for.
    pub faults: Vec<String>,
}

impl Credentials {
    /// Whether it claims to be made by a trained model, in whole or in part.
    pub fn generated(&self) -> bool {
        self.source_types.iter().any(|code| code.to_lowercase().contains("trainedalgorithmicmedia"))
    }
}

/// The content credentials of a file, if it has any. Its type is known by its name.
///
/// # Errors
/// A file that can't be read; credentials that can't be parsed. Those that were tampered with are no error, but [`Standing::Broken`].
pub fn read(path: &Path) -> Result<Option<Credentials>, Error> {
    let Some(format) = media_type(path) else { return Ok(None) };
    let failed = |source: c2pa::Error| Error::Credentials { path: path.to_owned(), source: Box::new(source) };
    let mut file = File::open(path).map_err(|source| Error::Unreadable { path: path.to_owned(), source })?;
    let settings = json!({"verify": {"remote_manifest_fetch": false, "ocsp_fetch": false}});
    let context = Context::new().with_settings(settings).map_err(failed)?;
    match Reader::from_context(context).with_stream(format, &mut file) {
        Ok(reader) => Ok(Some(told(&reader))),
        Err(c2pa::Error::JumbfNotFound | c2pa::Error::UnsupportedType) => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

fn told(reader: &Reader) -> Credentials {
    let standing = match reader.validation_state() {
        ValidationState::Trusted => Standing::Trusted,
        ValidationState::Valid => Standing::Unknown,
        ValidationState::Invalid => Standing::Broken,
    };
    let store: Value = serde_json::from_str(&reader.json()).unwrap_or_default();
    let manifest = store["active_manifest"].as_str().map_or(&Value::Null, |label| &store["manifests"][label]);
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let info = &manifest["claim_generator_info"][0];
    let generator = text(&info["name"]).map(|name| match info["version"].as_str() {
        Some(version) => format!("{name} {version}"),
        None => name,
    });
    let actions: Vec<&Value> = list(&manifest["assertions"])
        .filter(|assertion| assertion["label"].as_str().is_some_and(|label| label.starts_with("c2pa.actions")))
        .flat_map(|assertion| list(&assertion["data"]["actions"]))
        .collect();
    let last_word = |uri: &str| uri.rsplit('/').next().unwrap_or(uri).to_owned();
    Credentials {
        standing,
        issuer: text(&manifest["signature_info"]["issuer"]),
        signer: text(&manifest["signature_info"]["common_name"]),
        generator: generator.or_else(|| text(&manifest["claim_generator"])),
        title: text(&manifest["title"]),
        source_types: actions.iter().filter_map(|action| action["digitalSourceType"].as_str()).map(last_word).collect(),
        actions: actions.iter().filter_map(|action| text(&action["action"])).collect(),
        faults: reader.validation_status().unwrap_or_default().iter().map(|status| status.code().to_owned()).collect(),
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

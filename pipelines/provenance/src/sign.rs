//! Writing: a claim about how a file was made, signed by whoever delivers it.

use crate::ProvenanceError as Error;
use c2pa::{Builder, Context, Signer, SigningAlg};
use serde_json::json;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// Keys and certificate chains of this size or more are not read.
const PEM_BYTES_MAX: u64 = 1 << 20;

/// How something was made, as the IPTC's NewsCodes call it (digital source type).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// By a program without a trained model: klieg's own renderer, voices and score.
    Algorithmic,
    /// By a trained model.
    TrainedAlgorithmic,
}

impl Source {
    /// The code's URI.
    pub fn uri(self) -> &'static str {
        match self {
            Self::Algorithmic => "http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicMedia",
            Self::TrainedAlgorithmic => "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia",
        }
    }
}

/// What is said of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    pub title: String,
    pub source: Source,
    /// The version of klieg that made it.
    pub version: String,
}

/// Who signs: a private key and the certificates that vouch for it.
pub struct Identity {
    signer: Box<dyn Signer>,
}

impl Identity {
    /// Reads a PKCS #8 key and a chain of certificates, the signer's own first, both PEM.
    ///
    /// # Errors
    /// A file that can't be read or is no such thing; a key that isn't the certificate's.
    pub fn read(key: &Path, chain: &Path) -> Result<Self, Error> {
        let (key_pem, chain_pem) = (pem(key)?, pem(chain)?);
        let mut why = String::from("the key is of no known type");
        // The key says of what type it is only by what takes it.
        for alg in [SigningAlg::Es256, SigningAlg::Es384, SigningAlg::Es512, SigningAlg::Ed25519, SigningAlg::Ps256] {
            match c2pa::create_signer::from_keys(&chain_pem, &key_pem, alg, None) {
                Ok(signer) => match signer.sign(b"klieg") {
                    Ok(_) => return Ok(Self { signer }),
                    Err(e) => why = e.to_string(),
                },
                Err(e) => why = e.to_string(),
            }
        }
        Err(Error::Key { key: key.to_owned(), chain: chain.to_owned(), why })
    }
}

fn pem(path: &Path) -> Result<Vec<u8>, Error> {
    let unreadable = |source| Error::Unreadable { path: path.to_owned(), source };
    let bytes = fs::metadata(path).map_err(unreadable)?.len();
    if bytes >= PEM_BYTES_MAX {
        return Err(Error::Pem { path: path.to_owned(), bytes, limit: PEM_BYTES_MAX });
    }
    fs::read(path).map_err(unreadable)
}

/// The type of a file that content credentials can stand in, by its name; `None`: they can't.
pub fn media_type(path: &Path) -> Option<&'static str> {
    let extension = path.extension()?.to_str()?.to_lowercase();
    Some(match extension.as_str() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "mp4" => "video/mp4",
        "mov" => "video/quicktime",
        "wav" => "audio/wav",
        "mp3" => "audio/mpeg",
        "flac" => "audio/flac",
        _ => return None,
    })
}

/// Signs a file in place: it is replaced by one with the claim in it, whole or not at all.
///
/// # Errors
/// [`Error::Type`] where the format has no room for it.
pub fn sign(path: &Path, claim: &Claim, identity: &Identity) -> Result<(), Error> {
    let format = media_type(path).ok_or_else(|| Error::Type { path: path.to_owned() })?;
    let failed = |source: c2pa::Error| Error::Sign { path: path.to_owned(), source: Box::new(source) };
    let unwritable = |source| Error::Unwritable { path: path.to_owned(), source };
    let software = json!({"name": "klieg", "version": claim.version});
    let definition = json!({
        "title": claim.title, "format": format, "claim_generator_info": [software],
        "assertions": [{"label": "c2pa.actions", "data": {"actions": [
            {"action": "c2pa.created", "digitalSourceType": claim.source.uri(), "softwareAgent": software}]}}],
    });
    let mut builder = Builder::from_context(Context::new()).with_definition(definition).map_err(failed)?;
    let mut source = File::open(path).map_err(|source| Error::Unreadable { path: path.to_owned(), source })?;
    let partly = partly(path);
    let signed =
        File::options().read(true).write(true).create(true).truncate(true).open(&partly).map_err(unwritable).and_then(|mut to| {
            builder.sign(&*identity.signer, format, &mut source, &mut to).map_err(failed)?;
            to.sync_all().and_then(|()| fs::rename(&partly, path)).map_err(unwritable)
        });
    if signed.is_err() {
        let _ = fs::remove_file(&partly);
    }
    signed
}

fn partly(path: &Path) -> PathBuf {
    path.with_file_name(format!(".{}.partly", path.file_name().unwrap_or_default().to_string_lossy()))
}

//! The digests that a hub names: SHA-256 of files in large file storage, Git's SHA-1 of the others.

use http::HeaderMap;
use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};

/// What a file's digest has to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    Sha256(String),
    /// Of a Git blob: of `blob LENGTH\0` and the bytes.
    Git(String),
}

impl Wanted {
    /// As the hub's headers have it: `X-Linked-Etag` of large files, else `ETag`. Both in quotes, the latter perhaps weak.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let header = headers.get("x-linked-etag").or_else(|| headers.get(http::header::ETAG))?.to_str().ok()?;
        let hex = header.trim().trim_start_matches("W/").trim_matches('"').to_ascii_lowercase();
        let is_hex = hex.bytes().all(|byte| byte.is_ascii_hexdigit());
        match hex.len() {
            64 if is_hex => Some(Self::Sha256(hex)),
            40 if is_hex => Some(Self::Git(hex)),
            _ => None,
        }
    }

    pub fn hex(&self) -> &str {
        match self {
            Self::Sha256(hex) | Self::Git(hex) => hex,
        }
    }

    /// Counts a file of so many bytes.
    pub fn begin(&self, bytes: u64) -> Context {
        match self {
            Self::Sha256(_) => Context::new(&SHA256),
            Self::Git(_) => {
                let mut context = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
                context.update(format!("blob {bytes}\0").as_bytes());
                context
            }
        }
    }
}

/// The digest in hex.
pub fn end(context: Context) -> String {
    context.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (http::HeaderName::from_static(name), http::HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn digests_are_those_of_git_and_of_large_files() {
        // `printf hello | git hash-object --stdin`, `printf hello | sha256sum`.
        let git = Wanted::of(&headers(&[("etag", "W/\"b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0\"")])).expect("a digest");
        let mut context = git.begin(5);
        context.update(b"hello");
        assert_eq!(end(context), git.hex());
        let sha = "\"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\"";
        let large = Wanted::of(&headers(&[("etag", "\"0123\""), ("x-linked-etag", sha)])).expect("a digest");
        let mut context = large.begin(5);
        context.update(b"hello");
        assert_eq!(end(context), large.hex());
        assert_eq!(Wanted::of(&headers(&[("etag", "\"5d41402abc4b2a76b9719d911017c592\"")])), None, "MD5");
        assert_eq!(Wanted::of(&HeaderMap::new()), None);
    }
}

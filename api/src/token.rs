//! The farm's token: who has it may do everything.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// Tokens shorter than this can be guessed.
const CHARACTERS_MIN: usize = 16;

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    #[error("use the token in {}: there is no such file; copy the one that the server keeps as `token` in its folder", .path.display())]
    NoFile { path: PathBuf },
    #[error("use the token in {}: {source}", .path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("make a token: {0}")]
    Random(getrandom::Error),
    #[error("use the token{}: it has {found} characters; {CHARACTERS_MIN} visible ones at least", .path.as_ref().map(|p| format!(" in {}", p.display())).unwrap_or_default())]
    Weak { path: Option<PathBuf>, found: usize },
}

/// Whether a token is one: long enough, and of visible characters.
pub fn check(token: &str, path: Option<&Path>) -> Result<(), TokenError> {
    if token.len() >= CHARACTERS_MIN && token.chars().all(|c| c.is_ascii_graphic()) {
        return Ok(());
    }
    Err(TokenError::Weak { path: path.map(Path::to_owned), found: token.chars().filter(char::is_ascii_graphic).count() })
}

/// The token in a file; made at random, for its owner's eyes only, if there is none and `make` is set.
pub fn token_in(path: &Path, make: bool) -> Result<String, TokenError> {
    let at = |source| TokenError::Io { path: path.into(), source };
    match fs::read_to_string(path) {
        Ok(text) => {
            let token = text.trim().to_owned();
            check(&token, Some(path))?;
            Ok(token)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound && make => {
            let mut random = [0; 32];
            getrandom::fill(&mut random).map_err(TokenError::Random)?;
            let token: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
            put(path, &token).map_err(at)?;
            // Of two servers that start at once, one makes it.
            token_in(path, false)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(TokenError::NoFile { path: path.into() }),
        Err(error) => Err(at(error)),
    }
}

/// Writes a token where there is none; the file appears whole.
fn put(path: &Path, token: &str) -> io::Result<()> {
    let temporary = path.with_extension(format!("{}.partly", std::process::id()));
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    let written = writeln!(file, "{token}").and_then(|()| file.sync_all()).and_then(|()| fs::hard_link(&temporary, path));
    fs::remove_file(&temporary)?;
    match written {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_token_is_made_once_and_is_its_owners() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        assert!(matches!(token_in(&path, false), Err(TokenError::NoFile { .. })));
        let token = token_in(&path, true).unwrap();
        assert_eq!(token.len(), 64);
        assert_eq!(token_in(&path, true).unwrap(), token);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(&path, "short\n").unwrap();
        assert!(matches!(token_in(&path, true), Err(TokenError::Weak { found: 5, .. })));
    }
}

//! The sampled instruments: a SoundFont 2 file with the General MIDI set.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Debian's fluid-soundfont-gm, then other places and smaller fonts.
const PLACES: [&str; 5] = [
    "/usr/share/sounds/sf2/FluidR3_GM.sf2",
    "/usr/share/soundfonts/FluidR3_GM.sf2",
    "/usr/share/sounds/sf2/default-GM.sf2",
    "/usr/share/soundfonts/default.sf2",
    "/usr/share/sounds/sf2/TimGM6mb.sf2",
];
/// Larger files are not read into memory.
const FONT_BYTES_MAX: u64 = 512 << 20;

/// Why there is no sound font. Music is then played on klieg's own plainer instruments.
#[derive(Debug, thiserror::Error)]
pub enum FontError {
    #[error("no sound font is installed; install one with `apt install fluid-soundfont-gm` or name one in KLIEG_SOUNDFONT")]
    Missing,
    #[error("the sound font {path} cannot be read: {why}")]
    Unreadable { path: PathBuf, why: String },
}

/// A sound font in memory (FluidR3 takes 145 MB).
#[derive(Debug)]
pub struct SoundFont {
    pub(crate) samples: Arc<rustysynth::SoundFont>,
    path: PathBuf,
}

impl SoundFont {
    /// Reads the SoundFont 2 file at `path`.
    pub fn open(path: &Path) -> Result<Self, FontError> {
        let unreadable = |why: String| FontError::Unreadable { path: path.to_owned(), why };
        let file = std::fs::File::open(path).map_err(|e| unreadable(e.to_string()))?;
        let bytes = file.metadata().map_err(|e| unreadable(e.to_string()))?.len();
        if bytes > FONT_BYTES_MAX {
            return Err(unreadable(format!("it has {bytes} bytes, more than the {FONT_BYTES_MAX} allowed")));
        }
        let font = rustysynth::SoundFont::new(&mut std::io::BufReader::new(file)).map_err(|e| unreadable(e.to_string()))?;
        Ok(Self { samples: Arc::new(font), path: path.to_owned() })
    }

    /// Where it was read from.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Where the sound font of this machine lies: KLIEG_SOUNDFONT, then the usual places.
pub fn font_path() -> Option<PathBuf> {
    match std::env::var_os("KLIEG_SOUNDFONT") {
        Some(named) => Some(PathBuf::from(named)).filter(|p| p.is_file()),
        None => PLACES.iter().map(PathBuf::from).find(|p| p.is_file()),
    }
}

/// This machine's sound font, read once for as long as somebody holds it; the last one to drop it frees it.
pub fn sound_font() -> Result<Arc<SoundFont>, FontError> {
    static HELD: Mutex<Weak<SoundFont>> = Mutex::new(Weak::new());
    let path = font_path().ok_or(FontError::Missing)?;
    let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(font) = held.upgrade().filter(|f| f.path == path) {
        return Ok(font);
    }
    let font = Arc::new(SoundFont::open(&path)?);
    *held = Arc::downgrade(&font);
    Ok(font)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_font_is_an_error() {
        assert!(SoundFont::open(Path::new("/no/such.sf2")).is_err());
        assert!(SoundFont::open(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml").as_path()).is_err());
    }
}

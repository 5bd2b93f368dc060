//! Bytes to text, with an error that names what is wrong with them.

use crate::{Fault, ScriptError, locate::position};

/// A file of this many bytes or more is not read: a feature film's script has about 200 kB.
pub const MAX_BYTES: usize = 50_000_000;

const BOM: &str = "\u{feff}";

/// The text of `bytes`, byte order mark included so that offsets stay those of the file.
pub(crate) fn decode<'a>(name: &str, bytes: &'a [u8]) -> Result<&'a str, ScriptError> {
    if bytes.len() >= MAX_BYTES {
        let message = format!(
            "{} bytes is too large for a screenplay; the limit is {} MB, so split it or remove what is not script",
            bytes.len(),
            MAX_BYTES / 1_000_000
        );
        return Err(ScriptError::whole(name, Fault::TooLarge, message));
    }
    if let Some(message) = foreign(bytes) {
        return Err(ScriptError::whole(name, Fault::Binary, message));
    }
    let text = std::str::from_utf8(bytes).map_err(|e| not_utf8(name, bytes, e.valid_up_to()))?;
    if text.strip_prefix(BOM).unwrap_or(text).trim().is_empty() {
        return Err(ScriptError::whole(
            name,
            Fault::Empty,
            "the file is empty; write a scene heading such as \"INT. KITCHEN - DAY\", a blank line, and what happens there",
        ));
    }
    Ok(text)
}

/// What to do with files that people mistake for screenplays, and with any other binary file.
fn foreign(bytes: &[u8]) -> Option<&'static str> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Some("the text is UTF-16; save it as UTF-8");
    }
    let binary = bytes.contains(&0) || control_share(&bytes[..bytes.len().min(8192)]) > 0.1;
    let known: [(&[u8], &'static str); 3] = [
        (
            b"%PDF-",
            "this is a PDF, not a screenplay's text; export it as Fountain (.fountain) or Final Draft (.fdx) from your writing program",
        ),
        (b"{\\rtf", "this is a rich text file; save it as plain text in UTF-8"),
        (
            b"PK\x03\x04",
            "this is a zip or office document; export it as Fountain (.fountain) or Final Draft (.fdx) from your writing program",
        ),
    ];
    known.iter().find(|(magic, _)| bytes.starts_with(magic)).map(|(_, message)| *message).or_else(|| {
        binary.then_some(
            "this is a binary file, not a screenplay; export it as Fountain (.fountain, plain text) or Final Draft (.fdx)",
        )
    })
}

/// The share of control characters that text never has.
fn control_share(bytes: &[u8]) -> f32 {
    let control = bytes.iter().filter(|b| **b < 0x20 && !matches!(**b, b'\t' | b'\n' | b'\r' | 0x0b | 0x0c | 0x1b)).count();
    control as f32 / bytes.len().max(1) as f32
}

fn not_utf8(name: &str, bytes: &[u8], at: usize) -> ScriptError {
    let before = std::str::from_utf8(&bytes[..at]).unwrap_or_default();
    let (line, column) = position(before, before.len());
    let message =
        format!("byte {at} (0x{:02X}) is not valid UTF-8; save the file as UTF-8", bytes.get(at).copied().unwrap_or_default());
    ScriptError { file: name.to_owned(), line, column, message, kind: Fault::NotUtf8 }
}

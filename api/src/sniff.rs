//! What bytes are, whatever somebody says they are.

use http::StatusCode;

use crate::problem::Trouble;

/// How much of a file is looked at.
pub const SNIFFED_BYTES: usize = 8 << 10;

/// What is known of no bytes in particular.
const ANYTHING: &str = "application/octet-stream";
const TEXT: &str = "text/plain; charset=utf-8";

/// The type of what begins with these bytes. `declared`: what somebody says that it is, which counts where the bytes say nothing, and is
/// refused where they say otherwise: a picture, sound, video or font has to be one, and of that type.
pub fn media_type(head: &[u8], declared: Option<&str>) -> Result<String, Trouble> {
    let found = infer::get(head).map(|found| found.mime_type());
    let declared = declared.map(|text| text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
    let declared = declared.filter(|declared| !declared.is_empty() && declared != ANYTHING);
    match (found, declared) {
        (found, Some(declared)) if contradicts(found, &declared) => {
            let found = found.unwrap_or("nothing that is known");
            let detail =
                format!("it is said to be {declared}, and its bytes are {found}; leave `media_type` out, or send what it says");
            Err(Trouble::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail).coded("another-type"))
        }
        // A declared text is told by nobody but who declares it.
        (None, Some(declared)) => Ok(declared),
        (Some(found), Some(declared)) if generic(found) => Ok(declared),
        (Some(found), _) => Ok(found.to_owned()),
        (None, None) => Ok(if is_text(head) { TEXT } else { ANYTHING }.to_owned()),
    }
}

/// Types whose bytes say what they are.
fn told(media: &str) -> Option<&str> {
    let kind = media.split('/').next().unwrap_or_default();
    (matches!(kind, "image" | "audio" | "video" | "font") && media != "image/svg+xml").then_some(kind)
}

/// What other formats are made of: a document may be an archive, a template may be XML.
fn generic(found: &str) -> bool {
    found.starts_with("text/") || matches!(found, "application/zip" | "application/xml" | "application/gzip" | "application/x-tar")
}

fn contradicts(found: Option<&str>, declared: &str) -> bool {
    let Some(found) = found else { return told(declared).is_some() };
    match (told(found), told(declared)) {
        (None, None) => false,
        // Containers hold either, and have many names.
        (Some("audio" | "video"), Some("audio" | "video")) => false,
        (Some("image"), Some("image")) => plain(found) != plain(declared),
        (Some(one), Some(other)) => one != other,
        (Some(_), None) | (None, Some(_)) => true,
    }
}

/// Of the names of a type the one without `x-`.
fn plain(media: &str) -> String {
    let media = media.replace("/x-", "/").replace("/vnd.", "/");
    if media == "image/jpg" { "image/jpeg".into() } else { media }
}

/// Whether it is UTF-8 without control characters, but for a character that is cut off at the end.
fn is_text(head: &[u8]) -> bool {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default(),
        Err(_) => return false,
    };
    !text.is_empty() && !text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\u{c}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    const WAV: &[u8] = b"RIFF\x24\0\0\0WAVEfmt ";
    const MP4: &[u8] = b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41";
    const ZIP: &[u8] = b"PK\x03\x04\x14\0\0\0\x08\0";

    fn of(head: &[u8], declared: &str) -> Option<String> {
        media_type(head, (!declared.is_empty()).then_some(declared)).ok()
    }

    #[test]
    fn bytes_say_what_they_are() {
        for (head, declared, wanted) in [
            (PNG, "", "image/png"),
            (PNG, "image/png; a=b", "image/png"),
            (PNG, "application/octet-stream", "image/png"),
            (WAV, "audio/wav", "audio/x-wav"),
            (MP4, "audio/mp4", "video/mp4"),
            (ZIP, "application/epub+zip", "application/epub+zip"),
            (ZIP, "", "application/zip"),
            (b"INT. KITCHEN - DAY\n", "", TEXT),
            ("Küche".as_bytes().split_last().unwrap().1, "", TEXT),
            (b"INT. KITCHEN - DAY\n", "text/x-fountain", "text/x-fountain"),
            (b"{}", "application/json", "application/json"),
            (b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>", "image/svg+xml", "image/svg+xml"),
            (b"\x01\x02\x03", "", ANYTHING),
            (b"\x01\x02\x03", "application/x-own", "application/x-own"),
            (b"", "", ANYTHING),
        ] {
            assert_eq!(of(head, declared).as_deref(), Some(wanted), "{declared} {}", String::from_utf8_lossy(head));
        }
    }

    #[test]
    fn what_they_contradict_is_refused() {
        for (head, declared) in [
            (PNG, "image/jpeg"),
            (PNG, "text/plain"),
            (PNG, "video/mp4"),
            (WAV, "image/png"),
            (ZIP, "image/png"),
            (&b"INT. KITCHEN"[..], "image/png"),
            (b"\x01\x02", "font/ttf"),
            (b"", "video/mp4"),
        ] {
            assert_eq!(of(head, declared), None, "{declared} {}", String::from_utf8_lossy(head));
        }
    }
}

//! Lists of PDQ hashes as ThreatExchange's tools write them: a hash a line, of 64 hexadecimal digits, alone or as a field of CSV
//! (`pdq-photo-hasher` writes `hash,quality,file`, exchanges write `hash,label` and others with a header).

use super::{Hash, hex};

/// Hashes of one list.
pub const LIST_HASHES_MAX: usize = 20_000_000;
/// The longest label, in characters.
const LABEL_CHARS_MAX: usize = 200;
/// The longest line, in bytes.
const LINE_BYTES_MAX: usize = 4_096;

/// A hash of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownHash {
    pub hash: Hash,
    /// What stands beside it, if anything does.
    pub label: String,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    #[error("read line {line}: no field of it is a hash of 64 hexadecimal digits")]
    NoHash { line: usize },
    #[error("read line {line}: it has more than {LINE_BYTES_MAX} bytes")]
    Long { line: usize },
    #[error("read the list: it has more than {LIST_HASHES_MAX} hashes")]
    Many,
    #[error("read line {line}: {what}")]
    Form { line: usize, what: &'static str },
}

/// The hash that 64 hexadecimal digits are.
pub(crate) fn parse(field: &str) -> Option<Hash> {
    let digits = field.as_bytes();
    if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let word = |i: usize| u64::from_str_radix(&field[i * 16..(i + 1) * 16], 16).ok();
    Some([word(0)?, word(1)?, word(2)?, word(3)?])
}

/// Reads a list. Empty lines and those that begin with `#` say nothing; a first line without hash is a header.
pub fn import(text: &str) -> Result<Vec<KnownHash>, ListError> {
    let mut known = Vec::new();
    let lines =
        text.lines().enumerate().map(|(at, line)| (at + 1, line.trim())).filter(|(_, l)| !l.is_empty() && !l.starts_with('#'));
    for (order, (line, content)) in lines.enumerate() {
        if content.len() > LINE_BYTES_MAX {
            return Err(ListError::Long { line });
        }
        let fields: Vec<&str> = content.split(',').map(|field| field.trim().trim_matches('"')).collect();
        let Some(at) = fields.iter().position(|field| parse(field).is_some()) else {
            if order == 0 {
                continue;
            }
            return Err(ListError::NoHash { line });
        };
        if known.len() == LIST_HASHES_MAX {
            return Err(ListError::Many);
        }
        let rest = fields.iter().enumerate().filter(|(i, field)| *i != at && !field.is_empty()).map(|(_, field)| *field);
        let label = rest.collect::<Vec<_>>().join(" ").chars().take(LABEL_CHARS_MAX).collect();
        known.extend(parse(fields[at]).map(|hash| KnownHash { hash, label }));
    }
    Ok(known)
}

/// Writes a list as CSV that `import` and ThreatExchange's tools read.
pub fn export(known: &[KnownHash]) -> String {
    let line = |known: &KnownHash| {
        let label = known.label.replace(['"', '\n', '\r', ','], " ");
        if label.is_empty() { format!("{}\n", hex(&known.hash)) } else { format!("{},\"{label}\"\n", hex(&known.hash)) }
    };
    known.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    // from the reference's own documentation: the bridge photograph
    const BRIDGE: &str = "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22";

    #[test]
    fn lists_of_either_form_are_read_and_written() {
        let text = format!("hash,label\n# ours\n{BRIDGE}\n\n{BRIDGE},100,bridge.jpg\n\"{}\",\"a bridge\"\n", BRIDGE.to_uppercase());
        let known = import(&text).unwrap();
        let labels: Vec<&str> = known.iter().map(|known| known.label.as_str()).collect();
        assert_eq!(labels, ["", "100 bridge.jpg", "a bridge"]);
        assert!(known.iter().all(|known| hex(&known.hash) == BRIDGE));
        assert_eq!(import(&export(&known)).unwrap(), known);
    }

    #[test]
    fn what_is_no_list_is_refused_with_its_line() {
        assert_eq!(import(&format!("{BRIDGE}\nno hash\n")), Err(ListError::NoHash { line: 2 }));
        assert_eq!(import(&format!("{BRIDGE}\n{}\n", &BRIDGE[1..])), Err(ListError::NoHash { line: 2 }));
        assert_eq!(import(&"x".repeat(5_000)), Err(ListError::Long { line: 1 }));
    }
}

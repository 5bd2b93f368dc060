//! The texts and pictures of a job, each with its place.

use crate::params::Texts;
use klieg_film_script::ElementKind;
use klieg_kind::BadInput;

/// Texts and pictures of one job.
pub const ROWS_MAX: usize = 1_000_000;
/// Bytes of an input file.
pub(crate) const FILE_BYTES_MAX: usize = 256 << 20;
/// Characters of one text.
const TEXT_CHARS_MAX: usize = 1_000_000;

/// A text with its place in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub text: String,
    /// Of a scene its heading, of a JSON line its `id` if it has one, of a picture its name.
    pub name: String,
    /// 1-based.
    pub line: u32,
}

/// What is made into vectors.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    Texts(Vec<Item>),
    /// The bytes of one picture.
    Picture,
}

/// An error at a place; line 0: the whole file.
pub(crate) fn bad(file: &str, line: usize, column: usize, message: impl Into<String>) -> BadInput {
    let at = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    BadInput { file: file.into(), line: at(line), column: at(column), message: message.into() }
}

/// Whether bytes begin as a picture that can be read.
pub(crate) fn is_picture(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x89PNG\r\n\x1a\n") || bytes.starts_with(b"\xff\xd8\xff")
}

impl Source {
    /// Reads one input file. `texts`: what it holds, if that was said.
    pub fn read(file: &str, bytes: &[u8], texts: Option<Texts>, field: &str) -> Result<Self, BadInput> {
        if bytes.len() > FILE_BYTES_MAX {
            return Err(bad(
                file,
                0,
                0,
                format!("the file has {} bytes, of at most {FILE_BYTES_MAX}: cut it into several jobs", bytes.len()),
            ));
        }
        if is_picture(bytes) {
            return Ok(Self::Picture);
        }
        let texts = texts.unwrap_or_else(|| by_extension(file));
        let items = match texts {
            Texts::Scenes => scenes(file, bytes)?,
            Texts::Lines => lines(file, decode(file, bytes)?)?,
            Texts::Jsonl => json_lines(file, decode(file, bytes)?, field)?,
        };
        if items.is_empty() {
            return Err(bad(file, 0, 0, "the file has no text: write a text a line"));
        }
        if items.len() > ROWS_MAX {
            return Err(bad(
                file,
                items[ROWS_MAX].line as usize,
                1,
                format!("a job has at most {ROWS_MAX} texts: cut it into several"),
            ));
        }
        Ok(Self::Texts(items))
    }
}

fn by_extension(file: &str) -> Texts {
    match file.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase()).as_deref() {
        Some("jsonl" | "ndjson") => Texts::Jsonl,
        Some("fountain" | "fdx") => Texts::Scenes,
        _ => Texts::Lines,
    }
}

/// UTF-8, with or without a byte order mark; what is not is named with its place.
fn decode<'a>(file: &str, bytes: &'a [u8]) -> Result<&'a str, BadInput> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| {
        let good = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
        let line = good.matches('\n').count() + 1;
        let column = good.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        bad(file, line, column, "the text is not UTF-8 from here on: convert the file, with iconv for one")
    })
}

/// A text, if there is something in it and not too much.
fn checked(file: &str, line: usize, column: usize, text: &str) -> Result<(), BadInput> {
    if text.trim().is_empty() {
        return Err(bad(file, line, column, "the text is empty: remove the line, or give it words"));
    }
    let chars = text.chars().count();
    if chars > TEXT_CHARS_MAX {
        return Err(bad(
            file,
            line,
            column,
            format!("the text has {chars} characters, of at most {TEXT_CHARS_MAX}: cut it into several"),
        ));
    }
    Ok(())
}

fn lines(file: &str, text: &str) -> Result<Vec<Item>, BadInput> {
    let item = |(i, text): (usize, &str)| {
        checked(file, i + 1, 1, text)?;
        Ok(Item { text: text.into(), name: String::new(), line: i as u32 + 1 })
    };
    text.lines().enumerate().map(item).collect()
}

fn json_lines(file: &str, text: &str, field: &str) -> Result<Vec<Item>, BadInput> {
    let item = |(i, line): (usize, &str)| {
        let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line)
            .map_err(|error| bad(file, i + 1, error.column().max(1), format!("the line is no JSON object: {error}")))?;
        let text = match object.get(field) {
            Some(serde_json::Value::String(text)) => text.clone(),
            Some(other) => return Err(bad(file, i + 1, 1, format!("the field {field:?} is {other}, not a text"))),
            None => {
                let there: Vec<&String> = object.keys().collect();
                return Err(bad(
                    file,
                    i + 1,
                    1,
                    format!("there is no field {field:?}, but {there:?}: name one with --set field=NAME"),
                ));
            }
        };
        checked(file, i + 1, 1, &text)?;
        let name = match object.get("id") {
            Some(serde_json::Value::String(id)) => id.clone(),
            Some(serde_json::Value::Number(id)) => id.to_string(),
            _ => String::new(),
        };
        Ok(Item { text, name, line: i as u32 + 1 })
    };
    text.lines().enumerate().map(item).collect()
}

/// Each scene from its heading to the next: what is seen and said, without notes and what was struck.
fn scenes(file: &str, bytes: &[u8]) -> Result<Vec<Item>, BadInput> {
    let place = |error: klieg_film_script::ScriptError| bad(&error.file, error.line as usize, error.column as usize, error.message);
    let script = klieg_film_script::parse(file, bytes).map_err(place)?;
    klieg_film_script::require_scenes(file, &script).map_err(place)?;
    let mut items: Vec<Item> = Vec::new();
    for element in &script.elements {
        let text = klieg_film_script::plain(&element.text);
        match element.kind {
            ElementKind::SceneHeading => items.push(Item { text: text.clone(), name: text, line: element.span.line }),
            ElementKind::Note | ElementKind::Boneyard | ElementKind::PageBreak | ElementKind::Section | ElementKind::Synopsis => {}
            _ => {
                // What stands before the first heading is the title page's.
                if let Some(scene) = items.last_mut() {
                    scene.text.push('\n');
                    scene.text.push_str(&text);
                }
            }
        }
    }
    Ok(items)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(file: &str, bytes: &[u8]) -> Result<Vec<Item>, BadInput> {
        match Source::read(file, bytes, None, "text")? {
            Source::Texts(items) => Ok(items),
            Source::Picture => Ok(Vec::new()),
        }
    }

    fn refused(file: &str, bytes: &[u8]) -> BadInput {
        read(file, bytes).expect_err("it is refused")
    }

    #[test]
    fn a_text_a_line() -> Result<(), BadInput> {
        let items = read("a.txt", "\u{feff}first\r\nsécond\n".as_bytes())?;
        assert_eq!(items.iter().map(|item| (item.line, item.text.as_str())).collect::<Vec<_>>(), [(1, "first"), (2, "sécond")]);
        Ok(())
    }

    #[test]
    fn a_text_a_json_line() -> Result<(), BadInput> {
        let items = read("a.jsonl", br#"{"id": 7, "text": "one"}"#)?;
        assert_eq!(items, [Item { text: "one".into(), name: "7".into(), line: 1 }]);
        Ok(())
    }

    #[test]
    fn a_screenplay_is_its_scenes() -> Result<(), BadInput> {
        let script =
            b"Title: T\n\nINT. KITCHEN - DAY\n\nTea *boils*.\n\nANNA\nHello.\n\n[[a note]]\n\nEXT. BRIDGE - NIGHT\n\nRain.\n";
        let items = read("a.fountain", script)?;
        assert_eq!(items.iter().map(|item| item.name.as_str()).collect::<Vec<_>>(), ["INT. KITCHEN - DAY", "EXT. BRIDGE - NIGHT"]);
        assert_eq!(items[0].text, "INT. KITCHEN - DAY\nTea boils.\nANNA\nHello.");
        assert_eq!((items[0].line, items[1].line), (3, 12));
        Ok(())
    }

    #[test]
    fn what_is_wrong_has_a_place() {
        let at = |bad: &BadInput| (bad.line, bad.column);
        assert_eq!(at(&refused("a.txt", b"fine\nal\xffso")), (2, 3));
        assert_eq!(at(&refused("a.txt", b"fine\n\nmore")), (2, 1));
        let unknown = refused("a.jsonl", b"{\"text\": \"a\"}\n{\"body\": \"b\"}");
        assert!(at(&unknown) == (2, 1) && unknown.message.contains("body"), "{unknown}");
        assert_eq!(refused("a.jsonl", b"{\"text\": 5}").line, 1);
        assert_eq!(refused("a.jsonl", b"{\"text\": \"a\"}\n{\"text\"").line, 2);
        assert_eq!(refused("a.txt", b"").line, 0);
        assert!(refused("a.fountain", b"Only a line.").message.contains("scene heading"));
        assert!(refused("a.txt", "x".repeat(TEXT_CHARS_MAX + 1).as_bytes()).message.contains("characters"));
    }
}

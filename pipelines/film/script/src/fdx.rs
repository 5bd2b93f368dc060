//! Final Draft's XML (FDX): `<FinalDraft><Content><Paragraph Type="…"><Text>…`. The format has no public specification; this
//! follows what Final Draft 8 to 13 and the programs that export it write.

mod paragraph;
mod title;

use crate::{Fault, Script, ScriptError, locate::locate, locate::position};
use paragraph::Paragraph;
use quick_xml::{
    Reader, XmlVersion,
    events::{BytesRef, BytesStart, Event},
};

/// Elements inside elements, at most: Final Draft's own files stay below 12.
const MAX_DEPTH: usize = 64;

/// Whether the file is XML: by its first characters, or by its extension.
pub(crate) fn is_fdx(name: &str, text: &str) -> bool {
    let start = text.trim_start_matches('\u{feff}').trim_start();
    start.starts_with("<?xml") || start.starts_with("<FinalDraft") || name.to_lowercase().ends_with(".fdx")
}

/// Parses FDX. Entities other than XML's own five are refused, and nothing is ever fetched.
pub(crate) fn parse(name: &str, text: &str) -> Result<Script, ScriptError> {
    let skipped = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut reader = Reader::from_str(&text[skipped..]);
    let mut document = Document::default();
    loop {
        let start = skipped + reader.buffer_position() as usize;
        let event =
            reader.read_event().map_err(|e| malformed(name, text, skipped + reader.error_position() as usize, &e.to_string()))?;
        let end = skipped + reader.buffer_position() as usize;
        if matches!(event, Event::Eof) {
            document.at_end().map_err(|e| malformed(name, text, text.len(), &e))?;
            break;
        }
        document.take(&event, start, end).map_err(|e| malformed(name, text, start, &e))?;
    }
    let mut elements = document.elements;
    elements.sort_by_key(|e| e.span.start);
    locate(text, &mut elements);
    Ok(Script { title_page: title::title_page(&document.title_lines), elements })
}

fn malformed(name: &str, text: &str, offset: usize, what: &str) -> ScriptError {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    let (line, column) = position(text, offset);
    let message = format!("malformed Final Draft XML: {what}; export the script again as .fdx, or as Fountain");
    ScriptError { file: name.to_owned(), line, column, message, kind: Fault::MalformedXml }
}

/// What has been read so far.
#[derive(Default)]
struct Document {
    /// Names of the open elements.
    open: Vec<String>,
    seen_root: bool,
    /// Paragraphs that are open: a note, a summary or both sides of a dual dialogue stand inside another paragraph.
    paragraphs: Vec<Paragraph>,
    /// Speakers so far in the open dual dialogue.
    dual_speakers: usize,
    elements: Vec<crate::Element>,
    title_lines: Vec<String>,
}

impl Document {
    fn take(&mut self, event: &Event<'_>, start: usize, end: usize) -> Result<(), String> {
        match event {
            Event::Start(tag) => self.open(tag, start),
            Event::Empty(tag) => {
                self.open(tag, start)?;
                self.close(end);
                Ok(())
            }
            Event::End(_) => {
                self.close(end);
                Ok(())
            }
            Event::Text(text) => {
                self.say(&text.xml10_content());
                Ok(())
            }
            Event::CData(text) => {
                self.say(&text.xml10_content());
                Ok(())
            }
            Event::GeneralRef(reference) => {
                self.say(&resolve(reference)?);
                Ok(())
            }
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) | Event::Eof => Ok(()),
        }
    }

    fn open(&mut self, tag: &BytesStart<'_>, start: usize) -> Result<(), String> {
        let name = tag.name().as_ref().to_owned();
        if self.open.is_empty() && (name != "FinalDraft" || self.seen_root) {
            return Err(format!("the document's element is <{name}>, not <FinalDraft>"));
        }
        if self.open.len() == MAX_DEPTH {
            return Err(format!("elements stand more than {MAX_DEPTH} deep"));
        }
        self.seen_root = true;
        let mut paragraph = Paragraph::starting_at(start);
        for attribute in tag.attributes() {
            let attribute = attribute.map_err(|e| e.to_string())?;
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|e| e.to_string())?;
            paragraph.attribute(attribute.key.as_ref(), &value);
        }
        if name == "DualDialogue" {
            self.dual_speakers = 0;
        }
        if name == "Paragraph" && (self.is_in("Content") || self.is_in("TitlePage")) {
            paragraph.place(&self.open);
            self.paragraphs.push(paragraph);
        }
        self.open.push(name);
        Ok(())
    }

    /// The section of the file that is being read.
    fn is_in(&self, section: &str) -> bool {
        self.open.get(1).is_some_and(|name| name == section)
    }

    fn close(&mut self, end: usize) {
        if self.open.pop().is_none_or(|name| name != "Paragraph") {
            return;
        }
        let Some(mut paragraph) = self.paragraphs.pop() else { return };
        paragraph.end = end;
        if self.is_in("TitlePage") {
            self.title_lines.push(paragraph.text);
            return;
        }
        if paragraph.is_speaker() && self.open.iter().any(|name| name == "DualDialogue") {
            self.dual_speakers += 1;
            paragraph.dual = self.dual_speakers > 1;
        }
        self.elements.extend(paragraph.elements());
    }

    fn say(&mut self, text: &str) {
        if self.open.last().is_some_and(|name| name == "Text")
            && let Some(paragraph) = self.paragraphs.last_mut()
        {
            paragraph.text.push_str(text);
        }
    }

    fn at_end(&self) -> Result<(), String> {
        match self.open.last() {
            Some(name) => Err(format!("the file ends inside <{name}>")),
            None if !self.seen_root => Err("there is no <FinalDraft> element".to_owned()),
            None => Ok(()),
        }
    }
}

/// A character reference, or one of the five entities that XML knows.
fn resolve(reference: &BytesRef<'_>) -> Result<String, String> {
    if let Some(c) = reference.resolve_char_ref().map_err(|e| e.to_string())? {
        return Ok(c.to_string());
    }
    let name: &str = reference;
    quick_xml::escape::resolve_predefined_entity(name).map(str::to_owned).ok_or_else(|| format!("unknown entity &{name};"))
}

#[cfg(test)]
mod tests;

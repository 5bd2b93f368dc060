//! Notes `[[ ]]` and boneyards `/* */`: what is written into a screenplay and not printed.

/// A note or a boneyard, by the byte offsets of its markers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Omission {
    pub(crate) boneyard: bool,
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// A boneyard inside a note: it is left out of the note and is no element of its own.
    pub(crate) nested: bool,
}

impl Omission {
    /// What stands between the markers, lines joined by `\n`, boneyards inside a note left out.
    pub(crate) fn inner(&self, text: &str) -> String {
        let raw = &text[self.start + 2..self.end - 2];
        let mut inner = String::with_capacity(raw.len());
        let mut rest = raw;
        while !self.boneyard
            && let Some((before, after)) = rest.split_once("/*").filter(|(_, after)| after.contains("*/"))
        {
            inner.push_str(before);
            rest = after.split_once("*/").map_or("", |(_, after)| after);
        }
        inner.push_str(rest);
        let inner = inner.replace("\r\n", "\n").replace('\r', "\n");
        let lines: Vec<&str> = inner.trim().split('\n').map(|l| if l.trim().is_empty() { "" } else { l.trim_end() }).collect();
        lines.join("\n")
    }
}

/// All notes and boneyards, ordered by start. One walk over the text: a marker that is never closed is text.
pub(crate) fn omissions(text: &str) -> Vec<Omission> {
    let bytes = text.as_bytes();
    let last_closer = text.rfind("*/");
    let mut found: Vec<Omission> = Vec::new();
    // The note that is open: where it starts, and how many omissions were known before it.
    let mut note: Option<(usize, usize)> = None;
    let mut line = LineShape::default();
    let mut at = 0;
    while at < bytes.len() {
        let pair = (bytes[at], bytes.get(at + 1).copied().unwrap_or(0));
        match pair {
            (b'/', b'*') if last_closer.is_some_and(|last| last >= at + 2) => {
                let end = text[at + 2..].find("*/").map_or(text.len(), |i| at + 2 + i + 2);
                found.push(Omission { boneyard: true, start: at, end, nested: false });
                line.text = true;
                at = end;
            }
            (b'[', b'[') if note.is_none() => {
                note = Some((at, found.len()));
                line.text = true;
                at += 2;
            }
            (b']', b']') if note.is_some() => {
                let mut end = at + 2;
                while bytes.get(end) == Some(&b']') {
                    end += 1;
                }
                if let Some((start, known)) = note.take() {
                    found[known..].iter_mut().for_each(|o| o.nested = true);
                    found.insert(known, Omission { boneyard: false, start, end, nested: false });
                }
                line.text = true;
                at = end;
            }
            (b'\n' | b'\r', next) => {
                if line.is_blank() {
                    note = None;
                }
                line = LineShape::default();
                at += if pair.0 == b'\r' && next == b'\n' { 2 } else { 1 };
            }
            (byte, _) => {
                line.see(byte);
                at += 1;
            }
        }
    }
    found
}

/// Whether a line is blank, and whether it is the two spaces that connect what a blank line would end.
#[derive(Default)]
struct LineShape {
    text: bool,
    spaces: usize,
    other_blanks: bool,
}

impl LineShape {
    fn see(&mut self, byte: u8) {
        match byte {
            b' ' => self.spaces += 1,
            b'\t' | 0x0b | 0x0c => self.other_blanks = true,
            _ => self.text = true,
        }
    }
    fn is_blank(&self) -> bool {
        !self.text && (self.other_blanks || self.spaces != 2)
    }
}

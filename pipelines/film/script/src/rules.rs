//! What a single line looks like, by the rules of Fountain. Shared by the parsers and the printer.

/// `INT`, `EXT`, `EST`, `INT./EXT`, `INT/EXT`, `EXT/INT`, `I/E`, … in any case, followed by a period or white space.
pub(crate) fn is_heading(line: &str) -> bool {
    const PREFIXES: [&str; 9] = ["INT./EXT", "EXT./INT", "INT/EXT", "EXT/INT", "I./E", "I/E", "INT", "EXT", "EST"];
    let line = line.trim();
    PREFIXES.iter().any(|prefix| {
        line.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
            && line[prefix.len()..].starts_with(|c: char| c == '.' || c.is_whitespace())
    })
}

/// A single period followed by a letter or digit: `.FORCED HEADING`, but no ellipsis.
pub(crate) fn forced_heading(line: &str) -> Option<&str> {
    line.trim().strip_prefix('.').filter(|rest| rest.starts_with(char::is_alphanumeric))
}

/// Splits `INT. HOUSE #110A#` into the heading and its number.
pub(crate) fn split_scene_number(heading: &str) -> (&str, Option<&str>) {
    let heading = heading.trim();
    let found = heading.strip_suffix('#').and_then(|rest| {
        let (text, number) = rest.rsplit_once('#')?;
        let number = number.trim();
        let fits = number.contains(char::is_alphanumeric) && !number.contains(char::is_whitespace) && !text.trim().is_empty();
        fits.then_some((text.trim_end(), Some(number)))
    });
    found.unwrap_or((heading, None))
}

/// Upper case, ends in `TO:` with nothing behind it, and no marker makes it something else.
pub(crate) fn is_transition(line: &str) -> bool {
    line.ends_with("TO:") && !line.contains(char::is_lowercase) && !line.trim_start().starts_with(['!', '@'])
}

/// Three or more equals signs and nothing else.
pub(crate) fn is_page_break(line: &str) -> bool {
    let line = line.trim();
    line.len() >= 3 && line.bytes().all(|b| b == b'=')
}

/// `# Act`, `## Sequence`: depth 1–6 (further signs count as 6) and the title.
pub(crate) fn section(line: &str) -> Option<(u8, &str)> {
    let line = line.trim();
    let title = line.trim_start_matches('#');
    let depth = line.len() - title.len();
    (depth > 0 && !title.trim().is_empty()).then(|| (depth.min(6) as u8, title.trim()))
}

/// `= What happens`: one equals sign.
pub(crate) fn synopsis(line: &str) -> Option<&str> {
    line.trim().strip_prefix('=').filter(|rest| !rest.starts_with('=')).map(str::trim).filter(|rest| !rest.is_empty())
}

/// `> THE END <`.
pub(crate) fn centered(line: &str) -> Option<&str> {
    line.trim().strip_prefix('>').and_then(|rest| rest.strip_suffix('<')).map(str::trim).filter(|rest| !rest.is_empty())
}

/// `> FADE TO BLACK.`
pub(crate) fn forced_transition(line: &str) -> Option<&str> {
    let rest = line.trim().strip_prefix('>')?.trim();
    (!rest.is_empty() && !rest.ends_with('<')).then_some(rest)
}

/// `~A line that is sung`.
pub(crate) fn lyrics(line: &str) -> Option<&str> {
    line.trim().strip_prefix('~').map(str::trim).filter(|rest| !rest.is_empty())
}

/// Anything that a marker makes an element of one line, wherever it stands.
pub(crate) fn is_one_liner(line: &str) -> bool {
    is_page_break(line)
        || section(line).is_some()
        || synopsis(line).is_some()
        || centered(line).is_some()
        || forced_transition(line).is_some()
        || lyrics(line).is_some()
}

/// `(beat)`: one group of parentheses, from the first character to the last. Full-width ones count.
pub(crate) fn parenthetical(line: &str) -> Option<&str> {
    let line = line.trim();
    let inner = line.strip_prefix(['(', '（'])?.strip_suffix([')', '）'])?;
    let mut depth = 0usize;
    for c in inner.chars() {
        match c {
            '(' | '（' => depth += 1,
            ')' | '）' if depth == 0 => return None,
            ')' | '）' => depth -= 1,
            _ => {}
        }
    }
    Some(inner.trim()).filter(|inner| !inner.is_empty())
}

/// Upper case with at least one letter that has a case.
pub(crate) fn is_name(text: &str) -> bool {
    text.contains(char::is_uppercase) && !text.contains(char::is_lowercase)
}

/// A character's line without its `@`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Cue<'a> {
    pub(crate) name: &'a str,
    /// Several are joined by `, `.
    pub(crate) extension: Option<String>,
    /// A caret stands at the end.
    pub(crate) dual: bool,
}

/// Splits `BRICK (V.O.) (CONT'D) ^`.
pub(crate) fn cue(line: &str) -> Cue<'_> {
    let line = line.trim();
    let rest = line.trim_end_matches(|c: char| c == '^' || c.is_whitespace());
    let dual = rest.len() < line.len();
    match split_extension(rest) {
        Some((name, extension)) => Cue { name, extension: Some(extension), dual },
        None => Cue { name: rest, extension: None, dual },
    }
}

/// Name and extensions, when nothing but groups of parentheses follows the name.
fn split_extension(line: &str) -> Option<(&str, String)> {
    let open = line.find(['(', '（'])?;
    let name = line[..open].trim();
    let mut groups: Vec<&str> = Vec::new();
    let (mut depth, mut start) = (0usize, open);
    for (i, c) in line[open..].char_indices().map(|(i, c)| (i + open, c)) {
        match c {
            '(' | '（' => {
                depth += 1;
                if depth == 1 {
                    start = i + c.len_utf8();
                }
            }
            ')' | '）' if depth == 0 => return None,
            ')' | '）' => {
                depth -= 1;
                if depth == 0 {
                    groups.push(line[start..i].trim());
                }
            }
            _ if depth == 0 && !c.is_whitespace() => return None,
            _ => {}
        }
    }
    groups.retain(|g| !g.is_empty());
    (depth == 0 && !name.is_empty() && !groups.is_empty()).then(|| (name, groups.join(", ")))
}

//! The title page: `Key: value` lines before the first blank line.

use super::line::Line;
use crate::rules;
use std::collections::BTreeMap;

type TitlePage = Vec<(String, Vec<String>)>;

/// The title page and the index of the first line of the body. Without a title page the body begins at line 0.
pub(crate) fn title_page(lines: &[Line<'_>]) -> (TitlePage, usize) {
    let mut page: TitlePage = Vec::new();
    let first = lines.iter().position(|l| !l.is_empty()).unwrap_or(0);
    let mut at = first;
    let mut entry = None;
    let mut places = BTreeMap::new();
    while let Some(line) = lines.get(at).filter(|l| !l.is_blank()) {
        at += 1;
        if line.is_only_omitted() {
            continue;
        }
        let indented = line.text.starts_with(char::is_whitespace);
        if let Some(entry) = entry.filter(|_| indented) {
            values(&mut page, entry).extend([line.text.trim().to_owned()]);
        } else if let Some((key, value)) = key_value(&line.text).filter(|_| !indented) {
            // a repeated key, whatever its case, adds to the values of the first
            let place = *places.entry(key.to_lowercase()).or_insert_with(|| {
                page.push((key.to_owned(), Vec::new()));
                page.len() - 1
            });
            entry = Some(place);
            values(&mut page, place).extend((!value.is_empty()).then(|| value.to_owned()));
        } else {
            at -= 1;
            break;
        }
    }
    let says_something = page.iter().any(|(key, values)| !values.is_empty() || is_known(key));
    if says_something { (page, at) } else { (Vec::new(), 0) }
}

fn values(page: &mut TitlePage, at: usize) -> &mut Vec<String> {
    &mut page[at].1
}

/// `Draft date: 1/27/2012`. A key begins with a letter, so forced elements are none; headings and transitions are none either.
fn key_value(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once(':')?;
    let key = key.trim();
    let fits = key.starts_with(char::is_alphabetic) && !rules::is_heading(line) && !rules::is_transition(line.trim_end());
    fits.then_some((key, value.trim()))
}

/// At the start of a file this line would begin a title page.
pub(crate) fn is_title_line(line: &str) -> bool {
    !line.starts_with(char::is_whitespace) && key_value(line).is_some()
}

/// Keys of the specification and those that writing programs add: they make a title page even when left empty.
fn is_known(key: &str) -> bool {
    const KNOWN: [&str; 11] =
        ["title", "credit", "author", "authors", "source", "draft date", "date", "contact", "copyright", "notes", "revision"];
    KNOWN.contains(&key.to_lowercase().as_str())
}

//! Final Draft's title page has no keys, only lines: the usual layout tells what they are.

/// Title, credit, author, source, draft date, and everything else as contact.
pub(super) fn title_page(lines: &[String]) -> Vec<(String, Vec<String>)> {
    let lines: Vec<&str> = lines.iter().flat_map(|l| l.lines()).map(str::trim).filter(|l| !l.is_empty()).collect();
    let mut page: Vec<(String, Vec<String>)> = Vec::new();
    let mut after_credit = false;
    for (i, line) in lines.iter().enumerate() {
        let key = if i == 0 {
            "Title"
        } else if is_credit(line) {
            "Credit"
        } else if after_credit {
            "Author"
        } else if starts_with(line, "based on") || starts_with(line, "from ") {
            "Source"
        } else if line.to_lowercase().contains("draft") {
            "Draft date"
        } else {
            "Contact"
        };
        after_credit = key == "Credit";
        match page.iter_mut().find(|(k, _)| k == key) {
            Some((_, values)) => values.push((*line).to_owned()),
            None => page.push((key.to_owned(), vec![(*line).to_owned()])),
        }
    }
    page
}

fn is_credit(line: &str) -> bool {
    let line = line.to_lowercase();
    line == "by" || line.ends_with(" by") && !line.starts_with("based on")
}

fn starts_with(line: &str, words: &str) -> bool {
    line.get(..words.len()).is_some_and(|start| start.eq_ignore_ascii_case(words))
}

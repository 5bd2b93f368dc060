//! Emphasis inside a text: `*italic*`, `**bold**`, `***both***`, `_underline_`, with `\` before a marker that is meant literally.
//! As in Markdown the spaces around a marker decide: it opens before a character and closes behind one. Emphasis ends with the line.

/// A stretch of text in one style.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    pub text: String,
    pub bold: bool,
    pub italic: bool,
    pub underline: bool,
}

/// The text without its markers.
pub fn plain(text: &str) -> String {
    emphasis(text).into_iter().map(|run| run.text).collect()
}

/// The text in runs of one style each; none is empty, neighbours differ. Linear in the text.
pub fn emphasis(text: &str) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for (i, line) in text.split('\n').enumerate() {
        if i > 0 {
            append(&mut runs, "\n", Style::default());
        }
        style_line(line, &mut runs);
    }
    runs
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Style {
    bold: bool,
    italic: bool,
    underline: bool,
}

/// One run of marker characters, or a stretch of text.
#[derive(Debug)]
struct Token<'a> {
    text: &'a str,
    marker: bool,
    can_open: bool,
    can_close: bool,
    /// Marker characters that take part in emphasis; the others are text.
    used: usize,
    toggles: Style,
}

fn style_line(line: &str, runs: &mut Vec<Run>) {
    let mut tokens = tokens(line);
    pair(&mut tokens);
    let mut style = Style::default();
    for token in &tokens {
        if !token.marker {
            append(runs, token.text, style);
            continue;
        }
        let opens = (token.toggles.bold && !style.bold)
            || (token.toggles.italic && !style.italic)
            || (token.toggles.underline && !style.underline);
        let literal = &token.text[token.used..];
        if opens {
            append(runs, literal, style);
        }
        style.bold ^= token.toggles.bold;
        style.italic ^= token.toggles.italic;
        style.underline ^= token.toggles.underline;
        if !opens {
            append(runs, literal, style);
        }
    }
}

fn append(runs: &mut Vec<Run>, text: &str, style: Style) {
    if text.is_empty() {
        return;
    }
    match runs.last_mut() {
        Some(last) if (Style { bold: last.bold, italic: last.italic, underline: last.underline }) == style => {
            last.text.push_str(text)
        }
        _ => runs.push(Run { text: text.to_owned(), bold: style.bold, italic: style.italic, underline: style.underline }),
    }
}

fn tokens(line: &str) -> Vec<Token<'_>> {
    let mut out = Vec::new();
    let bytes = line.as_bytes();
    let text = |text| Token { text, marker: false, can_open: false, can_close: false, used: 0, toggles: Style::default() };
    let (mut start, mut at) = (0, 0);
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if matches!(bytes.get(at + 1), Some(b'*' | b'_')) => {
                out.push(text(&line[start..at]));
                start = at + 1;
                at += 2;
            }
            marker @ (b'*' | b'_') => {
                out.push(text(&line[start..at]));
                let end = at + bytes[at..].iter().take_while(|b| **b == marker).count();
                out.push(marker_token(line, at, end));
                (start, at) = (end, end);
            }
            _ => at += 1,
        }
    }
    out.push(text(&line[start..]));
    out
}

fn marker_token(line: &str, start: usize, end: usize) -> Token<'_> {
    let before = line[..start].chars().next_back();
    let after = line[end..].chars().next();
    let underscore = line.as_bytes()[start] == b'_';
    let solid = |c: Option<char>| c.is_some_and(|c| !c.is_whitespace());
    // snake_case names are not underlined
    let in_word = underscore && before.is_some_and(char::is_alphanumeric) && after.is_some_and(char::is_alphanumeric);
    let fits = end - start <= if underscore { 1 } else { 3 } && !in_word;
    Token {
        text: &line[start..end],
        marker: true,
        can_open: fits && solid(after),
        can_close: fits && solid(before),
        used: 0,
        toggles: Style::default(),
    }
}

/// The markers that are open, by their token.
#[derive(Default)]
struct Open {
    bold: Option<usize>,
    italic: Option<usize>,
    underline: Option<usize>,
}

fn pair(tokens: &mut [Token<'_>]) {
    let mut open = Open::default();
    for i in 0..tokens.len() {
        if !tokens[i].marker {
            continue;
        }
        if tokens[i].text.starts_with('_') {
            underline(tokens, i, &mut open);
        } else {
            stars(tokens, i, &mut open);
        }
    }
}

fn underline(tokens: &mut [Token<'_>], i: usize, open: &mut Open) {
    if let Some(opener) = open.underline.filter(|_| tokens[i].can_close) {
        for at in [opener, i] {
            tokens[at].toggles.underline = true;
            tokens[at].used += 1;
        }
        open.underline = None;
    } else if tokens[i].can_open {
        open.underline = Some(i);
    }
}

fn stars(tokens: &mut [Token<'_>], i: usize, open: &mut Open) {
    let mut left = tokens[i].text.len();
    if tokens[i].can_close {
        if let Some(opener) = open.bold.filter(|_| left >= 2) {
            for at in [opener, i] {
                tokens[at].toggles.bold = true;
                tokens[at].used += 2;
            }
            open.bold = None;
            left -= 2;
        }
        if let Some(opener) = open.italic.filter(|_| left == 1 || left == 3) {
            for at in [opener, i] {
                tokens[at].toggles.italic = true;
                tokens[at].used += 1;
            }
            open.italic = None;
            left -= 1;
        }
    }
    if tokens[i].can_open && left == tokens[i].text.len() {
        if left >= 2 {
            open.bold = Some(i);
        }
        if left != 2 {
            open.italic = Some(i);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{emphasis, plain};

    /// `b`, `i`, `u` before each run's text.
    fn shape(text: &str) -> String {
        let run = |r: &super::Run| {
            let style: String = [(r.bold, 'b'), (r.italic, 'i'), (r.underline, 'u')].iter().filter(|s| s.0).map(|s| s.1).collect();
            format!("{style}<{}>", r.text)
        };
        emphasis(text).iter().map(run).collect()
    }

    #[test]
    fn table() {
        let table = [
            ("plain", "<plain>"),
            ("*italic*", "i<italic>"),
            ("**bold**", "b<bold>"),
            ("***both***", "bi<both>"),
            ("_under_", "u<under>"),
            ("_***all***_", "biu<all>"),
            ("a *b* c", "<a >i<b>< c>"),
            ("_Steel's face FILLS the *Leupold Mark 4* scope_.", "u<Steel's face FILLS the >iu<Leupold Mark 4>u< scope><.>"),
            ("He dialed *69 and then *23, and hung up.", "<He dialed *69 and then *23, and hung up.>"),
            ("He dialed *69 and then 23*, and hung up.", "<He dialed >i<69 and then 23><, and hung up.>"),
            ("He dialed \\*69 and then 23\\*.", "<He dialed *69 and then 23*.>"),
            ("\\_not\\_", "<_not_>"),
            ("**bold *and italic***", "b<bold >bi<and italic>"),
            ("***both** italic*", "bi<both>i< italic>"),
            ("***both* bold**", "bi<both>b< bold>"),
            ("*a **b** c*", "i<a >bi<b>i< c>"),
            ("un*frigging*believable", "<un>i<frigging><believable>"),
            ("snake_case_name", "<snake_case_name>"),
            ("*open\nclose*", "<*open\nclose*>"),
            ("****", "<****>"),
            ("a * b * c", "<a * b * c>"),
            ("**a*", "<**a*>"),
            ("*a**", "<*a**>"),
            ("***a*", "<**>i<a>"),
            ("C:\\new", "<C:\\new>"),
            ("", ""),
            ("*நன்றி*", "i<நன்றி>"),
        ];
        for (text, expected) in table {
            assert_eq!(shape(text), expected, "for {text:?}");
        }
    }

    #[test]
    fn plain_has_no_markers() {
        assert_eq!(plain("**No!** She _said_ \\*no\\*."), "No! She said *no*.");
    }
}

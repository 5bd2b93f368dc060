//! Words into captions: where a text may break, and where it breaks best.

use crate::rules::{LINE_CHARACTERS, LINES, LONGEST_FRAMES};
use unicode_linebreak::{BreakOpportunity, linebreaks};
use unicode_segmentation::UnicodeSegmentation;

/// Characters as readers count them.
pub(crate) fn length(text: &str) -> usize {
    text.graphemes(true).count()
}

/// One space between words, no control characters.
pub(crate) fn clean(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The captions of one spoken line that is heard for so many frames, each of one or two lines. `label` is the speaker's name when it
/// has to be shown.
pub(crate) fn captions(text: &str, label: Option<&str>, frames: u32) -> Vec<Vec<String>> {
    let text = clean(text);
    if text.is_empty() {
        return Vec::new();
    }
    let text = match label.map(clean).filter(|l| !l.is_empty() && length(l) + 4 <= LINE_CHARACTERS / 2) {
        Some(label) => format!("{label}: {text}"),
        None => text,
    };
    let words = words(&text);
    // a slow speech is cut so that none of its captions outstays its words
    let slow = width(&words) * LONGEST_FRAMES as usize / (frames.max(1) as usize);
    cuts(&words, slow.clamp(LINE_CHARACTERS / 4, LINE_CHARACTERS * LINES))
        .into_iter()
        .map(|(from, to)| lay_out(&words[from..to]))
        .collect()
}

/// What stays together on a line, with the characters it takes.
#[derive(Clone, Copy, Debug)]
struct Word<'a> {
    text: &'a str,
    characters: usize,
    /// A space stands behind it when the line goes on.
    spaced: bool,
}

/// Cuts a text where lines may break (UAX #14); what is longer than a line is cut between grapheme clusters.
fn words(text: &str) -> Vec<Word<'_>> {
    let mut out = Vec::new();
    let mut start = 0;
    for (end, kind) in linebreaks(text) {
        debug_assert!(kind == BreakOpportunity::Allowed || end == text.len());
        let piece = &text[start..end];
        start = end;
        let word = piece.trim_end();
        let spaced = word.len() < piece.len();
        let marks: Vec<(usize, &str)> = word.grapheme_indices(true).collect();
        let mut chunks = marks.chunks(LINE_CHARACTERS).peekable();
        while let Some(chunk) = chunks.next() {
            let (from, to) = (chunk[0].0, chunk[chunk.len() - 1].0 + chunk[chunk.len() - 1].1.len());
            out.push(Word { text: &word[from..to], characters: chunk.len(), spaced: spaced && chunks.peek().is_none() });
        }
    }
    out
}

/// Characters of words on one line.
fn width(words: &[Word<'_>]) -> usize {
    let spaces = words.iter().rev().skip(1).filter(|w| w.spaced).count();
    words.iter().map(|w| w.characters).sum::<usize>() + spaces
}

/// How bad it is to break behind this word: 0 at the end of a sentence, 100 inside a phrase.
fn cost(words: &[Word<'_>], at: usize) -> usize {
    let (Some(word), Some(next)) = (words.get(at), words.get(at + 1)) else { return 0 };
    let end = word.text.trim_end_matches(['"', '\'', '”', '’', ')', '」', '』', '»']).chars().next_back();
    match end {
        Some('.' | '!' | '?' | '…' | '。' | '！' | '？' | '।' | '॥' | '؟' | '۔') => return 0,
        Some(',' | ';' | ':' | '—' | '–' | '、' | '，' | '；' | '：' | '،' | '؛') => return 12,
        _ => {}
    }
    let small = |w: &str| w.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    if BINDS_FORWARD.contains(&small(word.text).as_str()) {
        100
    } else if OPENS_PHRASE.contains(&small(next.text).as_str()) {
        30
    } else {
        55
    }
}

/// Words that begin a phrase: a line breaks well before them.
const OPENS_PHRASE: [&str; 40] = [
    "and", "but", "or", "nor", "so", "yet", "because", "if", "when", "while", "that", "which", "who", "where", "than", "then",
    "until", "before", "after", "since", "though", "although", "unless", "as", "in", "on", "at", "by", "with", "without", "from",
    "to", "into", "for", "of", "about", "over", "under", "through", "like",
];

/// Words that belong to the next one.
const BINDS_FORWARD: [&str; 42] = [
    "a", "an", "the", "my", "your", "his", "her", "its", "our", "their", "this", "these", "those", "every", "no", "and", "but",
    "or", "if", "because", "in", "on", "at", "by", "with", "from", "to", "into", "for", "of", "i", "you", "he", "she", "it", "we",
    "they", "is", "are", "not", "mr", "mrs",
];

/// Where the words are cut into captions of at most so many characters (a single word may have more), as few as possible, at the
/// best places: (first, past the last).
fn cuts(words: &[Word<'_>], most: usize) -> Vec<(usize, usize)> {
    // best[i]: (captions, cost, where the last one begins) for the first i words
    let mut best: Vec<(usize, usize, usize)> = vec![(0, 0, 0)];
    let total = width(words);
    let wanted = total.div_ceil(total.div_ceil(most).max(1));
    for to in 1..=words.len() {
        let mut found = (usize::MAX, usize::MAX, to - 1);
        for from in (0..to).rev() {
            let characters = width(&words[from..to]);
            if characters > most && to - from > 1 || split(&words[from..to]).is_none() {
                break;
            }
            let uneven = characters.abs_diff(wanted);
            let (captions, paid, _) = best[from];
            let candidate = (captions + 1, paid + 4 * cost(words, to - 1) + uneven * uneven / 8, from);
            found = found.min(candidate);
        }
        best.push(found);
    }
    let mut out = Vec::new();
    let mut to = words.len();
    while to > 0 {
        out.push((best[to].2, to));
        to = best[to].2;
    }
    out.reverse();
    out
}

/// Where two lines part: words on the first line, all of them when one line is enough. `None` when they don't fit.
fn split(words: &[Word<'_>]) -> Option<usize> {
    if width(words) <= LINE_CHARACTERS {
        return Some(words.len());
    }
    (1..words.len()).filter(|at| width(&words[..*at]) <= LINE_CHARACTERS && width(&words[*at..]) <= LINE_CHARACTERS).min_by_key(
        |at| {
            let (top, bottom) = (width(&words[..*at]), width(&words[*at..]));
            // a shorter upper line hides less of the picture
            let uneven = top.abs_diff(bottom) + if top > bottom { 2 } else { 0 };
            (cost(words, at - 1) + uneven, *at)
        },
    )
}

fn lay_out(words: &[Word<'_>]) -> Vec<String> {
    let at = split(words).unwrap_or(words.len());
    [&words[..at], &words[at..]].into_iter().filter(|line| !line.is_empty()).map(join).collect()
}

fn join(words: &[Word<'_>]) -> String {
    let mut out = String::new();
    for word in words {
        out.push_str(word.text);
        out.push_str(if word.spaced { " " } else { "" });
    }
    out.truncate(out.trim_end().len());
    out
}

#[cfg(test)]
mod tests {
    use super::{captions, length};
    use proptest::prelude::*;

    fn flat(text: &str) -> Vec<String> {
        captions(text, None, 48).into_iter().map(|lines| lines.join("|")).collect()
    }

    #[test]
    fn short_lines_stay_whole_and_long_ones_break_at_phrases() {
        let table: [(&str, &[&str]); 6] = [
            ("Then step inside.", &["Then step inside."]),
            (
                "Then step inside. It's drier, and only slightly more crooked.",
                &["Then step inside. It's drier,|and only slightly more crooked."],
            ),
            (
                "You look like your mother that morning. She was forty minutes late.",
                &["You look like your mother that morning.|She was forty minutes late."],
            ),
            (
                "I promised the old man that I would carry the lamp to the river",
                &["I promised the old man|that I would carry the lamp to the river"],
            ),
            ("  spaces \n and\tbreaks ", &["spaces and breaks"]),
            ("", &[]),
        ];
        for (text, expected) in table {
            assert_eq!(flat(text), expected, "for {text:?}");
        }
    }

    #[test]
    fn a_speech_is_cut_at_its_sentences() {
        let text = "It had rained for six days and nobody in this town had an umbrella. Even the crooks had colds. I was thinking about closing early when she walked in.";
        let found = flat(text);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].ends_with('.'), "{found:?}");
    }

    #[test]
    fn a_slow_speech_is_cut_though_it_would_fit() {
        assert_eq!(captions("I came back. For you.", None, 240), [["I came back."], ["For you."]]);
    }

    #[test]
    fn names_are_shown_before_the_words() {
        assert_eq!(captions("Run.", Some("FRANK"), 48), [["FRANK: Run."]]);
    }

    #[test]
    fn scripts_without_spaces_break_between_characters_but_not_before_a_full_stop() {
        let text =
            "春の庭に花が散り、箒の音だけが聞こえる。祖父は何も言わずに道を掃き続け、少女は花を拾ってその手に渡した。".repeat(2);
        for caption in captions(&text, None, 48) {
            for line in caption {
                assert!(length(&line) <= 42 && !line.starts_with(['。', '、']), "{line}");
            }
        }
        let tamil = "நீ அழகாக இருக்கிறாய் என்று பாட்டி சொன்னாள் அவள் மெதுவாக சிரித்தாள் பிறகு விளக்கை ஏற்றினாள்";
        assert!(flat(tamil).len() < 3);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn nothing_is_lost_and_everything_fits(words in prop::collection::vec("[a-zé,.க்ா漢]{1,9}|[a-z]{60}", 0..60)) {
            let text = words.join(" ");
            let found = captions(&text, None, 48);
            for caption in &found {
                prop_assert!((1..=2).contains(&caption.len()));
                prop_assert!(caption.iter().all(|l| length(l) <= 42 && !l.is_empty()), "{:?}", caption);
            }
            let kept: String = found.concat().concat().split_whitespace().collect();
            prop_assert_eq!(kept, text.split_whitespace().collect::<String>());
        }
    }
}

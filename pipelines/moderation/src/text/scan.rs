//! A text to evidence.

use super::{
    TEXT_CHARS_MAX,
    context::{Context, is_screenplay, left, quoted},
    language::readable,
    lexicon::{Hit, Lexicon, Meaning},
    tokens::{Disguise, Token, joined, tokens},
};
use crate::{
    Category,
    category::Family,
    finding::{Evidence, Findings, Place},
};

/// Phrases of a text that are looked at.
const HITS_MAX: usize = 10_000;
/// Words before and after a phrase within which it is denied; letters of scripts without spaces.
const NEGATION_WORDS: (usize, usize) = (3, 2);
const NEGATION_LETTERS: (usize, usize) = (6, 6);
/// Words around a phrase within which somebody reports, teaches or tells a story.
const SPEAKING_WORDS: usize = 25;
/// What a disguise adds of what is missing to certainty: who hides a word means it.
const DISGUISE_SHARE: f32 = 0.2;

/// What a text is known to be from outside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Setting {
    /// Fiction, whether it looks like a screenplay or not.
    pub fiction: bool,
}

/// Notes what lexicons find in a text of at most `TEXT_CHARS_MAX` characters; what is beyond is not read.
pub fn scan(text: &str, setting: Setting, lexicon: &Lexicon, findings: &mut Findings) {
    let text = text.char_indices().nth(TEXT_CHARS_MAX).map_or(text, |(end, _)| &text[..end]);
    let words = tokens(text);
    if readable(&words) {
        let content = Category::ALL.iter().filter(|category| category.family() == Family::Content);
        content.for_each(|category| findings.judged(*category, "lexicons"));
    }
    let hits = lexicon.find(&words, HITS_MAX);
    let surroundings = Surroundings::of(text, setting, &words, &hits, lexicon);
    for hit in &hits {
        if let Meaning::Judges { category, strength, name, language } = &lexicon.meanings[hit.meaning] {
            let context = surroundings.context(hit, *category, language);
            findings.add(*category, evidence(&words, hit, (*category, *strength), name, context));
        }
    }
    put_together(text, &words, surroundings.fiction, lexicon, findings);
}

/// What letters with gaps between them say when they are put together. Who writes like that quotes nobody: only fiction is a context.
fn put_together(text: &str, words: &[Token], fiction: bool, lexicon: &Lexicon, findings: &mut Findings) {
    let context = fiction.then_some(Context::Fiction);
    let words = joined(text, words);
    if !words.iter().any(|word| word.spaced) {
        return;
    }
    let hits = lexicon.find(&words, HITS_MAX).into_iter();
    let mut found: Vec<Hit> = hits.filter(|hit| hit.disguises.contains(&Disguise::Spaced)).collect();
    found.extend(lexicon.find_spaced(&words, HITS_MAX));
    for hit in found {
        if let Meaning::Judges { category, strength, name, .. } = &lexicon.meanings[hit.meaning] {
            findings.add(*category, evidence(&words, &hit, (*category, *strength), name, context));
        }
    }
}

fn disguised(strength: f32, disguises: &[Disguise]) -> f32 {
    if disguises.is_empty() { strength } else { strength + (1.0 - strength) * DISGUISE_SHARE }
}

fn evidence(words: &[Token], hit: &Hit, (category, strength): (Category, f32), name: &str, context: Option<Context>) -> Evidence {
    let (start, end) = (words[hit.first].start, words[hit.first + hit.words - 1].end);
    let hidden: Vec<&str> = hit.disguises.iter().map(|disguise| disguise.word()).collect();
    let hidden = if hidden.is_empty() { String::new() } else { format!(", written with {}", hidden.join(" and ")) };
    let spoken = context.map_or("", Context::note);
    Evidence {
        place: Place::Span { start, end },
        score: disguised(strength, &hit.disguises) * context.map_or(1.0, |context| left(context, category)),
        by: "lexicons".into(),
        note: format!("lexicon entry {name}{hidden}{spoken}"),
    }
}

/// Languages that share so many words that a context in one is one in the others, too.
const KIN: [&str; 4] = ["fr", "es", "pt", "it"];

fn kin(one: &str, other: &str) -> bool {
    one == other || KIN.contains(&one) && KIN.contains(&other)
}

impl Context {
    fn note(self) -> &'static str {
        match self {
            Self::Negated => "; it is denied",
            Self::Reported => "; it is reported",
            Self::Quoted => "; it is quoted",
            Self::Taught => "; it is taught",
            Self::Fiction => "; it is fiction",
        }
    }
}

impl Disguise {
    fn word(self) -> &'static str {
        match self {
            Self::Homoglyphs => "letters of other scripts",
            Self::Leet => "digits or signs for letters",
            Self::Stretched => "repeated letters",
            Self::Spaced => "gaps between letters",
        }
    }
}

/// What stands around phrases.
struct Surroundings<'a> {
    words: &'a [Token],
    said: Vec<(Context, &'static str, &'a Hit)>,
    quoted: Vec<bool>,
    /// The number of the sentence that each word stands in.
    sentence: Vec<usize>,
    fiction: bool,
}

impl<'a> Surroundings<'a> {
    fn of(text: &str, setting: Setting, words: &'a [Token], hits: &'a [Hit], lexicon: &Lexicon) -> Self {
        let said = hits.iter().filter_map(|hit| match lexicon.meanings[hit.meaning] {
            // words of a context are as they are: who hides them reports nothing
            Meaning::Says { context, language } if hit.disguises.is_empty() => Some((context, language, hit)),
            _ => None,
        });
        let sentence = words.iter().scan(0, |sentence, word| {
            *sentence += usize::from(word.begins);
            Some(*sentence)
        });
        let fiction = setting.fiction || is_screenplay(text);
        Self { words, said: said.collect(), quoted: quoted(text), sentence: sentence.collect(), fiction }
    }

    /// The context that leaves least of a phrase.
    fn context(&self, hit: &Hit, category: Category, language: &str) -> Option<Context> {
        let near = self.said.iter().filter(|(context, of, other)| kin(of, language) && self.reaches(*context, other, hit));
        let near = near.map(|(context, ..)| *context);
        let mut contexts: Vec<Context> = near.collect();
        let quoted = self.quoted.get(self.words[hit.first].start).copied().unwrap_or(false);
        let spoken = contexts.iter().any(|context| matches!(context, Context::Reported | Context::Taught | Context::Fiction));
        contexts.extend((quoted && spoken).then_some(Context::Quoted));
        contexts.extend(self.fiction.then_some(Context::Fiction));
        contexts.into_iter().min_by(|a, b| left(*a, category).total_cmp(&left(*b, category)))
    }

    fn reaches(&self, context: Context, from: &Hit, hit: &Hit) -> bool {
        let (before, after) = (hit.first.checked_sub(from.first + from.words), from.first.checked_sub(hit.first + hit.words));
        let sentences = self.sentence[from.first].abs_diff(self.sentence[hit.first]);
        let letter =
            |hit: &Hit| self.words[hit.first].folded.iter().all(|c| !c.is_ascii()) && self.words[hit.first].folded.len() == 1;
        let negation = if letter(from) { NEGATION_LETTERS } else { NEGATION_WORDS };
        match context {
            Context::Negated => {
                sentences == 0 && (before.is_some_and(|gap| gap < negation.0) || after.is_some_and(|gap| gap < negation.1))
            }
            _ => {
                sentences <= 1 && (before.is_some_and(|gap| gap < SPEAKING_WORDS) || after.is_some_and(|gap| gap < SPEAKING_WORDS))
            }
        }
    }
}

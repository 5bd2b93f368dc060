//! The little English grammar that finding subjects, verbs and objects needs.

use crate::{
    tables::{Form, VERBS, VerbForm},
    text::Token,
};
use klieg_film_words::story::Gender;

const DETERMINERS: &[&str] = &[
    "the", "a", "an", "his", "her", "their", "its", "my", "your", "our", "this", "that", "these", "those", "each", "every", "some",
    "any", "no", "another", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "several", "many",
    "few", "both", "all", "more",
];
const PREPOSITIONS: &[&str] = &[
    "of", "in", "on", "at", "to", "from", "with", "by", "for", "into", "onto", "under", "over", "beside", "behind", "before",
    "after", "between", "through", "across", "toward", "towards", "against", "around", "near", "above", "below", "about", "along",
    "among", "like", "as", "without", "inside", "outside", "past", "up", "down", "off", "out", "beneath", "beyond", "within",
    "upon", "next", "opposite", "amid", "than",
];
const ADVERBS: &[&str] = &[
    "then", "now", "also", "still", "just", "never", "always", "again", "soon", "suddenly", "almost", "both", "finally", "too",
    "even", "only", "already", "once", "quickly", "slowly", "together", "simply", "instead", "alone", "back", "later", "half",
    "all", "each",
];
const AUXILIARIES: &[&str] = &[
    "is",
    "are",
    "was",
    "were",
    "been",
    "be",
    "he's",
    "she's",
    "they're",
    "keeps",
    "stays",
    "starts",
    "begins",
    "continues",
    "resumes",
    "sits",
    "stands",
    "lies",
    "comes",
    "goes",
    "stops",
];
const STARTERS: &[&str] = &[
    "begins",
    "begin",
    "starts",
    "start",
    "tries",
    "try",
    "continues",
    "turns",
    "turn",
    "rises",
    "stands",
    "leans",
    "bends",
    "stops",
    "moves",
    "goes",
    "reaches",
    "kneels",
    "rushes",
    "manages",
    "helps",
    "comes",
    "hurries",
    "runs",
    "steps",
];

pub fn is_determiner(token: &Token) -> bool {
    DETERMINERS.contains(&token.key.as_str())
}

pub fn is_preposition(token: &Token) -> bool {
    PREPOSITIONS.contains(&token.key.as_str())
}

pub fn is_adverb(token: &Token) -> bool {
    ADVERBS.contains(&token.key.as_str()) || (token.key.len() > 4 && token.key.ends_with("ly") && !token.capital)
}

pub fn is_conjunction(token: &Token) -> bool {
    matches!(token.key.as_str(), "and" | "but" | "or" | "while" | "as" | "who" | "when" | "until")
}

/// The gender a pronoun stands for; `None` for no pronoun of one person.
pub fn pronoun(token: &Token) -> Option<Gender> {
    match token.key.as_str() {
        "he" | "him" | "his" | "himself" => Some(Gender::Male),
        "she" | "her" | "hers" | "herself" => Some(Gender::Female),
        _ => None,
    }
}

/// Words whose -s form is oftener a plural noun: they act only on something named right behind them.
const NOUNISH: &[&str] =
    &["hands", "faces", "heads", "eyes", "backs", "shoulders", "steps", "tears", "lights", "papers", "cups", "plants"];

/// Words whose -s form may be a plural noun: they act behind a subject, a comma or "and".
const DOUBTFUL: &[&str] = &[
    "waves", "drinks", "rings", "watches", "bows", "pins", "cries", "works", "chips", "sketches", "notes", "fans", "presents",
    "wheels", "drums", "parks", "fires", "whips", "saws", "irons", "waters", "milks", "ties", "houses", "boards", "lands",
    "blocks", "balances", "rocks", "signs", "downs", "bears", "counts", "trails", "posts", "paces", "heaps", "wires", "chains",
    "motions", "gestures", "trips", "bats",
];

/// Whether a verb stands at `at`, going by what stands around it: (tokens it takes, the verb).
pub fn verb_at(tokens: &[Token], at: usize) -> Option<(usize, &'static VerbForm)> {
    let token = tokens.get(at)?;
    if token.possessive || token.inside || (token.capital && at > 0 && !token.caps) {
        return None;
    }
    let (len, found) = VERBS.at(tokens, at).filter(|(_, v)| v.form != Form::Base || form_is_exact(token, v))?;
    let before = at.checked_sub(1).map(|b| &tokens[b]);
    let noun = before.is_some_and(|b| {
        !breaks(token)
            && ((is_determiner(b) && !is_adverb(b))
                || b.possessive
                || (is_preposition(b) && !is_adverb(b))
                || b.key.parse::<u32>().is_ok())
    });
    let fits = match found.form {
        Form::Present => {
            !noun
                && (!DOUBTFUL.contains(&token.key.as_str())
                    || before.is_none_or(|b| breaks(token) || follows_subject(b))
                    || acts_on_next(tokens, at + len, before))
                && (!NOUNISH.contains(&token.key.as_str()) || acts_on_next(tokens, at + len, before))
        }
        Form::Base => before.is_some_and(|b| b.key == "to") && starts_before(tokens, at) || (!noun && !token.gap.hyphen),
        Form::Ing => !noun && !token.gap.hyphen && ing_acts(token, before),
        Form::Past => {
            !noun && !breaks(token) && before.is_some_and(|b| b.capital || pronoun(b).is_some() || is_adverb(b) || b.key == "and")
        }
    };
    (fits && !token.gap.hyphen).then_some((len, found))
}

/// Phrases may be matched through a plural ("looks" as "look"): a base form must be written as such.
fn form_is_exact(token: &Token, verb: &VerbForm) -> bool {
    verb.base.split(' ').next() == Some(token.key.as_str())
}

fn breaks(token: &Token) -> bool {
    token.gap.comma || token.gap.dash || token.gap.closed
}

/// What a verb of the subject may stand right behind.
fn follows_subject(before: &Token) -> bool {
    before.capital
        || before.inside
        || pronoun(before).is_some()
        || is_adverb(before)
        || matches!(before.key.as_str(), "and" | "then" | "who" | "they")
}

/// A noun-like verb stands right behind its subject or before an object.
fn acts_on_next(tokens: &[Token], next: usize, before: Option<&Token>) -> bool {
    let after = tokens.get(next);
    let object = after.is_some_and(|n| is_determiner(n) || pronoun(n).is_some() || n.capital || is_adverb(n) || is_preposition(n));
    let ends = after.is_none_or(|n| n.key == "and" || breaks(n));
    let subject = before.is_none_or(|b| b.capital || pronoun(b).is_some() || is_adverb(b) || b.key == "then");
    let joined = before.is_some_and(|b| b.key == "and") || tokens.get(next - 1).is_some_and(breaks);
    let closes = before.is_some_and(|b| b.key == "and") && after.is_none();
    let governs = after.is_some_and(|n| is_determiner(n) || pronoun(n).is_some());
    governs || (subject && (object || ends)) || (joined && object) || closes
}

/// "begins to sing", "turns to go".
fn starts_before(tokens: &[Token], at: usize) -> bool {
    at >= 2 && STARTERS.contains(&tokens[at - 2].key.as_str())
}

/// "is singing", "Frank, smoking, …", "stands smoking".
fn ing_acts(token: &Token, before: Option<&Token>) -> bool {
    before.is_none_or(|b| {
        breaks(token) || AUXILIARIES.contains(&b.key.as_str()) || is_adverb(b) || is_conjunction(b) || b.capital || b.inside
    })
}

/// Parts of the body: what is touched is the person.
pub fn is_body_part(token: &Token) -> bool {
    const PARTS: &[&str] = &[
        "hand", "arm", "cheek", "face", "shoulder", "hair", "head", "forehead", "foot", "back", "chin", "finger", "wrist", "knee",
        "brow", "ear", "elbow", "lip", "neck", "waist", "pulse", "chest", "nose", "palm", "eye", "tear",
    ];
    token.forms.iter().any(|f| PARTS.contains(&f.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::tokens;
    use klieg_film_words::story::Verb;

    fn verbs(text: &str) -> Vec<Verb> {
        let words = tokens(text);
        (0..words.len()).filter_map(|i| verb_at(&words, i)).filter(|(_, v)| v.form != Form::Base).map(|(_, v)| v.verb).collect()
    }

    #[test]
    fn verbs_are_told_from_nouns() {
        assert_eq!(verbs("Paati waits on the granite steps."), [Verb::Stand]);
        assert_eq!(verbs("She steps back and hands him the keys."), [Verb::Walk, Verb::Give]);
        assert_eq!(verbs("Anna, hands folded, prays."), [Verb::Pray]);
        assert_eq!(verbs("Two drinks on the bar. He drinks."), [Verb::Drink]);
    }
}

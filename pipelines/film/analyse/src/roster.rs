//! Who is in the film: speakers, people introduced in capitals, and people who act.

use crate::{
    ballot::Clue,
    grammar::{is_adverb, is_determiner, is_preposition, pronoun, verb_at},
    read::{Film, Item},
    tables::{Form, GROUPS, NAMES, PEOPLE, PERIODS, PLACES, SETTINGS, THINGS, TRAITS},
    text::{Sentence, Token, is_plural, tokens},
};
use klieg_film_words::story::CharacterId;

/// A noun that the script calls someone by ("detective"), with its place.
#[derive(Clone, Debug)]
pub struct Called {
    pub noun: String,
    pub clue: Clue,
}

#[derive(Clone, Debug)]
struct Alias {
    words: Vec<String>,
    /// Common nouns ("old man"): found in lower case too.
    common: bool,
}

/// Someone, before anything is known of them but names.
#[derive(Clone, Debug)]
pub struct Person {
    /// Upper case, as the cue has it.
    pub name: String,
    /// Upper case, the longest form.
    pub full_name: String,
    /// A crowd that speaks with one voice.
    pub collective: bool,
    pub called: Vec<Called>,
    /// First line that shows or names them, and the words there.
    pub first: Clue,
    speaks: bool,
    /// Introduced with an article: "a TOURIST".
    noun: bool,
    aliases: Vec<Alias>,
}

/// Everyone.
#[derive(Debug, Default)]
pub struct Roster {
    pub people: Vec<Person>,
}

const NOT_PEOPLE: &[&str] = &[
    "camera",
    "we",
    "cut",
    "angle",
    "close",
    "fade",
    "title",
    "super",
    "insert",
    "pov",
    "series",
    "montage",
    "end",
    "beat",
    "later",
    "continuous",
    "flashback",
    "sfx",
    "int",
    "ext",
    "day",
    "night",
    "fx",
    "tv",
    "ok",
    "on",
    "back",
    "the",
    "and",
    "wide",
    "shot",
    "credits",
    "cont'd",
    "act",
    "scene",
    "intercut",
    "smash",
    "dissolve",
    "black",
    "music",
    "over",
    "pan",
    "zoom",
    "reveal",
    "led",
    "cctv",
    "dna",
    "usa",
    "fbi",
    "cia",
    "nypd",
    "er",
    "icu",
    "id",
];
const DISTINGUISHING: &[&str] = &[
    "young", "younger", "old", "older", "elder", "little", "teen", "teenage", "child", "baby", "kid", "other", "another", "first",
    "second", "third", "mr", "mrs", "miss", "ms", "big", "small", "tall", "short", "fat", "thin", "drunk", "dead", "fake", "evil",
    "ghost", "junior", "senior",
];
const ALL_SPEAK: &[&str] = &["all", "everyone", "everybody", "both", "together", "group", "chorus"];
const HONORIFICS: &[&str] = &[
    "san", "sama", "kun", "chan", "sensei", "ji", "garu", "ssi", "nim", "amma", "akka", "anna", "appa", "bhai", "ben", "saab",
    "sahib",
];

impl Roster {
    pub fn build(film: &Film) -> Self {
        let mut roster = Self::default();
        let cues = cue_names(film);
        for scene in &film.scenes {
            for item in &scene.items {
                match item {
                    Item::Action(sentences) => sentences.iter().for_each(|s| roster.introduce(s, &cues)),
                    Item::Speech(speech) => {
                        for name in split_cue(&speech.cue) {
                            roster.add(&name, &Clue::new(speech.line, written(&speech.cue)), true);
                        }
                    }
                }
            }
        }
        roster.name_all();
        film.scenes.iter().flat_map(|s| s.actions()).for_each(|s| roster.describe(s));
        film.scenes.iter().flat_map(|s| s.actions()).for_each(|s| roster.add_actors(s));
        roster
    }

    /// Adds a name or finds whose it is.
    fn add(&mut self, name: &str, clue: &Clue, speaks: bool) -> Option<CharacterId> {
        let words = name_words(name);
        // "BOTH" and "ALL" are those who are there.
        if words.is_empty() || (words.len() == 1 && ALL_SPEAK.contains(&words[0].as_str())) {
            return None;
        }
        if let Some(id) = self.same(&words) {
            let person = &mut self.people[id];
            if words.len() > name_words(&person.full_name).len() {
                person.full_name = name.to_owned();
            }
            if speaks && !person.speaks {
                person.name = name.to_owned();
            }
            person.speaks |= speaks;
            return Some(id);
        }
        let found = tokens(name);
        let collective = speaks && is_group(&found) && found.len() <= 3;
        self.people.push(Person {
            name: name.to_owned(),
            full_name: name.to_owned(),
            collective,
            called: Vec::new(),
            first: clue.clone(),
            speaks,
            noun: false,
            aliases: vec![Alias { common: is_common(&found), words }],
        });
        Some(self.people.len() - 1)
    }

    /// The one person whose name contains `words` or is contained in them.
    fn same(&self, words: &[String]) -> Option<CharacterId> {
        let exact = self.people.iter().position(|p| name_words(&p.full_name) == words || name_words(&p.name) == words);
        if exact.is_some() {
            return exact;
        }
        if let [word] = words {
            let indic = crate::roman::indic(word);
            let name = indic.clone().unwrap_or_else(|| crate::roman::skeleton(word));
            let sounds = |own: &String| {
                let other = crate::roman::indic(own);
                (indic.is_some() != other.is_some()) && other.unwrap_or_else(|| crate::roman::skeleton(own)) == name
            };
            let heard = self.people.iter().position(|p| name_words(&p.full_name).iter().any(sounds));
            if heard.is_some() {
                return heard;
            }
        }
        let mut found = None;
        for (id, person) in self.people.iter().enumerate() {
            if part_of(words, &person.full_name) {
                if found.is_some() {
                    return None;
                }
                found = Some(id);
            }
        }
        found
    }

    /// People introduced in capitals.
    fn introduce(&mut self, sentence: &Sentence, cues: &[Vec<String>]) {
        let loud = sentence.tokens.iter().filter(|t| t.caps).count() * 2 > sentence.tokens.len() && sentence.tokens.len() > 4;
        for (from, len) in caps_runs(&sentence.tokens) {
            let words: Vec<String> = sentence.tokens[from..from + len].iter().map(|t| t.key.clone()).collect();
            let known = cues.iter().any(|cue| cue == &words || part_of(&words, &cue.join(" ")) || part_of(cue, &words.join(" ")));
            let exact = cues.contains(&words);
            let short = words.len() <= 4;
            // "A SMALL BOY" who speaks as BOY.
            let spoken = cues.iter().find(|cue| {
                !exact
                    && words.ends_with(cue)
                    && is_common(&sentence.tokens[from..from + len])
                    && is_common(&tokens(&cue.join(" ")))
            });
            if let Some(cue) = spoken {
                self.add(&cue.join(" ").to_uppercase(), &Clue::new(sentence.line, sentence.words(from, len)), false);
                continue;
            }
            if exact || (short && !loud && (known || is_person(sentence, from, len))) {
                let text = sentence.words(from, len);
                let name =
                    text.strip_suffix("'s").or(text.strip_suffix("'S")).or(text.strip_suffix("’S")).unwrap_or(&text).to_uppercase();
                let noun = from > 0 && ["a", "an", "the", "one", "another"].contains(&sentence.tokens[from - 1].key.as_str());
                if let Some(id) = self.add(&name, &Clue::new(sentence.line, text.clone()), false) {
                    self.people[id].noun |= noun;
                }
            }
        }
    }

    /// Works out by which words each person may be mentioned.
    fn name_all(&mut self) {
        let every: Vec<Vec<String>> = self.people.iter().map(|p| name_words(&p.full_name)).collect();
        for (id, person) in self.people.iter_mut().enumerate() {
            person.aliases = aliases(person, id, &every);
        }
    }

    /// Nouns that stand beside a name: "a broad detective", "Doctor Rao".
    fn describe(&mut self, sentence: &Sentence) {
        let mut at = 0;
        while at < sentence.tokens.len() {
            let Some((len, id)) = self.mention(&sentence.tokens, at) else {
                at += 1;
                continue;
            };
            for (noun, from, n) in nouns_around(sentence, at, len) {
                let clue = Clue::new(sentence.line, sentence.words(from, n));
                if !self.people[id].called.iter().any(|c| c.noun == noun) {
                    self.people[id].called.push(Called { noun, clue });
                }
            }
            at += len;
        }
    }

    /// People without a cue who act: "The waiter puts down two cups", "Old Gopal laughs".
    fn add_actors(&mut self, sentence: &Sentence) {
        let words = &sentence.tokens;
        let mut at = 0;
        while at < words.len() {
            if let Some((len, _)) = self.mention(words, at) {
                at += len;
                continue;
            }
            match actor_at(words, at) {
                Some((len, name)) if self.noun(&words[at..at + len]).is_none() => {
                    let clue = Clue::new(sentence.line, sentence.words(at, len));
                    if let Some(id) = self.add(&name, &clue, false) {
                        let every: Vec<Vec<String>> = self.people.iter().map(|p| name_words(&p.full_name)).collect();
                        self.people[id].aliases = aliases(&self.people[id], id, &every);
                    }
                    at += len;
                }
                _ => at += 1,
            }
        }
    }

    /// Whom the tokens at `at` name: (tokens, person). Honorifics behind a hyphen belong to the name.
    pub fn mention(&self, words: &[Token], at: usize) -> Option<(usize, CharacterId)> {
        let mut best: Option<(usize, CharacterId)> = None;
        for (id, person) in self.people.iter().enumerate() {
            for alias in &person.aliases {
                if alias.fits(words, at) && best.is_none_or(|(len, _)| alias.words.len() > len) {
                    best = Some((alias.words.len(), id));
                }
            }
        }
        best.map(|(len, id)| {
            let more = words.get(at + len).is_some_and(|t| t.gap.hyphen && HONORIFICS.contains(&t.key.as_str()));
            (len + usize::from(more), id)
        })
    }

    /// Whom a noun ("detective") calls.
    pub fn noun(&self, words: &[Token]) -> Option<CharacterId> {
        let (len, sign) = PEOPLE.at(words, 0)?;
        if len == words.len() && is_plural(&words[len - 1]) && !words[len - 1].forms.contains(&sign.noun) {
            return None;
        }
        let mut of: Vec<CharacterId> = Vec::new();
        for (id, person) in self.people.iter().enumerate() {
            if person.called.iter().any(|c| c.noun == sign.noun) {
                of.push(id);
            }
        }
        match of.as_slice() {
            [one] => Some(*one),
            _ => None,
        }
    }

    /// Who speaks under a cue, in the order named.
    pub fn speakers(&self, cue: &str) -> Vec<CharacterId> {
        split_cue(cue).iter().filter_map(|name| self.same(&name_words(name))).collect()
    }

    /// The person whom a note names.
    pub fn by_name(&self, name: &str) -> Option<CharacterId> {
        self.same(&name_words(&name.to_uppercase()))
    }
}

impl Alias {
    fn fits(&self, words: &[Token], at: usize) -> bool {
        let n = self.words.len();
        if at + n > words.len() {
            return false;
        }
        let capital = self.common || words[at].capital || !words[at].text.chars().any(|c| c.is_lowercase() || c.is_uppercase());
        let glued = n == 1 && (glues(&self.words[0]) && words[at].key.starts_with(&self.words[0]) || self.sounds_like(&words[at]));
        capital && (glued || self.words.iter().zip(&words[at..at + n]).all(|(word, token)| *word == token.key))
    }
}

impl Alias {
    /// The same name in other letters, case endings looked through: "లక్ష్మికి" is LAKSHMI.
    fn sounds_like(&self, token: &Token) -> bool {
        let own = &self.words[0];
        match (&token.skeleton, crate::roman::indic(own)) {
            (Some(heard), None) if own.is_ascii() => {
                let name = crate::roman::skeleton(own);
                name.len() >= 4 && heard.starts_with(&name) || *heard == name
            }
            (None, Some(name)) => token.capital && crate::roman::skeleton(&token.key) == name,
            _ => false,
        }
    }
}

/// Whether a word's script glues case endings on.
fn glues(word: &str) -> bool {
    word.chars().next().is_some_and(|c| matches!(c, '\u{0400}'..='\u{052f}' | '\u{0600}'..='\u{06ff}' | '\u{0900}'..='\u{0dff}'))
}

/// A cue as written, on one line.
fn written(cue: &str) -> String {
    cue.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The names under one cue, upper case: "KENJI & HARU" are two, "FRANK'S VOICE" is Frank.
pub fn split_cue(cue: &str) -> Vec<String> {
    let upper = written(cue).to_uppercase().replace('’', "'");
    let mut parts = vec![upper.as_str()];
    for separator in [" AND ", " & ", "/", ", ", " + "] {
        parts = parts.into_iter().flat_map(|p| p.split(separator)).collect();
    }
    let trimmed = parts.into_iter().map(|p| p.trim().trim_end_matches(':').trim());
    let named = trimmed.map(|p| p.strip_suffix("'S VOICE").or(p.strip_suffix(" VOICE")).unwrap_or(p).trim());
    named.filter(|p| !p.is_empty()).map(str::to_owned).collect()
}

/// Whether a cue asks for a voice alone.
pub fn is_voice_cue(cue: &str) -> bool {
    cue.trim_end().to_uppercase().ends_with(" VOICE")
}

fn cue_names(film: &Film) -> Vec<Vec<String>> {
    let mut out: Vec<Vec<String>> = Vec::new();
    for name in film.scenes.iter().flat_map(|s| s.speeches()).flat_map(|s| split_cue(&s.cue)) {
        let words = name_words(&name);
        if !words.is_empty() && !out.contains(&words) {
            out.push(words);
        }
    }
    out
}

fn name_words(name: &str) -> Vec<String> {
    tokens(name).into_iter().map(|t| t.key).filter(|k| k != "the").collect()
}

fn is_common(words: &[Token]) -> bool {
    let mut at = 0;
    while at < words.len() {
        let len = PEOPLE.at(words, at).map(|f| f.0).or(TRAITS.at(words, at).map(|f| f.0)).or(GROUPS.at(words, at).map(|f| f.0));
        match len {
            Some(len) if NAMES.at(words, at).is_none() => at += len,
            _ if words[at].key.parse::<u32>().is_ok() => at += 1,
            _ => return false,
        }
    }
    true
}

fn is_group(words: &[Token]) -> bool {
    let Some(last) = words.last() else { return false };
    GROUPS.word(&last.key).is_some()
        || (is_plural(last) && last.forms.iter().any(|f| PEOPLE.word(f).is_some()) && PEOPLE.word(&last.key).is_none())
}

/// Whether one of two names is part of the other at its start or end, and nothing in the longer one tells two people apart.
fn part_of(words: &[String], full_name: &str) -> bool {
    let full = tokens(full_name);
    let owned = full.iter().any(|t| t.possessive || matches!(t.key.as_str(), "of" | "with" | "in"));
    let full: Vec<String> = name_words(full_name);
    if !owned && (starts_or_ends(words, untitled(&full)) || starts_or_ends(&full, untitled(words))) {
        return true;
    }
    let (short, long) = if words.len() < full.len() { (words, full.as_slice()) } else { (full.as_slice(), words) };
    if owned || short.is_empty() || short.len() == long.len() {
        return short == long;
    }
    let rest = if long.starts_with(short) {
        &long[short.len()..]
    } else if long.ends_with(short) {
        &long[..long.len() - short.len()]
    } else {
        return false;
    };
    // "MR. ABBOTT" of the action is "ABBOTT" of the cues; "MR." and "MRS." still tell two full names apart.
    let addressed = long.ends_with(short) && rest.iter().all(|w| ["mr", "mrs", "ms", "miss", "sir", "madam"].contains(&w.as_str()));
    let apart = !addressed && rest.iter().any(|w| DISTINGUISHING.contains(&w.as_str()) || w.parse::<u32>().is_ok());
    // "NURSE" is not "HEAD NURSE", and "WOMAN" not "CHINESE WOMAN": common nouns merge only with a name.
    let common = is_common(&tokens(&short.join(" "))) && rest.iter().all(|w| NAMES.word(w).is_none());
    let generic = is_common(&tokens(&short.join(" "))) && is_common(&tokens(&long.join(" ")));
    let anybody = common && short.len() == 1 && ["man", "woman", "boy", "girl", "guard"].contains(&short[0].as_str());
    !(apart || generic || anybody)
}

/// A name without the title or profession in front: "NURSE ADELE BROWN" is "ADELE BROWN".
fn untitled(words: &[String]) -> &[String] {
    let titles = words.iter().take_while(|w| PEOPLE.word(w).is_some() && NAMES.word(w).is_none()).count();
    // "MR. LANE" and "MRS. LANE" are two.
    let told_apart = words.iter().any(|w| DISTINGUISHING.contains(&w.as_str()));
    if told_apart || titles == words.len() { &[] } else { &words[titles..] }
}

/// Whether `short` is the first or last word, or the whole, of a name of several words.
fn starts_or_ends(short: &[String], long: &[String]) -> bool {
    let apart = short.iter().any(|w| DISTINGUISHING.contains(&w.as_str()) || PEOPLE.word(w).is_some());
    !short.is_empty() && !apart && short.len() <= long.len() && (long.starts_with(short) || long.ends_with(short))
}

fn aliases(person: &Person, id: CharacterId, every: &[Vec<String>]) -> Vec<Alias> {
    let mut out: Vec<Alias> = Vec::new();
    let mut push = |words: &[String], common: bool| {
        if !words.is_empty() && !out.iter().any(|a: &Alias| a.words == words) {
            out.push(Alias { words: words.to_vec(), common });
        }
    };
    for name in [&person.full_name, &person.name] {
        let found = tokens(name);
        let words = name_words(name);
        push(&words, person.noun || is_common(&found));
        let owned = found.iter().any(|t| t.possessive || matches!(t.key.as_str(), "of" | "with"));
        if owned || words.len() < 2 || is_common(&found) {
            continue;
        }
        let bare: Vec<String> =
            words.iter().skip_while(|w| PEOPLE.word(w).is_some() || DISTINGUISHING.contains(&w.as_str())).cloned().collect();
        for part in [bare.as_slice(), bare.get(..1).unwrap_or(&[]), bare.get(bare.len().saturating_sub(1)..).unwrap_or(&[])] {
            let shared = every.iter().enumerate().any(|(other, full)| other != id && part.iter().all(|w| full.contains(w)));
            if !shared && part.iter().any(|w| w.chars().count() > 1 && w.parse::<u32>().is_err()) {
                push(part, false);
            }
        }
    }
    out
}

/// Stretches of words in capitals: (first token, tokens).
fn caps_runs(words: &[Token]) -> Vec<(usize, usize)> {
    let (mut out, mut at) = (Vec::new(), 0);
    while at < words.len() {
        if !words[at].caps || words[at].inside || ["THE", "A", "AN"].contains(&words[at].text.as_str()) {
            at += 1;
            continue;
        }
        let mut end = at + 1;
        while end < words.len() && continues_run(words, end) {
            end += 1;
        }
        out.push((at, end - at));
        at = end;
    }
    out
}

fn continues_run(words: &[Token], at: usize) -> bool {
    let token = &words[at];
    let together =
        !(token.gap.comma || token.gap.dash || token.gap.closed || token.inside || words[at - 1].possessive && !token.caps);
    let initial = token.capital && token.text.chars().count() == 1 && words.get(at + 1).is_some_and(|n| n.caps);
    let number = token.key.parse::<u32>().is_ok() && token.key.len() < 3;
    together && (token.caps && !["AND", "THE"].contains(&token.text.as_str()) || initial || number)
}

/// Whether a run of capitals introduces a person.
fn is_person(sentence: &Sentence, from: usize, len: usize) -> bool {
    let words = &sentence.tokens;
    let run = &words[from..from + len];
    if run.iter().any(|t| NOT_PEOPLE.contains(&t.key.as_str())) || is_group(run) {
        return false;
    }
    let next = words.get(from + len);
    let aged = next.is_some_and(|t| {
        t.inside
            && (t.key.chars().any(|c| c.is_ascii_digit())
                || TRAITS.word(&t.key).is_some()
                || ["late", "early", "mid"].contains(&t.key.as_str()))
    });
    let named = run.iter().any(|t| NAMES.word(&t.key).is_some()) && PLACES.all(run).is_empty() && THINGS.all(run).is_empty();
    let noun = PEOPLE.at(run, 0).is_some_and(|(n, _)| n == len) || run.last().is_some_and(|t| PEOPLE.word(&t.key).is_some());
    let described = next.is_some_and(|t| t.gap.comma) && (1..7).any(|n| PEOPLE.at(words, from + len + n).is_some());
    let thing =
        !THINGS.all(run).is_empty() || !PLACES.all(run).is_empty() || !SETTINGS.all(run).is_empty() || !PERIODS.all(run).is_empty();
    let acts = from == 0 && !thing && acts_at(words, from + len);
    let apposed = from == 0
        && !thing
        && next.is_some_and(|t| t.gap.comma || t.inside)
        && (1..words.len() - len).any(|n| acts_at(words, len + n));
    aged || named || noun || described || acts || apposed
}

/// Whether a verb in the present stands at `at`.
fn acts_at(words: &[Token], at: usize) -> bool {
    verb_at(words, at).is_some_and(|(_, v)| v.form == Form::Present)
}

/// A person noun or a known given name in lower or mixed case, followed by what they do: (tokens, upper-case name).
fn actor_at(words: &[Token], at: usize) -> Option<(usize, String)> {
    let named = words[at].capital
        && words[at].key.len() > 2
        && pronoun(&words[at]).is_none()
        && !is_determiner(&words[at])
        && !is_preposition(&words[at])
        && !words[at].possessive
        && NAMES.word(&words[at].key).is_some()
        && PEOPLE.word(&words[at].key).is_none();
    let (len, single) = match PEOPLE.at(words, at) {
        Some((len, sign)) => (len, words[at + len - 1].key == *sign.noun.rsplit(' ').next()?),
        None if named => (1, true),
        None => return None,
    };
    let known = words[at..at + len].iter().all(|t| !t.possessive && !t.gap.quote) && single;
    let led =
        named || at.checked_sub(1).is_some_and(|b| is_determiner(&words[b]) && !words[b].capital || words[b].capital && b == 0);
    let governed = at >= 2 && is_preposition(&words[at - 2]) && is_determiner(&words[at - 1]);
    let mut next = at + len;
    while words.get(next).is_some_and(is_adverb) {
        next += 1;
    }
    let acts = acts_at(words, next);
    let text = words[at..at + len].iter().map(|t| t.text.to_uppercase()).collect::<Vec<_>>().join(" ");
    (known && led && !governed && acts).then_some((len, text))
}

/// Person nouns that stand in apposition to the name at `at`: (noun, first token, tokens).
fn nouns_around(sentence: &Sentence, at: usize, len: usize) -> Vec<(String, usize, usize)> {
    let words = &sentence.tokens;
    let mut out = Vec::new();
    for n in 0..len {
        if let Some((found, sign)) = PEOPLE.at(words, at + n).filter(|(found, _)| n + found <= len) {
            out.push((sign.noun.clone(), at + n, found));
        }
    }
    for back in 1..=3usize.min(at) {
        let from = at - back;
        if let Some((found, sign)) = PEOPLE.at(words, from).filter(|(found, _)| from + found == at && !words[from].possessive) {
            out.push((sign.noun.clone(), from, found));
        }
    }
    let next = words.get(at + len);
    let apposed = next.is_some_and(|t| t.gap.comma || t.inside || t.gap.dash)
        || next.is_some_and(|t| t.key == "the" && PEOPLE.at(words, at + len + 1).is_some());
    let mut i = at + len;
    while apposed && i < words.len().min(at + len + 14) {
        if !words[i].inside && verb_at(words, i).is_some_and(|(_, v)| v.form == Form::Present) && !words[i].gap.hyphen {
            break;
        }
        match PEOPLE.at(words, i) {
            Some((found, sign)) if words[i + found - 1].key == sign.noun.rsplit(' ').next().unwrap_or("") => {
                if !words[i + found - 1].possessive && !governed(words, at + len, i) {
                    out.push((sign.noun.clone(), i, found));
                }
                i += found;
            }
            _ => i += 1,
        }
    }
    out
}

/// Whether the noun at `at` hangs on a preposition: "with her grandmother".
fn governed(words: &[Token], from: usize, at: usize) -> bool {
    let mut i = at;
    while i > from && !words[i].gap.comma && !words[i].gap.closed {
        i -= 1;
        if is_preposition(&words[i]) {
            return words[i].key != "as";
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roster(script: &str) -> Roster {
        Roster::build(&Film::read(&klieg_film_script::parse("a.fountain", script.as_bytes()).unwrap()))
    }

    fn names(roster: &Roster) -> Vec<&str> {
        roster.people.iter().map(|p| p.name.as_str()).collect()
    }

    #[test]
    fn variants_of_a_name_are_one_person() {
        let got = roster(
            "INT. BAR - DAY\n\nFRANK DELANEY (45), a detective, sits. Lakshmi smiles.\n\nFRANK (V.O.)\nHm.\n\nLAKSHMI\nYes?\n\nFRANK DELANEY (CONT'D)\nNo.\n",
        );
        assert_eq!(names(&got), ["FRANK", "LAKSHMI"]);
        assert_eq!(got.people[0].full_name, "FRANK DELANEY");
        assert_eq!(got.people[0].called[0].noun, "detective");
    }

    #[test]
    fn a_form_of_address_makes_no_second_person() {
        let got = roster("INT. WARD - NIGHT\n\nMR. ABBOTT (80s) sits.\n\nABBOTT\nIs it morning?\n\nCLARE\nNo.\n");
        assert_eq!(names(&got).len(), 2, "{:?}", names(&got));
        let two = roster("INT. HALL - DAY\n\nMR. LANE\nAfter you.\n\nMRS. LANE\nThank you.\n");
        assert_eq!(names(&two).len(), 2);
    }

    #[test]
    fn sounds_and_camera_words_are_nobody() {
        let got =
            roster("INT. BAR - DAY\n\nTHUNDER rolls. CLOSE ON a glass. The PHONE rings. ZORBLAX enters. A WAITER (20s) nods.\n");
        assert_eq!(names(&got), ["ZORBLAX", "WAITER"]);
    }

    #[test]
    fn people_who_act_without_a_cue_are_cast_and_known_nouns_are_not() {
        let got = roster("INT. BAR - DAY\n\nANNA (30), a nurse, sits. The nurse smiles. The waiter pours tea. Gopal laughs.\n");
        assert_eq!(names(&got), ["ANNA", "WAITER", "GOPAL"]);
    }

    #[test]
    fn cues_split_and_voices_belong_to_their_owners() {
        assert_eq!(split_cue("Kenji & Haru"), ["KENJI", "HARU"]);
        assert_eq!(split_cue("FRANK’S VOICE"), ["FRANK"]);
        let got = roster("INT. BAR - DAY\n\nMR. LANE\nA.\n\nMRS. LANE\nB.\n\nOLD MAN\nC.\n\nMAN\nD.\n\nGUESTS\nE.\n");
        assert_eq!(names(&got), ["MR. LANE", "MRS. LANE", "OLD MAN", "MAN", "GUESTS"]);
        assert!(got.people[4].collective && !got.people[3].collective);
    }
}

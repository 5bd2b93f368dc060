//! Who does what: sentences of action to beats, with subjects, objects and the people who are there.

use crate::{
    ballot::Clue,
    dress::is_garment,
    grammar::{is_adverb, is_body_part, is_determiner, is_preposition, pronoun, verb_at},
    moods,
    roster::Roster,
    setting::DRINKS,
    tables::{Form, PEOPLE, THINGS, VerbForm},
    text::{Sentence, Token},
};
use klieg_film_words::story::{Action, Beat, CharacterId, Gender, Mood, Verb};

/// A scene as it is being played.
pub struct Stage<'a> {
    pub roster: &'a Roster,
    pub genders: &'a [Option<Gender>],
    /// Everyone who is there, in order of appearance, with what says so.
    pub present: Vec<(CharacterId, Clue)>,
    /// People by how recently they were named, the latest last.
    recent: Vec<CharacterId>,
    last_subject: Vec<CharacterId>,
    last_prop: Option<String>,
    /// Speakers by how recently they spoke, the latest last.
    spoken: Vec<CharacterId>,
    /// Who was there at the end of the scene before: "They" may go on there.
    pub carried: Vec<CharacterId>,
    pub beats: Vec<Beat>,
}

/// An action in the making.
struct Doing {
    who: Vec<CharacterId>,
    verb: Verb,
    base: String,
    to: Option<CharacterId>,
    prop: Option<String>,
    /// The prop is only a drink so far.
    drink: bool,
}

/// A person in a sentence.
struct Found {
    len: usize,
    ids: Vec<CharacterId>,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// May be subject or object.
    Plain,
    /// "him", "them": never a subject.
    Object,
    /// "Frank's", "her cheek": the owner of what follows.
    Owner,
}

/// Where reading a sentence stands.
#[derive(Default)]
struct Clause {
    subject: Vec<CharacterId>,
    /// A verb of this subject was found.
    verbed: bool,
    /// A comma, "and" or the like stood between the subject and here.
    broken: bool,
    fronted: Vec<&'static VerbForm>,
    /// The person named last in this sentence.
    named: Option<CharacterId>,
    /// Person and thing named before a verb: objects, where verbs stand last.
    ahead: (Option<CharacterId>, Option<String>),
    /// Where the words of the last person named end.
    named_to: usize,
    doing: Option<Doing>,
    done: Vec<Doing>,
}

impl<'a> Stage<'a> {
    pub fn new(roster: &'a Roster, genders: &'a [Option<Gender>]) -> Self {
        Self {
            roster,
            genders,
            present: Vec::new(),
            recent: Vec::new(),
            last_subject: Vec::new(),
            last_prop: None,
            spoken: Vec::new(),
            carried: Vec::new(),
            beats: Vec::new(),
        }
    }

    /// Someone is there.
    pub fn see(&mut self, id: CharacterId, clue: &Clue) {
        if !self.present.iter().any(|(p, _)| *p == id) {
            self.present.push((id, clue.clone()));
        }
        self.note(id);
    }

    /// Someone was named or spoke.
    pub fn note(&mut self, id: CharacterId) {
        self.recent.retain(|r| *r != id);
        self.recent.push(id);
    }

    /// Someone spoke: pronouns may mean them.
    pub fn spoke(&mut self, id: CharacterId) {
        self.note(id);
        self.spoken.retain(|s| *s != id);
        self.spoken.push(id);
        self.last_subject = vec![id];
    }

    /// A parenthetical that tells an action: "(hands her the cup)".
    pub fn aside(&mut self, text: &str, line: u32, speaker: CharacterId) {
        self.last_subject = vec![speaker];
        for sentence in crate::text::sentences(text, line) {
            let starts = verb_at(&sentence.tokens, 0).is_some_and(|(_, v)| matches!(v.form, Form::Present | Form::Ing));
            let told = moods::of_text(text, false).is_some();
            if !starts || told {
                continue;
            }
            let mut clause = Clause { subject: vec![speaker], ..Clause::default() };
            self.clauses(&sentence, &mut clause);
            clause.done.into_iter().for_each(|doing| self.perform(refined(doing), &sentence));
        }
    }

    /// Things that actions handle, but parts of the set.
    pub fn handled(&self) -> Vec<(String, Clue)> {
        let mut out: Vec<(String, Clue)> = Vec::new();
        for beat in &self.beats {
            let Beat::Action(Action { prop: Some(prop), text, line, .. }) = beat else { continue };
            let fixed = THINGS.at(&crate::text::tokens(prop), 0).is_some_and(|(_, t)| t.fixed);
            if !fixed && !out.iter().any(|(name, _)| name == prop) {
                out.push((prop.clone(), Clue::new(*line, text.clone())));
            }
        }
        out
    }

    /// A paragraph of action.
    pub fn paragraph(&mut self, sentences: &[Sentence]) {
        let from = self.beats.len();
        for sentence in sentences {
            let done = self.sentence(sentence);
            if done.is_empty() {
                self.describe(sentence, from);
            }
            for doing in done.into_iter().take(6) {
                self.perform(refined(doing), sentence);
            }
        }
    }

    /// Descriptions of one paragraph that stand together are one beat.
    fn describe(&mut self, sentence: &Sentence, from: usize) {
        let same = self.beats.len() > from;
        match self.beats.last_mut() {
            Some(Beat::Describe { text, .. }) if same => {
                text.push(' ');
                text.push_str(&sentence.text);
            }
            _ => self.beats.push(Beat::Describe { text: sentence.text.clone(), line: sentence.line }),
        }
    }

    fn perform(&mut self, doing: Doing, sentence: &Sentence) {
        let mood = moods::of_text(&sentence.text, false).or_else(|| moods::of_verb(doing.verb)).unwrap_or(Mood::Neutral);
        for who in &doing.who {
            self.beats.push(Beat::Action(Action {
                who: *who,
                verb: doing.verb,
                to: doing.to.filter(|to| to != who).or_else(|| self.each_other(&doing, *who)),
                prop: doing.prop.clone(),
                mood,
                text: sentence.text.clone(),
                line: sentence.line,
            }));
        }
    }

    /// Two who embrace or fight do it with each other.
    fn each_other(&self, doing: &Doing, who: CharacterId) -> Option<CharacterId> {
        let mutual = matches!(doing.verb, Verb::Embrace | Verb::Fight | Verb::Dance | Verb::Look | Verb::Bow);
        match doing.who.as_slice() {
            [a, b] if mutual => Some(if who == *a { *b } else { *a }),
            _ => None,
        }
    }

    /// Reads one sentence.
    fn sentence(&mut self, sentence: &Sentence) -> Vec<Doing> {
        let words = &sentence.tokens;
        let mut clause = Clause::default();
        if starts_with_verb(words) {
            clause.subject = self.last_subject.clone();
        }
        self.clauses(sentence, &mut clause);
        clause.done
    }

    /// Reads the words of a sentence into the clause's actions.
    fn clauses(&mut self, sentence: &Sentence, clause: &mut Clause) {
        let words = &sentence.tokens;
        let mut at = 0;
        while at < words.len() {
            clause.broken |= words[at].gap.comma || words[at].gap.dash || words[at].key == "and";
            if words[at].inside {
                at += 1;
            } else if let Some(id) = clause.named.filter(|_| words[at].key == "who" && !clause.subject.is_empty()) {
                clause.close();
                clause.open(&[id]);
                at += 1;
            } else if let Some(found) = self.person_at(words, at, clause) {
                at += self.place(found, sentence, at, clause);
            } else if let Some((len, verb)) = verb_at(words, at).filter(|(_, v)| fits(words, at, v, clause)) {
                self.start(verb, clause);
                self.owner_within(&words[at..at + len], clause);
                at += len;
            } else if verb_of_other(words, at, clause) {
                clause.close();
                clause.subject.clear();
                at += 1;
            } else {
                at += self.thing_at(words, at, clause);
            }
        }
        clause.close();
        if !clause.subject.is_empty() {
            self.last_subject = clause.subject.clone();
        }
    }

    fn start(&mut self, verb: &'static VerbForm, clause: &mut Clause) {
        clause.close();
        if clause.subject.is_empty() {
            clause.fronted.push(verb);
            return;
        }
        let mut doing = doing(verb, &clause.subject);
        if !verb.base.is_ascii() {
            let (to, prop) = std::mem::take(&mut clause.ahead);
            doing.to = to.filter(|to| !doing.who.contains(to));
            doing.prop = doing.prop.take().or(prop);
        }
        clause.doing = Some(doing);
        clause.verbed = true;
        clause.broken = false;
    }

    /// Phrases with an owner inside: "takes his arm".
    fn owner_within(&self, phrase: &[Token], clause: &mut Clause) {
        let Some(gender) = phrase.iter().find_map(pronoun) else { return };
        let Some(doing) = clause.doing.as_mut().filter(|d| matches!(d.verb, Verb::Touch | Verb::Embrace | Verb::Fight)) else {
            return;
        };
        if doing.who.iter().all(|id| self.genders[*id] != Some(gender)) {
            doing.to = self.of_gender(gender, &doing.who);
        }
    }

    /// A thing behind a verb is what is handled.
    fn thing_at(&mut self, words: &[Token], at: usize, clause: &mut Clause) -> usize {
        let ends = words.get(at + 1).is_none_or(|n| {
            n.gap.comma
                || n.gap.dash
                || n.gap.closed
                || is_preposition(n)
                || is_adverb(n)
                || matches!(n.key.as_str(), "and" | "more" | "but")
        });
        let anaphor = ends && matches!(words[at].key.as_str(), "it" | "one" | "them" | "another");
        let Some((len, thing)) = THINGS.at(words, at) else {
            if let Some(doing) = clause.doing.as_mut().filter(|d| anaphor && d.prop.is_none()) {
                doing.prop = self.last_prop.clone();
            } else if is_body_part(&words[at])
                && let Some(doing) = clause
                    .doing
                    .as_mut()
                    .filter(|d| matches!(d.verb, Verb::Take | Verb::Hold) && d.to.is_some() && d.prop.is_none())
            {
                doing.verb = Verb::Touch;
            }
            return 1;
        };
        let acts =
            crate::tables::VERBS.at(words, at + len).is_some_and(|(_, v)| v.form == Form::Present) && !words[at + len].gap.comma;
        if acts && clause.verbed {
            clause.close();
            clause.subject.clear();
            return len;
        }
        let drink = len == 1 && DRINKS.contains(&words[at].key.as_str());
        let usable = |d: &&mut Doing| (d.prop.is_none() || d.drink) && (!thing.fixed || works_on_sets(d.verb));
        if let Some(doing) = clause.doing.as_mut().filter(usable) {
            let name = if doing.verb == Verb::Pour && drink { vessel_of(&words[at].key) } else { thing.name.clone() };
            let keep = doing.verb == Verb::Pour && doing.drink;
            if !keep {
                doing.prop = Some(name);
            }
            doing.drink = drink && !keep;
        }
        if !thing.fixed {
            clause.ahead.1 = Some(thing.name.clone());
        }
        self.last_prop = Some(thing.name.clone());
        len
    }

    /// Puts a person into the clause; answers the tokens read.
    fn place(&mut self, found: Found, sentence: &Sentence, at: usize, clause: &mut Clause) -> usize {
        let words = &sentence.tokens;
        let clue = Clue::new(sentence.line, sentence.words(at, found.len));
        let named = pronoun(&words[at]).is_none();
        if named && found.kind == Kind::Plain {
            clause.named = found.ids.last().copied();
            clause.named_to = at + found.len;
        }
        if is_there(words, at, found.len, found.kind) {
            found.ids.iter().for_each(|id| self.see(*id, &clue));
        }
        match found.kind {
            Kind::Owner => self.own(words, at + found.len, &found, clause),
            Kind::Object => set_to(clause, &found.ids),
            Kind::Plain => {
                let led_by_preposition = at > 0 && is_preposition(&words[at - 1]);
                let joined =
                    !clause.subject.is_empty() && !clause.verbed && at > 0 && (joins(words, at) || words[at].gap.comma) && named;
                let object = !clause.subject.is_empty() && words[at].skeleton.is_some();
                let acts = !object && acts_next(words, at + found.len, found.ids.len());
                if joined && !led_by_preposition {
                    clause.join(&found.ids);
                    return found.len;
                }
                if (acts && !led_by_preposition) || (clause.doing.is_none() && clause.subject.is_empty() && !led_by_preposition) {
                    clause.close();
                    clause.open(&found.ids);
                } else {
                    set_to(clause, &found.ids);
                }
            }
        }
        found.len
    }

    /// "touches her cheek", "takes his arm": the owner of a body part is the one touched.
    fn own(&self, words: &[Token], next: usize, found: &Found, clause: &mut Clause) {
        let part = (next..words.len().min(next + 3)).find(|i| is_body_part(&words[*i]));
        let Some(part) = part else { return };
        let own_face = words[part].forms.iter().any(|f| {
            matches!(f.as_str(), "hair" | "head" | "eye" | "lip" | "forehead" | "chest" | "back" | "tear" | "nose" | "chin")
        });
        let Some(doing) = clause.doing.as_mut().filter(|d| d.to.is_none()) else { return };
        let other = found.ids.iter().copied().find(|id| !doing.who.contains(id));
        let gentle = matches!(doing.verb, Verb::Touch | Verb::Take | Verb::Hold | Verb::Embrace | Verb::Fight);
        if let Some(other) = other.filter(|_| gentle) {
            doing.to = Some(other);
            if matches!(doing.verb, Verb::Take | Verb::Hold) {
                doing.verb = Verb::Touch;
            }
        } else if gentle && !own_face && doing.verb == Verb::Touch {
            // Someone of the same gender stands by: one touches another's cheek oftener than one's own.
            let gender = self.genders.get(doing.who[0]).copied().flatten();
            let there = self.recent.iter().rev().copied().filter(|id| self.present.iter().any(|(p, _)| p == id));
            doing.to = there.into_iter().find(|id| !doing.who.contains(id) && self.genders[*id] == gender && gender.is_some());
        }
    }

    /// The person that the tokens at `at` mean.
    fn person_at(&self, words: &[Token], at: usize, clause: &Clause) -> Option<Found> {
        if let Some((len, id)) = self.roster.mention(words, at) {
            let owner = words[at + len - 1].possessive;
            return Some(Found { len, ids: vec![id], kind: if owner { Kind::Owner } else { Kind::Plain } });
        }
        let token = &words[at];
        if let Some(gender) = pronoun(token) {
            return self.pronoun_at(words, at, gender, clause);
        }
        match token.key.as_str() {
            "they" | "both" if at == 0 || token.key == "they" => {
                Some(Found { len: 1, ids: self.group(), kind: Kind::Plain }).filter(|f| !f.ids.is_empty())
            }
            "each" if words.get(at + 1).is_some_and(|t| t.key == "other") => None,
            _ => self.noun_at(words, at),
        }
    }

    /// "The detective", "her grandmother".
    fn noun_at(&self, words: &[Token], at: usize) -> Option<Found> {
        let (len, _) = PEOPLE.at(words, at)?;
        let led = (at.saturating_sub(3)..at).any(|i| matches!(words[i].key.as_str(), "the" | "his" | "her" | "their"));
        let id = self.roster.noun(&words[at..at + len]).filter(|_| led)?;
        let kind = if words[at + len - 1].possessive { Kind::Owner } else { Kind::Plain };
        Some(Found { len, ids: vec![id], kind })
    }

    fn pronoun_at(&self, words: &[Token], at: usize, gender: Gender, clause: &Clause) -> Option<Found> {
        let key = words[at].key.as_str();
        if key.ends_with("self") || key == "hers" {
            return None;
        }
        if matches!(key, "he" | "she") {
            let id = self.of_gender(gender, &[])?;
            return Some(Found { len: 1, ids: vec![id], kind: Kind::Plain });
        }
        let owner = key == "his" || (key == "her" && owns_next(words, at));
        if !owner {
            let id = self.of_gender(gender, &clause.subject)?;
            return Some(Found { len: 1, ids: vec![id], kind: Kind::Object });
        }
        let own = clause.subject.iter().copied().find(|id| self.genders[*id] == Some(gender));
        let id = own.or_else(|| self.of_gender(gender, &[]))?;
        Some(Found { len: 1, ids: vec![id], kind: Kind::Owner })
    }

    /// The latest person of a gender, of those there; anyone of unknown gender if no one else.
    fn of_gender(&self, gender: Gender, not: &[CharacterId]) -> Option<CharacterId> {
        let known = |id: &CharacterId| self.genders[*id] == Some(gender) && !not.contains(id);
        let unknown = |id: &CharacterId| self.genders[*id].is_none() && !not.contains(id);
        let there = |id: &CharacterId| self.present.iter().any(|(p, _)| p == id);
        // A subject goes on being the subject: "Anna hugs Beth. She smiles."
        let subject = self.last_subject.iter().copied().find(|id| self.last_subject.len() == 1 && known(id) && there(id));
        let latest = self.recent.iter().rev().copied();
        subject
            .or_else(|| latest.clone().find(|id| known(id) && there(id)))
            .or_else(|| latest.clone().find(|id| unknown(id) && there(id)))
            .or_else(|| latest.clone().find(known))
            .or_else(|| self.carried.iter().copied().find(known))
    }

    /// Whom "they" means: the last subjects when they were several, else everyone there.
    fn group(&self) -> Vec<CharacterId> {
        if self.last_subject.len() > 1 {
            return self.last_subject.clone();
        }
        let there = |id: &CharacterId| self.present.iter().any(|(p, _)| p == id);
        let talking: Vec<CharacterId> = self.spoken.iter().rev().copied().filter(there).take(2).collect();
        if let [b, a] = talking.as_slice() {
            return vec![*a, *b];
        }
        let mut ids: Vec<CharacterId> =
            self.recent.iter().rev().copied().filter(|id| self.present.iter().any(|(p, _)| p == id)).take(3).collect();
        ids.reverse();
        if ids.is_empty() { self.carried.clone() } else { ids }
    }

    /// Those who were last active, for the next scene.
    pub fn carry(&self) -> Vec<CharacterId> {
        let left = |id: &CharacterId| {
            let last =
                self.beats.iter().rev().find_map(|b| if let Beat::Action(a) = b { (a.who == *id).then_some(a.verb) } else { None });
            last == Some(Verb::Exit)
        };
        let there = |id: &CharacterId| self.present.iter().any(|(p, _)| p == id);
        self.recent.iter().rev().copied().filter(|id| there(id) && !left(id)).take(2).collect()
    }
}

impl Clause {
    fn open(&mut self, ids: &[CharacterId]) {
        self.subject = ids.to_vec();
        self.verbed = false;
        self.broken = false;
        for verb in std::mem::take(&mut self.fronted) {
            self.done.push(doing(verb, ids));
        }
    }

    fn join(&mut self, ids: &[CharacterId]) {
        for id in ids {
            if !self.subject.contains(id) {
                self.subject.push(*id);
            }
        }
    }

    fn close(&mut self) {
        if let Some(doing) = self.doing.take() {
            self.done.push(doing);
        }
    }
}

fn doing(verb: &VerbForm, who: &[CharacterId]) -> Doing {
    Doing { who: who.to_vec(), verb: verb.verb, base: verb.base.clone(), to: None, prop: implied(&verb.base), drink: false }
}

/// What a verb means with its object: one beats a drum, but swings a sickle at wheat and pushes a glass to someone.
fn refined(mut doing: Doing) -> Doing {
    let prop = doing.prop.as_deref().unwrap_or("");
    let weapon = matches!(prop, "sword" | "knife" | "gun" | "revolver" | "blaster" | "cane" | "shield" | "bow");
    let starts = |words: &[&str]| words.iter().any(|w| doing.base == *w || doing.base.starts_with(&format!("{w} ")));
    doing.verb = match doing.verb {
        Verb::Fight if matches!(prop, "drum" | "bell" | "guitar" | "flute") => Verb::Play,
        Verb::Fight if matches!(prop, "sickle" | "broom" | "wheat") => Verb::Work,
        Verb::Fight if starts(&["push", "shove", "thrust"]) && !prop.is_empty() && !weapon && doing.to.is_some() => Verb::Give,
        Verb::Fight if starts(&["push"]) && prop == "door" => Verb::Open,
        Verb::Fight
            if starts(&["strike", "hit", "beat", "bang", "smash", "kick", "push", "fire", "block", "dodge", "duck"])
                && doing.to.is_none()
                && !weapon =>
        {
            Verb::Work
        }
        Verb::Work if starts(&["tie"]) && matches!(prop, "necklace" | "garland") => Verb::Give,
        verb => verb,
    };
    doing
}

/// Things that a verb names by itself.
fn implied(base: &str) -> Option<String> {
    let has = |word: &str| base.split(' ').any(|w| w == word);
    let name = match base {
        _ if has("cigarette") => "cigarette",
        "smoke" | "puff" | "stub out" => "cigarette",
        _ if has("garland") => "garland",
        _ if has("lamp") => "oil lamp",
        _ if has("sickle") => "sickle",
        _ if has("sword") || has("duel") || has("parry") => "sword",
        _ if has("phone") => "phone",
        _ if has("letter") => "letter",
        _ if has("door") => "door",
        "drum" => "drum",
        _ => return None,
    };
    Some(name.to_owned())
}

/// Verbs that handle parts of the set: doors, desks, chairs.
fn works_on_sets(verb: Verb) -> bool {
    matches!(verb, Verb::Open | Verb::Close | Verb::Touch | Verb::Turn | Verb::Work | Verb::Point | Verb::Sit | Verb::Fight)
}

fn vessel_of(drink: &str) -> String {
    match drink {
        "tea" | "chai" | "coffee" => "teapot",
        _ => "bottle",
    }
    .to_owned()
}

fn set_to(clause: &mut Clause, ids: &[CharacterId]) {
    if clause.doing.is_none() {
        clause.ahead.0 = ids.first().copied();
    }
    if let Some(doing) = clause.doing.as_mut().filter(|d| d.to.is_none()) {
        doing.to = ids.iter().copied().find(|id| !doing.who.contains(id));
    }
}

/// Telegraphic style: "Walks to the door."
fn starts_with_verb(words: &[Token]) -> bool {
    let first = words.iter().position(|t| !is_adverb(t)).unwrap_or(0);
    crate::tables::VERBS
        .at(words, first)
        .is_some_and(|(len, v)| v.form == Form::Present && words.get(first + len).is_none_or(|n| n.key != "of"))
        && THINGS.at(words, first).is_none_or(|_| verb_at(words, first).is_some())
}

/// "and", with a determiner perhaps: "Layla and the tourist".
fn joins(words: &[Token], at: usize) -> bool {
    let back = if is_determiner(&words[at - 1]) && at >= 2 { at - 2 } else { at - 1 };
    words[back].key == "and"
}

/// Whether a person's name or noun is followed by what they do.
fn acts_next(words: &[Token], mut next: usize, count: usize) -> bool {
    while words.get(next).is_some_and(|t| t.inside || is_adverb(t)) {
        next += 1;
    }
    let Some(token) = words.get(next) else { return false };
    if matches!(token.key.as_str(), "is" | "are" | "has" | "begins" | "starts" | "who") {
        return true;
    }
    verb_at(words, next).is_some_and(|(_, v)| match v.form {
        Form::Present | Form::Past => !token.gap.comma,
        Form::Base => count > 1,
        Form::Ing => false,
    })
}

/// Whether a verb belongs to the clause's subject.
fn fits(words: &[Token], at: usize, verb: &VerbForm, clause: &Clause) -> bool {
    let token = &words[at];
    let before = at.checked_sub(1).map(|b| &words[b]);
    let breaks = token.gap.comma || token.gap.dash || token.gap.closed;
    let joined = before.is_none_or(|b| {
        breaks
            || is_adverb(b)
            || matches!(b.key.as_str(), "and" | "then" | "but" | "or" | "who" | "to")
            || b.capital
            || pronoun(b).is_some()
            || b.gap.hyphen
    });
    let person =
        clause.named_to == at || before.is_some_and(|b| b.key == "they" || b.key == "both" || PEOPLE.word(&b.key).is_some());
    if clause.subject.is_empty() {
        let fronted = at == 0 && verb.form == Form::Ing && words.iter().any(|t| t.gap.comma);
        // "Across the yard waits LADY ISOLDE": the subject stands behind.
        let inverted = verb.form == Form::Present
            && at > 0
            && (is_preposition(&words[0]) || is_adverb(&words[0]) || matches!(words[0].key.as_str(), "here" | "there"));
        let next = words.get(at + 1).is_some_and(|n| n.capital);
        return fronted || (inverted && next);
    }
    match verb.form {
        Form::Present => joined || person || (!clause.verbed && !clause.broken),
        Form::Past => true,
        Form::Ing => joined || clause.verbed && before.is_some_and(|b| !is_determiner(b)) && breaks || person || aux(before),
        Form::Base => before.is_some_and(|b| b.key == "to") || (clause.subject.len() > 1 && (joined || person)),
    }
}

fn aux(before: Option<&Token>) -> bool {
    before.is_some_and(|b| {
        matches!(
            b.key.as_str(),
            "is" | "are" | "was" | "were" | "keeps" | "starts" | "begins" | "sits" | "stands" | "lies" | "while"
        )
    })
}

/// A verb in the present whose subject is a thing: "and the bell rings".
fn verb_of_other(words: &[Token], at: usize, clause: &Clause) -> bool {
    !clause.subject.is_empty()
        && clause.verbed
        && verb_at(words, at).is_some_and(|(_, v)| v.form == Form::Present)
        && at > 0
        && !words[at - 1].capital
        && THINGS.at(words, at).is_none()
}

/// "her" as an owner: a noun follows.
fn owns_next(words: &[Token], at: usize) -> bool {
    words.get(at + 1).is_some_and(|n| {
        let apart = n.gap.comma || n.gap.dash || n.gap.closed || n.capital;
        let joins = matches!(n.key.as_str(), "and" | "but" | "who" | "as" | "while" | "until" | "when");
        !(apart || joins || is_determiner(n) || is_preposition(n) || is_adverb(n))
    })
}

/// Whether a mention means that the person is there: not in a photograph of them, not by what they own elsewhere.
fn is_there(words: &[Token], at: usize, len: usize, kind: Kind) -> bool {
    if kind == Kind::Owner {
        return (at + len..words.len().min(at + len + 3)).any(|i| is_body_part(&words[i]) || is_garment(words, i));
    }
    let before = |n: usize| at.checked_sub(n).map_or("", |i| words[i].key.as_str());
    let absent = matches!(before(1), "about" | "without" | "named" | "called" | "like" | "for");
    let of = before(1) == "of"
        && matches!(
            before(2),
            "photo"
                | "photograph"
                | "picture"
                | "portrait"
                | "painting"
                | "memory"
                | "memories"
                | "thinks"
                | "dreams"
                | "dream"
                | "word"
                | "news"
                | "name"
                | "letter"
                | "ghost"
                | "afraid"
                | "tired"
                | "sign"
                | "thought"
                | "statue"
                | "voice"
                | "sound"
        );
    !(absent || of)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{read::Film, traits};

    /// Actions as (who, verb, to, prop).
    fn actions(action: &str) -> Vec<(String, Verb, Option<String>, Option<String>)> {
        let script = format!("INT. ROOM - DAY\n\nLAKSHMI (20s), a woman. FRANK (40s), a man. VERA (30s), a woman.\n\n{action}\n");
        let film = Film::read(&klieg_film_script::parse("a.fountain", script.as_bytes()).unwrap());
        let roster = Roster::build(&film);
        let genders: Vec<Option<Gender>> = traits::read(&film, &roster).iter().map(traits::Traits::gender_now).collect();
        let mut stage = Stage::new(&roster, &genders);
        for item in &film.scenes[0].items {
            if let crate::read::Item::Action(found) = item {
                stage.paragraph(found);
            }
        }
        let name = |id: CharacterId| roster.people[id].name.clone();
        let beats = stage.beats.iter().filter_map(|b| match b {
            Beat::Action(a) => Some((name(a.who), a.verb, a.to.map(name), a.prop.clone())),
            _ => None,
        });
        beats.collect()
    }

    fn act(who: &str, verb: Verb, to: Option<&str>, prop: Option<&str>) -> (String, Verb, Option<String>, Option<String>) {
        (who.into(), verb, to.map(Into::into), prop.map(Into::into))
    }

    #[test]
    fn one_sentence_may_hold_several_actions() {
        assert_eq!(
            actions("Frank turns to the door and opens it. He gives Vera the umbrella."),
            [
                act("FRANK", Verb::Turn, None, Some("door")),
                act("FRANK", Verb::Open, None, Some("door")),
                act("FRANK", Verb::Give, Some("VERA"), Some("umbrella"))
            ]
        );
        assert_eq!(
            actions("Frank pours whiskey into a glass and gives it to her."),
            [act("FRANK", Verb::Pour, None, Some("bottle")), act("FRANK", Verb::Give, Some("VERA"), Some("glass"))]
        );
    }

    #[test]
    fn subjects_may_be_pronouns_groups_and_left_out() {
        assert_eq!(
            actions("Vera sits. She drinks. Looks at Frank."),
            [
                act("VERA", Verb::Sit, None, None),
                act("VERA", Verb::Drink, None, None),
                act("VERA", Verb::Look, Some("FRANK"), None)
            ]
        );
        assert_eq!(
            actions("Frank and Vera dance."),
            [act("FRANK", Verb::Dance, Some("VERA"), None), act("VERA", Verb::Dance, Some("FRANK"), None)]
        );
        assert_eq!(actions("Vera takes his arm."), [act("VERA", Verb::Touch, Some("FRANK"), None)]);
        assert_eq!(actions("Vera touches her cheek."), [act("VERA", Verb::Touch, Some("LAKSHMI"), None)]);
        assert_eq!(actions("Frank touches his hat."), [act("FRANK", Verb::Touch, None, Some("hat"))]);
    }

    #[test]
    fn things_do_not_act() {
        assert!(actions("Rain hammers the asphalt. A bell rings. Guests sit in rows.").is_empty());
        assert_eq!(actions("Lakshmi laughs, and the bell rings."), [act("LAKSHMI", Verb::Laugh, None, None)]);
    }

    #[test]
    fn beginnings_and_participles_act() {
        assert_eq!(actions("Frank begins to dance."), [act("FRANK", Verb::Dance, None, None)]);
        assert_eq!(actions("Vera is sitting alone."), [act("VERA", Verb::Sit, None, None)]);
        assert_eq!(
            actions("Smiling, Vera pours tea."),
            [act("VERA", Verb::Laugh, None, None), act("VERA", Verb::Pour, None, Some("teapot"))]
        );
    }
}

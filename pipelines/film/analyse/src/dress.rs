//! What people wear, as the script words it.

use crate::{
    grammar::{is_body_part, pronoun, verb_at},
    read::Film,
    roster::Roster,
    tables::{FABRICS, Fabric, Form, GARMENTS, THINGS, Wear},
    text::{Sentence, Token},
    traits::Traits,
};
use klieg_film_words::story::{CharacterId, Garment, Gender};

/// Words that lead to something worn.
const WEARING: &[&str] = &[
    "in",
    "wears",
    "wearing",
    "wear",
    "with",
    "dressed",
    "clad",
    "under",
    "his",
    "her",
    "their",
    "wrapped",
    "wore",
    "sporting",
    "and",
    "hides",
    "beneath",
    "donning",
    "dons",
    "draped",
    "behind",
    "adjusts",
    "straightens",
    "has",
];

/// Words for what a more exact word already says.
const LOOSE: &[(&str, &[&str])] = &[
    ("hat", &["fedora", "cap", "turban", "gat", "beret", "fez", "crown"]),
    ("cap", &["driver cap", "hat"]),
    ("coat", &["trench coat", "doctor coat", "sherwani", "haori"]),
    ("hair", &["bun", "plait", "ponytail", "bob", "curls", "long hair", "short hair", "grey hair", "bald"]),
    ("grey hair", &["bun", "plait", "ponytail", "bob", "curls"]),
    ("dress", &["saree", "gown", "wedding dress", "kimono", "hanbok", "lehenga"]),
    ("uniform", &["police uniform", "soldier uniform", "nurse uniform", "school uniform", "officer uniform"]),
    ("suit", &["sherwani", "space suit", "business suit", "jumpsuit"]),
    ("robe", &["priest robe", "monk robe", "wizard robe", "kimono"]),
    ("shirt", &["work shirt", "t-shirt"]),
];

/// Words from a profession or part that the script's own words for the dress replace.
const IMPLIED: &[&str] = &[
    "officer uniform",
    "soldier uniform",
    "police uniform",
    "nurse uniform",
    "priest robe",
    "monk robe",
    "wizard robe",
    "witch robe",
    "royal robe",
    "royal gown",
    "royal tunic",
    "butler suit",
    "hospital pyjamas",
    "tunic",
    "goblin tunic",
    "bride dress",
    "groom suit",
    "work shirt",
    "trench coat",
    "fedora",
    "shirt",
    "business suit",
    "jumpsuit",
    "apron",
    "waiter vest",
];

/// Whether a garment is named at `at`.
pub fn is_garment(words: &[Token], at: usize) -> bool {
    GARMENTS.at(words, at).is_some()
}

/// Adds everyone's clothes to their traits.
pub fn read(film: &Film, roster: &Roster, all: &mut [Traits]) {
    for scene in &film.scenes {
        let mut about = None;
        for sentence in scene.actions() {
            about = read_sentence(sentence, roster, all, about);
        }
    }
    for traits in all {
        tidy(traits);
    }
}

/// Reads one sentence; `about` is whom a pronoun at its start means.
fn read_sentence(sentence: &Sentence, roster: &Roster, all: &mut [Traits], mut about: Option<CharacterId>) -> Option<CharacterId> {
    let words = &sentence.tokens;
    let starts_with_pronoun = pronoun(&words[0]).is_some();
    let mut wearer = about.filter(|id| starts_with_pronoun && agrees(&all[*id], pronoun(&words[0])));
    let mut at = 0;
    while at < words.len() {
        if let Some((len, id)) = roster.mention(words, at) {
            wearer = Some(id);
            about = about.filter(|_| starts_with_pronoun).or(Some(id));
            at += len;
            continue;
        }
        match GARMENTS.at(words, at) {
            Some((len, wear)) => {
                if let Some(id) = wearer.filter(|id| is_worn(words, at, len, &all[*id])) {
                    put_on(sentence, at, len, wear, &mut all[id]);
                }
                at += len;
            }
            None => at += 1,
        }
    }
    about
}

fn agrees(traits: &Traits, gender: Option<Gender>) -> bool {
    match (traits.gender_now(), gender) {
        (Some(known), Some(said)) => known == said,
        _ => true,
    }
}

/// Whether a garment is on the person, not in a hand or on someone else.
fn is_worn(words: &[Token], at: usize, len: usize, traits: &Traits) -> bool {
    // "a jasmine garland": the garment only describes a thing.
    let modifies = words.get(at + len).is_some_and(|t| !t.gap.comma)
        && THINGS.at(words, at + len).is_some()
        && verb_at(words, at + len).is_none_or(|(_, v)| v.form != Form::Present);
    if modifies || verb_at(words, at).is_some_and(|(_, v)| v.form != Form::Base) {
        return false;
    }
    let mut start = at;
    while start > 0
        && !words[start].gap.comma
        && !words[start].gap.closed
        && (FABRICS.at(words, start - 1).is_some() || is_plain_adjective(&words[start - 1]))
    {
        start -= 1;
    }
    let owner = (at.saturating_sub(4)..at)
        .rev()
        .find_map(|i| matches!(words[i].key.as_str(), "his" | "her").then(|| pronoun(&words[i])).flatten());
    if !agrees(traits, owner) {
        return false;
    }
    (at.saturating_sub(6)..at).any(|i| WEARING.contains(&words[i].key.as_str()))
        || words[start].inside
        || words[start].gap.comma
        || words[start].gap.closed
}

fn put_on(sentence: &Sentence, at: usize, len: usize, wear: &Wear, traits: &mut Traits) {
    let words = &sentence.tokens;
    let (mut colour, mut material, mut from) = (None, None, at);
    while from > 0 && !words[from].gap.comma && !words[from].gap.closed && at - from < 4 {
        match FABRICS.at(words, from - 1) {
            Some((_, Fabric::Colour(c))) => colour = colour.or(Some(c.clone())),
            Some((_, Fabric::Material(m))) => material = material.or(Some(m.clone())),
            None if is_plain_adjective(&words[from - 1]) => {}
            None => break,
        }
        from -= 1;
    }
    if let Some(gender) = wear.gender {
        traits.gender.vote(gender, 0.8, &crate::ballot::Clue::new(sentence.line, sentence.words(at, len)));
    }
    let garment = Garment { name: wear.name.clone(), colour, material, line: sentence.line };
    match traits.dress.iter_mut().find(|(g, _)| g.name == garment.name) {
        Some((old, _)) => {
            old.colour = old.colour.take().or(garment.colour);
            old.material = old.material.take().or(garment.material);
        }
        None => traits.dress.push((garment, sentence.words(from, at + len - from))),
    }
}

/// Words between a colour and its garment that say neither.
fn is_plain_adjective(token: &Token) -> bool {
    matches!(
        token.key.as_str(),
        "long"
            | "short"
            | "simple"
            | "plain"
            | "heavy"
            | "old"
            | "new"
            | "faded"
            | "embroidered"
            | "elegant"
            | "worn"
            | "torn"
            | "wet"
            | "flowing"
            | "bright"
            | "pale"
            | "deep"
            | "light"
            | "crisp"
            | "tight"
            | "loose"
            | "wide"
            | "striped"
            | "checked"
            | "neat"
    ) && !is_body_part(token)
}

/// The garments that a note names: "red silk saree, jasmine". What no table knows is taken as it is.
pub fn garments_of(words: &str, line: u32) -> Vec<Garment> {
    let mut out = Vec::new();
    for piece in words.split([',', ';']).flat_map(|p| p.split(" and ")).map(str::trim).filter(|p| !p.is_empty()) {
        let sentence = Sentence { text: piece.to_owned(), line, tokens: crate::text::tokens(piece) };
        let mut traits = Traits::default();
        for (at, len, wear) in GARMENTS.all(&sentence.tokens) {
            put_on(&sentence, at, len, wear, &mut traits);
        }
        if traits.dress.is_empty() {
            out.push(plain_garment(&sentence));
        }
        out.extend(traits.dress.into_iter().map(|d| d.0));
    }
    out
}

/// A garment that no table knows: what is left of its words without colour and material.
fn plain_garment(sentence: &Sentence) -> Garment {
    let (mut colour, mut material, mut rest) = (None, None, Vec::new());
    for (n, token) in sentence.tokens.iter().enumerate() {
        match FABRICS.at(&sentence.tokens, n) {
            Some((_, Fabric::Colour(c))) if colour.is_none() => colour = Some(c.clone()),
            Some((_, Fabric::Material(m))) if material.is_none() => material = Some(m.clone()),
            _ => rest.push(token.key.as_str()),
        }
    }
    let name = if rest.is_empty() { sentence.text.to_lowercase() } else { rest.join(" ") };
    Garment { name, colour, material, line: sentence.line }
}

/// Drops words that a more exact word makes needless, and implied clothes where the script names its own.
fn tidy(traits: &mut Traits) {
    let names: Vec<String> = traits.dress.iter().map(|(g, _)| g.name.clone()).collect();
    let has = |name: &str| names.iter().any(|n| n == name);
    let worn = [
        "saree",
        "half saree",
        "veshti",
        "lehenga",
        "salwar kameez",
        "kurta",
        "sherwani",
        "kimono",
        "hanbok",
        "qipao",
        "hanfu",
        "suit",
        "tuxedo",
        "dress",
        "wedding dress",
        "tunic",
        "robe",
        "kaftan",
        "thobe",
        "agbada",
        "wrap dress",
        "jacket",
        "coat",
        "uniform",
        "scrubs",
        "space suit",
        "jumpsuit",
        "armour",
        "abaya",
        "dashiki",
        "wax-print wrap",
        "changshan",
    ];
    let dressed = worn.iter().any(|w| has(w));
    let colour_of_hair = traits
        .dress
        .iter()
        .find(|(g, _)| matches!(g.name.as_str(), "hair" | "grey hair"))
        .map(|(g, _)| g.colour.clone().or(Some("grey".to_owned()).filter(|_| g.name == "grey hair")));
    for (garment, _) in &mut traits.dress {
        if matches!(garment.name.as_str(), "bun" | "plait" | "ponytail" | "bob" | "curls" | "long hair" | "short hair")
            && garment.colour.is_none()
        {
            garment.colour = colour_of_hair.clone().flatten();
        }
    }
    let from_script: Vec<bool> = traits
        .dress
        .iter()
        .map(|(g, words)| !words.is_empty() && crate::text::tokens(words).iter().any(|t| g.name.ends_with(t.key.as_str())))
        .collect();
    let mut n = 0;
    traits.dress.retain(|(g, _)| {
        let said = from_script[n];
        n += 1;
        let loose = LOOSE.iter().any(|(name, exact)| *name == g.name && exact.iter().any(|e| has(e)));
        let implied = !said && dressed && IMPLIED.contains(&g.name.as_str());
        !(loose || implied)
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traits;

    fn dress(action: &str) -> Vec<(String, Option<String>, Option<String>)> {
        let script = format!("INT. ROOM - DAY\n\n{action}\n");
        let film = Film::read(&klieg_film_script::parse("a.fountain", script.as_bytes()).unwrap());
        let roster = Roster::build(&film);
        traits::read(&film, &roster)[0].dress.iter().map(|(g, _)| (g.name.clone(), g.colour.clone(), g.material.clone())).collect()
    }

    fn plain(name: &str) -> (String, Option<String>, Option<String>) {
        (name.into(), None, None)
    }

    #[test]
    fn garments_carry_colour_and_material() {
        let saree = ("saree".into(), Some("red".into()), Some("silk".into()));
        assert_eq!(dress("LAKSHMI enters in a red silk saree, jasmine in her hair."), [saree, plain("jasmine")]);
        assert_eq!(
            dress("FRANK (40s), a broad detective in a trench coat and a fedora, smokes. Frank touches his hat."),
            [plain("trench coat"), plain("fedora")]
        );
    }

    #[test]
    fn what_is_carried_or_anothers_is_not_worn() {
        assert!(dress("LAKSHMI walks to him with a jasmine garland.").is_empty());
        assert!(dress("LAKSHMI takes his hat.").is_empty());
    }

    #[test]
    fn hair_takes_its_colour_along_and_pronouns_dress_people() {
        assert_eq!(dress("MICHIKO sits, her grey hair in a bun."), [("bun".into(), Some("grey".into()), None)]);
        assert_eq!(dress("MICHIKO sits. She wears a blue kimono."), [("kimono".into(), Some("blue".into()), None)]);
    }

    #[test]
    fn a_profession_dresses_unless_the_script_does() {
        assert_eq!(dress("RAO, a doctor, sits."), [plain("doctor's coat")]);
        assert_eq!(
            dress("KUMARAN, the groom, in a white veshti, sits."),
            [plain("groom"), ("veshti".into(), Some("white".into()), None)]
        );
    }
}

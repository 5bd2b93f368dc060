//! The cast put together.

use crate::{
    ballot::{Clue, Verdict},
    culture,
    dress::garments_of,
    language,
    log::{DEFAULT, Log},
    notes::{Override, Value},
    roster::{Person, Roster},
    traits::Traits,
};
use klieg_film_words::{
    seed_of,
    story::{Age, Beat, Build, Character, CharacterId, Culture, Garment, Gender, Occasion, Period, Region, Scene},
};

/// What everyone is cast from.
pub struct Casting<'a> {
    pub roster: &'a Roster,
    pub traits: &'a [Traits],
    pub scenes: &'a [Scene],
    pub overrides: &'a [Override],
    /// Whether the scenes' culture rests on words of the script.
    pub culture_known: bool,
}

/// What a note sets for a person: the last one counts.
fn note<T>(overrides: &[Override], roster: &Roster, id: CharacterId, pick: impl Fn(&Value) -> Option<T>) -> Option<(T, Clue)> {
    let own = overrides.iter().rev().filter(|o| o.person.as_deref().is_some_and(|name| roster.by_name(name) == Some(id)));
    own.into_iter().find_map(|o| pick(&o.setting).map(|v| (v, Clue::new(o.line, o.words.clone()))))
}

/// Everyone's gender as far as it is known, notes first.
pub fn genders(roster: &Roster, traits: &[Traits], overrides: &[Override]) -> Vec<Option<Gender>> {
    let noted = |id| note(overrides, roster, id, |v| if let Value::Gender(g) = v { Some(*g) } else { None });
    traits.iter().enumerate().map(|(id, t)| noted(id).map(|n| n.0).or_else(|| t.gender_now())).collect()
}

/// Builds the cast.
pub fn build(casting: &Casting<'_>, log: &mut Log) -> Vec<Character> {
    (0..casting.roster.people.len())
        .map(|id| Actor { casting, id, person: &casting.roster.people[id], traits: &casting.traits[id] }.cast(log))
        .collect()
}

struct Actor<'a> {
    casting: &'a Casting<'a>,
    id: CharacterId,
    person: &'a Person,
    traits: &'a Traits,
}

impl Actor<'_> {
    fn noted<T: Copy>(&self, pick: impl Fn(&Value) -> Option<T>) -> Option<Verdict<T>> {
        note(self.casting.overrides, self.casting.roster, self.id, pick).map(|(value, clue)| Verdict {
            value,
            confidence: 1.0,
            clue,
        })
    }

    fn cast(&self, log: &mut Log) -> Character {
        let name = self.person.name.clone();
        let culture = self.culture(log);
        let line = self.person.first.line;
        let age = self.noted(|v| if let Value::Age(a) = v { Some(*a) } else { None }).or_else(|| self.traits.age.verdict(0.5));
        let usual = if self.traits.occasion.weight(Occasion::Work) > 0.0 { Age::Middle } else { Age::Young };
        let gender =
            self.noted(|v| if let Value::Gender(g) = v { Some(*g) } else { None }).or_else(|| self.traits.gender.verdict(0.3));
        let build =
            self.noted(|v| if let Value::Build(b) = v { Some(*b) } else { None }).or_else(|| self.traits.build.verdict(0.5));
        Character {
            age: log.settle("age", &name, age, usual, line, Age::name),
            gender: log.settle("gender", &name, gender, self.usual_gender(), line, Gender::name),
            build: log.settle("build", &name, build, Build::Medium, line, Build::name),
            culture,
            period: self.period(log),
            occasion: self.occasion(log),
            language: self.language(log),
            dress: self.dress(culture, log),
            line,
            seed: seed_of(&["character", &name]),
            name,
        }
    }

    /// Nothing says: a coin is tossed for people with a name, and what is no person has no gender.
    fn usual_gender(&self) -> Gender {
        const NOBODY: &[&str] = &[
            "robot",
            "android",
            "droid",
            "cyborg",
            "hologram",
            "computer",
            "voice",
            "narrator",
            "ship's computer",
            "ai",
            "baby",
            "infant",
            "newborn",
        ];
        let machine = self.person.called.iter().any(|c| NOBODY.contains(&c.noun.as_str()));
        let name = crate::tables::PEOPLE.all(&crate::text::tokens(&self.person.name));
        let nobody = self.person.collective || machine || name.iter().any(|(_, _, sign)| NOBODY.contains(&sign.noun.as_str()));
        match seed_of(&["gender", &self.person.name]) % 2 {
            _ if nobody => Gender::Neutral,
            0 => Gender::Female,
            _ => Gender::Male,
        }
    }

    /// Scenes that this person is in: seen, else heard.
    fn scenes(&self) -> Vec<&Scene> {
        let seen: Vec<&Scene> = self.casting.scenes.iter().filter(|s| s.present.contains(&self.id)).collect();
        if !seen.is_empty() {
            return seen;
        }
        let speaks = |s: &&Scene| s.beats.iter().any(|b| matches!(b, Beat::Line(l) if l.speaker == self.id));
        let heard: Vec<&Scene> = self.casting.scenes.iter().filter(speaks).collect();
        if heard.is_empty() { self.casting.scenes.iter().take(1).collect() } else { heard }
    }

    /// The value that most of their scenes have, the first of equals, with its first scene's line.
    fn most<T: PartialEq + Copy>(&self, of: impl Fn(&Scene) -> T) -> (T, u32) {
        let scenes = self.scenes();
        let count = |value: T| scenes.iter().filter(|s| of(s) == value).count();
        let mut best = scenes[0];
        for scene in &scenes {
            if count(of(scene)) > count(of(best)) {
                best = scene;
            }
        }
        (of(best), best.lines.0)
    }

    fn culture(&self, log: &mut Log) -> Culture {
        if let Some(v) = self.noted(|v| if let Value::Culture(c) = v { Some(*c) } else { None }) {
            return log.settle("culture", &self.person.name, Some(v), Culture::American, 1, Culture::name);
        }
        let (place, line) = self.most(|s| s.culture);
        let by_name = culture::of_person(self.casting.culture_known.then_some(place), &self.traits.culture);
        let verdict = by_name.map(|(value, confidence, clue)| Verdict { value, confidence, clue });
        log.settle("culture", &self.person.name, verdict, place, line, Culture::name)
    }

    fn period(&self, log: &mut Log) -> Period {
        let noted = self.noted(|v| if let Value::Period(p) = v { Some(*p) } else { None });
        let (place, line) = self.most(|s| s.period);
        log.settle("period", &self.person.name, noted, place, line, Period::name)
    }

    fn occasion(&self, log: &mut Log) -> Occasion {
        let noted = self.noted(|v| if let Value::Occasion(o) = v { Some(*o) } else { None });
        let verdict = noted.or_else(|| self.traits.occasion.verdict(0.5));
        let scenes = self.scenes();
        let feast = scenes.iter().find(|s| matches!(s.occasion, Occasion::Wedding | Occasion::Festival));
        let (usual, line) = feast.map_or_else(|| self.most(|s| s.occasion), |s| (s.occasion, s.lines.0));
        log.settle("occasion", &self.person.name, verdict, usual, line, Occasion::name)
    }

    fn language(&self, log: &mut Log) -> String {
        let own = note(self.casting.overrides, self.casting.roster, self.id, |v| {
            if let Value::Language(l) = v { Some(l.clone()) } else { None }
        });
        if let Some((language, clue)) = own.or_else(|| self.scene_language()) {
            log.add("language", &self.person.name, language.clone(), 1.0, &clue);
            return language;
        }
        let (mut text, mut first) = (String::new(), None);
        for scene in self.casting.scenes {
            for beat in &scene.beats {
                if let Beat::Line(line) = beat
                    && line.speaker == self.id
                {
                    first = first.or_else(|| line.text.split_whitespace().next().map(|w| Clue::new(line.line, w)));
                    text.push_str(&line.text);
                    text.push(' ');
                }
            }
        }
        let language = if first.is_some() { language::of_lines(&text) } else { "en" };
        let clue = first.unwrap_or_else(|| Clue::new(self.person.first.line, DEFAULT));
        let sure = if clue.words == DEFAULT { 0.2 } else { 0.9 };
        log.add("language", &self.person.name, language, sure, &clue);
        language.to_owned()
    }

    /// A note for a scene in which they speak, or for the film.
    fn scene_language(&self) -> Option<(String, Clue)> {
        let speaks = |n: usize| self.casting.scenes[n].beats.iter().any(|b| matches!(b, Beat::Line(l) if l.speaker == self.id));
        let fits = |o: &&Override| o.person.is_none() && o.scene.is_none_or(speaks);
        self.casting.overrides.iter().rev().filter(fits).find_map(|o| match &o.setting {
            Value::Language(l) => Some((l.clone(), Clue::new(o.line, o.words.clone()))),
            _ => None,
        })
    }

    fn dress(&self, culture: Culture, log: &mut Log) -> Vec<Garment> {
        let noted = note(self.casting.overrides, self.casting.roster, self.id, |v| {
            if let Value::Dress(d) = v { Some(d.clone()) } else { None }
        });
        let dress: Vec<(Garment, Clue, f32)> = match noted {
            Some((words, clue)) => garments_of(&words, clue.line).into_iter().map(|g| (g, clue.clone(), 1.0)).collect(),
            None => self
                .traits
                .dress
                .iter()
                .filter_map(|(g, words)| Some((customary(g, culture)?, Clue::new(g.line, words.clone()), 0.85)))
                .collect(),
        };
        for (garment, clue, sure) in &dress {
            log.add("dress", &self.person.name, worded(garment), *sure, clue);
        }
        dress.into_iter().map(|d| d.0).collect()
    }
}

/// What a part or profession wears where it is played; the script's own words stay as they are.
fn customary(garment: &Garment, culture: Culture) -> Option<Garment> {
    let region = culture.region();
    let named = |name: &str| Some(Garment { name: name.to_owned(), ..garment.clone() });
    match (garment.name.as_str(), region) {
        ("bride", Region::Western) => Some(Garment { colour: Some("white".to_owned()), ..named("wedding dress")? }),
        ("groom", Region::Western) => named("tuxedo"),
        ("priest robe", Region::SouthIndian | Region::NorthIndian) => named("priest veshti"),
        ("priest veshti", Region::Western | Region::MiddleEastern | Region::African) => named("priest robe"),
        ("trench coat", region) if region != Region::Western && garment.colour.is_none() && garment.material.is_none() => None,
        ("officer uniform" | "soldier uniform" | "police uniform" | "apron", Region::ScienceFiction | Region::Fantasy) => None,
        _ => Some(garment.clone()),
    }
}

/// "red silk saree".
fn worded(garment: &Garment) -> String {
    let parts = [garment.colour.as_deref(), garment.material.as_deref(), Some(garment.name.as_str())];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

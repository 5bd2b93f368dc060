//! Scenes put together: where, when, in what weather and mood, with what and whom, and what happens.

use crate::{
    ballot::{Ballot, Clue, Verdict},
    culture::{LEAST, Where, Wheres},
    heading::{self, Heading},
    log::Log,
    moods::{self, Leaning},
    notes::{Override, Value},
    read::{Film, Item, SceneText},
    roster::Roster,
    setting::{self, Surroundings},
    stage::Stage,
    talk::{self, Talk},
    text::tokens,
};
use klieg_film_words::{
    seed_of,
    story::{CharacterId, Culture, Gender, LineId, Mood, Occasion, Period, Place, Prop, Scene, TimeOfDay, Weather},
};

/// What every scene is read with.
pub struct Context<'a> {
    pub film: &'a Film,
    pub roster: &'a Roster,
    pub genders: &'a [Option<Gender>],
    pub wheres: &'a Wheres,
    pub overrides: &'a [Override],
}

/// The override of a key for one scene: the scene's own, else the film's; the last one counts.
fn overridden<T>(overrides: &[Override], scene: usize, pick: impl Fn(&Value) -> Option<T>) -> Option<(T, &Override)> {
    let of = |wanted: Option<usize>| {
        overrides.iter().rev().filter(|o| o.person.is_none() && o.scene == wanted).find_map(|o| pick(&o.setting).map(|v| (v, o)))
    };
    of(Some(scene)).or_else(|| of(None))
}

/// A value that a note sets, as a verdict beyond doubt.
fn forced<T: Copy>(found: Option<(T, &Override)>) -> Option<Verdict<T>> {
    found.map(|(value, o)| Verdict { value, confidence: 1.0, clue: Clue::new(o.line, o.words.clone()) })
}

/// Builds every scene.
pub fn build(context: &Context<'_>, log: &mut Log) -> Vec<Scene> {
    let surroundings: Vec<Surroundings> = context.film.scenes.iter().map(|s| setting::read(s, context.roster)).collect();
    let mut occasions: Ballot<Occasion> = Ballot::default();
    for s in &surroundings {
        // What one dresses for all day; other occasions pass with their scene.
        for feast in [Occasion::Wedding, Occasion::Festival] {
            if let Some(v) = s.occasion.of(feast) {
                occasions.vote(feast, 0.5 * s.occasion.weight(feast), &v);
            }
        }
    }
    let mut out: Vec<Scene> = Vec::new();
    let mut next_line: LineId = 0;
    let mut carried = Vec::new();
    for (n, around) in surroundings.into_iter().enumerate() {
        let before = out.last().map(|s: &Scene| s.time);
        let copies = context.film.scenes[..n].iter().filter(|s| s.heading == context.film.scenes[n].heading).count();
        let scene = Builder { context, n, text: &context.film.scenes[n], log }.build(
            around,
            &occasions,
            before,
            copies,
            &mut next_line,
            &mut carried,
        );
        out.push(scene);
    }
    out
}

struct Builder<'a, 'l> {
    context: &'a Context<'a>,
    n: usize,
    text: &'a SceneText,
    log: &'l mut Log,
}

impl<'a> Builder<'a, '_> {
    fn note<T>(&self, pick: impl Fn(&Value) -> Option<T>) -> Option<(T, &Override)> {
        overridden(self.context.overrides, self.n, pick)
    }

    fn build(
        mut self,
        around: Surroundings,
        occasions: &Ballot<Occasion>,
        before: Option<TimeOfDay>,
        copies: usize,
        next_line: &mut LineId,
        carried: &mut Vec<CharacterId>,
    ) -> Scene {
        let id = self.text.id.clone();
        let heading = heading::read(&self.text.heading);
        let wheres = &self.context.wheres.scenes[self.n];
        let culture = self.culture(wheres);
        let period = self.period(wheres);
        let (place, interior) = self.place(&heading, culture);
        let time = self.time(&heading, &around, before);
        let weather = self.weather(&around);
        let occasion = self.occasion(&around, occasions, place);
        let mood = self.mood(&Leaning { place, time, weather, occasion });
        let silent = self.silence(&around);
        let extras = self.extras(&around);
        for (name, clue) in &around.sounds {
            self.log.add("sound", &id, name.clone(), 0.8, clue);
        }
        let mut stage = self.play(mood, next_line, carried);
        let props = self.props(around.props, &stage);
        for (who, clue) in &stage.present {
            self.log.add("present", &id, self.context.roster.people[*who].name.clone(), 0.9, clue);
        }
        Scene {
            seed: seed_of(&["scene", &self.text.heading, &copies.to_string()]),
            id,
            heading: self.text.heading.clone(),
            lines: self.text.lines,
            interior,
            place,
            place_name: heading.place_name,
            time,
            weather,
            culture,
            period,
            mood,
            occasion,
            present: stage.present.iter().map(|(id, _)| *id).collect(),
            extras,
            props,
            beats: std::mem::take(&mut stage.beats),
            sounds: around.sounds.into_iter().map(|(name, clue)| (name, clue.line)).collect(),
            silent,
        }
    }

    fn culture(&mut self, wheres: &Where) -> Culture {
        let note = forced(self.note(|v| if let Value::Culture(c) = v { Some(*c) } else { None }));
        let verdict = note.or_else(|| wheres.culture.verdict(LEAST));
        self.log.settle("culture", &self.text.id, verdict, Culture::American, self.text.lines.0, Culture::name)
    }

    fn period(&mut self, wheres: &Where) -> Period {
        let note = forced(self.note(|v| if let Value::Period(p) = v { Some(*p) } else { None }));
        let verdict = note.or_else(|| wheres.period.verdict(LEAST));
        self.log.settle("period", &self.text.id, verdict, Period::Modern, self.text.lines.0, Period::name)
    }

    /// The archetype and whether it is a room.
    fn place(&mut self, heading: &Heading, culture: Culture) -> (Place, bool) {
        let line = self.text.lines.0;
        let aboard = culture == Culture::ScienceFiction && heading.interior != Some(false);
        let mut found = heading::place_in(&tokens(&heading.place_name), line, aboard);
        let mut confidence = found.as_ref().map_or(0.0, |f| 0.5 + 0.15 * f32::from(f.2));
        if found.is_none() {
            let actions = self.text.actions().take(4).filter_map(|s| heading::place_in(&s.tokens, s.line, aboard));
            found = actions.filter(|f| f.2 >= 2).max_by_key(|f| f.2);
            confidence = 0.5;
        }
        let usual = found.as_ref().and_then(|f| f.1);
        let note = forced(self.note(|v| if let Value::Place(p) = v { Some(*p) } else { None }));
        let inside = self.inside(heading, usual, note.is_some());
        let verdict = note.or_else(|| found.map(|(value, _, _, clue)| Verdict { value, confidence, clue }));
        let default = match (inside.0, culture.region()) {
            (_, klieg_film_words::story::Region::ScienceFiction) => Place::Spaceship,
            (true, _) => Place::House,
            (false, klieg_film_words::story::Region::Fantasy) => Place::Forest,
            (false, _) => Place::Street,
        };
        let place = self.log.settle("place", &self.text.id, verdict, default, line, Place::name);
        let (interior, confidence, clue) = inside;
        self.log.add("interior", &self.text.id, if interior { "yes" } else { "no" }, confidence, &clue);
        (place, interior)
    }

    fn inside(&self, heading: &Heading, usual: Option<bool>, placed: bool) -> (bool, f32, Clue) {
        let line = self.text.lines.0;
        if let Some((interior, o)) = self.note(|v| if let Value::Interior(i) = v { Some(*i) } else { None }) {
            return (interior, 1.0, Clue::new(o.line, o.words.clone()));
        }
        if let Some(interior) = heading.interior {
            return (interior, 0.95, Clue::new(line, heading.prefix.clone()));
        }
        match usual.filter(|_| !placed) {
            Some(interior) => (interior, 0.6, Clue::new(line, heading.place_name.clone())),
            None => (heading.prefix.to_uppercase().contains("INT"), 0.3, Clue::new(line, crate::log::DEFAULT)),
        }
    }

    fn time(&mut self, heading: &Heading, around: &Surroundings, before: Option<TimeOfDay>) -> TimeOfDay {
        let line = self.text.lines.0;
        let verdict = |value, confidence, clue| Some(Verdict { value, confidence, clue });
        let found = forced(self.note(|v| if let Value::Time(t) = v { Some(*t) } else { None }))
            .or_else(|| heading.time.clone().and_then(|(time, words)| verdict(time, 0.95, Clue::new(line, words))))
            .or_else(|| {
                heading.inherits.clone().and_then(|words| {
                    verdict(before.unwrap_or(TimeOfDay::Day), if before.is_some() { 0.8 } else { 0.3 }, Clue::new(line, words))
                })
            })
            .or_else(|| around.time.clone().and_then(|(time, clue)| verdict(time, 0.6, clue)));
        self.log.settle("time", &self.text.id, found, before.unwrap_or(TimeOfDay::Day), line, TimeOfDay::name)
    }

    fn weather(&mut self, around: &Surroundings) -> Weather {
        let note = forced(self.note(|v| if let Value::Weather(w) = v { Some(*w) } else { None }));
        self.log.settle(
            "weather",
            &self.text.id,
            note.or_else(|| around.weather.clone()),
            Weather::Clear,
            self.text.lines.0,
            Weather::name,
        )
    }

    fn occasion(&mut self, around: &Surroundings, film: &Ballot<Occasion>, place: Place) -> Occasion {
        let note = forced(self.note(|v| if let Value::Occasion(o) = v { Some(*o) } else { None }));
        let mut ballot = Ballot::default();
        ballot.merge(&around.occasion, 1.0);
        ballot.merge(film, 0.5);
        if matches!(place, Place::Hospital | Place::Office) {
            ballot.vote(Occasion::Work, 1.2, &Clue::new(self.text.lines.0, self.text.heading.clone()));
        }
        self.log.settle(
            "occasion",
            &self.text.id,
            note.or_else(|| ballot.verdict(1.1)),
            Occasion::Everyday,
            self.text.lines.0,
            Occasion::name,
        )
    }

    fn mood(&mut self, leaning: &Leaning) -> Mood {
        let note = forced(self.note(|v| if let Value::Mood(m) = v { Some(*m) } else { None }));
        let heading = Clue::new(self.text.lines.0, self.text.heading.clone());
        let found = moods::of_scene(self.text, leaning, &heading).verdict(0.5);
        self.log.settle("mood", &self.text.id, note.or(found), Mood::Neutral, self.text.lines.0, Mood::name)
    }

    fn silence(&mut self, around: &Surroundings) -> bool {
        if let Some((silent, line, words)) =
            self.note(|v| if let Value::Silent(s) = v { Some(*s) } else { None }).map(|(s, o)| (s, o.line, o.words.clone()))
        {
            self.log.add("silence", &self.text.id, if silent { "yes" } else { "no" }, 1.0, &Clue::new(line, words));
            return silent;
        }
        if let Some(clue) = &around.silence {
            self.log.add("silence", &self.text.id, "yes", 0.8, clue);
        }
        around.silence.is_some()
    }

    fn extras(&mut self, around: &Surroundings) -> u32 {
        let note = self
            .note(|v| if let Value::Extras(n) = v { Some(*n) } else { None })
            .map(|(n, o)| (n, Clue::new(o.line, o.words.clone())));
        let sure = if note.is_some() { 1.0 } else { 0.7 };
        let Some((count, clue)) = note.or_else(|| around.extras.clone()) else { return 0 };
        self.log.add("extras", &self.text.id, count.to_string(), sure, &clue);
        count
    }

    /// Things the scene names, and those that actions imply.
    fn props(&mut self, mut props: Vec<(String, Clue)>, stage: &Stage<'_>) -> Vec<Prop> {
        for (name, clue) in stage.handled() {
            if !props.iter().any(|(n, _)| *n == name) {
                props.push((name, clue));
            }
        }
        for (name, clue) in &props {
            self.log.add("prop", &self.text.id, name.clone(), 0.8, clue);
        }
        props.into_iter().map(|(name, clue)| Prop { name, line: clue.line }).collect()
    }

    fn play(&self, mood: Mood, next_line: &mut LineId, carried: &mut Vec<CharacterId>) -> Stage<'a> {
        let mut stage = Stage::new(self.context.roster, self.context.genders);
        stage.carried = std::mem::take(carried);
        let mut talk = Talk { scene: self.text, mood, next: *next_line };
        for (at, item) in self.text.items.iter().enumerate() {
            match item {
                Item::Action(found) => stage.paragraph(found),
                Item::Speech(speech) => talk::speak(&mut stage, &mut talk, at, speech),
            }
        }
        *next_line = talk.next;
        *carried = stage.carry();
        stage
    }
}

//! Scripts of many kinds: what a reader takes for granted is found.

use klieg_film_words::story::{Beat, Culture, Gender, Period, Place, Story, TimeOfDay, Verb};

fn read(script: &str) -> Story {
    klieg_film_analyse::analyse(&klieg_film_script::parse("kind.fountain", script.as_bytes()).unwrap(), "kind.fountain").unwrap()
}

fn world(story: &Story) -> (Culture, Period, Place, TimeOfDay) {
    let s = &story.scenes[0];
    (s.culture, s.period, s.place, s.time)
}

fn genders(story: &Story) -> Vec<(&str, Gender)> {
    story.cast.iter().map(|c| (c.name.as_str(), c.gender)).collect()
}

fn did(story: &Story, who: &str, verb: Verb, to: Option<&str>) -> bool {
    let name = |id: usize| story.cast[id].name.as_str();
    story
        .scenes
        .iter()
        .flat_map(|s| &s.beats)
        .any(|b| matches!(b, Beat::Action(a) if name(a.who) == who && a.verb == verb && a.to.map(name) == to))
}

#[test]
fn a_corridor_in_space() {
    let story = read(
        "INT. STARSHIP MERIDIAN - CORRIDOR - NIGHT\n\nRed lights flash. CAPTAIN REYES (50s), in a navy jumpsuit, strides down the corridor. OTTO, a dented robot, hammers at a pipe with a wrench.\n\nOTTO\nYou will not like the odds.\n\nREYES\n(calm)\nDid you count me?\n\nShe takes the wrench from Otto.\n\nINT. ENGINE ROOM - CONTINUOUS\n\nReyes kneels beside Otto.\n",
    );
    assert_eq!(world(&story), (Culture::ScienceFiction, Period::Future, Place::Spaceship, TimeOfDay::Night));
    assert_eq!((story.scenes[1].place, story.scenes[1].time), (Place::Spaceship, TimeOfDay::Night));
    assert_eq!(genders(&story)[0], ("REYES", Gender::Female));
    assert!(did(&story, "REYES", Verb::Take, Some("OTTO")) && did(&story, "REYES", Verb::Kneel, Some("OTTO")));
}

#[test]
fn a_harvest_in_punjab() {
    let story = read(
        "EXT. WHEAT FIELD, VILLAGE NEAR LUDHIANA - MORNING\n\nBALWANT SINGH (65), a big farmer with a white beard and a yellow turban, swings his sickle. His granddaughter SIMRAN (19), green salwar kameez, ties a sheaf of wheat. Harvesters sing.\n\nBALWANT\nOye, Simran puttar!\n\nSIMRAN\nComing, Bauji.\n\nShe hands him a glass of lassi. He drinks it.\n",
    );
    assert_eq!(world(&story), (Culture::Punjabi, Period::Modern, Place::Field, TimeOfDay::Morning));
    assert_eq!(genders(&story), [("BALWANT", Gender::Male), ("SIMRAN", Gender::Female)]);
    assert!(story.cast[0].dress.iter().any(|g| g.name == "turban" && g.colour.as_deref() == Some("yellow")));
    assert!(
        did(&story, "BALWANT", Verb::Work, None)
            && did(&story, "SIMRAN", Verb::Give, Some("BALWANT"))
            && did(&story, "BALWANT", Verb::Drink, None)
    );
    assert!(story.scenes[0].extras >= 5);
}

#[test]
fn a_hospital_at_night() {
    let story = read(
        "INT. ST. MARY'S HOSPITAL - WARD - NIGHT\n\nMonitors beep. NURSE ADELE BROWN (40s) checks MR. HOLLIS, 80, frail, who stares at the ceiling. DR. RAO, exhausted, enters with a clipboard.\n\nDR. RAO\nYou should be asleep, Mr. Hollis.\n\nMR. HOLLIS\nYou first.\n\nAdele smiles. She adjusts his pillow.\n",
    );
    assert_eq!(world(&story), (Culture::American, Period::Modern, Place::Hospital, TimeOfDay::Night));
    assert_eq!(story.cast.len(), 3, "{:?}", genders(&story));
    assert!(story.cast.iter().any(|c| c.name == "DR. RAO" && c.dress.iter().any(|g| g.name == "doctor's coat")));
    assert!(did(&story, "MR. HOLLIS", Verb::Look, None));
    assert!(story.inferences.iter().any(|i| i.what == "present" && i.value == "MR. HOLLIS" && i.because == "MR. HOLLIS"));
}

#[test]
fn a_market_a_duel_and_a_parting() {
    let lagos = read(
        "EXT. BALOGUN MARKET, LAGOS - DAY\n\nMAMA NGOZI (50s) in a gold gele arranges tomatoes. TUNDE (20s) picks one.\n\nTUNDE\nAbeg, Mama.\n",
    );
    assert_eq!(world(&lagos), (Culture::African, Period::Modern, Place::Market, TimeOfDay::Day));
    let duel = read(
        "EXT. CASTLE COURTYARD - DAWN\n\nSER ALDRIC (45) draws his sword. Across the cobbles waits LADY ISOLDE (30s), a rapier in her hand. The dragon yawns. She lunges. He parries.\n",
    );
    assert_eq!(world(&duel), (Culture::Fantasy, Period::Medieval, Place::Courtyard, TimeOfDay::Dawn));
    assert!(did(&duel, "LADY ISOLDE", Verb::Fight, None) && did(&duel, "SER ALDRIC", Verb::Fight, None), "{:?}", genders(&duel));
    let cafe = read(
        "INT. CAFÉ, HONGDAE - DAY\n\nJI-WOO (27) stirs her latte. MIN-HO (28), glasses, can't meet her eyes.\n\nMIN-HO\nI got the job. In Busan.\n\nJI-WOO\nCongratulations, oppa.\n",
    );
    assert_eq!(world(&cafe), (Culture::Korean, Period::Modern, Place::Cafe, TimeOfDay::Day));
    assert_eq!(genders(&cafe), [("JI-WOO", Gender::Female), ("MIN-HO", Gender::Male)]);
}

#[test]
fn telugu_in_telugu_letters() {
    let story = read(
        "EXT. గుడి - ఉదయం\n\nLAKSHMI (22) in a yellow saree rings the temple bell. రవి నవ్వుతాడు.\n\n@లక్ష్మి\nఇంత ఆలస్యమా?\n\n@రవి\nక్షమించు, లక్ష్మి.\n",
    );
    assert_eq!(world(&story), (Culture::Telugu, Period::Modern, Place::Temple, TimeOfDay::Morning));
    assert_eq!(genders(&story), [("లక్ష్మి", Gender::Female), ("రవి", Gender::Male)]);
    assert!(story.cast.iter().all(|c| c.language == "te"));
    assert!(did(&story, "రవి", Verb::Laugh, None));
}

#[test]
fn nothing_said_is_said_to_be_assumed() {
    let story = read("INT. SOMEWHERE - DAY\n\nSomebody waits.\n");
    let culture = story.inferences.iter().find(|i| i.what == "culture" && i.about == "film").unwrap();
    assert_eq!((culture.value.as_str(), culture.because.as_str(), culture.line), ("american", "default", 1));
    assert!(culture.confidence < 0.3);
}

//! Every override works, and says so.

use klieg_film_words::story::{Age, Build, Culture, Gender, Mood, Occasion, Period, Place, Story, TimeOfDay, Weather};

fn read(script: &str) -> Story {
    klieg_film_analyse::analyse(&klieg_film_script::parse("a.fountain", script.as_bytes()).unwrap(), "a.fountain").unwrap()
}

const SCRIPT: &str = "INT. KITCHEN - DAY\n\nANNA (20s), a woman, pours tea. Guests laugh.\n\nANNA\nHello.\n\n{note}\n\nEXT. STREET - NIGHT\n\nBEN walks.\n\nBEN\nGood night.\n";

fn with(note: &str) -> Story {
    read(&SCRIPT.replace("{note}", &format!("[[klieg: {note}]]")))
}

/// Whether an inference says that the note decided.
fn says(story: &Story, what: &str, about: &str, value: &str, because: &str) -> bool {
    story.inferences.iter().any(|i| {
        i.what == what && i.about == about && i.value == value && i.because == because && i.line == 8 && i.confidence == 1.0
    })
}

#[test]
fn scene_overrides_change_their_scene_only() {
    let story = with(
        "culture=tamil period=ancient place=temple interior=no time=dusk weather=rain mood=tender occasion=wedding extras=6 score=none language=ta",
    );
    let scene = &story.scenes[0];
    assert_eq!((scene.culture, scene.period, scene.place, scene.interior), (Culture::Tamil, Period::Ancient, Place::Temple, false));
    assert_eq!(
        (scene.time, scene.weather, scene.mood, scene.occasion),
        (TimeOfDay::Dusk, Weather::Rain, Mood::Tender, Occasion::Wedding)
    );
    assert_eq!((scene.extras, scene.silent), (6, true));
    assert_eq!((story.cast[0].language.as_str(), story.cast[0].culture), ("ta", Culture::Tamil));
    let other = &story.scenes[1];
    assert_eq!(
        (other.culture, other.place, other.time, other.extras, other.silent),
        (Culture::American, Place::Street, TimeOfDay::Night, 0, false)
    );
    assert_eq!(story.cast[1].language, "en");
    for (what, value, because) in [
        ("culture", "tamil", "culture=tamil"),
        ("period", "ancient", "period=ancient"),
        ("place", "temple", "place=temple"),
        ("interior", "no", "interior=no"),
        ("time", "dusk", "time=dusk"),
        ("weather", "rain", "weather=rain"),
        ("mood", "tender", "mood=tender"),
        ("occasion", "wedding", "occasion=wedding"),
        ("extras", "6", "extras=6"),
        ("silence", "yes", "score=none"),
    ] {
        assert!(says(&story, what, "sc010", value, because), "{what}");
    }
    assert!(says(&story, "language", "ANNA", "ta", "language=ta"));
}

#[test]
fn person_overrides_change_the_person() {
    let story = with(
        "ANNA age=old gender=male build=round culture=korean period=noir occasion=formal language=ko dress=\"red silk saree, jasmine\"",
    );
    let anna = &story.cast[0];
    assert_eq!((anna.age, anna.gender, anna.build, anna.culture), (Age::Old, Gender::Male, Build::Round, Culture::Korean));
    assert_eq!((anna.period, anna.occasion, anna.language.as_str()), (Period::Noir, Occasion::Formal, "ko"));
    let dress: Vec<(&str, Option<&str>, Option<&str>)> =
        anna.dress.iter().map(|g| (g.name.as_str(), g.colour.as_deref(), g.material.as_deref())).collect();
    assert_eq!(dress, [("saree", Some("red"), Some("silk")), ("jasmine", None, None)]);
    for (what, value) in [
        ("age", "old"),
        ("gender", "male"),
        ("build", "round"),
        ("culture", "korean"),
        ("period", "noir"),
        ("occasion", "formal"),
        ("language", "ko"),
    ] {
        assert!(says(&story, what, "ANNA", value, &format!("{what}={value}")), "{what}");
    }
}

#[test]
fn notes_before_the_first_heading_are_the_films_and_a_scenes_own_go_before() {
    let story = read(
        "Title: T\n\n[[klieg: culture=punjabi time=dawn]]\n\nINT. HALL - DAY\n\nAnna sits. [[klieg: time=night]]\n\nANNA\nOh.\n\nEXT. YARD - DAY\n\nAnna runs.\n",
    );
    assert_eq!(story.scenes.iter().map(|s| s.time).collect::<Vec<_>>(), [TimeOfDay::Night, TimeOfDay::Dawn]);
    assert!(story.scenes.iter().all(|s| s.culture == Culture::Punjabi));
    assert_eq!(story.cast[0].culture, Culture::Punjabi);
    assert!(story.inferences.iter().any(|i| i.about == "film" && i.what == "culture" && i.value == "punjabi" && i.line == 3));
}

#[test]
fn mistakes_name_line_and_column() {
    let fail = |script: &str| {
        klieg_film_analyse::analyse(&klieg_film_script::parse("a.fountain", script.as_bytes()).unwrap(), "a.fountain").unwrap_err()
    };
    let e = fail("INT. HALL - DAY\n\nAnna sits. [[klieg: colour=red]]\n");
    assert_eq!((e.line, e.column), (3, 21));
    assert!(e.message.contains("unknown key \"colour\"") && e.message.contains("culture, period, place"), "{}", e.message);
    let e = fail("INT. HALL - DAY\n\nAnna sits.\n\nANNA\nYes.\n\n[[klieg: BERTA age=old]]\n");
    assert!(e.message.contains("unknown character \"BERTA\"; the script has ANNA") && e.line == 8, "{e}");
    let e = fail("Just prose.\n");
    assert!(e.message.contains("no scene") && e.message.contains("INT. KITCHEN - DAY"), "{e}");
}

//! The three example scripts, and what a reader would say of them.

use klieg_film_words::story::{Age, Beat, Character, Culture, Gender, Occasion, Period, Place, Story, TimeOfDay, Verb, Weather};

fn example(name: &str) -> (Story, Vec<String>) {
    let path = format!("{}/../../../examples/{name}.fountain", env!("CARGO_MANIFEST_DIR"));
    let bytes = std::fs::read(&path).unwrap();
    let script = klieg_film_script::parse(&path, &bytes).unwrap();
    let lines = String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect();
    (klieg_film_analyse::analyse(&script, &path).unwrap(), lines)
}

fn person<'a>(story: &'a Story, name: &str) -> &'a Character {
    story.cast.iter().find(|c| c.name == name).unwrap_or_else(|| panic!("no {name}"))
}

fn places(story: &Story) -> Vec<(Place, bool, TimeOfDay)> {
    story.scenes.iter().map(|s| (s.place, s.interior, s.time)).collect()
}

fn present(story: &Story, scene: usize) -> Vec<&str> {
    let mut names: Vec<&str> = story.scenes[scene].present.iter().map(|id| story.cast[*id].name.as_str()).collect();
    names.sort_unstable();
    names
}

fn wears(character: &Character, garment: &str, colour: Option<&str>) -> bool {
    character.dress.iter().any(|g| g.name == garment && (colour.is_none() || g.colour.as_deref() == colour))
}

fn does(story: &Story, who: &str, verb: Verb, to: Option<&str>, prop: Option<&str>) -> bool {
    let name = |id: usize| story.cast[id].name.as_str();
    story.scenes.iter().flat_map(|s| &s.beats).any(|b| match b {
        Beat::Action(a) => name(a.who) == who && a.verb == verb && a.to.map(name) == to && a.prop.as_deref() == prop,
        _ => false,
    })
}

/// What every film must hold.
fn sound(story: &Story, lines: &[String]) {
    let beats: usize = story.scenes.iter().map(|s| s.beats.len()).sum();
    assert!(story.scenes.len() >= 3 && beats >= 16, "{beats} beats");
    let mut spoken = 0;
    for beat in story.scenes.iter().flat_map(|s| &s.beats) {
        if let Beat::Line(line) = beat {
            assert_eq!(line.id, spoken, "line ids run over the film");
            assert!(line.to.is_some() || line.off_screen, "{}", line.text);
            assert!(lines[line.line as usize - 1].contains(&line.text), "{}: {}", line.line, line.text);
            spoken += 1;
        }
    }
    for inference in &story.inferences {
        let line = lines.get(inference.line as usize - 1).unwrap_or_else(|| panic!("{inference:?} names no line"));
        let said = inference.because == "default" || line.to_lowercase().contains(&inference.because.to_lowercase());
        assert!(said, "{inference:?} rests on words that its line does not have: {line}");
        assert!((0.0..=1.0).contains(&inference.confidence), "{inference:?}");
    }
    for what in ["culture", "period", "place", "interior", "time", "weather", "mood", "occasion", "present"] {
        for scene in &story.scenes {
            assert!(story.inferences.iter().any(|i| i.what == what && i.about == scene.id), "{} has no {what}", scene.id);
        }
    }
    for what in ["age", "gender", "build", "culture", "period", "occasion", "language"] {
        for character in &story.cast {
            assert!(
                story.inferences.iter().any(|i| i.what == what && i.about == character.name),
                "{} has no {what}",
                character.name
            );
        }
    }
}

#[test]
fn the_wedding_is_tamil() {
    let (story, lines) = example("temple-wedding");
    sound(&story, &lines);
    assert_eq!((story.title.as_str(), story.credits.join(" ").as_str()), ("Three Knots", "written by klieg"));
    for scene in &story.scenes {
        assert_eq!((scene.culture, scene.period, scene.occasion), (Culture::Tamil, Period::Modern, Occasion::Wedding));
    }
    assert_eq!(
        places(&story),
        [
            (Place::Temple, false, TimeOfDay::Dawn),
            (Place::Temple, true, TimeOfDay::Morning),
            (Place::Temple, false, TimeOfDay::Night)
        ]
    );
    let (lakshmi, paati, kumaran) = (person(&story, "LAKSHMI"), person(&story, "PAATI"), person(&story, "KUMARAN"));
    assert_eq!(story.cast.len(), 3);
    assert_eq!((lakshmi.gender, paati.gender, kumaran.gender), (Gender::Female, Gender::Female, Gender::Male));
    assert_eq!((lakshmi.age, paati.age, kumaran.age), (Age::Young, Age::Old, Age::Young));
    assert!(wears(lakshmi, "saree", Some("red")) && wears(lakshmi, "jasmine", None) && wears(kumaran, "veshti", Some("white")));
    assert!(story.scenes[1].extras >= 5);
    assert!(story.scenes[1].props.iter().any(|p| p.name == "garland"));
    assert!(does(&story, "LAKSHMI", Verb::Give, Some("KUMARAN"), Some("garland")));
    assert!(does(&story, "LAKSHMI", Verb::Embrace, Some("KUMARAN"), None));
    assert_eq!(present(&story, 2), ["KUMARAN", "LAKSHMI"], "who is only heard is not there");
}

#[test]
fn the_noir_is_american_and_wet() {
    let (story, lines) = example("rain-noir");
    sound(&story, &lines);
    assert!(story.scenes.iter().all(|s| (s.culture, s.period) == (Culture::American, Period::Noir)));
    assert_eq!(
        places(&story),
        [(Place::Street, false, TimeOfDay::Night), (Place::Bar, true, TimeOfDay::Night), (Place::Street, false, TimeOfDay::Dawn)]
    );
    assert_eq!(story.scenes.iter().map(|s| s.weather).collect::<Vec<_>>(), [Weather::Rain, Weather::Rain, Weather::Fog]);
    let (frank, vera) = (person(&story, "FRANK"), person(&story, "VERA"));
    assert_eq!(story.cast.len(), 2);
    assert_eq!((frank.gender, vera.gender), (Gender::Male, Gender::Female));
    assert!(
        wears(frank, "trench coat", None)
            && wears(frank, "fedora", None)
            && wears(vera, "dress", Some("red"))
            && wears(vera, "gloves", Some("black"))
    );
    assert!(does(&story, "FRANK", Verb::Give, Some("VERA"), Some("umbrella")));
    assert!(does(&story, "VERA", Verb::Walk, Some("FRANK"), None));
    assert!(does(&story, "FRANK", Verb::Smoke, None, Some("cigarette")));
    let first = story.scenes[0].beats.iter().find_map(|b| if let Beat::Line(l) = b { Some(l) } else { None }).unwrap();
    assert!(first.off_screen && first.to.is_none(), "a voice over speaks to nobody");
}

#[test]
fn the_garden_is_japanese() {
    let (story, lines) = example("spring-garden");
    sound(&story, &lines);
    assert!(story.scenes.iter().all(|s| s.culture == Culture::Japanese));
    assert_eq!(
        places(&story),
        [
            (Place::Garden, false, TimeOfDay::Morning),
            (Place::TeaHouse, true, TimeOfDay::Afternoon),
            (Place::Garden, false, TimeOfDay::Dusk)
        ]
    );
    let (kenji, haru, michiko) = (person(&story, "KENJI"), person(&story, "HARU"), person(&story, "MICHIKO"));
    assert_eq!(story.cast.len(), 3);
    assert_eq!((kenji.gender, haru.gender, michiko.gender), (Gender::Male, Gender::Female, Gender::Female));
    assert_eq!((kenji.age, haru.age, michiko.age), (Age::Old, Age::Child, Age::Old));
    assert!(wears(kenji, "kimono", Some("indigo")) && wears(michiko, "bun", Some("grey")));
    assert!(does(&story, "HARU", Verb::Run, Some("KENJI"), Some("flower")));
    assert!(does(&story, "MICHIKO", Verb::Pour, None, Some("teapot")));
    assert!(does(&story, "MICHIKO", Verb::Touch, Some("KENJI"), None));
}

#[test]
fn an_edit_elsewhere_changes_no_seed() {
    let path = format!("{}/../../../examples/spring-garden.fountain", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let read = |text: &str| {
        klieg_film_analyse::analyse(&klieg_film_script::parse("a.fountain", text.as_bytes()).unwrap(), "a.fountain").unwrap()
    };
    let (before, after) =
        (read(&text), read(&text.replace("EXT. OLD GARDEN", "INT. SHED - DAY\n\nGORO (30s) sleeps.\n\nEXT. OLD GARDEN")));
    assert_eq!(before.scenes[1].seed, after.scenes[2].seed);
    assert_eq!(person(&before, "MICHIKO").seed, person(&after, "MICHIKO").seed);
}

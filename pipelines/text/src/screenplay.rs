//! What a model wrote, in a schema's form, as a screenplay that reads as it was meant.

use klieg_film_script::{Element, ElementKind, Script, Span};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Characters of a title, a name, a place, a summary and a paragraph.
const TITLE_MAX: usize = 60;
const NAME_MAX: usize = 20;
const PLACE_MAX: usize = 30;
const SUMMARY_MAX: usize = 200;
const TEXT_MAX: usize = 240;
/// People of a script.
const CAST_MAX: usize = 8;
/// Paragraphs and speeches of a scene.
const BEATS_MAX: usize = 16;

/// A script in outline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outline {
    pub title: String,
    pub cast: Vec<String>,
    pub scenes: Vec<Sketch>,
}

/// A scene in outline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sketch {
    pub inside: bool,
    pub place: String,
    pub time: String,
    pub summary: String,
}

/// What happens or is said in a scene.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Beat {
    Speech { who: String, how: Option<String>, says: String },
    Action { action: String },
}

/// A scene as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scene {
    pub beats: Vec<Beat>,
}

fn text(max: usize) -> Value {
    json!({"type": "string", "minLength": 1, "maxLength": max})
}

/// The form of an outline of so many scenes.
pub fn outline_schema(scenes: u32) -> Value {
    let sketch = json!({
        "type": "object", "additionalProperties": false, "required": ["inside", "place", "time", "summary"],
        "properties": {
            "inside": {"type": "boolean"}, "place": {"type": "string", "pattern": format!("^[A-Z][A-Z' ]{{1,{PLACE_MAX}}}$")},
            "time": {"enum": ["DAY", "NIGHT", "DAWN", "DUSK", "MORNING", "EVENING"]}, "summary": text(SUMMARY_MAX),
        },
    });
    json!({
        "type": "object", "additionalProperties": false, "required": ["title", "cast", "scenes"],
        "properties": {
            "title": text(TITLE_MAX),
            "cast": {"type": "array", "minItems": 1, "maxItems": CAST_MAX, "items": {"type": "string", "pattern": format!("^[A-Z]{{2,{NAME_MAX}}}$")}},
            "scenes": {"type": "array", "minItems": scenes, "maxItems": scenes, "items": sketch},
        },
    })
}

/// The form of a scene of these people.
pub fn scene_schema(cast: &[String]) -> Value {
    let speech = json!({
        "type": "object", "additionalProperties": false, "required": ["who", "how", "says"],
        "properties": {"who": {"enum": cast}, "how": {"anyOf": [{"type": "null"}, text(NAME_MAX)]}, "says": text(TEXT_MAX)},
    });
    let action =
        json!({"type": "object", "additionalProperties": false, "required": ["action"], "properties": {"action": text(TEXT_MAX)}});
    json!({
        "type": "object", "additionalProperties": false, "required": ["beats"],
        "properties": {"beats": {"type": "array", "minItems": 1, "maxItems": BEATS_MAX, "items": {"anyOf": [action, speech]}}},
    })
}

/// One line of printable characters, with no marks that screenplays give a meaning; `None` when nothing is left.
fn line(text: &str) -> Option<String> {
    let unmarked = |c: char| if c.is_control() || matches!(c, '[' | ']' | '*' | '_' | '\\' | '\u{FFFD}') { ' ' } else { c };
    let plain: String = text.replace("/*", " ").replace("*/", " ").chars().map(unmarked).collect();
    let words: Vec<&str> = plain.split_whitespace().collect();
    let joined = words.join(" ");
    joined.chars().any(char::is_alphanumeric).then_some(joined)
}

fn element(kind: ElementKind, text: String) -> Element {
    Element::new(kind, text, Span::default())
}

/// The screenplay. What cannot be mended (a scene in which nothing is left) is refused with its number.
pub fn written(outline: &Outline, scenes: &[Scene]) -> Result<String, String> {
    let title = line(&outline.title).unwrap_or_else(|| "Untitled".into());
    let mut script = Script { title_page: vec![("Title".into(), vec![title])], elements: Vec::new() };
    for (at, (sketch, scene)) in outline.scenes.iter().zip(scenes).enumerate() {
        let place = line(&sketch.place).unwrap_or_else(|| "SOMEWHERE".into());
        let inside = if sketch.inside { "INT." } else { "EXT." };
        script.elements.push(element(ElementKind::SceneHeading, format!("{inside} {place} - {}", sketch.time)));
        let before = script.elements.len();
        scene.beats.iter().for_each(|beat| play(beat, &mut script.elements));
        if script.elements.len() == before {
            return Err(format!("scene {} has nothing that can be played", at + 1));
        }
    }
    let fountain = script.to_fountain();
    let again = klieg_film_script::parse("script.fountain", fountain.as_bytes()).map_err(|error| error.to_string())?;
    klieg_film_script::require_scenes("script.fountain", &again).map_err(|error| error.to_string())?;
    let kinds = |script: &Script| script.elements.iter().map(|element| (element.kind, element.text.clone())).collect::<Vec<_>>();
    match kinds(&again) == kinds(&script) {
        true => Ok(fountain),
        false => Err("it would read as something else than was meant".into()),
    }
}

fn play(beat: &Beat, elements: &mut Vec<Element>) {
    match beat {
        Beat::Action { action } => elements.extend(line(action).map(|action| element(ElementKind::Action, action))),
        Beat::Speech { who, how, says } => {
            let (Some(who), Some(says)) = (line(who), line(says)) else { return };
            elements.push(element(ElementKind::Character, who));
            let how = how.as_deref().and_then(line).map(|how| how.replace(['(', ')'], ""));
            elements
                .extend(how.filter(|how| !how.trim().is_empty()).map(|how| element(ElementKind::Parenthetical, how.trim().into())));
            elements.push(element(ElementKind::Dialogue, unparenthesised(says)));
        }
    }
}

/// A speech that is all in parentheses would be how it is said.
fn unparenthesised(says: String) -> String {
    match says.starts_with('(') && says.ends_with(')') || says.starts_with('~') {
        true => format!("… {says}"),
        false => says,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outline(scenes: usize) -> Outline {
        let sketch = Sketch { inside: true, place: "KITCHEN".into(), time: "DAY".into(), summary: "Tea.".into() };
        Outline { title: "Rain".into(), cast: vec!["ANNA".into()], scenes: vec![sketch; scenes] }
    }

    #[test]
    fn a_scene_reads_as_it_was_meant() {
        let beats = vec![
            Beat::Action { action: "INT. this is no heading, but a sentence.".into() },
            Beat::Speech { who: "ANNA".into(), how: Some("(softly)".into()), says: "(all of it in parentheses)".into() },
            Beat::Speech { who: "ANNA".into(), how: None, says: "~not a song\n\nBEN\nnor another speech".into() },
            Beat::Action { action: "FADE TO:".into() },
            Beat::Action { action: "> centred? <".into() },
            Beat::Action { action: "# neither a section [[nor a note]] /* nor cut */".into() },
            Beat::Action { action: "===".into() },
        ];
        let text = written(&outline(1), &[Scene { beats }]).unwrap();
        let script = klieg_film_script::parse("x.fountain", text.as_bytes()).unwrap();
        let count = |kind| script.elements.iter().filter(|element| element.kind == kind).count();
        assert_eq!(count(ElementKind::SceneHeading), 1, "{text}");
        assert_eq!(
            (count(ElementKind::Character), count(ElementKind::Dialogue), count(ElementKind::Parenthetical)),
            (2, 2, 1),
            "{text}"
        );
    }

    #[test]
    fn any_letters_are_mended_or_refused() {
        // Every beat of marks that mean something to Fountain: what comes back reads as meant, or is an error, never something else.
        let marks: Vec<char> = "aB .!@>~#=[]()/*_-:^\\\n\t{}\"'…".chars().collect();
        let mut state = 7u64;
        let mut next = |count: usize| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 33) as usize % count
        };
        let mut made = 0;
        for _ in 0..3000 {
            let mut text = || (0..next(9)).map(|_| 0).collect::<Vec<_>>().len();
            let lengths = [text(), text()];
            let mut words = lengths.map(|length| (0..length + 1).map(|_| marks[next(marks.len())]).collect::<String>());
            let speech = Beat::Speech { who: "ANNA".into(), how: Some(std::mem::take(&mut words[0])), says: words[1].clone() };
            let beats = vec![Beat::Action { action: std::mem::take(&mut words[1]) }, speech];
            made += usize::from(written(&outline(1), &[Scene { beats }]).is_ok());
        }
        // Most such beats have no word in them and are refused.
        assert!(made > 600, "{made} of 3000 were mended");
    }

    #[test]
    fn a_scene_without_anything_is_refused() {
        let error = written(
            &outline(2),
            &[
                Scene { beats: vec![Beat::Action { action: "Rain.".into() }] },
                Scene { beats: vec![Beat::Action { action: "***".into() }] },
            ],
        );
        assert!(error.unwrap_err().contains("scene 2"));
    }
}

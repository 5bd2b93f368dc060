//! The last step: the contact sheet, and the manifest that says of every picture what it was made of.

use crate::delivery::file_name;
use crate::encode::failed;
use crate::metadata::ALGORITHMIC;
use crate::params::ImageParams;
use crate::plan::{Part, SHEET_MAX};
use crate::prompt::Reading;
use klieg_film_words::shot::Shot;
use klieg_film_words::story::Story;
use klieg_kind::Desk;
use klieg_protocol::{Digest, TaskFailure, TaskResult};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A signature is no function of the picture, so it is not made here.
const UNSIGNED: &str =
    "none in the farm's own bytes; who delivers them may sign them (--c2pa-key), and notes it in provenance.json";

/// What the manifest says of one picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// From 0.
    pub number: u64,
    pub seed: u64,
    pub digest: Digest,
    pub bytes: u64,
    /// How it was framed: size, angle, lens, where the camera stood.
    pub shot: Value,
}

impl Record {
    pub fn of(number: u64, seed: u64, bytes: &[u8], digest: Digest, shot: &Shot) -> Self {
        let key = shot.camera.first();
        let framed = json!({
            "size": shot.size, "angle": shot.angle, "lens_mm": key.map(|key| key.lens_mm), "camera": key.map(|key| key.position),
            "looks_at": key.map(|key| key.look_at),
        });
        Self { number, seed, digest, bytes: bytes.len() as u64, shot: framed }
    }
}

/// Runs the `sheet` task: `contact` and `manifest`.
pub fn run(part: &Part, reading: &Reading, story: &Story, desk: &mut dyn Desk) -> Result<TaskResult, TaskFailure> {
    let (mut records, mut thumbs) = (Vec::new(), Vec::new());
    for name in desk.inputs() {
        if name.starts_with("record/") {
            let of: Vec<Record> = serde_json::from_slice(&desk.input(&name)?).map_err(|e| failed("read a record", e))?;
            records.extend(of);
        } else {
            thumbs.push(desk.input(&name)?);
        }
    }
    records.sort_by_key(|record| record.number);
    let contact = klieg_pipelines::film::contact_sheet(&thumbs).map_err(|e| failed("lay out the contact sheet", e))?;
    let manifest = manifest(&part.image, reading, story, &records);
    let text = serde_json::to_vec_pretty(&manifest).map_err(|e| failed("write the manifest", e))?;
    let outputs = BTreeMap::from([("contact".to_owned(), desk.store(&contact)?), ("manifest".to_owned(), desk.store(&text)?)]);
    Ok(TaskResult { outputs, adds: Vec::new() })
}

/// Everything that gives these pictures again, and how the prompt was read.
fn manifest(params: &ImageParams, reading: &Reading, story: &Story, records: &[Record]) -> Value {
    let scene = story.scenes.first();
    let understood = |known: bool| -> Vec<Value> {
        let words = reading.words.iter().filter(|word| word.taken_for.is_empty() != known);
        words
            .map(|word| if known { json!({"words": word.words, "taken_for": word.taken_for}) } else { json!(word.words) })
            .collect()
    };
    let pictures = records.iter().map(|record| {
        json!({"file": file_name(params, record.number), "seed": record.seed, "digest": record.digest, "bytes": record.bytes, "shot": record.shot})
    });
    json!({
        "klieg": env!("CARGO_PKG_VERSION"),
        "kind": "image",
        "renderer": "previz",
        "renderer_note": "puppets on miniature sets by the film's renderer: a picture of what was understood of the prompt, not of an image model",
        "digital_source_type": ALGORITHMIC,
        "content_credentials": UNSIGNED,
        "params": params,
        "prompt": {
            "understood": understood(true),
            "not_understood": understood(false),
            "negative": {"left_out": reading.without, "not_heeded": reading.unheeded},
        },
        "scene": scene.map(|scene| json!({
            "place": scene.place, "interior": scene.interior, "time": scene.time, "weather": scene.weather, "culture": scene.culture,
            "period": scene.period, "mood": scene.mood, "occasion": scene.occasion, "extras": scene.extras,
            "props": scene.props.iter().map(|prop| prop.name.clone()).collect::<Vec<_>>(),
            "people": scene.present.iter().filter_map(|id| story.cast.get(*id)).map(|who| json!({
                "name": who.name, "age": who.age, "gender": who.gender, "culture": who.culture,
                "dress": who.dress.iter().map(|worn| json!({"name": worn.name, "colour": worn.colour})).collect::<Vec<_>>()})).collect::<Vec<_>>(),
        })),
        "inferences": story.inferences.iter().map(|i| json!({"what": i.what, "about": i.about, "value": i.value, "because": i.because})).collect::<Vec<_>>(),
        "contact_sheet": {"file": "contact-sheet.png", "every": params.count.div_ceil(SHEET_MAX)},
        "pictures": pictures.collect::<Vec<_>>(),
    })
}

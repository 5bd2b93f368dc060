//! Jobs of the kind, planned and run: vectors in the input's order whatever the order of tasks, formats, pictures, what is refused.

mod desk;

use candle_core::{DType, Device};
use desk::{House, golden};
use klieg_embed::Manifest;
use klieg_encoders::Embedder;
use klieg_models::Family;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;

fn house() -> House {
    House::new(&[
        ("tiny", Family::Bert, golden("bert")),
        ("both", Family::Clip, golden("clip")),
        ("plain", Family::Vit, golden("vit")),
    ])
}

const LINES: &str = "A temple at dusk.\nThe bride runs down the steps.\nrain\n寺の鐘が鳴る。\nthe drums begin again\n";

/// The vectors of a job's JSON lines.
fn rows(files: &BTreeMap<String, Vec<u8>>) -> Vec<Value> {
    let text = String::from_utf8(files["vectors.jsonl"].clone()).expect("UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect("a row")).collect()
}

fn manifest(files: &BTreeMap<String, Vec<u8>>) -> Manifest {
    serde_json::from_slice(&files["manifest.json"]).expect("a manifest")
}

#[test]
fn rows_are_the_models_vectors_in_the_inputs_order() {
    let mut house = house();
    let params = json!({"file": "lines.txt", "model": "tiny", "format": "jsonl", "rows_a_task": 2});
    let job = house.job(params, &[("script", LINES.as_bytes())]);
    assert_eq!(house.plan(&job).expect("a plan").tasks.len(), 4);
    let first = house.run(&job, |_| 0).expect("files");
    let last = house.run(&job, |ready| ready - 1).expect("files");
    assert!(first == last, "the order of tasks is seen");
    let whole = json!({"file": "lines.txt", "model": "tiny", "format": "jsonl"});
    let whole = house.job(whole, &[("script", LINES.as_bytes())]);
    assert!(house.run(&whole, |_| 0).expect("files")["vectors.jsonl"] == first["vectors.jsonl"], "how a job is cut is seen");

    let embedder = Embedder::open(&golden("bert"), DType::F32, &Device::Cpu).expect("a model");
    let expected = embedder.texts(&LINES.lines().collect::<Vec<_>>()).expect("vectors");
    for (i, (row, expected)) in rows(&first).iter().zip(&expected).enumerate() {
        let vector: Vec<f32> = serde_json::from_value(row["vector"].clone()).expect("a vector");
        assert_eq!((row["index"].as_u64(), row["line"].as_u64()), (Some(i as u64), Some(i as u64 + 1)));
        assert_eq!(vector, expected.values);
        assert!((vector.iter().map(|x| x * x).sum::<f32>() - 1.0).abs() < 1e-5, "the model gives units");
    }
    let manifest = manifest(&first);
    assert_eq!((manifest.rows, manifest.width, manifest.normalized, manifest.cut), (5, 48, true, 0));
    assert!(manifest.model.digest.len() == 64 && manifest.tool.starts_with("klieg "), "{manifest:?}");
}

#[test]
fn every_format_and_width_holds_the_same_rows() {
    let mut house = house();
    for (format, file, magic) in [("arrow", "vectors.arrow", &b"ARROW1"[..]), ("parquet", "vectors.parquet", b"PAR1")] {
        let job = house.job(json!({"file": "a.txt", "model": "tiny", "format": format}), &[("script", LINES.as_bytes())]);
        let files = house.run(&job, |_| 0).expect("files");
        assert!(files[file].starts_with(magic) && manifest(&files).file == file);
    }
    let jsonl = |house: &mut House, more: Value| {
        let mut params = json!({"file": "a.txt", "model": "tiny", "format": "jsonl"});
        params.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        let job = house.job(params, &[("script", LINES.as_bytes())]);
        rows(&house.run(&job, |_| 0).expect("files"))
    };
    let length = |row: &Value| {
        row["vector"].as_array().expect("a vector").iter().map(|x| x.as_f64().expect("a number").powi(2)).sum::<f64>().sqrt()
    };
    let (wide, half, free) =
        (jsonl(&mut house, json!({})), jsonl(&mut house, json!({"dtype": "f16"})), jsonl(&mut house, json!({"normalize": false})));
    assert!((length(&half[0]) - 1.0).abs() < 2e-3 && wide[0]["vector"] != half[0]["vector"]);
    assert!((length(&free[0]) - 1.0).abs() > 0.01, "the model's own lengths are others");
}

#[test]
fn scenes_and_json_lines_have_their_names() {
    let mut house = house();
    let script = "INT. KITCHEN - DAY\n\nTea boils.\n\nEXT. BRIDGE - NIGHT\n\nRain.\n";
    let job = house.job(json!({"file": "a.fountain", "model": "tiny", "format": "jsonl"}), &[("script", script.as_bytes())]);
    let scenes = rows(&house.run(&job, |_| 0).expect("files"));
    assert_eq!(
        scenes.iter().map(|row| row["name"].as_str().expect("a name")).collect::<Vec<_>>(),
        ["INT. KITCHEN - DAY", "EXT. BRIDGE - NIGHT"]
    );
    let lines = "{\"id\": \"x\", \"body\": \"tea\"}\n{\"id\": 2, \"body\": \"rain\"}\n";
    let job =
        house.job(json!({"file": "a.jsonl", "field": "body", "model": "tiny", "format": "jsonl"}), &[("script", lines.as_bytes())]);
    let lines = rows(&house.run(&job, |_| 0).expect("files"));
    assert_eq!((lines[0]["name"].as_str(), lines[1]["name"].as_str()), (Some("x"), Some("2")));
}

#[test]
fn a_long_text_is_cut_and_said_or_refused() {
    let mut house = house();
    let text = format!("short\n{}\n", "rain on the temple ".repeat(5300));
    assert!(text.len() > 100_000);
    let job = house.job(json!({"file": "a.txt", "model": "tiny", "format": "jsonl"}), &[("script", text.as_bytes())]);
    let files = house.run(&job, |_| 0).expect("files");
    let cut = manifest(&files);
    assert!(
        cut.cut == 1 && cut.cut_rows[0].index == 1 && cut.cut_rows[0].line == 2 && cut.cut_rows[0].left_out > 10_000,
        "{cut:?}"
    );
    assert_eq!(rows(&files)[1]["tokens"], 64);
    let job = house.job(json!({"file": "a.txt", "model": "tiny", "long": "refuse"}), &[("script", text.as_bytes())]);
    let refused = house.plan(&job).expect_err("it is too long");
    assert!(refused.line == 2 && refused.message.contains("64"), "{refused}");
}

fn png(width: u32, height: u32, shade: u8) -> Vec<u8> {
    let picture = image::RgbImage::from_fn(width, height, |x, y| image::Rgb([shade, (x * 7) as u8, (y * 5) as u8]));
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut bytes, image::ImageFormat::Png).expect("a PNG");
    bytes.into_inner()
}

#[test]
fn pictures_are_rows_too() {
    let mut house = house();
    let (a, b) = (png(40, 30, 10), png(64, 64, 200));
    let job = house.job(json!({"model": "both", "format": "jsonl"}), &[("b.png", &b), ("a.png", &a)]);
    let files = house.run(&job, |ready| ready - 1).expect("files");
    let rows = rows(&files);
    assert_eq!(rows.iter().map(|row| row["name"].as_str().expect("a name")).collect::<Vec<_>>(), ["a.png", "b.png"]);
    assert!(rows[0]["vector"] != rows[1]["vector"] && manifest(&files).width == 24);
    let job = house.job(json!({"model": "tiny"}), &[("a.png", &a)]);
    assert!(house.plan(&job).expect_err("texts only").message.contains("texts only"));
    let job = house.job(json!({"model": "both"}), &[("a.png", &a[..60])]);
    assert!(house.plan(&job).is_err(), "half a picture");
}

#[test]
fn what_is_wrong_is_said_before_anything_runs() {
    let mut house = house();
    let mut refused = |params: Value, bytes: &[u8]| {
        let job = house.job(params, &[("script", bytes)]);
        house.plan(&job).expect_err("it is refused").to_string()
    };
    let unknown = refused(json!({"file": "a.txt", "model": "nowhere"}), b"x");
    assert!(unknown.contains("klieg models add"), "{unknown}");
    assert!(refused(json!({"file": "a.txt", "model": "plain"}), b"x").contains("vit"));
    assert!(refused(json!({"file": "a.txt"}), b"x").contains("both, tiny"));
    assert!(refused(json!({"file": "a.txt", "model": "tiny", "dtyp": "f16"}), b"x").contains("dtyp"));
    assert!(refused(json!({"file": "a.txt", "model": "tiny", "rows_a_task": 0}), b"x").contains("rows_a_task"));
    assert!(refused(json!({"file": "a.txt", "model": "tiny"}), b"").contains("no text"));
    assert!(refused(json!({"file": "a.txt", "model": "tiny"}), b"a\n\xff").starts_with("a.txt:2:1: "));
    assert!(refused(json!({"file": "a.jsonl", "model": "tiny"}), b"{\"b\": 1}").starts_with("a.jsonl:1:1: "));
}

/// Where `scripts/minilm` puts the weights.
fn minilm() -> PathBuf {
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let cache = || std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(home).map(|cache| cache.join("klieg/minilm"));
    let folder = std::env::var_os("KLIEG_MINILM").map(PathBuf::from).or_else(cache).expect("HOME");
    assert!(folder.join("model.safetensors").is_file(), "{} has no all-MiniLM-L6-v2: run scripts/minilm", folder.display());
    folder
}

/// What somebody remembers of a scene, and which it is.
const QUERIES: [(&str, &str, &str); 10] = [
    ("a detective smokes under a street lamp in the rain", "rain-noir", "EXT. HARBOR STREET - NIGHT"),
    ("a woman in a bar remembers an umbrella from her first date", "rain-noir", "INT. BLUE LANTERN BAR - NIGHT"),
    ("he returns the umbrella on a foggy morning by the sea", "rain-noir", "EXT. HARBOR STREET - DAWN"),
    ("an old gardener sweeps fallen blossoms while a little girl teases him", "spring-garden", "EXT. OLD GARDEN, KYOTO - MORNING"),
    ("an old lady pours tea behind paper screens", "spring-garden", "INT. TEA HOUSE - AFTERNOON"),
    ("an elderly couple hold hands over a pond", "spring-garden", "EXT. GARDEN BRIDGE - DUSK"),
    (
        "the bride comes late in a silk saree and her grandmother complains",
        "temple-wedding",
        "EXT. MEENAKSHI TEMPLE, MADURAI - DAWN",
    ),
    ("the groom waits beside the fire and gets a garland", "temple-wedding", "INT. TEMPLE MANDAPAM - MORNING"),
    ("newlyweds talk among oil lamps about who ties the third knot", "temple-wedding", "EXT. TEMPLE COURTYARD - NIGHT"),
    ("Wedding guests sit in rows between carved pillars while music plays", "temple-wedding", "INT. TEMPLE MANDAPAM - MORNING"),
];

#[test]
fn a_search_by_meaning_finds_the_right_scene() {
    let mut house = House::new(&[("minilm", Family::Bert, minilm())]);
    let examples = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let mut scenes: Vec<(&str, String, Vec<f32>)> = Vec::new();
    for script in ["rain-noir", "spring-garden", "temple-wedding"] {
        let file = format!("{script}.fountain");
        let bytes = std::fs::read(examples.join(&file)).expect("an example");
        let job = house.job(json!({"file": file, "model": "minilm", "format": "jsonl"}), &[("script", &bytes)]);
        let found = rows(&house.run(&job, |_| 0).expect("files"));
        let vector = |row: &Value| serde_json::from_value(row["vector"].clone()).expect("a vector");
        scenes.extend(found.iter().map(|row| (script, row["name"].as_str().expect("a name").to_owned(), vector(row))));
    }
    assert_eq!(scenes.len(), 9);
    let asked = QUERIES.map(|(query, ..)| query).join("\n");
    let job = house.job(json!({"file": "asked.txt", "model": "minilm", "format": "jsonl"}), &[("script", asked.as_bytes())]);
    let asked = rows(&house.run(&job, |_| 0).expect("files"));
    for ((query, script, heading), row) in QUERIES.iter().zip(&asked) {
        let vector: Vec<f32> = serde_json::from_value(row["vector"].clone()).expect("a vector");
        let near = |scene: &(&str, String, Vec<f32>)| scene.2.iter().zip(&vector).map(|(a, b)| a * b).sum::<f32>();
        let best = scenes.iter().max_by(|a, b| near(a).total_cmp(&near(b))).expect("scenes");
        println!("{:.3} {query}: {} {}", near(best), best.0, best.1);
        assert_eq!((best.0, best.1.as_str()), (*script, *heading), "{query}");
    }
}

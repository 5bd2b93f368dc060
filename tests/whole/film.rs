//! A film by the real farm: same bytes whatever the workers and however often it was killed; edits render only what they touch.

use crate::support::{SMALL, Studio, film, result};
use std::time::Duration;

/// Small, so that the test run stays short; nothing else differs from a full-size film.
const SMALL_FILM: [&str; 6] = ["render", "small.fountain", "--size", "320x180", "--spp", "2"];

fn rendered(studio: &Studio, out: &str, extra: &[&str]) -> serde_json::Value {
    let mut args = SMALL_FILM.to_vec();
    args.extend(["--json", "--out", out]);
    args.extend(extra);
    result(&studio.ok(&args))
}

#[test]
fn workers_do_not_change_a_byte_and_edits_render_only_what_they_touch() {
    let (two, one, five) = (Studio::new(), Studio::new(), Studio::new());
    for studio in [&two, &one, &five] {
        studio.script("small.fountain", SMALL);
    }
    let first = rendered(&two, "a", &["--workers", "2"]);
    rendered(&one, "a", &["--workers", "1"]);
    rendered(&five, "a", &["--workers", "5"]);
    assert_eq!(film(&two.path("a")), film(&one.path("a")));
    assert_eq!(film(&two.path("a")), film(&five.path("a")));
    assert_eq!(first["reused"], 0);

    let again = rendered(&two, "b", &[]);
    assert_eq!(again["reused"], again["tasks"], "nothing changed, so nothing is computed");
    assert_eq!(film(&two.path("a")), film(&two.path("b")));

    two.script("small.fountain", SMALL.replace("Yes, please.", "Yes, thanks."));
    let edited = rendered(&two, "c", &[]);
    let (reused, tasks) = (edited["reused"].as_u64().unwrap(), edited["tasks"].as_u64().unwrap());
    assert!(reused > tasks / 2 && reused < tasks, "{reused} of {tasks} reused");
    assert_ne!(film(&two.path("a")), film(&two.path("c")));
}

#[test]
fn a_render_killed_five_times_is_the_same_film() {
    let (calm, killed) = (Studio::new(), Studio::new());
    for studio in [&calm, &killed] {
        studio.script("small.fountain", SMALL);
    }
    rendered(&calm, "out", &[]);
    // Spread over start-up, speech, the first pictures; counter-based, so a failure can be repeated.
    for n in 0..5 {
        let mut render = killed.klieg(&SMALL_FILM).args(["--quiet", "--out", "out"]).spawn().expect("start klieg");
        std::thread::sleep(Duration::from_millis(150 + 700 * n));
        render.kill().expect("kill klieg");
        render.wait().expect("reap klieg");
        assert!(!killed.path("out/film.mp4").exists() || n > 0, "no film so soon");
    }
    rendered(&killed, "out", &[]);
    assert_eq!(film(&calm.path("out")), film(&killed.path("out")));
    let scratch: Vec<_> = std::fs::read_dir(killed.path("out"))
        .unwrap()
        .flatten()
        .map(|e| e.file_name())
        .filter(|n| n.to_string_lossy().contains("part"))
        .collect();
    assert!(scratch.is_empty(), "left {scratch:?}");
}

#[test]
fn the_delivery_is_whole() {
    let studio = Studio::new();
    studio.script("small.fountain", SMALL);
    let done = rendered(&studio, "out", &["--only", "sc010"]);
    for file in [
        "film.mp4",
        "contact-sheet.png",
        "captions/film.srt",
        "captions/film.vtt",
        "captions/film.ass",
        "stems/dialogue.wav",
        "stems/music.wav",
        "stems/effects.wav",
        "stems/ambience.wav",
    ] {
        assert!(studio.path("out").join(file).metadata().is_ok_and(|m| m.len() > 0), "{file} is missing");
    }
    let manifest: serde_json::Value = serde_json::from_slice(&std::fs::read(studio.path("out/manifest.json")).unwrap()).unwrap();
    assert_eq!(manifest["frames"], done["frames"]);
    for output in manifest["outputs"].as_array().unwrap() {
        let bytes = std::fs::read(studio.path("out").join(output["file"].as_str().unwrap())).unwrap();
        assert_eq!(output["digest"].as_str().unwrap(), blake3::hash(&bytes).to_hex().as_str());
    }
    assert!(manifest["shots"].as_array().unwrap().iter().all(|s| !s["tasks"].as_array().unwrap().is_empty()));
    assert!(studio.ok(&["jobs"]).contains("succeeded"));
}

/// A table of two entries a side: corner by corner what becomes of it.
fn table(of: impl Fn([u32; 3]) -> [u32; 3]) -> String {
    let corner = |i: u32| of([i & 1, i >> 1 & 1, i >> 2]).map(|x| x.to_string()).join(" ");
    format!("LUT_3D_SIZE 2\n{}\n", (0..8).map(corner).collect::<Vec<_>>().join("\n"))
}

#[test]
fn a_table_colours_the_film_and_stands_in_the_manifest() {
    let studio = Studio::new();
    studio.script("small.fountain", SMALL);
    studio.script("same.cube", table(|c| c));
    studio.script("swapped.cube", table(|[r, g, b]| [b, g, r]));
    let shot = ["--shots", "sc010_sh030"];
    let sheet = |out: &str| {
        let image = image::open(studio.path(out).join("contact-sheet.png")).unwrap().to_rgb8();
        (0..3)
            .map(|i| image.pixels().map(|p| f64::from(p.0[i])).sum::<f64>() / f64::from(image.width() * image.height()))
            .collect::<Vec<_>>()
    };
    rendered(&studio, "plain", &shot);
    rendered(&studio, "same", &[&shot[..], &["--lut", "same.cube"]].concat());
    rendered(&studio, "swapped", &[&shot[..], &["--lut", "swapped.cube"]].concat());
    let (plain, same, swapped) = (sheet("plain"), sheet("same"), sheet("swapped"));
    assert!(plain.iter().zip(&same).all(|(a, b)| (a - b).abs() < 0.05), "{plain:?}, {same:?}");
    assert!(
        (plain[0] - plain[2]).abs() > 2.0 && plain.iter().zip(swapped.iter().rev()).all(|(a, b)| (a - b).abs() < 1.0),
        "{swapped:?}"
    );
    let manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(studio.path("swapped/manifest.json")).unwrap()).unwrap();
    let digest = blake3::hash(&std::fs::read(studio.path("swapped.cube")).unwrap()).to_hex();
    assert_eq!(manifest["lut"], serde_json::json!({"file": "swapped.cube", "digest": digest.as_str()}));
}

#[test]
fn a_resumed_render_goes_on_with_its_device_and_table() {
    let studio = Studio::new();
    studio.script("small.fountain", SMALL);
    studio.script("swapped.cube", table(|[r, g, b]| [b, g, r]));
    let args = [&SMALL_FILM[..], &["--shots", "sc010_sh030", "--lut", "swapped.cube", "--device", "cpu"]].concat();
    let mut render = studio.klieg(&args).args(["--quiet", "--out", "out"]).spawn().expect("start klieg");
    let notes = studio.path("farm/renders");
    let noted =
        || std::fs::read_dir(&notes).into_iter().flatten().flatten().find(|f| f.file_name().to_string_lossy().ends_with(".json"));
    for _ in 0..600 {
        if noted().is_some() {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    render.kill().expect("kill klieg");
    render.wait().expect("reap klieg");
    let note: serde_json::Value = serde_json::from_slice(&std::fs::read(noted().expect("a note").path()).unwrap()).unwrap();
    assert_eq!(note["device"], "cpu");
    std::fs::remove_file(studio.path("swapped.cube")).unwrap();
    // A device of the flag's comes first; there is no such one.
    let other = studio.run(&["resume", "--device", "cuda:999"]);
    assert_eq!(other.status.code(), Some(2), "{}", String::from_utf8_lossy(&other.stderr));
    studio.ok(&["resume", "--quiet"]);
    let manifest: serde_json::Value = serde_json::from_slice(&std::fs::read(studio.path("out/manifest.json")).unwrap()).unwrap();
    assert_eq!(manifest["lut"]["file"], "swapped.cube");
}

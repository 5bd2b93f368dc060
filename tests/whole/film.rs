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

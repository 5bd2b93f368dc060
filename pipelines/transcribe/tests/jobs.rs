//! Whole jobs on a tiny model: planned, run, delivered.

#[path = "../../text/tests/support/farm.rs"]
mod farm;

use farm::{Farm, shelf};
use klieg_kind::Kind;
use klieg_models::Family;
use klieg_transcribe::Transcribe;
use serde_json::{Value, json};

const TINY: (&str, Family, &str) = ("tiny", Family::Whisper, "hearing/model");

fn sound() -> Vec<u8> {
    std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/golden/hearing/sound.wav")).unwrap()
}

fn job(farm: &Farm, params: &Value, bytes: &[u8]) -> Result<Vec<(String, String)>, String> {
    farm.job(&Transcribe::new(&farm.shelf), params, &[("sound", bytes)])
}

#[test]
fn a_sound_becomes_text_with_times() {
    let farm = shelf(&[TINY]);
    let files = job(&farm, &json!({"model": "tiny", "language": "en", "skip_silence": false}), &sound()).unwrap();
    let of = |name: &str| files.iter().find(|(file, _)| file == name).map(|(_, text)| text.clone()).unwrap();
    let transcript: Value = serde_json::from_str(&of("transcript.json")).unwrap();
    let segments = transcript["segments"].as_array().unwrap();
    assert!(
        !segments.is_empty() && segments.iter().any(|segment| segment["words"].as_array().is_some_and(|words| !words.is_empty()))
    );
    assert!((transcript["seconds"].as_f64().unwrap() - 5.3).abs() < 0.01);
    assert!(of("transcript.srt").starts_with("1\n00:00:0") && of("transcript.vtt").starts_with("WEBVTT\n\n"));
    let manifest: Value = serde_json::from_str(&of("manifest.json")).unwrap();
    assert_eq!((&manifest["kind"], &manifest["language"]), (&"transcribe".into(), &"en".into()));
    assert_eq!(files, job(&farm, &json!({"model": "tiny", "language": "en", "skip_silence": false}), &sound()).unwrap());
}

#[test]
fn bad_input_is_named_before_anything_runs() {
    let farm = shelf(&[TINY, ("writer", Family::Qwen2, "generation/qwen2")]);
    let good = sound();
    let mut lying = good.clone();
    lying[40..44].copy_from_slice(&0x7fff_fff0u32.to_le_bytes());
    let model = |name: &str| json!({"model": name, "file": "a.wav"});
    let cases: [(Value, &[u8], &str); 7] = [
        (model("none"), &good, "klieg models add PATH --as none"),
        (model("writer"), &good, "family qwen2"),
        (model("tiny"), b"", "a.wav"),
        (model("tiny"), b"ID3 this is an MP3", "WAV"),
        (model("tiny"), &lying, "promises"),
        (model("tiny"), &good[..40], "a.wav"),
        (json!({"model": "tiny", "language": "xx"}), &good, "language"),
    ];
    for (params, bytes, word) in cases {
        let error = job(&farm, &params, bytes).unwrap_err();
        assert!(error.contains(word), "{word}: {error}");
    }
    let kind = Transcribe::new(&farm.shelf);
    assert!(farm.job(&kind, &model("tiny"), &[]).unwrap_err().contains("sound"));
}

#[test]
fn a_job_that_nobody_wants_ends() {
    let farm = shelf(&[TINY]);
    let kind = Transcribe::new(&farm.shelf);
    let bytes = sound();
    let plan = farm.plan(&kind, &json!({"model": "tiny", "language": "en"}), &[("sound", &bytes)]).unwrap();
    let failure = kind.run(&plan.tasks[0], &mut farm.desk(&plan.tasks[0], Some(1))).unwrap_err();
    assert_eq!(failure.message, "stopped");
}

//! Jobs of the kinds `image` and `audio`, made here without a server and without weights.

use crate::support::{Studio, result};
use serde_json::Value;
use std::path::Path;
use std::process::Stdio;

const TEMPLE: [&str; 9] = ["submit", "--kind", "image", "--prompt", "a temple at dusk", "--size", "128x72", "--samples", "1"];

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// Submits and returns what `--json` says at the end.
fn made(studio: &Studio, args: &[&str]) -> Value {
    let mut all = args.to_vec();
    all.extend(["--wait", "--json"]);
    result(&studio.ok(&all))
}

#[test]
fn a_prompt_becomes_pictures_that_are_the_same_however_they_are_cut() {
    let studio = Studio::new();
    let done = made(&studio, &[&TEMPLE[..], &["--count", "3", "--out", "a", "--workers", "2"]].concat());
    assert_eq!(done["job"]["state"], "succeeded");
    let names: Vec<&str> =
        ["image-000001.png", "image-000002.png", "image-000003.png", "contact-sheet.png", "manifest.json"].to_vec();
    for name in &names {
        assert!(studio.path("a").join(name).is_file(), "{name}");
    }
    let first = image::open(studio.path("a/image-000001.png")).unwrap().to_rgb8();
    assert_eq!(first.dimensions(), (128, 72));
    let colours: std::collections::BTreeSet<[u8; 3]> = first.pixels().map(|pixel| pixel.0).collect();
    assert!(colours.len() > 500, "a picture, not a colour: {}", colours.len());
    // The third is what a job for that seed alone makes, on another farm.
    let other = Studio::new();
    made(&other, &[&TEMPLE[..], &["--seed", "3", "--out", "b", "--workers", "1"]].concat());
    let read = |path| std::fs::read(path).unwrap();
    assert_eq!(read(studio.path("a/image-000003.png")), read(other.path("b/image-000001.png")));
    assert_ne!(read(studio.path("a/image-000001.png")), read(studio.path("a/image-000002.png")));
    let manifest = json(&studio.path("a/manifest.json"));
    assert_eq!(
        (&manifest["renderer"], &manifest["scene"]["place"], &manifest["scene"]["time"]),
        (&"previz".into(), &"temple".into(), &"dusk".into())
    );
    assert_eq!(manifest["prompt"]["understood"][0]["words"], "temple");
    assert_eq!(manifest["pictures"].as_array().unwrap().len(), 3);
    assert!(manifest["digital_source_type"].as_str().unwrap().ends_with("/algorithmicMedia"));
    // Once made, it is there.
    let again = made(&studio, &[&TEMPLE[..], &["--count", "3", "--out", "c"]].concat());
    assert_eq!(again["job"]["state"], "succeeded");
    assert_eq!(read(studio.path("a/image-000002.png")), read(studio.path("c/image-000002.png")));
}

#[test]
fn pictures_come_in_every_format_with_what_they_were_made_of() {
    let studio = Studio::new();
    for (format, magic) in [("webp", &b"RIFF"[..]), ("exr", &[0x76, 0x2f, 0x31, 0x01]), ("avif", &[0, 0, 0])] {
        made(&studio, &[&TEMPLE[..], &["--format", format, "--out", format]].concat());
        let bytes = std::fs::read(studio.path(format).join(format!("image-000001.{format}"))).unwrap();
        assert!(bytes.starts_with(magic), "{format}");
        let says = |words: &[u8]| bytes.windows(words.len()).any(|part| part == words);
        assert!(format == "avif" && says(b"ftypavif") || says(b"a temple at dusk") && says(b"algorithmicMedia"), "{format}");
    }
}

/// A key and its certificates, of an authority that nobody knows.
fn identity(studio: &Studio) {
    use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose};
    let named = |name: &str| {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.distinguished_name.push(DnType::OrganizationName, "Nobody");
        params
    };
    let mut authority = named("test authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let authority_key = KeyPair::generate().unwrap();
    let mut signer = named("a studio");
    signer.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    signer.extended_key_usages = vec![ExtendedKeyUsagePurpose::EmailProtection];
    signer.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate().unwrap();
    let chain = signer.signed_by(&key, &Issuer::from_params(&authority, &authority_key)).unwrap().pem();
    studio.script("key.pem", key.serialize_pem());
    studio.script("chain.pem", chain + &authority.self_signed(&authority_key).unwrap().pem());
}

#[test]
fn what_is_delivered_is_signed_by_whoever_has_a_key() {
    let studio = Studio::new();
    identity(&studio);
    for format in ["png", "webp", "avif"] {
        made(
            &studio,
            &[&TEMPLE[..], &["--format", format, "--out", format, "--c2pa-key", "key.pem", "--c2pa-cert", "chain.pem"]].concat(),
        );
        let told = klieg_provenance::read(&studio.path(format).join(format!("image-000001.{format}"))).unwrap().unwrap();
        assert_eq!(
            (told.signer.as_deref(), told.source_types.as_slice()),
            (Some("a studio"), &["algorithmicMedia".to_owned()][..])
        );
        assert_eq!(told.standing, klieg_provenance::Standing::Unknown, "{format}: {told:?}");
    }
    // What the farm made is as it was: the manifest names it, and the note both.
    let (manifest, note) = (json(&studio.path("png/manifest.json")), json(&studio.path("png/provenance.json")));
    let of_picture =
        |note: &Value| note["signed"].as_array().unwrap().iter().find(|n| n["file"] == "image-000001.png").cloned().unwrap();
    assert_eq!(of_picture(&note)["digest_before"], manifest["pictures"][0]["digest"]);
    let tune = [
        "submit",
        "--kind",
        "audio",
        "--prompt",
        "a sad tune",
        "--seconds",
        "2",
        "--c2pa-key",
        "key.pem",
        "--c2pa-cert",
        "chain.pem",
    ];
    for format in ["wav", "mp3", "flac"] {
        made(&studio, &[&tune[..], &["--format", format, "--out", format]].concat());
        let told = klieg_provenance::read(&studio.path(format).join(format!("sound.{format}"))).unwrap().unwrap();
        assert_eq!(told.standing, klieg_provenance::Standing::Unknown, "{format}: {told:?}");
    }
    let output = studio.run(&[&TEMPLE[..], &["--c2pa-key", "chain.pem", "--c2pa-cert", "key.pem"]].concat());
    assert_eq!(output.status.code(), Some(2), "a key that is none");
}

#[test]
fn text_is_spoken_and_moods_are_played_at_the_asked_loudness() {
    let studio = Studio::new();
    let tune = ["submit", "--kind", "audio", "--prompt", "a sad tune for a rainy night", "--seconds", "6", "-s", "loudness=ebu"];
    made(&studio, &[&tune[..], &["--format", "flac", "--out", "tune"]].concat());
    let manifest = json(&studio.path("tune/manifest.json"));
    let lufs = manifest["loudness"]["integrated_lufs"].as_f64().unwrap();
    assert!((lufs + 23.0).abs() < 0.5, "{lufs}");
    assert!(manifest["loudness"]["true_peak_dbtp"].as_f64().unwrap() <= -1.0);
    assert_eq!(&std::fs::read(studio.path("tune/sound.flac")).unwrap()[..4], b"fLaC");
    made(&studio, &[&tune[..], &["--format", "flac", "--out", "again", "--farm", "other"]].concat());
    let read = |path| std::fs::read(path).unwrap();
    assert_eq!(read(studio.path("tune/sound.flac")), read(studio.path("again/sound.flac")));
    if klieg_film_speech::available()[0].path.is_none() {
        eprintln!("skipped: flite is not installed (apt install flite)");
        return;
    }
    studio.script("letter.txt", "Dear Anna. The rain has stopped.\n\nCome soon!");
    for (format, magic) in [("wav", &b"RIFF"[..]), ("opus", b"OggS"), ("mp3", b"ID3")] {
        made(&studio, &["submit", "letter.txt", "--kind", "audio", "--voice", "old-man", "--format", format, "--out", format]);
        assert!(read(studio.path(format).join(format!("sound.{format}"))).starts_with(magic), "{format}");
    }
    let manifest = json(&studio.path("wav/manifest.json"));
    assert!(manifest["seconds"].as_f64().unwrap() > 2.0 && manifest["pieces"].as_array().unwrap().len() == 2, "{manifest}");
}

#[test]
fn what_is_interrupted_goes_on() {
    let studio = Studio::new();
    let args = [
        "submit",
        "--kind",
        "image",
        "--prompt",
        "a bar at night",
        "--size",
        "256x144",
        "--samples",
        "64",
        "--count",
        "24",
        "--out",
        "out",
    ];
    let mut child =
        studio.klieg(&args).args(["--json", "--workers", "2"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let stdout = child.stdout.take().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(stdout));
    let begun = lines.by_ref().map(Result::unwrap).any(|line| line.contains("\"task_started\"") || line.contains("task_progress"));
    assert!(begun, "no task began");
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(child.id() as i32), nix::sys::signal::Signal::SIGINT).unwrap();
    lines.for_each(drop);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(!studio.path("out").exists(), "nothing was delivered");
    let done = result(&studio.ok(&["resume", "--json"]));
    assert_eq!(done["job"]["state"], "succeeded");
    assert!(studio.path("out/image-000024.png").is_file());
    assert_eq!(studio.run(&["resume"]).status.code(), Some(2), "there is nothing more to go on with");
    made(&studio, &args);
    let jobs: Value = serde_json::from_str(&studio.ok(&["jobs", "--json"])).unwrap();
    let reused = &jobs.as_array().unwrap().last().unwrap()["tasks"];
    assert_eq!(reused["total"], reused["done"], "what was made is there");
}

#[test]
fn bad_input_is_named_before_anything_is_made() {
    let studio = Studio::new();
    let long = "a temple ".repeat(11_112);
    let cases: [(&[&str], &str); 12] = [
        (&["--kind", "image"], "prompt"),
        (&["--kind", "image", "--prompt", " "], "prompt: is empty"),
        (&["--kind", "image", "--prompt", &long], "2000 are read"),
        (&["--kind", "image", "--prompt", "flurble zorblax"], "flurble, zorblax"),
        (&["--kind", "image", "--prompt", "a temple", "--size", "321x180"], "multiples of 2"),
        (&["--kind", "image", "--prompt", "a temple", "--count", "0"], "1 to 100000"),
        (&["--kind", "image", "--prompt", "a temple", "--count", "1000000"], "1 to 100000"),
        (&["--kind", "image", "--prompt", "a temple", "--steps", "30"], "steps"),
        (&["--kind", "audio", "--text", ""], "text: is empty"),
        (&["--kind", "audio", "--text", "hello", "--voice", "robot"], "old-woman"),
        (&["--kind", "audio", "--prompt", "sad", "--seconds", "0"], "1 to 600"),
        (&["--kind", "opera", "--prompt", "sad"], "image, audio"),
    ];
    for (args, expected) in cases {
        let output = studio.run(&[&["submit"], args, &["--out", "out"]].concat());
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{expected}: {message}");
        assert!(message.contains(expected), "{expected}: {message}");
        assert!(!studio.path("out").exists(), "{expected} left an output folder");
    }
}

//! Bad input ends with exit code 2, a message that names the place and the remedy, and leaves nothing behind.

use crate::support::{SMALL, Studio};

/// Runs a render that must be refused; returns its message.
fn refused(studio: &Studio, args: &[&str]) -> String {
    let mut all = vec!["render"];
    all.extend(args);
    let output = studio.run(&all);
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{args:?}: {message}");
    assert!(!studio.path("out").exists(), "{args:?} left an output folder");
    message
}

#[test]
fn files_that_are_no_scripts() {
    let studio = Studio::new();
    let cases: [(&str, Vec<u8>, &str); 7] = [
        ("empty.fountain", vec![], "empty"),
        ("blank.fountain", b" \n\t\n ".to_vec(), "empty"),
        ("binary.fountain", vec![0x7f, b'E', b'L', b'F', 0, 0, 1, 2, 0, 0xff], "binary"),
        ("latin1.fountain", b"INT. CAF\xc9 - DAY\n\nRain.\n".to_vec(), "8"),
        ("noscene.fountain", b"Just a thought.\n".to_vec(), "INT."),
        ("broken.fdx", b"<?xml version=\"1.0\"?>\n<FinalDraft>\n<Content><Paragraph></Content>\n".to_vec(), ":3:"),
        ("override.fountain", b"INT. ROOM - DAY\n\n[[klieg: colour=red]]\n\nRain.\n".to_vec(), ":3:"),
    ];
    for (name, bytes, expected) in cases {
        studio.script(name, bytes);
        let message = refused(&studio, &[name]);
        assert!(message.contains(name) && message.contains(expected), "{name}: {message}");
    }
}

#[test]
fn paths_that_are_no_files() {
    let studio = Studio::new();
    assert!(refused(&studio, &["nowhere.fountain"]).contains("no such file"));
    std::fs::create_dir(studio.path("folder")).unwrap();
    assert!(refused(&studio, &["folder"]).contains("is a folder"));
    let big = std::fs::File::create(studio.path("big.fountain")).unwrap();
    big.set_len(50_000_000).unwrap();
    assert!(refused(&studio, &["big.fountain"]).contains("50 MB"));
}

#[test]
fn unknown_scenes_and_shots_are_listed() {
    let studio = Studio::new();
    studio.script("small.fountain", SMALL);
    assert!(refused(&studio, &["small.fountain", "--only", "sc990"]).contains("sc010"));
    assert!(refused(&studio, &["small.fountain", "--shots", "sc010_sh990"]).contains("sc010_sh010"));
}

#[test]
fn sizes_and_samples_out_of_bounds() {
    let studio = Studio::new();
    studio.script("small.fountain", SMALL);
    let cases: [([&str; 2], &str); 7] = [
        (["--size", "641x360"], "641×360"),
        (["--size", "640x0"], "640×0"),
        (["--size", "100000x2"], "100000×2"),
        (["--size", "4294967295x4294967295"], "7680"),
        (["--size", "huge"], "1280x720"),
        (["--spp", "0"], "1 to 4096"),
        (["--spp", "1000000"], "1 to 4096"),
    ];
    for (asked, expected) in cases {
        let message = refused(&studio, &["small.fountain", asked[0], asked[1]]);
        assert!(message.contains(expected), "{asked:?}: {message}");
    }
}

#[test]
fn a_device_that_is_not_there() {
    let studio = Studio::new();
    studio.script("small.fountain", SMALL);
    for device in ["cuda:999", "vulkan:999"] {
        assert!(refused(&studio, &["small.fountain", "--device", device]).contains(device), "{device}");
    }
}

#[test]
fn more_workers_than_a_farm_takes_of_a_node() {
    let studio = Studio::new();
    studio.script("small.fountain", SMALL);
    assert!(refused(&studio, &["small.fountain", "--workers", "100000"]).contains("4096 at most"));
}

#[test]
fn an_output_folder_that_cannot_be() {
    let studio = Studio::new();
    studio.script("small.fountain", SMALL);
    studio.script("taken", "a file");
    assert!(refused(&studio, &["small.fountain", "--out", "taken/film"]).contains("--out"));
}

#[test]
fn tables_that_are_none() {
    let studio = Studio::new();
    studio.script("small.fountain", SMALL);
    assert!(refused(&studio, &["small.fountain", "--lut", "nowhere.cube"]).contains("nowhere.cube"));
    assert!(refused(&studio, &["small.fountain", "--lut", "."]).contains("no .cube file"));
    let cases: [(&[u8], &str); 3] = [
        (b"LUT_3D_SIZE 2\n0 0 0\n0 x 0\n", "look.cube:3:3: \"x\" isn't a finite number"),
        (b"LUT_1D_SIZE 16\n", "look.cube:1:1: a 1D table"),
        (b"\xff\xd8\xff", "look.cube:1:1: isn't text"),
    ];
    for (bytes, expected) in cases {
        studio.script("look.cube", bytes);
        let message = refused(&studio, &["small.fountain", "--lut", "look.cube"]);
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn plan_and_explain_refuse_the_same() {
    let studio = Studio::new();
    studio.script("noscene.fountain", "Just a thought.\n");
    for verb in ["plan", "explain"] {
        assert_eq!(studio.run(&[verb, "noscene.fountain"]).status.code(), Some(2));
    }
}

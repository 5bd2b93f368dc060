//! `cargo +nightly fuzz run parse` in pipelines/film/script: any bytes give a script or an error, and what a script prints parses.
#![no_main]

use klieg_film_script::{parse, plain};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for name in ["fuzz.fountain", "fuzz.fdx"] {
        let Ok(script) = parse(name, bytes) else { continue };
        let mut last = 0;
        for element in &script.elements {
            assert!(last <= element.span.start && element.span.end <= bytes.len());
            last = element.span.start;
            let _ = plain(&element.text);
        }
        let _ = script.to_json();
        let _ = parse("again.fountain", script.to_fountain().as_bytes());
    }
});

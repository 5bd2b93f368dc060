//! Whatever is written, the analysis ends without a panic and names only lines that exist.

use proptest::prelude::*;

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "Anna",
            "ANNA",
            "BEN (40s)",
            "GUESTS",
            "he",
            "her",
            "They",
            "both",
            "who",
            "and",
            ",",
            ".",
            "!",
            "?!",
            "...",
            "(",
            ")",
            "-",
            "—",
            "'s",
            "’",
            "the",
            "a",
            "walks",
            "sits",
            "gives",
            "pours",
            "hands",
            "takes his arm",
            "begins to",
            "sing",
            "tea",
            "tea bowl",
            "lamp",
            "one",
            "it",
            "red",
            "silk",
            "saree",
            "old",
            "grandmother",
            "the waiter",
            "of",
            "to",
            "rain",
            "1947",
            "60s",
            "seven-year-old",
            "temple",
            "రవి",
            "కూర్చుంటుంది",
            "茶室",
            "さん",
            "한옥",
            "लक्ष्मी",
            "é",
            "ß",
            "🙂",
            "\u{200d}",
            "[[klieg: time=dusk]]",
            "*bold*",
            "_",
            "INT.",
            "I/E",
            "NIGHT",
            "CONTINUOUS",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,6}",
    ]
}

fn line() -> impl Strategy<Value = String> {
    let text = prop::collection::vec(word(), 0..14).prop_map(|w| w.join(" ")).boxed();
    let cue =
        prop::sample::select(vec!["ANNA", "BEN (V.O.)", "ANNA & BEN", "BOTH", "GUESTS", "DR. RAO", "@రవి", "X'S VOICE", "ANNA ^"])
            .prop_map(|c| format!("\n{c}"));
    let heading = text.clone().prop_map(|t| format!("\nINT. {t}\n"));
    prop_oneof![4 => text, 2 => cue, 1 => heading, 1 => Just(String::new()), 1 => Just("(to Anna, hands her the cup)".to_owned())]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2 * ProptestConfig::default().cases, ..ProptestConfig::default() })]
    #[test]
    fn any_script_is_understood_somehow(lines in prop::collection::vec(line(), 0..24)) {
        let text = format!("INT. ROOM - DAY\n\n{}\n", lines.join("\n"));
        let Ok(script) = klieg_film_script::parse("a.fountain", text.as_bytes()) else { return Ok(()) };
        let count = text.lines().count() as u32 + 1;
        if let Ok(story) = klieg_film_analyse::analyse(&script, "a.fountain") {
            for i in &story.inferences {
                prop_assert!(i.line >= 1 && i.line <= count && !i.because.is_empty(), "{i:?}");
            }
            for scene in &story.scenes {
                prop_assert!(scene.present.iter().all(|id| *id < story.cast.len()));
                prop_assert!(scene.lines.0 <= scene.lines.1 && scene.lines.1 <= count);
            }
            let again = klieg_film_analyse::analyse(&script, "a.fountain").ok();
            prop_assert_eq!(again, Some(story));
        }
    }
}

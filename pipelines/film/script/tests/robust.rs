//! What holds for any input: no panic, ordered spans, linear time, errors with a place and a remedy, and the way back to Fountain.

use klieg_film_script::{Element, ElementKind, Fault, MAX_BYTES, Script, Span, emphasis, parse, plain, require_scenes};
use proptest::prelude::*;
use std::time::{Duration, Instant};

fn bare(script: &Script) -> Script {
    let mut script = script.clone();
    script.elements.iter_mut().for_each(|e| e.span = Span::default());
    script
}

/// Spans lie in the text, in order, on character boundaries, and their line and column are where they say.
fn spans_hold(text: &str, script: &Script) -> Result<(), TestCaseError> {
    let mut last = 0;
    for element in &script.elements {
        let span = element.span;
        prop_assert!(last <= span.start && span.start <= span.end && span.end <= text.len(), "{element:?}");
        prop_assert!(text.is_char_boundary(span.start) && text.is_char_boundary(span.end), "{element:?}");
        let mark = if text.starts_with('\u{feff}') { 3 } else { 0 };
        let before = text[mark.min(span.start)..span.start].replace("\r\n", "\n").replace('\r', "\n");
        prop_assert_eq!(span.line as usize, before.matches('\n').count() + 1);
        prop_assert_eq!(span.column as usize, before.rsplit('\n').next().unwrap_or("").chars().count() + 1);
        last = span.start;
    }
    Ok(())
}

/// Pieces that matter to the parsers, in any order.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "\n",
        "\r\n",
        "\r",
        "\n\n",
        "  \n",
        " ",
        "\t",
        "[[",
        "]]",
        "/*",
        "*/",
        "*",
        "**",
        "_",
        "\\*",
        "(",
        ")",
        "（",
        "）",
        "^",
        "@",
        "!",
        ".",
        "..",
        "~",
        ">",
        "<",
        "#",
        "#1#",
        "=",
        "===",
        "INT. HOUSE",
        "ext ",
        "JACK",
        "Jack",
        "CUT TO:",
        "Title:",
        "Key: value",
        "லட்சுமி",
        "é",
        "\u{2028}",
        "\u{feff}",
        "🙂",
        "hello",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn text(first: &'static str) -> impl Strategy<Value = String> {
    (prop::sample::select(vec![first]), "[a-zé,?' ]{0,12}[a-zé]").prop_map(|(first, rest)| format!("{first}{rest}"))
}

fn element(kind: ElementKind, text: String) -> Element {
    Element::new(kind, text, Span::default())
}

/// A paragraph of a well-formed script: one element, or a character with what they say.
fn paragraph() -> impl Strategy<Value = Vec<Element>> {
    use ElementKind::*;
    let single = |kind: ElementKind, first| text(first).prop_map(move |t| vec![element(kind, t)]);
    let heading = (any::<bool>(), text("A"), prop::option::of("[1-9][0-9]?[A-Z]?")).prop_map(|(forced, text, number)| {
        let text = if forced { text } else { format!("INT. {text}") };
        vec![Element { forced, scene_number: number, ..element(SceneHeading, text) }]
    });
    let action = (any::<bool>(), prop::collection::vec(text("X"), 1..4))
        .prop_map(|(forced, lines)| vec![Element { forced, ..element(Action, lines.join("\n")) }]);
    let transition = (any::<bool>(), text("D")).prop_map(|(forced, t)| {
        vec![Element { forced, ..element(Transition, if forced { t } else { "SMASH CUT TO:".to_owned() }) }]
    });
    let section = (1..=6u8, text("S")).prop_map(|(depth, t)| vec![Element { depth: Some(depth), ..element(Section, t) }]);
    let note = prop::collection::vec(text("N"), 1..3).prop_map(|lines| vec![element(Note, lines.join("\n\n"))]);
    prop_oneof![
        heading,
        action,
        transition,
        section,
        note,
        speech(),
        single(Synopsis, "P"),
        single(Centered, "C"),
        single(Boneyard, "B"),
        Just(vec![element(PageBreak, String::new())]),
    ]
}

fn speech() -> impl Strategy<Value = Vec<Element>> {
    use ElementKind::*;
    let said =
        (text("H"), text("T"), 0..3usize).prop_map(|(a, b, empty)| element(Dialogue, format!("{a}{}{b}", "\n".repeat(empty + 1))));
    let name = (any::<bool>(), prop::option::of("[A-Z][.][A-Z][.]")).prop_map(|(forced, extension)| {
        let name = if forced { "McClane" } else { "ZOË 2" };
        Element { forced, extension, ..element(Character, name.to_owned()) }
    });
    (name, prop::option::of(text("q")), said, any::<bool>()).prop_map(|(name, aside, said, sung)| {
        let aside = aside.map(|t| element(Parenthetical, t));
        let sung = sung.then(|| Element { forced: true, ..element(Lyrics, "La la".to_owned()) });
        [name].into_iter().chain(aside).chain([said]).chain(sung).collect()
    })
}

fn script() -> impl Strategy<Value = Script> {
    let title = prop::option::of(prop::collection::vec(text("V"), 0..3))
        .prop_map(|v| v.map(|values| ("Title".to_owned(), values)).into_iter().collect());
    (title, prop::collection::vec(paragraph(), 0..12))
        .prop_map(|(title_page, paragraphs)| Script { title_page, elements: paragraphs.concat() })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8 * ProptestConfig::default().cases, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_parses_with_ordered_spans(text in pieces()) {
        if let Ok(script) = parse("a.fountain", text.as_bytes()) {
            spans_hold(&text, &script)?;
            let _ = script.to_json();
        }
    }

    #[test]
    fn any_bytes_give_a_script_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for name in ["a.fountain", "a.fdx"] {
            if let Err(e) = parse(name, &bytes) {
                prop_assert!(!e.message.is_empty() && e.file == name);
            }
        }
    }

    #[test]
    fn a_damaged_fdx_gives_a_script_or_an_error(at in 0..FDX.len(), byte in any::<u8>(), cut in 0..FDX.len()) {
        let mut bytes = FDX.as_bytes().to_vec();
        bytes[at] = byte;
        for damaged in [&bytes[..], &FDX.as_bytes()[..cut]] {
            if let (Ok(script), Ok(text)) = (parse("a.fdx", damaged), std::str::from_utf8(damaged)) {
                spans_hold(text, &script)?;
            }
        }
    }

    #[test]
    fn printed_and_parsed_again_is_the_same(script in script()) {
        prop_assume!(!script.elements.is_empty() || !script.title_page.is_empty());
        let printed = script.to_fountain();
        let again = parse("a.fountain", printed.as_bytes()).map_err(|e| TestCaseError::fail(e.to_string()))?;
        prop_assert_eq!(bare(&again), script, "printed as\n{}", printed);
    }

    #[test]
    fn emphasis_loses_only_markers(text in "[a *_\\\\]{0,30}") {
        let kept = |s: &str| s.chars().filter(|c| !matches!(c, '*' | '_' | '\\')).collect::<String>();
        prop_assert_eq!(kept(&plain(&text)), kept(&text));
        prop_assert!(emphasis(&text).iter().all(|run| !run.text.is_empty()));
    }
}

const FDX: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<FinalDraft DocumentType="Script"><Content>
<Paragraph Number="1" Type="Scene Heading"><Text>INT. A &amp; B</Text></Paragraph>
<Paragraph><DualDialogue><Paragraph Type="Character"><Text>A</Text></Paragraph><Paragraph Type="Dialogue"><Text>é &#233;</Text></Paragraph></DualDialogue></Paragraph>
</Content><TitlePage><Content><Paragraph><Text>T</Text></Paragraph></Content></TitlePage></FinalDraft>"#;

/// Time that this thread has had on a processor, so that a busy machine doesn't count; the wall's where Linux doesn't tell.
fn busy(start: Instant) -> Duration {
    let spent = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let spent = spent.and_then(|s| s.split_whitespace().next()?.parse().ok());
    spent.map_or_else(|| start.elapsed(), Duration::from_nanos)
}

/// The shortest of a few runs.
#[expect(clippy::disallowed_methods, reason = "this test measures time")]
fn time(text: &str) -> Duration {
    let run = || {
        let start = Instant::now();
        let before = busy(start);
        let script = parse("a.fountain", text.as_bytes());
        script.iter().flat_map(|s| &s.elements).for_each(|e| drop(plain(&e.text)));
        busy(start).saturating_sub(before)
    };
    (0..3).map(|_| run()).min().unwrap_or_default()
}

#[test]
fn time_grows_linearly() {
    let scene = "INT. HOUSE - DAY #1#\n\nShe sits [[why?]] down.\n\nJACK (V.O.)\n(beat)\nHello *there*.\n  \nBye.\n\n/* cut */\n\nCUT TO:\n\n";
    let patterns = [
        "[[",
        "]]",
        "/*",
        "*/",
        "*",
        "**a",
        "(",
        ")",
        "JACK (",
        "[[a]]",
        "/*a*/",
        "_",
        "\\*",
        "\n",
        "  \n",
        "#",
        "A\n",
        "A\n\n",
        "[[a]]\n",
        "JACK\n[[a]]\n",
        "> a <\n",
        ".A\n\n",
        "[[/**/",
        "\r",
        "= a\n",
        "^",
        "@a\n",
        scene,
    ];
    for pattern in patterns {
        let of = |bytes: usize| pattern.repeat(bytes / pattern.len());
        let (small, large) = (time(&of(1 << 16)), time(&of(1 << 20)));
        // 16 times the text: 256 times the time if it were quadratic; a quadratic parser would need minutes for 1 MB; the rest is slack
        assert!(large < small * 64 + Duration::from_millis(300), "{pattern:?}: {small:?} for 64 kB, {large:?} for 1 MB");
    }
}

#[test]
fn a_title_page_of_many_keys_is_read_in_linear_time() {
    let of = |keys: usize| (0..keys).map(|i| format!("key {i}: x\n")).collect::<String>();
    let (small, large) = (time(&of(5_000)), time(&of(80_000)));
    assert!(large < small * 64 + Duration::from_millis(300), "{small:?} for 5 000 keys, {large:?} for 80 000");
}

fn fault(bytes: &[u8]) -> (Fault, u32, u32, String) {
    match parse("a.fountain", bytes) {
        Ok(script) => panic!("parsed: {script:?}"),
        Err(e) => (e.kind, e.line, e.column, e.to_string()),
    }
}

#[test]
fn bad_files_are_named_with_the_remedy() {
    let long = vec![b'a'; MAX_BYTES];
    let table: [(&[u8], Fault, u32, u32, &str); 11] = [
        (b"", Fault::Empty, 0, 0, "empty"),
        (b" \r\n\t\n", Fault::Empty, 0, 0, "INT. KITCHEN - DAY"),
        (b"\xef\xbb\xbf \n", Fault::Empty, 0, 0, "empty"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", Fault::Binary, 0, 0, "binary"),
        (b"\x01\x02\x03\x04\x05", Fault::Binary, 0, 0, "binary"),
        (b"%PDF-1.7\n", Fault::Binary, 0, 0, "PDF"),
        (b"{\\rtf1 x}", Fault::Binary, 0, 0, "plain text"),
        (b"\xff\xfeI\0N\0", Fault::Binary, 0, 0, "UTF-16"),
        (b"INT. A\n\nCaf\xe9 noir", Fault::NotUtf8, 3, 4, "byte 11 (0xE9)"),
        (b"\xc3", Fault::NotUtf8, 1, 1, "byte 0 (0xC3)"),
        (&long, Fault::TooLarge, 0, 0, "the limit is 50 MB"),
    ];
    for (bytes, kind, line, column, words) in table {
        let (found, at_line, at_column, message) = fault(bytes);
        assert_eq!((found, at_line, at_column), (kind, line, column), "{message}");
        assert!(message.starts_with("a.fountain") && message.contains(words), "{message}");
    }
}

#[test]
fn a_script_without_scenes_parses_but_is_refused_for_filming() {
    let script = parse("a.fountain", b"Only action.").unwrap_or_else(|e| panic!("{e}"));
    let error = require_scenes("a.fountain", &script).map_err(|e| e.to_string());
    assert!(error.is_err_and(|e| e.contains("INT. KITCHEN - DAY") && e.starts_with("a.fountain: ")));
    let script = parse("a.fountain", b"INT. A\n").unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(require_scenes("a.fountain", &script), Ok(()));
}

#[test]
fn json_has_the_documented_form() {
    let text = "Title: T\nAuthor:\n    A\n    B\n\nINT. A #1#\n\n@Jo (V.O.)\nHi.\n\nBO ^\nHo.\n\n# Act";
    let script = parse("a.fountain", text.as_bytes()).unwrap_or_else(|e| panic!("{e}"));
    let expected = r##"{"title_page":{"Title":["T"],"Author":["A","B"]},"elements":[{"type":"scene_heading","text":"INT. A","line":6,"column":1,"forced":false,"scene_number":"1"},{"type":"character","text":"Jo","line":8,"column":1,"forced":true,"extension":"V.O."},{"type":"dialogue","text":"Hi.","line":9,"column":1,"forced":false},{"type":"character","text":"BO","line":11,"column":1,"forced":false,"dual":true},{"type":"dialogue","text":"Ho.","line":12,"column":1,"forced":false},{"type":"section","text":"Act","line":14,"column":1,"forced":false,"depth":1}]}"##;
    assert_eq!(script.to_json().to_string(), expected);
}

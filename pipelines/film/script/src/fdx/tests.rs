use super::parse;
use crate::{ElementKind, Fault, Script, ScriptError};

fn body(paragraphs: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<FinalDraft DocumentType=\"Script\" Version=\"5\">\n<Content>\n{paragraphs}\n</Content>\n</FinalDraft>\n"
    )
}

fn read(paragraphs: &str) -> Script {
    parse("a.fdx", &body(paragraphs)).unwrap_or_else(|e| panic!("{e}"))
}

fn pairs(script: &Script) -> Vec<(&'static str, &str)> {
    script.elements.iter().map(|e| (e.kind.name(), e.text.as_str())).collect()
}

#[test]
fn paragraph_types() {
    let script = read(
        r#"<Paragraph Type="Scene Heading" Number="12A"><SceneProperties Page="1"><Summary><Paragraph><Text>They meet.</Text></Paragraph></Summary></SceneProperties><Text>INT. HOUSE - DAY</Text></Paragraph>
<Paragraph Type="Action"><Text>He sits.</Text></Paragraph>
<Paragraph Type="Action"></Paragraph><Paragraph Type="Action"/><Paragraph Type="Action"><Text>  </Text></Paragraph>
<Paragraph Type="Character"><Text>JACK (V.O.)</Text></Paragraph>
<Paragraph Type="Parenthetical"><Text>(beat)</Text></Paragraph>
<Paragraph Type="Dialogue"><Text>Hi.</Text></Paragraph>
<Paragraph Type="Singing"><Text>La</Text></Paragraph>
<Paragraph Type="Shot"><Text>ANGLE ON</Text></Paragraph>
<Paragraph Type="New Act"><Text>ACT TWO</Text></Paragraph>
<Paragraph Type="Action" Alignment="Center" StartsNewPage="Yes"><Text>THE END</Text></Paragraph>
<Paragraph Type="Something New"><Text>kept</Text></Paragraph>
<Paragraph Type="Transition"><Text>CUT TO:</Text></Paragraph>"#,
    );
    let expected = [
        ("scene_heading", "INT. HOUSE - DAY"),
        ("synopsis", "They meet."),
        ("action", "He sits."),
        ("character", "JACK"),
        ("parenthetical", "beat"),
        ("dialogue", "Hi."),
        ("lyrics", "La"),
        ("action", "ANGLE ON"),
        ("section", "ACT TWO"),
        ("page_break", ""),
        ("centered", "THE END"),
        ("action", "kept"),
        ("transition", "CUT TO:"),
    ];
    assert_eq!(pairs(&script), expected);
    assert_eq!(script.elements[0].scene_number.as_deref(), Some("12A"));
    assert_eq!(script.elements[3].extension.as_deref(), Some("V.O."));
    assert_eq!((script.elements[2].span.line, script.elements[2].span.column), (5, 1));
}

#[test]
fn runs_lose_no_text() {
    let script = read(
        r#"<Paragraph Type="Action"><Text>He said </Text><Text AdornmentStyle="-1">helo</Text><Text RevisionID="1" Style="Bold+Italic"> &amp; l</Text><Text/><Text>eft &#8212; <![CDATA[a<b]]> &lt;fast&gt; <!-- no --> &quot;now&quot;.</Text><ScriptNote ID="1"><Paragraph><Text>Really?</Text></Paragraph></ScriptNote><Text> End.</Text></Paragraph>"#,
    );
    let expected = [("action", "He said helo & left \u{2014} a<b <fast>  \"now\". End."), ("note", "Really?")];
    assert_eq!(pairs(&script), expected);
}

#[test]
fn dual_dialogue() {
    let script = read(
        r#"<Paragraph><DualDialogue><Paragraph Type="Character"><Text>A</Text></Paragraph><Paragraph Type="Dialogue"><Text>x</Text></Paragraph><Paragraph Type="Character"><Text>B</Text></Paragraph><Paragraph Type="Dialogue"><Text>y</Text></Paragraph></DualDialogue></Paragraph>"#,
    );
    assert_eq!(pairs(&script), [("character", "A"), ("dialogue", "x"), ("character", "B"), ("dialogue", "y")]);
    let dual: Vec<bool> = script.elements.iter().filter(|e| e.kind == ElementKind::Character).map(|e| e.dual).collect();
    assert_eq!(dual, [false, true]);
}

#[test]
fn title_page() {
    let line = |text: &str| format!("<Paragraph Type=\"Action\"><Text>{text}</Text></Paragraph>");
    let lines: String = ["", "THE FILM", "", "written by", "A. Writer", "Based on a dream", "Second draft", "Street 1", "a@b.c"]
        .into_iter()
        .map(line)
        .collect();
    let text = format!(
        "<FinalDraft><Content></Content><TitlePage><HeaderAndFooter><Header/></HeaderAndFooter><Content>{lines}</Content></TitlePage></FinalDraft>"
    );
    let script = parse("a.fdx", &text).unwrap_or_else(|e| panic!("{e}"));
    let expected = [
        ("Title", vec!["THE FILM"]),
        ("Credit", vec!["written by"]),
        ("Author", vec!["A. Writer"]),
        ("Source", vec!["Based on a dream"]),
        ("Draft date", vec!["Second draft"]),
        ("Contact", vec!["Street 1", "a@b.c"]),
    ];
    let page: Vec<(&str, Vec<&str>)> =
        script.title_page.iter().map(|(k, v)| (k.as_str(), v.iter().map(String::as_str).collect())).collect();
    assert_eq!(page, expected);
}

fn error(text: &str) -> ScriptError {
    match parse("a.fdx", text) {
        Ok(script) => panic!("parsed: {script:?}"),
        Err(e) => e,
    }
}

#[test]
fn malformed_xml_is_named_with_its_place() {
    let nested = format!("<FinalDraft>{}", "<Content>".repeat(100));
    let table = [
        ("<FinalDraft>\n <Content></Contant></FinalDraft>", (2, 11), "Contant"),
        ("<FinalDraft>\n<Content>", (2, 10), "ends inside <Content>"),
        ("<Novel/>", (1, 1), "<Novel>"),
        ("<FinalDraft>\n<Content>&nope;</Content></FinalDraft>", (2, 10), "&nope;"),
        ("<FinalDraft>\n<Content a=b></Content></FinalDraft>", (2, 1), ""),
        ("<FinalDraft>\n<Content", (2, 1), ""),
        ("just text", (1, 10), "no <FinalDraft>"),
        (&nested, (1, 13 + 63 * 9), "64 deep"),
    ];
    for (text, place, words) in table {
        let e = error(text);
        assert_eq!(((e.line, e.column), e.kind), (place, Fault::MalformedXml), "{e}");
        assert!(e.message.contains(words), "{e}");
    }
}

#[test]
fn entities_are_never_fetched_or_expanded() {
    let text = "<?xml version=\"1.0\"?>\n<!DOCTYPE FinalDraft [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>\n<FinalDraft><Content><Paragraph Type=\"Action\"><Text>&x;</Text></Paragraph></Content></FinalDraft>";
    assert_eq!(error(text).line, 3);
}

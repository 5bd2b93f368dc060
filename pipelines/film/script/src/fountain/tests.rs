//! Every rule as a row: what is written, and what it is read as.

use super::parse;
use crate::{Element, ElementKind, Script};

/// `kind "text"` with `!` forced, `#n` number, `(x)` extension, `^` dual, `/d` depth.
fn row(element: &Element) -> String {
    let mut out = element.kind.name().to_owned();
    out += if element.forced { "!" } else { "" };
    out += &element.scene_number.as_ref().map(|n| format!("#{n}")).unwrap_or_default();
    out += &element.extension.as_ref().map(|x| format!("({x})")).unwrap_or_default();
    out += if element.dual { "^" } else { "" };
    out += &element.depth.map(|d| format!("/{d}")).unwrap_or_default();
    format!("{out} \"{}\"", element.text.replace('\n', "\\n"))
}

fn rows(script: &Script) -> Vec<String> {
    script.elements.iter().map(row).collect()
}

/// Checks a table of texts, each with all its elements.
fn check(table: &[(&str, &[&str])]) {
    for (text, expected) in table {
        assert_eq!(rows(&parse(text)), *expected, "in {text:?}");
    }
}

/// Checks what lines are when they stand alone between blank lines.
fn check_alone(table: &[(&str, &str)]) {
    for (line, expected) in table {
        assert_eq!(rows(&parse(&format!("x\n\n{line}\n\ny")))[1..2], [*expected], "for {line:?}");
    }
}

#[test]
fn headings() {
    check_alone(&[
        ("INT. HOUSE - DAY", r#"scene_heading "INT. HOUSE - DAY""#),
        ("EXT. BRICK'S POOL - DAY", r#"scene_heading "EXT. BRICK'S POOL - DAY""#),
        ("int. house - day", r#"scene_heading "int. house - day""#),
        ("INT HOUSE - DAY", r#"scene_heading "INT HOUSE - DAY""#),
        ("EXT HOUSE", r#"scene_heading "EXT HOUSE""#),
        ("EST. LONDON", r#"scene_heading "EST. LONDON""#),
        ("est london", r#"scene_heading "est london""#),
        ("INT./EXT. CAR", r#"scene_heading "INT./EXT. CAR""#),
        ("INT./EXT CAR", r#"scene_heading "INT./EXT CAR""#),
        ("INT/EXT. CAR", r#"scene_heading "INT/EXT. CAR""#),
        ("INT/EXT CAR", r#"scene_heading "INT/EXT CAR""#),
        ("EXT/INT CAR", r#"scene_heading "EXT/INT CAR""#),
        ("I/E CAR", r#"scene_heading "I/E CAR""#),
        ("I/E. CAR", r#"scene_heading "I/E. CAR""#),
        ("I./E. CAR", r#"scene_heading "I./E. CAR""#),
        ("i/e car", r#"scene_heading "i/e car""#),
        ("  INT. INDENTED", r#"scene_heading "INT. INDENTED""#),
        ("INT. கோயில் - காலை", r#"scene_heading "INT. கோயில் - காலை""#),
        ("INTERIOR HOUSE", r#"action "INTERIOR HOUSE""#),
        ("Internal affairs.", r#"action "Internal affairs.""#),
        ("EXTREMELY quiet.", r#"action "EXTREMELY quiet.""#),
        ("INT", r#"action "INT""#),
    ]);
}

#[test]
fn headings_need_a_blank_line_before_and_none_after() {
    check(&[
        ("INT. A\nHe sits.", &[r#"scene_heading "INT. A""#, r#"action "He sits.""#]),
        ("He sits.\nINT. A\n", &[r#"action "He sits.\nINT. A""#]),
        ("He sits.\n.FORCED\n", &[r#"action "He sits.\n.FORCED""#]),
        ("He sits.\n\nINT. A", &[r#"action "He sits.""#, r#"scene_heading "INT. A""#]),
        ("He sits.\n \t \nINT. A", &[r#"action "He sits.""#, r#"scene_heading "INT. A""#]),
        ("\n\n\nINT. A", &[r#"scene_heading "INT. A""#]),
        ("# Act\nINT. A", &[r#"section/1 "Act""#, r#"scene_heading "INT. A""#]),
        ("= plot\nINT. A", &[r#"synopsis "plot""#, r#"scene_heading "INT. A""#]),
        ("===\nINT. A", &[r#"page_break """#, r#"scene_heading "INT. A""#]),
        ("CUT TO:\nINT. A", &[r#"transition "CUT TO:""#, r#"scene_heading "INT. A""#]),
        ("He sits.\n[[why?]]\nINT. A", &[r#"action "He sits.""#, r#"note "why?""#, r#"scene_heading "INT. A""#]),
        ("JACK\nHello.\nINT. A", &[r#"character "JACK""#, r#"dialogue "Hello.\nINT. A""#]),
    ]);
}

#[test]
fn forced_headings() {
    check_alone(&[
        (".SNIPER SCOPE POV", r#"scene_heading! "SNIPER SCOPE POV""#),
        (".INT. HOUSE", r#"scene_heading! "INT. HOUSE""#),
        (".1950s diner", r#"scene_heading! "1950s diner""#),
        (".कमरा - रात", r#"scene_heading! "कमरा - रात""#),
        (".茶室", r#"scene_heading! "茶室""#),
        (".OPENING TITLES #0#", r#"scene_heading!#0 "OPENING TITLES""#),
        ("...where the second Boxer lies.", r#"action "...where the second Boxer lies.""#),
        ("..DOTS", r#"action "..DOTS""#),
        (". SPACE", r#"action ". SPACE""#),
        (".(PAREN)", r#"action ".(PAREN)""#),
        (".", r#"action ".""#),
    ]);
}

#[test]
fn scene_numbers() {
    check_alone(&[
        ("INT. HOUSE - DAY #1#", r#"scene_heading#1 "INT. HOUSE - DAY""#),
        ("INT. HOUSE - DAY #1A#", r#"scene_heading#1A "INT. HOUSE - DAY""#),
        ("INT. HOUSE - DAY #110A#", r#"scene_heading#110A "INT. HOUSE - DAY""#),
        ("INT. HOUSE - DAY #1-A-2#", r#"scene_heading#1-A-2 "INT. HOUSE - DAY""#),
        ("INT. HOUSE - DAY - FLASHBACK (1944) #1.#", r#"scene_heading#1. "INT. HOUSE - DAY - FLASHBACK (1944)""#),
        ("INT. HOUSE#2#", r#"scene_heading#2 "INT. HOUSE""#),
        ("INT. HOUSE #१२#", r#"scene_heading#१२ "INT. HOUSE""#),
        ("INT. HOUSE #௧௧௦அ#", r#"scene_heading#௧௧௦அ "INT. HOUSE""#),
        ("INT. HOUSE #第三場#", r#"scene_heading#第三場 "INT. HOUSE""#),
        ("INT. HOUSE #١٢#  ", r#"scene_heading#١٢ "INT. HOUSE""#),
        ("INT. ROOM #5", r#"scene_heading "INT. ROOM #5""#),
        ("INT. ROOM #5 #7#", r#"scene_heading#7 "INT. ROOM #5""#),
        ("INT. ROOM ##", r#"scene_heading "INT. ROOM ##""#),
        ("INT. ROOMS #5 and 6#", r#"scene_heading "INT. ROOMS #5 and 6#""#),
    ]);
}

#[test]
fn action() {
    check(&[
        ("They drink long and well from the beers.", &[r#"action "They drink long and well from the beers.""#]),
        ("One.\nTwo.\n\nThree.", &[r#"action "One.\nTwo.""#, r#"action "Three.""#]),
        ("    Four in.\n\tOne tab.", &[r#"action "    Four in.\n    One tab.""#]),
        ("Trailing   \nspaces\t", &[r#"action "Trailing\nspaces""#]),
        ("\n\n\nLate.", &[r#"action "Late.""#]),
        ("!SCANNING THE AISLES...\nWhere is that pit boss?", &[r#"action! "SCANNING THE AISLES...\nWhere is that pit boss?""#]),
        ("!INT. HOUSE", &[r#"action! "INT. HOUSE""#]),
        ("!CUT TO:", &[r#"action! "CUT TO:""#]),
        ("  !DEEP\n\nEnd", &[r#"action! "  DEEP""#, r#"action "End""#]),
        ("!!", &[r#"action! "!""#]),
        ("!", &[r#"action "!""#]),
        ("BOOM", &[r#"action "BOOM""#]),
        ("FADE IN:", &[r#"action "FADE IN:""#]),
        ("Line\u{2028}separator\u{0085}kept", &["action \"Line\u{2028}separator\u{0085}kept\""]),
    ]);
}

#[test]
fn characters() {
    check(&[
        ("STEEL\nThe man's a myth!", &[r#"character "STEEL""#, r#"dialogue "The man's a myth!""#]),
        ("R2D2\nBeep.", &[r#"character "R2D2""#, r#"dialogue "Beep.""#]),
        ("23\nBeep.", &[r#"action "23\nBeep.""#]),
        ("ÉMILE\nOui.", &[r#"character "ÉMILE""#, r#"dialogue "Oui.""#]),
        ("АННА\nДа.", &[r#"character "АННА""#, r#"dialogue "Да.""#]),
        ("ΆΝΝΑ\nΝαι.", &[r#"character "ΆΝΝΑ""#, r#"dialogue "Ναι.""#]),
        ("McCLANE\nYippie", &[r#"action "McCLANE\nYippie""#]),
        ("@McCLANE\nYippie ki-yay!", &[r#"character! "McCLANE""#, r#"dialogue "Yippie ki-yay!""#]),
        ("@லட்சுமி\nவணக்கம்.", &[r#"character! "லட்சுமி""#, r#"dialogue "வணக்கம்.""#]),
        ("லட்சுமி\nவணக்கம்.", &[r#"action "லட்சுமி\nவணக்கம்.""#]),
        ("@健二（回想）\nはい。", &[r#"character!(回想) "健二""#, r#"dialogue "はい。""#]),
        ("@\nx", &[r#"action "@\nx""#]),
        ("JACK\n\nHello.", &[r#"action "JACK""#, r#"action "Hello.""#]),
        ("JACK", &[r#"action "JACK""#]),
        ("@Jack\n\nHello.", &[r#"character! "Jack""#, r#"action "Hello.""#]),
        ("He nods.\nJACK\nHello.", &[r#"action "He nods.\nJACK\nHello.""#]),
        ("  JACK\n  Hello.", &[r#"character "JACK""#, r#"dialogue "Hello.""#]),
        ("(SIGHS)\nLong.", &[r#"action "(SIGHS)\nLong.""#]),
    ]);
}

#[test]
fn extensions() {
    let one = |line: &str| rows(&parse(&format!("{line}\nHi."))).remove(0);
    let table = [
        ("MOM (O. S.)", r#"character(O. S.) "MOM""#),
        ("HANS (on the radio)", r#"character(on the radio) "HANS""#),
        ("JACK (V.O.)", r#"character(V.O.) "JACK""#),
        ("JACK(V.O.)", r#"character(V.O.) "JACK""#),
        ("JACK (CONT'D)", r#"character(CONT'D) "JACK""#),
        ("JACK (CONT’D)", r#"character(CONT’D) "JACK""#),
        ("JACK (cont’d)", r#"character(cont’d) "JACK""#),
        ("JACK (V.O.) (CONT'D)", r#"character(V.O., CONT'D) "JACK""#),
        ("JACK (V.O. (FILTERED))", r#"character(V.O. (FILTERED)) "JACK""#),
        ("JACK (V.O.", r#"character "JACK (V.O.""#),
        ("JACK (V.O.) SMITH", r#"character "JACK (V.O.) SMITH""#),
        ("JACK ()", r#"character "JACK ()""#),
        ("@McAvoy (v.o.)", r#"character!(v.o.) "McAvoy""#),
    ];
    for (line, expected) in table {
        assert_eq!(one(line), expected, "for {line:?}");
    }
}

#[test]
fn dual_dialogue() {
    check(&[
        (
            "BRICK\nScrew retirement.\n\nSTEEL ^\nScrew retirement.",
            &[
                r#"character "BRICK""#,
                r#"dialogue "Screw retirement.""#,
                r#"character^ "STEEL""#,
                r#"dialogue "Screw retirement.""#,
            ],
        ),
        ("A\nx\n\nB (V.O.)^\ny", &[r#"character "A""#, r#"dialogue "x""#, r#"character(V.O.)^ "B""#, r#"dialogue "y""#]),
        (
            "A\nx\n\n[[n]]\n\n@b ^\ny",
            &[r#"character "A""#, r#"dialogue "x""#, r#"note "n""#, r#"character!^ "b""#, r#"dialogue "y""#],
        ),
        ("STEEL ^\nAlone.", &[r#"character "STEEL""#, r#"dialogue "Alone.""#]),
        (
            "A\nx\n\nHe sits.\n\nB ^\ny",
            &[r#"character "A""#, r#"dialogue "x""#, r#"action "He sits.""#, r#"character "B""#, r#"dialogue "y""#],
        ),
        (
            "A\nx\n\nINT. C\n\nB ^\ny",
            &[r#"character "A""#, r#"dialogue "x""#, r#"scene_heading "INT. C""#, r#"character "B""#, r#"dialogue "y""#],
        ),
    ]);
}

#[test]
fn dialogue() {
    check(&[
        ("A\nOne.\nTwo.\n\nNot.", &[r#"character "A""#, r#"dialogue "One.\nTwo.""#, r#"action "Not.""#]),
        ("A\nOne.\n  \nTwo.", &[r#"character "A""#, r#"dialogue "One.\n\nTwo.""#]),
        ("A\nOne.\n  \n  \nTwo.", &[r#"character "A""#, r#"dialogue "One.\n\n\nTwo.""#]),
        ("A\nOne.\n  \n\nTwo.", &[r#"character "A""#, r#"dialogue "One.""#, r#"action "Two.""#]),
        ("A\nOne.\n \nTwo.", &[r#"character "A""#, r#"dialogue "One.""#, r#"action "Two.""#]),
        ("A\nOne.\n   \nTwo.", &[r#"character "A""#, r#"dialogue "One.""#, r#"action "Two.""#]),
        ("A\nOne.\n\t\nTwo.", &[r#"character "A""#, r#"dialogue "One.""#, r#"action "Two.""#]),
        (
            "A\n(beat)\nOne.\n(softer)\nTwo.",
            &[
                r#"character "A""#,
                r#"parenthetical "beat""#,
                r#"dialogue "One.""#,
                r#"parenthetical "softer""#,
                r#"dialogue "Two.""#,
            ],
        ),
        ("A\n(one) two (three)", &[r#"character "A""#, r#"dialogue "(one) two (three)""#]),
        ("A\n(one (inner))", &[r#"character "A""#, r#"parenthetical "one (inner)""#]),
        ("A\n()", &[r#"character "A""#, r#"dialogue "()""#]),
        ("@甲\n（小声）\n是。", &[r#"character! "甲""#, r#"parenthetical "小声""#, r#"dialogue "是。""#]),
        ("(beat)", &[r#"action "(beat)""#]),
        ("A\n!loud\n@at\n#1 fan\n=x", &[r#"character "A""#, r##"dialogue "!loud\n@at\n#1 fan\n=x""##]),
        ("A\nOne.\n===\nTwo.", &[r#"character "A""#, r#"dialogue "One.""#, r#"page_break """#, r#"action "Two.""#]),
        ("A\nOne.\n[[n]]\nTwo.", &[r#"character "A""#, r#"dialogue "One.\nTwo.""#, r#"note "n""#]),
        ("A\n[[n]]\nOne.", &[r#"character "A""#, r#"note "n""#, r#"dialogue "One.""#]),
        ("A\nOne /* cut\n\nmore */ two.", &[r#"character "A""#, r#"dialogue "One two.""#, r#"boneyard "cut\n\nmore""#]),
    ]);
}

#[test]
fn lyrics() {
    check(&[
        ("~Willy Wonka!\n~ Everybody!", &[r#"lyrics! "Willy Wonka!""#, r#"lyrics! "Everybody!""#]),
        ("A\n~La la\nHm.", &[r#"character "A""#, r#"lyrics! "La la""#, r#"dialogue "Hm.""#]),
        ("He sings.\n~La", &[r#"action "He sings.""#, r#"lyrics! "La""#]),
        ("~", &[r#"action "~""#]),
    ]);
}

#[test]
fn transitions() {
    check(&[
        ("CUT TO:", &[r#"transition "CUT TO:""#]),
        ("x\n\nSMASH CUT TO:\n\ny", &[r#"action "x""#, r#"transition "SMASH CUT TO:""#, r#"action "y""#]),
        ("x\n\n  DISSOLVE TO:\n\ny", &[r#"action "x""#, r#"transition "DISSOLVE TO:""#, r#"action "y""#]),
        ("x\n\nCUT TO: \n\ny", &[r#"action "x""#, r#"action "CUT TO:""#, r#"action "y""#]),
        ("CUT TO: \nfoo", &[r#"action "CUT TO:\nfoo""#]),
        ("x\nCUT TO:", &[r#"action "x\nCUT TO:""#]),
        ("Cut to:", &[r#"action "Cut to:""#]),
        ("CUT TO", &[r#"action "CUT TO""#]),
        ("> Burn to White.", &[r#"transition! "Burn to White.""#]),
        (">FADE OUT", &[r#"transition! "FADE OUT""#]),
        ("> CUT TO: ", &[r#"transition! "CUT TO:""#]),
        (">", &[r#"action ">""#]),
    ]);
}

#[test]
fn one_line_elements() {
    check_alone(&[
        ("> THE END <", r#"centered "THE END""#),
        (">THE END<", r#"centered "THE END""#),
        ("  > *fin* <  ", r#"centered "*fin*""#),
        ("><", r#"action "><""#),
        ("===", r#"page_break """#),
        ("=======  ", r#"page_break """#),
        ("==", r#"action "==""#),
        ("=== x", r#"action "=== x""#),
        ("= What happens.", r#"synopsis "What happens.""#),
        ("=tight", r#"synopsis "tight""#),
        ("=", r#"action "=""#),
        ("# Act", r#"section/1 "Act""#),
        ("## Sequence", r#"section/2 "Sequence""#),
        ("###Scene", r#"section/3 "Scene""#),
        ("#### four", r#"section/4 "four""#),
        ("##### five", r#"section/5 "five""#),
        ("###### six", r#"section/6 "six""#),
        ("####### seven", r#"section/6 "seven""#),
        ("#", r##"action "#""##),
    ]);
    check(&[("One.\n# Two\n> 3 <\n4", &[r#"action "One.""#, r#"section/1 "Two""#, r#"centered "3""#, r#"action "4""#])]);
}

#[test]
fn notes() {
    check(&[
        ("[[alone]]", &[r#"note "alone""#]),
        ("A [[in]] line", &[r#"action "A line""#, r#"note "in""#]),
        ("AKA JACK[[names?]].  They", &[r#"action "AKA JACK.  They""#, r#"note "names?""#]),
        ("[[first]] then", &[r#"note "first""#, r#"action "then""#]),
        ("then [[last]]", &[r#"action "then""#, r#"note "last""#]),
        ("INT. A [[why]] #1#", &[r#"scene_heading#1 "INT. A""#, r#"note "why""#]),
        ("JACK [[who?]]\nHi.", &[r#"character "JACK""#, r#"note "who?""#, r#"dialogue "Hi.""#]),
        ("x [[one\ntwo]] y", &[r#"action "x y""#, r#"note "one\ntwo""#]),
        ("x [[one\n  \ntwo]] y", &[r#"action "x y""#, r#"note "one\n\ntwo""#]),
        ("x [[one\n\ntwo]] y", &[r#"action "x [[one""#, r#"action "two]] y""#]),
        ("x [[one\n \ntwo]] y", &[r#"action "x [[one""#, r#"action "two]] y""#]),
        ("x [[one\n\n[[two]] y", &[r#"action "x [[one""#, r#"note "two""#, r#"action "y""#]),
        ("x [[open", &[r#"action "x [[open""#]),
        ("x ]] y", &[r#"action "x ]] y""#]),
        ("[one]", &[r#"action "[one]""#]),
        ("[[a[0]]]", &[r#"note "a[0]""#]),
        ("[[]]", &[r#"note """#]),
        ("[[a /* b */ c]]", &[r#"note "a  c""#]),
        ("[[klieg: culture=tamil time=dusk]]", &[r#"note "klieg: culture=tamil time=dusk""#]),
        ("a\n[[n]]\nb", &[r#"action "a""#, r#"note "n""#, r#"action "b""#]),
    ]);
}

#[test]
fn boneyards() {
    check(&[
        ("a /* b */ c", &[r#"action "a c""#, r#"boneyard "b""#]),
        (
            "INT. A\n\n/*\nINT. B\n\nx\n*/\n\nINT. C",
            &[r#"scene_heading "INT. A""#, r#"boneyard "INT. B\n\nx""#, r#"scene_heading "INT. C""#],
        ),
        ("a /* [[n]] */", &[r#"action "a""#, r#"boneyard "[[n]]""#]),
        ("a /* b", &[r#"action "a /* b""#]),
        ("a /*/ b", &[r#"action "a /*/ b""#]),
        ("a /**/ b", &[r#"action "a b""#, r#"boneyard """#]),
        ("a */ b /* c", &[r#"action "a */ b /* c""#]),
        ("/* x */Title: T\n\ny", &[r#"boneyard "x""#, r#"action "y""#]),
    ]);
}

#[test]
fn line_ends_and_byte_order_mark() {
    let unix = "Title: T\n\nINT. A\n\nJACK\nOne.\n  \nTwo. [[n\nm]]\n\nCUT TO:\n\nEnd\nof it.\n";
    let expected = parse(unix);
    assert_eq!(expected.elements.len(), 6);
    for end in ["\r\n", "\r"] {
        for bom in ["", "\u{feff}"] {
            let script = parse(&format!("{bom}{}", unix.replace('\n', end)));
            assert_eq!(rows(&script), rows(&expected), "with {end:?}");
            assert_eq!(script.title_page, expected.title_page);
            let places = |s: &Script| s.elements.iter().map(|e| (e.span.line, e.span.column)).collect::<Vec<_>>();
            assert_eq!(places(&script), places(&expected), "with {end:?}");
        }
    }
}

fn title(text: &str) -> Vec<(String, Vec<String>)> {
    parse(text).title_page
}

fn page(entries: &[(&str, &[&str])]) -> Vec<(String, Vec<String>)> {
    entries.iter().map(|(k, v)| ((*k).to_owned(), v.iter().map(|v| (*v).to_owned()).collect())).collect()
}

#[test]
fn title_page_of_the_specification() {
    let text = "Title:\n\t_**BRICK & STEEL**_\n\t_**FULL RETIRED**_\nCredit: Written by\nAuthor: Stu Maschwitz\nSource: Story by KTM\nDraft date: 1/20/2012\nContact:\n\tNext Level Productions\n\t1588 Mission Dr.\n\tSolvang, CA 93463\n\nEXT. BRICK'S PATIO - DAY";
    let expected = page(&[
        ("Title", &["_**BRICK & STEEL**_", "_**FULL RETIRED**_"]),
        ("Credit", &["Written by"]),
        ("Author", &["Stu Maschwitz"]),
        ("Source", &["Story by KTM"]),
        ("Draft date", &["1/20/2012"]),
        ("Contact", &["Next Level Productions", "1588 Mission Dr.", "Solvang, CA 93463"]),
    ]);
    assert_eq!(title(text), expected);
    assert_eq!(parse(text).elements.len(), 1);
}

#[test]
fn title_page_rules() {
    assert_eq!(title("Author: A\nTitle: T\nauthor: B\n\nx"), page(&[("Author", &["A", "B"]), ("Title", &["T"])]));
    assert_eq!(title("Title: a: b\n    http://c.d\n\nx"), page(&[("Title", &["a: b", "http://c.d"])]));
    assert_eq!(title("Title:\n\nx"), page(&[("Title", &[])]));
    assert_eq!(title("Título: El río\n\nx"), page(&[("Título", &["El río"])]));
    assert_eq!(title("\n\nTitle: T\n\nx"), page(&[("Title", &["T"])]));
    for none in [
        "INT. A\nTitle: T",
        "x\nTitle: T",
        "CUT TO:\n\nx",
        "CUT TO: \nTitle: T",
        "FADE IN:\n\nINT. A",
        "INT. HOUSE: NIGHT\n\nx",
        ".A: B\n\nx",
        "# A: B",
        "!Note: x",
        "    Title: T",
    ] {
        assert_eq!(title(none), page(&[]), "for {none:?}");
    }
    assert_eq!(rows(&parse("FADE IN:\n\nINT. A")), [r#"action "FADE IN:""#, r#"scene_heading "INT. A""#]);
    assert_eq!(rows(&parse("Title: T\nINT. A")), [r#"scene_heading "INT. A""#]);
}

#[test]
fn spans_point_at_the_text() {
    let text = "Title: T\n\nINT. A\n\n  @Öl\n    Hállo [[ein\nWort]] da.\n\n    In.\nMore.";
    let script = parse(text);
    let place = |i: usize| (script.elements[i].span.line, script.elements[i].span.column);
    let slice = |i: usize| &text[script.elements[i].span.start..script.elements[i].span.end];
    let expected = [
        (ElementKind::SceneHeading, (3, 1), "INT. A"),
        (ElementKind::Character, (5, 3), "@Öl"),
        (ElementKind::Dialogue, (6, 5), "Hállo [[ein\nWort]] da."),
        (ElementKind::Note, (6, 11), "[[ein\nWort]]"),
        (ElementKind::Action, (9, 1), "    In.\nMore."),
    ];
    assert_eq!(script.elements.len(), expected.len());
    for (i, (kind, at, words)) in expected.into_iter().enumerate() {
        assert_eq!((script.elements[i].kind, place(i), slice(i)), (kind, at, words));
    }
}

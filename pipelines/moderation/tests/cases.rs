//! The cases of `cases.tsv`: precision and recall of each category, and all of them right.

use klieg_moderation::{
    Category, Family, Findings, Score,
    text::{LANGUAGES, Lexicon, Setting, decode, scan},
};
use std::collections::{BTreeMap, BTreeSet};

const CASES: &str = include_str!("cases.tsv");
/// The score from which on a category counts as found.
const FOUND: f32 = 0.5;

struct Case {
    language: &'static str,
    wanted: BTreeSet<Category>,
    text: String,
}

fn cases() -> Vec<Case> {
    let case = |line: &'static str| {
        let [language, categories, coded] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let wanted = categories.split(',').filter(|word| *word != "-").map(|word| word.parse().unwrap()).collect();
        Case { language, wanted, text: decode(coded).unwrap() }
    };
    CASES.lines().filter(|line| !line.starts_with('#')).map(case).collect()
}

fn content() -> Vec<Category> {
    Category::ALL.iter().copied().filter(|category| category.family() == Family::Content).collect()
}

fn found(text: &str, lexicon: &Lexicon) -> BTreeSet<Category> {
    let mut findings = Findings::default();
    scan(text, Setting::default(), lexicon, &mut findings);
    let all = findings.of(&content());
    all.iter().filter(|f| matches!(f.score, Score::Known(score) if score >= FOUND)).map(|f| f.category).collect()
}

#[test]
fn every_case_has_its_categories() {
    let lexicon = Lexicon::of(LANGUAGES).unwrap();
    let cases = cases();
    assert!(cases.len() >= 200, "{} cases", cases.len());
    // of each category: rightly found, wrongly found, missed
    let mut table: BTreeMap<Category, [u32; 3]> = content().into_iter().map(|category| (category, [0; 3])).collect();
    let mut wrong = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        let found = found(&case.text, &lexicon);
        for (category, counts) in &mut table {
            match (found.contains(category), case.wanted.contains(category)) {
                (true, true) => counts[0] += 1,
                (true, false) => counts[1] += 1,
                (false, true) => counts[2] += 1,
                (false, false) => {}
            }
        }
        if found != case.wanted {
            wrong.push(format!("case {} ({}): found {found:?}, wanted {:?}", number + 1, case.language, case.wanted));
        }
    }
    println!("{:24} precision recall cases", "category");
    for (category, [right, wrongly, missed]) in &table {
        let share = |of: u32| f64::from(*right) / f64::from((right + of).max(1));
        println!("{:24} {:9.3} {:6.3} {:5}", category.word(), share(*wrongly), share(*missed), right + missed);
        assert!(right + missed >= 10, "{category}: a case in every language");
    }
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    let languages: BTreeSet<&str> = cases.iter().map(|case| case.language).collect();
    assert_eq!(languages.len(), LANGUAGES.len());
}

#[test]
fn evidence_points_at_the_original_text() {
    let lexicon = Lexicon::of(LANGUAGES).unwrap();
    let text = "Ｈｅｙ… I w\u{200b}1ll k1ll y0u, she wrote.";
    let mut findings = Findings::default();
    scan(text, Setting::default(), &lexicon, &mut findings);
    let all = findings.of(&[Category::HarassmentThreatening]);
    let klieg_moderation::Place::Span { start, end } = all[0].evidence[0].place else { panic!("{all:?}") };
    let chars: Vec<char> = text.chars().collect();
    assert_eq!(chars[start..end].iter().collect::<String>(), "I w\u{200b}1ll k1ll y0u");
    assert!(all[0].evidence[0].note.contains("digits or signs"), "{all:?}");
}

#[test]
fn a_script_without_lexicon_is_not_judged() {
    let lexicon = Lexicon::of(LANGUAGES).unwrap();
    for (text, judged) in
        [("วันนี้อากาศดีมาก", false), ("Сегодня хорошая погода", false), ("The weather is fine today", true), ("42!", true)]
    {
        let mut findings = Findings::default();
        scan(text, Setting::default(), &lexicon, &mut findings);
        let all = findings.of(&content());
        assert!(all.iter().all(|f| (f.score == Score::Known(0.0)) == judged), "{text}: {all:?}");
    }
}

#[test]
fn long_and_hostile_texts_are_read_in_time_that_grows_with_them() {
    let lexicon = Lexicon::of(LANGUAGES).unwrap();
    for text in
        ["a ".repeat(60_000), "k".repeat(120_000), "I will kill you ".repeat(8_000), "\u{301}".repeat(120_000), "„".repeat(110_000)]
    {
        let mut findings = Findings::default();
        scan(&text, Setting::default(), &lexicon, &mut findings);
        let all = findings.of(&content());
        assert!(all.iter().all(|f| f.evidence.len() <= klieg_moderation::EVIDENCE_MAX));
    }
}

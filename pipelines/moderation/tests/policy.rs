//! Policies: from findings to decisions, and what is wrong with a file.

use klieg_moderation::{
    Category, Decision, Finding, Score,
    policy::{DEFAULT, POLICY_BYTES_MAX, Threshold, Versioned},
};

fn finding(category: Category, score: Score) -> Finding {
    Finding { category, score, by: Vec::new(), evidence: Vec::new(), left_out: 0 }
}

fn decision(category: Category, score: Score) -> (Decision, f32) {
    let policy = Versioned::default_policy().unwrap().policy;
    let verdict = policy.decide(&[finding(category, score)]);
    (verdict.decision, verdict.risk)
}

#[test]
fn thresholds_are_reached_at_their_score() {
    let policy = Versioned::default_policy().unwrap().policy;
    let Threshold { review: Some(review), reject: Some(reject), .. } = policy.thresholds[&Category::Hate] else { panic!() };
    assert_eq!(decision(Category::Hate, Score::Known(review - 0.01)).0, Decision::Approve);
    assert_eq!(decision(Category::Hate, Score::Known(review)).0, Decision::Review);
    assert_eq!(decision(Category::Hate, Score::Known(reject)), (Decision::Reject, 1.0));
}

#[test]
fn what_is_unavailable_is_what_the_policy_says() {
    assert_eq!(decision(Category::Adult, Score::Unavailable), (Decision::Review, 0.0));
    let mut policy = Versioned::default_policy().unwrap().policy;
    policy.thresholds.entry(Category::Adult).or_default().unavailable = Some(Decision::Reject);
    assert_eq!(policy.decide(&[finding(Category::Adult, Score::Unavailable)]).decision, Decision::Reject);
}

#[test]
fn a_policy_is_refused_with_line_and_column() {
    let wrong = |from: &str, to: &str| {
        let text = DEFAULT.replacen(from, to, 1);
        assert_ne!(text, DEFAULT);
        Versioned::read("p.toml", text.as_bytes()).unwrap_err()
    };
    let line = |word: &str| DEFAULT.lines().position(|line| line.contains(word)).unwrap() as u32 + 1;
    let unknown = wrong("\"hate\"", "\"hats\"");
    assert_eq!((unknown.line, unknown.column), (line("\"hate\""), 1), "{unknown}");
    let above = wrong("\"hate\" = { review = 0.5", "\"hate\" = { review = 0.99");
    assert_eq!(above.line, line("\"hate\""));
    assert!(above.message.contains("nobody would ever review"), "{above}");
    let score = wrong("\"hate\" = { review = 0.5", "\"hate\" = { review = 50");
    assert!(score.message.contains("at most 1"), "{score}");
    let version = wrong("version = 1", "version = 0");
    assert_eq!(version.line, line("version = 1"));
    assert!(wrong("unavailable = \"review\"", "unavailable = \"maybe\"").message.contains("maybe"));
    assert!(Versioned::read("p.toml", &[0xff]).unwrap_err().message.contains("UTF-8"));
    assert!(Versioned::read("p.toml", &vec![b'#'; POLICY_BYTES_MAX + 1]).unwrap_err().message.contains("bytes"));
}

//! What was found, how sure that is, and where it stands.

use crate::Category;
use serde::{Deserialize, Serialize};

/// How much of a category there is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Score {
    /// 0–1.
    Known(f32),
    /// Nothing that is installed here can judge it.
    Unavailable,
}

impl Score {
    pub fn known(self) -> Option<f32> {
        match self {
            Self::Known(score) => Some(score),
            Self::Unavailable => None,
        }
    }
}

/// Where something is. Seconds from the beginning; boxes as shares of width and height; characters as Unicode scalar values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    Whole,
    /// Characters of a text, and the bytes of it in a file.
    Span {
        start: usize,
        end: usize,
    },
    Time {
        from: f64,
        to: f64,
    },
    Region {
        left: f32,
        top: f32,
        right: f32,
        bottom: f32,
        from: f64,
        to: f64,
    },
    Bytes {
        from: u64,
        to: u64,
    },
}

/// One reason for a score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    pub place: Place,
    /// What it alone comes to, 0–1, with its context.
    pub score: f32,
    /// What says so: `lexicon en`, `pdq list known`, `bt1702`, `model NAME@DIGEST`.
    pub by: String,
    /// One sentence for a reviewer; never the words themselves.
    pub note: String,
}

/// A category with its score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    pub category: Category,
    pub score: Score,
    /// What judged it; empty when nothing could.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
    /// Evidence beyond `EVIDENCE_MAX` that is left out.
    #[serde(default, skip_serializing_if = "is_none")]
    pub left_out: usize,
}

fn is_none(count: &usize) -> bool {
    *count == 0
}

/// Pieces of evidence of a category that are kept, the strongest first.
pub const EVIDENCE_MAX: usize = 20;

/// Gathers evidence and who could judge what; then makes findings of it.
#[derive(Debug, Default)]
pub struct Findings {
    judged: Vec<(Category, String)>,
    evidence: Vec<(Category, Evidence)>,
}

impl Findings {
    /// Notes that a category was looked for: without evidence its score is 0.
    pub fn judged(&mut self, category: Category, by: &str) {
        if !self.judged.iter().any(|(known, who)| *known == category && who == by) {
            self.judged.push((category, by.to_owned()));
        }
    }

    /// Notes evidence; its category was looked for.
    pub fn add(&mut self, category: Category, evidence: Evidence) {
        self.judged(category, &evidence.by);
        self.evidence.push((category, evidence));
    }

    /// A finding for each of the categories: as much as its strongest evidence says, for many weak words make no strong one. A parent
    /// scores at least what its children do.
    pub fn of(self, categories: &[Category]) -> Vec<Finding> {
        let own: Vec<Finding> = categories.iter().map(|category| self.finding(*category)).collect();
        let lifted = |finding: &Finding| {
            let children = own.iter().filter(|other| other.category.parent() == Some(finding.category));
            children.filter_map(|child| child.score.known()).fold(finding.score, |score, child| match score {
                Score::Known(known) => Score::Known(known.max(child)),
                Score::Unavailable => Score::Unavailable,
            })
        };
        own.iter().map(|finding| Finding { score: lifted(finding), ..finding.clone() }).collect()
    }

    fn finding(&self, category: Category) -> Finding {
        let of = |known: &Category| *known == category;
        let by: Vec<String> = self.judged.iter().filter(|(known, _)| of(known)).map(|(_, by)| by.clone()).collect();
        let mut evidence: Vec<Evidence> = self.evidence.iter().filter(|(known, _)| of(known)).map(|(_, e)| e.clone()).collect();
        evidence.sort_by(|a, b| b.score.total_cmp(&a.score));
        let strongest = evidence.first().map_or(0.0, |piece| piece.score.clamp(0.0, 1.0));
        let score = if by.is_empty() { Score::Unavailable } else { Score::Known(strongest) };
        let left_out = evidence.len().saturating_sub(EVIDENCE_MAX);
        evidence.truncate(EVIDENCE_MAX);
        Finding { category, score, by, evidence, left_out }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(score: f32, note: &str) -> Evidence {
        Evidence { place: Place::Whole, score, by: "a test".into(), note: note.into() }
    }

    #[test]
    fn what_nobody_judged_is_unavailable_and_what_nobody_found_is_nothing() {
        let mut findings = Findings::default();
        findings.judged(Category::Hate, "a test");
        let found = findings.of(&[Category::Hate, Category::Sexual]);
        assert_eq!((found[0].score, found[1].score), (Score::Known(0.0), Score::Unavailable));
    }

    #[test]
    fn the_strongest_evidence_counts_and_lifts_the_parent() {
        let mut findings = Findings::default();
        findings.judged(Category::Violence, "a test");
        for (score, note) in [(0.5, "one"), (0.75, "one"), (0.5, "other")] {
            findings.add(Category::ViolenceGraphic, evidence(score, note));
        }
        let found = findings.of(&[Category::Violence, Category::ViolenceGraphic]);
        assert_eq!((found[0].score, found[1].score), (Score::Known(0.75), Score::Known(0.75)));
        assert_eq!((found[0].evidence.len(), found[1].evidence.len()), (0, 3));
    }

    #[test]
    fn evidence_is_bounded() {
        let mut findings = Findings::default();
        for number in 0..50 {
            findings.add(Category::Hate, evidence(0.1, &number.to_string()));
        }
        let found = findings.of(&[Category::Hate]);
        assert_eq!((found[0].evidence.len(), found[0].left_out), (EVIDENCE_MAX, 30));
    }
}

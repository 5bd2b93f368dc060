//! What a moderation job writes: `moderation.json` for programs, `moderation.txt` for people.

use crate::{Category, Evidence, Finding, Likelihood, Place, Score, Verdict, category::Family, file};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt::Write};

/// The version of the report's form.
pub const FORM: u32 = 1;

/// Everything about one content.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// `FORM`.
    pub version: u32,
    pub content: About,
    #[serde(flatten)]
    pub verdict: Verdict,
    pub findings: Vec<Finding>,
    /// SafeSearch's words for its categories; `UNKNOWN`: unavailable. Empty where there is no picture.
    pub safe_search: BTreeMap<String, String>,
    pub fingerprints: Fingerprints,
    pub policy: PolicyUsed,
    pub tools: Tools,
}

/// What was moderated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct About {
    pub name: String,
    pub kind: file::Kind,
    pub media_type: String,
    pub bytes: u64,
    /// BLAKE3, hex.
    pub digest: String,
}

/// By what the content can be found again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Fingerprints {
    /// Of a picture: 64 hexadecimal digits, and the quality of 0–1.
    pub pdq: Option<(String, f32)>,
    /// Frames of a film that are in `frames.vpdq.csv`.
    pub frames: usize,
    /// Numbers of a sound's Chromaprint fingerprint, which is in `sound.chromaprint`.
    pub sound_items: usize,
}

/// Which policy decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PolicyUsed {
    pub name: String,
    pub version: u32,
    /// BLAKE3 of its file, hex.
    pub digest: String,
}

/// What judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tools {
    pub klieg: String,
    /// Languages of the lexicons with their versions.
    pub lexicons: String,
    pub classifiers: Vec<String>,
}

/// SafeSearch's words.
pub(crate) fn safe_search(findings: &[Finding]) -> BTreeMap<String, String> {
    let of = |finding: &&Finding| finding.category.family() == Family::SafeSearch;
    let word = |finding: &Finding| match finding.score {
        Score::Unavailable => "UNKNOWN".to_owned(),
        Score::Known(score) => {
            serde_json::to_value(Likelihood::of(score)).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
        }
    };
    let name = |category: Category| category.word().trim_start_matches("safesearch/").to_owned();
    findings.iter().filter(of).map(|finding| (name(finding.category), word(finding))).collect()
}

impl Report {
    /// A page for people. The words themselves are not in it.
    pub fn page(&self) -> String {
        let About { name, media_type, bytes, digest, .. } = &self.content;
        let PolicyUsed { name: policy, version, digest: by } = &self.policy;
        let mut page = format!("{name}: {}, risk {:.2}\n", self.verdict.decision.word(), self.verdict.risk);
        let _ = writeln!(page, "{media_type}, {bytes} bytes, {digest}\npolicy {policy} {version} ({})\n", &by[..by.len().min(16)]);
        for finding in &self.findings {
            let reason = self.verdict.reasons.iter().find(|reason| reason.category == finding.category);
            let reason = reason.map_or("", |reason| reason.decision.word());
            match finding.score {
                Score::Known(score) => _ = writeln!(page, "{:24} {score:.2} {reason}", finding.category.word()),
                Score::Unavailable => _ = writeln!(page, "{:24} unavailable {reason}", finding.category.word()),
            }
            for evidence in &finding.evidence {
                let _ = writeln!(page, "    {}", told(evidence));
            }
        }
        page
    }
}

fn told(evidence: &Evidence) -> String {
    let at = match &evidence.place {
        Place::Whole => String::new(),
        Place::Span { start, end } => format!(" at characters {start} to {end}"),
        Place::Time { from, to } => format!(" from {from:.2} s to {to:.2} s"),
        Place::Region { from, to, left, top, right, bottom } => {
            let percent = |share: &f32| share * 100.0;
            let (left, top, right, bottom) = (percent(left), percent(top), percent(right), percent(bottom));
            format!(" from {from:.2} s to {to:.2} s in {left:.0}–{right:.0} % × {top:.0}–{bottom:.0} %")
        }
        Place::Bytes { from, to } => format!(" at bytes {from} to {to}"),
    };
    format!("{:.2} {}{at}, by {}", evidence.score, evidence.note, evidence.by)
}

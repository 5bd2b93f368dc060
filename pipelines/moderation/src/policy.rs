//! Policies: from findings to a decision, by a file that people can read and versions can be kept of.
//!
//! A decision is a pure function of findings and policy; it is kept with the digest of the policy's bytes.

use crate::{Category, Finding, Score, category::Family};
use klieg_kind::BadInput;
use klieg_protocol::Digest;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The largest policy file, in bytes.
pub const POLICY_BYTES_MAX: usize = 64 << 10;
/// The longest name of a policy or a list, in characters.
pub const NAME_CHARS_MAX: usize = 64;
/// Lists that a policy may name.
pub const LISTS_MAX: usize = 64;

/// The policy that holds where none is named.
pub const DEFAULT: &str = include_str!("../policies/default.toml");

/// What happens to content. The later one is the stricter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    Approve,
    /// A person has to look.
    Review,
    Reject,
}

impl Decision {
    pub fn word(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Review => "review",
            Self::Reject => "reject",
        }
    }
}

/// Scores from which on something happens; `None`: never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Threshold {
    pub review: Option<f32>,
    pub reject: Option<f32>,
    /// What it means that nothing could judge it; the policy's `unavailable` if it says nothing.
    pub unavailable: Option<Decision>,
}

/// A policy's file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    pub name: String,
    /// Counts up with every change of what it says.
    pub version: u32,
    /// What it means that nothing installed could judge a category.
    pub unavailable: Decision,
    /// Lists of known content that are looked into, by name; each has to be an input of the job.
    #[serde(default)]
    pub lists: Vec<String>,
    pub thresholds: BTreeMap<Category, Threshold>,
}

/// A policy with the digest of what it was read from.
#[derive(Clone, Debug, PartialEq)]
pub struct Versioned {
    pub policy: Policy,
    pub digest: Digest,
}

/// What a policy says to findings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    pub decision: Decision,
    /// 0–1: how far the worst category is on its way to rejection.
    pub risk: f32,
    /// Why, in the order of categories; empty when approved.
    pub reasons: Vec<Reason>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reason {
    pub category: Category,
    pub decision: Decision,
    /// The score and the threshold that it reached; `None`: it is unavailable.
    pub score: Option<f32>,
    pub threshold: Option<f32>,
}

impl Versioned {
    pub fn default_policy() -> Result<Self, BadInput> {
        Self::read("the built-in policy", DEFAULT.as_bytes())
    }

    /// Reads a policy; what is wrong with it is named with its line and column.
    pub fn read(file: &str, bytes: &[u8]) -> Result<Self, BadInput> {
        let bad = |at: usize, message: String| {
            let before = bytes.get(..at).unwrap_or_default();
            let line = before.iter().filter(|byte| **byte == b'\n').count() as u32 + 1;
            let begin = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
            let column = String::from_utf8_lossy(&before[begin..]).chars().count() as u32 + 1;
            BadInput { file: file.to_owned(), line, column, message }
        };
        if bytes.len() > POLICY_BYTES_MAX {
            return Err(bad(0, format!("a policy has at most {POLICY_BYTES_MAX} bytes; this has {}", bytes.len())));
        }
        let text = std::str::from_utf8(bytes).map_err(|e| bad(e.valid_up_to(), "a policy is UTF-8".into()))?;
        let policy: Policy = toml::from_str(text).map_err(|e| {
            let at = e.span().map_or(0, |span| span.start);
            bad(at, e.message().replace('\n', "; "))
        })?;
        // where the line begins that gives it
        let at = |word: &str| {
            let lines = text.split_inclusive('\n').scan(0, |at, line| Some((std::mem::replace(at, *at + line.len()), line)));
            let mut found = lines.filter(|(_, line)| line.trim_start_matches(['[', ' ']).starts_with(word));
            found.next().map_or(0, |(at, _)| at)
        };
        policy.check().map_err(|(word, message)| bad(at(&word), message))?;
        Ok(Self { policy, digest: Digest::of(bytes) })
    }
}

impl Policy {
    /// What TOML cannot say: the word to look for in the file, and what is wrong.
    fn check(&self) -> Result<(), (String, String)> {
        let plain = |name: &str| {
            let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            !name.is_empty() && name.chars().count() <= NAME_CHARS_MAX && name.chars().all(allowed)
        };
        if !plain(&self.name) {
            return Err(("name".into(), format!("a policy's name is 1 to {NAME_CHARS_MAX} letters, digits, `-`, `_` and `.`")));
        }
        if self.version == 0 {
            return Err(("version".into(), "versions count from 1".into()));
        }
        if self.lists.len() > LISTS_MAX || !self.lists.iter().all(|list| plain(list)) {
            let message = format!("lists are at most {LISTS_MAX} names of 1 to {NAME_CHARS_MAX} letters, digits, `-`, `_` and `.`");
            return Err(("lists".into(), message));
        }
        for (category, threshold) in &self.thresholds {
            let word = format!("\"{category}\"");
            for (name, value) in [("review", threshold.review), ("reject", threshold.reject)] {
                if value.is_some_and(|value| !(value > 0.0 && value <= 1.0)) {
                    return Err((word, format!("{category}: `{name}` is a score above 0 and at most 1")));
                }
            }
            if let (Some(review), Some(reject)) = (threshold.review, threshold.reject)
                && review > reject
            {
                return Err((
                    word,
                    format!("{category}: `review` ({review}) is above `reject` ({reject}), so nobody would ever review"),
                ));
            }
        }
        match Category::ALL.iter().find(|category| category.family() == Family::Content && !self.thresholds.contains_key(category))
        {
            Some(missing) => {
                Err(("thresholds".into(), format!("a policy says something to every content category; {missing} is missing")))
            }
            None => Ok(()),
        }
    }

    /// What the policy says. Pure.
    pub fn decide(&self, findings: &[Finding]) -> Verdict {
        let reasons: Vec<Reason> = findings.iter().filter_map(|finding| self.reason(finding)).collect();
        let decision = reasons.iter().map(|reason| reason.decision).max().unwrap_or(Decision::Approve);
        let risk = findings.iter().map(|finding| self.risk(finding)).fold(0.0, f32::max);
        Verdict { decision, risk, reasons }
    }

    fn reason(&self, finding: &Finding) -> Option<Reason> {
        let category = finding.category;
        let threshold = self.thresholds.get(&category)?;
        let reached = |at: Option<f32>, score: f32| at.filter(|at| score >= *at);
        let (decision, score, threshold) = match finding.score {
            Score::Unavailable => (threshold.unavailable.unwrap_or(self.unavailable), None, None),
            Score::Known(score) => match (reached(threshold.reject, score), reached(threshold.review, score)) {
                (Some(at), _) => (Decision::Reject, Some(score), Some(at)),
                (None, Some(at)) => (Decision::Review, Some(score), Some(at)),
                (None, None) => (Decision::Approve, Some(score), None),
            },
        };
        (decision != Decision::Approve).then_some(Reason { category, decision, score, threshold })
    }

    /// A score's share of what rejects it; of what is only reviewed, half of that. What is not available has no risk that is known.
    fn risk(&self, finding: &Finding) -> f32 {
        let (Some(threshold), Some(score)) = (self.thresholds.get(&finding.category), finding.score.known()) else { return 0.0 };
        match (threshold.reject, threshold.review) {
            (Some(reject), _) => (score / reject).min(1.0),
            (None, Some(review)) => (score / review / 2.0).min(0.5),
            (None, None) => 0.0,
        }
    }
}

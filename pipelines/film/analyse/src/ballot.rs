//! Weighing clues: each value collects weight from words of the script, and the heaviest wins.

/// Words of the script that speak for something.
#[derive(Clone, Debug, PartialEq)]
pub struct Clue {
    /// 1-based script line.
    pub line: u32,
    /// As written.
    pub words: String,
}

impl Clue {
    pub fn new(line: u32, words: impl Into<String>) -> Self {
        Self { line, words: words.into() }
    }
}

/// What the clues decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict<T> {
    pub value: T,
    /// 0–1.
    pub confidence: f32,
    pub clue: Clue,
}

struct Votes<T> {
    value: T,
    weight: f32,
    clue: Option<Clue>,
    strongest: f32,
}

/// Votes for values; order of first votes breaks ties, so the outcome is a function of the script.
pub struct Ballot<T> {
    votes: Vec<Votes<T>>,
}

impl<T: PartialEq + Copy> Default for Ballot<T> {
    fn default() -> Self {
        Self { votes: Vec::new() }
    }
}

impl<T: PartialEq + Copy> Ballot<T> {
    /// Adds weight for `value`; the heaviest single clue is kept as the reason.
    pub fn vote(&mut self, value: T, weight: f32, clue: &Clue) {
        self.add(value, weight, Some(clue));
    }

    fn add(&mut self, value: T, weight: f32, clue: Option<&Clue>) {
        let at = self.votes.iter().position(|v| v.value == value).unwrap_or_else(|| {
            self.votes.push(Votes { value, weight: 0.0, clue: None, strongest: 0.0 });
            self.votes.len() - 1
        });
        let votes = &mut self.votes[at];
        votes.weight += weight;
        if let Some(clue) = clue.filter(|_| votes.clue.is_none() || weight > votes.strongest) {
            votes.clue = Some(clue.clone());
            votes.strongest = weight;
        }
    }

    /// Weight for `value`.
    pub fn weight(&self, value: T) -> f32 {
        self.votes.iter().find(|v| v.value == value).map_or(0.0, |v| v.weight)
    }

    /// The strongest clue for `value`.
    pub fn of(&self, value: T) -> Option<Clue> {
        self.votes.iter().find(|v| v.value == value).and_then(|v| v.clue.clone())
    }

    /// Adds another ballot's votes, scaled.
    pub fn merge(&mut self, other: &Ballot<T>, scale: f32) {
        for v in &other.votes {
            self.add(v.value, v.weight * scale, v.clue.as_ref());
        }
    }

    /// The heaviest value that has a clue and at least weight `least`; confidence is its share by softmax against the
    /// others and against "nothing is said" (weight 0).
    pub fn verdict(&self, least: f32) -> Option<Verdict<T>> {
        let mut best: Option<&Votes<T>> = None;
        for v in self.votes.iter().filter(|v| v.clue.is_some() && v.weight >= least) {
            if best.is_none_or(|b| v.weight > b.weight) {
                best = Some(v);
            }
        }
        let best = best?;
        let rivals: f32 = self.votes.iter().filter(|v| v.value != best.value).map(|v| (v.weight - best.weight).exp()).sum();
        let confidence = 1.0 / (1.0 + rivals + (-best.weight).exp());
        Some(Verdict { value: best.value, confidence: (confidence * 100.0).round() / 100.0, clue: best.clue.clone()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heaviest_value_wins_with_its_strongest_clue() {
        let mut ballot = Ballot::default();
        ballot.vote('a', 1.0, &Clue::new(1, "weak"));
        ballot.vote('b', 1.5, &Clue::new(2, "strong"));
        ballot.vote('a', 1.0, &Clue::new(3, "second"));
        let verdict = ballot.verdict(0.5).unwrap();
        assert_eq!((verdict.value, verdict.clue.line), ('a', 1));
        assert!(verdict.confidence > 0.4 && verdict.confidence < 0.8);
        assert!(ballot.verdict(3.0).is_none());
    }
}

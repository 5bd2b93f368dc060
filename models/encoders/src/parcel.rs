//! Sequences one after the other, without padding.

use crate::Error;

/// Whole sequences of tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parcel {
    pub ids: Vec<u32>,
    /// Where each sequence begins, and the end of the last: one more than there are sequences.
    pub bounds: Vec<usize>,
    /// The segment of each token (0 or 1); as long as `ids`.
    pub types: Vec<u32>,
}

impl Parcel {
    /// All of segment 0.
    pub fn of<S: AsRef<[u32]>>(sequences: &[S]) -> Self {
        let mut parcel = Self { bounds: vec![0], ..Self::default() };
        for ids in sequences {
            parcel.ids.extend_from_slice(ids.as_ref());
            parcel.bounds.push(parcel.ids.len());
        }
        parcel.types = vec![0; parcel.ids.len()];
        parcel
    }

    pub fn sequences(&self) -> usize {
        self.bounds.len().saturating_sub(1)
    }

    /// The place of each token in its sequence, from `first` on.
    pub(crate) fn places(&self, first: u32) -> Vec<u32> {
        self.bounds.windows(2).flat_map(|w| (0..(w[1] - w[0]) as u32).map(move |place| first + place)).collect()
    }

    /// Where each sequence's first token is.
    pub(crate) fn firsts(&self) -> Vec<u32> {
        self.bounds.windows(2).map(|w| w[0] as u32).collect()
    }

    /// Refuses tokens beyond the vocabulary, and sequences that are empty or longer than `most`.
    pub(crate) fn check(&self, vocabulary: usize, most: usize) -> Result<(), Error> {
        let whole = self.bounds.first() == Some(&0) && self.bounds.last() == Some(&self.ids.len());
        if !whole || self.types.len() != self.ids.len() || self.bounds.windows(2).any(|w| w[0] >= w[1]) {
            return Err(Error::Unable("use a parcel with an empty sequence or with bounds that don't fit".into()));
        }
        if let Some(tokens) = self.bounds.windows(2).map(|w| w[1] - w[0]).find(|tokens| *tokens > most) {
            return Err(Error::TooLong { tokens, most });
        }
        match self.ids.iter().find(|token| **token as usize >= vocabulary) {
            Some(token) => Err(Error::UnknownToken { token: *token, vocabulary }),
            None => Ok(()),
        }
    }
}

/// Cuts sequences, in their order, into runs of about `tokens` tokens: ranges of sequences, none empty.
pub fn parcels(lengths: &[usize], tokens: usize) -> Vec<std::ops::Range<usize>> {
    let mut runs = Vec::new();
    let (mut first, mut held) = (0, 0);
    for (i, length) in lengths.iter().enumerate() {
        if i > first && held + length > tokens {
            runs.push(first..i);
            (first, held) = (i, 0);
        }
        held += length;
    }
    if first < lengths.len() {
        runs.push(first..lengths.len());
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_whole_and_about_as_long_as_asked() {
        assert!(parcels(&[], 10).is_empty());
        assert_eq!(parcels(&[4, 4, 4, 20, 1], 10), [0..2, 2..3, 3..4, 4..5]);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let parcel = Parcel::of(&[vec![1, 2, 3], vec![4]]);
        assert!(parcel.check(5, 3).is_ok());
        assert!(matches!(parcel.check(4, 3), Err(Error::UnknownToken { token: 4, .. })));
        assert!(matches!(parcel.check(5, 2), Err(Error::TooLong { tokens: 3, most: 2 })));
        assert!(Parcel::of(&[vec![1], vec![]]).check(5, 3).is_err());
        assert_eq!(parcel.places(2), [2, 3, 4, 2]);
    }
}

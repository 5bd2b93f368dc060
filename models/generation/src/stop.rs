//! Where a text ends: strings that stop it, found across the borders of tokens.

/// Strings that a request may name, and bytes of one.
pub const STOPS_MAX: usize = 16;
pub const STOP_BYTES_MAX: usize = 256;

/// Text as it comes, held back while it could be the begin of a stop string.
#[derive(Debug, Default)]
pub struct Stops {
    stops: Vec<String>,
    held: String,
}

impl Stops {
    pub fn new(stops: Vec<String>) -> Self {
        Self { stops, held: String::new() }
    }

    /// Takes text; gives what is certain, and whether it ended. The stop string itself and what follows it are dropped.
    pub fn push(&mut self, text: &str) -> (String, bool) {
        self.held.push_str(text);
        let first = self.stops.iter().filter_map(|stop| self.held.find(stop.as_str())).min();
        if let Some(at) = first {
            self.held.truncate(at);
            return (std::mem::take(&mut self.held), true);
        }
        let doubtful = self.stops.iter().map(|stop| overlap(&self.held, stop)).max().unwrap_or(0);
        let rest = self.held.split_off(self.held.len() - doubtful);
        (std::mem::replace(&mut self.held, rest), false)
    }

    /// What was held back when the text ends by itself.
    pub fn finish(&mut self) -> String {
        std::mem::take(&mut self.held)
    }
}

/// Bytes at the end of `text` that begin `stop`.
fn overlap(text: &str, stop: &str) -> usize {
    let most = (stop.len() - 1).min(text.len());
    (1..=most).rev().find(|&bytes| stop.is_char_boundary(bytes) && text.ends_with(&stop[..bytes])).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::Stops;
    use proptest::prelude::*;

    #[test]
    fn a_stop_across_tokens_is_found_and_nothing_of_it_is_shown() {
        let mut stops = Stops::new(vec!["END.".into(), "\n\n".into()]);
        assert_eq!(stops.push("the E"), ("the ".into(), false));
        assert_eq!(stops.push("N"), (String::new(), false));
        assert_eq!(stops.push("Dless "), ("ENDless ".into(), false));
        assert_eq!(stops.push("END"), (String::new(), false));
        assert_eq!(stops.push(". and more"), (String::new(), true));
    }

    proptest! {
        /// However a text is cut, the same comes out as if it were searched whole.
        #[test]
        fn cuts_do_not_matter(text in "[abé]{0,40}", cuts in prop::collection::vec(1usize..4, 0..40), stop in "[abé]{1,4}") {
            let mut stops = Stops::new(vec![stop.clone()]);
            let (mut seen, mut ended) = (String::new(), false);
            let mut chars = text.chars().peekable();
            let mut cuts = cuts.into_iter();
            while chars.peek().is_some() && !ended {
                let piece: String = chars.by_ref().take(cuts.next().unwrap_or(1)).collect();
                let (certain, end) = stops.push(&piece);
                seen.push_str(&certain);
                ended = end;
            }
            if !ended {
                seen.push_str(&stops.finish());
            }
            let whole = text.find(&stop);
            prop_assert_eq!(ended, whole.is_some());
            prop_assert_eq!(seen.as_str(), &text[..whole.unwrap_or(text.len())]);
        }
    }
}

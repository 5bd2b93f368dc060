//! Prometheus' text format, version 0.0.4: families of samples, each told once.

use klieg_scheduler::tally::Histogram;
use std::fmt::{Display, Write};

/// An answer in the making.
#[derive(Default)]
pub struct Text(String);

/// What the samples of a family are.
#[derive(Clone, Copy)]
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// Samples of one name.
pub struct Family<'a> {
    text: &'a mut Text,
    name: &'a str,
}

/// A sample's labels.
pub type Labels<'a> = &'a [(&'a str, &'a str)];

impl Text {
    /// Begins a family; its samples follow.
    pub fn family<'a>(&'a mut self, name: &'a str, kind: Kind, help: &str) -> Family<'a> {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
        Family { text: self, name }
    }

    /// A family of one gauge.
    pub fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.family(name, Kind::Gauge, help).sample(&[], value);
    }

    /// A family of one counter.
    pub fn counter(&mut self, name: &str, help: &str, value: impl Display) {
        self.family(name, Kind::Counter, help).sample(&[], value);
    }

    pub fn finish(self) -> String {
        self.0
    }

    fn line(&mut self, name: &str, ending: &str, labels: Labels<'_>, last: Option<(&str, &str)>, value: impl Display) {
        let _ = write!(self.0, "{name}{ending}");
        for (number, (key, value)) in labels.iter().copied().chain(last).enumerate() {
            let before = if number == 0 { '{' } else { ',' };
            let _ = write!(self.0, "{before}{key}=\"{}\"", escaped(value));
        }
        let close = if labels.is_empty() && last.is_none() { "" } else { "}" };
        let _ = writeln!(self.0, "{close} {value}");
    }
}

impl Family<'_> {
    pub fn sample(&mut self, labels: Labels<'_>, value: impl Display) -> &mut Self {
        self.text.line(self.name, "", labels, None, value);
        self
    }

    pub fn histogram(&mut self, labels: Labels<'_>, histogram: &Histogram) -> &mut Self {
        let (buckets, sum) = histogram.read();
        let all = buckets.last().map_or(0, |(_, count)| *count);
        for (bound, count) in buckets {
            let bound = if bound.is_finite() { bound.to_string() } else { "+Inf".to_owned() };
            self.text.line(self.name, "_bucket", labels, Some(("le", &bound)), count);
        }
        self.text.line(self.name, "_sum", labels, None, sum);
        self.text.line(self.name, "_count", labels, None, all);
        self
    }
}

/// Of a label's value, as the format wants it.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn names_of_others_stay_inside_their_quotes() {
        let mut text = Text::default();
        text.family("a", Kind::Gauge, "What it is.").sample(&[("b", "x\"y\\z\nw"), ("c", "")], 1.5);
        assert_eq!(text.finish(), "# HELP a What it is.\n# TYPE a gauge\na{b=\"x\\\"y\\\\z\\nw\",c=\"\"} 1.5\n");
    }

    #[test]
    fn a_histogram_ends_with_all() {
        let (mut text, histogram) = (Text::default(), Histogram::new(&[0.5]));
        histogram.note(Duration::from_millis(250));
        histogram.note(Duration::from_secs(2));
        text.family("h", Kind::Histogram, "H.").histogram(&[("k", "v")], &histogram);
        let wanted = "h_bucket{k=\"v\",le=\"0.5\"} 1\nh_bucket{k=\"v\",le=\"+Inf\"} 2\nh_sum{k=\"v\"} 2.25\nh_count{k=\"v\"} 2\n";
        assert!(text.finish().ends_with(wanted));
    }
}

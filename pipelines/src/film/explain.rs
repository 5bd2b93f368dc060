//! `klieg explain`: every inference with the line it rests on.

use klieg_film_words::story::Story;
use std::fmt::Write;

/// A report for people: grouped by what it is about, one inference a line.
pub fn explain(story: &Story, file: &str) -> String {
    let mut report = String::new();
    let mut about = "";
    for i in &story.inferences {
        if i.about != about {
            about = &i.about;
            let _ = writeln!(report, "{about}");
        }
        let _ =
            writeln!(report, "  {:<10} {:<24} {:>3.0} %  {file}:{}  {}", i.what, i.value, i.confidence * 100.0, i.line, i.because);
    }
    report
}

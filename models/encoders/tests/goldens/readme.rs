//! The table of models/README.md beside what was measured now.

use crate::golden::{Gate, Row};

/// How far a figure may have moved: processors round in their own ways.
const TIMES: f64 = 10.0;

/// The same rows and gates, and figures of about the same size.
pub fn holds(rows: &[Row]) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = std::fs::read_to_string(path).expect("models/README.md");
    let section = readme.split("\n## ").find(|section| section.starts_with("Encoders")).expect("its section Encoders");
    let lines: Vec<Vec<&str>> = section.lines().filter(|line| line.starts_with("| ")).skip(1).map(cells).collect();
    let right: Vec<String> = rows.iter().map(ToString::to_string).collect();
    let table = || format!("the table is:\n{}", right.join("\n"));
    assert_eq!(lines.len(), rows.len(), "{}", table());
    for (line, row) in lines.iter().zip(rows) {
        let [model, what, gate, figure] = line[..] else { panic!("{line:?} has no four cells") };
        assert!((model, what) == (row.model, row.what) && gate == row.gate(), "{line:?} is not {row}; {}", table());
        assert!(near(figure, row), "{line:?} says {figure}, measured {}; {}", row.figure(), table());
    }
}

fn cells(line: &str) -> Vec<&str> {
    line.trim_matches('|').split('|').map(str::trim).collect()
}

fn near(figure: &str, row: &Row) -> bool {
    let written: Option<f64> = figure.split(' ').next().and_then(|number| number.parse().ok());
    match (written, row.gate) {
        (Some(written), Gate::Apart(_)) => row.measured <= written * TIMES && written <= row.measured.max(1e-9) * TIMES,
        (Some(written), Gate::Cosine(_)) => (1.0 - row.measured) <= (1.0 - written).max(1e-5) * TIMES,
        (Some(written), Gate::Same) => written == row.measured,
        (None, _) => false,
    }
}

//! A line of the speed table, as `benches/kernels` collects them.

/// `figure` is a ratio or a rate with its unit; `goal` what the table asks for.
pub fn row(what: &str, peer: &str, figure: &str, goal: &str) {
    println!("row\t{what}\t{peer}\t{figure}\t{goal}");
}

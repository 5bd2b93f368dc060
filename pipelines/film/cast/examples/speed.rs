//! How long building and posing take: `cargo run --release -p klieg-film-cast --example speed`.

#![expect(clippy::disallowed_methods, reason = "it measures time")]

use klieg_film_cast::{Design, Detail, Pose, Puppet};
use klieg_film_words::story::{Culture, Occasion, Period};
use std::time::Instant;

fn main() {
    for detail in [Detail::Lead, Detail::Extra] {
        let (mut build, mut pose, mut most) = (0.0f64, 0.0f64, 0.0f64);
        let n = 16;
        for seed in 0..n {
            let design = Design::extra(Culture::ALL[seed as usize % Culture::ALL.len()], Period::Modern, Occasion::Wedding, seed);
            let start = Instant::now();
            let puppet = Puppet::build(&design, detail);
            let took = start.elapsed().as_secs_f64() * 1e3;
            build += took / n as f64;
            most = most.max(took);
            let start = Instant::now();
            let triangles: usize = (0..10).map(|_| puppet.pose(&Pose::rest()).triangles.len()).sum();
            pose += start.elapsed().as_secs_f64() * 1e2 / n as f64;
            println!(
                "{detail:?} {} {:?}: {} triangles, built in {took:.1} ms",
                design.culture.name(),
                design.gender,
                triangles / 10
            );
        }
        println!("{detail:?}: build {build:.1} ms on average, {most:.1} ms at most; pose {pose:.2} ms");
    }
}

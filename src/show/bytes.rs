//! Work that is counted in bytes: a bar with an honest ETA on a terminal, a line now and then otherwise.

use super::clock;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use klieg_models::Progress;
use std::{
    io::IsTerminal,
    sync::{
        Arc,
        mpsc::{self, RecvTimeoutError, Sender},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

const LOOK: Duration = Duration::from_millis(200);
/// Without a terminal so long passes between two lines.
const LINES: Duration = Duration::from_secs(10);
/// Before so long nothing is said of the time that is left.
const MEASURED: Duration = Duration::from_secs(1);

/// Bytes as a person reads them: 1000 to the next unit.
pub fn short(bytes: u64) -> String {
    scaled(bytes, &["B", "kB", "MB", "GB", "TB"])
}

/// A number of things as a person reads it: 7.0 B for seven billion.
pub fn count(number: u64) -> String {
    scaled(number, &["", "thousand", "million", "billion", "trillion"])
}

fn scaled(number: u64, units: &[&str]) -> String {
    let (mut value, mut unit) = (number as f64, 0);
    while value >= 999.5 && unit + 1 < units.len() {
        (value, unit) = (value / 1000.0, unit + 1);
    }
    let digits = usize::from(unit > 0 && value < 99.5);
    format!("{value:.digits$} {}", units[unit]).trim_end().to_owned()
}

/// What is said of work that has come so far in so long.
fn line(doing: &str, (done, total): (u64, u64), elapsed: Duration) -> String {
    let mut line = format!("{doing} {} of {}", short(done), short(total));
    let seconds = elapsed.as_secs_f64();
    if elapsed >= MEASURED && done > 0 {
        let rate = done as f64 / seconds;
        line += &format!(" · {}/s", short(rate as u64));
        if total > done {
            line += &format!(" · {} left", clock((total - done) as f64 / rate));
        }
    }
    line
}

/// A display of one piece of work.
pub struct Watch(Option<(Sender<()>, JoinHandle<()>)>);

impl Watch {
    /// Shows it until `end`, or nothing at all.
    pub fn begin(shown: bool, doing: &str, progress: Arc<Progress>) -> Self {
        let doing = doing.to_owned();
        Self(shown.then(|| {
            let (end, ended) = mpsc::channel();
            (end, std::thread::spawn(move || follow(&doing, &progress, &ended)))
        }))
    }

    /// Takes the display away.
    pub fn end(self) {
        if let Some((end, thread)) = self.0 {
            drop(end);
            let _ = thread.join();
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the command line is where clocks are read")]
fn follow(doing: &str, progress: &Progress, ended: &mpsc::Receiver<()>) {
    let (begun, mut said) = (Instant::now(), Instant::now());
    let terminal = std::io::stderr().is_terminal();
    let bar = ProgressBar::with_draw_target(
        Some(1),
        if terminal { ProgressDrawTarget::stderr_with_hz(8) } else { ProgressDrawTarget::hidden() },
    );
    let style = ProgressStyle::with_template("{wide_bar:.yellow/black.bright} {percent:>3} %\n  {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    while ended.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
        let (done, total) = progress.bytes();
        if total == 0 {
            continue;
        }
        let line = line(doing, (done, total), begun.elapsed());
        if terminal {
            bar.set_length(total);
            bar.set_position(done);
            bar.set_message(line);
        } else if said.elapsed() >= LINES {
            said = Instant::now();
            eprintln!("{line}");
        }
    }
    bar.finish_and_clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_well() {
        let all = [0, 999, 1000, 1_340_000, 99_400_000, 99_600_000, 6_938_000_000, 1 << 50].map(short);
        assert_eq!(all, ["0 B", "999 B", "1.0 kB", "1.3 MB", "99.4 MB", "100 MB", "6.9 GB", "1126 TB"]);
        assert_eq!([count(7_241_732_096), count(12)], ["7.2 billion", "12"]);
    }

    #[test]
    fn the_time_left_is_what_was_measured() {
        assert_eq!(line("reading", (0, 5000), Duration::from_secs(9)), "reading 0 B of 5.0 kB");
        assert_eq!(line("reading", (1000, 5000), Duration::from_millis(10)), "reading 1.0 kB of 5.0 kB");
        assert_eq!(line("reading", (1000, 5000), Duration::from_secs(2)), "reading 1.0 kB of 5.0 kB · 500 B/s · 8 s left");
        assert_eq!(line("reading", (5000, 5000), Duration::from_secs(2)), "reading 5.0 kB of 5.0 kB · 2.5 kB/s");
    }
}

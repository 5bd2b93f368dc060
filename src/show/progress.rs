//! The progress display of a render: a bar with an honest ETA on a terminal, plain lines otherwise.

use super::{clock, tracker::Tracker};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use klieg_protocol::Event;
use std::io::IsTerminal;
use std::path::Path;
use std::time::{Duration, Instant};

/// How progress is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Nothing.
    Quiet,
    /// One JSON object an event on standard output.
    Json,
    /// A bar on a terminal; without one, a line whenever a stage moves on.
    People,
}

/// The display of one job.
pub struct Display {
    mode: Mode,
    bar: ProgressBar,
    tracker: Tracker,
    workers: usize,
    started: Instant,
    last_line: String,
    partial: Option<String>,
}

impl Display {
    /// Opens the display for a job that `workers` slots work on.
    pub fn open(mode: Mode, workers: usize, now: Instant) -> Self {
        let on_terminal = mode == Mode::People && std::io::stderr().is_terminal();
        let bar = ProgressBar::with_draw_target(
            Some(1000),
            if on_terminal { ProgressDrawTarget::stderr_with_hz(8) } else { ProgressDrawTarget::hidden() },
        );
        let style = ProgressStyle::with_template("{spinner:.yellow} {wide_bar:.yellow/black.bright} {percent:>3} %\n  {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).tick_chars("◐◓◑◒●"));
        if on_terminal {
            bar.enable_steady_tick(Duration::from_millis(250));
        }
        Self { mode, bar, tracker: Tracker::default(), workers, started: now, last_line: String::new(), partial: None }
    }

    /// The tracker behind the display.
    pub fn tracker(&self) -> &Tracker {
        &self.tracker
    }

    /// A partial cut can be watched at `path`.
    pub fn partial(&mut self, path: &Path) {
        if self.partial.is_none() && self.mode == Mode::People && self.bar.is_hidden() {
            eprintln!("first shots to watch: {}", path.display());
        }
        self.partial = Some(path.display().to_string());
    }

    /// Takes in and shows the next event.
    pub fn take(&mut self, event: &Event, now: Instant) {
        self.tracker.take(event);
        match self.mode {
            Mode::Quiet => {}
            Mode::Json => println!("{}", serde_json::json!(event)),
            Mode::People => self.draw(event, now),
        }
    }

    fn draw(&mut self, event: &Event, now: Instant) {
        if let Event::TaskFailed { task, failure, again } = event {
            self.note(&format!("{task} failed: {}{}", failure.message, if *again { "; trying again" } else { "" }));
        }
        self.bar.set_position((self.tracker.fraction() * 1000.0) as u64);
        let line = self.line(now);
        if self.bar.is_hidden() {
            let stages = self.stages();
            if stages != self.last_line && matches!(event, Event::TaskSucceeded { .. } | Event::JobEnded { .. }) {
                eprintln!("{line}");
                self.last_line = stages;
            }
        }
        self.bar.set_message(line);
    }

    /// A remark above the bar.
    pub fn note(&self, remark: &str) {
        if self.mode == Mode::People {
            if self.bar.is_hidden() { eprintln!("{remark}") } else { self.bar.println(remark) }
        }
    }

    fn stages(&self) -> String {
        let part = |word: &str, step: &str| {
            // No step: all of them.
            let count = self.tracker.count(step);
            let reused = if count.reused > 0 { format!(" ({} reused)", count.reused) } else { String::new() };
            (count.total > 0).then(|| format!("{word} {}/{}{reused}", count.done, count.total))
        };
        let parts = [("lines", "speak"), ("shot ranges", "render"), ("music", "score"), ("mix", "mix"), ("film", "conform")];
        let stages: Vec<String> = parts.iter().filter_map(|(word, step)| part(word, step)).collect();
        if stages.is_empty() { part("tasks", "").unwrap_or_default() } else { stages.join(" · ") }
    }

    fn line(&self, now: Instant) -> String {
        let elapsed = now.duration_since(self.started).as_secs_f64();
        let mut line = self.stages();
        let frames = self.tracker.frames();
        if frames > 0 && elapsed > 1.0 {
            line += &format!(" · {:.1} frames/s", frames as f64 / elapsed);
        }
        if let Some(left) = self.tracker.left().filter(|left| *left > 0.5) {
            line += &format!(" · {} left", clock((left / self.workers as f64).max(self.tracker.tail())));
        }
        if let Some(path) = &self.partial {
            line += &format!(" · watch {path}");
        }
        line
    }

    /// Takes the bar away.
    pub fn close(&self) {
        self.bar.finish_and_clear();
    }
}

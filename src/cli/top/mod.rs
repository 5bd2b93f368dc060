//! `klieg top`: a farm as it works, in a terminal. `look` asks the server, `view` draws, `keys` says what a key does.

mod keys;
mod look;
mod view;

use super::{Common, LinkArgs, Stop, block_on, door, jobs::encoded, link_stop, print, print_json, render::interrupted};
use crossterm::event::{self, Event as Typed, KeyEventKind};
use http::Method;
use keys::{Screen, Wish};
use klieg_api::{client::Client, front::views::Why};
use look::Seen;
use ratatui::{DefaultTerminal, Terminal, backend::TestBackend, buffer::Buffer};
use std::{
    io::IsTerminal,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{sync::mpsc, time::MissedTickBehavior};

#[derive(clap::Args)]
pub struct TopArgs {
    /// Print one picture as text, and end.
    #[arg(long)]
    once: bool,
    /// Seconds between two looks.
    #[arg(long, value_name = "SECONDS", default_value_t = 2.0, value_parser = every)]
    every: f64,
    #[command(flatten)]
    link: LinkArgs,
}

fn every(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| format!("{text:?} is no number of seconds"))?;
    if (0.2..=3600.0).contains(&seconds) { Ok(seconds) } else { Err("looks are 0.2 to 3600 seconds apart".into()) }
}

/// A picture that is printed, where no terminal says how large it may be.
const WIDE: u16 = 118;
const WIDE_RANGE: std::ops::RangeInclusive<u16> = 60..=400;
/// How often keys are looked for.
const KEYS_EVERY: Duration = Duration::from_millis(100);

pub fn top(common: &Common, args: &TopArgs) -> Result<(), Stop> {
    let client = door::server(common, &args.link)?;
    if args.once || common.json {
        let seen = block_on(look::look(&client))?.map_err(|e| link_stop(&e))?;
        if common.json {
            return print_json(&seen);
        }
        let wide = std::env::var("COLUMNS").ok().and_then(|wide| wide.parse().ok()).filter(|wide| WIDE_RANGE.contains(wide));
        print(&picture(&Screen::of(seen), wide.unwrap_or(WIDE))?);
        return Ok(());
    }
    if !(std::io::stdout().is_terminal() && std::io::stdin().is_terminal()) {
        return Err(Stop::bad(
            "show the farm: this is not a terminal; --once prints one picture as text, --json what there is for programs",
        ));
    }
    let terminal = ratatui::try_init().map_err(|e| Stop::failed(format!("take the terminal over: {e}")))?;
    // Whatever happens from here on, a panic too, the terminal is given back as it was.
    let ended = block_on(show(terminal, client, Duration::from_secs_f64(args.every)));
    ratatui::restore();
    ended?
}

/// One picture as text, as high as it has to be.
fn picture(screen: &Screen, wide: u16) -> Result<String, Stop> {
    let mut terminal = match Terminal::new(TestBackend::new(wide, view::height(screen))) {
        Ok(terminal) => terminal,
        Err(never) => match never {},
    };
    match terminal.draw(|frame| view::draw(frame, screen)) {
        Ok(_) => Ok(text(terminal.backend().buffer())),
        Err(never) => match never {},
    }
}

fn text(buffer: &Buffer) -> String {
    let lines = buffer.content().chunks(usize::from(buffer.area.width).max(1));
    let lines = lines.map(|line| line.iter().map(ratatui::buffer::Cell::symbol).collect::<String>().trim_end().to_owned());
    let whole = lines.collect::<Vec<_>>().join("\n");
    format!("{}\n", whole.trim_end())
}

/// Keys as they are typed, until `ended`.
fn typed(ended: Arc<AtomicBool>) -> mpsc::Receiver<Typed> {
    let (keys, typed) = mpsc::channel(64);
    tokio::task::spawn_blocking(move || {
        while !ended.load(Ordering::Relaxed) {
            let read = match event::poll(KEYS_EVERY) {
                Ok(false) => continue,
                Ok(true) => event::read(),
                Err(error) => Err(error),
            };
            // Nobody listens any more, or the terminal is gone.
            let Ok(event) = read else { return };
            if keys.blocking_send(event).is_err() {
                return;
            }
        }
    });
    typed
}

async fn show(mut terminal: DefaultTerminal, client: Client, every: Duration) -> Result<(), Stop> {
    let ended = Arc::new(AtomicBool::new(false));
    let mut typed = typed(Arc::clone(&ended));
    let (tell, mut told) = mpsc::channel(4);
    let looking = tokio::spawn(keep_looking(client.clone(), every, tell));
    let mut screen = Screen::default();
    let mut stop = std::pin::pin!(interrupted());
    let end = loop {
        if let Err(error) = terminal.draw(|frame| view::draw(frame, &screen)) {
            break Err(Stop::failed(format!("draw: {error}")));
        }
        tokio::select! {
            told = told.recv() => match told {
                Some(Ok(seen)) => screen.take(seen),
                Some(Err(trouble)) => screen.trouble = Some(trouble),
                None => break Ok(()),
            },
            key = typed.recv() => match key {
                Some(Typed::Key(key)) if key.kind != KeyEventKind::Release => match screen.key(key.code, key.modifiers) {
                    Wish::Nothing => {}
                    Wish::Quit => break Ok(()),
                    Wish::Interrupt => break Err(Stop::interrupted("interrupted")),
                    Wish::Why(job) => screen.say(why(&client, &job).await),
                    Wish::Drain(node, drained) => screen.say(vec![drain(&client, &node, drained).await]),
                },
                // Another size: drawn anew.
                Some(_) => {}
                None => break Err(Stop::failed("read keys: the terminal is gone")),
            },
            () = &mut stop => break Err(Stop::interrupted("interrupted")),
        }
    };
    ended.store(true, Ordering::Relaxed);
    looking.abort();
    end
}

/// Looks again and again. A farm that does not answer is told of, and asked again.
async fn keep_looking(client: Client, every: Duration, tell: mpsc::Sender<Result<Seen, String>>) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let seen = match tokio::time::timeout(look::ANSWER_MAX, look::look(&client)).await {
            Ok(Ok(seen)) => Ok(seen),
            Ok(Err(error)) => Err(format!("failed to {error}")),
            Err(_) => Err(format!("the farm has not answered for {} s; it is asked again", look::ANSWER_MAX.as_secs())),
        };
        if tell.send(seen).await.is_err() {
            return;
        }
    }
}

async fn why(client: &Client, job: &str) -> Vec<String> {
    let path = format!("/jobs/{}/why", encoded(job));
    match tokio::time::timeout(look::ANSWER_MAX, client.get::<Why>(&path)).await {
        Ok(Ok(why)) => why.sentences,
        Ok(Err(error)) => vec![format!("failed to {error}")],
        Err(_) => vec!["the farm does not answer".into()],
    }
}

async fn drain(client: &Client, node: &str, drained: bool) -> String {
    let verb = if drained { "drain" } else { "undrain" };
    let path = format!("/nodes/{}/{verb}", encoded(node));
    match tokio::time::timeout(look::ANSWER_MAX, client.send(Method::POST, &path, None)).await {
        Ok(Ok(_)) if drained => format!("{node} gets no more tasks; what runs there comes to its end."),
        Ok(Ok(_)) => format!("{node} gets tasks again."),
        Ok(Err(error)) => format!("failed to {error}"),
        Err(_) => "the farm does not answer".into(),
    }
}

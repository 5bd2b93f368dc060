//! `klieg plan`: what a render would do, take and cost.

use super::{Common, Stop, film_args::FilmArgs, print, print_json};
use crate::show::{clock, money};
use klieg_film_words::FPS;
use klieg_film_words::shot::Cut;
use klieg_pipelines::film::{Preparation, forecast};
use klieg_protocol::Digest;
use std::fmt::Write;

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    film: FilmArgs,
    /// CPU slots to estimate for [default: this machine's cores].
    #[arg(long, value_name = "N")]
    workers: Option<usize>,
    /// Price of a slot-hour, for the estimated cost.
    #[arg(long, default_value_t = super::render::PRICE_PER_SLOT_HOUR, env = "KLIEG_PRICE")]
    price: f64,
}

pub fn run(common: &Common, args: &Args) -> Result<(), Stop> {
    let (bytes, preparation, cut) = args.film.prepare()?;
    let mut forecast = forecast(&preparation, &cut, &args.film.params(), Digest::of(&bytes));
    let workers = args.workers.unwrap_or_else(super::render::cores).max(1);
    let slot_seconds = forecast["slot_seconds"].as_f64().unwrap_or_default();
    let cost = slot_seconds / 3600.0 * args.price;
    forecast["estimated_seconds"] = (slot_seconds / workers as f64).into();
    forecast["estimated_cost"] = cost.into();
    forecast["workers"] = workers.into();
    if common.json {
        return print_json(&forecast);
    }
    let mut text = String::new();
    describe(&mut text, &preparation, &cut);
    let tasks = forecast["tasks"].as_array().map_or(0, Vec::len);
    let _ = writeln!(
        text,
        "\n{tasks} tasks, about {} on {workers} slot{}, about {} at {} a slot-hour",
        clock(slot_seconds / workers as f64),
        if workers == 1 { "" } else { "s" },
        money(cost),
        money(args.price),
    );
    print(&text);
    Ok(())
}

fn describe(text: &mut String, preparation: &Preparation, cut: &Cut) {
    let story = &preparation.story;
    let seconds = |frames: u32| f64::from(frames) / f64::from(FPS);
    let _ = writeln!(
        text,
        "{} · {} scenes, {} shots, {:.1} s\n\nCast",
        story.title,
        story.scenes.len(),
        cut.shots.len(),
        seconds(cut.frames())
    );
    for (person, voice) in story.cast.iter().zip(&preparation.voices) {
        let worn: Vec<&str> = person.dress.iter().map(|g| g.name.as_str()).collect();
        let _ = writeln!(
            text,
            "  {:<20} {:<7} {:<8} {:<16} {:<16} {}",
            person.name,
            person.age.name(),
            person.gender.name(),
            person.culture.name(),
            voice.name(),
            worn.join(", ")
        );
    }
    let mut scene = None;
    for shot in &cut.shots {
        let of = &story.scenes[shot.scene];
        if scene != Some(shot.scene) {
            scene = Some(shot.scene);
            let _ = writeln!(
                text,
                "\n{}  {}\n       {}, {}, {}, {}, {}, {}",
                of.id,
                of.heading,
                of.place.name(),
                of.culture.name(),
                of.period.name(),
                of.time.name(),
                of.weather.name(),
                of.mood.name()
            );
        }
        let lens = shot.camera.first().map_or(0.0, |key| key.lens_mm);
        let _ = writeln!(
            text,
            "  {:<14} {:>5.1} s  {:<14} {:<13} {:<9} {:<10} {lens:>3.0} mm",
            shot.name,
            seconds(shot.frames),
            shot.purpose.name(),
            shot.size.name(),
            shot.angle.name(),
            shot.movement.name()
        );
    }
}

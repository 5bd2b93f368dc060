//! Prints the shot list of a screenplay with estimated lengths: `cut SCRIPT.fountain`.

use klieg_film_direct::{Brief, direct, estimate_seconds};
use klieg_film_set::{SetBrief, floor_plan};
use klieg_film_words::shot::{Cue, Does, Stature};
use klieg_film_words::story::{Beat, Story};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("which screenplay?")?;
    let script = klieg_film_script::parse(&path, &std::fs::read(&path)?)?;
    let story = klieg_film_analyse::analyse(&script, &path)?;
    let lines: Vec<f32> = said(&story);
    let plans: Vec<_> = story.scenes.iter().map(|s| floor_plan(&SetBrief::of(s))).collect();
    let people = vec![Stature { height: 1.65, eyes: 1.48, head: 0.33, half_width: 0.26 }; story.cast.len()];
    let cut = direct(&Brief { story: &story, plans: &plans, people: &people, lines: &lines, seed: 1 });
    for s in &cut.shots {
        let cues: Vec<String> = s.cues.iter().map(|c| cue(&story, c)).collect();
        let (purpose, size, movement) = (s.purpose.name(), s.size.name(), s.movement.name());
        println!(
            "{:14} {:4} {purpose:13} {size:13} {:6} {movement:9} {:3.0} mm  {}",
            s.name,
            s.frames,
            s.angle.name(),
            s.camera[0].lens_mm,
            cues.join(", ")
        );
    }
    let seconds = cut.frames() as f32 / 24.0;
    println!("{} shots, {seconds:.1} s, {:.2} s a shot", cut.shots.len(), seconds / cut.shots.len() as f32);
    Ok(())
}

fn said(story: &Story) -> Vec<f32> {
    let beats = story.scenes.iter().flat_map(|s| &s.beats);
    beats.filter_map(|b| if let Beat::Line(l) = b { Some(estimate_seconds(l)) } else { None }).collect()
}

fn cue(story: &Story, cue: &Cue) -> String {
    let who = story.cast.get(cue.who).map_or("?", |c| c.name.as_str());
    let what = match &cue.what {
        Does::Say { line, .. } => format!("says {line}"),
        Does::Go { .. } => "goes".into(),
        Does::Turn { .. } => "turns".into(),
        Does::Settle { posture } => posture.name().into(),
        Does::LookAt { who } => format!("looks at {who}"),
        Does::Act { verb, prop, .. } => format!("{} {}", verb.name(), prop.as_deref().unwrap_or("")),
        Does::Feel { mood } => mood.name().into(),
    };
    format!("{who} {what} @{}+{}", cue.start, cue.frames)
}

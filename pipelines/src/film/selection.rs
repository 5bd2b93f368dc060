//! `--only` and `--shots`: a film of some of its shots.

use super::params::FilmParams;
use crate::kind::BadInput;
use klieg_film_words::shot::{Cut, LineTiming};
use klieg_film_words::story::Story;

/// Keeps the shots that were asked for and moves the lines along; unknown names are errors that list the known ones.
pub fn select(cut: Cut, story: &Story, params: &FilmParams) -> Result<Cut, BadInput> {
    if params.only.is_empty() && params.shots.is_empty() {
        return Ok(cut);
    }
    let unknown = |what: &str, name: &str, known: Vec<&str>| BadInput {
        file: params.file.clone(),
        line: 0,
        column: 0,
        message: format!("has no {what} {name:?}; it has {}", known.join(", ")),
    };
    if let Some(name) = params.only.iter().find(|n| story.scenes.iter().all(|s| s.id != **n)) {
        return Err(unknown("scene", name, story.scenes.iter().map(|s| s.id.as_str()).collect()));
    }
    if let Some(name) = params.shots.iter().find(|n| cut.shots.iter().all(|s| s.name != **n)) {
        return Err(unknown("shot", name, cut.shots.iter().map(|s| s.name.as_str()).collect()));
    }
    let starts = cut.starts();
    let wanted = |index: usize| {
        let shot = &cut.shots[index];
        let is_card = !shot.name.starts_with("sc");
        let scene = !is_card && params.only.contains(&story.scenes[shot.scene].id);
        scene || params.shots.contains(&shot.name)
    };
    let kept: Vec<usize> = (0..cut.shots.len()).filter(|i| wanted(*i)).collect();
    let mut lines = Vec::new();
    for line in &cut.lines {
        let mut at = 0;
        for &i in &kept {
            let (first, frames) = (starts[i], cut.shots[i].frames);
            if (first..first + frames).contains(&line.start) {
                lines.push(LineTiming { start: at + line.start - first, ..line.clone() });
            }
            at += frames;
        }
    }
    Ok(Cut { shots: kept.into_iter().map(|i| cut.shots[i].clone()).collect(), lines })
}

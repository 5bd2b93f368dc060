//! A shot's render brief, free of everything that an edit elsewhere in the script would change (names, line numbers, indexes),
//! so that its digest, and so its pixels in the cache, survive such edits.

use super::preparation::Preparation;
use klieg_film_animate::{On, ShotBrief};
use klieg_film_words::shot::{Does, Purpose, Shot};
use klieg_film_words::story::{CharacterId, LineId};
use std::collections::BTreeMap;

/// A brief whose people and lines are numbered from 0 in order of appearance, and the film's ids of its lines.
pub struct Local {
    pub brief: ShotBrief,
    /// `lines[local]` is the film's line id.
    pub lines: Vec<LineId>,
}

/// Makes `shot` independent of its place in the film.
pub fn localise(shot: &Shot, preparation: &Preparation, on: On) -> Local {
    let mut people = Numbering::default();
    let mut lines = Numbering::default();
    let mut shot = shot.clone();
    for mark in &mut shot.marks {
        mark.who = people.local(mark.who);
        mark.looks_at = mark.looks_at.map(|w| people.local(w));
    }
    for cue in &mut shot.cues {
        cue.who = people.local(cue.who);
        match &mut cue.what {
            Does::Say { line, .. } => *line = lines.local(*line),
            Does::LookAt { who } => *who = people.local(*who),
            Does::Act { to, .. } => *to = to.map(|w| people.local(w)),
            Does::Go { .. } | Does::Turn { .. } | Does::Settle { .. } | Does::Feel { .. } => {}
        }
    }
    let set = preparation.sets[shot.scene].clone();
    shot.script_lines.clear();
    shot.scene = 0;
    shot.name = match shot.purpose {
        Purpose::Title => "title".into(),
        Purpose::Credits => "credits".into(),
        _ => "shot".into(),
    };
    let cast: BTreeMap<CharacterId, _> =
        people.order.iter().enumerate().map(|(local, id)| (local, preparation.designs[*id].clone())).collect();
    Local { brief: ShotBrief { shot, set, cast, on }, lines: lines.order }
}

#[derive(Default)]
struct Numbering {
    order: Vec<usize>,
}

impl Numbering {
    fn local(&mut self, id: usize) -> usize {
        self.order.iter().position(|known| *known == id).unwrap_or_else(|| {
            self.order.push(id);
            self.order.len() - 1
        })
    }
}

//! Everything that follows from the script alone, without sound or pictures: story, cast, sets, voices. Cheap and pure, so every
//! step derives it again instead of passing it on.

use super::params::FilmParams;
use crate::kind::BadInput;
use klieg_film_cast::Design;
use klieg_film_script::Script;
use klieg_film_set::SetBrief;
use klieg_film_speech::{Utterance, Voice};
use klieg_film_words::shot::{Cut, FloorPlan, Stature};
use klieg_film_words::story::{Beat, Line, Story};

/// A film before anything is heard or seen.
pub struct Preparation {
    pub script: Script,
    pub story: Story,
    /// One a character.
    pub designs: Vec<Design>,
    /// One a character.
    pub voices: Vec<Voice>,
    /// One a scene.
    pub sets: Vec<SetBrief>,
    seed: u64,
}

impl Preparation {
    /// Reads the script. Everything wrong with it or with the parameters is found here, before a task runs.
    pub fn of(script: &[u8], params: &FilmParams) -> Result<Self, BadInput> {
        params.check()?;
        let script = klieg_film_script::parse(&params.file, script).map_err(|e| script_error(&params.file, &e))?;
        klieg_film_script::require_scenes(&params.file, &script).map_err(|e| script_error(&params.file, &e))?;
        let story = klieg_film_analyse::analyse(&script, &params.file).map_err(|e| BadInput {
            file: params.file.clone(),
            line: e.line,
            column: e.column,
            message: e.message,
        })?;
        let designs = klieg_film_cast::casting(&story.cast);
        let voices = klieg_film_speech::voices(&story.cast);
        let sets = story.scenes.iter().map(SetBrief::of).collect();
        Ok(Self { script, story, designs, voices, sets, seed: params.seed })
    }

    /// Every spoken line, by `LineId`.
    pub fn lines(&self) -> Vec<&Line> {
        let mut lines: Vec<&Line> = self
            .story
            .scenes
            .iter()
            .flat_map(|s| &s.beats)
            .filter_map(|b| if let Beat::Line(l) = b { Some(l) } else { None })
            .collect();
        lines.sort_by_key(|l| l.id);
        lines
    }

    /// What the speech step is asked for a line.
    pub fn utterance(&self, line: &Line) -> Utterance {
        Utterance { text: line.text.clone(), voice: self.voices[line.speaker].clone(), mood: line.mood }
    }

    /// The cut for lines of these lengths in seconds, whole film.
    pub fn direct(&self, seconds: &[f32]) -> Cut {
        let plans: Vec<FloorPlan> = self.sets.iter().map(klieg_film_set::floor_plan).collect();
        let people: Vec<Stature> = self.designs.iter().map(Design::stature).collect();
        klieg_film_direct::direct(&klieg_film_direct::Brief {
            story: &self.story,
            plans: &plans,
            people: &people,
            lines: seconds,
            seed: self.seed,
        })
    }

    /// Lengths of all lines as direction guesses them before they are spoken.
    pub fn estimates(&self) -> Vec<f32> {
        self.lines().into_iter().map(klieg_film_direct::estimate_seconds).collect()
    }
}

fn script_error(file: &str, e: &klieg_film_script::ScriptError) -> BadInput {
    BadInput { file: file.to_owned(), line: e.line, column: e.column, message: e.message.clone() }
}

//! The job kinds that this program knows: a server plans them, a worker runs them.

use klieg_kernels::Choice;
use klieg_kind::Kind;
use klieg_models::Shelf;
use klieg_openjd::OpenJd;
use klieg_pipelines::film::Film;
use klieg_text::{Script, Text};
use klieg_transcribe::Transcribe;
use std::sync::Arc;

/// For a server, which plans and never runs. `shelf`: the models that jobs may name.
pub fn planned(shelf: &Arc<Shelf>) -> Vec<Arc<dyn Kind>> {
    vec![
        Arc::new(Film::default()),
        Arc::new(OpenJd::new()),
        Arc::new(Text::new(shelf)),
        Arc::new(Script::new(shelf)),
        Arc::new(Transcribe::new(shelf)),
    ]
}

/// For a worker on a device; templates only on terms. `shelf`: the models that it has.
pub fn run_on(device: Choice, openjd: Option<OpenJd>, shelf: &Arc<Shelf>) -> Vec<Box<dyn Kind>> {
    let mut kinds: Vec<Box<dyn Kind>> = vec![Box::new(Film::on(device))];
    kinds.push(Box::new(Text::new(shelf)));
    kinds.push(Box::new(Script::new(shelf)));
    kinds.push(Box::new(Transcribe::new(shelf)));
    kinds.extend(openjd.map(|openjd| Box::new(openjd) as Box<dyn Kind>));
    kinds
}

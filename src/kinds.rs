//! The job kinds that this program knows: a server plans them, a worker runs them.

use klieg_kernels::Choice;
use klieg_kind::Kind;
use klieg_models::Shelf;
use klieg_openjd::OpenJd;
use klieg_pipelines::film::Film;
use std::sync::Arc;

/// For a server, which plans and never runs. `shelf`: the models that jobs may name.
pub fn planned(shelf: &Arc<Shelf>) -> Vec<Arc<dyn Kind>> {
    let _ = shelf;
    vec![Arc::new(Film::default()), Arc::new(OpenJd::new())]
}

/// For a worker on a device; templates only on terms. `shelf`: the models that it has.
pub fn run_on(device: Choice, openjd: Option<OpenJd>, shelf: &Arc<Shelf>) -> Vec<Box<dyn Kind>> {
    let _ = shelf;
    let mut kinds: Vec<Box<dyn Kind>> = vec![Box::new(Film::on(device))];
    kinds.extend(openjd.map(|openjd| Box::new(openjd) as Box<dyn Kind>));
    kinds
}

//! The job kinds that this program knows: a server plans them, a worker runs them.

use klieg_audio::Audio;
use klieg_image::Image;
use klieg_kernels::Choice;
use klieg_kind::Kind;
use klieg_openjd::OpenJd;
use klieg_pipelines::film::Film;
use std::sync::Arc;

/// For a server, which plans and never runs.
pub fn planned() -> Vec<Arc<dyn Kind>> {
    vec![Arc::new(Film::default()), Arc::new(Image::default()), Arc::new(Audio), Arc::new(OpenJd::new())]
}

/// For a worker on a device; templates only on terms.
pub fn run_on(device: Choice, openjd: Option<OpenJd>) -> Vec<Box<dyn Kind>> {
    let mut kinds: Vec<Box<dyn Kind>> = vec![Box::new(Film::on(device)), Box::new(Image::on(device)), Box::new(Audio)];
    kinds.extend(openjd.map(|openjd| Box::new(openjd) as Box<dyn Kind>));
    kinds
}

//! The job kinds that this program knows: a server plans them, a worker runs them.

use klieg_audio::Audio;
use klieg_embed::Embed;
use klieg_image::Image;
use klieg_kernels::Choice;
use klieg_kind::Kind;
use klieg_models::Shelf;
use klieg_moderation::Moderation;
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
        Arc::new(Embed::new(Arc::clone(shelf))),
        Arc::new(Text::new(shelf)),
        Arc::new(Script::new(shelf)),
        Arc::new(Transcribe::new(shelf)),
        Arc::new(Moderation::default()),
        Arc::new(Image::default()),
        Arc::new(Audio),
    ]
}

/// For a worker on a device; templates only on terms. `shelf`: the models that it has.
pub fn run_on(device: Choice, openjd: Option<OpenJd>, shelf: &Arc<Shelf>) -> Vec<Box<dyn Kind>> {
    let mut kinds: Vec<Box<dyn Kind>> = vec![
        Box::new(Film::on(device)),
        Box::new(Embed::new(Arc::clone(shelf))),
        Box::new(Text::new(shelf)),
        Box::new(Script::new(shelf)),
        Box::new(Transcribe::new(shelf)),
        Box::new(Moderation::default()),
        Box::new(Image::on(device)),
        Box::new(Audio),
    ];
    kinds.extend(openjd.map(|openjd| Box::new(openjd) as Box<dyn Kind>));
    kinds
}

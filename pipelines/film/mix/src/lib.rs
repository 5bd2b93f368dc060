//! From lines, cues and a cut to the film's sound: ambience and effects are made here, dialogue is put into its room, music
//! makes way for it, and four stems leave that sum to the mix at the delivery's loudness.

mod ambience;
mod beds;
mod dialogue;
mod effect;
mod loudness;
mod master;
mod mixdown;
mod music;
mod place;
mod spot;
mod voices;
mod wav;
mod wildlife;

pub use ambience::{AmbienceBrief, ambience};
pub use effect::{Effect, Surface, effect};
pub use loudness::{Loudness, Profile};
pub use master::alone;
pub use mixdown::{Mix, Sources, mixdown};
pub use music::{cue_seconds, cue_start_seconds};
pub use spot::{Spot, effects_of};
pub use wav::write_wav;

//! One file a musical tradition. Each writes a whole cue from the brief and the film's theme.

pub mod african;
pub mod bhangra;
pub mod carnatic;
pub mod chinese;
pub mod fantasy;
pub mod hindustani;
pub mod japanese;
pub mod jazz;
pub mod korean;
pub mod lead;
pub mod maqam;
pub mod space;
pub mod western;

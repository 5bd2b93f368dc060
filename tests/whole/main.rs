//! The whole system, as a user runs it: the klieg program with farms and folders of its own.

mod bad_input;
mod device;
mod film;
mod jobs;
mod support;

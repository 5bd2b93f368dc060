//! FFmpeg's and the file system's errors as failures of a task.

use ffmpeg_next::Error;
use klieg_protocol::{Fault, TaskFailure};
use std::path::Path;

/// Numbers of the operating system's errors that are the machine's, not the task's: no space, quota, read-only, I/O, no file handles.
const NODE_ERRORS: [i32; 7] = [28, 122, 30, 5, 23, 24, 12];

pub(super) fn task(message: impl Into<String>) -> TaskFailure {
    TaskFailure { fault: Fault::Task, message: message.into() }
}

pub(super) fn input(message: impl Into<String>) -> TaskFailure {
    TaskFailure { fault: Fault::Input, message: message.into() }
}

pub(super) fn node(message: impl Into<String>) -> TaskFailure {
    TaskFailure { fault: Fault::Node, message: message.into() }
}

/// `failed to {doing} {path}: …`.
pub(super) fn ffmpeg<'a>(doing: &'a str, path: &'a Path) -> impl Fn(Error) -> TaskFailure + use<'a> {
    move |error| {
        let message = format!("failed to {doing} {}: {error}", path.display());
        match error {
            Error::Other { errno } if NODE_ERRORS.contains(&errno) => node(message),
            _ => task(message),
        }
    }
}

/// `failed to {doing} {path}: …`.
pub(super) fn io<'a>(doing: &'a str, path: &'a Path) -> impl Fn(std::io::Error) -> TaskFailure + use<'a> {
    move |error| {
        let message = format!("failed to {doing} {}: {error}", path.display());
        if error.raw_os_error().is_some_and(|n| NODE_ERRORS.contains(&n)) { node(message) } else { task(message) }
    }
}

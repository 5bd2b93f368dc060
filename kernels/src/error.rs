//! What can be wrong with what a device is asked to do.

use thiserror::Error;

/// Fits "failed to render: {error}".
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum KernelError {
    #[error("{list} has {found} entries where {wanted} are needed")]
    Length { list: &'static str, found: usize, wanted: usize },
    #[error("{list} entry {at} is {value}, past the last of {len}")]
    Index { list: &'static str, at: usize, value: usize, len: usize },
    #[error("{list} entry {at} isn't a finite number")]
    NotFinite { list: &'static str, at: usize },
    #[error("position {at} is farther than {most} m from the origin")]
    TooFar { at: usize, most: u32 },
    #[error("{what} isn't a finite number")]
    Parameter { what: &'static str },
    #[error("{what}: {found} where at most {most} fit")]
    TooMany { what: &'static str, found: usize, most: usize },
    #[error("a picture of {width} × {height} pixels: each side has to be 1–{most}")]
    Size { width: u32, height: u32, most: u32 },
    #[error("{samples} samples a pixel: 1–{most} are possible")]
    Samples { samples: u32, most: u32 },
    #[error("{bounces} bounces: at most {most} are possible")]
    Bounces { bounces: u32, most: u32 },
    #[error("the camera looks at its own position or along its own up direction")]
    Camera,
    #[error("{what} doesn't start at a multiple of {to} bytes")]
    Unaligned { what: &'static str, to: usize },
    #[error("{what} has to be {wanted}")]
    Range { what: &'static str, wanted: &'static str },
    #[error("there is no {target} driver on this machine")]
    NoDriver { target: &'static str },
    #[error("the {target} driver is for version {found}, and {needed} is needed")]
    DriverTooOld { target: &'static str, found: String, needed: String },
    #[error("{target} device {asked} was asked for: there are {count}, counted from 0")]
    NoDevice { target: &'static str, asked: u32, count: u32 },
    #[error("this build has no {target} target")]
    NoTarget { target: &'static str },
    #[error("{what} doesn't run on {target} devices; on cpu and cuda:N it does")]
    NotHere { what: &'static str, target: &'static str },
    #[error("the system starts no thread: {reason}")]
    NoThread { reason: String },
    #[error("\"{asked}\" is no device: auto, cuda:N, vulkan:N and cpu are possible, N counted from 0")]
    Choice { asked: String },
    #[error("out of memory: {asked} bytes are needed, {free} are free")]
    OutOfMemory { asked: u64, free: u64 },
    #[error("{asked} bytes are needed in one piece, and the device takes at most {most}")]
    TooLarge { asked: u64, most: u64 },
    #[error("the device has no memory for {asked} more bytes")]
    NoMemory { asked: u64 },
    #[error("kernel {name} failed: {reason}")]
    Kernel { name: &'static str, reason: String },
    /// Nothing more comes from this device in this process.
    #[error("the device is lost: {reason}")]
    Lost { reason: String },
}

impl KernelError {
    /// Whether a device isn't there, rather than broken: another will do.
    pub fn is_absence(&self) -> bool {
        matches!(self, Self::NoDriver { .. } | Self::DriverTooOld { .. } | Self::NoDevice { .. } | Self::NoTarget { .. })
    }
}

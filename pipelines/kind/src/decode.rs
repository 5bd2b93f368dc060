//! Pictures and sound out of files that others made: bounded, and in one form whatever the file's.

/// How much of a file is decoded, and how large.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// A file that goes on for longer is refused when that is known.
    pub seconds_max: f64,
    /// Pixels of a decoded frame; a larger one is refused before it is decoded.
    pub pixels_max: u64,
    /// The longer side of what is handed over: larger frames are scaled down to it.
    pub side_max: u32,
}

/// A frame as it is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// From the beginning of the file.
    pub seconds: f64,
    pub width: u32,
    pub height: u32,
    /// Tightly packed 8-bit red, green, blue; width × height × 3 bytes.
    pub rgb: Vec<u8>,
}

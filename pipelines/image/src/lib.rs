//! The job kind `image`.

//! The job kind `embed`.

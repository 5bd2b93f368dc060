//! The job kinds `text` and `script`.

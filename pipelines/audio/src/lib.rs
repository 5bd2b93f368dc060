//! The job kinds `audio` and `transcribe`.

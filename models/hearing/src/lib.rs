//! Speech to text: Whisper with times.

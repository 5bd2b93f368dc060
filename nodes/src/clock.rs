use std::time::Instant;

/// Now, for measuring how long something takes.
#[expect(clippy::disallowed_methods, reason = "the agent's one clock")]
pub fn now() -> Instant {
    Instant::now()
}

/// Milliseconds since the Unix epoch, for spans; nothing is decided from it.
#[expect(clippy::disallowed_methods, reason = "spans say when they were")]
pub fn wall_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

use std::time::Instant;

/// Now, for measuring how long something takes.
#[expect(clippy::disallowed_methods, reason = "the agent's one clock")]
pub fn now() -> Instant {
    Instant::now()
}

use std::time::Instant;

/// Now, for measuring how long a surplus has lasted.
#[expect(clippy::disallowed_methods, reason = "the fleet's one clock")]
pub fn now() -> Instant {
    Instant::now()
}

use std::time::Duration;

/// The bounds of a server. Past them a caller gets 429, or 413 for what is too long.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Requests at a time, long ones (commands, events) included.
    pub requests_max: usize,
    /// Artifacts that come or go at a time.
    pub transfers_max: usize,
    /// Submitted jobs that are planned at a time, and that wait for it.
    pub plans_max: usize,
    pub plans_waiting_max: usize,
    /// Watchers of jobs' events at a time.
    pub watchers_max: usize,
    /// Of a JSON body.
    pub json_bytes_max: usize,
    /// Of one artifact.
    pub artifact_bytes_max: u64,
    /// How often a stream says that the server lives.
    pub alive_every: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            requests_max: 20_000,
            transfers_max: 256,
            plans_max: 2,
            plans_waiting_max: 64,
            watchers_max: 2_000,
            json_bytes_max: 64 << 20,
            artifact_bytes_max: 64 << 30,
            alive_every: Duration::from_secs(4),
        }
    }
}

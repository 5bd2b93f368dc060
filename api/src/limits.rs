use std::time::Duration;

/// The bounds of a server. Past them a caller gets 429, or 413 for what is too long.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at a time, idle ones included, as far as the system has file descriptors for them; one more is told 429 and hung up on.
    pub connections_max: usize,
    /// How long a caller may take to send a request's head, or its next request.
    pub header_read_max: Duration,
    /// Of a request's head, and of what is read ahead of its body.
    pub header_bytes_max: usize,
    /// How long a caller may take to send a JSON body.
    pub body_read_max: Duration,
    /// Requests at a time, long ones (commands, events) included.
    pub requests_max: usize,
    /// Requests a second of one account or token, and how many more at once; whoever has the farm's own token, and nodes, may ask as often
    /// as they like.
    pub rate_per_second: f64,
    pub rate_burst: u32,
    /// The same of one address for what nobody has to be known for, such as logging in.
    pub stranger_rate_per_second: f64,
    pub stranger_rate_burst: u32,
    /// Artifacts that come or go at a time.
    pub transfers_max: usize,
    /// Submitted jobs that are planned at a time, and that wait for it.
    pub plans_max: usize,
    pub plans_waiting_max: usize,
    /// Watchers of jobs' events at a time.
    pub watchers_max: usize,
    /// WebSockets at a time.
    pub sockets_max: usize,
    /// Of what a WebSocket's client says at a time.
    pub socket_message_bytes_max: usize,
    /// Jobs whose events one WebSocket follows at a time, and projects.
    pub subscriptions_max: usize,
    /// How long a WebSocket's client may take to read what waits for it; it is hung up on then, and resumes.
    pub socket_slow_max: Duration,
    /// How often a WebSocket's client is asked whether it lives.
    pub socket_ping_every: Duration,
    /// How long an upload is kept of which no byte comes, and how often such ones are looked for.
    pub upload_kept: Duration,
    pub uploads_tidied_every: Duration,
    /// Of a JSON body.
    pub json_bytes_max: usize,
    /// Of one from somebody whom the farm does not know, such as for logging in.
    pub stranger_json_bytes_max: usize,
    /// Of all JSON bodies that are in memory at a time.
    pub json_bytes_total_max: usize,
    /// Values in a JSON body, but of those that agents send: each takes far more memory than its text.
    pub json_values_max: usize,
    /// Of one artifact.
    pub artifact_bytes_max: u64,
    /// How long an upload may stand still.
    pub upload_stall_max: Duration,
    /// Slower uploads than this, in bytes a second, are broken off after that pause.
    pub upload_rate_min: u64,
    /// How often a stream says that the server lives.
    pub alive_every: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 30_000,
            // Longer than nodes keep an idle connection, so that they do not ask on one that is just being closed.
            header_read_max: Duration::from_secs(30),
            header_bytes_max: 64 << 10,
            body_read_max: Duration::from_secs(120),
            requests_max: 20_000,
            rate_per_second: 50.0,
            rate_burst: 300,
            stranger_rate_per_second: 5.0,
            stranger_rate_burst: 60,
            transfers_max: 256,
            plans_max: 2,
            plans_waiting_max: 64,
            watchers_max: 12_000,
            sockets_max: 2_000,
            socket_message_bytes_max: 16 << 10,
            subscriptions_max: 256,
            socket_slow_max: Duration::from_secs(30),
            socket_ping_every: Duration::from_secs(20),
            upload_kept: Duration::from_secs(86_400),
            uploads_tidied_every: Duration::from_secs(3_600),
            json_bytes_max: 64 << 20,
            stranger_json_bytes_max: 64 << 10,
            json_bytes_total_max: 512 << 20,
            json_values_max: 200_000,
            artifact_bytes_max: 64 << 30,
            upload_stall_max: Duration::from_secs(30),
            upload_rate_min: 16 << 10,
            alive_every: Duration::from_secs(4),
        }
    }
}

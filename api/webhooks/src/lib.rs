//! Tells other programs what happens on a farm, by HTTP.
//!
//! What is published is kept in a durable outbox (`outbox`) until the receiver has answered 2xx or the tries are used up; so each event
//! arrives at least once, always under the same id, and a receiver that keeps ids sees each once. Requests are signed as Standard Webhooks
//! says (`sign`). A webhook's URL is somebody's wish, not an address to be trusted: only addresses that everybody can reach are connected
//! to, and exactly the address that was checked (`reach`, `post`). No clock is read here: `now` is handed in, in seconds since 1970.

mod outbox;
mod post;
mod reach;
mod sign;
mod subscription;
mod worker;

pub use klieg_database::{Database, DatabaseError};
pub use outbox::{DELIVERIES_PAGE_MAX, Delivery, DeliveryPage, Notice, State, Waiting};
pub use post::{Resolve, System};
pub use reach::{Allow, Forbidden};
pub use sign::Secret;
pub use subscription::{Created, NewWebhook, Webhook};
pub use worker::Worked;

use klieg_database::Schema;
use post::Post;
use std::{sync::Arc, time::Duration};
use tokio::sync::Notify;

/// Seconds since 1970.
pub type Seconds = i64;

static STEPS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");
const SCHEMA: Schema = Schema { whose: "webhooks", table: "_webhook_migrations", steps: &STEPS };

/// Handle on a farm's webhooks. Servers that share a database share them, and the work of delivering.
#[derive(Clone)]
pub struct Webhooks {
    database: Database,
    post: Arc<Post>,
    /// That something was published.
    news: Arc<Notify>,
}

/// How webhooks reach out.
pub struct Options {
    /// Where they may go besides the public internet.
    pub allow: Allow,
    pub resolver: Arc<dyn Resolve>,
    /// Which certificates are trusted.
    pub tls: Arc<rustls::ClientConfig>,
    /// How long a receiver may take, from its name to its answer's status; 20 s at most.
    pub patience: Duration,
}

impl Options {
    /// The public internet, the system's names and the system's certificates.
    pub fn new() -> Result<Self, WebhookError> {
        Ok(Self { allow: Allow::default(), resolver: Arc::new(System), tls: post::system_tls()?, patience: post::ATTEMPT_MAX })
    }
}

/// Why something about a webhook does not go.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// Whether it was done may not be known.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error("use the URL {url:?}: {what}")]
    BadUrl { url: String, what: String },
    #[error("listen to {pattern:?}: {what}")]
    BadEvents { pattern: String, what: &'static str },
    #[error("add a webhook: {0} of them are allowed; remove some")]
    TooMany(i64),
    #[error("publish an event: it has {found} bytes, and {most} are allowed")]
    TooLarge { found: usize, most: usize },
    #[error("test the webhook: it is disabled ({0}); enable it first")]
    Disabled(String),
    #[error("test the webhook: {0} events wait for it already")]
    TooManyWait(i64),
    #[error("find the {0}")]
    Missing(&'static str),
    #[error("allow {0:?}: {1}")]
    BadAllow(String, String),
    #[error("draw random numbers: {0}")]
    Random(getrandom::Error),
    #[error("set TLS up: {0}")]
    Tls(rustls::Error),
    #[error("sign a delivery: the secret of the webhook in the database is damaged")]
    DamagedSecret,
}

impl Webhooks {
    /// Brings the webhooks' tables up to date.
    pub async fn open(database: Database, options: Options) -> Result<Self, WebhookError> {
        database.prepare(&SCHEMA).await?;
        Ok(Self { database, post: Arc::new(Post::new(options)), news: Arc::new(Notify::new()) })
    }
}

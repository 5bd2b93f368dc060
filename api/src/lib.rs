//! The front door of a farm: HTTP for its agents, for those who submit jobs, and for those who watch it. `Server` leads or stands
//! by; the routes are a file a resource; every error is a problem (RFC 9457).

pub mod access;
mod app;
mod artifacts;
mod body;
pub mod client;
mod connections;
pub mod front;
mod glance;
mod health;
mod herald;
mod idempotency;
mod leader;
mod limits;
mod lines;
mod metrics;
mod nodes;
mod oidc;
mod people;
mod planning;
mod problem;
mod quotas;
mod rates;
mod server;
mod sniff;
mod stand;
mod statuses;
mod tls;
mod token;
mod traced;
mod upkeep;
mod uploads;
mod web;

pub use klieg_accounts::Role;
pub use klieg_webhooks::Allow;
pub use limits::Limits;
pub use oidc::OidcOptions;
pub use people::{People, Registration};
pub use server::{Server, ServerError, ServerOptions};
pub use stand::Stand;
pub use token::{TokenError, token_in};

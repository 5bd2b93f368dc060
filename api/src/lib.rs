//! The front door of a farm: HTTP for its agents, for those who submit jobs, and for those who watch it. `Server` leads or stands
//! by; the routes are a file a resource; every error is a problem (RFC 9457).

mod app;
mod artifacts;
mod auth;
pub mod client;
mod connections;
mod health;
mod jobs;
mod limits;
mod lines;
mod nodes;
mod problem;
mod server;
mod stand;
mod tls;
mod token;
mod web;

pub use limits::Limits;
pub use server::{Server, ServerError, ServerOptions};
pub use stand::Stand;
pub use token::{TokenError, token_in};

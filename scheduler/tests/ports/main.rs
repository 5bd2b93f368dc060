//! The ports' cluster implementations against real servers.

mod blobs;
mod bus;
mod postgres;
mod schema;

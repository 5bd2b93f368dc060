//! The ports' cluster implementations against real servers.

mod blobs;
mod bus;
mod farm;
mod postgres;
mod schema;

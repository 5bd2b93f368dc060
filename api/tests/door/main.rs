//! The front door with an agent's side of the talk, in one process: no workers, so every step is in the test's hand.

mod agents;
mod artifacts;
mod front;
mod hooks;
mod house;
mod jobs;
mod metrics;
mod roles;
mod sockets;
mod tls;
mod uploads;
mod ways;

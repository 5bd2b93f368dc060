//! The front door with an agent's side of the talk, in one process: no workers, so every step is in the test's hand.

mod agents;
mod artifacts;
mod attacks;
mod front;
mod hooks;
mod house;
mod jobs;
mod metrics;
mod oidc;
mod privacy;
mod quotas;
mod roles;
mod sockets;
mod tls;
mod twice;
mod uploads;
mod ways;

//! What webhooks promise, on both databases, with receivers that misbehave.

mod delivery;
mod farm;
mod reaching;
mod receiver;

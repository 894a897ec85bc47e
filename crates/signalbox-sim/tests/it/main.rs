//! The simulator over real HTTP: the behaviours that clients stumble over.

#![expect(
    clippy::unwrap_used,
    reason = "a helper that fails is a test that fails"
)]

mod batch;
mod bot;
mod business_central;
mod client;
mod control;
mod documents;
mod entra;
mod environments;
mod faults;
mod graph;
mod limits;
mod mischief;
mod notifications;
mod restart;
mod subscriptions;
mod supported;
mod tables;
mod verdict;

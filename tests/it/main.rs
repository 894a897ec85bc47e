//! The integration tests, a module per area.
#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod business_central;
mod clients;
mod deploy;
mod docs;
mod fleet;
mod ingress;
mod network;
mod operations;
mod queue;
mod teams;

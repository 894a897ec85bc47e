//! The parts of the one program: what its commands are made of.
//!
//! The program itself is thin; what it does is here, where tests and proofs can reach it.

pub mod assembly;
pub mod cli;
pub mod commands;
pub mod health;
pub mod installation;
pub mod lifecycle;
pub mod listing;
pub mod logging;
pub mod metrics;
pub mod redis_server;
pub mod roles;
pub mod telemetry;

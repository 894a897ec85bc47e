//! Leave to send: asked for once per request, just before its bytes are written.

use std::{fmt, pin::Pin};

use jiff::Timestamp;

use super::error::Error;

/// A future in a box.
pub type Asked<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Why a request may not be sent now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no request may be sent before {until}: {why}")]
pub struct Refusal {
    /// When to ask again.
    pub until: Timestamp,
    /// What is in the way, for people.
    pub why: String,
}

/// The place of one request in the concurrency of its lanes; dropping it gives the place back.
pub trait Place: Send {}

/// Whoever knows the limits of the upstream.
pub trait Gatekeeper: Send + Sync {
    /// Grants a place now or names the instant to ask again; it never makes a request wait.
    fn ask(&self) -> Asked<'_, Result<Box<dyn Place>, Refusal>>;

    /// Hears how a request ended that it was asked about, before whoever sent it does.
    fn ended<'a>(&'a self, outcome: Result<(), &'a Error>) -> Asked<'a, ()>;
}

impl fmt::Debug for dyn Gatekeeper + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gatekeeper")
    }
}

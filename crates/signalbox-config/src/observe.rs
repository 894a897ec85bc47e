//! `[observe]`: logs, metrics and health.

use std::net::SocketAddr;

use serde::Deserialize;

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines: one JSON object per line.
    Json,
}

/// The section `[observe]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Observe {
    /// Where `/metrics`, `/livez` and `/readyz` are served.
    pub bind: SocketAddr,
    /// How log lines are written.
    pub log_format: LogFormat,
    /// A level, or a filter in the notation of `tracing`.
    pub log_level: String,
}

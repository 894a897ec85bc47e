//! `[observe]`: logs, traces, metrics and health.

use std::net::SocketAddr;

use serde::{Deserialize, Deserializer};

use crate::OtlpEndpoint;

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
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Observe {
    /// Where `/metrics`, `/livez` and `/readyz` are served.
    pub bind: SocketAddr,
    /// How log lines are written.
    pub log_format: LogFormat,
    /// A level, or a filter in the notation of `tracing`.
    pub log_level: String,
    /// The collector that traces are sent to, if any.
    pub otlp_endpoint: Option<OtlpEndpoint>,
    /// Which part of the signals has a trace that is sent: from 0, none, to 1, all.
    #[serde(deserialize_with = "ratio")]
    pub trace_sample: f64,
}

fn ratio<'de, D: Deserializer<'de>>(input: D) -> Result<f64, D::Error> {
    let ratio = f64::deserialize(input)?;
    (0.0..=1.0)
        .contains(&ratio)
        .then_some(ratio)
        .ok_or_else(|| {
            serde::de::Error::custom("is no part of a whole; write a number from 0.0 to 1.0")
        })
}

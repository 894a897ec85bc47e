//! `[http]`: how outside systems are reached.

use std::{path::PathBuf, time::Duration};

use serde::Deserialize;

use crate::{PrivateUrl, span};

/// The section `[http]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// The proxy for requests to outside systems.
    pub proxy: Option<PrivateUrl>,
    /// Hosts that are asked directly.
    pub no_proxy: Vec<String>,
    /// Root certificates in PEM, in addition to those of the system.
    pub ca_file: Option<PathBuf>,
    /// How long opening a connection may take.
    #[serde(rename = "connect_timeout_secs", deserialize_with = "span::seconds")]
    pub connect_timeout: Duration,
    /// How long a whole request may take.
    #[serde(rename = "request_timeout_secs", deserialize_with = "span::seconds")]
    pub request_timeout: Duration,
}

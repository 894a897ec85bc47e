//! `[http]`: how outside systems are reached.

use std::{path::PathBuf, time::Duration};

use serde::{Deserialize, Deserializer};
use url::Host;

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
    /// Hosts outside this machine that base URLs may name with `http://`, in lower case.
    #[serde(deserialize_with = "hosts")]
    pub plain_hosts: Vec<String>,
    /// How long opening a connection may take.
    #[serde(rename = "connect_timeout_secs", deserialize_with = "span::seconds")]
    pub connect_timeout: Duration,
    /// How long a whole request may take.
    #[serde(rename = "request_timeout_secs", deserialize_with = "span::seconds")]
    pub request_timeout: Duration,
}

/// Host names as an address has them; anything longer would never be found there.
fn hosts<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<String>, D::Error> {
    let names = Vec::<String>::deserialize(input)?;
    let hosts = names.iter().map(|name| match Host::parse(name) {
        Ok(host) => Ok(host.to_string()),
        Err(_) => Err(serde::de::Error::custom(
            "holds something else than a host; write names alone, such as `[\"simulator\"]`, without scheme and port",
        )),
    });
    hosts.collect()
}

//! `[ingress]`: where webhooks are received.

use std::{net::SocketAddr, num::NonZeroUsize, time::Duration};

use serde::Deserialize;

use crate::{BaseUrl, span};

/// The section `[ingress]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ingress {
    /// Where it listens.
    pub bind: SocketAddr,
    /// The address under which the outside reaches `bind`. Without it nothing is subscribed to.
    pub public_url: Option<BaseUrl>,
    /// The largest body that is read, in bytes.
    pub max_body_bytes: NonZeroUsize,
    /// How long a request waits for Redis.
    #[serde(rename = "redis_wait_secs", deserialize_with = "span::seconds")]
    pub redis_wait: Duration,
}

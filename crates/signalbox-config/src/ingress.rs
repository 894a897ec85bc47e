//! `[ingress]`: where webhooks are received, and who stands in front.

use std::{
    net::{IpAddr, SocketAddr},
    num::NonZeroUsize,
    path::PathBuf,
    time::Duration,
};

use ipnet::IpNet;
use serde::{Deserialize, Deserializer};

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
    /// The operator says that something in front of `bind` ends TLS, though it is not named.
    pub plain_http: bool,
    /// Whose word about the client and its connection is believed.
    #[serde(deserialize_with = "networks")]
    pub trusted_proxies: Vec<IpNet>,
    /// With it, `bind` speaks TLS only.
    pub tls: Option<IngressTls>,
}

/// The table `[ingress.tls]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IngressTls {
    /// The certificate in PEM, followed by those that lead to its authority.
    pub certificate: PathBuf,
    /// Its private key in PEM.
    pub key: PathBuf,
}

impl Ingress {
    /// Whether others than this machine can connect to `bind`.
    pub fn is_open(&self) -> bool {
        !self.bind.ip().to_canonical().is_loopback()
    }
}

/// Networks such as `10.0.0.0/8`, or single addresses.
fn networks<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<IpNet>, D::Error> {
    let texts = Vec::<String>::deserialize(input)?;
    texts.iter().map(|text| network(text)).collect()
}

fn network<E: serde::de::Error>(text: &str) -> Result<IpNet, E> {
    let network = text
        .parse::<IpNet>()
        .or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    match network {
        Ok(network) if network.prefix_len() == 0 => Err(E::custom(
            "believes everybody; name the networks that your proxies are in, such as `[\"10.0.0.0/8\"]`",
        )),
        Ok(network) => Ok(network.trunc()),
        Err(_) => Err(E::custom(
            "holds something else than a network; write networks or addresses, such as `[\"10.0.0.0/8\"]`",
        )),
    }
}

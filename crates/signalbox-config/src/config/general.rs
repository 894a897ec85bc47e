//! The settings above the first section.

use serde::{Deserialize, Deserializer};

use crate::Cloud;

/// The tables beside these settings; what else stands there is misspelt.
pub(super) const SECTIONS: [&str; 13] = [
    "connections",
    "credentials",
    "data",
    "defaults",
    "http",
    "ingress",
    "ledger",
    "observe",
    "redis",
    "routes",
    "secrets",
    "trail",
    "worker",
];

/// The settings that belong to no section.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct General {
    pub(super) allow_plain_secrets: bool,
    pub(super) cloud: Cloud,
    pub(super) flood_limit: u32,
    #[serde(deserialize_with = "time_scale")]
    pub(super) time_scale: f64,
}

fn time_scale<'de, D: Deserializer<'de>>(input: D) -> Result<f64, D::Error> {
    let scale = f64::deserialize(input)?;
    let fits = scale > 0.0 && scale <= 1000.0;
    fits.then_some(scale).ok_or_else(|| {
        serde::de::Error::custom(
            "stops or breaks time; write a number above 0 and up to 1000, usually 1.0",
        )
    })
}

//! Lengths of time as the file writes them: whole numbers whose unit is in the key's name.

use std::{num::NonZeroU64, time::Duration};

use serde::{Deserialize, Deserializer};

/// A number of milliseconds above zero.
pub(crate) fn millis<'de, D: Deserializer<'de>>(input: D) -> Result<Duration, D::Error> {
    NonZeroU64::deserialize(input).map(|n| Duration::from_millis(n.get()))
}

/// A number of seconds above zero.
pub(crate) fn seconds<'de, D: Deserializer<'de>>(input: D) -> Result<Duration, D::Error> {
    NonZeroU64::deserialize(input).map(|n| Duration::from_secs(n.get()))
}

/// A number of seconds above zero, or nothing.
pub(crate) fn seconds_if_given<'de, D: Deserializer<'de>>(
    input: D,
) -> Result<Option<Duration>, D::Error> {
    let number = Option::<NonZeroU64>::deserialize(input)?;
    Ok(number.map(|n| Duration::from_secs(n.get())))
}

/// A number of hours above zero.
pub(crate) fn hours<'de, D: Deserializer<'de>>(input: D) -> Result<Duration, D::Error> {
    multiple(input, 3600)
}

/// A number of days above zero.
pub(crate) fn days<'de, D: Deserializer<'de>>(input: D) -> Result<Duration, D::Error> {
    multiple(input, 86_400)
}

fn multiple<'de, D: Deserializer<'de>>(input: D, unit_secs: u64) -> Result<Duration, D::Error> {
    NonZeroU64::deserialize(input)?
        .get()
        .checked_mul(unit_secs)
        .map(Duration::from_secs)
        .ok_or_else(|| serde::de::Error::custom("is too long a time; write a smaller number"))
}

//! `[ledger]`: how long it is remembered what was done.

use std::{num::NonZeroU64, time::Duration};

use serde::Deserialize;

use crate::span;

/// The section `[ledger]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ledger {
    /// How long effects are remembered.
    #[serde(rename = "keep_days", deserialize_with = "span::days")]
    pub keep: Duration,
    /// How long after its end a job with the same id is absorbed.
    #[serde(rename = "dedupe_days", deserialize_with = "span::days")]
    pub dedupe: Duration,
    /// How long after its end it is known what a job was and why it ended.
    #[serde(rename = "records_days", deserialize_with = "span::days")]
    pub records: Duration,
    /// How many finished jobs absorb others at most.
    pub dedupe_most: NonZeroU64,
    /// Of how many finished jobs it is known what they were.
    pub records_most: NonZeroU64,
    /// What may be taken of Redis by what they were.
    pub records_mib: NonZeroU64,
    /// How long dead jobs are kept.
    #[serde(rename = "dead_days", deserialize_with = "span::days")]
    pub dead: Duration,
    /// How many dead jobs of each queue are kept.
    pub dead_most: NonZeroU64,
    /// What they may take of Redis.
    pub dead_mib: NonZeroU64,
    /// How many posts of one route are held.
    pub held_most: NonZeroU64,
    /// What they may take of Redis.
    pub held_mib: NonZeroU64,
}

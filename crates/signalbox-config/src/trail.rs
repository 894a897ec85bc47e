//! `[trail]`: for how long, and how much of, what happened to documents can be looked up.

use std::{num::NonZeroU64, time::Duration};

use serde::Deserialize;

use crate::span;

/// The section `[trail]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trail {
    /// How long a document is remembered after the last step that concerned it.
    #[serde(rename = "keep_days", deserialize_with = "span::days")]
    pub keep: Duration,
    /// What all steps together may take of Redis, in MiB.
    pub memory_mib: NonZeroU64,
}

//! `[data]`: the folder for what Signalbox keeps on this machine.

use std::path::PathBuf;

use serde::Deserialize;

/// The section `[data]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// The folder of the embedded Redis.
    pub dir: PathBuf,
}

//! `[secrets]`: where sealed secrets and the keys to them are.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Deserialize;

use super::{Vault, master::MasterKeys};
use crate::{
    Environment,
    secret::source::{MasterKeySource, Patience, SecretSource},
    span,
};

/// The section as the file writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SecretsSection {
    file: PathBuf,
    master_key: Option<MasterKeySource>,
    previous_master_keys: Vec<MasterKeySource>,
    #[serde(rename = "command_timeout_secs", deserialize_with = "span::seconds")]
    command_timeout: Duration,
}

impl SecretsSection {
    /// The keys as they are written, each with the setting that it stands in.
    pub(crate) fn sources(&self) -> impl Iterator<Item = (&'static str, &SecretSource)> {
        let seals = self.master_key.iter().map(|key| ("master_key", &key.0));
        let opens = self.previous_master_keys.iter();
        seals.chain(opens.map(|key| ("previous_master_keys", &key.0)))
    }

    /// `folder` is that of the configuration, beside which the file is deployed.
    pub(crate) fn resolve(self, folder: &Path, env: &Environment) -> Vault {
        let opens = self.previous_master_keys.into_iter().map(|key| key.0);
        Vault {
            path: folder.join(self.file),
            keys: MasterKeys::new(
                self.master_key.map(|key| key.0),
                opens.collect(),
                Patience(self.command_timeout),
            ),
            env: env.clone(),
        }
    }
}

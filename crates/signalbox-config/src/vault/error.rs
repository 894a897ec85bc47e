//! Why a sealed secret cannot be had, said so that the reader can put it right.

use std::{io, path::PathBuf, sync::Arc};

use super::SecretName;
use crate::SecretError;

/// Why a sealed secret, or the file of them, cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
pub enum VaultError {
    /// The file is not there.
    #[error(
        "there is no file `{path}`, which `secrets.file` names; put it beside the configuration, or seal a first secret with `signalbox secrets set NAME`"
    )]
    NoFile {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be read or written.
    #[error("the file of sealed secrets `{path}` cannot be {action}; check its path and its owner")]
    File {
        /// The file.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// What the system said.
        #[source]
        source: Arc<io::Error>,
    },
    /// The file is not what was written.
    #[error(
        "the file of sealed secrets `{path}` is damaged; put back the copy that was deployed with the configuration"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: Arc<serde_json::Error>,
    },
    /// A later release wrote the file.
    #[error(
        "the file of sealed secrets `{path}` is of the format `{format}`, which this release does not know; update Signalbox"
    )]
    Format {
        /// The file.
        path: PathBuf,
        /// What the file calls its format.
        format: String,
    },
    /// The file has no such secret.
    #[error(
        "the sealed secret `{name}` is not in `{path}`; seal it with `signalbox secrets set {name}`"
    )]
    NoSecret {
        /// The secret.
        name: SecretName,
        /// The file.
        path: PathBuf,
    },
    /// No master key is configured.
    #[error(
        "no master key is configured; let `secrets.master_key` name an environment variable, a file or a command that holds one"
    )]
    NoMasterKey,
    /// The master key that seals cannot be had.
    #[error("the master key that `secrets.master_key` names cannot be had")]
    MasterKey(#[source] Arc<SecretError>),
    /// The secret is under a master key that is not known here.
    #[error(
        "the sealed secret `{name}` needs the master key `{needed}`, and {known}; add that key to `secrets.previous_master_keys`, or seal the secret anew with `signalbox secrets set {name}`"
    )]
    UnknownKey {
        /// The secret.
        name: SecretName,
        /// The id of the key that it is under.
        needed: String,
        /// Which keys are known, and why others are not, in words.
        known: String,
    },
    /// The master key of that id does not open it.
    #[error(
        "the sealed secret `{name}` does not open with the master key `{key_id}` that it names, so it was damaged or belongs to another name; put back the copy that was deployed, or seal it anew with `signalbox secrets set {name}`"
    )]
    Tampered {
        /// The secret.
        name: SecretName,
        /// The id of the key that it names.
        key_id: String,
    },
    /// The system gives no random bytes.
    #[error("the system gives no random bytes; nothing was sealed")]
    Random,
}

impl VaultError {
    pub(super) fn damaged(name: &SecretName, key_id: &str) -> Self {
        Self::Tampered {
            name: name.clone(),
            key_id: key_id.to_owned(),
        }
    }
}

//! Secrets: where they come from, and how they are kept out of everything that can be read.
//!
//! A secret is looked up when it is needed and no earlier: the ingress needs few, and is not given any other.
//! One that is needed again and again is followed ([`Secret::follow`]), so that a file that was changed, or a secret
//! that was sealed anew, counts without a restart.

mod command;
pub(crate) mod source;

use std::{
    fmt, io,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use secrecy::SecretString;

use self::source::{Patience, SecretSource};
use crate::{SecretName, Vault, VaultError};

/// Why a secret is not there.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SecretError {
    /// The variable that should hold it is not set.
    #[error(
        "the environment variable `{0}` is not set; set it for the process that needs the secret"
    )]
    NotSet(String),
    /// The file that should hold it cannot be read.
    #[error("the secret file `{path}` cannot be read; check its path and who may read it")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: Arc<io::Error>,
    },
    /// The place is there and holds nothing.
    #[error("{0} is empty; put the secret into it")]
    Empty(String),
    /// The command that should print it cannot be run.
    #[error("{place} cannot be run; check its path and who may run it")]
    NotRun {
        /// The command, in words.
        place: String,
        /// What the system said.
        #[source]
        source: Arc<io::Error>,
    },
    /// The command that should print it failed.
    #[error("{place} ended with {status}; run it by hand as the user of this process")]
    Failed {
        /// The command, in words.
        place: String,
        /// How it ended.
        status: std::process::ExitStatus,
    },
    /// The command that should print it takes too long.
    #[error(
        "{place} did not end within {seconds} s; run it by hand, or raise `secrets.command_timeout_secs`"
    )]
    TooSlow {
        /// The command, in words.
        place: String,
        /// How long it was waited for.
        seconds: u64,
    },
    /// What was found is no text.
    #[error("{0} holds no text; put the secret into it as text")]
    NoText(String),
    /// What was found is no key.
    #[error("{0} does not hold 32 bytes in base64; make a key with `openssl rand -base64 32`")]
    NoKey(String),
    /// It is sealed and cannot be opened.
    #[error(transparent)]
    Sealed(#[from] VaultError),
}

/// A secret and where it comes from. Nothing prints its value.
#[derive(Clone)]
pub struct Secret {
    source: SecretSource,
    vault: Arc<Vault>,
}

impl Secret {
    pub(crate) fn new(source: SecretSource, vault: &Arc<Vault>) -> Self {
        let vault = vault.clone();
        Self { source, vault }
    }

    /// The value as it is now, for the one request that carries it. May read a file, or wait for a command.
    pub fn reveal(&self) -> Result<SecretString, SecretError> {
        match &self.source {
            SecretSource::Sealed(name) => Ok(self.vault.open(name)?),
            other => other.look_up(self.vault.env(), Patience::default()),
        }
    }

    /// The value from now on, whatever becomes of the place that it comes from.
    pub fn follow(&self) -> Result<FollowedSecret, SecretError> {
        Ok(FollowedSecret {
            last: Mutex::new(self.reveal()?),
            secret: self.clone(),
        })
    }

    /// Where it is kept, in words: for messages.
    pub fn place(&self) -> String {
        self.source.place()
    }

    /// Its name in the vault, if it is sealed.
    pub fn sealed(&self) -> Option<&SecretName> {
        match &self.source {
            SecretSource::Sealed(name) => Some(name),
            _ => None,
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret(from {})", self.place())
    }
}

/// A secret that was there once and is looked up anew whenever it is needed.
#[derive(Debug)]
pub struct FollowedSecret {
    secret: Secret,
    last: Mutex<SecretString>,
}

impl FollowedSecret {
    /// The value as it is now; if it cannot be had any more, the one before.
    ///
    /// What goes wrong with the place of a secret that serves must not stop the work that it serves for. It is logged,
    /// and the next start is refused.
    pub fn current(&self) -> SecretString {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match self.secret.reveal() {
            Ok(value) => *last = value,
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::error!(
                    secret.place = self.secret.place(),
                    error,
                    "a secret cannot be looked up any more: the value from before is used until the next start"
                );
            }
        }
        last.clone()
    }
}

#[cfg(test)]
mod tests;

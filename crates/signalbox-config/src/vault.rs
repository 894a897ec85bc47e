//! The vault: sealed secrets in a file that can be deployed with the configuration, and the master keys that open them.
//!
//! The file and the keys are looked at when a secret is needed, so a role that runs takes up what was sealed or rotated
//! meanwhile. docs/sealed-secrets.md describes the file.

mod envelope;
mod error;
mod file;
mod key;
mod master;
mod name;
mod section;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::Timestamp;
use secrecy::SecretString;

pub(crate) use self::section::SecretsSection;
use self::{
    envelope::Envelope,
    file::{Sealed, change, read},
    key::Key,
    master::MasterKeys,
};
pub use self::{
    error::VaultError,
    name::{SecretName, SecretNameError},
};
use crate::Environment;

/// The sealed secrets, and where all others are looked up as well.
#[derive(Debug, Default)]
pub struct Vault {
    path: PathBuf,
    keys: MasterKeys,
    env: Environment,
}

/// A sealed secret without its value.
#[derive(Debug)]
pub struct SealedSecret {
    /// Its name.
    pub name: SecretName,
    /// The id of the master key that it is under.
    pub key_id: String,
    /// When its value was set, as the file says.
    pub set_at: Timestamp,
    /// Why it cannot be opened, if it cannot.
    pub trouble: Option<VaultError>,
}

/// What a rotation did.
#[derive(Debug)]
pub struct Rotation {
    /// The id of the master key that all secrets are under now.
    pub key_id: String,
    /// The data keys that were wrapped anew.
    pub rewrapped: usize,
    /// The data keys that were under that master key before.
    pub already: usize,
    /// What cannot be opened. If there is anything, nothing was changed.
    pub unreadable: Vec<VaultError>,
}

impl Vault {
    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The value of a sealed secret, from the file as it is now.
    pub fn open(&self, name: &SecretName) -> Result<SecretString, VaultError> {
        let sealed = read(&self.path, &self.env)?.ok_or_else(|| VaultError::NoFile {
            path: self.path.clone(),
        })?;
        let envelope = sealed.secrets.get(name);
        let envelope = envelope.ok_or_else(|| VaultError::NoSecret {
            name: name.clone(),
            path: self.path.clone(),
        })?;
        self.open_envelope(name, envelope)
    }

    /// Every sealed secret, by name.
    pub fn list(&self) -> Result<Vec<SealedSecret>, VaultError> {
        let sealed = read(&self.path, &self.env)?.unwrap_or_default();
        let all = sealed.secrets.iter().map(|(name, envelope)| SealedSecret {
            name: name.clone(),
            key_id: envelope.key_id().to_owned(),
            set_at: envelope.set_at,
            trouble: self.open_envelope(name, envelope).err(),
        });
        Ok(all.collect())
    }

    /// Seals `value` under the master key. Returns that key's id, and whether there was a secret of this name.
    pub fn set(
        &self,
        name: &SecretName,
        value: &SecretString,
        at: Timestamp,
    ) -> Result<(String, bool), VaultError> {
        let master = self.keys.first(&self.env)?;
        let envelope = Envelope::seal(&master, name, value, at)?;
        let replaced = change(&self.path, &self.env, |sealed| {
            let before = sealed.secrets.insert(name.clone(), envelope);
            Ok((true, before.is_some()))
        })?;
        Ok((master.id().to_owned(), replaced))
    }

    /// Removes a secret. False if there was none of this name.
    pub fn remove(&self, name: &SecretName) -> Result<bool, VaultError> {
        change(&self.path, &self.env, |sealed| {
            let removed = sealed.secrets.remove(name).is_some();
            Ok((removed, removed))
        })
    }

    /// Wraps every data key that is under another master key under the one that seals: all of them, or none.
    pub fn rotate(&self) -> Result<Rotation, VaultError> {
        let master = self.keys.first(&self.env)?;
        let rewrap = |name: &SecretName, envelope: &Envelope| {
            let old = self.key_of(name, envelope)?;
            envelope.rewrap(&old, &master, name)
        };
        change(&self.path, &self.env, |sealed: &mut Sealed| {
            let mut rotation = Rotation {
                key_id: master.id().to_owned(),
                rewrapped: 0,
                already: 0,
                unreadable: Vec::new(),
            };
            for (name, envelope) in &mut sealed.secrets {
                if envelope.key_id() == master.id() {
                    rotation.already += 1;
                    continue;
                }
                match rewrap(name, envelope) {
                    Ok(rewrapped) => {
                        *envelope = rewrapped;
                        rotation.rewrapped += 1;
                    }
                    Err(error) => rotation.unreadable.push(error),
                }
            }
            let write = rotation.unreadable.is_empty() && rotation.rewrapped > 0;
            Ok((write, rotation))
        })
    }

    /// What secrets that are not sealed are looked up in.
    pub(crate) fn env(&self) -> &Environment {
        &self.env
    }

    fn open_envelope(
        &self,
        name: &SecretName,
        envelope: &Envelope,
    ) -> Result<SecretString, VaultError> {
        let master = self.key_of(name, envelope)?;
        envelope.open(&master, name)
    }

    fn key_of(&self, name: &SecretName, envelope: &Envelope) -> Result<Arc<Key>, VaultError> {
        let needed = envelope.key_id();
        let found = self.keys.find(needed, &self.env);
        found.map_err(|known| VaultError::UnknownKey {
            name: name.clone(),
            needed: needed.to_owned(),
            known,
        })
    }
}

#[cfg(test)]
mod tests;

//! The master keys: the one that seals, and those that were used before and still open.
//!
//! A key that was found is kept. Only when a secret needs one that is not known, all places are looked at again: a
//! running role takes up a key that was put into its file, or that its command begins to print.

use std::sync::{Arc, Mutex, PoisonError};

use secrecy::ExposeSecret;

use super::{VaultError, key::Key};
use crate::{
    Environment, SecretError,
    secret::source::{Patience, SecretSource},
};

/// Where the master keys are.
#[derive(Debug, Default)]
pub(super) struct MasterKeys {
    seals: Option<SecretSource>,
    opens: Vec<SecretSource>,
    patience: Patience,
    found: Mutex<Vec<Arc<Key>>>,
}

impl MasterKeys {
    pub(super) fn new(
        seals: Option<SecretSource>,
        opens: Vec<SecretSource>,
        patience: Patience,
    ) -> Self {
        Self {
            seals,
            opens,
            patience,
            found: Mutex::default(),
        }
    }

    /// The key that seals, looked up anew.
    pub(super) fn first(&self, env: &Environment) -> Result<Arc<Key>, VaultError> {
        let source = self.seals.as_ref().ok_or(VaultError::NoMasterKey)?;
        let key = self.look_up(source, env);
        key.map_err(|error| VaultError::MasterKey(Arc::new(error)))
    }

    /// The key called `id`, or which keys there are instead, in words.
    pub(super) fn find(&self, id: &str, env: &Environment) -> Result<Arc<Key>, String> {
        // Held while commands run, so that they run once however many ask.
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = found.iter().find(|key| key.id() == id) {
            return Ok(key.clone());
        }
        let (mut known, mut troubles) = (Vec::new(), Vec::new());
        for source in self.seals.iter().chain(&self.opens) {
            match self.look_up(source, env) {
                Ok(key) => {
                    known.push(format!("`{}` from {}", key.id(), source.place()));
                    if found.iter().all(|known| known.id() != key.id()) {
                        found.push(key);
                    }
                }
                Err(error) => {
                    let error = error.to_string();
                    troubles.extend(error.split("; ").next().map(str::to_owned));
                }
            }
        }
        let key = found.iter().find(|key| key.id() == id).cloned();
        key.ok_or_else(|| in_words(&known, &troubles))
    }

    fn look_up(&self, source: &SecretSource, env: &Environment) -> Result<Arc<Key>, SecretError> {
        let text = source.look_up(env, self.patience)?;
        let key = Key::from_base64(text.expose_secret());
        let key = key.ok_or_else(|| SecretError::NoKey(source.place()))?;
        Ok(Arc::new(key))
    }
}

/// What to say of the keys that there are, as a part of a sentence.
fn in_words(known: &[String], troubles: &[String]) -> String {
    let known = match known {
        [] if troubles.is_empty() => "no master key is configured".to_owned(),
        [] => "none is known".to_owned(),
        known => format!("known are {}", known.join(" and ")),
    };
    match troubles {
        [] => known,
        troubles => format!("{known}, while {}", troubles.join(" and ")),
    }
}

//! One sealed secret: the value under a random key of its own, and that key under a master key.
//!
//! The page docs/sealed-secrets.md describes what stands here so that other programs can read it.
//! Both ciphertexts carry the name of their key, and both are bound to it, to what they hold and to the secret's name:
//! nobody who can write the file can pass one secret off as another.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chacha20poly1305::{
    ChaCha20Poly1305, KeyInit, Nonce,
    aead::{Aead, Payload},
};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretBox, SecretString, zeroize::Zeroizing};
use serde::{Deserialize, Serialize};

use super::{SecretName, VaultError, key::Key};

/// The format's name, which is part of everything that is authenticated.
pub(super) const FORMAT: &str = "signalbox-secrets/1";
const NONCE: usize = 12;

/// What a ciphertext holds.
#[derive(Debug, Clone, Copy)]
enum Holds {
    DataKey,
    Value,
}

impl Holds {
    fn as_str(self) -> &'static str {
        match self {
            Self::DataKey => "data-key",
            Self::Value => "value",
        }
    }
}

/// Bytes under a key: ChaCha20-Poly1305 as RFC 8439 has it, the tag at the end.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wrapped {
    key_id: String,
    nonce: String,
    ciphertext: String,
}

/// A sealed secret as it stands in the file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Envelope {
    /// The data key under a master key.
    data_key: Wrapped,
    /// The value under the data key.
    value: Wrapped,
    /// When the value was set. For people, and not authenticated.
    pub(super) set_at: Timestamp,
}

impl Envelope {
    /// Seals `value` under a new data key, and that under `master`.
    pub(super) fn seal(
        master: &Key,
        name: &SecretName,
        value: &SecretString,
        set_at: Timestamp,
    ) -> Result<Self, VaultError> {
        let data_key = Key::random()?;
        let value = value.expose_secret().as_bytes();
        Ok(Self {
            data_key: seal(master, Holds::DataKey, name, data_key.bytes())?,
            value: seal(&data_key, Holds::Value, name, value)?,
            set_at,
        })
    }

    /// The master key that the data key is under.
    pub(super) fn key_id(&self) -> &str {
        &self.data_key.key_id
    }

    /// The value.
    pub(super) fn open(&self, master: &Key, name: &SecretName) -> Result<SecretString, VaultError> {
        let data_key = self.data_key(master, name)?;
        let damaged = || VaultError::damaged(name, self.key_id());
        let value = open(&data_key, Holds::Value, name, &self.value).ok_or_else(damaged)?;
        let text = std::str::from_utf8(&value).map_err(|_| damaged())?;
        Ok(SecretString::from(text.to_owned()))
    }

    /// The same secret with its data key under `new`. The value's ciphertext stays as it is.
    pub(super) fn rewrap(
        &self,
        old: &Key,
        new: &Key,
        name: &SecretName,
    ) -> Result<Self, VaultError> {
        let data_key = self.data_key(old, name)?;
        Ok(Self {
            data_key: seal(new, Holds::DataKey, name, data_key.bytes())?,
            ..self.clone()
        })
    }

    fn data_key(&self, master: &Key, name: &SecretName) -> Result<Key, VaultError> {
        let damaged = || VaultError::damaged(name, self.key_id());
        let bytes = open(master, Holds::DataKey, name, &self.data_key).ok_or_else(damaged)?;
        let bytes = SecretBox::new(Box::new(
            bytes.as_slice().try_into().map_err(|_| damaged())?,
        ));
        Ok(Key::new(bytes))
    }
}

fn seal(key: &Key, holds: Holds, name: &SecretName, plain: &[u8]) -> Result<Wrapped, VaultError> {
    // Random nonces are safe here: a master key wraps a few data keys, and a data key seals one value once.
    let nonce: [u8; NONCE] = super::key::random()?;
    let bound = bound_to(holds, name, key.id());
    let message = Payload {
        msg: plain,
        aad: bound.as_bytes(),
    };
    let sealed = cipher(key).encrypt(&Nonce::from(nonce), message);
    let sealed = sealed.expect("a secret is far shorter than the cipher allows");
    Ok(Wrapped {
        key_id: key.id().to_owned(),
        nonce: STANDARD.encode(nonce),
        ciphertext: STANDARD.encode(sealed),
    })
}

/// `None` for anything that was not sealed just so.
fn open(
    key: &Key,
    holds: Holds,
    name: &SecretName,
    sealed: &Wrapped,
) -> Option<Zeroizing<Vec<u8>>> {
    let nonce: [u8; NONCE] = STANDARD.decode(&sealed.nonce).ok()?.try_into().ok()?;
    let bound = bound_to(holds, name, &sealed.key_id);
    let message = Payload {
        msg: &STANDARD.decode(&sealed.ciphertext).ok()?,
        aad: bound.as_bytes(),
    };
    let opened = cipher(key).decrypt(&Nonce::from(nonce), message);
    opened.ok().map(Zeroizing::new)
}

fn cipher(key: &Key) -> ChaCha20Poly1305 {
    ChaCha20Poly1305::new_from_slice(key.bytes()).expect("a key has 32 bytes")
}

/// The associated data. No part can contain the newline between them.
fn bound_to(holds: Holds, name: &SecretName, key_id: &str) -> String {
    format!("{FORMAT}\n{}\n{name}\n{key_id}", holds.as_str())
}

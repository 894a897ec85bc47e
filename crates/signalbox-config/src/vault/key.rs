//! A key of 32 bytes, and the name that follows from it.
//!
//! The name is a part of a hash, so that two keys never share one by mistake and nobody has to invent names;
//! from 64 bits of a hash of a random key nothing about the key can be learnt.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rand::{TryRng, rngs::SysRng};
use secrecy::{ExposeSecret, SecretBox, zeroize::Zeroizing};
use sha2::{Digest, Sha256};

use super::VaultError;

const LENGTH: usize = 32;

/// A key, whose bytes are wiped when it is dropped.
pub(super) struct Key {
    id: String,
    bytes: SecretBox<[u8; LENGTH]>,
}

impl Key {
    pub(super) fn new(bytes: SecretBox<[u8; LENGTH]>) -> Self {
        let hash = Sha256::new()
            .chain_update(b"signalbox-secrets/1 key id\n")
            .chain_update(bytes.expose_secret())
            .finalize();
        let (head, _) = hash.split_first_chunk().expect("a hash has 32 bytes");
        let id = format!("{:016x}", u64::from_be_bytes(*head));
        Self { id, bytes }
    }

    /// The key that `text` is in base64, if it is one.
    pub(super) fn from_base64(text: &str) -> Option<Self> {
        let bytes = Zeroizing::new(STANDARD.decode(text.trim()).ok()?);
        let bytes: [u8; LENGTH] = bytes.as_slice().try_into().ok()?;
        Some(Self::new(SecretBox::new(Box::new(bytes))))
    }

    pub(super) fn random() -> Result<Self, VaultError> {
        Ok(Self::new(SecretBox::new(Box::new(random()?))))
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.expose_secret()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.id)
    }
}

/// Random bytes from the system.
pub(super) fn random<const N: usize>() -> Result<[u8; N], VaultError> {
    let mut bytes = [0; N];
    let filled = SysRng.try_fill_bytes(&mut bytes);
    filled.map_err(|_| VaultError::Random)?;
    Ok(bytes)
}

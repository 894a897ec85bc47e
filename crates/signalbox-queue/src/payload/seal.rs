//! Sealing payloads: XChaCha20-Poly1305 under a nonce of its own for each, bound to the id of the job.
//!
//! Sealed bytes carry the name of their key. Several keys are known and the first seals, so a key is replaced while
//! jobs of the old one still wait. With nonces of 24 random bytes one key is never used up.

use std::{borrow::Cow, fmt, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use rand::{TryRng, rngs::SysRng};
use signalbox_core::JobId;

use super::{PayloadError, SEALED};
use crate::QueueError;

const NONCE: usize = 24;
/// A name stands in every sealed payload.
const LONGEST_NAME: usize = 64;

/// A key for payloads, and its name.
#[derive(Clone)]
pub struct PayloadKey {
    id: Arc<str>,
    cipher: XChaCha20Poly1305,
}

impl PayloadKey {
    /// The key called `id`: 32 bytes in base64.
    pub fn new(id: &str, base64: &str) -> Result<Self, PayloadError> {
        let no_key = || PayloadError::NoKey { id: id.to_owned() };
        if id.is_empty() || id.len() > LONGEST_NAME {
            return Err(no_key());
        }
        let bytes = STANDARD.decode(base64).map_err(|_| no_key())?;
        let cipher = XChaCha20Poly1305::new_from_slice(&bytes).map_err(|_| no_key())?;
        let id = id.into();
        Ok(Self { id, cipher })
    }
}

impl fmt::Debug for PayloadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PayloadKey({})", self.id)
    }
}

/// The keys that are known. The first seals, all open; without any, payloads are not sealed.
#[derive(Debug, Clone, Default)]
pub struct PayloadKeys(Arc<[PayloadKey]>);

impl PayloadKeys {
    /// These keys, the one that seals first.
    pub fn new(keys: impl IntoIterator<Item = PayloadKey>) -> Self {
        Self(keys.into_iter().collect())
    }

    /// `packed` as it is stored for the job called `id`.
    pub(crate) fn seal<'a>(
        &self,
        id: &JobId,
        packed: &'a [u8],
    ) -> Result<Cow<'a, [u8]>, QueueError> {
        let Some(key) = self.0.first() else {
            return Ok(Cow::Borrowed(packed));
        };
        let mut nonce = [0; NONCE];
        let filled = SysRng.try_fill_bytes(&mut nonce);
        filled.map_err(|_| QueueError::Random)?;
        let message = Payload {
            msg: packed,
            aad: id.as_str().as_bytes(),
        };
        let sealed = key.cipher.encrypt(&XNonce::from(nonce), message);
        let sealed = sealed.expect("a payload is far shorter than the cipher allows");
        let length = u8::try_from(key.id.len()).expect("a name has at most 64 bytes");
        let head = [SEALED, length];
        Ok(Cow::Owned(
            [&head, key.id.as_bytes(), &nonce, &sealed].concat(),
        ))
    }

    /// What was sealed for the job called `id`; `sealed` is without the byte that tells the form.
    pub(super) fn open(&self, id: &JobId, sealed: &[u8]) -> Result<Vec<u8>, PayloadError> {
        let (name, nonce, sealed) = parts(sealed).unwrap_or_default();
        let name = String::from_utf8_lossy(name).into_owned();
        let Some(key) = self.0.iter().find(|key| *key.id == name) else {
            return Err(PayloadError::UnknownKey { id: name });
        };
        let message = Payload {
            msg: sealed,
            aad: id.as_str().as_bytes(),
        };
        let opened = key.cipher.decrypt(&XNonce::from(nonce), message);
        opened.map_err(|_| PayloadError::WrongKey { id: name })
    }
}

/// The key's name, the nonce and the sealed bytes.
fn parts(sealed: &[u8]) -> Option<(&[u8], [u8; NONCE], &[u8])> {
    let (length, rest) = sealed.split_first()?;
    let (name, rest) = rest.split_at_checked(usize::from(*length))?;
    let (nonce, sealed) = rest.split_first_chunk::<NONCE>()?;
    Some((name, *nonce, sealed))
}

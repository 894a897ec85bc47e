//! How payloads stand in Redis: as JSON, packed when they are long, sealed when there are keys.
//!
//! The first byte tells the form, and no JSON begins with one of ours, so a payload of any release that wrote plain
//! JSON can be read. A payload that is sealed with a key that is not known is not lost: its job waits.

mod seal;

use signalbox_core::JobId;

pub use self::seal::{PayloadKey, PayloadKeys};

/// The longest payload, as JSON. A job says what is to be done; what it is done with is read when it runs.
pub(crate) const LONGEST: usize = 64 * 1024;
/// Above this many bytes packing saves more than it costs.
const LONG: usize = 4 * 1024;
/// Fast, and on the JSON of a card within a few per cent of the slower levels.
const LEVEL: i32 = 1;

/// The form of what was packed by zstd.
const PACKED: u8 = b'z';
/// The form of what was sealed, packed or not.
const SEALED: u8 = b'e';

/// Why a payload cannot be stored or read.
#[derive(Debug, thiserror::Error)]
pub enum PayloadError {
    /// It is longer than a payload may be.
    #[error(
        "it has {length} bytes as JSON, and {LONGEST} are allowed; let the job read the rest when it runs"
    )]
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// It cannot be packed or unpacked.
    #[error("it cannot be packed or unpacked; it may be damaged, or a later release wrote it")]
    Packing(#[source] std::io::Error),
    /// It is no text.
    #[error("it is no text; it may be damaged, or a later release wrote it")]
    NoText(#[source] std::string::FromUtf8Error),
    /// It is sealed with a key that this process does not have.
    #[error(
        "it is sealed with the key `{id}`, which is not known here; add it to `redis.payload_keys`"
    )]
    UnknownKey {
        /// The key's name.
        id: String,
    },
    /// The key of that name does not open it.
    #[error(
        "the key `{id}` does not open it; see that `redis.payload_keys` has the key it was sealed with"
    )]
    WrongKey {
        /// The key's name.
        id: String,
    },
    /// A key is not one.
    #[error(
        "the payload key `{id}` is not 32 bytes in base64 under a name of 1 to 64 bytes; make one with `openssl rand -base64 32`"
    )]
    NoKey {
        /// The key's name.
        id: String,
    },
}

impl PayloadError {
    /// The group with which a job waits for the key of its payload, if that is what it lacks.
    pub(crate) fn waits_with(&self) -> Option<String> {
        match self {
            Self::UnknownKey { id } | Self::WrongKey { id } => Some(format!("payload-key/{id}")),
            _ => None,
        }
    }
}

/// The JSON of a payload as it is stored without keys.
pub(crate) fn pack(json: String) -> Result<Vec<u8>, PayloadError> {
    let length = json.len();
    if length > LONGEST {
        return Err(PayloadError::TooLong { length });
    }
    if length <= LONG {
        return Ok(json.into_bytes());
    }
    let mut packed = vec![PACKED];
    packed.extend(zstd::bulk::compress(json.as_bytes(), LEVEL).map_err(PayloadError::Packing)?);
    // What does not shrink stays readable.
    Ok(if packed.len() < length {
        packed
    } else {
        json.into_bytes()
    })
}

/// The JSON of a payload of the job called `id`, as it was stored.
pub(crate) fn read(keys: &PayloadKeys, id: &JobId, stored: &[u8]) -> Result<String, PayloadError> {
    let json = match stored.split_first() {
        Some((&SEALED, sealed)) => unpack(&keys.open(id, sealed)?),
        _ => unpack(stored),
    };
    String::from_utf8(json?).map_err(PayloadError::NoText)
}

fn unpack(stored: &[u8]) -> Result<Vec<u8>, PayloadError> {
    match stored.split_first() {
        Some((&PACKED, packed)) => {
            zstd::bulk::decompress(packed, LONGEST).map_err(PayloadError::Packing)
        }
        _ => Ok(stored.to_vec()),
    }
}

#[cfg(test)]
mod tests;

//! The ref of a job or an effect: what it is called in Redis, 22 characters whatever the length of its id.
//!
//! An id stands in many keys and indexes at once; its ref takes a quarter of the memory there. It is the first 128 bits
//! of the id's SHA-256, so two ids share one only if somebody looks for such a pair, who then owns both of them.
//! How a ref is made is part of the layout: it may not change.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use signalbox_core::{EffectKey, JobId};

/// Bytes of the hash that are kept.
const KEPT: usize = 16;

/// The ref of the job called `id`.
pub(crate) fn of_job(id: &JobId) -> String {
    of(id.as_str())
}

/// The ref of the effect called `key`.
pub(crate) fn of_effect(key: &EffectKey) -> String {
    of(key.as_str())
}

fn of(id: &str) -> String {
    let hash = Sha256::digest(id.as_bytes());
    URL_SAFE_NO_PAD.encode(&hash[..KEPT])
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn the_ref_of_an_id_never_changes_because_it_is_part_of_the_layout() {
        assert_eq!(of("000000905"), "zd9LI5_VQSWM3cUB0MCzsA");
        assert_eq!(of("").len(), 22);
    }
}

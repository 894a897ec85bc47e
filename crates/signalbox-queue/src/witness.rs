//! The witness: told of attempts that ended without a word of their handlers.
//!
//! A handler that panicked, took too long, could not be given its payload, or died with its worker tells nothing
//! itself. What the queue knows of such a job goes to whoever started the worker; the queue does not ask what it
//! is for. Nothing depends on it, and an answer that gets lost on its way from Redis is not told again.

use std::{fmt, sync::Arc};

use signalbox_core::JobId;

use crate::{
    Lease, PayloadKeys, payload,
    protocol::{Buried, Verb},
};

/// An attempt that ended without its handler's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unspoken {
    /// The job.
    pub id: JobId,
    /// Its queue, as Redis names it.
    pub queue: String,
    /// What it carries, as JSON; `None` if that cannot be read.
    pub payload: Option<String>,
    /// What becomes of the job.
    pub verb: Verb,
    /// Why.
    pub reason: String,
}

/// Shared between the engines of a worker. By default there is none.
#[derive(Clone, Default)]
pub struct Witness(Option<Arc<dyn Fn(Unspoken) + Send + Sync>>);

impl fmt::Debug for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Witness").field(&self.0.is_some()).finish()
    }
}

impl Witness {
    /// A witness that hands on what it is told to `tell`, which must not block: a fetcher waits for it.
    pub fn new(tell: impl Fn(Unspoken) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(tell)))
    }

    /// The attempt of `lease` ended, and its job becomes what `verb` says.
    pub(crate) fn saw(
        &self,
        keys: &PayloadKeys,
        lease: &Lease,
        payload: &[u8],
        (verb, reason): (&Verb, &str),
    ) {
        let Some(tell) = &self.0 else { return };
        let id = lease.id.clone();
        tell(Unspoken {
            payload: payload::read(keys, &id, payload).ok(),
            id,
            queue: lease.queue.to_string(),
            verb: verb.clone(),
            reason: reason.to_owned(),
        });
    }

    /// A fetch made these jobs dead, because their workers died with them.
    pub(crate) fn saw_buried(&self, keys: &PayloadKeys, buried: Vec<Buried>) {
        let Some(tell) = &self.0 else { return };
        for job in buried {
            let Buried {
                id,
                queue,
                reason,
                payload,
            } = job;
            tell(Unspoken {
                payload: payload::read(keys, &id, &payload).ok(),
                id,
                queue,
                verb: Verb::Dead,
                reason,
            });
        }
    }
}

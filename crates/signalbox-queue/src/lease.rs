//! A lease: leave to run one attempt of a job, fenced by a token that is never used again.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use rand::{TryRng, rngs::SysRng};
use signalbox_core::{Completion, Decision, JobId, JobResult};

use crate::QueueError;

/// 128 random bits, compared for equality only. A new lease always has a new one.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Token(Arc<str>);

impl Token {
    /// `count` new tokens.
    pub(crate) fn fresh(count: usize) -> Result<Vec<Self>, QueueError> {
        let mut bytes = vec![0u8; count * 16];
        SysRng
            .try_fill_bytes(&mut bytes)
            .map_err(|_| QueueError::Random)?;
        let (tokens, _) = bytes.as_chunks::<16>();
        Ok(tokens
            .iter()
            .map(|token| Self::from(format!("{:032x}", u128::from_be_bytes(*token))))
            .collect())
    }

    /// A number as random as the token, for jitter.
    pub(crate) fn seed(&self) -> u64 {
        let half = self.0.get(..16).unwrap_or_default();
        u64::from_str_radix(half, 16).unwrap_or_default()
    }

    /// The token as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for Token {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({}…)", self.0.get(..6).unwrap_or_default())
    }
}

/// The lease of one attempt. The keeper renews it for as long as the attempt runs.
///
/// Jobs that [`Queue::claim_more`](crate::Queue::claim_more) brings have leases of their own on the same attempt: they
/// are renewed and end with the one that claimed them.
#[derive(Debug, Clone)]
pub struct Lease {
    /// The job.
    pub id: JobId,
    /// What fences the attempt.
    pub token: Token,
    /// What the job is called in Redis.
    pub(crate) reference: Arc<str>,
    /// The job's queue, as Redis knows it.
    pub(crate) queue: Arc<str>,
    /// When the job was enqueued.
    pub(crate) enqueued_at: Timestamp,
    /// Which partition holds the job and its effects.
    pub(crate) partition: u16,
    /// What all leases of the attempt share.
    attempt: Arc<Mutex<Attempt>>,
    /// The job was claimed: it ends with another one.
    claimed: bool,
}

/// One attempt, of one job or of several.
#[derive(Debug)]
struct Attempt {
    /// Moved forward by the keeper after every renewal that Redis confirmed.
    until: Instant,
    claimed: Vec<Companion>,
    /// Its outcome is on the way, so nobody may join it any more.
    over: bool,
}

/// A job that was claimed by the attempt of another one.
#[derive(Debug, Clone)]
pub(crate) struct Companion {
    pub(crate) id: JobId,
    pub(crate) reference: Arc<str>,
    pub(crate) enqueued_at: Timestamp,
    pub(crate) attempt: u32,
    pub(crate) faults: u32,
    /// As it is stored, for whoever wants to know what ended without a word.
    pub(crate) payload: Arc<[u8]>,
    /// What was said of it alone.
    pub(crate) word: Option<Word>,
}

/// What a handler said of one job, in a form that lasts until the attempt ends.
#[derive(Debug, Clone)]
pub(crate) enum Word {
    /// It is finished, perhaps for now.
    Finished(Completion),
    /// It is not, and this is decided, for this cause.
    Decided(Decision, String),
}

impl From<JobResult> for Word {
    fn from(result: JobResult) -> Self {
        match result {
            Ok(completion) => Self::Finished(completion),
            Err(error) => Self::Decided(error.decision().clone(), error.chain()),
        }
    }
}

/// What a lease is made of.
pub(crate) struct Granted {
    pub(crate) id: JobId,
    pub(crate) token: Token,
    pub(crate) reference: String,
    pub(crate) queue: Arc<str>,
    pub(crate) enqueued_at: Timestamp,
    pub(crate) partition: u16,
}

impl Lease {
    /// A lease as one fetch brought it.
    pub(crate) fn new(granted: Granted, until: Instant) -> Self {
        Self {
            id: granted.id,
            token: granted.token,
            reference: granted.reference.into(),
            queue: granted.queue,
            enqueued_at: granted.enqueued_at,
            partition: granted.partition,
            attempt: Arc::new(Mutex::new(Attempt {
                until,
                claimed: Vec::new(),
                over: false,
            })),
            claimed: false,
        }
    }

    /// The instant, on the monotonic clock, after which no request may start or go on.
    pub fn until(&self) -> Instant {
        self.shared().until
    }

    /// Says what becomes of a job that [`Queue::claim_more`](crate::Queue::claim_more) brought, whatever becomes of the
    /// attempt that it joined. The last word counts, and it is made durable when that attempt ends and not before.
    ///
    /// Of a job that joined nobody its handler says it by what it returns; here nothing comes of it.
    pub fn end_as(&self, result: JobResult) {
        let mut attempt = self.shared();
        let own = attempt
            .claimed
            .iter_mut()
            .find(|one| one.reference == self.reference);
        if let Some(own) = own {
            own.word = Some(result.into());
        }
    }

    /// Notes a renewal whose request was sent at `sent`: the lease counts from before the request.
    pub(crate) fn renewed(&self, sent: Instant, period: Duration) {
        let mut attempt = self.shared();
        attempt.until = attempt.until.max(sent + period);
    }

    /// Lets `companion` end with this attempt. False if its outcome is on the way already.
    pub(crate) fn join(&self, companion: Companion) -> bool {
        let mut attempt = self.shared();
        if attempt.over {
            return false;
        }
        let same = |known: &&mut Companion| known.reference == companion.reference;
        match attempt.claimed.iter_mut().find(same) {
            Some(known) => *known = companion,
            None => attempt.claimed.push(companion),
        }
        true
    }

    /// Takes a job that was claimed out of the attempt again.
    pub(crate) fn part_from(&self, job: &Self) {
        let mut attempt = self.shared();
        attempt
            .claimed
            .retain(|known| known.reference != job.reference);
    }

    /// From now on nobody joins the attempt. Returns who did.
    pub(crate) fn close(&self) -> Vec<Companion> {
        self.shared().over = true;
        self.companions()
    }

    /// The jobs that end with this lease beside its own.
    pub(crate) fn companions(&self) -> Vec<Companion> {
        if self.claimed {
            return Vec::new();
        }
        self.shared().claimed.clone()
    }

    /// How many jobs end with this lease.
    pub(crate) fn weight(&self) -> usize {
        if self.claimed {
            return 1;
        }
        1 + self.shared().claimed.len()
    }

    /// The lease of a companion.
    pub(crate) fn of(&self, companion: &Companion) -> Self {
        Self {
            id: companion.id.clone(),
            reference: companion.reference.clone(),
            enqueued_at: companion.enqueued_at,
            claimed: true,
            ..self.clone()
        }
    }

    fn shared(&self) -> MutexGuard<'_, Attempt> {
        self.attempt.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::Token;

    #[test]
    fn tokens_are_not_repeated_and_are_not_shown_whole() {
        let tokens = Token::fresh(1000).unwrap();
        let distinct: HashSet<&str> = tokens.iter().map(Token::as_str).collect();
        assert_eq!(distinct.len(), 1000);
        assert!(!format!("{:?}", tokens[0]).contains(tokens[0].as_str()));
    }
}

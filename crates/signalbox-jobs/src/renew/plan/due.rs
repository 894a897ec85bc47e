//! When a subscription is renewed, and when one that failed is tried again. Pure.
//!
//! A subscription is renewed when a third of its life is over. Those of one environment are spread over the last tenth
//! of that third, each always in the same way, and those that are due within a short time are renewed together.

use jiff::{SignedDuration, Timestamp};
use signalbox_core::Subscription;

/// The spans that decide, scaled.
#[derive(Debug, Clone, Copy)]
pub(in crate::renew) struct Times {
    /// How long a subscription lives that does not say when it was renewed.
    pub(in crate::renew) life: SignedDuration,
    /// After a failure.
    pub(in crate::renew) retry: SignedDuration,
    /// The longest pause between two attempts.
    pub(in crate::renew) most: SignedDuration,
}

impl Times {
    /// When `record` is to be renewed, which the source forgets at `expires_at`. It is due already if it is within the
    /// time in which renewals are gathered.
    pub(super) fn renewal(
        &self,
        record: &Subscription,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Timestamp {
        let born = record.last_renewed.filter(|born| *born < expires_at);
        let life = born.map_or(self.life, |born| expires_at.duration_since(born));
        let third = part(life, 1, 3);
        let early = part(third, share(&record.key), 10_000);
        let due = earlier(expires_at, part(life, 2, 3) + early);
        if let Some(failure) = record.last_failure.as_ref().filter(|one| one.at >= due) {
            return self.after_failure(failure.at, due, expires_at);
        }
        let gathered = earlier(due, part(third, 1, 24));
        if gathered <= now { gathered } else { due }
    }

    /// The longer it has failed the rarer, but more often again as the end comes near.
    fn after_failure(&self, failed: Timestamp, due: Timestamp, end: Timestamp) -> Timestamp {
        let late = part(failed.duration_since(due), 1, 2);
        let left = part(end.duration_since(failed), 1, 4);
        later(failed, late.min(left).min(self.most).max(self.retry))
    }

    /// When one that could not be made is tried again; `None` if nothing is known against it.
    pub(super) fn creation(&self, record: &Subscription) -> Option<Timestamp> {
        let failure = record.last_failure.as_ref()?;
        Some(later(failure.at, self.retry))
    }

    /// When something is to be done to `record`, as it stands after a change or an attempt at one.
    pub(in crate::renew) fn next(&self, record: &Subscription, now: Timestamp) -> Timestamp {
        let polls = record.polls_instead.as_ref();
        if let Some(again_at) = polls.and_then(|polls| polls.again_at) {
            return again_at;
        }
        let is_settled = record.client_states.pending.is_none();
        match record.expires_at {
            Some(expires_at) if is_settled && record.is_live(now) => {
                self.renewal(record, expires_at, now)
            }
            _ => self.creation(record).unwrap_or(now),
        }
    }

    /// When something that failed is tried again.
    pub(in crate::renew) fn after_a_failure(&self, now: Timestamp) -> Timestamp {
        later(now, self.retry)
    }

    /// When one that was refused is asked for again. While none works, the reason may be our own address, which is
    /// mended sooner than a limit of somebody else.
    pub(in crate::renew) fn after_refusal(
        &self,
        record: &Subscription,
        others_work: bool,
        now: Timestamp,
    ) -> Timestamp {
        let before = record.polls_instead.as_ref();
        let before = before.filter(|one| one.again_at.is_some());
        let lasting = before.map_or(SignedDuration::ZERO, |one| now.duration_since(one.since));
        let pause = if others_work { self.most } else { lasting };
        later(now, pause.min(self.most).max(self.retry))
    }

    /// Whether nothing that has to do with a subscription can be under way any more.
    pub(super) fn is_long_over(&self, end: Timestamp, now: Timestamp) -> bool {
        later(end, part(self.life, 2, 1)) < now
    }
}

/// Between 0 and 999, always the same for the same key.
fn share(key: &str) -> i32 {
    let hash = key.bytes().fold(0_u32, |hash, byte| {
        hash.wrapping_mul(31).wrapping_add(byte.into())
    });
    i32::try_from(hash % 1000).unwrap_or(0)
}

/// The part `numerator / denominator` of a span.
fn part(span: SignedDuration, numerator: i32, denominator: i32) -> SignedDuration {
    let times = span.checked_mul(numerator);
    let part = times.and_then(|span| span.checked_div(denominator));
    part.unwrap_or(SignedDuration::ZERO)
}

fn earlier(at: Timestamp, span: SignedDuration) -> Timestamp {
    at.checked_sub(span).unwrap_or(Timestamp::MIN)
}

fn later(at: Timestamp, span: SignedDuration) -> Timestamp {
    at.checked_add(span).unwrap_or(Timestamp::MAX)
}

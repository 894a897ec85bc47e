//! From a handler's decision to what Redis is told: the whole retry policy, as one pure function.
//!
//! A job's own faults use up its attempts; the world's faults end by age; a snooze costs nothing.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::{Backoff, Decision};

/// How long and how often a job may fail.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Attempts that end in the job's own fault, after which it is dead.
    pub attempts: u32,
    /// The age, from its enqueue, at which the world's faults make it dead.
    pub age: Duration,
    /// The delays between tries.
    pub backoff: Backoff,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            attempts: 10,
            age: Duration::from_secs(72 * 3600),
            backoff: Backoff {
                least: Duration::from_secs(2),
                most: Duration::from_secs(300),
            },
        }
    }
}

/// Where a job stands when its handler returns.
#[derive(Debug, Clone, Copy)]
pub struct Standing {
    /// Which attempt this was, counted from 1; snoozed and released ones do not count.
    pub attempt: u32,
    /// How often the job failed by its own fault before.
    pub faults: u32,
    /// When the job was enqueued.
    pub enqueued_at: Timestamp,
    /// The present instant.
    pub now: Timestamp,
    /// Decides the jitter.
    pub seed: u64,
}

/// What Redis is told about a job that is not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settlement {
    /// Runs again at this instant; it was the job's own fault.
    RetryAt(Timestamp),
    /// Runs again at this instant; it was the world's fault.
    DeferTo(Timestamp),
    /// Runs again at this instant; the attempt does not count.
    SnoozeTo(Timestamp),
    /// Dead, with this reason in front of the cause.
    Dead(&'static str),
    /// Held with this group.
    Hold(String),
}

/// Applies `limits` to a handler's decision.
pub fn settle(decision: &Decision, standing: Standing, limits: &Limits) -> Settlement {
    let Standing {
        attempt,
        faults,
        enqueued_at,
        now,
        seed,
    } = standing;
    let next = || after(now, limits.backoff.delay(attempt, seed));
    let defer = |since| {
        if now >= after(since, limits.age) {
            Settlement::Dead("still failing at its age limit")
        } else {
            Settlement::DeferTo(next())
        }
    };
    match decision {
        Decision::Retry if faults + 1 >= limits.attempts => Settlement::Dead("no attempts left"),
        Decision::Retry => Settlement::RetryAt(next()),
        Decision::Transient => defer(enqueued_at),
        Decision::TransientSince(since) => defer(enqueued_at.max(*since)),
        Decision::Snooze(until) => Settlement::SnoozeTo(*until),
        Decision::Fail => Settlement::Dead("will not succeed"),
        Decision::Hold { group } => Settlement::Hold(group.clone()),
    }
}

fn after(start: Timestamp, delay: Duration) -> Timestamp {
    let delay = SignedDuration::try_from(delay).unwrap_or(SignedDuration::MAX);
    start.checked_add(delay).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;

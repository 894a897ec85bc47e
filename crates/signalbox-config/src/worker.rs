//! `[worker]`: what one worker process takes on, and how long it tries.

use std::{
    fmt,
    num::{NonZeroU32, NonZeroUsize},
    time::Duration,
};

use serde::Deserialize;

use crate::span;

/// A queue, by the kind of its jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Queue {
    /// Signal to records.
    Read,
    /// Record to message.
    Post,
    /// Subscriptions.
    Renew,
    /// A whole window or set.
    CatchUp,
}

impl Queue {
    /// The word for it in logs, metrics and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Post => "post",
            Self::Renew => "renew",
            Self::CatchUp => "catch_up",
        }
    }
}

impl fmt::Display for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The section `[worker.concurrency]`: jobs of each queue that one worker runs at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Concurrency {
    /// Reads at once.
    pub read: NonZeroUsize,
    /// Posts at once.
    pub post: NonZeroUsize,
    /// Renewals at once.
    pub renew: NonZeroUsize,
    /// Catch-ups at once.
    pub catch_up: NonZeroUsize,
}

impl Concurrency {
    /// The same number for every queue.
    pub fn same(limit: NonZeroUsize) -> Self {
        Self {
            read: limit,
            post: limit,
            renew: limit,
            catch_up: limit,
        }
    }

    /// The number for one queue.
    pub fn of(&self, queue: Queue) -> NonZeroUsize {
        match queue {
            Queue::Read => self.read,
            Queue::Post => self.post,
            Queue::Renew => self.renew,
            Queue::CatchUp => self.catch_up,
        }
    }
}

/// The section `[worker]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Worker {
    /// The queues that are served.
    pub queues: Vec<Queue>,
    /// Jobs of each queue at once.
    pub concurrency: Concurrency,
    /// How long a job stays with a worker that no longer answers for it.
    #[serde(rename = "lease_secs", deserialize_with = "span::seconds")]
    pub lease: Duration,
    /// How long running jobs may go on after the signal to stop.
    #[serde(rename = "shutdown_secs", deserialize_with = "span::seconds")]
    pub shutdown: Duration,
    /// How often a job is tried when the fault is its own.
    pub attempts: NonZeroU32,
    /// How long a job is tried when the fault is the world's.
    #[serde(rename = "max_age_hours", deserialize_with = "span::hours")]
    pub max_age: Duration,
    /// The delay after the first failure, times `time_scale`.
    #[serde(rename = "backoff_least_ms", deserialize_with = "span::millis")]
    pub backoff_least: Duration,
    /// The longest delay between two tries, times `time_scale`.
    #[serde(rename = "backoff_most_secs", deserialize_with = "span::seconds")]
    pub backoff_most: Duration,
}

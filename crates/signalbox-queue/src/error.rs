//! What can go wrong between us and Redis, by meaning.

use crate::PayloadError;

/// Why a queue operation did not happen, or may not have.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// Redis cannot be reached, is loading, or refuses writes for now. Worth trying again.
    #[error("redis did not answer as it should; check that it runs and has memory left")]
    Redis(#[source] redis::RedisError),
    /// Redis is so full that signals from outside have to wait. Nothing was written.
    #[error(
        "redis uses {used} of the {most} bytes that `maxmemory` allows; signals are taken again once jobs have ended, \
         or with a larger `maxmemory`"
    )]
    Full {
        /// Bytes that count against the limit.
        used: u64,
        /// The limit.
        most: u64,
    },
    /// Redis does not hold our installation: it was emptied, or it is another one. Nothing was written.
    #[error("this redis does not hold the installation `{id}`: it was emptied or replaced")]
    NotInstalled {
        /// The installation that this process knows.
        id: String,
    },
    /// The layout or the partitions in Redis are not ours.
    #[error("redis holds {what} {found}, this program needs {needed}; {next_step}")]
    Mismatch {
        /// What differs.
        what: &'static str,
        /// What Redis holds.
        found: String,
        /// What this program works with.
        needed: String,
        /// What to do about it.
        next_step: &'static str,
    },
    /// The address cannot be used.
    #[error("`redis.url` = `{url}` {reason}; {next_step}")]
    Address {
        /// The address without its secrets.
        url: String,
        /// What is wrong with it.
        reason: String,
        /// What to do about it.
        next_step: &'static str,
    },
    /// Not enough replicas have what was written, so it may be lost with the master. Worth trying again.
    #[error("redis has too few replicas that keep up; see that they run and follow the master")]
    Replicas(#[source] redis::RedisError),
    /// A replica may be promoted, and need not have what was acknowledged.
    #[error(
        "behind sentinels and in a cluster a replica may be promoted that lacks what was acknowledged; set `redis.durability = \"replicated\"`"
    )]
    MayFailOver,
    /// A payload cannot be written or read as JSON.
    #[error("a payload of queue `{queue}` is not what this program writes")]
    Payload {
        /// The queue.
        queue: String,
        /// The cause.
        #[source]
        source: serde_json::Error,
    },
    /// A payload cannot be stored, or cannot be read as it is stored.
    #[error("a payload of queue `{queue}` cannot be stored or read")]
    Stored {
        /// The queue.
        queue: String,
        /// The cause.
        #[source]
        source: PayloadError,
    },
    /// The operating system gave no random bytes for a token.
    #[error("no random bytes to be had from the operating system")]
    Random,
    /// The lease of the attempt is gone; another attempt may be running.
    #[error("the lease is lost: another attempt may be running")]
    LeaseLost,
}

impl QueueError {
    /// Sorts an answer of Redis: the prelude's EPOCH is about the installation, all else about the server.
    pub(crate) fn from_script(error: redis::RedisError, id: &str) -> Self {
        match error.code() {
            Some("EPOCH") => Self::NotInstalled { id: id.to_owned() },
            Some("NOREPLICAS") => Self::Replicas(error),
            _ => Self::Redis(error),
        }
    }

    /// True if the same call may succeed in a moment without anybody doing anything.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Redis(_) | Self::Replicas(_) | Self::Random)
    }
}

//! The janitor: ends what has outlived its use. Nothing in Redis ends by a TTL.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use signalbox_core::QueueName;

use crate::{Queue, QueueError, scripts};

/// Removed by one script at the most, so that others get their turn.
const MOST_PER_SCRIPT: usize = 1000;

/// What happened in each minute is kept for a day.
const KEPT_MINUTES: Duration = Duration::from_secs(24 * 3600);

/// For how long things are kept.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    /// Finished jobs: for as long as they absorb repeated news.
    pub finished: Duration,
    /// What a finished job was and why it ended; after that only when it ended is known.
    pub records: Duration,
    /// Entries of the ledger.
    pub effects: Duration,
    /// Dead jobs.
    pub dead: Duration,
}

/// What one round removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Finished jobs.
    pub finished: u64,
    /// Entries of the ledger.
    pub effects: u64,
    /// Dead jobs.
    pub dead: u64,
    /// Records of finished jobs.
    pub records: u64,
}

impl Queue {
    /// One round of trimming, as if it were `now`.
    pub async fn trim(
        &self,
        now: Timestamp,
        retention: &Retention,
        queues: &[QueueName],
    ) -> Result<Counts, QueueError> {
        let mut counts = Counts::default();
        for partition in &self.inner.partitions {
            let mut call = partition.call(&scripts::TRIM_PARTITION);
            call.arg(MOST_PER_SCRIPT)
                .arg(before(now, retention.finished))
                .arg(before(now, retention.effects))
                .arg(before(now, retention.dead))
                .arg(before(now, KEPT_MINUTES).div_euclid(60_000))
                .arg(before(now, retention.records));
            for queue in queues {
                call.arg(queue.to_string());
            }
            let (finished, effects, dead, records): (u64, u64, u64, u64) =
                partition.invoke(&call).await?;
            counts.finished += finished;
            counts.effects += effects;
            counts.dead += dead;
            counts.records += records;
        }
        Ok(counts)
    }
}

fn before(now: Timestamp, kept: Duration) -> i64 {
    let kept = SignedDuration::try_from(kept).unwrap_or(SignedDuration::MAX);
    now.checked_sub(kept)
        .unwrap_or(Timestamp::UNIX_EPOCH)
        .as_millisecond()
}

//! The janitor: ends what has outlived its use. Nothing in Redis ends by a TTL.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use signalbox_core::QueueName;

use crate::{Queue, QueueError, partition::Partition, scripts};

/// Removed by one script at the most, so that others get their turn.
const MOST_PER_SCRIPT: usize = 1000;

/// What happened in each minute is kept for a day.
const KEPT_MINUTES: Duration = Duration::from_secs(24 * 3600);

/// A worker that was killed is shown as silent for so long.
const KEPT_WORKERS: Duration = Duration::from_secs(15 * 60);

/// Scripts of one round and partition at the most; what is left then waits for the next round.
const MOST_SCRIPTS: usize = 50;

/// For as long as this, finished jobs absorb repeated news even while memory is short.
const FINISHED_WHEN_SHORT: Duration = Duration::from_secs(3600);

/// For how long things are kept, and how many of them.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    /// Finished jobs: for as long as they absorb repeated news.
    pub finished: Duration,
    /// Of all finished jobs, at most so many absorb repeated news: the newest.
    pub finished_most: u64,
    /// What a finished job was and why it ended; after that only when it ended is known.
    pub records: Duration,
    /// What was finished before the newest so many is not known any more, only when it ended.
    pub records_most: u64,
    /// What these records may take of Redis, in bytes; the oldest go first.
    pub records_bytes: u64,
    /// Entries of the ledger.
    pub effects: Duration,
    /// Dead jobs.
    pub dead: Duration,
    /// Dead jobs of each queue, the newest.
    pub dead_most: u64,
    /// What the dead jobs of each queue may take of Redis, in bytes; the oldest go first.
    pub dead_bytes: u64,
}

impl Retention {
    /// What is kept while memory is short: the ledger as before, because it keeps cards from being doubled.
    fn when_short(self) -> Self {
        Self {
            finished: self.finished.min(FINISHED_WHEN_SHORT),
            records: Duration::ZERO,
            ..self
        }
    }
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
    /// Dead jobs that were not old, but too many, or took too much.
    pub dead_too_many: u64,
}

impl Counts {
    fn add(&mut self, more: Self) {
        self.finished += more.finished;
        self.effects += more.effects;
        self.dead += more.dead;
        self.records += more.records;
        self.dead_too_many += more.dead_too_many;
    }
}

impl Queue {
    /// One round of trimming, as if it were `now`: in portions, until nothing is left that is too old or too many.
    ///
    /// While memory is short, finished jobs are kept for less long than `retention` says.
    pub async fn trim(
        &self,
        now: Timestamp,
        retention: &Retention,
        queues: &[QueueName],
    ) -> Result<Counts, QueueError> {
        let retention = if self.memory().await?.is_short() {
            retention.when_short()
        } else {
            *retention
        };
        let mut counts = Counts::default();
        for partition in &self.inner.partitions {
            for _ in 0..MOST_SCRIPTS {
                let portion = self.trim_portion(partition, now, &retention, queues);
                let (removed, more) = portion.await?;
                counts.add(removed);
                if !more {
                    break;
                }
            }
        }
        Ok(counts)
    }

    /// What one script removed, and whether there is more to remove.
    async fn trim_portion(
        &self,
        partition: &Partition,
        now: Timestamp,
        retention: &Retention,
        queues: &[QueueName],
    ) -> Result<(Counts, bool), QueueError> {
        // Each partition keeps its share, rounded up.
        let partitions = u64::try_from(self.inner.partitions.len()).unwrap_or(1);
        let share = |most: u64| most.div_ceil(partitions);
        let mut call = partition.call(&scripts::TRIM_PARTITION);
        call.arg(MOST_PER_SCRIPT)
            .arg(before(now, retention.finished))
            .arg(before(now, retention.effects))
            .arg(before(now, retention.dead))
            .arg(before(now, KEPT_MINUTES).div_euclid(60_000))
            .arg(before(now, retention.records))
            .arg(share(retention.finished_most))
            .arg(share(retention.records_most))
            .arg(share(retention.dead_most))
            .arg(share(retention.records_bytes))
            .arg(share(retention.dead_bytes))
            .arg(before(now, KEPT_WORKERS));
        for queue in queues {
            call.arg(queue.to_string());
        }
        let (finished, effects, dead, records, dead_too_many, more): (u64, u64, u64, u64, u64, u8) =
            partition.invoke(&call).await?;
        let removed = Counts {
            finished,
            effects,
            dead,
            records,
            dead_too_many,
        };
        Ok((removed, more == 1))
    }
}

fn before(now: Timestamp, kept: Duration) -> i64 {
    let kept = SignedDuration::try_from(kept).unwrap_or(SignedDuration::MAX);
    now.checked_sub(kept)
        .unwrap_or(Timestamp::UNIX_EPOCH)
        .as_millisecond()
}

//! The archive: what was held longest, once more is held than a budget allows.
//!
//! A job that goes into it is cancelled and drops its payload. Which it was is kept for the newest of them, and for all how
//! many there are and when they were enqueued, so that a person can have their documents read again.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{Queue, QueueError, inspect::query, keys, scripts};

/// Moved by one script at the most.
const PORTION: u64 = 500;
/// Scripts of one round and group at the most; what is left then waits for the next round.
const MOST_SCRIPTS: usize = 50;
/// Ids kept of each group.
const IDS: usize = 1000;
const REASON: &str =
    "archived: more was held with its group than `ledger.held_most` and `ledger.held_mib` allow";

/// What one group may hold. All its jobs are in one partition, because they go to one sink.
#[derive(Debug, Clone, Copy)]
pub struct HeldBudget {
    /// So many jobs.
    pub most: u64,
    /// What they take of Redis.
    pub bytes: u64,
}

/// What the archive has of one group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Archived {
    /// How many jobs went into it.
    pub jobs: u64,
    /// When the first of them was enqueued.
    pub first: Timestamp,
    /// When the last of them was enqueued.
    pub last: Timestamp,
}

impl Queue {
    /// Archives what the groups that `meant` picks hold above their budget, the oldest first. Returns how many jobs of
    /// which groups.
    pub async fn archive_held(
        &self,
        budget: &HeldBudget,
        meant: impl Fn(&str) -> bool,
    ) -> Result<BTreeMap<String, u64>, QueueError> {
        let mut moved = BTreeMap::new();
        for group in self.held_groups().await?.into_keys() {
            if meant(&group) {
                let jobs = self.archive_group(budget, &group).await?;
                if jobs > 0 {
                    moved.insert(group, jobs);
                }
            }
        }
        Ok(moved)
    }

    async fn archive_group(&self, budget: &HeldBudget, group: &str) -> Result<u64, QueueError> {
        let mut total = 0;
        for partition in &self.inner.partitions {
            for _ in 0..MOST_SCRIPTS {
                let mut call = partition.call(&scripts::ARCHIVE_HELD);
                call.arg(group)
                    .arg(PORTION)
                    .arg(budget.most)
                    .arg(budget.bytes)
                    .arg(IDS)
                    .arg(REASON);
                let moved: u64 = partition.invoke(&call).await?;
                total += moved;
                if moved < PORTION {
                    break;
                }
            }
        }
        Ok(total)
    }

    /// What the archive has, by group.
    pub async fn archived(&self) -> Result<BTreeMap<String, Archived>, QueueError> {
        let mut all: BTreeMap<String, Archived> = BTreeMap::new();
        for partition in &self.inner.partitions {
            let key = keys::archived(&partition.prefix);
            let found: Vec<(String, String)> =
                query(partition, redis::cmd("HGETALL").arg(key)).await?;
            for (group, text) in found {
                let Some(one) = read(&text) else { continue };
                let known = all.entry(group).or_insert(Archived { jobs: 0, ..one });
                known.jobs += one.jobs;
                known.first = known.first.min(one.first);
                known.last = known.last.max(one.last);
            }
        }
        Ok(all)
    }

    /// The newest ids in the archive of `group`, in the order of their enqueue.
    pub async fn archived_ids(&self, group: &str) -> Result<Vec<String>, QueueError> {
        let mut ids = Vec::new();
        for partition in &self.inner.partitions {
            let key = keys::archive(&partition.prefix, group);
            let cmd = redis::cmd("ZRANGE").arg(key).arg(0).arg(-1).to_owned();
            ids.extend(query::<Vec<String>>(partition, &cmd).await?);
        }
        Ok(ids)
    }

    /// A person has dealt with what was archived of `group`: nothing is known of it any more.
    pub async fn forget_archived(&self, group: &str) -> Result<(), QueueError> {
        for partition in &self.inner.partitions {
            let archive = keys::archive(&partition.prefix, group);
            query::<u64>(partition, redis::cmd("DEL").arg(archive)).await?;
            let archived = keys::archived(&partition.prefix);
            query::<u64>(partition, redis::cmd("HDEL").arg(archived).arg(group)).await?;
        }
        Ok(())
    }
}

fn read(text: &str) -> Option<Archived> {
    let mut numbers = text.split(' ').map(str::parse::<i64>);
    let mut number = || numbers.next()?.ok();
    let jobs = u64::try_from(number()?).ok()?;
    let mut instant = || Timestamp::from_millisecond(number()?).ok();
    Some(Archived {
        jobs,
        first: instant()?,
        last: instant()?,
    })
}

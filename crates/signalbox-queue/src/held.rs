//! Ending the hold of a group: its jobs go on, or are over because a person knows about them.
//!
//! It works in portions, each one script: given again after a crash, it does the rest.

use redis::{FromRedisValue, RedisResult, Value};
use signalbox_core::{JobId, is_unknown_group};

use crate::{PayloadKeys, Queue, QueueError, partition::Partition, payload, scripts};

/// Jobs that leave a group by one script.
const PORTION: usize = 500;

/// A job that left its group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parted {
    /// The job.
    pub id: JobId,
    /// Its queue, as Redis names it.
    pub queue: String,
    /// What it carried, as JSON; `None` if that cannot be read.
    pub payload: Option<String>,
}

impl Queue {
    /// Lets all jobs held with `group` run. Returns how many there were.
    ///
    /// For posts that may have been made this is somebody's word that they were not: their intents are taken back.
    pub async fn release_group(&self, group: &str) -> Result<u64, QueueError> {
        self.end_hold(group, released(group)).await
    }

    /// Ends all jobs held with `group` and enters their effects as known, so that they are never announced. What was archived of
    /// the group is forgotten.
    pub async fn mark_group_as_seen(&self, group: &str) -> Result<u64, QueueError> {
        let ended = self.end_hold(group, "seen").await?;
        self.forget_archived(group).await?;
        Ok(ended)
    }

    /// As [`Queue::release_group`], but one portion, for whoever wants to know which they were. Empty after the last.
    pub async fn release_some(&self, group: &str) -> Result<Vec<Parted>, QueueError> {
        self.end_some(group, released(group)).await
    }

    /// As [`Queue::mark_group_as_seen`], but one portion. Empty after the last.
    pub async fn mark_some_as_seen(&self, group: &str) -> Result<Vec<Parted>, QueueError> {
        let ended = self.end_some(group, "seen").await?;
        if ended.is_empty() {
            self.forget_archived(group).await?;
        }
        Ok(ended)
    }

    async fn end_hold(&self, group: &str, become_: &str) -> Result<u64, QueueError> {
        let mut total = 0;
        for partition in &self.inner.partitions {
            loop {
                let answer = end_in(partition, group, become_, false).await?;
                let moved = answer.first().map_or(Ok(0), u64::from_redis_value_ref);
                match moved.map_err(|error| QueueError::Redis(error.into()))? {
                    0 => break,
                    moved => total += moved,
                }
            }
        }
        Ok(total)
    }

    async fn end_some(&self, group: &str, become_: &str) -> Result<Vec<Parted>, QueueError> {
        let keys = &self.inner.options.payload_keys;
        for partition in &self.inner.partitions {
            let answer = end_in(partition, group, become_, true).await?;
            let parted = read(keys, answer).map_err(QueueError::Redis)?;
            if !parted.is_empty() {
                return Ok(parted);
            }
        }
        Ok(Vec::new())
    }
}

/// What becomes of the jobs of a group that is released.
fn released(group: &str) -> &'static str {
    if is_unknown_group(group) {
        "anew"
    } else {
        "ready"
    }
}

async fn end_in(
    partition: &Partition,
    group: &str,
    become_: &str,
    tell: bool,
) -> Result<Vec<Value>, QueueError> {
    let mut call = partition.call(&scripts::RELEASE_GROUP);
    call.arg(group)
        .arg(PORTION)
        .arg(become_)
        .arg(u8::from(tell));
    partition.invoke(&call).await
}

fn read(keys: &PayloadKeys, answer: Vec<Value>) -> RedisResult<Vec<Parted>> {
    let mut values = answer.into_iter().skip(1);
    let mut parted = Vec::new();
    while let Some(id) = values.next() {
        let mut value = || values.next().unwrap_or(Value::Nil);
        let id = JobId::from_stored(String::from_redis_value(id)?);
        let queue = String::from_redis_value(value())?;
        let stored: Vec<u8> = Vec::from_redis_value(value())?;
        let payload = payload::read(keys, &id, &stored).ok();
        parted.push(Parted { id, queue, payload });
    }
    Ok(parted)
}

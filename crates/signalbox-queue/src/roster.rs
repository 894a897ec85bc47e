//! The roster: which workers there are, as each says of itself at its heartbeat.
//!
//! It is for people. Nothing is decided by it: leases alone say who has a job. A worker that stops takes itself off;
//! one that was killed is seen to be silent until the janitor forgets it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Pulse, Queue, QueueError, inspect::query, keys, ledger::instant, scripts};

/// What a worker says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roll {
    /// What people call it: host and process.
    pub name: String,
    /// Its release.
    pub version: String,
    /// When it began.
    pub since: Timestamp,
    /// How long ago its last round trip was, in ms; `None` before the first.
    pub fetched_ms: Option<i64>,
    /// What it runs, by the queues that it serves.
    pub queues: BTreeMap<String, Load>,
}

/// What a worker runs of one queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Load {
    /// Jobs under its leases.
    pub running: usize,
    /// Jobs that it runs at once at the most.
    pub most: usize,
}

/// A worker on the roster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerView {
    /// What it said.
    pub roll: Roll,
    /// When, by Redis' clock.
    pub seen: Timestamp,
}

impl WorkerView {
    /// When it last fetched, by Redis' clock.
    pub fn fetched(&self) -> Option<Timestamp> {
        let ago = SignedDuration::from_millis(self.roll.fetched_ms?);
        self.seen.checked_sub(ago).ok()
    }
}

impl Queue {
    /// Notes that the worker called `id` is here and what the engines of this process run.
    pub async fn sign(&self, id: &str, about: &Roll, pulse: &Pulse) -> Result<(), QueueError> {
        let roll = Roll {
            fetched_ms: pulse
                .age()
                .and_then(|age| i64::try_from(age.as_millis()).ok()),
            queues: self.inner.engines.loads(),
            ..about.clone()
        };
        let said = serde_json::to_string(&roll).map_err(|source| QueueError::Payload {
            queue: "workers".to_owned(),
            source,
        })?;
        self.note_worker(id, &said).await
    }

    /// Takes the worker called `id` off the roster.
    pub async fn sign_off(&self, id: &str) -> Result<(), QueueError> {
        self.note_worker(id, "").await
    }

    async fn note_worker(&self, id: &str, said: &str) -> Result<(), QueueError> {
        let home = self.home();
        let mut call = home.call(&scripts::SIGN_WORKER);
        call.arg(id).arg(said);
        home.invoke(&call).await
    }

    /// Every worker that is here or was a while ago, by name.
    pub async fn workers(&self) -> Result<Vec<WorkerView>, QueueError> {
        let home = self.home();
        let key = keys::workers(&home.prefix);
        let said: BTreeMap<String, String> = query(home, redis::cmd("HGETALL").arg(key)).await?;
        // What a later release says of itself may not be understood; it is no reason to show no other.
        let mut workers: Vec<WorkerView> = said.values().filter_map(|said| read(said)).collect();
        workers.sort_by(|a, b| a.roll.name.cmp(&b.roll.name));
        Ok(workers)
    }
}

fn read(said: &str) -> Option<WorkerView> {
    let (seen, roll) = said.split_once(' ')?;
    Some(WorkerView {
        roll: serde_json::from_str(roll).ok()?,
        seen: instant(seen),
    })
}

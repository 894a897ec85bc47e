//! Looking at jobs without touching them: one job, depths, held groups. Workers never call this.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use redis::Value;
use signalbox_core::{JobId, LaneName};

use crate::{
    JobFilter, PayloadKeys, Queue, QueueError, keys, ledger::instant, partition::Partition,
    payload, reference, scripts, trace,
};

/// The state of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum JobState {
    /// Waits for an instant.
    Scheduled,
    /// Waits for a worker.
    Ready,
    /// Has a lease.
    Running,
    /// Waits for a person or another job.
    Held,
    /// Finished.
    Done,
    /// Will not be tried again; keeps its reason.
    Dead,
    /// Ended by a person.
    Cancelled,
}

impl JobState {
    /// The one word for this state, in Redis as everywhere else.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Held => "held",
            Self::Done => "done",
            Self::Dead => "dead",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state called `text`.
    pub fn parse(text: &str) -> Option<Self> {
        [
            Self::Scheduled,
            Self::Ready,
            Self::Running,
            Self::Held,
            Self::Done,
            Self::Dead,
            Self::Cancelled,
        ]
        .into_iter()
        .find(|state| state.as_str() == text)
    }
}

/// A job as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobView {
    /// Its state.
    pub state: JobState,
    /// Its queue.
    pub queue: String,
    /// Its lane.
    pub lane: String,
    /// Attempts so far; snoozed and released ones do not count.
    pub attempt: u32,
    /// How often its worker died with it.
    pub deaths: u32,
    /// How often it failed by its own fault.
    pub faults: u32,
    /// Why it is dead, held, waiting, or done without an effect.
    pub reason: String,
    /// The group that it is held with.
    pub group: Option<String>,
    /// When it was enqueued, or began anew.
    pub enqueued: Option<Timestamp>,
    /// When it runs again, if it is scheduled; when it may run at the earliest, if it is held.
    pub due: Option<Timestamp>,
    /// When it ended.
    pub finished: Option<Timestamp>,
    /// The payload as JSON. Empty once the job is done or cancelled.
    pub payload: String,
    /// The `traceparent` of what enqueued it.
    pub trace: Option<String>,
}

async fn view(
    partition: &Partition,
    keys: &PayloadKeys,
    id: &JobId,
) -> Result<Option<JobView>, QueueError> {
    let mut call = partition.call(&scripts::SHOW_JOB);
    call.arg(reference::of_job(id));
    let texts: Vec<Value> = partition.invoke(&call).await?;
    let mut texts = texts.into_iter();
    // The payload may be any bytes.
    let mut bytes = || match texts.next() {
        Some(Value::BulkString(bytes)) => bytes,
        _ => Vec::new(),
    };
    let mut text = || String::from_utf8_lossy(&bytes()).into_owned();
    let Some(state) = JobState::parse(&text()) else {
        return Ok(None);
    };
    let (_id, queue, lane) = (text(), text(), text());
    let (attempt, deaths, faults) = (text(), text(), text());
    let (reason, group) = (text(), text());
    let mut at = || {
        Some(text())
            .filter(|ms| !ms.is_empty())
            .map(|ms| instant(&ms))
    };
    let (enqueued, due, finished) = (at(), at(), at());
    let (stored, traced) = (bytes(), bytes());
    Ok(Some(JobView {
        state,
        queue,
        lane,
        attempt: attempt.parse().unwrap_or(0),
        deaths: deaths.parse().unwrap_or(0),
        faults: faults.parse().unwrap_or(0),
        reason,
        group: Some(group).filter(|group| !group.is_empty()),
        enqueued,
        due,
        finished,
        // For people only: without its key, they see why it cannot be shown.
        payload: payload::read(keys, id, &stored).unwrap_or_else(|error| error.to_string()),
        trace: trace::unpack(&traced),
    }))
}

/// How many jobs are in a state.
pub type Depth = BTreeMap<(String, JobState), i64>;

impl Queue {
    /// The job called `id` under `root`.
    pub async fn job(&self, root: &LaneName, id: &JobId) -> Result<Option<JobView>, QueueError> {
        view(self.partition_of(root), self.keys(), id).await
    }

    fn keys(&self) -> &PayloadKeys {
        &self.inner.options.payload_keys
    }

    /// The job called `id`, wherever it is: an id alone does not tell its root, so every partition is asked.
    pub async fn find_job(&self, id: &JobId) -> Result<Option<JobView>, QueueError> {
        Ok(self.locate(id).await?.map(|(_, job)| job))
    }

    /// The job called `id` with the partition that holds it.
    pub(crate) async fn locate(
        &self,
        id: &JobId,
    ) -> Result<Option<(&Partition, JobView)>, QueueError> {
        for partition in &self.inner.partitions {
            if let Some(job) = view(partition, self.keys(), id).await? {
                return Ok(Some((partition, job)));
            }
        }
        Ok(None)
    }

    /// For how long the oldest ready job of `queue` has been waiting, to the second. Looks at no job.
    pub async fn oldest_ready(&self, queue: &str) -> Result<Option<Duration>, QueueError> {
        let mut oldest = None;
        for partition in &self.inner.partitions {
            let mut call = partition.call(&scripts::OLDEST_READY);
            call.arg(queue);
            let age: i64 = partition.invoke(&call).await?;
            oldest = oldest.max(u64::try_from(age).ok());
        }
        Ok(oldest.map(Duration::from_millis))
    }

    /// How many jobs of each queue are in each state. Finished jobs are not counted.
    pub async fn depth(&self) -> Result<Depth, QueueError> {
        let mut depth = Depth::new();
        for partition in &self.inner.partitions {
            let key = keys::counts(&partition.prefix);
            let counts: Vec<(String, i64)> =
                query(partition, redis::cmd("HGETALL").arg(key)).await?;
            for (name, count) in counts {
                if let Some((queue, state)) = name.split_once('|')
                    && let Some(state) = JobState::parse(state)
                {
                    *depth.entry((queue.to_owned(), state)).or_default() += count;
                }
            }
        }
        Ok(depth)
    }

    /// The longest dead jobs of a queue, with their reasons.
    pub async fn dead_jobs(
        &self,
        queue: &str,
        most: usize,
    ) -> Result<Vec<(JobId, String)>, QueueError> {
        let filter = JobFilter {
            queue: Some(queue),
            state: Some(JobState::Dead),
        };
        let page = self.list_jobs(&filter, None, most).await?;
        let dead = page.jobs.into_iter().map(|job| (job.id, job.reason));
        Ok(dead.collect())
    }

    /// How many jobs are held with `group`.
    pub async fn held_count(&self, group: &str) -> Result<u64, QueueError> {
        let mut count = 0;
        for partition in &self.inner.partitions {
            let key = keys::held(&partition.prefix, group);
            count += query::<u64>(partition, redis::cmd("ZCARD").arg(key)).await?;
        }
        Ok(count)
    }

    /// Every group that holds jobs, and how many it holds.
    pub async fn held_groups(&self) -> Result<BTreeMap<String, u64>, QueueError> {
        let mut groups = BTreeMap::new();
        for partition in &self.inner.partitions {
            let key = keys::groups(&partition.prefix);
            let held: Vec<(String, u64)> = query(partition, redis::cmd("HGETALL").arg(key)).await?;
            for (group, count) in held {
                *groups.entry(group).or_default() += count;
            }
        }
        Ok(groups)
    }
}

pub(crate) async fn query<T: redis::FromRedisValue>(
    partition: &Partition,
    cmd: &redis::Cmd,
) -> Result<T, QueueError> {
    cmd.query_async(&mut partition.link.shared())
        .await
        .map_err(QueueError::Redis)
}

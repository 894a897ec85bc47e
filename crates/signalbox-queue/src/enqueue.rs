//! Enqueueing: what is stored, and what happens to a job whose id is already there.

mod wire;

use std::{collections::HashMap, sync::LazyLock};

use jiff::Timestamp;
use redis::{Script, ScriptInvocation};
use signalbox_core::{EffectKey, JobId, LaneChain, Payload, QueueName};

use crate::{
    JobState, Queue, QueueError, attempt, gather::SendJobs, partition::Partition, payload, scripts,
    seats::Seats, trace,
};

/// Jobs in one script; more would keep Redis from everybody else for too long.
const MOST_PER_SCRIPT: usize = 500;

/// What a waiting job takes of Redis beside its payload: its id, its places, and what Redis needs for them.
const BYTES_BESIDE: usize = 512;

/// A script that stores jobs, and the same one with a fetch behind it.
#[derive(Debug, Clone, Copy)]
struct Storing {
    only: &'static LazyLock<Script>,
    then_fetch: &'static LazyLock<Script>,
}

const ENQUEUE: Storing = Storing {
    only: &scripts::ENQUEUE_JOBS,
    then_fetch: &scripts::ENQUEUE_AND_FETCH,
};

const TAKE_IN: Storing = Storing {
    only: &scripts::TAKE_IN_JOBS,
    then_fetch: &scripts::TAKE_IN_AND_FETCH,
};

/// What happens when a job with the same id is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The newcomer is absorbed: the same news, told twice.
    Ignore,
    /// The newest payload wins, and one that comes while the job runs makes it run once more.
    KeepLast,
}

/// A job to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    pub(crate) id: JobId,
    pub(crate) queue: QueueName,
    pub(crate) lanes: LaneChain,
    pub(crate) mode: Mode,
    pub(crate) changed: Timestamp,
    pub(crate) due: Option<Timestamp>,
    pub(crate) effect: Option<EffectKey>,
    pub(crate) group: Option<String>,
    pub(crate) batch: Option<String>,
    pub(crate) trace: Vec<u8>,
    /// Packed if it is long, and not sealed yet.
    pub(crate) payload: Vec<u8>,
}

impl NewJob {
    /// A job that is ready at once, with [`Mode::Ignore`].
    #[expect(
        clippy::needless_pass_by_value,
        reason = "what a job is made of is handed over with it"
    )]
    pub fn new<P: Payload>(
        id: JobId,
        lanes: LaneChain,
        payload: P,
        trace: Option<String>,
    ) -> Result<Self, QueueError> {
        let queue = P::QUEUE;
        let payload = serde_json::to_string(&payload).map_err(|source| QueueError::Payload {
            queue: queue.to_string(),
            source,
        })?;
        let payload = payload::pack(payload).map_err(|source| QueueError::Stored {
            queue: queue.to_string(),
            source,
        })?;
        Ok(Self {
            id,
            queue,
            lanes,
            mode: Mode::Ignore,
            changed: Timestamp::UNIX_EPOCH,
            due: None,
            effect: None,
            group: None,
            batch: None,
            trace: trace.as_deref().map(trace::pack).unwrap_or_default(),
            payload,
        })
    }

    /// Keeps the payload of the latest change; `changed` says when the news came about.
    #[must_use]
    pub fn keep_last(mut self, changed: Timestamp) -> Self {
        self.mode = Mode::KeepLast;
        self.changed = changed;
        self
    }

    /// Not before this instant.
    #[must_use]
    pub fn due(mut self, due: Timestamp) -> Self {
        self.due = Some(due);
        self
    }

    /// Stored only if the ledger does not know this effect as confirmed or as baseline.
    #[must_use]
    pub fn unless_known(mut self, effect: EffectKey) -> Self {
        self.effect = Some(effect);
        self
    }

    /// Stored as held with `group`.
    #[must_use]
    pub fn held_with(mut self, group: impl Into<String>) -> Self {
        self.group = Some(group.into());
        self
    }

    /// While it waits, it may join the attempt of another job of its queue and lane, see [`Queue::claim_more`].
    ///
    /// It stays in its batch, as in its lane, whatever newer news is merged into it.
    #[must_use]
    pub fn batched_with(mut self, batch: impl Into<String>) -> Self {
        self.batch = Some(batch.into());
        self
    }

    /// The job's id.
    pub fn id(&self) -> &JobId {
        &self.id
    }
}

/// What became of a job that was enqueued. In every case the news is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enqueued {
    /// A new job was stored.
    New,
    /// A job with this id has it already, in this state.
    Absorbed(JobState),
    /// The waiting job took over what was new.
    Merged(JobState),
    /// The job runs; it will run once more with the newest payload.
    Pending,
    /// The ledger has the effect: as known from before (`baseline`), or as done.
    Known {
        /// True if it was entered by a baseline and never announced by us.
        baseline: bool,
    },
}

impl Enqueued {
    pub(crate) fn parse(text: &str) -> Self {
        let mut words = text.split(' ');
        let (word, state) = (words.next().unwrap_or(text), words.next().unwrap_or(""));
        let state_or_ready = JobState::parse(state).unwrap_or(JobState::Ready);
        match word {
            "absorbed" => Self::Absorbed(state_or_ready),
            "merged" => Self::Merged(state_or_ready),
            "pending" => Self::Pending,
            "known" => Self::Known {
                baseline: state == "baseline",
            },
            _ => Self::New,
        }
    }
}

impl Queue {
    /// Stores one job. Callers that come at the same time share a round trip and the wait for the disk.
    ///
    /// A caller that stops waiting does not learn whether its job was stored; enqueueing it again is safe.
    pub async fn enqueue(&self, job: NewJob) -> Result<Enqueued, QueueError> {
        let partition = self.partition_of(job.lanes.top());
        partition.gather.enqueue(job, self).await
    }

    /// Stores jobs made of signals from outside, as [`Queue::enqueue_all`] does, unless Redis is short of memory.
    ///
    /// What is refused above four fifths of `maxmemory` leaves room for what follows from the jobs that are stored
    /// already: their follow-ups, receipts and ends.
    pub async fn take_in(&self, jobs: Vec<NewJob>) -> Result<Vec<Enqueued>, QueueError> {
        let bytes = jobs.iter().map(|job| job.payload.len() + BYTES_BESIDE);
        let bytes = u64::try_from(bytes.sum::<usize>()).unwrap_or(u64::MAX);
        let look_again = self.admit(bytes).await?;
        let stored = self.enqueue_with(TAKE_IN, jobs);
        if look_again {
            return tokio::join!(stored, self.look_at_memory()).0;
        }
        stored.await
    }

    /// Stores many jobs and says for each what became of it, in order.
    ///
    /// Equal ids are merged first. An error may come after some were stored: enqueueing all again is safe,
    /// because ids are deterministic.
    pub async fn enqueue_all(&self, jobs: Vec<NewJob>) -> Result<Vec<Enqueued>, QueueError> {
        self.enqueue_with(ENQUEUE, jobs).await
    }

    async fn enqueue_with(
        &self,
        storing: Storing,
        jobs: Vec<NewJob>,
    ) -> Result<Vec<Enqueued>, QueueError> {
        let (distinct, places) = merge_equal_ids(jobs);
        let mut outcomes = vec![Enqueued::New; distinct.len()];
        for (partition, members) in self.by_partition(&distinct) {
            for chunk in members.chunks(MOST_PER_SCRIPT) {
                let texts = self.send(storing, partition, &distinct, chunk).await?;
                for (index, text) in chunk.iter().zip(&texts) {
                    outcomes[*index] = Enqueued::parse(text);
                    attempt::note_taken(&distinct[*index].id, text);
                }
            }
        }
        Ok(places.into_iter().map(|place| outcomes[place]).collect())
    }

    fn by_partition(&self, jobs: &[NewJob]) -> Vec<(&Partition, Vec<usize>)> {
        let mut members: Vec<Vec<usize>> = vec![Vec::new(); self.inner.partitions.len()];
        for (index, job) in jobs.iter().enumerate() {
            let partition = self.partition_of(job.lanes.top());
            members[usize::from(partition.number)].push(index);
        }
        let filled = self.inner.partitions.iter().zip(members);
        filled.filter(|(_, members)| !members.is_empty()).collect()
    }

    async fn send(
        &self,
        storing: Storing,
        partition: &Partition,
        jobs: &[NewJob],
        chunk: &[usize],
    ) -> Result<Vec<String>, QueueError> {
        // Jobs that were leased by a call that fails would be nobody's until their leases run out.
        let seats = (!partition.link.waits_for_replicas()).then(|| self.seats_for(jobs, chunk));
        if let Some(seats) = seats.flatten() {
            let mut call = partition.call(storing.then_fetch);
            wire::write(&mut call, self, &pick(jobs, chunk))?;
            return seats.fill(partition.clone(), call).await;
        }
        let mut call = partition.call(storing.only);
        wire::write(&mut call, self, &pick(jobs, chunk))?;
        partition.invoke(&call).await
    }

    /// Seats for jobs that are ready at once and of one queue, if this process works on it and has room.
    fn seats_for(&self, jobs: &[NewJob], chunk: &[usize]) -> Option<Seats> {
        let name = jobs.get(*chunk.first()?)?.queue;
        let ready = |job: &NewJob| job.queue == name && job.due.is_none() && job.group.is_none();
        let all = chunk
            .iter()
            .all(|index| jobs.get(*index).is_some_and(ready));
        all.then(|| self.inner.engines.seats(name, chunk.len()))?
    }

    /// A call that stores one job, and expects a fetch behind it.
    pub(crate) fn storing_call(
        &self,
        partition: &Partition,
        job: &NewJob,
    ) -> Result<ScriptInvocation<'static>, QueueError> {
        let mut call = partition.call(ENQUEUE.then_fetch);
        wire::write(&mut call, self, &[job])?;
        Ok(call)
    }
}

fn pick<'a>(jobs: &'a [NewJob], chunk: &[usize]) -> Vec<&'a NewJob> {
    chunk.iter().map(|index| &jobs[*index]).collect()
}

impl SendJobs for Queue {
    async fn send_jobs(&self, jobs: &[NewJob]) -> Result<Vec<Enqueued>, QueueError> {
        let Some(first) = jobs.first() else {
            return Ok(Vec::new());
        };
        let all: Vec<usize> = (0..jobs.len()).collect();
        let partition = self.partition_of(first.lanes.top());
        let texts = self.send(ENQUEUE, partition, jobs, &all).await?;
        Ok(texts.iter().map(|text| Enqueued::parse(text)).collect())
    }
}

/// The payload of the later change and the earlier due time, as between a waiting job and a newcomer.
fn keep_last(kept: &mut NewJob, job: NewJob) {
    // No due time is due now, which is before every other.
    let due = kept.due.min(job.due);
    if job.changed >= kept.changed {
        *kept = job;
    }
    kept.due = due;
}

/// The jobs without repeated ids, and for each original job its place among them.
fn merge_equal_ids(jobs: Vec<NewJob>) -> (Vec<NewJob>, Vec<usize>) {
    let mut distinct: Vec<NewJob> = Vec::with_capacity(jobs.len());
    let mut by_id: HashMap<JobId, usize> = HashMap::with_capacity(jobs.len());
    let mut places = Vec::with_capacity(jobs.len());
    for job in jobs {
        let place = *by_id.entry(job.id.clone()).or_insert(distinct.len());
        places.push(place);
        match distinct.get_mut(place) {
            None => distinct.push(job),
            Some(kept) if job.mode == Mode::KeepLast => keep_last(kept, job),
            Some(_) => {}
        }
    }
    (distinct, places)
}

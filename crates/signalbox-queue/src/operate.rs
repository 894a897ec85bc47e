//! What a person does with single jobs: cancel, hold, let go on, bring back from the dead.
//!
//! A word about a job whose state does not allow it changes nothing and is answered with that state: a running job is
//! never taken from its worker, and a dead one is brought back once.

use signalbox_core::{JobId, is_unknown_group};

use crate::{
    JobState, ListedJob, Queue, QueueError,
    browse::{Place, Section},
    inspect::query,
    keys,
    partition::Partition,
    reference, scripts,
};

/// Dead jobs looked at, and brought back, by one script.
const PORTION: usize = 500;

/// What became of a word about a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operated {
    /// It was done; before that the job was in this state.
    Moved(JobState),
    /// The job is in this state, which does not allow it.
    Kept(JobState),
    /// There is no such job; it never was, or was trimmed.
    Missing,
}

/// Which dead jobs are meant.
#[derive(Debug, Clone, Copy, Default)]
pub struct DeadFilter<'a> {
    /// Those of this queue; of every queue if `None`.
    pub queue: Option<&'a str>,
    /// Those whose reason contains this text.
    pub failed_with: Option<&'a str>,
}

impl DeadFilter<'_> {
    fn takes(&self, job: &ListedJob) -> bool {
        self.failed_with
            .is_none_or(|text| job.reason.contains(text))
    }
}

/// One word about jobs, as the script knows it.
struct Word<'a> {
    verb: &'static str,
    group: &'a str,
    reason: &'a str,
}

impl Queue {
    /// Ends a job that is ready, scheduled or held. Its id absorbs the same news as if it were done.
    pub async fn cancel_job(&self, id: &JobId, reason: &str) -> Result<Operated, QueueError> {
        let word = Word {
            verb: "cancel",
            group: "",
            reason,
        };
        self.operate(id, &word).await
    }

    /// Holds a job that is ready or scheduled with `group`. What it waits for it will wait for after its release.
    pub async fn hold_job(
        &self,
        id: &JobId,
        group: &str,
        reason: &str,
    ) -> Result<Operated, QueueError> {
        let word = Word {
            verb: "hold",
            group,
            reason,
        };
        self.operate(id, &word).await
    }

    /// Lets one held job go on, whatever group holds it.
    ///
    /// Of a post that may have been made this is somebody's word that it was not: its intent is taken back.
    pub async fn release_job(&self, id: &JobId) -> Result<Operated, QueueError> {
        let Some((partition, job)) = self.locate(id).await? else {
            return Ok(Operated::Missing);
        };
        // Between the look and the word the job may have come into another group: then it stays held.
        let group = job.group.unwrap_or_default();
        let unknown = is_unknown_group(&group);
        let word = Word {
            verb: if unknown { "anew" } else { "release" },
            group: &group,
            reason: "",
        };
        say(partition, &word, &[id]).await.map(only)
    }

    /// Makes a dead job ready again, with all its attempts before it and its old place in the lane.
    pub async fn revive_job(&self, id: &JobId) -> Result<Operated, QueueError> {
        self.operate(id, &REVIVE).await
    }

    /// How many dead jobs are meant by `filter`.
    pub async fn count_dead(&self, filter: &DeadFilter<'_>) -> Result<u64, QueueError> {
        self.each_dead(filter, async |_, ids| Ok(ids.len() as u64))
            .await
    }

    /// Makes the dead jobs that `filter` means ready again, the longest dead first. Returns how many.
    ///
    /// Jobs that die meanwhile are not looked at. It works in portions: given again after a crash, it does the rest.
    pub async fn revive_dead(&self, filter: &DeadFilter<'_>) -> Result<u64, QueueError> {
        self.revive_dead_each(filter, async |_| {}).await
    }

    /// As [`Queue::revive_dead`], and names the jobs of each portion to `told` when they are ready.
    pub async fn revive_dead_each(
        &self,
        filter: &DeadFilter<'_>,
        mut told: impl AsyncFnMut(Vec<JobId>),
    ) -> Result<u64, QueueError> {
        self.each_dead(filter, async |partition, ids| {
            let done = say(partition, &REVIVE, ids).await?;
            let moved = ids.iter().zip(done);
            let moved = moved.filter(|(_, one)| matches!(one, Operated::Moved(_)));
            let moved: Vec<JobId> = moved.map(|(id, _)| (*id).clone()).collect();
            let count = moved.len() as u64;
            told(moved).await;
            Ok(count)
        })
        .await
    }

    async fn each_dead(
        &self,
        filter: &DeadFilter<'_>,
        mut act: impl AsyncFnMut(&Partition, &[&JobId]) -> Result<u64, QueueError>,
    ) -> Result<u64, QueueError> {
        let mut total = 0;
        for queue in self.queues(filter.queue).await? {
            for partition in &self.inner.partitions {
                let section = Section::new(JobState::Dead, &queue, partition.number);
                let key = keys::dead(&partition.prefix, &queue);
                // What dies from now on comes behind these, so looking at this many ends even if they die again.
                let mut left: usize = query(partition, redis::cmd("ZCARD").arg(key)).await?;
                let mut place = Place::default();
                while left > 0 {
                    let (jobs, next) = self.page(&section, &place, left.min(PORTION)).await?;
                    left = left.saturating_sub(jobs.len());
                    let meant = jobs.iter().filter(|job| filter.takes(job));
                    let ids: Vec<&JobId> = meant.map(|job| &job.id).collect();
                    total += act(partition, &ids).await?;
                    let Some(next) = next else { break };
                    place = next;
                }
            }
        }
        Ok(total)
    }

    async fn operate(&self, id: &JobId, word: &Word<'_>) -> Result<Operated, QueueError> {
        match self.locate(id).await? {
            Some((partition, _)) => say(partition, word, &[id]).await.map(only),
            None => Ok(Operated::Missing),
        }
    }
}

const REVIVE: Word<'static> = Word {
    verb: "revive",
    group: "",
    reason: "",
};

async fn say(
    partition: &Partition,
    word: &Word<'_>,
    ids: &[&JobId],
) -> Result<Vec<Operated>, QueueError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut call = partition.call(&scripts::OPERATE_JOBS);
    call.arg(word.verb).arg(word.group).arg(word.reason);
    for id in ids {
        call.arg(reference::of_job(id));
    }
    let texts: Vec<String> = partition.invoke(&call).await?;
    Ok(texts.iter().map(|text| read(text)).collect())
}

fn only(all: Vec<Operated>) -> Operated {
    all.into_iter().next().unwrap_or(Operated::Missing)
}

fn read(text: &str) -> Operated {
    let (word, state) = text.split_once(' ').unwrap_or((text, ""));
    match (word, JobState::parse(state)) {
        ("moved", Some(state)) => Operated::Moved(state),
        ("kept", Some(state)) => Operated::Kept(state),
        _ => Operated::Missing,
    }
}

//! What the trail is told of what a person did to jobs: afterwards, and under the names of their documents.

use anyhow::Context as _;
use signalbox_core::{Clock, JobId, Step, StepWord, SystemClock};
use signalbox_jobs::step_about;
use signalbox_queue::{JobView, Parted, Queue};

/// Steps told at once.
const PORTION: usize = 500;

/// One word of a person, as the trail puts it.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    word: StepWord,
    detail: String,
}

impl Said {
    pub(crate) fn new(word: StepWord, detail: impl Into<String>) -> Self {
        Self {
            word,
            detail: detail.into(),
        }
    }

    /// It was said of `id`, which `job` was before.
    pub(crate) fn of(&self, id: &JobId, job: Option<&JobView>) -> Step {
        let (queue, payload) = job.map_or(("", ""), |job| (&job.queue, &job.payload));
        self.step(id.clone(), queue, Some(payload))
    }

    /// It was said of all these.
    pub(crate) async fn of_parted(&self, queue: &Queue, parted: &[Parted]) -> anyhow::Result<()> {
        let steps = parted
            .iter()
            .map(|job| self.step(job.id.clone(), &job.queue, job.payload.as_deref()));
        tell(queue, &steps.collect::<Vec<_>>()).await
    }

    /// It was said of all these, which still are in Redis.
    pub(crate) async fn of_each(&self, queue: &Queue, ids: &[JobId]) -> anyhow::Result<()> {
        for ids in ids.chunks(PORTION) {
            let mut steps = Vec::with_capacity(ids.len());
            for id in ids {
                let job = queue.find_job(id).await?;
                steps.push(self.of(id, job.as_ref()));
            }
            tell(queue, &steps).await?;
        }
        Ok(())
    }

    fn step(&self, id: JobId, queue: &str, payload: Option<&str>) -> Step {
        step_about(SystemClock.now(), self.word, id, queue, payload).because(self.detail.as_str())
    }
}

/// Appends steps about what is already done.
pub(crate) async fn tell(queue: &Queue, steps: &[Step]) -> anyhow::Result<()> {
    queue
        .append_steps(steps)
        .await
        .context("it is done, but the trail does not tell of it")
}

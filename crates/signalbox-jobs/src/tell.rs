//! What jobs tell the trail: the steps that every kind has in common, and who each is about.
//!
//! Telling waits for nobody and changes nothing. A job that ends by a panic, a timeout or the death of its worker has
//! told nothing of it; what becomes of such a job is on the job.

use std::sync::Arc;

use jiff::Timestamp;
use signalbox_core::{
    CatchUp, DocumentName, JobError, JobResult, Limits, Payload, Post, Read, RecordAddress, Renew,
    Settlement, Standing, Step, StepWord, Tick, settle,
};
use signalbox_queue::Job;

use crate::Context;

/// A payload that knows whom it is about.
pub(crate) trait Told: Payload {
    /// Whether more is told than that the job is dead.
    const OF_A_DOCUMENT: bool;

    /// Adds to a step what the payload knows.
    fn name(&self, step: Step) -> Step;
}

impl Told for Read {
    const OF_A_DOCUMENT: bool = true;

    fn name(&self, step: Step) -> Step {
        step.found_at(RecordAddress {
            connection: self.connection.clone(),
            company: self.company,
            set: self.set.clone(),
            record: self.record.clone(),
        })
    }
}

impl Told for Post {
    const OF_A_DOCUMENT: bool = true;

    fn name(&self, step: Step) -> Step {
        let document = DocumentName::new(self.scope.clone(), &self.document);
        step.of(document).on(self.route.clone())
    }
}

impl Told for CatchUp {
    const OF_A_DOCUMENT: bool = false;

    fn name(&self, step: Step) -> Step {
        step
    }
}

impl Told for Renew {
    const OF_A_DOCUMENT: bool = false;

    fn name(&self, step: Step) -> Step {
        step
    }
}

impl Told for Tick {
    const OF_A_DOCUMENT: bool = false;

    fn name(&self, step: Step) -> Step {
        step.on(self.route.clone())
    }
}

/// A step of `job` that happens now.
pub(crate) fn step<P: Told>(context: &Context, job: &Job<P>, word: StepWord) -> Step {
    let step = Step::new(context.clock.now(), word, job.lease.id.clone());
    job.payload.name(step)
}

/// Runs `handler` and tells why the job did not succeed, if it did not.
pub(crate) async fn of_failures<P, R>(
    context: Arc<Context>,
    limits: Limits,
    job: Job<P>,
    handler: impl FnOnce(Arc<Context>, Job<P>) -> R,
) -> JobResult
where
    P: Told,
    R: Future<Output = JobResult>,
{
    let step = step(&context, &job, StepWord::Waits);
    let (attempt, enqueued_at) = (job.attempt, job.enqueued_at);
    let result = handler(context.clone(), job).await;
    if let Err(error) = &result {
        let standing = Standing {
            attempt,
            faults: 0,
            enqueued_at,
            now: context.clock.now(),
            seed: 0,
        };
        let settlement = foresee(&context, &step, error, standing, &limits).await;
        let step = failed(step, standing.now, error, &settlement);
        if P::OF_A_DOCUMENT || step.word == StepWord::Dead {
            context.trail.tell(step);
        }
    }
    result
}

/// What will become of the job. Redis counts its faults, and is asked for them only where they may decide.
async fn foresee(
    context: &Context,
    step: &Step,
    error: &JobError,
    standing: Standing,
    limits: &Limits,
) -> Settlement {
    let mut standing = standing;
    if standing.attempt >= limits.attempts {
        let job = context.queue.find_job(&step.job).await;
        standing.faults = job.ok().flatten().map_or(0, |job| job.faults);
    }
    settle(error.decision(), standing, limits)
}

fn failed(mut step: Step, now: Timestamp, error: &JobError, settlement: &Settlement) -> Step {
    let cause = error.chain();
    step.at = now;
    let (word, detail) = match settlement {
        Settlement::Dead(why) => (StepWord::Dead, format!("{why}: {cause}")),
        Settlement::Hold(_) => (StepWord::Held, cause),
        Settlement::RetryAt(at) | Settlement::DeferTo(at) => (
            StepWord::Waits,
            format!("failed, tried again at {at:.0}: {cause}"),
        ),
        Settlement::SnoozeTo(at) => (StepWord::Waits, format!("until {at:.0}: {cause}")),
    };
    step.word = word;
    step.because(detail)
}

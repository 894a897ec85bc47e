//! What jobs tell the trail: the steps that every kind has in common, and who each is about.
//!
//! Telling waits for nobody and changes nothing. Of a job that ends by a panic, a timeout or the death of its worker the
//! queue tells what it knows, and of one that a person acts on, whoever acts.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use jiff::Timestamp;
use signalbox_core::{
    CatchUp, CatchUpOfSet, DocumentName, JobError, JobId, JobResult, Limits, Payload, Post, Read,
    RecordAddress, Renew, RenewOfSet, Settlement, Standing, Step, StepWord, Tick, settle,
};
use signalbox_queue::{Job, Unspoken, Witness, protocol::Verb};

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
            environment: self.environment.clone(),
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

impl Told for CatchUpOfSet {
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

impl Told for RenewOfSet {
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

/// A step that happens now, of a job of which only this is known: its id, its queue as Redis names it, and its payload.
pub fn step_about(
    at: Timestamp,
    word: StepWord,
    id: JobId,
    queue: &str,
    payload: Option<&str>,
) -> Step {
    let step = Step::new(at, word, id);
    let named = named_by::<Post>(&step, queue, payload)
        .or_else(|| named_by::<Read>(&step, queue, payload))
        .or_else(|| named_by::<Tick>(&step, queue, payload));
    named.unwrap_or(step)
}

/// The step with what the payload knows, if it is one of `P`.
fn named_by<P: Told>(step: &Step, queue: &str, payload: Option<&str>) -> Option<Step> {
    if queue != P::QUEUE.to_string() {
        return None;
    }
    let payload: P = serde_json::from_str(payload?).ok()?;
    Some(payload.name(step.clone()))
}

/// Tells the trail of attempts that end without their handlers' word.
pub(crate) fn witness(context: &Context) -> Witness {
    let (trail, clock) = (context.trail.clone(), context.clock.clone());
    Witness::new(move |unspoken| {
        if let Some(step) = of_unspoken(clock.now(), unspoken) {
            trail.tell(step);
        }
    })
}

fn of_unspoken(now: Timestamp, unspoken: Unspoken) -> Option<Step> {
    let Unspoken {
        id,
        queue,
        payload,
        verb,
        reason,
    } = unspoken;
    let (word, detail) = match verb {
        Verb::Dead => (StepWord::Dead, reason),
        Verb::Hold(_) => (StepWord::Held, reason),
        Verb::Retry(at) | Verb::Defer(at) => (
            StepWord::Waits,
            format!("failed, tried again at {at:.0}: {reason}"),
        ),
        _ => return None,
    };
    let step = step_about(now, word, id, &queue, payload.as_deref());
    let of_a_document = [Post::QUEUE, Read::QUEUE].map(|queue| queue.to_string());
    let told = word == StepWord::Dead || of_a_document.contains(&queue);
    told.then(|| step.because(detail))
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
    let told = Failing::new(&context, &job);
    let result = handler(context.clone(), job).await;
    if let Err(error) = &result {
        told.failed(&context, &limits, error).await;
    }
    result
}

/// Tells why a job that joined an attempt did not succeed.
pub(crate) async fn failure<P: Told>(
    context: &Context,
    limits: &Limits,
    job: &Job<P>,
    error: &JobError,
) {
    Failing::new(context, job)
        .failed(context, limits, error)
        .await;
}

/// What is told of a job if it fails.
struct Failing {
    step: Step,
    attempt: u32,
    enqueued_at: Timestamp,
    of_a_document: bool,
}

impl Failing {
    fn new<P: Told>(context: &Context, job: &Job<P>) -> Self {
        Self {
            step: step(context, job, StepWord::Waits),
            attempt: job.attempt,
            enqueued_at: job.enqueued_at,
            of_a_document: P::OF_A_DOCUMENT,
        }
    }

    async fn failed(self, context: &Context, limits: &Limits, error: &JobError) {
        let standing = Standing {
            attempt: self.attempt,
            faults: 0,
            enqueued_at: self.enqueued_at,
            now: context.clock.now(),
            seed: 0,
        };
        let settlement = foresee(context, &self.step, error, standing, limits).await;
        let step = failed(self.step, standing.now, error, &settlement);
        if self.of_a_document || step.word == StepWord::Dead {
            context.trail.tell(step);
        }
    }
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

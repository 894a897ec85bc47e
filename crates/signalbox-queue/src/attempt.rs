//! One attempt of a job as a span, beside the wait that came before it.
//!
//! Both hang on what enqueued the job, so that a job that is tried again stays one story; what the attempt enqueues
//! hangs on the attempt.

use signalbox_core::{Clock, JobId};
use signalbox_trace::{Wait, absorbed, adopt, traceparent_of};
use tracing::{Span, field::Empty};

use crate::{
    protocol::{Leased, Verb},
    trace,
};

/// Notes at the present span that a job with the same id took what was enqueued, and links to that job's story.
///
/// `told` is what `enqueue_jobs.lua` tells of it.
pub(crate) fn note_taken(id: &JobId, told: &str) {
    let span = Span::current();
    if told == "new" || span.is_disabled() {
        return;
    }
    let mut words = told.splitn(3, ' ');
    let how = [words.next(), words.next()].map(Option::unwrap_or_default);
    let other = words.next().and_then(trace::unpack_digits);
    absorbed(
        &span,
        id.as_str(),
        how.join(" ").trim_end(),
        other.as_deref(),
    );
}

/// A job that is about to run.
#[derive(Debug, Clone)]
pub(crate) struct Attempt {
    /// Its trace leads to the attempt itself, where spans are recorded.
    pub(crate) leased: Leased,
    pub(crate) span: Span,
}

impl Attempt {
    pub(crate) fn begin(leased: Leased, clock: &dyn Clock) -> Self {
        let queue = leased.lease.queue.clone();
        let span = tracing::info_span!(
            "job",
            otel.name = &*queue,
            otel.kind = "consumer",
            otel.status_code = Empty,
            job.id = %leased.lease.id,
            job.queue = &*queue,
            job.lane = leased.lane.as_str(),
            job.attempt = leased.attempt,
            job.outcome = Empty,
            job.reason = Empty,
            job.until = Empty,
        );
        let mut leased = leased;
        if !span.is_disabled() {
            adopt(&span, leased.trace.as_deref());
            let wait = Wait {
                job: leased.lease.id.as_str(),
                queue: &queue,
                lane: leased.lane.as_str(),
                attempt: leased.attempt,
                from: leased.waits_since,
                until: clock.now(),
            };
            wait.record(leased.trace.as_deref(), &span);
            leased.trace = traceparent_of(&span).or(leased.trace);
        }
        Self { leased, span }
    }

    /// Tells what becomes of the job.
    pub(crate) fn ended(&self, verb: &Verb, reason: &str) {
        let span = &self.span;
        span.record("job.outcome", verb.as_str());
        if !reason.is_empty() {
            span.record("job.reason", reason);
        }
        match verb {
            Verb::Retry(at) | Verb::Defer(at) => {
                span.record("job.until", at.to_string());
                span.record("otel.status_code", "ERROR");
            }
            Verb::Again(at) | Verb::Snooze(at) => {
                span.record("job.until", at.to_string());
            }
            Verb::Dead => {
                span.record("otel.status_code", "ERROR");
            }
            Verb::Complete | Verb::Hold(_) | Verb::Release => {}
        }
    }
}

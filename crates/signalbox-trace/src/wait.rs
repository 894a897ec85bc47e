//! What a job waited before one attempt, as a span of its own.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use opentelemetry::{
    KeyValue, global,
    trace::{Span as _, SpanKind, Tracer},
};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::context::{parse, remote};

/// The scope of everything that is recorded.
pub const SCOPE: &str = "signalbox";

/// A wait that is over.
#[derive(Debug)]
pub struct Wait<'a> {
    /// The job's id.
    pub job: &'a str,
    /// The job's queue.
    pub queue: &'a str,
    /// The job's lane.
    pub lane: &'a str,
    /// The attempt before which it waited, counted from 1.
    pub attempt: u32,
    /// When it began: the job was enqueued, or its last attempt ended.
    pub from: Timestamp,
    /// When the attempt began.
    pub until: Timestamp,
}

impl Wait<'_> {
    /// Records the wait beside its attempt, below what enqueued the job; below the attempt where that is not known.
    pub fn record(&self, enqueuer: Option<&str>, attempt: &Span) {
        let parent = match enqueuer.and_then(parse) {
            Some(parent) => remote(parent),
            None => attempt.context(),
        };
        let from = instant(self.from);
        let tracer = global::tracer(SCOPE);
        let wait = tracer
            .span_builder("wait")
            .with_kind(SpanKind::Internal)
            .with_start_time(from)
            .with_attributes([
                KeyValue::new("job.id", self.job.to_owned()),
                KeyValue::new("job.queue", self.queue.to_owned()),
                KeyValue::new("job.lane", self.lane.to_owned()),
                KeyValue::new("job.attempt", i64::from(self.attempt)),
            ]);
        // The clocks of Redis and of this machine may differ by more than the wait.
        let until = instant(self.until).max(from);
        wait.start_with_context(&tracer, &parent)
            .end_with_timestamp(until);
    }
}

fn instant(at: Timestamp) -> SystemTime {
    let since = at.duration_since(Timestamp::UNIX_EPOCH);
    SystemTime::UNIX_EPOCH + Duration::try_from(since).unwrap_or_default()
}

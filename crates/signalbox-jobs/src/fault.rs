//! From what a client says went wrong to what becomes of the job. The only place where that is decided.

use std::time::Duration;

use jiff::Timestamp;
use signalbox_core::JobError;
use signalbox_microsoft::Error;
use signalbox_queue::QueueError;

use crate::Context;

/// After a 429 that names no instant, before jitter (facts, Business Central §5.2).
const THROTTLED: Duration = Duration::from_secs(5);

/// A client's error together with what a person should do about it.
#[derive(Debug, thiserror::Error)]
#[error("{next_step}")]
struct Advised {
    next_step: String,
    #[source]
    error: Error,
}

/// What becomes of a job whose request failed.
///
/// A named instant is waited for and burns no attempt, and neither does a 429 without one. A connection's fault, a missing channel among them, kills no
/// job: it is looked at again every five minutes. The world's faults end by age, the job's own by count.
pub(crate) fn upstream(context: &Context, error: Error) -> JobError {
    if let Some(until) = error.retry_after() {
        return JobError::snooze(until, advised(error));
    }
    if matches!(error, Error::Throttled { .. }) {
        return JobError::snooze(after_throttling(context), advised(error));
    }
    if error.is_connection_fault() || is_target_fault(&error) {
        let fault = advised(error);
        tracing::error!(
            error = &fault as &dyn std::error::Error,
            "a connection needs a person"
        );
        return JobError::snooze(context.next_probe(), fault);
    }
    // A page in place of an answer comes from a proxy or from maintenance, for hours and for every job alike.
    if error.is_transient() || matches!(error, Error::Garbled { .. }) {
        return JobError::transient(advised(error));
    }
    match error {
        // Sending the same bytes again gives the same answer.
        Error::Rejected { .. } | Error::TooLarge { .. } | Error::CardTooLarge { .. } => {
            JobError::fail(advised(error))
        }
        other => JobError::retry(advised(other)),
    }
}

/// Jitter only adds, and spreads those who were throttled together; the clock's last digits are random enough.
fn after_throttling(context: &Context) -> Timestamp {
    let share = f64::from(context.clock.now().subsec_nanosecond() % 1_000_000) / 1e6;
    context.after(THROTTLED + THROTTLED.mul_f64(share))
}

/// A team or a channel that cannot be found may be made, renamed or corrected in the configuration.
fn is_target_fault(error: &Error) -> bool {
    matches!(
        error,
        Error::UnknownName { .. } | Error::AmbiguousName { .. } | Error::NotFound { .. }
    )
}

fn advised(error: Error) -> Advised {
    let next_step = error.next_step();
    Advised { next_step, error }
}

/// What becomes of a job that could not talk to the queue: it is tried again, by the lease if by nothing else.
pub(crate) fn queue(error: QueueError) -> JobError {
    JobError::transient(error)
}

//! What a client's error means for the job and its lanes. The only place where that is decided.

use signalbox_core::JobError;
use signalbox_microsoft::Error;
use signalbox_queue::QueueError;

/// A client's error under what a person should do about it.
#[derive(Debug, thiserror::Error)]
#[error("{next_step}")]
pub(crate) struct Advised {
    next_step: String,
    #[source]
    error: Error,
}

/// What a failure means for the job and for its lanes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// A limit of ours or a closed gate is in the way. Burns no attempt.
    Held,
    /// The upstream wants a pause, with or without naming its end. Burns no attempt.
    Throttled,
    /// Every job of the connection would fail alike until a person acts.
    Connection,
    /// Every job of one company would fail alike until a person acts.
    Company,
    /// A permission lacks: for one set where the upstream has lanes for sets, else for the connection.
    Refused,
    /// Every job with this target would fail alike until a person acts.
    Target,
    /// The world's fault; ends by age.
    Transient,
    /// The job's own fault; ends by count.
    Own,
    /// Sending the same bytes again gives the same answer.
    Hopeless,
}

/// What `error` means.
pub(crate) fn meaning(error: &Error) -> Meaning {
    match error {
        Error::Held { .. } => Meaning::Held,
        Error::Throttled { .. } => Meaning::Throttled,
        error if error.retry_after().is_some() => Meaning::Throttled,
        error if error.code() == Some("Internal_CompanyNotFound") => Meaning::Company,
        Error::Forbidden { .. } => Meaning::Refused,
        error if error.is_connection_fault() => Meaning::Connection,
        error if is_target_fault(error) => Meaning::Target,
        // A page in place of an answer comes from a proxy or from maintenance, for hours and for every job alike.
        Error::Garbled { .. } => Meaning::Transient,
        error if error.is_transient() => Meaning::Transient,
        Error::Rejected { .. } | Error::TooLarge { .. } | Error::CardTooLarge { .. } => {
            Meaning::Hopeless
        }
        _ => Meaning::Own,
    }
}

/// A team or a channel that cannot be found may be made, renamed or corrected in the configuration.
fn is_target_fault(error: &Error) -> bool {
    matches!(
        error,
        Error::UnknownName { .. } | Error::AmbiguousName { .. } | Error::NotFound { .. }
    )
}

pub(crate) fn advised(error: Error) -> Advised {
    let next_step = error.next_step();
    Advised { next_step, error }
}

/// What becomes of a job that could not talk to the queue: it is tried again, by the lease if by nothing else.
pub(crate) fn queue(error: QueueError) -> JobError {
    JobError::transient(error)
}

//! What a handler says about its job: done, or an error that is a decision and a cause.
//!
//! Whoever writes a call knows best whether its failure should be tried again; the runner only obeys.

use std::{error::Error, fmt};

use jiff::Timestamp;

/// What a handler returns.
pub type JobResult = Result<Completion, JobError>;

/// A job that is finished, with the reason when nothing was done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Completion {
    /// What came of it, in a few words: `announced`, `gone`, `draft`. Kept on the job.
    pub note: String,
    /// When the same job runs again, for work that never ends. News may bring it forward.
    pub again: Option<Timestamp>,
}

impl Completion {
    /// A finished job with a note for whoever looks it up.
    pub fn noted(note: impl Into<String>) -> Self {
        Self {
            note: note.into(),
            again: None,
        }
    }

    /// This round is finished; the next begins at `at`.
    #[must_use]
    pub fn again_at(mut self, at: Timestamp) -> Self {
        self.again = Some(at);
        self
    }
}

/// What is to become of a job whose handler did not finish it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// The job's own fault: tried again with a growing delay, as often as its attempts allow.
    Retry,
    /// The world's fault (a timeout, a 503): tried again with a growing delay until the job is too old.
    Transient,
    /// The same, but the job's age counts from this instant if it is older: before it, the upstream was away.
    TransientSince(Timestamp),
    /// Not before this instant; burns no attempt. An upstream's `Retry-After` ends here.
    Snooze(Timestamp),
    /// Never: the job is dead and keeps the cause.
    Fail,
    /// Waits unharmed with its group until a person or another job releases the group.
    Hold {
        /// What is released together.
        group: String,
    },
}

/// Why a job is not done, and what is to become of it.
#[derive(Debug)]
pub struct JobError {
    decision: Decision,
    cause: Box<dyn Error + Send + Sync>,
}

impl JobError {
    /// An error with any decision.
    pub fn new(decision: Decision, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            decision,
            cause: cause.into(),
        }
    }

    /// The job's own fault; see [`Decision::Retry`].
    pub fn retry(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(Decision::Retry, cause)
    }

    /// The world's fault; see [`Decision::Transient`].
    pub fn transient(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(Decision::Transient, cause)
    }

    /// The world's fault, in a world that was out of order until `since`; see [`Decision::TransientSince`].
    pub fn transient_since(
        since: Timestamp,
        cause: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self::new(Decision::TransientSince(since), cause)
    }

    /// Waits until `until` and burns no attempt; see [`Decision::Snooze`].
    pub fn snooze(until: Timestamp, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(Decision::Snooze(until), cause)
    }

    /// Never again; see [`Decision::Fail`].
    pub fn fail(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(Decision::Fail, cause)
    }

    /// Waits with `group`; see [`Decision::Hold`].
    pub fn hold(group: impl Into<String>, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let group = group.into();
        Self::new(Decision::Hold { group }, cause)
    }

    /// What is to become of the job.
    pub fn decision(&self) -> &Decision {
        &self.decision
    }

    /// The whole chain of causes in one line, outermost first, for the job and for people.
    pub fn chain(&self) -> String {
        let mut text = self.cause.to_string();
        let mut source = self.cause.source();
        while let Some(cause) = source {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            source = cause.source();
        }
        text
    }
}

impl fmt::Display for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.decision {
            Decision::Retry | Decision::Transient | Decision::TransientSince(_) => {
                "the job will be tried again"
            }
            Decision::Snooze(_) => "the job waits for its time",
            Decision::Fail => "the job is dead",
            Decision::Hold { .. } => "the job is held",
        })
    }
}

impl Error for JobError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.cause)
    }
}

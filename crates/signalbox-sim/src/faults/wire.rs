//! The JSON form of a fault: flat, so that it can be typed by hand.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Fault, FaultKind, RetryAfter, Schedule};

/// Why a fault cannot be understood.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FaultError {
    /// The kind is not one of those known.
    #[error("unknown fault kind `{0}`")]
    Kind(String),
    /// The kind needs a member that is absent.
    #[error("a fault of kind `{0}` needs `{1}`")]
    Missing(&'static str, &'static str),
    /// `form` is neither `secs`, `http-date` nor `none`.
    #[error("unknown form `{0}` of `retry_after`; use `secs`, `http-date` or `none`")]
    Form(String),
}

/// A fault as JSON.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct FaultWire {
    target: String,
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    times: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    every: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    probability: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<u64>,
    /// Requests in a row that each firing befalls.
    #[serde(skip_serializing_if = "Option::is_none")]
    burst: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    only: Option<String>,
    /// Seconds of a `Retry-After`.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
    /// `secs` (default), `http-date` or `none`.
    #[serde(skip_serializing_if = "Option::is_none")]
    form: Option<String>,
    /// Status of kind `status`.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u16>,
    /// Milliseconds of `slow`, `late_commit` and `stale_read`.
    #[serde(skip_serializing_if = "Option::is_none")]
    ms: Option<u64>,
}

impl FaultWire {
    fn retry_after(&self, default: RetryAfter) -> Result<RetryAfter, FaultError> {
        match (self.form.as_deref(), self.retry_after) {
            (Some("none"), _) => Ok(RetryAfter::Absent),
            (None | Some("secs"), Some(secs)) => Ok(RetryAfter::Secs(secs)),
            (Some("http-date"), secs) => Ok(RetryAfter::HttpDate(secs.unwrap_or(1))),
            (None | Some("secs"), None) => Ok(default),
            (Some(other), _) => Err(FaultError::Form(other.to_owned())),
        }
    }

    fn ms(&self, kind: &'static str) -> Result<Duration, FaultError> {
        self.ms
            .map(Duration::from_millis)
            .ok_or(FaultError::Missing(kind, "ms"))
    }

    fn kind(&self) -> Result<FaultKind, FaultError> {
        Ok(match self.kind.replace('-', "_").as_str() {
            "throttle" => FaultKind::Throttle(self.retry_after(RetryAfter::Usual)?),
            "status" => FaultKind::Status(
                self.code.ok_or(FaultError::Missing("status", "code"))?,
                self.retry_after(RetryAfter::Absent)?,
            ),
            "slow" => FaultKind::Slow(self.ms("slow")?),
            "commit_then_timeout" => FaultKind::CommitThenTimeout,
            "late_commit" => FaultKind::LateCommit(self.ms("late_commit")?),
            "reset" => FaultKind::Reset,
            "reset_after_commit" => FaultKind::ResetAfterCommit,
            "wrong_audience" => FaultKind::WrongAudience,
            "garbage" => FaultKind::Garbage,
            "try_again_later" => FaultKind::TryAgainLater,
            "stale_read" => FaultKind::StaleRead(Duration::from_millis(self.ms.unwrap_or(10_000))),
            _ => return Err(FaultError::Kind(self.kind.clone())),
        })
    }
}

impl TryFrom<FaultWire> for Fault {
    type Error = FaultError;

    fn try_from(wire: FaultWire) -> Result<Self, FaultError> {
        let schedule = match (wire.times, wire.every, wire.probability) {
            (Some(times), _, _) => Schedule::Times(times),
            (_, Some(every), _) => Schedule::Every(every),
            (_, _, Some(probability)) => {
                Schedule::Probability(probability, wire.seed.unwrap_or_default())
            }
            _ => Schedule::Always,
        };
        let kind = wire.kind()?;
        let after = wire.after.unwrap_or_default();
        Ok(Self {
            target: wire.target,
            kind,
            schedule,
            after,
            burst: wire.burst.unwrap_or(1),
            only: wire.only,
        })
    }
}

impl From<Fault> for FaultWire {
    fn from(fault: Fault) -> Self {
        let mut wire = Self {
            target: fault.target,
            kind: fault.kind.name().into(),
            after: Some(fault.after).filter(|after| *after > 0),
            burst: Some(fault.burst).filter(|burst| *burst > 1),
            only: fault.only,
            ..Self::default()
        };
        match fault.schedule {
            Schedule::Always => {}
            Schedule::Times(times) => wire.times = Some(times),
            Schedule::Every(every) => wire.every = Some(every),
            Schedule::Probability(probability, seed) => {
                (wire.probability, wire.seed) = (Some(probability), Some(seed));
            }
        }
        match fault.kind {
            FaultKind::Throttle(retry_after) => wire.set_retry_after(retry_after),
            FaultKind::Status(code, retry_after) => {
                wire.code = Some(code);
                wire.set_retry_after(retry_after);
            }
            FaultKind::Slow(span) | FaultKind::LateCommit(span) | FaultKind::StaleRead(span) => {
                wire.ms = u64::try_from(span.as_millis()).ok();
            }
            _ => {}
        }
        wire
    }
}

impl FaultWire {
    fn set_retry_after(&mut self, retry_after: RetryAfter) {
        (self.retry_after, self.form) = match retry_after {
            RetryAfter::Secs(secs) => (Some(secs), None),
            RetryAfter::HttpDate(secs) => (Some(secs), Some("http-date".into())),
            RetryAfter::Absent => (None, Some("none".into())),
            RetryAfter::Usual => (None, None),
        };
    }
}

impl FaultKind {
    /// The name in JSON and in the record of a request.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Throttle(_) => "throttle",
            Self::Status(..) => "status",
            Self::Slow(_) => "slow",
            Self::CommitThenTimeout => "commit_then_timeout",
            Self::LateCommit(_) => "late_commit",
            Self::Reset => "reset",
            Self::ResetAfterCommit => "reset_after_commit",
            Self::WrongAudience => "wrong_audience",
            Self::Garbage => "garbage",
            Self::TryAgainLater => "try_again_later",
            Self::StaleRead(_) => "stale_read",
        }
    }
}

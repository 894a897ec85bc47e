//! What `check` says about one thing: a verdict, the most likely cause, and the next action.

use serde::Serialize;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    Ok,
    Warning,
    Trouble,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
pub(super) struct Finding {
    pub(super) subject: String,
    pub(super) verdict: Verdict,
    pub(super) cause: String,
    pub(super) next_action: String,
}

impl Finding {
    pub(super) fn ok(subject: impl Into<String>, cause: impl Into<String>) -> Self {
        Self::new(subject, Verdict::Ok, cause, "")
    }

    pub(super) fn warning(
        subject: impl Into<String>,
        cause: impl Into<String>,
        next_action: impl Into<String>,
    ) -> Self {
        Self::new(subject, Verdict::Warning, cause, next_action)
    }

    pub(super) fn trouble(
        subject: impl Into<String>,
        cause: impl Into<String>,
        next_action: impl Into<String>,
    ) -> Self {
        Self::new(subject, Verdict::Trouble, cause, next_action)
    }

    /// From an error whose text ends in its next step.
    pub(super) fn of_error(
        subject: impl Into<String>,
        error: &anyhow::Error,
        otherwise: &str,
    ) -> Self {
        let text = error.to_string();
        let (cause, next) = text.rsplit_once("; ").unwrap_or((&text, otherwise));
        let whole = format!("{error:#}");
        let sources = whole.strip_prefix(&text).unwrap_or_default();
        Self::trouble(subject, format!("{cause}{sources}"), next)
    }

    fn new(
        subject: impl Into<String>,
        verdict: Verdict,
        cause: impl Into<String>,
        next_action: impl Into<String>,
    ) -> Self {
        Self {
            subject: subject.into(),
            verdict,
            cause: cause.into(),
            next_action: next_action.into(),
        }
    }
}

//! One word about some jobs, and what became of each of them.

use std::process::ExitCode;

use serde_json::{Value, json};
use signalbox_core::{JobId, StepWord};
use signalbox_queue::{JobState, Operated, Queue, QueueError};

use super::{
    super::output,
    told::{Said, tell},
};
use crate::cli::Global;

/// What is done with a job.
#[derive(Debug)]
pub(crate) enum Change<'a> {
    Cancel { reason: &'a str },
    Hold { group: &'a str, reason: &'a str },
    Release,
    Revive,
}

impl Change<'_> {
    /// Does it, and tells the trail if it was done.
    pub(crate) async fn apply(&self, queue: &Queue, id: &JobId) -> anyhow::Result<Operated> {
        // Before: what is cancelled keeps nothing that would tell which document it was about.
        let job = queue.find_job(id).await?;
        let outcome = self.operate(queue, id).await?;
        if was_done(outcome) {
            tell(queue, &[self.said().of(id, job.as_ref())]).await?;
        }
        Ok(outcome)
    }

    async fn operate(&self, queue: &Queue, id: &JobId) -> Result<Operated, QueueError> {
        match self {
            Self::Cancel { reason } => queue.cancel_job(id, reason).await,
            Self::Hold { group, reason } => queue.hold_job(id, group, reason).await,
            Self::Release => queue.release_job(id).await,
            Self::Revive => queue.revive_job(id).await,
        }
    }

    /// What the trail is told of it.
    pub(crate) fn said(&self) -> Said {
        match self {
            Self::Cancel { reason } => Said::new(StepWord::Cancelled, *reason),
            Self::Hold { group, reason } => Said::new(
                StepWord::Held,
                format!("by a person, with `{group}`: {reason}"),
            ),
            Self::Release => Said::new(StepWord::Released, ""),
            Self::Revive => Said::new(StepWord::Replayed, "brought back from the dead"),
        }
    }

    /// What was done, and to jobs in which states it can be done.
    fn words(&self) -> (&'static str, &'static str) {
        match self {
            Self::Cancel { .. } => ("cancelled", "ready, scheduled or held"),
            Self::Hold { .. } => ("held", "ready or scheduled"),
            Self::Release => ("released", "held"),
            Self::Revive => ("brought back", "dead"),
        }
    }
}

/// Does it to each job and prints what became of it. Exits with 1 if one of them was not changed.
pub(crate) async fn each(
    global: &Global,
    queue: &Queue,
    ids: &[JobId],
    change: &Change<'_>,
) -> anyhow::Result<ExitCode> {
    let mut outcomes = Vec::new();
    for id in ids {
        let outcome = change.apply(queue, id).await?;
        // At once: if a later one fails, what was done to the earlier ones has been said.
        if !global.json {
            output::line(&sentence(id, outcome, change))?;
        }
        outcomes.push((id, outcome));
    }
    if global.json {
        let rows = outcomes.iter().map(|(id, outcome)| row(id, *outcome));
        output::json(&rows.collect::<Value>())?;
    }
    let all = outcomes.iter().all(|(_, outcome)| was_done(*outcome));
    Ok(output::answer(all))
}

pub(crate) fn was_done(outcome: Operated) -> bool {
    matches!(outcome, Operated::Moved(_))
}

/// For people.
pub(crate) fn sentence(id: &JobId, outcome: Operated, change: &Change<'_>) -> String {
    let (done, states) = change.words();
    match outcome {
        Operated::Moved(state) => format!("`{id}` was {} and is {done}", state.as_str()),
        Operated::Kept(state) => format!(
            "`{id}` is {}; only jobs that are {states} can be {done}",
            state.as_str()
        ),
        Operated::Missing => missing(id),
    }
}

/// For people, about a job that is not there.
pub(crate) fn missing(id: &JobId) -> String {
    format!("there is no job `{id}`: it never was, or is over and was trimmed")
}

/// For programs: `was` is the state in which the job was found.
pub(crate) fn row(id: &JobId, outcome: Operated) -> Value {
    let (word, state) = match outcome {
        Operated::Moved(state) => ("changed", Some(state)),
        Operated::Kept(state) => ("kept", Some(state)),
        Operated::Missing => ("missing", None),
    };
    json!({ "id": id, "outcome": word, "was": state.map(JobState::as_str) })
}

//! The changes of jobs' states that a sequence of steps brought about, held against the list that the queue gives out.

use std::collections::BTreeSet;

use signalbox_queue::{JobState, TRANSITIONS, Transition};

use super::{look::Difference, model::Model};

/// What was seen so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Moves(BTreeSet<Transition>);

impl Moves {
    /// Enters the changes since `before`, and fails at one that is not in the list.
    pub(super) fn note(
        &mut self,
        before: &[Option<JobState>],
        model: &mut Model,
    ) -> Result<(), Difference> {
        for (job, before) in model.jobs.iter_mut().zip(before) {
            let Some(job) = job else { continue };
            let mut from = *before;
            if std::mem::take(&mut job.is_new) {
                self.enter((from, None))?;
                from = None;
            }
            for to in job.path.drain(..).map(Some) {
                self.enter((from, to))?;
                from = to;
            }
        }
        Ok(())
    }

    /// What the list has and nobody saw.
    pub(super) fn unseen(&self) -> Vec<Transition> {
        let all = TRANSITIONS.into_iter();
        all.filter(|one| !self.0.contains(one)).collect()
    }

    pub(super) fn add(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    fn enter(&mut self, transition: Transition) -> Result<(), Difference> {
        let (from, to) = transition;
        if from != to && !TRANSITIONS.contains(&transition) {
            return Err(format!("no job goes from {from:?} to {to:?}").into());
        }
        self.0.insert(transition);
        Ok(())
    }
}

/// The states of all jobs.
pub(super) fn states(model: &Model) -> Vec<Option<JobState>> {
    let jobs = model.jobs.iter();
    jobs.map(|job| job.as_ref().map(|job| job.state)).collect()
}

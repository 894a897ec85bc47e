//! What a way does about an upstream that is out of order.
//!
//! Each request tells the process how it ended. A run that is long enough breaks the root lane, where the jobs wait
//! unharmed; a job that fails in a lane that is broken already, by whomever, waits there too. It waits until behind
//! the next probe, so that a job that nobody could answer does not keep the others from being let through.

use std::time::Duration;

use jiff::Timestamp;
use signalbox_core::{JobError, LaneName};
use signalbox_microsoft::{Error, Refusal};
use signalbox_queue::LaneFault;

use super::{Way, chain, told};
use crate::{
    context::{PROBE, after},
    fault, outage,
};

/// A job that failed comes so long after the probe, which is for those that did not.
const BEHIND_THE_PROBE: Duration = Duration::from_secs(1);

impl Way<'_> {
    /// The lane at the top.
    pub(super) fn root(&self) -> Option<&LaneName> {
        self.lanes.last().map(|(root, _)| root)
    }

    /// How a request ended. The first answer after a run of failures mends the lane.
    pub(super) async fn heard(&self, outcome: Result<(), &Error>) {
        let (Some((lane, _)), Some(root)) = (self.lanes.first(), self.root()) else {
            return;
        };
        let outages = &self.context.outages;
        if let Some(error) = outcome.err() {
            if let Some(outage) = error.outage() {
                let what = outage::what(root, error);
                return outages.failed(root, &self.lease.id, &what, outage);
            }
            if !is_an_answer(error) {
                return;
            }
        }
        self.context.throttles.answered(lane);
        if outages.answered(root, self.beside) {
            told(self.context.queue.mend_lane(root, root).await);
        }
    }

    /// What is wrong with the upstream, if `error` is one of a run that is long enough.
    pub(super) fn outage(&self, error: &Error) -> Option<LaneFault> {
        error.outage()?;
        self.context.outages.fault(self.root()?, &chain(error))
    }

    /// The root lane is broken, and the job waits in it until behind the next probe.
    pub(super) async fn out_of_order(&self, outage: &LaneFault, cause: fault::Advised) -> JobError {
        let Some(root) = self.root() else {
            return JobError::transient(cause);
        };
        let (probe, every) = (self.context.next_probe(), self.context.scaled(PROBE));
        if self.context.outages.broke(root, probe) {
            tracing::warn!(
                lane = root.as_str(),
                cause = outage.cause,
                next_action = outage.next_action,
                "an upstream is out of order; its jobs wait unharmed"
            );
        }
        let queue = &self.context.queue;
        told(queue.break_lane(root, root, outage, (probe, every)).await);
        self.behind(probe, cause)
    }

    /// A fault of the world's, in a lane that may be broken already or was until a while ago.
    pub(super) async fn transient(&self, cause: fault::Advised) -> JobError {
        let Some(root) = self.root() else {
            return JobError::transient(cause);
        };
        let Ok(lane) = self.context.queue.lane(root, root).await else {
            return JobError::transient(cause);
        };
        if let Some((_, probe)) = lane.broken {
            self.context.outages.broke(root, probe);
            return self.behind(probe, cause);
        }
        match lane.mended {
            Some(mended) => JobError::transient_since(mended, cause),
            None => JobError::transient(cause),
        }
    }

    /// Burns no attempt and adds nothing to the job's age.
    fn behind(&self, probe: Timestamp, cause: fault::Advised) -> JobError {
        let probe = probe.max(self.context.clock.now());
        let until = after(probe, self.context.scaled(BEHIND_THE_PROBE));
        JobError::snooze(until, cause)
    }

    /// Where no queue keeps jobs from a broken lane, requests are refused but for one at each probe.
    pub(super) fn may_ask(&self) -> Result<(), Refusal> {
        let Some(root) = self.root().filter(|_| self.beside) else {
            return Ok(());
        };
        let (now, next) = (self.context.clock.now(), self.context.next_probe());
        let asked = self.context.outages.may_ask(root, now, next);
        asked.map_err(|until| Refusal {
            until,
            why: format!("{}: it is broken and waits for its probe", root.as_str()),
        })
    }
}

/// Whether the upstream was there and worked. A 408 and a 429 leave it open.
fn is_an_answer(error: &Error) -> bool {
    let status = error.status();
    status.is_some_and(|status| !matches!(status, 408 | 429))
}

//! What an engine counts of its jobs. Where nobody records metrics it costs next to nothing.

use std::time::Duration;

use metrics::{Counter, Histogram, counter, histogram};
use signalbox_core::QueueName;

use crate::protocol::{Buried, Verb};

/// The name of the counter, which is part of the public surface.
const JOBS: &str = "signalbox_jobs_total";

/// The counts of one queue. Every outcome is there from the start, at zero.
#[derive(Clone)]
pub(crate) struct Tally {
    done: Counter,
    again: Counter,
    retried: Counter,
    deferred: Counter,
    snoozed: Counter,
    released: Counter,
    dead: Counter,
    held: Counter,
    refused: Counter,
    seconds: Histogram,
}

impl Tally {
    pub(crate) fn new(queue: QueueName) -> Self {
        let kind = queue.kind();
        let jobs = |outcome: &'static str| counter!(JOBS, "queue" => kind, "outcome" => outcome);
        Self {
            done: jobs("done"),
            again: jobs("again"),
            retried: jobs("retried"),
            deferred: jobs("deferred"),
            snoozed: jobs("snoozed"),
            released: jobs("released"),
            dead: jobs("dead"),
            held: jobs("held"),
            refused: jobs("refused"),
            seconds: histogram!("signalbox_job_seconds", "queue" => kind),
        }
    }

    /// An outcome is durable.
    pub(crate) fn ended(&self, verb: &Verb) {
        let counter = match verb {
            Verb::Complete => &self.done,
            Verb::Again(_) => &self.again,
            Verb::Retry(_) => &self.retried,
            Verb::Defer(_) => &self.deferred,
            Verb::Snooze(_) => &self.snoozed,
            Verb::Release => &self.released,
            Verb::Dead => &self.dead,
            Verb::Hold(_) => &self.held,
        };
        counter.increment(1);
    }

    /// An outcome came after its lease had passed on, and changed nothing.
    pub(crate) fn refused(&self) {
        self.refused.increment(1);
    }

    /// An attempt ran for this long.
    pub(crate) fn ran(&self, time: Duration) {
        self.seconds.record(time);
    }
}

impl std::fmt::Debug for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tally")
    }
}

/// Jobs, of whatever queues, that a fetch found dead of the deaths of their workers.
pub(crate) fn buried(jobs: &[Buried]) {
    for job in jobs {
        let kind = job
            .queue
            .split_once('@')
            .map_or(&*job.queue, |(kind, _)| kind);
        counter!(JOBS, "queue" => kind.to_owned(), "outcome" => "dead").increment(1);
    }
}

//! What is measured: each shape with its numbers of jobs and its unit.

use clap::ValueEnum;
use serde::Serialize;

use crate::contestant::How;

/// Enough jobs for a rate when everything is scaled down.
const FEWEST: usize = 20;

/// One thing that a queue does, as an operator would see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Shape {
    EnqueueSequential,
    EnqueueConcurrent,
    EnqueueBulk,
    ProcessC1,
    ProcessC10,
    ProcessC100,
    Pickup,
    #[value(name = "backlog-1m")]
    #[serde(rename = "backlog-1m")]
    Backlog1m,
    #[value(name = "lanes-10k")]
    #[serde(rename = "lanes-10k")]
    Lanes10k,
    Memory,
}

/// How a shape is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Plan {
    /// Jobs are enqueued.
    Enqueue(usize, How),
    /// Jobs that wait are processed.
    Process(usize, Concurrency),
    /// Single jobs meet an idle worker.
    Pickup(usize),
    /// Some jobs are processed while many more wait, and again with no more than themselves.
    Backlog { waiting: usize, processed: usize },
    /// Jobs of many lanes are processed, and again with all of them in one.
    Lanes { lanes: usize, processed: usize },
    /// Jobs wait, then are done, then have receipts.
    Memory(usize),
}

/// Jobs that are processed at the same time.
pub(crate) type Concurrency = usize;

impl Shape {
    pub(crate) const ALL: [Self; 10] = [
        Self::EnqueueSequential,
        Self::EnqueueConcurrent,
        Self::EnqueueBulk,
        Self::ProcessC1,
        Self::ProcessC10,
        Self::ProcessC100,
        Self::Pickup,
        Self::Backlog1m,
        Self::Lanes10k,
        Self::Memory,
    ];

    /// The word on the command line, in the JSON and in the table.
    pub(crate) fn word(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }

    pub(crate) fn unit(self) -> &'static str {
        match self {
            Self::Pickup => "ms",
            Self::Memory => "bytes",
            _ => "jobs/s",
        }
    }

    /// What is done, with all numbers multiplied by `scale`.
    pub(crate) fn plan(self, scale: f64) -> Plan {
        let jobs = |full: usize| scaled(full, scale);
        match self {
            Self::EnqueueSequential => Plan::Enqueue(jobs(20_000), How::OneByOne),
            Self::EnqueueConcurrent => Plan::Enqueue(jobs(100_000), How::InFlight(1000)),
            Self::EnqueueBulk => Plan::Enqueue(jobs(100_000), How::Bulk(100)),
            Self::ProcessC1 => Plan::Process(jobs(10_000), 1),
            Self::ProcessC10 => Plan::Process(jobs(50_000), 10),
            Self::ProcessC100 => Plan::Process(jobs(100_000), 100),
            Self::Pickup => Plan::Pickup(jobs(500)),
            Self::Backlog1m => Plan::Backlog {
                waiting: jobs(1_000_000),
                processed: jobs(100_000),
            },
            Self::Lanes10k => Plan::Lanes {
                lanes: jobs(10_000),
                processed: jobs(100_000),
            },
            Self::Memory => Plan::Memory(jobs(100_000)),
        }
    }

    /// Peers have no lanes and no ledger; the rest they are measured at.
    pub(crate) fn is_ours_alone(self) -> bool {
        self == Self::Lanes10k
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "numbers of jobs are small and positive"
)]
fn scaled(full: usize, scale: f64) -> usize {
    ((full as f64 * scale) as usize).max(FEWEST)
}

#[cfg(test)]
mod tests {
    use super::{Plan, Shape};

    #[test]
    fn shapes_are_called_what_the_design_calls_them() {
        let words = Shape::ALL.map(Shape::word).join(" ");
        assert_eq!(
            words,
            "enqueue-sequential enqueue-concurrent enqueue-bulk process-c1 process-c10 process-c100 \
             pickup backlog-1m lanes-10k memory"
        );
    }

    #[test]
    fn however_small_the_scale_there_is_something_to_measure() {
        assert!(matches!(Shape::Pickup.plan(0.0), Plan::Pickup(20)));
    }
}

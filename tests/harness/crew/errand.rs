//! Work that asks something of an upstream, and needs leave for it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use signalbox_core::{JobId, LaneChain, LaneLimits, LaneName, Payload, QueueName};
use signalbox_queue::NewJob;

/// A lane with its limits.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Limited {
    /// The lane.
    pub lane: String,
    /// What the upstream allows on it.
    pub limits: LaneLimits,
}

/// A job that sends one request as soon as it is allowed to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Errand {
    /// Which one.
    pub number: u32,
    /// The lanes of the request, the lowest first and the root last.
    pub lanes: Vec<Limited>,
    /// The socket where the request goes.
    pub upstream: PathBuf,
}

impl Payload for Errand {
    const QUEUE: QueueName = QueueName::new("errand", 1);
}

impl Errand {
    /// The job for it.
    pub fn job(self) -> anyhow::Result<NewJob> {
        let mut names = self.lanes.iter().rev().map(Limited::name);
        let root = LaneChain::root(names.next().unwrap_or_else(|| LaneName::new(["errands"])));
        let lanes = names.fold(root, |chain, lane| chain.below(lane));
        let id = JobId::new(["errand", &self.number.to_string()]);
        Ok(NewJob::new(id, lanes, self, None)?)
    }
}

impl Limited {
    /// The lane's name.
    pub fn name(&self) -> LaneName {
        LaneName::from_stored(self.lane.clone())
    }
}

/// What is written to the upstream: one line. Instants are microseconds of the machine's clock, which is also Redis'.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The lowest lane.
    pub lane: String,
    /// Before leave was asked for.
    pub asked: i64,
    /// After it was given. Redis gave it in between.
    pub granted: i64,
}

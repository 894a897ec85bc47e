//! Work that does nothing but take its time.

use serde::{Deserialize, Serialize};
use signalbox_core::{JobId, LaneChain, LaneName, Payload, QueueName};
use signalbox_queue::NewJob;

/// Lanes that chores are spread over.
const LANES: u32 = 16;

/// A job that is run, and recorded, and that is all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chore {
    /// Which one.
    pub number: u32,
    /// How long it takes.
    pub takes_ms: u64,
    /// What makes it as long as it is.
    pub padding: String,
}

impl Payload for Chore {
    const QUEUE: QueueName = QueueName::new("chore", 1);
}

impl Chore {
    /// Chore `number`.
    pub fn new(number: u32, takes_ms: u64) -> Self {
        Self {
            number,
            takes_ms,
            padding: String::new(),
        }
    }

    /// The job for it, in one of several lanes under the root `chores`.
    pub fn job(self) -> anyhow::Result<NewJob> {
        let lane = (self.number % LANES).to_string();
        let lanes =
            LaneChain::root(LaneName::new(["chores"])).below(LaneName::new(["chores", &lane]));
        let id = JobId::new(["chore", &self.number.to_string()]);
        Ok(NewJob::new(id, lanes, self, None)?)
    }
}

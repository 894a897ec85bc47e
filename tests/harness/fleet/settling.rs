//! When a fleet has dealt with everything that happened.

use std::time::{Duration, Instant};

use anyhow::Result;
use signalbox_queue::{JobState, Queue};
use signalbox_sim::Verdict;

use super::{Fleet, for_purchaser};
use crate::until::PATIENCE;

impl Fleet {
    /// Waits until what happened so far has been dealt with, and returns the simulator's verdict.
    ///
    /// It does not wait for what will never come: cards of a status that a document has left.
    pub async fn drain(&self, queue: &Queue) -> Result<Verdict> {
        let start = Instant::now();
        // The source notifies in order, so with this one everything before it has been sent.
        self.sim.post_new_purchase_invoice(&for_purchaser("P01"))?;
        let delivered = || {
            self.sim
                .verdict()
                .lost
                .list
                .iter()
                .all(|one| one.superseded)
        };
        while !(delivered() && is_quiet(queue).await) && start.elapsed() < PATIENCE {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(self.sim.verdict())
    }

    /// Waits until no job is left but those for later, such as the next renewal.
    pub async fn quiet(&self, queue: &Queue) -> Result<()> {
        self.until("no job is left", async || is_quiet(queue).await)
            .await
    }
}

/// Whether nothing waits and nothing runs. What a fault of Redis hides is not quiet.
async fn is_quiet(queue: &Queue) -> bool {
    let Ok(depth) = queue.depth().await else {
        return false;
    };
    let busy = |name: &str, state| match state {
        // The next renewal, the next looks and the next tick are always scheduled.
        JobState::Scheduled => !["renew@2", "catch_up@2"].contains(&name),
        JobState::Ready | JobState::Running => true,
        _ => false,
    };
    !depth
        .iter()
        .any(|((name, state), count)| *count != 0 && busy(name, *state))
}

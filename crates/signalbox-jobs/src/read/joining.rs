//! Which jobs go along with a read: those that wait for the same set of the same company.

use signalbox_core::{JobError, Read};
use signalbox_queue::{Job, QueueError};

use super::{Reading, crowd::Present};
use crate::fault;

impl Reading<'_> {
    /// Lets jobs that wait for the same set join the attempt of `job`, if there are likely to be any.
    pub(super) async fn joined(
        &self,
        present: &Present<'_>,
        job: &Job<Read>,
    ) -> Result<Vec<Job<Read>>, JobError> {
        let read = &job.payload;
        let now = self.context.clock.now();
        // Who has a document replayed waits for that one.
        if read.replay.is_some() || !present.is_crowded(job.enqueued_at, now) {
            return Ok(Vec::new());
        }
        let most = self.most_together(&read.record);
        if most < 2 {
            return Ok(Vec::new());
        }
        // Others join only who may send: what found no place at first and then one after all would go alone.
        self.way.reserve().await?;
        let queue = &self.context.queue;
        match queue.claim_more(&job.lease, &read.batch(), most - 1).await {
            Ok(jobs) => Ok(jobs),
            Err(error @ QueueError::LeaseLost) => Err(fault::queue(error)),
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(
                    error,
                    "a read goes alone, because it is not known what else waits"
                );
                Ok(Vec::new())
            }
        }
    }

    /// How many records, addressed as `key` is, are asked for in one request.
    pub(super) fn most_together(&self, key: &str) -> usize {
        let client = &self.source.client;
        let limit = client.most_together(self.set, self.company(), key);
        self.source.reads.most(limit)
    }
}

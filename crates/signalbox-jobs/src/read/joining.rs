//! Which jobs go along with a read: those that wait for the same set of the same company.

use std::sync::Arc;

use signalbox_core::{JobError, Read};
use signalbox_queue::{Job, QueueError};

use super::{
    Reading,
    crowd::Present,
    guests::{Guest, Role},
    newest::Found,
};
use crate::fault;

/// How a read comes to its record.
pub(super) enum Going {
    /// It asks, for itself and for these.
    With {
        /// Jobs that wait in the queue: they end with it.
        joined: Vec<Job<Read>>,
        /// Jobs of this process: they end by themselves.
        guests: Vec<Guest>,
    },
    /// Another read of this process has asked.
    Answered(Found),
}

impl Reading<'_> {
    /// Finds out who goes along with `job`, if there is likely to be anybody.
    pub(super) async fn going(
        &self,
        present: &Present<'_>,
        job: &Arc<Job<Read>>,
    ) -> Result<Going, JobError> {
        let read = &job.payload;
        let now = self.context.clock.now();
        let most = self.most_together(&read.record);
        // Who has a document replayed waits for that one.
        if most < 2 || read.replay.is_some() || !present.is_crowded(job.enqueued_at, now) {
            return Ok(Going::With {
                joined: Vec::new(),
                guests: Vec::new(),
            });
        }
        let host = loop {
            match self.source.reads.tables().join(job) {
                Role::Host(host) => break host,
                Role::Guest(answer) => {
                    // Without an answer the host found no leave or was cut off: somebody else has to ask.
                    if let Ok(found) = answer.await {
                        return Ok(Going::Answered(found));
                    }
                }
            }
        };
        // Others join only who may send: what found no place at first and then one after all would go alone.
        self.way.reserve().await?;
        let guests = host.leave(most - 1);
        let joined = self.joined(job, most - 1 - guests.len()).await?;
        Ok(Going::With { joined, guests })
    }

    /// Lets up to `most` jobs that wait for the same set join the attempt of `job`.
    async fn joined(&self, job: &Job<Read>, most: usize) -> Result<Vec<Job<Read>>, JobError> {
        let (queue, batch) = (&self.context.queue, job.payload.batch());
        match queue.claim_more(&job.lease, &batch, most).await {
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

//! Claims: jobs that wait join the attempt of another one, so that one request does the work of many.
//!
//! They run under the token of that attempt, are renewed with it and end with it: completed, tried again or given back
//! together, each by what it has behind it, or as its handler says of it alone. When its worker dies, all come back.

use signalbox_core::Payload;
use tokio_util::task::TaskTracker;
use tracing::Span;

use crate::{
    Job, Lease, Queue, QueueError, gather,
    lease::Companion,
    protocol::{self, Ack, Leased, Verb},
    worker,
};

/// Jobs that may join one attempt. They end in one script, which keeps Redis from everybody else.
const MOST_JOINED: usize = 1000;

impl Queue {
    /// Lets up to `most` ready jobs join the attempt of `lease`: those of its queue and lane that were enqueued as
    /// [`batched_with`](crate::NewJob::batched_with) `batch`, the first in line first.
    ///
    /// What becomes of the attempt becomes of them, unless [`Lease::end_as`] says otherwise of one; the lease that each
    /// brings is for that and for its own effects. Fewer come if no more wait, and none if the lane is shut or broken or if the attempt runs alone. An attempt is joined by at most
    /// 1000 jobs.
    ///
    /// # Errors
    /// [`QueueError::LeaseLost`] if the lease has passed on. After any other error some may have joined unseen: they
    /// run again when their leases have run out.
    pub async fn claim_more<P: Payload>(
        &self,
        lease: &Lease,
        batch: &str,
        most: usize,
    ) -> Result<Vec<Job<P>>, QueueError> {
        let claim = claim(self.clone(), lease.clone(), batch.to_owned(), most);
        // A task of its own: if its caller goes away, what it brings still ends with the attempt.
        let claimed = TaskTracker::new().spawn(claim).await;
        let mut jobs = Vec::new();
        for leased in claimed.unwrap_or_else(|_| Err(gather::abandoned()))? {
            match worker::open(self, &leased) {
                Ok(payload) => {
                    if let Some(trace) = &leased.trace {
                        signalbox_trace::link(&Span::current(), trace);
                    }
                    jobs.push(worker::job(payload, leased));
                }
                Err(error) => {
                    let (own, verb) = (&leased.lease, worker::unopened(&error));
                    tracing::error!(job.id = %own.id, ?verb, reason = error.chain(), "a job cannot be read");
                    lease.part_from(own);
                    protocol::settle(self, own, verb, &error.chain()).await?;
                }
            }
        }
        Ok(jobs)
    }
}

async fn claim(
    queue: Queue,
    lease: Lease,
    batch: String,
    most: usize,
) -> Result<Vec<Leased>, QueueError> {
    let room = (MOST_JOINED + 1).saturating_sub(lease.weight());
    if room.min(most) == 0 {
        return Ok(Vec::new());
    }
    let partition = queue.home_of(&lease);
    let mut joined = Vec::new();
    let mut late = Vec::new();
    for leased in protocol::claim(partition, &lease, &batch, most.min(room)).await? {
        let companion = Companion::from(&leased);
        let own = lease.of(&companion);
        if lease.join(companion) {
            joined.push(Leased {
                lease: own,
                ..leased
            });
        } else {
            late.push(Ack::of_all(&own, &Verb::Release, ""));
        }
    }
    if !late.is_empty() {
        protocol::settle_in(partition, &late).await?;
    }
    Ok(joined)
}

impl From<&Leased> for Companion {
    fn from(leased: &Leased) -> Self {
        Self {
            id: leased.lease.id.clone(),
            reference: leased.lease.reference.clone(),
            enqueued_at: leased.enqueued_at,
            attempt: leased.attempt,
            faults: leased.faults,
            payload: leased.payload.as_slice().into(),
            word: None,
        }
    }
}

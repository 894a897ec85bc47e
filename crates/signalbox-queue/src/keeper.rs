//! The keeper: renews the leases of running handlers, and stops a handler whose lease is lost.
//!
//! A lease counts from before the request that got or renewed it, on the monotonic clock: if Redis is away for
//! longer than that, the handler is stopped here before another worker can be given the job.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio_util::sync::CancellationToken;

use crate::{Lease, QueueError, engine::Shared, portion, protocol};

/// Jobs in one script. All jobs of an attempt go into the same one, so that none is lost without the others.
const MOST_PER_SCRIPT: usize = 1000;
/// Between tries while Redis is away; short, because leases are running out.
const RETRY: Duration = Duration::from_millis(200);

/// Renews until `stop`.
pub(crate) async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    let period = shared.options.lease / 3;
    let mut pause = period;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        abandon_overdue(&shared);
        let renewed = tokio::time::timeout(period, renew_all(&shared)).await;
        pause = if matches!(renewed, Ok(Ok(()))) {
            period
        } else {
            RETRY.min(period)
        };
    }
}

fn abandon_overdue(shared: &Shared) {
    let now = Instant::now();
    for lease in shared.leases().iter().filter(|lease| lease.until() <= now) {
        tracing::warn!(job.id = %lease.id, "the lease was not renewed in time; the handler is stopped");
        shared.abandon(lease);
    }
}

async fn renew_all(shared: &Shared) -> Result<(), QueueError> {
    let mut by_partition: BTreeMap<u16, Vec<Lease>> = BTreeMap::new();
    for lease in shared.leases() {
        by_partition.entry(lease.partition).or_default().push(lease);
    }
    for (partition, leases) in by_partition {
        for chunk in portion::by_weight(&leases, MOST_PER_SCRIPT, Lease::weight) {
            renew(shared, partition, chunk).await?;
        }
    }
    Ok(())
}

async fn renew(shared: &Shared, partition: u16, leases: &[Lease]) -> Result<(), QueueError> {
    let partition = &shared.queue.inner.partitions[usize::from(partition)];
    let flags = protocol::renew_in(partition, shared.options.lease, leases).await?;
    shared.options.pulse.beat(shared.name);
    for (lease, _) in leases.iter().zip(flags).filter(|(_, flag)| *flag == 0) {
        if shared.holds(lease) {
            tracing::warn!(job.id = %lease.id, "the lease is lost; the handler is stopped");
            shared.abandon(lease);
        }
    }
    Ok(())
}

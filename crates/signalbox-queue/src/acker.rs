//! The acker: makes outcomes durable, many in one script.
//!
//! Outcomes are fenced by their tokens, so a batch whose answer was lost is simply sent again, and one member
//! that Redis refuses does not keep the others from being applied.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use signalbox_core::Backoff;
use tokio::sync::mpsc;

use crate::{
    QueueError,
    engine::Shared,
    portion,
    protocol::{self, Ack},
};

/// Jobs in one script; more only if they are all of one attempt.
const MOST_PER_SCRIPT: usize = 500;
const RETRY: Backoff = Backoff {
    least: Duration::from_millis(20),
    most: Duration::from_secs(1),
};
/// After this many failures while shutting down, leases are left to run out.
const LAST_TRIES: u32 = 8;

/// While nobody waits for the room that an outcome frees, it lets the follow-up that it just enqueued go first:
/// both wait for the disk, one behind the other.
const LINGER: Duration = Duration::from_millis(1);

/// Makes outcomes durable until nobody can send any more.
pub(crate) async fn run(shared: Arc<Shared>, mut acks: mpsc::UnboundedReceiver<Ack>) {
    let mut batch = Vec::new();
    while acks.recv_many(&mut batch, MOST_PER_SCRIPT).await > 0 {
        if shared.has_room_to_spare() {
            tokio::time::sleep(LINGER).await;
            while batch.len() < MOST_PER_SCRIPT
                && let Ok(ack) = acks.try_recv()
            {
                batch.push(ack);
            }
        }
        let mut by_partition: BTreeMap<u16, Vec<Ack>> = BTreeMap::new();
        for ack in batch.drain(..) {
            by_partition
                .entry(ack.lease.partition)
                .or_default()
                .push(ack);
        }
        for (partition, acks) in by_partition {
            let weight = |ack: &Ack| 1 + ack.companions.len();
            for acks in portion::by_weight(&acks, MOST_PER_SCRIPT, weight) {
                settle_until_durable(&shared, partition, acks).await;
                for ack in acks {
                    shared.forget(&ack.lease);
                }
            }
        }
    }
}

async fn settle_until_durable(shared: &Shared, partition: u16, acks: &[Ack]) {
    let partition = &shared.queue.inner.partitions[usize::from(partition)];
    let mut failures = 0;
    loop {
        match protocol::settle_in(partition, acks).await {
            Ok(flags) => return report_refused(acks, &flags),
            Err(error) => {
                failures += 1;
                let gone = matches!(error, QueueError::NotInstalled { .. });
                let last = shared.quiet.is_cancelled() && failures >= LAST_TRIES;
                report_failure(acks, &error);
                if gone || last {
                    return;
                }
                tokio::time::sleep(RETRY.delay(failures, u64::from(failures))).await;
            }
        }
    }
}

fn report_failure(acks: &[Ack], error: &QueueError) {
    let error: &dyn std::error::Error = error;
    tracing::warn!(error, outcomes = acks.len(), "cannot make outcomes durable");
}

fn report_refused(acks: &[Ack], flags: &[u8]) {
    let each = acks.iter().flat_map(Ack::each);
    for (ack, _) in each.zip(flags).filter(|(_, flag)| **flag == 0) {
        tracing::warn!(job.id = %ack.lease.id, "a late outcome was refused: the lease had passed on");
    }
}

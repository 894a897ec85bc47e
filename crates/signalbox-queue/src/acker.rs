//! The acker: makes outcomes durable, many in one script.
//!
//! Outcomes are fenced by their tokens, so a batch whose answer was lost is simply sent again, and one member
//! that Redis refuses does not keep the others from being applied.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures::FutureExt;
use signalbox_core::Backoff;
use tokio::sync::{Semaphore, mpsc};
use tokio_util::task::TaskTracker;

use crate::{
    QueueError,
    engine::Shared,
    partition::Partition,
    portion,
    protocol::{self, Ack},
    seats::{Door, Seats},
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

/// Scripts on their way to one Redis at a time: while it works on one, the next outcomes gather for another.
const UNDER_WAY: usize = 2;

/// Makes outcomes durable until nobody can send any more.
pub(crate) async fn run(shared: Arc<Shared>, mut acks: mpsc::UnboundedReceiver<Ack>, door: Door) {
    let calls = TaskTracker::new();
    let turns = Arc::new(Semaphore::new(UNDER_WAY));
    while let Ok(turn) = turns.clone().acquire_owned().await {
        let mut batch = Vec::new();
        if acks.recv_many(&mut batch, MOST_PER_SCRIPT).await == 0 {
            break;
        }
        if shared.has_room_to_spare() {
            tokio::time::sleep(LINGER).await;
        } else {
            // Jobs that were leased together end together.
            tokio::task::yield_now().await;
        }
        while batch.len() < MOST_PER_SCRIPT
            && let Ok(ack) = acks.try_recv()
        {
            batch.push(ack);
        }
        let turn = Arc::new(turn);
        for (partition, acks) in by_partition(batch) {
            let settling = settle(shared.clone(), partition, acks, door.clone());
            let turn = turn.clone();
            calls.spawn(settling.map(|()| drop(turn)));
        }
    }
    calls.close();
    calls.wait().await;
}

fn by_partition(batch: Vec<Ack>) -> BTreeMap<u16, Vec<Ack>> {
    let mut by_partition: BTreeMap<u16, Vec<Ack>> = BTreeMap::new();
    for ack in batch {
        by_partition
            .entry(ack.lease.partition)
            .or_default()
            .push(ack);
    }
    by_partition
}

/// Makes outcomes of one partition durable, and fetches what waits there for the room that they leave.
async fn settle(shared: Arc<Shared>, partition: u16, acks: Vec<Ack>, door: Door) {
    let partition = &shared.queue.inner.partitions[usize::from(partition)];
    let weight = |ack: &Ack| 1 + ack.companions.len();
    for acks in portion::by_weight(&acks, MOST_PER_SCRIPT, weight) {
        let seats = shared.may_go_on_here().then(|| door.seats_of(acks));
        let went_on = match seats.flatten() {
            Some(seats) => settle_and_fetch(&shared, partition, acks, seats).await,
            None => false,
        };
        if !went_on {
            settle_until_durable(&shared, partition, acks).await;
            forget(&shared, acks);
        }
    }
}

/// False if the outcomes may not be durable.
async fn settle_and_fetch(
    shared: &Shared,
    partition: &Partition,
    acks: &[Ack],
    seats: Seats,
) -> bool {
    match protocol::settle_and_fetch(partition, acks, shared.name, seats.wanted()).await {
        Ok((flags, batch)) => {
            account(shared, acks, &flags);
            forget(shared, acks);
            seats.take(batch).await;
            true
        }
        Err(error) => {
            report_failure(acks, &error);
            false
        }
    }
}

fn forget(shared: &Shared, acks: &[Ack]) {
    for ack in acks {
        shared.forget(&ack.lease);
    }
}

async fn settle_until_durable(shared: &Shared, partition: &Partition, acks: &[Ack]) {
    let mut failures = 0;
    loop {
        match protocol::settle_in(partition, acks).await {
            Ok(flags) => return account(shared, acks, &flags),
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

/// Counts what became of jobs, and tells of those that another attempt has.
fn account(shared: &Shared, acks: &[Ack], flags: &[u8]) {
    let each = acks.iter().flat_map(Ack::each);
    for (ack, flag) in each.zip(flags) {
        if *flag == 0 {
            shared.tally.refused();
            tracing::warn!(job.id = %ack.lease.id, "a late outcome was refused: the lease had passed on");
        } else {
            shared.tally.ended(&ack.verb);
        }
    }
}

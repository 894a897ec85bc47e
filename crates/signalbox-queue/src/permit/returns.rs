//! Permits on their way back, many in one script.
//!
//! While its lane has places to spare, a permit lets the next step of its job go first: both wait for the disk, one
//! behind the other. Where places are scarce it goes back at once. One that is lost on the way is free with its lease.

use std::{
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio_util::task::TaskTracker;

use super::{Permit, holder};
use crate::{Queue, QueueError, partition::Partition, scripts};

/// How long a permit waits for company.
const LINGER: Duration = Duration::from_millis(1);
/// Places in one script.
const MOST_PER_SCRIPT: usize = 500;

/// A lane, and the holder of a place in it.
type Place = (String, String);

/// The places of one partition that wait for the next script.
#[derive(Debug, Default)]
pub(crate) struct Returns {
    /// Nothing awaits while it is locked.
    waiting: Mutex<Vec<Place>>,
    calls: TaskTracker,
}

impl Queue {
    /// Gives `permit` back soon, and waits for nothing. Needs a Tokio runtime.
    pub fn let_go(&self, permit: &Permit) {
        if !permit.takes_a_place() {
            return;
        }
        let partition = &self.inner.partitions[usize::from(permit.partition)];
        let first = partition.returns.push(places(permit, partition));
        if first || permit.scarce {
            let linger = (!permit.scarce).then_some(LINGER);
            let sent = send_waiting(partition.clone(), linger);
            partition.returns.calls.spawn(sent);
        }
    }

    /// Gives `permit` back and waits until that is done.
    pub async fn give_back(&self, permit: Permit) -> Result<(), QueueError> {
        let partition = &self.inner.partitions[usize::from(permit.partition)];
        send(partition, &places(&permit, partition)).await
    }
}

impl Returns {
    /// True if nobody else waits.
    fn push(&self, places: Vec<Place>) -> bool {
        let mut waiting = self.waiting();
        let first = waiting.is_empty();
        waiting.extend(places);
        first
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Place>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn places(permit: &Permit, partition: &Partition) -> Vec<Place> {
    let holder = holder(permit, partition);
    let lanes = permit.lanes.iter();
    lanes
        .map(|lane| (lane.as_str().to_owned(), holder.clone()))
        .collect()
}

async fn send_waiting(partition: Partition, linger: Option<Duration>) {
    if let Some(linger) = linger {
        tokio::time::sleep(linger).await;
    }
    let places = mem::take(&mut *partition.returns.waiting());
    for some in places.chunks(MOST_PER_SCRIPT) {
        if let Err(error) = send(&partition, some).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                permits = some.len(),
                "permits were not given back; they are free when their jobs end"
            );
        }
    }
}

async fn send(partition: &Partition, places: &[Place]) -> Result<(), QueueError> {
    let mut call = partition.call(&scripts::GIVE_PERMITS);
    for (lane, holder) in places {
        call.arg(lane).arg(holder);
    }
    partition.invoke(&call).await
}

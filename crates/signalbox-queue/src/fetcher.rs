//! The fetcher: leases jobs of one queue in one partition, never more than there is room for.
//!
//! It sleeps on a bell in Redis and on a timer for the next instant at which the partition changes by itself.
//! A Redis fault only makes it wait: it tries again until the engine is quiet.

use std::{sync::Arc, time::Duration};

use futures::{FutureExt, future::BoxFuture};
use redis::{RedisResult, Value};
use signalbox_core::Backoff;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use crate::{
    QueueError,
    company::Place,
    engine::Shared,
    keys,
    partition::Partition,
    protocol::{self, Batch, Leased, Wanted},
};

/// Between tries while Redis is away.
const RECONNECT: Backoff = Backoff {
    least: Duration::from_millis(20),
    most: Duration::from_millis(500),
};

/// Fetches until the engine is quiet.
pub(crate) async fn run(shared: Arc<Shared>, partition: Partition, jobs: mpsc::Sender<Leased>) {
    let mut bell = Bell::new(&shared, partition.clone());
    let mut failures = 0;
    let mut suspects = false;
    while let Some((room, place)) = room_and_place(&shared, suspects).await {
        match fetch(&shared, &partition, room.len(), &place).await {
            Ok(batch) => {
                suspects = batch.suspects > 0;
                shared.note_backlog(batch.more);
                deliver(&shared, batch.jobs, room, place, &jobs).await;
                // With nothing left behind, whatever comes rings the bell: another look would only be in the way.
                if !batch.more && !suspects {
                    let idle = shared.idle();
                    let longest = batch.next_change.map_or(idle, |next| next.min(idle));
                    failures = bell.wait(longest).await.map_or(failures + 1, |()| 0);
                } else {
                    failures = 0;
                }
            }
            Err(error) => {
                failures += 1;
                report(&shared, failures, &error);
            }
        }
        if failures > 0 {
            shared
                .pause(RECONNECT.delay(failures, u64::from(failures)))
                .await;
        }
    }
}

/// Room for jobs, and a place to run them: the whole process, if a job waits that must run alone.
/// `None` once the engine is quiet.
async fn room_and_place(
    shared: &Shared,
    alone: bool,
) -> Option<(Vec<OwnedSemaphorePermit>, Place)> {
    let room = shared.room().await?;
    let place = async {
        if alone {
            shared.company.alone().await
        } else {
            shared.company.among().await
        }
    };
    tokio::select! {
        biased;
        () = shared.quiet.cancelled() => None,
        place = place => Some((room, place)),
    }
}

/// The first failure is told at once, a lasting one from time to time.
fn report(shared: &Shared, failures: u32, error: &QueueError) {
    if failures.is_power_of_two() {
        let error: &dyn std::error::Error = error;
        tracing::warn!(error, failures, queue.name = %shared.name, "cannot fetch jobs; trying again");
    }
}

/// Puts leased jobs into the engine, each with its room.
pub(crate) async fn deliver(
    shared: &Shared,
    leased: Vec<Leased>,
    room: Vec<OwnedSemaphorePermit>,
    place: Place,
    jobs: &mpsc::Sender<Leased>,
) {
    for (job, room) in leased.iter().zip(room) {
        shared.hold(&job.lease, room, place.clone());
    }
    for job in leased {
        // The channel is as large as the room for jobs, so this waits for nobody.
        if jobs.send(job).await.is_err() {
            return;
        }
    }
}

async fn fetch(
    shared: &Shared,
    partition: &Partition,
    room: usize,
    place: &Place,
) -> Result<Batch, QueueError> {
    let alone = place.is_alone();
    let wanted = Wanted {
        period: shared.options.lease,
        most: if alone { 1 } else { room },
        alone,
    };
    let mut batch = protocol::fetch_from(partition, &shared.name, wanted).await?;
    shared.options.pulse.beat(shared.name);
    shared.saw_buried(std::mem::take(&mut batch.buried));
    Ok(batch)
}

impl Shared {
    /// Waits for `time`, or less if the engine becomes quiet.
    async fn pause(&self, time: Duration) {
        tokio::select! {
            () = self.quiet.cancelled() => {}
            () = tokio::time::sleep(time) => {}
        }
    }
}

/// The bell of one queue in one partition.
struct Bell<'a> {
    shared: &'a Shared,
    partition: Partition,
    /// A wait that a timer interrupted is taken up again, because Redis still serves it.
    ringing: Option<BoxFuture<'static, RedisResult<()>>>,
}

impl<'a> Bell<'a> {
    fn new(shared: &'a Shared, partition: Partition) -> Self {
        Self {
            shared,
            partition,
            ringing: None,
        }
    }

    /// Returns when the bell rang, after `longest`, or when the engine is quiet.
    async fn wait(&mut self, longest: Duration) -> RedisResult<()> {
        let ringing = self.ringing.get_or_insert_with(|| {
            let key = keys::wake(&self.partition.prefix, &self.shared.name.to_string());
            listen(self.partition.clone(), key, self.shared.idle()).boxed()
        });
        tokio::select! {
            rung = ringing => {
                self.ringing = None;
                rung
            }
            () = tokio::time::sleep(longest) => Ok(()),
            () = self.shared.quiet.cancelled() => Ok(()),
        }
    }
}

async fn listen(partition: Partition, key: String, idle: Duration) -> RedisResult<()> {
    let mut connection = partition.link.waiting(idle).await?;
    redis::cmd("BLPOP")
        .arg(key)
        .arg(idle.as_secs_f64())
        .query_async::<Value>(&mut connection)
        .await
        .map(drop)
}

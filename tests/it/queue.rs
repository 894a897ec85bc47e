//! The queue on a real Redis.

mod claims;
mod cluster;
mod conflicts;
mod cuts;
mod faults;
mod handing_over;
mod joined;
mod lanes;
mod leases;
mod ledger;
mod listing;
mod memory;
mod model;
mod operating;
mod outcomes;
mod payloads;
mod permits;
mod roster;
mod seats;
mod sentinel;
mod stepwise;
mod tls;
mod trail;
mod witness;

use std::time::Duration;

use signalbox_core::JobId;
use signalbox_queue::{JobState, JobView, NewJob, Queue};

use harness::Note;

/// Long enough that no lease runs out by itself within a test.
const LONG: Duration = Duration::from_secs(60);
/// Short enough to wait for.
const SHORT: Duration = Duration::from_millis(400);

async fn view(queue: &Queue, id: &str) -> JobView {
    let job = queue.job(&Note::root(), &JobId::new([id])).await.unwrap();
    job.unwrap_or_else(|| panic!("there is no job {id}"))
}

/// Waits until the job called `id` is in `state`, through any fault of Redis.
async fn until_state(queue: &Queue, id: &str, state: JobState) -> JobView {
    let mut last = None;
    for _ in 0..4000 {
        last = queue
            .job(&Note::root(), &JobId::new([id]))
            .await
            .ok()
            .flatten();
        if let Some(job) = last.as_ref().filter(|job| job.state == state) {
            return job.clone();
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{id} did not become {state:?}: {last:?}");
}

/// Enqueues until Redis takes it, as the ingress does.
async fn until_taken(queue: &Queue, job: NewJob) {
    let attempts = async {
        while let Err(error) = queue.enqueue(job.clone()).await {
            assert!(error.is_transient(), "{error:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let taken = tokio::time::timeout(Duration::from_secs(30), attempts).await;
    taken.expect("redis takes it within 30 s");
}

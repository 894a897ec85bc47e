//! What a queue has to do to be measured: the same plays for all, ours and the peers.
//!
//! A play opens its own connections outside the measured time, and leaves no task behind.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::{sync::Notify, task::JoinSet};

/// A play that takes longer is given up.
pub(crate) const LONGEST_PLAY: Duration = Duration::from_secs(600);
/// Between looks at whether the last outcomes have arrived.
const LOOK: Duration = Duration::from_millis(1);
/// A job that an idle worker has not begun by then was forgotten.
const FORGOTTEN: Duration = Duration::from_secs(5);
/// A worker that takes longer for what it is given hangs.
const HANGS: Duration = Duration::from_secs(180);
/// For how long a worker is left alone before it is surprised with a job.
pub(crate) const IDLE: Duration = Duration::from_millis(10);

/// Jobs that all contestants enqueue alike.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Jobs {
    /// Ids are this and the job's number in eleven digits: 97 bytes in all.
    pub(crate) prefix: String,
    pub(crate) count: usize,
    /// 100 bytes.
    pub(crate) payload: String,
    /// What a signal's trace travels as.
    pub(crate) trace: String,
    /// Over how many lanes they are spread, where there are lanes.
    pub(crate) lanes: usize,
    /// Over how many roots their lanes are spread, where there are partitions.
    pub(crate) roots: usize,
}

impl Jobs {
    pub(crate) fn new(count: usize, lanes: usize) -> Self {
        Self {
            prefix: "bc/erp/production/7f3b2c1a-9d4e-4f60-8a12-5b6c7d8e9f00/purchaseInvoices/0c9d8e7f/news/"
                .to_owned(),
            count,
            payload: "x".repeat(100),
            trace: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned(),
            lanes,
            roots: 1,
        }
    }

    pub(crate) fn id(&self, number: usize) -> String {
        format!("{}{number:011}", self.prefix)
    }
}

/// How jobs are enqueued.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum How {
    /// Each after the one before was acknowledged.
    OneByOne,
    /// So many at the same time, each by a call of its own.
    InFlight(usize),
    /// So many in one call, one call after the other.
    Bulk(usize),
}

/// What is asked of a contestant.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case", tag = "play")]
pub(crate) enum Play {
    Enqueue {
        jobs: Jobs,
        how: How,
    },
    /// Do nothing with each of `count` waiting jobs, and count it once its end is acknowledged.
    Process {
        count: usize,
        concurrency: usize,
    },
    /// Hand jobs to an idle worker, one at a time.
    Pickup {
        jobs: Jobs,
    },
    /// Enter so many receipts into the ledger, where there is one.
    Receipts {
        count: usize,
    },
}

/// What came of a play.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Played {
    /// Jobs that were acknowledged within `seconds`.
    pub(crate) count: usize,
    pub(crate) seconds: f64,
    /// Of each job that was handed to an idle worker.
    #[serde(default)]
    pub(crate) latencies_ms: Vec<f64>,
}

impl Played {
    pub(crate) fn since(start: Instant, count: usize) -> Self {
        Self {
            count,
            seconds: start.elapsed().as_secs_f64(),
            latencies_ms: Vec::new(),
        }
    }
}

/// A queue that is measured.
pub(crate) trait Contestant {
    /// What it is called in the JSON.
    fn name(&self) -> &'static str;

    fn play<'a>(&'a mut self, play: &'a Play) -> BoxFuture<'a, Result<Played>>;
}

/// Counts handlers, and wakes whoever waits for the last one.
#[derive(Debug, Clone)]
pub(crate) struct Tally(Arc<(AtomicUsize, Notify, usize)>);

impl Tally {
    pub(crate) fn of(wanted: usize) -> Self {
        Self(Arc::new((AtomicUsize::new(0), Notify::new(), wanted)))
    }

    pub(crate) fn count(&self) {
        let (count, reached, wanted) = &*self.0;
        if count.fetch_add(1, Ordering::Relaxed) + 1 == *wanted {
            reached.notify_one();
        }
    }

    /// Waits for the handlers, then until `ended` says that as many jobs have ended. Returns how many had.
    pub(crate) async fn acknowledged<F, R>(&self, ended: F) -> Result<usize>
    where
        F: Fn() -> R,
        R: Future<Output = Result<usize>>,
    {
        let (_, reached, wanted) = &*self.0;
        let handled = tokio::time::timeout(HANGS, reached.notified()).await;
        ensure!(handled.is_ok(), "the worker hangs");
        loop {
            let count = ended().await?;
            if count >= *wanted {
                return Ok(count);
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// Calls `send` with every number below `count`, from `width` tasks.
pub(crate) async fn in_flight<F, R>(count: usize, width: usize, send: F) -> Result<()>
where
    F: Fn(usize) -> R + Clone + Send + 'static,
    R: Future<Output = Result<()>> + Send,
{
    let next = Arc::new(AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..width.min(count) {
        let (send, next) = (send.clone(), next.clone());
        tasks.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return anyhow::Ok(());
                }
                send(number).await?;
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    Ok(())
}

/// The numbers below `count` in runs of `size`.
pub(crate) fn runs(count: usize, size: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    (0..count)
        .step_by(size)
        .map(move |first| first..count.min(first + size))
}

/// Enqueues one job after the other and notes how long each took to reach its handler.
pub(crate) async fn surprise<F, R>(
    count: usize,
    mut started: tokio::sync::mpsc::UnboundedReceiver<Instant>,
    send: F,
) -> Result<Played>
where
    F: Fn(usize) -> R,
    R: Future<Output = Result<()>>,
{
    let mut played = Played::default();
    for number in 0..count {
        // Idleness is what is measured here, and it cannot be awaited, only given.
        tokio::time::sleep(IDLE).await;
        let asked = Instant::now();
        send(number).await?;
        let start = tokio::time::timeout(FORGOTTEN, started.recv()).await;
        let start = start.context("an idle worker forgot a job")?;
        let at = start.context("the worker ended")?;
        let latency = at.duration_since(asked);
        played.latencies_ms.push(latency.as_secs_f64() * 1000.0);
        played.seconds += latency.as_secs_f64();
        played.count += 1;
    }
    Ok(played)
}

#[cfg(test)]
mod tests {
    use super::{Jobs, runs};

    #[test]
    fn ids_and_payloads_have_the_size_that_the_memory_goals_speak_of() {
        let jobs = Jobs::new(1, 1);
        assert_eq!((jobs.id(0).len(), jobs.payload.len()), (97, 100));
    }

    #[test]
    fn runs_cover_everything_once() {
        let covered: Vec<usize> = runs(7, 3).flatten().collect();
        assert_eq!(covered, [0, 1, 2, 3, 4, 5, 6]);
    }
}

//! The writer of the trail: one task per process, so that nobody on the way from signal to card waits for a step.
//!
//! Telling a step costs a push into a channel. The writer lets a few milliseconds pass after the first one, so that it
//! does not compete with the work that the step is about, and appends all that came meanwhile at once. A process that
//! is killed loses what the writer has not appended; one that stops loses nothing. What does not fit the channel
//! while Redis is away is dropped and counted.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use signalbox_core::Step;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{Queue, QueueError};

/// Steps that wait for the writer: a few seconds of the highest traffic, in some MiB.
const CAPACITY: usize = 16_384;
/// Steps appended at once.
const MOST_AT_ONCE: usize = 1000;
/// Longer than a signal takes to become a card when nothing is in the way.
const LINGER: Duration = Duration::from_millis(20);
/// Between two tries while Redis is away.
const PAUSE: Duration = Duration::from_millis(500);
/// Tries before a batch is given up; one that stops makes only one.
const TRIES: u32 = 60;

/// Where steps are told.
#[derive(Debug, Clone)]
pub struct Trail {
    steps: mpsc::Sender<Step>,
    dropped: Arc<AtomicU64>,
}

/// What appends the steps that were told.
#[derive(Debug)]
pub struct TrailWriter {
    queue: Queue,
    steps: mpsc::Receiver<Step>,
    dropped: Arc<AtomicU64>,
    complained: u64,
}

impl Trail {
    /// A trail in `queue`; nothing is appended unless its writer runs.
    pub fn open(queue: Queue) -> (Self, TrailWriter) {
        let (sender, steps) = mpsc::channel(CAPACITY);
        let dropped = Arc::new(AtomicU64::new(0));
        let writer = TrailWriter {
            queue,
            steps,
            dropped: dropped.clone(),
            complained: 0,
        };
        let trail = Self {
            steps: sender,
            dropped,
        };
        (trail, writer)
    }

    /// A trail that keeps nothing, for whoever does nothing that is told.
    pub fn nowhere() -> Self {
        Self {
            steps: mpsc::channel(1).0,
            dropped: Arc::default(),
        }
    }

    /// Tells a step. Never waits; what there is no room for is dropped and counted.
    pub fn tell(&self, step: Step) {
        if self.steps.try_send(step).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many steps were dropped.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

impl TrailWriter {
    /// Appends what is told, until `stop`, and then what was told before.
    pub async fn run(mut self, stop: CancellationToken) {
        while let Some(batch) = self.batch(&stop).await {
            if let Err(error) = self.append(&batch, &stop).await {
                let lost = batch.len() as u64;
                self.dropped.fetch_add(lost, Ordering::Relaxed);
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "steps are given up"
                );
            }
            self.complain();
        }
        self.complain();
    }

    /// The next steps, once some came and the linger is over; `None` when there will be no more.
    async fn batch(&mut self, stop: &CancellationToken) -> Option<Vec<Step>> {
        let mut batch = Vec::new();
        tokio::select! {
            biased;
            _ = self.steps.recv_many(&mut batch, MOST_AT_ONCE) => {}
            () = stop.cancelled() => {
                self.steps.close();
                self.steps.recv_many(&mut batch, MOST_AT_ONCE).await;
            }
        }
        if batch.is_empty() {
            return None;
        }
        tokio::select! {
            () = tokio::time::sleep(LINGER) => {}
            () = stop.cancelled() => {}
        }
        while batch.len() < MOST_AT_ONCE
            && let Ok(step) = self.steps.try_recv()
        {
            batch.push(step);
        }
        Some(batch)
    }

    async fn append(&self, batch: &[Step], stop: &CancellationToken) -> Result<(), QueueError> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.queue.append_steps(batch).await {
                Err(error) if tries >= TRIES || stop.is_cancelled() => return Err(error),
                Err(_) => tokio::select! {
                    () = tokio::time::sleep(PAUSE) => {}
                    () = stop.cancelled() => {}
                },
                Ok(()) => return Ok(()),
            }
        }
    }

    /// Says what was dropped since it was said last.
    fn complain(&mut self) {
        let dropped = self.dropped.load(Ordering::Relaxed);
        if dropped > self.complained {
            tracing::warn!(
                dropped = dropped - self.complained,
                "steps are missing from the trail, because redis did not take them in time; the jobs themselves are not affected"
            );
            self.complained = dropped;
        }
    }
}

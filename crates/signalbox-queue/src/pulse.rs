//! The pulse of a worker: the age of its last round trip to Redis, which tells more than that its process exists.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use signalbox_core::QueueName;

/// Shared between the engines of a worker and whoever asks how they are.
#[derive(Debug, Clone, Default)]
pub struct Pulse(Arc<Mutex<BTreeMap<QueueName, Instant>>>);

impl Pulse {
    /// A fetch or a renewal for `queue` was answered, or its engine begins.
    pub(crate) fn beat(&self, queue: QueueName) {
        self.beats().insert(queue, Instant::now());
    }

    /// How long ago the last one was, for whatever queue. `None` before the first.
    pub fn age(&self) -> Option<Duration> {
        self.beats().values().max().map(Instant::elapsed)
    }

    /// How long ago the last one was for each queue that has an engine.
    pub fn ages(&self) -> Vec<(QueueName, Duration)> {
        let beats = self.beats();
        let ages = beats.iter().map(|(queue, beat)| (*queue, beat.elapsed()));
        ages.collect()
    }

    fn beats(&self) -> MutexGuard<'_, BTreeMap<QueueName, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

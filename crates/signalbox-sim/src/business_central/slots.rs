//! Five requests of an application in one environment are processed at once; ninety-five
//! wait their turn.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Requests processed at once, per application and environment.
const PROCESSED: usize = 5;
/// Requests processed and queued, per application and environment; one more is refused.
const CONNECTED: usize = 100;

#[derive(Debug)]
struct Places {
    processed: Arc<Semaphore>,
    connected: AtomicUsize,
    /// The most that were connected at the same time.
    most: AtomicUsize,
}

/// The places of all lanes, a lane being an application in an environment.
#[derive(Debug, Default)]
pub(crate) struct AppSlots(Mutex<HashMap<String, Arc<Places>>>);

impl AppSlots {
    fn places(&self, lane: &str) -> Arc<Places> {
        let mut lanes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let places = lanes.entry(lane.to_owned()).or_insert_with(|| {
            let processed = Arc::new(Semaphore::new(PROCESSED));
            Arc::new(Places {
                processed,
                connected: AtomicUsize::new(0),
                most: AtomicUsize::new(0),
            })
        });
        Arc::clone(places)
    }

    /// The most requests of one application that were here at the same time, those in the queue among them.
    pub(crate) fn most(&self) -> usize {
        let lanes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let most = lanes
            .values()
            .map(|places| places.most.load(Ordering::Relaxed));
        most.max().unwrap_or_default()
    }

    /// Waits for a place; none if the queue is full.
    pub(crate) async fn enter(&self, lane: &str) -> Option<Slot> {
        let connection = Connection::of(self.places(lane))?;
        let permit = Arc::clone(&connection.0.processed)
            .acquire_owned()
            .await
            .ok()?;
        Some(Slot {
            _permit: permit,
            _connection: connection,
        })
    }
}

/// A place in processing; given back when dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    _permit: OwnedSemaphorePermit,
    _connection: Connection,
}

/// A place in the queue or in processing; given back also if the client leaves while queued.
#[derive(Debug)]
struct Connection(Arc<Places>);

impl Connection {
    fn of(places: Arc<Places>) -> Option<Self> {
        let before = places.connected.fetch_add(1, Ordering::Relaxed);
        places.most.fetch_max(before + 1, Ordering::Relaxed);
        let connection = Self(places);
        (before < CONNECTED).then_some(connection)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.connected.fetch_sub(1, Ordering::Relaxed);
    }
}

//! Reads of this process that go in one request.
//!
//! While one waits for leave to send, the others of its batch give it their questions instead of waiting as well. Else
//! each of them would be left with a request of its own for a record or two, once the batch has no more jobs to join it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use signalbox_core::Read;
use signalbox_queue::Job;
use tokio::sync::oneshot;

use super::newest::Found;

/// The batches for which a read of this process waits, with those that go along. Nothing awaits while it is locked.
#[derive(Debug, Default)]
pub(super) struct Tables(Mutex<BTreeMap<String, Vec<Guest>>>);

/// A read that somebody else asks for. It keeps its own lease, and makes its own posts.
#[derive(Debug)]
pub(super) struct Guest {
    pub(super) job: Arc<Job<Read>>,
    pub(super) answer: oneshot::Sender<Found>,
}

/// Who asks for a record.
#[derive(Debug)]
pub(super) enum Role<'a> {
    /// This read does, for itself and for its guests.
    Host(Host<'a>),
    /// Another one does. If that comes to nothing, no answer comes.
    Guest(oneshot::Receiver<Found>),
}

impl Tables {
    /// Sits down with whoever waits for the batch of `job`, or begins to wait for it.
    pub(super) fn join(&self, job: &Arc<Job<Read>>) -> Role<'_> {
        let batch = job.payload.batch();
        let mut tables = self.lock();
        if let Some(guests) = tables.get_mut(&batch) {
            let (answer, receiver) = oneshot::channel();
            let job = Arc::clone(job);
            guests.push(Guest { job, answer });
            return Role::Guest(receiver);
        }
        tables.insert(batch.clone(), Vec::new());
        Role::Host(Host {
            tables: self,
            batch: Some(batch),
        })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Vec<Guest>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A read that waits for leave to send. Whoever comes after it has left begins to wait anew.
#[derive(Debug)]
pub(super) struct Host<'a> {
    tables: &'a Tables,
    batch: Option<String>,
}

impl Host<'_> {
    /// Ends the waiting: these go along, at most `most` of them. The others are told that they have no answer.
    pub(super) fn leave(mut self, most: usize) -> Vec<Guest> {
        let mut guests = self.clear();
        guests.truncate(most);
        guests
    }

    fn clear(&mut self) -> Vec<Guest> {
        let batch = self.batch.take();
        let guests = batch.and_then(|batch| self.tables.lock().remove(&batch));
        guests.unwrap_or_default()
    }
}

impl Drop for Host<'_> {
    fn drop(&mut self) {
        self.clear();
    }
}

//! Seats: room in the engines of this process that is filled in the step that comes before.
//!
//! A job that is enqueued where there is room for it need not wait to be fetched: the script that stores it leases
//! what is first in turn, to this process, and nobody is woken. In the same way the script that ends jobs leases the
//! next ones into their room, while some wait. Order, lanes, gates and fairness are those of every fetch, because it
//! is the same one. A caller that goes away strands nothing, and the engine does not end before such a step does.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use redis::ScriptInvocation;
use signalbox_core::QueueName;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_util::task::{TaskTracker, task_tracker::TaskTrackerToken};

use crate::{
    Load, QueueError,
    company::Place,
    engine::{Room, Shared},
    fetcher, gather,
    partition::Partition,
    protocol::{self, Ack, Batch, Leased, Wanted},
};

/// The engines that work in this process.
#[derive(Debug, Default)]
pub(crate) struct Engines(Mutex<Vec<Door>>);

/// The way into one engine. It keeps nothing alive.
#[derive(Debug, Clone)]
pub(crate) struct Door {
    name: QueueName,
    shared: Weak<Shared>,
    jobs: mpsc::WeakSender<Leased>,
    fetches: TaskTracker,
}

/// Room for jobs in one engine, kept until they are in it.
pub(crate) struct Seats {
    shared: Arc<Shared>,
    jobs: mpsc::Sender<Leased>,
    room: Vec<OwnedSemaphorePermit>,
    place: Place,
    /// The engine waits for it before it ends.
    underway: TaskTrackerToken,
}

impl Engines {
    /// Lets enqueuers into an engine.
    pub(crate) fn enter(&self, door: Door) {
        let mut doors = self.doors();
        doors.retain(|door| door.shared.strong_count() > 0);
        doors.push(door);
    }

    /// Up to `most` seats for jobs of `name`; `None` if there is no engine for them, or none with room right now.
    pub(crate) fn seats(&self, name: QueueName, most: usize) -> Option<Seats> {
        let doors = self.doors();
        let mut named = doors.iter().filter(|door| door.name == name);
        named.find_map(|door| door.seats(most))
    }

    /// What the engines run, by the queues that they serve.
    pub(crate) fn loads(&self) -> BTreeMap<String, Load> {
        let mut loads = BTreeMap::<String, Load>::new();
        for shared in self.doors().iter().filter_map(|door| door.shared.upgrade()) {
            let load = loads.entry(shared.name.to_string()).or_default();
            load.running += shared.leases().len();
            load.most += shared.options.concurrency;
        }
        loads
    }

    fn doors(&self) -> MutexGuard<'_, Vec<Door>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Door {
    /// The way into an engine whose jobs go into `jobs` and whose end waits for `fetches`.
    pub(crate) fn new(
        shared: &Arc<Shared>,
        jobs: &mpsc::Sender<Leased>,
        fetches: &TaskTracker,
    ) -> Self {
        Self {
            name: shared.name,
            shared: Arc::downgrade(shared),
            jobs: jobs.downgrade(),
            fetches: fetches.clone(),
        }
    }

    /// Seats that are free, up to `most`.
    fn seats(&self, most: usize) -> Option<Seats> {
        self.seats_in(|shared| shared.spare_room(most))
    }

    /// The seats of jobs that end, for those that wait.
    pub(crate) fn seats_of(&self, ended: &[Ack]) -> Option<Seats> {
        self.seats_in(|shared| shared.hand_over(ended))
    }

    fn seats_in(&self, room: impl FnOnce(&Shared) -> Option<Room>) -> Option<Seats> {
        // Before the engine is asked whether it goes on: it either waits for this, or says no.
        let underway = self.fetches.token();
        let shared = self.shared.upgrade()?;
        let (room, place) = room(&shared)?;
        Some(Seats {
            jobs: self.jobs.upgrade()?,
            shared,
            room,
            place,
            underway,
        })
    }
}

impl Seats {
    /// Sends `call`, which stores jobs, with a fetch behind it. Returns what the first step says of each job.
    pub(crate) async fn fill(
        self,
        partition: Partition,
        call: ScriptInvocation<'static>,
    ) -> Result<Vec<String>, QueueError> {
        let fetches = self.underway.task_tracker().clone();
        let filling = fetches.spawn(async move {
            let (name, wanted) = (self.shared.name, self.wanted());
            let (texts, batch) = protocol::store_and_fetch(&partition, call, name, wanted).await?;
            self.take(batch).await;
            Ok(texts)
        });
        filling.await.unwrap_or_else(|_| Err(gather::abandoned()))
    }

    /// What a fetch asks for to fill them.
    pub(crate) fn wanted(&self) -> Wanted {
        Wanted {
            period: self.shared.options.lease,
            most: self.room.len(),
            alone: false,
        }
    }

    /// Puts what a fetch brought into the engine. What is left behind is then up to the fetcher, if a suspect waits.
    pub(crate) async fn take(self, batch: Batch) {
        self.shared.options.pulse.beat(self.shared.name);
        self.shared.note_backlog(batch.more && batch.suspects == 0);
        self.shared.saw_buried(batch.buried);
        fetcher::deliver(&self.shared, batch.jobs, self.room, self.place, &self.jobs).await;
        drop(self.underway);
    }
}

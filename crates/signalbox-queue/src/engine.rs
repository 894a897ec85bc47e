//! The engine of one queue: a fetcher per partition, an acker and a lease keeper, as tasks of their own.
//!
//! It knows nothing of apalis. Jobs come out of a channel under leases; outcomes go in through [`Shared`].
//! Handlers may block or hang without any lease or outcome waiting for them.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::future::AbortHandle;
use signalbox_core::QueueName;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Lease, Pulse, Queue, Token, Witness, acker,
    company::{Company, Place},
    fetcher, keeper,
    protocol::{Ack, Buried, Leased, Verb},
    seats::Door,
    tally::{self, Tally},
};

/// How an engine works.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// How long a lease lasts without being renewed. It is renewed three times as often.
    pub lease: Duration,
    /// Jobs leased at the same time.
    pub concurrency: usize,
    /// Jobs fetched by one script at most.
    pub batch: usize,
    /// A waiter looks for work this often even if no bell rings, and at least four times per lease.
    pub idle: Duration,
    /// Beats with every round trip.
    pub pulse: Pulse,
    /// Told of attempts that end without a word of their handlers.
    pub witness: Witness,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(10),
            concurrency: 64,
            batch: 64,
            idle: Duration::from_secs(2),
            pulse: Pulse::default(),
            witness: Witness::default(),
        }
    }
}

/// A lease in this process, until its outcome is durable.
#[derive(Debug)]
struct Held {
    lease: Lease,
    /// Drops the handler. Set when the handler starts.
    abort: Option<AbortHandle>,
    /// Given to the next job while the outcome of this one is on its way.
    room: Option<OwnedSemaphorePermit>,
    _place: Place,
}

/// Room for as many jobs, and a place in the process to run them.
pub(crate) type Room = (Vec<OwnedSemaphorePermit>, Place);

/// What the tasks of one engine share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) queue: Queue,
    pub(crate) name: QueueName,
    pub(crate) options: EngineOptions,
    /// Cancelled when no more jobs shall be fetched.
    pub(crate) quiet: CancellationToken,
    /// Nothing awaits while it is locked.
    held: Mutex<HashMap<Token, Held>>,
    /// Taken away at the end, which lets the acker finish.
    acks: Mutex<Option<mpsc::UnboundedSender<Ack>>>,
    room: Arc<Semaphore>,
    pub(crate) company: Company,
    /// The last fetch left ready jobs behind.
    backlog: AtomicBool,
    /// How often outcomes were settled.
    turns: AtomicUsize,
    pub(crate) tally: Tally,
}

impl Shared {
    /// How long a waiter sleeps at most. Longer than a lease, each look would seem to end a gap without workers.
    pub(crate) fn idle(&self) -> Duration {
        self.options.idle.min(self.options.lease / 4)
    }

    /// Hands an outcome to the acker. The lease is kept until the outcome is durable.
    pub(crate) fn settle(&self, ack: Ack) {
        let acks = self.acks.lock().unwrap_or_else(PoisonError::into_inner);
        // Without an acker the engine is at its end, and the lease runs out by itself.
        if let Some(acks) = &*acks
            && let Err(unsent) = acks.send(ack)
        {
            let id = &unsent.0.lease.id;
            tracing::error!(job.id = %id, "the acker is gone; the job will run again");
        }
    }

    /// Waits until a job can be leased, then takes room for up to a batch. `None` once the engine is quiet.
    pub(crate) async fn room(&self) -> Option<Vec<OwnedSemaphorePermit>> {
        let first = tokio::select! {
            biased;
            () = self.quiet.cancelled() => return None,
            room = self.room.clone().acquire_owned() => room.ok()?,
        };
        let more = std::iter::from_fn(|| self.room.clone().try_acquire_owned().ok());
        let rest = self.options.batch.saturating_sub(1);
        Some(std::iter::once(first).chain(more.take(rest)).collect())
    }

    /// Room for up to `most` jobs and a place to run them, if there is some now and no other job waits for it.
    pub(crate) fn spare_room(&self, most: usize) -> Option<Room> {
        if self.quiet.is_cancelled() || self.backlog.load(Ordering::Relaxed) {
            return None;
        }
        let place = self.company.try_among()?;
        let room = std::iter::from_fn(|| self.room.clone().try_acquire_owned().ok());
        let room: Vec<_> = room.take(most.min(self.options.batch)).collect();
        (!room.is_empty()).then_some((room, place))
    }

    /// The room of jobs that end, if others wait for it and nobody waits to be alone.
    pub(crate) fn hand_over(&self, ended: &[Ack]) -> Option<Room> {
        if self.quiet.is_cancelled() || !self.backlog.load(Ordering::Relaxed) {
            return None;
        }
        let place = self.company.try_among()?;
        let mut held = self.held();
        let room = ended
            .iter()
            .filter_map(|ack| held.get_mut(&ack.lease.token)?.room.take());
        let room: Vec<_> = room.collect();
        (!room.is_empty()).then_some((room, place))
    }

    pub(crate) fn hold(&self, lease: &Lease, room: OwnedSemaphorePermit, place: Place) {
        let held = Held {
            lease: lease.clone(),
            abort: None,
            room: Some(room),
            _place: place,
        };
        self.held().insert(lease.token.clone(), held);
    }

    /// Lets the keeper stop the handler of `lease`.
    pub(crate) fn on_abort(&self, lease: &Lease, abort: AbortHandle) {
        if let Some(held) = self.held().get_mut(&lease.token) {
            held.abort = Some(abort);
        }
    }

    /// Forgets a lease: its outcome is durable, or it is lost.
    pub(crate) fn forget(&self, lease: &Lease) {
        self.held().remove(&lease.token);
    }

    /// Stops the handler of a lost lease. Its outcome, should it still come, would be refused by Redis.
    pub(crate) fn abandon(&self, lease: &Lease) {
        if let Some(held) = self.held().remove(&lease.token)
            && let Some(abort) = held.abort
        {
            abort.abort();
        }
    }

    /// Stops all handlers that still run; each gives its job back.
    pub(crate) fn abort_all(&self) {
        for held in self.held().values() {
            if let Some(abort) = &held.abort {
                abort.abort();
            }
        }
    }

    pub(crate) fn leases(&self) -> Vec<Lease> {
        self.held()
            .values()
            .map(|held| held.lease.clone())
            .collect()
    }

    /// Notes whether a fetch left ready jobs behind.
    pub(crate) fn note_backlog(&self, backlog: bool) {
        self.backlog.store(backlog, Ordering::Relaxed);
    }

    /// Whether room may go from a job to the next one of the same partition. With others, every second time: their
    /// fetchers wait for room too.
    pub(crate) fn may_go_on_here(&self) -> bool {
        let alone = self.queue.inner.partitions.len() == 1;
        alone || self.turns.fetch_add(1, Ordering::Relaxed).is_multiple_of(2)
    }

    /// Whether no job waits for another one to end.
    pub(crate) fn has_room_to_spare(&self) -> bool {
        let backlog = self.backlog.load(Ordering::Relaxed);
        !backlog && !self.quiet.is_cancelled() && self.held().len() * 2 <= self.options.concurrency
    }

    /// Tells of an attempt that ended without its handler's word.
    pub(crate) fn saw(&self, lease: &Lease, payload: &[u8], verb: &Verb, reason: &str) {
        let keys = &self.queue.inner.options.payload_keys;
        let outcome = (verb, reason);
        self.options.witness.saw(keys, lease, payload, outcome);
    }

    /// Tells of the jobs that a fetch made dead.
    pub(crate) fn saw_buried(&self, buried: Vec<Buried>) {
        let keys = &self.queue.inner.options.payload_keys;
        tally::buried(&buried);
        self.options.witness.saw_buried(keys, buried);
    }

    /// True while this process holds the lease.
    pub(crate) fn holds(&self, lease: &Lease) -> bool {
        self.held().contains_key(&lease.token)
    }

    fn held(&self) -> std::sync::MutexGuard<'_, HashMap<Token, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running engine.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) shared: Arc<Shared>,
    /// Leased jobs, in the order of their fetch.
    pub(crate) jobs: mpsc::Receiver<Leased>,
    fetchers: TaskTracker,
    acker: TaskTracker,
    keeper: TaskTracker,
    keeper_stop: CancellationToken,
}

impl Engine {
    pub(crate) fn start(
        queue: Queue,
        name: QueueName,
        options: EngineOptions,
        quiet: CancellationToken,
        company: Company,
    ) -> Self {
        let (jobs_tx, jobs) = mpsc::channel(options.concurrency.max(1));
        let (acks_tx, acks_rx) = mpsc::unbounded_channel();
        let partitions = queue.inner.partitions.clone();
        let shared = Arc::new(Shared {
            queue,
            name,
            room: Arc::new(Semaphore::new(options.concurrency.max(1))),
            options,
            quiet,
            held: Mutex::default(),
            acks: Mutex::new(Some(acks_tx)),
            company,
            backlog: AtomicBool::new(false),
            turns: AtomicUsize::new(0),
            tally: Tally::new(name),
        });
        // An engine that is never answered shall be known by the time since it began.
        shared.options.pulse.beat(name);
        let fetchers = TaskTracker::new();
        for partition in partitions {
            fetchers.spawn(fetcher::run(shared.clone(), partition, jobs_tx.clone()));
        }
        let door = Door::new(&shared, &jobs_tx, &fetchers);
        shared.queue.inner.engines.enter(door.clone());
        fetchers.close();
        let acker = TaskTracker::new();
        acker.spawn(acker::run(shared.clone(), acks_rx, door));
        acker.close();
        let keeper = TaskTracker::new();
        let keeper_stop = CancellationToken::new();
        keeper.spawn(keeper::run(shared.clone(), keeper_stop.clone()));
        keeper.close();
        Self {
            shared,
            jobs,
            fetchers,
            acker,
            keeper,
            keeper_stop,
        }
    }

    /// Ends the engine once no handler runs: gives unstarted jobs back and makes all outcomes durable.
    ///
    /// Leases are renewed to the end, so that a slow Redis does not turn finished jobs into lost ones.
    pub(crate) async fn close(mut self) {
        self.shared.quiet.cancel();
        self.fetchers.wait().await;
        while let Ok(job) = self.jobs.try_recv() {
            let release = Ack::of_all(&job.lease, &Verb::Release, "");
            self.shared.settle(release);
        }
        self.shared
            .acks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        self.acker.wait().await;
        self.keeper_stop.cancel();
        self.keeper.wait().await;
    }
}

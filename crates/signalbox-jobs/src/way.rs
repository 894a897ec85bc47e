//! A way to an upstream on behalf of one job: its lanes, its lease, its trace.
//!
//! Every request asks for a permit just before it leaves, and every failure is turned into what becomes of the job
//! and of its lanes: a `Retry-After` closes a gate for all workers, a fault of the connection breaks its lane, and so
//! does a run of failures that speak of an outage.

mod outages;

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use signalbox_core::{JobError, LaneChain, LaneLimits, LaneName};
use signalbox_microsoft::{Asked, Errand, Error, Gatekeeper, Place, Refusal};
use signalbox_queue::{LaneFault, Lease, Permission, Permit, Queue, QueueError};

use crate::{
    Context,
    context::{PROBE, after},
    fault::{self, Meaning, advised},
};

/// A request waits for so long at its place unless its job has more patience.
const PATIENCE: Duration = Duration::from_millis(200);
/// So long if it does the work of many.
const LONG_PATIENCE: Duration = Duration::from_secs(2);
/// A gate that would be closed for longer is a fault, and a person is told.
const LONGEST_GATE: Duration = Duration::from_secs(24 * 3600);

/// A way to an upstream.
pub(crate) struct Way<'a> {
    context: &'a Context,
    lease: &'a Lease,
    trace: Option<&'a str>,
    /// The lowest lane first, the root last.
    lanes: Vec<(LaneName, LaneLimits)>,
    deadline: Box<dyn Fn() -> Instant + Send + Sync>,
    /// How long a request waits at its place for another one to end; after that its job makes room.
    patience: Duration,
    /// A place that was granted a moment before its request. Nothing awaits while it is locked.
    prepared: Mutex<Option<Box<dyn Place>>>,
    /// The job waits in another lane than these, so shutting them does not keep it back.
    beside: bool,
    /// The lanes below `lanes` that the job waits in, the lowest first. They have no limits, so that no permit asks
    /// for them, but what is refused there is their fault alone.
    within: Vec<LaneName>,
}

impl<'a> Way<'a> {
    pub(crate) fn new(
        context: &'a Context,
        lease: &'a Lease,
        trace: Option<&'a str>,
        lanes: Vec<(LaneName, LaneLimits)>,
    ) -> Self {
        let leased = lease.clone();
        Self {
            context,
            lease,
            trace,
            lanes,
            deadline: Box::new(move || leased.until()),
            patience: PATIENCE,
            prepared: Mutex::default(),
            beside: false,
            within: Vec::new(),
        }
    }

    /// This way for a job that waits in `lanes`, of which only the root is limited.
    pub(crate) fn within(mut self, lanes: &LaneChain) -> Self {
        self.within = lanes
            .iter()
            .filter(|lane| *lane != lanes.top())
            .cloned()
            .collect();
        self
    }

    /// This way, which is not the one whose lanes the job waits in.
    pub(crate) fn beside(mut self) -> Self {
        self.beside = true;
        self
    }

    /// For a job whose requests belong together, and which would begin anew if it made room for others.
    pub(crate) fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Asks for the first request's permit while something else is asked of Redis, so that one sync serves both.
    ///
    /// A refusal is forgotten: the request asks again and says why. False if there is no permit now.
    pub(crate) async fn prepare(&self) -> bool {
        let asked = self.context.queue.permit(self.lease, &self.lanes, 1).await;
        let Ok(Permission::Granted(permit)) = asked else {
            return false;
        };
        let place = Placed::new(&self.context.queue, permit);
        *self.prepared() = Some(Box::new(place));
        true
    }

    /// Waits for the place of the first request, for longer than that request would: whoever is about to do the work of
    /// many shall not make room for others that would each do a part of it.
    ///
    /// # Errors
    /// What becomes of the job if there is none.
    pub(crate) async fn reserve(&self) -> Result<(), JobError> {
        match self.place_within(LONG_PATIENCE).await {
            Ok(place) => {
                *self.prepared() = Some(place);
                Ok(())
            }
            Err(source) => Err(self.fault(Error::Held { source }).await),
        }
    }

    /// Gives a permit back that no request is about to use.
    pub(crate) fn discard(&self) {
        drop(self.prepared().take());
    }

    fn prepared(&self) -> MutexGuard<'_, Option<Box<dyn Place>>> {
        self.prepared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the clients are told.
    pub(crate) fn errand(&self) -> Errand<'_> {
        Errand {
            trace: self.trace,
            not_after: Some(&*self.deadline),
            gatekeeper: Some(self),
        }
    }

    /// What becomes of the job after `error`, once its lanes know of it.
    pub(crate) async fn fault(&self, error: Error) -> JobError {
        let meaning = fault::meaning(&error);
        let until = error.retry_after();
        let outage = self.outage(&error);
        let cause = advised(error);
        match meaning {
            Meaning::Held => JobError::snooze(until.unwrap_or_else(|| self.soon()), cause),
            Meaning::Throttled => {
                let until = until.unwrap_or_else(|| self.after_throttling());
                if until > after(self.context.clock.now(), LONGEST_GATE) {
                    return self
                        .broken(self.lanes.first().map(|(lane, _)| lane), cause)
                        .await;
                }
                self.close(until, &cause).await;
                match outage {
                    Some(outage) => self.out_of_order(&outage, cause).await,
                    None => JobError::snooze(until, cause),
                }
            }
            Meaning::Connection => self.broken(self.root(), cause).await,
            Meaning::Company => self.broken(self.within.get(1).or(self.root()), cause).await,
            Meaning::Refused => {
                self.broken(self.within.first().or(self.root()), cause)
                    .await
            }
            Meaning::Target => self.broken(self.lowest(), cause).await,
            Meaning::Transient => match outage {
                Some(outage) => self.out_of_order(&outage, cause).await,
                None => self.transient(cause).await,
            },
            Meaning::Own => JobError::retry(cause),
            Meaning::Hopeless => JobError::fail(cause),
        }
    }

    /// The end of a pause that an upstream wants without naming its end.
    fn after_throttling(&self) -> Timestamp {
        let now = self.context.clock.now();
        match self.lanes.first() {
            Some((lane, _)) => {
                let scale = self.context.settings.time_scale;
                self.context.throttles.until(lane, now, scale)
            }
            None => self.soon(),
        }
    }

    /// Closes the lowest lane: upstreams count by conversation or, where there is only one lane, by credential.
    async fn close(&self, until: Timestamp, cause: &fault::Advised) {
        let (Some((lane, _)), Some((root, _))) = (self.lanes.first(), self.lanes.last()) else {
            return;
        };
        let reason = cause.to_string();
        let closed = self.context.queue.close_lane(root, lane, until, &reason);
        told(closed.await);
    }

    /// The job waits in its lane, unharmed, for a probe or for a person.
    async fn broken(&self, lane: Option<&LaneName>, cause: fault::Advised) -> JobError {
        tracing::error!(
            error = &cause as &dyn std::error::Error,
            lane = lane.map(LaneName::as_str),
            "a lane needs a person"
        );
        let probe = self.context.next_probe();
        if let (Some(lane), Some(root)) = (lane, self.root()) {
            let fault = LaneFault {
                cause: chain(&cause),
                next_action: cause.to_string(),
            };
            let every = self.context.scaled(PROBE);
            let broken = self
                .context
                .queue
                .break_lane(root, lane, &fault, (probe, every));
            let is_broken = broken.await.is_ok();
            // A job of an older release waits in the root alone, where a lane below does not keep it back.
            let waits_there = !self.beside && !self.within.contains(lane);
            if is_broken && waits_there {
                return JobError::snooze(self.context.clock.now(), cause);
            }
            if is_broken && lane == root {
                self.context.outages.broke(root, probe);
            }
        }
        JobError::snooze(probe, cause)
    }

    /// The job's own lane.
    fn lowest(&self) -> Option<&LaneName> {
        let limited = self.lanes.first().map(|(lane, _)| lane);
        self.within.first().or(limited)
    }

    fn soon(&self) -> Timestamp {
        after(self.context.clock.now(), PATIENCE)
    }

    async fn ask(&self) -> Result<Box<dyn Place>, Refusal> {
        let prepared = self.prepared().take();
        match prepared {
            Some(place) => self.may_ask().map(|()| place),
            None => self.place_within(self.patience).await,
        }
    }

    async fn place_within(&self, patience: Duration) -> Result<Box<dyn Place>, Refusal> {
        self.may_ask()?;
        let begun = Instant::now();
        loop {
            let asked = self.context.queue.permit(self.lease, &self.lanes, 1).await;
            let (until, why) = match asked {
                Ok(Permission::Granted(permit)) => {
                    return Ok(Box::new(Placed::new(&self.context.queue, permit)));
                }
                Ok(Permission::Wait { until, lane, why }) => {
                    (until, format!("{}: {why}", lane.as_str()))
                }
                Err(error) => (self.soon(), chain(&error)),
            };
            let wait = until.duration_since(self.context.clock.now());
            let wait = Duration::try_from(wait).unwrap_or_default();
            if begun.elapsed() + wait > patience {
                return Err(Refusal { until, why });
            }
            tokio::time::sleep(wait).await;
        }
    }
}

impl Gatekeeper for Way<'_> {
    fn ask(&self) -> Asked<'_, Result<Box<dyn Place>, Refusal>> {
        Box::pin(self.ask())
    }

    fn ended<'a>(&'a self, outcome: Result<(), &'a Error>) -> Asked<'a, ()> {
        Box::pin(self.heard(outcome))
    }
}

/// The place of a request that is under way.
struct Placed {
    queue: Queue,
    permit: Permit,
}

impl Placed {
    fn new(queue: &Queue, permit: Permit) -> Self {
        Self {
            queue: queue.clone(),
            permit,
        }
    }
}

impl Place for Placed {}

impl Drop for Placed {
    fn drop(&mut self) {
        self.queue.let_go(&self.permit);
    }
}

/// What the queue could not be told is told to the log; it is no reason to do otherwise.
fn told(result: Result<(), QueueError>) {
    if let Err(error) = result {
        let error: &dyn std::error::Error = &error;
        tracing::warn!(
            error,
            "a lane was not told; others will find out by themselves"
        );
    }
}

fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

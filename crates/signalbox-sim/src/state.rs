//! The state of the simulated cloud, and what its parts share.
//!
//! One lock guards the world, held for lookups and changes only, never while a body is
//! written or a request is awaited. What is shared is seen from one environment: whoever
//! locks the world finds that environment's tables in it.

use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::business_central::{AppSlots, Environments, Erp, Sightings};
use crate::config::SimConfig;
use crate::door::Door;
use crate::entra::Tokens;
use crate::faults::{FaultKind, Faults};
use crate::lanes::Lanes;
use crate::recorder::Recorder;
use crate::target::Target;
use crate::teams::Teams;
use crate::traffic::{Traffic, TrafficHandle};
use crate::verdict::{Oracle, Verdict};

/// What the cloud contains at this moment.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) entra: Tokens,
    pub(crate) environments: Environments,
    /// The tables of the environment that the holder of the lock looks from.
    pub(crate) erp: Erp,
    pub(crate) teams: Teams,
    pub(crate) lanes: Lanes,
    pub(crate) oracle: Oracle,
    pub(crate) sightings: Sightings,
    pub(crate) early_requests: u64,
    pub(crate) limit_violations: u64,
}

impl World {
    fn new(config: &SimConfig) -> Self {
        let (environments, erp) = Environments::new(config);
        let mut world = Self {
            entra: Tokens::new(&config.client_secret),
            environments,
            erp,
            teams: Teams::new(&config.teams),
            lanes: Lanes::default(),
            oracle: Oracle::expecting(&config.expected_statuses),
            sightings: Sightings::keeping(config.sightings_kept),
            early_requests: 0,
            limit_violations: 0,
        };
        for place in 0..world.environments.count() {
            world.seat(place);
            world.occupy(config.occupied_subscriptions);
        }
        world
    }

    /// The verdict at this moment.
    pub(crate) fn verdict(&self) -> Verdict {
        let deaths = self.deaths();
        Verdict {
            early_requests: self.early_requests,
            limit_violations: self.limit_violations,
            subscriptions_deleted_by_answer: deaths.by_answer,
            subscriptions_given_up: deaths.given_up,
            missed_while_expired: deaths.missed_while_expired,
            ..self.oracle.verdict()
        }
    }
}

/// What all parts share, seen from one environment.
#[derive(Debug)]
pub(crate) struct Shared {
    cloud: Arc<Cloud>,
    /// Place of the environment; names may change, places do not.
    pub(crate) place: usize,
}

impl Deref for Shared {
    type Target = Cloud;

    fn deref(&self) -> &Cloud {
        &self.cloud
    }
}

/// What there is only once.
#[derive(Debug)]
pub(crate) struct Cloud {
    pub(crate) config: SimConfig,
    pub(crate) base_url: String,
    world: Mutex<World>,
    pub(crate) recorder: Recorder,
    pub(crate) faults: Faults,
    pub(crate) app_slots: AppSlots,
    /// Traffic started through the control API.
    playing: Mutex<Option<TrafficHandle>>,
    /// Counts changes of anything a test may wait for.
    changes: watch::Sender<u64>,
    /// Wakes the sender of notifications: something became due.
    pub(crate) outbox: Notify,
    /// Whether the listener answers.
    pub(crate) door: Door,
    pub(crate) http: reqwest::Client,
    pub(crate) tasks: TaskTracker,
    pub(crate) stop: CancellationToken,
}

impl Shared {
    /// A fresh cloud that answers at `base_url`, seen from its first environment.
    pub(crate) fn new(config: SimConfig, base_url: String) -> reqwest::Result<Arc<Self>> {
        // A proxy of the environment must not get between two ends of one machine.
        let http = reqwest::Client::builder().no_proxy().build()?;
        let cloud = Cloud {
            world: Mutex::new(World::new(&config)),
            config,
            base_url,
            recorder: Recorder::default(),
            faults: Faults::default(),
            app_slots: AppSlots::default(),
            playing: Mutex::default(),
            changes: watch::Sender::new(0),
            outbox: Notify::new(),
            door: Door::default(),
            http,
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        };
        let cloud = Arc::new(cloud);
        Ok(Arc::new(Self { cloud, place: 0 }))
    }

    /// The same cloud, seen from another environment.
    pub(crate) fn at(&self, place: usize) -> Arc<Self> {
        let cloud = Arc::clone(&self.cloud);
        Arc::new(Self { cloud, place })
    }

    /// The world, locked, with the tables of this view's environment.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        let mut world = self
            .cloud
            .world
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        world.seat(self.place);
        world
    }

    /// Tells waiters that something changed.
    pub(crate) fn announce(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    /// Follows changes from now on.
    pub(crate) fn follow(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Plays `traffic` instead of what was played before; says how far that came.
    pub(crate) fn play(self: &Arc<Self>, traffic: Option<Traffic>) -> u64 {
        let next = traffic.map(|traffic| crate::traffic::start(Arc::clone(self), traffic));
        let mut playing = self.playing.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *playing, next);
        before.map_or(0, |before| before.steps())
    }

    /// Lets every subscription expire now; says how many there are.
    pub(crate) fn expire_subscriptions(&self) -> usize {
        let now = crate::clock::now();
        let mut world = self.world();
        let subscriptions = world.erp.subscriptions.values_mut();
        subscriptions
            .map(|subscription| subscription.expires = now)
            .count()
    }

    /// Back to the configured beginning.
    pub(crate) fn reset(self: &Arc<Self>) {
        self.play(None);
        *self.world() = World::new(&self.config);
        self.faults.clear();
        self.recorder.clear();
        self.announce();
    }
}

/// One request, as the handlers know it.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// Its number in the record.
    pub(crate) seq: u64,
    /// When its head was read.
    pub(crate) arrived: std::time::Instant,
    pub(crate) target: Target,
    /// The application of its token; `unknown` without a valid one.
    pub(crate) app: String,
    pub(crate) lane: String,
    /// A fault that the handler itself must play.
    pub(crate) fault: Option<FaultKind>,
    /// Whether the reader asked for the primary.
    pub(crate) read_write: bool,
}

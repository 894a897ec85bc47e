//! What Redis says about the system as a whole, for everybody who scrapes this process.
//!
//! It is read when somebody asks, at most once in a second, from counters whose cost does not grow with the jobs. A
//! Redis that does not answer in time leaves gaps, and makes nobody wait for longer than that.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroU32,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use signalbox_core::{
    COMPANIES, CompanyAddress, KnownCompany, LaneName, SUBSCRIPTIONS, Subscription,
};
use signalbox_queue::{JobState, LaneView, Memory, Queue, QueueError};
use tokio::sync::Mutex;

use crate::listing::{QUEUES, spoken};

/// A look serves all who ask within this time.
const SHARED_FOR: Duration = Duration::from_secs(1);
/// How long a look may take. Prometheus gives up after ten seconds by default.
const LONGEST_LOOK: Duration = Duration::from_secs(2);
/// Of each partition, only so many lanes that were changed last are looked at, and of those that are shut only so many
/// are shown: each is a series of its own in Prometheus.
pub(super) const MOST_LANES: u16 = 1000;

/// What one look found. `None` is what Redis did not say.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    pub(super) queues: Option<Queues>,
    pub(super) lanes: Option<Vec<(LaneName, LaneView)>>,
    pub(super) subscriptions: Option<Vec<Subscription>>,
    /// Those that are not followed any more.
    pub(super) left: Option<Vec<CompanyAddress>>,
    pub(super) memory: Option<Memory>,
}

impl State {
    /// Whether the company of `subscription` is not followed any more.
    pub(super) fn has_left(&self, subscription: &Subscription) -> bool {
        let Subscription {
            connection,
            environment,
            company,
            ..
        } = subscription;
        self.left.iter().flatten().any(|left| {
            let named = environment.as_ref();
            left.connection == *connection
                && left.company == *company
                && named.is_none_or(|name| *name == left.environment)
        })
    }
}

/// The backlog of each queue, by the word for it.
#[derive(Debug, Clone, Default)]
pub(super) struct Queues {
    pub(super) jobs: BTreeMap<(String, JobState), i64>,
    pub(super) oldest: BTreeMap<String, Duration>,
}

/// Looks, and remembers the last look.
#[derive(Debug)]
pub(super) struct Looker {
    queue: Queue,
    last: Mutex<Option<(Instant, State)>>,
}

impl Looker {
    pub(super) fn new(queue: Queue) -> Self {
        Self {
            queue,
            last: Mutex::default(),
        }
    }

    /// How things stand. Whoever comes while a look is under way waits for it.
    pub(super) async fn look(&self) -> State {
        let mut last = self.last.lock().await;
        if let Some((at, state)) = &*last
            && at.elapsed() < SHARED_FOR
        {
            return state.clone();
        }
        let state = self.look_now().await;
        *last = Some((Instant::now(), state.clone()));
        state
    }

    async fn look_now(&self) -> State {
        let (queues, lanes, subscriptions, left, memory) = tokio::join!(
            in_time(self.queues()),
            in_time(self.queue.changed_lanes(NonZeroU32::new(MOST_LANES.into()))),
            in_time(self.subscriptions()),
            in_time(self.left()),
            in_time(self.queue.memory()),
        );
        State {
            queues,
            lanes,
            subscriptions,
            left,
            memory,
        }
    }

    async fn queues(&self) -> Result<Queues, QueueError> {
        let depth = self.queue.depth().await?;
        let mut queues = Queues::default();
        // Without a job yet, a queue is as empty as one whose jobs are over.
        for name in QUEUES {
            let kind = name.kind().to_owned();
            queues.oldest.insert(kind, Duration::ZERO);
        }
        for ((name, state), count) in &depth {
            let key = (spoken(name).to_owned(), *state);
            *queues.jobs.entry(key).or_default() += count;
        }
        let names: BTreeSet<&String> = depth.keys().map(|(name, _)| name).collect();
        for name in names {
            let age = self.queue.oldest_ready(name).await?.unwrap_or_default();
            let oldest = queues.oldest.entry(spoken(name).to_owned()).or_default();
            *oldest = age.max(*oldest);
        }
        Ok(queues)
    }

    async fn left(&self) -> Result<Vec<CompanyAddress>, QueueError> {
        let all = self
            .queue
            .register(COMPANIES)
            .list::<KnownCompany>()
            .await?;
        let left = all.into_iter().filter(|(_, one)| one.left.is_some());
        Ok(left.map(|(_, one)| one.address).collect())
    }

    async fn subscriptions(&self) -> Result<Vec<Subscription>, QueueError> {
        let all = self.queue.register(SUBSCRIPTIONS).list().await?;
        Ok(all
            .into_iter()
            .map(|(_, subscription)| subscription)
            .collect())
    }
}

/// What Redis says in time. Why it does not is told by those who need it for their work.
async fn in_time<T>(asked: impl Future<Output = Result<T, QueueError>>) -> Option<T> {
    match tokio::time::timeout(LONGEST_LOOK, asked).await {
        Ok(Ok(said)) => Some(said),
        Ok(Err(error)) => {
            let error: &dyn std::error::Error = &error;
            tracing::debug!(error, "a scrape goes without what redis would have said");
            None
        }
        Err(_) => {
            tracing::debug!("a scrape goes without what redis would have said: it was too slow");
            None
        }
    }
}

/// Seconds from `now` to `until`, negative if it has passed.
pub(super) fn seconds_until(until: Timestamp, now: Timestamp) -> f64 {
    until.duration_since(now).as_secs_f64()
}

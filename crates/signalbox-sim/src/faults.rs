//! Scripted faults: which request goes wrong, and how.
//!
//! A fault names a target and fires for the first N matching requests, every k-th, or
//! with a seeded probability; without any of these it fires until it is removed. With a
//! burst each firing befalls so many requests in a row. The first fault that fires wins.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};

use crate::config::SimConfig;
use crate::target::Api;

mod wire;

pub(crate) use wire::FaultWire;

/// How a `Retry-After` is given.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RetryAfter {
    /// Whole seconds.
    Secs(u64),
    /// An HTTP date so many seconds after the answer's own `Date`.
    HttpDate(u64),
    /// No header, as Teams and Business Central sometimes do.
    Absent,
    /// What the service itself says: Entra 60 s × scale, Business Central nothing, the others 1 s.
    Usual,
}

impl RetryAfter {
    /// The wait it asks for; `Usual` must have been settled.
    pub(crate) fn wait(self) -> Option<Duration> {
        match self {
            Self::Secs(secs) | Self::HttpDate(secs) => Some(Duration::from_secs(secs)),
            Self::Absent | Self::Usual => None,
        }
    }

    /// Settles what `api` usually says.
    pub(crate) fn of(self, api: Option<Api>, config: &SimConfig) -> Self {
        match (self, api) {
            (Self::Usual, Some(Api::Entra)) => {
                let wait = config.scaled(Duration::from_secs(60));
                Self::Secs(SimConfig::retry_after(wait))
            }
            (Self::Usual, Some(Api::Bot | Api::Graph)) => Self::Secs(1),
            (Self::Usual, _) => Self::Absent,
            (given, _) => given,
        }
    }
}

/// What goes wrong.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum FaultKind {
    /// 429 in the service's own shape; nothing happens.
    Throttle(RetryAfter),
    /// Another status in the service's own shape; nothing happens.
    Status(u16, RetryAfter),
    /// The request is handled only after so long; nothing happens if the client leaves first.
    Slow(Duration),
    /// The effect happens, the answer never comes; the connection is held until the client leaves.
    CommitThenTimeout,
    /// The connection is reset at once, the effect happens so much later.
    LateCommit(Duration),
    /// The connection is reset before anything happens.
    Reset,
    /// The effect happens, then the connection is reset.
    ResetAfterCommit,
    /// Entra hands out a token for another audience.
    WrongAudience,
    /// 200 with a page of HTML; nothing happens.
    Garbage,
    /// 400 whose message asks to try again later, as Business Central says it; nothing happens.
    TryAgainLater,
    /// A read shows rows as they were if they changed within so long; a read with
    /// `Data-Access-Intent: ReadWrite` is spared and does not use the fault up.
    StaleRead(Duration),
}

/// When a fault fires.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Schedule {
    /// For every matching request.
    Always,
    /// For the first so many.
    Times(u64),
    /// For every k-th.
    Every(u64),
    /// By chance, the same way for the same seed.
    Probability(f64, u64),
}

/// A scripted fault.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(try_from = "FaultWire", into = "FaultWire")]
pub struct Fault {
    /// A target such as `bot.post`, a service such as `bot`, or `*`.
    pub target: String,
    /// What goes wrong.
    pub kind: FaultKind,
    /// When.
    pub schedule: Schedule,
    /// Matching requests to let pass first.
    pub after: u64,
    /// Requests in a row that each firing befalls; 1 without a burst.
    pub burst: u64,
    /// Only requests whose lane or path contains this.
    pub only: Option<String>,
}

impl Fault {
    /// A fault that fires until it is removed.
    pub fn on(target: impl Into<String>, kind: FaultKind) -> Self {
        Self {
            target: target.into(),
            kind,
            schedule: Schedule::Always,
            after: 0,
            burst: 1,
            only: None,
        }
    }

    /// Fires for the first `times` matching requests.
    #[must_use]
    pub fn times(self, times: u64) -> Self {
        Self {
            schedule: Schedule::Times(times),
            ..self
        }
    }

    /// Fires for every `every`-th matching request.
    #[must_use]
    pub fn every(self, every: u64) -> Self {
        Self {
            schedule: Schedule::Every(every),
            ..self
        }
    }

    /// Fires with `probability`, decided by `seed`.
    #[must_use]
    pub fn with_probability(self, probability: f64, seed: u64) -> Self {
        Self {
            schedule: Schedule::Probability(probability, seed),
            ..self
        }
    }

    /// Lets the first `after` matching requests pass.
    #[must_use]
    pub fn after(self, after: u64) -> Self {
        Self { after, ..self }
    }

    /// Befalls `burst` matching requests in a row each time it fires.
    #[must_use]
    pub fn in_bursts_of(self, burst: u64) -> Self {
        Self { burst, ..self }
    }

    /// Concerns only requests whose lane or path contains `only`.
    #[must_use]
    pub fn only(self, only: impl Into<String>) -> Self {
        Self {
            only: Some(only.into()),
            ..self
        }
    }
}

/// A fault in force.
#[derive(Clone, Debug, Serialize)]
pub struct ActiveFault {
    /// Number of the fault, for people.
    pub id: u64,
    /// The fault itself.
    pub fault: Fault,
    /// Requests that matched.
    pub seen: u64,
    /// Requests it befell.
    pub fired: u64,
    /// How many more the present burst befalls.
    #[serde(skip)]
    rest: u64,
}

/// The request as faults see it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate<'a> {
    pub(crate) target: &'a str,
    pub(crate) lane: &'a str,
    pub(crate) path: &'a str,
    /// Whether the read asked for the primary, which is never stale.
    pub(crate) read_write: bool,
}

impl ActiveFault {
    fn matches(&self, request: Candidate<'_>) -> bool {
        let target = &self.fault.target;
        let aimed = target == "*"
            || request.target == target
            || request
                .target
                .strip_prefix(target.as_str())
                .is_some_and(|rest| rest.starts_with('.'));
        let spared = request.read_write && matches!(self.fault.kind, FaultKind::StaleRead(_));
        let chosen = self.fault.only.as_ref().is_none_or(|only| {
            request.lane.contains(only.as_str()) || request.path.contains(only.as_str())
        });
        aimed && chosen && !spared
    }

    fn fires(&mut self, rng: &mut StdRng) -> bool {
        self.seen += 1;
        let Some(nth) = self
            .seen
            .checked_sub(self.fault.after)
            .filter(|nth| *nth > 0)
        else {
            return false;
        };
        let burst = self.fault.burst.max(1);
        let begins = self.rest == 0
            && match self.fault.schedule {
                Schedule::Always => true,
                Schedule::Times(times) => self.fired < times.saturating_mul(burst),
                Schedule::Every(every) => nth.is_multiple_of(every.max(1)),
                Schedule::Probability(share, _) => rng.random_bool(share.clamp(0.0, 1.0)),
            };
        if begins {
            self.rest = burst;
        }
        let fires = self.rest > 0;
        self.rest -= u64::from(fires);
        self.fired += u64::from(fires);
        fires
    }
}

#[derive(Debug, Default)]
struct Script {
    next_id: u64,
    active: Vec<(ActiveFault, StdRng)>,
}

/// The faults in force.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<Script>);

impl Faults {
    fn script(&self) -> MutexGuard<'_, Script> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a fault behind those already there.
    pub(crate) fn add(&self, fault: Fault) -> u64 {
        let mut script = self.script();
        script.next_id += 1;
        let id = script.next_id;
        let seed = match fault.schedule {
            Schedule::Probability(_, seed) => seed,
            _ => 0,
        };
        let rng = StdRng::seed_from_u64(seed);
        script.active.push((
            ActiveFault {
                id,
                fault,
                seen: 0,
                fired: 0,
                rest: 0,
            },
            rng,
        ));
        id
    }

    /// Removes all faults.
    pub(crate) fn clear(&self) {
        self.script().active.clear();
    }

    /// The faults with their counts.
    pub(crate) fn list(&self) -> Vec<ActiveFault> {
        self.script()
            .active
            .iter()
            .map(|(fault, _)| fault.clone())
            .collect()
    }

    /// The fault that befalls this request, if any.
    pub(crate) fn take(&self, request: Candidate<'_>) -> Option<FaultKind> {
        let mut script = self.script();
        let active = script.active.iter_mut();
        for (fault, rng) in active.filter(|(fault, _)| fault.matches(request)) {
            if fault.fires(rng) {
                return Some(fault.fault.kind.clone());
            }
        }
        None
    }
}

#[cfg(test)]
mod tests;

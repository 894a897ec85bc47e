//! All that a job may touch, built once at the start and then only borrowed.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use signalbox_core::{Clock, CompanyAddress, ConnectionName, JobError};
use signalbox_queue::{Queue, Trail};
use url::Url;

use crate::{Cards, Outages, Routes, Sink, Source, Sources, Throttles};

/// Settings of handlers.
#[derive(Debug, Clone)]
pub struct Settings {
    /// More announceable documents than this from one catch-up are held as a group.
    pub flood_limit: usize,
    /// What delays are multiplied by.
    pub time_scale: f64,
    /// Where subscriptions send their notifications; without it there are none.
    pub public_url: Option<Url>,
}

/// What handlers work with.
#[derive(Debug)]
pub struct Context {
    /// The queue, the ledger and the registers.
    pub queue: Queue,
    /// Where steps are told.
    pub trail: Trail,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The routes.
    pub routes: Routes,
    /// The cards.
    pub cards: Cards,
    /// The environments of Business Central connections.
    pub sources: Sources,
    /// Teams connections.
    pub sinks: BTreeMap<ConnectionName, Sink>,
    /// What this process has lately heard of each upstream.
    pub outages: Outages,
    /// How often this process was throttled without a word.
    pub throttles: Throttles,
    /// The settings.
    pub settings: Settings,
}

/// A connection whose fault it is gets another try after this time.
pub(crate) const PROBE: Duration = Duration::from_secs(300);

impl Context {
    /// An environment of the connection `name`, the first if none is named. A job of one that is not configured any
    /// more waits for it.
    pub(crate) fn source(
        &self,
        name: &ConnectionName,
        environment: Option<&str>,
    ) -> Result<&Source, JobError> {
        let Some(source) = self.sources.get(name, environment) else {
            return Err(
                match environment.filter(|_| self.sources.of(name).next().is_some()) {
                    None => self.unconfigured(name),
                    Some(environment) => JobError::snooze(
                        self.after(PROBE),
                        format!(
                            "the environment `{environment}` is not configured; add it to \
                         `connections.{name}.environments`, or cancel the job"
                        ),
                    ),
                },
            );
        };
        Ok(source)
    }

    /// The environment that `address` is in.
    pub(crate) fn source_of(&self, address: &CompanyAddress) -> Result<&Source, JobError> {
        self.source(&address.connection, Some(&address.environment))
    }

    /// The sink called `name`. A job of one that is not configured any more waits for it.
    pub(crate) fn sink(&self, name: &ConnectionName) -> Result<&Sink, JobError> {
        self.sinks.get(name).ok_or_else(|| self.unconfigured(name))
    }

    fn unconfigured(&self, name: &ConnectionName) -> JobError {
        let cause = format!(
            "the connection `{name}` is not configured; add `connections.{name}`, or cancel the job"
        );
        JobError::snooze(self.after(PROBE), cause)
    }

    /// When a connection's fault is looked at again.
    pub(crate) fn next_probe(&self) -> Timestamp {
        self.after(PROBE)
    }

    /// The instant in `delay`, with the delay scaled.
    pub(crate) fn after(&self, delay: Duration) -> Timestamp {
        after(self.clock.now(), self.scaled(delay))
    }

    pub(crate) fn scaled(&self, delay: Duration) -> Duration {
        delay.mul_f64(self.settings.time_scale)
    }
}

/// `start` and `delay` later.
pub(crate) fn after(start: Timestamp, delay: Duration) -> Timestamp {
    let delay = SignedDuration::try_from(delay).unwrap_or(SignedDuration::MAX);
    start.checked_add(delay).unwrap_or(Timestamp::MAX)
}

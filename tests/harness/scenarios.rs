//! What the product promises, played with real processes: at full size by `cargo xtask prove`, at reduced size by the
//! tests. Both run the same code, so that what the tests hold is what the proof measures.

mod baseline;
mod business_central;
mod compose;
mod demo;
mod dice;
mod full;
mod handshake;
mod killing;
mod latency;
mod notifier;
mod owners;
mod rotation;
mod side_by_side;
mod soak;
mod storm;
mod tracing;
mod watched;

use std::path::Path;

use anyhow::Result;
use serde::Serialize;

/// How much of a scenario is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// As the promise says.
    Full,
    /// Enough to see that it holds, within seconds.
    Reduced,
}

impl Size {
    /// `full` or `reduced`.
    pub(crate) fn pick<T>(self, full: T, reduced: T) -> T {
        match self {
            Self::Full => full,
            Self::Reduced => reduced,
        }
    }
}

/// A scenario by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    /// The demo itself.
    Demo,
    /// The worker is killed every second.
    WorkerKilled,
    /// The embedded Redis is killed while cards are under way.
    RedisKilled,
    /// How long a card takes when there is little to do.
    Latency,
    /// Handshakes while many notifications arrive.
    Handshake,
    /// Routes over what exists already, a rebuild, and a Redis that lost its memory.
    Baseline,
    /// The owner of the embedded Redis is killed again and again.
    OwnerKilled,
    /// Workers of the queue are killed in turn.
    Soak,
    /// Requests through lanes that are closed and opened at random.
    Storm,
    /// A Redis filled over its limit.
    Full,
    /// Two builds of the program work together.
    SideBySide,
    /// A collector is sent the trace of a signal.
    Tracing,
    /// A Prometheus on a running system.
    Watched,
    /// The master key of sealed secrets is rotated under load.
    KeyRotated,
    /// The containers of docker-compose.yml.
    Compose,
    /// Mixed business of three companies while the cloud is at its worst.
    Mixed,
    /// More changes in one window than are notified singly.
    Collection,
    /// More sets than there are subscriptions for.
    Many,
    /// Changes that gathered while no worker was there.
    Backlog,
}

impl Scenario {
    /// All that `cargo xtask prove main` plays.
    pub const MAIN: [Self; 7] = [
        Self::Demo,
        Self::WorkerKilled,
        Self::RedisKilled,
        Self::Latency,
        Self::Handshake,
        Self::Baseline,
        Self::OwnerKilled,
    ];

    /// All that `cargo xtask prove queue` plays.
    pub const QUEUE: [Self; 4] = [Self::Soak, Self::Storm, Self::Full, Self::SideBySide];

    /// All that `cargo xtask prove run` plays.
    pub const RUN: [Self; 4] = [
        Self::Compose,
        Self::Tracing,
        Self::Watched,
        Self::KeyRotated,
    ];

    /// All that `cargo xtask prove business-central` plays.
    pub const BUSINESS_CENTRAL: [Self; 4] =
        [Self::Mixed, Self::Collection, Self::Many, Self::Backlog];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Demo => "demo",
            Self::WorkerKilled => "worker-killed",
            Self::RedisKilled => "redis-killed",
            Self::Latency => "latency",
            Self::Handshake => "handshake",
            Self::Baseline => "baseline",
            Self::OwnerKilled => "owner-killed",
            Self::Soak => "soak",
            Self::Storm => "storm",
            Self::Full => "full",
            Self::SideBySide => "side-by-side",
            Self::Tracing => "tracing",
            Self::Watched => "watched",
            Self::KeyRotated => "key-rotated",
            Self::Compose => "compose",
            Self::Mixed => "mixed",
            Self::Collection => "collection",
            Self::Many => "many",
            Self::Backlog => "backlog",
        }
    }

    /// Plays it and returns what was found. An error means that it could not be played to its end.
    ///
    /// `previous` is the `signalbox` of another commit, for the one that compares two.
    pub async fn play(self, size: Size, previous: Option<&Path>) -> Result<Vec<Criterion>> {
        match self {
            Self::Demo => demo::play(size).await,
            Self::WorkerKilled => killing::worker(size).await,
            Self::RedisKilled => killing::redis(size).await,
            Self::Latency => latency::play(size).await,
            Self::Handshake => handshake::play(size).await,
            Self::Baseline => baseline::play(size).await,
            Self::OwnerKilled => owners::play(size).await,
            Self::Soak => soak::play(size).await,
            Self::Storm => storm::play(size).await,
            Self::Full => full::play(size).await,
            Self::SideBySide => side_by_side::play(size, previous).await,
            Self::Tracing => tracing::play(size).await,
            Self::Watched => watched::play(size).await,
            Self::KeyRotated => rotation::play(size).await,
            Self::Compose => compose::play(size).await,
            Self::Mixed => business_central::mixed::play(size).await,
            Self::Collection => business_central::collection::play(size).await,
            Self::Many => business_central::many::play(size).await,
            Self::Backlog => business_central::backlog::play(size).await,
        }
    }
}

/// A figure.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Figure {
    /// A number of things.
    Count(u64),
    /// Something measured.
    Measure(f64),
}

/// One criterion with its figure.
#[derive(Debug, Clone, Serialize)]
pub struct Criterion {
    /// What was looked at.
    pub criterion: String,
    /// What was found.
    pub figure: Figure,
    /// The unit of a measured figure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<&'static str>,
    /// What the figure must be.
    pub required: String,
    /// Whether it is.
    pub holds: bool,
    /// Why it was not looked at, if it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped: Option<String>,
}

impl Criterion {
    /// A scenario that could not be played to its end.
    pub fn broken_off(scenario: Scenario) -> Self {
        Self::exactly(&format!("{}: played to its end", scenario.name()), 0, 1)
    }

    /// What could not be looked at here, and why; it says nothing against what was.
    pub fn skipped(criterion: &str, why: String) -> Self {
        Self {
            skipped: Some(why),
            ..Self::told(criterion, 0)
        }
    }

    /// Something of which there must be none.
    pub(crate) fn none(criterion: &str, count: u64) -> Self {
        Self::exactly(criterion, count, 0)
    }

    /// Something of which there must be so many.
    pub(crate) fn exactly(criterion: &str, count: u64, wanted: u64) -> Self {
        Self::counted(criterion, count, wanted.to_string(), count == wanted)
    }

    /// Something of which there must be many.
    pub(crate) fn at_least(criterion: &str, count: u64, least: u64) -> Self {
        Self::counted(criterion, count, format!(">= {least}"), count >= least)
    }

    /// Something of which there may be so many.
    pub(crate) fn at_most(criterion: &str, count: u64, most: u64) -> Self {
        Self::counted(criterion, count, format!("<= {most}"), count <= most)
    }

    /// Something that is told and has no limit.
    pub(crate) fn told(criterion: &str, count: u64) -> Self {
        Self::counted(criterion, count, "any".to_owned(), true)
    }

    /// A time in milliseconds below a limit.
    pub(crate) fn below_ms(criterion: &str, figure: f64, limit: f64) -> Self {
        let required = format!("< {limit}");
        Self::measured(criterion, figure, "ms", required, figure < limit)
    }

    /// A time in milliseconds that is told and has no limit.
    pub(crate) fn told_ms(criterion: &str, figure: f64) -> Self {
        Self::measured(criterion, figure, "ms", "any".to_owned(), true)
    }

    /// A rate per second.
    pub(crate) fn rate(criterion: &str, figure: f64, least: f64) -> Self {
        let required = format!(">= {least}");
        Self::measured(criterion, figure, "per s", required, figure >= least)
    }

    /// Whether it depends on how fast the machine is.
    pub fn is_about_speed(&self) -> bool {
        self.unit.is_some()
    }

    fn counted(criterion: &str, count: u64, required: String, holds: bool) -> Self {
        Self {
            criterion: criterion.to_owned(),
            figure: Figure::Count(count),
            unit: None,
            required,
            holds,
            skipped: None,
        }
    }

    fn measured(
        criterion: &str,
        figure: f64,
        unit: &'static str,
        required: String,
        holds: bool,
    ) -> Self {
        Self {
            criterion: criterion.to_owned(),
            figure: Figure::Measure((figure * 1e3).round() / 1e3),
            unit: Some(unit),
            required,
            holds,
            skipped: None,
        }
    }
}

/// How many there are, as a figure.
pub(crate) fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

//! `/metrics` of every role: what this process counted, how things stand now, in the text that Prometheus reads.
//!
//! Counters and histograms are recorded where things happen, through the `metrics` facade, and add up from the start of
//! the process. Gauges are looked up when somebody scrapes, so that one that does not hold any more is gone. A scrape
//! never fails: what Redis does not say is left out.

mod family;
mod gauges;
mod state;
mod text;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use anyhow::Context as _;
use jiff::Timestamp;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use signalbox_config::Config;
use signalbox_core::Clock;
use signalbox_queue::{Pulse, Queue};

pub use self::family::Role;
use self::{
    family::{FAMILIES, Kind},
    state::Looker,
    text::Text,
};
use crate::assembly;

/// The type of what [`Metrics::render`] writes.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";
/// Observations are sorted into buckets at least so often, so that they do not pile up while nobody scrapes.
const UPKEEP: Duration = Duration::from_secs(5);

/// The metrics of this process.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    counted: PrometheusHandle,
    role: Role,
    looker: Looker,
    known: Known,
    pulse: Option<Pulse>,
    clock: Arc<dyn Clock>,
}

/// What the configuration says about what is served.
#[derive(Debug)]
struct Known {
    /// Credentials whose secret ends at a known instant.
    secrets: Vec<(String, Timestamp)>,
    /// Connections and entities that a route listens to. Redis remembers subscriptions of others, which may end.
    listened: BTreeSet<(String, String)>,
}

impl Known {
    fn by(config: &Config) -> Self {
        let credentials = config.credentials.values();
        let secrets = credentials.filter_map(|credential| {
            let expires = credential.client_secret_expires?;
            Some((credential.name.clone(), expires))
        });
        let routes = config.routes.values().filter(|route| route.enabled);
        let listened = routes.map(|route| {
            let from = &route.from;
            (from.connection.to_string(), from.entity.clone())
        });
        Self {
            secrets: secrets.collect(),
            listened: listened.collect(),
        }
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics")
            .field("role", &self.0.role)
            .finish_non_exhaustive()
    }
}

impl Metrics {
    /// Records what this process counts from now on; only once in a process.
    pub fn start(
        config: &Config,
        role: Role,
        queue: Queue,
        pulse: Option<Pulse>,
    ) -> anyhow::Result<Self> {
        let counted = record()?;
        Ok(Self(Arc::new(Inner {
            counted,
            role,
            looker: Looker::new(queue),
            known: Known::by(config),
            pulse,
            clock: assembly::clock(),
        })))
    }

    /// Everything, as it stands now.
    pub async fn render(&self) -> String {
        let state = self.0.looker.look().await;
        let now = self.0.clock.now();
        let mut text = Text::after(self.0.counted.render());
        gauges::own(&mut text, self.0.pulse.as_ref(), &self.0.known, now);
        gauges::of_redis(&mut text, &state, &self.0.known, now);
        for family in FAMILIES.iter().filter(|family| self.0.role.serves(family)) {
            text.head(family);
        }
        text.into_string()
    }

    /// Keeps what was observed small, for ever.
    pub async fn upkeep(&self) {
        loop {
            tokio::time::sleep(UPKEEP).await;
            self.0.counted.run_upkeep();
        }
    }
}

fn record() -> anyhow::Result<PrometheusHandle> {
    let mut builder = PrometheusBuilder::new();
    for family in &FAMILIES {
        if let Kind::Histogram(bounds) = family.kind {
            let matcher = Matcher::Full(family.name.to_owned());
            builder = builder.set_buckets_for_metric(matcher, bounds)?;
        }
    }
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder)
        .ok()
        .context("this process records metrics already")?;
    for family in &FAMILIES {
        match family.kind {
            Kind::Counter => metrics::describe_counter!(family.name, family.help),
            Kind::Histogram(_) => metrics::describe_histogram!(family.name, family.help),
            // Gauges are written without the recorder.
            Kind::Gauge => {}
        }
    }
    Ok(handle)
}

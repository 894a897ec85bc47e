//! What a process records of its signals, and where it sends it, as the section `[observe]` says.
//!
//! Without a collector the same ids are made, because jobs and log lines carry them; nothing is sent. Sending disturbs
//! nobody: spans wait in a bounded queue, what does not fit or is not taken is dropped and counted, and
//! [`Telemetry::close`] returns within seconds whatever the collector does.

mod collector;
mod courier;
mod losses;
mod sampler;

use std::time::Duration;

use anyhow::Context as _;
use opentelemetry::{KeyValue, global, trace::TracerProvider as _};
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use signalbox_config::Config;
use signalbox_jobs::sender_options;
use signalbox_trace::SCOPE;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::{Layer, filter, registry::LookupSpan};
use uuid::Uuid;

use collector::Collector;
use sampler::AtTheDoor;

/// For one request to the collector.
const REQUEST: Duration = Duration::from_secs(5);
/// How long the last spans may take. The process has done its work by then.
const FAREWELL: Duration = Duration::from_secs(3);
/// The beginning of the names of our own crates.
const OURS: &str = "signalbox";

/// The recording of spans, and the task that sends them.
#[derive(Debug)]
pub struct Telemetry {
    provider: SdkTracerProvider,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Telemetry {
    /// Begins to record spans in the name of `service`, and to send them if there is a collector.
    ///
    /// Logging brings in the spans. Needs a runtime if there is a collector.
    pub fn start(config: &Config, service: &'static str) -> anyhow::Result<Self> {
        let resource = Resource::builder_empty()
            .with_service_name(service)
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .with_attribute(KeyValue::new(
                "service.instance.id",
                Uuid::new_v4().to_string(),
            ))
            .build();
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let mut provider = SdkTracerProvider::builder()
            .with_resource(resource.clone())
            .with_sampler(AtTheDoor::new(config.observe.trace_sample));
        if let Some(collector) = collector(config, &resource)? {
            let (courier, rounds) = courier::courier();
            tasks.spawn(rounds.make(collector, stop.clone()));
            provider = provider.with_span_processor(courier);
        }
        let provider = provider.build();
        global::set_tracer_provider(provider.clone());
        Ok(Self {
            provider,
            stop,
            tasks,
        })
    }

    /// What makes a span of ours a span of its trace. It belongs directly on the registry.
    ///
    /// Log lines within a span are its events. Both are as free of secrets as a log must be.
    pub(crate) fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer(SCOPE))
            .with_context_activation(false)
            .with_tracked_inactivity(false)
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_filter(filter::filter_fn(is_for_the_collector))
    }

    /// Sends what is left, for up to three seconds.
    pub async fn close(self) {
        self.stop.cancel();
        self.tasks.close();
        if tokio::time::timeout(FAREWELL, self.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!("the collector takes too long; the last traces are not sent");
        }
    }
}

/// Whether a span or an event is for the collector. Its spans are those of one level; what makes spans of another only
/// wants to be named on log lines.
fn is_for_the_collector(metadata: &Metadata<'_>) -> bool {
    is_ours(metadata) && (metadata.is_event() || *metadata.level() == Level::INFO)
}

/// Whether a span or an event is of our own crates, and not for whoever debugs them.
pub(crate) fn is_ours(metadata: &Metadata<'_>) -> bool {
    *metadata.level() <= Level::INFO && metadata.target().starts_with(OURS)
}

fn collector(config: &Config, resource: &Resource) -> anyhow::Result<Option<Collector>> {
    let Some(endpoint) = &config.observe.otlp_endpoint else {
        return Ok(None);
    };
    let client = sender_options(&config.http, REQUEST)?;
    let client = client
        .client()
        .context("no traces can be sent to `observe.otlp_endpoint` with the section `[http]`")?;
    Ok(Some(Collector::new(client, endpoint.traces(), resource)))
}

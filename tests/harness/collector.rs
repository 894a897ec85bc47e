//! An OpenTelemetry collector: a real HTTP server that takes OTLP with protobuf, and keeps what it was sent.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::Result;
use axum::{Router, body::Bytes, extract::State, http::StatusCode, routing::post};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{AnyValue, KeyValue, any_value::Value},
    trace::v1 as wire,
};
use prost::Message;
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::until::until;

/// A span as it arrived.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// The service that sent it.
    pub service: String,
    /// Its name.
    pub name: String,
    /// Its trace, in hexadecimal digits.
    pub trace: String,
    /// Its own id.
    pub id: String,
    /// The id of its parent; empty for the first span of a trace.
    pub parent: String,
    /// When it began, in nanoseconds.
    pub start: u64,
    /// When it ended, in nanoseconds.
    pub end: u64,
    /// Whether it tells an error.
    pub failed: bool,
    /// Its attributes as text.
    pub attributes: BTreeMap<String, String>,
    /// The names of its events with their attributes.
    pub events: Vec<(String, BTreeMap<String, String>)>,
    /// The traces that it links to.
    pub links: Vec<String>,
}

impl Span {
    /// An attribute as text; empty if it has none of this name.
    pub fn get(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }
}

#[derive(Debug, Default)]
struct Taken {
    spans: Vec<Span>,
    /// The requests as they came.
    bodies: Vec<u8>,
}

/// A running collector.
#[derive(Debug)]
pub struct Collector {
    /// Its address, as `observe.otlp_endpoint` names it.
    pub url: String,
    taken: Arc<Mutex<Taken>>,
    stop: CancellationToken,
}

impl Collector {
    /// A collector that takes everything.
    pub async fn start() -> Result<Self> {
        Self::answering(StatusCode::OK).await
    }

    /// A collector that reads everything and answers `status`.
    pub async fn answering(status: StatusCode) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let (taken, stop) = (
            Arc::new(Mutex::new(Taken::default())),
            CancellationToken::new(),
        );
        let router = Router::new()
            .route("/v1/traces", post(take))
            .with_state((taken.clone(), status));
        let stopped = stop.clone().cancelled_owned();
        TaskTracker::new().spawn(async move {
            let served = axum::serve(listener, router).with_graceful_shutdown(stopped);
            served.await
        });
        Ok(Self { url, taken, stop })
    }

    /// What arrived so far.
    pub fn spans(&self) -> Vec<Span> {
        self.taken().spans.clone()
    }

    /// What arrived of one trace.
    pub fn trace(&self, trace: &str) -> Vec<Span> {
        let mut spans = self.spans();
        spans.retain(|span| span.trace == trace);
        spans.sort_by_key(|span| span.start);
        spans
    }

    /// Whether `text` was part of anything that arrived.
    pub fn heard(&self, text: &str) -> bool {
        let bodies = &self.taken().bodies;
        bodies
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    }

    /// Returns a trace that satisfies `wanted`, once there is one.
    pub async fn until_trace(
        &self,
        what: &str,
        wanted: impl Fn(&[Span]) -> bool,
    ) -> Result<Vec<Span>> {
        let mut found = None;
        let looked = until(what, async || {
            let spans = self.spans();
            let traces: BTreeSet<&str> = spans.iter().map(|span| span.trace.as_str()).collect();
            let mut traces = traces.into_iter().map(|trace| self.trace(trace));
            found = traces.find(|trace| wanted(trace));
            found.is_some()
        });
        looked.await?;
        Ok(found.unwrap_or_default())
    }

    fn taken(&self) -> std::sync::MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn take(
    State((taken, status)): State<(Arc<Mutex<Taken>>, StatusCode)>,
    body: Bytes,
) -> StatusCode {
    let Ok(request) = ExportTraceServiceRequest::decode(body.clone()) else {
        return StatusCode::BAD_REQUEST;
    };
    let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
    taken.bodies.extend_from_slice(&body);
    for resource in request.resource_spans {
        let about = resource
            .resource
            .map(|about| about.attributes)
            .unwrap_or_default();
        let service = texts(about).remove("service.name").unwrap_or_default();
        let spans = resource
            .scope_spans
            .into_iter()
            .flat_map(|scope| scope.spans);
        taken.spans.extend(spans.map(|span| read(&service, span)));
    }
    status
}

fn read(service: &str, span: wire::Span) -> Span {
    let failed = wire::status::StatusCode::Error as i32;
    Span {
        service: service.to_owned(),
        name: span.name,
        trace: hex(&span.trace_id),
        id: hex(&span.span_id),
        parent: hex(&span.parent_span_id),
        start: span.start_time_unix_nano,
        end: span.end_time_unix_nano,
        failed: span.status.is_some_and(|status| status.code == failed),
        attributes: texts(span.attributes),
        events: span
            .events
            .into_iter()
            .map(|event| (event.name, texts(event.attributes)))
            .collect(),
        links: span.links.iter().map(|link| hex(&link.trace_id)).collect(),
    }
}

fn texts(attributes: Vec<KeyValue>) -> BTreeMap<String, String> {
    attributes
        .into_iter()
        .map(|one| (one.key, text(one.value)))
        .collect()
}

fn text(value: Option<AnyValue>) -> String {
    match value.and_then(|value| value.value) {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::BoolValue(truth)) => truth.to_string(),
        other => format!("{other:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut digits, byte| {
        write!(digits, "{byte:02x}").expect("a text takes everything");
        digits
    })
}

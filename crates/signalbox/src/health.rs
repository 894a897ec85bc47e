//! `/livez`, `/readyz` and `/metrics` of every role, on `observe.bind`.
//!
//! A worker lives as long as its round trips to Redis do, not as long as its process exists. A role is ready when
//! Redis answers.

use std::time::Duration;

use anyhow::Context as _;
use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use signalbox_queue::{Pulse, Queue};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::metrics::{CONTENT_TYPE, Metrics};

/// A worker that fetched nothing for this long hangs: an idle one looks every two seconds.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// How long Redis may take for a ping.
const PING: Duration = Duration::from_secs(2);

/// What is asked about.
#[derive(Debug, Clone)]
pub struct Health {
    /// For readiness.
    pub queue: Queue,
    /// For liveness, if this role has a worker.
    pub pulse: Option<Pulse>,
    /// What the role counts, and how things stand.
    pub metrics: Metrics,
}

/// Serves health and metrics on `address` until `stop`.
pub async fn serve(
    address: std::net::SocketAddr,
    health: Health,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let listener = TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on `observe.bind` = {address}; give each role on a machine its own")
    })?;
    let counted = health.metrics.clone();
    let router = Router::new()
        .route("/livez", get(livez))
        .route("/metrics", get(metrics))
        .route("/readyz", get(readyz))
        .with_state(health);
    let served = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned());
    tokio::select! {
        served = served.into_future() => served.context("the health server ended"),
        () = counted.upkeep() => Ok(()),
    }
}

async fn livez(State(health): State<Health>) -> StatusCode {
    let age = health.pulse.and_then(|pulse| pulse.age());
    status(age.is_none_or(|age| age < LONGEST_PAUSE))
}

async fn metrics(State(health): State<Health>) -> impl IntoResponse {
    let text = health.metrics.render().await;
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], text)
}

async fn readyz(State(health): State<Health>) -> StatusCode {
    let ping = tokio::time::timeout(PING, health.queue.ping()).await;
    status(matches!(ping, Ok(Ok(()))))
}

fn status(well: bool) -> StatusCode {
    if well {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    }
}

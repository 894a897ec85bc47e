//! What every worker enqueues at its start, and again after Redis lost its memory. Ids are deterministic, so many
//! workers enqueue it once.

use jiff::Timestamp;
use signalbox_core::{
    ConnectionName, JobId, LaneChain, ROUTES, Renew, RouteName, RoutePhase, RouteState,
};
use signalbox_queue::{NewJob, Origin, Queue, QueueError};

use crate::{Context, Source};

/// Why the first jobs are not enqueued.
#[derive(Debug, thiserror::Error)]
pub enum BootstrapError {
    /// The queue cannot be reached.
    #[error("the first jobs could not be enqueued")]
    Queue(#[from] QueueError),
    /// There is no such route.
    #[error("there is no route `{0}`; `signalbox routes list` shows those that exist")]
    UnknownRoute(RouteName),
}

/// Enters new routes, and has every environment looked after, which plants baselines and subscriptions.
///
/// `origin` says whether Redis remembers what was announced before. If it does not, every route is held: taking
/// what exists as known is a decision, because what was posted while the memory was lost would never be announced.
pub async fn bootstrap(context: &Context, origin: Origin) -> Result<(), BootstrapError> {
    for route in context.routes.iter() {
        enter(context, &route.name, origin).await?;
    }
    for source in context.sources.iter() {
        enqueue_renewal(context, source).await?;
    }
    Ok(())
}

/// Lets a route begin anew: what exists is entered as known, then it announces.
pub async fn restart_baseline(context: &Context, name: &RouteName) -> Result<(), BootstrapError> {
    let route = context.routes.get(name);
    let route = route.ok_or_else(|| BootstrapError::UnknownRoute(name.clone()))?;
    let state = RouteState {
        phase: RoutePhase::Baselining,
        since: context.clock.now(),
        reason: "its baseline was asked for".to_owned(),
        begun: None,
    };
    let register = context.queue.register(ROUTES);
    register
        .update(name.as_str(), |_| Some(state.clone()))
        .await?;
    for source in context.sources.of(&route.source) {
        enqueue_renewal(context, source).await?;
    }
    Ok(())
}

async fn enter(context: &Context, name: &RouteName, origin: Origin) -> Result<(), QueueError> {
    let now = context.clock.now();
    let new = match origin {
        Origin::Fresh => beginning(now),
        Origin::Recovered => forgotten(name, now),
    };
    let register = context.queue.register(ROUTES);
    let state = register
        .update(name.as_str(), |old: Option<RouteState>| {
            Some(old.unwrap_or_else(|| new.clone()))
        })
        .await?;
    if let Some(state) = state.filter(|state| state.phase == RoutePhase::Held) {
        tracing::error!(route.name = %name, reason = state.reason, "the route is held");
    }
    Ok(())
}

fn beginning(now: Timestamp) -> RouteState {
    RouteState {
        phase: RoutePhase::Baselining,
        since: now,
        reason: "the route is new".to_owned(),
        begun: None,
    }
}

fn forgotten(name: &RouteName, now: Timestamp) -> RouteState {
    RouteState {
        phase: RoutePhase::Held,
        since: now,
        reason: format!(
            "redis does not remember what was announced before; run `signalbox routes baseline {name}` to take \
             everything that exists now as known and to announce what comes after"
        ),
        begun: None,
    }
}

/// Has an environment looked after now: its companies, its baselines and its subscriptions.
pub async fn ask_for_round(
    queue: &Queue,
    connection: &ConnectionName,
    environment: &str,
    lanes: LaneChain,
    now: Timestamp,
) -> Result<(), QueueError> {
    let renew = Renew {
        connection: connection.clone(),
        environment: environment.to_owned(),
    };
    let id = JobId::renew(connection, environment);
    let job = NewJob::new(id, lanes, renew, None)?;
    queue.enqueue(job.keep_last(now)).await.map(drop)
}

async fn enqueue_renewal(context: &Context, source: &Source) -> Result<(), QueueError> {
    let lanes = source.renewal_lanes();
    let now = context.clock.now();
    let (connection, environment) = (&source.connection, &source.environment);
    ask_for_round(&context.queue, connection, environment, lanes, now).await
}

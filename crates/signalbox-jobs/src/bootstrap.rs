//! What every worker enqueues at its start, and again after Redis lost its memory. Ids are deterministic, so many
//! workers enqueue it once.

use std::collections::BTreeSet;

use jiff::Timestamp;
use signalbox_core::{
    CatchUp, CatchUpPurpose, ConnectionName, JobId, ROUTES, Renew, RouteName, RoutePhase,
    RouteState,
};
use signalbox_queue::{NewJob, Origin, QueueError};

use crate::Context;

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

/// Enters new routes, and enqueues their baselines and the subscriptions of their sources.
///
/// `origin` says whether Redis remembers what was announced before. If it does not, every route is held: taking
/// what exists as known is a decision, because what was posted while the memory was lost would never be announced.
pub async fn bootstrap(context: &Context, origin: Origin) -> Result<(), BootstrapError> {
    for route in context.routes.iter() {
        enter(context, &route.name, origin).await?;
    }
    for (connection, set) in sets(context) {
        enqueue_baseline(context, &connection, &set).await?;
        if context.settings.public_url.is_some() {
            enqueue_renewal(context, &connection, &set).await?;
        }
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
    };
    let register = context.queue.register(ROUTES);
    register
        .update(name.as_str(), |_| Some(state.clone()))
        .await?;
    enqueue_baseline(context, &route.source, &route.set).await?;
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
    }
}

/// The sets that some route listens to.
fn sets(context: &Context) -> BTreeSet<(ConnectionName, String)> {
    let routes = context.routes.iter();
    routes
        .map(|route| (route.source.clone(), route.set.clone()))
        .collect()
}

async fn enqueue_baseline(
    context: &Context,
    connection: &ConnectionName,
    set: &str,
) -> Result<(), QueueError> {
    let Some(source) = context.sources.get(connection) else {
        return Ok(());
    };
    let id = JobId::catch_up(connection, set, "baseline");
    let catch_up = CatchUp {
        connection: connection.clone(),
        company: None,
        set: set.to_owned(),
        purpose: CatchUpPurpose::Baseline,
    };
    let job = NewJob::new(id, source.lanes.clone(), catch_up, None)?;
    context
        .queue
        .enqueue(job.keep_last(context.clock.now()))
        .await?;
    Ok(())
}

async fn enqueue_renewal(
    context: &Context,
    connection: &ConnectionName,
    set: &str,
) -> Result<(), QueueError> {
    let Some(source) = context.sources.get(connection) else {
        return Ok(());
    };
    let renew = Renew {
        connection: connection.clone(),
        set: set.to_owned(),
    };
    let id = JobId::renew(connection, set);
    let job = NewJob::new(id, source.lanes.clone(), renew, None)?;
    context
        .queue
        .enqueue(job.keep_last(context.clock.now()))
        .await?;
    Ok(())
}

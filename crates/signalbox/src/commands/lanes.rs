//! `signalbox lanes`: what is shut, until when and why, and an operator's hand on it.

use std::{num::NonZeroU32, process::ExitCode};

use serde_json::{Value, json};
use signalbox_config::{Config, Connection};
use signalbox_core::{LaneLimits, LaneName};
use signalbox_queue::{LaneView, Queue, QueueError};

use super::{jobs::open, output};
use crate::{
    assembly::{self, Store},
    cli::{Global, LanesCommand},
};

pub(crate) async fn run(global: &Global, command: &LanesCommand) -> anyhow::Result<ExitCode> {
    let store = open(global).await?;
    let done = change(global, &store, command).await;
    store.close().await;
    done
}

async fn change(
    global: &Global,
    store: &Store,
    command: &LanesCommand,
) -> anyhow::Result<ExitCode> {
    let queue = &store.queue;
    match command {
        LanesCommand::List => return list(global, store).await,
        LanesCommand::Close { lane, reason } => {
            let lane = LaneName::from_stored(lane);
            queue
                .pause_lane(&root(global, &lane)?, &lane, reason)
                .await?;
        }
        LanesCommand::Limit { lane, limits } => {
            let lane = LaneName::from_stored(lane);
            let limits: Option<LaneLimits> =
                limits.as_ref().map(|text| text.parse()).transpose()?;
            queue
                .limit_lane(&root(global, &lane)?, &lane, limits.as_ref())
                .await?;
        }
        LanesCommand::Open { lane } => {
            let lane = LaneName::from_stored(lane);
            let root = root(global, &lane)?;
            queue.open_lane(&root, &lane).await?;
            queue.resume_lane(&root, &lane).await?;
            queue.mend_lane(&root, &lane).await?;
        }
    }
    list(global, store).await
}

/// The root of `lane`: the one that its name begins with.
fn root(global: &Global, lane: &LaneName) -> anyhow::Result<LaneName> {
    let roots = roots(&global.load()?);
    // A lane below a root has the root's whole name, encoded, as its first segment.
    let found = roots.into_iter().find(|root| {
        let below = LaneName::new([root.as_str()]);
        lane == root || lane.as_str().starts_with(&format!("{}/", below.as_str()))
    });
    found.ok_or_else(|| {
        anyhow::anyhow!(
            "`{}` belongs to no configured connection; `signalbox lanes list` prints those that were shut",
            lane.as_str()
        )
    })
}

fn roots(config: &Config) -> Vec<LaneName> {
    let of = |connection: &Connection| match connection {
        Connection::BusinessCentral(connection) => {
            let environments = connection.environments.iter();
            let lanes = environments.map(|name| signalbox_jobs::source_lanes(connection, name));
            lanes.map(|lanes| lanes.top().clone()).collect()
        }
        Connection::Teams(connection) => signalbox_jobs::sink_roots(connection).to_vec(),
    };
    config.connections.values().flat_map(of).collect()
}

async fn list(global: &Global, store: &Store) -> anyhow::Result<ExitCode> {
    let lanes = lanes(&store.queue, None).await?;
    if global.json {
        let rows = lanes.iter().map(|(lane, view)| row(lane, view));
        output::json(&rows.collect::<Value>())?;
        return Ok(ExitCode::SUCCESS);
    }
    for (lane, view) in &lanes {
        output::line(&format!("{}  {}", lane.as_str(), words(view)))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Every lane that was shut or limited at some time, or the `most` last ones of each partition, as they stand now: a
/// gate stays noted after it has opened.
pub(super) async fn lanes(
    queue: &Queue,
    most: Option<NonZeroU32>,
) -> Result<Vec<(LaneName, LaneView)>, QueueError> {
    let now = assembly::clock().now();
    let mut lanes = queue.changed_lanes(most).await?;
    for (_, view) in &mut lanes {
        view.gate.take_if(|(until, _)| *until <= now);
    }
    Ok(lanes)
}

/// For programs.
pub(super) fn row(lane: &LaneName, view: &LaneView) -> Value {
    json!({
        "lane": lane,
        "closed_until": view.gate.as_ref().map(|(until, _)| until),
        "closed_because": view.gate.as_ref().map(|(_, reason)| reason),
        "paused_because": view.paused,
        "broken": view.broken.as_ref().map(|(fault, _)| fault),
        "next_probe": view.broken.as_ref().map(|(_, probe)| probe),
        "limits": view.limits,
    })
}

/// For people: everything that shuts or limits a lane.
pub(super) fn words(view: &LaneView) -> String {
    let mut words = Vec::new();
    if let Some((fault, probe)) = &view.broken {
        words.push(format!(
            "broken: {}; probed at {probe}; {}",
            fault.cause, fault.next_action
        ));
    }
    if let Some(reason) = &view.paused {
        words.push(format!("paused: {reason}"));
    }
    if let Some((until, reason)) = &view.gate {
        words.push(format!("closed until {until}: {reason}"));
    }
    if let Some(limits) = &view.limits {
        words.push(format!("limits {limits}"));
    }
    if words.is_empty() {
        words.push("open".to_owned());
    }
    words.join("; ")
}

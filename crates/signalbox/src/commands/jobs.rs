//! `signalbox jobs` and `signalbox dead`: depths, holds and dead jobs.

use std::process::ExitCode;

use serde_json::json;
use signalbox_config::{Environment, Queue as Kind};

use super::output;
use crate::{
    assembly::Store,
    cli::{Global, JobsCommand},
};

/// Dead jobs shown of each queue.
const MOST: usize = 100;

/// The store of a command that only looks and acts, and is not a role.
pub(crate) async fn open(global: &Global) -> anyhow::Result<Store> {
    let config = global.load()?;
    let environment = Environment::from_process();
    Store::open(&config, environment.variable("PATH").unwrap_or_default()).await
}

pub(crate) async fn run(global: &Global, command: &JobsCommand) -> anyhow::Result<ExitCode> {
    let store = open(global).await?;
    let done = match command {
        JobsCommand::List => list(global, &store).await,
        JobsCommand::Release { group } => {
            let count = store.queue.release_group(group).await?;
            said(global, "released", group, count)
        }
        JobsCommand::Seen { group } => {
            let count = store.queue.mark_group_as_seen(group).await?;
            said(global, "taken as known", group, count)
        }
    };
    store.close().await;
    done
}

fn said(global: &Global, what: &str, group: &str, count: u64) -> anyhow::Result<ExitCode> {
    if global.json {
        output::json(&json!({ "group": group, "jobs": count }))?;
    } else {
        output::line(&format!("{count} jobs of `{group}` were {what}"))?;
    }
    Ok(if count == 0 {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

async fn list(global: &Global, store: &Store) -> anyhow::Result<ExitCode> {
    let mut depth = store.queue.depth().await?;
    depth.retain(|_, count| *count != 0);
    let groups = store.queue.held_groups().await?;
    if global.json {
        let states = depth.iter().map(|((queue, state), count)| {
            json!({ "queue": queue, "state": state.as_str(), "jobs": count })
        });
        let groups = groups
            .iter()
            .map(|(group, count)| json!({ "group": group, "jobs": count }));
        output::json(&states.chain(groups).collect())?;
        return Ok(ExitCode::SUCCESS);
    }
    for ((queue, state), count) in &depth {
        output::line(&format!("{queue:<10} {:<10} {count:>8}", state.as_str()))?;
    }
    for (group, count) in &groups {
        output::line(&format!("held with `{group}`: {count}"))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// `signalbox dead list`. Exits with 1 if there are any.
pub(crate) async fn dead(global: &Global) -> anyhow::Result<ExitCode> {
    let store = open(global).await?;
    let mut dead = Vec::new();
    for kind in [Kind::CatchUp, Kind::Post, Kind::Read, Kind::Renew] {
        dead.extend(store.queue.dead_jobs(kind.as_str(), MOST).await?);
    }
    store.close().await;
    if global.json {
        let rows = dead
            .iter()
            .map(|(id, reason)| json!({ "id": id.as_str(), "reason": reason }));
        output::json(&rows.collect())?;
    } else {
        for (id, reason) in &dead {
            output::line(&format!("{id}\n    {reason}"))?;
        }
    }
    Ok(if dead.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

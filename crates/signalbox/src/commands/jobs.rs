//! `signalbox jobs`: look at jobs, and cancel, hold and release them.

pub(super) mod change;
pub(super) mod list;
mod show;
mod told;

use std::process::ExitCode;

use serde_json::json;
use signalbox_config::Environment;
use signalbox_core::StepWord;
use signalbox_queue::Queue;

use self::{change::Change, told::Said};
use super::output;
use crate::{
    assembly::Store,
    cli::{Global, JobsCommand, Released},
    listing::Listing,
};

/// The store of a command that only looks and acts, and is not a role.
pub(crate) async fn open(global: &Global) -> anyhow::Result<Store> {
    let config = global.load()?;
    let environment = Environment::from_process();
    Store::open(&config, environment.variable("PATH").unwrap_or_default()).await
}

pub(crate) async fn run(global: &Global, command: &JobsCommand) -> anyhow::Result<ExitCode> {
    let store = open(global).await?;
    let done = act(global, &store, command).await;
    store.close().await;
    done
}

async fn act(global: &Global, store: &Store, command: &JobsCommand) -> anyhow::Result<ExitCode> {
    let queue = &store.queue;
    match command {
        JobsCommand::Cancel { ids, reason } => {
            change::each(global, queue, ids, &Change::Cancel { reason }).await
        }
        JobsCommand::Hold { ids, group, reason } => {
            change::each(global, queue, ids, &Change::Hold { group, reason }).await
        }
        JobsCommand::List {
            queue: word,
            state,
            paging,
        } => {
            let listing = Listing {
                queue: word.as_deref(),
                state: *state,
                failed_with: None,
            };
            list::print(global, queue, &listing, paging).await?;
            Ok(ExitCode::SUCCESS)
        }
        JobsCommand::Release(released) => release(global, store, released).await,
        JobsCommand::Seen(group) => {
            let group = group.as_str();
            let count = see(queue, group).await?;
            said(global, "taken as known", group, count)
        }
        JobsCommand::Show { id } => show::run(global, queue, id).await,
    }
}

async fn release(global: &Global, store: &Store, released: &Released) -> anyhow::Result<ExitCode> {
    let Some(group) = released.group() else {
        return change::each(global, &store.queue, &released.jobs, &Change::Release).await;
    };
    let words = Said::new(StepWord::Released, format!("with `{group}`"));
    let mut count = 0;
    loop {
        let parted = store.queue.release_some(group).await?;
        if parted.is_empty() {
            return said(global, "released", group, count);
        }
        count += parted.len() as u64;
        words.of_parted(&store.queue, &parted).await?;
    }
}

/// Ends the jobs of a group as known, and tells the trail of each. Returns how many there were.
async fn see(queue: &Queue, group: &str) -> anyhow::Result<u64> {
    let words = Said::new(StepWord::NotAnnounced, "marked as seen by a person");
    let mut count = 0;
    loop {
        let parted = queue.mark_some_as_seen(group).await?;
        if parted.is_empty() {
            return Ok(count);
        }
        count += parted.len() as u64;
        words.of_parted(queue, &parted).await?;
    }
}

fn said(global: &Global, what: &str, group: &str, count: u64) -> anyhow::Result<ExitCode> {
    if global.json {
        output::json(&json!({ "group": group, "jobs": count }))?;
    } else {
        output::line(&format!("{count} jobs of `{group}` were {what}"))?;
    }
    Ok(output::answer(count != 0))
}

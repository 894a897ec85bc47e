//! `signalbox dead`: what will not be tried again by itself, and why; and bringing it back.

use std::process::ExitCode;

use serde_json::{Value, json};
use signalbox_core::JobId;
use signalbox_queue::{DeadFilter, JobState, Operated, Queue, QueueError};

use super::{
    jobs::{
        change::{Change, row, sentence, was_done},
        list, open,
    },
    output,
};
use crate::{
    cli::{DeadCommand, Dying, Global, Paging, Replayed},
    listing::{self, Listing},
};

pub(crate) async fn run(global: &Global, command: &DeadCommand) -> anyhow::Result<ExitCode> {
    let store = open(global).await?;
    let done = match command {
        DeadCommand::List { dying, paging } => list(global, &store.queue, dying, paging).await,
        DeadCommand::Replay(which) if which.ids.is_empty() => {
            by_filter(global, &store.queue, which).await
        }
        DeadCommand::Replay(which) => by_id(global, &store.queue, which).await,
    };
    store.close().await;
    done
}

/// Exits with 1 if there are any.
async fn list(
    global: &Global,
    queue: &Queue,
    dying: &Dying,
    paging: &Paging,
) -> anyhow::Result<ExitCode> {
    let listing = Listing {
        queue: dying.queue.as_deref(),
        state: Some(JobState::Dead),
        failed_with: dying.failed_with.as_deref(),
    };
    let page = list::print(global, queue, &listing, paging).await?;
    // With a next page nobody knows yet whether there are any.
    Ok(output::answer(page.jobs.is_empty() && page.next.is_none()))
}

async fn by_filter(global: &Global, queue: &Queue, which: &Replayed) -> anyhow::Result<ExitCode> {
    let names = match which.queue.as_deref() {
        Some(word) => {
            let names = listing::stored(queue, word).await?;
            names.into_iter().map(Some).collect()
        }
        None => vec![None],
    };
    let filters = names.iter().map(|name| DeadFilter {
        queue: name.as_deref(),
        failed_with: which.failed_with.as_deref(),
    });
    let mut meant = 0;
    for filter in filters.clone() {
        meant += queue.count_dead(&filter).await?;
    }
    say_meant(global, meant)?;
    let mut revived = 0;
    if !which.dry_run {
        for filter in filters {
            revived += revive(queue, &filter).await?;
        }
    }
    conclude(global, which, meant, revived, None)?;
    Ok(output::answer(meant != 0))
}

/// Brings back what `filter` means, and tells the trail.
async fn revive(queue: &Queue, filter: &DeadFilter<'_>) -> anyhow::Result<u64> {
    let said = Change::Revive.said();
    let mut told = Ok(());
    let tell = async |ids: Vec<JobId>| {
        let this = said.of_each(queue, &ids).await;
        told = std::mem::replace(&mut told, Ok(())).and(this);
    };
    let revived = queue.revive_dead_each(filter, tell).await?;
    told.map(|()| revived)
}

async fn by_id(global: &Global, queue: &Queue, which: &Replayed) -> anyhow::Result<ExitCode> {
    let mut found = Vec::new();
    for id in &which.ids {
        found.push((id, standing(queue, id).await?));
    }
    let meant = found.iter().filter(|(_, one)| was_done(*one)).count() as u64;
    say_meant(global, meant)?;
    if !which.dry_run {
        for (id, outcome) in &mut found {
            *outcome = Change::Revive.apply(queue, id).await?;
        }
    }
    let revived = found.iter().filter(|(_, one)| was_done(*one)).count();
    if !global.json {
        // A dry run has changed nothing, so only what it could not change is worth a sentence.
        let told = found
            .iter()
            .filter(|(_, one)| !which.dry_run || !was_done(*one));
        for (id, outcome) in told {
            output::line(&sentence(id, *outcome, &Change::Revive))?;
        }
    }
    let rows = found.iter().map(|(id, outcome)| {
        let mut row = row(id, *outcome);
        if which.dry_run && was_done(*outcome) {
            row["outcome"] = "meant".into();
        }
        row
    });
    let changed = if which.dry_run { 0 } else { revived as u64 };
    conclude(global, which, meant, changed, Some(rows.collect()))?;
    Ok(output::answer(revived == which.ids.len()))
}

/// What would become of the job if it were brought back now.
async fn standing(queue: &Queue, id: &JobId) -> Result<Operated, QueueError> {
    let job = queue.find_job(id).await?;
    Ok(job.map_or(Operated::Missing, |job| match job.state {
        JobState::Dead => Operated::Moved(JobState::Dead),
        other => Operated::Kept(other),
    }))
}

/// Said before anything is done, so that who sees a surprising number can still stop it.
fn say_meant(global: &Global, meant: u64) -> std::io::Result<()> {
    if global.json {
        return Ok(());
    }
    output::line(&format!("dead jobs that are meant: {meant}"))
}

fn conclude(
    global: &Global,
    which: &Replayed,
    meant: u64,
    revived: u64,
    jobs: Option<Value>,
) -> std::io::Result<()> {
    if global.json {
        let mut answer = json!({ "dry_run": which.dry_run, "meant": meant, "revived": revived });
        if let Some(jobs) = jobs {
            answer["jobs"] = jobs;
        }
        return output::json(&answer);
    }
    if which.dry_run {
        return Ok(());
    }
    output::line(&format!("dead jobs that were brought back: {revived}"))
}

//! `signalbox replay`: records are read again, and what was not announced is announced.
//!
//! A replay is a new signal under an id of its own, so no dedupe swallows it. The effect keeps its key, so the ledger
//! keeps it from doubling a card, unless `--again` asks for just that.

mod choice;

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use serde_json::json;
use signalbox_config::{Config, Connection};
use signalbox_core::{
    Clock, JobId, Read, RouteName, Step, StepWord, SystemClock, hold_group, set_lanes,
};
use signalbox_jobs::source_lanes;
use signalbox_queue::{NewJob, Queue};
use uuid::Uuid;

use self::choice::{Choice, Meant};
use super::{jobs::open, output};
use crate::cli::{Global, Replay};

/// Reads enqueued, and told of, at once.
const PORTION: usize = 500;

pub(crate) async fn run(global: &Global, which: &Replay) -> anyhow::Result<ExitCode> {
    let config = global.load()?;
    let choice = Choice::of(which, &config, SystemClock.now())?;
    let store = open(global).await?;
    let done = replay(global, &config, &store.queue, which, &choice).await;
    store.close().await;
    done
}

/// Exits with 1 if nothing is meant.
async fn replay(
    global: &Global,
    config: &Config,
    queue: &Queue,
    which: &Replay,
    choice: &Choice<'_>,
) -> anyhow::Result<ExitCode> {
    let meant = choice.made(queue).await?;
    let found = meant.records.len();
    // Said before anything is done, so that who sees a surprising number can still stop it.
    if !global.json {
        output::line(&format!("records that are meant: {found}"))?;
        if meant.lost > 0 {
            let lost = meant.lost;
            output::line(&format!(
                "documents whose record the trail does not know: {lost}"
            ))?;
        }
    }
    // A name of its own for every replay, or the second one would be taken for the first.
    let nonce = &Uuid::new_v4().simple().to_string()[..12];
    if !which.dry_run {
        let order = signalbox_core::Replay {
            nonce: nonce.to_owned(),
            again: which.again,
            route: which.route.clone(),
        };
        enqueue(config, queue, &meant, &order).await?;
        if let Some(route) = choice.whole_route() {
            forget_archived(queue, route, choice).await?;
        }
    }
    if global.json {
        let replayed = if which.dry_run { 0 } else { found };
        output::json(&json!({
            "dry_run": which.dry_run, "meant": found, "without_record": meant.lost, "replayed": replayed,
            "nonce": (!which.dry_run).then_some(nonce),
        }))?;
    } else if !which.dry_run && found > 0 {
        output::line(&format!(
            "their reads are enqueued; their ids end in `#replay/{nonce}`, and `signalbox trail show DOCUMENT` tells \
             what becomes of each"
        ))?;
    }
    Ok(output::answer(found > 0))
}

/// What was archived of a route is dealt with when all documents of that time are read again.
async fn forget_archived(
    queue: &Queue,
    route: &RouteName,
    choice: &Choice<'_>,
) -> anyhow::Result<()> {
    let group = hold_group(route);
    let archived = queue.archived().await?;
    if archived
        .get(&group)
        .is_some_and(|archived| choice.covers(archived.first, archived.last))
    {
        queue.forget_archived(&group).await?;
    }
    Ok(())
}

/// Given again after a crash, it reads some records twice, which announces nothing twice but with `--again`.
async fn enqueue(
    config: &Config,
    queue: &Queue,
    meant: &Meant,
    order: &signalbox_core::Replay,
) -> anyhow::Result<()> {
    for portion in meant.records.chunks(PORTION) {
        let mut jobs = Vec::with_capacity(portion.len());
        let mut steps = Vec::with_capacity(portion.len());
        for (record, document) in portion {
            let Some(Connection::BusinessCentral(source)) =
                config.connections.get(&record.connection)
            else {
                bail!(
                    "the connection `{}` is not configured any more; add it",
                    record.connection
                );
            };
            let named = record.environment.as_deref();
            let environment = named.unwrap_or(source.first_environment());
            let read = Read {
                connection: record.connection.clone(),
                environment: Some(environment.to_owned()),
                company: record.company,
                set: record.set.clone(),
                record: record.record.clone(),
                // Any state of the record will do: nobody says that it has changed.
                changed_at: Timestamp::UNIX_EPOCH,
                deleted: false,
                replay: Some(order.clone()),
            };
            let Read {
                connection,
                company,
                set,
                record: key,
                ..
            } = &read;
            let id = JobId::business_central(connection, environment, *company, set, key);
            let id = id.replayed(&order.nonce);
            let step = Step::new(SystemClock.now(), StepWord::Replayed, id.clone());
            let how = if order.again {
                "to be announced again"
            } else {
                ""
            };
            steps.push(
                step.of(document.clone())
                    .found_at(record.clone())
                    .because(how),
            );
            jobs.push(NewJob::new(
                id,
                set_lanes(&source_lanes(source, environment), read.company, &read.set),
                read,
                None,
            )?);
        }
        queue.take_in(jobs).await?;
        queue
            .append_steps(&steps)
            .await
            .context("the reads are enqueued, but the trail does not tell of the replay")?;
    }
    Ok(())
}

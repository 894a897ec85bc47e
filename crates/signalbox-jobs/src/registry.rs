//! The list of handlers: one line per job kind.

use std::{collections::BTreeSet, sync::Arc};

use signalbox_config::{Concurrency, Queue as Kind};
use signalbox_queue::{Worker, WorkerOptions};

use crate::{
    Context, catch_up, counts, post, read, renew,
    tell::{of_failures, witness},
    tick,
};

/// A worker for `kinds` of jobs.
pub fn worker(
    context: &Arc<Context>,
    kinds: &BTreeSet<Kind>,
    concurrency: &Concurrency,
    options: WorkerOptions,
) -> Worker {
    counts::begin(context);
    let limits = options.limits;
    let mut options = options;
    options.engine.witness = witness(context);
    let mut worker = Worker::new(context.queue.clone(), options);
    for kind in kinds {
        let context = context.clone();
        let limit = concurrency.of(*kind).get();
        worker = match kind {
            Kind::CatchUp => {
                let (ticking, passing_on) = (context.clone(), context.clone());
                let worker = worker.handle(1, move |job| {
                    of_failures(passing_on.clone(), limits, job, catch_up::run_of_set)
                });
                let worker = worker.handle(limit, move |job| {
                    of_failures(context.clone(), limits, job, catch_up::run)
                });
                // Ticks make catch-ups, so they run where those do.
                worker.handle(1, move |job| {
                    of_failures(ticking.clone(), limits, job, tick::run)
                })
            }
            Kind::Post => worker.handle(limit, move |job| {
                of_failures(context.clone(), limits, job, post::run)
            }),
            Kind::Read => worker.handle(limit, move |job| {
                of_failures(context.clone(), limits, job, move |context, job| {
                    read::run(context, limits, job)
                })
            }),
            Kind::Renew => {
                let retiring = context.clone();
                let worker = worker.handle(1, move |job| {
                    of_failures(retiring.clone(), limits, job, renew::retire)
                });
                worker.handle(limit, move |job| {
                    of_failures(context.clone(), limits, job, renew::run)
                })
            }
        };
    }
    worker
}

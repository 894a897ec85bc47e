//! The list of handlers: one line per job kind.

use std::{collections::BTreeSet, sync::Arc};

use signalbox_config::{Concurrency, Queue as Kind};
use signalbox_queue::{Worker, WorkerOptions};

use crate::{Context, catch_up, post, read, renew};

/// A worker for `kinds` of jobs.
pub fn worker(
    context: &Arc<Context>,
    kinds: &BTreeSet<Kind>,
    concurrency: &Concurrency,
    options: WorkerOptions,
) -> Worker {
    let mut worker = Worker::new(context.queue.clone(), options);
    for kind in kinds {
        let context = context.clone();
        let limit = concurrency.of(*kind).get();
        worker = match kind {
            Kind::CatchUp => worker.handle(limit, move |job| catch_up::run(context.clone(), job)),
            Kind::Post => worker.handle(limit, move |job| post::run(context.clone(), job)),
            Kind::Read => worker.handle(limit, move |job| read::run(context.clone(), job)),
            Kind::Renew => worker.handle(limit, move |job| renew::run(context.clone(), job)),
        };
    }
    worker
}

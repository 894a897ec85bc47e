//! `bullmq-official`: BullMQ's scripts under a Rust client. Finished jobs are kept, as ours keep their tombstones.

use std::{sync::Arc, time::Instant};

use anyhow::Result;
use bullmq::{
    BulkJob, Job, JobOptions, Queue, QueueOptions, Worker, WorkerOptions,
    options::RedisConnectionOptions, worker::CancellationToken,
};
use futures::{FutureExt, future::BoxFuture};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::contestant::{Contestant, How, Jobs, Play, Played, Tally, in_flight, runs, surprise};

const NAME: &str = "bench";
/// How long a worker gets to come to its end, in milliseconds.
const CLOSE_MS: u64 = 30_000;

/// The Rust crate.
pub(crate) struct BullmqOfficial {
    connection: RedisConnectionOptions,
}

impl BullmqOfficial {
    pub(crate) fn new(url: &str) -> Self {
        Self {
            connection: RedisConnectionOptions::default().url(url),
        }
    }

    async fn open(&self) -> Result<Queue> {
        let options = QueueOptions::default().connection(self.connection.clone());
        Ok(Queue::with_options(NAME, options).await?)
    }

    async fn work<F>(&self, concurrency: usize, called: F) -> Result<Worker>
    where
        F: Fn() + Send + Sync + 'static,
    {
        let options = WorkerOptions::default()
            .connection(self.connection.clone())
            .concurrency(concurrency);
        let handler = move |_: Job, _: CancellationToken| {
            called();
            async { Ok(Value::Null) }
        };
        Ok(Worker::with_options(NAME, handler, options).await?)
    }

    async fn process(&self, queue: &Queue, count: usize, concurrency: usize) -> Result<Played> {
        let tally = Tally::of(count);
        let counted = tally.clone();
        let start = Instant::now();
        let worker = self.work(concurrency, move || counted.count()).await?;
        let ended = || async { Ok(usize::try_from(queue.get_completed_count().await?)?) };
        let count = tally.acknowledged(ended).await?;
        let played = Played::since(start, count);
        worker.close(CLOSE_MS).await?;
        Ok(played)
    }

    async fn pickup(&self, queue: &Queue, jobs: &Jobs) -> Result<Played> {
        let (starts, started) = mpsc::unbounded_channel();
        let worker = self
            .work(10, move || _ = starts.send(Instant::now()))
            .await?;
        let send = |number| async move { add(queue, jobs, number).await };
        let played = surprise(jobs.count, started, send).await;
        worker.close(CLOSE_MS).await?;
        played
    }
}

impl Contestant for BullmqOfficial {
    fn name(&self) -> &'static str {
        "bullmq-official"
    }

    fn play<'a>(&'a mut self, play: &'a Play) -> BoxFuture<'a, Result<Played>> {
        async move {
            let queue = self.open().await?;
            match play {
                Play::Enqueue { jobs, how } => enqueue(queue, jobs, *how).await,
                Play::Process { count, concurrency } => {
                    self.process(&queue, *count, *concurrency).await
                }
                Play::Pickup { jobs } => self.pickup(&queue, jobs).await,
                Play::Receipts { .. } => Ok(Played::default()),
            }
        }
        .boxed()
    }
}

fn data(jobs: &Jobs) -> Value {
    json!({ "trace": jobs.trace, "body": jobs.payload })
}

async fn add(queue: &Queue, jobs: &Jobs, number: usize) -> Result<()> {
    queue.add(NAME, data(jobs)).job_id(jobs.id(number)).await?;
    Ok(())
}

async fn enqueue(queue: Queue, jobs: &Jobs, how: How) -> Result<Played> {
    let start = Instant::now();
    match how {
        How::OneByOne => {
            for number in 0..jobs.count {
                add(&queue, jobs, number).await?;
            }
        }
        How::InFlight(width) => {
            let shared = Arc::new((queue, jobs.clone()));
            in_flight(jobs.count, width, move |number| {
                let shared = shared.clone();
                async move { add(&shared.0, &shared.1, number).await }
            })
            .await?;
        }
        How::Bulk(size) => {
            for run in runs(jobs.count, size) {
                let job = |number| {
                    let options = JobOptions::default().job_id(jobs.id(number));
                    BulkJob::with_options(NAME, data(jobs), options)
                };
                queue.add_bulk(run.map(job).collect()).await?;
            }
        }
    }
    Ok(Played::since(start, jobs.count))
}

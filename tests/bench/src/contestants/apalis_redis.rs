//! `apalis-redis`, tuned and nursed past its defects.
//!
//! Tuned: no locks, no events, large batches. Nursed: every job it is given counts as scheduled, and its fetch moves
//! all that are due with one `unpack`, which breaks at about 8,000; so we move them before the clock runs. Idle, it
//! looks for jobs only with its heartbeat, which we quicken where that is measured; and because it counts heartbeats
//! in whole seconds, it may then miss many before it takes itself for dead.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use apalis::{layers::WorkerBuilderExt, prelude::WorkerContext};
use apalis_core::{
    backend::TaskSink,
    error::BoxDynError,
    task::{Task, builder::TaskBuilder, task_id::TaskId},
    worker::builder::WorkerBuilder,
};
use apalis_redis::{Config, ConnectionManager, RedisStorage};
use futures::{FutureExt, future::BoxFuture, stream};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::contestant::{Contestant, How, Jobs, Play, Played, Tally, in_flight, runs, surprise};

const NAME: &str = "bench";
/// The least batch: with small ones its fetch alternates with its acks.
const BATCH: usize = 100;
const HEARTBEAT: Duration = Duration::from_secs(30);
const QUICK_HEARTBEAT: Duration = Duration::from_millis(1);
/// Moves due jobs to where they are fetched from, in steps that Lua can unpack.
const NURSE: &str = "local ids = redis.call('ZRANGE', KEYS[1], 0, 4999)
if #ids > 0 then
  redis.call('RPUSH', KEYS[2], unpack(ids))
  redis.call('ZREM', KEYS[1], unpack(ids))
end
return #ids";

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Note {
    trace: String,
    body: String,
}

type Storage = RedisStorage<Note>;

/// The crate.
pub(crate) struct ApalisRedis {
    url: String,
    /// A name that was used a moment ago is refused.
    workers: AtomicUsize,
}

impl ApalisRedis {
    pub(crate) fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            workers: AtomicUsize::new(0),
        }
    }

    async fn open(&self) -> Result<ConnectionManager> {
        Ok(apalis_redis::connect(self.url.as_str()).await?)
    }

    async fn process(
        &self,
        connection: ConnectionManager,
        count: usize,
        concurrency: usize,
    ) -> Result<Played> {
        let config = config(concurrency.max(BATCH), HEARTBEAT);
        nurse(&connection, &config).await?;
        let tally = Tally::of(count);
        let counted = tally.clone();
        let storage = Storage::new(connection.clone()).with_config(config.clone());
        let start = Instant::now();
        let worker = self.work(storage, concurrency, move || counted.count());
        let ended = || {
            let (mut connection, done) = (connection.clone(), config.done_jobs_set());
            async move {
                Ok(redis::cmd("SCARD")
                    .arg(done)
                    .query_async(&mut connection)
                    .await?)
            }
        };
        let count = worker.until(tally.acknowledged(ended)).await?;
        let played = Played::since(start, count);
        worker.stop().await;
        Ok(played)
    }

    async fn pickup(&self, connection: ConnectionManager, jobs: &Jobs) -> Result<Played> {
        let storage = Storage::new(connection).with_config(config(BATCH, QUICK_HEARTBEAT));
        let (starts, started) = mpsc::unbounded_channel();
        let worker = self.work(storage.clone(), 10, move || _ = starts.send(Instant::now()));
        let send = |number| {
            let mut storage = storage.clone();
            async move { Ok(storage.push_task(task(jobs, number)).await?) }
        };
        let played = worker.until(surprise(jobs.count, started, send)).await;
        worker.stop().await;
        played
    }

    fn work<F>(&self, storage: Storage, concurrency: usize, called: F) -> Running
    where
        F: Fn() + Clone + Send + Sync + 'static,
    {
        let number = self.workers.fetch_add(1, Ordering::Relaxed);
        let handler = move |_: Note| {
            called();
            async { Ok::<(), BoxDynError>(()) }
        };
        let worker = WorkerBuilder::new(format!("bench-{number}"))
            .backend(storage)
            .concurrency(concurrency)
            .build(handler);
        let (quiet, broken, tasks) = (
            CancellationToken::new(),
            CancellationToken::new(),
            TaskTracker::new(),
        );
        let (stop, ended) = (quiet.clone(), broken.clone());
        tasks.spawn(async move {
            let stopped = worker.run_with_ctx(move |context: WorkerContext| {
                let stop = stop.clone();
                async move {
                    stop.cancelled().await;
                    context.stop()
                }
            });
            drop(stopped.await);
            ended.cancel();
        });
        tasks.close();
        Running {
            quiet,
            broken,
            tasks,
        }
    }
}

impl Contestant for ApalisRedis {
    fn name(&self) -> &'static str {
        "apalis-redis"
    }

    fn play<'a>(&'a mut self, play: &'a Play) -> BoxFuture<'a, Result<Played>> {
        async move {
            let connection = self.open().await?;
            match play {
                Play::Enqueue { jobs, how } => {
                    let storage = Storage::new(connection).with_config(config(BATCH, HEARTBEAT));
                    enqueue(storage, jobs, *how).await
                }
                Play::Process { count, concurrency } => {
                    self.process(connection, *count, *concurrency).await
                }
                Play::Pickup { jobs } => self.pickup(connection, jobs).await,
                Play::Receipts { .. } => Ok(Played::default()),
            }
        }
        .boxed()
    }
}

fn config(batch: usize, heartbeat: Duration) -> Config {
    Config::default()
        .queue(NAME)
        .batch_size(batch)
        .heartbeat_interval(heartbeat)
        .missed_heartbeats(100_000)
        .lock_tasks(false)
        .emit_events(false)
}

async fn nurse(connection: &ConnectionManager, config: &Config) -> Result<()> {
    let script = redis::Script::new(NURSE);
    let mut call = script.key(config.scheduled_jobs_set());
    call.key(config.active_jobs_list());
    while call.invoke_async::<usize>(&mut connection.clone()).await? > 0 {}
    Ok(())
}

fn task(jobs: &Jobs, number: usize) -> Task<Note> {
    let note = Note {
        trace: jobs.trace.clone(),
        body: jobs.payload.clone(),
    };
    TaskBuilder::new(note)
        .task_id(TaskId::from_string(jobs.id(number)))
        .build()
}

async fn enqueue(mut storage: Storage, jobs: &Jobs, how: How) -> Result<Played> {
    let start = Instant::now();
    match how {
        How::OneByOne => {
            for number in 0..jobs.count {
                storage.push_task(task(jobs, number)).await?;
            }
        }
        How::InFlight(width) => {
            let jobs = jobs.clone();
            in_flight(jobs.count, width, move |number| {
                let (mut storage, task) = (storage.clone(), task(&jobs, number));
                async move { Ok(storage.push_task(task).await?) }
            })
            .await?;
        }
        How::Bulk(size) => {
            for run in runs(jobs.count, size) {
                let tasks = run.map(|number| task(jobs, number));
                storage
                    .push_all(stream::iter(tasks.collect::<Vec<_>>()))
                    .await?;
            }
        }
    }
    Ok(Played::since(start, jobs.count))
}

/// A worker that may end by itself, because any fault of its backend ends it.
struct Running {
    quiet: CancellationToken,
    broken: CancellationToken,
    tasks: TaskTracker,
}

impl Running {
    async fn until<T>(&self, reached: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            reached = reached => reached,
            () = self.broken.cancelled() => bail!("the worker ended by itself"),
        }
    }

    async fn stop(self) {
        self.quiet.cancel();
        // It does not always notice; a worker that hangs may not hang the measuring.
        drop(tokio::time::timeout(Duration::from_secs(5), self.tasks.wait()).await);
    }
}

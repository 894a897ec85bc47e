//! A worker whose handler does what the test says, attempt by attempt.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use signalbox_core::{
    Backoff, Completion, JobError, JobId, LaneChain, LaneName, Limits, Payload, QueueName,
    SystemClock,
};
use signalbox_queue::{
    EngineOptions, Job, Lease, NewJob, Queue, QueueOptions, Worker, WorkerOptions,
};
use tokio::{
    runtime::{Builder, Runtime},
    sync::{mpsc, oneshot},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use crate::RedisServer;

/// The payload of the tests' jobs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Anything.
    pub text: String,
}

impl Payload for Note {
    const QUEUE: QueueName = QueueName::new("note", 1);
}

impl Note {
    /// A job called `id` in `lane` under the root `tenant`.
    pub fn job(id: &str, lane: &str, text: &str) -> NewJob {
        let lanes = LaneChain::root(Self::root()).below(LaneName::new([lane]));
        let note = Self {
            text: text.to_owned(),
        };
        NewJob::new(JobId::new([id]), lanes, note, None).expect("a note is JSON")
    }

    /// The root of all lanes of the tests.
    pub fn root() -> LaneName {
        LaneName::new(["tenant"])
    }
}

/// What an attempt is told to do.
#[derive(Debug)]
pub enum Script {
    /// Finish.
    Complete,
    /// Fail by its own fault.
    Retry,
    /// Never again.
    Fail,
    /// Wait until this instant.
    Snooze(Timestamp),
    /// Wait with this group.
    Hold(&'static str),
    /// Panic.
    Panic,
}

/// An attempt that has started and waits to be told what to do.
#[derive(Debug)]
pub struct Started {
    /// The note's text.
    pub text: String,
    /// The attempt's lease.
    pub lease: Lease,
    /// Counted from 1.
    pub attempt: u32,
    answer: oneshot::Sender<Script>,
}

impl Started {
    /// Tells the attempt what to do. False if it is not there any more to hear it.
    pub fn tell(self, script: Script) -> bool {
        self.answer.send(script).is_ok()
    }
}

/// A worker on a queue of notes, in a runtime of its own, so that it can be ended as a process is.
#[derive(Debug)]
pub struct Steered {
    started: mpsc::UnboundedReceiver<Started>,
    quiet: CancellationToken,
    running: JoinHandle<()>,
    runtime: Option<Runtime>,
}

impl Steered {
    /// A worker with a lease of `lease`.
    pub fn start(redis: &RedisServer, lease: Duration) -> Self {
        Self::with_concurrency(redis, lease, 8)
    }

    /// A worker that runs up to `concurrency` attempts at once.
    pub fn with_concurrency(redis: &RedisServer, lease: Duration, concurrency: usize) -> Self {
        Self::on(redis.options(None), lease, concurrency)
    }

    /// A worker on whatever Redis `redis` leads to.
    pub fn on(redis: QueueOptions, lease: Duration, concurrency: usize) -> Self {
        let queue = async { Queue::connect(redis).await.expect("redis answers").0 };
        Self::run(queue, options(lease), concurrency)
    }

    /// A worker of the process that enqueues with `queue`. It looks for work by itself no more often than every
    /// quarter of its lease.
    pub fn beside(queue: &Queue, lease: Duration) -> Self {
        let mut options = options(lease);
        options.engine.idle = lease;
        let queue = queue.clone();
        Self::run(async { queue }, options, 8)
    }

    /// A worker that works as `options` say.
    pub fn with_options(redis: QueueOptions, options: WorkerOptions) -> Self {
        let queue = async { Queue::connect(redis).await.expect("redis answers").0 };
        Self::run(queue, options, 8)
    }

    /// How a worker works whose lease is this long.
    pub fn options(lease: Duration) -> WorkerOptions {
        options(lease)
    }

    fn run(
        queue: impl Future<Output = Queue> + Send + 'static,
        options: WorkerOptions,
        concurrency: usize,
    ) -> Self {
        let (tx, started) = mpsc::unbounded_channel();
        let quiet = CancellationToken::new();
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let stop = quiet.clone();
        let running = runtime.spawn(async move {
            let worker = Worker::new(queue.await, options)
                .handle(concurrency, move |job: Job<Note>| attempt(job, tx.clone()));
            worker.run(stop).await;
        });
        Self {
            started,
            quiet,
            running,
            runtime: Some(runtime),
        }
    }

    /// The next attempt that starts.
    pub async fn next(&mut self) -> Started {
        let next = tokio::time::timeout(Duration::from_secs(30), self.started.recv());
        next.await
            .expect("an attempt starts within 30 s")
            .expect("the worker runs")
    }

    /// Whether an attempt has started that was not asked for yet.
    pub fn has_started(&self) -> bool {
        !self.started.is_empty()
    }

    /// Ends the worker as SIGTERM does and waits until it has ended.
    pub async fn stop(mut self) {
        self.quiet.cancel();
        let running = &mut self.running;
        running.await.expect("the worker does not panic");
    }

    /// Ends the worker as SIGKILL does: nothing is given back.
    pub fn vanish(self) {
        drop(self);
    }
}

impl Drop for Steered {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn options(lease: Duration) -> WorkerOptions {
    let quick = Backoff {
        least: Duration::from_millis(1),
        most: Duration::from_millis(10),
    };
    WorkerOptions {
        name: "steered".to_owned(),
        engine: EngineOptions {
            lease,
            idle: Duration::from_millis(200),
            ..EngineOptions::default()
        },
        limits: Limits {
            attempts: 3,
            backoff: quick,
            ..Limits::default()
        },
        timeout: Duration::from_secs(60),
        shutdown: Duration::from_millis(300),
        clock: Arc::new(SystemClock),
    }
}

async fn attempt(job: Job<Note>, tx: mpsc::UnboundedSender<Started>) -> signalbox_core::JobResult {
    let (answer, told) = oneshot::channel();
    let started = Started {
        text: job.payload.text,
        lease: job.lease,
        attempt: job.attempt,
        answer,
    };
    tx.send(started)
        .map_err(|_| JobError::retry("the test is over"))?;
    match told.await {
        Ok(Script::Complete) => Ok(Completion::noted("told to complete")),
        Ok(Script::Retry) => Err(JobError::retry("told to retry")),
        Ok(Script::Fail) => Err(JobError::fail("told to fail")),
        Ok(Script::Snooze(until)) => Err(JobError::snooze(until, "told to snooze")),
        Ok(Script::Hold(group)) => Err(JobError::hold(group, "told to hold")),
        Ok(Script::Panic) => panic!("told to panic"),
        // The test dropped the attempt: it stays as it is, like a handler that hangs.
        Err(_) => std::future::pending().await,
    }
}

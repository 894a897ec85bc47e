//! The worker: runs handlers for the queues it was given until it is told to stop.
//!
//! Stopping is quiet first (take no more), then a deadline for the handlers that run, then the rest is given back
//! without an attempt being burnt.

use std::{future::Future, sync::Arc, time::Duration};

use futures::{FutureExt, future::BoxFuture};
use jiff::Timestamp;
use signalbox_core::{Clock, Decision, JobError, JobResult, LaneName, Limits, Payload, QueueName};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    EngineOptions, Lease, Queue, QueueError,
    adapter::{self, Runtime},
    company::Company,
    engine::Engine,
    protocol::{self, Leased, Verb},
};

/// One attempt of a job, as a handler gets it.
#[derive(Debug)]
pub struct Job<P> {
    /// What is to be done.
    pub payload: P,
    /// The leave to do it; also what the ledger asks for.
    pub lease: Lease,
    /// Counted from 1.
    pub attempt: u32,
    /// When the job was enqueued.
    pub enqueued_at: Timestamp,
    /// The job's lane.
    pub lane: LaneName,
    /// The `traceparent` of this attempt; of what enqueued the job, where nothing records attempts.
    pub trace: Option<String>,
}

/// How a worker works.
#[derive(Debug, Clone)]
pub struct WorkerOptions {
    /// For logs; the queue's name is added to it.
    pub name: String,
    /// For every queue, with its own concurrency.
    pub engine: EngineOptions,
    /// How often and for how long a job may fail.
    pub limits: Limits,
    /// A handler that takes longer has failed.
    pub timeout: Duration,
    /// How long running handlers get when the worker stops.
    pub shutdown: Duration,
    /// The clock by which retries are set.
    pub clock: Arc<dyn Clock>,
}

type Start = Box<dyn FnOnce(CancellationToken, CancellationToken) -> BoxFuture<'static, ()> + Send>;

/// A worker and its handlers.
pub struct Worker {
    queue: Queue,
    options: WorkerOptions,
    queues: Vec<QueueName>,
    starts: Vec<Start>,
    company: Company,
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker")
            .field("options", &self.options)
            .field("queues", &self.queues)
            .finish_non_exhaustive()
    }
}

impl Worker {
    /// A worker without handlers.
    pub fn new(queue: Queue, options: WorkerOptions) -> Self {
        Self {
            queue,
            options,
            queues: Vec::new(),
            starts: Vec::new(),
            company: Company::default(),
        }
    }

    /// Adds the handler for the jobs of `P`, of which up to `concurrency` run at once.
    #[must_use]
    pub fn handle<P, F, R>(mut self, concurrency: usize, handler: F) -> Self
    where
        P: Payload,
        F: Fn(Job<P>) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = JobResult> + Send + 'static,
    {
        let queue = self.queue.clone();
        let options = self.options.clone();
        let company = self.company.clone();
        let engine = EngineOptions {
            concurrency,
            ..options.engine.clone()
        };
        self.queues.push(P::QUEUE);
        self.starts.push(Box::new(move |quiet, stop| {
            let engine = Engine::start(queue, P::QUEUE, engine, quiet.clone(), company);
            run_queue(engine, options, quiet, stop, handler).boxed()
        }));
        self
    }

    /// The queues that have handlers.
    pub fn queues(&self) -> &[QueueName] {
        &self.queues
    }

    /// Works until `quiet` is cancelled and everything in hand is finished or given back.
    pub async fn run(self, quiet: CancellationToken) {
        let stop = CancellationToken::new();
        let queues = TaskTracker::new();
        for start in self.starts {
            queues.spawn(start(quiet.clone(), stop.clone()));
        }
        queues.close();
        quiet.cancelled().await;
        if tokio::time::timeout(self.options.shutdown, queues.wait())
            .await
            .is_err()
        {
            tracing::warn!("handlers still run at the deadline; their jobs are given back");
            stop.cancel();
            queues.wait().await;
        }
    }
}

async fn run_queue<P, F, R>(
    engine: Engine,
    options: WorkerOptions,
    quiet: CancellationToken,
    stop: CancellationToken,
    handler: F,
) where
    P: Payload,
    F: Fn(Job<P>) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = JobResult> + Send + 'static,
{
    let shared = engine.shared.clone();
    let queue = shared.queue.clone();
    let runtime = Runtime {
        name: format!("{}-{}", options.name, P::QUEUE),
        limits: options.limits,
        clock: options.clock,
        timeout: options.timeout,
    };
    let witness = shared.clone();
    let handle = move |leased: Leased| match open::<P>(&queue, &leased) {
        Ok(payload) => handler(job(payload, leased)).boxed(),
        Err(error) => {
            witness.saw(
                &leased.lease,
                &leased.payload,
                &unopened(&error),
                &error.chain(),
            );
            async move { Err(error) }.boxed()
        }
    };
    let abort = async {
        stop.cancelled().await;
        shared.abort_all();
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = adapter::run(engine, runtime, quiet, handle) => {}
        () = abort => {}
    }
}

/// What becomes of a job whose payload could not be opened.
pub(crate) fn unopened(error: &JobError) -> Verb {
    match error.decision() {
        Decision::Hold { group } => Verb::Hold(group.clone()),
        _ => Verb::Dead,
    }
}

/// A payload that cannot be read is a dead job with a reason, not a panic. One whose key is missing waits for it.
pub(crate) fn open<P: Payload>(queue: &Queue, leased: &Leased) -> Result<P, JobError> {
    let json = protocol::payload(queue, leased).map_err(|source| {
        let group = source.waits_with();
        let queue = P::QUEUE.to_string();
        let error = QueueError::Stored { queue, source };
        match group {
            Some(group) => JobError::hold(group, error),
            None => JobError::fail(error),
        }
    })?;
    serde_json::from_str(&json).map_err(|source| {
        let queue = P::QUEUE.to_string();
        JobError::fail(QueueError::Payload { queue, source })
    })
}

pub(crate) fn job<P>(payload: P, leased: Leased) -> Job<P> {
    Job {
        payload,
        lease: leased.lease,
        attempt: leased.attempt,
        enqueued_at: leased.enqueued_at,
        lane: leased.lane,
        trace: leased.trace,
    }
}

//! apalis at the seam: the engine as an apalis `Backend`, and the layer that turns results into outcomes.
//!
//! The only file that names apalis. Three things about apalis 1.0 shape it: any error of a backend ends the
//! worker and drops what is in flight, so this backend has none; a handler blocks `poll_ready`, so nothing depends
//! on it but the start; and what the runtime notes about attempts and status is not trusted, so the lease travels
//! with the task and the outcome is read from the handler's error.

use std::{
    convert::Infallible,
    error::Error,
    panic::AssertUnwindSafe,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use apalis::layers::WorkerBuilderExt;
use apalis_core::{
    backend::{Backend, BackendConfig, finalize::Ephemeral},
    error::BoxDynError,
    task::{Task, builder::TaskBuilder, task_id::TaskId},
    worker::{builder::WorkerBuilder, context::WorkerContext, ext::parallelize::ParallelizeExt},
};
use futures::{
    FutureExt,
    future::{AbortHandle, Abortable, BoxFuture},
};
use signalbox_core::{Clock, Decision, JobError, JobResult, Limits, Settlement, Standing, settle};
use tokio_util::{
    sync::CancellationToken,
    task::{AbortOnDropHandle, TaskTracker},
};
use tower::{Layer, Service};

use crate::{
    engine::{Engine, Shared},
    protocol::{Leased, Verb},
};

/// What a worker of one queue runs with.
pub(crate) struct Runtime {
    pub(crate) name: String,
    pub(crate) limits: Limits,
    pub(crate) clock: Arc<dyn Clock>,
    /// A handler that takes longer has failed.
    pub(crate) timeout: Duration,
}

/// Runs `handler` for the engine's jobs until `quiet`, then until the last handler returned.
pub(crate) async fn run<F>(engine: Engine, runtime: Runtime, quiet: CancellationToken, handler: F)
where
    F: Fn(Leased) -> BoxFuture<'static, JobResult> + Clone + Send + Sync + 'static,
{
    let handlers = TaskTracker::new();
    let outcomes = OutcomeLayer {
        shared: engine.shared.clone(),
        limits: runtime.limits,
        clock: runtime.clock,
    };
    let service = tower::service_fn(move |task: Task<Leased>| {
        let run = handler(task.args);
        async move { run.await.map_err(|error| Box::new(error) as BoxDynError) }
    });
    // Spawned, so that one handler that computes does not hold up the others; aborted when dropped,
    // so that a handler without a lease does not go on.
    let spawn = move |run| AbortOnDropHandle::new(handlers.spawn(run));
    let worker = WorkerBuilder::new(runtime.name)
        .backend(EngineBackend {
            engine: Some(engine),
            outcomes,
            closing: None,
        })
        .parallelize(spawn)
        .timeout(runtime.timeout)
        .catch_panic()
        .build(service);
    let ended = worker
        .run_with_ctx(move |context| {
            let quiet = quiet.clone();
            async move {
                quiet.cancelled().await;
                context.stop()
            }
        })
        .await;
    if let Err(error) = ended {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "the worker runtime ended with an error"
        );
    }
}

/// The engine as apalis sees it.
struct EngineBackend {
    engine: Option<Engine>,
    outcomes: OutcomeLayer,
    closing: Option<futures::future::Shared<BoxFuture<'static, ()>>>,
}

impl Backend for EngineBackend {
    type Task = Task<Leased>;
    type Error = Infallible;

    fn poll_ready(
        &mut self,
        _: &mut Context<'_>,
        _: &WorkerContext,
    ) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        _: &WorkerContext,
    ) -> Poll<Option<Result<Task<Leased>, Infallible>>> {
        let Some(engine) = self.engine.as_mut() else {
            return Poll::Ready(None);
        };
        let job = ready!(engine.jobs.poll_recv(cx));
        Poll::Ready(job.map(|job| {
            // `from_str` would read an id such as 000000905 as a number.
            let id = TaskId::from_string(job.lease.id.as_str().to_owned());
            Ok(TaskBuilder::new(job).task_id(id).build())
        }))
    }

    fn poll_close(
        &mut self,
        cx: &mut Context<'_>,
        _: &WorkerContext,
    ) -> Poll<Result<(), Infallible>> {
        let engine = &mut self.engine;
        let closing = self.closing.get_or_insert_with(|| {
            let engine = engine.take();
            async move {
                if let Some(engine) = engine {
                    engine.close().await;
                }
            }
            .boxed()
            .shared()
        });
        closing.poll_unpin(cx).map(Ok)
    }
}

impl BackendConfig for EngineBackend {
    type Args = Leased;
    type Id = String;
    type Kind = Ephemeral;
    type Config = ();
    type Layer = OutcomeLayer;

    fn config(&self) -> &() {
        &()
    }

    fn middleware(&mut self, _: &mut WorkerContext) -> OutcomeLayer {
        self.outcomes.clone()
    }
}

/// Turns what a handler returned, or did not live to return, into an outcome.
#[derive(Clone)]
struct OutcomeLayer {
    shared: Arc<Shared>,
    limits: Limits,
    clock: Arc<dyn Clock>,
}

impl<S> Layer<S> for OutcomeLayer {
    type Service = OutcomeService<S>;

    fn layer(&self, inner: S) -> OutcomeService<S> {
        OutcomeService {
            inner,
            outcomes: self.clone(),
        }
    }
}

#[derive(Clone)]
struct OutcomeService<S> {
    inner: S,
    outcomes: OutcomeLayer,
}

impl<S> Service<Task<Leased>> for OutcomeService<S>
where
    S: Service<Task<Leased>, Response = signalbox_core::Completion>,
    S::Error: Into<BoxDynError>,
    S::Future: Send + 'static,
{
    type Response = ();
    type Error = BoxDynError;
    type Future = BoxFuture<'static, Result<(), BoxDynError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxDynError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, task: Task<Leased>) -> Self::Future {
        let job = task.args.clone();
        let outcomes = self.outcomes.clone();
        let (abort, registration) = AbortHandle::new_pair();
        outcomes.shared.on_abort(&job.lease, abort);
        let run = AssertUnwindSafe(self.inner.call(task)).catch_unwind();
        let run = Abortable::new(run, registration);
        async move {
            let (verb, reason) = match run.await {
                Ok(Ok(Ok(completion))) => {
                    let verb = completion.again.map_or(Verb::Complete, Verb::Again);
                    (verb, completion.note)
                }
                Ok(Ok(Err(error))) => outcomes.outcome(&job, error.into().as_ref()),
                Ok(Err(_)) => outcomes.failed(&job, "the handler panicked".to_owned()),
                Err(_) => (Verb::Release, String::new()),
            };
            outcomes.shared.settle(&job.lease, verb, reason);
            Ok(())
        }
        .boxed()
    }
}

impl OutcomeLayer {
    /// Reads the decision from the error's chain; an error without one is the job's own fault.
    fn outcome(&self, job: &Leased, error: &(dyn Error + 'static)) -> (Verb, String) {
        let mut cause = Some(error);
        while let Some(error) = cause {
            if let Some(decided) = error.downcast_ref::<JobError>() {
                return self.decided(job, decided.decision(), decided.chain());
            }
            cause = error.source();
        }
        self.failed(job, error.to_string())
    }

    /// Of an attempt that ended without its handler's word.
    fn failed(&self, job: &Leased, reason: String) -> (Verb, String) {
        let (verb, reason) = self.decided(job, &Decision::Retry, reason);
        self.shared.saw(job, &verb, &reason);
        (verb, reason)
    }

    fn decided(&self, job: &Leased, decision: &Decision, reason: String) -> (Verb, String) {
        let now = self.clock.now();
        let standing = Standing {
            attempt: job.attempt,
            faults: job.faults,
            enqueued_at: job.enqueued_at,
            now,
            seed: job.lease.token.seed(),
        };
        match settle(decision, standing, &self.limits) {
            Settlement::RetryAt(at) => (Verb::Retry(at), reason),
            Settlement::DeferTo(at) => (Verb::Defer(at), reason),
            Settlement::SnoozeTo(at) => (Verb::Snooze(at), reason),
            Settlement::Hold(group) => (Verb::Hold(group), reason),
            Settlement::Dead(why) => {
                tracing::error!(job.id = %job.lease.id, why, reason, "a job is dead");
                (Verb::Dead, format!("{why}: {reason}"))
            }
        }
    }
}

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
    time::{Duration, Instant},
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
use tracing::Instrument;

use crate::{
    Lease,
    attempt::Attempt,
    engine::{Engine, Shared},
    lease::Word,
    protocol::{Ack, Leased, Verb},
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
    let service = tower::service_fn(move |task: Task<Attempt>| {
        let Attempt { leased, span } = task.args;
        let run = span.in_scope(|| handler(leased));
        async move { run.await.map_err(|error| Box::new(error) as BoxDynError) }.instrument(span)
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
    type Task = Task<Attempt>;
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
    ) -> Poll<Option<Result<Task<Attempt>, Infallible>>> {
        let Some(engine) = self.engine.as_mut() else {
            return Poll::Ready(None);
        };
        let job = ready!(engine.jobs.poll_recv(cx));
        let clock = &*self.outcomes.clock;
        Poll::Ready(job.map(|job| {
            // `from_str` would read an id such as 000000905 as a number.
            let id = TaskId::from_string(job.lease.id.as_str().to_owned());
            let attempt = Attempt::begin(job, clock);
            Ok(TaskBuilder::new(attempt).task_id(id).build())
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
    type Args = Attempt;
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

impl<S> Service<Task<Attempt>> for OutcomeService<S>
where
    S: Service<Task<Attempt>, Response = signalbox_core::Completion>,
    S::Error: Into<BoxDynError>,
    S::Future: Send + 'static,
{
    type Response = ();
    type Error = BoxDynError;
    type Future = BoxFuture<'static, Result<(), BoxDynError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxDynError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, task: Task<Attempt>) -> Self::Future {
        let attempt = task.args.clone();
        let outcomes = self.outcomes.clone();
        let (abort, registration) = AbortHandle::new_pair();
        outcomes.shared.on_abort(&attempt.leased.lease, abort);
        let started = Instant::now();
        let run = AssertUnwindSafe(self.inner.call(task)).catch_unwind();
        let run = Abortable::new(run, registration);
        async move {
            let ended = match run.await {
                Ok(Ok(Ok(completion))) => Ended::from(Word::Finished(completion)),
                Ok(Ok(Err(error))) => Ended::read(error.into().as_ref()),
                Ok(Err(_)) => Ended::failed("the handler panicked".to_owned()),
                Err(_) => Ended::Told(Verb::Release, String::new()),
            };
            outcomes.shared.tally.ran(started.elapsed());
            outcomes.settle(&attempt, &ended);
            Ok(())
        }
        .boxed()
    }
}

/// How a run ended, for whatever jobs it was.
enum Ended {
    /// All of them end like this.
    Told(Verb, String),
    /// Each ends by what it has behind it.
    Decided(Decision, String),
    /// Without its handler's word, which is a fault of each.
    Unspoken(String),
}

impl Ended {
    /// Reads the decision from the error's chain; an error without one is the job's own fault.
    fn read(error: &(dyn Error + 'static)) -> Self {
        let mut cause = Some(error);
        while let Some(error) = cause {
            if let Some(decided) = error.downcast_ref::<JobError>() {
                return Self::Decided(decided.decision().clone(), decided.chain());
            }
            cause = error.source();
        }
        Self::failed(error.to_string())
    }

    fn failed(reason: String) -> Self {
        Self::Unspoken(reason)
    }
}

impl From<Word> for Ended {
    fn from(word: Word) -> Self {
        match word {
            Word::Finished(completion) => {
                let verb = completion.again.map_or(Verb::Complete, Verb::Again);
                Self::Told(verb, completion.note)
            }
            Word::Decided(decision, reason) => Self::Decided(decision, reason),
        }
    }
}

impl OutcomeLayer {
    /// Ends the job and those that joined its attempt.
    fn settle(&self, attempt: &Attempt, ended: &Ended) {
        let (job, now) = (&attempt.leased, self.clock.now());
        let standing = |attempt, faults, enqueued_at| Standing {
            attempt,
            faults,
            enqueued_at,
            now,
            seed: job.lease.token.seed(),
        };
        let companions = job.lease.close().into_iter().map(|one| {
            let standing = standing(one.attempt, one.faults, one.enqueued_at);
            let (lease, payload) = (job.lease.of(&one), one.payload);
            let own = one.word.map(Ended::from);
            self.outcome(lease, &payload, standing, own.as_ref().unwrap_or(ended))
        });
        let companions = companions.collect();
        let own = standing(job.attempt, job.faults, job.enqueued_at);
        let own = self.outcome(job.lease.clone(), &job.payload, own, ended);
        attempt.ended(&own.verb, &own.reason);
        self.shared.settle(Ack { companions, ..own });
    }

    fn outcome(&self, lease: Lease, payload: &[u8], standing: Standing, ended: &Ended) -> Ack {
        let (verb, reason) = match ended {
            Ended::Told(verb, reason) => (verb.clone(), reason.clone()),
            Ended::Decided(decision, reason) => self.decided(&lease, standing, decision, reason),
            Ended::Unspoken(reason) => {
                let (verb, reason) = self.decided(&lease, standing, &Decision::Retry, reason);
                self.shared.saw(&lease, payload, &verb, &reason);
                (verb, reason)
            }
        };
        Ack {
            lease,
            verb,
            reason,
            companions: Vec::new(),
        }
    }

    fn decided(
        &self,
        lease: &Lease,
        standing: Standing,
        decision: &Decision,
        reason: &str,
    ) -> (Verb, String) {
        let reason = reason.to_owned();
        match settle(decision, standing, &self.limits) {
            Settlement::RetryAt(at) => (Verb::Retry(at), reason),
            Settlement::DeferTo(at) => (Verb::Defer(at), reason),
            Settlement::SnoozeTo(at) => (Verb::Snooze(at), reason),
            Settlement::Hold(group) => (Verb::Hold(group), reason),
            Settlement::Dead(why) => {
                tracing::error!(job.id = %lease.id, why, reason, "a job is dead");
                (Verb::Dead, format!("{why}: {reason}"))
            }
        }
    }
}

//! `signalbox all`, `ingress` and `worker`: the roles as processes.

use std::{collections::BTreeSet, num::NonZeroUsize, process::ExitCode};

use anyhow::Context as _;
use signalbox_config::{Concurrency, Config, Environment, Queue as Kind};
use signalbox_queue::Pulse;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    assembly::Store,
    cli::Global,
    health::{self, Health},
    lifecycle, logging,
    metrics::{Metrics, Role},
    roles,
    telemetry::Telemetry,
};

/// A process with its configuration, its Redis and its signals.
struct Process {
    config: Config,
    store: Store,
    pulse: Pulse,
    tasks: TaskTracker,
    stop: CancellationToken,
    telemetry: Telemetry,
}

impl Process {
    /// A process that is called `service` in its traces.
    async fn start(
        global: &Global,
        service: &'static str,
        change: impl FnOnce(&mut Config),
    ) -> anyhow::Result<Self> {
        let mut config = global.load()?;
        change(&mut config);
        let telemetry = Telemetry::start(&config, service)?;
        logging::start(&config.observe, &telemetry)?;
        let stop = lifecycle::on_signal()?;
        let path = Environment::from_process();
        let path = path.variable("PATH").unwrap_or_default();
        let store = Store::open(&config, path).await?;
        Ok(Self {
            config,
            store,
            pulse: Pulse::default(),
            tasks: TaskTracker::new(),
            stop,
            telemetry,
        })
    }

    /// Before anything is counted.
    fn serve_health(&self, role: Role) -> anyhow::Result<()> {
        let queue = self.store.queue.clone();
        let pulse = (role != Role::Ingress).then(|| self.pulse.clone());
        let health = Health {
            metrics: Metrics::start(&self.config, role, queue.clone(), pulse.clone())?,
            queue,
            pulse,
        };
        let served = health::serve(self.config.observe.bind, health, self.stop.clone());
        self.tasks.spawn(async move {
            if let Err(error) = served.await {
                tracing::error!("no health is served: {error:#}");
            }
        });
        Ok(())
    }

    async fn serve_ingress(&self) -> anyhow::Result<()> {
        let listener = roles::listen(&self.config).await?;
        let queue = self.store.queue.clone();
        roles::ingress(&self.config, queue, listener, self.stop.clone()).await
    }

    async fn work(&self) -> anyhow::Result<()> {
        self.config.require_secrets()?;
        let kinds: BTreeSet<Kind> = self.config.worker.queues.iter().copied().collect();
        let (pulse, stop) = (self.pulse.clone(), self.stop.clone());
        tracing::info!(queues = ?kinds, "the worker is working");
        roles::worker(&self.config, &self.store, &kinds, pulse, stop).await
    }

    /// Whatever ended the role, the rest of the process ends with it.
    async fn end(self, ended: anyhow::Result<()>) -> anyhow::Result<ExitCode> {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.store.close().await;
        self.telemetry.close().await;
        ended.map(|()| ExitCode::SUCCESS)
    }
}

/// Everything in one process.
pub(crate) async fn all(global: &Global) -> anyhow::Result<ExitCode> {
    let process = Process::start(global, "signalbox", |_| {}).await?;
    process.serve_health(Role::All)?;
    let ended = tokio::try_join!(process.serve_ingress(), process.work());
    process.end(ended.map(|((), ())| ())).await
}

/// The ingress.
pub(crate) async fn ingress(global: &Global) -> anyhow::Result<ExitCode> {
    let process = Process::start(global, "signalbox-ingress", |_| {}).await?;
    process.serve_health(Role::Ingress)?;
    let ended = process.serve_ingress().await;
    process.end(ended).await
}

/// A worker for `queues`, or for the configured ones.
pub(crate) async fn worker(
    global: &Global,
    queues: &[String],
    concurrency: Option<NonZeroUsize>,
) -> anyhow::Result<ExitCode> {
    let kinds: Vec<Kind> = queues
        .iter()
        .map(|name| kind(name))
        .collect::<Result<_, _>>()?;
    let change = |config: &mut Config| {
        if !kinds.is_empty() {
            config.worker.queues.clone_from(&kinds);
        }
        if let Some(limit) = concurrency {
            config.worker.concurrency = Concurrency {
                read: limit,
                post: limit,
                renew: limit,
                catch_up: limit,
            };
        }
    };
    let process = Process::start(global, "signalbox-worker", change).await?;
    process.serve_health(Role::Worker)?;
    let ended = process.work().await;
    process.end(ended).await
}

fn kind(name: &str) -> anyhow::Result<Kind> {
    let all = [Kind::CatchUp, Kind::Post, Kind::Read, Kind::Renew];
    let found = all.into_iter().find(|kind| kind.as_str() == name);
    found.with_context(|| {
        let known: Vec<&str> = all.iter().map(|kind| kind.as_str()).collect();
        format!(
            "there is no queue `{name}`; the queues are {}",
            known.join(", ")
        )
    })
}

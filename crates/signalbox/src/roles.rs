//! The roles: ingress and worker, each a future that runs until it is told to stop.

use std::{collections::BTreeSet, num::NonZeroU64, sync::Arc, time::Duration};

use anyhow::Context as _;
use signalbox_config::{Config, Queue as Kind};
use signalbox_core::is_route_group;
use signalbox_ingress::{Door, Tls, TlsWatch};
use signalbox_jobs::{Context, bootstrap};
use signalbox_queue::{HeldBudget, Origin, Pulse, Queue, Retention, Roll, Trail, TrailRetention};
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::assembly::{self, Store};

/// How often the ingress looks whether its certificate was replaced, scaled.
const CERTIFICATE_LOOK: Duration = Duration::from_secs(5);
/// How often a worker looks whether Redis still knows the installation.
const LOOK: Duration = Duration::from_secs(1);
/// How often a role looks whether the next tick of every schedule is in Redis.
const PLANT: Duration = Duration::from_secs(60);
/// How often a worker says what it runs. Each time waits for the disk, so not more often than people look.
const SIGN: Duration = Duration::from_secs(5);
/// Looks between two rounds of trimming.
const LOOKS_PER_TRIM: u32 = 60;

/// Receives signals on `listener` until `stop`. Fails if it should encrypt and cannot.
pub async fn ingress(
    config: &Config,
    queue: Queue,
    listener: TcpListener,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let (door, watch) = door(config).await?;
    tracing::info!(
        address = %listener.local_addr()?,
        tls = door.tls.is_some(),
        "the ingress is listening"
    );
    let (trail, writer) = Trail::open(queue.clone());
    let planted = queue.clone();
    let router = signalbox_ingress::router(assembly::ingress_options(config, queue, trail));
    let (tasks, told) = (TaskTracker::new(), CancellationToken::new());
    tasks.spawn(writer.run(told.clone()));
    tasks.spawn(planting(config, planted, stop.clone()));
    if let Some(watch) = watch {
        let every = CERTIFICATE_LOOK.mul_f64(config.time_scale);
        tasks.spawn(watch.run(every, assembly::clock(), stop.clone()));
    }
    tasks.close();
    signalbox_ingress::serve(listener, router, door, stop).await;
    told.cancel();
    tasks.wait().await;
    Ok(())
}

/// How signals come in, and what notices that the certificate was replaced.
async fn door(config: &Config) -> anyhow::Result<(Door, Option<TlsWatch>)> {
    let mut door = Door {
        trusted_proxies: config.ingress.trusted_proxies.clone(),
        ..Door::default()
    };
    let Some(tls) = &config.ingress.tls else {
        return Ok((door, None));
    };
    let (tls, watch) = Tls::open(assembly::certificate_files(tls)).await?;
    door.tls = Some(tls);
    Ok((door, Some(watch)))
}

/// The listener of the ingress.
pub async fn listen(config: &Config) -> anyhow::Result<TcpListener> {
    let address = config.ingress.bind;
    TcpListener::bind(address).await.with_context(|| {
        format!(
            "cannot listen on `ingress.bind` = {address}; another program may be using the port"
        )
    })
}

/// Works until `stop`, then finishes or gives back what it has in hand.
pub async fn worker(
    config: &Config,
    store: &Store,
    kinds: &BTreeSet<Kind>,
    pulse: Pulse,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let (trail, writer) = Trail::open(store.queue.clone());
    let context = assembly::context(config, store.queue.clone(), trail)?;
    begin(&context, store.installation.origin).await?;
    let signed = pulse.clone();
    let options = assembly::worker_options(config, pulse);
    let worker = signalbox_jobs::worker(&context, kinds, &config.worker.concurrency, options);
    let queues = worker.queues().to_vec();
    let retention = Kept::by(config);
    let (tasks, told) = (TaskTracker::new(), CancellationToken::new());
    tasks.spawn(writer.run(told.clone()));
    tasks.spawn(signing(store.queue.clone(), signed, told.clone()));
    let quiet = stop.clone();
    tasks.spawn(planting(config, store.queue.clone(), stop.clone()));
    tasks.spawn(async move {
        let housekeeping = housekeeping(&context, &retention, &queues);
        tokio::select! {
            () = housekeeping => {}
            () = quiet.cancelled() => {}
        }
    });
    tasks.close();
    worker.run(stop).await;
    // Only now everything has been told.
    told.cancel();
    tasks.wait().await;
    Ok(())
}

/// Keeps this worker on the roster until `stop`, and takes it off then.
async fn signing(queue: Queue, pulse: Pulse, stop: CancellationToken) {
    let id = uuid::Uuid::new_v4().simple().to_string();
    let host = rustix::system::uname();
    let about = Roll {
        name: format!(
            "{}/{}",
            host.nodename().to_string_lossy(),
            std::process::id()
        ),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        since: assembly::clock().now(),
        ..Roll::default()
    };
    loop {
        if let Err(error) = queue.sign(&id, &about, &pulse).await {
            tracing::debug!("the roster has to wait: {error:#}");
        }
        let pause = stop.run_until_cancelled(tokio::time::sleep(SIGN));
        if pause.await.is_none() {
            break;
        }
    }
    // One that cannot say good-bye is seen to be silent, and forgotten.
    if let Err(error) = queue.sign_off(&id).await {
        tracing::debug!("the roster keeps a worker that has gone: {error:#}");
    }
}

/// Plants the next tick of every schedule, again and again until `stop`: a tick that died plants no other.
fn planting(
    config: &Config,
    queue: Queue,
    stop: CancellationToken,
) -> impl Future<Output = ()> + use<> {
    let schedules = signalbox_jobs::schedules(config);
    let clock = assembly::clock();
    async move {
        while !schedules.is_empty() {
            for (route, schedule) in &schedules {
                let planted = signalbox_jobs::plant(&queue, route, schedule, clock.now()).await;
                if let Err(error) = planted {
                    let error: &dyn std::error::Error = &error;
                    tracing::warn!(route.name = %route, error, "the next tick has to wait");
                }
            }
            if stop
                .run_until_cancelled(tokio::time::sleep(PLANT))
                .await
                .is_none()
            {
                return;
            }
        }
    }
}

/// For how long what is kept.
struct Kept {
    jobs: Retention,
    held: HeldBudget,
    trail: TrailRetention,
}

impl Kept {
    fn by(config: &Config) -> Self {
        let jobs = Retention {
            finished: config.ledger.dedupe,
            finished_most: config.ledger.dedupe_most.get(),
            records: config.ledger.records,
            records_most: config.ledger.records_most.get(),
            records_bytes: bytes(config.ledger.records_mib),
            effects: config.ledger.keep,
            dead: config.ledger.dead,
            dead_most: config.ledger.dead_most.get(),
            dead_bytes: bytes(config.ledger.dead_mib),
        };
        let trail = TrailRetention {
            keep: config.trail.keep,
            bytes: bytes(config.trail.memory_mib),
        };
        let held = HeldBudget {
            most: config.ledger.held_most.get(),
            bytes: bytes(config.ledger.held_mib),
        };
        Self { jobs, held, trail }
    }
}

fn bytes(mib: NonZeroU64) -> u64 {
    mib.get().saturating_mul(1024 * 1024)
}

async fn begin(context: &Context, origin: Origin) -> anyhow::Result<()> {
    bootstrap(context, origin).await?;
    if origin == Origin::Recovered {
        // Only after every route knows it: a crash in between makes the next start say it again.
        context.queue.forget_recovery().await?;
    }
    Ok(())
}

/// Enters the installation again if Redis lost it, and trims what has outlived its use.
async fn housekeeping(
    context: &Arc<Context>,
    retention: &Kept,
    queues: &[signalbox_core::QueueName],
) {
    let mut looks: u32 = 0;
    loop {
        tokio::time::sleep(LOOK).await;
        looks = looks.wrapping_add(1);
        if let Err(error) = look_after(context, retention, queues, looks).await {
            tracing::debug!("housekeeping has to wait: {error:#}");
        }
    }
}

async fn look_after(
    context: &Context,
    retention: &Kept,
    queues: &[signalbox_core::QueueName],
    looks: u32,
) -> anyhow::Result<()> {
    let installation = context.queue.reinstall().await?;
    if installation.origin == Origin::Recovered {
        tracing::error!("redis has lost its memory: every route is held until a person decides");
        begin(context, installation.origin).await?;
    }
    let now = context.clock.now();
    // At every look: in a minute, the trail could outgrow its budget by far.
    context.queue.trim_trail(now, &retention.trail).await?;
    // What is over makes room at once when there is need of it.
    if looks.is_multiple_of(LOOKS_PER_TRIM) || context.queue.memory().await?.is_short() {
        let counts = context.queue.trim(now, &retention.jobs, queues).await?;
        if counts.dead_too_many > 0 {
            tracing::error!(
                jobs.count = counts.dead_too_many,
                "there are more dead jobs than `ledger.dead_most` and `ledger.dead_mib` allow: the oldest were removed \
                 and are not announced; `signalbox dead list` shows what they may have died of"
            );
        }
        tracing::debug!(?counts, "trimmed");
        let archived = context.queue.archive_held(&retention.held, is_route_group);
        for (group, jobs) in archived.await? {
            tracing::error!(
                group,
                jobs.count = jobs,
                "more is held than `ledger.held_most` and `ledger.held_mib` allow: the oldest were archived; \
                 `signalbox status` says how to have their documents read again"
            );
        }
    }
    Ok(())
}

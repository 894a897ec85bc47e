//! From a configuration to running parts: Redis, the queue on it, and what handlers and the ingress work with.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, bail};
use percent_encoding::NON_ALPHANUMERIC;
use signalbox_config::{Config, Connection, IngressTls, RedisLocation, RedisUrl, Secret};
use signalbox_core::{Backoff, Clock, Limits, SystemClock};
use signalbox_ingress::{BusinessCentralSource, CertificateFiles, IngressOptions};
use signalbox_jobs::{
    Cards, Connections, Context, Outages, Routes, Settings, Throttles, connect, source_lanes,
};
use signalbox_queue::{
    Durability, EngineOptions, Installation, PayloadKey, PayloadKeys, Pulse, Queue, QueueError,
    QueueOptions, Trail, WorkerOptions,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    installation,
    redis_server::{Embedded, Options},
};

/// Faulty input makes at most one catch-up per subscription in this time, scaled.
const CATCH_UP_SPACING: Duration = Duration::from_secs(600);
/// The oldest Redis that the design promises to run on.
const OLDEST_REDIS: u32 = 7;
/// A handler that takes longer has failed; a baseline of a large company takes minutes.
const LONGEST_JOB: Duration = Duration::from_secs(1800);

/// The queue, and the Redis under it if it is our own.
#[derive(Debug)]
pub struct Store {
    /// The queue.
    pub queue: Queue,
    /// The installation as it was found.
    pub installation: Installation,
    supervised: TaskTracker,
    stop: CancellationToken,
}

impl Store {
    /// Opens the configured Redis, starting our own if it is that, and refuses one that keeps less than it should.
    pub async fn open(config: &Config, search_path: &str) -> anyhow::Result<Self> {
        let store = Self::connect(config, search_path).await?;
        check_durability(config, &store.queue).await?;
        store.queue.keep(durability(config)).await?;
        Ok(store)
    }

    /// [`Store::open`], whatever the server keeps: for looking at it.
    pub async fn connect(config: &Config, search_path: &str) -> anyhow::Result<Self> {
        let supervised = TaskTracker::new();
        let stop = CancellationToken::new();
        let url = match &config.redis.location {
            RedisLocation::Embedded => embedded(config, search_path, &supervised, &stop).await?,
            RedisLocation::Server(url) => server_url(config, url)?,
        };
        let (queue, installation) = Queue::connect(queue_options(config, url)?).await?;
        installation::keep(&config.data.dir, &installation.id)?;
        Ok(Self {
            queue,
            installation,
            supervised,
            stop,
        })
    }

    /// Gives up the share in our own Redis; the last one to do so ends it.
    pub async fn close(self) {
        self.stop.cancel();
        self.supervised.close();
        self.supervised.wait().await;
    }
}

async fn embedded(
    config: &Config,
    search_path: &str,
    supervised: &TaskTracker,
    stop: &CancellationToken,
) -> anyhow::Result<String> {
    let options = Options {
        server_path: config.redis.server_path.clone(),
        memory_bytes: config.redis.memory_mib.map(|mib| mib.get() * 1024 * 1024),
        watch_program: std::env::current_exe().ok(),
        ..Options::new(search_path)
    };
    let embedded = Embedded::open(&config.data.dir, options).await?;
    let url = embedded.url();
    let stopped = stop.clone().cancelled_owned();
    supervised.spawn(async move {
        let embedded = embedded.supervise(stopped).await;
        if let Err(error) = embedded.close().await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the embedded redis was not ended"
            );
        }
    });
    Ok(url)
}

/// The address with what the configuration keeps beside it.
fn server_url(config: &Config, url: &RedisUrl) -> anyhow::Result<String> {
    let redis = &config.redis;
    let password = revealed(redis.password.as_ref(), "redis.password")?;
    let sentinel_password = revealed(redis.sentinel_password.as_ref(), "redis.sentinel_password")?;
    let ca_file = redis
        .ca_file
        .as_ref()
        .map(|path| path.display().to_string());
    let mut refused = false;
    let whole = url.reveal(|url| {
        if let Some(password) = &password {
            refused = url.set_password(Some(password)).is_err();
        }
        let beside = [
            ("sentinel-user", redis.sentinel_user.as_ref()),
            ("sentinel-password", sentinel_password.as_ref()),
            ("ca-file", ca_file.as_ref()),
        ];
        for (name, value) in beside {
            if let Some(value) = value {
                let value = percent_encoding::utf8_percent_encode(value, NON_ALPHANUMERIC);
                let query = url.query().map(|query| format!("{query}&"));
                let query = format!("{}{name}={value}", query.unwrap_or_default());
                url.set_query(Some(&query));
            }
        }
    });
    anyhow::ensure!(
        !refused,
        "`redis.url` takes no password; remove `redis.password`"
    );
    Ok(whole)
}

fn revealed(secret: Option<&Secret>, key: &str) -> anyhow::Result<Option<String>> {
    let Some(secret) = secret else {
        return Ok(None);
    };
    let text = secret
        .reveal()
        .with_context(|| format!("`{key}` cannot be had"))?;
    Ok(Some(secrecy::ExposeSecret::expose_secret(&text).to_owned()))
}

fn payload_keys(config: &Config) -> anyhow::Result<PayloadKeys> {
    let keys = config.redis.payload_keys.iter().map(|(id, secret)| {
        let text = revealed(Some(secret), "redis.payload_keys")?.unwrap_or_default();
        PayloadKey::new(id, &text).with_context(|| {
            format!(
                "`redis.payload_keys` cannot be used, see {}",
                secret.place()
            )
        })
    });
    Ok(PayloadKeys::new(keys.collect::<anyhow::Result<Vec<_>>>()?))
}

fn queue_options(config: &Config, url: String) -> anyhow::Result<QueueOptions> {
    Ok(QueueOptions {
        url,
        namespace: config.redis.namespace.clone(),
        partitions: config.redis.partitions.get(),
        known_installation: installation::known(&config.data.dir)?,
        fresh_installation: installation::fresh(),
        dedupe_window: config.ledger.dedupe,
        payload_keys: payload_keys(config)?,
    })
}

/// Refuses a server that would lose what it acknowledges.
async fn check_durability(config: &Config, queue: &Queue) -> anyhow::Result<()> {
    if config.redis.vouched {
        return Ok(());
    }
    let version = queue.server_version().await?;
    if is_old(&version) {
        bail!(
            "redis is version {version}; install Redis 7.0 or later, or set `redis.vouched = true`"
        );
    }
    match queue.durability_findings(durability(config)).await {
        Ok(findings) if findings.is_empty() => Ok(()),
        Ok(findings) => {
            let findings: Vec<String> = findings.iter().map(ToString::to_string).collect();
            bail!("{}; or set `redis.vouched = true`", findings.join("; "))
        }
        Err(QueueError::Redis(error)) => Err(error).context(
            "redis does not show its settings; check by other means that it keeps `redis.durability`, then set \
             `redis.vouched = true`",
        ),
        Err(error) => Err(error.into()),
    }
}

/// Whether a server lacks what the scripts need.
pub fn is_old(version: &str) -> bool {
    let major = version.split('.').next();
    let major = major.and_then(|major| major.parse::<u32>().ok());
    major.is_none_or(|major| major < OLDEST_REDIS)
}

/// The level that the queue is told to check.
pub fn durability(config: &Config) -> Durability {
    match config.redis.durability {
        signalbox_config::Durability::Fsync => Durability::Fsync,
        signalbox_config::Durability::Everysec => Durability::Everysec,
        signalbox_config::Durability::None => Durability::None,
        signalbox_config::Durability::Replicated => Durability::Replicated,
    }
}

/// The clock of every role.
pub fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}

/// What handlers work with.
pub fn context(config: &Config, queue: Queue, trail: Trail) -> anyhow::Result<Arc<Context>> {
    let clock = clock();
    let Connections { sources, sinks } = connect(config, &clock)?;
    let cards = Cards::shipped()?;
    Ok(Arc::new(Context {
        queue,
        trail,
        clock,
        routes: Routes::compile(config, &cards)?,
        cards,
        sources,
        sinks,
        outages: Outages::default(),
        throttles: Throttles::default(),
        settings: Settings {
            flood_limit: usize::try_from(config.flood_limit)?,
            time_scale: config.time_scale,
            public_url: config
                .ingress
                .public_url
                .as_ref()
                .map(|url| url.as_url().clone()),
        },
    }))
}

/// What the ingress works with.
pub fn ingress_options(config: &Config, queue: Queue, trail: Trail) -> IngressOptions {
    let sources = config.connections.iter().filter_map(|(name, connection)| {
        let Connection::BusinessCentral(connection) = connection else {
            return None;
        };
        let environments = connection.environments.iter();
        let lanes = environments.map(|name| (name.clone(), source_lanes(connection, name)));
        let source = BusinessCentralSource {
            first_environment: connection.first_environment().to_owned(),
            environments: lanes.collect(),
        };
        Some((name.clone(), source))
    });
    IngressOptions {
        queue,
        trail,
        business_central: sources.collect(),
        max_body_bytes: config.ingress.max_body_bytes.get(),
        redis_wait: config.ingress.redis_wait,
        catch_up_spacing: CATCH_UP_SPACING.mul_f64(config.time_scale),
        clock: clock(),
    }
}

/// Where the certificate of the ingress is.
pub fn certificate_files(tls: &IngressTls) -> CertificateFiles {
    CertificateFiles {
        certificate: tls.certificate.clone(),
        key: tls.key.clone(),
    }
}

/// How a worker works; `pulse` tells others that it does.
pub fn worker_options(config: &Config, pulse: Pulse) -> WorkerOptions {
    let worker = &config.worker;
    WorkerOptions {
        name: format!("worker-{}", std::process::id()),
        engine: EngineOptions {
            lease: worker.lease,
            pulse,
            ..EngineOptions::default()
        },
        limits: Limits {
            attempts: worker.attempts.get(),
            age: worker.max_age,
            backoff: Backoff {
                least: worker.backoff_least,
                most: worker.backoff_most,
            },
        },
        timeout: LONGEST_JOB,
        shutdown: worker.shutdown,
        clock: clock(),
    }
}

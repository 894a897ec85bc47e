//! The handle to the queue: cheap to clone, safe to share, reconnecting by itself.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use signalbox_core::LaneName;

use crate::{
    Installation, Lease, PayloadKeys, QueueError, install, link::Link, memory::MemoryLook,
    partition::Partition, seats::Engines,
};

/// The FNV-1a hash: written down in full, because a library might change its mind.
const FNV_OFFSET: u32 = 0x811c_9dc5;
const FNV_PRIME: u32 = 0x0100_0193;

/// Where the queue is and what it is called.
#[derive(Debug, Clone)]
pub struct QueueOptions {
    /// `redis://`, `rediss://` or `unix://`.
    pub url: String,
    /// What all keys begin with; two namespaces on one server know nothing of each other.
    pub namespace: String,
    /// Fixed at the first start.
    pub partitions: u16,
    /// The installation's id from the data folder; `None` at the very first start.
    pub known_installation: Option<String>,
    /// The id that a new installation gets.
    pub fresh_installation: String,
    /// For how long after its end a job still absorbs the same news.
    pub dedupe_window: Duration,
    /// What payloads are sealed and opened with; none seals nothing.
    pub payload_keys: PayloadKeys,
}

/// The queue.
#[derive(Debug, Clone)]
pub struct Queue {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) options: QueueOptions,
    pub(crate) link: Link,
    pub(crate) partitions: Vec<Partition>,
    pub(crate) memory: Arc<MemoryLook>,
    pub(crate) engines: Engines,
}

impl Queue {
    /// Connects, checks the layout, and enters the installation if this Redis is empty.
    pub async fn connect(options: QueueOptions) -> Result<(Self, Installation), QueueError> {
        let link = Link::open(&options.url)?;
        let installation = install::install(&link, &wanted(&options, None)).await?;
        let partitions = (0..options.partitions)
            .map(|number| {
                let epoch = installation.id.clone();
                Partition::new(&options.namespace, number, link.clone(), epoch)
            })
            .collect();
        let inner = Inner {
            options,
            link,
            partitions,
            memory: Arc::default(),
            engines: Engines::default(),
        };
        let queue = Self {
            inner: Arc::new(inner),
        };
        Ok((queue, installation))
    }

    /// Enters the installation again after Redis lost it; harmless when nothing was lost.
    pub async fn reinstall(&self) -> Result<Installation, QueueError> {
        let wanted = wanted(&self.inner.options, Some(self.installation_id()));
        install::install(&self.inner.link, &wanted).await
    }

    /// Notes that everybody has been told that Redis lost its memory.
    pub async fn forget_recovery(&self) -> Result<(), QueueError> {
        install::forget_recovery(&self.inner.link, &self.inner.options.namespace).await
    }

    /// Whether Redis answers.
    pub async fn ping(&self) -> Result<(), QueueError> {
        redis::cmd("PING")
            .query_async(&mut self.inner.link.shared())
            .await
            .map_err(QueueError::Redis)
    }

    /// What time it is for the server; every due time and lease is judged by it.
    pub async fn server_time(&self) -> Result<Timestamp, QueueError> {
        let asked = redis::cmd("TIME")
            .query_async(&mut self.inner.link.shared())
            .await;
        let (seconds, micros): (i64, i64) = asked.map_err(QueueError::Redis)?;
        let micros = seconds.saturating_mul(1_000_000).saturating_add(micros);
        Ok(Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MAX))
    }

    /// The installation's id.
    pub fn installation_id(&self) -> &str {
        self.inner
            .partitions
            .first()
            .map_or("", |partition| &partition.epoch)
    }

    /// This queue with scripts told that it is `now`, whatever the server's clock says. For tests.
    #[must_use]
    pub fn at(&self, now: Timestamp) -> Self {
        let partitions = self.inner.partitions.iter().cloned();
        let partitions = partitions.map(|partition| Partition {
            now: Some(now),
            // Jobs of another clock may not go with ours.
            gather: Arc::default(),
            returns: Arc::default(),
            ..partition
        });
        Self {
            inner: Arc::new(Inner {
                options: self.inner.options.clone(),
                link: self.inner.link.clone(),
                partitions: partitions.collect(),
                memory: self.inner.memory.clone(),
                engines: Engines::default(),
            }),
        }
    }

    /// The partition of a root lane. The hash is part of the layout: it may not change.
    pub(crate) fn partition_of(&self, root: &LaneName) -> &Partition {
        let hash = root.as_str().bytes().fold(FNV_OFFSET, |hash, byte| {
            (hash ^ u32::from(byte)).wrapping_mul(FNV_PRIME)
        });
        let count = self.inner.partitions.len();
        let number = usize::try_from(hash).unwrap_or(0) % count;
        &self.inner.partitions[number]
    }

    /// The partition that holds the job of `lease` and its effects.
    pub(crate) fn home_of(&self, lease: &Lease) -> &Partition {
        &self.inner.partitions[usize::from(lease.partition)]
    }

    /// Where records that belong to no lane are kept.
    pub(crate) fn home(&self) -> &Partition {
        &self.inner.partitions[0]
    }
}

fn wanted<'a>(options: &'a QueueOptions, known: Option<&'a str>) -> install::Wanted<'a> {
    install::Wanted {
        namespace: &options.namespace,
        partitions: options.partitions,
        known: known.or(options.known_installation.as_deref()),
        fresh: &options.fresh_installation,
    }
}

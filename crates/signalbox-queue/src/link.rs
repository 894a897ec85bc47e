//! The way to Redis: one connection that is shared and finds its server again by itself, and ones of one's own for
//! waiting.
//!
//! A command that fails is not repeated here, because only its caller knows whether that is safe. A cluster's client
//! is the exception: it follows the slots, and asks again where they went.

mod cluster;
mod followed;
mod replication;

use std::{fmt, sync::Arc, time::Duration};

use futures::FutureExt;
use redis::{
    AsyncConnectionConfig, Client, Cmd, Pipeline, RedisError, RedisFuture, RedisResult, Value,
    aio::{ConnectionLike, MultiplexedConnection},
};

use self::{cluster::Cluster, followed::Followed, replication::Replication};
use crate::{
    QueueError,
    address::{Address, Place},
};

/// No answer within this time counts as a fault of the connection.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(3);
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// A way to Redis. One that is bound to a partition leads to the server that has the partition's keys.
#[derive(Clone)]
pub(crate) struct Link {
    way: Arc<Way>,
    /// What the partition's keys begin with.
    bound: Option<Arc<str>>,
    replication: Arc<Replication>,
}

enum Way {
    Server(Box<Followed>),
    Cluster(Box<Cluster>),
}

impl Link {
    /// A link to `url`. Nothing is sent yet, so the server may still be away.
    pub(crate) fn open(url: &str) -> Result<Self, QueueError> {
        let address = Address::read(url)?;
        let way = match address.place {
            Place::Cluster(nodes) => Cluster::open(nodes, address.certificates)
                .map(Box::new)
                .map(Way::Cluster),
            place => Followed::open(&place, address.certificates)
                .map(Box::new)
                .map(Way::Server),
        };
        Ok(Self {
            way: Arc::new(way.map_err(QueueError::Redis)?),
            bound: None,
            replication: Arc::default(),
        })
    }

    /// This link for the keys that begin with `prefix`.
    pub(crate) fn bound(mut self, prefix: &str) -> Self {
        if self.is_cluster() {
            self.replication = Arc::new(self.replication.of_another_master());
        }
        self.bound = Some(prefix.into());
        self
    }

    /// Whether answers can fail after Redis did what it was asked: the replicas were too slow.
    pub(crate) fn waits_for_replicas(&self) -> bool {
        self.replication.is_demanded()
    }

    /// The shared connection; commands of many tasks are pipelined on it.
    pub(crate) fn shared(&self) -> Connection {
        Connection { link: self.clone() }
    }

    /// A connection of one's own to the partition's server, for a command that blocks for up to `longest`.
    pub(crate) async fn waiting(&self, longest: Duration) -> RedisResult<MultiplexedConnection> {
        let config = AsyncConnectionConfig::new()
            .set_response_timeout(Some(longest + RESPONSE_TIMEOUT))
            .set_connection_timeout(Some(CONNECT_TIMEOUT));
        let client = self.server().await?;
        let connection = client.get_multiplexed_async_connection_with_config(&config);
        let connection = connection.await;
        if let Err(error) = &connection {
            self.look_again(error).await;
        }
        connection
    }

    /// Lets what must not be lost wait for at least `replicas` from now on.
    pub(crate) fn demand_replicas(&self, replicas: u32) {
        self.replication.demand(replicas);
    }

    /// Whether keys are spread over several servers by their slots.
    pub(crate) fn is_cluster(&self) -> bool {
        matches!(*self.way, Way::Cluster(_))
    }

    /// Whether a replica may take the server's place.
    pub(crate) fn may_fail_over(&self) -> bool {
        match &*self.way {
            Way::Server(followed) => followed.asks_sentinels(),
            Way::Cluster(_) => true,
        }
    }

    /// Every server that keeps the jobs, or may come to keep them, as far as it can be reached.
    pub(crate) async fn servers(&self) -> RedisResult<Vec<Client>> {
        match &*self.way {
            Way::Server(followed) => followed.servers().await,
            Way::Cluster(cluster) => cluster.servers().await,
        }
    }

    async fn server(&self) -> RedisResult<Client> {
        match &*self.way {
            Way::Server(followed) => followed.master().await,
            Way::Cluster(cluster) => cluster.owner(self.bound.as_deref().unwrap_or("")).await,
        }
    }

    /// After `error` on a connection that is not the shared one. A cluster's nodes are asked anew each time.
    async fn look_again(&self, error: &RedisError) {
        if let Way::Server(followed) = &*self.way {
            followed.look_again(error).await;
        }
    }

    async fn send(&self, cmd: &Cmd) -> RedisResult<Value> {
        match &*self.way {
            Way::Server(followed) => followed.send(cmd).await,
            Way::Cluster(cluster) => cluster.send(cmd, self.bound.as_deref()).await,
        }
    }

    async fn send_all(
        &self,
        all: &Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisResult<Vec<Value>> {
        match &*self.way {
            Way::Server(followed) => followed.send_all(all, offset, count).await,
            Way::Cluster(cluster) => cluster.send_all(all, offset, count).await,
        }
    }
}

/// The shared connection of a [`Link`].
#[derive(Clone)]
pub(crate) struct Connection {
    link: Link,
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        let link = &self.link;
        if !link.replication.is_demanded_of(cmd) {
            return link.send(cmd).boxed();
        }
        async move {
            let since = link.replication.begin(link).await?;
            let answer = link.send(cmd).await?;
            link.replication.cover(link, &since).await?;
            Ok(answer)
        }
        .boxed()
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        self.link.send_all(pipeline, offset, count).boxed()
    }

    fn get_db(&self) -> i64 {
        0
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Link")
    }
}

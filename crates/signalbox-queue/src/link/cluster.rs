//! A cluster: every partition's keys share one slot, and go with it from node to node.

use redis::{
    Client, Cmd, ConnectionInfo, ErrorKind, Pipeline, RedisError, RedisResult, TlsCertificates,
    Value,
    aio::ConnectionLike,
    cluster::{ClusterClientBuilder, ClusterConfig},
    cluster_async::ClusterConnection,
    cluster_routing::{Route, RoutingInfo, SingleNodeRoutingInfo, SlotAddr},
};

use super::{
    CONNECT_TIMEOUT, RESPONSE_TIMEOUT,
    followed::{beside, client},
};

/// Redirections and tries of one command. What is still amiss then is amiss for longer.
const RETRIES: u32 = 4;
/// Between tries, in milliseconds.
const LEAST_WAIT: u64 = 10;
const MOST_WAIT: u64 = 200;

/// The shared connections to all nodes.
pub(crate) struct Cluster {
    connection: ClusterConnection,
    /// The first node that was named: its login and its kind are those of all.
    named: ConnectionInfo,
    certificates: Option<TlsCertificates>,
}

/// A range of slots with the addresses of its master and its replicas.
type Shard = (u16, u16, Vec<(String, u16)>);

impl Cluster {
    /// Connects in the background.
    pub(crate) fn open(
        nodes: Vec<ConnectionInfo>,
        certificates: Option<TlsCertificates>,
    ) -> RedisResult<Self> {
        let named = nodes.first().cloned();
        let named =
            named.ok_or_else(|| RedisError::from((ErrorKind::Client, "no node is named")))?;
        let mut builder = ClusterClientBuilder::new(nodes)
            .retries(RETRIES)
            .min_retry_wait(LEAST_WAIT)
            .max_retry_wait(MOST_WAIT);
        if let Some(certificates) = &certificates {
            builder = builder.certs(certificates.clone());
        }
        let config = ClusterConfig::new()
            .set_response_timeout(RESPONSE_TIMEOUT)
            .set_connection_timeout(CONNECT_TIMEOUT);
        Ok(Self {
            connection: builder
                .build()?
                .get_pending_async_connection_with_config(config),
            named,
            certificates,
        })
    }

    /// Sends a command to where its key is, or to the master of the partition that begins with `bound`.
    pub(crate) async fn send(&self, cmd: &Cmd, bound: Option<&str>) -> RedisResult<Value> {
        let mut connection = self.connection.clone();
        let Some(prefix) = bound else {
            return connection.req_packed_command(cmd).await;
        };
        // A script is loaded where it is missing; a node that is down shall not keep it from the others.
        let route = Route::with_key(prefix, SlotAddr::Master);
        let routing = RoutingInfo::SingleNode(SingleNodeRoutingInfo::SpecificNode(route));
        connection.route_command(cmd.clone(), routing).await
    }

    pub(crate) async fn send_all(
        &self,
        all: &Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisResult<Vec<Value>> {
        let mut connection = self.connection.clone();
        connection.req_packed_commands(all, offset, count).await
    }

    /// A client for the master that has the keys that begin with `prefix`.
    pub(crate) async fn owner(&self, prefix: &str) -> RedisResult<Client> {
        let slot: u16 = self
            .query(redis::cmd("CLUSTER").arg("KEYSLOT").arg(prefix))
            .await?;
        let shards = self.shards().await?;
        let has_slot = |(first, last, _): &&Shard| (*first..=*last).contains(&slot);
        let master = shards
            .iter()
            .find(has_slot)
            .and_then(|shard| shard.2.first());
        let (host, port) =
            master.ok_or_else(|| RedisError::from((ErrorKind::Io, "no node has the slot")))?;
        self.client(host, *port)
    }

    /// Masters and replicas.
    pub(crate) async fn servers(&self) -> RedisResult<Vec<Client>> {
        let shards = self.shards().await?;
        let mut nodes: Vec<&(String, u16)> = shards.iter().flat_map(|shard| &shard.2).collect();
        nodes.sort();
        nodes.dedup();
        nodes
            .into_iter()
            .map(|(host, port)| self.client(host, *port))
            .collect()
    }

    fn client(&self, host: &str, port: u16) -> RedisResult<Client> {
        let address = beside(self.named.addr(), host, port);
        client(
            self.named.clone().set_addr(address),
            self.certificates.as_ref(),
        )
    }

    async fn shards(&self) -> RedisResult<Vec<Shard>> {
        let rows: Vec<Vec<Value>> = self.query(redis::cmd("CLUSTER").arg("SLOTS")).await?;
        rows.into_iter().map(|row| read(row, &self.named)).collect()
    }

    async fn query<T: redis::FromRedisValue>(&self, cmd: &Cmd) -> RedisResult<T> {
        let mut connection = self.connection.clone();
        let routing = RoutingInfo::SingleNode(SingleNodeRoutingInfo::Random);
        let answer = connection.route_command(cmd.clone(), routing).await?;
        Ok(T::from_redis_value(answer)?)
    }
}

/// One row of CLUSTER SLOTS: first and last slot, then the nodes. A node without a name of its own is reached
/// under the name that it was asked by.
fn read(row: Vec<Value>, named: &ConnectionInfo) -> RedisResult<Shard> {
    let mut row = row.into_iter();
    let mut number = || row.next().map_or(Ok(0), redis::from_redis_value::<u16>);
    let (first, last) = (number()?, number()?);
    let mut nodes = Vec::new();
    for node in row {
        let node: Vec<Value> = redis::from_redis_value(node)?;
        let mut node = node.into_iter();
        let host: Option<String> = node.next().map_or(Ok(None), redis::from_redis_value)?;
        let port: u16 = node.next().map_or(Ok(0), redis::from_redis_value)?;
        let host = host.filter(|host| !host.is_empty() && host != "?");
        nodes.push((host.unwrap_or_else(|| host_of(named)), port));
    }
    Ok((first, last, nodes))
}

fn host_of(named: &ConnectionInfo) -> String {
    match named.addr() {
        redis::ConnectionAddr::Tcp(host, _) | redis::ConnectionAddr::TcpTls { host, .. } => {
            host.clone()
        }
        other => other.to_string(),
    }
}

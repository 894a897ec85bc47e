//! One server, or the master of a service, which is found again when it is not the master any more.

use std::{
    sync::{PoisonError, RwLock},
    time::Duration,
};

use redis::{
    Client, Cmd, ConnectionAddr, ConnectionInfo, ErrorKind, Pipeline, RedisError, RedisResult,
    ServerErrorKind, TlsCertificates, TlsMode, Value,
    aio::{ConnectionLike, ConnectionManager, ConnectionManagerConfig},
    sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType},
};

use super::{CONNECT_TIMEOUT, RESPONSE_TIMEOUT};
use crate::address::Place;

/// The longest pause between two attempts to reconnect.
const MAX_RECONNECT_DELAY: Duration = Duration::from_millis(500);

/// A server and who says where it is.
pub(crate) struct Followed {
    /// Those that know the master. Without them the server is where its address says.
    sentinels: Option<tokio::sync::Mutex<SentinelClient>>,
    current: RwLock<Option<Server>>,
    certificates: Option<TlsCertificates>,
}

/// The server that is believed to be the master.
#[derive(Clone)]
struct Server {
    client: Client,
    connection: ConnectionManager,
}

impl Followed {
    /// Nothing is asked yet.
    pub(crate) fn open(place: &Place, certificates: Option<TlsCertificates>) -> RedisResult<Self> {
        let (sentinels, current) = match place {
            Place::Server(info) => {
                let client = client(info.clone(), certificates.as_ref())?;
                (None, Some(Server::at(client)?))
            }
            _ => (sentinels(place, certificates.as_ref())?, None),
        };
        Ok(Self {
            sentinels: sentinels.map(tokio::sync::Mutex::new),
            current: RwLock::new(current),
            certificates,
        })
    }

    /// Whether Sentinels may put another server in the master's place.
    pub(crate) fn asks_sentinels(&self) -> bool {
        self.sentinels.is_some()
    }

    pub(crate) async fn master(&self) -> RedisResult<Client> {
        Ok(self.server().await?.client)
    }

    pub(crate) async fn send(&self, cmd: &Cmd) -> RedisResult<Value> {
        let mut server = self.server().await?;
        let answer = server.connection.req_packed_command(cmd).await;
        if let Err(error) = &answer {
            self.look_again(error).await;
        }
        answer
    }

    pub(crate) async fn send_all(
        &self,
        all: &Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisResult<Vec<Value>> {
        let mut server = self.server().await?;
        let answers = server.connection.req_packed_commands(all, offset, count);
        let answers = answers.await;
        if let Err(error) = &answers {
            self.look_again(error).await;
        }
        answers
    }

    /// The master and those of its replicas that it names.
    pub(crate) async fn servers(&self) -> RedisResult<Vec<Client>> {
        let Server {
            client: master,
            mut connection,
        } = self.server().await?;
        let text: String = redis::cmd("INFO")
            .arg("replication")
            .query_async(&mut connection)
            .await?;
        let mut servers = vec![master.clone()];
        for (host, port) in super::replication::replicas(&text).filter_map(|one| one.address()) {
            let address = beside(master.get_connection_info().addr(), host, port);
            let info = master.get_connection_info().clone().set_addr(address);
            servers.push(client(info, self.certificates.as_ref())?);
        }
        Ok(servers)
    }

    async fn server(&self) -> RedisResult<Server> {
        if let Some(server) = self.known() {
            return Ok(server);
        }
        let Some(sentinels) = &self.sentinels else {
            return Err(RedisError::from((ErrorKind::Client, "no server is known")));
        };
        let mut sentinels = sentinels.lock().await;
        if let Some(server) = self.known() {
            return Ok(server);
        }
        let server = Server::at(ask(&mut sentinels).await?)?;
        self.know(server.clone());
        Ok(server)
    }

    fn known(&self) -> Option<Server> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.clone()
    }

    fn know(&self, server: Server) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        *current = Some(server);
    }

    /// After `error` of the server: is it still the master? One asks for all; who fails meanwhile tries again anyway.
    pub(crate) async fn look_again(&self, error: &RedisError) {
        let Some(failed) = self.known() else { return };
        let demoted = matches!(
            error.kind(),
            ErrorKind::Server(ServerErrorKind::ReadOnly | ServerErrorKind::MasterDown)
        );
        let lost = error.is_io_error() || error.is_connection_dropped() || error.is_timeout();
        let found = match &self.sentinels {
            // A name or a balancer may lead to another server by now, which only a new connection finds.
            None if demoted => Ok(failed.client.clone()),
            Some(sentinels) if demoted || lost => match sentinels.try_lock() {
                Ok(mut sentinels) => ask(&mut sentinels).await,
                Err(_) => return,
            },
            _ => return,
        };
        let Ok(client) = found else { return };
        let moved =
            client.get_connection_info().addr() != failed.client.get_connection_info().addr();
        if (moved || demoted)
            && let Ok(server) = Server::at(client)
        {
            if moved {
                tracing::warn!(redis.master = %server.client.get_connection_info().addr(), "redis has another master");
            }
            self.know(server);
        }
    }
}

impl Server {
    fn at(client: Client) -> RedisResult<Self> {
        let config = ConnectionManagerConfig::new()
            .set_response_timeout(Some(RESPONSE_TIMEOUT))
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_min_delay(Duration::from_millis(10))
            .set_max_delay(MAX_RECONNECT_DELAY)
            .set_number_of_retries(2);
        let connection = client.get_connection_manager_lazy(config)?;
        Ok(Self { client, connection })
    }
}

/// The master according to the Sentinels, after it was seen to be one.
async fn ask(sentinels: &mut SentinelClient) -> RedisResult<Client> {
    let asked = tokio::time::timeout(CONNECT_TIMEOUT, sentinels.async_get_client()).await;
    asked.unwrap_or_else(|_| {
        Err(RedisError::from((
            ErrorKind::Io,
            "no sentinel answered in time",
        )))
    })
}

fn sentinels(
    place: &Place,
    certificates: Option<&TlsCertificates>,
) -> RedisResult<Option<SentinelClient>> {
    let Place::Sentinel {
        sentinels,
        service,
        server,
        user,
        password,
    } = place
    else {
        return Ok(None);
    };
    let login = server.redis_settings();
    let mut builder =
        SentinelClientBuilder::new(sentinels.clone(), service, SentinelServerType::Master)?
            .set_client_to_redis_db(login.db());
    if let Some(name) = login.username() {
        builder = builder.set_client_to_redis_username(name);
    }
    if let Some(password) = login.password() {
        builder = builder.set_client_to_redis_password(password);
    }
    if let Some(name) = user {
        builder = builder.set_client_to_sentinel_username(name);
    }
    if let Some(password) = password {
        builder = builder.set_client_to_sentinel_password(password);
    }
    if matches!(server.addr(), ConnectionAddr::TcpTls { .. }) {
        builder = builder.set_client_to_redis_tls_mode(TlsMode::Secure);
    }
    if let Some(certificates) = certificates {
        builder = builder
            .set_client_to_redis_certificates(certificates.clone())
            .set_client_to_sentinel_certificates(certificates.clone());
    }
    builder.build().map(Some)
}

/// A client for one server.
pub(super) fn client(
    info: ConnectionInfo,
    certificates: Option<&TlsCertificates>,
) -> RedisResult<Client> {
    match certificates {
        Some(certificates) => Client::build_with_tls(info, certificates.clone()),
        None => Client::open(info),
    }
}

/// The address of another server of the same kind.
pub(super) fn beside(known: &ConnectionAddr, host: &str, port: u16) -> ConnectionAddr {
    match known {
        ConnectionAddr::TcpTls { insecure, .. } => ConnectionAddr::TcpTls {
            host: host.to_owned(),
            port,
            insecure: *insecure,
            tls_params: None,
        },
        _ => ConnectionAddr::Tcp(host.to_owned(), port),
    }
}

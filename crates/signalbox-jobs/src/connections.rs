//! The clients of every configured connection, with what handlers need beside them.

use std::{collections::BTreeMap, fs, io, path::PathBuf, sync::Arc, time::Duration};

use signalbox_config::{Config, Connection, Credential, Http, SecretError};
use signalbox_core::{
    Addressee, Clock, ConnectionName, LaneChain, LaneLimits, LaneName, bot_lanes, bot_root,
    business_central_lanes, graph_root,
};
use signalbox_microsoft::{
    Bot, BotOptions, BusinessCentral, BusinessCentralOptions, ClientSecret, EntraOptions, Graph,
    GraphOptions, Sender, SenderError, SenderOptions, TargetResolver, TokenSource,
};
use signalbox_queue::Lease;
use url::Url;

use crate::{Context, Source, Sources, way::Way};

/// Why the clients cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// A secret cannot be had.
    #[error("the secret of the credential `{credential}` cannot be had")]
    Secret {
        /// The credential's name.
        credential: String,
        /// The cause.
        #[source]
        source: SecretError,
    },
    /// The HTTP client cannot be built.
    #[error("the HTTP client cannot be built from the section `[http]`")]
    Sender(#[from] SenderError),
    /// The certificates cannot be read.
    #[error(
        "`http.ca_file` names {path}, which cannot be read; correct the path or its permissions"
    )]
    Certificates {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
}

/// A Teams connection.
#[derive(Debug)]
pub struct Sink {
    /// The client that posts.
    pub bot: Bot,
    /// The client that looks back.
    pub graph: Graph,
    /// From names to channels.
    pub targets: TargetResolver,
    /// The root of the lanes of its posts.
    pub root: LaneName,
    /// The root of the lanes of what is asked of Graph.
    pub graph_root: LaneName,
    /// What a channel, a tenant and reading a channel allow, scaled.
    pub limits: SinkLimits,
    /// How long a request may take.
    pub request_timeout: Duration,
    /// How long a posted card may take to be seen, scaled.
    pub visibility_delay: Duration,
}

/// What a Teams connection may send.
#[derive(Debug, Clone)]
pub struct SinkLimits {
    /// Posts to one channel.
    pub channel: LaneLimits,
    /// Posts of one bot in its tenant.
    pub tenant: LaneLimits,
    /// Reads of one channel.
    pub read: LaneLimits,
}

impl Sink {
    /// The way to a channel on behalf of a job.
    pub(crate) fn bot_way<'a>(
        &self,
        context: &'a Context,
        lease: &'a Lease,
        trace: Option<&'a str>,
        to: &Addressee,
    ) -> Way<'a> {
        let lanes = limited(
            &bot_lanes(&self.root, to),
            &self.limits.channel,
            &self.limits.tenant,
        );
        Way::new(context, lease, trace, lanes)
    }

    /// The way to the names of teams and channels.
    pub(crate) fn names_way<'a>(
        &self,
        context: &'a Context,
        lease: &'a Lease,
        trace: Option<&'a str>,
    ) -> Way<'a> {
        let lanes = vec![(self.graph_root.clone(), LaneLimits::none())];
        Way::new(context, lease, trace, lanes).beside()
    }

    /// The way to what a channel shows.
    pub(crate) fn graph_way<'a>(
        &self,
        context: &'a Context,
        lease: &'a Lease,
        trace: Option<&'a str>,
        to: &Addressee,
    ) -> Way<'a> {
        let lanes = limited(
            &bot_lanes(&self.graph_root, to),
            &self.limits.read,
            &LaneLimits::none(),
        );
        Way::new(context, lease, trace, lanes).beside()
    }
}

/// Limits for the lowest lane and the root; those between have none of their own.
fn limited(
    lanes: &LaneChain,
    lowest: &LaneLimits,
    root: &LaneLimits,
) -> Vec<(LaneName, LaneLimits)> {
    let limits = |lane: &LaneName| {
        if lane == lanes.leaf() {
            lowest.clone()
        } else if lane == lanes.top() {
            root.clone()
        } else {
            LaneLimits::none()
        }
    };
    lanes
        .iter()
        .map(|lane| (lane.clone(), limits(lane)))
        .collect()
}

/// The clients of all connections.
#[derive(Debug, Default)]
pub struct Connections {
    /// Business Central's environments.
    pub sources: Sources,
    /// Teams connections, by name.
    pub sinks: BTreeMap<ConnectionName, Sink>,
}

/// The clients of all connections of `config`.
pub fn connect(config: &Config, clock: &Arc<dyn Clock>) -> Result<Connections, ConnectError> {
    let mut connections = Connections::default();
    let mut shared = BTreeMap::new();
    for (name, connection) in &config.connections {
        match connection {
            Connection::BusinessCentral(connection) => {
                let sender = sender(name, &config.http, connection.request_timeout, clock)?;
                let tokens = tokens(&mut shared, &connection.credential, &sender)?;
                for environment in &connection.environments {
                    let (sender, tokens) = (sender.clone(), tokens.clone());
                    let client = client(connection, environment, sender, tokens);
                    let source =
                        Source::new(name, connection, environment, client, config.time_scale);
                    connections.sources.add(source);
                }
            }
            Connection::Teams(connection) => {
                let sender = sender(name, &config.http, connection.request_timeout, clock)?;
                let tokens = tokens(&mut shared, &connection.credential, &sender)?;
                let sink = sink(connection, config.time_scale, sender, tokens);
                connections.sinks.insert(name.clone(), sink);
            }
        }
    }
    Ok(connections)
}

/// The lanes of everything read from one environment of a Business Central connection.
pub fn source_lanes(
    connection: &signalbox_config::BusinessCentral,
    environment: &str,
) -> LaneChain {
    let host = host(connection.api_url.as_url());
    business_central_lanes(&connection.credential.name, host, environment)
}

/// The roots of the lanes of a Teams connection: posts, and what is asked of Graph.
pub fn sink_roots(connection: &signalbox_config::Teams) -> [LaneName; 2] {
    let credential = &connection.credential;
    let (name, tenant) = (&credential.name, &credential.tenant_id);
    [
        bot_root(name, host(connection.service_url.as_url()), tenant),
        graph_root(name, host(connection.graph_url.as_url()), tenant),
    ]
}

fn client(
    connection: &signalbox_config::BusinessCentral,
    environment: &str,
    sender: Sender,
    tokens: Arc<TokenSource>,
) -> BusinessCentral {
    let options = BusinessCentralOptions {
        api_base: below(connection.api_url.as_url(), "v2.0"),
        scope: connection.scope.to_owned(),
        tenant: connection.credential.tenant_id.clone(),
        environment: environment.to_owned(),
        web_client_base: connection.web_client_url.as_url().clone(),
    };
    BusinessCentral::new(options, sender, tokens)
}

fn sink(
    connection: &signalbox_config::Teams,
    time_scale: f64,
    sender: Sender,
    tokens: Arc<TokenSource>,
) -> Sink {
    let [root, graph_root] = sink_roots(connection);
    let tenant = connection.credential.tenant_id.clone();
    let service_url = connection.service_url.as_url();
    let graph = GraphOptions {
        base: below(connection.graph_url.as_url(), "v1.0"),
        scope: connection.graph_scope.to_owned(),
    };
    let graph = Graph::new(graph, sender.clone(), tokens.clone());
    let bot = BotOptions {
        max_card_bytes: connection.max_card_bytes.get(),
        ..BotOptions::new(
            service_url.clone(),
            connection.bot_scope.to_owned(),
            tenant.clone(),
            connection.bot_app_id.clone(),
        )
    };
    Sink {
        bot: Bot::new(bot, sender, tokens),
        targets: TargetResolver::new(graph.clone()),
        graph,
        root,
        graph_root,
        limits: SinkLimits {
            channel: connection.channel_limits.clone().scaled(time_scale),
            tenant: connection.tenant_limits.clone().scaled(time_scale),
            read: connection.read_limits.clone().scaled(time_scale),
        },
        request_timeout: connection.request_timeout,
        visibility_delay: connection.visibility_delay,
    }
}

/// One token source per credential, so that its tokens are asked for once.
fn tokens(
    shared: &mut BTreeMap<String, Arc<TokenSource>>,
    credential: &Credential,
    sender: &Sender,
) -> Result<Arc<TokenSource>, ConnectError> {
    if let Some(tokens) = shared.get(&credential.name) {
        return Ok(tokens.clone());
    }
    let secret = credential.client_secret.follow();
    let secret = secret.map_err(|source| ConnectError::Secret {
        credential: credential.name.clone(),
        source,
    })?;
    let options = EntraOptions {
        authority: credential.authority.as_url().clone(),
        tenant: credential.tenant_id.clone(),
        client_id: credential.client_id.clone(),
        client_secret: ClientSecret::asked_for(move || secret.current()),
    };
    let tokens = Arc::new(TokenSource::new(options, sender.clone()));
    shared.insert(credential.name.clone(), tokens.clone());
    Ok(tokens)
}

fn sender(
    name: &ConnectionName,
    http: &Http,
    timeout: Duration,
    clock: &Arc<dyn Clock>,
) -> Result<Sender, ConnectError> {
    let options = SenderOptions {
        connection: name.to_string(),
        ..sender_options(http, timeout)?
    };
    Ok(Sender::new(&options, clock.clone())?)
}

/// How every request leaves this machine: proxy, authorities and times of the section `[http]`.
pub fn sender_options(http: &Http, timeout: Duration) -> Result<SenderOptions, ConnectError> {
    let roots = http.ca_file.as_ref().map(|path| {
        fs::read(path).map_err(|source| ConnectError::Certificates {
            path: path.clone(),
            source,
        })
    });
    Ok(SenderOptions {
        connect_timeout: http.connect_timeout,
        request_timeout: timeout,
        proxy: http.proxy.as_ref().map(|proxy| proxy.reveal().clone()),
        no_proxy: (!http.no_proxy.is_empty()).then(|| http.no_proxy.join(",")),
        extra_roots: roots.transpose()?,
        ..SenderOptions::default()
    })
}

fn below(base: &Url, segment: &str) -> Url {
    let mut url = base.clone();
    let path = format!("{}/{segment}", base.path().trim_end_matches('/'));
    url.set_path(&path);
    url
}

fn host(url: &Url) -> &str {
    url.host_str().unwrap_or_default()
}

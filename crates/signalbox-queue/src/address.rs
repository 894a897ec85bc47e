//! The address of a Redis: one server, a service that Sentinels watch, or a cluster, each with or without TLS.
//!
//! Several hosts stand in one address with commas between them. What has no place in an address of its own stands
//! behind a `?`: `ca-file`, `sentinel-user` and `sentinel-password`.

use percent_encoding::percent_decode_str;
use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo, TlsCertificates};

use crate::QueueError;

/// The port of a Sentinel whose address names none.
const SENTINEL_PORT: u16 = 26_379;

/// Where Redis is.
#[derive(Debug)]
pub(crate) struct Address {
    pub(crate) place: Place,
    /// The authorities to trust instead of the system's.
    pub(crate) certificates: Option<TlsCertificates>,
}

/// What stands at the address.
#[derive(Debug)]
pub(crate) enum Place {
    /// One server.
    Server(ConnectionInfo),
    /// The servers of a service, the master of which the Sentinels name.
    Sentinel {
        sentinels: Vec<ConnectionAddr>,
        service: String,
        /// How to log in at a server; its address is a Sentinel's.
        server: Box<ConnectionInfo>,
        user: Option<String>,
        password: Option<String>,
    },
    /// Some nodes of a cluster.
    Cluster(Vec<ConnectionInfo>),
}

/// What is wrong with an address, and what would be right.
type Fault = (String, &'static str);

impl Address {
    /// Reads `url`, and the file of authorities that it may name.
    pub(crate) fn read(url: &str) -> Result<Self, QueueError> {
        read(url).map_err(|(reason, next_step)| QueueError::Address {
            url: without_secrets(url),
            reason,
            next_step,
        })
    }
}

fn read(url: &str) -> Result<Address, Fault> {
    let (url, mut settings) = take_settings(url);
    let certificates = settings.take("ca-file").map(|path| authorities(&path));
    let certificates = certificates.transpose()?;
    let place = match url.split_once("://") {
        Some((scheme @ ("redis+sentinel" | "rediss+sentinel"), rest)) => {
            sentinel(plain(scheme), rest, &mut settings)?
        }
        Some((scheme @ ("redis+cluster" | "rediss+cluster"), rest)) => {
            Place::Cluster(hosts(rest, plain(scheme))?)
        }
        _ => Place::Server(server(&url)?),
    };
    let tls = url.starts_with("rediss");
    if certificates.is_some() && !tls {
        return Err((
            "names authorities for TLS and is without TLS".to_owned(),
            "write `rediss` in place of `redis`, or remove `redis.ca_file`",
        ));
    }
    Ok(Address {
        place,
        certificates,
    })
}

fn plain(scheme: &str) -> &'static str {
    if scheme.starts_with("rediss") {
        "rediss"
    } else {
        "redis"
    }
}

fn authorities(path: &str) -> Result<TlsCertificates, Fault> {
    let root = std::fs::read(path).map_err(|error| {
        let reason = format!("names the authorities in `{path}`, which cannot be read: {error}");
        let next_step = "let `redis.ca_file` name a file of certificates in PEM form";
        (reason, next_step)
    })?;
    Ok(TlsCertificates {
        client_tls: None,
        root_cert: Some(root),
    })
}

fn server(url: &str) -> Result<ConnectionInfo, Fault> {
    url.into_connection_info().map_err(|error| {
        (
            format!("is no address of a Redis: {error}"),
            "write redis://HOST:PORT, rediss://…, redis+sentinel://HOST:PORT,HOST:PORT/SERVICE, \
             redis+cluster://HOST:PORT,HOST:PORT or unix:///PATH",
        )
    })
}

fn sentinel(scheme: &str, rest: &str, settings: &mut Settings) -> Result<Place, Fault> {
    let (hosts_part, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (service, db) = path.split_once('/').unwrap_or((path, ""));
    let service = decoded(service);
    if service.is_empty() {
        return Err((
            "names no service".to_owned(),
            "append /SERVICE, the name behind `sentinel monitor` in sentinel.conf",
        ));
    }
    let (login, hosts_list) = login_and_hosts(hosts_part);
    let with_ports: Vec<String> = hosts_list.split(',').map(with_sentinel_port).collect();
    let nodes = hosts(&format!("{login}{}/{db}", with_ports.join(",")), scheme)?;
    let sentinels = nodes.iter().map(|node| node.addr().clone()).collect();
    let server = nodes.into_iter().next();
    let server = server.ok_or_else(|| ("names no host".to_owned(), "name the Sentinels"))?;
    Ok(Place::Sentinel {
        sentinels,
        service,
        server: Box::new(server),
        user: settings.take("sentinel-user"),
        password: settings.take("sentinel-password"),
    })
}

/// Every host of `rest` with the login and the database that stand beside them all.
fn hosts(rest: &str, scheme: &str) -> Result<Vec<ConnectionInfo>, Fault> {
    let (hosts, db) = rest.split_once('/').unwrap_or((rest, ""));
    let (login, hosts) = login_and_hosts(hosts);
    let one = |host: &str| match host {
        "" => Err((
            "has a place between commas without a host".to_owned(),
            "write HOST:PORT,HOST:PORT",
        )),
        host => server(&format!("{scheme}://{login}{host}/{db}")),
    };
    hosts.split(',').map(one).collect()
}

/// The login with its `@`, and the hosts.
fn login_and_hosts(authority: &str) -> (&str, &str) {
    authority.split_at(authority.rfind('@').map_or(0, |at| at + 1))
}

/// A colon within brackets belongs to the address of a host, not to its port.
fn with_sentinel_port(host: &str) -> String {
    let has_port = host.rsplit(']').next().is_some_and(|end| end.contains(':'));
    if has_port || host.is_empty() {
        host.to_owned()
    } else {
        format!("{host}:{SENTINEL_PORT}")
    }
}

/// What stands behind the `?`.
struct Settings(Vec<(String, String)>);

impl Settings {
    fn take(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.remove(at).1)
    }
}

/// Parts our settings from the address, and leaves those of the client in it.
fn take_settings(url: &str) -> (String, Settings) {
    let Some((address, query)) = url.split_once('?') else {
        return (url.to_owned(), Settings(Vec::new()));
    };
    let ours = |pair: &&str| pair.starts_with("ca-file=") || pair.starts_with("sentinel-");
    let (ours, others): (Vec<&str>, Vec<&str>) = query.split('&').partition(ours);
    let settings = ours.iter().filter_map(|pair| pair.split_once('='));
    let settings = settings.map(|(name, value)| (name.to_owned(), decoded(value)));
    let mut address = address.to_owned();
    if !others.is_empty() {
        address = format!("{address}?{}", others.join("&"));
    }
    (address, Settings(settings.collect()))
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// The address without what stands before the `@` and behind the `?`.
fn without_secrets(url: &str) -> String {
    let url = url.split_once('?').map_or(url, |(address, _)| address);
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://…@{host}"),
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests;

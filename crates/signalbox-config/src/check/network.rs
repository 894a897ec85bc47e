//! What would travel readably: the way in, and the ways out.

use crate::{BaseUrl, Config, Connection, Problem, error::problem, layers::Layers};

/// Everything that others could read without anybody having said that they may.
pub(super) fn problems(config: &Config, layers: &Layers) -> Vec<Problem> {
    let mut problems: Vec<Problem> = way_in(config, layers).into_iter().collect();
    problems.extend(ways_out(config, layers));
    problems
}

/// Signals carry the clientState that proves them: whoever reads one can forge others.
fn way_in(config: &Config, layers: &Layers) -> Option<Problem> {
    let ingress = &config.ingress;
    if ingress.plain_http && ingress.tls.is_some() {
        let reason =
            "says that something in front ends TLS, and `[ingress.tls]` says that the ingress does";
        let fix = "remove one of the two";
        return Some(problem(layers, &["ingress", "plain_http"], reason, fix));
    }
    let settled =
        ingress.tls.is_some() || ingress.plain_http || !ingress.trusted_proxies.is_empty();
    if settled || !ingress.is_open() {
        return None;
    }
    let reason = "can be reached from other machines, and nothing says who encrypts what comes in";
    let fix = "add `[ingress.tls]`, name the proxy that ends TLS in `ingress.trusted_proxies`, set \
               `ingress.plain_http = true` if something else in front ends it, or listen on 127.0.0.1";
    Some(problem(layers, &["ingress", "bind"], reason, fix))
}

/// Base URLs that begin with `http://`, lead off this machine, and are not in `http.plain_hosts`.
fn ways_out(config: &Config, layers: &Layers) -> Vec<Problem> {
    let plain = &config.http.plain_hosts;
    let refused = base_urls(config).into_iter().filter(|(_, url)| {
        url.plain_host()
            .is_some_and(|host| !plain.iter().any(|known| known == host))
    });
    refused
        .map(|(path, url)| {
            let host = url.plain_host().unwrap_or_default();
            let fix = format!(
                "`http://` is for this machine and for hosts in `http.plain_hosts`; add `{host}` to them if nobody else \
                 can listen on the way to it"
            );
            let reason = "must begin with `https://`, because tokens travel over it";
            problem(layers, &path, reason, &fix)
        })
        .collect()
}

/// Every base URL that the configuration can set, with its key.
fn base_urls(config: &Config) -> Vec<(Vec<&str>, &BaseUrl)> {
    let public = config.ingress.public_url.iter();
    let mut urls: Vec<_> = public
        .map(|url| (vec!["ingress", "public_url"], url))
        .collect();
    for (name, credential) in &config.credentials {
        let path = vec!["credentials", name.as_str(), "authority"];
        urls.push((path, &credential.authority));
    }
    for (name, connection) in &config.connections {
        let own = match connection {
            Connection::BusinessCentral(connection) => [
                ("api_url", &connection.api_url),
                ("web_client_url", &connection.web_client_url),
            ],
            Connection::Teams(connection) => [
                ("service_url", &connection.service_url),
                ("graph_url", &connection.graph_url),
            ],
        };
        urls.extend(own.map(|(key, url)| (vec!["connections", name.as_str(), key], url)));
    }
    urls
}

//! The network as users have it: TLS with certificates that are replaced, proxies on both sides, private authorities.

mod check;
mod outgoing;
mod sender;
mod tls;

use std::net::SocketAddr;

use harness::fleet::{Fleet, Process, Setting};
use harness::{Authority, RedisServer};
use serde_json::Value;

/// Long before it is warned of.
const LONG: i64 = 90;

/// An installation with one route, and the Redis under it.
async fn fleet() -> (Fleet, RedisServer) {
    let redis = RedisServer::start();
    let setting = Setting {
        channels: 1,
        ..Setting::default()
    };
    (Fleet::prepare_on(setting, &redis).await.unwrap(), redis)
}

/// A fleet whose ingress speaks TLS with `cert.pem` and `key.pem` in its folder, for the name `localhost`.
async fn encrypted(authority: &Authority, days: i64) -> (Fleet, RedisServer) {
    let (fleet, redis) = fleet().await;
    authority.issue(&["localhost"], days).write(fleet.folder());
    let own = format!("public_url = \"http://{}\"", fleet.ingress);
    let tls = format!(
        "public_url = \"https://localhost:{}\"\ntls = {{ certificate = \"cert.pem\", key = \"key.pem\" }}",
        fleet.ingress.port()
    );
    fleet.rewrite(|text| text.replace(&own, &tls)).unwrap();
    (fleet, redis)
}

/// Starts the ingress and returns when it listens.
async fn ingress(fleet: &Fleet) -> Process {
    let role = fleet.start("ingress").unwrap();
    let listens = fleet.until("the ingress listens", async || fleet.listens().await);
    listens.await.unwrap();
    role
}

/// A client that trusts `authority` alone and finds every name at `address`.
fn trusting(authority: &Authority, address: SocketAddr) -> reqwest::Client {
    let root = reqwest::Certificate::from_pem(authority.pem().as_bytes()).unwrap();
    reqwest::Client::builder()
        .tls_certs_only([root])
        .resolve("localhost", address)
        .pool_max_idle_per_host(0)
        .no_proxy()
        .build()
        .unwrap()
}

/// What `check` says about the first subject that begins so.
fn finding<'a>(findings: &'a Value, subject: &str) -> &'a Value {
    let all = findings.as_array().unwrap();
    let found = all.iter().find(|one| {
        let text = one["subject"].as_str().unwrap();
        text.starts_with(subject)
    });
    found.unwrap_or_else(|| panic!("{subject} in {findings:#}"))
}

/// Checks verdict and a part of the cause and the next action.
fn says(findings: &Value, subject: &str, verdict: &str, words: &str) {
    let found = finding(findings, subject);
    let whole = format!(
        "{} -> {}",
        found["cause"].as_str().unwrap(),
        found["next_action"].as_str().unwrap()
    );
    assert_eq!(found["verdict"], verdict, "{found:#}");
    assert!(whole.contains(words), "{whole}");
}

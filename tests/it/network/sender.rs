//! Who sent a request: what a trusted proxy says, and nobody else.

use std::time::Duration;

use axum::{Extension, Router, routing::any};
use harness::client;
use signalbox_ingress::{Client, Door, serve};
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{fleet, ingress};

/// Not ours, so that it is told of in the log.
const UNKNOWN: &str = "/hooks/business-central/erp/unknown";

/// Whom an ingress behind `proxies` takes for the sender of a request with these headers.
async fn sender(proxies: &[&str], headers: &[(&str, &str)]) -> String {
    let handler = any(async |Extension(client): Extension<Client>| {
        format!("{} {}", client.address, client.scheme().unwrap_or("?"))
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let door = Door {
        trusted_proxies: proxies.iter().map(|one| one.parse().unwrap()).collect(),
        ..Door::default()
    };
    let (router, stop) = (
        Router::new().fallback_service(handler),
        CancellationToken::new(),
    );
    TaskTracker::new().spawn(serve(listener, router, door, stop.clone()));
    let mut request = client().get(url).timeout(Duration::from_secs(30));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let told = request.send().await.unwrap().text().await.unwrap();
    stop.cancel();
    told
}

#[tokio::test]
async fn what_a_trusted_proxy_says_of_the_sender_is_believed_and_nobody_elses_word() {
    let claim = [
        ("x-forwarded-for", "6.6.6.6, 192.0.2.7"),
        ("x-forwarded-proto", "https"),
    ];
    assert_eq!(sender(&["127.0.0.0/8"], &claim).await, "192.0.2.7 https");
    assert_eq!(sender(&[], &claim).await, "127.0.0.1 http");
    assert_eq!(sender(&["10.0.0.0/8"], &claim).await, "127.0.0.1 http");
    let standard = [("forwarded", "for=192.0.2.8;proto=http")];
    assert_eq!(sender(&["127.0.0.1/32"], &standard).await, "192.0.2.8 http");
}

#[tokio::test]
async fn log_lines_name_the_sender_and_a_proxy_without_tls_is_told_of_once() {
    let (fleet, _redis) = fleet().await;
    let trusting = |text: String| {
        text.replace(
            "[ingress]\n",
            "[ingress]\ntrusted_proxies = [\"127.0.0.1\"]\n",
        )
    };
    fleet.rewrite(trusting).unwrap();
    let role = ingress(&fleet).await;
    let url = format!("http://{}{UNKNOWN}", fleet.ingress);
    for (address, proto) in [
        ("192.0.2.7", "https"),
        ("192.0.2.8", "http"),
        ("192.0.2.9", "http"),
    ] {
        let request = client()
            .post(&url)
            .header("x-forwarded-for", address)
            .header("x-forwarded-proto", proto);
        assert_eq!(request.body("{}").send().await.unwrap().status(), 200);
    }
    role.stop().await.unwrap();
    let log = fleet.log("ingress");
    let line = |address: &str| {
        let found = log.lines().find(|line| {
            line.contains("a subscription that is not ours") && line.contains(address)
        });
        found.unwrap_or_else(|| panic!("{address} in {log}"))
    };
    assert!(
        line("192.0.2.7").contains("client.scheme=\"https\""),
        "{log}"
    );
    assert!(
        line("192.0.2.8").contains("client.scheme=\"http\""),
        "{log}"
    );
    assert_eq!(log.matches("over plain http").count(), 1, "{log}");
}

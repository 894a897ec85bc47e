//! Every request leaves as `[http]` says: through the proxy, past it, and trusting the company's authority.
//!
//! The names of the services exist only in the proxy: what would not go through it would go nowhere.

use std::{collections::BTreeSet, fs};

use harness::{Authority, ForwardProxy, PATIENCE, RedisServer, TlsFront, fleet::Fleet, free_port};
use signalbox_sim::{NewInvoice, SimHandle};

use super::{LONG, fleet, says};

/// The services, each under a name of its own.
const HOSTS: [&str; 4] = [
    "login.cloud.test",
    "erp.cloud.test",
    "bot.cloud.test",
    "graph.cloud.test",
];

/// A fleet whose cloud has those names and, with `http`, is reached in the way that this says.
async fn named(scheme: &str, http: &str) -> (Fleet, RedisServer) {
    let (fleet, redis) = fleet().await;
    let sim = &fleet.sim;
    let places = [
        sim.entra_url(),
        sim.business_central_url(),
        sim.bot_url(),
        graph(sim),
    ];
    let named = |mut text: String| {
        for (place, host) in places.iter().zip(HOSTS) {
            let path = place.strip_prefix(sim.base_url()).unwrap();
            let quoted = format!("\"{place}\"");
            assert!(text.contains(&quoted), "{place} in {text}");
            text = text.replace(&quoted, &format!("\"{scheme}://{host}{path}\""));
        }
        format!("{text}\n[http]\n{http}\n")
    };
    fleet.rewrite(named).unwrap();
    (fleet, redis)
}

fn graph(sim: &SimHandle) -> String {
    sim.graph_url().trim_end_matches("/v1.0").to_owned()
}

fn place(sim: &SimHandle) -> std::net::SocketAddr {
    sim.base_url()
        .strip_prefix("http://")
        .unwrap()
        .parse()
        .unwrap()
}

/// The configured proxy does not exist before the fleet does, so it is added afterwards.
fn add(fleet: &Fleet, line: &str) {
    fleet.rewrite(|text| format!("{text}{line}\n")).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_service_is_asked_through_the_proxy_and_trusted_by_the_companys_authority() {
    let authority = Authority::new("company");
    let (fleet, _redis) = named("https", "ca_file = \"ca.pem\"").await;
    fs::write(fleet.folder().join("ca.pem"), authority.pem()).unwrap();
    let issued = authority.issue(&["*.cloud.test"], LONG);
    let front = TlsFront::start(&issued, place(&fleet.sim)).await;
    let proxy = ForwardProxy::start(front.address, place(&fleet.sim)).await;
    add(&fleet, &format!("proxy = \"{}\"", proxy.url));
    let role = fleet.start("all").unwrap();
    fleet.ready().await.unwrap();
    let invoice = NewInvoice {
        purchaser: Some("P01".to_owned()),
        ..NewInvoice::default()
    };
    fleet.sim.post_new_purchase_invoice(&invoice).unwrap();
    let delivered = |sim: &SimHandle| sim.verdict().delivered == 1;
    assert!(
        fleet.sim.wait_until(delivered, PATIENCE).await,
        "{}",
        fleet.log("all")
    );
    role.stop().await.unwrap();
    let asked: BTreeSet<String> = proxy.asked().into_iter().collect();
    let hosts = HOSTS.map(|host| format!("CONNECT {host}:443"));
    assert_eq!(asked, hosts.into());
}

#[tokio::test]
async fn requests_in_the_clear_go_through_the_proxy_as_well() {
    let (fleet, _redis) = named("http", &format!("plain_hosts = {HOSTS:?}")).await;
    let sim = place(&fleet.sim);
    let proxy = ForwardProxy::start(sim, sim).await;
    add(&fleet, &format!("proxy = \"{}\"", proxy.url));
    let (_, findings) = fleet.ask("check --online").await.unwrap();
    says(&findings, "connections.erp", "ok", "companies");
    says(&findings, "routes.purchaser-01", "ok", "the channel is");
    let asked = proxy.asked();
    for (method, host) in [("POST", HOSTS[0]), ("GET", HOSTS[1]), ("GET", HOSTS[3])] {
        let begins = format!("{method} http://{host}/");
        let found = asked.iter().any(|one| one.starts_with(&begins));
        assert!(found, "{begins} in {asked:?}");
    }
}

#[tokio::test]
async fn hosts_in_no_proxy_are_asked_directly() {
    let (fleet, _redis) = fleet().await;
    // Nobody listens there.
    let proxy = format!("\n[http]\nproxy = \"http://127.0.0.1:{}\"", free_port());
    add(&fleet, &proxy);
    let (code, findings) = fleet.ask("check --online").await.unwrap();
    assert_eq!(code, 1);
    says(
        &findings,
        "connections.erp",
        "trouble",
        "the proxy settings",
    );
    assert!(fleet.sim.requests().is_empty());
    add(&fleet, "no_proxy = [\"127.0.0.0/8\"]");
    let (_, findings) = fleet.ask("check --online").await.unwrap();
    says(&findings, "connections.erp", "ok", "companies");
    says(&findings, "routes.purchaser-01", "ok", "the channel is");
}

#[tokio::test]
async fn a_private_authority_that_is_not_named_is_not_trusted_and_the_setting_is_named() {
    let (fleet, _redis) = named("https", "").await;
    let issued = Authority::new("company").issue(&["*.cloud.test"], LONG);
    let front = TlsFront::start(&issued, place(&fleet.sim)).await;
    let proxy = ForwardProxy::start(front.address, front.address).await;
    add(&fleet, &format!("proxy = \"{}\"", proxy.url));
    let (code, findings) = fleet.ask("check --online").await.unwrap();
    assert_eq!(code, 1);
    says(&findings, "connections.erp", "trouble", "`http.ca_file`");
    assert!(fleet.sim.requests().is_empty());
    add(&fleet, "ca_file = \"missing.pem\"");
    let (_, findings) = fleet.ask("check --online").await.unwrap();
    says(
        &findings,
        "connections",
        "trouble",
        "`http.ca_file` names missing.pem",
    );
}

//! `signalbox check`: what it finds on the way in, at Redis and at the clocks.

use std::fs;

use harness::{Authority, fleet::Fleet};
use serde_json::Value;

use super::{LONG, encrypted, finding, fleet, ingress, says};
use crate::clients::canned::{Canned, whole};

const HANDSHAKE: &str = "handshake";

async fn online(fleet: &Fleet) -> Value {
    fleet.ask("check --online").await.unwrap().1
}

/// Lets `ingress.public_url` be this address from now on.
fn publish(fleet: &Fleet, url: &str) {
    let published = |text: String| {
        let lines = text.lines().map(|line| {
            let is_it = line.starts_with("public_url = ");
            if is_it {
                format!("public_url = \"{url}\"")
            } else {
                line.to_owned()
            }
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    fleet.rewrite(published).unwrap();
}

#[tokio::test]
async fn all_is_well_where_all_is_well() {
    let (fleet, _redis) = fleet().await;
    let role = ingress(&fleet).await;
    let (code, findings) = fleet.ask("check --online").await.unwrap();
    let all = findings.as_array().unwrap();
    let amiss: Vec<&Value> = all.iter().filter(|one| one["verdict"] != "ok").collect();
    assert!(amiss.is_empty(), "{amiss:#?}");
    assert_eq!(code, 0);
    for (subject, words) in [
        ("redis", "answers"),
        ("redis durability", "its settings keep `fsync`"),
        ("redis maxmemory-policy", "`noeviction`"),
        ("redis memory", "MiB are used"),
        ("clock of redis", "what this machine's clock shows"),
        (
            "clock of http://127.0.0.1",
            "what this machine's clock shows",
        ),
        ("ingress.bind", "from this machine only"),
        (HANDSHAKE, "gives the token back after"),
    ] {
        says(&findings, subject, "ok", words);
    }
    role.stop().await.unwrap();
}

#[tokio::test]
async fn a_redis_that_keeps_too_little_is_told_setting_by_setting() {
    let (fleet, redis) = fleet().await;
    for setting in ["appendfsync everysec", "maxmemory-policy allkeys-lru"] {
        redis.command(&format!("CONFIG SET {setting}"));
    }
    let (code, findings) = fleet.ask("check").await.unwrap();
    assert_eq!(code, 1);
    let fsync = "`appendfsync everysec`, which loses up to a second of acknowledged jobs -> set `appendfsync always`";
    says(&findings, "redis appendfsync", "trouble", fsync);
    let policy = "deletes jobs when memory is short -> set `maxmemory-policy noeviction`";
    says(&findings, "redis maxmemory-policy", "trouble", policy);
    let info = redis.command("INFO memory");
    let used = info
        .lines()
        .find_map(|line| line.strip_prefix("used_memory:"));
    let used: u64 = used.unwrap().trim().parse().unwrap();
    redis.command(&format!("CONFIG SET maxmemory {}", used * 10 / 7));
    let (_, findings) = fleet.ask("check").await.unwrap();
    says(&findings, "redis memory", "warning", "above 80 %");
}

#[tokio::test]
async fn a_redis_that_does_not_answer_is_told_and_the_rest_is_looked_at_all_the_same() {
    let (fleet, mut redis) = fleet().await;
    let role = ingress(&fleet).await;
    redis.kill();
    let (code, findings) = fleet.ask("check --online").await.unwrap();
    assert_eq!(code, 1);
    assert_eq!(finding(&findings, "redis")["verdict"], "trouble");
    says(&findings, HANDSHAKE, "ok", "gives the token back");
    role.stop().await.unwrap();
}

#[tokio::test]
async fn a_clock_that_is_apart_from_microsofts_is_told() {
    let (fleet, _redis) = fleet().await;
    let date = "date: Mon, 02 Mar 2026 10:00:00 GMT\r\n";
    let entra = Canned::start(vec![Box::new(move |_| whole("404 Not Found", date, ""))]).await;
    let own = fleet.sim.entra_url();
    fleet
        .rewrite(|text| text.replace(&own, &entra.url))
        .unwrap();
    let findings = online(&fleet).await;
    let subject = format!("clock of {}", entra.url);
    says(
        &findings,
        &subject,
        "trouble",
        "behind this machine's -> synchronise",
    );
}

#[tokio::test]
async fn what_answers_in_place_of_the_ingress_is_told_with_its_cause() {
    let (fleet, _redis) = fleet().await;
    let away = "location: https://portal.example.com/\r\n";
    for (status, headers, words) in [
        (
            "302 Found",
            away,
            "a redirect to https://portal.example.com/",
        ),
        (
            "404 Not Found",
            "",
            "let the proxy pass `/hooks/` on to `ingress.bind`",
        ),
        ("401 Unauthorized", "", "exempt `/hooks/` from sign-in"),
        ("200 OK", "", "another service"),
        ("503 Service Unavailable", "", "it cannot reach the ingress"),
    ] {
        let answer = move |_: &str| whole(status, headers, "a page");
        let proxy = Canned::start(vec![Box::new(answer)]).await;
        publish(&fleet, &proxy.url);
        says(&online(&fleet).await, HANDSHAKE, "trouble", words);
    }
    publish(
        &fleet,
        &format!("http://127.0.0.1:{}", harness::free_port()),
    );
    says(
        &online(&fleet).await,
        HANDSHAKE,
        "trouble",
        "takes no connections",
    );
    publish(&fleet, "https://nowhere.invalid");
    says(
        &online(&fleet).await,
        HANDSHAKE,
        "trouble",
        "has no address in the DNS",
    );
}

#[tokio::test]
async fn what_is_asked_of_the_public_address_is_what_business_central_asks() {
    let (fleet, _redis) = fleet().await;
    // Gives back what stands behind `validationToken=` in a request of the very shape.
    let echo = |head: &str| {
        let path = "post /hooks/business-central/erp/check?validationtoken=";
        let token = head
            .strip_prefix(path)
            .and_then(|rest| rest.split(' ').next());
        let empty = head.contains("content-length: 0\r\n");
        whole("200 OK", "", token.filter(|_| empty).unwrap_or("no"))
    };
    let front = Canned::start(vec![Box::new(echo)]).await;
    publish(&fleet, &front.url);
    says(
        &online(&fleet).await,
        HANDSHAKE,
        "ok",
        "gives the token back",
    );
}

#[tokio::test]
async fn a_certificate_that_business_central_would_not_trust_is_told() {
    let authority = Authority::new("company");
    let (fleet, _redis) = encrypted(&authority, LONG).await;
    let role = ingress(&fleet).await;
    says(
        &online(&fleet).await,
        HANDSHAKE,
        "trouble",
        "no public authority vouches for",
    );
    fs::write(fleet.folder().join("ca.pem"), authority.pem()).unwrap();
    fleet
        .rewrite(|text| format!("{text}\n[http]\nca_file = \"ca.pem\"\n"))
        .unwrap();
    let private = "only `http.ca_file` vouches for its certificate";
    says(&online(&fleet).await, HANDSHAKE, "warning", private);
    let port = fleet.ingress.port();
    publish(&fleet, &format!("https://127.0.0.1:{port}"));
    says(
        &online(&fleet).await,
        HANDSHAKE,
        "trouble",
        "for another name",
    );
    role.stop().await.unwrap();
    publish(
        &fleet,
        &format!(
            "https://{}",
            fleet.sim.base_url().strip_prefix("http://").unwrap()
        ),
    );
    says(
        &online(&fleet).await,
        HANDSHAKE,
        "trouble",
        "does not speak TLS",
    );
}

#[tokio::test]
async fn a_certificate_that_ends_soon_is_warned_of_and_one_that_has_ended_is_trouble() {
    let authority = Authority::new("company");
    let (fleet, _redis) = encrypted(&authority, LONG).await;
    let days = async |days| {
        authority.issue(&["localhost"], days).write(fleet.folder());
        fleet.ask("check").await.unwrap().1
    };
    says(&days(LONG).await, "ingress.tls", "ok", "ends in 89 days");
    says(&days(13).await, "ingress.tls", "warning", "ends in 12 days");
    says(&days(-2).await, "ingress.tls", "trouble", "has ended");
    fs::write(fleet.folder().join("cert.pem"), "nothing").unwrap();
    let findings = fleet.ask("check").await.unwrap().1;
    says(&findings, "ingress.tls", "trouble", "holds no certificate");
}

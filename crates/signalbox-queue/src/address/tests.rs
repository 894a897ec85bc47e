//! What can be an address, and what is said about what cannot.

use redis::ConnectionAddr;

use super::{Address, Place};

fn place(url: &str) -> Place {
    Address::read(url).unwrap().place
}

fn complaint(url: &str) -> String {
    Address::read(url).unwrap_err().to_string()
}

fn texts(addresses: &[ConnectionAddr]) -> Vec<String> {
    addresses.iter().map(ToString::to_string).collect()
}

#[test]
fn a_service_is_named_behind_its_sentinels() {
    let url =
        "redis+sentinel://us%40er:p%2Fw@one:1,two,[::1]/mymaster/3?sentinel-password=s%26cret";
    let Place::Sentinel {
        sentinels,
        service,
        server,
        user,
        password,
    } = place(url)
    else {
        panic!("not a service");
    };
    assert_eq!(texts(&sentinels), ["one:1", "two:26379", "::1:26379"]);
    assert_eq!(service, "mymaster");
    let login = server.redis_settings();
    assert_eq!(login.username(), Some("us@er"));
    assert_eq!(login.password(), Some("p/w"));
    assert_eq!(login.db(), 3);
    assert_eq!((user, password.as_deref()), (None, Some("s&cret")));
}

#[test]
fn a_cluster_is_named_by_some_of_its_nodes() {
    let Place::Cluster(nodes) = place("rediss+cluster://me:pw@one:7000,two") else {
        panic!("not a cluster");
    };
    let addresses: Vec<ConnectionAddr> = nodes.iter().map(|node| node.addr().clone()).collect();
    assert_eq!(texts(&addresses), ["one:7000", "two:6379"]);
    let secure = |address: &ConnectionAddr| matches!(address, ConnectionAddr::TcpTls { .. });
    assert!(addresses.iter().all(secure));
    assert!(
        nodes
            .iter()
            .all(|node| node.redis_settings().username() == Some("me"))
    );
}

#[test]
fn an_address_that_cannot_be_used_says_what_would_be_right() {
    let cases = [
        ("http://host", "is no address of a Redis"),
        ("redis+sentinel://one,two", "append /SERVICE"),
        ("redis+sentinel://one/", "append /SERVICE"),
        ("redis+cluster://one,,two", "write HOST:PORT,HOST:PORT"),
        ("redis+cluster://one:port", "is no address of a Redis"),
        ("redis://one?ca-file=/no/such/file", "`redis.ca_file`"),
    ];
    for (url, expected) in cases {
        let complaint = complaint(url);
        assert!(complaint.contains(expected), "{url}: {complaint}");
        assert!(complaint.contains("`redis.url`"), "{url}: {complaint}");
    }
}

#[test]
fn authorities_for_an_address_without_tls_are_a_mistake() {
    let file = std::env::current_exe().unwrap();
    let complaint = complaint(&format!("redis://one?ca-file={}", file.display()));
    assert!(complaint.contains("write `rediss`"), "{complaint}");
}

#[test]
fn an_address_that_cannot_be_read_is_reported_without_its_password() {
    for url in [
        "http://me:hunter2@host",
        "redis+sentinel://me:hunter2@host?sentinel-password=hunter2",
    ] {
        let complaint = complaint(url);
        assert!(
            complaint.contains("host") && !complaint.contains("hunter2"),
            "{complaint}"
        );
    }
}

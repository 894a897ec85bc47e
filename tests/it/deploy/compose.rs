//! docker-compose.yml, as Compose reads it where there is one, and as it is written.

use std::collections::BTreeSet;

use harness::containers::Compose;

use super::read;

const FILE: &str = "docker-compose.yml";

/// The lines of a service, as it is written.
fn service(name: &str) -> Vec<String> {
    let text = read(FILE);
    let lines = text
        .lines()
        .skip_while(|line| *line != format!("  {name}:"));
    let own = lines
        .skip(1)
        .take_while(|line| line.is_empty() || line.starts_with("    "));
    own.map(|line| line.trim().to_owned()).collect()
}

/// The names in `${NAME:-default}`.
fn variables(text: &str) -> BTreeSet<String> {
    let rests = text.split("${").skip(1);
    let names = rests.filter_map(|rest| rest.split_once(":-"));
    names.map(|(name, _)| name.to_owned()).collect()
}

/// The words in code of the first cells of the table that begins with `| variable |`.
fn documented() -> BTreeSet<String> {
    let page = read("docs/operations.md");
    let table = page
        .lines()
        .skip_while(|line| !line.starts_with("| variable |"));
    let rows = table.skip(2).take_while(|line| line.starts_with('|'));
    let cells: Vec<String> = rows
        .filter_map(|row| Some(row.split('|').nth(1)?.to_owned()))
        .collect();
    let words = cells
        .iter()
        .flat_map(|cell| cell.split('`').skip(1).step_by(2));
    words.map(str::to_owned).collect()
}

/// Where there is no Compose, nothing can be asked.
#[tokio::test]
async fn compose_understands_its_file_with_every_profile() {
    let Ok(compose) = Compose::find().await else {
        return;
    };
    for (profiles, expected) in [
        (&[][..], &["redis", "ingress", "worker"][..]),
        (&["demo"], &["simulator"]),
        (
            &["demo", "dashboards"],
            &["simulator", "prometheus", "grafana"],
        ),
    ] {
        let config = compose.config(profiles).await.unwrap();
        for service in expected {
            let heading = format!("\n  {service}:\n");
            assert!(config.contains(&heading), "{service} is not in\n{config}");
        }
    }
}

#[test]
fn redis_in_a_container_keeps_what_acknowledged_means() {
    let redis = service("redis").join(" ");
    for setting in [
        "- --appendfsync - always",
        "- --no-appendfsync-on-rewrite - \"no\"",
        "- --appendonly - \"yes\"",
        "- --maxmemory-policy - noeviction",
        "- --maxmemory - \"${REDIS_MAXMEMORY:-",
        "volumes: - \"redis:/data\"",
        "healthcheck:",
    ] {
        assert!(redis.contains(setting), "{setting} is not in\n{redis}");
    }
}

#[test]
fn there_can_be_many_workers_because_they_have_neither_a_name_nor_a_port_of_the_machine() {
    let worker = service("worker");
    assert!(!worker.is_empty());
    let kept = |line: &&String| line.starts_with("container_name") || line.starts_with("ports");
    assert_eq!(worker.iter().find(kept), None);
}

#[test]
fn every_variable_of_the_containers_is_told_and_no_other() {
    assert_eq!(documented(), variables(&read(FILE)));
}

#[test]
fn what_is_published_is_published_to_this_machine_only() {
    let text = read(FILE);
    let published = text
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with("- \"") && line.contains("_PORT:-"));
    let published: Vec<&str> = published.collect();
    assert_eq!(published.len(), 4);
    for line in published {
        assert!(line.starts_with("- \"127.0.0.1:"), "{line}");
    }
}

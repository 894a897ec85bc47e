//! The configuration of the demo in containers, played by processes of this machine: it needs no engine to be true.

use std::fs;

use harness::{
    fleet::{Process, free_address},
    until,
};
use serde_json::Value;
use tempfile::TempDir;

use super::read;

/// The command of the simulator in docker-compose.yml.
fn simulate(address: &str) -> Vec<String> {
    let text = read("docker-compose.yml");
    let (_, service) = text.split_once("\n  simulator:\n").unwrap();
    let (_, command) = service.split_once("command:\n").unwrap();
    let lines = command.lines().map(str::trim);
    let words = lines.map_while(|line| line.strip_prefix("- "));
    words
        .map(|word| word.trim_matches('"'))
        .map(|word| word.replace("0.0.0.0:8090", address))
        .map(|word| word.replace("${DEMO_RATE:-20}", "40"))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_of_the_containers_plays_business_by_itself_and_every_card_comes() {
    let dir = TempDir::new().unwrap();
    let [sim, ingress, health] = [(), (), ()].map(|()| free_address().to_string());
    let config = read("deploy/compose/signalbox.toml")
        .replace("simulator:8090", &sim)
        .replace("ingress:8080", &ingress)
        .replace("[ingress]\n", &format!("[ingress]\nbind = \"{ingress}\"\n"));
    let observe = format!("\n[observe]\nbind = \"{health}\"\n");
    fs::write(dir.path().join("signalbox.toml"), config + &observe).unwrap();
    let command = simulate(&sim);
    let command: Vec<&str> = command.iter().map(String::as_str).collect();
    let simulator = Process::start(dir.path(), "simulator.log", &command).unwrap();
    let role = Process::start(dir.path(), "all.log", &["all"]).unwrap();

    let control = format!("http://{sim}/_sim/v1");
    let verdict = async || -> Option<Value> {
        let answer = harness::client().get(format!("{control}/verdict"));
        answer.send().await.ok()?.json().await.ok()
    };
    let cards = async |least| {
        verdict()
            .await
            .is_some_and(|v| v["delivered"].as_u64() >= Some(least))
    };
    until("cards are delivered", async || cards(30).await)
        .await
        .unwrap();
    let stop = harness::client().post(format!("{control}/verbs/stop-traffic"));
    let stopped: Value = stop.send().await.unwrap().json().await.unwrap();
    assert!(stopped["steps"].as_u64() >= Some(30), "{stopped}");
    let delivered = |v: &Value| {
        let lost = v["lost"]["list"].as_array().unwrap();
        lost.iter().all(|one| one["superseded"] == true)
    };
    until("every card has come", async || {
        verdict().await.is_some_and(|v| delivered(&v))
    })
    .await
    .unwrap();
    let verdict = verdict().await.unwrap();
    assert_eq!(verdict["duplicates"]["count"], 0, "{verdict}");
    assert_eq!(verdict["unexpected"]["count"], 0, "{verdict}");
    role.stop().await.unwrap();
    simulator.stop().await.unwrap();
}

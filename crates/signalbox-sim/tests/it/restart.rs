use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::json;
use signalbox_sim::{Fault, FaultKind, MaintenanceAnswer, NewInvoice, SimConfig};

use crate::client::{BC, Client, Hook, PATIENCE, error_code};

/// As long as no test lasts.
const AGES: Duration = Duration::from_secs(3_600);

#[tokio::test]
async fn a_restart_resets_what_is_under_way_and_keeps_what_there_is() {
    let client = Client::start(SimConfig::at_scale(0.001), BC).await;
    let hook = Hook::start().await;
    client.subscribed(&hook).await;
    let slow = Fault::on("bc.read", FaultKind::Slow(AGES)).times(1);
    client.sim.add_fault(slow);
    let under_way = client.bc(Method::GET, "companies").send();
    let restart = async {
        let arrived = |sim: &signalbox_sim::SimHandle| sim.faults()[0].fired == 1;
        assert!(client.sim.wait_until(arrived, PATIENCE).await);
        client.sim.restart(Duration::from_millis(20)).await;
    };
    let (cut_off, ()) = tokio::join!(under_way, restart);
    assert!(cut_off.is_err(), "{cut_off:?}");
    let answer = client.bc(Method::GET, "companies").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(client.sim.subscriptions().len(), 1);
}

#[tokio::test]
async fn nobody_answers_while_the_service_is_away_and_the_backlog_comes_after() {
    let client = Client::start(SimConfig::at_scale(0.001), BC).await;
    let hook = Hook::start().await;
    client.subscribed(&hook).await;
    let away = client.sim.restart(Duration::from_millis(300));
    let meanwhile = async {
        // The first to fail was cut off or refused; both mean that the door is shut.
        while client.bc(Method::GET, "companies").send().await.is_ok() {}
        client
            .sim
            .post_new_purchase_invoice(&NewInvoice::default())
            .unwrap();
        assert!(client.sim.notifications().is_empty());
    };
    tokio::join!(away, meanwhile);
    let sent = client
        .sim
        .wait_until(|sim| sim.notifications().len() == 1, PATIENCE)
        .await;
    assert!(sent);
}

#[tokio::test]
async fn who_asks_for_a_restart_is_answered_first() {
    let client = Client::start(SimConfig::default(), BC).await;
    client.verb("restart", json!({ "ms": 1 })).await;
    let mut answer = client.bc(Method::GET, "companies").send().await;
    while answer.is_err() {
        answer = client.bc(Method::GET, "companies").send().await;
    }
    assert_eq!(answer.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn an_environment_in_service_refuses_and_says_how_long() {
    let client = Client::start(SimConfig::default(), BC).await;
    client.verb("maintenance", json!({ "seconds": 90 })).await;
    let answer = client.bc(Method::GET, "companies").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    let wait: u64 = answer.headers()["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=90).contains(&wait), "{wait}");
    client.sim.maintain(Duration::ZERO);
    let answer = client.bc(Method::GET, "companies").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
}

#[tokio::test]
async fn an_environment_in_service_may_keep_its_end_to_itself() {
    let config = SimConfig {
        maintenance: MaintenanceAnswer::TenantUnavailable,
        ..SimConfig::default()
    };
    let client = Client::start(config, BC).await;
    client.sim.maintain(AGES);
    let answer = client.bc(Method::GET, "companies").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(!answer.headers().contains_key("retry-after"));
    assert_eq!(error_code(answer).await, "Internal_TenantUnavailable");
}

#[tokio::test]
async fn what_became_due_during_the_service_is_sent_after_it() {
    let client = Client::start(SimConfig::at_scale(0.001), BC).await;
    client.subscribed(&Hook::start().await).await;
    client.sim.copy_environment("Production", "Copy").unwrap();
    client.sim.maintain(AGES);
    client
        .sim
        .post_new_purchase_invoice(&NewInvoice::default())
        .unwrap();
    let refused = client.bc(Method::GET, "companies").send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    let elsewhere = client.bc_of("Copy", Method::GET, "api/v2.0/companies");
    assert_eq!(elsewhere.send().await.unwrap().status(), StatusCode::OK);
    assert!(client.sim.notifications().is_empty());
    client.sim.maintain(Duration::ZERO);
    let sent = |sim: &signalbox_sim::SimHandle| sim.notifications().len() == 1;
    assert!(client.sim.wait_until(sent, PATIENCE).await);
}

use std::time::Duration;

use http::{Method, StatusCode};
use signalbox_sim::{Fault, FaultKind, RetryAfter, SimConfig};

use crate::client::{BC, BOT, Client, PATIENCE};

async fn with_fault(kind: FaultKind) -> (Client, String) {
    let client = Client::start(SimConfig::default(), BOT).await;
    client.sim.add_fault(Fault::on("bot.post", kind).times(1));
    let channel = client.channel("General");
    (client, channel)
}

#[tokio::test]
async fn a_throttle_does_nothing_and_the_next_request_succeeds() {
    let (client, channel) = with_fault(FaultKind::Throttle(RetryAfter::Secs(3))).await;
    let refused = client.post_card(&channel, "x").send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers()["retry-after"], "3");
    assert_eq!(client.sim.effect_count(), 0);
    let answer = client.post_card(&channel, "x").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::CREATED);
    assert_eq!(
        client.sim.verdict().limit_violations,
        0,
        "a scripted throttle is no violation"
    );
}

#[tokio::test]
async fn a_request_before_the_end_of_a_retry_after_is_counted() {
    let client = Client::start(
        SimConfig {
            early_grace: Duration::ZERO,
            ..SimConfig::default()
        },
        BOT,
    )
    .await;
    let throttle = FaultKind::Throttle(RetryAfter::HttpDate(600));
    client
        .sim
        .add_fault(Fault::on("bot.post", throttle).times(1));
    let refused = client
        .post_card(&client.channel("General"), "x")
        .send()
        .await
        .unwrap();
    assert!(
        refused.headers()["retry-after"]
            .to_str()
            .unwrap()
            .ends_with("GMT")
    );
    client
        .post_card(&client.channel("Approvals"), "x")
        .send()
        .await
        .unwrap();
    assert_eq!(
        client.sim.verdict().early_requests,
        0,
        "another lane is free"
    );
    client
        .post_card(&client.channel("General"), "x")
        .send()
        .await
        .unwrap();
    assert_eq!(client.sim.verdict().early_requests, 1);
}

#[tokio::test]
async fn a_reset_does_nothing_and_says_nothing() {
    let (client, channel) = with_fault(FaultKind::Reset).await;
    assert!(client.post_card(&channel, "x").send().await.is_err());
    assert_eq!(client.sim.effect_count(), 0);
}

#[tokio::test]
async fn a_reset_after_the_effect_leaves_the_effect() {
    let (client, channel) = with_fault(FaultKind::ResetAfterCommit).await;
    assert!(client.post_card(&channel, "x").send().await.is_err());
    assert_eq!(client.sim.effect_count(), 1);
}

#[tokio::test]
async fn an_effect_without_an_answer_holds_the_connection() {
    let (client, channel) = with_fault(FaultKind::CommitThenTimeout).await;
    let request = client.post_card(&channel, "x").timeout(PATIENCE).send();
    tokio::select! {
        _ = request => panic!("no answer was to come"),
        committed = client.sim.wait_for_effects(1, PATIENCE) => assert!(committed),
    }
}

#[tokio::test]
async fn a_late_effect_comes_after_the_client_has_given_up() {
    let (client, channel) = with_fault(FaultKind::LateCommit(Duration::from_millis(50))).await;
    assert!(client.post_card(&channel, "x").send().await.is_err());
    assert!(client.sim.wait_for_effects(1, PATIENCE).await);
}

#[tokio::test]
async fn garbage_is_a_success_in_html() {
    let (client, channel) = with_fault(FaultKind::Garbage).await;
    let answer = client.post_card(&channel, "x").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(answer.text().await.unwrap().starts_with("<html>"));
    assert_eq!(client.sim.effect_count(), 0);
}

#[tokio::test]
async fn any_status_can_be_scripted_with_a_retry_after() {
    let (client, channel) = with_fault(FaultKind::Status(503, RetryAfter::Secs(1))).await;
    let answer = client.post_card(&channel, "x").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.headers()["retry-after"], "1");
    let record = client.sim.requests();
    assert_eq!(record.last().unwrap().fault.as_deref(), Some("status"));
    assert_eq!(record.last().unwrap().status, Some(503));
}

#[tokio::test]
async fn a_burst_of_throttles_befalls_so_many_in_a_row() {
    let client = Client::start(SimConfig::default(), BC).await;
    let throttle = FaultKind::Throttle(RetryAfter::Absent);
    let bursts = Fault::on("bc.read", throttle).every(4).in_bursts_of(3);
    client.sim.add_fault(bursts);
    let mut statuses = Vec::new();
    for _ in 0..7 {
        let answer = client.bc(Method::GET, "companies").send().await.unwrap();
        statuses.push(answer.status().as_u16());
    }
    assert_eq!(statuses, [200, 200, 200, 429, 429, 429, 200]);
    assert_eq!(client.sim.verdict().limit_violations, 0);
}

#[tokio::test]
async fn business_central_asks_to_try_again_later_with_a_400() {
    let client = Client::start(SimConfig::default(), BC).await;
    let later = Fault::on("bc.read", FaultKind::TryAgainLater).times(1);
    client.sim.add_fault(later);
    let answer = client.bc(Method::GET, "companies").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    let text = answer.text().await.unwrap();
    assert!(text.contains("Please try again later."), "{text}");
}

#[tokio::test]
async fn a_gateway_times_out_in_html_and_the_service_in_json() {
    let client = Client::start(SimConfig::default(), BC).await;
    for code in [408, 504] {
        let status = FaultKind::Status(code, RetryAfter::Absent);
        client.sim.add_fault(Fault::on("bc.read", status).times(1));
    }
    let service = client.bc(Method::GET, "companies").send().await.unwrap();
    assert_eq!(service.status(), StatusCode::REQUEST_TIMEOUT);
    assert!(service.text().await.unwrap().starts_with('{'));
    let gateway = client.bc(Method::GET, "companies").send().await.unwrap();
    assert_eq!(gateway.status(), StatusCode::GATEWAY_TIMEOUT);
    assert!(gateway.text().await.unwrap().starts_with("<html>"));
}

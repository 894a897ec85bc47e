use http::{Method, StatusCode};
use serde_json::Value;
use signalbox_sim::{DEFAULT_CLIENT_SECRET, Fault, FaultKind, RetryAfter, SimConfig};

use crate::client::{BC, Client, GRAPH, error_code};

#[tokio::test]
async fn a_wrong_secret_is_an_invalid_client() {
    let client = Client::start(SimConfig::default(), BC).await;
    let answer = client.ask_token("wrong", BC).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["error"], "invalid_client");
    assert_eq!(body["error_codes"][0], 7_000_215);
}

#[tokio::test]
async fn a_token_for_one_service_opens_no_other() {
    let client = Client::start(SimConfig::default(), GRAPH).await;
    let answer = client.bc(Method::GET, "companies").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(
        error_code(answer).await,
        "Authentication_InvalidCredentials"
    );
}

#[tokio::test]
async fn a_fault_hands_out_a_token_for_another_audience() {
    let client = Client::start(SimConfig::default(), BC).await;
    client
        .sim
        .add_fault(Fault::on("entra.token", FaultKind::WrongAudience).times(1));
    let confused = Client::of(client.sim.clone(), BC).await;
    let answer = confused.bc(Method::GET, "companies").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn throttling_is_plain_text() {
    let client = Client::start(SimConfig::default(), BC).await;
    let throttle = FaultKind::Throttle(RetryAfter::Usual);
    client.sim.add_fault(Fault::on("entra", throttle).times(1));
    let answer = client
        .ask_token(DEFAULT_CLIENT_SECRET, BC)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.headers()["retry-after"], "60");
    assert_eq!(answer.text().await.unwrap(), "Too Many Requests");
}

#[tokio::test]
async fn revoked_tokens_are_refused_and_new_ones_work() {
    let client = Client::start(SimConfig::default(), BC).await;
    client.sim.revoke_tokens();
    let answer = client.bc(Method::GET, "companies").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    let renewed = Client::of(client.sim.clone(), BC).await;
    let answer = renewed.bc(Method::GET, "companies").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
}

#[tokio::test]
async fn the_record_keeps_no_secret() {
    let client = Client::start(SimConfig::default(), BC).await;
    client.bc(Method::GET, "companies").send().await.unwrap();
    let record = serde_json::to_string(&client.sim.requests()).unwrap();
    assert!(record.contains("companies"));
    assert!(!record.contains(DEFAULT_CLIENT_SECRET) && !record.contains("Bearer"));
}

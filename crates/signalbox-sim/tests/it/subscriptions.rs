use http::{Method, StatusCode};
use serde_json::{Value, json};
use signalbox_sim::{NewInvoice, SimConfig};

use crate::client::{BC, Client, Hook, error_code};

async fn patch(client: &Client, id: &str, condition: Option<&str>) -> reqwest::Response {
    let request = client.bc(Method::PATCH, &format!("subscriptions('{id}')"));
    let request = request.json(&json!({ "clientState": "s3" }));
    let request = match condition {
        Some(condition) => request.header("If-Match", condition),
        None => request,
    };
    request.send().await.unwrap()
}

#[tokio::test]
async fn a_subscription_is_created_after_a_handshake() {
    let client = Client::start(SimConfig::default(), BC).await;
    let hook = Hook::start().await;
    let created = client.subscribed(&hook).await;
    assert!(
        created["resource"]
            .as_str()
            .unwrap()
            .starts_with("api/v2.0/companies(")
    );
    let listed: Value = client
        .bc(Method::GET, "subscriptions")
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(
        listed["value"][0]["subscriptionId"],
        created["subscriptionId"]
    );
}

#[tokio::test]
async fn a_receiver_that_does_not_return_the_token_gets_no_subscription() {
    let client = Client::start(SimConfig::default(), BC).await;
    let hook = Hook::start().await;
    let mute = hook.url.replace("/hook", "/mute");
    let answer = client.subscribe(&mute).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    assert!(client.sim.subscriptions().is_empty());
}

#[tokio::test]
async fn a_token_joins_a_query_that_is_there() {
    let client = Client::start(SimConfig::default(), BC).await;
    let hook = Hook::start().await;
    let url = format!("{}?code=1", hook.url);
    assert_eq!(
        client.subscribe(&url).send().await.unwrap().status(),
        StatusCode::CREATED
    );
}

#[tokio::test]
async fn a_renewal_needs_a_condition_that_holds() {
    let client = Client::start(SimConfig::default(), BC).await;
    let created = client.subscribed(&Hook::start().await).await;
    let id = created["subscriptionId"].as_str().unwrap();
    let etag = created["@odata.etag"].as_str().unwrap();

    let without = patch(&client, id, None).await;
    assert_eq!(without.status(), StatusCode::BAD_REQUEST);
    assert_eq!(error_code(without).await, "BadRequest_InvalidToken");
    assert_eq!(
        patch(&client, id, Some(etag)).await.status(),
        StatusCode::OK
    );
    let stale = patch(&client, id, Some(etag)).await;
    assert_eq!(stale.status(), StatusCode::CONFLICT);
    assert_eq!(error_code(stale).await, "Request_EntityChanged");
    assert_eq!(patch(&client, id, Some("*")).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn deleting_needs_the_key_in_quotes() {
    let client = Client::start(SimConfig::default(), BC).await;
    let created = client.subscribed(&Hook::start().await).await;
    let id = created["subscriptionId"].as_str().unwrap();
    let bare = client
        .bc(Method::DELETE, &format!("subscriptions({id})"))
        .send()
        .await
        .unwrap();
    assert_eq!(bare.status(), StatusCode::BAD_REQUEST);
    let quoted = client.bc(Method::DELETE, &format!("subscriptions('{id}')"));
    assert_eq!(
        quoted.send().await.unwrap().status(),
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        patch(&client, id, Some("*")).await.status(),
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn an_expired_subscription_misses_changes_in_silence() {
    let client = Client::start(SimConfig::at_scale(0.001), BC).await;
    client.subscribed(&Hook::start().await).await;
    client.sim.expire_subscriptions();
    client
        .sim
        .post_new_purchase_invoice(&NewInvoice::default())
        .unwrap();
    assert_eq!(client.sim.verdict().missed_while_expired, 1);
    let listed = client
        .bc(Method::GET, "subscriptions")
        .send()
        .await
        .unwrap();
    assert_eq!(listed.json::<Value>().await.unwrap()["value"], json!([]));
}

#[tokio::test]
async fn the_environment_holds_only_so_many() {
    let config = SimConfig {
        max_subscriptions: 1,
        ..SimConfig::default()
    };
    let client = Client::start(config, BC).await;
    let hook = Hook::start().await;
    client.subscribed(&hook).await;
    let second = client.subscribe(&hook.url).send().await.unwrap();
    assert_eq!(second.status(), StatusCode::BAD_REQUEST);
}

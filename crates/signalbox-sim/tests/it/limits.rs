use http::{Method, StatusCode};
use serde_json::{Value, json};
use signalbox_sim::{DEFAULT_COMPANY_ID, SimConfig};

use crate::client::{BC, Client, Hook};

async fn listed(client: &Client) -> Vec<Value> {
    let answer = client
        .bc(Method::GET, "subscriptions")
        .send()
        .await
        .unwrap();
    let listing: Value = answer.json().await.unwrap();
    listing["value"].as_array().unwrap().clone()
}

#[tokio::test]
async fn subscriptions_of_others_take_up_room() {
    let client = Client::start(SimConfig::default(), BC).await;
    let hook = Hook::start().await;
    client
        .verb("occupy-subscriptions", json!({ "count": 199 }))
        .await;
    client.subscribed(&hook).await;
    let second = client.subscribe(&hook.url).send().await.unwrap();
    assert!(second.status().is_client_error(), "{}", second.status());
    assert_eq!(client.sim.webhook_counts().refused_by_limit, 1);
    assert_eq!(listed(&client).await.len(), 200);
    client.sim.occupy_subscriptions(198);
    client.subscribed(&hook).await;
}

#[tokio::test]
async fn subscriptions_of_others_may_be_out_of_sight() {
    let config = SimConfig {
        others_visible: false,
        occupied_subscriptions: 200,
        ..SimConfig::default()
    };
    let client = Client::start(config, BC).await;
    let refused = client.subscribe(&Hook::start().await.url).send().await;
    assert!(refused.unwrap().status().is_client_error());
    assert!(listed(&client).await.is_empty());
}

#[tokio::test]
async fn deleting_what_belongs_to_others_is_counted() {
    let client = Client::start(SimConfig::default(), BC).await;
    client.sim.occupy_subscriptions(2);
    let id = listed(&client).await[0]["subscriptionId"].clone();
    let path = format!("subscriptions('{}')", id.as_str().unwrap());
    let answer = client.bc(Method::DELETE, &path).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    assert_eq!(listed(&client).await.len(), 1);
    assert_eq!(client.sim.webhook_counts().others_deleted, 1);
}

#[tokio::test]
async fn a_second_subscription_of_the_same_may_be_refused() {
    let config = SimConfig {
        duplicate_subscriptions: false,
        ..SimConfig::default()
    };
    let client = Client::start(config, BC).await;
    let (hook, other) = (Hook::start().await, Hook::start().await);
    client.subscribed(&hook).await;
    let second = client.subscribe(&hook.url).send().await.unwrap();
    assert_eq!(second.status(), StatusCode::BAD_REQUEST);
    client.subscribed(&other).await;
    let resource = format!("companies({DEFAULT_COMPANY_ID})/vendors");
    let body = json!({ "notificationUrl": hook.url, "resource": resource });
    let request = client.bc(Method::POST, "subscriptions").json(&body);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::CREATED, "another set");
}

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::Value;
use signalbox_sim::{DEFAULT_CLIENT_ID, SimConfig};

use crate::client::{BOT, Client, GRAPH, error_code};

async fn get(client: &Client, path: &str) -> reqwest::Response {
    let url = format!("{}{path}", client.sim.graph_url());
    client.request(Method::GET, &url).send().await.unwrap()
}

async fn get_json(client: &Client, path: &str) -> Value {
    let answer = get(client, path).await;
    assert_eq!(answer.status(), StatusCode::OK, "{path}");
    answer.json().await.unwrap()
}

/// Graph and bot clients of one simulator, with the path of a channel's messages.
async fn with_channel(config: SimConfig) -> (Client, Client, String) {
    let graph = Client::start(config, GRAPH).await;
    let bot = Client::of(graph.sim.clone(), BOT).await;
    let team = graph.sim.config().teams[0].id;
    let path = format!(
        "/teams/{team}/channels/{}/messages",
        graph.channel("Approvals")
    );
    (graph, bot, path)
}

#[tokio::test]
async fn teams_and_channels_are_found_by_name() {
    let client = Client::start(SimConfig::default(), GRAPH).await;
    let teams = get_json(&client, "/teams?$filter=displayName eq 'Finance'").await;
    let team = teams["value"][0]["id"].as_str().unwrap();
    let channels = get_json(&client, &format!("/teams/{team}/channels")).await;
    assert_eq!(channels["value"].as_array().unwrap().len(), 2);
    let none = get_json(&client, "/teams?$filter=displayName eq 'Nobody'").await;
    assert_eq!(none["value"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn looking_back_shows_the_newest_first_with_the_card_as_text() {
    let config = SimConfig {
        visibility_delay: Duration::ZERO,
        ..SimConfig::at_scale(0.01)
    };
    let config = SimConfig {
        limits: false,
        ..config
    };
    let (graph, bot, path) = with_channel(config).await;
    for text in ["first", "second", "third"] {
        bot.post_card(&bot.channel("Approvals"), text)
            .send()
            .await
            .unwrap();
    }
    let page = get_json(&graph, &format!("{path}?$top=2")).await;
    let newest = &page["value"][0];
    assert_eq!(newest["from"]["application"]["id"], DEFAULT_CLIENT_ID);
    let content = newest["attachments"][0]["content"].as_str().unwrap();
    let content: Value = serde_json::from_str(content).unwrap();
    assert_eq!(content["body"][0]["text"], "third");
    let next = page["@odata.nextLink"].as_str().unwrap();
    let rest: Value = graph
        .request(Method::GET, next)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(rest["value"].as_array().unwrap().len(), 1);
    assert!(rest["@odata.nextLink"].is_null());
}

#[tokio::test]
async fn a_message_is_not_visible_at_once() {
    let config = SimConfig {
        visibility_delay: Duration::from_secs(600),
        ..SimConfig::default()
    };
    let (graph, bot, path) = with_channel(config).await;
    bot.post_card(&bot.channel("Approvals"), "x")
        .send()
        .await
        .unwrap();
    let page = get_json(&graph, &path).await;
    assert_eq!(page["value"].as_array().unwrap().len(), 0);
    assert_eq!(graph.sim.effect_count(), 1);
}

#[tokio::test]
async fn a_channel_is_read_once_a_second_and_never_with_a_filter() {
    let (graph, _, path) = with_channel(SimConfig::at_scale(100.0)).await;
    let filtered = get(&graph, &format!("{path}?$filter=id eq '1'")).await;
    assert_eq!(filtered.status(), StatusCode::BAD_REQUEST);
    let large = get(&graph, &format!("{path}?$top=51")).await;
    assert_eq!(large.status(), StatusCode::BAD_REQUEST);
    assert_eq!(get(&graph, &path).await.status(), StatusCode::OK);
    let refused = get(&graph, &path).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.headers().contains_key("retry-after"));
}

#[tokio::test]
async fn an_application_cannot_post_here() {
    let (graph, _, path) = with_channel(SimConfig::default()).await;
    let url = format!("{}{path}", graph.sim.graph_url());
    let answer = graph
        .request(Method::POST, &url)
        .body("{}")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    assert_eq!(error_code(answer).await, "Forbidden");
}

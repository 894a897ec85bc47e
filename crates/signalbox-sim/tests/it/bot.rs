use http::{Method, StatusCode};
use serde_json::{Value, json};
use signalbox_sim::SimConfig;

use crate::client::{BOT, Client, card, error_code};

#[tokio::test]
async fn a_card_opens_a_thread_and_its_ids_come_back() {
    let client = Client::start(SimConfig::default(), BOT).await;
    let channel = client.channel("Approvals");
    let answer = client
        .post_card(&channel, "PPI-1 Open")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::CREATED);
    let answer: Value = answer.json().await.unwrap();
    let activity = answer["activityId"].as_str().unwrap();
    assert_eq!(answer["id"], format!("{channel};messageid={activity}"));

    let thread = format!("{channel};messageid={activity}").replace(';', "%3B");
    let url = format!(
        "{}/v3/conversations/{thread}/activities",
        client.sim.bot_url()
    );
    let reply = client
        .request(Method::POST, &url)
        .json(&json!({ "type": "message", "text": "ok" }));
    let reply: Value = reply.send().await.unwrap().json().await.unwrap();
    assert_ne!(reply["id"], activity, "ids are unique within a channel");
    let effects = client.sim.effects();
    assert_eq!(effects[1].thread.as_deref(), Some(activity));
    assert_eq!(
        effects[0].card.as_ref().unwrap()["body"][0]["text"],
        "PPI-1 Open"
    );
}

#[tokio::test]
async fn text_and_card_together_become_two_messages_without_an_id() {
    let client = Client::start(SimConfig::default(), BOT).await;
    let url = format!("{}/v3/conversations", client.sim.bot_url());
    let body = json!({ "channelData": { "channel": { "id": client.channel("General") } },
        "activity": { "type": "message", "text": "hello", "attachments": [card("x")] } });
    let answer = client
        .request(Method::POST, &url)
        .json(&body)
        .send()
        .await
        .unwrap();
    let answer: Value = answer.json().await.unwrap();
    assert!(answer["activityId"].is_null());
    assert_eq!(client.sim.effect_count(), 2);
}

#[tokio::test]
async fn refusals_name_their_cause() {
    let client = Client::start(SimConfig::default(), BOT).await;
    let channel = client.channel("General");
    let unknown = client
        .post_card("19:none@thread.tacv2", "x")
        .send()
        .await
        .unwrap();
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
    assert_eq!(error_code(unknown).await, "ConversationNotFound");
    let large = client
        .post_card(&channel, &"x".repeat(60_000))
        .send()
        .await
        .unwrap();
    assert_eq!(large.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(error_code(large).await, "MessageSizeTooBig");
    client.sim.set_bot_installed("Finance", false);
    let absent = client.post_card(&channel, "x").send().await.unwrap();
    assert_eq!(absent.status(), StatusCode::FORBIDDEN);
    assert_eq!(error_code(absent).await, "BotNotInConversationRoster");
    assert_eq!(client.sim.effect_count(), 0);
}

#[tokio::test]
async fn the_eighth_message_of_a_second_is_refused_and_hurry_is_noticed() {
    // Windows of 100 s instead of 1 s, so that slow machines stay within one.
    let client = Client::start(SimConfig::at_scale(100.0), BOT).await;
    let channel = client.channel("General");
    for _ in 0..7 {
        let answer = client.post_card(&channel, "x").send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::CREATED);
    }
    let refused = client.post_card(&channel, "x").send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    let wait: u64 = refused.headers()["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=100).contains(&wait), "{wait}");
    assert_eq!(error_code(refused).await, "Throttled");
    let elsewhere = client
        .post_card(&client.channel("Approvals"), "x")
        .send()
        .await
        .unwrap();
    assert_eq!(
        elsewhere.status(),
        StatusCode::CREATED,
        "other channels go on"
    );
    assert_eq!(client.sim.verdict().limit_violations, 1);
}

//! Notifications become jobs, once each.

use std::time::Duration;

use harness::{CLIENT_STATE, COMPANY, HOOK, Hook, client, enter_subscription, notification};
use serde_json::json;
use signalbox_core::{CatchUp, Payload as _, SUBSCRIPTIONS, Subscription};

use super::{PATIENT, has_read, ready};

#[tokio::test]
async fn a_batch_of_a_thousand_notifications_becomes_a_thousand_durable_reads() {
    let hook = Hook::start(PATIENT).await;
    let items: Vec<_> = (0..1000)
        .map(|n| notification(&format!("record-{n}"), CLIENT_STATE))
        .collect();
    assert_eq!(hook.post(json!({ "value": items }).to_string()).await, 200);
    assert_eq!(ready(&hook, "read").await, 1000);
    assert!(has_read(&hook, "record-999").await);
}

#[tokio::test]
async fn a_repeated_notification_makes_no_second_job() {
    let hook = Hook::start(PATIENT).await;
    let body = json!({ "value": [notification("r", CLIENT_STATE)] }).to_string();
    for _ in 0..3 {
        assert_eq!(hook.post(body.clone()).await, 200);
    }
    assert_eq!(ready(&hook, "read").await, 1);
}

#[tokio::test]
async fn a_notification_faster_than_the_answer_that_names_the_subscription_is_learnt_from() {
    let hook = Hook::start(PATIENT).await;
    hook.post(json!({ "value": [notification("r", CLIENT_STATE)] }).to_string())
        .await;
    let register = hook.queue.register(SUBSCRIPTIONS);
    let all: Vec<(String, Subscription)> = register.list().await.unwrap();
    let id = Some("9a78e8a3cb5d46aba636824af8cc7a8c".to_owned());
    assert_eq!(all[0].1.id, id);
}

#[tokio::test]
async fn a_collection_becomes_one_catch_up_of_its_window() {
    let hook = Hook::start(PATIENT).await;
    let mut collection = notification("r", CLIENT_STATE);
    collection["changeType"] = json!("collection");
    collection["resource"] = json!(format!(
        "api/v2.0/companies({COMPANY})/purchaseInvoices?$filter=lastModifiedDateTime%20gt%202026-03-02T10:01:58.95Z"
    ));
    let body = json!({ "value": [collection] }).to_string();
    for _ in 0..2 {
        assert_eq!(hook.post(body.clone()).await, 200);
    }
    assert_eq!(
        (
            ready(&hook, "read").await,
            ready(&hook, &CatchUp::QUEUE.to_string()).await
        ),
        (0, 1)
    );
}

#[tokio::test]
async fn a_wrong_client_state_is_dropped_sampled_and_caught_up_with_once() {
    let hook = Hook::start(PATIENT).await;
    let items = [
        notification("good", CLIENT_STATE),
        notification("bad", "guessed"),
    ];
    let body = json!({ "value": items }).to_string();
    for _ in 0..3 {
        assert_eq!(hook.post(body.clone()).await, 200);
    }
    assert!(has_read(&hook, "good").await && !has_read(&hook, "bad").await);
    assert_eq!(ready(&hook, &CatchUp::QUEUE.to_string()).await, 1);
    let refused = hook.queue.refused().await.unwrap();
    assert_eq!(refused, [("unverified".to_owned(), 3)]);
}

#[tokio::test]
async fn news_of_several_subscriptions_in_one_body_is_proven_by_each_ones_own_client_state() {
    let hook = Hook::start(PATIENT).await;
    enter_subscription(&hook.queue, "vendors", "the-vendors-state").await;
    let mut vendor = notification("v", "the-vendors-state");
    vendor["resource"] = json!(format!("api/v2.0/companies({COMPANY})/vendors(v)"));
    let items = [notification("r", CLIENT_STATE), vendor];
    assert_eq!(hook.post(json!({ "value": items }).to_string()).await, 200);
    assert_eq!(
        (
            ready(&hook, "read").await,
            ready(&hook, &CatchUp::QUEUE.to_string()).await
        ),
        (2, 0)
    );
}

#[tokio::test]
async fn a_request_waits_for_redis_and_is_answered_once_the_signal_is_durable() {
    let mut hook = Hook::start(Duration::from_secs(30)).await;
    hook.redis.kill();
    let body = json!({ "value": [notification("r", CLIENT_STATE)] }).to_string();
    let request = client().post(hook.url(HOOK)).body(body).send();
    let (answer, ()) = tokio::join!(request, async { hook.redis.restart() });
    assert_eq!(answer.unwrap().status(), 200);
    assert!(has_read(&hook, "r").await);
}

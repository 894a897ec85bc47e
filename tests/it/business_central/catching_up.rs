//! What was missed is found: after a collection, and after input that could not be trusted.

use std::time::Duration;

use harness::{App, Setting};
use serde_json::json;
use signalbox_sim::{Fault, FaultKind, Target};

use super::{delivered, notified, post_many, send, subscription};

/// A line that is never notified.
async fn deaf() -> App {
    let mut setting = Setting::default();
    setting.cloud.notification_delay = Duration::from_secs(1_000_000);
    App::with(setting).await
}

#[tokio::test]
async fn a_collection_is_caught_up_with_completely() {
    let mut setting = Setting::default();
    setting.cloud.collection_threshold = 3;
    let app = App::with(setting).await;
    post_many(&app, 12);
    notified(&app, 1).await;
    delivered(&app).await;
    let sent = app.sim.notifications();
    assert_eq!(sent[0].value[0]["changeType"], "collection");
    assert_eq!(app.sim.effect_count(), 12);
    let listings = app.sim.requests().into_iter();
    let listings = listings.filter(|request| {
        request.target == Target::BcRead && request.query.contains("lastModifiedDateTime%20gt")
            || request.query.contains("lastModifiedDateTime+gt")
    });
    assert!(listings.count() >= 1);
}

#[tokio::test]
async fn what_was_missed_is_found_after_a_body_that_cannot_be_read() {
    let app = deaf().await;
    post_many(&app, 3);
    assert_eq!(send(&app, "{ \"value\": [").await, 200);
    delivered(&app).await;
    assert_eq!(app.sim.effect_count(), 3);
}

#[tokio::test]
async fn what_was_missed_is_found_after_a_forged_notification() {
    let app = deaf().await;
    post_many(&app, 3);
    let ours = subscription(&app);
    let forged = json!({ "value": [{
        "subscriptionId": ours["subscriptionId"],
        "clientState": "guessed",
        "resource": format!("{}(00000000-0000-0000-0000-000000000007)", ours["resource"].as_str().unwrap()),
        "changeType": "updated",
    }] });
    assert_eq!(send(&app, forged.to_string()).await, 200);
    delivered(&app).await;
    let refused = app.queue.refused().await.unwrap();
    assert_eq!(refused, [("unverified".to_owned(), 1)]);
    let requests = app.sim.requests();
    let asked = requests
        .iter()
        .any(|request| request.path.contains("000000000007"));
    assert!(!asked, "a forged notification made us read");
}

#[tokio::test]
async fn what_a_replica_does_not_show_yet_is_caught_up_with_all_the_same() {
    let app = deaf().await;
    let lag = FaultKind::StaleRead(harness::PATIENCE);
    app.sim.add_fault(Fault::on("bc.read", lag));
    post_many(&app, 3);
    assert_eq!(send(&app, "not json").await, 200);
    delivered(&app).await;
}

#[tokio::test]
async fn what_was_missed_after_a_catch_up_is_found_after_the_next_faulty_input() {
    let app = deaf().await;
    for _ in 0..3 {
        post_many(&app, 1);
        assert_eq!(send(&app, "not json").await, 200);
        delivered(&app).await;
        app.until_idle().await;
    }
}

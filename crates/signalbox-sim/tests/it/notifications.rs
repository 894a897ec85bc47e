use std::time::Duration;

use serde_json::Value;
use signalbox_sim::{NewInvoice, SimConfig, Which};

use crate::client::{BC, Client, Hook, PATIENCE};

async fn notified(client: &Client, count: usize) {
    let sent = client
        .sim
        .wait_until(|sim| sim.notifications().len() >= count, PATIENCE)
        .await;
    assert!(
        sent,
        "{} of {count} notifications",
        client.sim.notifications().len()
    );
}

fn kinds(value: &[Value]) -> Vec<&str> {
    value
        .iter()
        .map(|element| element["changeType"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn changes_within_the_delay_come_in_one_notification_and_updates_merge() {
    let client = Client::start(SimConfig::at_scale(0.01), BC).await;
    client.subscribed(&Hook::start().await).await;
    let draft = client
        .sim
        .create_purchase_invoice(&NewInvoice::default())
        .unwrap();
    let which = Which::id(draft.id);
    client.sim.touch_purchase_invoice(&which).unwrap();
    client.sim.post_purchase_invoice(&which).unwrap();
    client.sim.pay_purchase_invoice(&which).unwrap();
    notified(&client, 1).await;
    let sent = client.sim.notifications();
    assert_eq!(kinds(&sent[0].value), ["created", "updated"]);
    let resource = sent[0].value[0]["resource"].as_str().unwrap();
    assert!(resource.ends_with(&format!("/purchaseInvoices({})", draft.id)));
    assert_eq!(sent[0].value[0]["clientState"], "s3");
}

#[tokio::test]
async fn too_many_changes_come_as_a_collection_that_can_be_read() {
    let config = SimConfig {
        collection_threshold: 5,
        ..SimConfig::at_scale(0.01)
    };
    let client = Client::start(config, BC).await;
    client.subscribed(&Hook::start().await).await;
    client
        .sim
        .seed_purchase_invoices(&NewInvoice::default(), 6, 1)
        .unwrap();
    client.sim.rebuild_purchase_invoices();
    notified(&client, 1).await;
    let sent = client.sim.notifications();
    assert_eq!(kinds(&sent[0].value), ["collection"]);
    let resource = sent[0].value[0]["resource"].as_str().unwrap();
    let (_, path) = resource.split_once(")/").unwrap();
    let listing = client.read_json(path).await;
    assert_eq!(listing["value"].as_array().unwrap().len(), 6);
}

#[tokio::test]
async fn a_failed_notification_is_sent_again_with_all_that_came_since() {
    // The retry alone would come too late; the second change brings it forward.
    let retry_delays = vec![Duration::from_secs(3_600_000)];
    let config = SimConfig {
        retry_delays,
        ..SimConfig::at_scale(0.001)
    };
    let client = Client::start(config, BC).await;
    let hook = Hook::start().await;
    client.subscribed(&hook).await;
    hook.answer_with(&[503]);
    client
        .sim
        .post_new_purchase_invoice(&NewInvoice::default())
        .unwrap();
    notified(&client, 1).await;
    client
        .sim
        .post_new_purchase_invoice(&NewInvoice::default())
        .unwrap();
    notified(&client, 2).await;
    let sent = client.sim.notifications();
    assert_eq!((sent[0].status, sent[0].elements), (Some(503), 1));
    assert_eq!((sent[1].status, sent[1].elements), (Some(200), 2));
    assert_eq!(client.sim.subscriptions().len(), 1);
}

#[tokio::test]
async fn any_other_answer_deletes_every_subscription_of_the_url() {
    let client = Client::start(SimConfig::at_scale(0.001), BC).await;
    let (hook, spared) = (Hook::start().await, Hook::start().await);
    client.subscribed(&hook).await;
    client.subscribed(&hook).await;
    client.subscribed(&spared).await;
    hook.answer_with(&[404]);
    client
        .sim
        .post_new_purchase_invoice(&NewInvoice::default())
        .unwrap();
    let gone = client
        .sim
        .wait_until(|sim| sim.subscriptions().len() == 1, PATIENCE)
        .await;
    assert!(gone);
    assert_eq!(client.sim.verdict().subscriptions_deleted_by_answer, 2);
}

#[tokio::test]
async fn the_sixth_failure_deletes_the_subscription() {
    let retry_delays = vec![Duration::from_secs(1); 5];
    let config = SimConfig {
        retry_delays,
        ..SimConfig::at_scale(0.001)
    };
    let client = Client::start(config, BC).await;
    let hook = Hook::start().await;
    client.subscribed(&hook).await;
    hook.answer_with(&[500; 6]);
    client
        .sim
        .post_new_purchase_invoice(&NewInvoice::default())
        .unwrap();
    let gone = client
        .sim
        .wait_until(|sim| sim.subscriptions().is_empty(), PATIENCE)
        .await;
    assert!(gone);
    assert_eq!(client.sim.notifications().len(), 6);
    let verdict = client.sim.verdict();
    assert_eq!(
        (
            verdict.subscriptions_given_up,
            verdict.subscriptions_deleted_by_answer
        ),
        (1, 0)
    );
}

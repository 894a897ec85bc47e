use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use signalbox_sim::{
    CompanySpec, DEFAULT_COMPANY_ID, DEFAULT_COMPANY_NAME, NewInvoice, ResourceForm, Share,
    SimConfig, SimHandle,
};

use crate::client::{BC, Client, Hook, PATIENCE};

fn post(sim: &SimHandle, count: usize) {
    for _ in 0..count {
        sim.post_new_purchase_invoice(&NewInvoice::default())
            .unwrap();
    }
}

async fn sent(client: &Client, elements: usize) {
    let all = |sim: &SimHandle| {
        let sent = sim.notifications();
        sent.iter().map(|one| one.elements).sum::<usize>() >= elements
    };
    let came = client.sim.wait_until(all, PATIENCE).await;
    assert!(came, "{:?}", client.sim.notifications());
}

async fn log(client: &Client) -> Vec<Value> {
    let path = format!("api/microsoft/runtime/beta/companies({DEFAULT_COMPANY_ID})/webhookLogs");
    let answer = client.bc_of("Production", Method::GET, &path);
    let listing: Value = answer.send().await.unwrap().json().await.unwrap();
    listing["value"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_dropped_change_is_never_sent() {
    let config = SimConfig {
        drop_notifications: Some(Share {
            percent: 20.0,
            seed: 7,
        }),
        ..SimConfig::at_scale(0.001)
    };
    let client = Client::start(config, BC).await;
    client.subscribed(&Hook::start().await).await;
    post(&client.sim, 100);
    let dropped = client.sim.webhook_counts().dropped;
    assert!((5..50).contains(&dropped), "{dropped}");
    client
        .verb("drop-notifications", json!({ "percent": 0 }))
        .await;
    post(&client.sim, 1);
    assert_eq!(client.sim.webhook_counts().dropped, dropped);
    sent(&client, 101 - usize::try_from(dropped).unwrap()).await;
    let elements: usize = client
        .sim
        .notifications()
        .iter()
        .map(|one| one.elements)
        .sum();
    assert_eq!(elements as u64 + dropped, 101);
}

#[tokio::test]
async fn a_doubled_notification_comes_twice_with_the_same_elements() {
    let client = Client::start(SimConfig::at_scale(0.001), BC).await;
    client.subscribed(&Hook::start().await).await;
    let all = json!({ "percent": 100, "seed": 1 });
    client.verb("double-notifications", all).await;
    post(&client.sim, 3);
    sent(&client, 6).await;
    let sent = client.sim.notifications();
    assert_eq!(sent[0].value, sent[1].value);
    assert_eq!(client.sim.webhook_counts().doubled, 3);
}

#[tokio::test]
async fn an_answer_after_the_limit_brings_the_whole_backlog_again() {
    let config = SimConfig {
        retry_delays: vec![Duration::from_secs(3_600_000)],
        ..SimConfig::at_scale(0.001)
    };
    let client = Client::start(config, BC).await;
    client.subscribed(&Hook::start().await).await;
    client.verb("late-answers", json!({ "count": 1 })).await;
    post(&client.sim, 2);
    sent(&client, 2).await;
    post(&client.sim, 1);
    sent(&client, 5).await;
    let resources = |index: usize| {
        let sent = client.sim.notifications();
        let all = sent[index].value.iter();
        all.map(|element| element["resource"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(resources(1)[..2], resources(0)[..]);
    assert_eq!(client.sim.webhook_counts().answered_late, 2);
}

#[tokio::test]
async fn an_expired_subscription_lies_there_until_something_else_is_sent() {
    let client = Client::start(SimConfig::at_scale(0.001), BC).await;
    let (hook, other) = (Hook::start().await, Hook::start().await);
    client.subscribed(&hook).await;
    let which = json!({ "company": DEFAULT_COMPANY_NAME, "set": "purchaseInvoices" });
    let expired = client.verb("expire-subscription", which).await;
    assert_eq!(expired["expired"], 1);
    post(&client.sim, 1);
    assert_eq!(client.sim.webhook_counts().missed_while_expired, 1);
    assert_eq!(client.sim.subscriptions().len(), 1, "nobody has tidied up");

    client.subscribed(&other).await;
    post(&client.sim, 1);
    let tidied = |sim: &SimHandle| sim.subscriptions().len() == 1;
    assert!(client.sim.wait_until(tidied, PATIENCE).await);
    assert_eq!(client.sim.subscriptions()[0]["notificationUrl"], other.url);
    assert_eq!(
        log(&client).await[0]["message"],
        "Delete expired subscription."
    );
}

#[tokio::test]
async fn what_expired_is_missed_until_it_is_made_anew_even_when_its_row_is_gone() {
    let client = Client::start(SimConfig::at_scale(0.001), BC).await;
    let hook = Hook::start().await;
    client.subscribed(&hook).await;
    // A change that waits to be sent when the subscription expires is missed too.
    client.sim.late_answers(1);
    post(&client.sim, 1);
    sent(&client, 1).await;
    client
        .sim
        .expire_subscription(None, "purchaseInvoices")
        .unwrap();
    let gone = |sim: &SimHandle| sim.subscriptions().is_empty();
    assert!(client.sim.wait_until(gone, PATIENCE).await);
    assert_eq!(client.sim.webhook_counts().missed_while_expired, 1);
    post(&client.sim, 1);
    assert_eq!(client.sim.webhook_counts().missed_while_expired, 2);
    client.subscribed(&hook).await;
    post(&client.sim, 1);
    assert_eq!(client.sim.webhook_counts().missed_while_expired, 2);
}

#[tokio::test]
async fn only_the_named_subscription_expires() {
    let second = CompanySpec::named("Second");
    let client = Client::start(SimConfig::default(), BC).await;
    client.sim.add_company(second.clone()).unwrap();
    let hook = Hook::start().await;
    for (company, set) in [
        (DEFAULT_COMPANY_ID, "vendors"),
        (DEFAULT_COMPANY_ID, "customers"),
        (second.id, "vendors"),
    ] {
        let resource = format!("companies({company})/{set}");
        let body = json!({ "notificationUrl": hook.url, "resource": resource });
        let request = client.bc(Method::POST, "subscriptions").json(&body);
        assert_eq!(request.send().await.unwrap().status(), StatusCode::CREATED);
    }
    let expired = client.sim.expire_subscription(Some("Second"), "vendors");
    assert_eq!(expired.unwrap(), 1);
    let listed = client.bc(Method::GET, "subscriptions").send().await;
    let listed: Value = listed.unwrap().json().await.unwrap();
    assert_eq!(listed["value"].as_array().unwrap().len(), 2);
    let nowhere = client.sim.expire_subscription(Some("Third"), "vendors");
    assert!(nowhere.unwrap_err().to_string().contains("Third"));
}

#[tokio::test]
async fn a_resource_that_is_withdrawn_takes_its_subscriptions_along() {
    let client = Client::start(SimConfig::at_scale(0.001), BC).await;
    client.subscribed(&Hook::start().await).await;
    client.sim.withdraw_resource("v2.0/purchaseInvoices");
    post(&client.sim, 1);
    let gone = |sim: &SimHandle| sim.subscriptions().is_empty();
    assert!(client.sim.wait_until(gone, PATIENCE).await);
    assert!(client.sim.notifications().is_empty());
    assert_eq!(
        log(&client).await[0]["message"],
        "Delete obsolete subscription."
    );
}

#[tokio::test]
async fn the_log_tells_why_a_subscription_died() {
    let config = SimConfig {
        retry_delays: vec![Duration::ZERO],
        ..SimConfig::at_scale(0.001)
    };
    let client = Client::start(config, BC).await;
    let hook = Hook::start().await;
    hook.answer_with(&[500, 404]);
    let made = client.subscribed(&hook).await;
    post(&client.sim, 1);
    let gone = |sim: &SimHandle| sim.subscriptions().is_empty();
    assert!(client.sim.wait_until(gone, PATIENCE).await);
    let log = log(&client).await;
    let messages: Vec<&str> = log
        .iter()
        .map(|row| row["message"].as_str().unwrap())
        .collect();
    let newest_first = [
        "Delete invalid subscription.",
        "Notification failed.",
        "Increase attempt number.",
        "Notification failed.",
    ];
    assert_eq!(messages, newest_first);
    let details = log[0]["details"].as_str().unwrap();
    for part in [made["subscriptionId"].as_str().unwrap(), &hook.url, "404"] {
        assert!(details.contains(part), "{part} in {details}");
    }
}

#[tokio::test]
async fn resources_come_in_the_form_that_is_configured() {
    let relative = format!("api/v2.0/companies({DEFAULT_COMPANY_ID})/purchaseInvoices");
    for form in [ResourceForm::LeadingSlash, ResourceForm::Absolute] {
        let config = SimConfig {
            resource_form: form,
            ..SimConfig::at_scale(0.001)
        };
        let client = Client::start(config, BC).await;
        let tenant = &client.sim.config().tenant;
        let bc = client.sim.business_central_url();
        let start = match form {
            ResourceForm::Absolute => format!("{bc}/v2.0/{tenant}/Production/{relative}"),
            _ => format!("/{relative}"),
        };
        let made = client.subscribed(&Hook::start().await).await;
        assert_eq!(made["resource"], start.as_str());
        post(&client.sim, 1);
        sent(&client, 1).await;
        let told = client.sim.notifications()[0].value[0]["resource"].clone();
        assert!(
            told.as_str().unwrap().starts_with(&format!("{start}(")),
            "{told}"
        );
    }
}

#[tokio::test]
async fn a_collection_after_a_deletion_names_no_filter() {
    let config = SimConfig {
        collection_threshold: 2,
        ..SimConfig::at_scale(0.001)
    };
    let client = Client::start(config, BC).await;
    client.subscribed(&Hook::start().await).await;
    client.sim.late_answers(1);
    let gone = client
        .sim
        .post_new_purchase_invoice(&NewInvoice::default())
        .unwrap();
    let which = signalbox_sim::Which::id(gone.id);
    client.sim.delete_purchase_invoice(&which).unwrap();
    post(&client.sim, 2);
    let bare = |sim: &SimHandle| {
        sim.notifications().iter().any(|sent| {
            let element = &sent.value[0];
            let resource = element["resource"].as_str().unwrap_or_default();
            element["changeType"] == "collection" && resource.ends_with("/purchaseInvoices")
        })
    };
    assert!(client.sim.wait_until(bare, PATIENCE).await);
}

use http::{Method, StatusCode};
use serde_json::{Value, json};
use signalbox_sim::{DEFAULT_CLIENT_SECRET, SimConfig};

use crate::client::{BC, Client, PATIENCE};

async fn send(client: &Client, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
    let request = client.request(method, &client.url(path)).json(&body);
    let answer = request.send().await.unwrap();
    let status = answer.status();
    let body = answer.bytes().await.unwrap();
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

async fn verb(client: &Client, name: &str, body: Value) -> Value {
    let path = format!("/_sim/v1/verbs/{name}");
    let (status, made) = send(client, Method::POST, &path, body).await;
    assert_eq!(status, StatusCode::OK, "{name}: {made}");
    made
}

#[tokio::test]
async fn verbs_move_an_invoice_through_its_life() {
    let client = Client::start(SimConfig::default(), BC).await;
    let draft = verb(
        &client,
        "create-purchase-invoice",
        json!({ "amount": 10.5 }),
    )
    .await;
    assert_eq!(draft["status"], "Draft");
    let which = json!({ "id": draft["id"] });
    for (name, status) in [
        ("post-purchase-invoice", "Open"),
        ("touch-purchase-invoice", "Open"),
        ("pay-purchase-invoice", "Paid"),
        ("reopen-purchase-invoice", "Open"),
        ("cancel-purchase-invoice", "Canceled"),
    ] {
        let made = verb(&client, name, which.clone()).await;
        assert_eq!(made["status"], status, "{name}");
    }
    let path = "/_sim/v1/verbs/pay-purchase-invoice";
    let (status, refusal) = send(&client, Method::POST, path, which.clone()).await;
    assert_eq!(status, StatusCode::CONFLICT, "{refusal}");
    verb(&client, "delete-purchase-invoice", which).await;
    verb(
        &client,
        "create-channel",
        json!({ "team": "Sales", "name": "Orders" }),
    )
    .await;
}

#[tokio::test]
async fn posting_takes_the_draft_that_is_named_or_makes_an_invoice() {
    let client = Client::start(SimConfig::default(), BC).await;
    let draft = verb(&client, "create-purchase-invoice", json!({})).await;
    let number = json!({ "number": draft["number"] });
    let posted = verb(&client, "post-purchase-invoice", number).await;
    assert_eq!(posted["id"], draft["id"]);
    let made = verb(
        &client,
        "post-purchase-invoice",
        json!({ "number": "2026/001" }),
    )
    .await;
    assert_eq!(
        (&made["number"], &made["status"]),
        (&json!("2026/001"), &json!("Open"))
    );
}

#[tokio::test]
async fn traffic_is_started_and_stopped() {
    let client = Client::start(SimConfig::default(), BC).await;
    verb(&client, "start-traffic", json!({ "rate_per_sec": 1000 })).await;
    assert!(
        client
            .sim
            .wait_until(|sim| sim.outstanding() > 10, PATIENCE)
            .await
    );
    let stopped = verb(&client, "stop-traffic", json!({})).await;
    assert!(stopped["steps"].as_u64().unwrap() > 10);
}

#[tokio::test]
async fn an_unknown_verb_names_those_that_exist() {
    let client = Client::start(SimConfig::default(), BC).await;
    let (status, refusal) = send(&client, Method::POST, "/_sim/v1/verbs/dance", json!({})).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(
        refusal["error"]
            .as_str()
            .unwrap()
            .contains("post-purchase-invoice")
    );
}

#[tokio::test]
async fn faults_are_added_listed_and_cleared() {
    let client = Client::start(SimConfig::default(), BC).await;
    let faults = json!([{ "target": "bc.read", "kind": "throttle", "retry_after": 2, "times": 1 },
        { "target": "bot.post", "kind": "late_commit", "ms": 800, "every": 10 }]);
    let (_, added) = send(&client, Method::POST, "/_sim/v1/faults", faults).await;
    assert_eq!(added, json!({ "ids": [1, 2] }));
    let answer = client.bc(Method::GET, "companies").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    let (_, listed) = send(&client, Method::GET, "/_sim/v1/faults", json!({})).await;
    assert_eq!(listed[0]["fired"], 1);
    let (status, _) = send(&client, Method::DELETE, "/_sim/v1/faults", json!({})).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    assert!(client.sim.faults().is_empty());
    let wrong = json!({ "target": "bot.post", "kind": "explode" });
    let (status, refusal) = send(&client, Method::POST, "/_sim/v1/faults", wrong).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(refusal["error"].as_str().unwrap().contains("explode"));
}

#[tokio::test]
async fn a_reset_forgets_everything() {
    let client = Client::start(SimConfig::default(), BC).await;
    verb(&client, "post-purchase-invoice", json!({})).await;
    verb(&client, "rotate-secret", json!({ "secret": "new" })).await;
    let (status, _) = send(&client, Method::POST, "/_sim/v1/reset", json!({})).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let (_, verdict) = send(&client, Method::GET, "/_sim/v1/verdict", json!({})).await;
    assert_eq!(verdict["expected"], 0);
    let answer = client
        .ask_token(DEFAULT_CLIENT_SECRET, BC)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    for name in ["requests", "effects", "notifications", "subscriptions"] {
        let (status, _) = send(&client, Method::GET, &format!("/_sim/v1/{name}"), json!({})).await;
        assert_eq!(status, StatusCode::OK, "{name}");
    }
}

#[tokio::test]
async fn verbs_make_change_and_delete_records_of_any_table() {
    let client = Client::start(SimConfig::default(), BC).await;
    let vendor = json!({ "set": "vendors", "fields": { "displayName": "Quai Lumière" } });
    let made = verb(&client, "create-record", vendor).await;
    assert_eq!(
        (&made["set"], &made["number"]),
        (&json!("vendors"), &json!("V00010"))
    );
    let change = json!({ "set": "vendors", "number": "V00010", "silent": true,
        "fields": { "blocked": "All" } });
    let changed = verb(&client, "change-record", change).await;
    assert_eq!(changed["id"], made["id"]);
    assert!(changed["version"].as_u64() > made["version"].as_u64());
    let seeds = json!({ "set": "items", "fields": { "type": "Service" },
        "records": [{ "number": "A" }, { "number": "B" }] });
    assert_eq!(verb(&client, "seed-records", seeds).await["seeded"], 2);
    let more = json!({ "set": "items", "count": 3 });
    assert_eq!(
        verb(&client, "seed-records", more).await["records"][2]["number"],
        "I-1002"
    );
    let sale = verb(&client, "create-record", json!({ "set": "salesInvoices" })).await;
    let which = json!({ "id": sale["id"] });
    verb(&client, "release-sales-invoice", which.clone()).await;
    assert_eq!(
        verb(&client, "post-sales-invoice", which).await["status"],
        "Open"
    );
    let order = verb(&client, "create-record", json!({ "set": "purchaseOrders" })).await;
    let order = json!({ "set": "purchaseOrders", "id": order["id"], "status": "In Review" });
    let order = verb(&client, "set-status", order).await;
    assert_eq!(order["status"], "In_x0020_Review");
    let invoice = verb(
        &client,
        "invoice-purchase-order",
        json!({ "id": order["id"] }),
    )
    .await;
    assert_eq!(invoice["set"], "purchaseInvoices");
    verb(&client, "expire-skip-tokens", json!({})).await;
    client.read_json("vendors").await;
    verb(
        &client,
        "delete-record",
        json!({ "set": "vendors", "id": made["id"] }),
    )
    .await;
    let (_, sightings) = send(&client, Method::GET, "/_sim/v1/sightings", json!({})).await;
    assert_eq!(sightings[0]["fields"]["blocked"], "All");
    let masters = json!({ "purchasers": 2 });
    assert!(verb(&client, "seed-master-data", masters).await["seeded"].as_u64() > Some(20));
    let wrong = json!({ "set": "vendors", "shoes": 1 });
    let path = "/_sim/v1/verbs/create-record";
    let (status, _) = send(&client, Method::POST, path, wrong).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

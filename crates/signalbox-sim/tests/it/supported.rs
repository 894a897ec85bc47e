use http::{Method, StatusCode};
use serde_json::{Value, json};
use signalbox_sim::{DEFAULT_COMPANY_ID, SimConfig};

use crate::client::{BC, Client, Hook, error_code};

const RUNTIME: &str = "api/microsoft/runtime/beta";

async fn supported(client: &Client, filter: &str) -> Vec<String> {
    let path = format!(
        "{RUNTIME}/companies({DEFAULT_COMPANY_ID})/webhookSupportedResources?$filter={filter}"
    );
    let answer = client.bc_of("Production", Method::GET, &path);
    let answer = answer.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let listing: Value = answer.json().await.unwrap();
    let rows = listing["value"].as_array().unwrap();
    rows.iter()
        .map(|row| row["resource"].as_str().unwrap().to_owned())
        .collect()
}

async fn subscribe(client: &Client, route: &str, resource: &str, url: &str) -> reqwest::Response {
    let request = client.bc_of(
        "Production",
        Method::POST,
        &format!("{route}/subscriptions"),
    );
    let body = json!({ "notificationUrl": url, "resource": resource });
    request.json(&body).send().await.unwrap()
}

#[tokio::test]
async fn an_environment_says_what_it_lets_one_subscribe_to() {
    let client = Client::start(SimConfig::default(), BC).await;
    let standard = supported(&client, "resource eq 'v2.0*'").await;
    for set in ["vendors", "purchaseInvoices", "purchaseOrders", "locations"] {
        assert!(standard.contains(&format!("v2.0/{set}")), "{set}");
    }
    assert!(
        !standard
            .iter()
            .any(|resource| resource.ends_with("InvoiceLines"))
    );
    let resource = json!({ "resource": "v2.0/purchaseOrders" });
    client.verb("withdraw-resource", resource).await;
    let less = supported(&client, "resource eq 'v2.0*'").await;
    assert_eq!(less.len(), standard.len() - 1);
    let one = supported(&client, "resource eq 'v2.0/vendors'").await;
    assert_eq!(one, ["v2.0/vendors"]);
}

#[tokio::test]
async fn what_is_not_supported_cannot_be_subscribed_to() {
    let client = Client::start(SimConfig::default(), BC).await;
    let hook = Hook::start().await;
    client.sim.withdraw_resource("v2.0/purchaseOrders");
    for set in ["purchaseOrders", "purchaseInvoiceLines", "jobQueueEntries"] {
        let resource = format!("companies({DEFAULT_COMPANY_ID})/{set}");
        let answer = subscribe(&client, "api/v2.0", &resource, &hook.url).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{set}");
    }
    assert!(client.sim.subscriptions().is_empty());
}

#[tokio::test]
async fn a_custom_api_has_subscriptions_of_its_own() {
    let client = Client::start(SimConfig::default(), BC).await;
    let hook = Hook::start().await;
    let route = "api/contoso/finance/v1.0";
    client
        .sim
        .offer_resource("contoso/finance/v1.0/ledgerEntries");
    let custom = supported(&client, "resource eq 'contoso*/ledger*'").await;
    assert_eq!(custom, ["contoso/finance/v1.0/ledgerEntries"]);

    let resource = format!("/{route}/companies({DEFAULT_COMPANY_ID})/ledgerEntries");
    let elsewhere = subscribe(&client, "api/v2.0", &resource, &hook.url).await;
    assert_eq!(elsewhere.status(), StatusCode::BAD_REQUEST);
    let made = subscribe(&client, route, &resource, &hook.url).await;
    assert_eq!(made.status(), StatusCode::CREATED);
    let made: Value = made.json().await.unwrap();
    assert_eq!(made["resource"], resource[1..]);

    let listed = async |route: &str| {
        let path = format!("{route}/subscriptions");
        let answer = client.bc_of("Production", Method::GET, &path);
        let listing: Value = answer.send().await.unwrap().json().await.unwrap();
        listing["value"].as_array().unwrap().len()
    };
    assert_eq!((listed(route).await, listed("api/v2.0").await), (1, 0));
}

#[tokio::test]
async fn another_company_is_not_found_in_the_runtime_api() {
    let client = Client::start(SimConfig::default(), BC).await;
    let path = format!("{RUNTIME}/companies(00000000-0000-0000-0000-000000000009)/webhookLogs");
    let answer = client.bc_of("Production", Method::GET, &path);
    let answer = answer.send().await.unwrap();
    assert_eq!(error_code(answer).await, "Internal_CompanyNotFound");
}

use http::{Method, StatusCode};
use serde_json::{Value, json};
use signalbox_sim::{
    CompanySpec, DEFAULT_COMPANY_ID, DEFAULT_COMPANY_NAME, EnvironmentKind, EnvironmentSpec,
    NewInvoice, SimConfig, Which,
};

use crate::client::{BC, Client, Hook, PATIENCE, error_code};

/// Production with the default company, and a sandbox with another one.
fn two_environments() -> SimConfig {
    let sandbox = EnvironmentSpec {
        name: "Trials".into(),
        kind: EnvironmentKind::Sandbox,
        companies: vec![CompanySpec::named("Trial Ltd.")],
    };
    SimConfig {
        environments: vec![sandbox],
        ..SimConfig::at_scale(0.001)
    }
}

async fn company_names(client: &Client, environment: &str) -> Vec<String> {
    let request = client.bc_of(environment, Method::GET, "api/v2.0/companies");
    let listing: Value = request.send().await.unwrap().json().await.unwrap();
    let companies = listing["value"].as_array().unwrap();
    companies
        .iter()
        .map(|company| company["name"].as_str().unwrap().to_owned())
        .collect()
}

async fn numbers(client: &Client, environment: &str) -> Vec<(String, String)> {
    let path = format!("api/v2.0/companies({DEFAULT_COMPANY_ID})/purchaseInvoices");
    let request = client.bc_of(environment, Method::GET, &path);
    let listing: Value = request.send().await.unwrap().json().await.unwrap();
    let rows = listing["value"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    rows.iter()
        .map(|row| (text(&row["id"]), text(&row["number"])))
        .collect()
}

#[tokio::test]
async fn environments_are_listed_with_their_kinds() {
    let client = Client::start(two_environments(), BC).await;
    let url = format!("{}/environments/v1.2", client.sim.business_central_url());
    let answer = client.request(Method::GET, &url).send().await.unwrap();
    let listing: Value = answer.json().await.unwrap();
    let listed = |index: usize| {
        let one = &listing["value"][index];
        (one["name"].clone(), one["type"].clone())
    };
    assert_eq!(listed(0), (json!("Production"), json!("Production")));
    assert_eq!(listed(1), (json!("Trials"), json!("Sandbox")));
}

#[tokio::test]
async fn environments_share_neither_companies_nor_subscriptions() {
    let client = Client::start(two_environments(), BC).await;
    client.subscribed(&Hook::start().await).await;
    assert_eq!(
        company_names(&client, "Production").await,
        [DEFAULT_COMPANY_NAME]
    );
    assert_eq!(company_names(&client, "Trials").await, ["Trial Ltd."]);
    let trials = client.sim.in_environment("Trials").unwrap();
    assert_eq!(client.sim.subscriptions().len(), 1);
    assert!(trials.subscriptions().is_empty());
    assert!(client.sim.in_environment("Nowhere").is_err());
}

#[tokio::test]
async fn a_link_to_the_next_page_stays_in_its_environment() {
    let client = Client::start(two_environments(), BC).await;
    let trials = client.sim.in_environment("Trials").unwrap();
    trials
        .seed_purchase_invoices(&NewInvoice::default(), 2, 1)
        .unwrap();
    let company = CompanySpec::named("Trial Ltd.").id;
    let path = format!("api/v2.0/companies({company})/purchaseInvoices");
    let request = client.bc_of("Trials", Method::GET, &path);
    let request = request.header("Prefer", "odata.maxpagesize=1");
    let page: Value = request.send().await.unwrap().json().await.unwrap();
    let next = page["@odata.nextLink"].as_str().unwrap();
    assert!(next.contains("/Trials/api/v2.0/"), "{next}");
    let second = client.request(Method::GET, next).send().await.unwrap();
    assert_eq!(second.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_copied_environment_has_the_same_ids_and_no_subscription() {
    let client = Client::start(two_environments(), BC).await;
    client.subscribed(&Hook::start().await).await;
    client
        .sim
        .seed_purchase_invoices(&NewInvoice::default(), 3, 1)
        .unwrap();
    let trial = json!({ "from": "Production", "to": "Trials" });
    client.verb("copy-environment", trial).await;
    let fresh = json!({ "from": "Production", "to": "Copy" });
    client.verb("copy-environment", fresh).await;
    let original = numbers(&client, "Production").await;
    assert_eq!(original.len(), 3);
    for copy in ["Trials", "Copy"] {
        assert_eq!(numbers(&client, copy).await, original);
        let copy = client.sim.in_environment(copy).unwrap();
        assert!(copy.subscriptions().is_empty());
    }
    assert_eq!(client.sim.subscriptions().len(), 1);
}

#[tokio::test]
async fn what_happens_in_a_copy_is_announced_by_the_copy_alone() {
    let client = Client::start(two_environments(), BC).await;
    let (hook, copied) = (Hook::start().await, Hook::start().await);
    client.subscribed(&hook).await;
    client.sim.copy_environment("Production", "Trials").unwrap();
    let resource = format!("companies({DEFAULT_COMPANY_ID})/purchaseInvoices");
    let body = json!({ "notificationUrl": copied.url, "resource": resource });
    let request = client.bc_of("Trials", Method::POST, "api/v2.0/subscriptions");
    let made = request.json(&body).send().await.unwrap();
    assert_eq!(made.status(), StatusCode::CREATED);
    let path = "post-purchase-invoice?environment=Trials";
    client.verb(path, json!({})).await;
    let sent = client
        .sim
        .wait_until(|sim| !sim.notifications().is_empty(), PATIENCE)
        .await;
    assert!(sent);
    let urls: Vec<String> = client
        .sim
        .notifications()
        .into_iter()
        .map(|sent| sent.url)
        .collect();
    assert_eq!(urls, [copied.url]);
}

#[tokio::test]
async fn a_renamed_environment_is_found_under_its_new_name_only() {
    let client = Client::start(SimConfig::default(), BC).await;
    let renaming = json!({ "from": "Production", "to": "Live" });
    client.verb("rename-environment", renaming).await;
    let old = client.bc(Method::GET, "companies").send().await.unwrap();
    assert_eq!(old.status(), StatusCode::NOT_FOUND);
    assert_eq!(error_code(old).await, "NoEnvironment");
    assert_eq!(company_names(&client, "Live").await, [DEFAULT_COMPANY_NAME]);
    assert_eq!(client.sim.environment(), "Live", "the handle moved along");
    for bad in ["9lives", "über", "Live", &"x".repeat(30)] {
        assert!(client.sim.rename_environment("Live", bad).is_err(), "{bad}");
    }
}

#[tokio::test]
async fn a_renamed_company_keeps_its_id_and_a_recreated_one_does_not() {
    let client = Client::start(SimConfig::default(), BC).await;
    client.subscribed(&Hook::start().await).await;
    let renaming = json!({ "company": DEFAULT_COMPANY_NAME, "name": "Fabrikam" });
    let renamed = client.verb("rename-company", renaming).await;
    assert_eq!(renamed["id"], json!(DEFAULT_COMPANY_ID));
    assert_eq!(client.sim.subscriptions().len(), 1);
    let which = json!({ "company": "Fabrikam" });
    let recreated = client.verb("recreate-company", which).await;
    assert_eq!(recreated["name"], "Fabrikam");
    assert_ne!(recreated["id"], json!(DEFAULT_COMPANY_ID));
    assert!(client.sim.subscriptions().is_empty(), "they went with it");
    let gone = client.read("purchaseInvoices").send().await.unwrap();
    assert_eq!(error_code(gone).await, "Internal_CompanyNotFound");
    client.verb("add-company", json!({ "name": "Third" })).await;
    assert_eq!(
        company_names(&client, "Production").await,
        ["Fabrikam", "Third"]
    );
}

#[tokio::test]
async fn what_is_expected_of_a_copy_is_expected_besides_the_original() {
    let client = Client::start(two_environments(), BC).await;
    let posted = client
        .sim
        .post_new_purchase_invoice(&NewInvoice::default())
        .unwrap();
    client.sim.copy_environment("Production", "Trials").unwrap();
    let trials = client.sim.in_environment("Trials").unwrap();
    let which = Which::id(posted.id);
    trials.pay_purchase_invoice(&which).unwrap();
    assert_eq!(client.sim.verdict().expected, 2, "the copy is paid");
    client.sim.pay_purchase_invoice(&which).unwrap();
    assert_eq!(client.sim.verdict().expected, 3, "and so is the original");
    // Nobody has read either. What goes in the copy is still there in the original.
    trials.delete_purchase_invoice(&which).unwrap();
    assert_eq!(client.sim.verdict().unseen, 2);
    assert_eq!(client.sim.outstanding(), 1);
}

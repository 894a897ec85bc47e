use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::Value;
use signalbox_sim::{Fault, FaultKind, NewInvoice, SimConfig, Which};

use tokio::task::JoinSet;

use crate::client::{BC, Client, Hook, error_code};

fn amount(amount: f64) -> NewInvoice {
    NewInvoice {
        amount: Some(amount),
        ..NewInvoice::default()
    }
}

#[tokio::test]
async fn an_invoice_has_blank_values_and_exact_decimals() {
    let client = Client::start(SimConfig::default(), BC).await;
    let posted = client
        .sim
        .post_new_purchase_invoice(&amount(1250.5))
        .unwrap();
    let path = format!(
        "purchaseInvoices({})?$expand=purchaseInvoiceLines",
        posted.id
    );
    let text = client
        .read(&path)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(
        text.contains("\"totalAmountIncludingTax\":1488.1,"),
        "{text}"
    );
    let invoice: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        invoice["currencyId"],
        "00000000-0000-0000-0000-000000000000"
    );
    assert_eq!(invoice["shipToName"], "");
    assert_eq!(invoice["status"], "Open");
    let line = &invoice["purchaseInvoiceLines"][0];
    assert_eq!(line["expectedReceiptDate"], "0001-01-01");
    assert_eq!(line["documentId"], invoice["id"]);
}

#[tokio::test]
async fn posting_keeps_the_id_and_changes_the_number() {
    let client = Client::start(SimConfig::default(), BC).await;
    let draft = client
        .sim
        .create_purchase_invoice(&NewInvoice::default())
        .unwrap();
    let path = format!(
        "companies({})/purchaseInvoices({})/Microsoft.NAV.post",
        draft.company, draft.id
    );
    let answer = client.bc(Method::POST, &path).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    let invoice = client
        .read_json(&format!("purchaseInvoices({})", draft.id))
        .await;
    assert_eq!(invoice["status"], "Open");
    assert_ne!(invoice["number"], draft.number.as_str());
    let again = client.bc(Method::POST, &path).send().await.unwrap();
    assert_eq!(error_code(again).await, "Application_DialogException");
}

#[tokio::test]
async fn a_listing_is_paged_by_absolute_links() {
    let client = Client::start(SimConfig::default(), BC).await;
    client
        .sim
        .seed_purchase_invoices(&NewInvoice::default(), 7, 2)
        .unwrap();
    let mut url: Option<String> = None;
    let mut numbers = Vec::new();
    let mut pages = 0;
    loop {
        let request = match &url {
            None => client.read("purchaseInvoices?$select=number&$filter=status eq 'Open'"),
            Some(url) => client.request(Method::GET, url),
        };
        let request = request.header("Prefer", "odata.maxpagesize=3");
        let page: Value = request.send().await.unwrap().json().await.unwrap();
        let value = page["value"].as_array().unwrap();
        numbers.extend(value.iter().map(|invoice| invoice["number"].to_string()));
        assert_eq!(
            value[0].as_object().unwrap().len(),
            2,
            "number and etag only"
        );
        pages += 1;
        match page["@odata.nextLink"].as_str() {
            Some(next) => {
                assert!(next.starts_with("http://") && next.contains("aid=FIN&$skiptoken="));
                url = Some(next.to_owned());
            }
            None => break,
        }
    }
    numbers.sort();
    numbers.dedup();
    assert_eq!((pages, numbers.len()), (3, 7));
}

#[tokio::test]
async fn filters_select_by_time_id_and_status() {
    let client = Client::start(SimConfig::default(), BC).await;
    let draft = client.sim.create_purchase_invoice(&amount(1.0)).unwrap();
    let open = client.sim.post_new_purchase_invoice(&amount(2.0)).unwrap();
    let count = async |filter: String| {
        let listing = client
            .read_json(&format!("purchaseInvoices?$filter={filter}"))
            .await;
        listing["value"].as_array().unwrap().len()
    };
    assert_eq!(count("status ne 'Draft'".into()).await, 1);
    assert_eq!(
        count(format!("id eq {} or id eq {}", draft.id, open.id)).await,
        2
    );
    assert_eq!(
        count(format!("lastModifiedDateTime gt {}", open.modified)).await,
        0
    );
    assert!(count(format!("lastModifiedDateTime ge {}", open.modified)).await >= 1);
    let wrong = client.read("purchaseInvoices?$filter=lastDateTimeModified gt 2026-01-01");
    assert_eq!(
        wrong.send().await.unwrap().status(),
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn what_does_not_exist_is_told_apart() {
    let client = Client::start(SimConfig::default(), BC).await;
    let unknown = "purchaseInvoices(00000000-0000-0000-0000-000000000009)";
    let answer = client.read(unknown).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    let body: Value = answer.json().await.unwrap();
    assert!(
        body["error"]["message"]
            .as_str()
            .unwrap()
            .contains("  CorrelationId:  ")
    );
    let base = client.sim.business_central_url();
    let tenant = &client.sim.config().tenant;
    let elsewhere = format!("{base}/v2.0/{tenant}/Renamed/api/v2.0/companies");
    let answer = client
        .request(Method::GET, &elsewhere)
        .send()
        .await
        .unwrap();
    assert_eq!(error_code(answer).await, "NoEnvironment");
}

#[tokio::test]
async fn a_lagging_replica_misses_what_the_primary_has() {
    let client = Client::start(SimConfig::default(), BC).await;
    let posted = client
        .sim
        .post_new_purchase_invoice(&NewInvoice::default())
        .unwrap();
    let lag = FaultKind::StaleRead(Duration::from_secs(60));
    client.sim.add_fault(Fault::on("bc.read", lag));
    let path = format!("purchaseInvoices({})", posted.id);
    assert_eq!(
        client.read(&path).send().await.unwrap().status(),
        StatusCode::NOT_FOUND
    );
    client
        .sim
        .pay_purchase_invoice(&Which::id(posted.id))
        .unwrap();
    let stale = client.read_json(&path).await;
    assert_eq!(stale["status"], "Open");
    let primary = client.read(&path).header("Data-Access-Intent", "ReadWrite");
    let primary: Value = primary.send().await.unwrap().json().await.unwrap();
    assert_eq!(primary["status"], "Paid");
}

#[tokio::test]
async fn the_hundred_and_first_request_at_once_is_refused() {
    let config = SimConfig {
        handshake_timeout: Duration::from_secs(3600),
        ..SimConfig::default()
    };
    let client = Client::start(config, BC).await;
    let hook = Hook::start().await;
    // A handshake that is not answered keeps its place.
    let slow = hook.url.replace("/hook", "/slow");
    let mut requests = JoinSet::new();
    for _ in 0..101 {
        requests.spawn(client.subscribe(&slow).send());
    }
    let first = requests.join_next().await.unwrap().unwrap().unwrap();
    assert_eq!(first.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(!first.headers().contains_key("retry-after"));
    assert_eq!(error_code(first).await, "Application_TooManyRequests");
}

#[tokio::test]
async fn the_request_after_the_rate_is_refused() {
    // The window is 300 s × scale; requests beyond it cannot fit in this test's time.
    let client = Client::start(SimConfig::default(), BC).await;
    for _ in 0..6_000 {
        let answer = client.read("purchaseInvoices?$top=1").send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
    }
    let answer = client.read("purchaseInvoices?$top=1").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(error_code(answer).await, "Application_TooManyRequests");
    assert_eq!(client.sim.verdict().limit_violations, 1);
}

#[tokio::test]
async fn limits_are_counted_for_each_environment_and_violations_with_them() {
    let config = SimConfig {
        handshake_timeout: Duration::from_secs(3600),
        ..SimConfig::default()
    };
    let client = Client::start(config, BC).await;
    client.sim.copy_environment("Production", "Copy").unwrap();
    let slow = Hook::start().await.url.replace("/hook", "/slow");
    let mut requests = JoinSet::new();
    for _ in 0..102 {
        requests.spawn(client.subscribe(&slow).send());
    }
    for _ in 0..2 {
        let refused = requests.join_next().await.unwrap().unwrap().unwrap();
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    }
    assert_eq!(client.sim.verdict().limit_violations, 2);
    let elsewhere = client.bc_of("Copy", Method::GET, "api/v2.0/companies");
    assert_eq!(elsewhere.send().await.unwrap().status(), StatusCode::OK);
}

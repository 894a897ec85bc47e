//! Records and listings of the simulated Business Central.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use signalbox_core::{Clock, Record, SystemClock};
use signalbox_microsoft::{
    BusinessCentral, CompanyKey, Errand, Error, Intent, RecordKey, company_by_name,
};
use signalbox_sim::{
    DEFAULT_COMPANY_ID, DEFAULT_COMPANY_NAME, Fault, FaultKind, NewInvoice, Target, Which,
};
use uuid::Uuid;

use super::{
    COMPANY, Rig,
    canned::{Canned, json},
    purchase_invoices,
};

async fn read(client: &BusinessCentral, id: Uuid, intent: Intent) -> Option<Record> {
    let id = id.to_string();
    let key = RecordKey {
        company: COMPANY,
        key: &id,
    };
    let set = purchase_invoices();
    let record = client.record(&set, key, intent, Errand::default());
    record.await.unwrap()
}

async fn refused(client: &BusinessCentral, company: Uuid) -> Error {
    let company = CompanyKey {
        id: company,
        name: "",
    };
    let key = RecordKey {
        company,
        key: "5d115c9c-44e3-ea11-bb43-000d3a2feca1",
    };
    let set = purchase_invoices();
    let read = client.record(&set, key, Intent::ReadOnly, Errand::default());
    read.await.unwrap_err()
}

/// A client of a server that says `answers` one after the other.
async fn canned(rig: &Rig, answers: &[&str]) -> (BusinessCentral, Canned) {
    let canned = Canned::start(answers.iter().map(|text| json(text)).collect()).await;
    (rig.business_central_at(&canned.url, "Production"), canned)
}

#[tokio::test]
async fn a_company_is_found_by_name() {
    let rig = Rig::start().await;
    let client = rig.business_central();
    let listed = client.companies(Errand::default()).await.unwrap();
    let found = company_by_name(&listed, DEFAULT_COMPANY_NAME).unwrap();
    assert_eq!(found.id, DEFAULT_COMPANY_ID);
    let error = company_by_name(&listed, "CRONUS");
    let text = error.unwrap_err().to_string();
    assert!(text.contains(DEFAULT_COMPANY_NAME), "{text}");
}

#[tokio::test]
async fn a_record_comes_mapped_with_the_exact_total_of_its_lines_and_a_link() {
    let rig = Rig::start().await;
    let new = NewInvoice {
        amount: Some(1250.55),
        lines: Some(3),
        ..NewInvoice::default()
    };
    let invoice = rig.sim.post_new_purchase_invoice(&new).unwrap();
    let client = rig.business_central();
    let record = read(&client, invoice.id, Intent::ReadOnly).await.unwrap();
    assert_eq!(record["number"], invoice.number);
    assert_eq!(record["status"], "Open");
    assert_eq!(record["lineCount"], 3);
    assert_eq!(
        record["linesTotal"].to_string(),
        record["totalAmountIncludingTax"].to_string()
    );
    assert!(!record.keys().any(|name| name.contains('@')));
    let link = client.web_link(&purchase_invoices(), DEFAULT_COMPANY_NAME, &record);
    assert!(link.unwrap().as_str().contains(&invoice.number));
}

#[tokio::test]
async fn a_deleted_record_is_none() {
    let rig = Rig::start().await;
    let invoice = rig
        .sim
        .post_new_purchase_invoice(&NewInvoice::default())
        .unwrap();
    rig.sim
        .delete_purchase_invoice(&Which::id(invoice.id))
        .unwrap();
    let record = read(&rig.business_central(), invoice.id, Intent::ReadWrite).await;
    assert_eq!(record, None);
}

#[tokio::test]
async fn a_lagging_replica_is_passed_by_when_asked_to() {
    let rig = Rig::start().await;
    let lag = FaultKind::StaleRead(Duration::from_secs(3600));
    rig.sim.add_fault(Fault::on("bc.read", lag));
    let invoice = rig
        .sim
        .post_new_purchase_invoice(&NewInvoice::default())
        .unwrap();
    let client = rig.business_central();
    assert_eq!(read(&client, invoice.id, Intent::ReadOnly).await, None);
    assert!(read(&client, invoice.id, Intent::ReadWrite).await.is_some());
}

#[tokio::test]
async fn a_missing_environment_or_company_is_an_error_and_not_a_missing_record() {
    let rig = Rig::start().await;
    let error = refused(&rig.environment("Renamed"), DEFAULT_COMPANY_ID).await;
    assert_eq!(error.code(), Some("NoEnvironment"));
    assert!(error.is_connection_fault() && error.next_step().contains("environment"));
    let error = refused(&rig.business_central(), Uuid::nil()).await;
    assert_eq!(error.code(), Some("Internal_CompanyNotFound"));
    assert!(error.is_connection_fault() && error.next_step().contains("company"));
}

#[tokio::test]
async fn a_listing_gives_every_record_once_over_all_its_pages() {
    let rig = Rig::start().await;
    rig.sim
        .seed_purchase_invoices(&NewInvoice::default(), 25, 3)
        .unwrap();
    let client = rig.business_central();
    let mut listing = client.changed(&purchase_invoices(), COMPANY, None, 10);
    let (mut sizes, mut numbers) = (Vec::new(), std::collections::BTreeSet::new());
    while let Some(page) = listing.next(Errand::default()).await.unwrap() {
        sizes.push(page.len());
        numbers.extend(page.iter().map(|record| record["number"].to_string()));
    }
    assert_eq!((sizes, numbers.len()), (vec![10, 10, 5], 25));
}

#[tokio::test]
async fn a_listing_holds_what_changed_since_and_goes_on_after_a_failed_page() {
    let rig = Rig::start().await;
    rig.sim
        .seed_purchase_invoices(&NewInvoice::default(), 20, 1)
        .unwrap();
    let client = rig.business_central();
    let old = rig
        .sim
        .post_new_purchase_invoice(&NewInvoice::default())
        .unwrap();
    let old = read(&client, old.id, Intent::ReadOnly).await.unwrap();
    let since: Option<Timestamp> = old["lastModifiedDateTime"].as_str().unwrap().parse().ok();
    // Rows changed within one millisecond cannot be told apart.
    while SystemClock.now().as_millisecond() <= since.unwrap().as_millisecond() {
        tokio::task::yield_now().await;
    }
    let new = rig
        .sim
        .post_new_purchase_invoice(&NewInvoice::default())
        .unwrap();
    rig.sim
        .add_fault(Fault::on("bc.read", FaultKind::Reset).times(1));
    let mut listing = client.changed(&purchase_invoices(), COMPANY, since, 10);
    listing.next(Errand::default()).await.unwrap_err();
    let page = listing.next(Errand::default()).await.unwrap().unwrap();
    let numbers: Vec<&Value> = page.iter().map(|record| &record["number"]).collect();
    assert_eq!(numbers, [&Value::from(new.number)]);
    assert_eq!(listing.next(Errand::default()).await.unwrap(), None);
    assert_eq!(rig.asked(Target::BcRead), 3);
}

#[tokio::test]
async fn a_link_to_another_host_is_refused() {
    let rig = Rig::start().await;
    let page = format!(
        r#"{{"value":[],"@odata.nextLink":"{}/bc/v2.0/t/e/api/v2.0/companies"}}"#,
        rig.sim.base_url()
    );
    let (client, _canned) = canned(&rig, &[&page]).await;
    let error = client.companies(Errand::default()).await.unwrap_err();
    assert!(matches!(error, Error::Garbled { .. }), "{error}");
    assert_eq!(rig.asked(Target::BcRead), 0);
}

#[tokio::test]
async fn lines_that_come_in_pages_are_all_counted() {
    let rig = Rig::start().await;
    let first = r#"{"number":"1","purchaseInvoiceLines":[{"amountIncludingTax":0.1}],
        "purchaseInvoiceLines@odata.nextLink":"{base}/more"}"#;
    let second = r#"{"value":[{"amountIncludingTax":0.2}]}"#;
    let (client, _canned) = canned(&rig, &[first, second]).await;
    let record = read(&client, Uuid::nil(), Intent::ReadOnly).await.unwrap();
    assert_eq!(record["linesTotal"].to_string(), "0.3");
    assert_eq!(record["lineCount"], 2);
}

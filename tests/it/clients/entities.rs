//! Every entity set of the simulated Business Central, and those that a connection adds.

use std::{collections::BTreeSet, sync::Arc};

use serde_json::{Value, json};
use signalbox_core::Record;
use signalbox_microsoft::{
    Api, BusinessCentral, CompanyKey, Entities, EntitySet, Errand, Intent, RecordKey,
};
use signalbox_sim::{Made, RecordChange, Target};
use uuid::Uuid;

use super::{
    COMPANY, Rig,
    canned::{Canned, ok},
};

fn set(name: &str) -> Arc<EntitySet> {
    let entities = Entities::shipped(true);
    Arc::clone(entities.get(name).unwrap())
}

/// A set of a connection's own, addressed and numbered by `key`.
fn own(name: &str, api: Api, key: &str) -> Arc<EntitySet> {
    Arc::new(EntitySet {
        name: name.to_owned(),
        api,
        key: key.to_owned(),
        document: key.to_owned(),
        serial: Some(key.to_owned()),
        modified: None,
        draft: None,
        select: Vec::new(),
        enums: Vec::new(),
        lines: None,
        dimensions: None,
        ..EntitySet::clone(&set("generalLedgerEntries"))
    })
}

fn web_service() -> Arc<EntitySet> {
    let service = "Chart_of_Accounts".to_owned();
    let chart = own("chart", Api::WebService { service }, "No");
    Arc::new(EntitySet {
        serial: None,
        select: vec!["Name".to_owned()],
        ..EntitySet::clone(&chart)
    })
}

async fn read(client: &BusinessCentral, set: &EntitySet, key: &str) -> Option<Record> {
    let key = RecordKey {
        company: COMPANY,
        key,
    };
    let record = client.record(set, key, Intent::ReadOnly, Errand::default());
    record.await.unwrap()
}

/// Everything of a set, as a look at it sees it.
async fn all(client: &BusinessCentral, set: &Arc<EntitySet>) -> Vec<Record> {
    let mut listing = client.changed(set, COMPANY, None, 100);
    let mut records = Vec::new();
    while let Some(page) = listing.next(Errand::default()).await.unwrap() {
        records.extend(page);
    }
    records
}

fn make(rig: &Rig, set: &str, posted: bool, fields: Value) -> Made {
    let change = RecordChange {
        posted,
        ..RecordChange::of(set).fields(fields)
    };
    rig.sim.create_record(&change).unwrap()
}

#[tokio::test]
async fn every_set_is_read_with_the_fields_that_it_asks_for() {
    let rig = Rig::start().await;
    let client = rig.business_central();
    for set in Entities::shipped(true).iter() {
        let made = make(&rig, &set.name, false, json!({}));
        let record = read(&client, set, &made.id.to_string()).await.unwrap();
        assert_eq!(set.document_of(&record), made.number, "{}", set.name);
        assert_eq!(set.key_of(&record), made.id.to_string(), "{}", set.name);
        assert!(set.modified_at(&record).is_some(), "{}", set.name);
    }
}

#[tokio::test]
async fn a_record_of_a_listing_equals_the_same_record_read_alone() {
    let rig = Rig::start().await;
    let client = rig.business_central();
    let lines = json!([
        { "quantity": 1, "directUnitCost": 0.1, "amountIncludingTax": 0.1 },
        { "quantity": 2, "directUnitCost": 0.1, "amountIncludingTax": 0.2 },
    ]);
    let dimensions = json!([
        { "code": "DEPARTMENT", "valueCode": "SALES" },
        { "code": "COST CENTRE", "valueCode": "7" },
    ]);
    let fields = json!({ "purchaseOrderLines": lines, "dimensionSetLines": dimensions });
    let made = make(&rig, "purchaseOrders", false, fields);
    let orders = set("purchaseOrders");
    let alone = read(&client, &orders, &made.id.to_string()).await.unwrap();
    assert_eq!(alone["linesTotal"].to_string(), "0.3");
    assert_eq!(alone["dimension_DEPARTMENT"], "SALES");
    assert_eq!(alone["dimension_COST_CENTRE"], "7");
    assert_eq!(alone["dimensions"], "DEPARTMENT: SALES, COST CENTRE: 7");
    assert_eq!(all(&client, &orders).await, [alone]);
}

#[tokio::test]
async fn the_dimensions_that_a_vendor_begins_with_are_read_along() {
    let rig = Rig::start().await;
    let vendor = make(&rig, "vendors", false, json!({}));
    let dimension = json!({
        "parentId": vendor.id, "parentType": "Vendor",
        "dimensionCode": "AREA", "dimensionValueCode": "30",
    });
    make(&rig, "defaultDimensions", false, dimension);
    let client = rig.business_central();
    let record = read(&client, &set("vendors"), &vendor.id.to_string()).await;
    assert_eq!(record.unwrap()["dimension_AREA"], "30");
}

#[tokio::test]
async fn posted_and_released_sales_invoices_are_told_apart_with_one_question_for_a_page() {
    let rig = Rig::start().await;
    let client = rig.business_central();
    let posted = make(&rig, "salesInvoices", true, json!({}));
    let released = make(&rig, "salesInvoices", false, json!({}));
    let draft = make(&rig, "salesInvoices", false, json!({}));
    let released = RecordChange::of("salesInvoices").id(released.id);
    let released = rig.sim.release_sales_invoice(&released).unwrap();
    let invoices = set("salesInvoices");
    let mut records = all(&client, &invoices).await;
    let asked = rig.asked(Target::BcRead);
    let completed = client.complete(&invoices, COMPANY, &mut records, Errand::default());
    completed.await.unwrap();
    assert_eq!(rig.asked(Target::BcRead), asked + 1);
    for (number, status, stage, is_posted) in [
        (&posted.number, "Open", "Open", true),
        (&released.number, "Open", "Released", false),
        (&draft.number, "Draft", "Draft", false),
    ] {
        let record = records.iter().find(|one| one["number"] == **number);
        let record = record.unwrap();
        assert_eq!(record["status"], status);
        assert_eq!(record["stage"], stage, "{number}");
        assert_eq!(record["posted"], is_posted, "{number}");
    }
}

#[tokio::test]
async fn a_set_that_needs_no_other_asks_for_none() {
    let rig = Rig::start().await;
    let client = rig.business_central();
    let mut records = vec![Record::new()];
    let vendors = set("vendors");
    let completed = client.complete(&vendors, COMPANY, &mut records, Errand::default());
    completed.await.unwrap();
    assert_eq!(
        (rig.asked(Target::BcRead), records),
        (0, vec![Record::new()])
    );
}

#[tokio::test]
async fn entries_above_a_number_are_listed() {
    let rig = Rig::start().await;
    let client = rig.business_central();
    let entries: Vec<Made> = (0..3)
        .map(|_| make(&rig, "generalLedgerEntries", false, json!({})))
        .collect();
    let first: i64 = entries[0].number.parse().unwrap();
    let set = set("generalLedgerEntries");
    let mut listing = client.numbered_above(&set, COMPANY, first, 100);
    let page = listing.next(Errand::default()).await.unwrap().unwrap();
    let numbers = page.iter().filter_map(|entry| set.serial_of(entry));
    let numbers: BTreeSet<i64> = numbers.collect();
    assert_eq!(numbers, BTreeSet::from([first + 1, first + 2]));
}

#[tokio::test]
async fn an_api_of_an_extension_is_read_where_its_path_says() {
    let rig = Rig::start().await;
    let route = "contoso/finance/v1.0".to_owned();
    let name = "vendorLedgerEntries";
    let made = make(&rig, &format!("{route}/{name}"), false, json!({}));
    let set = EntitySet {
        key: "id".to_owned(),
        ..EntitySet::clone(&own(name, Api::Custom { route }, "entryNumber"))
    };
    let client = rig.business_central();
    let record = read(&client, &set, &made.id.to_string()).await.unwrap();
    assert_eq!(set.document_of(&record), made.number);
    assert_eq!(all(&client, &Arc::new(set)).await, [record]);
}

#[tokio::test]
async fn a_web_service_is_read_by_the_names_of_company_and_key() {
    let rig = Rig::start().await;
    let account = make(&rig, "accounts", false, json!({ "displayName": "Freight" }));
    let client = rig.business_central();
    let record = read(&client, &web_service(), &account.number)
        .await
        .unwrap();
    assert_eq!(record["Name"], "Freight");
    let listed = all(&client, &web_service()).await;
    assert!(listed.contains(&record), "{listed:?}");
}

#[tokio::test]
async fn names_and_keys_are_escaped_in_the_path() {
    let rig = Rig::start().await;
    // The request line comes back, in lower case, as the record that was asked for.
    let echo = Box::new(|head: &str| {
        let line = head.lines().next().unwrap_or_default();
        ok(&json!({ "Name": line }).to_string())
    });
    let canned = Canned::start(vec![echo]).await;
    let client = rig.business_central_at(&canned.url, "Production");
    let company = CompanyKey {
        id: Uuid::nil(),
        name: "O'Hara & Söhne 50%",
    };
    let asked = async |set: &EntitySet, key: &str| {
        let key = RecordKey { company, key };
        let record = client.record(set, key, Intent::ReadOnly, Errand::default());
        record.await.unwrap().unwrap()["Name"].to_string()
    };
    let line = asked(&web_service(), "A/B'C").await;
    let expected =
        "/odatav4/company('o''hara%20&%20s%c3%b6hne%2050%25')/chart_of_accounts(no='a%2fb''c')?";
    assert!(line.contains(expected), "{line}");
    let route = "contoso/finance/v1.0".to_owned();
    let by_text = own("things", Api::Custom { route }, "code");
    let line = asked(&by_text, "A/B").await;
    let expected = "/api/contoso/finance/v1.0/companies(00000000-0000-0000-0000-000000000000)/things('a%2fb')?";
    assert!(line.contains(expected), "{line}");
    // What numbers the records of a set is bare.
    let line = asked(&by_text, "4711").await;
    assert!(line.contains("/things(4711)?"), "{line}");
}

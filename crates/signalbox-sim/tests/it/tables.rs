//! Every entity set, read as a client would.

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use signalbox_sim::{DEFAULT_TENANT, Fault, FaultKind, RecordChange, SimConfig};

use crate::client::{BC, Client, error_code};

/// The documented sets of the standard API.
const SETS: [&str; 22] = [
    "accounts",
    "contacts",
    "countriesRegions",
    "currencies",
    "customers",
    "defaultDimensions",
    "dimensionValues",
    "dimensions",
    "employees",
    "generalLedgerEntries",
    "itemCategories",
    "items",
    "locations",
    "paymentMethods",
    "paymentTerms",
    "purchaseCreditMemos",
    "purchaseInvoices",
    "purchaseOrders",
    "salesInvoices",
    "salespeoplePurchasers",
    "shipmentMethods",
    "unitsOfMeasure",
];

async fn refused(client: &Client, path: &str) -> (StatusCode, String, String) {
    let answer = client.read(path).send().await.unwrap();
    let status = answer.status();
    let body: Value = answer.json().await.unwrap();
    let text = |name: &str| body["error"][name].as_str().unwrap().to_owned();
    (status, text("code"), text("message"))
}

async fn count(client: &Client, path: &str) -> usize {
    let listing = client.read_json(path).await;
    listing["value"].as_array().unwrap().len()
}

#[tokio::test]
async fn every_set_is_made_listed_read_alone_and_selected_from() {
    let client = Client::start(SimConfig::default(), BC).await;
    for set in SETS {
        let made = client.sim.create_record(&RecordChange::of(set)).unwrap();
        let listed = client.read_json(set).await;
        let alone = client.read_json(&format!("{set}({})", made.id)).await;
        assert_eq!(listed["value"][0]["id"], alone["id"], "{set}");
        let modified = alone["lastModifiedDateTime"].as_str().unwrap();
        assert_eq!(modified, made.modified.to_string(), "{set}");
        let slim = client.read_json(&format!("{set}?$select=id")).await;
        assert_eq!(slim["value"][0].as_object().unwrap().len(), 2, "{set}");
        let (status, _, message) = refused(&client, &format!("{set}?$select=shoeSize")).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{set}");
        assert!(message.contains("'shoeSize' on type 'Microsoft.NAV."));
    }
}

#[tokio::test]
async fn blank_values_and_enums_are_spelled_as_on_the_wire() {
    let client = Client::start(SimConfig::default(), BC).await;
    let vendor = RecordChange::of("vendors").fields(json!({ "balance": 3122.8 }));
    let vendor = client.sim.create_record(&vendor).unwrap();
    let path = format!("vendors({})", vendor.id);
    let text = client
        .read(&path)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(text.contains("\"balance\":3122.8,"), "{text}");
    let vendor: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(vendor["blocked"], "_x0020_");
    assert_eq!(
        vendor["paymentTermsId"],
        "00000000-0000-0000-0000-000000000000"
    );
    assert_eq!(vendor["addressLine2"], "");
    let item = RecordChange::of("items").fields(json!({ "type": "Non-Inventory" }));
    client.sim.create_record(&item).unwrap();
    let item = &client.read_json("items").await["value"][0];
    assert_eq!(item["type"], "Non_x002D_Inventory");
    client
        .sim
        .create_record(&RecordChange::of("employees"))
        .unwrap();
    let employee = &client.read_json("employees").await["value"][0];
    assert_eq!(employee["terminationDate"], "0001-01-01");
}

#[tokio::test]
async fn filters_compare_any_field_and_look_into_texts() {
    let client = Client::start(SimConfig::default(), BC).await;
    for (number, limit, blocked) in [("C1", 100, " "), ("C2", 2_500, "All"), ("D1", 9, "Ship")] {
        let fields = json!({ "number": number, "creditLimit": limit, "blocked": blocked });
        let customer = RecordChange::of("customers").fields(fields);
        client.sim.create_record(&customer).unwrap();
    }
    for (filter, found) in [
        ("creditLimit ge 100", 2),
        ("creditLimit gt 8 and creditLimit lt 100.5", 2),
        ("blocked eq 'All' or blocked eq 'Ship'", 2),
        ("blocked ne 'All'", 2),
        ("startswith(number,'C')", 2),
        ("contains(displayName,'D1') or displayName eq 'nobody'", 1),
        (
            "(number eq 'C1' or number eq 'D1') and creditLimit lt 50",
            1,
        ),
    ] {
        let path = format!("customers?$filter={filter}");
        assert_eq!(count(&client, &path).await, found, "{filter}");
    }
    let (status, _, message) = refused(
        &client,
        "customers?$filter=number eq 'C1' or blocked eq 'All'",
    )
    .await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(
        message.starts_with(
            "The 'OR' operator is not supported on distinct fields on an OData filter."
        )
    );
    let wrong = "customers?$filter=creditLimit eq 'much'";
    assert_eq!(refused(&client, wrong).await.1, "BadRequest");
}

#[tokio::test]
async fn several_records_are_read_by_their_ids_at_once() {
    let client = Client::start(SimConfig::default(), BC).await;
    let vendors = client
        .sim
        .seed_records(&RecordChange::of("vendors"), 30)
        .unwrap();
    let ids: Vec<String> = vendors[..20]
        .iter()
        .map(|vendor| format!("id eq {}", vendor.id))
        .collect();
    let path = format!("vendors?$filter={}", ids.join(" or "));
    assert_eq!(count(&client, &path).await, 20);
}

#[tokio::test]
async fn an_order_of_its_own_is_kept_over_pages_and_top_ends_the_listing() {
    let client = Client::start(SimConfig::default(), BC).await;
    client
        .sim
        .seed_records(&RecordChange::of("vendors"), 7)
        .unwrap();
    let first = client
        .read("vendors?$select=number&$orderby=number desc&$count=true")
        .header("Prefer", "odata.maxpagesize=4");
    let first: Value = first.send().await.unwrap().json().await.unwrap();
    assert_eq!(first["@odata.count"], 7);
    assert_eq!(first["value"][0]["number"], "V00070");
    let next = first["@odata.nextLink"].as_str().unwrap();
    assert!(next.contains("/vendors?") && next.contains("aid=FIN&$skiptoken="));
    let next: Value = client
        .request(Method::GET, next)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(next["value"][2]["number"], "V00010");
    let twice = client
        .read_json("vendors?$select=number&$orderby=blocked,number desc")
        .await;
    assert_eq!(twice["value"][6]["number"], "V00010");
    let top = client
        .read("vendors?$top=3")
        .header("Prefer", "odata.maxpagesize=2");
    let top: Value = top.send().await.unwrap().json().await.unwrap();
    assert!(top.get("@odata.nextLink").is_none());
}

#[tokio::test]
async fn a_skip_token_goes_stale_when_told_so() {
    let client = Client::start(SimConfig::default(), BC).await;
    client
        .sim
        .seed_records(&RecordChange::of("items"), 3)
        .unwrap();
    let page = client.read("items").header("Prefer", "odata.maxpagesize=2");
    let page: Value = page.send().await.unwrap().json().await.unwrap();
    let next = page["@odata.nextLink"].as_str().unwrap();
    client.sim.expire_skip_tokens(1);
    let stale = client.request(Method::GET, next).send().await.unwrap();
    assert_eq!(stale.status(), StatusCode::BAD_REQUEST);
    assert_eq!(error_code(stale).await, "SkipTokenIsNoLongerValid");
    let again = client.request(Method::GET, next).send().await.unwrap();
    assert_eq!(again.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_url_beyond_eight_kilobytes_is_refused() {
    let client = Client::start(SimConfig::default(), BC).await;
    let long = format!("vendors?$filter=number eq '{}'", "9".repeat(8_200));
    let answer = client.read(&long).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::URI_TOO_LONG);
}

#[tokio::test]
async fn a_lagging_replica_shows_what_was_in_every_table() {
    let client = Client::start(SimConfig::default(), BC).await;
    let item = client
        .sim
        .create_record(&RecordChange::of("items"))
        .unwrap();
    let change = RecordChange::of("items").id(item.id);
    let dearer = change.clone().fields(json!({ "unitPrice": 12.5 }));
    client.sim.change_record(&dearer).unwrap();
    let lag = FaultKind::StaleRead(Duration::from_secs(60));
    client.sim.add_fault(Fault::on("bc.read", lag));
    let path = format!("items({})", item.id);
    assert_eq!(client.read_json(&path).await["unitPrice"], json!(0));
    client.sim.delete_record(&change).unwrap();
    assert_eq!(client.read_json(&path).await["unitPrice"], json!(12.5));
    let primary = client.read(&path).header("Data-Access-Intent", "ReadWrite");
    assert_eq!(
        primary.send().await.unwrap().status(),
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn a_custom_page_and_a_web_service_have_routes_of_their_own() {
    let client = Client::start(SimConfig::default(), BC).await;
    let entry = RecordChange::of("contoso/finance/v1.0/vendorLedgerEntries")
        .fields(json!({ "vendorNumber": "V00010", "remainingAmount": 12 }));
    let entry = client.sim.create_record(&entry).unwrap();
    for number in ["40100", "10100", "50100"] {
        let account = RecordChange::of("accounts").number(number);
        client.sim.create_record(&account).unwrap();
    }
    let root = format!(
        "{}/v2.0/{DEFAULT_TENANT}/Production",
        client.sim.business_central_url()
    );
    let company = &client.sim.config().companies[0];
    let custom = format!(
        "{root}/api/contoso/finance/v1.0/companies({})/vendorLedgerEntries?$filter=open eq true",
        company.id
    );
    let custom: Value = client
        .request(Method::GET, &custom)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(custom["value"][0]["entryNumber"], json!(1));
    assert_eq!(custom["value"][0]["id"], entry.id.to_string());
    let service = format!(
        "{root}/ODataV4/Company('{}')/Chart_of_Accounts",
        company.name
    );
    let first = client
        .request(Method::GET, &service)
        .header("Prefer", "odata.maxpagesize=2");
    let first: Value = first.send().await.unwrap().json().await.unwrap();
    assert_eq!(first["value"][0]["No"], "10100");
    assert_eq!(first["value"][0].as_object().unwrap().len(), 3, "{first}");
    let next = first["@odata.nextLink"].as_str().unwrap();
    let next: Value = client
        .request(Method::GET, next)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(next["value"][0]["No"], "50100");
    let one = client.request(Method::GET, &format!("{service}('40100')"));
    assert_eq!(one.send().await.unwrap().status(), StatusCode::OK);
    // Neither is a set of the standard API.
    for set in ["vendorLedgerEntries", "Chart_of_Accounts"] {
        assert_eq!(refused(&client, set).await.0, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn lines_and_dimensions_are_reached_only_through_their_document() {
    let client = Client::start(SimConfig::default(), BC).await;
    let order = RecordChange::of("purchaseOrders").fields(json!({
        "purchaseOrderLines": [{ "description": "Paper", "amountExcludingTax": 10.5 },
                               { "description": "Ink", "quantity": 2 }],
        "dimensionSetLines": [{ "code": "DEPARTMENT", "valueCode": "SALES" }],
    }));
    let order = client.sim.create_record(&order).unwrap();
    let (_, code, message) = refused(&client, "purchaseOrderLines").await;
    assert_eq!(code, "Application_DialogException");
    assert!(message.starts_with("You must specify an Id or a Document Id to get the lines."));
    let (_, _, message) = refused(&client, "dimensionSetLines").await;
    assert!(message.starts_with("You must get to the parent first"));
    let lines = format!(
        "purchaseOrders({})/purchaseOrderLines?$orderby=sequence",
        order.id
    );
    let lines = client.read_json(&lines).await;
    assert_eq!(lines["value"][0]["directUnitCost"], json!(10.5));
    assert_eq!(lines["value"][1]["sequence"], 20_000);
    let of_document = format!("purchaseOrderLines?$filter=documentId eq {}", order.id);
    assert_eq!(count(&client, &of_document).await, 2);
    let expanded = format!(
        "purchaseOrders({})?$select=number&$expand=dimensionSetLines($select=code,valueCode,parentType),purchaseOrderLines($filter=sequence gt 10000;$select=description)",
        order.id
    );
    let expanded = client.read_json(&expanded).await;
    let dimension = &expanded["dimensionSetLines"][0];
    assert_eq!(
        (&dimension["valueCode"], &dimension["parentType"]),
        (&json!("SALES"), &json!("Purchase_x0020_Order"))
    );
    let lines = expanded["purchaseOrderLines"].as_array().unwrap();
    assert_eq!((lines.len(), &lines[0]["description"]), (1, &json!("Ink")));
}

#[tokio::test]
async fn people_are_found_behind_codes_and_contacts_behind_vendors() {
    let client = Client::start(SimConfig::default(), BC).await;
    let purchaser = RecordChange::of("salespeoplePurchasers").fields(
        json!({ "code": "RB", "displayName": "Rana Bakkali", "email": "rb@contoso.example" }),
    );
    client.sim.create_record(&purchaser).unwrap();
    let by_code = "salespeoplePurchasers?$select=displayName,email&$filter=code eq 'RB'";
    let found = &client.read_json(by_code).await["value"][0];
    assert_eq!(found["email"], "rb@contoso.example");
    let contact = RecordChange::of("contacts")
        .fields(json!({ "number": "CT7", "displayName": "Jule Petersen", "type": "Person" }));
    let contact = client.sim.create_record(&contact).unwrap();
    let vendor = RecordChange::of("vendors")
        .fields(json!({ "contactsInformation": [{ "contactNumber": "CT7" }] }));
    let vendor = client.sim.create_record(&vendor).unwrap();
    let path = format!("vendors({})/contactsInformation", vendor.id);
    let link = &client.read_json(&path).await["value"][0];
    assert_eq!(link["contactId"], contact.id.to_string());
    assert_eq!(link["relatedType"], "Vendor");
    let dimension = RecordChange::of("defaultDimensions").fields(json!({
        "parentType": "Vendor", "parentId": vendor.id,
        "dimensionCode": "REGION", "dimensionValueCode": "NORTH" }));
    client.sim.create_record(&dimension).unwrap();
    let invoice =
        RecordChange::of("purchaseInvoices").fields(json!({ "vendorNumber": vendor.number }));
    let invoice = client.sim.create_record(&invoice).unwrap();
    let path = format!(
        "purchaseInvoices({})?$expand=vendor($expand=defaultDimensions)",
        invoice.id
    );
    let deep = client.read_json(&path).await;
    assert_eq!(
        deep["vendor"]["defaultDimensions"][0]["dimensionValueCode"],
        "NORTH"
    );
}

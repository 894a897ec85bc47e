//! What every card shows, with texts that somebody typed to look like something else.

use serde_json::{Value, json};
use signalbox_core::{EffectKey, Marker, Record};
use signalbox_microsoft::Entities;

use super::{Card, Cards};

/// A text that tries to be a link, a mention, a second fact and the end of its JSON string.
const HOSTILE: &str =
    "Nord \"&\" [pay](http://evil) <at>Boss</at>\n*x*\\\", \"title\": \"{{ 7*7 }}";

/// The same, shown as it is and as nothing else.
const PLAIN: &str =
    "Nord \"&\" \\[pay\\]\\(http://evil\\) ‹at›Boss‹/at› \\*x\\*\\\\\", \"title\": \"{{ 7\\*7 }}";

fn record(fields: Value) -> Record {
    match fields {
        Value::Object(record) => record,
        other => panic!("{other} is no record"),
    }
}

fn marker() -> Marker {
    Marker::of(&EffectKey::from_stored("post/r/s/PPI-1/Open"))
}

fn fill(name: &str, document: &str, fields: &str) -> Card {
    let fields = fields.replace("HOSTILE", &json!(HOSTILE).to_string());
    let mut record: Record = serde_json::from_str(&fields).unwrap();
    record.insert("company".to_owned(), "CRONUS [GB] Ltd.".into());
    record.insert("link".to_owned(), "https://bc.example/?x=1&y=2".into());
    let cards = Cards::shipped().unwrap();
    cards.fill(name, document, &record, marker()).unwrap()
}

/// The card as a person reads it, one text per line; facts as `title: value`.
fn shown(name: &str, document: &str, fields: &str) -> String {
    let card = fill(name, document, fields);
    let mut lines = vec![card.summary.clone()];
    let body = card.content["body"].as_array().unwrap();
    for block in body {
        lines.extend(block["text"].as_str().map(str::to_owned));
        for fact in block["facts"].as_array().into_iter().flatten() {
            let [title, value] = ["title", "value"].map(|key| fact[key].as_str().unwrap());
            lines.push(format!("{title}: {value}"));
        }
    }
    let link = &card.content["actions"][0];
    lines.push(format!("{} {}", link["title"], link["url"]));
    let text = lines.join("\n").replace(&marker().reference(), "REF");
    text.replace(HOSTILE, "RAW").replace(PLAIN, "PLAIN")
}

#[test]
fn a_purchase_invoice_shows_what_a_person_needs() {
    let fields = r#"{"number":"PPI-1","vendorName":HOSTILE,"totalAmountIncludingTax":1488.10,"currencyCode":"EUR",
            "dueDate":"2026-03-29","vendorInvoiceNumber":HOSTILE,"orderNumber":"PO-1","purchaser":"RB",
            "dimensions":"DEPARTMENT: SALES","status":"Open"}"#;
    assert_eq!(
        shown("purchase-invoice", "PPI-1", fields),
        r#"Purchase invoice PPI-1 from RAW: 1,488.10 EUR
Purchase invoice PPI-1
PLAIN
Amount: 1,488.10 EUR
Due: 2026-03-29
Vendor's number: PLAIN
Order: PO-1
Purchaser: RB
Dimensions: DEPARTMENT: SALES
Company: CRONUS \[GB\] Ltd.
Status: Open
Ref REF
"Open in Business Central" "https://bc.example/?x=1&y=2""#
    );
}

#[test]
fn a_purchase_credit_memo_names_the_invoice_that_it_corrects() {
    let fields = r#"{"number":"PPCM-1","vendorName":HOSTILE,"totalAmountIncludingTax":12,"currencyCode":"EUR",
            "creditMemoDate":"2026-03-02","vendorCreditMemoNumber":"G-7","invoiceNumber":"PPI-1",
            "purchaser":"RB","status":"Paid"}"#;
    assert_eq!(
        shown("purchase-credit-memo", "PPCM-1", fields),
        r#"Purchase credit memo PPCM-1 from RAW: 12.00 EUR
Purchase credit memo PPCM-1
PLAIN
Amount: 12.00 EUR
Date: 2026-03-02
Vendor's number: G-7
Corrects invoice: PPI-1
Purchaser: RB
Company: CRONUS \[GB\] Ltd.
Status: Paid
Ref REF
"Open in Business Central" "https://bc.example/?x=1&y=2""#
    );
}

#[test]
fn a_purchase_order_shows_how_far_it_is() {
    let fields = r#"{"number":"PO-1","vendorName":HOSTILE,"totalAmountIncludingTax":999.999,"currencyCode":"NOK",
            "orderDate":"2026-03-01","requestedReceiptDate":"2026-04-01","lineCount":3,
            "fullyReceived":false,"purchaser":HOSTILE,"status":"In Review"}"#;
    assert_eq!(
        shown("purchase-order", "PO-1", fields),
        r#"Purchase order PO-1 to RAW: 999.999 NOK
Purchase order PO-1
PLAIN
Amount: 999.999 NOK
Ordered: 2026-03-01
Wanted by: 2026-04-01
Lines: 3
Fully received: no
Purchaser: PLAIN
Company: CRONUS \[GB\] Ltd.
Status: In Review
Ref REF
"Open in Business Central" "https://bc.example/?x=1&y=2""#
    );
}

#[test]
fn a_sales_invoice_shows_its_stage_and_what_is_still_to_be_paid() {
    let fields = r#"{"number":"PS-1","customerName":HOSTILE,"totalAmountIncludingTax":440.2,"remainingAmount":0,
            "currencyCode":"EUR","dueDate":"2026-03-31","externalDocumentNumber":"PO 7781",
            "salesperson":"LM","status":"Open","posted":false,"stage":"Released"}"#;
    assert_eq!(
        shown("sales-invoice", "PS-1", fields),
        r#"Sales invoice PS-1 to RAW: 440.20 EUR
Sales invoice PS-1
PLAIN
Amount: 440.20 EUR
Remaining: 0.00 EUR
Due: 2026-03-31
Customer's number: PO 7781
Salesperson: LM
Company: CRONUS \[GB\] Ltd.
Status: Released
Ref REF
"Open in Business Central" "https://bc.example/?x=1&y=2""#
    );
}

#[test]
fn a_vendor_shows_whether_it_is_blocked() {
    let fields = r#"{"number":"V00010","displayName":HOSTILE,"city":HOSTILE,"country":"DE",
            "email":"a_b@nord.example","taxRegistrationNumber":"DE1","currencyCode":"EUR"}"#;
    assert_eq!(
        shown("vendor", "V00010", fields),
        r#"Vendor V00010 RAW, blocked: no
Vendor V00010
PLAIN
City: PLAIN
Country: DE
E-mail: a\_b@nord.example
Tax number: DE1
Currency: EUR
Company: CRONUS \[GB\] Ltd.
Blocked: no
Ref REF
"Open in Business Central" "https://bc.example/?x=1&y=2""#
    );
}

#[test]
fn a_customer_shows_what_it_is_blocked_for() {
    let fields = r#"{"number":"C00042","displayName":HOSTILE,"type":"Company","city":"Tallinn","country":"EE",
            "creditLimit":5000,"salespersonCode":"LM","blocked":"Ship"}"#;
    assert_eq!(
        shown("customer", "C00042", fields),
        r#"Customer C00042 RAW, blocked: Ship
Customer C00042
PLAIN
Type: Company
City: Tallinn
Country: EE
Credit limit: 5,000.00
Salesperson: LM
Company: CRONUS \[GB\] Ltd.
Blocked: Ship
Ref REF
"Open in Business Central" "https://bc.example/?x=1&y=2""#
    );
}

#[test]
fn an_item_shows_price_and_cost() {
    let fields = r#"{"number":"I-1","displayName":HOSTILE,"type":"Non-Inventory","itemCategoryCode":"PAPER",
            "unitPrice":12.5,"unitCost":7,"baseUnitOfMeasureCode":"PCS","gtin":"123","blocked":true}"#;
    assert_eq!(
        shown("item", "I-1", fields),
        r#"Item I-1 RAW, blocked: yes
Item I-1
PLAIN
Type: Non-Inventory
Category: PAPER
Price: 12.50
Cost: 7.00
Unit: PCS
GTIN: 123
Company: CRONUS \[GB\] Ltd.
Blocked: yes
Ref REF
"Open in Business Central" "https://bc.example/?x=1&y=2""#
    );
}

#[test]
fn an_account_shows_where_it_belongs() {
    let fields = r#"{"number":"61300","displayName":HOSTILE,"category":"Expense","subCategory":HOSTILE,
            "accountType":"Posting","directPosting":true,"blocked":false}"#;
    assert_eq!(
        shown("account", "61300", fields),
        r#"G/L account 61300 RAW, blocked: no
G/L account 61300
PLAIN
Category: Expense
Subcategory: PLAIN
Type: Posting
Direct posting: yes
Company: CRONUS \[GB\] Ltd.
Blocked: no
Ref REF
"Open in Business Central" "https://bc.example/?x=1&y=2""#
    );
}

#[test]
fn an_employee_shows_nothing_private() {
    let fields = r#"{"number":"RB","displayName":HOSTILE,"jobTitle":HOSTILE,"email":"rana@contoso.example",
            "employmentDate":"2021-06-01","status":"Active"}"#;
    assert_eq!(
        shown("employee", "RB", fields),
        r#"Employee RB RAW: Active
Employee RB
PLAIN
Job title: PLAIN
Employed since: 2021-06-01
Company: CRONUS \[GB\] Ltd.
Status: Active
Ref REF
"Open in Business Central" "https://bc.example/?x=1&y=2""#
    );
}

#[test]
fn an_entry_of_the_ledger_shows_its_side_and_its_document() {
    let fields = r#"{"entryNumber":4711,"postingDate":"2026-03-02","documentNumber":"PPI-1",
            "documentType":"Invoice","accountNumber":"61300","description":HOSTILE,"debitAmount":0,
            "creditAmount":1488.1}"#;
    assert_eq!(
        shown("general-ledger-entry", "4711", fields),
        r#"G/L entry 4711 on account 61300: credit 1,488.10
G/L entry 4711
PLAIN
Amount: credit 1,488.10
Account: 61300
Document: PPI-1
Document type: Invoice
Company: CRONUS \[GB\] Ltd.
Posted: 2026-03-02
Ref REF
"Open in Business Central" "https://bc.example/?x=1&y=2""#
    );
}

#[test]
fn any_other_record_shows_all_it_has() {
    let fields = r#"{"entity":"vendorLedgerEntries","id":"7f","entryNumber":4711,"vendorNumber":HOSTILE,"open":true,
            "remainingAmount":-12.50}"#;
    assert_eq!(
        shown("record", "4711", fields),
        r#"vendorLedgerEntries 4711 in CRONUS [GB] Ltd.
vendorLedgerEntries 4711
CRONUS \[GB\] Ltd.
entryNumber: 4711
open: true
remainingAmount: -12.50
vendorNumber: PLAIN
Ref REF
"Open in Business Central" "https://bc.example/?x=1&y=2""#
    );
}

#[test]
fn a_record_of_many_and_long_fields_is_shown_up_to_a_bound() {
    let long = json!("x".repeat(5_000)).to_string();
    let fields: Vec<String> = (0..50).map(|n| format!("\"f{n:02}\":{long}")).collect();
    let card = fill("record", "1", &format!("{{{}}}", fields.join(",")));
    let facts = card.content["body"][2]["facts"].as_array().unwrap();
    assert_eq!(facts.len(), 20);
    assert!(card.content.to_string().len() < 8_000);
}

#[test]
fn every_set_that_comes_with_signalbox_has_a_card_something_to_announce_and_a_document() {
    let cards = Cards::shipped().unwrap();
    for set in Entities::shipped(true).iter() {
        cards.contains(&set.card).unwrap();
        let once = set.once.as_deref().unwrap_or_default();
        crate::Expression::value(once).unwrap();
        let written = [&set.document, &set.key];
        let read = written.iter().all(|field| set.select.contains(field));
        assert!(!once.is_empty() && read, "{}", set.name);
        assert!(set.page.is_some(), "{}", set.name);
        let sparse = record(json!({ set.document.as_str(): "1" }));
        let card = cards.fill(&set.card, "1", &sparse, marker()).unwrap();
        assert_eq!(card.content["version"], "1.4", "{}", set.name);
        assert_eq!(card.content["actions"], Value::Null);
        let id = card.content["body"].as_array().unwrap().last().unwrap()["id"].clone();
        assert_eq!(id, marker().to_string());
    }
}

#[test]
fn an_unknown_card_is_refused_with_the_names_of_those_that_exist() {
    let cards = Cards::shipped().unwrap();
    for name in ["purchase-invioce", "frame"] {
        let error = cards.contains(name).unwrap_err().to_string();
        assert!(
            error.contains(name) && error.contains("purchase-invoice"),
            "{error}"
        );
    }
}

use serde_json::{Value, json};
use signalbox_core::{EffectKey, Marker, Record};

use super::Cards;

fn record(fields: Value) -> Record {
    match fields {
        Value::Object(record) => record,
        other => panic!("{other} is no record"),
    }
}

fn invoice() -> Record {
    let fields = r#"{"number":"PPI-1","vendorName":"Nord \"&\" [Süd]","totalAmountIncludingTax":1488.10,
        "currencyCode":"EUR","dueDate":"2026-03-29","status":"Open","link":"https://bc.example/?x=1&y=2"}"#;
    serde_json::from_str(fields).unwrap()
}

fn marker() -> Marker {
    Marker::of(&EffectKey::from_stored("post/r/s/PPI-1/Open"))
}

#[test]
fn a_purchase_invoice_card_shows_what_a_person_needs_and_carries_its_marker() {
    let card = Cards::shipped().unwrap();
    let card = card.fill("purchase-invoice", &invoice(), marker()).unwrap();
    assert_eq!(
        card.summary,
        "Purchase invoice PPI-1 from Nord \"&\" [Süd]: 1,488.10 EUR"
    );
    assert_eq!(card.content["body"][1]["text"], "Nord \"&\" \\[Süd\\]");
    let facts = json!([
        { "title": "Amount", "value": "1,488.10 EUR" },
        { "title": "Due", "value": "2026-03-29" },
        { "title": "Status", "value": "Open" }
    ]);
    assert_eq!(card.content["body"][2]["facts"], facts);
    assert_eq!(card.content["body"][3]["id"], marker().to_string());
    assert_eq!(
        card.content["actions"][0]["url"],
        "https://bc.example/?x=1&y=2"
    );
}

#[test]
fn a_record_with_nothing_but_a_number_still_makes_a_card() {
    let sparse = record(json!({ "number": "PPI-2" }));
    let card = Cards::shipped().unwrap();
    let card = card.fill("purchase-invoice", &sparse, marker()).unwrap();
    assert_eq!(card.content["actions"], Value::Null);
}

#[test]
fn an_unknown_card_is_refused_with_the_names_of_those_that_exist() {
    let cards = Cards::shipped().unwrap();
    let error = cards.contains("purchase-invioce").unwrap_err().to_string();
    assert!(
        error.contains("purchase-invioce") && error.contains("purchase-invoice"),
        "{error}"
    );
}

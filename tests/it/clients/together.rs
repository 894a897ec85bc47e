//! Several records in one request: by a filter where ids address them, by a `$batch` where texts do.

use std::sync::Arc;

use serde_json::{Value, json};
use signalbox_core::Record;
use signalbox_microsoft::{
    AskedFor, BusinessCentral, CompanyKey, Entities, EntitySet, Errand, Error, Intent, RecordKeys,
};
use signalbox_sim::{DEFAULT_COMPANY_ID, NewInvoice};
use uuid::Uuid;

use super::{
    Rig,
    canned::{Canned, whole},
};

const COMPANY: CompanyKey<'static> = CompanyKey {
    id: DEFAULT_COMPANY_ID,
    name: "CRONUS USA, Inc.",
};

fn invoices() -> Arc<EntitySet> {
    let shipped = Entities::shipped(false);
    Arc::clone(shipped.get("purchaseInvoices").unwrap())
}

async fn records(client: &BusinessCentral, keys: &[&str]) -> Result<Vec<AskedFor>, Error> {
    let set = invoices();
    let keys = RecordKeys {
        company: COMPANY,
        keys,
    };
    let asked = client.records(&set, keys, Intent::ReadOnly, Errand::default());
    asked.await
}

/// The number of each record; blank if it is gone.
fn numbers(asked: Vec<AskedFor>) -> Vec<String> {
    let number = |record: Option<Record>| match record {
        Some(record) => record["number"].as_str().unwrap().to_owned(),
        None => String::new(),
    };
    asked.into_iter().map(|one| number(one.unwrap())).collect()
}

#[tokio::test]
async fn records_come_in_the_order_of_their_ids_each_as_if_it_were_read_alone() {
    let rig = Rig::start().await;
    let new = NewInvoice {
        lines: Some(3),
        ..NewInvoice::default()
    };
    let posted: Vec<_> = (0..3)
        .map(|_| rig.sim.post_new_purchase_invoice(&new).unwrap())
        .collect();
    let client = rig.business_central();
    let gone = Uuid::from_u128(7).to_string();
    let [first, second, third] = [0, 1, 2].map(|n: usize| posted[n].id.to_string());
    let spelled = second.to_uppercase();
    let keys = [third.as_str(), &gone, &first, &spelled, &third];
    let before = rig.sim.requests().len();
    let asked = records(&client, &keys).await.unwrap();
    assert_eq!(
        rig.sim.requests().len(),
        before + 2,
        "a token and a listing"
    );
    let lines = asked[0].as_ref().unwrap().as_ref().unwrap();
    assert_eq!(lines["lineCount"], 3);
    let [first, second, third] = [0, 1, 2].map(|n: usize| posted[n].number.clone());
    let expected = [third.clone(), String::new(), first, second, third];
    assert_eq!(numbers(asked), expected);
}

#[tokio::test]
async fn as_many_ids_go_together_as_have_room_in_a_url_and_a_hundred_at_most() {
    let rig = Rig::start().await;
    let client = rig.business_central();
    let mut set = EntitySet::clone(&invoices());
    let id = Uuid::nil().to_string();
    assert_eq!(client.most_together(&set, COMPANY, &id), 100);
    set.select = (0..250).map(|n| format!("aRatherLongField{n}")).collect();
    let most = client.most_together(&set, COMPANY, &id);
    assert!((1..100).contains(&most), "{most}");
    set.select = (0..1000).map(|n| format!("aRatherLongField{n}")).collect();
    assert_eq!(client.most_together(&set, COMPANY, &id), 1);
    assert_eq!(client.most_together(&set, COMPANY, "O'Hara"), 100);
}

fn batch(responses: &Value) -> super::canned::Answer {
    let body = json!({ "responses": responses }).to_string();
    Box::new(move |head| {
        assert!(
            head.starts_with("post ") && head.contains("/$batch"),
            "{head}"
        );
        whole("200 OK", "content-type: application/json\r\n", &body)
    })
}

#[tokio::test]
async fn records_with_texts_for_keys_come_by_a_batch_and_each_has_its_own_status() {
    let rig = Rig::start().await;
    let code = |code: &str| json!({ "error": { "code": code, "message": "…" } });
    let answer = batch(&json!([
        { "id": "1", "status": 404, "headers": {}, "body": code("Internal_RecordNotFound") },
        { "id": 0, "status": 200, "body": { "id": "x", "number": "A*", "status": "In_x0020_Review" } },
        { "id": "2", "status": 404, "body": code("Internal_CompanyNotFound") },
        { "id": "3", "status": 429, "headers": { "Retry-After": "7" } },
        { "id": "4", "status": 504 },
    ]));
    let canned = Canned::start(vec![answer]).await;
    let client = rig.business_central_at(&canned.url, "Production");
    let keys = ["A*", "O'Hara", "C", "D", "E", "F"];
    let asked = records(&client, &keys).await.unwrap();
    let [first, gone, company, throttled, slow, missing] = <[_; 6]>::try_from(asked).unwrap();
    let first = first.unwrap().unwrap();
    assert_eq!(
        (&first["number"], &first["status"]),
        (&json!("A*"), &json!("In Review"))
    );
    assert_eq!(gone.unwrap(), None);
    assert!(company.unwrap_err().is_connection_fault());
    assert!(throttled.unwrap_err().retry_after().is_some());
    assert!(slow.unwrap_err().asks_to_split());
    assert!(matches!(missing, Err(Error::Garbled { .. })), "{missing:?}");
}

#[tokio::test]
async fn one_key_that_is_a_text_makes_the_request_a_batch_which_the_service_takes() {
    let rig = Rig::start().await;
    let new = NewInvoice::default();
    let posted = rig.sim.post_new_purchase_invoice(&new).unwrap();
    let (id, client) = (posted.id.to_string(), rig.business_central());
    let asked = records(&client, &["nobody's", &id]).await.unwrap();
    assert_eq!(numbers(asked), [String::new(), posted.number]);
    let requests = rig.sim.requests();
    let batch = requests
        .iter()
        .find(|request| request.path.ends_with("/$batch"));
    assert!(batch.unwrap().body.contains("('nobody''s')"), "{batch:?}");
}

#[tokio::test]
async fn a_company_that_is_not_there_is_an_error_of_the_whole_request() {
    let rig = Rig::start().await;
    let client = rig.business_central();
    let nowhere = CompanyKey {
        id: Uuid::nil(),
        name: "",
    };
    let keys = [Uuid::nil(), Uuid::max()].map(|id| id.to_string());
    let keys = [keys[0].as_str(), &keys[1]];
    let set = invoices();
    let keys = RecordKeys {
        company: nowhere,
        keys: &keys,
    };
    let asked = client.records(&set, keys, Intent::ReadOnly, Errand::default());
    let error = asked.await.unwrap_err();
    assert_eq!(error.code(), Some("Internal_CompanyNotFound"));
}

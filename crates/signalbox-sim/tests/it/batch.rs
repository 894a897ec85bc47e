//! Reads sent together, and the memory of what readers were shown.

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use signalbox_sim::{
    DEFAULT_COMPANY_ID, Fault, FaultKind, NewInvoice, RecordChange, RetryAfter, SimConfig,
};

use crate::client::{BC, BOT, Client};

async fn batch(client: &Client, urls: &[String]) -> (StatusCode, Value) {
    let operation = |(id, url): (usize, &String)| {
        json!({ "id": id.to_string(), "method": "GET",
            "url": format!("companies({DEFAULT_COMPANY_ID})/{url}") })
    };
    let requests: Vec<Value> = urls.iter().enumerate().map(operation).collect();
    let body = json!({ "requests": requests });
    let answer = client
        .bc(Method::POST, "$batch")
        .json(&body)
        .send()
        .await
        .unwrap();
    (answer.status(), answer.json().await.unwrap())
}

#[tokio::test]
async fn a_batch_answers_every_read_with_a_status_of_its_own() {
    let client = Client::start(SimConfig::default(), BC).await;
    let item = client
        .sim
        .create_record(&RecordChange::of("items"))
        .unwrap();
    let missing = "items(00000000-0000-0000-0000-000000000009)".to_owned();
    let urls = [
        format!("items({})?$select=number", item.id),
        missing,
        "shoes".into(),
    ];
    let before = client.sim.request_count();
    let (status, answers) = batch(&client, &urls).await;
    assert_eq!(status, StatusCode::OK);
    let responses = answers["responses"].as_array().unwrap();
    let statuses: Vec<_> = responses
        .iter()
        .map(|it| it["status"].as_u64().unwrap())
        .collect();
    assert_eq!(statuses, [200, 404, 404]);
    assert_eq!(responses[0]["id"], "0");
    assert_eq!(responses[0]["body"]["number"], item.number.as_str());
    assert_eq!(
        responses[1]["body"]["error"]["code"],
        "BadRequest_ResourceNotFound"
    );
    // On the wire it is one request; the record has its reads one by one.
    assert_eq!(client.sim.request_count(), before + 1);
    let recorded = client.sim.requests();
    let outer = recorded
        .iter()
        .find(|it| it.target.as_str() == "bc.batch")
        .unwrap();
    let inner = recorded.iter().filter(|it| it.batch == Some(outer.seq));
    let inner: Vec<_> = inner
        .map(|it| (it.path.contains("/items"), it.status))
        .collect();
    assert_eq!(
        inner,
        [(true, Some(200)), (true, Some(404)), (false, Some(404))]
    );
}

#[tokio::test]
async fn a_batch_holds_a_hundred_operations_and_only_reads() {
    let client = Client::start(SimConfig::default(), BC).await;
    let urls = vec!["items".to_owned(); 101];
    assert_eq!(batch(&client, &urls[..100]).await.0, StatusCode::OK);
    assert_eq!(batch(&client, &urls).await.0, StatusCode::BAD_REQUEST);
    let body = json!({ "requests": [{ "id": "1", "method": "DELETE", "url": "companies" }] });
    let answer = client
        .bc(Method::POST, "$batch")
        .json(&body)
        .send()
        .await
        .unwrap();
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer["responses"][0]["status"], 405);
}

#[tokio::test]
async fn a_fault_on_reads_befalls_one_operation_of_a_batch() {
    let client = Client::start(SimConfig::default(), BC).await;
    let fault = FaultKind::Throttle(RetryAfter::Secs(1));
    client.sim.add_fault(Fault::on("bc.read", fault).times(1));
    client
        .sim
        .add_fault(Fault::on("bc.read", FaultKind::Reset).times(1));
    let urls = ["items".to_owned(), "vendors".into(), "customers".into()];
    let (status, answers) = batch(&client, &urls).await;
    assert_eq!(status, StatusCode::OK);
    let responses = answers["responses"].as_array().unwrap();
    let statuses: Vec<_> = responses
        .iter()
        .map(|it| it["status"].as_u64().unwrap())
        .collect();
    assert_eq!(statuses, [429, 503, 200]);
    assert_eq!(responses[0]["headers"]["retry-after"], "1");
}

#[tokio::test]
async fn what_was_shown_is_remembered_once_per_version_with_the_fields_that_were_shown() {
    let client = Client::start(SimConfig::default(), BC).await;
    let draft = client
        .sim
        .create_record(&RecordChange::of("salesInvoices"))
        .unwrap();
    let path = format!("salesInvoices({})", draft.id);
    client.read_json("salesInvoices?$select=id").await;
    assert!(
        client.sim.sightings().is_empty(),
        "a sweep of ids shows no values"
    );
    client.read_json("salesInvoices?$select=number").await;
    client.read_json(&path).await;
    let posted = client
        .sim
        .post_sales_invoice(&RecordChange::default().id(draft.id))
        .unwrap();
    batch(&client, &[format!("{path}?$select=number,status")]).await;
    let sightings = client.sim.sightings();
    let shown: Vec<_> = sightings
        .iter()
        .map(|it| {
            (
                it.version,
                it.times,
                it.fields["number"].as_str(),
                it.fields["status"].as_str(),
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            (draft.version, 2, draft.number.as_str(), "Draft"),
            (posted.version, 1, posted.number.as_str(), "Open"),
        ]
    );
    assert_eq!(sightings[0].record, draft.id.to_string());
    assert_eq!(
        (sightings[0].set.as_str(), sightings[0].company),
        ("salesInvoices", draft.company)
    );
    assert!(!sightings[1].fields.contains_key("remainingAmount"));
}

#[tokio::test]
async fn the_memory_of_sightings_is_bounded() {
    let config = SimConfig {
        sightings_kept: 5,
        ..SimConfig::default()
    };
    let client = Client::start(config, BC).await;
    client
        .sim
        .seed_records(&RecordChange::of("vendors"), 9)
        .unwrap();
    client.read_json("vendors").await;
    assert_eq!(client.sim.sightings().len(), 5);
}

#[tokio::test]
async fn a_card_about_another_set_is_counted_and_not_judged() {
    let erp = Client::start(SimConfig::default(), BC).await;
    let bot = Client::of(erp.sim.clone(), BOT).await;
    let posted = erp
        .sim
        .post_new_purchase_invoice(&NewInvoice::default())
        .unwrap();
    let post = async |text: String| {
        let answer = bot
            .post_card(&bot.channel("Approvals"), &text)
            .send()
            .await
            .unwrap();
        assert!(answer.status().is_success());
    };
    post("Vendor V00010 is Open".into()).await;
    let verdict = erp.sim.verdict();
    assert_eq!((verdict.unexpected.count, verdict.other_cards), (1, 0));
    erp.sim.create_record(&RecordChange::of("vendors")).unwrap();
    post("Vendor V00010 is Open".into()).await;
    post(format!("Invoice {} is Open", posted.number)).await;
    let verdict = erp.sim.verdict();
    assert_eq!((verdict.unexpected.count, verdict.other_cards), (1, 1));
    assert_eq!((verdict.delivered, verdict.lost.count), (1, 0));
}

#[tokio::test]
async fn each_read_of_a_batch_says_for_itself_whether_a_replica_will_do() {
    let client = Client::start(SimConfig::default(), BC).await;
    let item = client
        .sim
        .create_record(&RecordChange::of("items"))
        .unwrap();
    let lag = FaultKind::StaleRead(Duration::from_secs(60));
    client.sim.add_fault(Fault::on("bc.read", lag));
    let url = format!("companies({DEFAULT_COMPANY_ID})/items({})", item.id);
    let body = json!({ "requests": [
        { "id": "replica", "method": "GET", "url": url },
        { "id": "primary", "method": "GET", "url": url,
            "headers": { "Data-Access-Intent": "ReadWrite" } },
    ] });
    let answer = client.bc(Method::POST, "$batch").json(&body);
    let answer: Value = answer.send().await.unwrap().json().await.unwrap();
    let statuses = [0, 1].map(|place| answer["responses"][place]["status"].clone());
    assert_eq!(statuses, [json!(404), json!(200)]);
}

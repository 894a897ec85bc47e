//! Whom cards mention: roles of a route become names and addresses, and nobody who is unknown keeps a card back.

use std::time::Duration;

use harness::{App, Setting, route};
use serde_json::{Value, json};
use signalbox_core::{CatchUpPurpose, Payload, Person, Post, StepWord};
use signalbox_queue::{JobState, protocol};
use signalbox_sim::{Fault, FaultKind, Made, RecordChange, RetryAfter};

use super::{delivered, looks::Looking};

/// An app whose only route mentions these.
async fn mentioning(roles: &str) -> App {
    let route = route("invoices", "Approvals", &format!("mention = [{roles}]"));
    App::with(Setting::routes(&[&route])).await
}

fn invoice(app: &App, fields: Value) -> Made {
    let change = RecordChange::of("purchaseInvoices").fields(fields);
    app.sim.create_record(&change.posted()).unwrap()
}

fn record(app: &App, set: &str, fields: Value) -> Made {
    let change = RecordChange::of(set).fields(fields).silent();
    app.sim.create_record(&change).unwrap()
}

/// How often a set was asked for.
fn asked(app: &App, set: &str) -> usize {
    let requests = app.sim.requests().into_iter();
    let ours = requests.filter(|request| {
        let last = request.path.rsplit('/').next().unwrap_or_default();
        last.split('(').next() == Some(set)
    });
    ours.count()
}

/// The post of `invoice`, which is kept from being made.
async fn post_of(app: &mut App, invoice: &Made) -> Post {
    app.expected.undelivered = 1;
    app.post_job("invoices", &invoice.number, "Open", JobState::Ready)
        .await;
    app.stop_worker().await;
    let root = app.sink_root();
    app.queue.resume_lane(&root, &root).await.unwrap();
    let period = Duration::from_secs(60);
    let leased = protocol::fetch(&app.queue, &Post::QUEUE, period, 1).await;
    let leased = leased.unwrap().remove(0);
    let payload = protocol::payload(&app.queue, &leased).unwrap();
    serde_json::from_str(&payload).unwrap()
}

async fn keep_posts_back(app: &App) {
    let root = app.sink_root();
    let paused = app.queue.pause_lane(&root, &root, "to look at them").await;
    paused.unwrap();
}

fn person(role: &str, name: &str, email: &str) -> Person {
    Person {
        role: role.to_owned(),
        name: name.to_owned(),
        email: email.to_owned(),
    }
}

/// What the trail says of mentions, once it does.
async fn told(app: &App, invoice: &Made) -> String {
    app.until("the mention is told", async || {
        let story = app.queue.story(&invoice.number).await.ok()?;
        let mut mentions = story.into_iter().filter(|step| {
            let of_a_route = step.word == StepWord::Read && step.route.is_some();
            of_a_route && step.detail.contains("mention")
        });
        mentions.next().map(|step| step.detail)
    })
    .await
}

#[tokio::test]
async fn roles_become_names_and_addresses_for_the_card() {
    let mut app = mentioning(r#""purchaser", "vendor-contact", "cfo@contoso.example""#).await;
    keep_posts_back(&app).await;
    let purchaser = json!({ "code": "RB", "displayName": "Rana Bakkali",
        "email": "rana@contoso.example" });
    record(&app, "salespeoplePurchasers", purchaser);
    let of_vendor = json!({ "number": "CT1", "displayName": "Jule Petersen", "type": "Person",
        "email": "jule@nordlicht.example" });
    record(&app, "contacts", of_vendor);
    let vendor = json!({ "displayName": "Nordlicht", "email": "office@nordlicht.example",
        "contactsInformation": [{ "contactNumber": "CT1" }] });
    let vendor = record(&app, "vendors", vendor);
    let invoice = invoice(&app, json!({ "purchaser": "rb", "vendorId": vendor.id }));
    let post = post_of(&mut app, &invoice).await;
    let expected = [
        person("purchaser", "Rana Bakkali", "rana@contoso.example"),
        person("vendor-contact", "Jule Petersen", "jule@nordlicht.example"),
        person("address", "", "cfo@contoso.example"),
    ];
    assert_eq!(post.people, expected);
    assert_eq!(post.fields["purchaserName"], "Rana Bakkali");
    assert_eq!(post.fields["vendorContactName"], "Jule Petersen");
    assert_eq!(post.fields.get("addressName"), None);
    let told = told(&app, &invoice).await;
    assert_eq!(told, "mentions purchaser, vendor-contact, address");
}

#[tokio::test]
async fn a_vendor_without_contacts_is_written_to_at_its_own_address() {
    let mut app = mentioning(r#""vendor-contact""#).await;
    keep_posts_back(&app).await;
    let vendor = json!({ "displayName": "Nordlicht", "email": "office@nordlicht.example" });
    let vendor = record(&app, "vendors", vendor);
    let invoice = invoice(&app, json!({ "vendorId": vendor.id }));
    let post = post_of(&mut app, &invoice).await;
    let expected = [person(
        "vendor-contact",
        "Nordlicht",
        "office@nordlicht.example",
    )];
    assert_eq!(post.people, expected);
}

#[tokio::test]
async fn a_card_goes_out_without_whom_nobody_knows_and_each_code_is_asked_for_once() {
    let app = mentioning(r#""purchaser", "employee""#).await;
    let known = json!({ "code": "RB", "displayName": "Rana", "email": "rana@contoso.example" });
    record(&app, "salespeoplePurchasers", known);
    for (code, asked_until_now) in [("XX", 1), ("XX", 1), ("RB", 1), ("YY", 2), ("YY", 2)] {
        let invoice = invoice(&app, json!({ "purchaser": code }));
        delivered(&app).await;
        let told = told(&app, &invoice).await;
        let expected = match code {
            "RB" => "mentions purchaser".to_owned(),
            code => format!("nobody is mentioned as purchaser: Business Central knows no `{code}`"),
        };
        let employee = "nobody is mentioned as employee: the record is no employee";
        assert_eq!(told, format!("{expected}; {employee}"));
        assert_eq!(asked(&app, "salespeoplePurchasers"), asked_until_now);
    }
    assert_eq!(app.sim.effect_count(), 5);
}

#[tokio::test]
async fn what_a_look_at_the_whole_set_finds_mentions_the_same_people() {
    let mut app = mentioning(r#""purchaser""#).await;
    keep_posts_back(&app).await;
    let known = json!({ "code": "RB", "displayName": "Rana", "email": "rana@contoso.example" });
    record(&app, "salespeoplePurchasers", known);
    let change = RecordChange::of("purchaseInvoices").fields(json!({ "purchaser": "RB" }));
    let invoice = app.sim.create_record(&change.posted().silent()).unwrap();
    let everything = CatchUpPurpose::Missed { since: None };
    Looking::at(&app).ask(everything).await;
    assert_eq!(
        told(&app, &invoice).await,
        "found by a catch-up; mentions purchaser"
    );
    let post = post_of(&mut app, &invoice).await;
    let expected = [person("purchaser", "Rana", "rana@contoso.example")];
    assert_eq!(post.people, expected);
}

#[tokio::test]
async fn nobody_is_looked_up_whom_no_route_mentions() {
    let app = App::start().await;
    invoice(&app, json!({ "purchaser": "RB" }));
    delivered(&app).await;
    for set in ["salespeoplePurchasers", "vendors", "contacts"] {
        assert_eq!(asked(&app, set), 0);
    }
}

#[tokio::test]
async fn people_whom_the_application_may_not_see_keep_no_card_back() {
    let app = mentioning(r#""purchaser""#).await;
    let hidden = FaultKind::Status(403, RetryAfter::Absent);
    app.sim
        .add_fault(Fault::on("bc.read", hidden).only("salespeoplePurchasers"));
    for _ in 0..2 {
        let invoice = invoice(&app, json!({ "purchaser": "RB" }));
        delivered(&app).await;
        let told = told(&app, &invoice).await;
        assert!(
            told.starts_with("nobody is mentioned as purchaser"),
            "{told}"
        );
    }
    assert_eq!(asked(&app, "salespeoplePurchasers"), 1);
}

#[tokio::test]
async fn a_service_that_cannot_be_asked_for_people_now_is_asked_again_before_the_card_goes_out() {
    let app = mentioning(r#""purchaser""#).await;
    let known = json!({ "code": "RB", "displayName": "Rana", "email": "rana@contoso.example" });
    record(&app, "salespeoplePurchasers", known);
    let trouble = FaultKind::Status(503, RetryAfter::Absent);
    let trouble = Fault::on("bc.read", trouble).only("salespeoplePurchasers");
    app.sim.add_fault(trouble.times(2));
    let invoice = invoice(&app, json!({ "purchaser": "RB" }));
    delivered(&app).await;
    assert_eq!(told(&app, &invoice).await, "mentions purchaser");
}

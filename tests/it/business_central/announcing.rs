//! What becomes a card, where, and how often.

use harness::{App, Setting, fact, link, route, title};
use signalbox_queue::JobState;
use signalbox_sim::NewInvoice;

use super::{delivered, notified, post, which};

#[tokio::test]
async fn a_posted_purchase_invoice_becomes_one_card_with_everything_a_person_needs() {
    let app = App::start().await;
    let new = NewInvoice {
        vendor: Some("Quai *Lumière* [SARL]".to_owned()),
        amount: Some(1250.5),
        currency: Some("EUR".to_owned()),
        ..NewInvoice::default()
    };
    let posted = app.sim.post_new_purchase_invoice(&new).unwrap();
    delivered(&app).await;
    let effects = app.sim.effects();
    assert_eq!(effects.len(), 1);
    let effect = &effects[0];
    assert_eq!(effect.channel_name, "Approvals");
    assert_eq!(effect.text, None);
    assert_eq!(title(effect), format!("Purchase invoice {}", posted.number));
    let card = effect.card.as_ref().unwrap();
    assert_eq!(card["body"][1]["text"], "Quai \\*Lumière\\* \\[SARL\\]");
    assert_eq!(fact(effect, "Amount").unwrap(), "1,488.10 EUR");
    assert_eq!(fact(effect, "Status").unwrap(), "Open");
    assert_eq!(fact(effect, "Due").unwrap().len(), "2026-03-02".len());
    let link = link(effect).unwrap();
    assert!(link.contains(&posted.number), "{link}");
    let reference = card["body"][3]["text"].as_str().unwrap();
    assert!(
        reference.starts_with("Ref ") && reference.len() == 10,
        "{reference}"
    );
}

#[tokio::test]
async fn a_payment_makes_a_second_card_and_a_touch_makes_none() {
    let app = App::start().await;
    let posted = post(&app);
    delivered(&app).await;
    app.sim.touch_purchase_invoice(&which(&posted)).unwrap();
    notified(&app, 2).await;
    let touched = app.read_job(&posted, JobState::Done).await;
    assert_eq!(touched.reason, "already announced");
    app.sim.pay_purchase_invoice(&which(&posted)).unwrap();
    delivered(&app).await;
    let effects = app.sim.effects();
    let statuses: Vec<_> = effects.iter().map(|card| fact(card, "Status")).collect();
    assert_eq!(statuses, [Some("Open".to_owned()), Some("Paid".to_owned())]);
}

#[tokio::test]
async fn a_draft_is_not_announced_until_it_is_posted() {
    let app = App::start().await;
    let draft = app.sim.create_purchase_invoice(&NewInvoice::default());
    let draft = draft.unwrap();
    let read = app.read_job(&draft, JobState::Done).await;
    assert_eq!(read.reason, "draft");
    assert_eq!(app.sim.effect_count(), 0);
    let posted = app.sim.post_purchase_invoice(&which(&draft)).unwrap();
    delivered(&app).await;
    assert_ne!(posted.number, draft.number);
    assert!(title(&app.sim.effects()[0]).ends_with(&posted.number));
}

#[tokio::test]
async fn a_draft_without_a_number_is_a_draft_like_any_other() {
    let app = App::start().await;
    let new = NewInvoice {
        number: Some(String::new()),
        ..NewInvoice::default()
    };
    let draft = app.sim.create_purchase_invoice(&new).unwrap();
    let read = app.read_job(&draft, JobState::Done).await;
    assert_eq!(read.reason, "draft");
}

#[tokio::test]
async fn a_status_that_returns_is_silent_and_the_job_says_so() {
    let app = App::start().await;
    let posted = post(&app);
    delivered(&app).await;
    app.sim.pay_purchase_invoice(&which(&posted)).unwrap();
    delivered(&app).await;
    app.sim.reopen_purchase_invoice(&which(&posted)).unwrap();
    notified(&app, 3).await;
    let read = app.read_job(&posted, JobState::Done).await;
    assert_eq!(read.reason, "already announced");
    assert_eq!(app.sim.effect_count(), 2);
}

#[tokio::test]
async fn a_status_that_no_route_wants_is_silent_and_the_job_says_so() {
    let only_paid = route("paid", "Approvals", "when = \"record.status == 'Paid'\"");
    let mut app = App::with(Setting::routes(&[&only_paid])).await;
    let posted = post(&app);
    let read = app.read_job(&posted, JobState::Done).await;
    assert_eq!(read.reason, "`when` does not hold");
    app.expected.undelivered = 1;
    app.sim.pay_purchase_invoice(&which(&posted)).unwrap();
    assert!(app.sim.wait_for_effects(1, harness::PATIENCE).await);
    assert_eq!(fact(&app.sim.effects()[0], "Status").unwrap(), "Paid");
}

#[tokio::test]
async fn several_routes_announce_the_same_document_once_each_in_their_channels() {
    let routes = [
        route("approvals", "Approvals", ""),
        route("general", "General", ""),
        route(
            "large",
            "General",
            "when = \"record.totalAmountIncludingTax > 1000\"",
        ),
        route("paid", "General", "when = \"record.status == 'Paid'\""),
    ];
    let routes: Vec<&str> = routes.iter().map(String::as_str).collect();
    let mut app = App::with(Setting::routes(&routes)).await;
    let new = NewInvoice {
        amount: Some(900.0),
        ..NewInvoice::default()
    };
    let posted = app.sim.post_new_purchase_invoice(&new).unwrap();
    for name in ["approvals", "general", "large"] {
        let document = &posted.number;
        app.post_job(name, document, "Open", JobState::Done).await;
    }
    let effects = app.sim.effects();
    let mut channels: Vec<_> = effects.iter().map(|card| &*card.channel_name).collect();
    channels.sort_unstable();
    assert_eq!(channels, ["Approvals", "General", "General"]);
    // The cloud expects one card per document and status; these are three routes' own.
    app.expected.duplicates = 2;
}

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
    let card = &effects[0];
    assert_eq!(card.channel_name, "Approvals");
    assert_eq!(card.text, None);
    assert_eq!(title(card), format!("Purchase invoice {}", posted.number));
    assert_eq!(
        card.card.as_ref().unwrap()["body"][1]["text"],
        "Quai \\*Lumière\\* \\[SARL\\]"
    );
    assert_eq!(fact(card, "Amount").unwrap(), "1,488.10 EUR");
    assert_eq!(fact(card, "Status").unwrap(), "Open");
    assert_eq!(fact(card, "Due").unwrap().len(), "2026-03-02".len());
    assert!(
        link(card).unwrap().contains(&posted.number),
        "{:?}",
        link(card)
    );
    let reference = card.card.as_ref().unwrap()["body"][3]["text"]
        .as_str()
        .unwrap();
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
    let statuses: Vec<_> = app
        .sim
        .effects()
        .iter()
        .map(|card| fact(card, "Status"))
        .collect();
    assert_eq!(statuses, [Some("Open".to_owned()), Some("Paid".to_owned())]);
}

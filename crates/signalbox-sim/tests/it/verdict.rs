use signalbox_sim::{Fault, FaultKind, NewInvoice, SimConfig, Traffic, Which};

use crate::client::{BC, BOT, Client, Hook, PATIENCE};

#[tokio::test]
async fn a_delivery_is_measured_from_its_notification() {
    let erp = Client::start(SimConfig::at_scale(0.001), BC).await;
    let bot = Client::of(erp.sim.clone(), BOT).await;
    erp.subscribed(&Hook::start().await).await;
    let posted = erp
        .sim
        .post_new_purchase_invoice(&NewInvoice::default())
        .unwrap();
    assert!(
        erp.sim
            .wait_until(|sim| !sim.notifications().is_empty(), PATIENCE)
            .await
    );
    assert_eq!(erp.sim.verdict().lost.count, 1);
    let text = format!("Invoice {} is Open", posted.number);
    bot.post_card(&bot.channel("Approvals"), &text)
        .send()
        .await
        .unwrap();
    assert!(erp.sim.wait_until_delivered(PATIENCE).await);
    let verdict = erp.sim.verdict();
    assert_eq!(
        (verdict.expected, verdict.delivered, verdict.lost.count),
        (1, 1, 0)
    );
    assert_eq!(verdict.latency.count, 1);
    bot.post_card(&bot.channel("Approvals"), &text)
        .send()
        .await
        .unwrap();
    assert_eq!(erp.sim.verdict().duplicates.count, 1);
}

#[tokio::test]
async fn a_status_that_was_never_readable_is_unseen_and_one_that_was_is_lost() {
    let client = Client::start(SimConfig::default(), BC).await;
    let hidden = client
        .sim
        .post_new_purchase_invoice(&NewInvoice::default())
        .unwrap();
    let seen = client
        .sim
        .post_new_purchase_invoice(&NewInvoice::default())
        .unwrap();
    client
        .read_json(&format!("purchaseInvoices({})", seen.id))
        .await;
    for id in [hidden.id, seen.id] {
        client.sim.pay_purchase_invoice(&Which::id(id)).unwrap();
    }
    let verdict = client.sim.verdict();
    assert_eq!(
        (verdict.expected, verdict.unseen, verdict.lost.count),
        (4, 1, 3)
    );
}

#[tokio::test]
async fn an_answer_that_was_never_sent_shows_nothing() {
    let client = Client::start(SimConfig::default(), BC).await;
    let posted = client
        .sim
        .post_new_purchase_invoice(&NewInvoice::default())
        .unwrap();
    client
        .sim
        .add_fault(Fault::on("bc.read", FaultKind::ResetAfterCommit));
    let path = format!("purchaseInvoices({})", posted.id);
    assert!(client.read(&path).send().await.is_err());
    client
        .sim
        .pay_purchase_invoice(&Which::id(posted.id))
        .unwrap();
    assert_eq!(client.sim.verdict().unseen, 1);
}

#[tokio::test]
async fn seeded_documents_are_not_expected_and_their_payment_is() {
    let client = Client::start(SimConfig::default(), BC).await;
    client
        .sim
        .seed_purchase_invoices(&NewInvoice::default(), 3, 3)
        .unwrap();
    assert_eq!(client.sim.verdict().expected, 0);
    client
        .sim
        .pay_purchase_invoice(&Which::number("PPI-108001"))
        .unwrap();
    assert_eq!(client.sim.verdict().expected, 1);
}

#[tokio::test]
async fn traffic_makes_invoices_for_every_purchaser() {
    let client = Client::start(SimConfig::default(), BC).await;
    let traffic = Traffic {
        rate_per_sec: 2_000.0,
        purchasers: 3,
        ..Traffic::default()
    };
    let traffic = client.sim.start_traffic(traffic);
    assert!(
        client
            .sim
            .wait_until(|sim| sim.verdict().expected >= 100, PATIENCE)
            .await
    );
    traffic.stop();
    let listing = client.read_json("purchaseInvoices?$select=purchaser").await;
    let mut purchasers: Vec<String> = listing["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|invoice| invoice["purchaser"].as_str().unwrap().to_owned())
        .collect();
    purchasers.sort();
    purchasers.dedup();
    assert_eq!(purchasers, ["P01", "P02", "P03"]);
}

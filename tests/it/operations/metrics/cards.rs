//! What is counted on the way of a card.

use harness::until;
use signalbox_sim::{Fault, FaultKind, NewInvoice};

use super::{Scene, scrape};

const CARDS: &str = "signalbox_end_to_end_seconds_count";
const EFFECTS: &str = "signalbox_effects_total";
const ROUTE: [(&str, &str); 1] = [("route", "purchaser-01")];

/// Waits until so many effects came to `outcome`.
async fn counted(scene: &Scene, outcome: &str, count: f64) {
    let labels = [("sink", "teams"), ("outcome", outcome)];
    until("the effect was counted", async || {
        let served = scrape(scene.at_worker).await.unwrap();
        served.value(EFFECTS, &labels) == Some(count)
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_card_is_counted_where_it_comes_by() {
    let scene = Scene::play().await;
    let received = scrape(scene.at_ingress).await.unwrap();
    let taken = [("source", "business-central"), ("result", "taken")];
    assert_eq!(received.value("signalbox_ingress_total", &taken), Some(1.0));
    let count = received.value("signalbox_ingress_seconds_count", &[]);
    assert!(count >= Some(1.0), "{count:?}");
    let worked = scrape(scene.at_worker).await.unwrap();
    let value = |name: &str, labels: &[(&str, &str)]| worked.value(name, labels);
    let confirmed = [("sink", "teams"), ("outcome", "confirmed")];
    assert_eq!(value(EFFECTS, &confirmed), Some(1.0));
    assert_eq!(value(CARDS, &ROUTE), Some(1.0));
    let took = value("signalbox_end_to_end_seconds_sum", &ROUTE);
    assert!(took > Some(0.0), "{took:?}");
    let asked = [("connection", "erp"), ("status", "200")];
    assert!(value("signalbox_upstream_requests_total", &asked) >= Some(1.0));
    let lane = [("lane", "nobody%27s")];
    assert_eq!(value("signalbox_lane_broken", &lane), Some(1.0));
    assert!(value("signalbox_gate_closed_seconds", &lane) > Some(0.0));
    let secret = value("signalbox_secret_expiry_seconds", &[("credential", "sim")]);
    assert!(secret > Some(0.0), "{secret:?}");
    scene.end().await;
}

#[tokio::test]
async fn a_card_whose_answer_was_lost_is_counted_as_unknown_and_then_as_found() {
    let scene = Scene::play().await;
    let lost = Fault::on("bot.post", FaultKind::CommitThenTimeout);
    scene.fleet.sim.add_fault(lost.times(1));
    let invoice = NewInvoice {
        purchaser: Some("P01".to_owned()),
        ..NewInvoice::default()
    };
    scene.fleet.sim.post_new_purchase_invoice(&invoice).unwrap();
    counted(&scene, "found", 1.0).await;
    counted(&scene, "unknown", 1.0).await;
    counted(&scene, "confirmed", 1.0).await;
    let served = scrape(scene.at_worker).await.unwrap();
    let timeout = [("connection", "teams"), ("status", "timeout")];
    let timeouts = served.value("signalbox_upstream_requests_total", &timeout);
    assert_eq!(timeouts, Some(1.0));
    assert_eq!(served.value(CARDS, &ROUTE), Some(2.0));
    scene.end().await;
}

#[tokio::test]
async fn a_replay_counts_as_an_effect_and_not_as_the_time_from_its_change() {
    let scene = Scene::play().await;
    let replayed = scene
        .fleet
        .ask("replay --route purchaser-01 --again")
        .await
        .unwrap();
    assert_eq!(replayed.0, 0, "{replayed:?}");
    counted(&scene, "confirmed", 2.0).await;
    let served = scrape(scene.at_worker).await.unwrap();
    assert_eq!(served.value(CARDS, &ROUTE), Some(1.0));
    scene.end().await;
}

//! A worker that dies between intent and receipt: one card.

use std::time::Duration;

use harness::{App, PATIENCE, Setting};
use signalbox_queue::JobState;
use signalbox_sim::{Fault, FaultKind};

use super::{asked_to_post, delivered, post};

/// A line whose worker is soon missed, and whose first request to post goes wrong like this.
async fn soon_missed(kind: FaultKind) -> App {
    let setting = Setting {
        lease_secs: 1,
        ..Setting::default()
    };
    let app = App::with(setting).await;
    app.sim.add_fault(Fault::on("bot.post", kind).times(1));
    app
}

#[tokio::test]
async fn a_worker_killed_after_its_card_was_posted_leaves_one_card() {
    let mut app = soon_missed(FaultKind::CommitThenTimeout).await;
    let posted = post(&app);
    assert!(app.sim.wait_for_effects(1, PATIENCE).await);
    app.kill_worker();
    app.start_worker();
    let done = app
        .post_job("invoices", &posted.number, "Open", JobState::Done)
        .await;
    assert_eq!(done.reason, "announced by an earlier attempt");
    assert_eq!(app.sim.effect_count(), 1);
}

#[tokio::test]
async fn a_worker_killed_before_its_card_was_posted_leaves_one_card() {
    let mut app = soon_missed(FaultKind::Slow(Duration::from_secs(20))).await;
    let posted = post(&app);
    asked_to_post(&app, 1).await;
    app.kill_worker();
    assert_eq!(app.sim.effect_count(), 0);
    app.start_worker();
    let done = app
        .post_job("invoices", &posted.number, "Open", JobState::Done)
        .await;
    assert_eq!(done.reason, "announced");
    assert_eq!(app.sim.effect_count(), 1);
}

#[tokio::test]
async fn a_worker_killed_again_and_again_loses_and_doubles_nothing() {
    let setting = Setting {
        lease_secs: 1,
        ..Setting::default()
    };
    let mut app = App::with(setting).await;
    app.expected.early_requests = 4 * 8;
    for _ in 0..4 {
        for _ in 0..10 {
            post(&app);
        }
        let before = app.sim.effect_count();
        app.sim.wait_for_effects(before + 3, PATIENCE).await;
        app.kill_worker();
        app.start_worker();
    }
    delivered(&app).await;
    assert_eq!(app.sim.effect_count(), 40);
}

#[tokio::test]
async fn a_worker_that_is_told_to_stop_gives_back_what_it_has_and_burns_no_attempt() {
    let mut app = App::start().await;
    for _ in 0..10 {
        post(&app);
    }
    asked_to_post(&app, 1).await;
    app.restart_worker().await;
    delivered(&app).await;
    assert_eq!(app.sim.effect_count(), 10);
}

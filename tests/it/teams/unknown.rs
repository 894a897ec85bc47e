//! Requests of which nobody knows what they did: one card, found by looking back or posted again.

use std::time::Duration;

use harness::App;
use signalbox_queue::JobState;
use signalbox_sim::{Fault, FaultKind, RetryAfter, Target};

use super::{delivered, first_post, holding, long_unseen, post};

/// A first request that goes wrong like this; returns what the job says in the end.
async fn outcome(kind: FaultKind) -> (App, String) {
    let app = first_post(kind).await;
    let posted = post(&app);
    let done = app
        .post_job("invoices", &posted.number, "Open", JobState::Done)
        .await;
    assert_eq!(app.sim.effect_count(), 1, "{}", app.standing());
    (app, done.reason)
}

/// The card was posted by the request that went wrong.
async fn is_found(kind: FaultKind) {
    let (app, reason) = outcome(kind).await;
    assert_eq!(reason, "announced by an earlier attempt");
    assert_eq!(app.asked(Target::BotPost), 1);
}

/// The card was not posted by the request that went wrong.
async fn is_posted_again(kind: FaultKind) {
    let (app, reason) = outcome(kind).await;
    assert_eq!(reason, "announced");
    assert_eq!(app.asked(Target::BotPost), 2);
    assert!(app.asked(Target::GraphMessages) >= 1, "nobody looked back");
}

#[tokio::test]
async fn a_post_that_was_committed_but_never_answered_is_found() {
    is_found(FaultKind::CommitThenTimeout).await;
}

#[tokio::test]
async fn a_post_that_was_committed_before_its_connection_broke_is_found() {
    is_found(FaultKind::ResetAfterCommit).await;
}

#[tokio::test]
async fn a_post_that_is_committed_after_its_connection_broke_is_found() {
    is_found(FaultKind::LateCommit(Duration::from_millis(200))).await;
}

#[tokio::test]
async fn a_post_whose_connection_broke_before_it_was_committed_is_posted_again() {
    is_posted_again(FaultKind::Reset).await;
}

#[tokio::test]
async fn a_post_answered_500_is_looked_for_and_posted_again() {
    is_posted_again(FaultKind::Status(500, RetryAfter::Absent)).await;
}

#[tokio::test]
async fn a_post_answered_503_is_looked_for_and_posted_again() {
    is_posted_again(FaultKind::Status(503, RetryAfter::Absent)).await;
}

#[tokio::test]
async fn a_post_answered_with_a_page_of_html_is_looked_for_and_posted_again() {
    is_posted_again(FaultKind::Garbage).await;
}

#[tokio::test]
async fn a_post_answered_412_was_not_made_and_is_posted_again_at_once() {
    let conflict = FaultKind::Status(412, RetryAfter::Absent);
    let (app, reason) = outcome(conflict).await;
    assert_eq!(reason, "announced");
    assert_eq!(app.asked(Target::GraphMessages), 0);
}

#[tokio::test]
async fn a_look_back_that_fails_is_no_proof_that_there_is_no_card() {
    let app = first_post(FaultKind::ResetAfterCommit).await;
    let broken = FaultKind::Status(500, RetryAfter::Absent);
    app.sim
        .add_fault(Fault::on("graph.messages", broken).times(3));
    let posted = post(&app);
    let done = app
        .post_job("invoices", &posted.number, "Open", JobState::Done)
        .await;
    assert_eq!(done.reason, "announced by an earlier attempt");
}

#[tokio::test]
async fn many_posts_that_go_wrong_in_every_way_become_one_card_each() {
    let app = App::with(long_unseen()).await;
    let ways = [
        FaultKind::CommitThenTimeout,
        FaultKind::ResetAfterCommit,
        FaultKind::LateCommit(Duration::from_millis(200)),
        FaultKind::Reset,
        FaultKind::Status(503, RetryAfter::Absent),
    ];
    for (seed, way) in (0..).zip(ways) {
        let fault = Fault::on("bot.post", way).with_probability(0.1, seed);
        app.sim.add_fault(fault);
    }
    for _ in 0..30 {
        post(&app);
    }
    delivered(&app).await;
    app.until_idle().await;
    assert_eq!(app.sim.effect_count(), 30);
}

#[tokio::test]
async fn an_unknown_post_is_held_where_looking_back_has_proved_nothing_and_says_what_to_do() {
    let app = holding().await;
    app.sim
        .add_fault(Fault::on("bot.post", FaultKind::Reset).times(1));
    let posted = post(&app);
    let held = app
        .post_job("invoices", &posted.number, "Open", JobState::Held)
        .await;
    for part in [&*posted.number, "`Approvals`", "`Finance`"] {
        assert!(held.reason.contains(part), "{}", held.reason);
    }
    let release = "`signalbox jobs release --group unknown/invoices`";
    assert!(held.reason.contains(release), "{}", held.reason);
    assert_eq!(app.sim.effect_count(), 0);
    let released = app.queue.release_group("unknown/invoices").await;
    assert_eq!(released.unwrap(), 1);
    delivered(&app).await;
    assert_eq!(app.sim.effect_count(), 1);
}

#[tokio::test]
async fn an_unknown_post_that_a_person_found_is_never_made_again() {
    let mut app = holding().await;
    app.sim
        .add_fault(Fault::on("bot.post", FaultKind::Reset).times(1));
    let posted = post(&app);
    app.post_job("invoices", &posted.number, "Open", JobState::Held)
        .await;
    let seen = app.queue.mark_group_as_seen("unknown/invoices").await;
    assert_eq!(seen.unwrap(), 1);
    let states = app
        .queue
        .effect_states(
            &app.sink_root(),
            &[app.effect("invoices", &posted.number, "Open")],
        )
        .await;
    assert_eq!(states.unwrap(), [signalbox_queue::EffectState::Baseline]);
    app.expected.undelivered = 1;
}

#[tokio::test]
async fn an_unknown_post_is_made_again_where_looking_back_has_found_a_card_of_ours() {
    let app = holding().await;
    post(&app);
    delivered(&app).await;
    app.sim
        .add_fault(Fault::on("bot.post", FaultKind::Reset).times(1));
    post(&app);
    delivered(&app).await;
    assert_eq!(app.sim.effect_count(), 2);
}

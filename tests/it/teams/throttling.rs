//! Throttled posts: one card, not early, no attempt burnt.

use harness::App;
use signalbox_queue::JobState;
use signalbox_sim::{Fault, FaultKind, RetryAfter, Target};

use super::{delivered, first_post, post};

/// A post that is throttled once in this way; returns how long it took to ask again, in milliseconds.
async fn throttled(retry_after: RetryAfter) -> i128 {
    let app = first_post(FaultKind::Throttle(retry_after)).await;
    let posted = post(&app);
    delivered(&app).await;
    let done = app
        .post_job("invoices", &posted.number, "Open", JobState::Done)
        .await;
    // Looked at afterwards: it waits for so short a time that a slow machine would miss it.
    assert_eq!((done.attempt, &*done.reason), (1, "announced"));
    assert_eq!(app.sim.effect_count(), 1);
    let requests = app.sim.requests().into_iter();
    let posts: Vec<_> = requests
        .filter(|one| one.target == Target::BotPost)
        .collect();
    assert_eq!(posts.len(), 2);
    posts[0].at.duration_until(posts[1].at).as_millis()
}

#[tokio::test]
async fn a_post_throttled_for_seconds_becomes_one_card_after_them() {
    assert!(throttled(RetryAfter::Secs(1)).await >= 1000);
}

#[tokio::test]
async fn a_post_throttled_until_a_date_becomes_one_card_after_it() {
    assert!(throttled(RetryAfter::HttpDate(1)).await >= 1000);
}

#[tokio::test]
async fn a_post_throttled_without_a_word_becomes_one_card_after_a_while() {
    // Two and a half seconds at the tests' scale, of which a gate knows whole milliseconds.
    assert!(throttled(RetryAfter::Absent).await >= 4);
}

#[tokio::test]
async fn a_throttled_look_up_of_the_channel_is_waited_for() {
    let app = App::start().await;
    let throttle = FaultKind::Throttle(RetryAfter::Secs(1));
    app.sim
        .add_fault(Fault::on("graph.teams", throttle).times(1));
    post(&app);
    delivered(&app).await;
}

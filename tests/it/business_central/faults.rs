//! Throttled reads, and a Redis that dies in the middle.

use harness::App;
use signalbox_queue::JobState;
use signalbox_sim::{Fault, FaultKind, RetryAfter, Target};

use super::{delivered, post, post_many, story, words};

/// A read that is throttled twice in this way; returns after its card has come.
///
/// The job is looked at afterwards, because it waits for so short a time that a slow machine would miss it.
async fn throttled(retry_after: RetryAfter) -> App {
    let app = App::start().await;
    let fault = FaultKind::Throttle(retry_after);
    app.sim.add_fault(Fault::on("bc.read", fault).times(2));
    let posted = post(&app);
    delivered(&app).await;
    let done = app.read_job(&posted, JobState::Done).await;
    assert_eq!(done.attempt, 1, "an attempt was burnt: {done:?}");
    let told = story(&app, &posted.number, 5).await;
    assert_eq!(
        words(&told),
        ["signal", "waits", "waits", "read", "announced"]
    );
    for waits in &told[1..=2] {
        assert!(waits.detail.contains("wait: it is tried"), "{waits:?}");
    }
    app
}

/// The shortest time between two requests for `target` of which the first was throttled, in milliseconds.
fn shortest_wait(app: &App, target: Target) -> i128 {
    let requests = app.sim.requests();
    let aimed: Vec<_> = requests
        .iter()
        .filter(|request| request.target == target)
        .collect();
    let waits = aimed.windows(2).filter(|pair| pair[0].status == Some(429));
    waits
        .map(|pair| pair[0].at.duration_until(pair[1].at).as_millis())
        .min()
        .unwrap()
}

#[tokio::test]
async fn a_read_throttled_for_seconds_waits_that_long_and_burns_no_attempt() {
    let app = throttled(RetryAfter::Secs(1)).await;
    assert!(shortest_wait(&app, Target::BcRead) >= 1000);
}

#[tokio::test]
async fn a_read_throttled_until_a_date_waits_until_then_and_burns_no_attempt() {
    let app = throttled(RetryAfter::HttpDate(1)).await;
    assert!(shortest_wait(&app, Target::BcRead) >= 1000);
}

#[tokio::test]
async fn a_read_throttled_without_a_word_waits_a_while_and_burns_no_attempt() {
    let app = throttled(RetryAfter::Absent).await;
    // Two and a half seconds at the tests' scale, of which a gate knows whole milliseconds.
    assert!(shortest_wait(&app, Target::BcRead) >= 4);
}

#[tokio::test]
async fn a_redis_that_is_killed_in_the_middle_costs_and_doubles_nothing() {
    let mut app = App::start().await;
    for _ in 0..3 {
        post_many(&app, 10);
        app.sim
            .wait_for_effects(app.sim.effect_count() + 1, harness::PATIENCE)
            .await;
        app.redis.kill_and_restart();
    }
    delivered(&app).await;
    assert_eq!(app.sim.effect_count(), 30);
}

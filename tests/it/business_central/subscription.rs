//! The life of our subscription in Business Central.

use std::time::Duration;

use harness::{App, PATIENCE, Setting};
use signalbox_sim::{Fault, FaultKind, SimHandle, Target};

use super::{delivered, notified, post, subscription};

/// A line whose subscriptions live for `life`, whatever the scale.
fn living_for(life: Duration) -> Setting {
    let mut setting = Setting::default();
    setting.cloud.subscription_life = life.div_f64(setting.cloud.time_scale);
    setting
}

fn renewals(sim: &SimHandle) -> usize {
    let requests = sim.requests().into_iter();
    let renewed = requests.filter(|request| {
        request.target == Target::BcSubscriptions
            && request.method == "PATCH"
            && request.status == Some(200)
    });
    renewed.count()
}

#[tokio::test]
async fn a_subscription_is_renewed_before_it_ends_and_goes_on_with_a_new_clientstate() {
    let app = App::with(living_for(Duration::from_secs(3))).await;
    let first = subscription(&app);
    let outlived = |sim: &SimHandle| renewals(sim) >= 4;
    assert!(app.sim.wait_until(outlived, PATIENCE).await);
    let now = subscription(&app);
    assert_eq!(now["subscriptionId"], first["subscriptionId"]);
    assert_ne!(now["clientState"], first["clientState"]);
    post(&app);
    delivered(&app).await;
    notified(&app, 1).await;
}

#[tokio::test]
async fn a_subscription_that_ended_is_made_again_and_what_it_missed_is_caught_up_with() {
    let mut app = App::with(living_for(Duration::from_secs(3))).await;
    app.expected.refusals = vec![404];
    assert_eq!(app.sim.expire_subscriptions(), 1);
    post(&app);
    delivered(&app).await;
    assert_eq!(app.sim.notifications().len(), 0);
    assert_eq!(app.sim.verdict().missed_while_expired, 1);
    post(&app);
    delivered(&app).await;
    notified(&app, 1).await;
}

#[tokio::test]
async fn what_is_posted_between_the_baseline_and_the_first_subscription_is_announced() {
    let setting = Setting::default();
    let mut app = App::without_worker(setting, |sim| {
        let slow = FaultKind::Slow(Duration::from_millis(500));
        sim.add_fault(Fault::on("bc.subscriptions", slow).times(1));
    })
    .await;
    app.start_worker();
    app.until_active().await;
    assert!(app.sim.subscriptions().is_empty());
    post(&app);
    app.until_ready().await;
    delivered(&app).await;
}

#[tokio::test]
async fn a_subscription_that_cannot_be_made_is_tried_again_until_it_can() {
    let app = App::over(Setting::default(), |sim| {
        let broken = FaultKind::Status(500, signalbox_sim::RetryAfter::Absent);
        sim.add_fault(Fault::on("bc.subscriptions", broken).times(3));
    })
    .await;
    post(&app);
    delivered(&app).await;
}

#[tokio::test]
async fn a_throttled_subscription_waits_as_long_as_it_is_told() {
    let app = App::over(Setting::default(), |sim| {
        let throttle = FaultKind::Throttle(signalbox_sim::RetryAfter::Secs(1));
        sim.add_fault(Fault::on("bc.subscriptions", throttle).times(2));
    })
    .await;
    // That no request came early is checked when the app is dropped.
    post(&app);
    delivered(&app).await;
}

#[tokio::test]
async fn what_is_posted_while_a_subscription_is_made_again_is_announced() {
    let mut app = App::with(living_for(Duration::from_secs(3))).await;
    app.expected.refusals = vec![404];
    app.sim.expire_subscriptions();
    let slow = FaultKind::Slow(Duration::from_millis(600));
    app.sim.add_fault(Fault::on("bc.subscriptions", slow));
    let made_again = |sim: &SimHandle| {
        let requests = sim.requests().into_iter();
        let made =
            requests.filter(|one| one.target == Target::BcSubscriptions && one.method == "POST");
        made.count() == 2
    };
    assert!(app.sim.wait_until(made_again, PATIENCE).await);
    app.sim.clear_faults();
    post(&app);
    delivered(&app).await;
    assert_eq!(app.sim.notifications().len(), 0);
}

#[tokio::test]
async fn a_subscription_whose_answer_was_lost_is_taken_over_and_its_news_is_genuine() {
    let mut app = App::without_worker(Setting::default(), |sim| {
        let lost = FaultKind::CommitThenTimeout;
        let lost = Fault::on("bc.subscriptions", lost).times(1).after(1);
        sim.add_fault(lost);
    })
    .await;
    app.start_worker();
    let made = |sim: &SimHandle| !sim.subscriptions().is_empty();
    assert!(app.sim.wait_until(made, PATIENCE).await);
    app.until_active().await;
    post(&app);
    notified(&app, 1).await;
    delivered(&app).await;
    let taken_over = |sim: &SimHandle| renewals(sim) == 1;
    assert!(app.sim.wait_until(taken_over, PATIENCE).await);
    assert_eq!(app.sim.subscriptions().len(), 1);
    assert_eq!(app.queue.refused().await.unwrap(), []);
}

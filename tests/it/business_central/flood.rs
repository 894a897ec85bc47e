//! More news at once than is likely: it waits for a person, who is told both ways out.

use harness::{App, Setting};
use signalbox_core::{JobId, Resource};
use signalbox_queue::JobState;

use super::{delivered, notified, post, post_many, which};

const MANY: usize = 8;

/// A line that holds more than five documents of one look, and is told of more than three by a collection.
async fn watchful() -> App {
    let mut setting = Setting {
        flood_limit: 5,
        ..Setting::default()
    };
    setting.cloud.collection_threshold = 3;
    App::with(setting).await
}

/// More documents than that, in one look.
async fn flooded() -> (App, Vec<signalbox_sim::Posted>) {
    let app = watchful().await;
    let posted = post_many(&app, MANY);
    notified(&app, 1).await;
    (app, posted)
}

/// What the catch-up of the collection says once it is done.
async fn advice(app: &App) -> String {
    let resource = app.sim.notifications()[0].value[0]["resource"].clone();
    let resource = Resource::parse(resource.as_str().unwrap()).unwrap();
    let window = format!("collection-{}", resource.changed_since().unwrap());
    let id = JobId::catch_up(&app.company_address(), "purchaseInvoices", &window);
    app.job(&app.source_root(), &id, JobState::Done)
        .await
        .reason
}

/// The group in a command of the advice.
fn group(advice: &str, command: &str) -> String {
    let (_, rest) = advice
        .split_once(command)
        .unwrap_or_else(|| panic!("{advice}"));
    rest.split('`').next().unwrap().trim().to_owned()
}

#[tokio::test]
async fn a_flood_is_held_as_a_group_and_announced_when_a_person_says_so() {
    let (app, _) = flooded().await;
    let advice = advice(&app).await;
    assert!(
        advice.contains("flood_limit") && advice.contains("invoices"),
        "{advice}"
    );
    assert_eq!(app.sim.effect_count(), 0);
    let group = group(&advice, "`signalbox jobs release --group ");
    assert_eq!(app.queue.release_group(&group).await.unwrap(), MANY as u64);
    delivered(&app).await;
    assert_eq!(app.sim.effect_count(), MANY as u64);
}

#[tokio::test]
async fn a_flood_that_is_marked_as_seen_is_never_announced() {
    let (mut app, posted) = flooded().await;
    let group = group(&advice(&app).await, "`signalbox jobs seen --group ");
    let seen = app.queue.mark_group_as_seen(&group).await.unwrap();
    assert_eq!(seen, MANY as u64);
    app.expected.undelivered = MANY as u64;
    app.sim.touch_purchase_invoice(&which(&posted[0])).unwrap();
    notified(&app, 2).await;
    let read = app.read_job(&posted[0], JobState::Done).await;
    assert_eq!(read.reason, "known before the route began");
    assert_eq!(app.sim.effect_count(), 0);
    post(&app);
    assert!(app.sim.wait_for_effects(1, harness::PATIENCE).await);
}

#[tokio::test]
async fn as_much_as_the_flood_limit_is_announced_at_once() {
    let app = watchful().await;
    post_many(&app, 5);
    delivered(&app).await;
    assert_eq!(
        app.sim.notifications()[0].value[0]["changeType"],
        "collection"
    );
}

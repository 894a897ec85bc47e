//! From an invoice in Business Central to a card, through ingress, Redis and worker.

mod announcing;
mod batching;
mod beginning;
mod catching_up;
mod checking;
mod credentials;
mod faults;
mod flood;
mod ledger;
mod looks;
mod naming;
mod outage;
mod people;
mod polling;
mod reading;
mod refusals;
mod replaying;
mod schedules;
mod subscribing;
mod subscription;
mod sweeping;
mod telling;
mod whole;

use harness::{App, PATIENCE};
use serde_json::Value;
use signalbox_core::{Step, StepWord};
use signalbox_sim::{NewInvoice, Posted, SimHandle, Which};

/// Posts an invoice as people do.
fn post(app: &App) -> Posted {
    let new = NewInvoice::default();
    app.sim.post_new_purchase_invoice(&new).unwrap()
}

/// Posts `count` invoices.
fn post_many(app: &App, count: usize) -> Vec<Posted> {
    (0..count).map(|_| post(app)).collect()
}

fn which(posted: &Posted) -> Which {
    Which::id(posted.id)
}

/// Waits until everything that ought to be announced is.
async fn delivered(app: &App) {
    let delivered = app.sim.wait_until_delivered(PATIENCE).await;
    assert!(delivered, "not announced; {}", app.standing());
}

/// Waits until so many elements of notifications were taken.
async fn notified(app: &App, elements: usize) {
    let all = |sim: &SimHandle| {
        let taken = sim.notifications().into_iter();
        let taken = taken.filter(|sent| sent.status == Some(200));
        taken.map(|sent| sent.elements).sum::<usize>() >= elements
    };
    let taken = app.sim.wait_until(all, PATIENCE).await;
    assert!(taken, "not notified; {}", app.standing());
}

/// The story of `name`, once it has `count` steps.
async fn story(app: &App, name: &str, count: usize) -> Vec<Step> {
    let what = format!("{name} has {count} steps");
    app.until(&what, async || {
        let story = app.queue.story(name).await.ok()?;
        (story.len() >= count).then_some(story)
    })
    .await
}

fn words(story: &[Step]) -> Vec<String> {
    let told = |step: &Step| match step.word {
        StepWord::NotAnnounced => format!("{}: {}", step.word.as_str(), step.detail),
        word => word.as_str().to_owned(),
    };
    story.iter().map(told).collect()
}

/// The subscription as Business Central holds it.
fn subscription(app: &App) -> Value {
    let all = app.sim.subscriptions();
    all.into_iter().next_back().unwrap()
}

/// Sends `body` to the subscription's own hook, as anybody on the internet can. Returns the status.
async fn send(app: &App, body: impl Into<reqwest::Body>) -> u16 {
    let url = subscription(app)["notificationUrl"]
        .as_str()
        .unwrap()
        .to_owned();
    let sent = harness::client().post(url).body(body).send().await;
    sent.unwrap().status().as_u16()
}

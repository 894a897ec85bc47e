//! What the trail tells of a document, from the notification to the receipt.

use std::time::Duration;

use harness::{App, Setting, route};
use signalbox_core::{Payload, Post, Step, StepWord};
use signalbox_queue::{JobState, protocol};
use signalbox_sim::{Fault, FaultKind, NewInvoice, RetryAfter};

use super::{delivered, notified, post, story, which, words};

#[tokio::test]
async fn the_number_of_an_invoice_leads_to_every_step_from_its_notification_to_its_receipt() {
    let app = App::start().await;
    let posted = post(&app);
    delivered(&app).await;
    let told = story(&app, &posted.number, 3).await;
    assert_eq!(words(&told), ["signal", "read", "announced"]);
    let receipt = &told[2];
    assert!(!receipt.detail.is_empty(), "{receipt:?}");
    assert_eq!(receipt.route.as_ref().unwrap().as_str(), "invoices");
    let record = told[0].record.as_ref().unwrap();
    assert_eq!(record.record, posted.id.to_string());
    app.sim.touch_purchase_invoice(&which(&posted)).unwrap();
    notified(&app, 2).await;
    let told = story(&app, &posted.number, 6).await;
    let again = ["signal", "read", "not_announced: already announced"];
    assert_eq!(words(&told[3..]), again);
}

#[tokio::test]
async fn why_a_document_was_not_announced_is_told_by_route() {
    let routes = [
        route("all", "Approvals", ""),
        route("paid", "General", "when = \"record.status == 'Paid'\""),
    ];
    let routes: Vec<&str> = routes.iter().map(String::as_str).collect();
    let app = App::with(Setting::routes(&routes)).await;
    let draft = app.sim.create_purchase_invoice(&NewInvoice::default());
    let draft = draft.unwrap();
    app.read_job(&draft, JobState::Done).await;
    let told = story(&app, &draft.number, 4).await;
    let silent = "not_announced: draft";
    assert_eq!(words(&told), ["signal", "read", silent, silent]);
    let posted = post(&app);
    let told = story(&app, &posted.number, 4).await;
    let wanted: Vec<&Step> = told.iter().filter(|step| step.route.is_some()).collect();
    for step in wanted {
        let expected = match step.route.as_ref().unwrap().as_str() {
            "paid" => StepWord::NotAnnounced,
            _ => StepWord::Announced,
        };
        assert_eq!(step.word, expected, "{step:?}");
    }
}

#[tokio::test]
async fn a_post_that_waits_and_one_that_dies_tell_their_causes() {
    let mut app = App::start().await;
    app.sim
        .add_fault(Fault::on("bot.post", FaultKind::Throttle(RetryAfter::Secs(1))).times(1));
    let posted = post(&app);
    delivered(&app).await;
    let told = story(&app, &posted.number, 4).await;
    assert_eq!(words(&told), ["signal", "read", "waits", "announced"]);
    assert!(told[2].detail.starts_with("until "), "{:?}", told[2]);
    app.sim
        .add_fault(Fault::on("bot.post", FaultKind::Status(400, RetryAfter::Absent)).times(1));
    app.expected.undelivered = 1;
    app.expected.dead = 1;
    let refused = post(&app);
    let told = story(&app, &refused.number, 3).await;
    assert_eq!(words(&told), ["signal", "read", "dead"]);
    assert!(
        told[2].detail.starts_with("will not succeed"),
        "{:?}",
        told[2]
    );
}

#[tokio::test]
async fn a_post_that_is_dead_because_its_workers_died_tells_it_under_its_number() {
    let setting = Setting {
        lease_secs: 1,
        ..Setting::default()
    };
    let mut app = App::with(setting).await;
    app.expected.undelivered = 1;
    app.expected.dead = 1;
    let slow = FaultKind::Slow(Duration::from_secs(20));
    app.sim.add_fault(Fault::on("bot.post", slow).times(1));
    let posted = post(&app);
    app.post_job("invoices", &posted.number, "Open", JobState::Running)
        .await;
    app.kill_worker();
    // The worker was one death; now it is leased by others that are never heard of again, at last alone.
    let mut deaths = 0;
    while deaths < 4 {
        let leased = protocol::fetch_alone(&app.queue, &Post::QUEUE, Duration::from_millis(300));
        deaths = leased.await.unwrap().map_or(deaths, |leased| leased.deaths);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    app.start_worker();
    let dead = app
        .until("the death is told", async || {
            let story = app.queue.story(&posted.number).await.ok()?;
            story.into_iter().find(|step| step.word == StepWord::Dead)
        })
        .await;
    assert!(dead.detail.contains("worker died"), "{dead:?}");
}

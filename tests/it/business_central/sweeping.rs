//! Sweeps: what was deleted without a word, and what was written without a time, comes to light at night.

use harness::{App, Setting, route};
use jiff::Timestamp;
use signalbox_core::{CatchUpPurpose, StepWord};
use signalbox_sim::{Fault, FaultKind, NewInvoice, Posted, RecordChange, RetryAfter};

use super::{delivered, looks::Looking, post, post_many, story, which};

const GONE: &str = "deleted in the source, found by the sweep";

/// A line in which these invoices were announced, and that is told of nothing from then on.
async fn announced(setting: Setting, count: usize) -> (App, Vec<Posted>) {
    let looking = Looking::start(setting).await;
    let posted = post_many(&looking.app, count);
    delivered(&looking.app).await;
    looking.app.until_idle().await;
    Looking::at(&looking.app).swept().await;
    looking.untold();
    (looking.app, posted)
}

fn delete(app: &App, posted: &Posted) {
    app.sim.delete_purchase_invoice(&which(posted)).unwrap();
}

async fn is_told_gone(app: &App, posted: &Posted) -> bool {
    let story = app.queue.story(&posted.number).await.unwrap();
    story.iter().any(|step| step.detail == GONE)
}

async fn told_gone(app: &App, posted: &Posted) {
    app.until("the trail tells that it is gone", async || {
        is_told_gone(app, posted).await.then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_was_deleted_without_a_word_is_told_by_the_sweep_and_nothing_else_is() {
    let (app, posted) = announced(Setting::default(), 3).await;
    delete(&app, &posted[1]);
    Looking::at(&app).swept().await;
    told_gone(&app, &posted[1]).await;
    let story = story(&app, &posted[1].number, 3).await;
    let gone = story.iter().find(|step| step.detail == GONE).unwrap();
    assert_eq!(gone.word, StepWord::Read);
    let record = gone.record.as_ref().unwrap();
    assert_eq!(record.record, posted[1].id.to_string());
    assert!(!is_told_gone(&app, &posted[0]).await && !is_told_gone(&app, &posted[2]).await);
}

#[tokio::test]
async fn what_was_deleted_before_the_first_sweep_was_counted_by_the_baseline() {
    let setting = Looking::setting(Setting::default());
    let app = App::over(setting, |sim| {
        let new = NewInvoice::default();
        sim.seed_purchase_invoices(&new, 3, 3).unwrap();
    })
    .await;
    let all = app.sim.records(None, "purchaseInvoices");
    let number = all[0]["number"].as_str().unwrap().to_owned();
    let looking = Looking::over(app);
    looking.untold();
    let change = RecordChange::of("purchaseInvoices").number(number.as_str());
    let app = looking.app;
    app.sim.delete_record(&change).unwrap();
    Looking::at(&app).swept().await;
    let story = story(&app, &number, 1).await;
    assert_eq!(story[0].detail, GONE);
}

#[tokio::test]
async fn a_collection_without_a_filter_tells_what_was_deleted_and_announces_what_was_made() {
    let mut setting = Setting::default();
    setting.cloud.collection_threshold = 3;
    let looking = Looking::start(setting).await;
    let app = &looking.app;
    let posted = post_many(app, 2);
    delivered(app).await;
    app.until_idle().await;
    Looking::at(app).swept().await;
    // A deletion among many changes leaves no filter, and names nothing.
    delete(app, &posted[0]);
    post_many(app, 5);
    delivered(app).await;
    told_gone(app, &posted[0]).await;
    let sent = app.sim.notifications();
    let bare = |element: &serde_json::Value| {
        let resource = element["resource"].as_str().unwrap_or_default();
        element["changeType"] == "collection" && !resource.contains("filter")
    };
    assert!(sent.iter().any(|sent| sent.value.iter().any(bare)));
    assert_eq!(app.sim.effect_count(), 7);
}

#[tokio::test]
async fn a_sweep_that_fails_half_way_changes_nothing() {
    let setting = Setting {
        erp: "page_size = 2".to_owned(),
        ..Setting::default()
    };
    let (app, posted) = announced(setting, 5).await;
    let before = Looking::at(&app).mark().await;
    delete(&app, &posted[0]);
    let refused = FaultKind::Status(400, RetryAfter::Absent);
    app.sim
        .add_fault(Fault::on("bc.read", refused).after(1).times(1));
    let failed = Looking::at(&app).swept().await;
    assert_eq!(failed.counted_at, before.counted_at);
    assert_eq!(failed.failures, 1);
    assert!(!is_told_gone(&app, &posted[0]).await);
    Looking::at(&app).swept().await;
    told_gone(&app, &posted[0]).await;
    assert!(!is_told_gone(&app, &posted[4]).await);
}

#[tokio::test]
async fn a_row_that_was_written_without_a_time_is_announced_after_the_sweep() {
    let (app, _) = announced(Setting::default(), 1).await;
    let silent = post(&app);
    let never: Timestamp = "0001-01-01T00:00:00Z".parse().unwrap();
    let change = RecordChange::of("purchaseInvoices").id(silent.id);
    app.sim.backdate_record(&change, never).unwrap();
    Looking::at(&app).polled().await;
    assert_eq!(app.sim.effect_count(), 1);
    Looking::at(&app).swept().await;
    delivered(&app).await;
    assert_eq!(app.sim.effect_count(), 2);
}

#[tokio::test]
async fn more_rows_without_a_time_than_the_flood_limit_are_held_as_a_group() {
    let setting = Setting {
        flood_limit: 3,
        ..Setting::default()
    };
    let (app, _) = announced(setting, 1).await;
    let never: Timestamp = "0001-01-01T00:00:00Z".parse().unwrap();
    for silent in post_many(&app, 5) {
        let change = RecordChange::of("purchaseInvoices").id(silent.id);
        app.sim.backdate_record(&change, never).unwrap();
    }
    Looking::at(&app).swept().await;
    let held = async || {
        let held = app.queue.held_groups().await.ok()?;
        held.into_iter().find(|(_, held)| *held == 5)
    };
    let (group, _) = app.until("the flood is held", held).await;
    assert_eq!(app.sim.effect_count(), 1);
    app.queue.release_group(&group).await.unwrap();
    delivered(&app).await;
}

#[tokio::test]
async fn a_listing_that_lacks_most_of_what_was_known_is_believed_the_second_time() {
    let setting = Setting {
        flood_limit: 3,
        ..Setting::default()
    };
    let (app, posted) = announced(setting, 2).await;
    let more = post_many(&app, 3);
    app.until("everything is found", async || {
        Looking::at(&app).polled().await;
        (app.sim.outstanding() == 0).then_some(())
    })
    .await;
    Looking::at(&app).swept().await;
    for gone in posted.iter().chain(&more) {
        delete(&app, gone);
    }
    let doubted = Looking::at(&app).swept().await;
    assert!(doubted.doubted);
    app.until("the sweep says so", async || {
        let sweep = Looking::at(&app).job(CatchUpPurpose::Sweep).await;
        sweep.reason.contains("not believed yet").then_some(())
    })
    .await;
    assert!(!is_told_gone(&app, &posted[0]).await);
    Looking::at(&app).swept().await;
    for gone in posted.iter().chain(&more) {
        told_gone(&app, gone).await;
    }
}

#[tokio::test]
async fn the_ids_of_a_set_that_no_route_listens_to_any_more_are_forgotten_by_its_sweep() {
    let (mut app, _) = announced(Setting::default(), 3).await;
    let ids = async |app: &App| {
        let ids = app.queue.register("known_ids").list::<String>().await;
        ids.unwrap().len()
    };
    assert!(ids(&app).await > 0);
    let vendors = route("vendors", "Approvals", "when = \"true\"");
    app.setting.routes = vendors.replace("purchaseInvoices", "vendors");
    app.restart_worker().await;
    Looking::at(&app).swept().await;
    app.until("its ids are forgotten", async || {
        (ids(&app).await == 0).then_some(())
    })
    .await;
}

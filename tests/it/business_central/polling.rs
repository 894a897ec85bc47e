//! Polls: what no notification told of is found all the same, once, and nothing is passed over on the way.
//!
//! Polls do not come by themselves within a test unless it says so; each is asked for.

use std::time::Duration;

use harness::{App, PATIENCE, Setting};
use jiff::{SignedDuration, Timestamp};
use signalbox_core::{CatchUpPurpose, Clock, StepWord, SystemClock, Watermark};
use signalbox_queue::JobState;
use signalbox_sim::{Fault, FaultKind, NewInvoice, Posted, RecordChange, RetryAfter, SimHandle};

use super::{delivered, looks::Looking, post, post_many, story};

const SET: &str = "purchaseInvoices";

/// A line that is told of nothing, whose polls look at everything but the last moment.
async fn untold(setting: Setting) -> App {
    let app = Looking::start(setting).await;
    app.untold();
    app.app
}

fn in_pages_of(size: u32) -> Setting {
    Setting {
        erp: format!("poll_lag_secs = 1\npage_size = {size}"),
        ..Setting::default()
    }
}

/// Waits until a poll looks as far as `posted`.
async fn ripe(app: &App, posted: &[Posted]) {
    let newest = posted.iter().map(|one| one.modified).max().unwrap();
    let ripe = newest.checked_add(SignedDuration::from_millis(10)).unwrap();
    app.until("a poll looks so far", async || (now() > ripe).then_some(()))
        .await;
}

/// Polls until everything that ought to be announced is.
async fn polled_until_delivered(app: &App) -> Watermark {
    app.until("everything is found", async || {
        let mark = Looking::at(app).polled().await;
        (app.sim.outstanding() == 0).then_some(mark)
    })
    .await
}

fn change(posted: &Posted) -> RecordChange {
    RecordChange::of(SET).id(posted.id)
}

/// The sizes of the pages that listings asked for, in order.
fn page_sizes(sim: &SimHandle) -> Vec<String> {
    let requests = sim.requests().into_iter();
    let listings = requests.filter(|request| request.path.ends_with(SET));
    let sizes = listings.filter_map(|request| request.headers.get("prefer").cloned());
    sizes.collect()
}

#[tokio::test]
async fn a_change_whose_notification_was_lost_is_found_by_the_poll_and_counted_once() {
    let app = untold(Setting::default()).await;
    let posted = post(&app);
    polled_until_delivered(&app).await;
    let mark = Looking::at(&app).polled().await;
    assert_eq!(mark.found, 1);
    let story = story(&app, &posted.number, 2).await;
    let found = story.iter().find(|step| step.word == StepWord::Read);
    assert_eq!(found.unwrap().detail, "found by a poll");
    assert_eq!(app.sim.effect_count(), 1);
}

#[tokio::test]
async fn what_a_notification_brought_is_not_counted_by_the_poll() {
    let app = Looking::start(Setting::default()).await.app;
    post(&app);
    delivered(&app).await;
    app.until_idle().await;
    let mark = Looking::at(&app).polled().await;
    let later = Looking::at(&app).polled().await;
    assert_eq!(later.found, 0);
    assert!(later.until >= mark.until);
    assert_eq!(app.sim.effect_count(), 1);
}

#[tokio::test]
async fn polls_come_again_and_again_by_themselves() {
    let setting = Setting {
        poll_secs: 60,
        erp: "poll_lag_secs = 1".to_owned(),
        ..Setting::default()
    };
    let app = untold(setting).await;
    for _ in 0..2 {
        post(&app);
        delivered(&app).await;
    }
}

#[tokio::test]
async fn a_row_that_is_committed_late_with_an_older_time_is_found_within_the_overlap() {
    let app = untold(Setting::default()).await;
    let begun = Looking::at(&app).polled().await.until;
    let late = post(&app);
    let stamped = begun.checked_sub(SignedDuration::from_millis(600));
    app.sim
        .backdate_record(&change(&late), stamped.unwrap())
        .unwrap();
    polled_until_delivered(&app).await;
}

#[tokio::test]
async fn a_poll_that_fails_on_the_way_leaves_the_mark_and_the_next_one_finds_everything() {
    let app = untold(in_pages_of(2)).await;
    let before = Looking::at(&app).polled().await;
    post_many(&app, 5);
    let refused = FaultKind::Status(400, RetryAfter::Absent);
    app.sim
        .add_fault(Fault::on("bc.read", refused).after(1).times(1));
    let failed = app
        .until("a poll has failed", async || {
            let mark = Looking::at(&app).polled_or_failed().await;
            (mark.failures > 0).then_some(mark)
        })
        .await;
    assert!(failed.problem.is_some());
    assert!(failed.looks >= before.looks);
    let mark = polled_until_delivered(&app).await;
    assert_eq!((mark.failures, mark.problem), (0, None));
    assert_eq!(app.sim.effect_count(), 5);
}

#[tokio::test]
async fn a_poll_whose_jobs_redis_does_not_take_leaves_the_mark_and_the_next_one_finds_them() {
    let app = untold(Setting::default()).await;
    let before = Looking::at(&app).polled().await;
    let posted = post_many(&app, 3);
    ripe(&app, &posted).await;
    let slow = FaultKind::Slow(Duration::from_millis(500));
    app.sim.add_fault(Fault::on("bc.read", slow).times(1));
    Looking::at(&app).ask(CatchUpPurpose::Poll).await;
    let listing = |sim: &SimHandle| sim.faults().iter().any(|fault| fault.fired == 1);
    assert!(app.sim.wait_until(listing, PATIENCE).await);
    // With the listing under way, Redis goes on reading and refuses to write.
    app.redis.command("CONFIG SET min-replicas-to-write 1");
    let answered = |sim: &SimHandle| {
        let newest = sim.requests().into_iter().next_back();
        newest.is_some_and(|request| request.status == Some(200))
    };
    assert!(app.sim.wait_until(answered, PATIENCE).await);
    // One refusal can be that of a permit or of a heartbeat; what comes again and again is the end of the poll.
    app.until("redis has refused the posts", async || {
        refusals(&app).filter(|count| *count > 5)
    })
    .await;
    app.redis.command("CONFIG SET min-replicas-to-write 0");
    let waits = async || {
        let poll = Looking::at(&app).job(CatchUpPurpose::Poll).await;
        (poll.state == JobState::Scheduled && poll.reason.contains("replicas")).then_some(())
    };
    app.until("the poll has failed", waits).await;
    let mark = Looking::at(&app).mark().await;
    assert_eq!((mark.until, mark.looks), (before.until, before.looks));
    polled_until_delivered(&app).await;
    assert_eq!(app.sim.effect_count(), 3);
}

/// How often Redis has refused a script of ours for want of replicas.
fn refusals(app: &App) -> Option<u64> {
    let stats = app.redis.command("INFO errorstats");
    let (_, rest) = stats.split_once("errorstat_NOREPLICAS:count=")?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

#[tokio::test]
async fn a_page_that_takes_too_long_is_halved_and_the_size_is_remembered() {
    let app = untold(in_pages_of(8)).await;
    let posted = post_many(&app, 20);
    ripe(&app, &posted).await;
    let never = FaultKind::Slow(Duration::from_secs(3600));
    app.sim.add_fault(Fault::on("bc.read", never).times(1));
    let mark = Looking::at(&app).polled().await;
    assert_eq!((mark.page_size, mark.found), (Some(4), 20));
    let before = page_sizes(&app.sim).len();
    Looking::at(&app).polled().await;
    let sizes = page_sizes(&app.sim);
    assert_eq!(sizes[before], "odata.maxpagesize=4");
    delivered(&app).await;
}

#[tokio::test]
async fn a_listing_whose_place_was_forgotten_begins_anew_and_announces_everything_once() {
    let mut app = untold(in_pages_of(2)).await;
    app.expected.refusals = vec![400];
    let posted = post_many(&app, 5);
    ripe(&app, &posted).await;
    app.sim.expire_skip_tokens(1);
    polled_until_delivered(&app).await;
    assert_eq!(app.sim.effect_count(), 5);
}

#[tokio::test]
async fn a_worker_that_dies_between_two_pages_of_a_flood_leaves_one_group_that_the_next_completes()
{
    let setting = Setting {
        flood_limit: 3,
        lease_secs: 2,
        ..in_pages_of(2)
    };
    let mut app = untold(setting).await;
    let posted = post_many(&app, 9);
    ripe(&app, &posted).await;
    // The pages before have made it a flood when the last one does not come.
    let never = FaultKind::Slow(Duration::from_secs(3600));
    app.sim
        .add_fault(Fault::on("bc.read", never).after(4).times(1));
    Looking::at(&app).ask(CatchUpPurpose::Poll).await;
    let begun = async || {
        let held = app.queue.held_groups().await.ok()?;
        held.values().any(|held| *held >= 6).then_some(())
    };
    app.until("most of the flood is held", begun).await;
    app.kill_worker();
    app.sim.clear_faults();
    app.start_worker();
    let whole = async || {
        let held = app.queue.held_groups().await.ok()?;
        (held.len() == 1).then(|| held.into_iter().next())?
    };
    let (group, _) = app
        .until("one group holds everything", async || {
            whole().await.filter(|(_, held)| *held == 9)
        })
        .await;
    assert_eq!(app.sim.effect_count(), 0);
    Looking::at(&app).polled().await;
    assert_eq!(app.queue.release_group(&group).await.unwrap(), 9);
    delivered(&app).await;
}

#[tokio::test]
async fn news_beside_a_flood_that_is_held_is_announced_at_once() {
    let setting = Setting {
        flood_limit: 3,
        ..Setting::default()
    };
    let app = untold(setting).await;
    let posted = post_many(&app, 5);
    ripe(&app, &posted).await;
    let held = async || {
        Looking::at(&app).polled().await;
        let held = app.queue.held_groups().await.ok()?;
        held.into_iter().find(|(_, held)| *held == 5)
    };
    let (group, _) = app.until("the flood is held", held).await;
    post(&app);
    app.until("the news is announced", async || {
        Looking::at(&app).polled().await;
        (app.sim.effect_count() == 1).then_some(())
    })
    .await;
    assert_eq!(app.queue.release_group(&group).await.unwrap(), 5);
    delivered(&app).await;
    assert_eq!(app.sim.effect_count(), 6);
}

#[tokio::test]
async fn polls_begin_where_the_baseline_began_and_announce_nothing_that_was_there() {
    let setting = Looking::setting(Setting::default());
    let app = App::over(setting, |sim| {
        let new = NewInvoice::default();
        sim.seed_purchase_invoices(&new, 20, 3).unwrap();
    })
    .await;
    let mark = Looking::at(&app).polled().await;
    assert!(mark.until <= now());
    Looking::at(&app).polled().await;
    assert_eq!(app.sim.effect_count(), 0);
    assert!(app.queue.held_groups().await.unwrap().is_empty());
    app.until("the next poll has its instant", async || {
        let poll = Looking::at(&app).job(CatchUpPurpose::Poll).await;
        (poll.state == JobState::Scheduled).then_some(())
    })
    .await;
}

fn now() -> Timestamp {
    SystemClock.now()
}

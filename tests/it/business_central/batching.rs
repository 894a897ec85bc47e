//! Changes that wait for one set are read together, and what becomes of one becomes of no other.

use std::time::Duration;

use harness::{App, PATIENCE, Setting, route};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use signalbox_core::{Clock, StepWord, SystemClock};
use signalbox_queue::JobState;
use signalbox_sim::{
    Fault, FaultKind, InvoiceStatus, Posted, RecordChange, RecordedRequest, RetryAfter, SimHandle,
};
use uuid::Uuid;

use super::{delivered, notified, post, post_many, send, story, subscription, which};

/// Requests that name their records by ids in a filter.
fn together(app: &App) -> Vec<RecordedRequest> {
    let requests = app.sim.requests().into_iter();
    let ours = requests.filter(|request| {
        request.path.ends_with("/purchaseInvoices") && request.query.contains("id%20eq%20")
    });
    ours.collect()
}

/// Requests for one record by its key.
fn alone(app: &App) -> Vec<RecordedRequest> {
    let requests = app.sim.requests().into_iter();
    let by_key = |request: &RecordedRequest| {
        request.method == "GET" && request.path.contains("/purchaseInvoices(")
    };
    requests.filter(by_key).collect()
}

/// How many records each request named.
fn sizes(requests: &[RecordedRequest]) -> Vec<usize> {
    let named = |request: &RecordedRequest| request.query.matches("id%20eq%20").count();
    requests.iter().map(named).collect()
}

fn asks_the_main_database(request: &RecordedRequest) -> bool {
    let intent = request.headers.get("data-access-intent");
    intent.is_some_and(|intent| intent == "ReadWrite")
}

/// An app that reads one thing at a time, without a worker yet, in whose queue the news of `count` invoices has waited for a while.
async fn with_backlog(count: usize) -> (App, Vec<Posted>) {
    let setting = Setting {
        reads_at_once: 1,
        attempts: 1000,
        ..Setting::default()
    };
    let mut app = App::with(setting).await;
    app.stop_worker().await;
    let posted = post_many(&app, count);
    waiting(&app, count).await;
    (app, posted)
}

/// Waits until so many notifications are in the queue, and have been for longer than a change that comes alone.
async fn waiting(app: &App, count: usize) {
    notified(app, count).await;
    let since = SystemClock.now();
    let waited = SignedDuration::from_millis(150);
    app.until("the jobs have waited", async || {
        (SystemClock.now().duration_since(since) > waited).then_some(())
    })
    .await;
}

/// Waits until a request for several records is under way.
async fn asked_together(app: &App) {
    let asked = |sim: &SimHandle| {
        let mut requests = sim.requests().into_iter();
        requests.any(|request| request.query.contains("id%20eq%20"))
    };
    let asked = app.sim.wait_until(asked, PATIENCE).await;
    assert!(asked, "nothing was asked; {}", app.standing());
}

/// News of a change of `record`, as Business Central sends it.
async fn tell(app: &App, record: Uuid, changed_at: Timestamp) {
    let (ours, company) = (subscription(app), app.company());
    let news = json!({ "value": [{
        "subscriptionId": ours["subscriptionId"],
        "clientState": ours["clientState"],
        "resource": format!("api/v2.0/companies({company})/purchaseInvoices({record})"),
        "changeType": "updated",
        "lastModifiedDateTime": changed_at.to_string(),
    }] });
    assert_eq!(send(app, news.to_string()).await, 200);
}

#[tokio::test]
async fn two_hundred_and_fifty_changes_of_one_set_are_read_in_three_requests() {
    // Cards would wait for the limits of their channel.
    let silent = route(
        "invoices",
        "Approvals",
        "when = \"record.status == 'Draft'\"",
    );
    let setting = Setting {
        reads_at_once: 1,
        ..Setting::routes(&[&silent])
    };
    let mut app = App::with(setting).await;
    app.expected.undelivered = 250;
    app.stop_worker().await;
    let posted = post_many(&app, 250);
    waiting(&app, 250).await;
    app.start_worker();
    for one in &posted {
        let read = app.read_job(one, JobState::Done).await;
        assert_eq!(read.reason, "`when` does not hold");
    }
    let requests = together(&app);
    assert_eq!(sizes(&requests), [100, 100, 50]);
    assert!(alone(&app).is_empty());
    let longest = requests.iter().map(|request| request.query.len()).max();
    assert!(longest.unwrap() < 8000, "{longest:?}");
}

#[tokio::test]
async fn a_change_that_comes_alone_is_read_by_its_key() {
    let app = App::start().await;
    for _ in 0..3 {
        post(&app);
        delivered(&app).await;
        app.until_idle().await;
    }
    assert_eq!(alone(&app).len(), 3);
    assert!(together(&app).is_empty());
}

#[tokio::test]
async fn each_record_of_a_batch_has_its_own_story() {
    let (mut app, posted) = with_backlog(5).await;
    app.start_worker();
    delivered(&app).await;
    for one in posted {
        let told = story(&app, &one.number, 3).await;
        let own = app.read_job(&one, JobState::Done).await;
        assert_eq!(super::words(&told), ["signal", "read", "announced"]);
        let id = told[1].job.as_str();
        assert!(id.ends_with(&one.id.to_string()), "{told:?}");
        assert_eq!(own.reason, "a post was enqueued");
    }
    assert_eq!(sizes(&together(&app)), [5]);
}

#[tokio::test]
async fn records_that_the_replica_does_not_show_are_asked_once_more_and_together_and_then_are_gone()
{
    let (mut app, posted) = with_backlog(4).await;
    let gone = Posted {
        company: app.company(),
        id: Uuid::from_u128(7),
        number: String::new(),
        status: InvoiceStatus::Open,
        modified: Timestamp::UNIX_EPOCH,
        version: 0,
    };
    tell(&app, gone.id, SystemClock.now()).await;
    let lag = FaultKind::StaleRead(PATIENCE);
    app.sim.add_fault(Fault::on("bc.read", lag));
    app.start_worker();
    delivered(&app).await;
    let requests = together(&app);
    assert_eq!(sizes(&requests), [5, 5]);
    assert!(!asks_the_main_database(&requests[0]));
    assert!(asks_the_main_database(&requests[1]));
    assert_eq!(app.read_job(&gone, JobState::Done).await.reason, "gone");
    for one in posted {
        let read = app.read_job(&one, JobState::Done).await;
        assert_eq!(read.reason, "a post was enqueued");
    }
}

#[tokio::test]
async fn a_company_that_is_not_there_is_never_taken_for_records_that_are_gone() {
    let (mut app, _) = with_backlog(3).await;
    let missing = FaultKind::Status(404, RetryAfter::Absent);
    app.sim.add_fault(
        Fault::on("bc.read", missing)
            .only("/purchaseInvoices")
            .times(1),
    );
    app.start_worker();
    delivered(&app).await;
    assert_eq!(app.sim.effect_count(), 3);
}

#[tokio::test]
async fn a_record_that_was_deleted_while_it_waited_is_not_read_with_the_others() {
    let (mut app, posted) = with_backlog(3).await;
    let deleted = &posted[1];
    app.sim.delete_purchase_invoice(&which(deleted)).unwrap();
    waiting(&app, 4).await;
    app.start_worker();
    let read = app.read_job(deleted, JobState::Done).await;
    assert_eq!(read.reason, "deleted in the source");
    app.until_idle().await;
    let requests = together(&app);
    assert_eq!(sizes(&requests), [2]);
    assert!(!requests[0].query.contains(&deleted.id.to_string()));
    assert_eq!(app.sim.effect_count(), 2);
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_halved_until_it_is_answered_and_fails_nobody() {
    let (mut app, posted) = with_backlog(8).await;
    let slow = FaultKind::Status(504, RetryAfter::Absent);
    app.sim.add_fault(
        Fault::on("bc.read", slow)
            .only("/purchaseInvoices")
            .times(2),
    );
    app.start_worker();
    delivered(&app).await;
    assert_eq!(sizes(&together(&app)), [8, 4, 2, 2, 4]);
    for one in posted {
        let read = app.read_job(&one, JobState::Done).await;
        assert_eq!((read.attempt, &*read.reason), (1, "a post was enqueued"));
    }
}

#[tokio::test]
async fn what_the_service_refuses_together_is_read_alone() {
    let (mut app, _) = with_backlog(4).await;
    let refused = FaultKind::Status(400, RetryAfter::Absent);
    app.sim.add_fault(
        Fault::on("bc.read", refused)
            .only("/purchaseInvoices")
            .times(2),
    );
    app.start_worker();
    delivered(&app).await;
    assert_eq!(sizes(&together(&app)), [4, 2, 2]);
    assert_eq!(alone(&app).len(), 2);
    assert_eq!(app.sim.effect_count(), 4);
}

#[tokio::test]
async fn a_record_that_has_no_number_yet_is_tried_again_by_itself_and_keeps_nobody_waiting() {
    let (mut app, posted) = with_backlog(3).await;
    app.expected.refusals = vec![404];
    app.sim.set_expect(false);
    let half_written = RecordChange::of("purchaseInvoices")
        .fields(json!({ "number": "" }))
        .posted();
    let made = app.sim.create_record(&half_written).unwrap();
    app.sim.set_expect(true);
    waiting(&app, 4).await;
    app.start_worker();
    for one in &posted {
        let read = app.read_job(one, JobState::Done).await;
        assert_eq!(read.reason, "a post was enqueued");
    }
    let half_written = Posted {
        company: made.company,
        id: made.id,
        ..posted[0].clone()
    };
    let read = app.read_job(&half_written, JobState::Scheduled).await;
    assert!(read.reason.contains("no number yet"), "{read:?}");
    let deleted = RecordChange::of("purchaseInvoices").id(made.id);
    app.sim.delete_record(&deleted).unwrap();
    // It may be looked for before the news of its end is here.
    let read = app.read_job(&half_written, JobState::Done).await;
    let reason = read.reason.as_str();
    assert!(
        matches!(reason, "gone" | "deleted in the source"),
        "{reason}"
    );
    assert_eq!(app.sim.effect_count(), 3);
}

#[tokio::test]
async fn a_change_that_comes_while_its_batch_is_read_causes_one_more_read() {
    let (mut app, posted) = with_backlog(3).await;
    let slow = FaultKind::Slow(Duration::from_millis(600));
    app.sim.add_fault(
        Fault::on("bc.read", slow)
            .only("/purchaseInvoices")
            .times(1),
    );
    app.start_worker();
    asked_together(&app).await;
    // It was read or will be: either way its news comes while its job runs.
    tell(&app, posted[2].id, SystemClock.now()).await;
    delivered(&app).await;
    app.until_idle().await;
    let told = story(&app, &posted[2].number, 5).await;
    let reads = told.iter().filter(|step| step.word == StepWord::Read);
    assert_eq!(reads.count(), 2, "{told:?}");
    assert_eq!(app.sim.effect_count(), 3);
}

#[tokio::test]
async fn a_worker_that_is_killed_in_the_middle_of_a_batch_loses_and_doubles_nothing() {
    let setting = Setting {
        reads_at_once: 1,
        lease_secs: 1,
        ..Setting::default()
    };
    let mut app = App::with(setting).await;
    app.stop_worker().await;
    post_many(&app, 6);
    waiting(&app, 6).await;
    let slow = FaultKind::Slow(Duration::from_secs(20));
    app.sim.add_fault(
        Fault::on("bc.read", slow)
            .only("/purchaseInvoices")
            .times(1),
    );
    app.start_worker();
    asked_together(&app).await;
    app.kill_worker();
    app.start_worker();
    delivered(&app).await;
    assert_eq!(app.sim.effect_count(), 6);
}

#[tokio::test]
async fn a_replay_is_read_by_itself_however_much_waits() {
    let (mut app, posted) = with_backlog(3).await;
    app.start_worker();
    delivered(&app).await;
    story(&app, &posted[0].number, 3).await;
    app.stop_worker().await;
    let before = alone(&app).len();
    post_many(&app, 3);
    waiting(&app, 6).await;
    let replay = format!("replay --document {}", posted[0].number);
    assert_eq!(app.command(&replay).await.code, 0);
    app.start_worker();
    delivered(&app).await;
    app.until_idle().await;
    assert_eq!(alone(&app).len(), before + 1);
    assert_eq!(sizes(&together(&app)), [3, 3]);
}

#[tokio::test]
async fn what_a_record_was_before_it_changed_again_is_told_as_passed_over() {
    let app = App::start().await;
    let posted = post(&app);
    delivered(&app).await;
    story(&app, &posted.number, 3).await;
    let news = posted.modified - SignedDuration::from_secs(1);
    tell(&app, posted.id, news).await;
    let told = story(&app, &posted.number, 6).await;
    assert!(told[4].detail.contains("passed over"), "{told:?}");
    assert!(!told[1].detail.contains("passed over"), "{told:?}");
}

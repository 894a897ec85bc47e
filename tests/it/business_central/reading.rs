//! Records that are gone, records that a replica does not show yet, and faults of the reads themselves.

use harness::{App, Setting};
use jiff::Timestamp;
use serde_json::json;
use signalbox_core::{Clock, SystemClock};
use signalbox_queue::JobState;
use signalbox_sim::{Fault, FaultKind, InvoiceStatus, Posted, RecordedRequest};
use uuid::Uuid;

use super::{delivered, post, send, subscription, which};

/// The reads of one record, in order.
fn reads(app: &App, record: Uuid) -> Vec<RecordedRequest> {
    let requests = app.sim.requests().into_iter();
    let key = format!("purchaseInvoices({record})");
    requests
        .filter(|request| request.method == "GET" && request.path.ends_with(&key))
        .collect()
}

fn intent(request: &RecordedRequest) -> Option<&str> {
    request
        .headers
        .get("data-access-intent")
        .map(String::as_str)
}

#[tokio::test]
async fn a_record_that_is_gone_is_done_after_one_more_look_at_the_main_database() {
    let mut app = App::start().await;
    app.expected.refusals = vec![404];
    let gone = Posted {
        company: app.company(),
        id: Uuid::from_u128(7),
        number: String::new(),
        status: InvoiceStatus::Open,
        modified: Timestamp::UNIX_EPOCH,
        version: 0,
    };
    let (company, record) = (gone.company, gone.id);
    let ours = subscription(&app);
    let news = json!({ "value": [{
        "subscriptionId": ours["subscriptionId"],
        "clientState": ours["clientState"],
        "resource": format!("api/v2.0/companies({company})/purchaseInvoices({record})"),
        "changeType": "updated",
        "lastModifiedDateTime": SystemClock.now().to_string(),
    }] });
    assert_eq!(send(&app, news.to_string()).await, 200);
    let read = app.read_job(&gone, JobState::Done).await;
    assert_eq!(read.reason, "gone");
    let reads = reads(&app, record);
    assert_eq!(reads.len(), 2);
    assert_ne!(intent(&reads[0]), Some("ReadWrite"));
    assert_eq!(intent(&reads[1]), Some("ReadWrite"));
}

#[tokio::test]
async fn a_record_that_was_deleted_is_done_without_a_read() {
    let app = App::start().await;
    let posted = post(&app);
    delivered(&app).await;
    let before = reads(&app, posted.id).len();
    app.sim.delete_purchase_invoice(&which(&posted)).unwrap();
    super::notified(&app, 2).await;
    let read = app.read_job(&posted, JobState::Done).await;
    assert_eq!(read.reason, "deleted in the source");
    assert_eq!(reads(&app, posted.id).len(), before);
}

#[tokio::test]
async fn a_record_that_the_replica_does_not_show_yet_is_read_from_the_main_database() {
    let app = App::start().await;
    let lag = FaultKind::StaleRead(harness::PATIENCE);
    app.sim.add_fault(Fault::on("bc.read", lag));
    let posted = post(&app);
    delivered(&app).await;
    let reads = reads(&app, posted.id);
    assert_eq!(reads[0].status, Some(404));
    assert_eq!(intent(&reads[1]), Some("ReadWrite"));
}

#[tokio::test]
async fn a_change_that_the_replica_does_not_show_yet_is_read_from_the_main_database() {
    let app = App::start().await;
    let posted = post(&app);
    delivered(&app).await;
    let later = posted.modified + jiff::SignedDuration::from_millis(300);
    app.until("the payment is later than the posting", async || {
        (SystemClock.now() > later).then_some(())
    })
    .await;
    let lag = FaultKind::StaleRead(harness::PATIENCE);
    app.sim.add_fault(Fault::on("bc.read", lag));
    app.sim.pay_purchase_invoice(&which(&posted)).unwrap();
    delivered(&app).await;
    assert_eq!(app.sim.effect_count(), 2);
}

#[tokio::test]
async fn reads_recover_from_whatever_a_service_in_trouble_answers() {
    let app = App::start().await;
    let faults = [
        FaultKind::Status(500, signalbox_sim::RetryAfter::Absent),
        FaultKind::Status(503, signalbox_sim::RetryAfter::Absent),
        FaultKind::Status(502, signalbox_sim::RetryAfter::Absent),
        FaultKind::Status(409, signalbox_sim::RetryAfter::Absent),
        FaultKind::Slow(std::time::Duration::from_millis(1200)),
        FaultKind::Reset,
        FaultKind::ResetAfterCommit,
        FaultKind::Garbage,
    ];
    for fault in faults {
        app.sim
            .add_fault(Fault::on("bc.read", fault.clone()).times(2));
        let posted = post(&app);
        delivered(&app).await;
        let read = app.read_job(&posted, JobState::Done).await;
        assert_eq!(read.reason, "a post was enqueued", "{fault:?}");
        app.sim.clear_faults();
    }
}

#[tokio::test]
async fn a_maintenance_page_in_place_of_answers_kills_no_job_however_often_it_comes() {
    let setting = Setting {
        attempts: 3,
        ..Setting::default()
    };
    let app = App::with(setting).await;
    app.sim
        .add_fault(Fault::on("bc.read", FaultKind::Garbage).times(5));
    post(&app);
    delivered(&app).await;
}

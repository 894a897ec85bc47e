//! An environment that is out of order: its lane waits for it, and no job is harmed.

use harness::{App, PATIENCE};
use signalbox_core::{Clock as _, LaneName, SystemClock};
use signalbox_queue::{JobState, LaneFault};
use signalbox_sim::{Fault, FaultKind, Posted, RetryAfter, SimHandle, Target};

use super::{delivered, post, post_many};

const UNAVAILABLE: FaultKind = FaultKind::Status(503, RetryAfter::Absent);

/// Why the lane of everything that is read is broken, once it is.
async fn broken(app: &App) -> LaneFault {
    let root = app.source_root();
    app.until("the lane is broken", async || {
        let lane = app.queue.lane(&root, &root).await.ok()?;
        lane.broken.map(|(fault, _)| fault)
    })
    .await
}

/// Whether the lane has never been broken, or is not any more.
async fn is_well(app: &App, root: &LaneName) -> bool {
    app.queue.lane(root, root).await.unwrap().broken.is_none()
}

async fn until_well(app: &App) {
    let root = app.source_root();
    app.until("the lane is mended", async || {
        is_well(app, &root).await.then_some(())
    })
    .await;
}

/// Returns once so many more requests of this kind have come.
async fn asked_again(app: &App, times: usize) {
    let before = app.asked(Target::BcRead);
    let asked = |sim: &SimHandle| {
        let requests = sim.requests().into_iter();
        let read = requests.filter(|request| request.target == Target::BcRead);
        read.count() >= before + times
    };
    assert!(
        app.sim.wait_until(asked, PATIENCE).await,
        "{}",
        app.standing()
    );
}

/// Every read has ended, and none of them by a fault of its own.
async fn unharmed(app: &App, all: &[Posted]) {
    for posted in all {
        let read = app.read_job(posted, JobState::Done).await;
        assert_eq!(read.faults, 0, "{read:?}");
    }
}

#[tokio::test]
async fn a_maintenance_window_breaks_the_lane_harms_no_job_and_all_is_announced_afterwards() {
    let app = App::start().await;
    app.sim.add_fault(Fault::on("bc", UNAVAILABLE));
    let mut all = post_many(&app, 12);
    let fault = broken(&app).await;
    let said = "Business Central has answered 503";
    assert!(fault.cause.starts_with(said), "{fault:?}");
    assert!(fault.cause.contains("times in a row"), "{fault:?}");
    assert!(fault.next_action.contains("maintenance"), "{fault:?}");
    // Those that were under way when it broke, and two that are probes.
    asked_again(&app, 6).await;
    all.extend(post_many(&app, 3));
    asked_again(&app, 2).await;
    let reads = app.sim.requests().into_iter();
    let reads: Vec<_> = reads.filter(|one| one.target == Target::BcRead).collect();
    let [.., before, last] = &*reads else {
        panic!("{}", app.standing());
    };
    let apart = before.at.duration_until(last.at);
    assert!(apart.as_millis() >= 500, "{apart:?} between two probes");
    app.sim.clear_faults();
    delivered(&app).await;
    unharmed(&app, &all).await;
    until_well(&app).await;
    assert_eq!(app.sim.effect_count(), 15);
}

#[tokio::test]
async fn a_fault_on_every_third_request_breaks_nothing() {
    let app = App::start().await;
    app.sim
        .add_fault(Fault::on("bc.read", UNAVAILABLE).every(3));
    let all = post_many(&app, 30);
    delivered(&app).await;
    unharmed(&app, &all).await;
    let root = app.source_root();
    let lane = app.queue.lane(&root, &root).await.unwrap();
    assert_eq!((lane.broken, lane.mended), (None, None));
}

#[tokio::test]
async fn an_outage_that_names_its_end_closes_the_gate_and_counts_as_well() {
    let app = App::start().await;
    let named = FaultKind::Status(503, RetryAfter::Secs(1));
    // Four are under way at once, so that five failures are heard before the first answer.
    app.sim.add_fault(Fault::on("bc.read", named).times(8));
    let all = post_many(&app, 6);
    let root = app.source_root();
    app.until("the lane was broken and is mended", async || {
        let lane = app.queue.lane(&root, &root).await.ok()?;
        lane.mended.filter(|_| lane.broken.is_none())
    })
    .await;
    // That no request came early is checked when the app is dropped.
    delivered(&app).await;
    unharmed(&app, &all).await;
}

#[tokio::test]
async fn a_record_that_cannot_be_answered_keeps_nobody_else_waiting() {
    let app = App::start().await;
    let broken = FaultKind::Status(500, RetryAfter::Absent);
    let bad = post(&app);
    let only = format!("purchaseInvoices({})", bad.id);
    app.sim.add_fault(Fault::on("bc.read", broken).only(only));
    asked_again(&app, 7).await;
    assert!(is_well(&app, &app.source_root()).await);
    let before = app.sim.effect_count();
    let good = post_many(&app, 5);
    let announced = app.sim.wait_for_effects(before + 5, PATIENCE).await;
    assert!(announced, "{}", app.standing());
    unharmed(&app, &good).await;
    app.sim.clear_faults();
    delivered(&app).await;
}

#[tokio::test]
async fn a_worker_that_starts_in_an_outage_waits_for_its_end_as_the_one_before_it_did() {
    let mut app = App::start().await;
    app.sim.add_fault(Fault::on("bc", UNAVAILABLE));
    let all = post_many(&app, 8);
    broken(&app).await;
    // The new one has counted no failure; it is told of the lane by Redis.
    app.restart_worker().await;
    asked_again(&app, 3).await;
    broken(&app).await;
    app.sim.clear_faults();
    delivered(&app).await;
    unharmed(&app, &all).await;
}

#[tokio::test]
async fn a_renewal_that_is_let_through_and_fails_does_not_open_the_lane() {
    let app = App::start().await;
    app.until_idle().await;
    app.sim.add_fault(Fault::on("bc", UNAVAILABLE));
    let root = app.source_root();
    let fault = LaneFault {
        cause: "it is out of order".to_owned(),
        next_action: "wait".to_owned(),
    };
    let every = std::time::Duration::from_millis(100);
    let now = SystemClock.now();
    let broken = app.queue.break_lane(&root, &root, &fault, (now, every));
    broken.await.unwrap();
    let ran = app.command("subscriptions renew").await;
    assert_eq!(ran.code, 0, "{ran:?}");
    asked_again(&app, 2).await;
    let lane = app.queue.lane(&root, &root).await.unwrap();
    assert!(lane.broken.is_some() && lane.mended.is_none(), "{lane:?}");
    app.sim.clear_faults();
    until_well(&app).await;
}

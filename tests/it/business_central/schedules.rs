//! Schedules: one tick for all processes, and what becomes of those that were missed or met an earlier one's work.
//!
//! The schedules tick once a year, so that nothing comes due while a test runs; what was missed is written down.

use std::time::Duration;

use harness::{App, Setting, route};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use signalbox::{assembly::Store, roles};
use signalbox_config::Queue as Kind;
use signalbox_core::{
    CatchUp, CatchUpPurpose, Clock, ConnectionName, JobId, Payload as _, RouteName, SCHEDULES,
    Schedule, ScheduleState, SystemClock,
};
use signalbox_jobs::plant;
use signalbox_queue::{JobFilter, JobState, NewJob, Pulse};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{delivered, post_many};

const SET: &str = "purchaseInvoices";

fn yearly(misfire: &str, overlap: &str) -> Setting {
    let schedule = format!(
        "schedule = {{ cron = \"0 0 1 1 *\", time_zone = \"Europe/Berlin\", misfire = \"{misfire}\", \
         overlap = \"{overlap}\" }}"
    );
    Setting::routes(&[&route("invoices", "Approvals", &schedule)])
}

fn now() -> Timestamp {
    SystemClock.now()
}

fn invoices() -> RouteName {
    RouteName::new("invoices").unwrap()
}

fn erp() -> ConnectionName {
    ConnectionName::new("erp").unwrap()
}

fn schedule(app: &App) -> Schedule {
    app.config().routes[&invoices()].schedule.clone().unwrap()
}

/// The id of the look that the tick at `at` makes.
fn look(app: &App, at: Timestamp) -> JobId {
    JobId::of_tick(
        &JobId::tick(&invoices(), at, false),
        &app.company_address(),
        SET,
    )
}

/// A look as a tick makes it.
fn looking(app: &App, id: JobId) -> NewJob {
    let config = app.config();
    let connection = config.business_central(&erp()).unwrap();
    let lanes = signalbox_jobs::source_lanes(connection, connection.first_environment());
    let look = CatchUp {
        company: app.company_address(),
        set: SET.to_owned(),
        purpose: CatchUpPurpose::Missed { since: Some(now()) },
    };
    NewJob::new(id, lanes, look, None).unwrap()
}

/// The state of the app's schedule.
async fn state(app: &App) -> ScheduleState {
    let register = app.queue.register(SCHEDULES);
    register.get("invoices").await.unwrap().unwrap()
}

/// An app without a worker where nothing ran for three years, and the ticks that it missed.
async fn down_for_years(setting: Setting) -> (App, Vec<Timestamp>) {
    let app = App::without_worker(setting, |_| {}).await;
    app.enter_company().await;
    let schedule = schedule(&app);
    let last = now() - SignedDuration::from_hours(3 * 366 * 24);
    set(&app, |state| {
        *state = ScheduleState::beginning(&schedule, last);
    })
    .await;
    let missed = schedule.between(last, now(), 9);
    (app, missed)
}

async fn set(app: &App, change: impl Fn(&mut ScheduleState)) {
    let beginning = ScheduleState::beginning(&schedule(app), now());
    let register = app.queue.register(SCHEDULES);
    let changed = register.update("invoices", |old: Option<ScheduleState>| {
        let mut state = old.unwrap_or_else(|| beginning.clone());
        change(&mut state);
        Some(state)
    });
    changed.await.unwrap();
}

/// The ids of the jobs of `queue`.
async fn ids(app: &App, queue: &str, state: Option<JobState>) -> Vec<JobId> {
    let filter = JobFilter {
        queue: Some(queue),
        state,
    };
    let page = app.queue.list_jobs(&filter, None, 500).await.unwrap();
    page.jobs.into_iter().map(|job| job.id).collect()
}

/// The looks that ticks have made.
async fn looks(app: &App) -> Vec<JobId> {
    let mut all = ids(app, &CatchUp::QUEUE.to_string(), None).await;
    all.retain(|id| id.as_str().contains("/schedule/"));
    all.sort();
    all
}

/// Waits until the first missed tick has run and says what it noted.
async fn ticked(app: &App, at: Timestamp) -> String {
    let id = JobId::tick(&invoices(), at, false);
    app.until("the tick has run", async || {
        let job = app.queue.find_job(&id).await.ok()??;
        (job.state == JobState::Done).then_some(job.reason)
    })
    .await
}

#[tokio::test]
async fn two_workers_and_an_ingress_make_one_tick_and_plant_one_next() {
    let (mut app, missed) = down_for_years(yearly("last", "skip")).await;
    let (config, stop, second) = (app.config(), CancellationToken::new(), TaskTracker::new());
    let stopped = stop.clone();
    second.spawn(async move {
        let store = Store::open(&config, "").await.unwrap();
        let kinds = [Kind::CatchUp].into();
        roles::worker(&config, &store, &kinds, Pulse::default(), stopped)
            .await
            .unwrap();
    });
    app.start_worker();
    ticked(&app, missed[0]).await;
    app.until_ready().await;
    assert_eq!(ids(&app, "tick", Some(JobState::Done)).await.len(), 1);
    let next = schedule(&app).next_after(now()).unwrap();
    let planted = ids(&app, "tick", Some(JobState::Scheduled)).await;
    assert_eq!(planted, [JobId::tick(&invoices(), next, false)]);
    let planted = app.queue.find_job(&planted[0]).await.unwrap().unwrap();
    assert_eq!(planted.due, Some(next));
    assert_eq!(looks(&app).await.len(), 1);
    stop.cancel();
    second.close();
    second.wait().await;
}

#[tokio::test]
async fn ticks_that_were_missed_while_everything_was_down_are_made_as_the_policy_says() {
    for (misfire, overlap) in [("skip", "skip"), ("last", "skip"), ("all", "allow")] {
        let (mut app, missed) = down_for_years(yearly(misfire, overlap)).await;
        assert_eq!(missed.len(), 3);
        app.start_worker();
        ticked(&app, missed[0]).await;
        app.until_ready().await;
        let made = match misfire {
            "skip" => &missed[3..],
            "last" => &missed[2..],
            _ => &missed[..],
        };
        let made: Vec<JobId> = made.iter().map(|at| look(&app, *at)).collect();
        assert_eq!(looks(&app).await, made, "{misfire}");
        assert_eq!(state(&app).await.last_tick, missed[2], "{misfire}");
    }
}

#[tokio::test]
async fn a_tick_that_meets_the_look_of_an_earlier_one_does_as_the_policy_says() {
    for (overlap, made) in [("skip", 0), ("allow", 1)] {
        let (mut app, missed) = down_for_years(yearly("last", overlap)).await;
        let earlier = JobId::new(["an earlier look"]);
        let job = looking(&app, earlier.clone()).held_with("until it is over");
        app.queue.enqueue(job).await.unwrap();
        set(&app, |state| state.work = Some(earlier.clone())).await;
        app.start_worker();
        let note = ticked(&app, missed[0]).await;
        app.until_ready().await;
        assert_eq!(note.contains("passed over"), made == 0, "{overlap}: {note}");
        assert_eq!(looks(&app).await.len(), made, "{overlap}");
        assert_eq!(state(&app).await.last_tick, missed[2], "{overlap}");
    }
}

#[tokio::test]
async fn a_tick_that_died_after_it_enqueued_its_look_makes_no_second_one() {
    let (mut app, missed) = down_for_years(yearly("last", "skip")).await;
    let job = looking(&app, look(&app, missed[2]));
    app.queue.enqueue(job).await.unwrap();
    app.start_worker();
    ticked(&app, missed[0]).await;
    app.until_ready().await;
    assert_eq!(looks(&app).await, [look(&app, missed[2])]);
    assert_eq!(state(&app).await.work, Some(look(&app, missed[2])));
}

#[tokio::test]
async fn a_tick_that_died_before_it_planted_the_next_plants_it_when_it_runs_again() {
    let (mut app, missed) = down_for_years(yearly("all", "allow")).await;
    plant(&app.queue, &invoices(), &schedule(&app), now())
        .await
        .unwrap();
    set(&app, |state| state.last_tick = missed[2]).await;
    app.start_worker();
    let note = ticked(&app, missed[0]).await;
    app.until_ready().await;
    assert_eq!(note, "its ticks were made already");
    assert_eq!(looks(&app).await, []);
    assert_eq!(ids(&app, "tick", Some(JobState::Scheduled)).await.len(), 1);
}

#[tokio::test]
async fn a_tick_that_a_person_cancelled_is_passed_over_and_the_next_one_is_planted() {
    let app = App::with(yearly("all", "allow")).await;
    let schedule = schedule(&app);
    let first = schedule.next_after(now()).unwrap();
    let id = JobId::tick(&invoices(), first, false);
    app.job(
        &signalbox_core::tick_lanes().top().clone(),
        &id,
        JobState::Scheduled,
    )
    .await;
    app.queue.cancel_job(&id, "not this year").await.unwrap();
    plant(&app.queue, &invoices(), &schedule, now())
        .await
        .unwrap();
    let second = schedule.next_after(first).unwrap();
    let planted = ids(&app, "tick", Some(JobState::Scheduled)).await;
    assert_eq!(planted, [JobId::tick(&invoices(), second, false)]);
    assert_eq!(state(&app).await.last_tick, first);
}

#[tokio::test]
async fn a_tick_by_hand_announces_what_was_never_notified_and_leaves_the_schedule_alone() {
    let mut setting = yearly("last", "skip");
    setting.cloud.notification_delay = Duration::from_secs(1_000_000);
    let app = App::with(setting).await;
    let before = state(&app).await;
    for count in [1, 2] {
        post_many(&app, 1);
        let ran = app.command("schedules run invoices").await;
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(ran.stdout.starts_with("schedule/invoices/"), "{ran:?}");
        assert!(ran.stdout.contains("/asked was enqueued"), "{ran:?}");
        delivered(&app).await;
        app.until_idle().await;
        assert_eq!(app.sim.effect_count(), count);
    }
    let after = state(&app).await;
    assert_eq!(after.last_tick, before.last_tick);
    let scope = app.company_address().scope();
    assert!(after.looked_until(&scope) > before.looked_until(&scope));
    let refused = app.command("schedules run other").await;
    assert_eq!(refused.code, 2, "{refused:?}");
}

#[tokio::test]
async fn schedules_are_listed_with_their_last_and_their_next_tick() {
    let app = App::with(yearly("last", "skip")).await;
    let next = schedule(&app).next_after(now()).unwrap();
    let id = JobId::tick(&invoices(), next, false);
    app.job(
        &signalbox_core::tick_lanes().top().clone(),
        &id,
        JobState::Scheduled,
    )
    .await;
    let listed = app.command("schedules list --json").await;
    assert_eq!(listed.code, 0, "{listed:?}");
    let rows: Value = serde_json::from_str(&listed.stdout).unwrap();
    let row = &rows[0];
    assert_eq!(row["route"], "invoices");
    assert_eq!(row["cron"], "0 0 1 1 *");
    assert_eq!(row["time_zone"], "Europe/Berlin");
    assert_eq!(row["next_tick"], next.to_string());
    assert_eq!(row["tick_state"], "scheduled");
    assert_eq!(row["work_state"], Value::Null);
    app.queue.cancel_job(&id, "not this year").await.unwrap();
    let listed = app.command("schedules list").await;
    assert_eq!(
        listed.code, 1,
        "a schedule that does not tick is well: {listed:?}"
    );
}

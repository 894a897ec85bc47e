//! A set that only grows: its entries are known by their numbers, and nothing that was there is listed.

use harness::{App, Setting};
use serde_json::json;
use signalbox_core::{JobId, ROUTES, RouteState};
use signalbox_sim::{RecordChange, RecordedRequest};

use super::{looks::Looking, story};

const SET: &str = "generalLedgerEntries";
const OLD: usize = 30;

/// A line that announces the ledger's entries, over those that were there before it.
async fn over_old_entries() -> App {
    let route = "
[routes.ledger]
from = { connection = \"erp\", entity = \"generalLedgerEntries\" }
to = { connection = \"teams\", team = \"Finance\", channel = \"Approvals\" }
";
    let setting = Looking::setting(Setting::routes(&[route]));
    let app = App::over(setting, |sim| {
        sim.seed_records(&RecordChange::of(SET), OLD).unwrap();
    })
    .await;
    let looking = Looking::over(app);
    looking.untold();
    looking.app
}

/// The requests for the set's records.
fn listings(app: &App) -> Vec<RecordedRequest> {
    let requests = app.sim.requests().into_iter();
    requests
        .filter(|request| request.method == "GET" && request.path.ends_with(SET))
        .collect()
}

/// The number up to which the route knew the ledger when it began.
async fn highest(app: &App) -> Option<i64> {
    let state: Option<RouteState> = app.queue.register(ROUTES).get("ledger").await.unwrap();
    let begun = state?.begun?;
    begun.get(&app.company_address().scope())?.highest
}

#[tokio::test]
async fn entries_from_before_the_route_are_known_by_the_highest_number_alone() {
    let app = over_old_entries().await;
    let highest = highest(&app).await.unwrap();
    assert!(highest >= i64::try_from(OLD).unwrap());
    let above = format!("entryNumber%20gt%20{highest}");
    for listing in listings(&app) {
        let query = &listing.query;
        assert!(query.contains("top=1") || query.contains(&above), "{query}");
    }
    Looking::at_set(&app, SET).polled().await;
    assert_eq!(app.sim.effect_count(), 0);
}

#[tokio::test]
async fn entries_that_no_notification_told_of_are_asked_for_by_their_numbers() {
    let app = over_old_entries().await;
    let highest = highest(&app).await.unwrap();
    let change = RecordChange::of(SET).fields(json!({ "description": "Rent" }));
    let made = app.sim.create_record(&change).unwrap();
    app.until("the entry is announced", async || {
        Looking::at_set(&app, SET).polled().await;
        (app.sim.effect_count() == 1).then_some(())
    })
    .await;
    let newest = listings(&app).pop().unwrap();
    let above = format!("entryNumber%20gt%20{highest}");
    assert!(newest.query.contains(&above), "{}", newest.query);
    let story = story(&app, &made.number, 2).await;
    assert_eq!(story[0].detail, "found by a poll");
    let mark = Looking::at_set(&app, SET).mark().await;
    let number: i64 = made.number.parse().unwrap();
    assert!(mark.numbers.is_some_and(|numbers| numbers.above <= number));
}

#[tokio::test]
async fn a_set_that_only_grows_is_not_swept() {
    let app = over_old_entries().await;
    let sweep = JobId::catch_up(&app.company_address(), SET, "sweep");
    assert!(
        app.queue
            .job(&app.source_root(), &sweep)
            .await
            .unwrap()
            .is_none()
    );
}

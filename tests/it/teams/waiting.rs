//! Channels, teams and bots that are missing: the job waits unharmed and says what to do.

use harness::{App, Setting, route};
use signalbox_queue::{JobState, JobView};
use signalbox_sim::Posted;

use super::{delivered, post};

/// A post that waits for a person, and why.
async fn waiting(app: &App, posted: &Posted, parts: &[&str]) -> JobView {
    let waiting = app.shut_in_post("invoices", &posted.number, "Open").await;
    assert_eq!(waiting.attempt, 0, "an attempt was burnt: {waiting:?}");
    for part in parts {
        assert!(waiting.reason.contains(part), "{part}: {}", waiting.reason);
    }
    assert_eq!(app.sim.effect_count(), 0);
    waiting
}

#[tokio::test]
async fn a_post_to_a_channel_that_does_not_exist_waits_until_it_does() {
    let routes = route("invoices", "Approvels", "");
    let app = App::with(Setting::routes(&[&routes])).await;
    let posted = post(&app);
    let parts = [
        "there is no channel `Approvels`",
        "`Approvals`",
        "correct the name",
    ];
    waiting(&app, &posted, &parts).await;
    app.sim.create_channel("Finance", "Approvels");
    delivered(&app).await;
    assert_eq!(app.sim.effects()[0].channel_name, "Approvels");
}

#[tokio::test]
async fn a_post_to_a_team_that_does_not_exist_waits_until_it_does() {
    let routes = route("invoices", "Approvals", "").replace("Finance", "Treasury");
    let app = App::with(Setting::routes(&[&routes])).await;
    let posted = post(&app);
    let parts = [
        "there is no team `Treasury`",
        "`Finance`",
        "correct the name",
    ];
    waiting(&app, &posted, &parts).await;
    app.sim.create_channel("Treasury", "Approvals");
    delivered(&app).await;
}

#[tokio::test]
async fn a_post_to_a_team_without_the_bot_waits_until_it_is_installed() {
    let mut app = App::start().await;
    app.expected.refusals = vec![403];
    app.sim.set_bot_installed("Finance", false);
    let posted = post(&app);
    let parts = ["BotNotInConversationRoster", "install the app in the team"];
    waiting(&app, &posted, &parts).await;
    app.sim.set_bot_installed("Finance", true);
    delivered(&app).await;
    let done = app
        .post_job("invoices", &posted.number, "Open", JobState::Done)
        .await;
    assert_eq!(done.reason, "announced");
}

#[tokio::test]
async fn a_card_over_the_size_limit_is_dead_with_its_size_and_the_limit_and_never_sent() {
    let setting = Setting {
        max_card_bytes: 300,
        ..Setting::default()
    };
    let mut app = App::with(setting).await;
    let posted = post(&app);
    let dead = app
        .post_job("invoices", &posted.number, "Open", JobState::Dead)
        .await;
    for part in ["may have 300", "shorten"] {
        assert!(dead.reason.contains(part), "{}", dead.reason);
    }
    assert_eq!(app.asked(signalbox_sim::Target::BotPost), 0);
    app.expected.dead = 1;
    app.expected.undelivered = 1;
}

//! Routes that are disabled or removed hold their posts, and these go on afterwards.

use harness::{App, Setting, route};
use signalbox_queue::JobState;

use super::{delivered, post};

#[tokio::test]
async fn a_disabled_route_holds_its_posts_and_they_go_on_when_it_is_enabled() {
    let disabled = route("invoices", "Approvals", "enabled = false");
    let mut app = App::with(Setting::routes(&[&disabled])).await;
    let posted = post(&app);
    app.post_job("invoices", &posted.number, "Open", JobState::Held)
        .await;
    assert_eq!(app.queue.held_count("route/invoices").await.unwrap(), 1);
    app.restart_worker().await;
    post(&app);
    app.until("the second one is held too", async || {
        let held = app.queue.held_count("route/invoices").await.ok()?;
        (held == 2).then_some(())
    })
    .await;
    assert_eq!(app.sim.effect_count(), 0);
    app.setting.routes = route("invoices", "Approvals", "");
    app.restart_worker().await;
    delivered(&app).await;
    assert_eq!(app.sim.effect_count(), 2);
}

#[tokio::test]
async fn a_removed_route_holds_what_was_on_its_way_and_it_goes_on_when_it_is_added_again() {
    let misspelt = route("invoices", "Later", "");
    let mut app = App::with(Setting::routes(&[&misspelt])).await;
    let posted = post(&app);
    app.shut_in_post("invoices", &posted.number, "Open").await;
    app.setting.routes = route("others", "General", "when = \"false\"");
    app.restart_worker().await;
    let held = app
        .post_job("invoices", &posted.number, "Open", JobState::Held)
        .await;
    for part in ["`invoices`", "not configured any more", "add it again"] {
        assert!(held.reason.contains(part), "{}", held.reason);
    }
    app.sim.create_channel("Finance", "Later");
    app.setting.routes = misspelt;
    app.restart_worker().await;
    delivered(&app).await;
    assert_eq!(app.sim.effects()[0].channel_name, "Later");
}

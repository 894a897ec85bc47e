//! Companies and environments that change their names or what stands behind them.

use harness::{App, Setting};
use signalbox_core::{COMPANIES, KnownCompany};
use signalbox_sim::{DEFAULT_COMPANY_NAME, DEFAULT_ENVIRONMENT};

use super::{delivered, post};

/// What the app knows of its companies, once `holds` does.
async fn known(app: &App, holds: impl Fn(&[KnownCompany]) -> bool) -> Vec<KnownCompany> {
    app.until("the companies are known", async || {
        let companies = app.queue.register(COMPANIES).list().await.ok()?;
        let companies: Vec<KnownCompany> = companies.into_iter().map(|(_, one)| one).collect();
        holds(&companies).then_some(companies)
    })
    .await
}

#[tokio::test]
async fn a_company_that_is_renamed_is_followed_under_its_id() {
    let app = App::start().await;
    app.sim
        .rename_company(DEFAULT_COMPANY_NAME, "CRONUS World")
        .unwrap();
    app.command("subscriptions renew").await;
    let renamed = |all: &[KnownCompany]| all.len() == 1 && all[0].name == "CRONUS World";
    let companies = known(&app, renamed).await;
    assert_eq!(companies[0].left, None);
    assert_eq!(companies[0].address.company, app.company());
    post(&app);
    delivered(&app).await;
}

#[tokio::test]
async fn a_company_that_is_made_anew_is_followed_as_a_new_one_and_a_person_is_told() {
    let app = App::start().await;
    let made = app.sim.recreate_company(DEFAULT_COMPANY_NAME).unwrap();
    app.command("subscriptions renew").await;
    let companies = known(&app, |all| all.len() == 2).await;
    let left = companies.iter().find(|one| one.left.is_some()).unwrap();
    assert_eq!(left.address.company, app.company());
    let followed = companies.iter().find(|one| one.left.is_none()).unwrap();
    assert_eq!(followed.address.company, made.id);
    let status = app.command("status").await;
    assert!(
        status.stdout.contains("stands for the company"),
        "{status:?}"
    );
    let subscribed = |sim: &signalbox_sim::SimHandle| sim.subscriptions().len() == 1;
    assert!(app.sim.wait_until(subscribed, harness::PATIENCE).await);
    app.until_ready().await;
    post(&app);
    delivered(&app).await;
}

#[tokio::test]
async fn one_company_that_is_missing_keeps_no_other_from_being_followed() {
    let setting = Setting {
        companies: Some(format!(
            "companies = [\"Nobody, Inc.\", \"{DEFAULT_COMPANY_NAME}\"]"
        )),
        ..Setting::default()
    };
    let app = App::with(setting).await;
    post(&app);
    delivered(&app).await;
}

#[tokio::test]
async fn an_environment_that_was_renamed_breaks_the_lane_with_the_names_that_there_are() {
    let mut app = App::start().await;
    app.expected.refusals = vec![404];
    let was = DEFAULT_ENVIRONMENT;
    app.sim.rename_environment(was, "Prod2").unwrap();
    app.command("subscriptions renew").await;
    let fault = app.until("the lane is broken", async || {
        let lanes = app.queue.changed_lanes(None).await.ok()?;
        let mut broken = lanes.into_iter().filter_map(|(_, view)| view.broken);
        broken.next().map(|(fault, _)| fault)
    });
    let fault = fault.await;
    assert!(fault.cause.contains("there is only `Prod2`"), "{fault:?}");
    assert!(fault.next_action.contains("renamed"), "{fault:?}");
    app.sim.rename_environment("Prod2", was).unwrap();
    post(&app);
    delivered(&app).await;
}

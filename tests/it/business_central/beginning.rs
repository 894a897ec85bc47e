//! Nothing old is announced as new: how routes begin, and what happens when Redis forgets.

use harness::{App, Setting, route};
use signalbox::assembly;
use signalbox_core::{CompanyAddress, ROUTES, RouteName, RoutePhase, RouteState};
use signalbox_queue::{JobState, Trail};
use signalbox_sim::{CompanySpec, NewInvoice, Share, Which};

use super::{delivered, looks::Looking, notified, post};

const OLD: usize = 60;

/// A line over invoices that were there before it.
async fn over_old_invoices() -> App {
    App::over(Setting::default(), |sim| {
        let new = NewInvoice::default();
        sim.seed_purchase_invoices(&new, OLD, 3).unwrap();
    })
    .await
}

async fn state(app: &App, route: &str) -> Option<RouteState> {
    let register = app.queue.register(ROUTES);
    register.get(route).await.ok().flatten()
}

#[tokio::test]
async fn invoices_from_before_the_route_are_never_announced_not_even_when_they_are_touched() {
    let app = over_old_invoices().await;
    assert_eq!(app.sim.rebuild_purchase_invoices(), OLD);
    notified(&app, OLD).await;
    app.until_idle().await;
    assert_eq!(app.sim.effect_count(), 0);
    post(&app);
    delivered(&app).await;
}

#[tokio::test]
async fn news_about_an_invoice_from_before_the_route_is_announced() {
    let app = over_old_invoices().await;
    let paid = app.sim.pay_purchase_invoice(&Which::number("PPI-108001"));
    paid.unwrap();
    delivered(&app).await;
    assert_eq!(app.sim.effect_count(), 1);
}

#[tokio::test]
async fn a_route_that_is_added_later_begins_with_a_baseline_of_its_own() {
    let mut app = App::start().await;
    let old = post(&app);
    delivered(&app).await;
    app.setting.routes += &route("later", "General", "");
    app.restart_worker().await;
    app.until_active().await;
    app.sim.touch_purchase_invoice(&super::which(&old)).unwrap();
    notified(&app, 2).await;
    let read = app.read_job(&old, JobState::Done).await;
    assert_eq!(
        read.reason,
        "already announced, known before the route began"
    );
    assert_eq!(app.sim.effect_count(), 1);
}

#[tokio::test]
async fn what_comes_while_a_baseline_runs_waits_and_is_announced_only_if_it_is_new() {
    let slow = signalbox_sim::FaultKind::Slow(std::time::Duration::from_millis(400));
    let mut app = App::without_worker(Setting::default(), |sim| {
        sim.seed_purchase_invoices(&NewInvoice::default(), OLD, 3)
            .unwrap();
        // The companies come first, then the baseline's listing.
        sim.add_fault(signalbox_sim::Fault::on("bc.read", slow).times(1).after(1));
    })
    .await;
    app.start_worker();
    app.until("the cloud knows the subscription", async || {
        (!app.sim.subscriptions().is_empty()).then_some(())
    })
    .await;
    app.sim
        .touch_purchase_invoice(&Which::number("PPI-108001"))
        .unwrap();
    notified(&app, 1).await;
    app.until_active().await;
    post(&app);
    delivered(&app).await;
    assert_eq!(app.sim.effect_count(), 1);
}

#[tokio::test]
async fn a_company_that_is_added_later_begins_with_a_baseline_of_its_own() {
    let setting = Setting {
        companies: Some("companies = \"all\"".to_owned()),
        erp: "poll_lag_secs = 1".to_owned(),
        ..Setting::default()
    };
    let app = App::with(setting).await;
    let added = CompanySpec::named("Later, Inc.");
    app.sim.add_company(added.clone()).unwrap();
    let new = NewInvoice {
        company: Some(added.name.clone()),
        ..NewInvoice::default()
    };
    app.sim.seed_purchase_invoices(&new, OLD, 3).unwrap();
    looked_after(&app).await;
    let address = CompanyAddress {
        company: added.id,
        ..app.company_address()
    };
    app.until("the route has begun there", async || {
        let begun = state(&app, "invoices").await?.begun?;
        begun.contains_key(&address.scope()).then_some(())
    })
    .await;
    app.sim.drop_notifications(Some(Share {
        percent: 100.0,
        seed: 1,
    }));
    let untold = app.sim.post_new_purchase_invoice(&new).unwrap();
    app.until("what came later is announced", async || {
        Looking::of(&app, address.clone()).polled().await;
        (app.sim.outstanding() == 0).then_some(())
    })
    .await;
    assert_eq!(untold.company, added.id);
    assert_eq!(app.sim.effect_count(), 1);
}

/// Has the environment looked after now.
async fn looked_after(app: &App) {
    let context = assembly::context(&app.config(), app.queue.clone(), Trail::nowhere()).unwrap();
    let fresh = signalbox_queue::Origin::Fresh;
    signalbox_jobs::bootstrap(&context, fresh).await.unwrap();
}

#[tokio::test]
async fn a_redis_that_forgot_everything_holds_all_routes_until_a_person_decides() {
    let app = over_old_invoices().await;
    let posted = post(&app);
    delivered(&app).await;
    app.redis.command("FLUSHALL");
    let held = async || {
        let state = state(&app, "invoices").await?;
        (state.phase == RoutePhase::Held).then_some(state)
    };
    let state = app.until("the route is held", held).await;
    assert!(
        state
            .reason
            .contains("`signalbox routes baseline invoices`"),
        "{}",
        state.reason
    );
    let taken_over = |sim: &signalbox_sim::SimHandle| {
        let requests = sim.requests().into_iter();
        let renewed = requests.filter(|one| one.method == "PATCH" && one.status == Some(200));
        renewed.count() == 1
    };
    assert!(app.sim.wait_until(taken_over, harness::PATIENCE).await);
    assert_eq!(app.sim.subscriptions().len(), 1);
    app.sim.rebuild_purchase_invoices();
    let document = &posted.number;
    app.post_job("invoices", document, "Open", JobState::Held)
        .await;
    assert_eq!(app.sim.effect_count(), 1);

    let context = assembly::context(&app.config(), app.queue.clone(), Trail::nowhere()).unwrap();
    let name = RouteName::new("invoices").unwrap();
    signalbox_jobs::restart_baseline(&context, &name)
        .await
        .unwrap();
    app.until_active().await;
    let post_job = app
        .post_job("invoices", document, "Open", JobState::Done)
        .await;
    assert_eq!(post_job.reason, "known before the route began");
    post(&app);
    delivered(&app).await;
    assert_eq!(app.sim.effect_count(), 2);
}

//! What one company or one set is refused stops nobody else.

use harness::{App, PATIENCE, Setting};
use signalbox_core::{LaneName, business_central_lanes, set_lanes};
use signalbox_sim::{CompanySpec, Fault, FaultKind, NewInvoice, RetryAfter, SimHandle};

const SET: &str = "purchaseInvoices";

/// An app that follows two companies.
async fn two_companies() -> App {
    let mut setting = Setting::default();
    setting
        .cloud
        .companies
        .push(CompanySpec::named("CRONUS DE"));
    setting.companies = Some("companies = \"all\"".to_owned());
    App::with(setting).await
}

fn post_in(app: &App, company: usize) {
    let company = &app.sim.config().companies[company];
    let new = NewInvoice {
        company: Some(company.name.clone()),
        ..NewInvoice::default()
    };
    app.sim.post_new_purchase_invoice(&new).unwrap();
}

/// Set, company and environment of the second company, as lanes.
fn lanes(app: &App) -> Vec<LaneName> {
    let environment = business_central_lanes("demo", "127.0.0.1", &app.sim.config().environment);
    let company = app.sim.config().companies[1].id;
    set_lanes(&environment, company, SET)
        .iter()
        .cloned()
        .collect()
}

async fn is_broken(app: &App, lane: &LaneName) -> Option<String> {
    let view = app.queue.lane(&app.source_root(), lane).await.unwrap();
    view.broken.map(|(fault, _)| fault.next_action)
}

#[tokio::test]
async fn a_set_that_may_not_be_read_in_one_company_waits_and_the_other_company_is_announced() {
    let app = two_companies().await;
    let company = app.sim.config().companies[1].id.to_string();
    let forbidden = FaultKind::Status(403, RetryAfter::Absent);
    app.sim
        .add_fault(Fault::on("bc.read", forbidden).only(format!("companies({company})")));
    post_in(&app, 1);
    let [set, of_company, root] = &*lanes(&app) else {
        panic!("three lanes");
    };
    let next = app
        .until("the lane of the set is broken", async || {
            is_broken(&app, set).await
        })
        .await;
    assert!(next.contains("permission"), "{next}");
    for above in [of_company, root] {
        assert_eq!(is_broken(&app, above).await, None, "{}", above.as_str());
    }
    post_in(&app, 0);
    let one = |sim: &SimHandle| sim.effect_count() == 1;
    assert!(
        app.sim.wait_until(one, PATIENCE).await,
        "{}",
        app.standing()
    );
    app.sim.clear_faults();
    super::delivered(&app).await;
    assert_eq!(app.sim.effect_count(), 2);
}

//! From a post job to one card in a channel, whatever happens to the request.

mod holding;
mod killing;
mod outage;
mod throttling;
mod unknown;
mod waiting;

use harness::{App, PATIENCE, Setting, route};
use signalbox_sim::{Fault, FaultKind, NewInvoice, Posted, SimHandle, Target};

/// Posts an invoice as people do.
fn post(app: &App) -> Posted {
    let new = NewInvoice::default();
    app.sim.post_new_purchase_invoice(&new).unwrap()
}

/// Waits until everything that ought to be announced is.
async fn delivered(app: &App) {
    let delivered = app.sim.wait_until_delivered(PATIENCE).await;
    assert!(delivered, "not announced; {}", app.standing());
}

/// Waits until so many requests to post a card have come.
async fn asked_to_post(app: &App, times: usize) {
    let asked = |sim: &SimHandle| {
        let requests = sim.requests().into_iter();
        requests.filter(|one| one.target == Target::BotPost).count() >= times
    };
    assert!(
        app.sim.wait_until(asked, PATIENCE).await,
        "{}",
        app.standing()
    );
}

/// The usual setting, but a second is given to what is committed late, however slow the machine is.
///
/// Without it a card that comes 820 ms after its 200 ms is posted a second time, as it would be in earnest.
fn long_unseen() -> Setting {
    Setting {
        visibility_delay_secs: 500,
        ..Setting::default()
    }
}

/// A line whose first request to post goes wrong like this.
async fn first_post(kind: FaultKind) -> App {
    let setting = match kind {
        FaultKind::LateCommit(_) => long_unseen(),
        _ => Setting::default(),
    };
    let app = App::with(setting).await;
    app.sim.add_fault(Fault::on("bot.post", kind).times(1));
    app
}

/// A line whose route holds what it cannot find out.
async fn holding() -> App {
    let holding = route("invoices", "Approvals", "on_unknown = \"hold\"");
    App::with(Setting::routes(&[&holding])).await
}

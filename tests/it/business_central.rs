//! From an invoice in Business Central to a card, through ingress, Redis and worker.

mod announcing;

use harness::{App, PATIENCE};
use signalbox_sim::{NewInvoice, Posted, Which};

/// Posts an invoice as people do.
fn post(app: &App) -> Posted {
    app.sim
        .post_new_purchase_invoice(&NewInvoice::default())
        .unwrap()
}

/// Waits until everything that ought to be announced is.
async fn delivered(app: &App) {
    let delivered = app.sim.wait_until_delivered(PATIENCE).await;
    assert!(delivered, "not announced; {}", app.standing());
}

/// Waits until the cloud has been told 2xx for so many changes.
async fn notified(app: &App, changes: usize) {
    let all = |sim: &signalbox_sim::SimHandle| {
        let taken = sim.notifications().into_iter();
        let taken = taken.filter(|sent| sent.status == Some(200));
        taken.map(|sent| sent.elements).sum::<usize>() >= changes
    };
    assert!(
        app.sim.wait_until(all, PATIENCE).await,
        "not notified; {}",
        app.standing()
    );
}

fn which(posted: &Posted) -> Which {
    Which::id(posted.id)
}

//! Teams out of order: posts wait for it, whether it is the way to the channel or what is asked beside it.

use harness::{App, PATIENCE};
use signalbox_core::{LaneName, graph_root};
use signalbox_queue::LaneFault;
use signalbox_sim::{Fault, FaultKind, RetryAfter, SimHandle};

use super::{asked_to_post, delivered, post};

const UNAVAILABLE: FaultKind = FaultKind::Status(503, RetryAfter::Absent);

async fn broken(app: &App, root: &LaneName) -> LaneFault {
    app.until("the lane is broken", async || {
        let lane = app.queue.lane(root, root).await.ok()?;
        lane.broken.map(|(fault, _)| fault)
    })
    .await
}

async fn mended(app: &App, root: &LaneName) {
    app.until("the lane is mended", async || {
        let lane = app.queue.lane(root, root).await.ok()?;
        lane.mended.filter(|_| lane.broken.is_none())
    })
    .await;
}

#[tokio::test]
async fn a_connector_that_is_out_of_order_breaks_its_lane_and_every_card_comes_once_afterwards() {
    let app = App::start().await;
    app.sim.add_fault(Fault::on("bot.post", UNAVAILABLE));
    for _ in 0..8 {
        post(&app);
    }
    let root = app.sink_root();
    let fault = broken(&app, &root).await;
    let said = "the Bot Connector of Teams has answered 503";
    assert!(fault.cause.starts_with(said), "{fault:?}");
    asked_to_post(&app, 7).await;
    app.sim.clear_faults();
    delivered(&app).await;
    mended(&app, &root).await;
    app.until_idle().await;
    assert_eq!(app.sim.effect_count(), 8);
}

#[tokio::test]
async fn graph_out_of_order_breaks_its_own_lane_and_is_asked_once_at_each_probe() {
    let app = App::start().await;
    app.sim.add_fault(Fault::on("graph", UNAVAILABLE));
    for _ in 0..8 {
        post(&app);
    }
    let cloud = app.sim.config();
    let root = graph_root("demo", "127.0.0.1", &cloud.tenant);
    let fault = broken(&app, &root).await;
    assert!(fault.cause.starts_with("Microsoft Graph"), "{fault:?}");
    let asked = graph_requests(&app.sim);
    let enough = |sim: &SimHandle| graph_requests(sim) >= asked + 8;
    assert!(
        app.sim.wait_until(enough, PATIENCE).await,
        "{}",
        app.standing()
    );
    let instants = instants(&app.sim);
    let [.., before, last] = &*instants else {
        panic!("{}", app.standing());
    };
    let apart = before.duration_until(*last);
    assert!(apart.as_millis() >= 500, "{apart:?} between two probes");
    let bot = app.queue.lane(&app.sink_root(), &app.sink_root()).await;
    assert_eq!(bot.unwrap().broken, None);
    app.sim.clear_faults();
    delivered(&app).await;
    mended(&app, &root).await;
}

fn instants(sim: &SimHandle) -> Vec<jiff::Timestamp> {
    let requests = sim.requests().into_iter();
    let graph = requests.filter(|one| one.target.as_str().starts_with("graph."));
    graph.map(|one| one.at).collect()
}

fn graph_requests(sim: &SimHandle) -> usize {
    instants(sim).len()
}

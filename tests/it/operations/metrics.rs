//! `/metrics`: what roles of a running system serve, and what the page about metrics says.

mod cards;
mod exposition;
mod page;

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use harness::{
    fleet::{Fleet, Process, Setting},
    until,
};
use signalbox_core::LaneName;
use signalbox_queue::{LaneFault, Queue};
use signalbox_sim::NewInvoice;

use self::exposition::Exposition;
use super::{Announce, Desk, Look};

async fn scrape(address: SocketAddr) -> anyhow::Result<Exposition> {
    let answer = reqwest::get(format!("http://{address}/metrics")).await?;
    let answer = answer.error_for_status()?;
    let kind = answer.headers()["content-type"].to_str()?.to_owned();
    assert_eq!(kind, "text/plain; version=0.0.4; charset=utf-8");
    Ok(Exposition::read(&answer.text().await?))
}

/// What only a system in trouble has: a lane that is closed and one that is broken.
async fn shut_lanes(queue: &Queue) {
    let lane = LaneName::new(["nobody's"]);
    let later = "2100-01-01T00:00:00Z".parse().unwrap();
    queue.close_lane(&lane, &lane, later, "429").await.unwrap();
    let fault = LaneFault {
        cause: "the secret has expired".to_owned(),
        next_action: "make a new one".to_owned(),
    };
    let probes = (later, Duration::from_secs(300));
    queue
        .break_lane(&lane, &lane, &fault, probes)
        .await
        .unwrap();
}

/// A fleet whose routes announce, with a card posted and a lane shut.
struct Scene {
    fleet: Fleet,
    roles: [Process; 2],
    at_ingress: SocketAddr,
    at_worker: SocketAddr,
}

impl Scene {
    /// Ends its processes.
    async fn end(self) {
        for role in self.roles {
            role.stop().await.unwrap();
        }
    }

    async fn play() -> Self {
        let setting = Setting {
            channels: 1,
            ..Setting::default()
        };
        let fleet = Fleet::prepare(setting).await.unwrap();
        let (ingress, at_ingress) = fleet.start_observed("ingress").unwrap();
        let (worker, at_worker) = fleet.start_observed("worker").unwrap();
        fleet.ready().await.unwrap();
        shut_lanes(&fleet.queue().await.unwrap()).await;
        let invoice = NewInvoice {
            purchaser: Some("P01".to_owned()),
            ..NewInvoice::default()
        };
        fleet.sim.post_new_purchase_invoice(&invoice).unwrap();
        // Counted once it is durable, which is after the card.
        until("the post's end was counted", async || {
            let served = scrape(at_worker).await.unwrap();
            let labels = [("queue", "post"), ("outcome", "done")];
            served.value("signalbox_jobs_total", &labels) == Some(1.0)
        })
        .await
        .unwrap();
        Self {
            fleet,
            roles: [ingress, worker],
            at_ingress,
            at_worker,
        }
    }
}

#[tokio::test]
async fn the_page_about_metrics_names_what_the_roles_serve_and_no_other() {
    let scene = Scene::play().await;
    let served = scrape(scene.at_worker).await.unwrap();
    assert_eq!(served.families(), &page::served_by("worker"));
    let served = scrape(scene.at_ingress).await.unwrap();
    assert_eq!(served.families(), &page::served_by("ingress"));
    let (all, at_all) = scene.fleet.start_observed("all").unwrap();
    until("the third role serves metrics", async || {
        scrape(at_all).await.is_ok()
    })
    .await
    .unwrap();
    // Its engines begin a moment after it is served.
    let expected = page::served_by("all");
    until("the third role serves all of them", async || {
        scrape(at_all).await.unwrap().families() == &expected
    })
    .await
    .unwrap();
    all.stop().await.unwrap();
    scene.end().await;
}

#[tokio::test]
async fn a_role_whose_redis_is_away_is_still_scraped() {
    let mut desk = Desk::new().await;
    desk.enqueue(&["a"], || Announce).await;
    let args = ["worker", "--queues", "read"];
    let role = Process::start(desk.dir.path(), "worker.log", &args).unwrap();
    let waiting = [("queue", "post"), ("state", "ready")];
    let depth = async || {
        let served = scrape(desk.observe).await.ok()?;
        served.value("signalbox_queue_depth", &waiting)
    };
    until("the depth is served", async || depth().await == Some(1.0))
        .await
        .unwrap();
    desk.redis.kill();
    let reading = [("queue", "read")];
    until("what redis knows is left out", async || {
        let served = scrape(desk.observe).await.unwrap();
        let age = served.value("signalbox_worker_fetch_age_seconds", &reading);
        assert!(age.is_some());
        served.value("signalbox_queue_depth", &waiting).is_none()
            && served.value("signalbox_redis_memory_bytes", &[]).is_none()
    })
    .await
    .unwrap();
    desk.redis.restart();
    until("what redis knows is there again", async || {
        let served = scrape(desk.observe).await.unwrap();
        served.value("signalbox_queue_depth", &waiting) == Some(1.0)
    })
    .await
    .unwrap();
    role.stop().await.unwrap();
}

#[tokio::test]
async fn the_gauges_say_what_the_status_says() {
    let desk = Desk::new().await;
    desk.bury(&["d-1", "d-2"], || Announce, "Forbidden").await;
    desk.enqueue(&["r-1", "r-2", "r-3"], || Look).await;
    let role = Process::start(desk.dir.path(), "ingress.log", &["ingress"]).unwrap();
    until("the role serves metrics", async || {
        scrape(desk.observe).await.is_ok()
    })
    .await
    .unwrap();
    let served = scrape(desk.observe).await.unwrap();
    let depth = |queue, state| {
        let labels = [("queue", queue), ("state", state)];
        served.value("signalbox_queue_depth", &labels)
    };
    assert_eq!(depth("post", "dead"), Some(2.0));
    assert_eq!(depth("read", "ready"), Some(3.0));
    assert_eq!(depth("read", "held"), Some(0.0));
    let of = |name: &str, queue| served.value(name, &[("queue", queue)]);
    assert_eq!(of("signalbox_dead_jobs", "post"), Some(2.0));
    assert_eq!(of("signalbox_dead_jobs", "read"), Some(0.0));
    assert_eq!(of("signalbox_queue_oldest_age_seconds", "post"), Some(0.0));
    assert!(of("signalbox_queue_oldest_age_seconds", "read").is_some());
    // An open lane has no sample.
    assert_eq!(served.samples("signalbox_gate_closed_seconds"), 0);
    assert_eq!(served.samples("signalbox_lane_broken"), 0);
    role.stop().await.unwrap();
}

#[tokio::test]
async fn scrapes_within_a_second_share_one_look_at_redis() {
    let desk = Desk::new().await;
    let role = Process::start(desk.dir.path(), "ingress.log", &["ingress"]).unwrap();
    until("the role serves metrics", async || {
        scrape(desk.observe).await.is_ok()
    })
    .await
    .unwrap();
    // An ingress without signals asks for nothing but this one thing of a look.
    let asked = || {
        let stats = desk.redis.command("INFO commandstats");
        let (_, calls) = stats.split_once("cmdstat_info:calls=").unwrap();
        calls.split_once(',').unwrap().0.parse::<u64>().unwrap()
    };
    let before = asked();
    let begun = Instant::now();
    for _ in 0..40 {
        scrape(desk.observe).await.unwrap();
    }
    let looks = asked() - before - 1;
    let seconds = begun.elapsed().as_secs() + 1;
    assert!(looks <= seconds, "{looks} looks in {seconds} s");
    role.stop().await.unwrap();
}

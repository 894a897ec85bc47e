//! SIGKILL while business goes on: of the worker, and of the embedded Redis.
//!
//! What counts as lost: a document that still has a status which was not announced. A status that a document has
//! left before any read of it was followed by a durable post is told separately: the signal was kept and the record
//! was read again, but what was there between two reads cannot be known (design, section 3).

use std::time::Duration;

use anyhow::Result;
use signalbox_queue::Queue;
use signalbox_sim::{Traffic, Verdict};
use tokio::time::{Instant, interval_at, sleep};

use super::{Criterion, Size, count};
use crate::fleet::{Fleet, Setting};

/// Steps of business per second.
const RATE: f64 = 40.0;

pub(super) async fn worker(size: Size) -> Result<Vec<Criterion>> {
    let rounds = size.pick(20, 4);
    let fleet = Fleet::prepare(Setting::default()).await?;
    let ingress = fleet.start("ingress")?;
    let mut worker = fleet.start("worker")?;
    fleet.ready().await?;
    let queue = fleet.queue().await?;
    let traffic = fleet.sim.start_traffic(business());
    let mut seconds = seconds();
    for _ in 0..rounds {
        seconds.tick().await;
        worker.kill().await?;
        worker = fleet.start("worker")?;
    }
    traffic.stop();
    let verdict = fleet.drain(&queue).await?;
    let mut criteria = judged("worker-killed", &fleet, &verdict).await?;
    criteria.insert(
        0,
        Criterion::exactly("worker-killed: kills", rounds, rounds),
    );
    worker.stop().await?;
    ingress.stop().await?;
    fleet.is_abandoned().await?;
    Ok(criteria)
}

pub(super) async fn redis(size: Size) -> Result<Vec<Criterion>> {
    let rounds: u64 = size.pick(5, 1);
    let fleet = Fleet::prepare(Setting::default()).await?;
    let ingress = fleet.start("ingress")?;
    let worker = fleet.start("worker")?;
    fleet.ready().await?;
    let queue = fleet.queue().await?;
    let traffic = fleet.sim.start_traffic(business());
    let mut kills = 0;
    for _ in 0..rounds {
        sleep(size.pick(Duration::from_secs(3), Duration::from_secs(1))).await;
        kills += u64::from(fleet.kill_redis());
        comes_back(&fleet, &queue).await?;
    }
    sleep(size.pick(Duration::from_secs(5), Duration::from_secs(1))).await;
    traffic.stop();
    let verdict = fleet.drain(&queue).await?;
    let mut criteria = judged("redis-killed", &fleet, &verdict).await?;
    criteria.insert(0, Criterion::exactly("redis-killed: kills", kills, rounds));
    worker.stop().await?;
    ingress.stop().await?;
    fleet.is_abandoned().await?;
    Ok(criteria)
}

fn business() -> Traffic {
    Traffic {
        rate_per_sec: RATE,
        ..Traffic::default()
    }
}

/// The first tick after a second, and no burst for those that were missed.
fn seconds() -> tokio::time::Interval {
    let second = Duration::from_secs(1);
    let mut seconds = interval_at(Instant::now() + second, second);
    seconds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    seconds
}

async fn comes_back(fleet: &Fleet, queue: &Queue) -> Result<()> {
    fleet
        .until("redis is started again", async || {
            queue.ping().await.is_ok()
        })
        .await
}

async fn judged(name: &str, fleet: &Fleet, verdict: &Verdict) -> Result<Vec<Criterion>> {
    let (_, dead) = fleet.ask("dead list").await?;
    let dead = dead.as_array().map_or(0, Vec::len);
    let lost = verdict.lost.list.iter();
    let superseded: Vec<_> = lost.filter(|finding| finding.superseded).collect();
    let gone = count(superseded.len());
    let called: Vec<String> = superseded
        .iter()
        .map(|finding| {
            let status = finding.status.as_deref().unwrap_or_default();
            format!("{} {status}", finding.number)
        })
        .collect();
    let gone_by = format!(
        "{name}: statuses that were gone at the next read {}",
        called.join(", ")
    );
    Ok(vec![
        Criterion::at_least(&format!("{name}: cards delivered"), verdict.delivered, 20),
        Criterion::none(&format!("{name}: lost"), verdict.lost.count - gone),
        Criterion::told(gone_by.trim_end(), gone),
        Criterion::none(&format!("{name}: duplicates"), verdict.duplicates.count),
        Criterion::none(&format!("{name}: unexpected"), verdict.unexpected.count),
        Criterion::none(&format!("{name}: dead"), count(dead)),
        Criterion::none(
            &format!("{name}: subscriptions deleted by an answer"),
            verdict.subscriptions_deleted_by_answer,
        ),
    ])
}
